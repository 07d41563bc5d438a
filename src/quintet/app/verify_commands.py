"""`quintet verify determinism`, `lookahead`, `parity`: promises put to the test here, with what was tried."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app import backtest_command as flags
from quintet.app.lookahead_command import lookahead
from quintet.app.messages import CalmGroup, fail, progress, say, say_json
from quintet.app.parity_command import parity
from quintet.app.verified_runs import INTERRUPTION_SEED, INTERRUPTIONS, Check, child, compare

if TYPE_CHECKING:
    from quintet.app.backtests import Task

verify_app = typer.Typer(cls=CalmGroup, help="Prove what is promised.", no_args_is_help=True)

SLICE_BARS: Final = 1500
"""Structure bars of the slice that is also run without compilation, which is a thousand times slower."""

BOOK_SLICE_BARS: Final = 1
"""The same on order books, which bring thousands of rows a minute."""


@verify_app.callback()
def _verify() -> None:
    """Prove what is promised."""


@verify_app.command()
def determinism(
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
    slice_bars: Annotated[
        int | None,
        typer.Option(
            parser=flags.count,
            metavar="N",
            help=f"Structure bars run without compilation; {SLICE_BARS:,}, a minute of order books, a month of days.",
        ),
    ] = None,
    as_json: flags.AsJson = False,
) -> None:
    """Run in two processes, without compilation, interrupted and resumed, replayed: all hashes must be equal."""
    values: dict[str, object] = {"tape": tape, "symbol": symbol, "interval": interval, "htf_interval": htf_interval}
    values |= {"ltf_interval": ltf_interval, "start": start, "end": end, "cache": cache, "config": config, "bars": bars}
    if system == "eternal":
        from quintet.app import eternal_verify

        checks = eternal_verify.determinism(eternal_verify.asked_for(values, data, more, sets), slice_bars)
    else:
        # A mistake is found here and told once, not by four children.
        task = flags.make_task(system, flags.market_flags(_market(values), data, more), config, sets or (), bars)
        words = _words(system, values, [*(data or ()), *(more or ())], sets or ())
        checks = _try_all(words, slice_bars, task)
    ok = all(check.ok for check in checks)
    if as_json:
        say_json({"ok": ok, "system": system, "checks": [check._asdict() for check in checks]})
    else:
        for check in checks:
            say(f"{'equal' if check.ok else 'DIFFERS':<8} {check.name}: {check.detail}")
        say("deterministic" if ok else "NOT deterministic: keep the tape and report it")
    if not ok:
        fail()


def _market(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name not in ("config", "bars")}


def _words(system: str, values: Mapping[str, object], files: Sequence[Path], sets: Sequence[str]) -> list[str]:
    """The same backtest as words of a command line."""
    words = ["backtest", system]
    for name, value in values.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    for path in files:
        words += ["--data", str(path)]
    for override in sets:
        words += ["--set", override]
    return words


def _try_all(words: Sequence[str], asked_bars: int | None, task: "Task") -> list[Check]:
    """Every way of running the same thing, one check each."""
    is_book = _trades_books(task)
    slice_bars = asked_bars or (BOOK_SLICE_BARS if is_book else SLICE_BARS)
    with tempfile.TemporaryDirectory(prefix="quintet-verify-") as folder:
        runs = Path(folder)
        with progress("running in two processes with different hash seeds"):
            first = child(words, runs / "first", {"PYTHONHASHSEED": "1"})
            second = child(words, runs / "second", {"PYTHONHASHSEED": "4242"})
        checks = [compare("two processes, hash seeds 1 and 4242", first, second)]
        checks.append(_replay(runs / "first", first))
        checks.append(_interrupted(task, first))
        # A slice shorter than the market; a shorter market is its own slice.
        part = [*_without_bars(words), "--bars", str(_slice_of(words, slice_bars))]
        with progress(f"running {slice_bars} bars compiled and interpreted"):
            compiled = child(part, runs / "compiled", {"NUMBA_DISABLE_JIT": "0"})
            interpreted = child(part, runs / "interpreted", {"NUMBA_DISABLE_JIT": "1"})
        checks.append(compare(f"first {part[-1]} bars, compiled and interpreted", compiled, interpreted))
    return checks


def _slice_of(words: Sequence[str], slice_bars: int) -> int:
    """The slice is never longer than a `--bars` that was given."""
    return min(slice_bars, int(words[words.index("--bars") + 1])) if "--bars" in words else slice_bars


def _without_bars(words: Sequence[str]) -> list[str]:
    if "--bars" not in words:
        return list(words)
    at = words.index("--bars")
    return [*words[:at], *words[at + 2 :]]


def _trades_books(task: "Task") -> bool:
    """Are there order books on the tape of this task?"""
    from quintet.research.tick_setup import has_book
    from quintet.storage.tape_files import open_tape

    path = task.request.config.data.tape
    return bool(path) and has_book(open_tape(path))


def _replay(folder: Path, recorded: Mapping[str, Any]) -> Check:
    """The desk tape of a run, replayed without simulator and timers, gives the same commands."""
    from quintet.app import wiring

    name = "replay of the desk tape"
    path = folder / "desk.tape"
    if not path.exists():
        return Check(name, True, "not tried: the configuration writes no desk tape")
    with progress("replaying the desk tape"):
        commands = wiring.replayer()(path)
    expected = recorded["hashes"].get("commands")
    return Check(
        name,
        commands == expected,
        f"commands {commands[:16]}" + ("" if commands == expected else f", recorded {expected}"),
    )


def _interrupted(task: "Task", recorded: Mapping[str, Any]) -> Check:
    """The headline run once more in this process, interrupted and resumed from bytes: the same hashes."""
    from quintet.app import wiring
    from quintet.app.backtests import job_of
    from quintet.app.markets import open_market
    from quintet.storage.workspace import workspace

    policy = recorded["interval"]["headline_policy"]
    name = f"stopped at {INTERRUPTIONS} places, written to bytes, resumed in a new world ({policy})"
    now_ns = int(wiring.clock().timestamp()) * 1_000_000_000
    with progress("running with interruptions"):
        job = job_of(task, open_market(task.request, workspace(), now_ns))
        hashes = wiring.interrupter()(job, policy, INTERRUPTIONS, INTERRUPTION_SEED)
    return compare(name, {"hashes": recorded["hashes"]}, {"hashes": dict(hashes)})


verify_app.command()(lookahead)
verify_app.command()(parity)
