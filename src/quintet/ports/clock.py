"""What time it is: asked by the shell alone."""

from typing import Protocol


class Clock(Protocol):
    """Our clock; `time.time_ns` is one."""

    def __call__(self) -> int:
        """Ns UTC since 1970."""
