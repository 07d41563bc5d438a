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
from quintet.core.market.level_text import FINEST, UNIT, Misread, read_levels, survey_levels, unit_of
from quintet.core.market.tick_clocks import CLOCKS, ORDERED, settle
from quintet.core.records import table
from quintet.storage.tick_pieces import Column, Pieces

FLOAT_SLACK: Final = 1e-9
"""A float this close to a whole multiple, relative to its size, was one before it became a float."""

DECIMALS_MAX: Final = 10
MESSAGE_ROWS: Final = 60_000
"""A snapshot longer than this becomes several messages: a tape's message may have 65,536 rows."""

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
        self._symbols = [instrument.symbol for instrument in instruments]
        self._place = place
        self.far_levels = 0
        self._clocks = table(CLOCKS, 1)
        self._ordered = table(ORDERED, max(1, len(instruments)))

    def rows(self, pieces: Pieces) -> NDArray[np.void]:
        """The rows of a batch; raises DataError naming file, line and field for a number that is not whole."""
        price, lots, counts = self._numbers(pieces)
        mark = (pieces.kind == ev.BOOK_CLEAR) | (pieces.kind == ev.FEED_GAP) | (pieces.kind == ev.BOOK_ORDER)
        each = np.repeat(np.arange(len(pieces.kind)), np.where(mark, 1, counts))
        rows = np.zeros(len(each), ev.ROW)
        is_mark = mark[each]
        for name, column in (
            ("ts_event", pieces.event_ns),
            ("ts_recv", pieces.recv_ns),
            ("instrument", pieces.instrument),
            ("kind", pieces.kind),
            ("bits", pieces.bits),
            ("quantity", pieces.quantity),
        ):
            rows[name] = column[each]
        rows["price"][~is_mark] = price
        rows["quantity"][~is_mark] = lots
        rows["bits"] |= _last_of(pieces.message[each])
        settle(rows.view(np.recarray), self._clocks, self._ordered)
        return rows

    def _numbers(self, pieces: Pieces) -> tuple[Column, Column, Column]:
        if pieces.price is not None and pieces.lots is not None:
            return self._array_numbers(pieces, pieces.price, pieces.lots)
        found = read_levels(pieces.text, pieces.ends, pieces.instrument, pieces.kind <= ev.ASK_LEVEL, self._units)
        if isinstance(found, Misread):
            raise misread(found, pieces, self._place, self._symbols)
        self.far_levels += found.far
        return found.price, found.quantity, found.counts

    def _array_numbers(self, pieces: Pieces, price: NDArray[Any], lots: NDArray[Any]) -> tuple[Column, Column, Column]:
        """Numbers that were numbers already: whole ones as they are, floats checked against their decimals."""
        levels = np.flatnonzero((pieces.kind != ev.BOOK_CLEAR) & (pieces.kind != ev.FEED_GAP))
        counts = np.ones(len(pieces.kind), np.int64)
        if price.dtype == np.int64:
            return price, lots, counts
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
                where = self._place(*(int(part) for part in pieces.where[levels[first]]))
                raise DataError(
                    f"{where}: {name} is {values[first]!r}, expected a whole multiple of {size:g}, "
                    f"{least} to {most} of them"
                )
            whole.append(nearest.astype(np.int64))
        return whole[0], whole[1], counts

    def clocks(self) -> ClockReport:
        """What was seen of the clocks so far."""
        return _clock_report(self._clocks[0], self._ordered)


class Survey:
    """A first look at a feed: the decimals of each instrument, and its clocks; nothing is written."""

    def __init__(self) -> None:
        self.finest = table(FINEST, 8)
        self._clocks = table(CLOCKS, 1)
        self._ordered = table(ORDERED, 8)
        self.messages = 0

    def look(self, pieces: Pieces, place: Place) -> None:
        """One batch; raises DataError naming file and line for text that is no number."""
        self._make_room(int(pieces.instrument.max(initial=0)) + 1)
        if pieces.price is not None and pieces.lots is not None:
            self._look_at_numbers(pieces.price, pieces.lots)
        else:
            found = survey_levels(pieces.text, pieces.ends, pieces.instrument, self.finest)
            if found is not None:
                raise misread(found, pieces, place, [])
        rows = np.zeros(len(pieces.kind), ev.ROW)
        names = {"ts_event": pieces.event_ns, "ts_recv": pieces.recv_ns, "instrument": pieces.instrument}
        for name, column in names.items():
            rows[name] = column
        rows["kind"] = pieces.kind
        rows["bits"] = _last_of(pieces.message)
        self.messages += int(np.count_nonzero(rows["bits"]))
        settle(rows.view(np.recarray), self._clocks, self._ordered)

    def clocks(self) -> ClockReport:
        """What was seen of the clocks."""
        return _clock_report(self._clocks[0], self._ordered)

    def _look_at_numbers(self, price: NDArray[Any], lots: NDArray[Any]) -> None:
        """The decimals of floats; whole numbers are units of their own."""
        if price.dtype == np.int64:
            return
        first = self.finest[0]
        first.price_places = max(int(first.price_places), _decimals(price))
        first.lot_places = max(int(first.lot_places), _decimals(lots))

    def _make_room(self, instruments: int) -> None:
        while len(self.finest) < instruments:
            for name in ("finest", "_ordered"):
                before = getattr(self, name)
                wider = table(before.dtype, 2 * len(before))
                wider[: len(before)] = before
                setattr(self, name, wider)


def misread(found: Misread, pieces: Pieces, place: Place, symbols: Sequence[str]) -> DataError:
    """A number that cannot be taken, by file, line, side and place in its message."""
    where = place(*(int(part) for part in pieces.where[found.piece]))
    sides: Mapping[int, str] = {ev.BID_LEVEL: "bid", ev.ASK_LEVEL: "ask"}
    side = sides.get(int(pieces.kind[found.piece]), "trade")
    part = f"{side} {found.pair + 1}" if side != "trade" else side
    of = f" of {symbols[int(pieces.instrument[found.piece])]}" if symbols else ""
    return DataError(f"{where}: {part}{of}: {found.field} is {found.found!r}, expected {found.expected}")


def _decimals(values: NDArray[Any]) -> int:
    """The fewest decimals with which every float is a whole number of units, at most DECIMALS_MAX."""
    known = values[np.isfinite(values)]
    for places in range(DECIMALS_MAX):
        scaled = known * 10.0**places
        if (np.abs(np.rint(scaled) - scaled) <= FLOAT_SLACK * np.maximum(np.abs(scaled), 1.0)).all():
            return places
    return DECIMALS_MAX


def _last_of(message: Column) -> NDArray[np.uint8]:
    """LAST on the last row of each message; a very long one is cut."""
    if not len(message):
        return np.zeros(0, np.uint8)
    last = np.append(message[1:] != message[:-1], True)
    begins = np.flatnonzero(np.append(True, last[:-1]))
    lengths = np.diff(np.append(begins, len(message)))
    for begin, length in zip(begins[lengths > MESSAGE_ROWS], lengths[lengths > MESSAGE_ROWS], strict=True):
        last[begin + MESSAGE_ROWS - 1 : begin + length : MESSAGE_ROWS] = True
    return last.astype(np.uint8) * ev.LAST


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
