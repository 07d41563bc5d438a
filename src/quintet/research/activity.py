"""What structure_mm did, read off its log: the states it was in, its episodes, the breaks it saw.

Only the log and the fills are read, never the system's state: whatever is shown here can be found in `events.parquet`
and `fills.parquet` again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from quintet.features.structure import EVENT_NAMES
from quintet.systems.structure_mm.machine import REASON_NAMES
from quintet.systems.structure_mm.records import BOS, MM, POLICY_NAMES, STATE_NAMES, TAGS_PER_EPISODE

Columns = Mapping[str, Any]


class Span(NamedTuple):
    """A stretch of time in one state; ns UTC."""

    name: str
    first_ns: int
    last_ns: int


class Episode(NamedTuple):
    """One episode from its entry to its end. Money in quote quanta, quantities in lots, prices in the quote asset.

    `bought` and `sold` are mean prices, None without such fills.
    """

    number: int
    entered_ns: int
    ended_ns: int
    reason: str
    quanta: int
    bars: int
    fills: int
    lots: int
    bought: float | None
    sold: float | None


class Break(NamedTuple):
    """A break of structure: what kind, the level in price increments, when it was known."""

    name: str
    ts_ns: int
    level: int


class Level(NamedTuple):
    """A price that holds from a moment on, in price increments."""

    ts_ns: int
    price: int


class Leg(NamedTuple):
    """A leg whose pullback is awaited: from when until when, its origin and its top in price increments."""

    first_ns: int
    last_ns: int
    origin: int
    top: int


class Activity(NamedTuple):
    """All of it, oldest first; `stops`: hard stops as set and raised; `kills_ns`: when the kill switch tripped.

    `legs`: those that were armed, as they stood when they were entered or given up.
    """

    states: tuple[Span, ...]
    policies: tuple[Span, ...]
    episodes: tuple[Episode, ...]
    breaks: tuple[Break, ...]
    stops: tuple[Level, ...]
    kills_ns: tuple[int, ...]
    legs: tuple[Leg, ...]

    @property
    def states_by_policy(self) -> tuple[Span, ...]:
        """The states, market making split by the policy under which it quoted: `MM · Normal`."""
        return tuple(_split(self.states, self.policies))


def read_activity(events: Columns, fills: Columns, first_ns: int, last_ns: int) -> Activity:
    """Read the log of a run that lasted from `first_ns` to `last_ns`."""
    moves = list(_rows(events, "transition"))
    entered = {row.d: row.ts_ns for row in moves if STATE_NAMES[row.b] == "Rebalance"}
    return Activity(
        states=_spans(moves, STATE_NAMES, first_ns, last_ns),
        policies=_spans(list(_rows(events, "policy")), POLICY_NAMES, first_ns, last_ns),
        episodes=tuple(_episodes(events, entered, _fills_by_episode(fills))),
        breaks=tuple(Break(EVENT_NAMES[row.a], row.ts_ns, row.b) for row in _rows(events, "bos")),
        stops=tuple(_stops(events)),
        kills_ns=tuple(row.ts_ns for row in _rows(events, "kill_switch")),
        legs=tuple(_legs(events, _spans(moves, STATE_NAMES, first_ns, last_ns))),
    )


class _Row(NamedTuple):
    ts_ns: int
    a: int
    b: int
    c: int
    d: int


def _rows(events: Columns, kind: str) -> Iterator[_Row]:
    """The log's rows of one kind."""
    chosen = np.flatnonzero(np.asarray(events["kind"]) == kind)
    columns = (np.asarray(events[name])[chosen].tolist() for name in ("ts_ns", "a", "b", "c", "d"))
    return map(_Row, *columns)


def _spans(moves: list[_Row], names: tuple[str, ...], first_ns: int, last_ns: int) -> tuple[Span, ...]:
    """Stretches between changes into `b`, beginning with the first name; a row that changes nothing is stepped over."""
    spans = []
    name, since = names[0], first_ns
    for move in moves:
        if names[move.b] != name:
            spans.append(Span(name, since, move.ts_ns))
            name, since = names[move.b], move.ts_ns
    return (*spans, Span(name, since, last_ns))


class _Traded(NamedTuple):
    fills: int
    lots: int
    bought: float | None
    sold: float | None


def _fills_by_episode(fills: Columns) -> dict[int, _Traded]:
    """Of each episode: number of fills, lots bought, mean prices. A fill's tag leads to its episode."""
    if len(fills["tag"]) == 0:
        return {}
    numbers = np.asarray(fills["tag"]) // TAGS_PER_EPISODE
    lots, prices = np.asarray(fills["lots"], np.int64), np.asarray(fills["price"], np.float64)
    buys = np.asarray(fills["side"]) == "buy"
    traded = {}
    for number in np.unique(numbers).tolist():
        own = numbers == number
        bought, sold = own & buys, own & ~buys
        traded[number] = _Traded(
            int(own.sum()),
            int(lots[bought].sum()),
            _mean(prices[bought], lots[bought]),
            _mean(prices[sold], lots[sold]),
        )
    return traded


def _mean(prices: Any, lots: Any) -> float | None:
    total = int(lots.sum())
    return float((prices * lots).sum() / total) if total else None


def _episodes(events: Columns, entered: Mapping[int, int], traded: Mapping[int, _Traded]) -> Iterator[Episode]:
    for row in _rows(events, "episode"):
        own = traded.get(row.d, _Traded(0, 0, None, None))
        yield Episode(row.d, entered.get(row.d, row.ts_ns), row.ts_ns, words(REASON_NAMES[row.a]), row.b, row.c, *own)


def _legs(events: Columns, states: tuple[Span, ...]) -> Iterator[Leg]:
    """The last word of the log on each armed leg while it waited for its pullback."""
    told = list(_rows(events, "pullback"))
    times = np.array([row.ts_ns for row in told], np.int64)
    for span in states:
        if span.name == STATE_NAMES[BOS]:
            last = int(np.searchsorted(times, span.last_ns, side="right")) - 1
            if last >= 0 and told[last].ts_ns > span.first_ns:
                yield Leg(span.first_ns, span.last_ns, told[last].b, told[last].c)


def _split(states: tuple[Span, ...], policies: tuple[Span, ...]) -> Iterator[Span]:
    """States in order, each stretch of market making cut where the policy changes."""
    for state in states:
        if state.name != STATE_NAMES[MM]:
            yield state
            continue
        for policy in policies:
            first, last = max(state.first_ns, policy.first_ns), min(state.last_ns, policy.last_ns)
            if first < last:
                yield Span(f"{state.name} · {policy.name}", first, last)


def _stops(events: Columns) -> Iterator[Level]:
    found = [Level(row.ts_ns, row.b) for kind in ("sized", "raised") for row in _rows(events, kind)]
    return (level for level in sorted(found) if level.price > 0)


def words(name: str) -> str:
    """`hard_stop` as `hard stop`."""
    return name.replace("_", " ")
