"""A run is a folder: written whole under another name, then renamed, so that none is ever half there.

    runs/20260101T120000Z-3f9a1c2b/
        manifest.json     what was run: versions, config, data with hashes, assumptions; enough to run it again
        metrics.json      what came out
        desk.tape         every event that entered the system, every command it gave
        orders.parquet · fills.parquet · equity.parquet · events.parquet    of the headline
        curves.parquet    equity under every fill policy
        robustness.json   what breaks it: the same run with one thing changed, outside every hash; may be absent
        report.html

Everything but the desk tape is a projection: deletable, and made again from the tape.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from quintet.core.errors import DataError

MANIFEST: Final = "manifest.json"
METRICS: Final = "metrics.json"
DESK_TAPE: Final = "desk.tape"
REPORT: Final = "report.html"
ROBUSTNESS: Final = "robustness.json"
TABLES: Final = ("orders", "fills", "equity", "events", "curves")

FORMAT: Final = 1
_UNFINISHED: Final = ".unfinished-"

Writer = Callable[[Path], None]
"""Writes one file of a run at the path it is given."""


class RunSummary(NamedTuple):
    """One line of a list of runs; `problem` says why a folder could not be read, empty when it could."""

    run: str
    folder: Path
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]
    problem: str = ""


def run_id(utc_stamp: str, *facts: str) -> str:
    """`20260101T120000Z-3f9a1c2b`: when it was started, told by the shell, and a hash of what was run."""
    digest = hashlib.sha256("\n".join((utc_stamp, *facts)).encode()).hexdigest()
    return f"{utc_stamp}-{digest[:8]}"


def write_run(folder: Path, run: str, manifest: Mapping[str, Any], writers: Mapping[str, Writer]) -> Path:
    """Write one run as `folder`, which must not exist or be empty; returns it.

    Every writer makes one file. Raises DataError when the folder is taken and whatever a writer raises; nothing is
    left behind then.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.parent / f"{_UNFINISHED}{folder.name}-{os.getpid()}"
    unfinished.mkdir()
    try:
        for name, write in writers.items():
            write(unfinished / name)
        write_json(unfinished / MANIFEST, {"format": FORMAT, "run": run, **manifest, "files": _sizes(unfinished)})
        _take_place(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def free_folder(runs: Path, run: str) -> Path:
    """`runs/run`, or with `-2`, `-3` ... behind it when that name is taken."""
    folder = runs / run
    attempt = 1
    while folder.exists():
        attempt += 1
        folder = runs / f"{run}-{attempt}"
    return folder


def check_free(folder: Path) -> None:
    """Raise DataError when a run cannot be written here: it exists and is not an empty folder."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(
            f"{folder}: found something there, expected a free name or an empty folder: runs are never mixed"
        )


def _take_place(unfinished: Path, folder: Path) -> None:
    """Rename onto a free name or an empty folder; onto files the system itself refuses."""
    check_free(folder)
    if folder.exists():
        folder.rmdir()
    unfinished.rename(folder)


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file beside the manifest."""
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.name != MANIFEST}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """One object, keys as given, readable by people; NaN and infinity are refused."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    """Columns of equal length (arrays or lists) as Parquet, zstd."""
    import polars

    polars.DataFrame(dict(columns)).write_parquet(path, compression="zstd")


def read_table(path: Path) -> dict[str, Any]:
    """A table as NumPy columns; raises DataError naming the file."""
    import polars

    try:
        frame = polars.read_parquet(path)
    except FileNotFoundError:
        raise DataError(f"{path}: not found, expected a table of the run") from None
    except polars.exceptions.PolarsError as error:
        raise DataError(f"{path}: found {error}, expected a Parquet table") from None
    return {name: frame[name].to_numpy() for name in frame.columns}


def list_runs(runs: Path) -> list[RunSummary]:
    """All runs, newest first; a folder that cannot be read is listed with its problem."""
    if not runs.is_dir():
        return []
    folders = [path for path in runs.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return [_summary(folder) for folder in sorted(folders, key=lambda path: path.name, reverse=True)]


def find_run(runs: Path, name: str) -> RunSummary:
    """The run with this id, or the only one whose id contains `name`; `latest` is the newest readable one.

    Raises DataError when none or several fit, naming the nearest.
    """
    known = list_runs(runs)
    readable = [run for run in known if not run.problem]
    if name == "latest" and readable:
        return readable[0]
    fits = [run for run in known if run.run == name] or [run for run in known if name in run.run]
    if len(fits) == 1:
        return fits[0]
    if not fits:
        raise DataError(f"{runs}: no run named {name}; there are {len(known)}, see `quintet runs list`")
    raise DataError(f"{runs}: {name} fits {len(fits)} runs: {', '.join(run.run for run in fits[:5])}")


def read_json(path: Path) -> dict[str, Any]:
    """One object from a file; raises DataError naming the file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: not found, expected one JSON object") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: found {error}, expected one JSON object") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: found a {type(value).__name__}, expected one JSON object")
    return value


def _summary(folder: Path) -> RunSummary:
    try:
        return RunSummary(folder.name, folder, read_json(folder / MANIFEST), read_json(folder / METRICS))
    except DataError as error:
        return RunSummary(folder.name, folder, {}, {}, str(error))
