"""The eternal engine on a desk: five sub-accounts, each a desk of its own, below one conductor with a tape of its own.

    closed days, rates ──► conductor: its tape, the cycle ──► transfers at the venue, events of both desks
                                  ▲                      └──► what each desk shall want, an event of that desk
    fills, ends of orders, funding ─── five desks ◄───────────────────────┘

Each desk's tape is on the disk before the conductor hears of an event of it, and the conductor's before anybody is told
what it says. So whoever died comes back by living all six again, and what was said and not carried out is carried out.
"""

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet import __version__
from quintet.app import desk_folder, eternal_operator
from quintet.app.bybit_desk import Account, Address, opened
from quintet.app.desk_folder import Identity
from quintet.app.eternal_capital import CapitalMoves
from quintet.app.eternal_desk import Place, SubAccountDesk, require_same
from quintet.app.eternal_earn import EarnDesk
from quintet.app.eternal_facts import NOT_NOW, MarketFacts, VenueTrouble, hear_facts
from quintet.app.eternal_lines import MAIN, Hears, Told, Watched
from quintet.app.eternal_listing import keep_listing, listed
from quintet.app.eternal_moments import Moment, due
from quintet.app.eternal_months import write_reports
from quintet.app.eternal_operator import Answer, Wish, operated_words, problem_of, require_sense, waits_of
from quintet.app.eternal_standing import Standing, SubAccountPlace, standing_of, wanted_by
from quintet.app.eternal_words import Units, counted, movement_words, note_words, staking_words
from quintet.app.machine import MACHINE, Machine
from quintet.app.messages import Complaint
from quintet.app.trading import first_of, stopped_by_signals
from quintet.app.waiting_for_venue import once_the_venue_is_there
from quintet.core.errors import DataError
from quintet.core.events import LAST
from quintet.core.instrument import Instrument
from quintet.core.risk import breaker
from quintet.ports.gateway import Brake, no_brake
from quintet.ports.venue_account import Execution
from quintet.research.conductor_tape import Conducting, Entered, Staking, entered_rows, relive, said_rows
from quintet.research.daily_tape import Told as Fact
from quintet.research.eternal_conductor import (
    Begins,
    Conductor,
    Cycle,
    Filled,
    Heard,
    Looked,
    Movement,
    NotMoved,
    NotStaked,
    Opens,
    Operated,
    Reply,
    Settled,
)
from quintet.research.eternal_run import Costs, seen_of, with_earn
from quintet.research.system_source import hash_of
from quintet.research.told_desk import Wanted
from quintet.research.wanted_orders import wants_of
from quintet.runtime.bus import Bus, Listener
from quintet.runtime.live_desk import ALARM, NOTICE, Said
from quintet.storage.tape_files import TapeWriter
from quintet.systems.eternal.allocation import opening
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING, NAME, EternalConfig
from quintet.systems.eternal.core_hodl import STAKED
from quintet.systems.eternal.risk import Account as SeenAccount
from quintet.venues.bybit.daily_market import DailyMarket, touch_rows
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.bybit.transfers import Transfer
from quintet.venues.connection import Patience

CONDUCTOR: Final = desk_folder.CONDUCTOR
LOOK_S: Final = 0.25
TOUCH_S: Final = 20.0
"""So often the market is asked for its touch; before every decision it is asked as well."""

NAKED_LOOK_S: Final = 1.0
MOVE_PATIENCE_S: Final = 30.0
"""So long orders wait for the money that shall arrive before them."""

AGAIN_S: Final = 5.0
EARN_LOOK_S: Final = 3.0
"""So often a coin that is on its way to the Earn product or back is asked for: before the books alarm."""

TOLD_AT_ONCE: Final = 500
CLOCK_S: Final = 10.0
NAMESPACE: Final = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
"""Of object identifiers (RFC 4122): ids of transfers are computed, never drawn."""


@dataclass(frozen=True, slots=True)
class EternalRequest:
    """What is to be traded. `capital`: USDT, from the main account when it is begun; `folder`: of this portfolio."""

    config: EternalConfig
    capital: Decimal
    world: str
    desk: str
    folder: Path
    url: str = ""
    market_url: str | None = None
    """Where days and rates are asked for; None: where it trades."""

    facts: tuple[str, ...] = ()
    """What is asked outside the venue, of `eternal_facts.NAMES`."""

    fact_hosts: Mapping[str, str] = field(default_factory=dict)
    assets: tuple[str, ...] = ("BTC", "ETH")
    recv_window_ms: int = 5_000
    patience: Patience = Patience()
    costs: Costs = Costs()
    seconds: float | None = None
    stop: asyncio.Event | None = None

    @property
    def address(self) -> Address:
        """Of every account of the family."""
        return Address("spot", f"{self.assets[0]}USDT", self.url, self.recv_window_ms, self.patience, ("linear",))


