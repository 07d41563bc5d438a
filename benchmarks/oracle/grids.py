"""The published list: grids of the W1 system under every queue model and several latencies."""

from typing import Final, NamedTuple

MILLISECOND: Final = 1_000_000


class Grid(NamedTuple):
    """One set. Sizes in lots, `gap` in ticks, times in ns; `exponent` is the n of a power model."""

    queue: str = "power"
    exponent: int = 3
    lots: int = 100
    levels: int = 5
    gap: int = 2
    max_position: int = 2000
    step_ns: int = 100 * MILLISECOND
    entry_ns: int = 5 * MILLISECOND
    response_ns: int = 3 * MILLISECOND
    latency: str = "constant"
    fills: str = "whole"
    market_factor: int = 1
    """Every quantity of the market is multiplied by this."""


QUEUES: Final = ("risk_averse", "power", "power_ratio", "power_share", "log_ratio", "log_share")

# While an order is not answered our gate holds back whatever could meet it. The peer does not look, so its script has
# the same rule (`in_the_way`): without it the sets with answers after 250 ms differ (ADR 0007).
GRIDS: Final = (
    # every model as W1 has it, the power family with other exponents
    *(Grid(queue) for queue in QUEUES),
    *(Grid(queue, exponent) for queue in ("power", "power_ratio", "power_share") for exponent in (1, 2, 5)),
    # narrow and wide, small and large, quick and slow
    *(Grid(gap=gap, levels=levels) for gap, levels in ((1, 1), (1, 10), (3, 5), (10, 3))),
    *(Grid(lots=lots, max_position=20 * lots) for lots in (1, 7, 1000)),
    *(Grid("log_ratio", step_ns=step * MILLISECOND) for step in (10, 37, 1000)),
    # an answer that barely precedes the next look, an order that is slower than the market, no latency to speak of
    *(
        Grid(queue, entry_ns=entry * MILLISECOND, response_ns=response * MILLISECOND)
        for queue in ("risk_averse", "power")
        for entry, response in ((1, 1), (5, 90), (90, 5), (40, 40))
    ),
    # answers that come two looks later
    *(Grid(queue, response_ns=250 * MILLISECOND) for queue in ("risk_averse", "power")),
    # a way there and back of three looks: at just that the answer and the look meet, and each engine has its own order
    # of the two (ADR 0007); a nanosecond to either side they agree
    *(
        Grid(queue, entry_ns=150 * MILLISECOND, response_ns=150 * MILLISECOND + odd_ns)
        for queue in ("risk_averse", "power")
        for odd_ns in (-1, 1)
    ),
    # latencies interpolated from recorded orders
    *(Grid(queue, latency="recorded") for queue in ("risk_averse", "power")),
    Grid(gap=1, levels=10, latency="recorded"),
    # orders that are filled in parts, smaller and larger than most trades
    *(
        Grid(queue, lots=lots, max_position=20 * lots, fills="partial", market_factor=2)
        for queue in ("risk_averse", "power", "log_share")
        for lots in (7, 101, 1001)
    ),
    *(
        Grid(gap=gap, levels=levels, lots=301, max_position=6020, fills="partial", market_factor=2)
        for gap, levels in ((1, 10), (3, 5))
    ),
    Grid(
        "risk_averse",
        lots=101,
        entry_ns=40 * MILLISECOND,
        response_ns=40 * MILLISECOND,
        fills="partial",
        market_factor=2,
    ),
)
"""Filled in parts, three things of the peer (2.4.4) are not ours, and the list goes around them:

- Where a trade leaves an order exactly what it still needs, the peer keeps the filled order and breaks down at the next
  trade with it. So these orders are odd and their market is even; where it breaks down all the same, what came before
  is compared.
- `power_ratio`, `power_share` and `log_ratio` may estimate less than nothing ahead of us; the peer then fills more than
  was traded, we never do.
- When part of an order fills while its cancel is under way, the peer may cancel it once more; so an answer here is
  quicker than the next look.
"""
