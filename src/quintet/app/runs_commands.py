"""`quintet runs list | show`: earlier runs, read from their folders."""

from typing import Annotated, Any

import typer

from quintet.app.backtest_command import count
from quintet.app.messages import CalmGroup, Complaint, say, say_json

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

    found = find_run(workspace().runs, run)
    if found.problem:
        raise Complaint(
            "a run that cannot be read", where=str(found.folder), found=found.problem, expected="the files of a run"
        )
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
