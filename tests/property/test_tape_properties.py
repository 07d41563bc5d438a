"""Laws of the tape: nothing is lost, nothing changes unnoticed, the hash is the rows' own."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.errors import Damaged, NotATape, TapeError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.row_laws import Inspector, frozen
from quintet.core.tape import (
    DurableMark,
    encode_tape,
    hash_rows,
    memory_tape,
    read_tape,
    scan_blocks,
)
from quintet.core.tape_splice import cut_rows, merge_rows
from quintet.storage.parquet import export_tape, frame_rows, import_tape, tape_frame
from quintet.storage.tape_files import TapeWriter, open_tape
from tests.tape_rows import DESK_ORIGIN, ORIGIN, bar, defined, depth, fact, joined, row, trade

FEW = settings(max_examples=40, deadline=None)

prices = st.integers(1, ev.PRICE_MAX)
quantities = st.integers(0, ev.QUANTITY_MAX)
makers = st.one_of(
    st.builds(lambda price, quantity: lambda at: trade(at, price, quantity), prices, quantities),
    st.builds(lambda levels: lambda at: depth(at, levels), st.integers(1, 9)),
    st.builds(lambda ohlc, frame: lambda at: bar(at, ohlc, frame), st.just((100, 110, 90, 105)), st.integers(1, 12)),
    st.builds(
        lambda name, value: lambda at: fact(at, name, value), st.binary(max_size=90), st.integers(-(10**12), 10**12)
    ),
    st.builds(lambda quantity: lambda at: row(ev.TIMER, at, 0, quantity), quantities),
    st.just(lambda at: row(ev.FEED_GAP, at, 0, -1)),
)


@st.composite
def rows_of_a_tape(draw, at_most=25, instrument=DEFAULT_SPOT):
    """Whole messages of all sorts behind a definition, times never decreasing."""
    messages, at = [defined(0, 0, instrument)], 0
    for maker in draw(st.lists(makers, max_size=at_most)):
        at += draw(st.integers(0, 3))
        messages.append(maker(at))
    return joined(*messages)


sizes = st.integers(1, 40)


@pytest.mark.req("S-08")
@FEW
@given(rows_of_a_tape(), sizes, sizes)
def test_rows_come_back_and_their_hash_does_not_know_the_blocks(rows, one_size, other_size):
    one = read_tape(encode_tape(rows, DESK_ORIGIN, one_size), "one")[0]
    other = read_tape(encode_tape(rows, DESK_ORIGIN, other_size), "other")[0]
    assert one.event_rows().tobytes() == rows.tobytes()
    assert one.hash == other.hash == hash_rows(rows)
    assert one.census == other.census


@FEW
@given(rows_of_a_tape(), sizes, st.data())
def test_a_cut_anywhere_gives_back_whole_blocks_with_the_right_chain(rows, size, data):
    whole = encode_tape(rows, DESK_ORIGIN, size)
    first_end = scan_blocks(memoryview(whole[: len(encode_tape(rows[:0], DESK_ORIGIN))])).length
    length = data.draw(st.integers(first_end, len(whole)))
    tape, scan, _ = read_tape(whole[:length], "cut")
    assert tape.event_rows().tobytes() == rows[: tape.n_positions].tobytes()
    assert scan.chain == scan_blocks(memoryview(whole[: scan.length])).chain
    assert tape.torn_bytes == length - scan.length
    # and what was appended next would have been the block that is missing
    assert scan_blocks(memoryview(whole)).length == len(whole)


@settings(max_examples=120, deadline=None)
@given(rows_of_a_tape(12), sizes, st.data())
def test_any_flipped_bit_is_found_and_refused_where_it_was_durable(rows, size, data):
    whole = encode_tape(rows, DESK_ORIGIN, size)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << (bit % 8)
    scan = scan_blocks(memoryview(whole))
    mark = DurableMark(1, scan.positions, scan.length, scan.chain.hex())
    with pytest.raises((Damaged, NotATape)):
        read_tape(bytes(changed), "changed", mark)
    try:
        tape, _, _ = read_tape(bytes(changed), "changed")
    except (Damaged, NotATape):
        return
    assert 0 < tape.torn_bytes <= len(whole) - bit // 8 + 64 + 32 * len(rows)
    assert tape.event_rows().tobytes() == rows[: tape.n_positions].tobytes()


@FEW
@given(rows_of_a_tape(), st.data())
def test_a_tape_written_in_pieces_is_the_tape_written_at_once(tmp_path_factory, rows, data):
    ends = (np.flatnonzero(rows["bits"] & ev.LAST) + 1).tolist()
    stops = sorted({*data.draw(st.lists(st.sampled_from(ends), max_size=4)), len(rows)})
    path = tmp_path_factory.mktemp("pieces") / "desk.tape"
    start = 0
    for stop in stops:
        writer = TapeWriter.resume(path) if path.exists() else TapeWriter.record(path, DESK_ORIGIN)
        with writer:
            assert writer.append(rows[start:stop]) == start
        start = stop
    assert open_tape(path).hash == hash_rows(rows)


@FEW
@given(rows_of_a_tape(8))
def test_the_columns_of_a_tape_are_the_tape(rows):
    tape = memory_tape(rows)
    assert frame_rows(tape_frame(tape)).tobytes() == rows.tobytes()


@settings(max_examples=10, deadline=None)
@given(rows_of_a_tape())
def test_export_and_import_keep_the_hash(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("export")
    export_tape(memory_tape(rows), folder / "x.parquet")
    assert import_tape(folder / "x.parquet", folder / "x.tape").hash == hash_rows(rows)


@FEW
@given(rows_of_a_tape(), st.integers(0, 60), st.integers(0, 60))
def test_a_cut_in_two_holds_every_message_once(rows, one, other):
    tape = memory_tape(rows)
    low, high = sorted((one, other))
    windows = [(None, low), (low, high), (high, None)]
    pieces = [memory_tape(cut_rows(tape, *window)) for window in windows]
    assert sum(len(facts(piece)) for piece in pieces) == len(facts(tape))
    assert [each for piece in pieces for each in facts(piece)] == facts(tape)


def facts(tape):
    return [event._replace(position=0) for event in tape.events() if event.kind != "INSTRUMENT"]


symbols = [msgspec.structs.replace(DEFAULT_SPOT, symbol=name) for name in ("AAA", "BBB", "CCC")]
disjoint = st.tuples(*(rows_of_a_tape(8, instrument) for instrument in symbols))


def of_instruments(rows):
    """Rows without the messages that belong to no instrument: those tie by the number of their source."""
    kinds = {ev.FACT, ev.TIMER}
    return joined(*(m for m in messages_of(rows) if int(m["kind"][0]) not in kinds))


def messages_of(rows):
    ends = (np.flatnonzero(rows["bits"] & ev.LAST) + 1).tolist()
    return [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@FEW
@given(disjoint, st.permutations([0, 1, 2]))
def test_merging_disjoint_sources_knows_no_order_of_sources(parts, order):
    tapes = [memory_tape(of_instruments(part), meta=ORIGIN) for part in parts]
    assert hash_rows(merge_rows(tapes)) == hash_rows(merge_rows([tapes[n] for n in order]))


@FEW
@given(disjoint)
def test_a_merged_tape_is_lawful_sorted_and_keeps_each_source_in_order(parts):
    parts = [of_instruments(part) for part in parts]
    merged = memory_tape(merge_rows([memory_tape(part) for part in parts]))
    times = [event.ts_recv for event in merged.events()]
    assert times == sorted(times)
    for number, part in enumerate(parts):
        mine = [event for event in facts(merged) if event.instrument == number]
        assert mine == [event._replace(instrument=number) for event in facts(memory_tape(part))]


@pytest.mark.bounds
@settings(max_examples=150, deadline=None)
@given(rows_of_a_tape(6), st.data())
def test_no_row_whatever_its_bits_gets_past_the_door_with_a_wild_index(rows, data):
    # given lawful rows with some bytes overwritten
    wild = rows.copy()
    cells = wild.view(np.uint8).reshape(-1, 32)
    for _ in range(data.draw(st.integers(1, 3))):
        cells[data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 31))] = data.draw(st.integers(0, 255))
    inspector = Inspector("wild", "desk")
    try:
        inspector.take(frozen(wild))
    except TapeError:
        return
    # then what passed has no price, quantity or instrument outside its range
    plain = wild[wild["kind"] != ev.TEXT]
    plain = plain[plain["kind"] != ev.HEADER]
    assert (plain["price"] >= 0).all()
    assert (np.abs(plain["quantity"]) <= ev.QUANTITY_MAX).all()
    assert (plain["instrument"] == 0).all()
