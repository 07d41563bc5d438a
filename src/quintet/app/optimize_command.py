"""`quintet optimize SYSTEM --space ...`: a search that chooses where to look next, and what its best is worth."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app import backtest_command as flags
from quintet.app.messages import Complaint, Report
from quintet.app.sweep_command import OnRay, Out, Resume, say_outcome

if TYPE_CHECKING:
    from quintet.app.sweeps import Choice, Choose
    from quintet.research.sweep import Finished
    from quintet.research.sweep_work import SweepWork
    from quintet.storage.trial_records import Trial

DOOR: Final = "optimize"
"""How the ledger of trials names what is run from here."""

SEARCH: Final = "Search"


def optimize(
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
    space: Annotated[
        list[str] | None,
        typer.Option(
            "--space",
            metavar="KEY=LO:HI",
            help="Between which values of one parameter to search; :log or :int behind it. May be repeated.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option(parser=flags.count, metavar="N", help="Sets to ask for.", rich_help_panel=SEARCH)
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="The same seed asks for the same sets.", rich_help_panel=SEARCH)] = 0,
    jobs: Annotated[
        int,
        typer.Option(
            parser=flags.count,
            metavar="N",
            help="Processes, and how many sets are asked for at a time: another number is another search.",
            rich_help_panel=SEARCH,
        ),
    ] = 1,
    ray: OnRay = False,
    out: Out = None,
    resume: Resume = False,
    as_json: flags.AsJson = False,
) -> None:
    """Search for parameters with Optuna, and say what the best of so many is worth.

    The pessimistic end of the net result is what is to be large. Every set of parameters counts as a trial. Ctrl-C
    keeps what is finished; --resume goes on, also with more --trials.
    """
    from quintet.app import sweeps, wiring
    from quintet.storage.workspace import workspace

    values = {"tape": tape, "symbol": symbol, "interval": interval, "htf_interval": htf_interval}
    values |= {"ltf_interval": ltf_interval, "start": start, "end": end, "cache": cache}
    task = flags.make_task(system, flags.market_flags(values, data, more, fill_policy), config, sets or (), bars)
    asked = sweeps.Asked(task, DOOR, jobs, ray, out, resume)
    chosen = in_space(_spaces(space or ()), trials, seed, jobs)
    say_outcome(sweeps.run(asked, chosen, workspace(), wiring.clock()), as_json)


def _spaces(written: "list[str] | tuple[()]") -> dict[str, str]:
    """`step_atr=0.4:1.2` as a name and what follows it; raises Complaint."""
    found: dict[str, str] = {}
    for word in written:
        name, equals, ends = (part.strip() for part in word.partition("="))
        if not equals or not name or not ends:
            raise Complaint("not a space", where="--space", found=word, expected="KEY=LO:HI, with :log or :int behind")
        if name in found:
            raise Complaint("a parameter named twice", where="--space", found=word, expected="each parameter once")
        found[name] = ends
    if not found:
        raise Complaint(
            "nothing to search in",
            where="--space",
            found="no parameter",
            expected="KEY=LO:HI, with :log or :int behind",
            hint="quintet config schema lists the parameters of a system",
        )
    return found


def in_space(written: Mapping[str, str], trials: int, seed: int, at_a_time: int) -> "Choose":
    """So many sets, as the search asks for them; the number of trials does not make it another search."""
    from quintet.app.sweeps import Choice
    from quintet.research.search import search, search_axis

    def choose(params: Any, base: "Trial") -> "Choice":
        axes = [search_axis(params, name, text) for name, text in written.items()]

        def evaluate(work: "SweepWork", report: Report) -> "tuple[list[Finished], int, bool]":
            done = 0

            def told(sets: Any) -> Any:
                nonlocal done
                results = work.evaluate(sets, lambda more: report(done + more, trials))
                done += len(sets)
                return results

            found = search(params, axes, told, trials=trials, seed=seed, at_a_time=at_a_time)
            return list(found.found), found.refused, found.is_complete

        said = {"space": [str(axis) for axis in axes], "seed": seed, "asked": trials, "at_a_time": at_a_time}
        return Choice(repr([tuple(axes), seed, at_a_time]), trials, False, said, evaluate)

    return choose
