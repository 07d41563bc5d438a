"""Which algorithm an amount is done by: a table, the first row that holds.

    urgency is exit                                  bounded    it must happen: market is the last resort
    size is too much for the book, urgency low       twap       spread over time, who waits pays least
    size is too much for the book, urgency normal    iceberg    in parts that rest
    size is too much for the book, urgency high      iceberg    in parts that take
    urgency high, cost is too much of the gain       maker      not worth taking: rest at the best price
    urgency high                                     bounded    the gain pays for taking
    anything else                                    maker      the default

Too much for the book: more than `depth_frac` of what is offered within 10 bp, or worth more than `value_max`. Cost:
what taking the amount costs beyond the mid, half the spread included. Source: intraday-sol, 7.1 and 7.2 (I-230, I-233,
I-234); eternal-engine, 8.1 (E-111, E-112).
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal, NamedTuple

from quintet.core.execution.depth import impact_bp, lots_within
from quintet.core.execution.parent import BOUNDED, ICEBERG, MAKER, TWAP
from quintet.core.execution.rules import Rules
from quintet.core.execution.seen import Seen
from quintet.core.parameters import parameter
from quintet.core.units import E9

Urgency = Literal["low", "normal", "high", "exit"]


class Choice(NamedTuple):
    """An algorithm, of `core.execution.parent`; whether its orders take; and why, in words."""

    algorithm: int
    takes: bool
    reason: str


class Size(NamedTuple):
    """What the table is asked about: lots and their worth, lots offered nearby (0: no levels are shown), cost and gain.

    `cost_bp`: beyond the mid, infinite when so much is not shown; `gain_bp`: what the order is expected to bring.
    """

    urgency: Urgency
    lots: int
    value: float
    depth_lots: int
    cost_bp: float
    gain_bp: float


class Router(Rules, frozen=True, kw_only=True):
    """The numbers of the table."""

    depth_frac: Annotated[
        float, parameter("fraction", "of the depth within depth_bp: more is large", gt=0.0, le=1.0)
    ] = 0.2
    depth_bp: Annotated[float, parameter("bp", "of the mid: so far the depth is counted", gt=0.0, le=1_000.0)] = 10.0
    value_max: Annotated[float, parameter("quote", "an amount that is worth more is large", gt=0.0, le=1e15)] = 50_000.0
    cost_frac: Annotated[float, parameter("fraction", "of the expected gain that taking may cost", gt=0.0, le=1.0)] = (
        0.25
    )

    def choose(self, seen: Seen, side: int, lots: int, *, value: float, gain_bp: float, urgency: Urgency) -> Choice:
        """Which algorithm; `value` in the quote asset, `gain_bp` expected of the order.

        Where no levels are shown depth and cost are unknown: half the spread stands for the cost.
        """
        near = lots_within(seen, side, self.depth_bp)
        spread_bp = (seen.ask - seen.bid) / (seen.ask + seen.bid) * 10_000.0 if seen.bid and seen.ask else 0.0
        cost_bp = impact_bp(seen, side, lots) if near else spread_bp
        return self.of(Size(urgency, lots, value, near, cost_bp, gain_bp))

    def of(self, size: Size) -> Choice:
        """The first row of the table that holds."""
        for holds, choice in _TABLE:
            if holds(self, size):
                return choice
        return _TABLE[-1][1]

    def is_large(self, size: Size) -> bool:
        """Too much for the book at once?"""
        frac_e9 = round(self.depth_frac * E9)
        return size.value > self.value_max or (size.depth_lots > 0 and size.lots * E9 > frac_e9 * size.depth_lots)

    def is_dear(self, size: Size) -> bool:
        """Would taking cost too much of what the order is to bring?"""
        return size.cost_bp > self.cost_frac * size.gain_bp


_TABLE: Final[tuple[tuple[Callable[[Router, Size], bool], Choice], ...]] = (
    (lambda r, s: s.urgency == "exit", Choice(BOUNDED, True, "an exit must happen")),
    (lambda r, s: r.is_large(s) and s.urgency == "low", Choice(TWAP, False, "large, and there is time")),
    (lambda r, s: r.is_large(s) and s.urgency == "normal", Choice(ICEBERG, False, "large for what is offered")),
    (lambda r, s: r.is_large(s), Choice(ICEBERG, True, "large for what is offered, and urgent")),
    (lambda r, s: s.urgency == "high" and r.is_dear(s), Choice(MAKER, False, "urgent, but taking costs too much")),
    (lambda r, s: s.urgency == "high", Choice(BOUNDED, True, "urgent, and the gain pays for taking")),
    (lambda r, s: True, Choice(MAKER, False, "nothing speaks against resting")),
)
