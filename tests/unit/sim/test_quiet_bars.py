"""Bars taken in while nothing is at work: the same marks, samples and halts as where every row is asked for."""

from typing import Any

import numpy as np
import pytest

from quintet.core.state import EVERY_MARK, LAST_OF_DAY, World
from quintet.core.tape import Tape
from tests.desk_worlds import START, bar_tape, dice_world, run, walking_bars
from tests.players import player_params, run_inside

DAY_BARS = 24 * 60
DAY_NS = DAY_BARS * 60_000_000_000
BARS = DAY_BARS + 120


@pytest.fixture(scope="module")
def three_days() -> Tape:
    """The last hour of a day, the day after it, and another hour."""
    return bar_tape(walking_bars(5, BARS), (START // DAY_NS + 1) * DAY_NS - 3_600_000_000_000)


CAPITAL = {"USDT": 100_000_000_000, "COIN": 10_000_000_000}


def a_run(tape: Tape, sampling: int, *, watched: bool, drawdown_e9: int = 0, wants_max: int = 0) -> World:
    """A desk that holds coins, and wants up to `wants_max` orders now and then; `watched`: no bar is quiet."""
    dice = player_params(wants_max=wants_max, keep_in_ten=9)
    world = dice_world(3, params=dice, capital=CAPITAL, recording=watched)
    world.venue[0].sampling = sampling
    world.desk[0].breaker.drawdown_e9 = drawdown_e9
    run(run_inside, tape, world)
    assert len(samples(world)) > 0
    return world


def samples(world: World) -> Any:
    return np.asarray(world.samples[: int(world.venue[0].n_samples)])


@pytest.mark.parametrize("wants_max", (0, 3), ids=("silent", "seldom"))
@pytest.mark.parametrize("drawdown_e9", (0, 1_000), ids=("no rule", "a rule that trips"))
@pytest.mark.parametrize("sampling", (EVERY_MARK, LAST_OF_DAY), ids=("every mark", "last of a day"))
def test_quiet_bars_mark_and_sample_as_watched_ones_do(
    three_days: Tape, sampling: int, drawdown_e9: int, wants_max: int
) -> None:
    quiet, watched = (
        a_run(three_days, sampling, watched=each, drawdown_e9=drawdown_e9, wants_max=wants_max)
        for each in (False, True)
    )
    assert quiet.desk.tobytes() == watched.desk.tobytes()
    assert quiet.state.tobytes() == watched.state.tobytes()
    assert samples(quiet).tobytes() == samples(watched).tobytes()
    assert (quiet.desk[0].breaker.causes != 0) == (drawdown_e9 != 0)


def test_of_each_day_the_last_mark_is_kept_and_the_first_of_all(three_days: Tape) -> None:
    every = samples(a_run(three_days, EVERY_MARK, watched=False))
    kept = samples(a_run(three_days, LAST_OF_DAY, watched=False))
    day = (every["ts"] - 1) // DAY_NS
    last_of_day = np.flatnonzero(np.diff(day, append=day[-1] + 1))
    assert len(every) == BARS
    assert kept.tobytes() == every[np.concatenate(([0], last_of_day))].tobytes()
