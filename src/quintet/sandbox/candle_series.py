"""A price by the minute: the newest minutes as they are, older ones packed, a week of them in a megabyte."""

import struct
from collections.abc import Iterable
from itertools import starmap
from typing import Final

import msgspec

MINUTE_MS: Final = 60_000
MINUTES_KEPT: Final = 10_080
"""A week; up to two of them gather before the older one goes."""

RECENT_MAX: Final = 128
_PACKED = struct.Struct("<7q")
_WHOLE_MAX = 2**63 - 1


class Candle(msgspec.Struct):
    """One minute of a price: quanta, lots and quote quanta."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    value: int = 0


class CandleSeries(msgspec.Struct):
    """Minutes that had a price, oldest first. `older` has 56 bytes a minute."""

    older: bytearray = msgspec.field(default_factory=bytearray)
    recent: list[Candle] = []

    def add(self, ms: int, price: int, lots: int = 0, value: int = 0) -> None:
        """Put a price into the candle of its minute."""
        start = ms - ms % MINUTE_MS
        if not self.recent or self.recent[-1].start_ms != start:
            self.recent.append(Candle(start, price, price, price, price))
            if len(self.recent) > 2 * RECENT_MAX:
                self._pack()
        candle = self.recent[-1]
        candle.high, candle.low, candle.close = max(candle.high, price), min(candle.low, price), price
        candle.lots += lots
        candle.value += value

    @classmethod
    def of(cls, minutes: Iterable[tuple[int, int, int, int, int, int, int]]) -> "CandleSeries":
        """A series that begins with minutes that have been, oldest first, each as the fields of a candle."""
        return cls(older=bytearray(b"".join(starmap(_PACKED.pack, minutes))))

    def _pack(self) -> None:
        for candle in self.recent[:RECENT_MAX]:
            fields = (min(each, _WHOLE_MAX) for each in msgspec.structs.astuple(candle))
            self.older += _PACKED.pack(*fields)
        del self.recent[:RECENT_MAX]
        if len(self.older) > 2 * MINUTES_KEPT * _PACKED.size:
            del self.older[: MINUTES_KEPT * _PACKED.size]

    def newest(self, count: int) -> list[Candle]:
        """The last `count` minutes that had a price, oldest first."""
        missing = count - len(self.recent)
        if missing <= 0:
            return self.recent[len(self.recent) - count :]
        begin = max(0, len(self.older) - missing * _PACKED.size)
        return [Candle(*fields) for fields in _PACKED.iter_unpack(self.older[begin:])] + self.recent

    def all(self) -> list[Candle]:
        """Every minute that is kept."""
        return self.newest(len(self.older) // _PACKED.size + len(self.recent))
