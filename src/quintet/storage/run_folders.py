"""A run is a folder: written whole under another name, then renamed, so that none is ever half there.

    runs/20260101T120000Z-3f9a1c2b/
        manifest.json     what was run: versions, config, data with hashes, assumptions; enough to run it again
        metrics.json      what came out
        desk.tape         every event that entered the system, every command it gave
        orders.parquet · fills.parquet · equity.parquet · events.parquet
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
TABLES: Final = ("orders", "fills", "equity", "events")

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


def write_run(runs: Path, run: str, manifest: Mapping[str, Any], writers: Mapping[str, Writer]) -> Path:
    """Write the folder of one run and return its path; an equal id gets `-2`, `-3` ... behind it.

    Every writer makes one file. Raises what a writer raises, and leaves nothing behind then.
    """
    runs.mkdir(parents=True, exist_ok=True)
    unfinished = runs / f"{_UNFINISHED}{run}-{os.getpid()}"
    unfinished.mkdir()
    try:
        for name, write in writers.items():
            write(unfinished / name)
        for attempt in range(1, 1000):
            name = run if attempt == 1 else f"{run}-{attempt}"
            if not (runs / name).exists():
                write_json(
                    unfinished / MANIFEST, {"format": FORMAT, "run": name, **manifest, "files": _sizes(unfinished)}
                )
                # Should another run take the name just now, renaming onto its files is refused: nothing is overwritten.
                unfinished.rename(runs / name)
                return runs / name
        raise DataError(f"{runs}: a thousand runs are named {run}; remove some")
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


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
