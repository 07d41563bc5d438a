"""Blocks, chain, hash, and what a damaged or torn file is called."""

import numba
import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.errors import Damaged, NotATape, TapeError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import (
    EVENTS,
    HEADER_BYTES,
    META,
    ROW_BYTES,
    DurableMark,
    Source,
    TapeMeta,
    block_ends,
    decode_header,
    encode_header,
    encode_tape,
    hash_rows,
    memory_tape,
    meta_block,
    read_tape,
    scan_blocks,
    text_rows,
)
from tests.tape_rows import DESK_ORIGIN, ORIGIN, a_day, defined, depth, fact, joined, row, trade

HEADER = ev.HEADER
GOLDEN = "a6da150ab33387e39036d86d15cdb60c757e6962b28b4eaeaaf8b174a4ba4b86"


def a_tape(rows_per_block=4, messages=6):
    return encode_tape(a_day(messages), ORIGIN, rows_per_block)


def block_bounds(data):
    """(offset, end, first position) of every block, walked by the headers alone."""
    bounds, offset = [], 0
    while offset < len(data):
        header = decode_header(memoryview(data)[offset : offset + HEADER_BYTES])
        end = offset + HEADER_BYTES + header.row_count * ROW_BYTES
        bounds.append((offset, end, header.first_position))
        offset = end
    return bounds


def mark_of(data):
    scan = scan_blocks(memoryview(data))
    return DurableMark(1, scan.positions, scan.length, scan.chain.hex())


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_a_header_is_two_rows_of_kind_255():
    body = trade(1).tobytes()
    header, digest = encode_header(bytes(30), EVENTS, 7, 5, memoryview(body))
    rows = np.frombuffer(header, ev.ROW)
    assert rows["kind"].tolist() == [255, 255]
    assert rows["bits"].tolist() == [1, 2]
    assert (rows["ts_recv"][0], rows["quantity"][0], rows["price"][0]) == (7, 5, 1)
    assert decode_header(memoryview(header)) == (EVENTS, 7, 5, 1, digest)


def test_the_whole_file_is_one_array_with_headers_inside():
    tape = memory_tape(a_day(), meta=ORIGIN)
    kinds = tape.rows["kind"]
    assert kinds[0] == HEADER
    assert tape.rows.flags.writeable is False
    assert tape.event_rows().tobytes() == a_day().tobytes()
    assert tape.n_positions == len(a_day())
    assert tape.meta == ORIGIN


def test_a_tape_says_where_it_comes_from():
    meta = TapeMeta(
        synthetic=False,
        created_ns=5,
        tool_version="0.1.0",
        sources=(Source("ethusdt-5m.csv", "ab" * 32),),
        notes={"label": "a long text that needs more than one row to be told in full"},
    )
    assert memory_tape(a_day(), meta=meta).meta == meta


def test_instruments_are_defined_before_the_first_row():
    tape = memory_tape(trade(10), [DEFAULT_SPOT])
    assert tape.instruments == [DEFAULT_SPOT]
    assert tape.instrument_changes == []
    first = next(tape.events())
    assert (first.kind, first.ts_recv, first.position) == ("INSTRUMENT", 10, 0)


def test_an_empty_tape_is_a_tape():
    tape = memory_tape(np.zeros(0, ev.ROW))
    assert tape.n_positions == 0
    assert list(tape.events()) == []
    assert tape.hash == hash_rows(np.zeros(0, ev.ROW))


def test_events_fold_their_text_and_keep_their_positions():
    rows = joined(defined(), fact(1, "größe".encode()), trade(2))
    events = list(memory_tape(rows).events(len(defined())))
    assert [(e.kind, e.position, e.text) for e in events] == [
        ("FACT", len(defined()), "größe"),
        ("TRADE_BUY", len(defined()) + 2, None),
    ]


