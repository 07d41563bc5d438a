"""Sub-accounts of one portfolio: a world each, all on one tape, stopped together, with transfers between their books.

Each has its own step, gate, books and exchange account, so a loss in one cannot reach another's money: there is nowhere
that it could be booked. They meet only in `transfer`, which moves whole quanta and is refused beyond what is there.
"""

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import state as s
from quintet.core.accounting.transfer import receive_coins, release_coins, transfer_money
from quintet.core.engine.world import Setup, asset_numbers, new_world, without_memory
from quintet.core.errors import DefinitionError, InvariantError
from quintet.core.execution.want import Want
from quintet.core.instrument import Instrument
from quintet.core.kernel import entry
from quintet.core.records import offset_of, quick
from quintet.core.tape import Tape
from quintet.research.backtest import Kept, define
from quintet.research.systems import left_loop_kernels
from quintet.systems.own.memory import bytes_of
from quintet.systems.own.waking import write_wants

_MARKET: Final = Struct("<3q")
_ACCOUNT: Final = Struct("<3q")
_ONE: Final = Struct("<q")
_WOKEN: Final = Struct("<10q")
_VIEW: Final = offset_of(s.DESK, "shown")
_MARKET_AT: Final = _VIEW + offset_of(s.VIEW, "market") + offset_of(s.MARKET, "bid")
_ACCOUNT_AT: Final = _VIEW + offset_of(s.VIEW, "account") + offset_of(s.ACCOUNT, "lots")
_LEDGER_AT: Final = offset_of(s.DESK, "ledger") + s.DESK_BOOK * s.ASSETS * _ONE.size


class Woken(NamedTuple):
    """What has woken a sub-account, as its view says it: time, reason, instrument, and the numbers of fill or order."""

    now_ns: int
    why: int
    instrument: int
    kind: int
    tag: int
    side: int
    price: int
    lots: int
    maker: int
    fee: int


if Woken._fields[1:] != (s.VIEW.names or ())[1:10]:
    raise DefinitionError(f"the view begins with {s.VIEW.names}, expected {', '.join(Woken._fields)}")


_ENTRANCES: Final[list[tuple[Any, Any]]] = []
"""The loop and what follows a wake, once they were entered: all worlds without a system's memory are of one type."""


def _entered(rows: s.Tape, inside: s.World) -> tuple[Any, Any]:
    """Both, compiled for these types; looking at the types of a world takes longer than a year of days."""
    if not _ENTRANCES:
        run, after = left_loop_kernels()
        _ENTRANCES.append((entry(run, rows, inside, 0), entry(after, inside)))
    return _ENTRANCES[0]


class SubAccountBooks:
    """What the world of one sub-account shows, and how it is told what to want."""

    def __init__(self, name: str, instruments: tuple[Instrument, ...], world: s.World) -> None:
        self.name, self.instruments, self.world = name, instruments, world
        self._memory = bytes_of(world.desk)
        self._assets = asset_numbers(instruments)
        self._units = [(i.kind == "spot", i.quanta_per_tick_lot, i.base_quanta_per_lot) for i in instruments]

    def want(self, wants: Sequence[Want]) -> None:
        """From now on this is wanted; planned when the event that is being handled is over."""
        write_wants(self._memory, wants)

    def woken(self) -> Woken:
        """What it is that woke it."""
        return Woken._make(_WOKEN.unpack_from(self._memory, _VIEW))

    @property
    def shown(self) -> Any:
        """The view of the desk."""
        return self.world.desk[0].shown

    def asset_number(self, asset: str) -> int:
        """The column of an asset in the ledger."""
        return self._assets[asset]

    def money(self, asset: str) -> int:
        """Quanta of an asset in the books."""
        return int(_ONE.unpack_from(self._memory, _LEDGER_AT + self._assets[asset] * _ONE.size)[0])

    def market(self, n: int) -> tuple[int, int, int]:
        """Bid, ask and last trade of an instrument, price increments; the ask is 0 where there is none."""
        bid, ask, last = _MARKET.unpack_from(self._memory, _MARKET_AT + n * s.MARKET.itemsize)
        return bid, ask if ask < s.NO_ASK else 0, last

    def holding(self, n: int) -> tuple[int, int, int]:
        """Lots, base quanta held and cost of an instrument."""
        lots, held, cost = _ACCOUNT.unpack_from(self._memory, _ACCOUNT_AT + n * s.ACCOUNT.itemsize)
        return lots, held, cost

    def equity(self) -> int:
        """Money and positions at their last prices, in quanta of the quote asset, before what leaving would cost."""
        total = self.money(self.instruments[0].quote_asset)
        for n, (is_spot, quanta, base_quanta) in enumerate(self._units):
            lots, held, cost = self.holding(n)
            if lots == 0 and held == 0:
                continue
            last = self.market(n)[2]
            total += held * last * quanta // base_quanta if is_spot else lots * last * quanta - cost
        return total

    def imbalance(self) -> int:
        """What the books of any asset are off, summed; 0 when all balance."""
        return int(np.abs(np.asarray(self.world.desk[0].ledger).sum(axis=0)).sum())