class Ended(NamedTuple):
    """What its life came to, by sub-account; equity in USDT. `compared`: how often books and venue were equal."""

    equity: Mapping[str, Decimal]
    command_hashes: Mapping[str, str]
    compared: Mapping[str, int]
    alarms: int
    cycles: int
    transfers: int
    folder: str


KeysOf = Callable[[], Awaitable[Mapping[str, ApiKey]]]
"""Asks for the key of every sub-account by its name, and of MAIN."""


async def trade_eternal(
    request: EternalRequest,
    keys_of: KeysOf,
    said: Hears,
    brake: Brake = no_brake,
    machine: Machine = MACHINE,
    listeners: Sequence[Listener[Told]] = (),
    watched: Watched | None = None,
) -> Ended:
    """Trade until the time is over or somebody says stop. `said` may block, `listeners` be slow: nobody waits for them.

    `watched`: what the listeners have of it beside what they hear. A portfolio that has been alive before waits for a
    venue that is not there. Raises what `app.trading.trade` raises.
    """
    seen = watched if watched is not None else Watched()

    async def hear(told: Told) -> None:
        await machine.in_thread(lambda: said(told))

    async with Bus[Told](lambda text: Told(MAIN, Said(machine.wall_ns(), NOTICE, text))) as bus:
        for listener in (hear, *listeners):
            bus.subscribe(listener)
        seen.tell = bus.publish

        async def live(left_s: float | None) -> Ended:
            return await _live_once(replace(request, seconds=left_s), await keys_of(), seen, brake, machine)

        tape = request.folder / CONDUCTOR / desk_folder.TAPE
        ended = await once_the_venue_is_there(
            live, request.seconds, tape, lambda line: bus.publish(Told(MAIN, line)), machine
        )
    return ended._replace(alarms=ended.alarms + seen.alarms)


async def _live_once(
    request: EternalRequest, keys: Mapping[str, ApiKey], seen: Watched, brake: Brake, machine: Machine
) -> Ended:
    async with AsyncExitStack() as stack:
        accounts = {
            name: await stack.enter_async_context(opened(request.address, keys[name], machine))
            for name in (MAIN, *ACCOUNTS)
        }
        portfolio = _Portfolio(request, accounts, seen, brake, machine)
        try:
            await portfolio.begin()
            return await portfolio.live()
        finally:
            seen.look = None
            portfolio.let_go()


