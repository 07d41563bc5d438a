"""Rate limits: how many units an account may spend on an endpoint in a rolling second, and an address in five."""

from collections import deque

SECOND_MS = 1000


class Rate:
    """A rolling window of spent units."""

    def __init__(self, limit: int, window_ms: int = SECOND_MS) -> None:
        self.limit = limit
        self.window_ms = window_ms
        self._spent: deque[int] = deque()

    def _forget(self, now_ms: int) -> None:
        while self._spent and self._spent[0] <= now_ms - self.window_ms:
            self._spent.popleft()

    def spend(self, now_ms: int, units: int) -> int:
        """Spend as many of `units` as there are; returns how many were granted."""
        self._forget(now_ms)
        granted = min(units, self.limit - len(self._spent))
        self._spent.extend([now_ms] * granted)
        return granted

    def left(self, now_ms: int) -> int:
        """What may still be spent."""
        self._forget(now_ms)
        return self.limit - len(self._spent)

    def free_at(self, now_ms: int) -> int:
        """When the next unit is there."""
        return self._spent[0] + self.window_ms if self.left(now_ms) == 0 else now_ms


class Pacing:
    """All rates of one exchange. `scale` multiplies the venue's limits, 0 lifts them."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self._rates: dict[tuple[object, ...], Rate] = {}

    def rate(self, limit: int, window_ms: int, *bucket: object) -> Rate:
        """The window of a bucket, made when it is new."""
        scaled = max(1, int(limit * self.scale)) if self.scale else 1 << 40
        found = self._rates.get(bucket)
        if found is None or found.limit != scaled:
            found = self._rates[bucket] = Rate(scaled, window_ms)
        return found

    def headers(self, rate: Rate, now_ms: int) -> dict[str, str]:
        """What every private answer tells about its limit."""
        return {
            "X-Bapi-Limit": str(rate.limit),
            "X-Bapi-Limit-Status": str(rate.left(now_ms)),
            "X-Bapi-Limit-Reset-Timestamp": str(rate.free_at(now_ms)),
        }
