"""Our books against the venue's account: equal, not yet equal, or for a person to explain. Pure: asks nobody.

The venue is asked for executions before balances, so a difference may be an execution that came between. It is looked
at again after 1, 5 and 15 s; what is the same difference each time, while nothing was booked, is unexplained.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import state as s
from quintet.core.events import LAST, RECONCILED, ROW
from quintet.ports.account_books import AccountBooks, OwnAccount
from quintet.ports.venue_account import Balance, PositionReport, Report

EVERY_S: Final = 60.0
AGAIN_S: Final = (1.0, 5.0, 15.0)


class Difference(NamedTuple):
    """One thing that is not equal: quanta of an asset, or lots of a contract's position."""

    is_position: bool
    number: int
    booked: int
    found: int

    @property
    def missing(self) -> int:
        """What the venue holds more than our books (- = less)."""
        return self.found - self.booked


class Judged(NamedTuple):
    """When to look again, seconds, and what nobody can explain.

    `asleep`: desks of the account whose books may be behind; `is_ours`: it is this desk's to post, not an elder's.
    """

    again_s: float
    unexplained: tuple[Difference, ...] = ()
    asleep: tuple[str, ...] = ()
    is_ours: bool = True


class Reconciliation:
    """Hears what the venue says of its account, and compares when it has said everything.

    What of the account is not this desk's stands in `books`; a mapping of asset numbers to quanta says what it left
    alone where it is the account's only desk.
    """

    def __init__(self, world: s.World, books: AccountBooks | Mapping[int, int]) -> None:
        self.compared = 0
        """How often everything was equal."""
        self._world = world
        self._books: AccountBooks = OwnAccount(books) if isinstance(books, Mapping) else books
        self._balances: dict[int, int] = {}
        self._positions: dict[tuple[int, int], int] = {}
        self._costs: dict[tuple[int, int], int] = {}
        self._before: tuple[Difference, ...] = ()
        self._fills_before = -1
        self._attempt = 0

    def hear(self, report: Report) -> None:
        """An answer of the venue about a balance or a position; everything else is none of this."""
        if isinstance(report, Balance):
            self._balances[report.asset] = report.quanta
        elif isinstance(report, PositionReport):
            self._positions[report.instrument, report.leg] = report.lots
            self._costs[report.instrument, report.leg] = report.cost

    def judge(self) -> Judged:
        """Compare, after the venue has said everything."""
        differences = self.differences()
        others = self._books.others()
        booked = int(self._world.desk[0].n_fills) + int(self._world.desk[0].n_fundings) + others.serial
        if not differences:
            self.compared += 1
            self._attempt = 0
            self._before = ()
            return Judged(EVERY_S)
        if differences != self._before or booked != self._fills_before:
            self._attempt = 0
        self._before, self._fills_before = differences, booked
        if self._attempt < len(AGAIN_S):
            self._attempt += 1
            return Judged(AGAIN_S[self._attempt - 1])
        self._attempt = 0
        return Judged(EVERY_S, differences, others.asleep, others.is_eldest)

    def differences(self) -> tuple[Difference, ...]:
        """What is not equal now."""
        desk, others = self._world.desk[0], self._books.others()
        ledger = np.asarray(desk.ledger)[s.DESK_BOOK]
        found = [
            Difference(False, asset, int(ledger[asset]) + others.quanta.get(asset, 0), quanta)
            for asset, quanta in sorted(self._balances.items())
        ]
        if others.cost is not None:
            found = [self._less_cost(one, others.cost) for one in found]
        else:
            found = [one for one in found if not self._is_split_otherwise(one)]
        lots: dict[int, int] = {}
        for (instrument, _), one in self._positions.items():
            lots[instrument] = lots.get(instrument, 0) + one
        found += [
            Difference(True, n, int(desk.shown.account[n].lots) + others.lots.get(n, 0), one)
            for n, one in sorted(lots.items())
        ]
        return tuple(one for one in found if one.missing)

    def _is_split_otherwise(self, difference: Difference) -> bool:
        """Do our books only call profit what the venue still calls cost, or the other way round?

        Fills that were heard in another order than they happened in close other lots first; with the position flat
        again, all is the same. A cost as the venue tells it is right to the nearest quantum.
        """
        legs = sum(1 for lots in self._positions.values() if lots)
        return legs > 0 and self._is_quote(difference) and abs(self._less_cost(difference, 0).missing) <= legs

    def _is_quote(self, difference: Difference) -> bool:
        return difference.number == int(self._world.desk[0].shown.instruments[0].quote_asset)

    def _less_cost(self, difference: Difference, cost_of_others: int) -> Difference:
        """Money less what positions have cost, on both sides: the venue nets what several desks hold of a contract."""
        if not self._is_quote(difference):
            return difference
        booked = difference.booked - int(self._world.desk[0].shown.account[0].cost) - cost_of_others
        return difference._replace(booked=booked, found=difference.found - sum(self._costs.values()))


def suspense_rows(difference: Difference, ts_ns: int) -> Any:
    """The event that posts a difference of an asset to suspense: it alarms, and no new risk leaves."""
    return np.array([(ts_ns, ts_ns, difference.missing, difference.number, 0, RECONCILED, LAST)], ROW)
