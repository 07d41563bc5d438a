"""`quintet sweep SYSTEM --grid ...`: every combination of values over one market, and what the best is worth."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app import backtest_command as flags
from quintet.app.messages import Complaint, Report, fail, note, say, say_json

if TYPE_CHECKING:
    from quintet.app.sweeps import Choice, Choose
    from quintet.research.sweep import Finished
    from quintet.research.sweep_work import SweepWork
    from quintet.storage.trial_records import Trial

DOOR: Final = "sweep"
"""How the ledger of trials names what is run from here."""

SWEEP: Final = "Sweep"

Jobs = Annotated[
    int | None,
    typer.Option(
        parser=flags.count, metavar="N", help="Processes; as many as processors unless given.", rich_help_panel=SWEEP
    ),
]
OnRay = Annotated[bool, typer.Option("--ray", help="On Ray instead of --jobs processes.", rich_help_panel=SWEEP)]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Folder of this sweep; one of its own unless given.", rich_help_panel=SWEEP),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where it was stopped: nothing is run twice.", rich_help_panel=SWEEP)
]


def sweep(
    system: flags.SystemName,
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
    fill_policy: flags.Policies = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="KEY=VALUES",
            help="Values of one parameter: V1,V2,... or LO:HI:STEP; may be repeated.",
            rich_help_panel=SWEEP,
        ),
    ] = None,
    jobs: Jobs = None,
    ray: OnRay = False,
    out: Out = None,
    resume: Resume = False,
    as_json: flags.AsJson = False,
) -> None:
    """Try every combination of values, and say what the best of so many is worth.

    Every set of parameters counts as a trial. Ctrl-C keeps what is finished; --resume goes on.
    """
    from quintet.app import sweeps, wiring
    from quintet.storage.workspace import workspace

    values = {"tape": tape, "symbol": symbol, "interval": interval, "htf_interval": htf_interval}
    values |= {"ltf_interval": ltf_interval, "start": start, "end": end, "cache": cache}
    task = flags.make_task(system, flags.market_flags(values, data, more, fill_policy), config, sets or (), bars)
    asked = sweeps.Asked(task, DOOR, jobs or os.cpu_count() or 1, ray, out, resume)
    say_outcome(sweeps.run(asked, on_grid(axes(grid or ())), workspace(), wiring.clock()), as_json)


def axes(written: Sequence[str]) -> dict[str, str]:
    """`step_atr=0.6,0.8` as a name and what follows it; raises Complaint."""
    found: dict[str, str] = {}
    for word in written:
        name, equals, values = (part.strip() for part in word.partition("="))
        if not equals or not name or not values:
            raise Complaint("not a grid", where="--grid", found=word, expected="KEY=V1,V2,... or KEY=LO:HI:STEP")
        if name in found:
            raise Complaint("a parameter named twice", where="--grid", found=word, expected="all its values in one")
        found[name] = values
    if not found:
        raise Complaint(
            "nothing to sweep",
            where="--grid",
            found="no parameter",
            expected="KEY=V1,V2,... or KEY=LO:HI:STEP",
            hint="quintet config schema lists the parameters of a system",
        )
    return found


def on_grid(written: Mapping[str, str]) -> "Choose":
    """Every combination that the system accepts, in the order of the axes."""
    from quintet.app.sweeps import Choice
    from quintet.research.sweep import SETS_MAX, axis_values
    from quintet.research.walk_forward import grid

    values = {name: axis_values(text) for name, text in written.items()}
    count = 1
    for each in values.values():
        count *= len(each)

    def choose(params: Any, base: "Trial") -> "Choice":
        sets = grid(params, values, SETS_MAX)

        def evaluate(work: "SweepWork", report: Report) -> "tuple[list[Finished], int, bool]":
            found = work.evaluate(sets, lambda done: report(done, len(sets)))
            return [each for each in found if each is not None], count - len(sets), None not in found

        return Choice(repr([each.values for each in sets]), len(sets), True, {"grid": values}, evaluate)

    return choose


def say_outcome(said: Mapping[str, Any], as_json: bool) -> None:
    """Print a finished sweep; fail when any set's books do not balance."""
    from quintet.app.sweeps import lines

    if as_json:
        say_json(said)
    else:
        for line in lines(said):
            say(line)
    for sentence in said["assumptions"] if not as_json else ():
        note(f"assumed: {sentence}")
    if said["conservation"] != 0:
        note("the books of a set do not balance: keep the sweep's folder and report it")
        fail()
