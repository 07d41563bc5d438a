"""Several desks on one account of a venue: each owns its orders and its part of the money, the venue sees one account.

A desk joins with its capital, which is taken from what no other desk claims. Its orders are its own by the beginning of
their names; what others did is none of its facts. The parts of all, and what nobody claims, are the account: that is
what every desk compares with the venue.
"""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.app.messages import Complaint
from quintet.core.instrument import Instrument
from quintet.core.orders.client_ids import ClientIds, base36
from quintet.core.risk import breaker
from quintet.core.risk.config import RiskConfig
from quintet.core.state import DESK_BOOK, World
from quintet.ports.account_books import Others
from quintet.ports.venue_account import Execution
from quintet.storage.account_books import AccountFolder, Book, Funding, Measured, Member, Members, net, total
from quintet.venues.bybit.listing import Listing

DAY_NS: Final = 86_400 * 10**9
EQUITY_EVERY_S: Final = 1.0


class Found(NamedTuple):
    """What the venue says of an account when a desk joins: amounts by coin, the position of its instrument in lots, and
    the client ids of the orders that work there.
    """

    account: str
    held: Mapping[str, Decimal]
    lots: int
    working: tuple[str, ...]


def join(folder: AccountFolder, me: Member, found: Found, instrument: Instrument, where: str) -> None:
    """Add a desk to an account; raises Complaint, and changes nothing, where its books would not add up with it.

    A desk that is a member already stays what it is.
    """
    with folder.locked():
        before = folder.members() or Members(found.account)
        if before.account != found.account:
            raise Complaint(
                "another account under this name", where=where, found=found.account, expected=before.account,
                hint="desks share an account when their keys are of one",
            )  # fmt: skip
        if any(one.name == me.name and one.prefix == me.prefix for one in before.members):
            return
        before = _without(before, me.name, folder.books(), where)
        others = [*before.members]
        books = {name: book for name, book in folder.books().items() if any(one.name == name for one in others)}
        _require_own_coins(me, others, where)
        _require_known(found, others, books, instrument, where)
        untouched = {**before.untouched, **_untouched(me, found, before, books, where)}
        folder.write_book(Book(me.name, 0, me.capital, ts_ns=time.time_ns()))
        folder.write_members(Members(found.account, untouched, (*others, me)))


def require_held_together(limits: RiskConfig, account: str) -> None:
    """Raise Complaint for a limit of a shared account that none of its desks could hold: each sees its own positions.

    One desk has one position, so `correlated_max` would stop nobody while a fourth desk takes the side of three.
    """
    if account and limits.correlated_max:
        raise Complaint(
            "a limit that the desks of a shared account cannot hold together", where="account.correlated_max",
            found=str(limits.correlated_max), expected="0: how positions of several desks move together, no desk knows",
            hint="what all of them may lose together is bounded: day_loss_pause_frac, drawdown_halt_frac",
        )  # fmt: skip


def _without(members: Members, name: str, books: Mapping[str, Book], where: str) -> Members:
    """The account without a desk that joined and was never born; raises Complaint for one that has traded."""
    found = next((one for one in members.members if one.name == name), None)
    if found is None:
        return members
    if name in books and books[name].serial:
        raise Complaint(
            "a desk of this account already", where=where, found=f"{name}, whose orders begin with {found.prefix}",
            expected="its folder, or another --desk: what it holds is still its own",
        )  # fmt: skip
    untouched = {coin: left + found.capital.get(coin, Decimal(0)) for coin, left in members.untouched.items()}
    return Members(members.account, untouched, tuple(one for one in members.members if one.name != name))


def _require_own_coins(me: Member, others: list[Member], where: str) -> None:
    """Raise Complaint for what would not add up: a coin of two desks, or a contract of two beside a third's."""
    kinds = {(one.category, one.symbol) for one in (me, *others)}
    if 1 < len(kinds) < len(others) + 1:
        raise Complaint(
            "instruments that this account's desks cannot share", where=where, found=f"{me.category} {me.symbol}",
            expected="one contract for all of its desks, or another for each",
        )  # fmt: skip
    for one in others:
        if me.category == one.category == "spot" and me.base == one.base:
            raise Complaint(
                "a coin that another desk of this account trades", where=where, found=f"{one.name} on {one.symbol}",
                expected="another coin, or a contract: a stop on spot sells whatever coins are there",
            )  # fmt: skip


