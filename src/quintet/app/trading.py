"""A desk that trades on Bybit: what is asked for, put together, and brought to life until somebody says stop."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from quintet import __version__
from quintet._kernel_cache import cache_key
from quintet.app import desk_folder, reloading, upgrading
from quintet.app.bybit_desk import Account, Address, Holdings, listed_instrument, opened, unit_changes
from quintet.app.config import Config
from quintet.app.desk_facts import FactAccess, keep_facts
from quintet.app.desk_folder import Identity, Past
from quintet.app.desk_membership import become_member, membership, on_account
from quintet.app.desk_runs import rehearse_replay
from quintet.app.machine import MACHINE, Machine
from quintet.app.messages import Complaint
from quintet.app.waiting_for_venue import once_the_venue_is_there
from quintet.core.digest import command_hash
from quintet.core.engine.entry import new_progress
from quintet.core.errors import QuintetError
from quintet.core.events import ROW
from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.market.tick_feed import Frame
from quintet.core.orders import lifecycle
from quintet.core.row_laws import frozen
from quintet.core.state import DESK_BOOK, World
from quintet.ports.command_rows import command_rows
from quintet.ports.gateway import Brake, no_brake
from quintet.research.backtest import desk_notes, fresh_world, set_timer
from quintet.research.backtest_options import BOOK_POLICY, BacktestOptions, TickBook
from quintet.research.desk_result import net_quanta
from quintet.research.desk_run import desk_run_of
from quintet.research.retuning import CHANGEABLE, TunedEntrance, change_rows
from quintet.research.systems import KernelSystem, entrance
from quintet.runtime.book_doubt import BookDoubt
from quintet.runtime.dispatcher import Dispatcher
from quintet.runtime.live_desk import NOTICE, Ears, LiveDesk, Said
from quintet.runtime.reconciliation import Reconciliation
from quintet.runtime.recording import Recording
from quintet.runtime.recovery import back_again, believed_open, lost_market, not_written, open_questions
from quintet.runtime.session import Happened, Keeping, Session
from quintet.storage.tape_files import TapeWriter
from quintet.storage.tick_recorder import TickRecorder
from quintet.venues.bybit import decode_ticks
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.sign import ApiKey

SOME_BOOK: Final = (
    b'{"topic":"orderbook.200.ETHUSDT","type":"snapshot","ts":1,"cts":1,'
    b'"data":{"s":"ETHUSDT","b":[["1","1"]],"a":[["2","1"]],"u":1,"seq":1}}'
)

LISTING_EVERY_S = 60.0
"""So often the venue is asked whether the instrument is still what it was; sooner when it has refused an order."""

LISTING_PAUSE_S = 5.0

WorldName = Literal["paper", "sandbox", "live"]


@dataclass(frozen=True, slots=True)
class TradeRequest:
    """What is to be traded. `seconds`: None until it is stopped. `folder`: of this desk."""

    system: KernelSystem
    config: Config
    world: WorldName
    desk: str
    address: Address
    structure: str
    fills: str
    folder: Path
    seconds: float | None = None
    keep_orders: bool = False
    account: str = ""
    """Under which name the account is shared with other desks of the workspace; empty: it is this desk's alone."""

    stop: asyncio.Event | None = None
    """Set by whoever started it, to stop it; signals and the end of its time do so as well."""

    read_again: Callable[[], Config] | None = None
    """Reads the configuration once more, and asks whether this desk may trade with it; raises Complaint."""

    facts: FactAccess = FactAccess()


class Opened(NamedTuple):
    """What a person is shown before the first event: the desk as it comes to life."""

    instrument: Instrument
    events: int
    relived: int
    unknown: int
    live: int
    untouched: dict[int, int]


class Tell(NamedTuple):
    """Who hears what happens."""

    opened: Callable[[Opened], None]
    happened: Callable[[Happened, Instrument], None]
    said: Callable[[Said], None]


