"""Sync before send: a command leaves when every record up to it is on the disk, and not before.

One sync is in flight, in a thread of its own; the next takes all that has arrived meanwhile. What caused no command is
on the disk within `IDLE_SYNC_S`. A brake that is pulled lets cancels through and nothing else; so does a recovery.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.events import AMEND, AMEND_REJECTED, CANCEL, COMMAND_SUPPRESSED, PLACE
from quintet.ports.gateway import Brake, Gateway, no_brake
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


class Dispatcher:
    """Fills `ports.gateway.Gateway` for a desk on an event loop. `held`: nothing leaves while it is true."""

    def __init__(
        self,
        tape: DeskTape,
        gateway: Gateway,
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
        self._waiting.append(_Waiting(self._tape.position, commands))
        self._arrived.set()

    async def run(self) -> None:
        """For ever; raises TapeError for a disk that takes no more, and then sends nothing any more."""
        while True:
            try:
                async with asyncio.timeout(IDLE_SYNC_S):
                    await self._arrived.wait()
            except TimeoutError:
                pass
            self._arrived.clear()
            if self._tape.durable_upto < self._tape.position:
                await self._in_thread(self._tape.sync)
            self._release()

    def let_go(self) -> None:
        """End of a recovery. What was decided meanwhile is not sent, cancels are; the system decides anew."""
        self.held = False
        decided = [*self._waiting]
        self._waiting.clear()
        for upto, commands in decided:
            cancels = self._without_risk(commands, "decided while the desk was recovering")
            self._waiting.append(_Waiting(upto, cancels))
        self._arrived.set()

    def _release(self) -> None:
        durable = self._tape.durable_upto
        while self._waiting and not self.held and self._waiting[0].upto <= durable:
            commands = self._waiting.popleft().commands
            why = self._brake() if len(commands) else ""
            if why:
                commands = self._without_risk(commands, why)
            if len(commands):
                self._gateway.send(commands)

    def _without_risk(self, commands: Any, why: str) -> Any:
        """The cancels among them; the rest is told as not sent."""
        cancels = np.asarray(commands["kind"]) == CANCEL
        if not cancels.all():
            self._suppressed(commands[~cancels], why)
        return commands[cancels]
