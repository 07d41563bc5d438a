"""One story: an exchange, a market, a desk that lives and dies, and what a plan does to them; ends in evidence.

A story is made of its plan and nothing else: the same plan gives the same bytes.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from quintet.app import desk_folder
from quintet.app.bybit_desk import Address
from quintet.app.config import Config, load
from quintet.app.machine import Machine
from quintet.app.trading import Ended, Tell, TradeRequest, trade
from quintet.ports.checkpoints import Checkpoints
from quintet.research.systems import KernelSystem, of_class
from quintet.runtime import live_desk, reconciliation
from quintet.runtime.live_desk import Said
from quintet.sandbox.clock import Clock
from quintet.sandbox.commands import SetMarginMode
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.history import history_pieces
from quintet.sandbox.keys import KeyRing
from quintet.sandbox.server import Sandbox
from quintet.sandbox.service import DEFAULT_UID, Service
from quintet.storage import tape_files
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.connection import Patience
from tools.storm.disk import Disk, Killed
from tools.storm.evidence import Evidence, Messages, left
from tools.storm.lines import HOST, Lines, Transport
from tools.storm.market import CALM_STEP_S, SYMBOL, GhostMarket
from tools.storm.perpetual_player import PerpetualPlayer
from tools.storm.player import Player
from tools.storm.virtual_time import START_NS, now_ns, run

COINS: Final = {"USDT": "20000"}
TICK_S: Final = 0.05
CALM_TICK_S: Final = 0.25
RECV_WINDOW_MS: Final = 1_000
DISK_S: Final = 0.001
SETTLE_S: Final = 33.0
"""From the last fault to the end."""

LOOK_EVERY_S: Final = 10.0
"""How often a desk in a story compares its books; one that trades does so every minute."""

AFTERMATH_S: Final = 0.5
DEAD_S: Final = 0.5
"""From a death to the next life."""

LIMITS: Final = (
    "risk.stale_after_ms=2000", "risk.open_orders_max=8", "risk.order_rate_max=10", "risk.order_quantity_max=0.002",
    "risk.position_quantity_max=0.01", "tick_execution.amends=true", "execution.initial_quote=10000",
)  # fmt: skip
LINEAR_LIMITS: Final = (
    "risk.stale_after_ms=2000", "risk.open_orders_max=8", "risk.order_rate_max=10", "risk.order_quantity_max=0.004",
    "risk.position_quantity_max=0.012", "risk.leverage_max=1.0", "tick_execution.amends=true",
    "tick_execution.margin=isolated", "tick_execution.leverage=10", "execution.initial_quote=500",
)  # fmt: skip
"""Leverage binds before the position's own limit does, the more so the more liquidations have cost."""

Category = Literal["spot", "linear"]
PATIENCE: Final = Patience(answer_s=5.0, ping_every_s=5.0, silence_s=15.0, first_pause_s=0.2, longest_pause_s=2.0)


@dataclass
class Plan:
    """What a story is made of. Seconds are of the story's own time.

    `prepare`: done before the desk lives. `sees`: told of each moment of an order. `dies_at`: at the passing of which
    points the desk dies, one for each of its lives (-1: it does not); `dies_named`: at the nth point of that name (from
    1), once. `power`: a death is a power loss that leaves
    this share of what was not synced; None: of the process alone. `checkpoint_every`: events. `lives_again`: a desk
    that ends by itself is started once more, on a sound disk. `player`: how long it is busy, resting: and that
    afterwards it wants nothing new. `category`: what it trades.
    """

    seed: int
    busy_s: float = 6.0
    prepare: Callable[["Story"], None] = lambda story: None
    sees: Callable[["Story", str], None] = lambda story, moment: None
    dies_at: tuple[int, ...] = ()
    dies_named: tuple[str, int] = ("", 0)
    power: float | None = None
    checkpoint_every: int = 0
    settle_s: float = SETTLE_S
    watch_points: bool = False
    lives_again: bool = False
    player: Literal["short", "busy", "resting"] = "short"
    category: Category = "spot"


