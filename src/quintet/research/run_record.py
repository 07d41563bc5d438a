"""What a report reads of a run: its tables, figures and bars, whether the run has just ended or lies in its folder.

Both ways give equal records, so a page made again from the files is the page that was made at first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quintet.core.errors import DataError
from quintet.core.events import TIMEFRAME_NUMBER
from quintet.core.instrument import Instrument, decode
from quintet.core.tape import Tape
from quintet.research.market_bars import ShownBars, shown_bars, traded_bars

if TYPE_CHECKING:
    from quintet.research.backtest import BacktestResult

Columns = Mapping[str, Any]

TABLES: Final = ("orders", "fills", "equity", "events", "curves")


@dataclass(frozen=True)
class RunRecord:
    """A run as its files tell it. Tables are NumPy columns; `bars` by timeframe, empty where no tape is at hand."""

    system: str
    instrument: Instrument
    structure: str
    fill_timeframe: str
    tables: Mapping[str, Columns]
    metrics: Mapping[str, Any]
    interval: Mapping[str, Any]
    conservation: int
    bars: Mapping[str, ShownBars]
    ticks: Mapping[str, Any] | None = None
    """What quotes and fills were worth on an order book, see `tick_quality`; None for a run on candles."""
    instruments: tuple[Mapping[str, Any], ...] = ()
    """What each of several instruments brought, see `several_instruments`; empty for a run of one."""
    executions: tuple[Mapping[str, Any], ...] = ()
    """What each execution algorithm cost, see `executions`; empty for a system that uses none."""

    @property
    def fills(self) -> Columns:
        """Fills of the headline policy."""
        return self.tables["fills"]

    @property
    def equity(self) -> Columns:
        """Marks of the headline policy, one a structure bar."""
        return self.tables["equity"]

    @property
    def start_quanta(self) -> int:
        """Equity at the beginning, quote quanta, the same for every policy; 1 where there is none, since it divides."""
        return int(self.metrics["start_quanta"]) or 1

    @property
    def net_quanta(self) -> int:
        """Net result of the headline, quote quanta."""
        return int(self.metrics["net_quanta"])

    @property
    def opening_held(self) -> int:
        """What was brought in besides quote, in the units of `held_quanta`: base quanta on spot, lots on contracts."""
        return int(self.metrics.get("opening_held_quanta", 0))

    @property
    def funding_paid(self) -> int:
        """Funding of the headline, quanta of what the contract settles in, - = received; 0 where there is none."""
        return -int(self.ticks["split"].get("funding", 0)) if self.ticks else 0

    def money(self, quanta: float) -> float:
        """Quote quanta as a number for people."""
        return float(quanta) * float(self.instrument.quote_quantum)

    def gains(self, policy: str) -> Any:
        """Gain since the start of one policy at every mark, plain fractions."""
        return np.asarray(self.tables["curves"][policy], np.float64) / self.start_quanta - 1.0


def record_of(result: "BacktestResult") -> RunRecord:
    """Of a run that has just ended."""
    options = result.options
    return RunRecord(
        system=result.system.name,
        instrument=result.instrument,
        structure=options.structure,
        fill_timeframe=options.fills,
        tables={name: arrays(result.tables[name]) for name in TABLES},
        metrics=result.metrics,
        interval=result.interval,
        conservation=result.conservation,
        bars={}
        if result.instruments
        else bars_of(result.tape, options.structure, options.fills, is_book=result.ticks is not None),
        ticks=result.ticks,
        instruments=tuple(result.instruments),
        executions=tuple(result.executions),
    )


def record_from(
    manifest: Mapping[str, Any], figures: Mapping[str, Any], tables: Mapping[str, Columns], tape: Tape | None
) -> RunRecord:
    """Of a run's folder: manifest.json, metrics.json, the tables, and a tape with its bars (the desk tape has them).

    Raises DataError when the folder was written before a report could be made from it.
    """
    market = manifest["market"]
    metrics = figures["metrics"]
    for name in ("start_quanta", "net_quanta"):
        if name not in metrics:
            raise DataError(f"metrics.json: {name} not found, expected a run of a version that writes it")
    structure, fills = market["structure_timeframe"], market["fill_timeframe"]
    return RunRecord(
        system=manifest["system"],
        instrument=decode(manifest["instrument"].encode()),
        structure=structure,
        fill_timeframe=fills,
        tables={name: arrays(tables[name]) for name in TABLES},
        metrics=metrics,
        interval=figures["interval"],
        conservation=int(figures["conservation"]),
        bars={}
        if tape is None or "instruments" in figures
        else bars_of(tape, structure, fills, is_book="ticks" in figures),
        ticks=figures.get("ticks"),
        instruments=tuple(figures.get("instruments", ())),
        executions=tuple(figures.get("executions", ())),
    )


def of_the_first(record: RunRecord) -> RunRecord:
    """Of a run of several instruments the rows of the first: those that a price of its own belongs to."""
    if not record.instruments:
        return record
    name = record.instruments[0]["name"]
    tables = {
        table: {column: values[columns["instrument"] == name] for column, values in columns.items()}
        for table, columns in record.tables.items()
        if "instrument" in columns
    }
    return replace(record, tables={**record.tables, **tables})


def bars_of(tape: Tape, *timeframes: str, is_book: bool = False) -> dict[str, ShownBars]:
    """The closed bars of each timeframe; of a tape of order books those of its trades."""
    if is_book:
        return {name: traded_bars(tape, name) for name in timeframes if name in TIMEFRAME_NUMBER}
    return {name: shown_bars(tape, name) for name in timeframes if name in TIMEFRAME_NUMBER}


def arrays(columns: Columns) -> dict[str, Any]:
    """Every column as a NumPy array."""
    return {name: np.asarray(column) for name, column in columns.items()}