class SubAccount(SubAccountBooks):
    """One sub-account at work on a tape."""

    def __init__(self, name: str, setup: Setup, tape: Tape) -> None:
        super().__init__(name, setup.instruments, new_world(setup))
        self.kept = Kept()
        self._tape, self._rows = tape, s.Tape(quick(tape.rows))
        self._inside = without_memory(self.world)
        self._end = len(self._rows.rows)
        self._run, self._after = _entered(self._rows, self._inside)

    def advance(self, wake: Callable[["SubAccount", int], None]) -> bool:
        """Move to the next timer; True at one, False at the tape's end. Whatever else wakes it is handed to `wake`."""
        while True:
            why = int(self._run(self._rows, self._inside, self._end))
            if why == s.WAKE_TIMER:
                return True
            if why == s.END:
                self.kept.take(self.world)
                return False
            if why == s.FULL:
                self.kept.take(self.world)
            elif why == s.DEFINITION:
                define(self._tape, self.world)
            elif why > 0 and why & s.WAKES:
                wake(self, why)
                self._after(self._inside)
            else:
                raise InvariantError(f"{self.name}: the loop stopped for {s.WHY_NAMES.get(why, why)}, expected its end")

    def go(self) -> None:
        """Go on after a timer: plan, pass the gate, send."""
        self._after(self._inside)


def transfer(source: SubAccount, to: SubAccount, asset: str, quanta: int) -> None:
    """Move money, or coins in kind, between two sub-accounts that stand at the same moment.

    Raises InvariantError for more than the first has. The exchange's own books of both follow.
    """
    column = source._assets[asset]
    spot = spot_of(source.instruments, asset)
    ledgers = [(source.world.desk[0].ledger, to.world.desk[0].ledger)]
    if int(source.world.venue[0].margin.mode) != 0 and int(to.world.venue[0].margin.mode) != 0:
        ledgers.append((source.world.venue[0].ledger, to.world.venue[0].ledger))
    for here, there in ledgers:
        transfer_money(here, there, column, quanta)
    if spot is not None:
        _bring_coins(to, spot, quanta, _take_coins(source, spot, quanta))


def deposit(to: SubAccount, asset: str, quanta: int, cost: int = 0) -> None:
    """Money or coins from outside, these at a cost: capital of the sub-account, neither profit nor loss."""
    _book_capital(to, asset, quanta)
    spot = spot_of(to.instruments, asset)
    if spot is not None:
        _bring_coins(to, spot, quanta, cost)


def withdraw(source: SubAccount, asset: str, quanta: int) -> int:
    """Coins to outside; returns their cost. Raises InvariantError for more than there are."""
    spot = spot_of(source.instruments, asset)
    if spot is None:
        raise InvariantError(f"withdraw: found {asset}, expected the coin of a spot instrument")
    cost = _take_coins(source, spot, quanta)
    _book_capital(source, asset, -quanta)
    return cost


def _book_capital(account: SubAccount, asset: str, quanta: int) -> None:
    column = account._assets[asset]
    ledgers = [account.world.desk[0].ledger]
    if int(account.world.venue[0].margin.mode) != 0:
        ledgers.append(account.world.venue[0].ledger)
    for ledger in ledgers:
        ledger[s.DESK_BOOK, column] += quanta
        ledger[s.CAPITAL_BOOK, column] -= quanta


def _take_coins(account: SubAccount, spot: int, quanta: int) -> int:
    """Out of the spot account of a coin and of the exchange's own; returns their cost."""
    base_quanta = account.instruments[spot].base_quanta_per_lot
    cost = release_coins(account.shown.account[spot], base_quanta, quanta)
    _tell_venue(account, spot, -quanta)
    return cost


def _bring_coins(account: SubAccount, spot: int, quanta: int, cost: int) -> None:
    receive_coins(account.shown.account[spot], account.instruments[spot].base_quanta_per_lot, quanta, cost)
    _tell_venue(account, spot, quanta)


def _tell_venue(account: SubAccount, spot: int, quanta: int) -> None:
    """The exchange's books follow."""
    venue = account.world.venue[0]
    venue.book[spot].held += quanta
    venue.account[spot] = account.shown.account[spot]


def total_of(accounts: Mapping[str, SubAccount], asset: str, book: int) -> int:
    """Quanta of an asset in one book, over all sub-accounts."""
    return sum(int(a.world.desk[0].ledger[book, a._assets[asset]]) for a in accounts.values())


def spot_of(instruments: Sequence[Instrument], asset: str) -> int | None:
    """The spot instrument whose coin it is; None for the quote asset."""
    for n, instrument in enumerate(instruments):
        if instrument.kind == "spot" and instrument.base_asset == asset:
            return n
    return None