@cache
def player_system(category: Category = "spot") -> KernelSystem:
    """The system of all stories on spot, or on a perpetual."""
    return of_class(PerpetualPlayer if category == "linear" else Player)


@cache
def player_config(player: str, category: Category = "spot") -> Config:
    """Its configuration, with every limit that a desk there can have."""
    system = player_system(category)
    own = {"busy": ("busy=120",), "resting": ("seldom=1000000",)}.get(player, ())
    limits = LINEAR_LIMITS if category == "linear" else LIMITS
    return load(None, (*limits, *(f"system.{system.name}.{one}" for one in own)), [], system)


class Mortal(Protocol):
    """A process that may die at its disk. `point`: somewhere it can."""

    disk: Disk

    def point(self, name: str) -> None:
        """May raise Killed."""


class AtOnce:
    """Checkpoints written where they are taken; a dead process writes none."""

    def __init__(self, store: Checkpoints, story: Mortal) -> None:
        self._store, self._story = store, story

    def is_due(self, position: int) -> bool:
        """As the store says."""
        return self._store.is_due(position)

    def write(self, position: int, data: bytes) -> None:
        """Keep one."""
        if not self._story.disk.dead:
            self._story.point("before checkpoint")
            self._store.write(position, data)
            self._story.point("after checkpoint")

    def close(self) -> None:
        """There is nothing to wait for."""


