"""CORE's idle coins on their way to the venue's Earn product and back, each staking once.

What the conductor says stands on its tape before anything is sent, under a name computed from desk, epoch and key. The
venue is asked until it says what became of it; then the coins leave or enter the books of CORE's desk, as an event of
its tape. What the venue refuses is told the conductor.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from quintet.app.bybit_desk import Account
from quintet.app.eternal_desk import SubAccountDesk
from quintet.research.conductor_tape import Conducting, Staking
from quintet.research.sub_accounts import spot_of
from quintet.research.told_desk import Moved, cost_of
from quintet.systems.eternal.core_hodl import STAKED
from quintet.venues.bybit import earn
from quintet.venues.bybit.earn import EarnOrder

PREFIX: Final = "earn "


class EarnDesk:
    """Of one desk and one coin, STAKED. `quantum`: of the coin; `refused`: told what the venue did not take, and why.

    `name_of`: what the venue calls a key; no two portfolios have the same.
    """

    def __init__(
        self,
        desk: SubAccountDesk,
        account: Account,
        conducting: Conducting,
        name_of: Callable[[str], str],
        quantum: Decimal,
        refused: Callable[[Staking, str], None],
    ) -> None:
        self._desk, self._account, self._conducting = desk, account, conducting
        self._name_of, self._quantum, self._refused = name_of, quantum, refused
        self._earned = 0
        """Quanta that the product held beyond what we had brought, when it was asked last."""

    @property
    def owed(self) -> list[Staking]:
        """What was said and stands on the tape of the desk on neither side yet, oldest first."""
        return [one for one in self._conducting.stakings if one.key not in self._desk.moved]

    @property
    def away(self) -> int:
        """Quanta that are in the product or on their way back, as far as anybody has told us."""
        return max(self._brought + self._earned, 0)

    @property
    def _brought(self) -> int:
        return -sum(moved.quanta for key, moved in self._desk.moved.items() if key.startswith(PREFIX))

    @property
    def _cost(self) -> int:
        """What the coins that are away were bought for."""
        moved = [one for key, one in self._desk.moved.items() if key.startswith(PREFIX)]
        return sum(one.cost if one.quanta < 0 else -one.cost for one in moved)

    async def look(self) -> None:
        """Ask what is in the product, while nothing is on its way; raises as `earn.staked` does."""
        if self._brought and not self.owed:
            there = await earn.staked(self._account.rest, STAKED)
            self._earned = int(there / self._quantum) - self._brought

    async def settle(self) -> None:
        """Carry out what is owed, in its order, as far as the venue lets it; raises as `earn.carry_out` does."""
        for staking in self.owed:
            await self._settle(staking)

    async def _settle(self, staking: Staking) -> None:
        order = await self._order(staking)
        state = await earn.carry_out(self._account.rest, order)
        if state.became == "refused":
            self._refused(staking, state.why)
        elif state.became == "done":
            self._book(staking, int(state.amount / self._quantum))

    async def _order(self, staking: Staking) -> EarnOrder:
        """As it is sent, or was: the amount of everything may have grown since, its name is the same."""
        quanta = abs(staking.lots) * self._lot_quanta
        if staking.everything:
            there = await earn.staked(self._account.rest, staking.asset)
            quanta = int(there / self._quantum) or quanta
        return EarnOrder(self._name_of(staking.key), staking.asset, quanta * self._quantum, stakes=staking.lots > 0)

    @property
    def lots(self) -> int:
        """What is away, in whole lots."""
        return self.away // self._lot_quanta

    @property
    def _lot_quanta(self) -> int:
        books = self._desk.books
        spot = spot_of(books.instruments, STAKED)
        assert spot is not None, "whoever stakes a coin trades it"
        return int(books.instruments[spot].lot_size / self._quantum)

    def _book(self, staking: Staking, quanta: int) -> None:
        """The coins take what they have cost with them, and bring it back."""
        if staking.lots > 0:
            self._desk.tell(
                Moved(staking.key, staking.asset, -quanta, cost_of(self._desk.books, staking.asset, quanta))
            )
            return
        cost = self._cost if staking.everything else self._cost * quanta // max(self.away, quanta)
        self._desk.tell(Moved(staking.key, staking.asset, quanta, cost))
