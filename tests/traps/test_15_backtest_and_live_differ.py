"""Trap 15: the backtest and the desk are two programs, or one that is not the same twice.

The same events go through the run of a backtest, a desk that hears them one by one, a run that is interrupted and
resumed from bytes, and all of it again: equal decisions, equal memory. Figures are checked against an independent
library in `tests/unit/research/test_metrics.py`.
"""

from collections.abc import Callable

import pytest

from quintet.core.digest import command_hash, state_hash
from quintet.core.state import World
from quintet.research.backtest import fresh_world
from quintet.research.interruptions import random_stops, run_interrupted
from quintet.research.moments import Trader
from quintet.research.synthetic import synthesize
from quintet.research.systems import find, loop
from quintet.runtime.session import PaperSession
from quintet.storage.candle_sources import from_bars
from quintet.systems.structure_mm import StructureMmConfig
from tests.leaks import CarriedOver, tape_of
from tests.python_traders import FILLS, STRUCTURE, options, trader

TAPE = tape_of(from_bars({FILLS: synthesize(16, days=4, timeframe="5m")}, STRUCTURE, FILLS))
POLICY = "pessimistic"


def a_world(who: Trader) -> World:
    return fresh_world(who.system, who.params, who.options, POLICY)


def hashes_of(world: World) -> tuple[str, str]:
    return command_hash(world.desk[0]), state_hash(world.desk, world.state)


def as_a_backtest(who: Trader) -> tuple[str, str]:
    return hashes_of(run_interrupted(TAPE, who, POLICY, ()).world)


def one_message_at_a_time(who: Trader) -> tuple[str, str]:
    """As a paper desk hears a live market."""
    world = a_world(who)
    session = PaperSession(world, who.advance or loop(who.system))
    list(session.hear(TAPE.event_rows()))
    list(session.end())
    return hashes_of(world)


def with_interruptions(who: Trader) -> tuple[str, str]:
    return hashes_of(run_interrupted(TAPE, who, POLICY, random_stops(TAPE, 10, seed=1)).world)


WAYS = (as_a_backtest, one_message_at_a_time, with_interruptions, as_a_backtest)


def check(who: Callable[[], Trader]) -> list[str]:
    """Ways of running the same events that end with other decisions or another memory than the first."""
    first = WAYS[0](who())
    return [way.__name__ for way in WAYS[1:] if way(who()) != first]


def structure_mm() -> Trader:
    setting = options()._replace(structure=FILLS)
    return Trader(find("structure_mm"), StructureMmConfig(atr_slow_n=48), setting)


@pytest.mark.parametrize("who", [trader, structure_mm])
def test_one_text_runs_everywhere(who: Callable[[], Trader]):
    assert as_a_backtest(who())[0] != hashes_of(a_world(who()))[0]
    assert check(who) == []


# ---- planted -----------------------------------------------------------------------------------------------------


def test_a_memory_beside_the_state_is_found():
    carried = CarriedOver()
    assert len(check(lambda: trader(carried))) == 3


def test_a_system_that_asks_how_often_it_was_asked_is_found():
    calls = iter(range(10**9))
    unsteady = trader(lambda state, params, view: (next(calls) // 7) % 2 - 0.5)
    assert check(lambda: unsteady) != []
