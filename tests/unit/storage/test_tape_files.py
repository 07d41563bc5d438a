"""Tape files: nothing half-written, nothing durable lost unnoticed, nothing verified twice."""

import fcntl
import os
import signal
import threading
import time
from pathlib import Path

import numba
import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.errors import Damaged, NotATape, TapeError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import HEADER_BYTES, decode_header, hash_rows, memory_tape
from quintet.storage import tape_files
from quintet.storage.tape_files import (
    TapeWriter,
    durable_path,
    open_tape,
    verified_path,
    verify_tape,
    write_tape,
)
from tests.tape_rows import DESK_ORIGIN, ORIGIN, a_day, defined, depth, joined, row, trade


@pytest.fixture
def day(tmp_path):
    """A tape on disk with several blocks."""
    path = tmp_path / "day.tape"
    with TapeWriter(path, ORIGIN) as writer:
        writer.append(a_day(), rows_per_block=4)
    return path


def flip(path, byte):
    data = bytearray(path.read_bytes())
    data[byte] ^= 1
    path.write_bytes(data)


def last_block(path):
    """Offset of the last block."""
    data, offset, found = memoryview(path.read_bytes()), 0, 0
    while offset < len(data):
        found = offset
        header = decode_header(data[offset : offset + HEADER_BYTES])
        offset += HEADER_BYTES + header.row_count * 32
    return found


# ---- a new tape ----------------------------------------------------------------------------------------------


def test_what_is_written_is_what_is_read(day):
    tape = open_tape(day)
    assert tape.event_rows().tobytes() == a_day().tobytes()
    assert (tape.meta, tape.instruments, tape.hash) == (ORIGIN, [DEFAULT_SPOT], hash_rows(a_day()))


def test_a_tape_in_a_file_is_the_tape_in_memory(day):
    file, memory = open_tape(day), memory_tape(a_day(), meta=ORIGIN)
    assert (file.hash, file.census, file.definitions) == (memory.hash, memory.census, memory.definitions)
    assert numba.typeof(file.rows) == numba.typeof(memory.rows)
    assert not file.rows.flags.writeable


def test_a_new_tape_appears_whole_when_it_is_closed(tmp_path):
    path = tmp_path / "day.tape"
    writer = TapeWriter(path, ORIGIN)
    writer.append(a_day())
    assert not path.exists()
    writer.close()
    assert open_tape(path).n_positions == len(a_day())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["day.tape", "day.tape.durable", "day.tape.verified"]


def test_an_error_while_writing_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), TapeWriter(tmp_path / "day.tape", ORIGIN) as writer:
        writer.append(a_day())
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_existing_tape_is_not_replaced_unasked(day):
    with pytest.raises(TapeError, match="exists already"):
        TapeWriter(day, ORIGIN)
    assert list(day.parent.glob("*.part")) == []
    write_tape(day, ORIGIN, joined(defined(), trade(1)), replace=True)
    assert open_tape(day).n_positions == len(defined()) + 1


def test_a_tape_that_an_unfinished_one_was_to_replace_stays(day):
    before = day.read_bytes()
    with pytest.raises(TapeError), TapeWriter(day, ORIGIN, replace=True) as writer:
        writer.append(trade(1, price=-3))
    assert day.read_bytes() == before
    assert open_tape(day).hash == hash_rows(a_day())


