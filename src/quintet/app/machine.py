"""What a desk needs of the machine it lives on: clocks, dice, a thread, lines to the venue.

The machine under our feet is `MACHINE`. A proof hands in another one, whose time passes at once and whose lines break
when a seed says so; the desk is the same to the last line.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, Protocol

import httpx

from quintet.ports.checkpoints import Checkpoints
from quintet.runtime.background_checkpoints import BackgroundCheckpoints
from quintet.venues.connection import Connect, asked


class ClosedCheckpoints(Checkpoints, Protocol):
    """A store that is waited for when its desk ends."""

    def close(self) -> None:
        """Wait for the last one; raises what it ended with."""


class Machine(NamedTuple):
    """Times are ns. `draw`: from 0 to 1, for pauses; `draw_below`: a number below another, for the epoch of ids.

    `in_thread`: does something that waits for a disk or a line. `connect`, `transport`: lines to the venue, None for
    those of this machine; `fetch`: one public answer.
    """

    wall_ns: Callable[[], int] = time.time_ns
    steady_ns: Callable[[], int] = time.monotonic_ns
    draw: Callable[[], float] = random.random
    draw_below: Callable[[int], int] = secrets.randbelow
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]] = asyncio.to_thread
    beside: Callable[[Checkpoints], ClosedCheckpoints] = BackgroundCheckpoints
    connect: Connect | None = None
    transport: httpx.AsyncBaseTransport | None = None
    fetch: Callable[[str], bytes] = asked


MACHINE: Final = Machine()
