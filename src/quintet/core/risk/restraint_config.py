"""The rules of the restraint as a configuration gives them, and which of several scopes is the stricter.

Everything is off by default: a system ships the numbers of its own specification. `INTRADAY` are those of the library
of limits, the requirements I-200 to I-212.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from quintet.core.parameters import ParameterError, parameter, text

_OF_EQUITY: Final = "fraction of equity"
_OF_HIGH: Final = "fraction of the high-water mark"


class RestraintConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What holds new risk back step by step and lets it go again; 0: that rule is off."""

    day_loss_pause_frac: Annotated[
        float, parameter("fraction of the day's opening equity", "lost: no new risk until 00:00 UTC", ge=0.0, lt=1.0)
    ] = 0.0
    losses_in_row_max: Annotated[
        int, parameter("closed positions", "so many losses in a row: a pause", ge=0, le=100)
    ] = 0
    losses_pause_min: Annotated[int, parameter("minutes", "how long that pause is", ge=1, le=10_080)] = 120
    drawdown_half_frac: Annotated[float, parameter(_OF_HIGH, "deeper: half the size", ge=0.0, lt=1.0)] = 0.0
    drawdown_selective_frac: Annotated[float, parameter(_OF_HIGH, "deeper: high conviction only", ge=0.0, lt=1.0)] = 0.0
    drawdown_review_frac: Annotated[
        float, parameter(_OF_HIGH, "deeper: no new risk until an operator resets", ge=0.0, lt=1.0)
    ] = 0.0
    drawdown_close_frac: Annotated[float, parameter(_OF_HIGH, "deeper: positions are closed", ge=0.0, lt=1.0)] = 0.0
    conviction_tag_min: Annotated[
        int, parameter("tag", "wants with this tag or a higher one are of high conviction", ge=0, le=1_000_000)
    ] = 0
    move_max_frac: Annotated[
        float, parameter("fraction of the price", "a move beyond it within a minute stops new risk", ge=0.0, lt=1.0)
    ] = 0.0
    move_confirm_frac: Annotated[
        float, parameter("fraction of the price", "so far must the mark price have moved too", ge=0.0, lt=1.0)
    ] = 0.04
    move_confirm_ms: Annotated[
        int, parameter("ms", "where there is no mark price, so long must the move stand", ge=1, le=60_000)
    ] = 2_000
    move_pause_min: Annotated[int, parameter("minutes", "how long new risk is stopped at least", ge=1, le=10_080)] = 30
    move_closes: Annotated[bool, text("switch", "an extreme move closes positions too")] = False
    calm_factor: Annotated[float, parameter("times the usual", "volatility below it is calm", ge=1.0, le=100.0)] = 2.0
    calm_bars: Annotated[int, parameter("bars", "so many calm ones in a row end the pause", ge=0, le=1_000)] = 3
    latency_slow_ms: Annotated[
        int, parameter("ms", "95th percentile of round trips above it: every second entry waits", ge=0, le=60_000)
    ] = 0
    latency_late_ms: Annotated[int, parameter("ms", "above it: no entries", ge=0, le=60_000)] = 0
    latency_prompt_ms: Annotated[int, parameter("ms", "below it for a while: as before", ge=1, le=60_000)] = 400
    latency_prompt_min: Annotated[int, parameter("minutes", "how long that while is", ge=1, le=1_440)] = 5
    silence_alarm_s: Annotated[int, parameter("s", "nothing heard for longer: an alarm", ge=0, le=86_400)] = 0
    order_value_max_quote: Annotated[Decimal, text("quote asset", "most that one order may be worth; 0: off")] = (
        Decimal(0)
    )
    price_collar_frac: Annotated[
        float, parameter("fraction of the last price", "an order further through it is refused", ge=0.0, lt=1.0)
    ] = 0.0
    at_risk_max_frac: Annotated[
        float, parameter(_OF_EQUITY, "what all positions may lose together at their stops", ge=0.0, le=1.0)
    ] = 0.0
    loss_at_stop_frac: Annotated[
        float, parameter("fraction of its value", "what a position loses until it is stopped", gt=0.0, le=1.0)
    ] = 1.0
    leverage_max: Annotated[
        float, parameter("times equity", "value of all positions and of the orders that add to them", ge=0.0, le=100.0)
    ] = 0.0
    correlated_max: Annotated[
        int, parameter("positions", "at most so many that gain and lose together", ge=0, le=8)
    ] = 0
    correlated_above: Annotated[
        float, parameter("correlation", "what moves together; an unknown one counts as 1", ge=0.0, lt=1.0)
    ] = 0.7

    def __post_init__(self) -> None:
        value = self.order_value_max_quote
        if not value.is_finite() or value < 0:
            raise ParameterError("order_value_max_quote", value, "0 (off) or an amount above it, in the quote asset")


INTRADAY: Final = RestraintConfig(
    day_loss_pause_frac=0.03,
    losses_in_row_max=3,
    drawdown_half_frac=0.05,
    drawdown_selective_frac=0.08,
    drawdown_review_frac=0.10,
    drawdown_close_frac=0.15,
    move_max_frac=0.05,
    move_closes=True,
    latency_slow_ms=500,
    latency_late_ms=1_000,
    silence_alarm_s=30,
    at_risk_max_frac=0.10,
    leverage_max=3.0,
    correlated_max=3,
)
"""The library of limits with the numbers of the intraday specification."""

