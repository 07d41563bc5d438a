"""The peers, each in a virtual environment of its own, run as processes."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import platformdirs
from numpy.typing import NDArray

from benchmarks import data

PACKAGES = {
    "hbt": "hftbacktest==2.4.4",
    "vbt": "vectorbt==1.2.0",
    "bt": "backtesting==0.6.6",
    "talib": "TA-Lib==0.8.2",
    "talipp": "talipp==2.7.0",
    "nautilus": "nautilus_trader==1.221.0",
    "ccxt": "ccxt==4.5.90",
}
"""Folder of the environment, and what is installed in it: the versions whose results are recorded here."""

ALSO = {"talipp": ("numpy",), "ccxt": ("orjson",)}
"""What the script of a peer needs beyond the peer, or what makes it faster."""


def root() -> Path:
    """Where the environments are: QUINTET_BENCH_VENVS, else the cache folder."""
    return Path(os.environ.get("QUINTET_BENCH_VENVS") or Path(platformdirs.user_cache_dir("quintet")) / "bench-peers")


def python_of(peer: str) -> Path | None:
    """The interpreter of a peer's environment, None when it is not there."""
    found = root() / peer / "bin" / "python"
    return found if found.exists() else None


def install() -> None:
    """Make the environments that are missing; raises CalledProcessError when pip does not find a peer."""
    for peer, package in PACKAGES.items():
        if python_of(peer) is None:
            print(f"fetching {package} into {root() / peer}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(root() / peer)], check=True)
            command = [str(root() / peer / "bin" / "python"), "-m", "pip", "install", "--quiet", package]
            subprocess.run([*command, *ALSO.get(peer, ()), "--disable-pip-version-check"], check=True)


def import_seconds(python: Path, module: str) -> float:
    """Seconds from the start of a new process that imports a module to its end."""
    environment = own_environment()
    begun = time.perf_counter()
    subprocess.run([str(python), "-c", f"import {module}"], check=True, env=environment)
    return time.perf_counter() - begun


def run_script(peer: str, script: str, *arguments: str) -> str:
    """Run a script with a peer's Python; returns what it prints, raises RuntimeError with its last words."""
    python = python_of(peer)
    assert python is not None, peer
    environment = own_environment()
    ran = subprocess.run([str(python), script, *arguments], capture_output=True, text=True, env=environment)
    if ran.returncode != 0:
        raise RuntimeError(f"{PACKAGES[peer]} failed:\n{ran.stderr[-2000:]}")
    return ran.stdout


def _answer(peer: str, *arguments: str) -> dict[str, Any]:
    """Run a script with a peer's Python and read the JSON line it prints last."""
    return _answers(peer, *arguments)[-1]


def _answers(peer: str, *arguments: str) -> list[dict[str, Any]]:
    """Run a script with a peer's Python and read the JSON lines it prints."""
    return [json.loads(line) for line in run_script(peer, *arguments).splitlines() if line.startswith("{")]


def _script(peer: str, name: str, runs: int, *arguments: str) -> tuple[float, dict[str, Any]]:
    """One of the shared scripts: median CPU seconds of `runs` runs, and its checks."""
    folder = data.folder()
    script = str(data.SCRIPTS / name)
    answer = _answer(peer, script, "--data", str(folder), "--runs", str(runs), *arguments)
    return float(answer["cpu_seconds"]), answer["checks"]


def hftbacktest(queue: str, runs: int) -> tuple[float, dict[str, Any]]:
    """W1 in its best configuration (ROIVector depth)."""
    return _script("hbt", "w1_hftbacktest.py", runs, "--depth", "roivec", "--queue", queue)


def vectorbt(runs: int) -> tuple[float, dict[str, Any]]:
    """W2."""
    return _script("vbt", "w2_vectorbt.py", runs)


def backtesting_py(runs: int, entries_file: Path) -> tuple[float, NDArray[np.int64]]:
    """W2: median CPU seconds, and the list of entries."""
    script = str(Path(__file__).with_name("peer_entries.py"))
    answer = _answer("bt", script, str(data.SCRIPTS), str(data.folder()), str(entries_file), str(runs))
    return float(np.median(answer["seconds"])), np.load(entries_file)


def vectorbt_returns(runs: int, at_a_time: int) -> tuple[list[float], float, NDArray[np.float64]]:
    """W4: CPU seconds of each run, the most memory the peer had (MiB), and the return of every pair."""
    script = str(Path(__file__).with_name("peer_returns.py"))
    with tempfile.TemporaryDirectory() as folder:
        returns = Path(folder) / "returns.npy"
        answer = _answer("vbt", script, str(data.folder()), str(returns), str(at_a_time), str(runs))
        return list(answer["seconds"]), float(answer["peak_mib"]), np.load(returns)


def hftbacktest_sets(sets: list[dict[str, Any]], rows: int) -> list[dict[str, Any]]:
    """W1 under each of the sets: what it gave, and its CPU seconds."""
    script = str(Path(__file__).with_name("peer_sets.py"))
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "sets.json"
        wanted.write_text(json.dumps(sets))
        answer = _answer("hbt", script, str(data.SCRIPTS), str(data.folder()), str(wanted), str(rows))
        return list(answer["sets"])


def nautilus(runs: int, rows: int) -> float:
    """W1's rules on NautilusTrader over the first rows: median CPU seconds."""
    return _script("nautilus", "w1_nautilus.py", runs, "--n", str(rows))[0]


class FirstRun(NamedTuple):
    """A process that ran one backtest and ended: its CPU and wall seconds, and what it printed."""

    cpu_seconds: float
    wall_seconds: float
    answer: dict[str, Any]


_NOT_PASSED_ON = ("NUMBA_CACHE_DIR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
"""With the last of these Python would translate every module of ours again in each process, and none of a peer's."""


def own_environment() -> dict[str, str]:
    """What a process that is measured finds around it."""
    return {k: v for k, v in os.environ.items() if k not in _NOT_PASSED_ON}


def first_run(command: list[str], cache: Path | None = None) -> FirstRun:
    """Run a process and measure it whole; `cache`: where numba keeps what it has compiled, for a peer."""
    environment = own_environment()
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    used, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    wall, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return FirstRun(cpu, wall, json.loads(ran.stdout.splitlines()[-1]))


def hftbacktest_first_run(rows: int, cache: Path) -> FirstRun:
    """The first backtest of a new process of hftbacktest."""
    script = str(Path(__file__).with_name("peer_first_run.py"))
    command = [str(python_of("hbt")), script, str(data.SCRIPTS), str(data.folder()), str(rows)]
    return first_run(command, cache)


def indicator_seconds(peer: str, runs: int) -> tuple[float, int]:
    """W3: CPU seconds a bar, the medians of the peer's indicators summed; and how many indicators there are."""
    answers = _answers(
        peer, str(data.SCRIPTS / _INDICATOR_SCRIPTS[peer]), "--data", str(data.folder()), "--runs", str(runs)
    )
    return sum(answer["cpu_seconds"] / answer["n"] for answer in answers), len(answers)


_INDICATOR_SCRIPTS = {"talib": "w3_talib.py", "talipp": "w3_talipp.py", "nautilus": "w3_nautilus.py"}


def indicator_lines(peer: str, rows: int) -> dict[str, NDArray[np.float64]]:
    """W3: the lines of the peer's indicators over the first `rows` bars, in whole ticks."""
    script = str(Path(__file__).with_name("peer_indicators.py"))
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.npz"
        _answer(peer, script, peer, str(data.FOLDER / "bars.npy"), str(rows), str(lines))
        with np.load(lines) as found:
            return dict(found)
