"""Batches of a feed to rows of a market tape: exact numbers, one order, clocks that the row laws accept.

The order of receipt is the order of the tape. Two clocks are made to keep it, and every change is counted:

- our clock may step back (a synchronised machine, frames of two connections): the receive time then stays where it was;
- depth and trades of one instrument may cross in venue time (they are streams of their own): the later to arrive is
  stamped with the latest venue time seen, at most a few ms too late, so that simulated matching walks forwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quintet.core import events as ev
from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.core.market.feed_rows import write_rows
from quintet.core.market.level_text import FINEST, UNIT, LevelReader, Misread, survey_levels, unit_of
from quintet.core.market.tick_clocks import CLOCKS, ORDERED
from quintet.core.records import quick, table
from quintet.storage.tick_pieces import Pieces

FLOAT_SLACK: Final = 1e-9
"""A float this close to a whole multiple, relative to its size, was one before it became a float."""

DECIMALS_MAX: Final = 10
_ROW: Final = np.dtype((np.record, ev.ROW))

Column = NDArray[np.int64]

Place = Callable[[int, int], str]
"""File and line of a piece, for people."""


@dataclass(frozen=True, slots=True)
class ClockReport:
    """What the two clocks of a feed say about each other. Latencies in ns, receive time less venue time.

    `measured` messages bear both times; `crossed` had a venue time behind an earlier one of their instrument.
    """

    measured: int
    negative: int
    latency_min_ns: int
    latency_mean_ns: int
    latency_max_ns: int
    stepped_back: int
    stepped_back_max_ns: int
    crossed: int
    crossed_max_ns: int

    @property
    def skewed(self) -> bool:
        """True when what cannot be happened: messages were received before they were sent."""
        return self.negative > 0

    def verdict(self) -> str:
        """One sentence on whether the feed's latency can be believed; empty when it can."""
        if not self.measured:
            return "the feed has one clock only: a latency cannot be measured"
        if not self.skewed:
            return ""
        least = f"{-self.latency_max_ns / 1e6:,.0f} to " if self.latency_max_ns < 0 else ""
        return (
            f"clock skew: {self.negative:,} of {self.measured:,} messages were received before they happened; the "
            f"recorder's clock is {least}{-self.latency_min_ns / 1e6:,.0f} ms behind the venue's or more, a latency "
            "cannot be measured"
        )


class RowMaker:
    """Makes rows from the batches of one feed, in order. `place` names file and line in a refusal.

    `far_levels`: levels left out because no row can hold their price.
    """

    def __init__(self, instruments: Sequence[Instrument], place: Place) -> None:
        self._units = table(UNIT, max(1, len(instruments)))
        for n, instrument in enumerate(instruments):
            self._units[n] = unit_of(instrument.price_increment, instrument.lot_size)
        self._levels = LevelReader(self._units)
        self._symbols = [instrument.symbol for instrument in instruments]
        self._place = place
        self.far_levels = 0
        self._times = _Times(max(1, len(instruments)))

    def rows(self, pieces: Pieces) -> NDArray[np.void]:
        """The rows of a batch; raises DataError naming file, line and field for a number that is not whole."""
        numbers, counts = self._numbers(pieces)
        return self._times.rows(pieces.table, numbers, counts)

    def _numbers(self, pieces: Pieces) -> tuple[Column, Column]:
        """Price and quantity, row by row, and how many rows belong to each piece."""
        if pieces.price is not None and pieces.lots is not None:
            numbers = np.stack(self._array_numbers(pieces, pieces.price, pieces.lots), axis=1)
            return numbers, np.ones(len(pieces.table), np.int64)
        found = self._levels.read(pieces.text, pieces.table)
        if isinstance(found, Misread):
            raise misread(found, pieces, self._place, self._symbols)
        self.far_levels += found.far
        return found.numbers, found.counts

    def _array_numbers(self, pieces: Pieces, price: NDArray[Any], lots: NDArray[Any]) -> tuple[Column, Column]:
        """Numbers that were numbers already: whole ones as they are, floats checked against their decimals."""
        if price.dtype == np.int64:
            return price, lots
        kind = pieces.table["kind"]
        levels = np.flatnonzero((kind != ev.BOOK_CLEAR) & (kind != ev.FEED_GAP))
        unit = self._units[0]
        whole = []
        for name, values, places, divisor, least, most in (
            ("price", price, unit.price_places, unit.price_divisor, 1, ev.PRICE_MAX),
            ("quantity", lots, unit.lot_places, unit.lot_divisor, 0, ev.QUANTITY_MAX),
        ):
            size = int(divisor) / 10.0 ** int(places)
            with np.errstate(all="ignore"):
                nearest = np.rint(values / size)
                good = (np.abs(nearest * size - values) <= FLOAT_SLACK * np.maximum(np.abs(values), size)) & (
                    (nearest >= least) & (nearest <= min(most, 2**53))
                )
            if not good.all():
                first = int(np.flatnonzero(~good)[0])
                where = self._place(*_where(pieces, int(levels[first])))
                raise DataError(
                    f"{where}: {name} is {values[first]!r}, expected a whole multiple of {size:g}, "
                    f"{least} to {most} of them"
                )
            whole.append(nearest.astype(np.int64))
        return whole[0], whole[1]

    def clocks(self) -> ClockReport:
        """What was seen of the clocks so far."""
        return self._times.report()


