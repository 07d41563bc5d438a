"""`quintet report RUN`: the page of an earlier run, made again from the files of its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quintet.app.messages import Complaint, note, progress, say, say_json

if TYPE_CHECKING:
    from quintet.storage.run_folders import RunSummary


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id, a part of one that fits only one run, or latest.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the page goes; by default into the run's folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Make the report of an earlier run again, from its files.

    Nothing is run: what breaks it is read from robustness.json. Without the desk tape, prices are those of the marks.
    """
    from quintet.storage.run_folders import DESK_TAPE, REPORT, find_run
    from quintet.storage.workspace import workspace, write_whole

    found = readable(find_run(workspace().runs, run))
    if found.manifest.get("system") == "eternal":
        raise Complaint(
            "a page that is written once", where=str(found.folder), found="a run of eternal",
            expected=f"its {REPORT}, written with the run",
        )  # fmt: skip
    path = out or found.folder / REPORT
    if path.is_dir():
        raise Complaint(
            "a folder where a page should go", where="--out", found=path, expected="a file, e.g. report.html"
        )
    has_tape = (found.folder / DESK_TAPE).exists()
    with progress("making the report"):
        page = _page(found)
        write_whole(path, page.encode())
    if as_json:
        say_json({"run": found.run, "report": str(path.resolve()), "bytes": len(page.encode()), "from_tape": has_tape})
        return
    if not has_tape:
        note(f"{DESK_TAPE} is not in {found.folder}: candles and distances to them are left out")
    say(f"report         {path}")


def readable(run: "RunSummary") -> "RunSummary":
    """The run, or a Complaint with what is wrong with its folder."""
    if run.problem:
        raise Complaint(
            "a run that cannot be read", where=str(run.folder), found=run.problem, expected="the files of a run"
        )
    return run


def _page(run: "RunSummary") -> str:
    """Render from the folder; raises DataError for files that are missing or of an older version."""
    from quintet.research.report import render_record
    from quintet.research.run_record import TABLES, record_from
    from quintet.storage.run_folders import DESK_TAPE, read_table
    from quintet.storage.tape_files import open_tape

    tables = {name: read_table(run.folder / f"{name}.parquet") for name in TABLES}
    tape_path = run.folder / DESK_TAPE
    tape = open_tape(tape_path) if tape_path.exists() else None
    return render_record(record_from(run.manifest, run.metrics, tables, tape), run.manifest, _robustness(run))


def _robustness(run: "RunSummary") -> Mapping[str, Any] | None:
    from quintet.storage.run_folders import ROBUSTNESS, read_json

    path = run.folder / ROBUSTNESS
    return read_json(path) if path.exists() else None
