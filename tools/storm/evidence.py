"""What a story leaves behind for the checker. Nothing in it is the desk's opinion but the bytes of its tape."""

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

_LINK: Final = re.compile(r'"orderLinkId":\s*"([^"]*)"')


class Left(NamedTuple):
    """A message of the order path as it left the desk: when (ms), what, of which orders, and what was durable then."""

    ms: int
    action: str
    links: tuple[str, ...]
    durable_rows: int


def left(ms: int, action: str, body: str, durable_rows: int) -> Left:
    """What has to be known of a body: a day of whole ones would be more memory than the desk's own."""
    return Left(ms, action, tuple(_LINK.findall(body)), durable_rows)


class Messages:
    """Messages in the order in which they left. All but the latest are packed: a day of them is a few hundred KiB."""

    PACKED_AT_ONCE: Final = 1_000

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._latest: list[Left] = []

    def append(self, message: Left) -> None:
        """One more."""
        self._latest.append(message)
        if len(self._latest) == self.PACKED_AT_ONCE:
            self._packed.append(zlib.compress(msgspec.msgpack.encode(self._latest)))
            self._latest = []

    def __iter__(self) -> Iterator[Left]:
        for packed in self._packed:
            yield from msgspec.msgpack.decode(zlib.decompress(packed), type=list[Left])
        yield from self._latest


@dataclass
class Evidence:
    """Times are ms UTC. `settled`: tape and history a moment before the desk is told to stop.

    `calm_ms`: from then on nothing was wrong; `shaken`: when something was; `robbed`: when money moved that no order
    of the desk had moved. `braked_ms`, `released_ms`: when the brake was pulled and let go, 0: never. `broken`: what
    ended the last life, when it was not its time. `promises_stops`: the system keeps one at the venue for all of its
    position; `never_rests`: it wants something new every few seconds. `passed`: where the desk could have died, if that
    was counted.
    """

    tape: bytes
    history: dict[str, Any]
    settled_tape: bytes
    settled: dict[str, Any]
    coins_before: dict[str, str]
    left: Iterable[Left]
    calm_ms: int
    shaken: list[tuple[int, int]]
    robbed: list[tuple[int, int]] = field(default_factory=list)
    braked_ms: int = 0
    released_ms: int = 0
    lives: int = 1
    alarms: list[str] = field(default_factory=list)
    broken: str = ""
    promises_stops: bool = False
    never_rests: bool = False
    passed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def digest(self) -> str:
        """Equal when everything that happened is."""
        return hashlib.sha256(self.tape + json.dumps(self.history, sort_keys=True).encode()).hexdigest()[:16]
