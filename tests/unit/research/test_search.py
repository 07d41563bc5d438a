"""A search asks for the same sets again, learns what is refused, and goes on as if it had not been stopped."""

import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from quintet.core.errors import ConfigError
from quintet.research.search import SearchAxis, search, search_axis
from quintet.research.walk_forward import ParameterSet
from quintet.systems.structure_mm import StructureMmConfig

PARAMS = StructureMmConfig()
AXES = [search_axis(PARAMS, "step_atr", "0.4:1.2"), search_axis(PARAMS, "atr_slow_n", "24:240:log")]


class Hill:
    """An objective whose top is known, instead of a backtest; remembers what it was asked."""

    def __init__(self, stop_after: int = 10**6) -> None:
        self.asked: list[tuple[float, int]] = []
        self.stop_after = stop_after

    def __call__(self, sets: Sequence[ParameterSet]) -> list[Any]:
        found: list[Any] = []
        for each in sets:
            step, slow = each.params.step_atr, each.params.atr_slow_n
            if len(self.asked) == self.stop_after:
                found.append(None)
                continue
            self.asked.append((step, slow))
            found.append(
                SimpleNamespace(set=each, result=SimpleNamespace(low_frac=-abs(step - 0.8) - abs(slow - 96) / 96))
            )
        return found


def run(hill: Hill, **asked: Any) -> Any:
    return search(PARAMS, AXES, hill, **({"trials": 30, "seed": 7} | asked))


def test_the_same_seed_asks_for_the_same_sets_and_another_for_others():
    one, same, other = Hill(), Hill(), Hill()
    run(one)
    run(same)
    run(other, seed=8)
    assert one.asked == same.asked
    assert len(one.asked) == 30
    assert other.asked != one.asked
    assert all(0.4 <= step <= 1.2 and 24 <= slow <= 240 for step, slow in one.asked)


def test_it_looks_where_it_was_good():
    hill = Hill()
    found = run(hill, trials=60)
    early, late = hill.asked[:10], hill.asked[-20:]
    off = [sum(abs(step - 0.8) for step, _ in part) / len(part) for part in (early, late)]
    assert off[1] < off[0]
    assert found.is_complete and len(found.found) == 60


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been():
    whole, half, rest = Hill(), Hill(stop_after=13), Hill()
    run(whole)
    stopped = run(half)
    assert (stopped.is_complete, len(stopped.found)) == (False, 13)
    run(rest)  # asked again from its first set, as after --resume
    assert rest.asked == whole.asked
    assert rest.asked[:13] == half.asked


def test_more_trials_begin_with_the_same_ones():
    few, many = Hill(), Hill()
    run(few, trials=12)
    run(many, trials=20)
    assert many.asked[:12] == few.asked


def test_several_at_a_time_are_the_same_every_time():
    one, same = Hill(), Hill()
    run(one, at_a_time=4)
    run(same, at_a_time=4)
    assert one.asked == same.asked
    assert len(one.asked) == 30


def test_sets_that_the_system_refuses_are_counted_and_not_run():
    hill = Hill()
    axes = [search_axis(PARAMS, "pullback_min_frac", "0.01:0.99")]
    found = search(PARAMS, axes, hill, trials=30, seed=1)
    assert found.refused > 0
    assert found.refused + len(hill.asked) == 30


@pytest.mark.parametrize(
    ("name", "written", "axis"),
    [
        ("step_atr", "0.4:1.2", SearchAxis("step_atr", 0.4, 1.2)),
        ("step_atr", "0.4:1.2:log", SearchAxis("step_atr", 0.4, 1.2, is_logarithmic=True)),
        ("step_atr", "1:3:int", SearchAxis("step_atr", 1.0, 3.0, is_whole=True)),
        ("atr_slow_n", "24:240:log:int", SearchAxis("atr_slow_n", 24.0, 240.0, is_whole=True, is_logarithmic=True)),
        ("atr_slow_n", "24:240", SearchAxis("atr_slow_n", 24.0, 240.0, is_whole=True)),
    ],
)
def test_an_axis_is_read_and_a_whole_number_stays_whole(name, written, axis):
    assert search_axis(PARAMS, name, written) == axis


@pytest.mark.parametrize(
    ("name", "written", "part"),
    [
        ("stepp", "0:1", "space: found 'stepp', expected one of"),
        ("arm_on_choch", "0:1", "expected a parameter that is a number"),
        ("step_atr", "0.4", "expected LO:HI"),
        ("step_atr", "a:b", "expected LO:HI"),
        ("step_atr", "2:1", "LO below HI"),
        ("step_atr", "1:inf", "LO below HI"),
        ("step_atr", "1:2:cube", "log or int behind it"),
        ("step_atr", "0:1:log", "LO above 0 for a logarithmic axis"),
        ("atr_slow_n", "1.5:3", "expected whole numbers"),
    ],
)
def test_an_axis_that_is_none_is_named(name, written, part):
    with pytest.raises(ConfigError, match=part):
        search_axis(PARAMS, name, written)


def test_without_optuna_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"install quintet\[optimize\]"):
        run(Hill())
