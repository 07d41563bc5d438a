"""Which market it is, and the weights that go with it, so that neither flaps.

Of Bitcoin's daily closes, the first that holds: bear, high volatility, strong bull, before the halving, default. A
regime begins after three closes, lasts two weeks, and weights move five points a day at most. Source: table 6.1 of
the specification and its reading G30, which gives the conditions their numbers.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from quintet.systems.eternal.config import CORE, ENGINES, FUNDING, TACTICAL, TREND, OrchestratorConfig
from quintet.systems.eternal.dates import next_halving
from quintet.systems.eternal.seen import Picture

DEFAULT: Final = "default"

WEIGHTS_BP: Final[Mapping[str, Mapping[str, int]]] = {
    "bear": {CORE: 7_000, TREND: 500, FUNDING: 1_500, TACTICAL: 1_000},
    "high_volatility": {CORE: 5_500, TREND: 1_500, FUNDING: 2_500, TACTICAL: 500},
    "strong_bull": {CORE: 5_000, TREND: 3_500, FUNDING: 1_000, TACTICAL: 500},
    "before_halving": {CORE: 5_000, TREND: 3_000, FUNDING: 1_500, TACTICAL: 500},
    DEFAULT: {CORE: 6_000, TREND: 2_000, FUNDING: 1_500, TACTICAL: 500},
}
"""Regime to the engines' weights in bp of the portfolio, in the order of precedence."""


class RegimeState(msgspec.Struct, frozen=True, kw_only=True):
    """The regime that holds, the one that is being seen, and the weights of today."""

    regime: str = DEFAULT
    since: int = -(10**9)
    seen: str = DEFAULT
    closes: int = 0
    is_volatile: bool = False
    is_strong: bool = False
    weights_bp: Mapping[str, int] = msgspec.field(default_factory=lambda: WEIGHTS_BP[DEFAULT])


def observe(state: RegimeState, picture: Picture, day: int, config: OrchestratorConfig) -> RegimeState:
    """One close of Bitcoin."""
    volatile, strong = _is_volatile(state, picture, config), _is_strong(state, picture, config)
    seen = _condition(picture, day, volatile, strong, config)
    closes = state.closes + 1 if seen == state.seen else 1
    regime, since = state.regime, state.since
    if seen != regime and closes >= config.confirm_days and day - since >= config.hold_days:
        regime, since = seen, day
    return RegimeState(
        regime=regime,
        since=since,
        seen=seen,
        closes=closes,
        is_volatile=volatile,
        is_strong=strong,
        weights_bp=_nearer(state.weights_bp, WEIGHTS_BP[regime], config.step_bp),
    )


def _condition(picture: Picture, day: int, volatile: bool, strong: bool, config: OrchestratorConfig) -> str:
    fast, slow = picture.fast_average, picture.slow_average
    if fast is not None and slow is not None and picture.close < slow and fast < slow:
        return "bear"
    if volatile:
        return "high_volatility"
    if strong:
        return "strong_bull"
    halving = next_halving(day)
    if halving is not None and 0 < halving - day <= config.halving_days:
        return "before_halving"
    return DEFAULT


def _is_volatile(state: RegimeState, picture: Picture, config: OrchestratorConfig) -> bool:
    bound = config.volatility_off if state.is_volatile else config.volatility_on
    return picture.volatility is not None and picture.volatility > bound


def _is_strong(state: RegimeState, picture: Picture, config: OrchestratorConfig) -> bool:
    if picture.adx is None or picture.plus is None or picture.minus is None or picture.slow_average is None:
        return False
    bound = config.bull_adx_off if state.is_strong else config.bull_adx_on
    return picture.adx > bound and picture.plus > picture.minus and picture.close > picture.slow_average


def _nearer(weights: Mapping[str, int], target: Mapping[str, int], step_bp: int) -> Mapping[str, int]:
    """Weights one day nearer to the target; the largest difference moves by the step, the others in proportion."""
    farthest = max(abs(target[engine] - weights[engine]) for engine in ENGINES)
    if farthest <= step_bp:
        return target
    moved = {
        engine: weights[engine] + (target[engine] - weights[engine]) * step_bp // farthest
        for engine in ENGINES
        if engine != CORE
    }
    return {CORE: 10_000 - sum(moved.values()), **moved}
