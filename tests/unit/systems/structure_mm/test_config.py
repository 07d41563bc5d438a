"""The parameters of structure_mm: the proposed defaults, their bounds, and what may not contradict."""

from typing import Any

import msgspec
import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.parameters import ParameterError, describe
from quintet.systems.structure_mm.config import StructureMmConfig, require_spot

PROPOSED = {
    "atr_n": 14,
    "atr_slow_n": 288,
    "pivot_left": 3,
    "pivot_right": 3,
    "swing_min_atr": 3.0,
    "break_buffer_atr": 0.10,
    "bos_potential_ttl_bars": 12,
    "bos_timeout_bars": 48,
    "pullback_min_atr": 1.0,
    "pullback_min_frac": 0.25,
    "pullback_max_frac": 0.786,
    "defensive_frac": 0.618,
    "step_atr": 0.8,
    "as_prior_bp": 1.0,
    "as_atr": 0.10,
    "edge_bp": 2.0,
    "n_bids": 4,
    "n_start": 2,
    "w_target": 0.15,
    "w_soft": 0.25,
    "w_hard": 0.40,
    "risk_episode": 0.005,
    "spacing_inventory": 1.0,
    "guard_atr": 0.25,
    "hard_stop_atr": 1.0,
    "rebalance_ttl_bars": 6,
    "mm_ttl_bars": 96,
    "exit_ttl_bars": 6,
    "cooldown_bars": 12,
    "v_defensive": 1.5,
    "v_calm": 1.25,
    "v_shock": 3.0,
    "day_loss": 0.01,
    "drawdown_kill": 0.05,
}
"""Section 3.1 of the specification's reading, written out again on purpose: a changed default is a decision."""


def test_the_defaults_are_the_proposed_ones() -> None:
    config = msgspec.structs.asdict(StructureMmConfig())
    assert {name: config[name] for name in PROPOSED} == PROPOSED


def test_every_parameter_has_a_unit_and_a_reason() -> None:
    described = {entry.name: entry for entry in describe(StructureMmConfig)}
    assert set(described) == set(StructureMmConfig.__struct_fields__)
    for entry in described.values():
        assert entry.unit
        assert entry.reason
        assert entry.bounds or isinstance(entry.default, bool)


@pytest.mark.parametrize(
    ("given", "key", "says"),
    [
        ({"w_target": 0.3}, "w_target", "at most w_soft"),
        ({"w_soft": 0.4}, "w_soft", "below w_hard"),
        ({"v_calm": 1.6}, "v_calm", "at most v_defensive"),
        ({"v_defensive": 3.0}, "v_defensive", "below v_shock"),
        ({"atr_n": 288}, "atr_n", "below atr_slow_n"),
        ({"pullback_min_frac": 0.8}, "pullback_min_frac", "below pullback_max_frac"),
        ({"defensive_frac": 0.8}, "defensive_frac", "at most pullback_max_frac"),
        ({"day_defensive": 0.02}, "day_defensive", "at most day_loss"),
        ({"day_loss": 0.05}, "day_loss", "below drawdown_kill"),
        ({"as_min_fills": 300}, "as_min_fills", "at most as_window_fills"),
    ],
)
def test_two_parameters_that_contradict_each_other_are_refused(given: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as refused:
        StructureMmConfig(**given)
    assert refused.value.key == key


@pytest.mark.parametrize(
    "given", [{"atr_n": 1}, {"w_hard": 0.5}, {"n_bids": 17}, {"pivot_right": 11}, {"edge_bp": -1.0}, {"atr": 14}]
)
def test_a_value_out_of_bounds_and_a_stranger_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, StructureMmConfig)


def test_nothing_is_decided_before_the_slow_average_exists() -> None:
    assert StructureMmConfig().warm_up_bars == 289


@pytest.mark.req("S-04")
@pytest.mark.parametrize("kind", ["linear", "inverse"])
def test_only_spot_is_traded(kind: str) -> None:
    require_spot(DEFAULT_SPOT)
    with pytest.raises(ParameterError, match=rf"instrument\.kind is {kind} \(ETHUSDT\), expected spot"):
        require_spot(msgspec.structs.replace(DEFAULT_SPOT, kind=kind))
