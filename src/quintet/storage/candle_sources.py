"""From candle files to the market of one run: one timeframe, or a higher one for structure and a lower one for fills.

What was done to get there (resampled, cut to the overlap, disagreements found) is said in `notes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from quintet.core.errors import DataError
from quintet.core.events import TIMEFRAMES, timeframe_ns
from quintet.core.instrument import Instrument
from quintet.core.market.bars import Bars, Column
from quintet.core.market.resample import resample
from quintet.storage.candle_files import CandleFile, read_candles, utc_text
from quintet.storage.candle_table import Reading

_COLUMNS: Final = tuple(field.name for field in fields(Bars) if field.name != "timeframe")


@dataclass(frozen=True, slots=True)
class MarketBars:
    """The bars of one run. `ltf` is None for a single-timeframe run; both cover the same stretch of time.

    `notes` are sentences for the first screen of a report; `sources` name the files and their hashes.
    """

    htf: Bars
    ltf: Bars | None
    notes: tuple[str, ...]
    sources: tuple[CandleFile, ...] = ()

    @property
    def synthetic(self) -> bool:
        """True when any source says that it was generated."""
        return any(source.synthetic for source in self.sources)


def load_market(
    files: Sequence[Path],
    instrument: Instrument,
    htf: str | None = None,
    ltf: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    reading: Reading | None = None,
) -> MarketBars:
    """Read candle files and bring them to the timeframes asked for; `start_ns` inclusive, `end_ns` exclusive (S-28).

    One file, or several of one timeframe: single timeframe, unless a longer `htf` or a shorter `ltf` is named.
    Files of two timeframes: the longer is structure, the shorter execution, on the stretch both cover. A timeframe
    no file has is resampled from the longest file that divides it. Raises DataError for files that cannot be read,
    contradict each other or leave nothing.
    """
    if not files:
        raise DataError("no candle file given, expected at least one")
    sources = tuple(read_candles(path, instrument, reading) for path in files)
    have = _joined(sources)
    market = from_bars(have, htf, ltf, start_ns, end_ns)
    said = tuple(f"{source.path.name}: {note}" for source in sources for note in source.notes)
    return replace(market, notes=said + market.notes, sources=sources)


def from_bars(
    have: dict[str, Bars],
    htf: str | None = None,
    ltf: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> MarketBars:
    """The market of a run from bars already in memory, keyed by timeframe (see `load_market`)."""
    high_name, low_name = _timeframes(have, htf, ltf)
    notes: list[str] = []
    # The range is cut first, so that a resampled bar never holds anything from outside it.
    have = {name: cut(bars, start_ns, end_ns) for name, bars in have.items()}
    high = _provide(have, high_name, notes)
    low = None if low_name is None else _provide(have, low_name, notes)
    used = {_source(have, name) for name in (high_name, low_name) if name is not None}
    notes += [f"{name} candles were given and are not used" for name in have if name not in used]
    if low is not None:
        if high_name in have:
            notes += _disagreements(high, low)
        high, low = _overlap(high, low)
        notes.append(f"structure on {high.timeframe}, execution on {low.timeframe}")
    for bars in (high, low):
        if bars is not None and len(bars) == 0:
            raise DataError(f"no {bars.timeframe} bar is left{_range_text(start_ns, end_ns)}; expected at least one")
    return MarketBars(high, low, tuple(notes))


def cut(bars: Bars, start_ns: int | None, end_ns: int | None) -> Bars:
    """Bars that open at or after `start_ns` and close at or before `end_ns`; None leaves that side open."""
    first = 0 if start_ns is None else int(np.searchsorted(bars.ts_open, start_ns))
    last = len(bars)
    if end_ns is not None:
        last = int(np.searchsorted(bars.ts_open, end_ns - timeframe_ns(bars.timeframe), side="right"))
    return _slice(bars, first, max(first, last))


# ---- files of one timeframe become one series ----------------------------------------------------------------


def _joined(sources: Sequence[CandleFile]) -> dict[str, Bars]:
    """One series for each timeframe, files in order of time; equal bars of two files count once."""
    have: dict[str, Bars] = {}
    for source in sorted(sources, key=lambda s: int(s.bars.ts_open[0])):
        name = source.bars.timeframe
        have[name] = source.bars if name not in have else _append(have[name], source)
    return have


def _append(earlier: Bars, source: CandleFile) -> Bars:
    later = source.bars
    both, at_earlier, at_later = np.intersect1d(earlier.ts_open, later.ts_open, return_indices=True)
    for name in ("open", "high", "low", "close", "volume"):
        other = np.flatnonzero(getattr(earlier, name)[at_earlier] != getattr(later, name)[at_later])
        if len(other):
            bar = int(other[0])
            raise DataError(
                f"{source.path}: row {int(at_later[bar]) + 1}: {name} of the bar at {utc_text(int(both[bar]))} "
                f"differs from an earlier file, expected equal bars where files overlap"
            )
    stamps = np.concatenate([earlier.ts_open, later.ts_open])
    _, order = np.unique(stamps, return_index=True)
    columns = {name: np.concatenate([getattr(earlier, name), getattr(later, name)])[order] for name in _COLUMNS}
    return Bars(later.timeframe, **columns)


# ---- timeframes ----------------------------------------------------------------------------------------------


def _timeframes(have: dict[str, Bars], htf: str | None, ltf: str | None) -> tuple[str, str | None]:
    """Names of the higher and, for a two-timeframe run, the lower timeframe."""
    for flag, name in (("htf", htf), ("ltf", ltf)):
        if name is not None and name not in TIMEFRAMES:
            raise DataError(f"{flag} is {name!r}, expected one of {', '.join(TIMEFRAMES)}")
    names = sorted(have, key=lambda name: TIMEFRAMES[name])
    higher = htf or names[-1]
    lower = ltf or names[0]
    if TIMEFRAMES[lower] > TIMEFRAMES[higher]:
        if ltf is None:
            raise DataError(f"cannot make {higher} bars from {lower} candles, expected a file of {higher} or shorter")
        raise DataError(f"ltf is {lower}, expected a timeframe not longer than htf {higher}")
    return higher, None if lower == higher else lower


def _source(have: dict[str, Bars], name: str) -> str:
    """The timeframe that `name` is made from: itself where given, else the longest one that divides it."""
    if name in have:
        return name
    fitting = [other for other in have if TIMEFRAMES[name] % TIMEFRAMES[other] == 0]
    if not fitting:
        raise DataError(
            f"no file can give {name} bars: expected {name} or a timeframe that divides it, found {_named(have)}"
        )
    return max(fitting, key=lambda other: TIMEFRAMES[other])


def _provide(have: dict[str, Bars], name: str, notes: list[str]) -> Bars:
    """The series of a timeframe: as given, else resampled."""
    source = _source(have, name)
    if source == name:
        return have[name]
    made = resample(have[source], name)
    left_out = f"; {made.edge_bars} cut at the edges, {made.gap_bars} incomplete and left out"
    notes.append(f"{len(made.bars)} {name} bars resampled from {source}{left_out}")
    return made.bars


def _named(have: dict[str, Bars]) -> str:
    return ", ".join(sorted(have, key=lambda name: TIMEFRAMES[name]))


def _overlap(high: Bars, low: Bars) -> tuple[Bars, Bars]:
    """Both series on the stretch that both cover, whole higher bars only."""
    if len(high) == 0 or len(low) == 0:
        return high, low
    low_end = int(low.ts_open[-1]) + timeframe_ns(low.timeframe)
    # A 1m series that starts at 12:01 cannot execute inside the 12:00 bar.
    high = cut(high, int(low.ts_open[0]), low_end)
    if len(high) == 0:
        raise DataError(
            f"{high.timeframe} and {low.timeframe} candles do not overlap: {low.timeframe} covers "
            f"{utc_text(int(low.ts_open[0]))} to {utc_text(low_end)} UTC, "
            f"expected one whole {high.timeframe} bar inside"
        )
    return high, cut(low, int(high.ts_open[0]), int(high.ts_open[-1]) + timeframe_ns(high.timeframe))


def _disagreements(high: Bars, low: Bars) -> list[str]:
    """What the file of the higher timeframe says differently from the lower one, counted and with the first named."""
    if len(high) == 0 or len(low) == 0:
        return []
    made = resample(low, high.timeframe).bars
    both, at_high, at_made = np.intersect1d(high.ts_open, made.ts_open, return_indices=True)
    notes = []
    for name in ("open", "high", "low", "close", "volume"):
        given: Column = getattr(high, name)[at_high]
        built: Column = getattr(made, name)[at_made]
        other = np.flatnonzero(given != built)
        if len(other):
            first = int(other[0])
            notes.append(
                f"{name} of {len(other)} of {len(both)} {high.timeframe} bars differs from the {low.timeframe} bars "
                f"(first at {utc_text(int(both[first]))}: {given[first]} in the file, {built[first]} resampled)"
            )
    return notes


def _slice(bars: Bars, first: int, last: int) -> Bars:
    return Bars(bars.timeframe, **{name: getattr(bars, name)[first:last] for name in _COLUMNS})


def _range_text(start_ns: int | None, end_ns: int | None) -> str:
    parts = [f" from {utc_text(start_ns)}" if start_ns is not None else ""]
    parts.append(f" to {utc_text(end_ns)}" if end_ns is not None else "")
    return "".join(parts)