SWITCHES: Final = (
    "day_loss_pause_frac", "losses_in_row_max", "drawdown_half_frac", "drawdown_selective_frac", "drawdown_review_frac",
    "drawdown_close_frac", "move_max_frac", "latency_slow_ms", "latency_late_ms", "silence_alarm_s",
    "order_value_max_quote", "price_collar_frac", "at_risk_max_frac", "leverage_max", "correlated_max",
)  # fmt: skip
"""Each turns a rule on when it is above 0; of two scopes the smaller one that is on is the stricter."""

LONGER_IS_STRICTER: Final = (
    "losses_pause_min", "move_pause_min", "calm_bars", "latency_prompt_min", "loss_at_stop_frac", "conviction_tag_min",
)  # fmt: skip
"""Of these the larger is the stricter."""

SHORTER_IS_STRICTER: Final = (
    "move_confirm_frac",
    "move_confirm_ms",
    "calm_factor",
    "latency_prompt_ms",
    "correlated_above",
)
"""Of these the smaller is the stricter."""


def strictest(*scopes: RestraintConfig) -> RestraintConfig:
    """What holds where several scopes apply (system, account, desk): of each rule the stricter number.

    The numbers that go with a rule count only where that scope has the rule at all.
    """
    return RestraintConfig(**{name: _stricter(name, scopes) for name in RestraintConfig.__struct_fields__})


_LATENCY: Final = ("latency_slow_ms", "latency_late_ms")
_GOES_WITH: Final = {
    "losses_pause_min": ("losses_in_row_max",), "conviction_tag_min": ("drawdown_selective_frac",),
    "move_confirm_frac": ("move_max_frac",), "move_confirm_ms": ("move_max_frac",),
    "move_pause_min": ("move_max_frac",), "move_closes": ("move_max_frac",), "calm_factor": ("move_max_frac",),
    "calm_bars": ("move_max_frac",), "loss_at_stop_frac": ("at_risk_max_frac",),
    "correlated_above": ("correlated_max",), "latency_prompt_ms": _LATENCY, "latency_prompt_min": _LATENCY,
}  # fmt: skip
"""Which rules give a number its meaning."""


def _stricter(name: str, scopes: tuple[RestraintConfig, ...]) -> Any:
    if name in SWITCHES:
        on = [getattr(each, name) for each in scopes if getattr(each, name) > 0]
        return min(on, default=getattr(scopes[0], name))
    owners = _GOES_WITH[name]
    meant = [each for each in scopes if any(getattr(each, owner) > 0 for owner in owners)] or list(scopes[:1])
    values = [getattr(each, name) for each in meant]
    return min(values) if name in SHORTER_IS_STRICTER else max(values)


def rules_of(config: RestraintConfig, quote_quantum: Decimal) -> Mapping[str, int]:
    """The rules in the units of the engine, by the names of `core.state.RESTRAINT_RULES`; none when all are off.

    `quote_quantum`: one quantum of the asset in which instruments are quoted.
    """
    if not any(getattr(config, name) > 0 for name in SWITCHES):
        return {}
    minute_ns, milli_ns = 60_000_000_000, 1_000_000
    return {
        "day_loss_e9": _e9(config.day_loss_pause_frac),
        "losses_in_row": config.losses_in_row_max,
        "losses_pause_ns": config.losses_pause_min * minute_ns,
        "half_e9": _e9(config.drawdown_half_frac),
        "selective_e9": _e9(config.drawdown_selective_frac),
        "review_e9": _e9(config.drawdown_review_frac),
        "flatten_e9": _e9(config.drawdown_close_frac),
        "conviction_tag": config.conviction_tag_min,
        "move_e9": _e9(config.move_max_frac),
        "move_span_ns": minute_ns,
        "move_confirm_e9": _e9(config.move_confirm_frac),
        "move_confirm_ns": config.move_confirm_ms * milli_ns,
        "move_pause_ns": config.move_pause_min * minute_ns,
        "move_flattens": int(config.move_closes),
        "calm_e9": _e9(config.calm_factor),
        "calm_bars": config.calm_bars,
        "slow_ns": config.latency_slow_ms * milli_ns,
        "late_ns": config.latency_late_ms * milli_ns,
        "prompt_ns": config.latency_prompt_ms * milli_ns,
        "prompt_for_ns": config.latency_prompt_min * minute_ns,
        "silent_ns": config.silence_alarm_s * 1_000 * milli_ns,
        "order_value_max": int(config.order_value_max_quote / quote_quantum),
        "collar_e9": _e9(config.price_collar_frac),
        "at_risk_e9": _e9(config.at_risk_max_frac),
        "loss_e9": _e9(config.loss_at_stop_frac),
        "leverage_e9": _e9(config.leverage_max),
        "correlated_max": config.correlated_max,
        "correlated_e9": _e9(config.correlated_above),
    }


def _e9(value: float) -> int:
    """A float config value as a whole number of 1e-9, through its shortest decimal text."""
    return int(Decimal(repr(float(value))) * 1_000_000_000)
