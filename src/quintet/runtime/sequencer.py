"""Many sources, one order: the only place that numbers events and makes timers for a desk that hears the world.

- A message is whole or not there; its rows bear one receive time. Time never goes back: when a raw clock does, the
  last time is held, and a CLOCK_ADVANCED row before the message keeps the raw value (`ts_event`) and how far it stood
  behind (`quantity`, ns).
- Before an event with `ts_recv` >= T the due timer T is emitted, stamped with T itself; the next one follows from T,
  not from the clock. In silence the shell calls `advance_clock`.
- Append before apply: an event is on the desk tape before it is handed out.

Position and timer are read from the desk's own record, so there is little here to recover: after a checkpoint was
restored and the rest of the tape replayed, a new sequencer goes on where the old one stood.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.errors import InvariantError, TapeError
from quintet.core.events import CLOCK_ADVANCED, COMMAND_UNANSWERED, FACT_KEY, LAST, ORDER_ACCEPTED, ROW, TEXT, TIMER
from quintet.core.row_laws import Rows, frozen
from quintet.ports.tape import DeskTape


class Entry(NamedTuple):
    """An event with its place: it has happened. It must enter the step before the next one is asked for."""

    position: int
    rows: Rows


class Message(NamedTuple):
    """Rows of one source that belong together, stamped with our clock. `source`: its number, for equal times."""

    source: int
    rows: Any


class Sequencer:
    """Gives messages their order and their place on the desk tape."""

    def __init__(self, desk: Any, tape: DeskTape | None = None, last_ns: int = 0) -> None:
        """`desk`: the record of the desk whose events these are. `tape`: where they are written, if anywhere.

        `last_ns`: receive time of the last event on a tape that is gone on with.
        """
        self.last_ns = max(last_ns, int(desk.shown.now))
        self._desk = desk
        self._tape = tape
        self._next = int(desk.position)

    def take(self, rows: Any) -> Iterator[Entry]:
        """The timers that are due before these rows, then each of their messages."""
        for message in messages_of(rows):
            yield from self.place(message)

    def place(self, message: Any) -> Iterator[Entry]:
        """The same for one message that is known to be whole."""
        for placed in in_time(message, self.last_ns):
            yield from self._timers(int(placed[0]["ts_recv"]))
            yield self._enter(placed)

    def advance_clock(self, now_ns: int) -> Iterator[Entry]:
        """Nothing was heard: the timers that are due at `now_ns`, then a row that says that time has passed."""
        yield from self.take(clock_row(now_ns, now_ns, 0))

    def _timers(self, until_ns: int) -> Iterator[Entry]:
        while (due_ns := int(self._desk["timer_next"])) <= until_ns:
            yield self._enter(_row(due_ns, due_ns, TIMER, 0))

    def _enter(self, rows: Any) -> Entry:
        """Write the event down and hand it out."""
        if self._desk["position"] != self._next:
            raise InvariantError(
                f"the desk stands at position {self._desk['position']}, expected {self._next}: not applied"
            )
        if self._tape is not None:
            self._tape.append(rows)
        entry = Entry(self._next, frozen(rows))
        self._next += len(rows)
        self.last_ns = int(rows[0]["ts_recv"])
        return entry


# ---- time ----------------------------------------------------------------------------------------------------------


def in_time(rows: Any, last_ns: int) -> list[Any]:
    """One message at its time, or held at `last_ns` after a row that keeps the clock that went back."""
    raw_ns = int(rows[0]["ts_recv"])
    if raw_ns >= last_ns:
        return [rows]
    return [clock_row(raw_ns, last_ns, last_ns - raw_ns), not_before(rows, last_ns)]


def not_before(rows: Any, last_ns: int) -> Any:
    """The same rows, none received before `last_ns` (ns UTC); text has no time."""
    moved = np.array(rows, ROW)
    timed = moved["kind"] != TEXT
    moved["ts_recv"][timed] = np.maximum(moved["ts_recv"][timed], last_ns)
    return moved


def clock_row(raw_ns: int, held_ns: int, behind_ns: int) -> Any:
    """A CLOCK_ADVANCED message: what the raw clock said, the time that counts, and how far it stood behind."""
    return _row(raw_ns, held_ns, CLOCK_ADVANCED, behind_ns)


def _row(ts_event: int, ts_recv: int, kind: int, quantity: int) -> Any:
    return np.array([(ts_event, ts_recv, quantity, 0, 0, kind, LAST)], ROW)


# ---- order ---------------------------------------------------------------------------------------------------------

FEED: Final = 0
RESPONSE: Final = 1
CONTROL: Final = 2
"""Order at equal times: what the market did, then answers to our orders, then clock, people and everything else."""


def messages_of(rows: Any) -> Iterator[Any]:
    """Rows cut into messages; raises TapeError when the last one is not whole."""
    plain = np.asarray(rows, ROW)
    ends = np.flatnonzero(plain["bits"] & LAST) + 1
    if not len(plain):
        return
    if len(ends) == 0 or ends[-1] != len(plain):
        raise TapeError(f"{len(plain)} rows of which the last has no LAST bit, expected whole messages")
    for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        yield plain[start:end]


def in_order(sources: Iterable[Iterable[Any]]) -> Iterator[Message]:
    """Recorded sources as one: by receive time, then feed, responses, control, then instrument, then source number.

    Each source gives messages. One whose clock goes back stands where it last stood; what it stamped is kept.
    """
    keyed = [_keyed(number, messages) for number, messages in enumerate(sources)]
    for _, message in heapq.merge(*keyed, key=lambda pair: pair[0]):
        yield message


def _keyed(number: int, messages: Iterable[Any]) -> Iterator[tuple[tuple[int, int, int, int], Message]]:
    """Messages of one source, each with its place among all sources."""
    held_ns = 0
    for rows in messages:
        first = rows[0]
        held_ns = max(held_ns, int(first["ts_recv"]))
        yield (held_ns, _rank(int(first["kind"])), int(first["instrument"]), number), Message(number, rows)


def _rank(kind: int) -> int:
    if kind <= FACT_KEY:
        return FEED
    return RESPONSE if ORDER_ACCEPTED <= kind <= COMMAND_UNANSWERED else CONTROL