@dataclass(slots=True)
class Ended:
    """What a desk's life came to. Amounts in the quote asset."""

    orders: int = 0
    cancels: int = 0
    fills: int = 0
    fees: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    unknowns: int = 0
    alarms: int = 0
    still_open: int = 0
    seconds: float = 0.0
    books_compared: int = 0
    command_hash: str = ""
    folder: str = ""
    run: str = ""
    notes: list[str] = field(default_factory=list)


class _MarketRows:
    """Where the feed's rows go: into the desk. Fills `storage.tick_recorder.RowSink`."""

    position = 1
    durable_upto = 1

    def __init__(self, enter: Callable[[Any], None], floor_ns: int) -> None:
        """`floor_ns`: the venue time that the tape has come to; the venue's clock does not go back there."""
        self._enter = enter
        self._floor_ns = floor_ns

    def append(self, rows: Any) -> int:
        if self._floor_ns:
            rows["ts_event"] = np.maximum(rows["ts_event"], self._floor_ns)
            self._floor_ns *= int(rows[-1]["ts_event"]) == self._floor_ns
        self._enter(rows)
        return 0

    def sync(self) -> int:
        return 0

    def close(self) -> None:
        """There is nothing to close."""

    def abandon(self) -> None:
        """There is nothing to let go of."""


async def trade(
    request: TradeRequest, key: ApiKey, tell: Tell, brake: Brake = no_brake, machine: Machine = MACHINE
) -> Ended:
    """Trade until the time is over or somebody says stop. `machine`: what the desk lives on.

    A desk that has been alive before waits for a venue that is not there. Raises Complaint for what cannot be traded,
    ConfigError for a key that could do harm, TapeError for a disk that takes no more, and where a new desk finds no
    venue what `waiting_for_venue` says.
    """

    async def live(left_s: float | None) -> Ended:
        return await _trade_while_the_venue_is_there(replace(request, seconds=left_s), key, tell, brake, machine)

    tape = request.folder / desk_folder.TAPE
    return await once_the_venue_is_there(live, request.seconds, tape, tell.said, machine)


async def _trade_while_the_venue_is_there(
    request: TradeRequest, key: ApiKey, tell: Tell, brake: Brake, machine: Machine
) -> Ended:
    async with opened(request.address, key, machine) as account:
        with on_account(request.folder, await account.name(), request.account):
            return await _trade_on(account, request, tell, brake, machine)


async def _trade_on(account: Account, request: TradeRequest, tell: Tell, brake: Brake, machine: Machine) -> Ended:
    upgrading.finish(request.folder)
    past = desk_folder.past_of(request.folder)
    instrument = past.instrument if past is not None else await _instrument(request, account, machine)
    options = _options(request, instrument)
    params = getattr(request.config.system, request.system.name)
    who = _identity_of(request, instrument)
    if past is not None and past.notes["code"] != who.code:
        desk_folder.require_same(past, who, request.folder)
        carried = fresh_world(request.system, params, options, BOOK_POLICY)
        past = upgrading.upgrade(request.folder, past, who, carried)
    if past is not None:  # it begins with what it was begun with; its tape says what has changed since
        began = desk_run_of(past.notes, str(request.folder), request.system)
        params, options = began.params, options._replace(risk=began.options.risk)
    world = fresh_world(request.system, params, options, BOOK_POLICY)
    put_together = _Desk(request, account, instrument, who, world, tell, brake, machine)
    if past is None:
        past = await put_together.begin()
    with put_together.come_back(past):
        return await put_together.live()


def rehearse(request: TradeRequest) -> None:
    """Compile what a desk is made of, before any line is open: one event that says nothing, one book of nobody."""
    instrument = DEFAULT_SPOT
    params = getattr(request.config.system, request.system.name)
    world = fresh_world(request.system, params, _options(request, instrument), BOOK_POLICY)
    with np.errstate(over="ignore"):
        entrance(request.system, world)(frozen(np.zeros(0, ROW)), world, new_progress())
    rehearse_replay(request.system, world)
    sink = _MarketRows(lambda rows: None, 0)
    recorder = TickRecorder(Path("nowhere"), [instrument], decode_ticks.facts, sink)
    recorder.take(Frame((0, 0), 1_000_000, SOME_BOOK))


