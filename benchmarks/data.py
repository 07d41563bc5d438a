"""The data of the workloads: made once by the script beside the maintainers' checkout, then read from a cache."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

SCRIPTS = Path(__file__).resolve().parents[2] / "shared" / "bench"
"""Where the maintainers keep the generator and the peers' scripts; absent in a stranger's clone."""

FOLDER = Path(platformdirs.user_cache_dir("quintet")) / "bench-data"


def folder() -> Path | None:
    """The folder with `ticks.npy` and `bars.npy`, made on first use; None where the generator is not there."""
    if not (FOLDER / "bars.npy").exists():
        if not (SCRIPTS / "make_data.py").exists():
            return None
        print(f"making the data in {FOLDER} (once, half a minute)", flush=True)
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as made, tempfile.TemporaryDirectory() as kernels:
            quiet = {**os.environ, "NUMBA_CACHE_DIR": kernels}
            command = [sys.executable, str(SCRIPTS / "make_data.py"), "--data", made]
            subprocess.run(command, check=True, env=quiet, stdout=subprocess.DEVNULL)
            FOLDER.mkdir(exist_ok=True)
            for path in sorted(Path(made).iterdir(), key=lambda path: path.name == "bars.npy"):
                path.replace(FOLDER / path.name)
    return FOLDER


def ticks(rows: int | None = None) -> NDArray[Any]:
    """Depth and trade rows of W1, the first `rows` of them."""
    return _load("ticks.npy")[:rows]


def bars(rows: int | None = None) -> NDArray[Any]:
    """Minute bars of W2, the first `rows` of them."""
    return _load("bars.npy")[:rows]


def _load(name: str) -> NDArray[Any]:
    found = folder()
    if found is None:
        raise FileNotFoundError(f"{name}: the generator is not beside this checkout ({SCRIPTS})")
    return np.load(found / name)  # type: ignore[no-any-return]
