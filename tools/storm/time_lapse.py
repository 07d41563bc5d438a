"""A portfolio on the sandbox in time-lapse: a script of days, an exchange, five desks and a conductor in one process.

Between two moments of the script everybody's clock leaps; at each the market stands, the desks hear it, decide, trade.
Nothing is left out but the waiting: the exchange charges funding at its times, stops wait there, lines are cut, and the
process dies where a script says so. A day costs a fraction of a second.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from quintet.app import eternal_facts, eternal_trading, eternal_trouble
from quintet.app.desk_folder import TAPE
from quintet.app.eternal_lines import MAIN, Told
from quintet.app.eternal_trading import Ended, EternalRequest, trade_eternal
from quintet.app.machine import Machine
from quintet.runtime import live_desk, reconciliation
from quintet.runtime.live_desk import Said
from quintet.sandbox.clock import Clock
from quintet.sandbox.commands import Ghosts, GhostTrade, OpenAccount, SetFunding
from quintet.sandbox.exchange import Exchange, new_state
from quintet.sandbox.happenings import Executed
from quintet.sandbox.instruments import default_catalogue
from quintet.sandbox.keys import KeyRing
from quintet.sandbox.money import quanta
from quintet.sandbox.server import Sandbox
from quintet.sandbox.service import DEFAULT_UID, Service
from quintet.storage import tape_files
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import ACCOUNTS, CORE
from quintet.venues.bybit import rest
from quintet.venues.bybit.sign import ApiKey
from tools.storm.disk import Disk, Killed
from tools.storm.lines import HOST, Lines, Transport
from tools.storm.story import PATIENCE, AtOnce, how_it_ended, in_thread, replaced, unless_killed
from tools.storm.virtual_time import now_ns, run

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
START_MS: Final = 20_454 * DAY_MS
"""2026-01-01 00:00 UTC."""

STEPS: Final = 6
STEP_MS: Final = DAY_MS // STEPS
DECIDES_AT: Final = (0, 2, 4)
"""Steps before which funding is settled."""

FIVE_MINUTES_MS: Final = 5 * 60_000
MOMENT_S: Final = 0.3
DECISION_S: Final = 0.75
TOUCH_S: Final = 1.0
LOOK_EVERY_S: Final = 3.0
DEPTH_LOTS: Final = 10**9
HALF_SPREAD_E4: Final = 2
DEAD_S: Final = 0.5
COMES_BACK_S: Final = 8.0
"""After a death, and after an outage, the clocks do not leap for so long: it is asked what became of orders."""

COMES_BACK_MS: Final = int(COMES_BACK_S * 1_000)
PATIENT: Final[tuple[tuple[Any, str, Any], ...]] = (
    (live_desk, "EVERY_S", LOOK_EVERY_S),
    (reconciliation, "EVERY_S", LOOK_EVERY_S),
    (live_desk, "LOST_FEED_NS", DAY_MS * 10**6),
    (eternal_trading, "TOUCH_S", TOUCH_S),
    (eternal_facts, "TROUBLE_LOOK_S", MOMENT_S / 2),
    (eternal_trouble, "UNSEEN_NS", STEP_MS * 2 * 10**6),
    (rest, "CLOCK_LOOK_S", 0.1),
)
"""What is another in time-lapse: books are compared each day, nobody is deaf while the clocks leap, and between two
looks for trouble a step of the script may pass."""

CAPITAL: Final = Decimal(100_000)


@dataclass
class Script:
    """What happens. `prices`: by asset, the price at the end of each day, the first before it begins, USDT.

    `basis_e4`, `rates_e8`: of a day: what perpetuals cost above spot, and what is settled each time. `dies_at`: at
    the passing of which points the process dies, one for each life; `power`: a death is a power loss that leaves this
    share of what was not synced.
    """

    config: EternalConfig
    prices: Mapping[str, list[float]]
    rates_e8: Callable[[int], int] = lambda day: 10_000
    basis_e4: Callable[[int], int] = lambda day: 5
    dies_at: tuple[int, ...] = ()
    power: float | None = None
    faults: tuple[Callable[["TimeLapse"], None], ...] = ()
    """Called before the first day."""

    moves_house: bool = False
    """After a death the folder is brought elsewhere, as to another machine, and nothing else is."""

    listeners: tuple[Callable[[Told], Awaitable[None]], ...] = ()
    """Hear every line beside what keeps them."""

    first_point_day: int = 0
    """Points are counted from this day on."""

    @property
    def days(self) -> int:
        """How many days it has."""
        return min(map(len, self.prices.values())) - 1


class TimeLapse:
    """One telling of a script. What an act may lay hands on: `sandbox`, `lines`, `disk`."""

    def __init__(self, script: Script, folder: Path) -> None:
        self.script, self.folder = script, folder
        assets = set(script.prices)
        listed = tuple(each for each in default_catalogue() if each.base in assets)
        self.service = Service(Exchange(new_state(listed)), Clock(START_MS, wall=lambda: now_ns() // 10**6), KeyRing())
        self.sandbox = Sandbox(self.service, rate_scale=0)
        self.keys = self._family()
        self.disk = Disk(lambda kinds: None, self.point)
        self.lines = Lines(self.sandbox, self._leaves)
        self.told: list[Told] = []
        self.listeners: list[Callable[[Executed], None]] = []
        self.outages: list[tuple[int, int]] = []
        """From when to when, ms of the exchange, and with the time that it takes to know everything again."""
        self.deaths: list[tuple[int, int]] = []
        self.until_s = 0.0
        """No clock leaps before this second of the loop."""
        self.life = self.day = self.points = self.struck = self.leapt_ms = 0
        self.dies, self.stop = asyncio.Event(), asyncio.Event()
        self.broken = ""
        self.ended: Ended | None = None
        self.service.listeners.append(self._hear)
        asyncio.get_running_loop().set_exception_handler(unless_killed)

    @property
    def said(self) -> list[tuple[str, Said]]:
        """Sub-account (MAIN: the whole) and line, of everything that was told."""
        return [(one.name, one.line) for one in self.told]

    def _family(self) -> dict[str, ApiKey]:
        found = {MAIN: self.service.default_key(coins={"USDT": f"{CAPITAL * 2}"})}
        for n, name in enumerate(ACCOUNTS, start=1):
            self.service.do(OpenAccount(uid=DEFAULT_UID + n, name=name, parent=DEFAULT_UID))
            found[name] = self.service.keys.create(DEFAULT_UID + n, START_MS, name)
        found[CORE].permissions["Earn"] = ["Earn"]
        return {name: ApiKey(one.key, one.secret) for name, one in found.items()}

    @property
    def uids(self) -> dict[str, int]:
        """The venue's numbers of the sub-accounts."""
        return {name: DEFAULT_UID + n for n, name in enumerate(ACCOUNTS, start=1)}

    @property
    def now_ms(self) -> int:
        """The exchange's time."""
        return self.service.clock.due_ms()

    # ---- moments -------------------------------------------------------------------------------------------------

    def point(self, name: str) -> None:
        """Somewhere the process can die."""
        if self.disk.dead or self.day < self.script.first_point_day:
            return
        number, self.points = self.points, self.points + 1
        if self.life < len(self.script.dies_at) and number == self.script.dies_at[self.life]:
            self.kill()
            raise Killed

    def kill(self) -> None:
        """From now on nothing of this life has any effect."""
        self.disk.dead = self.lines.dead = True
        self.dies.set()

    def outage(self, seconds: float) -> None:
        """Nobody reaches the exchange for so long."""
        self.lines.reachable = False
        self.lines.cut()
        self.outages.append((self.now_ms, self.now_ms + int(seconds * 1_000) + COMES_BACK_MS))
        self.until_s = max(self.until_s, asyncio.get_running_loop().time() + seconds + COMES_BACK_S)
        asyncio.get_running_loop().call_later(seconds, self._reach)

    def _reach(self) -> None:
        self.lines.reachable = True

    def _leaves(self, action: str, body: bytes) -> None:
        self.point(f"before {action} leaves")

    def _hear(self, happened: list[Any]) -> None:
        for one in happened:
            if isinstance(one, Executed):
                for listener in self.listeners:
                    listener(one)

    # ---- the script ----------------------------------------------------------------------------------------------

    async def tell(self) -> None:
        """From the first day to the last; `ended` says what it came to, `broken` what ended a life otherwise."""
        self._stand(0, 0.0)
        tasks = [asyncio.create_task(one) for one in (self._pass_time(), self.sandbox.streams.repeat())]
        lives = asyncio.create_task(self._lives())
        try:
            await asyncio.sleep(DECISION_S * 2)
            for moment in range(self.script.days * STEPS):
                if lives.done():
                    break
                self.day = moment // STEPS
                await self._step(self.day, moment % STEPS)
            await asyncio.sleep(LOOK_EVERY_S * 3)
            self.stop.set()
            await lives
        finally:
            for task in (*tasks, lives):
                task.cancel()
            await asyncio.gather(*tasks, lives, return_exceptions=True)
            await self.lines.close()

    async def _step(self, day: int, step: int) -> None:
        """Everybody's clock leaps to the next moment, past a settlement where there is one; then the market stands."""
        decides = step in DECIDES_AT
        self._leap(START_MS + day * DAY_MS + step * STEP_MS + (FIVE_MINUTES_MS + 1_000 if decides else 0))
        self._stand(day, step / STEPS)
        for symbol in self.script.prices:
            self.service.do(SetFunding(symbol=f"{symbol}USDT", rate=self.script.rates_e8(day)))
        await asyncio.sleep(DECISION_S if decides else MOMENT_S)
        while (rest_s := self.until_s - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(rest_s)

    def _leap(self, to_ms: int) -> None:
        """To that moment of the exchange, unless it is past."""
        by_ms = max(to_ms - self.now_ms, 0)
        self.leapt_ms += by_ms
        self.service.clock.advance(by_ms)
        self.sandbox.pass_time()

    def _stand(self, day: int, part: float) -> None:
        """Every book at its price: a deep level on both sides of it, and a print."""
        for asset, closes in self.script.prices.items():
            spot = closes[day] + (closes[day + 1] - closes[day]) * part
            for category, basis in (("spot", 0), ("linear", self.script.basis_e4(day))):
                self._book(category, f"{asset}USDT", spot * (1 + basis / 1e4))

    def _book(self, category: str, symbol: str, price: float) -> None:
        tick = self.service.state.markets[f"{category}:{symbol}"].instrument.tick
        middle, half = (round(quanta(f"{price:.8f}") / tick), round(price * HALF_SPREAD_E4 / 1e4 * 1e8 / tick) or 1)
        levels = [(1, (middle - half) * tick, DEPTH_LOTS), (-1, (middle + half) * tick, DEPTH_LOTS)]
        self.service.do(Ghosts(category=category, symbol=symbol, levels=levels, snapshot=True))
        self.service.do(GhostTrade(category=category, symbol=symbol, sign=1, price=middle * tick, lots=1))

    async def _pass_time(self) -> None:
        while True:
            self.sandbox.faults.now_s = asyncio.get_running_loop().time()
            self.sandbox.pass_time()
            await asyncio.sleep(MOMENT_S)

    # ---- lives ---------------------------------------------------------------------------------------------------

    async def _lives(self) -> None:
        """One life after the other, until one ends in peace."""
        while True:
            life = asyncio.create_task(self._one_life())
            dies = asyncio.create_task(self.dies.wait())
            await asyncio.wait({life, dies}, return_when=asyncio.FIRST_COMPLETED)
            dies.cancel()
            if not self.dies.is_set():
                self.broken = await how_it_ended(life)
                self.ended = None if self.broken else life.result()
                return
            died_ms = self.now_ms
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            self.lines.cut()
            self._lose_power()
            if self.script.moves_house:
                self.folder = self.folder.rename(self.folder.with_name(f"elsewhere-{self.life + 1}"))
            self.until_s = max(self.until_s, asyncio.get_running_loop().time() + DEAD_S + COMES_BACK_S)
            await asyncio.sleep(DEAD_S)
            self.deaths.append((died_ms, self.now_ms + COMES_BACK_MS))
            self.dies.clear()
            self.life, self.points = self.life + 1, 0
            self.disk.dead = self.lines.dead = False

    def _lose_power(self) -> None:
        if self.script.power is not None:
            for path in sorted(self.folder.glob(f"*/{TAPE}")):
                self.disk.lose_power(path, self.script.power)

    async def _one_life(self) -> Ended:
        request = EternalRequest(
            config=self.script.config, capital=CAPITAL, world="sandbox", desk="lapse", folder=self.folder, url=HOST,
            assets=tuple(self.script.prices), recv_window_ms=1_000, patience=PATIENCE, stop=self.stop,
        )  # fmt: skip
        return await trade_eternal(request, self._keys_of, self.told.append,
                                   machine=self._machine(), listeners=self.script.listeners)  # fmt: skip

    async def _keys_of(self) -> dict[str, ApiKey]:
        return self.keys

    def _machine(self) -> Machine:
        dice = random.Random(self.life)
        return Machine(
            wall_ns=lambda: self.now_ms * 10**6, steady_ns=lambda: now_ns() + self.leapt_ms * 10**6, draw=dice.random,
            draw_below=dice.randrange, in_thread=in_thread, beside=lambda store: AtOnce(store, self),
            connect=self.lines.connect, transport=Transport(self.lines), fetch=self.lines.fetch,
        )  # fmt: skip


def tell_lapse(script: Script, folder: Path) -> TimeLapse:
    """Live through a script, in `folder`, which is empty."""

    async def told() -> TimeLapse:
        lapse = TimeLapse(script, folder)
        for prepare in script.faults:
            prepare(lapse)
        with replaced(tape_files, "os", lapse.disk):
            await lapse.tell()
        return lapse

    with contextlib.ExitStack() as stack:
        for module, name, value in PATIENT:
            stack.enter_context(replaced(module, name, value))
        return run(told())
