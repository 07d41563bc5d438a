"""The path of a price through bars, as rows of a book and of trades (see `daily_tape`)."""

from typing import Any, Final

from quintet.core import events as ev
from quintet.core.events import SECOND_NS
from quintet.core.kernel import kernel

LEAD_NS: Final = 600 * SECOND_NS
"""So long a bar stands at its open: what is decided after midnight is traded there."""

LOTS: Final = 10**12
"""At every level: our own size never moves the market here, which is an assumption of the report."""


@kernel
def steps_between(a: int, b: int, step_e9: int) -> int:
    """How many steps of at most a fraction of the price lead from one price to another; at least one."""
    largest = max(min(a, b) * step_e9 // 1_000_000_000, 1)
    return max((abs(b - a) + largest - 1) // largest, 1)


@kernel
def count_steps(bars: Any, step_e9: int) -> int:
    """An upper bound of the steps of all bars."""
    total = 0
    for i in range(bars.shape[0]):
        opened, high, low, close = bars[i, 2], bars[i, 3], bars[i, 4], bars[i, 5]
        total += 1 + steps_between(low, high, step_e9)
        total += max(steps_between(opened, low, step_e9), steps_between(opened, high, step_e9))
        total += max(steps_between(close, low, step_e9), steps_between(close, high, step_e9))
    return total


@kernel
def walk(
    bars: Any, step_e9: int, half_e9: int, first: int, ts: Any, quantity: Any, price: Any, kind: Any, bits: Any
) -> int:
    """Write the rows of all paths; returns how many."""
    used, bid, ask = 0, 0, 0
    for i in range(bars.shape[0]):
        start, end = bars[i, 0], bars[i, 1]
        third = (end - start) // 3
        at = bars[i, 2]
        used = stand(used, start, at, bid, ask, half_e9, ts, quantity, price, kind, bits)
        bid, ask = below_price(at, half_e9), above_price(at, half_e9)
        for leg in range(3):
            to = bars[i, 5]
            if leg < 2:
                to = bars[i, 4] if (leg == 0) == (first == 0) else bars[i, 3]
            begins = start + LEAD_NS if leg == 0 else start + leg * third
            ends = end - 2 * SECOND_NS if leg == 2 else start + (leg + 1) * third
            steps = steps_between(at, to, step_e9)
            begun = at
            for k in range(1, steps + 1):
                now = begun + (to - begun) * k // steps
                when = begins + (ends - begins) * k // steps
                used = stand(used, when, now, bid, ask, half_e9, ts, quantity, price, kind, bits)
                bid, ask = below_price(now, half_e9), above_price(now, half_e9)
            at = to
    return used


@kernel
def below_price(at: int, half_e9: int) -> int:
    """The bid: half a spread below, at least one increment."""
    return max(at - max((at * half_e9 + 999_999_999) // 1_000_000_000, 1), 1)


@kernel
def above_price(at: int, half_e9: int) -> int:
    """The ask."""
    return at + max((at * half_e9 + 999_999_999) // 1_000_000_000, 1)


@kernel
def stand(
    used: int, when: int, at: int, bid: int, ask: int, half_e9: int, ts: Any, quantity: Any, price: Any, kind: Any,
    bits: Any,
) -> int:  # fmt: skip
    """The book moves to a price and a trade is printed there: the side it moves to first, so that it never crosses."""
    to_bid, to_ask = below_price(at, half_e9), above_price(at, half_e9)
    rising = to_bid >= bid
    first = used
    for turn in range(2):
        side = ev.ASK_LEVEL if (turn == 0) == rising else ev.BID_LEVEL
        new, old = (to_ask, ask) if side == ev.ASK_LEVEL else (to_bid, bid)
        price[used], quantity[used], kind[used] = new, LOTS, side
        used += 1
        if old != 0 and old != new:
            price[used], quantity[used], kind[used] = old, 0, side
            used += 1
    bits[used - 1] = ev.LAST
    price[used], quantity[used], bits[used] = at, LOTS, ev.LAST
    kind[used] = ev.TRADE_BUY if rising else ev.TRADE_SELL
    used += 1
    for k in range(first, used):
        ts[k] = when
    return used
