"""The seal of a tape: it saves the walk over the blocks, and never a look at the bytes."""

import os
import threading

import msgspec
import pytest

from quintet.core.errors import Damaged, NotATape
from quintet.storage import tape_files
from quintet.storage.tape_files import TapeWriter, durable_path, open_tape, verified_path, verify_tape
from quintet.storage.tape_seals import read_seal, seal_path
from tests.tape_rows import DESK_ORIGIN, defined, depth, fact, trade


def a_life(path, last=20, seal_at=10, price=100):
    """A desk tape of many small blocks, sealed on the way; what lies behind the seal is durable as well."""
    for n in range(1, last + 1):
        writer = TapeWriter.resume(path) if path.exists() else TapeWriter.record(path, DESK_ORIGIN)
        with writer:
            if n == 1:
                writer.append(defined())
            for message in (trade(n, price), depth(n), fact(n)):
                writer.append(message)
            writer.sync()
            if n == seal_at:
                writer.seal()
    verified_path(path).unlink(missing_ok=True)
    return read_seal(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "desk.tape"


@pytest.fixture
def walks(monkeypatch):
    """How often a tape was walked from its first block."""
    calls = []
    real = tape_files.read_tape
    monkeypatch.setattr(tape_files, "read_tape", lambda *args: calls.append(args[1]) or real(*args))
    return calls


def flip(path, byte):
    data = bytearray(path.read_bytes())
    data[byte] ^= 1
    path.write_bytes(data)


# ---- what it saves -------------------------------------------------------------------------------------------


def test_a_sealed_tape_is_read_without_a_walk_and_is_the_same_tape(path, walks):
    seal = a_life(path)
    walks.clear()
    by_seal = open_tape(path)
    assert walks == []
    walked = verify_tape(path)
    assert walks == [str(path)]
    assert 0 < seal.positions < walked.n_positions
    assert (by_seal.hash, by_seal.chain, by_seal.census) == (walked.hash, walked.chain, walked.census)
    assert (by_seal.meta, by_seal.definitions) == (walked.meta, walked.definitions)
    assert by_seal.rows.tobytes() == walked.rows.tobytes()


def test_a_writer_that_goes_on_by_a_seal_writes_the_tape_that_one_without_would(path, walks):
    a_life(path)
    walks.clear()
    with TapeWriter.resume(path) as writer:
        at, known = writer.position, writer.instruments
        writer.append(trade(30))
    seal_path(path).unlink()
    assert walks == []
    with TapeWriter.resume(path) as writer:
        assert (writer.position, writer.instruments) == (at + 1, known)
    assert verify_tape(path).n_positions == at + 1


def test_each_seal_goes_on_where_the_one_before_ended_also_in_another_process(path, walks):
    first = a_life(path)
    with TapeWriter.resume(path) as writer:
        writer.seal()
        second = read_seal(path)
        writer.append(trade(30))
        writer.sync()
        writer.seal()
    third = read_seal(path)
    assert first.length_bytes < second.length_bytes < third.length_bytes == path.stat().st_size
    walks.clear()
    verified_path(path).unlink(missing_ok=True)
    assert open_tape(path).n_positions == third.positions
    assert walks == []


def test_only_what_is_on_the_disk_is_sealed(path):
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(defined())
        writer.sync()
        durable_bytes = path.stat().st_size
        writer.append(trade(1))
        writer.seal()
        assert read_seal(path).length_bytes == durable_bytes


def test_a_tape_of_nothing_is_not_sealed(path):
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.seal()
    assert read_seal(path) is None


def test_a_seal_may_be_left_while_the_tape_grows(path, walks):
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(defined())
        stop = threading.Event()

        def seal_for_ever():
            while not stop.is_set():
                writer.seal()

        sealing = threading.Thread(target=seal_for_ever)
        sealing.start()
        for n in range(1, 300):
            writer.append(depth(n))
            writer.sync(mark=False)
        stop.set()
        sealing.join()
        writer.seal()
    walks.clear()
    assert open_tape(path).n_positions == read_seal(path).positions
    assert walks == []


def test_a_folder_that_cannot_be_written_costs_the_next_start_a_walk_and_nothing_else(path, monkeypatch):
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(defined())
        writer.sync()
        with monkeypatch.context() as patch:
            patch.setattr(tape_files, "_replace_json", lambda *args, **keys: (_ for _ in ()).throw(PermissionError(13)))
            writer.seal()
        writer.append(trade(1))
    assert read_seal(path) is None
    assert open_tape(path).n_positions > 1


def test_the_next_writer_of_a_process_does_not_read_again_what_nobody_has_changed(path, monkeypatch):
    a_life(path)
    with TapeWriter.resume(path) as writer:
        known = writer.known
    looks = []
    real = tape_files._map
    monkeypatch.setattr(tape_files, "_map", lambda of: looks.append(of) or real(of))
    with TapeWriter.resume(path, known) as writer:
        assert looks == []
        writer.append(trade(30))
    # and one that somebody has written to meanwhile is read
    with TapeWriter.resume(path, known) as writer:
        assert looks == [path]
        assert writer.position == known.extent.positions + 1
    assert verify_tape(path).n_positions == known.extent.positions + 1


# ---- what it does not hide -----------------------------------------------------------------------------------


def test_any_byte_that_changed_before_the_seal_is_found_and_its_block_is_named(path):
    seal = a_life(path, last=4, seal_at=3)
    data = path.read_bytes()
    for byte in range(64, seal.length_bytes, 7):
        path.write_bytes(data)
        flip(path, byte)
        with pytest.raises((Damaged, NotATape), match=r"block \d+ \(byte \d+, position \d+\)|calls it durable"):
            open_tape(path)
        with pytest.raises((Damaged, NotATape)):
            TapeWriter.resume(path)


def test_any_byte_that_changed_behind_the_seal_and_was_durable_is_found(path):
    seal = a_life(path, last=4, seal_at=2)
    data = path.read_bytes()
    for byte in range(seal.length_bytes, len(data), 5):
        path.write_bytes(data)
        flip(path, byte)
        with pytest.raises(Damaged, match=r"block \d+ \(byte \d+, position \d+\)"):
            open_tape(path)


def test_a_damaged_end_is_named_as_a_walk_names_it(path):
    seal = a_life(path, last=4, seal_at=2)
    flip(path, seal.length_bytes + 70)
    with pytest.raises(Damaged) as by_seal:
        open_tape(path)
    with pytest.raises(Damaged) as walked:
        verify_tape(path)
    assert str(by_seal.value) == str(walked.value)


@pytest.mark.parametrize("kept_share", [0.0, 0.3, 0.7, 0.99])
def test_a_tape_that_was_cut_is_damage_wherever_its_seal_lies(path, kept_share):
    seal = a_life(path)
    size = path.stat().st_size
    os.truncate(path, int(seal.length_bytes * kept_share))
    with pytest.raises(Damaged, match="lost from block|no whole first block|bytes, expected at least"):
        open_tape(path)
    assert size > seal.length_bytes


def test_a_torn_end_behind_the_seal_is_cut_back_and_told(path):
    a_life(path)
    with path.open("ab") as file:
        file.write(b"half a block")
    tape = open_tape(path)
    assert tape.torn_bytes == 12
    with TapeWriter.resume(path) as writer:
        assert (writer.cut_bytes, writer.cut_reason) == (12, tape.torn_reason)
        writer.append(trade(30))
    assert verify_tape(path).torn_bytes == 0


def test_a_mark_older_than_the_seal_still_holds_and_one_of_another_tape_does_not(path, tmp_path):
    old = a_life(path, last=4, seal_at=4)
    other = tmp_path / "other.tape"
    a_life(other, last=2, seal_at=1, price=99)
    with TapeWriter.resume(path) as writer:
        mark = durable_path(path).read_bytes()
        writer.append(trade(30))
        writer.sync(mark=False)
        writer.seal()
        writer.abandon()
    durable_path(path).write_bytes(mark)
    assert read_seal(path).length_bytes > old.length_bytes
    assert open_tape(path).torn_bytes == 0
    verified_path(path).unlink(missing_ok=True)
    durable_path(path).write_bytes(durable_path(other).read_bytes())
    with pytest.raises(Damaged, match="not the tape that was made durable"):
        open_tape(path)


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"format":1}', b'{"format":2}'])
def test_a_seal_that_cannot_be_read_says_nothing(path, walks, text):
    a_life(path)
    seal_path(path).write_bytes(text)
    walks.clear()
    assert open_tape(path).torn_bytes == 0
    assert len(walks) == 1