class _Times:
    """Rows of pieces, and what was seen of their clocks."""

    def __init__(self, instruments: int) -> None:
        self._clocks = table(CLOCKS, 1)
        self._ordered = table(ORDERED, instruments)
        self._arrays = quick(self._clocks), quick(self._ordered)

    def rows(self, pieces: Any, numbers: Column, counts: Column) -> NDArray[np.void]:
        """The rows of whole messages, each with two times that the row laws accept."""
        rows = np.empty(len(numbers) + len(pieces), _ROW)
        return rows[: write_rows(pieces, numbers, counts, rows, *self._arrays)].view(ev.ROW)

    def make_room(self, instruments: int) -> None:
        """For so many instruments."""
        wider = table(ORDERED, instruments)
        wider[: len(self._ordered)] = self._ordered
        self._ordered, self._arrays = wider, (self._arrays[0], quick(wider))

    def report(self) -> ClockReport:
        """What the clocks said so far."""
        return _clock_report(self._clocks[0], self._ordered)


class Survey:
    """A first look at a feed: the decimals of each instrument, and its clocks; nothing is written."""

    def __init__(self) -> None:
        self.finest = table(FINEST, 8)
        self._times = _Times(8)
        self.messages = 0

    def look(self, pieces: Pieces, place: Place) -> None:
        """One batch; raises DataError naming file and line for text that is no number."""
        self._make_room(int(pieces.table["instrument"].max(initial=0)) + 1)
        if pieces.price is not None and pieces.lots is not None:
            self._look_at_numbers(pieces.price, pieces.lots)
        else:
            found = survey_levels(pieces.text, pieces.table, self.finest)
            if found is not None:
                raise misread(found, pieces, place, [])
        count = len(pieces.table)
        rows = self._times.rows(pieces.table, np.zeros((count, 2), np.int64), np.ones(count, np.int64))
        self.messages += int(np.count_nonzero(rows["bits"] & ev.LAST))

    def clocks(self) -> ClockReport:
        """What was seen of the clocks."""
        return self._times.report()

    def _look_at_numbers(self, price: NDArray[Any], lots: NDArray[Any]) -> None:
        """The decimals of floats; whole numbers are units of their own."""
        if price.dtype == np.int64:
            return
        first = self.finest[0]
        first.price_places = max(int(first.price_places), _decimals(price))
        first.lot_places = max(int(first.lot_places), _decimals(lots))

    def _make_room(self, instruments: int) -> None:
        while len(self.finest) < instruments:
            wider = table(FINEST, 2 * len(self.finest))
            wider[: len(self.finest)] = self.finest
            self.finest = wider
            self._times.make_room(len(wider))


def misread(found: Misread, pieces: Pieces, place: Place, symbols: Sequence[str]) -> DataError:
    """A number that cannot be taken, by file, line, side and place in its message."""
    piece = pieces.table[found.piece]
    where = place(*_where(pieces, found.piece))
    sides: Mapping[int, str] = {ev.BID_LEVEL: "bid", ev.ASK_LEVEL: "ask"}
    side = sides.get(int(piece["kind"]), "trade")
    part = f"{side} {found.pair + 1}" if side != "trade" else side
    of = f" of {symbols[int(piece['instrument'])]}" if symbols else ""
    return DataError(f"{where}: {part}{of}: {found.field} is {found.found!r}, expected {found.expected}")


def _decimals(values: NDArray[Any]) -> int:
    """The fewest decimals with which every float is a whole number of units, at most DECIMALS_MAX."""
    known = values[np.isfinite(values)]
    for places in range(DECIMALS_MAX):
        scaled = known * 10.0**places
        if (np.abs(np.rint(scaled) - scaled) <= FLOAT_SLACK * np.maximum(np.abs(scaled), 1.0)).all():
            return places
    return DECIMALS_MAX


def _where(pieces: Pieces, piece: int) -> tuple[int, int]:
    """File and line of a piece, as numbers."""
    found = pieces.table[piece]
    return int(found["file"]), int(found["line"])


def _clock_report(clocks: Any, ordered: Any) -> ClockReport:
    measured = int(clocks.measured)
    return ClockReport(
        measured=measured,
        negative=int(clocks.negative),
        latency_min_ns=int(clocks.latency_min_ns),
        latency_mean_ns=int(clocks.latency_sum_us) * 1_000 // measured if measured else 0,
        latency_max_ns=int(clocks.latency_max_ns),
        stepped_back=int(clocks.stepped_back),
        stepped_back_max_ns=int(clocks.stepped_back_max_ns),
        crossed=int(sum(ordered["crossed"].tolist())),
        crossed_max_ns=int(max(ordered["crossed_max_ns"].tolist())),
    )
