"""Our books against the venue's account: equal, not yet equal, or for a person to explain. Pure: asks nobody.

The venue is asked for executions before balances, so a difference may be an execution that came between. It is looked
at again after 1, 5 and 15 s; what is the same difference each time, while nothing was booked, is unexplained.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import state as s
from quintet.core.events import LAST, RECONCILED, ROW
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
    """When to look again, seconds, and what nobody can explain."""

    again_s: float
    unexplained: tuple[Difference, ...] = ()


class Reconciliation:
    """Hears what the venue says of its account, and compares when it has said everything.

    `untouched`: asset number to quanta that the account holds besides this desk's capital, since its beginning.
    """

    def __init__(self, world: s.World, untouched: Mapping[int, int]) -> None:
        self.compared = 0
        """How often everything was equal."""
        self._world = world
        self._untouched = untouched
        self._balances: dict[int, int] = {}
        self._positions: dict[tuple[int, int], int] = {}
        self._before: tuple[Difference, ...] = ()
        self._fills_before = -1
        self._attempt = 0

    def hear(self, report: Report) -> None:
        """An answer of the venue about a balance or a position; everything else is none of this."""
        if isinstance(report, Balance):
            self._balances[report.asset] = report.quanta
        elif isinstance(report, PositionReport):
            self._positions[report.instrument, report.leg] = report.lots

    def judge(self) -> Judged:
        """Compare, after the venue has said everything."""
        differences = self.differences()
        booked = int(self._world.desk[0].n_fills) + int(self._world.desk[0].n_fundings)
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
        return Judged(EVERY_S, differences)

    def differences(self) -> tuple[Difference, ...]:
        """What is not equal now."""
        desk = self._world.desk[0]
        ledger = np.asarray(desk.ledger)[s.DESK_BOOK]
        found = [
            Difference(False, asset, int(ledger[asset]) + self._untouched.get(asset, 0), quanta)
            for asset, quanta in sorted(self._balances.items())
        ]
        lots: dict[int, int] = {}
        for (instrument, _), one in self._positions.items():
            lots[instrument] = lots.get(instrument, 0) + one
        found += [Difference(True, n, int(desk.shown.account[n].lots), one) for n, one in sorted(lots.items())]
        return tuple(one for one in found if one.missing)


def suspense_rows(difference: Difference, ts_ns: int) -> Any:
    """The event that posts a difference of an asset to suspense: it alarms, and no new risk leaves."""
    return np.array([(ts_ns, ts_ns, difference.missing, difference.number, 0, RECONCILED, LAST)], ROW)
