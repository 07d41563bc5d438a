"""A run that is taken apart and put together again is the run."""

import numpy as np
import pytest

from quintet.core.events import LAST
from quintet.research.interruptions import random_stops, run_interrupted
from quintet.research.synthetic import synthesize
from quintet.storage.candle_sources import from_bars
from tests.leaks import CarriedOver, tape_of
from tests.python_traders import FILLS, STRUCTURE, trader

pytestmark = pytest.mark.xdist_group("loop")

TAPE = tape_of(from_bars({FILLS: synthesize(4, days=3, timeframe="5m")}, STRUCTURE, FILLS))


def test_stops_are_ends_of_messages_and_the_seed_decides_them():
    stops = random_stops(TAPE, 30, seed=1)
    rows = np.asarray(TAPE.rows)
    assert stops == sorted(set(stops)) == random_stops(TAPE, 30, seed=1) != random_stops(TAPE, 30, seed=2)
    assert all(rows["bits"][stop - 1] & LAST for stop in stops)
    assert TAPE.first_row < stops[0] <= stops[-1] < len(rows)


@pytest.mark.jit_off
@pytest.mark.parametrize("policy", ["pessimistic", "olhc"])
def test_an_interrupted_run_is_the_run(policy: str):
    whole = run_interrupted(TAPE, trader(), policy, ())
    taken_apart = run_interrupted(TAPE, trader(), policy, random_stops(TAPE, 25, seed=3))
    assert len(whole.fills) > 20
    assert (taken_apart.command_hash, taken_apart.state_hash) == (whole.command_hash, whole.state_hash)
    for part in ("commands", "fills", "notes", "samples"):
        assert getattr(taken_apart, part).tobytes() == getattr(whole, part).tobytes()


def test_a_memory_that_no_checkpoint_holds_is_found():
    # given a system that remembers something outside its state
    whole = run_interrupted(TAPE, trader(CarriedOver()), "pessimistic", ())
    forgetful = CarriedOver()

    def forgets(state, params, view):
        if state.bars % 50 == 0:
            forgetful.mean = 0.0  # as a new process would
        return forgetful(state, params, view)

    again = run_interrupted(TAPE, trader(forgets), "pessimistic", random_stops(TAPE, 5, seed=3))
    assert again.command_hash != whole.command_hash
