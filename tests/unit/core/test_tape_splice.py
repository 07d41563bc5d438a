"""Cut and merge: whole messages, instruments defined before use, nothing reordered within a source."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.errors import TapeError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import memory_tape
from quintet.core.tape_splice import cut_rows, merge_rows
from tests.tape_rows import a_day, defined, depth, fact, joined, row, trade

SOL = msgspec.structs.replace(DEFAULT_SPOT, symbol="SOLUSDT", base_asset="SOL")
COARSE = msgspec.structs.replace(DEFAULT_SPOT, tick_size=Decimal("0.05"))


def heads(rows):
    """(kind, ts_recv, instrument) of each event, definitions left out."""
    return [(e.kind, e.ts_recv, e.instrument) for e in memory_tape(rows).events() if e.kind != "INSTRUMENT"]


# ---- cut -------------------------------------------------------------------------------------------------------------


def test_a_cut_of_everything_is_the_tape():
    tape = memory_tape(a_day())
    assert memory_tape(cut_rows(tape)).hash == tape.hash
    assert memory_tape(cut_rows(tape, 0, 10**18, 0, 10**9)).hash == tape.hash


def test_a_window_keeps_its_start_and_leaves_its_end_out():
    tape = memory_tape(a_day(6))
    assert [at for _, at, _ in heads(cut_rows(tape, 2, 4))] == [2, 2, 2, 3]


def test_instruments_are_defined_again_as_they_were_then():
    tape = memory_tape(joined(defined(1), trade(2), defined(3, 0, COARSE), trade(4), defined(5, 1, SOL), trade(6)))
    cut = memory_tape(cut_rows(tape, from_ns=4))
    assert cut.instruments == [COARSE, SOL]
    assert cut.census.first_ns == 4
    assert memory_tape(cut_rows(tape, from_ns=2, to_ns=4)).instruments == [DEFAULT_SPOT]


def test_a_window_of_positions_keeps_whole_messages():
    tape = memory_tape(joined(defined(0), depth(1), depth(2), depth(3)))
    first = len(defined())
    assert [at for _, at, _ in heads(cut_rows(tape, from_position=first + 1))] == [2, 2, 2, 3, 3, 3]
    assert [at for _, at, _ in heads(cut_rows(tape, to_position=first + 1))] == [1, 1, 1]


@pytest.mark.parametrize("window", [(99, None), (5, 2), (None, 0)])
def test_an_empty_window_is_a_tape_of_definitions_at_most(window):
    assert heads(cut_rows(memory_tape(a_day()), *window)) == []


# ---- merge -----------------------------------------------------------------------------------------------------------


def test_messages_come_by_receipt_then_instrument():
    eth = memory_tape(joined(defined(0), trade(1), trade(3), trade(5)))
    sol = memory_tape(joined(defined(0, 0, SOL), depth(1), trade(2), trade(5)))
    merged = merge_rows([sol, eth])
    assert [(at, n) for _, at, n in heads(merged)] == [(1, 0), (1, 1), (1, 1), (1, 1), (2, 1), (3, 0), (5, 0), (5, 1)]
    assert memory_tape(merged).instruments == [DEFAULT_SPOT, SOL]


def test_one_symbol_of_two_products_stays_two_instruments():
    linear = msgspec.structs.replace(DEFAULT_SPOT, kind="linear", fee_in_base=False)
    spot, perpetual = memory_tape(joined(defined(0), trade(2))), memory_tape(joined(defined(0, 0, linear), trade(1)))
    merged = memory_tape(merge_rows([spot, perpetual]))
    assert merged.instruments == [linear, DEFAULT_SPOT]
    assert [(at, n) for _, at, n in heads(merged.event_rows())] == [(1, 0), (2, 1)]


def test_the_order_of_disjoint_sources_does_not_matter():
    tapes = [
        memory_tape(joined(defined(0, 0, msgspec.structs.replace(DEFAULT_SPOT, symbol=name)), *map(trade, times)))
        for name, times in {"A": (1, 2, 2), "B": (2, 2, 3), "C": (1, 2, 9)}.items()
    ]
    hashes = {memory_tape(merge_rows([tapes[n] for n in order])).hash for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0])}
    assert len(hashes) == 1


def test_feed_comes_before_responses_and_output():
    market = memory_tape(joined(defined(0), trade(5)))
    desk = memory_tape(joined(defined(0), row(ev.ORDER_ACCEPTED, 5), row(ev.CANCEL, 5)))
    assert [kind for kind, _, _ in heads(merge_rows([desk, market]))] == ["TRADE_BUY", "ORDER_ACCEPTED", "CANCEL"]


def test_a_source_keeps_its_own_order():
    # given one source whose instruments come in the other order at one time
    both = memory_tape(joined(defined(0), defined(0, 1, SOL), trade(5, instrument=1), trade(5, instrument=0)))
    other = memory_tape(joined(defined(0), trade(1)))
    assert [n for _, at, n in heads(merge_rows([other, both])) if at == 5] == [1, 0]


def test_facts_of_no_instrument_stay_so():
    aaa = msgspec.structs.replace(DEFAULT_SPOT, symbol="AAA")
    merged = merge_rows([memory_tape(joined(defined(0), fact(1), trade(2))), memory_tape(joined(defined(0, 0, aaa)))])
    assert heads(merged) == [("FACT", 1, 0), ("TRADE_BUY", 2, 1)]


def test_months_of_one_instrument_join_and_keep_a_change_between_them():
    january = memory_tape(joined(defined(0), trade(1)))
    february = memory_tape(joined(defined(5, 0, COARSE), trade(6)))
    merged = memory_tape(merge_rows([february, january]))
    assert merged.instruments == [DEFAULT_SPOT]
    assert [change.instrument for change in merged.instrument_changes] == [COARSE]
    assert merged.instrument_changes[0].ts_recv == 5


def test_equal_definitions_are_stated_once():
    merged = memory_tape(
        merge_rows([memory_tape(joined(defined(0), trade(1))), memory_tape(joined(defined(3), trade(4)))])
    )
    assert merged.census.kinds["INSTRUMENT"] == 1


def test_two_definitions_of_one_symbol_at_one_time_are_refused():
    one = memory_tape(joined(defined(0), trade(9)), name="one.tape")
    two = memory_tape(joined(defined(5, 0, COARSE), trade(6)), name="two.tape")
    with pytest.raises(TapeError, match=r"two.tape and one.tape define bybit:spot:ETHUSDT.*tick_size is 0.05 and 0.01"):
        merge_rows([one, two])


def test_two_desks_are_refused():
    desk = memory_tape(joined(defined(0), row(ev.ORDER_ACCEPTED, 5)), name="desk.tape")
    with pytest.raises(TapeError, match="order numbers collide"):
        merge_rows([desk, desk])


def test_the_merged_order_is_the_same_compiled_and_interpreted():
    from quintet.core.tape_splice import merge_order

    dice = np.random.default_rng(5)
    received = np.sort(dice.integers(0, 9, 60).reshape(3, 20), axis=1).reshape(-1)
    sides, instruments = dice.integers(0, 3, 60), dice.integers(-1, 3, 60)
    arguments = (received, sides, instruments, np.array([0, 20, 40, 60]))
    plain = getattr(merge_order, "py_func", merge_order)
    assert merge_order(*arguments).tolist() == plain(*arguments).tolist()
