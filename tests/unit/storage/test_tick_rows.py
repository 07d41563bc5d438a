"""Batches of a feed to rows: both clocks in order, messages whole, and every change counted."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.feed_rows import MESSAGE_ROWS
from quintet.core.market.tick_feed import UNKNOWN, BookChange, Fact, OrderChange, Trade
from quintet.core.tape import memory_tape
from quintet.storage.tick_check import check_tape
from quintet.storage.tick_pieces import FactReader
from quintet.storage.tick_rows import RowMaker

START = 1_700_000_000_000_000_000
SECOND = msgspec.structs.replace(DEFAULT_SPOT, symbol="OTHER")
SYMBOLS = {"ETHUSDT": 0, "OTHER": 1}


def rows_of(facts: list[Fact], **options: Any) -> tuple[np.ndarray[Any, Any], RowMaker, FactReader]:
    maker = RowMaker([DEFAULT_SPOT, SECOND], lambda file, line: f"feed {file}: line {line}")
    reader = FactReader(SYMBOLS, **options)
    parts = [maker.rows(pieces) for pieces in reader.pieces(facts)]
    return np.concatenate(parts) if parts else np.zeros(0, ev.ROW), maker, reader


def trade(recv: int, event: int, symbol: str = "ETHUSDT", price: str = "3000.10") -> Trade:
    known = [time if time == UNKNOWN else START + time for time in (recv, event)]
    return Trade((0, 1), known[0], known[1], symbol, True, f'[["{price}","0.5"]]'.encode())


TIMES = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 500), st.sampled_from(list(SYMBOLS)), st.booleans(), st.booleans()),
    min_size=1,
    max_size=40,
)


@given(TIMES)
def test_any_two_clocks_become_a_tape_that_the_row_laws_accept(times: list[tuple[int, int, str, bool, bool]]) -> None:
    facts: list[Fact] = [
        trade(UNKNOWN if no_recv and not no_event else recv, UNKNOWN if no_event else event, symbol)
        for recv, event, symbol, no_recv, no_event in times
    ]

    rows, maker, _ = rows_of(facts)

    tape = memory_tape(rows, [DEFAULT_SPOT, SECOND])
    assert tape.census.kinds["TRADE_BUY"] == len(facts)
    received = [recv for recv, event, _, no_recv, no_event in times if not no_recv and not no_event]
    assert maker.clocks().measured == len(received)
    assert maker.clocks().negative == sum(
        recv < event for recv, event, _, no_recv, no_event in times if not no_recv and not no_event
    )


@pytest.mark.jit_off
def test_what_is_in_order_is_not_touched() -> None:
    rows, maker, _ = rows_of([trade(10, 5), trade(10, 5), trade(30, 20, "OTHER"), trade(31, 15)])

    assert (rows["ts_event"] - START).tolist() == [5, 5, 20, 15]
    assert (rows["ts_recv"] - START).tolist() == [10, 10, 30, 31]
    clocks = maker.clocks()
    assert (clocks.crossed, clocks.stepped_back, clocks.latency_min_ns, clocks.latency_max_ns) == (0, 0, 5, 16)


def test_a_very_long_snapshot_becomes_several_messages() -> None:
    count = MESSAGE_ROWS + 10
    bids = "[" + ",".join(f'["{n / 100:.2f}","1"]' for n in range(1, count + 1)) + "]"
    change = BookChange((0, 1), START, START, "ETHUSDT", bids.encode(), b"[]", snapshot=True)

    rows, _, _ = rows_of([change])

    tape = memory_tape(rows, [DEFAULT_SPOT])
    assert tape.census.kinds["BID_LEVEL"] == count
    assert int(np.count_nonzero(rows["bits"] & ev.LAST)) == 2


@pytest.mark.jit_off
def test_an_order_stands_before_the_level_it_moves_with_its_price() -> None:
    change = OrderChange((0, 1), START, UNKNOWN, "ETHUSDT", False, b'[["3000.10","0.5"]]', 77, ev.ORDER_ENTERED)

    rows, _, _ = rows_of([change])

    assert rows["kind"].tolist() == [ev.BOOK_ORDER, ev.ASK_LEVEL]
    assert rows["price"].tolist() == [300_010, 300_010]
    assert rows["quantity"].tolist() == [77, 50_000]
    assert rows["bits"].tolist() == [ev.ORDER_ENTERED, ev.LAST]
    assert memory_tape(rows, [DEFAULT_SPOT]).census.instruments[0].quantity_max == 50_000


def test_symbols_that_are_not_wanted_are_counted() -> None:
    _, _, reader = rows_of([trade(1, 1, "XRPUSDT"), trade(2, 2)])

    assert reader.counts.aside["other symbols"] == 1
    assert reader.counts.trades == 1


def test_plain_order_without_a_snapshot_fitted_in_crosses_the_book() -> None:
    stale = BookChange((0, 1), START, START, "ETHUSDT", b'[["3001","1"]]', b"", previous_id=0, last_id=4)
    book = BookChange(
        (0, 2), START + 5, START, "ETHUSDT", b'[["2999","1"]]', b'[["3000","1"]]', snapshot=True, asked=True, last_id=5
    )
    after = BookChange((0, 3), START + 9, START + 9, "ETHUSDT", b'[["2998","1"]]', b"", previous_id=4, last_id=6)

    def crossed(**options: Any) -> int:
        rows, _, _ = rows_of([stale, book, after], **options)
        return check_tape(memory_tape(rows, [DEFAULT_SPOT])).instruments[0].crossed_messages

    assert crossed() == 0
    assert crossed(synchronise=False) == 2
