"""The folder where quintet keeps what it made (candles, tapes, runs, desks); and how a file appears there: whole."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from quintet.core.errors import ConfigError

ENVIRONMENT_NAME: Final = "QUINTET_WORKSPACE"
LEDGER_ENVIRONMENT_NAME: Final = "QUINTET_LEDGER"
LEDGER: Final = "trials.sqlite"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One root with its folders, each made when it is first asked for, and a ledger of trials.

    `own_ledger`: another ledger than the root's, for work that shall not count: tests, benchmarks, verification.
    """

    root: Path
    own_ledger: Path | None = None

    @property
    def data(self) -> Path:
        """Imported and downloaded candle sets."""
        return self._folder("data")

    @property
    def tapes(self) -> Path:
        """Tapes built from candle sets or from the generator."""
        return self._folder("tapes")

    @property
    def runs(self) -> Path:
        """One folder for each run."""
        return self._folder("runs")

    @property
    def sweeps(self) -> Path:
        """One folder for each sweep or search."""
        return self._folder("sweeps")

    @property
    def desks(self) -> Path:
        """One folder for each desk."""
        return self._folder("desks")

    @property
    def ledger(self) -> Path:
        """The file that counts every trial; not made here."""
        return self.own_ledger or self.root / LEDGER

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"workspace folder {folder} cannot be made: {error.strerror}; "
                f"choose another with the environment variable {ENVIRONMENT_NAME}"
            ) from None
        return folder


def workspace() -> Workspace:
    """The workspace named by `QUINTET_WORKSPACE`, else the user's data folder of this operating system.

    `QUINTET_LEDGER` names another ledger of trials than the workspace's own.
    """
    named, ledger = os.environ.get(ENVIRONMENT_NAME), os.environ.get(LEDGER_ENVIRONMENT_NAME)
    root = Path(named) if named else Path(platformdirs.user_data_dir("quintet"))
    return Workspace(root, Path(ledger) if ledger else None)


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it appears whole or not at all, also after a power cut; an older one is replaced.

    Raises OSError when the folder cannot be written; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    half = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; most of what we keep is as readable as anything else the user writes.
        half.chmod(mode)
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
