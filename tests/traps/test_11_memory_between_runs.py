"""Trap 11: a fold remembers the fold before, or trades before it is warm. Every run begins with an empty memory."""

from collections.abc import Callable
from typing import Any

import pytest

from quintet.core.events import PLACE, timeframe_ns
from quintet.research.moments import Trader, travel
from quintet.research.synthetic import synthesize
from quintet.research.systems import find
from quintet.research.tape_markets import between
from quintet.storage.candle_sources import from_bars
from quintet.systems.structure_mm import StructureMmConfig
from tests.leaks import CarriedOver, tape_of
from tests.python_traders import FILLS, STRUCTURE, options, trader

BARS = synthesize(16, days=6, timeframe="5m")
TAPE = tape_of(from_bars({FILLS: BARS}, STRUCTURE, FILLS))
DAY_NS = 86_400 * 10**9
FOLDS = tuple((int(BARS.ts_open[0]) + n * DAY_NS + 1, int(BARS.ts_open[0]) + (n + 2) * DAY_NS + 1) for n in (0, 2, 4))

Run = Callable[[tuple[int, int]], bytes]
"""A stretch of time to everything that was decided in it."""


def deciding(who: Callable[[], Trader]) -> Run:
    def run(fold: tuple[int, int]) -> bytes:
        journey = travel(between(TAPE, *fold), who(), "pessimistic", (), to_end=True)
        return bytes(journey.parts["commands"].tobytes())

    return run


def check(run: Run) -> list[str]:
    """Folds whose decisions depend on which folds were run before them."""
    alone = {fold: run(fold) for fold in FOLDS}
    assert any(alone.values())
    backwards = {fold: run(fold) for fold in reversed(FOLDS)}
    return [f"fold {n}" for n, fold in enumerate(FOLDS) if alone[fold] != backwards[fold]]


def structure_mm() -> Trader:
    return Trader(find("structure_mm"), StructureMmConfig(atr_slow_n=48), options())


@pytest.mark.parametrize("who", [trader, structure_mm])
def test_folds_may_be_run_in_any_order(who: Callable[[], Trader]):
    assert check(deciding(who)) == []


def test_a_memory_that_survives_the_run_is_found():
    carried = CarriedOver()
    assert check(deciding(lambda: trader(carried))) != []


# ---- warm-up -----------------------------------------------------------------------------------------------------


def check_warm_up(who: Trader, bars: int) -> list[str]:
    """Orders before a system has seen so many bars of structure."""
    placed: Any = travel(TAPE, who, "pessimistic", (), to_end=True).parts["commands"]
    placed = placed[placed["kind"] == PLACE]
    assert len(placed) > 0
    ready_ns = int(TAPE.census.first_ns) + (bars - 1) * timeframe_ns(STRUCTURE)
    return [f"order {number}" for number in placed["number"][placed["ts"] < ready_ns]]


def test_nothing_is_traded_while_averages_are_not_there_yet():
    assert check_warm_up(structure_mm(), StructureMmConfig(atr_slow_n=48).atr_slow_n) == []


def test_a_system_that_trades_cold_is_found():
    eager = trader(lambda state, params, view: 1.0)
    assert len(check_warm_up(eager, 48)) == 1
