"""Kernels that draw the paths of a Monte Carlo, thousands a second, each summed up as it is walked.

A path is remembered as four numbers and, at steps that were asked for, its equity. Equity begins at 1 and ends at 0:
what is lost is lost. Same seed, same bits, compiled or interpreted.
"""

from typing import Any, Final

from quintet.core.kernel import kernel, log
from quintet.core.random import below, next_word, normal, uniform
from quintet.core.records import record

SQRT_2: Final = 1.4142135623730951

PATH = record(
    equity="f8",  # now, of a beginning of 1
    high="f8",
    low="f8",
    drawdown="f8",  # deepest fall from an earlier high, a fraction
)

FRICTION = record(
    slippage="f8",  # mean cost of one side, a fraction of what is traded
    delay="f8",  # deviation of the price over the delay, a fraction
    partial_chance="f8",  # of a winning trade to be filled in part only
    partial_floor="f8",  # the least part
)

TRADE = record(
    profit="f8",  # a fraction of the capital at the start
    traded="f8",  # what was entered, a fraction of the same
)


@kernel
def begin(path: Any) -> None:
    """A PATH at its start."""
    path.equity = 1.0
    path.high = 1.0
    path.low = 1.0
    path.drawdown = 0.0


@kernel
def mark(path: Any, equity: float) -> None:
    """A PATH moves to `equity`; nothing follows 0."""
    if path.equity <= 0.0:
        return
    path.equity = max(equity, 0.0)
    path.high = max(path.high, path.equity)
    path.low = min(path.low, path.equity)
    path.drawdown = max(path.drawdown, 1.0 - path.equity / path.high)


@kernel
def resample(returns: Any, renewal: int, points: Any, random: Any, paths: Any, seen: Any) -> None:
    """Fill PATH records by the stationary bootstrap: blocks of geometric length, each beginning anywhere.

    `renewal`: the chance of a new block at a step, in 2**-32; `points`: rising step numbers, the last is the length;
    `seen[p, n]`: equity of path p after step points[n]. Returns are compounded and wrap around at their end.
    Politis and Romano, "The stationary bootstrap", JASA 1994.
    """
    count = len(returns)
    for number in range(len(paths)):
        path = paths[number]
        begin(path)
        at = below(random[0], count)
        point = 0
        for step in range(points[len(points) - 1]):
            if next_word(random[0]) < renewal:
                at = below(random[0], count)
            mark(path, path.equity * (1.0 + returns[at]))
            at = at + 1 if at + 1 < count else 0
            if step + 1 == points[point]:
                seen[number, point] = path.equity
                point = point + 1


@kernel
def reorder(trades: Any, order: Any, random: Any, paths: Any) -> None:
    """Fill PATH records with the trades in random order, profits added; `order` is room for their numbers.

    Fisher and Yates: each order is equally likely, whatever order was there before.
    """
    for number in range(len(paths)):
        path = paths[number]
        begin(path)
        total = 1.0
        for place in range(len(trades)):
            chosen = place + below(random[0], len(trades) - place)
            taken = order[chosen]
            order[chosen] = order[place]
            order[place] = taken
            total = total + trades[taken].profit
            mark(path, total)


@kernel
def hinder(trades: Any, friction: Any, random: Any, paths: Any) -> None:
    """Fill PATH records with the trades in their order, each hindered by a FRICTION; profits added."""
    for number in range(len(paths)):
        path = paths[number]
        begin(path)
        total = 1.0
        for place in range(len(trades)):
            total = total + hindered(trades[place], friction[0], random[0])
            mark(path, total)


@kernel
def hindered(trade: Any, friction: Any, random: Any) -> float:
    """The profit of a TRADE after slippage and a random step of the price on both sides.

    A trade that still wins may be filled in part; one that loses is always filled whole, as the market gives gladly
    what it wants to be rid of.
    """
    # Two exponential numbers added are one logarithm of a product; two normal ones are a wider one.
    slip = -friction.slippage * log(uniform(random) * uniform(random))
    step = friction.delay * SQRT_2 * normal(random)
    profit: float = trade.profit + trade.traded * (step - slip)
    if profit > 0.0 and uniform(random) < friction.partial_chance:
        profit = profit * (friction.partial_floor + (1.0 - friction.partial_floor) * uniform(random))
    return profit
