"""`quintet runs list | show | compare`: earlier runs, read from their folders."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer

from quintet.app.backtest_command import count
from quintet.app.messages import CalmGroup, note, say, say_json
from quintet.app.report_command import readable
from quintet.app.run_comparison import ABSENT, Pair

WIDTH: Final = 26
"""Characters of a value beside another; a longer one gets a line of its own."""

runs_app = typer.Typer(cls=CalmGroup, help="Find earlier runs.", no_args_is_help=True)


@runs_app.command("list")
def list_(
    last: Annotated[int, typer.Option("--last", "-n", parser=count, metavar="N", help="Only the newest so many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """List runs, newest first."""
    from quintet.storage.run_folders import list_runs
    from quintet.storage.workspace import workspace

    folder = workspace().runs
    runs = list_runs(folder)
    if as_json:
        say_json({"folder": str(folder), "count": len(runs), "runs": [_line(run) for run in runs[:last]]})
        return
    for run in runs[:last]:
        facts = _line(run)
        mark = "synthetic" if facts["synthetic"] else facts["market"]
        say(f"{run.run}  {facts['system'] or '-':<14} {facts['problem'] or mark}")
    if not runs:
        say(f"no runs in {folder}; make one: quintet backtest structure_mm")


@runs_app.command()
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id, a part of one that fits only one run, or latest.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Show one run: what it was, what came out, where its files are."""
    from quintet.storage.run_folders import find_run
    from quintet.storage.workspace import workspace

    found = readable(find_run(workspace().runs, run))
    if as_json:
        say_json({**found.manifest, **found.metrics, "out": str(found.folder)})
        return
    say(f"run          {found.run}")
    say(f"made by      {found.manifest.get('command', '-')}")
    for name, value in _figures(found.metrics):
        say(f"{name:<32} {value}")
    for sentence in found.manifest.get("assumptions", []):
        say(f"assumed      {sentence}")
    for name, size_bytes in found.manifest.get("files", {}).items():
        say(f"file         {found.folder / name}  {size_bytes:,} bytes")


@runs_app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A run: its id, a part of it, or latest.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Put two runs side by side.

    Keys of the configuration that differ, every figure, the three hashes.
    """
    from quintet.app.run_comparison import compare as compared
    from quintet.storage.run_folders import find_run
    from quintet.storage.workspace import workspace

    runs = [readable(find_run(workspace().runs, name)) for name in (first, second)]
    found = compared(*runs)
    if as_json:
        parts = {name: [pair._asdict() for pair in getattr(found, name)] for name in found._fields}
        say_json({"runs": [run.run for run in runs], "same_market": found.same_market, **parts})
        return
    if not found.same_market:
        note("the two ran over different markets: their figures answer different questions")
    _say_pairs("", [Pair("run", *(run.run for run in runs))])
    _say_pairs("configuration that differs", found.config or [Pair("nothing", "", "")])
    _say_pairs("figures", found.figures)
    _say_pairs(
        "hashes", [pair._replace(first=str(pair.first)[:16], second=str(pair.second)[:16]) for pair in found.hashes]
    )


def _say_pairs(heading: str, pairs: Iterable[Pair]) -> None:
    """Three columns, a mark where the two differ."""
    if heading:
        say(f"\n{heading}")
    for pair in pairs:
        mark, values = "*" if pair.differs else " ", (_shown(pair.first), _shown(pair.second))
        if len(values[0]) < WIDTH:
            say(f"{mark} {pair.name:<36} {values[0]:<{WIDTH}} {values[1]}".rstrip())
        else:
            say("\n".join((f"{mark} {pair.name}", *(f"    {value}" for value in values))))


def _shown(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _line(run: Any) -> dict[str, Any]:
    """The facts of one line of the list."""
    return {
        "run": run.run,
        "system": run.manifest.get("system", ""),
        "created_utc": run.manifest.get("created_utc", ""),
        "market": run.manifest.get("market", {}).get("label", ""),
        "synthetic": bool(run.manifest.get("synthetic", False)),
        "interval": run.manifest.get("interval", {}),
        "hashes": run.manifest.get("hashes", {}),
        "folder": str(run.folder),
        "problem": run.problem,
    }


def _figures(metrics: Any) -> list[tuple[str, Any]]:
    """Single figures of a run, those of the interval first."""
    figures = {**metrics.get("interval", {}), **metrics.get("metrics", {})}
    return [(name.replace("_", " "), value) for name, value in figures.items() if not isinstance(value, (dict, list))]
