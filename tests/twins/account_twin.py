"""An account at the venue once more, in plain Python and exact fractions: fees by turnover, funding, margin.

One instrument, a linear perpetual. Money is whole quanta, prices are increments, sizes lots; `worth` turns one lot at
one increment into quanta.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

DAY = 86_400 * 10**9


def up(amount: Fraction) -> int:
    """Never less than the venue takes."""
    return math.ceil(amount)


@dataclass
class FeeTable:
    """Maker and taker rates from a turnover of 30 days on, the least turnover first."""

    tiers: list[tuple[int, Fraction, Fraction]]
    turnover_before: int = 0
    by_day: dict[int, int] = field(default_factory=dict)

    def rate(self, ts: int, maker: bool) -> Fraction:
        today = ts // DAY
        if not self.by_day:  # the first fill: what was traded before the run, evenly over the days before it
            each, rest = divmod(self.turnover_before, 30)
            self.by_day = {today - back: each for back in range(1, 31)}
            self.by_day[today - 30] += rest
        turnover = sum(value for day, value in self.by_day.items() if today - 30 <= day < today)
        reached = [tier for n, tier in enumerate(self.tiers) if n == 0 or turnover >= tier[0]]
        return reached[-1][1] if maker else reached[-1][2]

    def count(self, ts: int, value: int) -> None:
        self.by_day[ts // DAY] = self.by_day.get(ts // DAY, 0) + value

    @property
    def highest_taker(self) -> Fraction:
        return max(taker for _, _, taker in self.tiers)


@dataclass
class MarginTable:
    """Mode, one over the leverage, and tiers: value up to, initial and maintenance fraction."""

    mode: Literal["none", "isolated", "cross"] = "none"
    initial: Fraction = Fraction(1)
    tiers: list[tuple[int, Fraction, Fraction]] = field(default_factory=list)

    def tier(self, value: int) -> int:
        within = [n for n, (limit, _, _) in enumerate(self.tiers) if value <= limit]
        return within[0] if within else len(self.tiers) - 1

    def to_open(self, value: int) -> int:
        return up(value * max(self.initial, self.tiers[self.tier(value)][1]))

    def to_keep(self, value: int) -> int:
        n = self.tier(value)
        steps = zip(self.tiers[:n], self.tiers[1 : n + 1], strict=True)
        deduction = sum(math.floor(limit * (after - before)) for (limit, _, before), (_, _, after) in steps)
        return up(value * self.tiers[n][2]) - deduction


@dataclass
class Account:
    """What the venue knows about us."""

    worth: int
    balance: int
    fees: FeeTable
    margin: MarginTable = field(default_factory=MarginTable)
    lots: int = 0
    cost: int = 0

    # ---- what happens to it ----
    def trade(self, ts: int, side: int, price: int, lots: int, maker: bool) -> int:
        """Book a fill; returns its fee."""
        value = price * lots * self.worth
        fee = up(value * self.fees.rate(ts, maker))
        self.fees.count(ts, value)
        self.book(side, price, lots, fee)
        return fee

    def book(self, side: int, price: int, lots: int, fee: int) -> None:
        closed = min(lots, abs(self.lots)) if self.lots * side < 0 else 0
        if closed:
            released = self.cost * closed // abs(self.lots)
            self.balance += -side * price * closed * self.worth - released
            self.cost -= released
        self.cost += side * price * (lots - closed) * self.worth
        self.lots += side * lots
        self.balance -= fee

    def pay_funding(self, mark: int, rate: Fraction) -> int:
        paid = up(self.lots * mark * self.worth * rate)
        self.balance -= paid
        return paid

    # ---- margin ----
    def fee_to_close(self, value: int) -> int:
        return up(value * self.fees.highest_taker)

    def profit(self, mark: int) -> int:
        return mark * self.lots * self.worth - self.cost if self.lots and mark else 0

    def bound_by_position(self, mark: int) -> int:
        """What the position binds, its profit taken off where that counts."""
        if not self.lots:
            return 0
        if self.margin.mode == "isolated" or not mark:
            return self.stake()
        value = abs(self.lots) * mark * self.worth
        return self.margin.to_open(value) + self.fee_to_close(value) - self.profit(mark)

    def bound_by_order(self, side: int, price: int, lots: int) -> int:
        if side * self.lots < 0 and lots <= abs(self.lots):
            return 0
        one = price * self.worth
        after = one * max(side * self.lots + lots, lots)
        rate = max(self.margin.initial, self.margin.tiers[self.margin.tier(after)][1])
        return lots * (up(one * rate) + 2 * self.fee_to_close(one))

    def stake(self) -> int:
        """What an isolated position bound when it was opened: all that it can lose."""
        return self.margin.to_open(abs(self.cost)) + self.fee_to_close(abs(self.cost))

    def is_lost(self, mark: int) -> bool:
        if not self.lots or not mark or self.margin.mode == "none":
            return False
        stands = self.stake() if self.margin.mode == "isolated" else self.balance
        value = abs(self.lots) * mark * self.worth
        return stands + self.profit(mark) <= self.margin.to_keep(value) + self.fee_to_close(value)

    def take_over(self) -> tuple[int, int, int, int]:
        """Close everything at the bankruptcy price; side, price, lots and fee of that fill."""
        stake = self.stake() if self.margin.mode == "isolated" else self.balance
        may_lose = stake - self.fee_to_close(abs(self.cost))
        exact = Fraction(self.cost - may_lose, self.lots * self.worth)
        price = math.ceil(exact) if self.lots > 0 else math.floor(exact)
        price = min(max(price, 1), 2**31 - 1)
        side, lots = (-1 if self.lots > 0 else 1), abs(self.lots)
        fee = stake + self.profit(price)
        self.book(side, price, lots, fee)
        return side, price, lots, fee
