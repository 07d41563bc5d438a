"""A paper desk as what it is: a backtest of the market tape that it has heard."""

from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from quintet.core import state as s
from quintet.core.digest import command_hash
from quintet.core.events import ROW
from quintet.core.row_laws import frozen
from quintet.core.tape import Tape
from quintet.ports.command_rows import command_rows
from quintet.research.backtest import Kept, world_before
from quintet.research.desk_parity import commands_on
from quintet.research.desk_replay import DeskRun
from quintet.research.desk_words import command_words
from quintet.research.systems import loop
from quintet.research.tick_setup import tick_book
from quintet.sim.config import TickExecutionConfig
from quintet.storage.tape_files import open_tape

MARKET_TAPE: Final = "market.tape"


class Again(NamedTuple):
    """What the backtest gave. `differs_at`: index of the first other command, with what it is and what was expected.

    `ahead`: commands after the last one on the desk tape, of a desk that was killed while it wrote.
    """

    commands: int
    command_hash: str
    ahead: int
    differs_at: int | None = None
    found: str = ""
    expected: str = ""


def backtest_again(path: Path, desk_tape: Tape, run: DeskRun) -> Again:
    """Run the market tape as a backtest does, up to where the desk has heard it, and compare every command."""
    market = open_tape(path)
    told = msgspec.json.decode(desk_tape.meta.notes["tick_execution"], type=TickExecutionConfig)
    book = tick_book(market, run.system, told)
    world = world_before(market, run.system, run.params, run.options._replace(book=book), run.policy)
    kept = Kept()
    # One row more than is run: a desk waits for its next message, and does not know that there is none.
    rows = s.Tape(frozen(np.concatenate([np.asarray(market.rows), np.zeros(1, ROW)])))
    run_loop = loop(run.system)
    with np.errstate(over="ignore"):
        while (why := run_loop(rows, world, len(market.rows))) in (s.FULL, s.DEFINITION):
            kept.take(world)
            if why == s.DEFINITION:  # what a desk trades is what it was begun with
                world.venue[0].defined = int(world.venue[0].cursor) + 1
    kept.take(world)
    commands = kept.column("commands")
    found, expected = np.asarray(command_rows(commands)), commands_on(desk_tape)
    common = min(len(found), len(expected))
    same = np.array([one.tobytes() == other.tobytes() for one, other in zip(found, expected, strict=False)], bool)
    if not same.all() or len(found) < len(expected):
        at = int(np.argmin(same)) // 2 if not same.all() else common // 2
        instruments = run.options.instruments
        here, there = (command_words(rows[2 * at : 2 * at + 2], instruments) for rows in (found, expected))
        return Again(
            len(commands), command_hash(world.desk[0]), 0, at,
            f"found {here[0] if here else 'none'}", f"expected {there[0] if there else 'none'}",
        )  # fmt: skip
    return Again(len(commands), command_hash(world.desk[0]), (len(found) - len(expected)) // 2)
