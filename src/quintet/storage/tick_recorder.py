"""Recording a live feed: frames as they arrive, on a tape that others may follow while it grows.

The same steps as an import, one frame at a time: decoder, book synchronisation, exact rows, the tape's own laws. A
frame that cannot be read is no reason to lose the rest of the day: it is counted and told, and the book it may have
changed is unknown until the next snapshot. Fetching is the shell's work; `wants_snapshot` says for which symbols.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import numpy as np

from quintet.core import events as ev
from quintet.core.errors import DataError, TapeError
from quintet.core.instrument import Instrument
from quintet.core.market.tick_feed import LATENCY_NOTE, Fact, Frame
from quintet.core.tape import TapeMeta, instrument_rows
from quintet.storage.tape_files import TapeWriter
from quintet.storage.tick_pieces import FactReader, FeedCounts, Pieces
from quintet.storage.tick_rows import ClockReport, RowMaker

SYNC_NS: Final = 1_000_000_000
"""By our clock, what was recorded is made durable so often."""

Decode = Callable[[Iterable[Frame]], Iterator[Fact]]


class RowSink(Protocol):
    """Where rows of a feed go; `storage.tape_files.TapeWriter` is one."""

    @property
    def position(self) -> int:
        """The place of the next row; while it is 0, instruments are defined first."""

    @property
    def durable_upto(self) -> int:
        """Every place below this one has reached the disk."""

    def append(self, rows: Any) -> int:
        """Take whole messages."""

    def sync(self) -> int:
        """Make them durable."""

    def close(self) -> None:
        """There is nothing more to come."""

    def abandon(self) -> None:
        """Let go, whatever state it is in."""


@dataclass(slots=True)
class Unread:
    """Frames that could not be taken: how many, and what was said of the latest."""

    count: int = 0
    latest: str = ""


@dataclass(slots=True)
class TickRecorder:
    """Writes the tape of a feed as it comes. `decode`: the venue's; `instruments`: all that is recorded, in order."""

    path: Path
    instruments: Sequence[Instrument]
    decode: Decode
    writer: RowSink
    unread: Unread = field(default_factory=Unread)
    _reader: FactReader = field(init=False)
    _maker: RowMaker = field(init=False)
    _synced_ns: int = 0

    @classmethod
    def begin(
        cls, path: Path, instruments: Sequence[Instrument], decode: Decode, *, created_ns: int, tool_version: str
    ) -> "TickRecorder":
        """A new tape at `path`; raises TapeError when that name is taken."""
        meta = TapeMeta(
            synthetic=False,
            created_ns=created_ns,
            tool_version=tool_version,
            notes={"format": "recorded", LATENCY_NOTE: "recorded live, the clocks not yet compared: see data check"},
        )
        return cls(path, instruments, decode, TapeWriter.record(path, meta))

    def __post_init__(self) -> None:
        self._reader = FactReader({each.symbol: n for n, each in enumerate(self.instruments)})
        self._maker = RowMaker(self.instruments, lambda _, frame: f"frame {frame}")

    def take(self, frame: Frame) -> int:
        """One frame; returns how many rows it put on the tape. What cannot be read is counted in `unread`."""
        pieces = None
        try:
            for fact in self.decode([frame]):
                self._reader.take(fact)
            pieces = self._reader.drain()
            rows = self._rows(pieces)
        except DataError as error:
            rows = self._rows(self._without(frame, pieces, str(error)))
        if rows is None:
            return 0
        self.writer.append(rows)
        self._sync_when_due(int(rows[-1]["ts_recv"]))
        return len(rows)

    def _without(self, frame: Frame, pieces: Pieces | None, why: str) -> Pieces | None:
        """What the tape says instead of a frame that cannot be read: that books are unknown.

        A frame that was not even understood leaves a hole in the numbers, which shows by itself; a venue that numbers
        nothing may have said anything in it.
        """
        self.unread.count += 1
        self.unread.latest = why
        self._reader.drain()
        if pieces is not None:
            lost = sorted(set(pieces.table["instrument"][pieces.table["kind"] <= ev.ASK_LEVEL].tolist()))
        else:
            lost = [] if self._reader.counts.numbered else list(range(len(self.instruments)))
        self._reader.lose_books(lost, frame.where, frame.recv_ns, why)
        return self._reader.drain()

    def interrupt(self, recv_ns: int, why: str) -> None:
        """The line was lost: an unknown number of messages is missing, and no book is known until its next snapshot."""
        self._reader.interrupt((0, 0), recv_ns, why)
        rows = self._rows(self._reader.drain())
        if rows is not None:
            self.writer.append(rows)

    def sync(self) -> None:
        """Make durable what is not yet; for a feed that has fallen silent."""
        if self.writer.position > self.writer.durable_upto:
            self.writer.sync()

    def wants_snapshot(self) -> tuple[str, ...]:
        """Symbols whose book is not known: the shell asks the venue for a snapshot of each and hands it to `take`."""
        return tuple(self._reader.unknown_books())

    @property
    def counts(self) -> FeedCounts:
        """What became of the frames so far."""
        return self._reader.counts

    def clocks(self) -> ClockReport:
        """What the two clocks said so far."""
        return self._maker.clocks()

    def close(self) -> None:
        """Make the tape durable and let go of it."""
        self.writer.close()

    def __enter__(self) -> "TickRecorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, TapeError):
            self.writer.abandon()  # it has stopped by itself, and said why
        else:
            self.close()

    def _rows(self, pieces: Pieces | None) -> Any:
        """Rows of what was taken; the instruments are defined before the first of them."""
        rows = None if pieces is None else self._maker.rows(pieces)
        if rows is None or not len(rows):
            return None
        if self.writer.position:
            return rows
        return np.concatenate([definitions(self.instruments, rows[0]), rows])

    def _sync_when_due(self, now_ns: int) -> None:
        if now_ns - self._synced_ns >= SYNC_NS:
            self.writer.sync()
            self._synced_ns = now_ns


def definitions(instruments: Sequence[Instrument], first: Any) -> Any:
    """Rows that define the instruments at the times of the first message of a tape."""
    times = int(first["ts_event"]), int(first["ts_recv"])
    return np.concatenate([np.asarray(instrument_rows(n, each, *times)) for n, each in enumerate(instruments)])