class Story:
    """One run of a plan. What a fault may lay hands on: `sandbox`, `lines`, `disk`, `dice`, `brake`."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.dice = random.Random(plan.seed)
        self.brake = ""
        self.braked_ms = self.released_ms = 0
        self.loop = asyncio.get_running_loop()
        self.service = Service(Exchange(), Clock(START_NS // 10**6, wall=lambda: now_ns() // 10**6), KeyRing())
        self.sandbox = Sandbox(self.service)
        found = self.service.default_key(coins=COINS)
        self._key = ApiKey(found.key, found.secret)
        self.disk = Disk(self._rows_written, self.point)
        self.lines = Lines(self.sandbox, self._leaves)
        self.left = Messages()
        self.said: list[Said] = []
        self.passed: list[str] = []
        self.shaken: list[tuple[int, int]] = []
        self.robbed: list[tuple[int, int]] = []
        self.dies = asyncio.Event()
        self.stop = asyncio.Event()
        self.life = 0
        self._points = self._named = 0
        self._tick_s = TICK_S
        self._is_calm = False
        self._folder = folder
        self._until_s = plan.busy_s
        self._partly: set[str] = set()
        self.service.listeners.append(self._hear_exchange)
        self.loop.set_exception_handler(unless_killed)

    @property
    def now_ms(self) -> int:
        """The time of the story, ms UTC."""
        return now_ns() // 10**6

    # ---- moments -----------------------------------------------------------------------------------------------

    def point(self, name: str) -> None:
        """Somewhere the desk can die; the number of such points since this life began decides."""
        if self.disk.dead:
            return
        number, self._points = self._points, self._points + 1
        if self.plan.watch_points and not self._is_calm:
            self.passed.append(f"{self.life}: {name}")
        wanted = self.plan.dies_at[self.life] if self.life < len(self.plan.dies_at) else -1
        self._named += name == self.plan.dies_named[0]
        if number == wanted or (
            not self.life and name == self.plan.dies_named[0] and self._named == self.plan.dies_named[1]
        ):
            self.kill()
            raise Killed

    def kill(self) -> None:
        """From now on nothing of this life has any effect."""
        self.disk.dead = self.lines.dead = True
        self.dies.set()

    def pull_brake(self, seconds: float) -> None:
        """The kill switch is latched, and let go after so long."""
        self.brake = "kill switch: KILL is latched"
        self.braked_ms = self.braked_ms or self.now_ms
        self._until_s = max(self._until_s, self.loop.time() + seconds)
        self.loop.call_later(seconds, self._release)

    def _release(self) -> None:
        self.brake = ""
        self.released_ms = self.now_ms

    def strike(self, fault: Callable[["Story"], float]) -> None:
        """Something bad begins: not inside of what is being done just now, but before anything else.

        Once it is calm it stays so: what is seen only then is a reason for nothing.
        """
        if not self._is_calm:
            self.loop.call_soon(lambda: self.shake(fault(self) + AFTERMATH_S))

    def shake(self, seconds: float) -> None:
        """Something is wrong for so long from now on: it is calm so much later."""
        self.shaken.append((self.now_ms, self.now_ms + int(seconds * 1_000)))
        self._until_s = max(self._until_s, self.loop.time() + seconds)

    def _rows_written(self, kinds: list[int]) -> None:
        for kind, moment in ((64, "created"), (58, "unknown")):
            if kind in kinds:
                self.plan.sees(self, moment)

    def _leaves(self, action: str, body: bytes) -> None:
        self.point(f"before {action} leaves")
        self.left.append(left(self.now_ms, action, body.decode(), self.disk.durable_rows))
        moment = {"create": "submitted", "amend": "amending", "cancel": "canceling"}.get(action)
        if moment is not None:
            self.plan.sees(self, moment)
        self.point(f"after {action} left")

    def _hear_exchange(self, happened: list[Any]) -> None:
        for news in happened:
            order = getattr(news, "order", None)
            if order is None or not order.link_id:
                continue
            if order.status == "New":
                self.plan.sees(self, "accepted")
            elif order.status == "PartiallyFilled":
                self.plan.sees(self, "partly filled")

    # ---- a story -----------------------------------------------------------------------------------------------

    async def tell(self) -> Evidence:
        """From the first event to the evidence."""
        plan = self.plan
        market = self.market = GhostMarket(self.service, plan.category, random.Random(plan.seed * 7 + 1))
        market.step()
        if plan.category == "linear":
            self.service.do(SetMarginMode(uid=DEFAULT_UID, isolated=True))
        plan.prepare(self)
        tasks = [asyncio.create_task(one) for one in (market.run(), self._pass_time(), self.sandbox.streams.repeat())]
        desk = asyncio.create_task(self._lives())
        try:
            await self._wait_until_calm(desk)
            calm_ms = self.now_ms
            self.calm()
            await self._wait(plan.settle_s, desk)
            settled, settled_tape = self._history(), self._tape()
            if plan.category == "linear":
                self.stop.set()
            broken = await desk
        finally:
            for task in (*tasks, desk):
                task.cancel()
            await asyncio.gather(*tasks, desk, return_exceptions=True)
            await self.lines.close()
        alarms = [line.text for line in self.said if line.kind == live_desk.ALARM]
        evidence = Evidence(
            self._tape(), self._history(), settled_tape, settled, COINS, self.left, calm_ms, self.shaken,
            robbed=self.robbed, braked_ms=self.braked_ms, released_ms=self.released_ms, lives=self.life + 1,
            alarms=alarms, broken=broken, promises_stops=plan.category == "linear",
            never_rests=plan.player != "resting",
            passed=self.passed, seconds=self.loop.time(),
        )  # fmt: skip
        self.service.archive.close()
        return evidence

    def calm(self) -> None:
        """All well again, outside the desk."""
        self.sandbox.faults.clear()
        self.service.clock.skew_ms = 0
        self.market.step_s = CALM_STEP_S
        self._tick_s = CALM_TICK_S
        self._is_calm = True
        lines = self.lines
        lines.reachable = True
        lines.trades_by_rest = False
        lines.late_s = 0.0
        lines.hang_before = lines.hang_after = lines.fail_after = lambda path: False
        lines.spoil = lambda text: text

    async def _wait_until_calm(self, desk: asyncio.Task[str]) -> None:
        while self.loop.time() < self._until_s and not desk.done():
            await self._wait(self._until_s - self.loop.time(), desk)

    @staticmethod
    async def _wait(seconds: float, desk: asyncio.Task[str]) -> None:
        """So long, unless the desk ends before."""
        await asyncio.wait({desk}, timeout=seconds)

    async def _pass_time(self) -> None:
        sandbox = self.sandbox
        while True:
            sandbox.faults.now_s = self.loop.time()
            sandbox.pass_time()
            for fault in sandbox.faults.due():
                sandbox.operator.strike(fault)
            await asyncio.sleep(self._tick_s)

    # ---- the desk ----------------------------------------------------------------------------------------------

    async def _lives(self) -> str:
        """One life after the other, until one ends in peace; returns what ended the last one otherwise."""
        while True:
            life = asyncio.create_task(self._one_life())
            dies = asyncio.create_task(self.dies.wait())
            await asyncio.wait({life, dies}, return_when=asyncio.FIRST_COMPLETED)
            dies.cancel()
            if not self.dies.is_set():
                how = await how_it_ended(life)
                if not (how and self.plan.lives_again and self.disk.is_bad):
                    return how
                self.kill()
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            self.lines.cut()
            if self.plan.power is not None and self._path.exists():
                self.disk.lose_power(self._path, self.plan.power)
            self.shake(DEAD_S)
            await asyncio.sleep(DEAD_S)
            self.dies.clear()
            self.disk.mend()
            self.life += 1
            self._points = self._named = 0
            self.disk.dead = self.lines.dead = False

    async def _one_life(self) -> Ended:
        tell = Tell(lambda opened: None, lambda happened, instrument: None, self.said.append)
        return await trade(self._request(), self._key, tell, lambda: self.brake, self._machine())

    def _request(self) -> TradeRequest:
        # The time of the last life is not known when it begins: it is asked for anew as the story goes on. A trouble
        # that comes later lengthens the story and not this life, so on a perpetual, whose stop would go with the
        # desk, the story says when; on spot it is as it always was, and so are the bytes.
        category = self.plan.category
        left_s = self._until_s - self.loop.time() + self.plan.settle_s + 0.1 if category == "spot" else None
        return TradeRequest(
            player_system(category), player_config(self.plan.player, category), "sandbox", "storm",
            Address(category, SYMBOL, HOST, RECV_WINDOW_MS, PATIENCE), "1m", "1m", self._folder, left_s,
            stop=self.stop,
        )  # fmt: skip

    def _machine(self) -> Machine:
        dice = random.Random(self.plan.seed * 31 + self.life)
        return Machine(
            wall_ns=now_ns, steady_ns=now_ns, draw=dice.random, draw_below=dice.randrange, in_thread=in_thread,
            beside=lambda store: AtOnce(store, self), connect=self.lines.connect, transport=Transport(self.lines),
            fetch=self.lines.fetch,
        )  # fmt: skip

    # ---- what is left ------------------------------------------------------------------------------------------

    @property
    def _path(self) -> Path:
        return self._folder / desk_folder.TAPE

    def _tape(self) -> bytes:
        return self._path.read_bytes() if self._path.exists() else b""

    def _history(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(b"".join(history_pieces(self.service)))
        return found


async def in_thread(work: Callable[[], Any]) -> Any:
    """A thread of a story: it takes a moment, and nothing happens beside it."""
    await asyncio.sleep(DISK_S)
    result = work()
    await asyncio.sleep(DISK_S)
    return result


def unless_killed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a dead process does not finish is not worth a word."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


async def how_it_ended(life: "asyncio.Task[Any]") -> str:
    """What ended a life otherwise than in peace."""
    try:
        await life
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def tell_story(plan: Plan, folder: Path) -> Evidence:
    """Live through a plan, in `folder`, which is empty."""
    with _machine_of_stories(plan):
        return run(_told(plan, folder))


async def _told(plan: Plan, folder: Path) -> Evidence:
    story = Story(plan, folder)
    with replaced(tape_files, "os", story.disk):
        return await story.tell()


@contextlib.contextmanager
def _machine_of_stories(plan: Plan) -> Any:
    every = plan.checkpoint_every or desk_folder.CHECKPOINT_EVERY
    looks = [replaced(module, "EVERY_S", LOOK_EVERY_S) for module in (live_desk, reconciliation)]
    with replaced(desk_folder, "CHECKPOINT_EVERY", every), looks[0], looks[1]:
        yield


@contextlib.contextmanager
def replaced(module: Any, name: str, value: Any) -> Any:
    """Another value of a module's name, for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
