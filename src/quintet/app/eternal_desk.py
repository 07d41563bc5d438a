"""One sub-account of the eternal engine on its way through life: a desk that wants what it is told.

It has a tape, an account at the venue with a key of its own, a gateway and a reconciliation, like any desk that trades
(`app.trading`); its system is the conductor (`app.eternal_trading`), who speaks through events on its tape.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet import __version__
from quintet._kernel_cache import cache_key
from quintet.app import desk_folder
from quintet.app.bybit_desk import Account
from quintet.app.desk_folder import Identity
from quintet.app.eternal_words import PAID, Units, fill_words, order_words, payment_words
from quintet.app.machine import Machine
from quintet.app.messages import Complaint
from quintet.app.reloading import ACTIONS
from quintet.core import events as ev
from quintet.core import state as s
from quintet.core.digest import command_hash
from quintet.core.engine.checkpoint import desk_parts, restore
from quintet.core.instrument import Instrument
from quintet.core.orders.client_ids import ClientIds
from quintet.ports.command_rows import command_rows
from quintet.ports.gateway import Brake
from quintet.ports.venue_account import Execution
from quintet.research.eternal_conductor import Action, Conductor, Event
from quintet.research.eternal_run import Costs, event_of, margin_of
from quintet.research.sub_accounts import SubAccountBooks
from quintet.research.told_desk import Moved, ToldEntrance, Wanted, Word, told_world, word_rows, words_on
from quintet.runtime.dispatcher import Dispatcher
from quintet.runtime.lines import FILL, ORDER
from quintet.runtime.live_desk import NOTICE, Ears, LiveDesk, Said
from quintet.runtime.reconciliation import Reconciliation
from quintet.runtime.recovery import Relived, back_again, believed_open, lost_market, not_written, relive
from quintet.runtime.session import Happened, Keeping, Session
from quintet.storage.tape_files import TapeWriter
from quintet.systems.eternal.config import NAME
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.order_gateway import PATIENT

CONFIG: Final = "told"
"""A desk that is told what to want has no parameters of its own."""


class Place(NamedTuple):
    """What the desks of one portfolio have in common. `folder`: of the portfolio; `desk`: its name."""

    folder: Path
    desk: str
    world: str
    url: str
    instruments: tuple[Instrument, ...]
    costs: Costs
    machine: Machine
    brake: Brake


class SubAccountDesk:
    """`name`: of the sub-account; `account`: the venue's side of it; `say`: told lines for people.

    `heard`: positions on its tape and what the conductor has to hear of them; `forced`: what the venue has done to it
    by itself; `stirs`: called when there is something.
    """

    def __init__(
        self, place: Place, name: str, account: Account, conductor: Conductor, say: Callable[[str, Said], None]
    ) -> None:
        self.name, self.folder = name, place.folder / name
        self.heard: deque[tuple[int, Event]] = deque()
        self.forced: deque[Execution] = deque()
        self.stirs: Callable[[], None] = lambda: None
        self.joined = asyncio.Event()
        self.tape: Any = None
        self.told = self.operated = 0
        """The number of the last word that said what it shall want, and of the last that a person said to its desk."""

        self.moved: dict[str, Moved] = {}
        self._place, self._account, self._say = place, account, say
        self._conductor = conductor
        self._listing = Listing(place.instruments)
        self._units = Units(conductor.names, self._listing)
        self._payments: set[int] = set()
        """Where events end that have booked a payment of funding; one that was booked before books nothing."""

        self.books = _books(name, place.instruments, place.costs)
        self._enter = ToldEntrance(self.books, self._wake)
        notes = {"system": NAME, "sub_account": name, "instruments": _written(place.instruments)}
        self._who = Identity(place.desk, place.world, cache_key(), notes, bool(place.url))

    def _wake(self, why: int) -> None:
        if why == s.WAKE_FUNDING:
            self._payments.add(int(self.books.world.desk[0].event))
        event = event_of(self._conductor, self.books, why)
        if event is not None:
            self.heard.append((int(self.books.world.desk[0].event), event))
            self.stirs()

    # ---- birth, and coming back ----------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Write the birth of a desk that has no tape yet; raises Complaint for an account that is not empty."""
        if desk_folder.past_of(self.folder) is not None:
            return
        held = await self._account.holdings(self._listing)
        if any(held.quanta.values()) or any(held.lots.values()) or held.open_orders:
            raise Complaint(
                "a sub-account that is not empty", where=f"bybit {self.name}",
                found=f"{len(held.open_orders)} open orders, {_amounts(self._listing, held.quanta) or 'no coins'}",
                expected="nothing: its capital is transferred when the portfolio is begun",
            )  # fmt: skip
        machine = self._place.machine
        now_ns = machine.wall_ns()
        rows = desk_folder.first_rows(self._place.instruments, now_ns, now_ns, machine.draw_below)
        more = {
            "venue_url": self._place.url, "untouched": "{}", "executed_before": json.dumps(held.executed),
            "venue_account": await self._account.name(),
        }  # fmt: skip
        desk_folder.write_birth(self.folder, self._who, __version__, more, rows)

    def come_back(self) -> Relived:
        """As it was after the last event on its tape."""
        folder, world = self.folder, self.books.world
        past = self._past = desk_folder.required_past(folder)
        require_same(past, self._who, folder)
        found, at = desk_folder.newest_checkpoint(folder, past.positions), 0
        if found is not None:
            restore(found, desk_parts(world), code=self._who.code, config=CONFIG)
            at = found.place.tape_rows
        relived = relive(world, self._enter, past.behind(at))
        for word in words_on(past.written):
            self._remember(word)
        self.operated = int(np.max(past.written["price"], where=past.written["kind"] == ev.OPERATOR, initial=0))
        self.tape = TapeWriter.resume(folder / desk_folder.TAPE, past.known)
        self._checkpoints = self._place.machine.beside(desk_folder.SealedCheckpoints(folder, self.tape))
        unwritten, last_ns = relived.unwritten, past.last_ns
        if len(unwritten):
            self.tape.append(command_rows(unwritten))
        session = Session(world, self._enter, self.tape, last_ns=last_ns)
        list(session.hear(not_written(unwritten, last_ns)))
        heard_ns = past.market_ns or last_ns
        list(session.hear(back_again(heard_ns, last_ns)))
        for n in range(len(self._place.instruments)):
            list(session.hear(lost_market(heard_ns, last_ns, n)))
        return relived

    # ---- alive ---------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Put the desk together, so that it can be told to stop; nothing is asked or sent before it lives."""
        place, world = self._place, self.books.world
        ids = self.ids
        self._payments.clear()  # they were told in an earlier life
        orders = self._account.gateway(self._listing, ids, place.brake, retries=PATIENT)
        dispatcher = Dispatcher(
            self.tape, orders, lambda commands, why: self.desk.suppressed(commands, why), place.brake,
            place.machine.in_thread,
        )  # fmt: skip
        keeping = Keeping(self._checkpoints, self._who.code, lambda: CONFIG)
        session = Session(world, self._enter, self.tape, dispatcher, keeping, self.tape.position, self._past.last_ns)
        feed = self._account.feed(
            self._listing, self._past.since_ns, self._past.booked, lambda: believed_open(world, ids)
        )
        self.reconciliation = Reconciliation(world, self._past.untouched)
        self.desk = LiveDesk(
            session, dispatcher, orders, feed, self.reconciliation, ids,
            Ears(self._happened, self._said, self._closed), brake=place.brake, keeps_orders=True,
            wall_ns=place.machine.wall_ns,
        )  # fmt: skip

    async def live(self) -> None:
        """Recover, trade until it is stopped; what works at the venue stays there, stops protect positions."""
        keepers = (
            self._account.rest.keep_clock(),
            self._account.socket.run(),
            self._account.let_prices_be_moved(self._notice),
        )
        await self.desk.live(keepers, self._join())
        self._checkpoints.close()
        self.tape.close()

    async def _join(self) -> None:
        """Everything is known: from here on it hears the market, and what it is told."""
        self.joined.set()
        self.stirs()
        await asyncio.Event().wait()

    def _notice(self, text: str) -> None:
        self._said(Said(self._place.machine.wall_ns(), NOTICE, text))

    def _said(self, said: Said) -> None:
        self._say(self.name, said)

    def _happened(self, happened: Happened) -> None:
        """What was booked, and what was decided; neither is a notice."""
        for fill in happened.fills:
            text = fill_words(fill, self._units, self._place.world == "paper")
            self._said(Said(int(fill["ts_recv"]), FILL, text))
        end = happened.position + len(happened.rows) - 1
        if end in self._payments:
            self._payments.discard(end)
            paid, booked = happened.rows[0], happened.rows[1]
            text = payment_words(int(paid["instrument"]), int(paid["quantity"]), int(booked["price"]), self._units)
            self._said(Said(int(paid["ts_recv"]), PAID, text))
        for command in happened.commands:
            self._said(Said(int(command["ts"]), ORDER, order_words(command, self._units)))

    def _closed(self, execution: Execution) -> None:
        self.forced.append(execution)
        self.stirs()

    def tell_now(self) -> None:
        """What happened here, to people, before they hear what came of it."""
        self.desk.tell_now()

    def tell(self, word: Word) -> None:
        """A word of the conductor: an event of this desk."""
        self._remember(word)
        self.desk.enter(word_rows(word, self._place.machine.wall_ns()))

    def operate(self, number: int, action: Action) -> None:
        """What a person says to the desk, and the number of the conductor's event that says it: both on this tape."""
        self.operated = number
        self.desk.operate(ACTIONS[action], number)

    def _remember(self, word: Word) -> None:
        if isinstance(word, Wanted):
            self.told = word.number
        else:
            self.moved[word.key] = word

    @property
    def ids(self) -> ClientIds:
        """Of its orders, at the venue."""
        return desk_folder.ids_of(self._place.desk, self._past.birth)

    @property
    def open_orders(self) -> int:
        """Orders that are not known to be over."""
        return len(believed_open(self.books.world, self.ids))

    @property
    def market_ns(self) -> int:
        """The venue's time of what it heard last of the market."""
        return self._past.market_ns

    @property
    def command_hash(self) -> str:
        """Of every approved command."""
        return command_hash(self.books.world.desk[0])