class _Portfolio:
    """The parts of a portfolio on their way to life."""

    def __init__(
        self,
        request: EternalRequest,
        accounts: Mapping[str, Account],
        watched: Watched,
        brake: Brake,
        machine: Machine,
    ) -> None:
        self._request, self._accounts = request, accounts
        self._watched, self._brake, self._machine = watched, brake, machine
        self._alarms = 0
        self._tape: Any = None
        self.desks: dict[str, SubAccountDesk] = {}
        self._earn: EarnDesk | None = None
        self._stirred, self._is_open = asyncio.Event(), asyncio.Event()

    # ---- birth, and coming back ------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Everything as it was; what has never been is begun."""
        folder = self._request.folder / CONDUCTOR
        past = desk_folder.past_of(folder)
        instruments = await self._instruments(past)
        self._conductor = Conductor(self._request.config, instruments, tuple(ACCOUNTS), self._request.assets)
        place = Place(
            self._request.folder, self._request.desk, self._request.world, self._request.url, instruments,
            self._request.costs, self._machine, self._brake,
        )  # fmt: skip
        self.desks = {
            name: SubAccountDesk(place, name, self._accounts[name], self._conductor, self._say) for name in ACCOUNTS
        }
        self._units = Units(self._conductor.names, self._listing)
        self._numbers = {name: await account.number() for name, account in self._accounts.items()}
        self._require_family()
        for desk in self.desks.values():
            await desk.begin()
        who = self._identity(instruments)
        if past is None:
            now_ns = self._machine.wall_ns()
            rows = desk_folder.first_rows((), now_ns, now_ns, self._machine.draw_below)
            desk_folder.write_birth(folder, who, __version__, {}, rows)
        events = self._come_back(folder, who)
        self._greet(None if past is None else events)
        self._market = self._asked_at(self._request.url, instruments)
        facts_url = self._request.market_url
        asked = self._market if facts_url is None else self._asked_at(facts_url, instruments)
        self._facts = MarketFacts(asked, self._conductor, "" if self._earn is None else STAKED)
        rest = self._accounts[MAIN].rest if facts_url is None else None  # the exchange of paper lets nothing out
        self._trouble = VenueTrouble(
            asked, rest, self._conductor, self._request.assets, lambda said: self._say(MAIN, said),
            self._machine.wall_ns,
        )  # fmt: skip
        self._touched_ns = max(desk.market_ns for desk in self.desks.values())

    async def _instruments(self, past: desk_folder.Past | None) -> tuple[Instrument, ...]:
        """Those that it was begun with; of a new one, what the venue lists."""
        if past is not None:
            return instruments_of(past.notes)
        request = self._request
        return await listed(request.address, request.assets, self._accounts[FUNDING], self._machine)

    def _asked_at(self, url: str, instruments: Sequence[Instrument]) -> DailyMarket:
        return DailyMarket(instruments, url, self._machine.fetch, self._machine.in_thread)

    def _require_family(self) -> None:
        """Raise Complaint where two keys are of one account: losses would not be apart."""
        seen: dict[str, str] = {}
        for name, number in self._numbers.items():
            if number in seen:
                raise Complaint(
                    "two sub-accounts in one", where=f"keys of {seen[number] or 'the main account'} and {name}",
                    found=f"both of account {number}", expected="an account of its own for each",
                )  # fmt: skip
            seen[number] = name

    def _identity(self, instruments: Sequence[Instrument]) -> Identity:
        request = self._request
        notes = {
            "system": NAME,
            "instruments": msgspec.json.encode(instruments).decode(),
            "parameters": msgspec.json.encode(request.config).decode(),
            "capital": f"{request.capital:f}",
        }
        return Identity(request.desk, request.world, hash_of([Conductor, EternalConfig]), notes, bool(request.url))

    def _come_back(self, folder: Path, who: Identity) -> int:
        """The desks live their tapes again, then the conductor its own; what it says is compared with what it said.

        Returns how many events the desks have lived again.
        """
        relived = {name: desk.come_back() for name, desk in self.desks.items()}
        past = desk_folder.required_past(folder)
        require_same(past, who, folder)
        self._epoch = past.epoch
        self.conducting = Conducting(self._conductor)
        unsaid = conducted(self.conducting, past.rows, folder)
        self._tape = TapeWriter.resume(folder / desk_folder.TAPE, past.known)
        self._last_ns = past.last_ns
        if unsaid is not None:
            self._tape.append(said_rows(unsaid, self._last_ns))
            self._tape.sync()
        for desk in self.desks.values():
            first = self.conducting.heard.get(desk.name, -1)
            desk.heard = deque((at, event) for at, event in desk.heard if at > first)
        self._told_lines = len(self._conductor.log)
        self._capital_moves = CapitalMoves(self.desks, self._accounts[MAIN].rest, self._transfer_of, self._not_moved)
        if STAKED in self._conductor.names:
            self._earn = EarnDesk(
                self.desks[CORE], self._accounts[CORE], self.conducting, self._name_of, self._quantum(STAKED),
                self._not_staked,
            )  # fmt: skip
        return sum(one.events for one in relived.values())

    def _greet(self, lived_again: int | None) -> None:
        """The first line of a life. `lived_again`: events of its desks; None: it has never been alive."""
        now_ns = self._machine.wall_ns()
        if lived_again is not None:
            what = (
                f"{lived_again:,} events of {len(self.desks)} desks lived again" if lived_again else "as it was stopped"
            )
            still_open = counted(sum(desk.open_orders for desk in self.desks.values()), "order")
            self._say(MAIN, Said(now_ns, NOTICE, f"back: {what}, {still_open} open"))
            return
        capital = self._capital
        shares = ", ".join(f"{name} {self._units.cents(quanta)}" for name, quanta in opening(capital).items())
        assets = ", ".join(self._request.assets)
        whole = self._units.money(capital)
        self._say(MAIN, Said(now_ns, NOTICE, f"a new portfolio of {whole} that trades {assets}: {shares}"))

    # ---- alive -----------------------------------------------------------------------------------------------------

    async def live(self) -> Ended:
        """Until it is stopped."""
        stop = self._request.stop or asyncio.Event()
        for desk in self.desks.values():
            desk.stirs = self._stirred.set
            desk.connect()
        self._watched.look = self.look
        try:
            async with asyncio.TaskGroup() as group:
                with stopped_by_signals(stop, self._request.seconds):
                    lives = [group.create_task(desk.live()) for desk in self.desks.values()]
                    own = (
                        self._conduct(), self._hear_desks(), self._hear_market(), self._mind_legs(), self._mind_earn(),
                        self._hear_outside(), self._hear_trouble(), self._keep_listing(), self._mind_operator(),
                        self._accounts[MAIN].rest.keep_clock(),
                    )  # fmt: skip
                    tasks = [group.create_task(one) for one in own]
                    await stop.wait()
                for task in tasks:
                    task.cancel()
                for desk in self.desks.values():
                    desk.desk.stop.set()
                await asyncio.gather(*lives)
        except BaseExceptionGroup as group_of_errors:
            raise first_of(group_of_errors) from None
        self._tape.close()
        return self._ended()

    def let_go(self) -> None:
        """Of every tape."""
        for tape in (self._tape, *(desk.tape for desk in self.desks.values())):
            if tape is not None:
                tape.abandon()

    async def _hear_desks(self) -> None:
        """What has happened on a desk is heard before anything else, and never inside of what the desk is doing."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            self._react()

    async def _conduct(self) -> None:
        """Carry out what was said before, then decide whenever it is time."""
        for desk in self.desks.values():
            await desk.joined.wait()
        self._react()
        self._hear_operator()  # what was said before it died comes before anything new
        await self._again_until_done(self._open)
        self._is_open.set()
        while True:
            if self._due() is not None or self._capital_moves.owed:
                await self._again_until_done(self._decide)
            await asyncio.sleep(LOOK_S)

    async def _again_until_done(self, work: Callable[[], Awaitable[None]]) -> None:
        """What the venue does not answer is tried again; each reason is told once."""
        told = ""
        while True:
            try:
                await work()
                return
            except NOT_NOW as error:
                if str(error) != told:
                    told = str(error)
                    self._notice(MAIN, f"the venue does not answer: {told}")
                await asyncio.sleep(AGAIN_S)

    async def _open(self) -> None:
        """The capital of a new portfolio, its history; of one that was alive, what was said and not carried out."""
        if not self.conducting.count:
            self._hear(Entered(Opens(self._capital)))
        await self._touch()
        self._capital_moves.find(self.conducting)
        await self._capital_moves.settle()
        if not self._conductor.has_begun:
            await self._hear_facts()
            self._hear(Entered(Begins()))
        self._look_at_legs()  # what was filled meanwhile was heard without a market
        for name in self.desks:
            self._tell_last(name)

    def _due(self) -> Moment | None:
        return due(self._machine.wall_ns(), self.conducting.decided_ns, self.conducting.cycled_day)

    async def _decide(self) -> None:
        """A daily cycle, or a settlement between two; of several that were slept through the latest, once."""
        await self._capital_moves.settle()
        if self._due() is None:
            return
        await self._hear_facts()
        await self._touch()
        if self._earn is not None:
            with contextlib.suppress(*NOT_NOW):  # what was in it when it was asked last
                await self._earn.look()
        self._react()
        moment, now_ns = self._due(), self._machine.wall_ns()
        if moment is None:  # midnight has come while the venue was asked
            return
        if moment.is_cycle:
            seen, earn_lots = self._everybody(), self._earn.lots if self._earn is not None else 0
            await self._carry_out(Entered(Cycle(moment.day, now_ns, seen, earn_lots=earn_lots)))
            self._report_months()
        else:
            seen_funding = seen_of(self._conductor, self.desks[FUNDING].books)
            await self._carry_out(Entered(Settled(moment.day, now_ns, seen_funding)))

    def _everybody(self) -> dict[str, SeenAccount]:
        """Every sub-account as it stands; what is in the Earn product is CORE's."""
        return {name: self._account_of(name) for name in self.desks}

    def _account_of(self, name: str) -> SeenAccount:
        found = seen_of(self._conductor, self.desks[name].books)
        return with_earn(found, STAKED, self._earn.away) if name == CORE and self._earn is not None else found

    # ---- what the conductor hears ----------------------------------------------------------------------------------

    def _hear(self, entered: Entered) -> Reply:
        """One event: on the tape, heard, and what is said on the disk before anybody is told."""
        now_ns = self._last_ns = max(self._machine.wall_ns(), self._last_ns)
        self._tape.append(entered_rows(entered, self.conducting.count + 1, now_ns))
        reply = self.conducting.enter(entered)
        self._tape.append(said_rows(reply, now_ns))
        self._tape.sync()
        self._tell_people(now_ns, entered)
        return reply

    def _react(self) -> None:
        """Everything that has happened on the desks since, and only then the last word: an earlier one knew less.

        A desk's own tape is on the disk before the conductor hears of it.
        """
        for name, desk in self.desks.items():
            if not desk.heard or not desk.joined.is_set():
                continue
            while desk.heard:
                position, event = desk.heard.popleft()
                desk.tape.sync()
                self._hear(Entered(event, name, position))
            self._tell_last(name)
        for name, desk in self.desks.items():
            while desk.forced and desk.joined.is_set():
                self._hear_forced(name, desk.forced.popleft())

    def _hear_forced(self, name: str, execution: Execution) -> None:
        """The venue has closed something by itself. No order of ours is over by it, so that no engine woke."""
        what = self._conductor.names[execution.instrument]
        self._alarm(name, f"the venue has closed {what}, in part or whole, by itself: {execution.kind}")
        if execution.kind == "deleveraging":
            self._hear_one(self._trouble.deleveraged())
        if name == FUNDING:
            self._look_at_legs()

    async def _hear_facts(self) -> None:
        """What the market has told since it was heard last."""
        told = [*await self._facts.since(self._machine.wall_ns()), *self._trouble.latest.values()]
        for first in range(0, len(told), TOLD_AT_ONCE):
            self._hear(Entered(Heard(tuple(told[first : first + TOLD_AT_ONCE]))))

    async def _hear_outside(self) -> None:
        """What is asked outside the venue, once the portfolio is there to hear it."""
        await self._is_open.wait()
        await hear_facts(
            self._request.facts, self._request.fact_hosts, self._hear_one,
            lambda why: self._notice(MAIN, why), self._machine.wall_ns,
        )  # fmt: skip

    async def _hear_trouble(self) -> None:
        """Of the venue: closed withdrawals, a falling insurance fund."""
        await self._is_open.wait()
        await self._trouble.keep(self._hear_one)

    def _hear_one(self, told: Fact) -> None:
        self._hear(Entered(Heard((told,))))

    # ---- what a person says ----------------------------------------------------------------------------------------

    async def _mind_operator(self) -> None:
        """It is heard within a moment, also while the venue does not answer."""
        for desk in self.desks.values():
            await desk.joined.wait()
        while True:
            await asyncio.sleep(eternal_operator.LOOK_S)
            self._hear_operator()

    def _hear_operator(self) -> None:
        """What was said is on the tape before it is done, and done before it is answered; of the rest nothing is."""
        self._operate_owed()
        wish = eternal_operator.waiting(self._request.folder, lambda why: self._notice(MAIN, why))
        if wish is None or not self.conducting.count:  # a portfolio is opened first
            return
        lines: tuple[str, ...] = ()
        if wish.key not in self.conducting.operated:
            self._react()
            try:
                require_sense(wish, self.look())
            except Complaint as complaint:
                self._notice(wish.account, f"a person has asked for {wish.action}, which is refused: {complaint}")
                eternal_operator.answer(self._request.folder, Answer(wish.key, problem=problem_of(complaint)))
                return
            lines = self._operate(wish)
        waits = tuple(f"waits for a person: {line}" for line in waits_of(self.look()))
        eternal_operator.answer(self._request.folder, Answer(wish.key, (*lines, *waits)))

    def _operate(self, wish: Wish) -> tuple[str, ...]:
        """Returns what came of it."""
        asked = (wish.account,) if wish.account else tuple(self.desks)
        below = tuple(name for name in asked if wish.action in wanted_by(self.desks[name].books))
        wanted = {name: len(orders) for name, orders in self._conductor.working.items()}
        seen = self._everybody() if wish.action == "halt" else {}
        reply = self._hear(Entered(Operated(wish.key, wish.action, self._machine.wall_ns(), wish.account, seen, below)))
        for name in reply.orders:
            self._tell_last(name)
        self._operate_owed()
        if wish.action == "restart" and wish.account == FUNDING:
            self._look_at_legs()
        called_back = sum(wanted[name] - len(orders) for name, orders in reply.orders.items())
        return operated_words(wish, called_back, below)

    def _operate_owed(self) -> None:
        """What a person has said to the desks, and stands on the conductor's tape alone."""
        for name, said in self.conducting.operations.items():
            for number, action in said:
                if self.desks[name].operated < number:
                    self.desks[name].operate(number, action)

    # ---- what is carried out ---------------------------------------------------------------------------------------

    async def _carry_out(self, entered: Entered) -> None:
        """First the money, then the orders; orders do not wait for ever."""
        reply = self._hear(entered)
        self._capital_moves.owe(reply.movements)
        try:
            async with asyncio.timeout(MOVE_PATIENCE_S):
                await self._capital_moves.settle()
        except (TimeoutError, *NOT_NOW) as error:
            why = str(error) or f"not done within {MOVE_PATIENCE_S:g} s"
            self._notice(MAIN, f"orders go before transfers: {why}")
        for name in reply.orders:
            self._tell_last(name)

    def _tell_last(self, name: str) -> None:
        """What a sub-account shall want, unless it was told."""
        desk, (number, orders) = self.desks[name], self.conducting.orders.get(name, (0, ()))
        if desk.told < number:
            desk.tell(Wanted(number, tuple(wants_of(orders, self._conductor.names))))

    def _transfer_of(self, one: Movement) -> Transfer:
        return Transfer(
            self._name_of(one.key), one.asset, one.quanta * self._quantum(one.asset), self._numbers[one.source],
            self._numbers[one.to],
        )  # fmt: skip

    def _not_moved(self, one: Movement, why: str) -> None:
        """What the venue refuses is told the conductor."""
        what = movement_words(one, self._units)
        self._alarm(MAIN, f"{one.key} was refused, {what}: {why}")
        self._hear(Entered(NotMoved(one.key, one.source, one.to, one.asset, one.quanta, one.value, why)))

    def _name_of(self, key: str) -> str:
        """What the venue calls a movement or a staking."""
        return str(uuid.uuid5(NAMESPACE, f"{self._request.desk}-{self._epoch}-{key}"))

    async def _mind_earn(self) -> None:
        """What goes to the Earn product, and what was called back, until it is there; nothing else waits for it."""
        if self._earn is None:
            return
        await self.desks[CORE].joined.wait()
        told = ""
        while True:
            await asyncio.sleep(EARN_LOOK_S)
            try:
                await self._earn.settle()
                told = ""
            except NOT_NOW as error:
                if str(error) != told:
                    told = str(error)
                    self._notice(CORE, f"Earn does not answer: {told}")

    def _not_staked(self, staking: Staking, why: str) -> None:
        what = staking_words(staking.asset, staking.lots, self._units)
        self._alarm(CORE, f"{staking.key} was refused, {what}: {why}")
        self._hear(Entered(NotStaked(staking.key, staking.asset, staking.lots, why)))

    @property
    def _capital(self) -> int:
        return int(self._request.capital / self._quantum("USDT"))

    def _quantum(self, asset: str) -> Decimal:
        return self._listing.assets[asset].quantum

    @property
    def _listing(self) -> Listing:
        return Listing(self.desks[FUNDING].books.instruments)

    # ---- the market, and time --------------------------------------------------------------------------------------

    async def _hear_market(self) -> None:
        for desk in self.desks.values():
            await desk.joined.wait()
        while True:
            with contextlib.suppress(*NOT_NOW):  # each desk alarms when it has not heard the market for long
                await self._touch()
            await asyncio.sleep(TOUCH_S)

    async def _keep_listing(self) -> None:
        await self._is_open.wait()
        await keep_listing(
            self._request.address, self._listing.instruments, self._machine, self._stop_new_risk,
            lambda: all(desk.desk.is_paused for desk in self.desks.values()),
        )  # fmt: skip

    def _stop_new_risk(self, why: str) -> None:
        """Of every sub-account, until an operator resumes: stops that work stay, and nothing new leaves."""
        self._alarm(MAIN, f"{why}: no new risk; close it, and begin another portfolio")
        for desk in self.desks.values():
            desk.desk.operate(breaker.PAUSE)

    async def _touch(self) -> None:
        """Ask for the touch of everything, and let every desk hear it."""
        for ts_ns, n, touch in await self._market.touches():
            self._touched_ns = max(self._touched_ns, ts_ns)
            rows = touch_rows(n, touch, self._touched_ns, self._machine.wall_ns())
            for desk in self.desks.values():
                desk.desk.enter_market(rows)

    async def _mind_legs(self) -> None:
        """While a leg of FUNDING stands alone, it looks again and again: nobody else would tell it that time passes.

        An insurance alarm makes it look, too.
        """
        while True:
            await asyncio.sleep(NAKED_LOOK_S)
            self._react()
            if self._conductor.must_look and self.desks[FUNDING].joined.is_set():
                self._look_at_legs()

    def _look_at_legs(self) -> None:
        seen = seen_of(self._conductor, self.desks[FUNDING].books)
        self._hear(Entered(Looked(self._machine.wall_ns(), seen)))
        self._tell_last(FUNDING)

    # ---- words -----------------------------------------------------------------------------------------------------

    def _say(self, name: str, said: Said, page: str = "", note: str = "") -> None:
        self._alarms += said.kind == ALARM
        self._watched.tell(Told(name, said, page, note))

    def _notice(self, name: str, text: str) -> None:
        self._say(name, Said(self._machine.wall_ns(), NOTICE, text))

    def _alarm(self, name: str, text: str) -> None:
        self._say(name, Said(self._machine.wall_ns(), ALARM, text))

    def _tell_people(self, now_ns: int, entered: Entered) -> None:
        """What the engines have noted since; what they note of a fill is of its market, and comes after its line."""
        market = entered.event.instrument if isinstance(entered.event, Filled) else ""
        if entered.account:
            self.desks[entered.account].tell_now()
        for _, line in self._conductor.log[self._told_lines :]:
            kind = ALARM if line.note.alert else NOTICE
            self._say(line.account, Said(now_ns, kind, note_words(line, self._units, market)), note=line.note.kind)
        self._told_lines = len(self._conductor.log)

    def _report_months(self) -> None:
        """A month that is over has one report, whoever is alive by then."""
        conductor = self._conductor
        pages = write_reports(self._request.folder, conductor.marks, conductor.log, self._quantum("USDT"))
        for page in pages:
            line = Said(self._machine.wall_ns(), NOTICE, f"report of {page.stem}: {page}")
            self._say(MAIN, line, page.read_text(encoding="utf-8"))

    def look(self) -> Standing:
        """How everything stands, for whoever asks."""
        request, earn = self._request, self._earn
        places = {
            name: SubAccountPlace(
                desk.books, self._account_of(name), desk.joined.is_set(), desk.reconciliation.compared, desk.ids,
                earn.away if name == CORE and earn is not None else 0,
            )
            for name, desk in self.desks.items()
        }  # fmt: skip
        return standing_of(request.desk, request.world, self._machine.wall_ns(), self.conducting, places)

    def _ended(self) -> Ended:
        quantum = self._quantum("USDT")
        return Ended(
            {name: self._account_of(name).equity * quantum for name in self.desks},
            {name: desk.command_hash for name, desk in self.desks.items()},
            {name: desk.reconciliation.compared for name, desk in self.desks.items()},
            self._alarms,
            self._conductor.portfolio.cycles,
            len(self.conducting.movements),
            str(self._request.folder),
        )


def conducted(conducting: Conducting, rows: Any, folder: Path) -> Reply | None:
    """Let a conductor hear its tape again, as `conductor_tape.relive` does."""
    birth = int(np.flatnonzero(rows["bits"] & LAST)[0]) + 1
    return relive(conducting, rows[birth:], str(folder / desk_folder.TAPE))


def instruments_of(notes: Mapping[str, str]) -> tuple[Instrument, ...]:
    """What a portfolio trades, from the notes of its conductor's tape; raises DataError."""
    try:
        return msgspec.json.decode(notes["instruments"], type=tuple[Instrument, ...])
    except (KeyError, msgspec.MsgspecError) as error:
        raise DataError(f"conductor: meta block: {error}, expected the instruments of a portfolio") from None
