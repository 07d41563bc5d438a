"""Regimes, their weights, and that neither flaps."""

import pytest

from quintet.systems.eternal.config import ENGINES, OrchestratorConfig
from quintet.systems.eternal.dates import day_of, next_halving
from quintet.systems.eternal.regimes import WEIGHTS_BP, RegimeState, observe
from tests.unit.systems.eternal.builders import picture

CONFIG = OrchestratorConfig()
DAY = day_of(2022, 6, 1)
CALM = picture(60_000)
BEAR = picture(40_000, fast_average=45_000.0)
WILD = picture(60_000, volatility=0.81)
BULL = picture(60_000, adx=41.0)


def after(pictures, state=None, day=DAY):
    """The states day by day."""
    state = RegimeState() if state is None else state
    found = []
    for n, seen in enumerate(pictures):
        state = observe(state, seen, day + n, CONFIG)
        found.append(state)
    return found


@pytest.mark.req("E-90")
def test_the_default_weights():
    assert dict(RegimeState().weights_bp) == {"CORE": 6_000, "TREND": 2_000, "FUNDING": 1_500, "TACTICAL": 500}


@pytest.mark.req("E-91", "E-92", "E-93")
@pytest.mark.parametrize(
    ("seen", "regime", "weights"),
    [
        (BULL, "strong_bull", (5_000, 3_500, 1_000, 500)),
        (BEAR, "bear", (7_000, 500, 1_500, 1_000)),
        (WILD, "high_volatility", (5_500, 1_500, 2_500, 500)),
        (picture(40_000, fast_average=45_000.0, volatility=2.0), "bear", (7_000, 500, 1_500, 1_000)),
        (picture(60_000, adx=41.0, volatility=2.0), "high_volatility", (5_500, 1_500, 2_500, 500)),
    ],
)
def test_a_regime_holds_after_three_closes_and_brings_its_weights(seen, regime, weights):
    states = after([seen] * 10)
    assert [state.regime for state in states[:3]] == ["default", "default", regime]
    assert tuple(states[-1].weights_bp[engine] for engine in ENGINES) == weights


@pytest.mark.req("E-91")
@pytest.mark.parametrize(
    "seen", [picture(60_000, adx=40.0), picture(60_000, adx=45.0, plus=10.0), picture(49_000, adx=45.0)]
)
def test_a_strong_trend_that_falls_is_no_bull(seen):
    assert after([seen] * 5)[-1].regime == "default"


@pytest.mark.req("E-94")
def test_the_half_year_before_the_estimated_halving():
    estimate = day_of(2020, 5, 11) + 1_458
    assert next_halving(day_of(2024, 4, 19)) == estimate
    assert after([CALM] * 5, day=estimate - 185)[-1].regime == "default"
    assert after([CALM] * 5, day=estimate - 180)[-1].regime == "before_halving"
    assert dict(WEIGHTS_BP["before_halving"]) == {"CORE": 5_000, "TREND": 3_000, "FUNDING": 1_500, "TACTICAL": 500}


@pytest.mark.req("E-94")
def test_a_halving_is_not_known_before_its_day():
    assert next_halving(day_of(2024, 4, 20)) == day_of(2024, 4, 20) + 1_458
    assert next_halving(day_of(2010, 1, 1)) is None


def test_a_regime_lasts_two_weeks():
    states = after([BEAR] * 3 + [CALM] * 20)
    assert [state.regime for state in states].index("default", 3) == 2 + 14


def test_one_close_is_no_regime():
    assert {state.regime for state in after([CALM, BEAR, BEAR, CALM] * 5)} == {"default"}


def test_volatility_goes_off_lower_than_it_came_on():
    states = after([WILD] * 3 + [picture(60_000, volatility=0.70)] * 20 + [picture(60_000, volatility=0.65)] * 3)
    assert [state.regime for state in states[2:-1]] == ["high_volatility"] * 23
    assert states[-1].regime == "default"


def test_weights_move_five_points_a_day_at_most_and_sum_to_the_whole():
    before = RegimeState().weights_bp
    for state in after([BEAR] * 10):
        assert sum(state.weights_bp.values()) == 10_000
        assert max(abs(state.weights_bp[engine] - before[engine]) for engine in ENGINES) <= 500
        before = state.weights_bp
