"""`quintet verify lookahead SYSTEM`: the future is taken away from a market's files and tape, the past compared."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app import backtest_command as flags
from quintet.app.messages import Report, fail, progress, say, say_json

if TYPE_CHECKING:
    from quintet.app.backtests import Task
    from quintet.research.lookahead import Lookahead

CUTS: Final = 24
SEED: Final = 20260101
FINDINGS_SHOWN: Final = 3


def lookahead(
    system: flags.SystemName = "structure_mm",
    more: flags.MoreFiles = None,
    data: flags.DataFiles = None,
    tape: flags.TapeFile = None,
    symbol: flags.Symbol = None,
    interval: flags.Interval = None,
    htf_interval: flags.HtfInterval = None,
    ltf_interval: flags.LtfInterval = None,
    start: flags.Start = None,
    end: flags.End = None,
    cache: flags.Cache = None,
    bars: flags.Bars = None,
    config: flags.ConfigFile = None,
    sets: flags.Sets = None,
    cuts: Annotated[
        int, typer.Option(parser=flags.count, metavar="N", help="At how many moments the market is cut.")
    ] = CUTS,
    seed: Annotated[
        int, typer.Option(parser=flags.count, metavar="N", help="Decides where to cut, and the noise.")
    ] = SEED,
    as_json: flags.AsJson = False,
) -> None:
    """Take the future away, or put noise in its place: nothing before the cut may change, to the last bit."""
    values: dict[str, object] = {"tape": tape, "symbol": symbol, "interval": interval, "htf_interval": htf_interval}
    values |= {"ltf_interval": ltf_interval, "start": start, "end": end, "cache": cache}
    if system == "eternal":
        from quintet.app import eternal_verify

        asked = eternal_verify.asked_for(values | {"config": config, "bars": bars}, data, more, sets)
        with progress(f"{system} with other futures") as report:
            verdict, synthetic, tape_hash = eternal_verify.lookahead(asked, cuts, seed, report)
    else:
        task = flags.make_task(system, flags.market_flags(values, data, more), config, sets or (), bars)
        with progress(f"{system} with other futures") as report:
            verdict, synthetic, tape_hash = _try_all(task, cuts, seed, report)
    if as_json:
        say_json(_described(verdict) | {"system": system, "seed": seed, "synthetic": synthetic, "tape": tape_hash})
    else:
        _say(verdict, seed)
    if not verdict.ok:
        fail()


def _try_all(task: "Task", cuts: int, seed: int, report: Report) -> "tuple[Lookahead, bool, str]":
    """The verdict, whether the market is synthetic, and the hash of its tape."""
    from quintet.app import wiring
    from quintet.app.markets import as_candle_files, open_market
    from quintet.research.lookahead import Cutting, look_ahead, look_ahead_on_tape
    from quintet.storage.candle_table import Reading
    from quintet.storage.workspace import workspace

    place, now_ns = workspace(), int(wiring.clock().timestamp()) * 1_000_000_000
    market = open_market(task.request, place, now_ns)
    cutting = Cutting(market.instrument, cuts, seed, Reading(stamp=task.request.config.data.stamp))
    with tempfile.TemporaryDirectory(prefix="quintet-lookahead-") as folder:
        request = as_candle_files(task.request, Path(folder), place)
        pipeline = wiring.pipeline(task._replace(request=request), market, place, now_ns)
        if request.config.data.tape:
            verdict = look_ahead_on_tape(pipeline, market.tape, cutting, report)
        else:
            verdict = look_ahead(pipeline, [Path(name) for name in request.config.data.files], cutting, report)
    return verdict, market.synthetic, market.tape.hash


def _described(verdict: "Lookahead") -> dict[str, Any]:
    """The verdict as plain values."""
    from quintet.storage.candle_files import utc_text

    return {
        "ok": verdict.ok,
        "repeatable": verdict.repeatable,
        "cuts": [utc_text(ns) for ns in verdict.cuts_ns],
        "checks": [
            {"name": trial.name, "ok": trial.ok, "tried": trial.tried, "findings": list(map(str, trial.findings))}
            for trial in verdict.trials
        ],
    }


def _say(verdict: "Lookahead", seed: int) -> None:
    """What was tried, what came of it, and the first findings of each trial that has any."""
    from quintet.storage.candle_files import utc_text

    first, last = utc_text(verdict.cuts_ns[0]), utc_text(verdict.cuts_ns[-1])
    say(f"{len(verdict.cuts_ns)} cuts between {first} and {last} UTC (seed {seed})")
    for trial in verdict.trials:
        say(f"{'same' if trial.ok else 'CHANGED':<8} {trial.name}: {trial.tried}")
        for line in _findings(trial.findings):
            say(f"{'':<8}   {line}")
    say(_sentence(verdict))


def _sentence(verdict: "Lookahead") -> str:
    if verdict.ok:
        return "nothing before a cut knows what comes after it"
    if verdict.repeatable:
        return "LOOK-AHEAD: the past knows the future"
    return "NOT REPEATABLE: the same market gave another run; look for memory that outlives a run, then ask again"


def _findings(findings: Sequence[object]) -> list[str]:
    """The first few, and how many more there are."""
    lines = [str(finding) for finding in findings[:FINDINGS_SHOWN]]
    left = len(findings) - len(lines)
    return [*lines, f"and {left} more"] if left else lines
