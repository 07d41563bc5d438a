"""`quintet warm`: compile everything a backtest needs, now instead of at the first run."""

import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from quintet.app.messages import progress, say, say_json

if TYPE_CHECKING:
    from quintet.research.systems import KernelSystem

WARM_BARS: Final = 600
"""Structure bars: enough to leave the warm-up, so that every part has run once."""


def warm(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Compile the kernels now.

    They are kept on disk, for this version on this machine.
    """
    from quintet.app import wiring

    began = wiring.clock()
    with progress("compiling the kernels (once)"):
        compile_all()
    seconds = (wiring.clock() - began).total_seconds()
    cache = os.environ.get("NUMBA_CACHE_DIR", "")
    if as_json:
        say_json({"ok": True, "seconds": seconds, "cache": cache})
    else:
        say(f"kernels are ready in {cache} ({seconds:.1f} s)")


def compile_all() -> None:
    """Compile both kinds of loop, at once where there are two processors.

    What one process has compiled the other finds on disk. The loops are made of the same kernels, but one begins with
    the system's own, so that the two seldom work on the same. The second kind is asked for here again at the end: it
    is there in a moment, and if the other process came to nothing it is compiled now.
    """
    import multiprocessing

    if (os.cpu_count() or 1) > 1:
        beside = multiprocessing.get_context("spawn").Process(target=_compile_in_silence)
        beside.start()
        compile_loops_with_systems()
        beside.join()
    else:
        compile_loops_with_systems()
    compile_left_loop()


def _compile_in_silence() -> None:
    """What the other process does: this one tells how far the work is."""
    with contextlib.redirect_stderr(io.StringIO()):
        compile_left_loop()


def compile_loops_with_systems() -> None:
    """The loop with each system of quintet inside."""
    from quintet.app.config import SYSTEMS, find_system

    for name in SYSTEMS:
        _run_a_little(find_system(name))


def compile_left_loop() -> None:
    """The loop that systems in plain Python are run by."""
    from quintet.research.systems import of_class
    from quintet.systems.own import System

    class Onlooker(System):
        """Wants nothing."""

        def on_bar(self, view: object) -> None:
            """See a bar and say nothing."""

    _run_a_little(of_class(Onlooker, ""))


def _run_a_little(system: "KernelSystem") -> None:
    from quintet.app import backtests, wiring
    from quintet.app.config import load
    from quintet.app.markets import MarketRequest
    from quintet.storage.workspace import Workspace

    with tempfile.TemporaryDirectory(prefix="quintet-warm-") as folder:
        request = MarketRequest(load(system=system), "warm", bars=WARM_BARS)
        task = backtests.Task(system, request, ["warm"])
        backtests.run(task, wiring.parts(), Workspace(Path(folder)), wiring.clock())
