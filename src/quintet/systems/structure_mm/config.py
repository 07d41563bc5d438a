"""Every number structure_mm may be told, with its unit, bounds and reason.

Names follow section 3.1 of the specification's reading. `_atr` is a multiple of the fast average true range, `_bp`
1/10 000, `_bars` closed structure bars, `_frac` and `w_...` plain fractions. Fees are not here: they belong to the
instrument. Defaults are the proposed ones, written down before looking at profit; none of them was tuned.
"""

from typing import Annotated, Final

import msgspec

from quintet.core.instrument import Instrument
from quintet.core.parameters import ParameterError, parameter, text

NAME: Final = "structure_mm"

PIVOT_STRENGTH_MAX: Final = 10
BIDS_MAX: Final = 16
STARTS_MAX: Final = 8
MARKOUTS_MAX: Final = 1_024
"""Upper bounds of what compiled state has room for."""


class StructureMmConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parameters of one structure_mm; raises ParameterError when two of them contradict each other."""

    # ---- structure: average true range, pivots, swings, breaks -------------------------------------------------
    atr_n: Annotated[
        int, parameter("bars", "Wilder's own default; 70 minutes of 5m bars, about one leg", ge=2, le=10_000)
    ] = 14
    atr_slow_n: Annotated[
        int, parameter("bars", "one day of 5m bars: takes the daily cycle out of the ratio v", ge=3, le=100_000)
    ] = 288
    pivot_left: Annotated[
        int, parameter("bars", "bars to the left that must be strictly lower (higher)", ge=1, le=PIVOT_STRENGTH_MAX)
    ] = 3
    pivot_right: Annotated[
        int, parameter("bars", "bars to the right before a pivot is known", ge=1, le=PIVOT_STRENGTH_MAX)
    ] = 3
    swing_min_atr: Annotated[
        float, parameter("ATR", "a smaller leg cannot hold a grid that pays its fees", ge=0.0, le=100.0)
    ] = 3.0
    break_buffer_atr: Annotated[
        float, parameter("ATR", "about 2 bp: above tick and spread noise, far below a leg", ge=0.0, le=10.0)
    ] = 0.10
    bos_potential_ttl_bars: Annotated[int, parameter("bars", "one hour of 5m bars", ge=1, le=10_000)] = 12
    arm_on_choch: Annotated[
        bool, text("switch", "false: the first upward break after a downward bias is no continuation, it does not arm")
    ] = False
    gap_bars: Annotated[
        int,
        parameter(
            "bars", "consecutive bars that must arrive after a missing one before risk is taken", ge=0, le=10_000
        ),
    ] = 12

    # ---- pullback ------------------------------------------------------------------------------------------------
    leg_min_atr: Annotated[
        float, parameter("ATR", "a leg must have the size of a swing to be traded", ge=0.0, le=100.0)
    ] = 3.0
    bos_timeout_bars: Annotated[
        int, parameter("bars", "four hours of 5m bars without a pullback: the form has changed", ge=1, le=10_000)
    ] = 48
    pullback_min_atr: Annotated[float, parameter("ATR", "more than one bar's noise", ge=0.0, le=100.0)] = 1.0
    pullback_min_frac: Annotated[
        float, parameter("fraction of the leg", "shallower is no pullback; a convention, not a law", ge=0.0, le=1.0)
    ] = 0.25
    pullback_max_frac: Annotated[
        float, parameter("fraction of the leg", "deeper is more likely a refuted break than a test", ge=0.0, le=1.0)
    ] = 0.786
    defensive_frac: Annotated[
        float, parameter("fraction of the leg", "the last part of the zone: quote defensively", ge=0.0, le=1.0)
    ] = 0.618

    # ---- policy --------------------------------------------------------------------------------------------------
    v_defensive: Annotated[float, parameter("ratio of fast to slow ATR", "above: Defensive", gt=0.0, le=100.0)] = 1.5
    v_calm: Annotated[
        float,
        parameter(
            "ratio of fast to slow ATR", "Defensive ends below this, lower than where it began", gt=0.0, le=100.0
        ),
    ] = 1.25
    v_shock: Annotated[float, parameter("ratio of fast to slow ATR", "above: Disabled", gt=0.0, le=1000.0)] = 3.0
    defensive_step: Annotated[
        float, parameter("multiple of the step", "Defensive quotes stand wider", ge=1.0, le=10.0)
    ] = 1.5
    defensive_size: Annotated[
        float, parameter("multiple of the lot", "Defensive lots are smaller, once, at placement", gt=0.0, le=1.0)
    ] = 0.5
    defensive_levels: Annotated[
        float,
        parameter("multiple of bids and start lots", "Defensive quotes fewer levels, rounded down", gt=0.0, le=1.0),
    ] = 0.5
    day_defensive: Annotated[
        float, parameter("fraction of the day's opening equity", "half of the daily loss: Defensive", gt=0.0, lt=1.0)
    ] = 0.005
    day_loss: Annotated[
        float,
        parameter(
            "fraction of the day's opening equity", "lost since 00:00 UTC: Disabled until the next", gt=0.0, lt=1.0
        ),
    ] = 0.01
    drawdown_kill: Annotated[
        float,
        parameter(
            "fraction of the high-water mark", "trips the kill switch; only an operator resets it", gt=0.0, le=1.0
        ),
    ] = 0.05

    # ---- grid ----------------------------------------------------------------------------------------------------
    step_atr: Annotated[
        float, parameter("ATR", "below 1: an average bar crosses at least one level", gt=0.0, le=100.0)
    ] = 0.8
    as_prior_bp: Annotated[
        float, parameter("bp", "least adverse selection assumed until measured", ge=0.0, le=1000.0)
    ] = 1.0
    as_atr: Annotated[float, parameter("ATR", "adverse selection grows with volatility", ge=0.0, le=10.0)] = 0.10
    as_window_fills: Annotated[
        int, parameter("maker fills", "adverse selection is measured over the last so many", ge=1, le=MARKOUTS_MAX)
    ] = 200
    as_min_fills: Annotated[
        int, parameter("maker fills", "fewer: the measurement counts as 0", ge=1, le=MARKOUTS_MAX)
    ] = 50
    edge_bp: Annotated[float, parameter("bp", "what is left must exceed rounding and dust", ge=0.0, le=1000.0)] = 2.0
    spread_steps: Annotated[
        float, parameter("multiple of the spread", "a step is never narrower than this", ge=0.0, le=100.0)
    ] = 2.0
    payable_steps: Annotated[
        float, parameter("steps", "a leg shorter than this cannot pay: the episode is not begun", ge=0.0, le=100.0)
    ] = 3.0
    n_bids: Annotated[int, parameter("levels", "four bids and two start lots fit the hard band", ge=1, le=BIDS_MAX)] = 4
    n_start: Annotated[
        int, parameter("lots", "a spot maker without base can quote one side only", ge=1, le=STARTS_MAX)
    ] = 2
    spacing_inventory: Annotated[
        float,
        parameter("steps at the hard band", "1: spacing has doubled when the hard band is reached", ge=0.0, le=10.0),
    ] = 1.0
    requote_ticks: Annotated[
        int,
        parameter(
            "ticks", "order book only: what the first place of a queue is worth, the last one nothing", ge=0, le=1000
        ),
    ] = 3
    guard_atr: Annotated[
        float, parameter("ATR", "no bid right above the place where the idea is dead", ge=0.0, le=100.0)
    ] = 0.25

    # ---- size and inventory --------------------------------------------------------------------------------------
    w_target: Annotated[float, parameter("fraction of equity", "the start lots together", gt=0.0, le=1.0)] = 0.15
    w_soft: Annotated[
        float, parameter("fraction of equity", "above: Defensive, asks at the cost floor", gt=0.0, le=1.0)
    ] = 0.25
    w_hard: Annotated[
        float,
        parameter(
            "fraction of equity", "inventory and all open bids stay below; USDT stays above half", gt=0.0, lt=0.5
        ),
    ] = 0.40
    risk_episode: Annotated[
        float, parameter("fraction of equity", "lost when every bid fills and the hard stop is hit", gt=0.0, le=0.5)
    ] = 0.005
    turnover_frac: Annotated[
        float,
        parameter(
            "fraction of the median bar turnover of the last day", "a lot must not be the market", gt=0.0, le=1.0
        ),
    ] = 0.01

    # ---- exits ---------------------------------------------------------------------------------------------------
    hard_stop_atr: Annotated[
        float, parameter("ATR", "beyond the normal noise below the protected low", ge=0.0, le=100.0)
    ] = 1.0
    episode_loss: Annotated[
        float,
        parameter("fraction of equity", "episode loss after liquidation cost that ends it at once", gt=0.0, le=0.5),
    ] = 0.005
    exit_cap_bp: Annotated[float, parameter("bp", "an urgent exit gives way by at most this", gt=0.0, le=1000.0)] = 50.0
    rebalance_ttl_bars: Annotated[
        int, parameter("bars", "30 minutes of 5m bars for the start lots", ge=1, le=10_000)
    ] = 6
    mm_ttl_bars: Annotated[
        int, parameter("bars", "8 hours of 5m bars since entry or the last break", ge=1, le=100_000)
    ] = 96
    exit_ttl_bars: Annotated[int, parameter("bars", "30 minutes of 5m bars for a calm exit", ge=1, le=10_000)] = 6
    cooldown_bars: Annotated[int, parameter("bars", "one hour of 5m bars after every episode", ge=0, le=100_000)] = 12

    def __post_init__(self) -> None:
        self._at_most("w_target", "w_soft")
        self._below("w_soft", "w_hard")
        self._at_most("v_calm", "v_defensive")
        self._below("v_defensive", "v_shock")
        self._below("atr_n", "atr_slow_n")
        self._below("pullback_min_frac", "pullback_max_frac")
        self._at_most("defensive_frac", "pullback_max_frac")
        self._at_most("day_defensive", "day_loss")
        self._below("day_loss", "drawdown_kill")
        self._at_most("as_min_fills", "as_window_fills")

    def _at_most(self, lower: str, upper: str) -> None:
        if getattr(self, lower) > getattr(self, upper):
            raise ParameterError(lower, getattr(self, lower), f"at most {upper} ({getattr(self, upper)})")

    def _below(self, lower: str, upper: str) -> None:
        if getattr(self, lower) >= getattr(self, upper):
            raise ParameterError(lower, getattr(self, lower), f"below {upper} ({getattr(self, upper)})")

    @property
    def warm_up_bars(self) -> int:
        """Bars before the first decision: the slow ATR needs its own length and one previous close."""
        return self.atr_slow_n + 1


def require_spot(instrument: Instrument) -> None:
    """Raise ParameterError unless the instrument is spot: no leverage and no short exist only there."""
    if instrument.kind != "spot":
        raise ParameterError(
            "instrument.kind", f"{instrument.kind} ({instrument.symbol})", f"spot, the only kind {NAME} trades"
        )
