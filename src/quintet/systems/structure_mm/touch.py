"""The best prices that a quote must not cross: the book's where one is known, else a tick beside the last close."""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.state import NO_ASK, NO_BID
from quintet.systems.structure_mm.grid import ceil_tick, floor_tick


@kernel
def sees_book(market: Any) -> bool:
    """Are both best prices of a book known? On candles they never are."""
    return market.bid != NO_BID and market.ask != NO_ASK and market.ask > 0


@kernel
def look_at_touch(state: Any, view: Any) -> None:
    """What is best on each side as far as we know. Where a book is crossed, a quote keeps clear of both sides of it."""
    market, tick = view.market[0], view.instruments[0].tick
    if sees_book(market):
        state.best_bid = max(floor_tick(min(market.bid, market.ask - tick), tick), tick)
        state.best_ask = ceil_tick(max(market.ask, market.bid + tick), tick)
    else:
        state.best_bid = best_bid_at(market.close, tick)
        state.best_ask = best_ask_at(market.close, tick)


@kernel
def best_bid_at(close: int, tick: int) -> int:
    """Candle mode knows no book: the best bid is one tick under the close."""
    return max((close - 1) // tick * tick, tick)


@kernel
def best_ask_at(close: int, tick: int) -> int:
    """Candle mode knows no book: the best ask is one tick above the close."""
    return ceil_tick(close + 1, tick)


@kernel
def highest_free_bid(state: Any, close: int, tick: int) -> int:
    """The highest price at or under the close that does not meet the best ask."""
    return min(floor_tick(close, tick), state.best_ask - tick)


@kernel
def price_to_leave_at(state: Any, view: Any) -> int:
    """What an urgent exit is measured from: what a buyer bids now, else the last close."""
    return state.best_bid if sees_book(view.market[0]) else state.close