async def _instrument(request: TradeRequest, account: Account, machine: Machine) -> Instrument:
    found: Instrument = await machine.in_thread(
        lambda: listed_instrument(request.address, request.config.instrument, machine.fetch)
    )
    maker, taker = await account.fees_e9()
    return msgspec.structs.replace(found, maker_fee_e9=maker, taker_fee_e9=taker)


def _options(request: TradeRequest, instrument: Instrument) -> BacktestOptions:
    """The same words as a backtest on order books; the exchange's side is the venue's own."""
    config = request.config
    book = TickBook(config.tick_execution, is_replay=True, marks_equity=True)
    return BacktestOptions(instrument, config.execution, config.limits, request.structure, request.fills, book)


def _identity(request: TradeRequest, params: Any, options: BacktestOptions) -> Identity:
    notes = desk_notes(request.system, params, options, BOOK_POLICY)
    return Identity(
        request.desk, request.world, code_of(request.system), notes, bool(request.address.url), request.account
    )


def _identity_of(request: TradeRequest, instrument: Instrument) -> Identity:
    return _identity(request, getattr(request.config.system, request.system.name), _options(request, instrument))


def code_of(system: KernelSystem) -> str:
    """What decides: the compiled code of this version, and the file of somebody's own system."""
    return cache_key() + system.sha256[:16]