def _written(instruments: Sequence[Instrument]) -> str:
    return msgspec.json.encode(instruments).decode()


def _amounts(listing: Listing, quanta: dict[int, int]) -> str:
    held: list[Any] = [(name, quanta.get(asset.number, 0) * asset.quantum) for name, asset in listing.assets.items()]
    return ", ".join(f"{amount:f} {name}" for name, amount in held if amount)


def require_same(past: desk_folder.Past, who: Identity, folder: Path) -> None:
    """Raise Complaint unless the folder is of this very desk, begun with this very code."""
    if past.notes["code"] != who.code:
        raise Complaint(
            "a desk of another version", where=str(folder), found=past.notes["code"], expected=who.code,
            hint="go on with the version that it was begun with, or begin another --desk",
        )  # fmt: skip
    desk_folder.require_notes(past.notes, who, folder)


def relived_books(name: str, instruments: tuple[Instrument, ...], costs: Costs, rows: Any) -> SubAccountBooks:
    """The books of a sub-account from its tape alone; raises TapeError at the first command that is not the same."""
    books = _books(name, instruments, costs)
    relive(books.world, ToldEntrance(books, lambda why: None), rows)
    return books


def _books(name: str, instruments: tuple[Instrument, ...], costs: Costs) -> SubAccountBooks:
    return SubAccountBooks(name, instruments, told_world(instruments, margin_of(costs), costs.slippage_max_e9))
