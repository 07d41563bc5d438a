"""`quintet doctor`: is this machine fit, and what would a report of a fault need to say about it?"""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from quintet.app.messages import fail, say, say_json

DISK_FREE_MIN_BYTES: Final = 1_000_000_000
CLOCK_YEAR_MIN: Final = 2025


class Finding(NamedTuple):
    """One thing looked at: what was found, and what is expected when it is not well."""

    name: str
    ok: bool
    found: str
    expected: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Check this machine.

    Versions, folders, permissions, clock, disk, processor, arithmetic.
    """
    findings = list(examine())
    ok = all(finding.ok for finding in findings)
    if as_json:
        say_json({"ok": ok, "checks": [finding._asdict() for finding in findings]})
    else:
        for finding in findings:
            wanted = "" if finding.ok else f"  (expected {finding.expected})"
            say(f"{'well' if finding.ok else 'NOT WELL':<9} {finding.name:<18} {finding.found}{wanted}")
    if not ok:
        fail()


def examine() -> Iterator[Finding]:
    """Every finding, in the order in which it is shown."""
    from quintet.app.backtests import versions
    from quintet.storage.workspace import ENVIRONMENT_NAME

    for name, version in versions().items():
        yield Finding(name, True, version)
    yield Finding("python", sys.version_info >= (3, 11), sys.executable, "Python 3.11 or newer")
    cache = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    yield _folder("kernel cache", cache, "a folder that can be written; QUINTET_CACHE_DIR moves it")
    yield Finding("kernels cached", True, str(_count(cache)))
    root = _workspace_root()
    yield _folder("workspace", root, f"a folder that can be written; {ENVIRONMENT_NAME} moves it")
    yield _disk(root)
    yield _clock()
    yield Finding("processor", True, f"{os.cpu_count()} cores, {_processor()}")
    yield Finding("system", True, platform.platform())
    yield _arithmetic()


def _workspace_root() -> Path:
    from quintet.storage.workspace import workspace

    return workspace().root


def _folder(name: str, folder: Path, expected: str) -> Finding:
    """Writing is tried, not asked for: permissions alone do not tell."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"quintet")
    except OSError as error:
        return Finding(name, False, f"{folder}: {error.strerror}", expected)
    return Finding(name, True, str(folder))


def _disk(folder: Path) -> Finding:
    try:
        free_bytes = shutil.disk_usage(_existing(folder)).free
    except OSError as error:
        return Finding("disk", False, str(error.strerror), "a disk that answers")
    found = f"{free_bytes / 1e9:.1f} GB free"
    return Finding("disk", free_bytes >= DISK_FREE_MIN_BYTES, found, f"{DISK_FREE_MIN_BYTES / 1e9:.0f} GB or more")


def _existing(folder: Path) -> Path:
    """The nearest folder above that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _clock() -> Finding:
    """A clock before this version was written stamps runs in the wrong order."""
    from quintet.app.wiring import clock

    now = clock()
    found = now.isoformat(timespec="seconds")
    return Finding("clock", now.year >= CLOCK_YEAR_MIN, found, f"a time after {CLOCK_YEAR_MIN}-01-01 UTC")


def _arithmetic() -> Finding:
    """IEEE doubles are what equal bits on every machine rest on."""
    from quintet.core.kernel import exp, log

    found = f"exp(1) {exp(1.0).hex()}, log(10) {log(10.0).hex()}"
    expected = "exp(1) 0x1.5bf0a8b14576ap+1, log(10) 0x1.26bb1bbb55516p+1"
    return Finding("arithmetic", found == expected, found, expected)


def _count(cache: Path) -> int:
    """Compiled functions kept on disk."""
    return sum(1 for _ in cache.rglob("*.nbi")) if cache.is_dir() else 0


def _processor() -> str:
    """The model where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