@pytest.mark.parametrize("length", [0, 1, 29, 30, 31, 60, 61, 1000])
def test_text_of_any_length_comes_back(length):
    payload = bytes(range(1, 256)) * 4
    events = list(memory_tape(fact(1, payload[:length])).events())
    assert events[0].text == payload[:length].decode(errors="replace")
    assert len(text_rows(payload[:length])) == max(1, -(-length // 30))


def test_blocks_end_where_messages_end():
    rows = joined(depth(1, 3), depth(2, 3), depth(3, 9), trade(4))
    assert block_ends(rows, 4) == [3, 6, 15, 16]
    assert block_ends(rows, 7) == [6, 15, 16]
    assert block_ends(rows, 100) == [16]
    assert block_ends(rows[:0], 4) == []


@pytest.mark.req("S-08")
def test_the_tape_hash_knows_nothing_of_blocks_or_origin():
    other_meta = TapeMeta(synthetic=False, created_ns=9, tool_version="2", notes={"made": "later"})
    hashes = {
        read_tape(encode_tape(a_day(), meta, size), "t")[0].hash
        for size in (1, 2, 3, 4096)
        for meta in (ORIGIN, other_meta)
    }
    assert hashes == {hash_rows(a_day())}


def test_the_tape_hash_is_what_it_was_in_every_version():
    # A change here is a change of every golden hash: it needs a new HASH_TAG and a line in the changelog.
    assert hash_rows(joined(trade(1), depth(2))) == GOLDEN


def test_the_chain_depends_on_where_blocks_fall():
    assert scan_blocks(memoryview(a_tape(3))).chain != scan_blocks(memoryview(a_tape(4))).chain


def test_rows_in_memory_and_rows_of_bytes_have_one_compiled_type():
    by_writer = memory_tape(a_day()).rows
    by_file = read_tape(bytearray(a_tape()), "t")[0].rows
    assert numba.typeof(by_writer) == numba.typeof(by_file)


def test_a_cut_at_any_byte_gives_back_the_whole_blocks_before_it():
    data = a_tape()
    bounds = block_bounds(data)
    for length in range(bounds[0][1], len(data)):
        whole = [end for _, end, _ in bounds if end <= length]
        tape, scan, _ = read_tape(data[:length], "t")
        assert scan.length == whole[-1]
        assert tape.torn_bytes == length - whole[-1]
        assert scan.chain == data[bounds[len(whole) - 1][0] + 32 :][:30]
        assert tape.event_rows().tobytes() == a_day()[: scan.positions].tobytes()


def test_a_cut_inside_the_first_block_leaves_no_tape():
    data = a_tape()
    for length in range(1, block_bounds(data)[0][1]):
        with pytest.raises(NotATape):
            read_tape(data[:length], "t")


def test_any_flipped_bit_of_what_was_durable_is_refused():
    data = a_tape()
    mark = mark_of(data)
    for bit in range(8 * len(data)):
        with pytest.raises((Damaged, NotATape)):
            read_tape(flipped(data, bit), "t", mark)


def test_any_flipped_bit_without_a_mark_is_damage_inside_and_torn_at_the_end():
    data = a_tape()
    bounds = block_bounds(data)
    last = bounds[-1][0]
    for bit in range(8 * len(data)):
        if bit < 8 * last:
            with pytest.raises((Damaged, NotATape)):
                read_tape(flipped(data, bit), "t")
        else:
            tape, scan, _ = read_tape(flipped(data, bit), "t")
            assert (scan.length, tape.torn_bytes) == (last, len(data) - last)


def test_damage_is_named_by_block_byte_and_position():
    data = a_tape()
    offset, _, position = block_bounds(data)[2]
    with pytest.raises(Damaged, match=rf"day.tape: block 2 \(byte {offset}, position {position}\): the digest"):
        read_tape(flipped(data, 8 * (offset + HEADER_BYTES + 3)), "day.tape")


def test_after_the_mark_a_bad_tail_is_torn_even_when_good_blocks_follow():
    # Blocks that were never synced may reach the disk in any order.
    data = a_tape()
    bounds = block_bounds(data)
    mark = mark_of(data[: bounds[1][1]])
    tape, scan, _ = read_tape(flipped(data, 8 * (bounds[2][0] + 70)), "t", mark)
    assert scan.length == bounds[1][1]
    assert "block 2" in tape.torn_reason


def test_a_file_shorter_than_its_mark_is_damage():
    data = a_tape()
    with pytest.raises(Damaged, match=r"bytes, expected at least \d+: the end that was durable"):
        read_tape(data[: block_bounds(data)[-1][0]], "t", mark_of(data))


def test_another_tape_under_the_same_name_is_damage():
    other = encode_tape(a_day(9), ORIGIN, 4)
    with pytest.raises(Damaged, match="not the tape that was made durable"):
        read_tape(other, "t", mark_of(a_tape()))


def test_blocks_swapped_or_repeated_are_found():
    data = a_tape()
    bounds = block_bounds(data)
    blocks = [data[start:end] for start, end, _ in bounds]
    for order in ([0, 2, 1, *range(3, len(blocks))], [0, 1, 1, *range(2, len(blocks))]):
        tape, scan, _ = read_tape(b"".join(blocks[n] for n in order), "t", mark_of(data[: bounds[0][1]]))
        assert scan.positions < len(a_day())
        assert tape.torn_bytes > 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"time,open,high\n1,2,3\n" * 9, "not a tape"),
        (b"PAR1" + bytes(100), "not a tape"),
        (bytes(4096), "not a tape"),
        (b"\x89QTA", "no whole first block"),
        (b"\x89QTAPE\x02" + bytes(200), "is of format 2, this version of quintet reads format 1"),
    ],
)
def test_what_is_no_tape_is_said_to_be_none(data, message):
    with pytest.raises(NotATape, match=message):
        read_tape(data, "day.tape")


def test_meta_that_cannot_be_read_is_refused():
    body = text_rows(b'{"synthetic":"perhaps"}').tobytes()
    header, _ = encode_header(bytes(30), META, 0, 0, memoryview(body))
    with pytest.raises(TapeError, match=r"meta block: .*synthetic"):
        read_tape(header + body, "t")


def test_a_first_block_of_events_is_refused():
    body = trade(1).tobytes()
    header, _ = encode_header(bytes(30), EVENTS, 0, 0, memoryview(body))
    with pytest.raises(NotATape, match="block type is 0, expected 1"):
        read_tape(header + body, "t")


def test_rows_that_break_a_law_are_refused_though_the_chain_is_whole():
    with pytest.raises(TapeError, match="price is -1"):
        memory_tape(joined(defined(), trade(1, price=-1)))


def test_a_message_may_not_cross_blocks():
    block, digest = meta_block(DESK_ORIGIN)
    first, second = joined(defined(), depth(1))[:-1], depth(1)[-1:]
    header1, digest = encode_header(digest, EVENTS, 0, 0, memoryview(first.tobytes()))
    header2, _ = encode_header(digest, EVENTS, len(first), 0, memoryview(second.tobytes()))
    with pytest.raises(TapeError, match="expected LAST"):
        read_tape(block + header1 + first.tobytes() + header2 + second.tobytes(), "t")


def test_a_header_hidden_among_rows_is_refused():
    rows = joined(defined(), trade(1), row(HEADER, 2))
    with pytest.raises(TapeError, match="rows bear a kind of their own"):
        read_tape(encode_tape(rows, ORIGIN), "t")
