"""The exchange's two kinds of time: the wall's, at some speed, or its own that only an operator moves."""

import time
from collections.abc import Callable

from quintet.core.errors import ConfigError

SPEED_MAX = 1000


def wall_ms() -> int:
    """Milliseconds UTC of this machine."""
    return time.time_ns() // 1_000_000


class Clock:
    """Begins at `start_ms` (0: now) and runs `speed` times as fast as the wall; speed 0 stands still until advanced.

    `skew_ms` is a fault: what the venue says its time is differs by that much from what it is.
    """

    def __init__(self, start_ms: int = 0, speed: int = 1, wall: Callable[[], int] = wall_ms) -> None:
        if not 0 <= speed <= SPEED_MAX:
            raise ConfigError(f"speed: expected 0 (a clock that is advanced by hand) to {SPEED_MAX}, found {speed}")
        self._wall = wall
        self._wall_start = wall()
        self._start_ms = start_ms or self._wall_start
        self.speed = speed
        self.skew_ms = 0
        self.not_after: Callable[[int], int] = lambda due_ms: due_ms

    def due_ms(self) -> int:
        """How far the exchange's time should have come."""
        return self._start_ms + (self._wall() - self._wall_start) * self.speed

    def now_ms(self) -> int:
        """The exchange's time: it waits for a market that lags behind."""
        return self.not_after(self.due_ms())

    def said_ms(self) -> int:
        """The time that the venue tells, and compares signatures with."""
        return self.now_ms() + self.skew_ms

    def signing_ms(self) -> int:
        """What a client is to date its signatures by: the time that is told, or the wall's while that runs slower."""
        return self.said_ms() if self.speed <= 1 else self._wall() + self.skew_ms

    def times_ms(self) -> tuple[int, int]:
        """What a signature may be dated by: the time that is told, or the wall's where that is another."""
        return self.said_ms(), self._wall() + self.skew_ms

    def wall_ms(self) -> int:
        """The time of the machine it runs on."""
        return self._wall()

    def advance(self, ms: int) -> None:
        """Move it forward; raises ConfigError for a negative step."""
        if ms < 0:
            raise ConfigError(f"advance: expected milliseconds of 0 or more, found {ms}")
        self._start_ms += ms