def test_rows_that_break_a_law_leave_no_trace(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(a_day())
        length = path.stat().st_size
        for bad in (trade(9, price=-1), depth(9)[:-2], row(ev.HEADER, 9)):
            with pytest.raises(TapeError, match=f"position {len(a_day())}"):
                writer.append(bad)
        assert path.stat().st_size == length
        assert writer.append(trade(9)) == len(a_day())
    assert open_tape(path).n_positions == len(a_day()) + 1


def test_rows_of_another_shape_are_refused(tmp_path):
    with TapeWriter.record(tmp_path / "t", DESK_ORIGIN) as writer, pytest.raises((TapeError, TypeError, ValueError)):
        writer.append(np.zeros(3, [("price", "f8")]))


def test_blocks_hold_at_most_4096_rows_when_messages_allow(tmp_path):
    rows = joined(defined(), *[np.repeat(trade(1), 10_000)])
    tape = write_tape(tmp_path / "t", ORIGIN, rows)
    heads = tape.rows[(tape.rows["kind"] == ev.HEADER) & (tape.rows["bits"] == 1)]
    assert heads["price"].tolist()[1:] == [4096, 4096, 10_000 + len(defined()) - 8192]


def test_instruments_can_be_defined_by_the_writer(tmp_path):
    tape = write_tape(tmp_path / "t", ORIGIN, trade(5), [DEFAULT_SPOT])
    assert tape.instruments == [DEFAULT_SPOT]
    assert tape.census.first_ns == 5


@pytest.mark.parametrize("path", ["missing/day.tape", "."])
def test_a_place_that_cannot_be_written_is_named(tmp_path, path):
    with pytest.raises(TapeError, match=str(tmp_path)):
        TapeWriter(tmp_path / path, ORIGIN)


# ---- a desk's tape ------------------------------------------------------------------------------------------------


def test_a_recorded_tape_can_be_followed_while_it_grows(tmp_path):
    path = tmp_path / "desk.tape"
    writer = TapeWriter.record(path, DESK_ORIGIN)
    assert open_tape(path).n_positions == 0
    writer.append(defined())
    assert open_tape(path).n_positions == len(defined())
    writer.append(trade(3))
    assert open_tape(path).n_positions == len(defined()) + 1
    writer.abandon()
    assert open_tape(path).n_positions == len(defined()) + 1


def test_a_tape_goes_on_where_it_ended(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(a_day())
    with TapeWriter.resume(path) as writer:
        assert (writer.position, writer.cut_bytes, writer.meta) == (len(a_day()), 0, DESK_ORIGIN)
        assert writer.instruments == [DEFAULT_SPOT]
        with pytest.raises(TapeError, match="ts_recv is 1"):
            writer.append(trade(1))
        writer.append(trade(10))
    assert open_tape(path).hash == hash_rows(joined(a_day(), trade(10)))


def test_sync_moves_the_mark_to_what_was_appended(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(a_day())
        assert writer.durable_upto == 0
        assert writer.sync() == len(a_day())
        assert writer.durable_upto == len(a_day())
        assert f'"positions":{len(a_day())}' in durable_path(path).read_text()
        writer.append(trade(10))
    header = open_tape(path).rows[last_block(path) // 32]
    assert header.quantity == len(a_day()), "a block tells what was durable when it was written"


def test_an_old_mark_is_true_too(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(a_day())
        writer.sync(mark=False)
        assert writer.durable_upto == len(a_day())
        assert '"positions":0' in durable_path(path).read_text()
        writer.abandon()
    assert open_tape(path).n_positions == len(a_day())


def test_a_second_writer_is_refused(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN), pytest.raises(TapeError, match="another writer"):
        TapeWriter.resume(path)
    TapeWriter.resume(path).close()


def test_a_writer_that_was_overtaken_does_not_touch_the_others_tape(tmp_path, monkeypatch):
    # given a second writer that opened the unfinished file just before the first one finished
    path = tmp_path / "day.tape"
    first = TapeWriter(path, ORIGIN)
    first.append(a_day())

    def finish_first_then_lock(file, how):
        monkeypatch.undo()
        first.close()
        fcntl.flock(file, how)

    monkeypatch.setattr(fcntl, "flock", finish_first_then_lock)
    # when it gets its lock, on what is by now the finished tape
    with pytest.raises(TapeError, match="another writer"):
        TapeWriter(path, ORIGIN, replace=True)
    # then that tape is whole
    assert verify_tape(path).hash == hash_rows(a_day())


def test_a_failed_sync_ends_the_writer(tmp_path, monkeypatch):
    writer = TapeWriter.record(tmp_path / "desk.tape", DESK_ORIGIN)
    writer.append(a_day())

    def no_disk(_file):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", no_disk)
    with pytest.raises(TapeError, match="cannot sync: Input/output error"):
        writer.sync()
    monkeypatch.undo()
    with pytest.raises(TapeError, match="the writer stopped after an error"):
        writer.sync()
    with pytest.raises(TapeError, match="the writer stopped after an error"):
        writer.append(trade(10))
    writer.abandon()


def test_a_full_disk_ends_the_writer_and_the_tape_is_cut_back(tmp_path, monkeypatch):
    path = tmp_path / "desk.tape"
    writer = TapeWriter.record(path, DESK_ORIGIN)
    writer.append(a_day())
    writer.sync()

    def half_a_write(file, pieces):
        os.write(file, b"".join(pieces)[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "writev", half_a_write)
    with pytest.raises(TapeError, match="cannot append: No space left on device"):
        writer.append(trade(10))
    monkeypatch.undo()
    writer.abandon()
    with TapeWriter.resume(path) as writer:
        assert writer.cut_bytes == 50
        assert writer.position == len(a_day())


def test_a_short_write_is_completed(tmp_path, monkeypatch):
    def seven_bytes(file, pieces):
        return os.write(file, b"".join(pieces)[:7])

    monkeypatch.setattr(os, "writev", seven_bytes)
    assert write_tape(tmp_path / "t", ORIGIN, a_day()).hash == hash_rows(a_day())


def test_a_closed_writer_says_so(tmp_path):
    writer = TapeWriter.record(tmp_path / "desk.tape", DESK_ORIGIN)
    writer.close()
    writer.close()
    with pytest.raises(TapeError, match="the writer is closed"):
        writer.append(a_day())


# ---- torn and damaged ---------------------------------------------------------------------------------------


def test_a_torn_end_is_left_out_by_readers_and_cut_by_the_next_writer(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(a_day())
    with path.open("ab") as file:
        file.write(b"half a block")
    tape = open_tape(path)
    assert (tape.torn_bytes, tape.n_positions) == (12, len(a_day()))
    assert "12 bytes of a header" in tape.torn_reason
    with TapeWriter.resume(path) as writer:
        assert writer.cut_bytes == 12
        assert "12 bytes of a header" in writer.cut_reason
    assert verify_tape(path).torn_bytes == 0


def test_damage_before_the_mark_refuses_opening_and_names_the_block(day):
    flip(day, last_block(day) + 70)
    with pytest.raises(Damaged, match=r"day.tape: block \d+ \(byte \d+, position \d+\): the digest does not match"):
        open_tape(day)
    with pytest.raises(Damaged):
        TapeWriter.resume(day)


def test_without_its_mark_a_bad_last_block_is_torn_and_an_inner_one_is_damage(day):
    durable_path(day).unlink()
    flip(day, last_block(day) + 70)
    assert open_tape(day).torn_bytes > 0
    flip(day, 300)
    with pytest.raises(Damaged, match="a good block follows at byte"):
        open_tape(day)


def test_an_old_mark_does_not_make_a_torn_end_of_what_a_later_block_calls_durable(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(defined())
        lies_at = path.stat().st_size
        writer.append(depth(1))
        writer.sync(mark=False)
        writer.append(depth(2))
        writer.abandon()
    flip(path, lies_at + 80)
    with pytest.raises(Damaged, match="calls it durable"):
        TapeWriter.resume(path)


def test_a_file_shorter_than_its_mark_is_damage(day):
    os.truncate(day, last_block(day))
    with pytest.raises(Damaged, match="is lost from block"):
        open_tape(day)


def test_an_emptied_file_is_damage_while_its_mark_stands(day):
    os.truncate(day, 0)
    with pytest.raises(Damaged):
        open_tape(day)
    durable_path(day).unlink()
    with pytest.raises(NotATape, match="empty"):
        open_tape(day)


def test_a_mark_that_cannot_be_read_is_not_ignored(day):
    durable_path(day).write_text('{"format":1,"positions":"many"}')
    with pytest.raises(Damaged, match=r"day.tape.durable: .*positions"):
        open_tape(day, quote=False)


def test_an_empty_mark_says_nothing(day):
    durable_path(day).write_bytes(b"")
    assert open_tape(day, quote=False).n_positions == len(a_day())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "a folder, expected a tape file"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("time,open\n1,2\n"), "not a tape"),
        (lambda path: path.write_bytes(b"\x89QTAPE\x09" + bytes(99)), "is of format 9"),
    ],
)
def test_what_is_no_tape_is_said_to_be_none(tmp_path, make, message):
    path = tmp_path / "x.tape"
    make(path)
    with pytest.raises(NotATape, match=message):
        open_tape(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TapeError, match=r"gone.tape: cannot open the tape: No such file"):
        open_tape(tmp_path / "gone.tape")
    with pytest.raises(NotATape, match="no such file"):
        TapeWriter.resume(tmp_path / "gone.tape")


# ---- verified once -------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """How often a tape was read through."""
    calls = []
    real = tape_files.read_tape
    monkeypatch.setattr(tape_files, "read_tape", lambda *args: calls.append(args[1]) or real(*args))
    return calls


@pytest.mark.req("S-08")
def test_a_verified_tape_is_quoted_and_is_the_same_tape(day, counted):
    first, second = open_tape(day), open_tape(day)
    assert len(counted) == 1
    assert (first.hash, first.chain, first.census) == (second.hash, second.chain, second.census)
    assert (first.meta, first.definitions) == (second.meta, second.definitions)
    assert first.rows.tobytes() == second.rows.tobytes()
    assert numba.typeof(first.rows) == numba.typeof(second.rows)


def test_verify_reads_the_tape_whatever_was_found_before(day, counted):
    open_tape(day)
    verify_tape(day)
    assert len(counted) == 2


def test_a_changed_file_is_verified_again(day, counted):
    open_tape(day)
    with TapeWriter.resume(day) as writer:
        writer.append(trade(50))
    assert open_tape(day).n_positions == len(a_day()) + 1
    assert len(counted) == 3


def test_another_last_block_invalidates_even_at_the_same_length_and_time(day, counted):
    open_tape(day)
    status = day.stat()
    flip(day, last_block(day) + 33)
    os.utime(day, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(Damaged):
        open_tape(day)


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"format":1}'])
def test_a_verification_that_cannot_be_read_is_made_again(day, counted, text):
    verified_path(day).write_bytes(text)
    assert open_tape(day).hash == hash_rows(a_day())
    assert len(counted) == 1
    open_tape(day)
    assert len(counted) == 1


def test_a_torn_tape_is_never_quoted(day, counted):
    with day.open("ab") as file:
        file.write(b"torn")
    open_tape(day)
    open_tape(day)
    assert len(counted) == 2


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(day, monkeypatch):
    def read_only(*_args, **_keys):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tape_files, "_replace_json", read_only)
    assert open_tape(day).hash == hash_rows(a_day())
    assert not verified_path(day).exists()


# ---- crashes -------------------------------------------------------------------------------------------------


def test_a_tape_cut_at_any_byte_after_its_mark_can_be_gone_on_with(tmp_path):
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(defined())
        writer.sync()
        durable_bytes = path.stat().st_size
        for at in range(1, 7):
            writer.append(depth(at))
        writer.abandon()
    data, mark = path.read_bytes(), durable_path(path).read_bytes()
    for length in range(durable_bytes, len(data), 5):
        path.write_bytes(data[:length])
        durable_path(path).write_bytes(mark)
        with TapeWriter.resume(path) as writer:
            assert writer.cut_bytes == (length - durable_bytes) % (64 + 3 * 32)
            writer.append(trade(9))
        assert verify_tape(path).torn_bytes == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("commits_before_death", [0, 1, 7, 20, 50, 120])
def test_a_killed_writer_loses_nothing_that_it_called_durable(tmp_path, commits_before_death):
    # given a process that records, and tells us each position that it was promised
    path = tmp_path / "desk.tape"
    reader, teller = os.pipe()
    child = os.fork()
    if child == 0:
        record_for_ever(path, teller)
    os.close(teller)
    # when it is killed without warning
    promised = b""
    while promised.count(b"\n") <= commits_before_death:
        promised += os.read(reader, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    # then every promised position is there, and recording goes on
    position = int(promised.split()[-1])
    with TapeWriter.resume(path) as writer:
        assert writer.position >= position
        assert writer.append(trade(writer.position)) >= position
    assert verify_tape(path).torn_bytes == 0


def record_for_ever(path, teller):
    """Append and sync until killed; each durable position is written to the pipe."""
    try:
        writer = TapeWriter.record(path, DESK_ORIGIN)
        writer.append(defined())
        while True:
            writer.append(depth(writer.position))
            os.write(teller, b"%d\n" % writer.sync())
    finally:
        os._exit(1)


def test_two_threads_may_sync_at_once(tmp_path, monkeypatch):
    path, began, failed = tmp_path / "desk.tape", threading.Barrier(2), []
    replace = Path.replace

    def replace_later(part, target):
        time.sleep(0.05)
        return replace(part, target)

    def sync():
        began.wait()
        try:
            writer.sync()
        except TapeError as error:
            failed.append(str(error))

    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(a_day())
        monkeypatch.setattr(Path, "replace", replace_later)
        threads = [threading.Thread(target=sync) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        monkeypatch.undo()
        assert failed == []
        assert writer.durable_upto == len(a_day())


def test_a_sync_may_run_beside_appends(tmp_path):
    path = tmp_path / "desk.tape"
    done = threading.Event()
    reached = []
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(defined())

        def keep_syncing():
            while not done.is_set():
                reached.append(writer.sync())

        thread = threading.Thread(target=keep_syncing)
        thread.start()
        for at in range(500):
            writer.append(depth(at))
        done.set()
        thread.join()
    assert reached == sorted(reached)
    assert verify_tape(path).n_positions == len(defined()) + 1500
