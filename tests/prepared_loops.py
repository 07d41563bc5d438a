"""Compiles the loops that many test files need before the suite begins: each once, two at a time.

    python -m tests.prepared_loops

The workers of the suite begin together and ask for the same loops at the same moment; each would compile them for
itself. What is compiled here is kept on disk, where the workers find it.
"""

import multiprocessing
from collections.abc import Callable
from typing import Final

import numpy as np

from quintet.core.engine.entry import new_progress
from quintet.core.engine.replay import replay
from quintet.core.state import World
from tests.desk_worlds import bar_tape, dice_world, run, walking_bars
from tests.players import asked, enter_inside, player, replay_inside, replay_left, run_inside, run_left

TAPE: Final = bar_tape(walking_bars(1, 10))


def a_world() -> World:
    return dice_world(recording=True)


def run_a_player() -> None:
    run(run_inside, TAPE, a_world())


def run_one_that_is_left() -> None:
    run_left(TAPE, a_world(), 1)


def replay_a_player() -> None:
    replay(replay_inside, TAPE.rows, a_world())


def replay_one_that_is_left() -> None:
    replay(replay_left, TAPE.rows, a_world(), asked(player))


def enter_a_player() -> None:
    enter_inside(TAPE.rows, a_world(), new_progress())


FIRST: Final = (run_a_player, enter_a_player)
SECOND: Final = (run_one_that_is_left, replay_a_player, replay_one_that_is_left)
"""What each process compiles. What both need, the kernels inside, is compiled by whoever comes to it first."""


def prepare(loops: tuple[Callable[[], None], ...]) -> None:
    with np.errstate(over="ignore"):
        for loop in loops:
            loop()


def main() -> None:
    beside = multiprocessing.get_context("spawn").Process(target=prepare, args=(SECOND,))
    beside.start()
    prepare(FIRST)
    beside.join()


if __name__ == "__main__":
    main()
