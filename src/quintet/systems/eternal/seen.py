"""What an engine is shown: whole numbers for money, floats for signals, None where there is no data.

Prices are price increments, quantities lots, money quanta of the quote asset, rates of funding 1e-9 of eight hours,
days numbers as `dates` counts them. A fact that is missing is None and never 0.
"""

from collections.abc import Mapping

import msgspec

E9 = 1_000_000_000


def share_of(quanta: int, frac: float) -> int:
    """A fraction of an amount of money, rounded down; the fraction counts to a billionth."""
    return quanta * round(frac * E9) // E9


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument as one sub-account sees it. `lots`: what it holds of it, shorts below zero.

    `quanta`: money in one price increment of one lot; `base_quanta`: smallest units of the coin in one lot;
    `taker_fee_e9`: of value; `fee_in_base`: a buyer's fee is taken out of what was bought.
    """

    bid: int
    ask: int
    last: int
    lots: int = 0
    tick: int = 1
    quanta: int = 1
    base_quanta: int = 1
    min_lots: int = 1
    min_value: int = 0
    taker_fee_e9: int = 0
    fee_in_base: bool = False

    @property
    def value(self) -> int:
        """What is held, in money; below zero for a short."""
        return self.lots * self.last * self.quanta

    def lots_for(self, quanta: int, price: int = 0) -> int:
        """Whole lots that this much money pays, at a price or at the last one; before fees."""
        return max(quanta, 0) // ((price or self.last) * self.quanta)

    def worth(self, lots: int) -> int:
        """Lots in money, at the last price."""
        return lots * self.last * self.quanta

    def is_tradable(self, lots: int) -> bool:
        """Is it as much as the venue takes in one order?"""
        return lots >= self.min_lots and self.worth(lots) >= self.min_value

    @property
    def sells_at(self) -> int:
        """The best price at which a sale rests: the ask, and above the bid in any case (G1)."""
        return max(self.ask, self.bid + self.tick)

    @property
    def buys_at(self) -> int:
        """The best price at which a purchase rests: the bid, and below the ask in any case (G1)."""
        return min(self.bid, self.ask - self.tick)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One market's day: its close, and what the indicators make of all days until then. None: too short a history."""

    close: int
    fast_average: float | None = None
    slow_average: float | None = None
    adx: float | None = None
    plus: float | None = None
    minus: float | None = None
    atr: float | None = None
    volatility: float | None = None
    """Of daily log returns over 30 days, annualised with 365."""
    drawdown: float | None = None
    """(close - all-time high) / all-time high; the high is of daily highs."""


Quotes = Mapping[str, Quote]
