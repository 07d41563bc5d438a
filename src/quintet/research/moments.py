"""A run looked at on the way: what had entered, what was decided and what was remembered at chosen moments.

Two runs of markets that agree up to a moment must agree in all of it, bit for bit; `differences` says in words where
they do not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import state as s
from quintet.core.digest import UNHASHED, canonical_bytes, state_hash
from quintet.core.engine.checkpoint import at_path, layout_of
from quintet.core.events import HEADER, TEXT
from quintet.core.row_laws import KIND_NAMES, frozen
from quintet.core.tape import Tape
from quintet.research.backtest import Kept, drive, world_before
from quintet.research.backtest_options import BacktestOptions
from quintet.research.systems import KernelSystem, loop
from quintet.sim.latency import CONSTANT, DRAWN
from quintet.storage.candle_files import utc_text

Loop = Callable[[s.Tape, s.World, int], int]

PARTS: Final = {"commands": "decisions", "fills": "fills", "notes": "notes", "samples": "equity marks"}
"""What a run leaves behind, under the names people read."""


class Trader(NamedTuple):
    """Who trades: a system, its parameters, what a backtest is told, and a loop in place of the usual one."""

    system: KernelSystem
    params: Any
    options: BacktestOptions
    advance: Loop | None = None


@dataclass(frozen=True)
class Moment:
    """A run after the last event known at `ns`. `counts`: rows so far of each part; `events`: rows of the tape."""

    ns: int
    events: int
    counts: Mapping[str, int]
    desk: Any = field(repr=False)
    state: Any = field(repr=False)


@dataclass(frozen=True)
class Journey:
    """One run under one policy: what it was given, its moments, and everything that it left behind."""

    rows: Any = field(repr=False)
    params: Any = field(repr=False)
    opening: Any = field(repr=False)
    moments: Mapping[int, Moment]
    parts: Mapping[str, Any] = field(repr=False)
    entry_ns: int

    def until(self, part: str, moment: Moment) -> Any:
        """The rows of a part up to a moment."""
        return self.parts[part][: moment.counts[part]]


def known_at(rows: Any) -> Any:
    """When each event row was known, ns UTC, never decreasing; a row of text with the row it belongs to."""
    numbers = np.where(rows["kind"] == TEXT, 0, np.arange(len(rows)))
    return rows["ts_recv"][np.maximum.accumulate(numbers)]


def known_rows(rows: Any, moment_ns: int) -> int:
    """How many event rows were known at a moment."""
    return int(np.searchsorted(known_at(rows), moment_ns, side="right"))


def travel(tape: Tape, trader: Trader, policy: str, moments_ns: Sequence[int], to_end: bool = False) -> Journey:
    """Run along a tape, look at each moment (ascending), and with `to_end` go on to the end of the tape.

    At a moment the loop has seen every event known by then and nothing after it, whatever the tape holds further on.
    """
    world = world_before(tape, trader.system, trader.params, trader.options, policy)
    opening, params = world.state.copy(), world.params.copy()
    events = np.flatnonzero(np.asarray(tape.rows)["kind"] != HEADER)
    events = events[events >= tape.first_row]
    rows = np.asarray(tape.rows)[events]
    known = known_at(rows)
    advance, kept, moments = trader.advance or loop(trader.system), Kept(), {}
    # One row that no stop reaches: without it the end of a tape would not be a pause like any other.
    padded = replace(tape, rows=frozen(np.concatenate([np.asarray(tape.rows), np.asarray(tape.rows)[-1:]])))
    for moment_ns in moments_ns:
        count = int(np.searchsorted(known, moment_ns, side="right"))
        drive(advance, padded, world, kept, int(events[count - 1]) + 1 if count else tape.first_row)
        counts = {part: sum(map(len, kept.parts[part])) for part in PARTS}
        moments[moment_ns] = Moment(moment_ns, count, counts, world.desk.copy(), world.state.copy())
    if to_end:
        drive(advance, tape, world, kept)
    parts = {part: kept.column(part) for part in PARTS}
    return Journey(rows, params, opening, moments, parts, soonest_ns(world.venue[0].gateways[0]))


def soonest_ns(gateway: Any) -> int:
    """No order can be at the venue sooner after its decision."""
    if gateway.latency_model == CONSTANT:
        return int(gateway.entry_ns)
    return int(gateway.entry.least_ns) if gateway.latency_model == DRAWN else 0


# ---- where two runs differ -----------------------------------------------------------------------------------


class Difference(NamedTuple):
    """What differs (a word of the checker's vocabulary) and how (a sentence)."""

    what: str
    how: str


def differences(one: Journey, other: Journey, moment_ns: int) -> Iterator[Difference]:
    """Everything in which two runs differ up to a moment at which both were looked at, earliest cause first."""
    here, there = one.moments[moment_ns], other.moments[moment_ns]
    yield from _memory_difference("parameters", "params", one.params, other.params)
    yield from _memory_difference("memory before the first event", "state", one.opening, other.opening)
    at = first_different(one.rows[: here.events], other.rows[: there.events])
    if at >= 0:
        yield Difference("bars seen", _told(one.rows[: here.events], other.rows[: there.events], at, _row_words))
    for part, name in PARTS.items():
        mine, theirs = one.until(part, here), other.until(part, there)
        at = first_different(mine, theirs)
        if at >= 0:
            yield Difference(name, _told(mine, theirs, at, _field_words))
    if state_hash(here.desk, here.state) != state_hash(there.desk, there.state):
        yield from _memory_difference("state", "state", here.state, there.state)
        yield from _memory_difference("state", "desk", here.desk, there.desk)


def first_different(one: Any, other: Any) -> int:
    """Index of the first record in which two tables differ in any bit, or where one ends; -1 when they are equal."""
    shorter = min(len(one), len(other))
    cells = [np.frombuffer(each[:shorter].tobytes(), np.uint8).reshape(shorter, each.itemsize) for each in (one, other)]
    differing = np.flatnonzero((cells[0] != cells[1]).any(axis=1))
    if len(differing):
        return int(differing[0])
    return -1 if len(one) == len(other) else shorter


def _told(one: Any, other: Any, at: int, words: Callable[[Any, Any], str]) -> str:
    """How two tables differ at a row."""
    if at < len(one) and at < len(other):
        return f"number {at + 1}: {words(one[at], other[at])}"
    longer, which = (one, "one") if at < len(one) else (other, "other")
    return f"number {at + 1}, {_place(longer[at])}, is in the {which} run only"


def _row_words(one: Any, other: Any) -> str:
    return f"{KIND_NAMES.get(int(one['kind']), '')} {_field_words(one, other)}"


def _field_words(one: Any, other: Any) -> str:
    """The first field that differs: in the whole market's run, and in the other one."""
    name = next(name for name in one.dtype.names if one[name].tobytes() != other[name].tobytes())
    return f"{_place(one)}: {name} is {one[name]} in the one run, {other[name]} in the other"


def _place(row: Any) -> str:
    names = row.dtype.names
    stamp = next(name for name in ("ts_recv", "ts") if name in names)
    return f"at {utc_text(int(row[stamp]))}"


def _memory_difference(what: str, part: str, one: Any, other: Any) -> Iterator[Difference]:
    """The first field in which two one-record tables differ."""
    if canonical_bytes(one) == canonical_bytes(other):
        return
    mine, theirs = layout_of(part, one), layout_of(part, other)
    if mine != theirs:
        yield Difference(what, f"{part} is laid out differently")
        return
    for leaf in mine.leaves:
        if part == "desk" and leaf.path.split(".")[0] in UNHASHED:
            continue
        before, after = at_path(one, leaf.path).ravel(), at_path(other, leaf.path).ravel()
        if before.tobytes() != after.tobytes():
            at = int(np.flatnonzero(before.view(np.int64) != after.view(np.int64))[0])
            yield Difference(what, f"{leaf.path} is {before[at]} in the one run, {after[at]} in the other")
            return
