"""Which desk tape is meant: a desk by its name, a run by its id, or a folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from quintet.app.desk_folder import CONDUCTOR, TAPE
from quintet.app.messages import Complaint, did_you_mean
from quintet.core.engine.checkpoint import Checkpoint, decode
from quintet.core.errors import Damaged, DataError
from quintet.core.tape import Tape
from quintet.storage.checkpoints import CheckpointFolder
from quintet.storage.run_folders import METRICS, find_run
from quintet.storage.tape_files import open_tape
from quintet.storage.workspace import Workspace


class DeskPlace(NamedTuple):
    """A folder with a desk tape, and the tape. `damaged`: names of checkpoints that cannot be read."""

    name: str
    folder: Path
    tape: Tape
    checkpoints: tuple[Checkpoint, ...]
    damaged: tuple[str, ...]

    @property
    def world(self) -> str:
        """paper, sandbox or live; backtest for a run."""
        return self.tape.meta.notes.get("world", "backtest")

    @property
    def path(self) -> Path:
        """The desk tape."""
        return self.folder / TAPE

    @property
    def recorded(self) -> Mapping[str, str]:
        """The hashes that a run has written down beside its tape; empty for a desk."""
        path = self.folder / METRICS
        if not path.exists():
            return {}
        hashes: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8")).get("hashes", {})
        return hashes


def desk_folders(place: Path) -> list[Path]:
    """The folders of all desks below a place, by name."""
    return [path.parent for path in sorted(place.glob(f"*/{TAPE}"))]


def portfolio_folders(place: Path) -> list[Path]:
    """The same of portfolios: a conductor and its desks."""
    return [path.parent.parent for path in sorted(place.glob(f"*/{CONDUCTOR}/{TAPE}"))]


def fitting(name: str, desks: Sequence[Path]) -> list[Path]:
    """Which of these folders a name means: `paper-main` that one alone, `main` those of every world."""
    exact = [folder for folder in desks if folder.name == name]
    return exact or [folder for folder in desks if folder.name.partition("-")[2] == name]


def find_desk(name: str, here: Workspace) -> DeskPlace:
    """The desk or run of a name; raises Complaint when none or several fit, TapeError for a tape that is damaged."""
    folder = _folder(name, here)
    found, damaged = _checkpoints(folder)
    return DeskPlace(folder.name, folder, _opened(folder / TAPE), found, damaged)


def _opened(path: Path) -> Tape:
    """The tape, perhaps of a desk that is writing it: what became durable while it was mapped is no damage."""
    try:
        return open_tape(path)
    except Damaged:
        return open_tape(path)


def _folder(name: str, here: Workspace) -> Path:
    given = Path(name)
    for folder in (given, given.parent if given.name == TAPE else given, here.desks / name):
        if (folder / TAPE).is_file():
            return folder
    desks = desk_folders(here.desks)
    fits = fitting(name, desks)
    if len(fits) == 1:
        return fits[0]
    known = [folder.name for folder in desks]
    if fits:
        raise Complaint(
            "a name of several desks", where="arguments", found=name,
            expected=f"one of {', '.join(folder.name for folder in fits)}",
        )  # fmt: skip
    try:
        run = find_run(here.runs, name)
    except DataError:
        raise Complaint(
            "no such desk or run", where="arguments", found=name,
            expected=f"a desk ({', '.join(known) or 'there is none yet'}), the id of a run, or a folder with {TAPE}",
            hint=did_you_mean(name, known),
        ) from None  # fmt: skip
    if not (run.folder / TAPE).is_file():
        raise Complaint(
            "a run without a desk tape", where=str(run.folder), found="report.desk_tape=false, or a run on days",
            expected=f"{TAPE} beside its tables", hint="quintet verify determinism runs the same thing again",
        )  # fmt: skip
    return run.folder


def _checkpoints(folder: Path) -> tuple[tuple[Checkpoint, ...], tuple[str, ...]]:
    """Those that can be read, oldest first, and the names of the others."""
    found: list[Checkpoint] = []
    damaged: list[str] = []
    if not (folder / "checkpoints").is_dir():
        return (), ()
    for path, data in CheckpointFolder(folder / "checkpoints", 1).newest_first():
        try:
            found.append(decode(data, path.name))
        except Damaged:
            damaged.append(path.name)
    return tuple(reversed(found)), tuple(damaged)


def described(place: DeskPlace) -> dict[str, Any]:
    """What a person is told first."""
    notes = place.tape.meta.notes
    return {"desk": place.name, "world": place.world, "system": notes.get("system", ""), "tape": str(place.path)}
