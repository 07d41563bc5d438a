"""Bad days drawn into the rows of an order book: lawful tapes, untouched before the moment, bad after it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.errors import InputError
from quintet.core.row_laws import frozen
from quintet.core.tape import memory_tape
from quintet.research import tick_shocks
from quintet.research.tick_model import TICK_INSTRUMENT
from tests.tick_makers import SECOND, tick_rows

ROWS = np.asarray(memory_tape(frozen(tick_rows()), [TICK_INSTRUMENT]).event_rows())
AT = int(ROWS["ts_event"][len(ROWS) // 2]) + 1
LASTING = 10 * SECOND
TICK = TICK_INSTRUMENT.ticks_per_tick_size
TRADES = (ev.TRADE_BUY, ev.TRADE_SELL)

SHOCKS: dict[str, Callable[[Any], Any]] = {
    "gap": lambda rows: tick_shocks.gapped(rows, AT, -0.05, TICK),
    "gap up": lambda rows: tick_shocks.gapped(rows, AT, 0.05, TICK),
    "halt": lambda rows: tick_shocks.halted(rows, AT, LASTING),
    "halt beyond the end": lambda rows: tick_shocks.halted(rows, AT, 3_600 * SECOND),
    "spread": lambda rows: tick_shocks.hollowed(rows, AT, LASTING, 0.005),
    "sweep": lambda rows: tick_shocks.swept(rows, AT, -1, 0.0005, LASTING),
    "sweep up": lambda rows: tick_shocks.swept(rows, AT, 1, 0.0005, LASTING),
    "feed": lambda rows: tick_shocks.unheard(rows, AT, LASTING),
}


def book_at(rows: Any, ts_ns: int) -> tick_shocks.Book:
    """What all that had happened by a moment has left."""
    return tick_shocks.book_before(rows, int(np.flatnonzero(rows["ts_event"] <= ts_ns)[-1]) + 1)


def between(rows: Any, kinds: tuple[int, ...], first_ns: int, last_ns: int) -> Any:
    return rows[np.isin(rows["kind"], kinds) & (rows["ts_event"] > first_ns) & (rows["ts_event"] < last_ns)]


@pytest.mark.parametrize("name", SHOCKS)
def test_the_rows_are_a_tape_and_nothing_before_the_moment_is_touched(name: str) -> None:
    changed = SHOCKS[name](ROWS)
    # every law of a tape is asked here
    tape = memory_tape(frozen(changed))
    assert tape.instruments == [TICK_INSTRUMENT]
    before = int((ROWS["ts_event"] < AT).sum())
    early = before if name != "feed" else int((ROWS["ts_recv"] < AT).sum())
    assert (changed[:early] == ROWS[:early]).all()
    assert not np.array_equal(changed, ROWS)


def test_a_gap_moves_the_book_and_all_that_follows_by_whole_ticks() -> None:
    changed = SHOCKS["gap"](ROWS)
    mid, moved = book_at(ROWS, AT).twice_mid, book_at(changed, AT).twice_mid
    shift = (moved - mid) // 2
    assert shift == round(-0.05 * mid / 2 / TICK) * TICK
    assert (
        book_at(changed, int(ROWS["ts_event"][-1])).twice_mid
        == book_at(ROWS, int(ROWS["ts_event"][-1])).twice_mid + 2 * shift
    )
    # and no price between the two was ever shown
    trades = between(changed, TRADES, AT, 1 << 62)["price"].astype(np.int64)
    assert trades.max() < mid // 2 + shift // 2


def test_a_halted_market_is_silent_and_comes_back_as_it_has_become() -> None:
    changed = SHOCKS["halt"](ROWS)
    assert between(changed, (*TRADES, ev.BID_LEVEL, ev.ASK_LEVEL), AT, AT + LASTING).size == 0
    status = changed[changed["kind"] == ev.VENUE_STATUS]
    assert (status["quantity"].tolist(), status["ts_event"].tolist()) == ([0, 1], [AT, AT + LASTING])
    assert book_at(changed, AT + LASTING) == book_at(ROWS, AT + LASTING)


def test_nobody_is_near_the_mid_while_it_is_hollow() -> None:
    changed = SHOCKS["spread"](ROWS)
    mid = book_at(ROWS, AT).twice_mid / 2
    for part in (1, 5, 9):
        book = book_at(changed, AT + part * SECOND)
        assert not [price for price in (*book.bids, *book.asks) if abs(price - mid) < 0.005 * mid]
    assert book_at(changed, AT + LASTING) == book_at(ROWS, AT + LASTING)


@pytest.mark.parametrize(("name", "side", "kind"), [("sweep", -1, ev.TRADE_SELL), ("sweep up", 1, ev.TRADE_BUY)])
def test_a_sweep_takes_all_that_was_there_and_the_side_comes_back(name: str, side: int, kind: int) -> None:
    changed, before = SHOCKS[name](ROWS), book_at(ROWS, AT)
    edge = before.twice_mid / 2 * (1 + side * 0.0005)
    taken = before.asks if side > 0 else before.bids
    expected = {price: lots for price, lots in taken.items() if side * (edge - price) >= 0}
    trades = changed[(changed["ts_event"] == AT) & (changed["kind"] == kind)]
    assert dict(zip(trades["price"].tolist(), trades["quantity"].tolist(), strict=True)) == expected
    assert (side * np.diff(trades["price"].astype(np.int64)) > 0).all()
    left = book_at(changed, AT)
    assert not set(expected) & set(left.asks if side > 0 else left.bids)
    assert book_at(changed, AT + LASTING) == book_at(ROWS, AT + LASTING)


def test_a_feed_that_is_cut_tells_all_of_it_at_the_end() -> None:
    changed = SHOCKS["feed"](ROWS)
    late = changed["ts_recv"] != ROWS["ts_recv"]
    assert late.any() and (changed["ts_recv"][late] == AT + LASTING).all()
    rest = [name for name in ev.ROW.names or () if name != "ts_recv"]
    assert (changed[rest] == ROWS[rest]).all()


def test_a_market_that_would_fall_below_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="outside 1 to"):
        tick_shocks.gapped(ROWS, AT, -1.5, TICK)


def test_before_its_book_is_whole_nothing_can_happen_to_it() -> None:
    with pytest.raises(InputError, match="no two sides"):
        tick_shocks.gapped(ROWS, int(ROWS["ts_event"][0]), 0.1, TICK)
