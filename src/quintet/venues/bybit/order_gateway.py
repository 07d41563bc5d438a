"""Sends what is approved, each once, and says what became of it: taken, refused, or asked about until it is known.

The trade socket is taken while it is ready, else REST. A request that did not leave, or that the venue turned away for
a reason that passes, is sent again under the same client id; one whose answer is missing never is.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final, NamedTuple

from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.ports.kill_switch import KillSwitch, NeverKilled
from quintet.ports.order_entry import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    Command,
    Found,
    HeldBack,
    Lost,
    OfOneOrder,
    Outcome,
    Place,
    Refused,
    Repeated,
    Suppressed,
    Unknown,
)
from quintet.venues.approved import approved
from quintet.venues.bybit.encode import Request, requests
from quintet.venues.bybit.entry import Door, Told, nothing_left
from quintet.venues.bybit.errors import OUTSIDE_WINDOW, Verdict
from quintet.venues.bybit.inquiry import Inquiry
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.shapes import MS_NS
from quintet.venues.venue_clock import ClockUnsure


class Retries(NamedTuple):
    """The pause before each sending of one command, s, for as long as the venue turns it away for what passes.

    `rests`: of orders that wait at the venue; `takes`: of orders that shall be met at once. `calls_person`: when the
    last sending was turned away, and when the account lacks the funds.
    """

    rests: tuple[float, ...]
    takes: tuple[float, ...]
    cancel: tuple[float, ...] = (0.0, 1.0, 5.0, 15.0)
    calls_person: bool = False


TAKES: Final = (lifecycle.IOC, lifecycle.MARKET, lifecycle.FOK)
BRISK: Final = Retries(rests=(0.0, 0.5, 1.0), takes=(0.0, 0.5, 1.0))
PATIENT: Final = Retries(rests=(0.0, 1.0, 5.0), takes=(0.0, 0.5, 1.0), calls_person=True)
"""For who decides three times a day: an order may be seconds late, but no leg of a pair stands alone for so long."""

PLACE_PATIENCE_S: Final = 3.0
"""A new order that has not had its turn by then is not sent any more: the market it was meant for is gone."""

HELD_BACK_NS: Final = 1_000_000
"""A command that waits less for its turn has not been held back."""

CLOCK_PATIENCE_S: Final = 2.0
BEGIN_PATIENCE_S: Final = 10.0


class OrderGateway:
    """Fills `ports.gateway.Gateway`. What it has to tell comes from `outcomes`; `shut` says why nothing is sent."""

    def __init__(
        self,
        rest: Rest,
        listing: Listing,
        ids: ClientIds,
        socket: Door | None = None,
        *,
        kill_switch: KillSwitch | None = None,
        nets: bool = False,
        retries: Retries = BRISK,
    ) -> None:
        """`kill_switch`: asked before every command but a cancel, at the last moment; None: nobody can stop it.

        `nets`: the venue's position is that of several desks.
        """
        self.shut = ""
        self._retries = retries
        self._kill_switch = kill_switch or NeverKilled()
        self._rest = rest
        self._doors: Sequence[Door] = [*([socket] if socket is not None else []), rest]
        self._listing = listing
        self._ids = ids
        self._nets = nets
        self._inquiry = Inquiry(rest, listing)
        self._told: asyncio.Queue[Outcome | Exception] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Before the first command: be sure of the venue's time, and that the key can do no more than trade.

        Raises ConfigError for the key, VenueUnreachable or ClockUnsure when the venue does not say.
        """
        if not await self._rest.settle_clock(BEGIN_PATIENCE_S):
            self._rest.clock.venue_ns(self._rest.steady_ns())
        await self._rest.require_harmless_key()

    def send(self, commands: Any) -> None:
        """Rows of COMMAND, in order; each is on the desk tape and on the disk by now. Must be called on the loop."""
        self.ready(commands)()

    def ready(self, commands: Any) -> Callable[[], None]:
        """The same in two steps: encoded now, sent when what this returns is called."""
        ours = [
            one._replace(nets=self._nets) if isinstance(one, Place) else one for one in approved(commands, self._ids)
        ]
        encoded = [(one, self._encoded(one)) for one in ours]

        def send() -> None:
            for command, wanted in encoded:
                self._start(self._carry(command, wanted))

        return send

    def send_one(self, command: Command) -> None:
        """One command."""
        self._start(self._carry(command, self._encoded(command)))

    def _encoded(self, command: Command) -> list[Request]:
        return requests(command, self._listing.instruments)

    def ask_about(self, command: OfOneOrder) -> None:
        """Find out what became of a command of an earlier process, which may have been sent."""
        self._start(self._inquire_of_earlier(command))

    async def outcomes(self) -> AsyncIterator[Outcome]:
        """What became of each command, for ever; an unknown one is told as such first, and as what it was later."""
        while True:
            told = await self._told.get()
            if isinstance(told, Exception):
                raise told
            yield told

    async def close(self) -> None:
        """Stop asking and sending; what is not known by then is for the recovery to ask."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def busy(self) -> int:
        """Commands whose outcome is not told yet."""
        return len(self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._aloud(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # one that was cancelled before it began

    async def _aloud(self, work: Coroutine[Any, Any, None]) -> None:
        """A fault of ours is told like an outcome: no command ends in silence."""
        try:
            await work
        except Exception as error:
            self._told.put_nowait(error)

    # ---- one command -------------------------------------------------------------------------------------------

    async def _carry(self, command: Command, encoded: Sequence[Request]) -> None:
        """From approved to known."""
        told: Told | Suppressed = Suppressed(command, "not sent")
        for wanted in encoded:
            told = await self._deliver(command, wanted)
            if isinstance(told, Suppressed):
                self._told.put_nowait(told)
                return
            if told.verdict.meaning != "accepted":
                break
        assert isinstance(told, Told)
        await self._conclude(command, told)

    async def _deliver(self, command: Command, wanted: Request) -> Told | Suppressed:
        """Send until it has left and was not turned away for a reason that passes."""
        places = isinstance(command, Place)
        told = Told(nothing_left("not sent"), 0)
        waiting = Waiting()
        for pause_s in self._pauses_s(command):
            if pause_s:
                self._told.put_nowait(Repeated(command, pause_s, told.verdict.text))
                await asyncio.sleep(pause_s)
            if held_back := self._held_back(command):
                return Suppressed(command, held_back)
            tried = await self._attempt(wanted, PLACE_PATIENCE_S if places else None, waiting)
            if isinstance(tried, Suppressed):
                self._tell_of(waiting, command)
                return tried
            told = tried
            if told.verdict.meaning == "unknown" and isinstance(command, CancelAll):
                continue  # to take everything back twice does no harm
            if told.verdict.meaning != "again":
                break
            waiting.goes_on = is_of_limits(told.verdict)
            if f"retCode {OUTSIDE_WINDOW}:" in told.verdict.text:
                await self._rest.measure_clock()
        self._tell_of(waiting, command)
        return told

    def _pauses_s(self, command: Command) -> tuple[float, ...]:
        if not isinstance(command, Place):
            return self._retries.cancel
        return self._retries.takes if command.style in TAKES else self._retries.rests

    def _tell_of(self, waiting: "Waiting", command: Command) -> None:
        """Say how long the venue's limits have held a command back, if they have."""
        if waiting.waited_ns >= HELD_BACK_NS:
            self._told.put_nowait(HeldBack(command, waiting.waited_ns))

    async def _attempt(self, wanted: Request, patience_s: float | None, held: "Waiting") -> Told | Suppressed:
        """Wait for a turn and send once; an order that waits too long for either is not sent."""
        urgent = wanted.action.startswith("cancel")
        if self._rest.clock.why_unsure(self._rest.steady_ns()) and not await self._rest.settle_clock(CLOCK_PATIENCE_S):
            why = self._rest.clock.why_unsure(self._rest.steady_ns())
            return Told(nothing_left(why), 0) if urgent else Suppressed(wanted.commands[0], why)
        held.begin(self._rest.steady_ns())
        try:
            door = next(door for door in self._doors if door.ready and door.takes(wanted.action))
            async with asyncio.timeout(patience_s) as waiting, self._rest.pace.turn(door.costs(wanted), urgent) as turn:
                waiting.reschedule(None)
                held.end(self._rest.steady_ns())
                if held_back := self._held_back(wanted.commands[0]):
                    return Suppressed(wanted.commands[0], held_back)
                told = await door.tell(wanted)
                if told.verdict.meaning == "unknown":
                    turn.linger(self._rest.recv_window_ms / 1_000)
                return told
        except TimeoutError:
            held.end(self._rest.steady_ns())
            return Suppressed(wanted.commands[0], f"no turn within {patience_s:g} s at the venue's limits")
        except ClockUnsure as error:
            return Told(nothing_left(str(error)), 0)

    def _held_back(self, command: Command) -> str:
        """Why a command that may add risk must not leave now, empty when it may. Cancels always may."""
        if isinstance(command, (Cancel, CancelAll)):
            return ""
        return self._kill_switch.engaged() or (self.shut if isinstance(command, Place) else "")

    async def _conclude(self, command: Command, told: Told) -> None:
        meaning, reason, text, lacks_funds = told.verdict
        if meaning == "accepted":
            self._told.put_nowait(Accepted(command, told.venue_id))
        elif isinstance(command, CancelAll) or meaning in ("refused", "again", "fatal"):
            if meaning == "fatal":
                self.shut = text
            crowded = lifecycle.CONGESTED if meaning == "again" else reason
            needs_person = self._retries.calls_person and (lacks_funds or meaning == "again")
            self._told.put_nowait(Refused(command, crowded, text, needs_person))
        else:
            self._told.put_nowait(Unknown(command, text))
            # An order that the venue calls gone was looked at: nothing of the request is under way any more.
            await self._inquire(command, 0 if meaning == "gone" else told.expires_ns)

    async def _inquire_of_earlier(self, command: OfOneOrder) -> None:
        """It was signed before now, so it can arrive for one receive window from now on, and no longer."""
        while not await self._rest.settle_clock(CLOCK_PATIENCE_S):
            continue
        now_ns = self._rest.clock.venue_ns(self._rest.steady_ns())
        await self._inquire(command, now_ns + self._rest.recv_window_ms * MS_NS)

    async def _inquire(self, command: OfOneOrder, expires_ns: int) -> None:
        """Ask until it is known. An order that stays as it was when a change cannot arrive any more was not changed."""
        while True:
            over = self._inquiry.is_over(expires_ns)
            report = await self._inquiry.find(command, expires_ns)
            if report is None:
                self._told.put_nowait(Lost(command))
                return
            if isinstance(command, Place) or report.state != "open":
                self._told.put_nowait(Found(command, report))
                return
            stands_at = report.ticks or report.trigger_ticks
            if isinstance(command, Amend) and (stands_at, report.lots) == (command.ticks, command.lots):
                self._told.put_nowait(Accepted(command, report.venue_id))
                return
            if over:
                self._told.put_nowait(Refused(command, lifecycle.NO_REASON, "the order is open and was not changed"))
                return
            await asyncio.sleep(1.0)


class Waiting:
    """How long one command was held back by the venue's limits: from when it could have left to when it left.

    `goes_on`: the venue has turned it away for its limits, so the pause before the next attempt counts too.
    """

    def __init__(self) -> None:
        self.waited_ns = 0
        self.goes_on = False
        self._since_ns = 0

    def begin(self, now_ns: int) -> None:
        """It asks for a turn."""
        if not self.goes_on:
            self._since_ns, self.waited_ns = now_ns, 0

    def end(self, now_ns: int) -> None:
        """It has its turn, or has given up."""
        self.waited_ns = now_ns - self._since_ns


def is_of_limits(said: Verdict) -> bool:
    """Was a request turned away because there were too many?"""
    spoke = said.text.startswith(("retCode", "HTTP"))
    return said.meaning == "again" and spoke and f"retCode {OUTSIDE_WINDOW}:" not in said.text
