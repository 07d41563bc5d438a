"""Capital on its way between sub-accounts of the venue: each movement once, and the same on the tapes of both sides.

What the conductor says stands on its tape before anything is moved, under a name computed from it. What is owed is read
from the tapes: what was to move and does not stand on both sides yet.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from quintet.app.eternal_desk import SubAccountDesk
from quintet.app.eternal_lines import MAIN
from quintet.research.conductor_tape import Conducting
from quintet.research.eternal_conductor import Movement
from quintet.research.told_desk import Moved, cost_of
from quintet.venues.bybit import transfers
from quintet.venues.bybit.rest import Rest


class CapitalMoves:
    """What is `owed`, oldest first, is moved one after the other.

    `rest`: of the main account, which alone may move money; `transfer_of`: a movement as the venue is asked for it;
    `refused`: told what the venue did not move, and why.
    """

    def __init__(
        self,
        desks: Mapping[str, SubAccountDesk],
        rest: Rest,
        transfer_of: Callable[[Movement], transfers.Transfer],
        refused: Callable[[Movement, str], None],
    ) -> None:
        self._desks, self._rest, self._transfer_of, self._refused = desks, rest, transfer_of, refused
        self.owed: list[Movement] = []
        self._settling = asyncio.Lock()

    def find(self, conducting: Conducting) -> None:
        """Owe what was to move and does not stand on the tapes of both sides."""
        said = conducting.movements
        self.owed = [one for one in said if any(one.key not in desk.moved for desk in self._sides(one))]

    def owe(self, movements: Iterable[Movement]) -> None:
        """These too, after what is owed already."""
        self.owed += movements

    async def settle(self) -> None:
        """Move what is owed, in its order. Raises what `transfers.move` raises while the venue does not say."""
        async with self._settling:
            while self.owed:
                await self._move(self.owed[0])
                del self.owed[0]

    async def _move(self, one: Movement) -> None:
        if not any(one.key in desk.moved for desk in self._sides(one)):
            refused = await transfers.move(self._rest, self._transfer_of(one))
            if refused:
                self._refused(one, refused)
                return
        self._book(one)

    def _sides(self, one: Movement) -> list[SubAccountDesk]:
        return [self._desks[name] for name in (one.source, one.to) if name != MAIN]

    def _book(self, one: Movement) -> None:
        """The same movement as an event of both desks; coins bring along what they have cost."""
        cost = 0
        if one.source != MAIN:
            giver = self._desks[one.source]
            if one.key not in giver.moved:
                giver.tell(Moved(one.key, one.asset, -one.quanta, cost_of(giver.books, one.asset, one.quanta)))
            cost = giver.moved[one.key].cost
        taker = self._desks[one.to]
        if one.key not in taker.moved:
            taker.tell(Moved(one.key, one.asset, one.quanta, cost))
