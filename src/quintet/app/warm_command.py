"""`quintet warm`: compile everything a backtest needs, now instead of at the first run."""

import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

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

    What one process has compiled the other finds on disk. The loops are made of the same kernels, so one process begins
    with the system's own and then those of the desk, the other with those of the exchange, and they seldom work on the
    same. The second kind is asked for here again at the end: it is there in a moment, and if the other process came to
    nothing it is compiled now.
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
        compile_exchange()
        compile_left_loop()


def compile_exchange() -> None:
    """What the loop calls last, for the types that it calls it with: how the exchange works, and how it is heard."""
    from numba import typeof, types

    from quintet.core.engine.world import Setup, new_world
    from quintet.core.instrument import DEFAULT_SPOT
    from quintet.core.tape import memory_tape
    from quintet.sim.arrival import arrive_in_book
    from quintet.sim.bars import arrive_in_bars, play_phase
    from quintet.sim.exchange import set_status
    from quintet.sim.loop import deliver_feed, hear
    from quintet.sim.margin import watch_margin
    from quintet.sim.triggers import pull_triggers

    world = new_world(Setup(instruments=(DEFAULT_SPOT,), capital={}))
    tape = memory_tape(world.rows_out[:0], [DEFAULT_SPOT])
    parts = (
        world.desk[0], world.venue[0], world.level, world.venue[0].requests[0], world.shown, world.touches,
        world.rows_out, tape.rows,
    )  # fmt: skip
    desk, venue, level, request, shown, touches, rows_out, rows = map(typeof, parts)
    row, price, number = types.uint16, types.int32, types.int64
    kernels: Any = (
        (arrive_in_bars, (venue, level, request)),
        (arrive_in_book, (venue, level, request)),
        (set_status, (venue, level, row, number, number)),
        (play_phase, (venue, level, row)),
        (pull_triggers, (venue, level, row, price, number)),
        (watch_margin, (venue, level, number)),
        (hear, (desk, venue, shown, rows_out)),
        (deliver_feed, (desk, venue, shown, touches, rows, rows_out, number)),
    )
    for kernel, signature in kernels:
        kernel.compile(signature)


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
