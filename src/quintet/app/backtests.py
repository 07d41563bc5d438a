"""One backtest from configuration to run folder: market, engine, files, and the object that `--json` prints."""

import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from quintet import __version__
from quintet.app.config import Config
from quintet.app.config_text import as_tree
from quintet.app.instruments import capital_quanta
from quintet.app.markets import Market, MarketRequest, open_market
from quintet.app.messages import Complaint, Report, progress
from quintet.app.stage_identity import identity_of
from quintet.core.instrument import Instrument, encode
from quintet.core.tape import Tape
from quintet.research.systems import KernelSystem
from quintet.research.trials import begin_counting, count_backtest
from quintet.storage import run_folders
from quintet.storage.run_folders import Writer
from quintet.storage.trial_records import Trial
from quintet.storage.workspace import Workspace

PACKAGES: Final = ("numba", "llvmlite", "numpy", "msgspec", "polars")
"""Whose versions a manifest names."""


DOOR: Final = "backtest"
"""How the ledger of trials names what is run from here."""


class Result(Protocol):
    """What the engine gives back of one backtest, over all fill policies; the headline is the pessimistic end."""

    @property
    def hashes(self) -> Mapping[str, str]:
        """`tape`, `commands`, `state`: 64 hex digits each."""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Figures of the headline policy, plain values."""

    @property
    def interval(self) -> Mapping[str, Any]:
        """Net result over the policies: lower and upper end, and which policy gave each."""

    @property
    def conservation(self) -> int:
        """Quanta by which any book is off; 0 when every book balances."""

    @property
    def assumptions(self) -> Sequence[str]:
        """Sentences on how fills were decided."""

    @property
    def daily_returns(self) -> Any:
        """Of the headline after all costs, one fraction for each UTC day."""

    def trial(self, door: str, run: str = "") -> Trial:
        """What the ledger of trials counts: source, parameters, data, window, policies, and the Sharpe ratio."""

    @property
    def ticks(self) -> Mapping[str, Any] | None:
        """What quotes and fills were worth on an order book; None for a run on candles."""

    @property
    def instruments(self) -> Sequence[Mapping[str, Any]]:
        """What each of several instruments brought; empty for a run of one."""

    @property
    def executions(self) -> Sequence[Mapping[str, Any]]:
        """What each execution algorithm cost; empty for a system that uses none."""

    @property
    def tables(self) -> Mapping[str, Mapping[str, Any]]:
        """`orders`, `fills`, `equity`, `events`: columns of equal length."""

    def write_desk_tape(self, path: Path, created_ns: int, tool_version: str) -> None:
        """Write the headline run's desk tape."""


class Job(NamedTuple):
    """What the engine is asked to run."""

    tape: Tape
    system: KernelSystem
    config: Config
    instrument: Instrument
    structure: str
    fills: str


Engine = Callable[[Job], Result]

Robustness = Mapping[str, Any] | None

Reporter = Callable[[Result, Mapping[str, Any], Robustness], str]
"""Result, manifest and what breaks it to the page of a run, HTML."""

Shaker = Callable[[Result, str, Report], Robustness]
"""Runs the result again with one thing changed at a time: what `robustness.json` holds. `how` as in the config."""


Judge = Callable[[Result, Mapping[str, Any]], Mapping[str, Any]]
"""Result and manifest to the verdict: `sentence`, and `reasons`, the conditions that are not met or not known."""


class Parts(NamedTuple):
    """What a backtest is made of, besides files."""

    engine: Engine
    reporter: Reporter
    judge: Judge
    shaker: Shaker


class Task(NamedTuple):
    """What is asked for. `command`: the words typed, or those that say the same; `out`: the folder of the run, None for
    a new one; `door`: who asks, as the ledger of trials names it.
    """

    system: KernelSystem
    request: MarketRequest
    command: Sequence[str]
    out: Path | None = None
    door: str = DOOR


def run(task: Task, parts: Parts, workspace: Workspace, now: datetime) -> dict[str, Any]:
    """Run, write the run's folder, and return the object that describes it."""
    if task.out is not None:
        run_folders.check_free(task.out)
    now_ns = int(now.timestamp()) * 1_000_000_000
    market = open_market(task.request, workspace, now_ns)
    config = task.request.config
    if not market.is_book:
        _check_policies(config, market, task.request.where)
    capital_quanta(config.execution.initial_quote, market.instrument, task.request.where)
    begin_counting(workspace.ledger)
    job = job_of(task, market)
    name = task.system.name
    with progress(_what_takes_time(name, market, config)):
        result = parts.engine(job)
    assumptions = [*testing_form(config, market.traded, market.is_book), *market.assumptions, *result.assumptions]
    run_id = run_folders.run_id(stamp(now), name, *result.hashes.values(), repr(as_tree(config)))
    described = {
        "run": run_id,
        "system": name,
        "synthetic": market.synthetic,
        "hashes": dict(result.hashes),
        "interval": dict(result.interval),
        "conservation": result.conservation,
        "assumptions": assumptions,
    }
    # Counted before anybody sees the result: a look is a trial, whatever becomes of it.
    described["trials"] = count_backtest(workspace.ledger, result, task.door, now, str(described["run"]))
    manifest = described | _provenance(task, market, now)
    described["verdict"] = manifest["verdict"] = dict(parts.judge(result, manifest))
    out = task.out or run_folders.free_folder(workspace.runs, run_id)
    writers = _files(result, described, config, now_ns)
    robustness = _robustness(parts, result, config)
    if robustness is not None:
        writers[run_folders.ROBUSTNESS] = lambda path: run_folders.write_json(path, robustness)
    if config.report.html:
        writers[run_folders.REPORT] = lambda path: _write_text(path, parts.reporter(result, manifest, robustness))
    with progress("writing the run"):
        run_folders.write_run(out, run_id, manifest, writers)
    return {**described, "metrics": dict(result.metrics), "out": str(out.resolve())}


