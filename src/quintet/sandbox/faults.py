"""Faults: what goes wrong, where, how often, drawn from a seed. A scenario is a list of them, validated whole.

A fault of the line acts on frames and requests as they pass; a fault of the venue happens once, at its time.
"""

import fnmatch
import random
from typing import Annotated, Literal

import msgspec

from quintet.core.errors import ConfigError, NotExact
from quintet.sandbox.money import ONE, quanta

FrameKind = Literal[
    "disconnect", "half_open", "drop", "duplicate", "reorder", "delay", "truncate", "sequence_gap", "stale_book"
]
RequestKind = Literal[
    "lose_request", "lose_answer", "slow_request", "slow_answer", "repeat_request", "too_many_requests",
    "rate_limited", "ip_banned", "server_error", "internal_error", "truncate_answer", "maintenance",
    "partial_fill_on_cancel",
]  # fmt: skip
VenueKind = Literal[
    "restart", "clock_skew", "tick_size", "delisting", "liquidation", "funding_spike", "phantom_tick", "adl"
]
FRAME_KINDS = frozenset(FrameKind.__args__)  # type: ignore[attr-defined]
REQUEST_KINDS = frozenset(RequestKind.__args__)  # type: ignore[attr-defined]

BOOK_KINDS = ("sequence_gap", "stale_book")


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a scenario.

    `where`: a path of a request ("/v5/order/*") or a topic of a stream ("orderbook.*"), with wildcards. It acts from
    `from_s` to `until_s` after the scenario began, on each thing that passes with `chance`, at most `count` times
    (0: no end).
    """

    kind: FrameKind | RequestKind | VenueKind
    where: str = "*"
    from_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    until_s: Annotated[float, msgspec.Meta(gt=0)] = 1e9
    chance: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    count: Annotated[int, msgspec.Meta(ge=0)] = 0
    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 1000
    symbol: str = ""
    category: Literal["spot", "linear"] = "linear"
    value: str = ""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A seed and its faults."""

    seed: int = 0
    fault: list[Fault] = []


_NEEDS_SYMBOL = frozenset({"tick_size", "delisting", "liquidation", "funding_spike", "phantom_tick", "adl"})
_NEEDS_VALUE = frozenset({"clock_skew", "tick_size", "liquidation", "funding_spike", "phantom_tick", "adl"})

_PRICES = frozenset({"tick_size", "liquidation", "phantom_tick"})


def scenario_of(text: bytes, name: str) -> Scenario:
    """A scenario file (TOML); raises ConfigError naming the file, the field, what was found and what was expected."""
    try:
        scenario = msgspec.toml.decode(text, type=Scenario)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: {error}") from None
    for number, fault in enumerate(scenario.fault):
        check(fault, f"{name}: fault {number + 1}")
    return scenario


def check(fault: Fault, what: str) -> None:
    """What the types cannot say; raises ConfigError."""
    if fault.kind in _NEEDS_SYMBOL and not fault.symbol:
        raise ConfigError(f"{what} ({fault.kind}): symbol: expected an instrument, found nothing")
    if fault.kind in _NEEDS_VALUE and not fault.value:
        raise ConfigError(f"{what} ({fault.kind}): value: expected a number as text, found nothing")
    try:
        number = quanta(fault.value or "0", "value")
    except NotExact as error:
        if fault.kind in _NEEDS_VALUE:
            raise ConfigError(f"{what} ({fault.kind}): {error}") from None
        number = 0
    if fault.kind in _PRICES and number <= 0:
        raise ConfigError(f"{what} ({fault.kind}): value: expected a price above 0, found {fault.value}")
    if fault.kind == "clock_skew" and number % ONE:
        raise ConfigError(f"{what} (clock_skew): value: expected whole milliseconds, found {fault.value}")
    if fault.until_s <= fault.from_s:
        raise ConfigError(f"{what}: until_s: expected more than from_s {fault.from_s}, found {fault.until_s}")


class _Active:
    """A fault with what is left of it."""

    def __init__(self, fault: Fault, began_s: float) -> None:
        self.fault = fault
        self.began_s = began_s
        self.left = fault.count or (1 << 60)

    def acts(self, now_s: float, where: str, dice: random.Random) -> bool:
        fault = self.fault
        age = now_s - self.began_s
        if not self.left or not fault.from_s <= age < fault.until_s or not fnmatch.fnmatchcase(where, fault.where):
            return False
        if fault.chance < 1 and dice.random() >= fault.chance:
            return False
        self.left -= 1
        return True


class Faults:
    """The faults that are on. Which of them strike follows from the seed and from the order of what passes."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._dice = random.Random(0)
        self._frames: list[_Active] = []
        self._requests: list[_Active] = []
        self._venue: list[_Active] = []

    def load(self, scenario: Scenario, now_s: float) -> None:
        """Begin a scenario; what was on before is off."""
        self.clear()
        self._dice = random.Random(scenario.seed)
        for fault in scenario.fault:
            self.add(fault, now_s)

    def clear(self) -> None:
        """All well again."""
        self._frames, self._requests, self._venue = [], [], []

    def add(self, fault: Fault, now_s: float) -> None:
        """One more."""
        where = self._venue
        if fault.kind in FRAME_KINDS:
            where = self._frames
        elif fault.kind in REQUEST_KINDS:
            where = self._requests
        where.append(_Active(fault, now_s))

    def on_frame(self, topic: str, connection: str) -> list[Fault]:
        """What strikes a frame that leaves; a sequence gap is the loss of one frame of a book."""
        struck = []
        for active in self._frames:
            fault = active.fault
            if fault.kind in BOOK_KINDS and not topic.startswith("orderbook"):
                continue
            if active.acts(self.now_s, topic or connection, self._dice):
                struck.append(fault if fault.kind != "sequence_gap" else msgspec.structs.replace(fault, kind="drop"))
        return struck

    def loses_arrival(self, connection: str) -> bool:
        """Is a frame that comes lost? Only a fault aimed at arrivals ("arrival.*") does that."""
        return any(
            active.fault.where.startswith("arrival") and active.acts(self.now_s, f"arrival.{connection}", self._dice)
            for active in self._frames
        )

    def on_request(self, path: str) -> list[Fault]:
        """What strikes a request, over REST or on the trade socket."""
        return [active.fault for active in self._requests if active.acts(self.now_s, path, self._dice)]

    def due(self) -> list[Fault]:
        """Faults of the venue whose time has come; each happens once (or `count` times, one for each look)."""
        found = []
        for active in self._venue:
            active.left = min(active.left, max(1, active.fault.count))
            if active.acts(self.now_s, active.fault.where, self._dice):
                found.append(active.fault)
        self._venue = [active for active in self._venue if active.left]
        return found
