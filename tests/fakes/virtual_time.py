"""An event loop whose time passes only when everybody waits: hours of sleeping take milliseconds.

Sockets of this machine may be used, when both their ends are in the loop: what was sent is given a moment to arrive.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_OWN_SOCKETS = 1
"""A loop wakes itself by one."""

_MOMENT_S = 0.0005


class _Idle(selectors.SelectSelector):
    """Where a loop would sleep, the time it would have slept has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        sockets = len(self.get_map()) > _OWN_SOCKETS
        ready = super().select(_MOMENT_S if sockets and timeout != 0 else 0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everybody waits for something that never comes")
            self.now_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Fits anything that asks the loop for the time."""

    def __init__(self) -> None:
        self._idle = _Idle()
        super().__init__(self._idle)

    def time(self) -> float:
        return self._idle.now_s


def run(work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