def _require_known(
    found: Found, others: list[Member], books: Mapping[str, Book], instrument: Instrument, where: str
) -> None:
    strange = [name for name in found.working if not any(name.startswith(one.prefix) for one in others)]
    if strange:
        raise Complaint(
            "orders that no desk knows", where=where, found=f"{len(strange)} open orders",
            expected="none but those of the account's desks: take them back first",
        )  # fmt: skip
    booked = net(books, f"{instrument.kind}:{instrument.symbol}") / instrument.lot_size
    if instrument.kind != "spot" and booked != found.lots:
        raise Complaint(
            "a position that no desk knows", where=where, found=f"{found.lots} lots",
            expected=f"{booked:f}, what the account's desks hold together",
        )  # fmt: skip


def _untouched(me: Member, found: Found, before: Members, books: Mapping[str, Book], where: str) -> dict[str, Decimal]:
    """What nobody claims of this desk's coins, once it is there."""
    left = {}
    for coin, capital in me.capital.items():
        there = found.held.get(coin, Decimal(0))
        left[coin] = there - total(books, coin) - capital
        if left[coin] < 0:
            raise Complaint(
                "less than this desk's capital", where=f"{where}, {coin}", found=f"{there - total(books, coin):f}",
                expected=f"{capital:f} or more that no other desk claims (execution.initial_quote, initial_base)",
            )  # fmt: skip
        known = before.untouched.get(coin)
        if known is not None and left[coin] != known - capital:
            raise Complaint(
                "an account that its desks do not add up to", where=f"{where}, {coin}",
                found=f"{there:f}", expected=f"{known + total(books, coin):f}",
                hint="a desk that is not alive may have been filled meanwhile: start it, and join afterwards",
            )  # fmt: skip
    return left


