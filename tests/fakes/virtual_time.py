"""An event loop whose time passes only when everybody waits: hours of sleeping take milliseconds.

It is the storm's, but that sockets of this machine may be used, when both their ends are in the loop: what was sent is
given a moment to arrive.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

from tools.storm import virtual_time

Result = TypeVar("Result")

_OWN_SOCKETS = 1
"""A loop wakes itself by one."""

_MOMENT_S = 0.0005


class _Listening(virtual_time.Idle):
    """Time passes where nothing has arrived."""

    def select(self, timeout: float | None = None) -> list[Any]:
        sockets = len(self.get_map()) > _OWN_SOCKETS
        ready = super(virtual_time.Idle, self).select(_MOMENT_S if sockets and timeout != 0 else 0)
        if not ready:
            self.pass_by(timeout)
        return ready


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return virtual_time.run(work, lambda: virtual_time.VirtualLoop(_Listening()))
