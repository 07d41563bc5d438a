"""The suite, and beside it two more passes over the tests that bear a mark.

One pass leaves compilation off (the same bits), one checks array bounds in compiled code. Both compute without a pause,
while a third of the suite's time is waiting for processes and sockets, so they run at once. What the passes beside it
say is printed when the suite is over; the exit code is 1 if any of the three failed.

python -m tools.suite [arguments of pytest for the whole suite]
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

TESTS = Path("tests")


class Pass(NamedTuple):
    """One more pass: what it is, the mark of its tests, and what is set in its environment."""

    title: str
    mark: str
    settings: Mapping[str, str]


BESIDE = (
    Pass("once more with compilation off (the same bits)", "jit_off", {"NUMBA_DISABLE_JIT": "1"}),
    Pass("once more with compiled array bounds checked", "bounds", {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1"}),
)
SUITE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


class Running(NamedTuple):
    """A pass at work: its process and what it has said so far."""

    of: Pass
    process: subprocess.Popen[bytes]
    said: IO[bytes]


def main(arguments: Sequence[str]) -> int:
    """Run all three; returns the exit code."""
    began_s = time.monotonic()
    with ExitStack() as files:
        beside = [start(one, files.enter_context(tempfile.TemporaryFile())) for one in BESIDE]
        print("quintet: the whole suite, and beside it two passes over a part of it", flush=True)
        failed = subprocess.run([*pytest(), *SUITE, *arguments], check=False).returncode != 0
        for running in beside:
            failed |= running.process.wait() != 0
            print(f"quintet: {running.of.title}", flush=True)
            running.said.seek(0)
            sys.stdout.buffer.write(running.said.read())
            sys.stdout.flush()
    print(f"quintet: {'FAILED' if failed else 'passed'} in {time.monotonic() - began_s:.0f} s")
    return int(failed)


def start(one: Pass, said: IO[bytes]) -> Running:
    """Let a pass run over the files that bear its mark, in a process of its own that writes into `said`."""
    command = [*pytest(), "-m", one.mark, *marked(one.mark)]
    environment = {**os.environ, **one.settings}
    return Running(one, subprocess.Popen(command, env=environment, stdout=said, stderr=said), said)


def pytest() -> list[str]:
    """The words that begin a run of pytest."""
    return [sys.executable, "-m", "pytest", "-q"]


def marked(mark: str, root: Path = TESTS) -> list[str]:
    """The test files that bear a mark; others make their markets when they are read, minutes without compilation."""
    return sorted(str(path) for path in root.rglob("test_*.py") if f"mark.{mark}" in path.read_text("utf-8"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