def job_of(task: Task, market: Market) -> Job:
    """What the engine is asked to run on a market."""
    return Job(market.tape, task.system, task.request.config, market.instrument, market.structure, market.fills)


def _robustness(parts: Parts, result: Result, config: Config) -> Robustness:
    """What breaks it, None when it was not asked for."""
    if config.report.robustness == "off":
        return None
    with progress("looking for what breaks it") as tell:
        return parts.shaker(result, config.report.robustness, tell)


def _check_policies(config: Config, market: Market, where: str) -> None:
    """Raise Complaint when bars of a lower timeframe are to be walked and there are none."""
    if "lower" in config.execution.fill_policies and market.fills == market.structure:
        raise Complaint(
            "a fill policy without its bars",
            where=f"{where}, [execution] fill_policies",
            found=f"lower, with {market.structure} candles alone",
            expected="candles of a lower timeframe beside them, or another policy",
        )


def _what_takes_time(system: str, market: Market, config: Config) -> str:
    """What a person waits for: the run, or the first compilation of this version on this machine."""
    if not Path(os.environ.get("NUMBA_CACHE_DIR", "")).is_dir():
        return f"compiling the engine and {system}, once on this machine (a minute or two)"
    if market.is_book:
        return f"{system} on {market.tape.n_positions:,} rows"
    return f"{system} on {len(config.execution.fill_policies)} fill policies"


def stamp(now: datetime) -> str:
    """`20260101T120000Z`."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def testing_form(config: Config, instruments: Sequence[Instrument], is_book: bool = False) -> list[str]:
    """The label of a run that leaves out a cost of the real world: a test of the machine, no statement on money."""
    execution, ticks = config.execution, config.tick_execution
    venues = [ticks.at(each.venue) for each in instruments]
    fees = ("fees", any(each.maker_fee_e9 <= 0 or each.taker_fee_e9 <= 0 for each in instruments))
    of_bars = (
        ("spread", execution.spread_bps == 0.0),
        ("slippage", execution.slippage_bps == 0.0),
        ("latency", execution.latency_ms == 0),
        ("partial fills", execution.participation_frac == 1.0),
    )
    of_book = (
        ("latency", any(venue.latency_model == "constant" and venue.entry_ms == 0.0 for venue in venues)),
        ("partial fills", not ticks.partial_fills),
    )
    absent = [name for name, is_absent in (fees, *(of_book if is_book else of_bars)) if is_absent]
    return [f"testing form, not money: run without {', '.join(absent)}"] if absent else []


def _provenance(task: Task, market: Market, now: datetime) -> dict[str, Any]:
    """Everything needed to run it again."""
    tape, system = market.tape, task.system
    own = {"system_file": {"address": system.address, "sha256": system.sha256}} if system.origin else {}
    return own | {
        "created_utc": now.astimezone(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["quintet", *task.command]),
        "config": as_tree(task.request.config),
        "identity": identity_of(task.request.config, system.name)._asdict(),
        "instrument": encode(market.instrument).decode(),
        **({"instruments": [each.name for each in market.traded]} if len(market.traded) > 1 else {}),
        "market": {
            "label": market.label,
            "structure_timeframe": market.structure,
            "fill_timeframe": market.fills,
            "is_book": market.is_book,
            "first_ns": tape.census.first_ns,
            "last_ns": tape.census.last_ns,
            "positions": tape.n_positions,
            "sources": [{"name": source.name, "sha256": source.sha256} for source in tape.meta.sources],
        },
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of quintet, Python and what the result could depend on."""
    named = {"quintet": __version__, "python": platform.python_version(), "machine": platform.machine()}
    return named | {package: metadata.version(package) for package in PACKAGES}


def _files(result: Result, described: Mapping[str, Any], config: Config, now_ns: int) -> dict[str, Writer]:
    """What is written into the run's folder, by file name; the report comes later, it needs the manifest."""

    def table(name: str) -> Writer:
        return lambda path: run_folders.write_table(path, result.tables.get(name, {}))

    figures: dict[str, Any] = {"metrics": dict(result.metrics), "interval": dict(result.interval)}
    figures["hashes"] = dict(result.hashes)
    figures |= {"conservation": described["conservation"], "synthetic": described["synthetic"]}
    figures |= {"ticks": dict(result.ticks)} if result.ticks is not None else {}
    figures |= {"executions": list(result.executions)} if result.executions else {}
    if result.instruments:
        figures["instruments"] = list(result.instruments)
    files: dict[str, Writer] = {f"{name}.parquet": table(name) for name in run_folders.TABLES}
    files[run_folders.METRICS] = lambda path: run_folders.write_json(path, figures)
    if config.report.desk_tape:
        files[run_folders.DESK_TAPE] = lambda path: result.write_desk_tape(path, now_ns, __version__)
    return files


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def typed_words() -> list[str]:
    """The command line as typed, without the program's name."""
    return sys.argv[1:]
