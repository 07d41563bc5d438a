"""`quintet warm`: compile everything a backtest needs, now instead of at the first run."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from quintet.app.messages import progress, say, say_json

WARM_BARS: Final = 600
"""Structure bars: enough to leave the warm-up, so that every part has run once."""


def warm(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Compile the kernels now.

    They are kept on disk, for this version on this machine.
    """
    from quintet.app import backtests, wiring
    from quintet.app.config import SYSTEMS, find_system, load
    from quintet.app.markets import MarketRequest
    from quintet.research.systems import of_class
    from quintet.storage.workspace import Workspace
    from quintet.systems.own import System

    class Onlooker(System):
        """A system in plain Python that wants nothing: the loop that such systems are run by is compiled for it."""

        def on_bar(self, view: object) -> None:
            """See a bar and say nothing."""

    began = wiring.clock()
    with tempfile.TemporaryDirectory(prefix="quintet-warm-") as folder, progress("compiling the kernels (once)"):
        for system in [*map(find_system, SYSTEMS), of_class(Onlooker, "")]:
            request = MarketRequest(load(system=system), "warm", bars=WARM_BARS)
            backtests.run(backtests.Task(system, request, ["warm"]), wiring.parts(), Workspace(Path(folder)), began)
    seconds = (wiring.clock() - began).total_seconds()
    cache = os.environ.get("NUMBA_CACHE_DIR", "")
    if as_json:
        say_json({"ok": True, "seconds": seconds, "cache": cache})
    else:
        say(f"kernels are ready in {cache} ({seconds:.1f} s)")
