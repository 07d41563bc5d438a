"""An event loop whose time passes only when everybody waits, and where nobody else is heard: the same every time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

START_NS: Final = 1_767_268_800_000_000_000
"""Where this time begins, ns UTC."""


class NothingComes(RuntimeError):
    """Everybody waits for something that never happens."""


class Idle(selectors.SelectSelector):
    """Where a loop would sleep, the time it would have slept has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Nothing is ready, ever: no line of this loop leaves the process."""
        self.pass_by(timeout)
        return []

    def pass_by(self, timeout: float | None) -> None:
        """Let the time pass that a loop would have slept; raises NothingComes where it would sleep for ever."""
        if timeout is None:
            raise NothingComes("everybody waits for something that never comes")
        self.now_s += max(timeout, 0.0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Fits anything that asks the loop for the time."""

    def __init__(self, idle: Idle | None = None) -> None:
        """`idle`: another place to sleep than one where nobody else is heard."""
        self._idle = Idle() if idle is None else idle
        super().__init__(self._idle)

    def time(self) -> float:
        """Seconds since the loop began."""
        return self._idle.now_s


def run(work: Coroutine[Any, Any, Result], loop: Callable[[], VirtualLoop] = VirtualLoop) -> Result:
    """Live through it, on a new loop."""
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


def now_ns() -> int:
    """The time of day in the storm."""
    return START_NS + round(asyncio.get_running_loop().time() * 1e9)