class SharedAccount:
    """Fills `ports.account_books.AccountBooks` for one of several desks."""

    def __init__(
        self,
        folder: AccountFolder,
        me: Member,
        instrument: Instrument,
        limits: RiskConfig,
        is_alive: Callable[[str], bool],
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`limits`: of the account, all desks together. `is_alive`: whether a desk of this name is."""
        self._folder, self._me, self._instrument = folder, me, instrument
        self._listing = Listing((instrument,))
        self._limits, self._is_alive, self._steady_s = limits, is_alive, steady_s
        self._published: tuple[Any, ...] = ()
        self._published_s = 0.0
        self._looked_s = 0.0
        self._said = 0

    @property
    def _contract(self) -> str:
        return f"{self._instrument.kind}:{self._instrument.symbol}"

    @property
    def _members(self) -> Members:
        return self._folder.members() or Members("")

    def is_anothers(self, client_id: str) -> bool:
        """By the beginning of its name."""
        others = [one for one in self._members.members if one.name != self._me.name]
        return any(client_id.startswith(one.prefix) for one in others)

    def others(self) -> Others:
        """Sums of the other desks' books, and what nobody claims, rounded down to this desk's quanta."""
        members = self._members
        names = [one.name for one in members.members]
        books = {name: book for name, book in self._folder.books().items() if name in names and name != self._me.name}
        quanta = {
            asset.number: int((total(books, coin) + members.untouched.get(coin, Decimal(0))) // asset.quantum)
            for coin, asset in self._listing.assets.items()
        }
        one = self._instrument
        lots = {} if one.kind == "spot" else {0: int(net(books, f"{one.kind}:{one.symbol}") / one.lot_size)}
        asleep = tuple(name for name in names if name != self._me.name and not self._is_alive(name))
        elder = names[: names.index(self._me.name)] if self._me.name in names else []
        serial = sum(book.serial for book in books.values())
        return Others(quanta, lots, serial, asleep, all(name in asleep for name in elder), self._cost_of(books))

    def _cost_of(self, books: Mapping[str, Book]) -> int | None:
        """What others have paid for their positions in this desk's contract, quanta; None where none trades it."""
        name = self._contract
        paid = [book.costs[name] for book in books.values() if name in book.costs]
        return int(sum(paid) / self._instrument.quote_quantum) if paid else None

    def publish(self, world: World) -> None:
        """At once when something was booked; equity once a second."""
        desk, one = world.desk[0], self._instrument
        ledger = np.asarray(desk.ledger)[DESK_BOOK]
        held = {coin: int(ledger[asset.number]) * asset.quantum for coin, asset in self._listing.assets.items()}
        account = desk.shown.account[0]
        lots, paid = int(account.lots) * one.lot_size, int(account.cost) * one.quote_quantum
        positions, costs = ({}, {}) if one.kind == "spot" else ({self._contract: lots}, {self._contract: paid})
        equity = int(desk.shown.equity.quanta) * one.quote_quantum
        facts = (held, positions, costs)
        now_s = self._steady_s()
        if facts == self._published[:3] and (
            equity == self._published[3] or now_s - self._published_s < EQUITY_EVERY_S
        ):
            return
        self._published, self._published_s = (*facts, equity), now_s
        serial = int(desk.n_fills) + int(desk.n_fundings) + int(desk.alarms)
        self._folder.write_book(Book(self._me.name, serial, held, positions, costs, equity, time.time_ns()))

    def own_part(self, execution: Execution) -> Execution | None:
        """Of a funding payment the part of this desk's position in all of them together; of anything else nothing.

        Whoever hears of it first splits it, under the lock; the others read what was written.
        """
        if execution.kind != "funding":
            return None
        with self._folder.locked():
            split = self._folder.fundings().get(execution.key)
            if split is None:
                split = Funding(execution.key, self._split(execution.fee))
                self._folder.add_funding(split)
        part = split.parts.get(self._me.name, 0)
        return execution._replace(fee=part) if part else None

    def _split(self, fee: int) -> dict[str, int]:
        """By the share of each position in the net one, whole quanta; what division leaves is the first one's."""
        one = self._instrument
        books = self._folder.books()
        held = {
            member.name: books[member.name].positions.get(f"{one.kind}:{one.symbol}", Decimal(0))
            for member in self._members.members
            if member.name in books
        }
        return split_by(fee, {name: int(quantity / one.lot_size) for name, quantity in held.items()})

    # ---- limits of all together --------------------------------------------------------------------------------

    def action(self, now_ns: int) -> int:
        """Looked at once a second: a loss of the day lets risk be reduced only until 00:00 UTC, a drawdown kills."""
        now_s = self._steady_s()
        if now_s - self._looked_s < EQUITY_EVERY_S or not self._has_limits():
            return 0
        self._looked_s = now_s
        names = {one.name for one in self._members.members}
        equity = sum((book.equity for name, book in self._folder.books().items() if name in names), Decimal(0))
        with self._folder.locked():
            measured = measure(self._folder.measured(), equity, now_ns)
            self._folder.write_measured(measured)
        wanted = verdict(measured, self._limits)
        if wanted == self._said:
            return 0
        before, self._said = self._said, wanted
        if wanted == 0:
            return breaker.RESUME if before == breaker.REDUCE else 0
        return wanted

    def _has_limits(self) -> bool:
        return any(
            getattr(self._limits, name) > 0
            for name in ("day_loss_pause_frac", "day_loss_halt_frac", "drawdown_halt_frac", "drawdown_review_frac")
        )


def split_by(amount: int, lots: Mapping[str, int]) -> dict[str, int]:
    """Whole parts of an amount in proportion to lots (which may be of both signs); they sum to it exactly.

    Nothing where the lots cancel out: then nothing was to be paid for them.
    """
    whole = sum(lots.values())
    if not whole:
        first = next(iter(lots), "")
        return {first: amount} if amount and first else {}
    parts = {name: amount * held // whole for name, held in lots.items()}
    first = next(name for name, held in lots.items() if held)
    parts[first] += amount - sum(parts.values())
    return {name: part for name, part in parts.items() if part}


def measure(before: Measured | None, equity: Decimal, now_ns: int) -> Measured:
    """What limits are measured from after one more look; a day opens with the last value of the one before."""
    day = now_ns // DAY_NS
    if before is None:
        return Measured(equity, day, equity, equity)
    opened = before.day_open if day == before.day else before.last
    return Measured(max(before.high_water, equity), day, opened, equity)


def verdict(measured: Measured, limits: RiskConfig) -> int:
    """The strictest action that the limits ask for: KILL, REDUCE, or 0."""

    def lost(reference: Decimal, fraction: float) -> bool:
        return fraction > 0 and reference - measured.last >= reference * Decimal(repr(fraction))

    if lost(measured.high_water, limits.drawdown_halt_frac) or lost(measured.day_open, limits.day_loss_halt_frac):
        return breaker.KILL
    if lost(measured.high_water, limits.drawdown_review_frac):
        return breaker.KILL
    return breaker.REDUCE if lost(measured.day_open, limits.day_loss_pause_frac) else 0


def prefix_of(ids: ClientIds) -> str:
    """What the names of all orders of a desk begin with."""
    return f"{ids.desk}-{base36(ids.epoch)}-"


def account_folder(root: Path, name: str) -> AccountFolder:
    """The register of an account in a workspace; raises Complaint for a name that cannot be one."""
    if not name.replace("-", "").isalnum() or not name.islower() and not name.isdigit() or len(name) > 32:
        raise Complaint(
            "no name for an account", where="--account", found=name, expected="1 to 32 small letters, digits, hyphens"
        )
    return AccountFolder(root / "accounts" / name)
