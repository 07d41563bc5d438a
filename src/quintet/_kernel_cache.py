"""Where compiled kernels are kept on disk, and the key that makes stale ones impossible.

Numba notices neither a change in a function that a kernel calls from another file, nor a change of
compile settings. So the folder's name is a hash of every source file, the versions and the settings
that reach the machine code: whatever changes, the folder is another one, and undoing the change finds
the old one again. Rooms that may hold no kernel are left out, and files of `research` that hold none: editing a
help text or a report compiles nothing anew.
The folder is bound to path, file times and CPU, so it is warmed where it will run.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs

_SETTINGS = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_DEBUGINFO")

ROOMS_WITHOUT_KERNELS = (
    "app",
    "core/execution",
    "ports",
    "runtime",
    "sandbox",
    "storage",
    "systems/eternal",
    "systems/own",
    "venues",
)
"""Folders below the package. A test holds them to it: nothing there is compiled, nor is a constant of theirs."""

_LEFT_OUT = tuple(f"{room}/" for room in ROOMS_WITHOUT_KERNELS)

ROOM_WITH_FEW_KERNELS = "research"
"""A file there counts when it names the compile decorator; a test holds that it takes nothing from its neighbours."""


def cache_key() -> str:
    """16 hex digits over sources, the versions of Python, numba, llvmlite and NumPy, and compile settings."""
    digest = hashlib.sha256()
    for name, path in sorted(_sources(str(Path(__file__).parent), "")):
        text = Path(path).read_bytes()
        if name.startswith(f"{ROOM_WITH_FEW_KERNELS}/") and b"quintet.core.kernel" not in text:
            continue
        # Name and length stand before the text, so that no two trees run together into the same bytes.
        digest.update(f"{name} {len(text)}\n".encode() + text)
    digest.update(sys.version.encode())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(f"{package}={_installed(package)}".encode())
    for name in _SETTINGS:
        digest.update(f"{name}={os.environ.get(name, '')}".encode())
    return digest.hexdigest()[:16]


def _sources(folder: str, room: str) -> Iterator[tuple[str, str]]:
    """Name below the package, and path, of each source file that may reach machine code.

    Every start of a process pays for this, so it walks on bare strings: `pathlib` takes four times as long.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            name = room + entry.name
            if entry.is_dir():
                if f"{name}/" not in _LEFT_OUT:
                    yield from _sources(entry.path, f"{name}/")
            elif name.endswith(".py"):
                yield name, entry.path


def _installed(package: str) -> str:
    """Name and version of an installed package, as its folder of metadata is called.

    `importlib.metadata` says the same and takes longer to import than all the rest of quintet; it is asked where no
    such folder lies on the path.
    """
    for folder in sys.path:
        for found in sorted(Path(folder or ".").glob(f"{package}-*.dist-info")):
            return found.name
    from importlib import metadata

    return metadata.version(package)


def use() -> Path:
    """Point numba at the keyed folder; must run before the first compilation of the process.

    `QUINTET_CACHE_DIR` moves the parent folder. It is set through the environment because
    `numba.config.CACHE_DIR` is forgotten at the first compilation.
    """
    parent = os.environ.get("QUINTET_CACHE_DIR") or platformdirs.user_cache_dir("quintet")
    folder = Path(parent) / f"kernels-{cache_key()}"
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    if "numba" in sys.modules:
        # Somebody imported the compiler before us; without this, kernels would land beside their source, unkeyed.
        sys.modules["numba"].config.reload_config()
    return folder