class _Desk:
    """The parts of one desk on their way to life."""

    def __init__(
        self,
        request: TradeRequest,
        account: Account,
        instrument: Instrument,
        who: Identity,
        world: World,
        tell: Tell,
        brake: Brake,
        machine: Machine,
    ) -> None:
        self._request = request
        self._account = account
        self._instrument = instrument
        self._who = who
        self._world = world
        self._tell = tell
        self._brake = brake
        self._machine = machine
        self._listing = Listing((instrument,))
        self._config = request.config

    async def begin(self) -> Past:
        """The birth of a desk on an account: written whole, and then it comes back as any other does."""
        held = await self._account.holdings(self._listing)
        untouched = {} if self._request.account else self._untouched(held)
        more = {
            "venue_url": self._request.address.url,
            "untouched": json.dumps(untouched),
            "executed_before": json.dumps(held.executed),
            **({"account": self._request.account} if self._request.account else {}),
        }
        recv_ns = self._machine.wall_ns()
        rows = desk_folder.first_rows((self._instrument,), held.now_ns, recv_ns, self._machine.draw_below)
        if self._request.account:
            ids, name = desk_folder.ids_of(self._request.desk, rows), await self._account.name()
            request = self._request
            become_member(request.account, request.folder, name, held, self._world, self._instrument, ids)
        desk_folder.write_birth(self._request.folder, self._who, __version__, more, rows)
        return desk_folder.required_past(self._request.folder)

    @contextlib.contextmanager
    def come_back(self, past: Past) -> Iterator[None]:
        """A desk as it was after the last event on its tape, and what it has to hear first; inside, its tape."""
        folder, world = self._request.folder, self._world
        self._past = past
        desk_folder.require_same(past, self._who, folder)
        self._enter = TunedEntrance(self._request.system, world, past.notes)
        set_timer(world, self._request.system, int(past.birth[0]["ts_recv"]))
        self._relived = desk_folder.come_back(folder, past, self._who, world, self._enter)
        self._tape = TapeWriter.resume(folder / desk_folder.TAPE, past.known)
        unwritten, last_ns = self._relived.unwritten, past.last_ns
        try:
            self._checkpoints = self._machine.beside(desk_folder.SealedCheckpoints(folder, self._tape))
            if len(unwritten):
                self._tape.append(command_rows(unwritten))
            session = Session(world, self._enter, self._tape, last_ns=last_ns)
            list(session.hear(not_written(unwritten, last_ns)))
            # What the market did meanwhile is not known: neither are its books, since the moment when we heard it last.
            heard_ns = past.market_ns or last_ns
            list(session.hear(back_again(heard_ns, last_ns)))
            list(session.hear(lost_market(heard_ns, last_ns)))
            self._last_ns = last_ns
            yield
        finally:
            self._tape.abandon()

    def _untouched(self, held: Holdings) -> dict[int, int]:
        """What the account holds besides the desk's capital; raises Complaint when that is not there, or is in use."""
        where = f"bybit {self._instrument.symbol}"
        if held.open_orders:
            raise Complaint(
                "orders that no desk knows", where=where, found=f"{len(held.open_orders)} open orders",
                expected="none when a desk is begun: take them back first",
            )  # fmt: skip
        if any(held.lots.values()):
            raise Complaint(
                "a position that no desk knows", where=where, found=f"{held.lots[0]} lots",
                expected="none when a desk is begun: close it first",
            )  # fmt: skip
        untouched = {}
        for name, asset in self._listing.assets.items():
            capital = int(np.asarray(self._world.desk[0].ledger)[DESK_BOOK, asset.number])
            there = held.quanta.get(asset.number, 0)
            if there < capital:
                raise Complaint(
                    "less than this desk's capital", where=f"{where}, {name}", found=f"{there * asset.quantum:f}",
                    expected=f"{capital * asset.quantum:f} or more (execution.initial_quote, initial_base)",
                )  # fmt: skip
            if name == self._instrument.base_asset and self._instrument.kind == "spot" and there > capital:
                raise Complaint(
                    "coins that are not this desk's", where=f"{where}, {name}", found=f"{there * asset.quantum:f}",
                    expected=f"{capital * asset.quantum:f}: a stop at the venue would sell others' coins with its own",
                    hint="an account of its own, or the coins as its capital: --set execution.initial_base=...",
                )  # fmt: skip
            untouched[asset.number] = there - capital
        return untouched

    # ---- alive -------------------------------------------------------------------------------------------------

    async def live(self) -> Ended:
        """Until it is stopped; the tape is closed and a checkpoint is there when this returns."""
        request, world = self._request, self._world
        ids = desk_folder.ids_of(request.desk, self._past.birth)
        began_ns = self._machine.steady_ns()
        self._show(ids)
        shared = membership(request.account, request.folder, self._instrument, ids, request.config.account)
        if shared is not None:
            shared.publish(world)
        orders = self._account.gateway(self._listing, ids, self._brake, nets=shared is not None)
        dispatcher = Dispatcher(
            self._tape,
            orders,
            lambda commands, why: desk.suppressed(commands, why),
            self._brake,
            self._machine.in_thread,
        )
        keeping = Keeping(self._checkpoints, self._who.code, self._enter.config)
        session = Session(world, self._enter, self._tape, dispatcher, keeping, self._tape.position, self._last_ns)
        feed = self._account.feed(
            self._listing, self._past.since_ns, self._past.booked, lambda: believed_open(world, ids)
        )
        books = Reconciliation(world, shared if shared is not None else self._past.untouched)
        ears = Ears(lambda happened: self._tell.happened(happened, self._instrument), self._tell.said)
        desk = LiveDesk(
            session,
            dispatcher,
            orders,
            feed,
            books,
            ids,
            ears,
            brake=self._brake,
            keeps_orders=request.keep_orders,
            account_books=shared,
            wall_ns=self._machine.wall_ns,
        )
        desk.stop = request.stop or desk.stop
        rest, socket = self._account.rest, self._account.socket
        try:
            asks = reloading.asked_by_others(
                request.folder,
                request.read_again,
                lambda wanted: self._take_over(desk, wanted),
                desk.operate,
                self._say,
            )
            with stopped_by_signals(desk.stop, request.seconds), asks:
                lines = (rest.keep_clock(), socket.run())
                keepers = (
                    *lines,
                    self._keep_listing(desk),
                    self._facts(desk),
                    self._account.let_prices_be_moved(self._say),
                )
                await desk.live(keepers, self._market(desk).run())
            self._checkpoints.close()
            self._tape.close()
        except BaseExceptionGroup as group:
            raise first_of(group) from None
        return self._ended(desk, books, (self._machine.steady_ns() - began_ns) / 1e9)

    async def _keep_listing(self, desk: LiveDesk) -> None:
        """What the venue lists, at the start and now and then: a desk counts in the units that it was begun with, and
        in no others. An operator who lets it go on is told again.
        """
        told = ""
        while True:
            desk.refused.clear()
            why = await self._what_has_changed()
            if why and (why != told or not desk.is_paused):
                desk.stop_new_risk(
                    f"{why}: no new risk leaves, and a restart counts as before. Stop this desk, close at the venue "
                    "what it holds, and begin another --desk"
                )
            told = told if why is None else why
            await asyncio.sleep(min(LISTING_PAUSE_S, LISTING_EVERY_S))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LISTING_EVERY_S):
                    await desk.refused.wait()

    async def _what_has_changed(self) -> str | None:
        """In which units the instrument is another than the desk counts in; None while the venue does not say."""
        request, known = self._request, self._instrument
        try:
            found = await self._machine.in_thread(
                lambda: listed_instrument(request.address, request.config.instrument, self._machine.fetch)
            )
        except QuintetError:
            return None  # a venue that does not answer is the feed's to tell
        return unit_changes(known, found)

    def _say(self, text: str) -> None:
        self._tell.said(Said(self._machine.wall_ns(), NOTICE, text))

    def _take_over(self, desk: LiveDesk, wanted: Config) -> tuple[str, ...]:
        """Judge another configuration, whole, and let it enter; raises Complaint, and changes nothing."""
        request, system = self._request, self._request.system
        found = reloading.changes(self._config, wanted, system)
        reloading.require_same_shape(self._config, wanted, system, self._instrument, request.structure, request.fills)
        now = _identity_of(replace(request, config=wanted), self._instrument).notes
        notes = {name: now[name] for name in CHANGEABLE if now[name] != self._enter.notes[name]}
        if notes:
            desk.enter(change_rows(notes, self._machine.wall_ns()))
        self._config = wanted
        return tuple(map(str, found))

    def _facts(self, desk: LiveDesk) -> Coroutine[Any, Any, None]:
        request = self._request
        return keep_facts(
            request.system.facts, request.facts, self._past.written, desk.enter,
            self._say,
        )  # fmt: skip

    def _market(self, desk: LiveDesk) -> Recording:
        sink = _MarketRows(desk.enter_market, self._past.market_ns)
        recorder = TickRecorder(Path(self._instrument.symbol), [self._instrument], decode_ticks.facts, sink)

        def lose(now_ns: int, why: str) -> None:
            self._say(f"{why}: asking for it again")
            recorder.interrupt(now_ns, why)

        desk.doubt = BookDoubt(self._config.limits.stale_after_ms, lose)
        return Recording(self._request.address.public(self._machine), recorder)

    def _show(self, ids: Any) -> None:
        live = int(self._world.desk[0].live)
        unknown = len(open_questions(self._world, ids))
        events = int(self._world.desk[0].position)
        self._tell.opened(Opened(self._instrument, events, self._relived.events, unknown, live, self._past.untouched))

    def _ended(self, desk: LiveDesk, books: Reconciliation, seconds: float) -> Ended:
        ended = Ended(
            unknowns=desk.unknowns,
            alarms=desk.alarms,
            seconds=round(seconds, 3),
            books_compared=books.compared,
            folder=str(self._request.folder),
        )
        return summary_of(self._world, self._instrument, ended)


def summary_of(world: World, instrument: Instrument, ended: Ended) -> Ended:
    """The same with what a desk's record says."""
    record, quantum = world.desk[0], instrument.quote_quantum
    ended.orders, ended.cancels, ended.fills = int(record.n_places), int(record.n_cancels), int(record.n_fills)
    ended.fees = int(record.shown.account[0].fees) * quantum
    ended.net = net_quanta(world, instrument) * quantum
    ended.still_open = sum(int(order.status) != lifecycle.FREE for order in record.orders)
    ended.command_hash = command_hash(record)
    return ended


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of several ends, which caused the others."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


@contextlib.contextmanager
def stopped_by_signals(stop: asyncio.Event, seconds: float | None) -> Any:
    """Ctrl-C, SIGTERM and the end of its time ask a desk to stand down."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    timer = loop.call_later(seconds, stop.set) if seconds is not None else None
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        for number in numbers:
            loop.remove_signal_handler(number)
