"""The venue's Earn product in a replay: coins that have left a sub-account, what they earn there, when they are back.

Coins go in at once. What is called back is on its way for as long as the venue may take, and earns nothing meanwhile.
Interest is paid once a day in the coin, on what is in the product, at a yield that was known; without one nothing is.
"""

from typing import Final

from quintet.core.errors import InvariantError
from quintet.research.daily_tape import DAY_NS
from quintet.research.sub_accounts import SubAccount, deposit, withdraw

YEAR_DAYS: Final = 365
REDEEM_NS: Final = 2 * DAY_NS
"""The venue gives a flexible subscription back within 48 hours; we believe the worst."""

E9: Final = 1_000_000_000


class Earn:
    """One coin of one sub-account. All amounts are base quanta; `cost`: what they were bought for, in quanta."""

    def __init__(self, account: SubAccount, asset: str, lot_quanta: int) -> None:
        self.asset, self.lot_quanta, self._account = asset, lot_quanta, account
        self.inside = self.cost = 0
        self._coming: list[tuple[int, int, int]] = []
        self.interest = self.days = self.unpaid_days = 0
        """Quanta earned; days on which there was something to earn; those of them without a known yield."""

    @property
    def away(self) -> int:
        """What is inside and what is on its way back."""
        return self.inside + sum(quanta for _, quanta, _ in self._coming)

    @property
    def lots(self) -> int:
        """The same in whole lots."""
        return self.away // self.lot_quanta

    def subscribe(self, lots: int) -> None:
        """Bring lots in; raises InvariantError for more than the sub-account has."""
        quanta = lots * self.lot_quanta
        self.cost += withdraw(self._account, self.asset, quanta)
        self.inside += quanta

    def redeem(self, lots: int, now_ns: int, everything: bool = False) -> None:
        """Call lots back, or all there is with what it has earned; raises InvariantError for more than is inside."""
        quanta = self.inside if everything else lots * self.lot_quanta
        if not 0 < quanta <= self.inside:
            raise InvariantError(
                f"Earn: found {quanta} quanta of {self.asset} called back, expected 1 to {self.inside}"
            )
        cost = self.cost * quanta // self.inside
        self.inside, self.cost = self.inside - quanta, self.cost - cost
        self._coming.append((now_ns + REDEEM_NS, quanta, cost))

    def pay(self, yield_e9: int | None) -> None:
        """A day's interest at a yearly yield in 1e-9, rounded down; None: no data, and nothing is paid."""
        if self.inside == 0:
            return
        self.days += 1
        if yield_e9 is None:
            self.unpaid_days += 1
            return
        paid = self.inside * yield_e9 // (YEAR_DAYS * E9)
        self.inside, self.interest = self.inside + paid, self.interest + paid

    def arrive(self, now_ns: int) -> None:
        """What has come back by now is in the sub-account again."""
        for arrives_ns, quanta, cost in self._coming:
            if arrives_ns <= now_ns:
                deposit(self._account, self.asset, quanta, cost)
        self._coming = [coming for coming in self._coming if coming[0] > now_ns]