@pytest.mark.parametrize("field", ["blocks", "positions", "length_bytes", "last_block"])
@pytest.mark.parametrize("by", [-1, 1, 32, 10**9])
def test_a_seal_with_another_number_changes_nothing_that_is_found(path, field, by):
    seal = a_life(path)
    walked = verify_tape(path)
    verified_path(path).unlink(missing_ok=True)
    wrong = msgspec.structs.replace(seal, **{field: getattr(seal, field) + by})
    seal_path(path).write_bytes(msgspec.json.encode(wrong))
    tape = open_tape(path)
    assert (tape.hash, tape.chain, tape.census, tape.torn_bytes) == (walked.hash, walked.chain, walked.census, 0)


def test_the_seal_of_another_tape_says_nothing(path, tmp_path, walks):
    other = tmp_path / "other.tape"
    a_life(path)
    a_life(other, last=15, seal_at=9, price=99)
    seal_path(path).write_bytes(seal_path(other).read_bytes())
    expected = verify_tape(path).hash
    verified_path(path).unlink(missing_ok=True)
    walks.clear()
    with TapeWriter.resume(path) as writer:
        writer.append(trade(30))
    assert walks
    assert expected != verify_tape(path).hash


def test_a_tape_that_takes_the_place_of_another_does_not_inherit_its_seal(path):
    a_life(path)
    with TapeWriter(path, DESK_ORIGIN, replace=True) as writer:
        writer.append(defined())
    assert not seal_path(path).exists()
