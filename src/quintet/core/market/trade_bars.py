"""Bars from trades: by time, by number of trades, by volume, by notional.

    BY_TIME      `size` is ns; bars lie on whole multiples of it since 1970; one ends when time has reached its end
    BY_COUNT     `size` is trades; a bar ends with the trade that makes up the number
    BY_VOLUME    `size` is lots; a bar ends with the trade that reaches it
    BY_NOTIONAL  `size` is quote quanta; the same

A trade belongs to one bar: what it brings beyond `size` stays in its bar and does not open the next. A span without a
trade makes no bar, unless somebody asks for it with `pass_empty_span`. Each trade is one update; a finished bar stands
in `state.done` until the next one has finished.
All numbers are whole, so a bar is exact: prices in ticks, volumes in lots, values in ticks times lots, which times the
instrument's quanta are money. (In quanta a busy day could leave 62 bits.)
"""

from typing import Any, Final

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.records import table
from quintet.core.state import TRADE_BAR, TRADE_BARS
from quintet.core.units import SAFE_MAX

__all__ = [
    "BY_COUNT", "BY_NOTIONAL", "BY_TIME", "BY_VOLUME", "RULE_NAMES", "TRADE_BAR", "TRADE_BARS", "copy_bar",
    "pass_empty_span", "pass_time", "start_trade_bars", "trade_bars_batch", "trade_bars_update",
]  # fmt: skip

BY_TIME: Final = 0
BY_COUNT: Final = 1
BY_VOLUME: Final = 2
BY_NOTIONAL: Final = 3
RULE_NAMES: Final = ("time", "count", "volume", "notional")


def start_trade_bars(state: Any, rule: int, size: int, quanta_per_tick_lot: int = 1) -> None:
    """No trade seen yet; only BY_NOTIONAL needs the instrument's quanta. Raises ConfigError for what cannot be."""
    if not BY_TIME <= rule <= BY_NOTIONAL:
        raise ConfigError(f"trade bars: rule is {rule}, expected 0 to 3 ({', '.join(RULE_NAMES)})")
    if not 1 <= size < SAFE_MAX:
        raise ConfigError(f"trade bars by {RULE_NAMES[rule]}: size is {size}, expected 1 to 2^62 - 1")
    if not 1 <= quanta_per_tick_lot < SAFE_MAX:
        raise ConfigError(f"trade bars: quanta per tick and lot is {quanta_per_tick_lot}, expected 1 to 2^62 - 1")
    blank = table(TRADE_BAR, 1)[0]
    state.rule, state.finished = rule, 0
    # A value reaches the size in quanta when it reaches this, rounded up, in ticks times lots.
    state.span = -(-size // quanta_per_tick_lot) if rule == BY_NOTIONAL else size
    state.now, state.done = blank, blank


@kernel
def trade_bars_update(state: Any, ts: int, price: int, lots: int, side: int) -> int:
    """Take one trade (`side` +1 when a buyer took); returns 1 when a bar has finished, else 0.

    By time that is the bar before it, by the other rules its own. `ts` is ns UTC and never decreases.
    """
    before = state.finished
    pass_time(state, ts)
    bar = state.now
    if bar.trades == 0:
        _open_bar(state, ts, price)
    bar.high = max(bar.high, price)
    bar.low = min(bar.low, price)
    bar.close = price
    bar.volume += lots
    bar.value += lots * price
    bar.trades += 1
    if side > 0:
        bar.buys += lots
    if state.rule != BY_TIME:
        bar.end = ts
        if _measured(state) >= state.span:
            _finish_bar(state)
    return state.finished - before


@kernel
def pass_time(state: Any, ts: int) -> int:
    """It is `ts` now: a bar by time that has reached its end is finished; returns 1 for it, else 0.

    A desk calls this with its timers, so that a bar is known at its end and not with the next trade.
    """
    if state.rule != BY_TIME or state.now.trades == 0 or ts < state.now.end:
        return 0
    _finish_bar(state)
    return 1


@kernel
def pass_empty_span(state: Any, ts: int) -> int:
    """It is `ts` now: a span without a trade that has ended since the last bar is a flat one at its close; returns 1.

    Without volume, as venues' own candles have them; one at each call, the earliest first.
    """
    done = state.done
    if state.rule != BY_TIME or state.now.trades != 0 or state.finished == 0 or ts < done.end + state.span:
        return 0
    done.start = done.end
    done.end += state.span
    done.open = done.close
    done.high = done.close
    done.low = done.close
    done.volume = 0
    done.buys = 0
    done.value = 0
    done.trades = 0
    state.finished += 1
    return 1


@kernel
def _open_bar(state: Any, ts: int, price: int) -> None:
    """A bar begins with a trade at this price, which is counted afterwards."""
    bar = state.now
    bar.start = ts
    bar.end = ts
    if state.rule == BY_TIME:
        bar.start = ts - ts % state.span
        bar.end = bar.start + state.span
    bar.open = price
    bar.high = price
    bar.low = price


@kernel
def _measured(state: Any) -> int:
    """How far the open bar has come, in the unit of its rule."""
    if state.rule == BY_COUNT:
        return state.now.trades
    if state.rule == BY_VOLUME:
        return state.now.volume
    return state.now.value


@kernel
def _finish_bar(state: Any) -> None:
    """The open bar is done; none is open."""
    bar, done = state.now, state.done
    copy_bar(bar, done)
    bar.volume = 0
    bar.buys = 0
    bar.value = 0
    bar.trades = 0
    state.finished += 1


@kernel
def copy_bar(bar: Any, into: Any) -> None:
    """All fields of a TRADE_BAR."""
    into.start = bar.start
    into.end = bar.end
    into.open = bar.open
    into.high = bar.high
    into.low = bar.low
    into.close = bar.close
    into.volume = bar.volume
    into.buys = bar.buys
    into.value = bar.value
    into.trades = bar.trades


@kernel
def trade_bars_batch(state: Any, ts: Any, prices: Any, lots: Any, sides: Any, bars: Any) -> int:
    """Feed whole columns of trades; finished bars go to `bars`, TRADE_BAR, one place a trade; returns how many."""
    count = 0
    for i in range(prices.shape[0]):
        if trade_bars_update(state, ts[i], prices[i], lots[i], sides[i]) > 0:
            copy_bar(state.done, bars[count])
            count += 1
    return count
