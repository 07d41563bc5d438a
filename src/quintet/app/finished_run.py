"""A finished run as the library hands it out: what the command prints, its tables as polars frames, and a picture."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quintet.app.messages import Complaint

if TYPE_CHECKING:
    import polars

    from quintet.core.instrument import Instrument

_FILL_COLUMNS: Final = {
    "price": "price_ticks",
    "lots": "lots",
    "fee": "fee_quanta",
    "ts_event": "ts_event_ns",
    "number": "order",
    "tag": "tag",
}
"""What a trade is made of, and where a table of fills has it."""


@dataclass(frozen=True)
class Backtest:
    """A finished run: what `quintet backtest --json` prints, the tables as polars frames, and a picture for notebooks.

    `folder` holds everything; frames are read from it when they are asked for.
    """

    folder: Path
    outcome: Mapping[str, Any]

    @property
    def run(self) -> str:
        """The run's id."""
        return str(self.outcome["run"])

    @property
    def verdict(self) -> Mapping[str, Any]:
        """`sentence`, and `reasons`: the conditions that are not met or not known."""
        verdict: Mapping[str, Any] = self.outcome["verdict"]
        return verdict

    @property
    def interval(self) -> Mapping[str, Any]:
        """Net result over the fill policies: its ends, in quote and as fractions, and which policy gave each."""
        interval: Mapping[str, Any] = self.outcome["interval"]
        return interval

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Figures of the headline policy, the lowest one."""
        metrics: Mapping[str, Any] = self.outcome["metrics"]
        return metrics

    @property
    def hashes(self) -> Mapping[str, str]:
        """`tape`, `commands`, `state`: equal input gives equal hashes, anywhere."""
        hashes: Mapping[str, str] = self.outcome["hashes"]
        return hashes

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was taken for granted."""
        return tuple(self.outcome["assumptions"])

    @property
    def trials(self) -> Mapping[str, Any]:
        """The run's place among all that were tried in this workspace: it counts like any other."""
        trials: Mapping[str, Any] = self.outcome["trials"]
        return trials

    @property
    def synthetic(self) -> bool:
        """True when nobody traded in this market."""
        return bool(self.outcome["synthetic"])

    @property
    def conservation(self) -> int:
        """Quanta by which any book is off; 0 when every book balances."""
        return int(self.outcome["conservation"])

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """Everything needed to run it again."""
        from quintet.storage import run_folders

        return run_folders.read_json(self.folder / run_folders.MANIFEST)

    @cached_property
    def orders(self) -> "polars.DataFrame":
        """Every command after the gate, in order."""
        return self._table("orders")

    @cached_property
    def fills(self) -> "polars.DataFrame":
        """Every fill, in the order it became known."""
        return self._table("fills")

    @cached_property
    def equity(self) -> "polars.DataFrame":
        """Equity at every structure bar."""
        return self._table("equity")

    @cached_property
    def events(self) -> "polars.DataFrame":
        """What the system and the desk noted."""
        return self._table("events")

    @cached_property
    def trades(self) -> "polars.DataFrame":
        """One entry order a row, from its first fill until its last lot has gone, first in first out; fees included.

        Money in the quote asset; `closed_ns` is null while a whole lot is open. Raises InputError for an inverse
        contract.
        """
        from quintet.core.instrument import decode

        return _trades(self.fills, decode(str(self.manifest["instrument"]).encode()))

    def report(self, path: str | Path | None = None) -> Path:
        """Where the report lies; with `path` a copy is put there. Raises Complaint when the run has none."""
        from quintet.storage import run_folders

        page = self.folder / run_folders.REPORT
        if not page.is_file():
            raise Complaint("no report", where=str(self.folder), found="a run without one", expected="report.html=true")
        if path is None:
            return page
        return Path(shutil.copyfile(page, path))

    def __repr__(self) -> str:
        low, high = self.interval["low_frac"], self.interval["high_frac"]
        market = "synthetic market" if self.synthetic else self.manifest["market"]["label"]
        return (
            f"<Backtest of {self.outcome['system']}, {market}: {self.verdict['sentence']} "
            f"Net {low:+.2%} ... {high:+.2%}, {self.metrics['fills']} fills, in {self.folder}>"
        )

    def _repr_html_(self) -> str:
        from quintet.app.notebook_card import card

        return card(self.outcome, self.equity, self.folder)

    def _table(self, name: str) -> "polars.DataFrame":
        import polars

        return polars.read_parquet(self.folder / f"{name}.parquet")


def _trades(fills: "polars.DataFrame", instrument: "Instrument") -> "polars.DataFrame":
    """The trades of a fills table; exact in quanta, then in units for people."""
    import polars

    from quintet.research.round_trips import round_trips

    rows = [
        {
            "side": 1 if row["side"] == "buy" else -1,
            "fee_asset": row["fee_asset"] == instrument.base_asset,
            **{name: row[column] for name, column in _FILL_COLUMNS.items()},
        }
        for row in fills.iter_rows(named=True)
    ]
    trades = round_trips(rows, instrument)
    unit = float(instrument.quote_quantum)
    columns: dict[str, tuple[Any, Any]] = {
        "order": ([trade.order for trade in trades], polars.Int64),
        "tag": ([trade.tag for trade in trades], polars.Int64),
        "side": (["long" if trade.side > 0 else "short" for trade in trades], polars.String),
        "opened_ns": ([trade.opened_ns for trade in trades], polars.Int64),
        "closed_ns": ([trade.closed_ns for trade in trades], polars.Int64),
        "entry": ([trade.entry_quanta * unit for trade in trades], polars.Float64),
        "profit_quanta": ([trade.profit_quanta for trade in trades], polars.Int64),
        "profit": ([trade.profit_quanta * unit for trade in trades], polars.Float64),
        "return_frac": ([trade.return_frac for trade in trades], polars.Float64),
    }
    return polars.DataFrame({name: polars.Series(values, dtype=kind) for name, (values, kind) in columns.items()})
