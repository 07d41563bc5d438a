"""Sync before send: a command leaves when every record up to it is on the disk, and not before.

Meanwhile it is encoded, so that nothing but sending is left to be done. One sync is in flight, in a thread of its own;
the next takes all that has arrived meanwhile. What caused no command is on the disk within `IDLE_SYNC_S`, and no
command waits for the mark beside the tape that says how far that is. A brake that is pulled lets cancels through and
nothing else; so does a recovery.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.events import AMEND, AMEND_REJECTED, CANCEL, COMMAND_SUPPRESSED, PLACE
from quintet.ports.gateway import Brake, EarlyGateway, Gateway, no_brake
from quintet.ports.tape import DeskTape

IDLE_SYNC_S: Final = 1.0

NOT_SENT: Final = {PLACE: COMMAND_SUPPRESSED, AMEND: AMEND_REJECTED}
"""What a desk hears of a command that was dropped before it left; a cancel is never dropped."""

InThread = Callable[[Callable[[], int]], Awaitable[int]]
Suppressed = Callable[[Any, str], None]
"""Takes rows of COMMAND that were dropped, and why."""


class SyncFirst:
    """The same rule for a desk that waits for its disk: sync, then send. Fills `ports.gateway.Gateway`."""

    def __init__(self, tape: DeskTape, gateway: Gateway) -> None:
        self._tape = tape
        self._gateway = gateway

    def send(self, commands: Any) -> None:
        """Wait for the disk, then let them go."""
        self._tape.sync()
        self._gateway.send(commands)


class _Waiting(NamedTuple):
    upto: int
    commands: Any
    send: Callable[[], None]


class Dispatcher:
    """Fills `ports.gateway.Gateway` for a desk on an event loop. `held`: nothing leaves while it is true."""

    def __init__(
        self,
        tape: DeskTape,
        gateway: EarlyGateway,
        suppressed: Suppressed,
        brake: Brake = no_brake,
        in_thread: InThread = asyncio.to_thread,
    ) -> None:
        self.held = False
        self._tape = tape
        self._gateway = gateway
        self._suppressed = suppressed
        self._brake = brake
        self._in_thread = in_thread
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Events whose commands have not left yet."""
        return len(self._waiting)

    def send(self, commands: Any) -> None:
        """Commands that stand at the end of the tape."""
        self._wait(self._tape.position, commands)
        self._arrived.set()

    def _wait(self, upto: int, commands: Any) -> None:
        self._waiting.append(_Waiting(upto, commands, self._gateway.ready(commands)))

    async def run(self) -> None:
        """For ever; raises TapeError for a disk that takes no more, and then sends nothing any more."""
        now_s = asyncio.get_running_loop().time
        marked_s = now_s()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SYNC_S):
                    await self._arrived.wait()
            self._arrived.clear()
            if self._tape.durable_upto < self._tape.position:
                await self._in_thread(partial(self._tape.sync, mark=False))
            self._release()
            if now_s() - marked_s >= IDLE_SYNC_S:
                await self._in_thread(self._tape.sync)
                marked_s = now_s()

    def let_go(self) -> None:
        """End of a recovery. What was decided meanwhile is not sent, cancels are; the system decides anew."""
        self.held = False
        decided = [*self._waiting]
        self._waiting.clear()
        for upto, commands, _ in decided:
            cancels = self._without_risk(commands, "decided while the desk was recovering")
            self._wait(upto, cancels)
        self._arrived.set()

    def _release(self) -> None:
        durable = self._tape.durable_upto
        while self._waiting and not self.held and self._waiting[0].upto <= durable:
            _, commands, send = self._waiting.popleft()
            if len(commands) and (why := self._brake()):
                commands = self._without_risk(commands, why)
                send = self._gateway.ready(commands)
            if len(commands):
                send()

    def _without_risk(self, commands: Any, why: str) -> Any:
        """The cancels among them; the rest is told as not sent."""
        cancels = np.asarray(commands["kind"]) == CANCEL
        if not cancels.all():
            self._suppressed(commands[~cancels], why)
        return commands[cancels]
