"""Every number the eternal engine may be told, with its unit, bounds and reason.

Defaults are the specification's; where it gives none, the proposed ones of its reading (section 3), written down before
looking at profit. `_frac` is a plain fraction, `_e9` 1e-9, `_days` whole UTC days.
"""

from typing import Annotated, Final

import msgspec

from quintet.core.parameters import ParameterError, parameter, text

NAME: Final = "eternal"

CORE, TREND, FUNDING, TACTICAL = "CORE", "TREND", "FUNDING", "TACTICAL"
ENGINES: Final = (CORE, TREND, FUNDING, TACTICAL)

TREND_1, TREND_2 = "TREND-1", "TREND-2"
ACCOUNTS: Final = {CORE: CORE, TREND_1: TREND, TREND_2: TREND, FUNDING: FUNDING, TACTICAL: TACTICAL}
"""Sub-account to the engine that trades it."""

_Frac = Annotated[float, parameter("fraction", "", ge=0.0, le=1.0)]


class CoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """CORE-HODL: what is held for long, and when it is brought back to its weights."""

    btc_parts: Annotated[int, parameter("parts", "40 % of the portfolio", ge=1, le=100)] = 2
    eth_parts: Annotated[int, parameter("parts", "20 % of the portfolio", ge=1, le=100)] = 1
    drift_max_frac: Annotated[
        float, parameter("fraction of the engine", "more than ten points from its weight: rebalance", gt=0.0, le=1.0)
    ] = 0.10
    drift_done_frac: Annotated[
        float, parameter("fraction of the engine", "nearer than this is at its weight", gt=0.0, le=1.0)
    ] = 0.01
    drift_urgent_frac: Annotated[
        float, parameter("fraction of the engine", "beyond it a rebalance takes instead of resting", gt=0.0, le=1.0)
    ] = 0.15
    asset_cap_frac: Annotated[
        float, parameter("fraction of the portfolio", "no single asset is more", gt=0.0, le=1.0)
    ] = 0.45
    tranches: Annotated[int, parameter("weeks", "purchases until the weights are reached", ge=1, le=520)] = 12
    tranche_days: Annotated[int, parameter("days", "from one purchase to the next", ge=1, le=365)] = 7
    pause_below_frac: Annotated[
        float, parameter("fraction of the all-time high", "an asset lower than this: no rebalancing", ge=-1.0, le=0.0)
    ] = -0.70
    resume_above_frac: Annotated[
        float, parameter("fraction of the all-time high", "all assets back above it: again", ge=-1.0, le=0.0)
    ] = -0.65
    pauses_sales_only: Annotated[
        bool, text("switch", "true: only sales of the fallen asset pause; a variant, not the specification")
    ] = False
    calendar_skip_days: Annotated[
        int, parameter("days", "a rebalance so near before a quarter's end stands for it", ge=0, le=92)
    ] = 14
    rebalance_days: Annotated[
        int, parameter("days", "what is not done by then waits for the next trigger", ge=1, le=30)
    ] = 3
    trade_min_quanta: Annotated[int, parameter("quanta", "10 USDT: smaller trades are skipped", ge=0)] = 10_000_000
    trade_min_frac: Annotated[
        float, parameter("fraction of the engine", "smaller trades are skipped", ge=0.0, le=1.0)
    ] = 0.001
    stake_frac: Annotated[
        float, parameter("fraction of CORE's ETH", "staked at most; the rest stays to be sold", ge=0.0, le=1.0)
    ] = 0.90
    yield_min_frac: Annotated[float, parameter("per year", "below it nothing is staked", ge=0.0, le=1.0)] = 0.02
    stable_drift_frac: Annotated[
        float, parameter("fraction of the engine", "a stable period drifts less", ge=0.0, le=1.0)
    ] = 0.05
    stable_volatility_frac: Annotated[float, parameter("per year", "a stable period moves less", ge=0.0, le=10.0)] = (
        0.80
    )
    redeem_drift_frac: Annotated[
        float, parameter("fraction of the engine", "staked coins come back before a rebalance", ge=0.0, le=1.0)
    ] = 0.07

    def __post_init__(self) -> None:
        if not self.pause_below_frac < self.resume_above_frac:
            raise ParameterError(
                "core.resume_above_frac", self.resume_above_frac, f"above pause_below_frac, {self.pause_below_frac}"
            )


class TrendConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """TREND: long and short perpetuals along the long averages, of one sub-account."""

    fast_days: Annotated[int, parameter("days", "the medium average", ge=2, le=1_000)] = 50
    slow_days: Annotated[int, parameter("days", "the long average", ge=3, le=2_000)] = 200
    adx_days: Annotated[int, parameter("days", "Wilder's own", ge=2, le=200)] = 14
    atr_days: Annotated[int, parameter("days", "Wilder's own", ge=2, le=200)] = 14
    adx_min: Annotated[float, parameter("0 to 100", "above it a trend is strong enough to enter", ge=0.0, le=100.0)] = (
        25.0
    )
    risk_frac: Annotated[float, parameter("fraction of the sub-account", "lost at the stop", gt=0.0, le=0.1)] = 0.01
    position_max_frac: Annotated[
        float, parameter("fraction of the sub-account", "value of one position", gt=0.0, le=2.0)
    ] = 0.50
    leverage_max: Annotated[float, parameter("times", "value of all positions", gt=0.0, le=10.0)] = 2.0
    stop_atr: Annotated[float, parameter("ATR", "hard stop from the entry", gt=0.0, le=20.0)] = 2.0
    trail_atr: Annotated[float, parameter("ATR", "stop from the best close", gt=0.0, le=20.0)] = 3.0
    time_stop_days: Annotated[int, parameter("days", "no position stands longer", ge=1, le=3_650)] = 30
    quiet_adx: Annotated[float, parameter("0 to 100", "below it there is no trend", ge=0.0, le=100.0)] = 20.0
    quiet_days: Annotated[int, parameter("days", "so long without one: entries pause", ge=1, le=365)] = 14
    confirm_days: Annotated[int, parameter("days", "closes above adx_min that end a pause", ge=1, le=30)] = 3
    correlation_on: Annotated[float, parameter("-1 to 1", "above it two positions are one", ge=0.0, le=1.0)] = 0.90
    correlation_off: Annotated[float, parameter("-1 to 1", "below it they are two again", ge=0.0, le=1.0)] = 0.85
    funding_dear_e9: Annotated[int, parameter("1e-9 of 8 h", "0.1 %: dear to hold", ge=0)] = 1_000_000
    funding_dear_periods: Annotated[int, parameter("periods", "so many dear ones in a row close", ge=1, le=100)] = 3
    funding_again_e9: Annotated[int, parameter("1e-9 of 8 h", "0.05 %: entries on that side again", ge=0)] = 500_000

    def __post_init__(self) -> None:
        if self.fast_days >= self.slow_days:
            raise ParameterError("trend.fast_days", self.fast_days, f"below slow_days, {self.slow_days}")
        if self.correlation_off > self.correlation_on:
            raise ParameterError("trend.correlation_off", self.correlation_off, f"at most {self.correlation_on}")


class FundingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """FUNDING: long spot and short perpetual of the same size, for what longs pay."""

    assets: Annotated[tuple[str, ...], text("names", "the first have priority")] = ("BTC", "ETH", "SOL")
    rate_min_e9: Annotated[int, parameter("1e-9 of 8 h", "0.01 %: predicted above it, entered", ge=0)] = 100_000
    periods_min: Annotated[int, parameter("periods", "positive in a row before an entry", ge=1, le=100)] = 2
    basis_max_frac: Annotated[float, parameter("fraction of spot", "beyond it the two legs are no pair", gt=0.0)] = 0.02
    hold_days: Annotated[int, parameter("days", "no pair stands longer", ge=1, le=3_650)] = 14
    position_max_frac: Annotated[
        float, parameter("fraction of the engine", "value of one leg of one asset", gt=0.0, le=0.5)
    ] = 0.05
    compound_frac: _Frac = 0.5
    negatives_close_all: Annotated[int, parameter("periods", "negative in a row: all pairs close", ge=1, le=100)] = 3
    naked_s_max: Annotated[float, parameter("seconds", "a leg stands alone no longer", gt=0.0, le=3_600.0)] = 3.0
    attempts_max: Annotated[int, parameter("orders", "for the second leg, then the first is undone", ge=1, le=10)] = 3
    delta_max_frac: Annotated[float, parameter("fraction of a leg", "beyond it the pair is hedged anew", gt=0.0)] = 0.01
    round_trip_multiple: Annotated[
        float, parameter("times four fees", "expected income asked before an entry; 0: not asked", ge=0.0, le=10.0)
    ] = 0.0


class TacticalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """TACTICAL: cash that waits for a crash."""

    level_1_frac: Annotated[float, parameter("of the all-time high", "the first crash", gt=-1.0, lt=0.0)] = -0.50
    level_2_frac: Annotated[float, parameter("of the all-time high", "the second", gt=-1.0, lt=0.0)] = -0.70
    level_share_frac: Annotated[float, parameter("of the campaign's cash", "of each level", gt=0.0, le=0.5)] = 0.50
    fear_below: Annotated[int, parameter("0 to 100", "extreme fear", ge=0, le=100)] = 20
    funding_below_e9: Annotated[int, parameter("1e-9 of 8 h", "-0.05 %: deeply negative", le=0)] = -500_000
    funding_periods: Annotated[int, parameter("periods", "three days of them", ge=1, le=100)] = 9
    volatility_above: Annotated[float, parameter("index", "extreme volatility", gt=0.0)] = 80.0
    confirm_days: Annotated[int, parameter("days", "fear and volatility hold so long", ge=1, le=30)] = 2
    soft_share_frac: Annotated[
        float, parameter("of the campaign's cash", "for all triggers but the levels", ge=0.0, le=0.5)
    ] = 0.25
    soft_below_frac: Annotated[
        float, parameter("of the all-time high", "other triggers count only so low", gt=-1.0, le=0.0)
    ] = -0.30
    spacing_days: Annotated[int, parameter("days", "from one deployment to the next", ge=1, le=3_650)] = 30
    btc_frac: Annotated[float, parameter("fraction", "of a deployment; the rest is ETH", ge=0.0, le=1.0)] = 0.80
    target_frac: Annotated[float, parameter("of its cost", "gain at which a deployment leaves", gt=0.0)] = 1.0
    partial_frac: Annotated[float, parameter("of its cost", "gain at which a part leaves if it came fast", gt=0.0)] = (
        0.5
    )
    partial_days: Annotated[int, parameter("days", "fast", ge=1, le=365)] = 90
    partial_parts: Annotated[int, parameter("parts", "one of so many leaves then", ge=1, le=10)] = 3
    history_days: Annotated[
        int, parameter("days", "of prices before the all-time high is believed: one cycle", ge=0, le=10_000)
    ] = 1_461


class OrchestratorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which engine has how much, in which regime, and when it changes."""

    bull_adx_on: Annotated[float, parameter("0 to 100", "above it a bull is strong", ge=0.0, le=100.0)] = 40.0
    bull_adx_off: Annotated[float, parameter("0 to 100", "below it no more", ge=0.0, le=100.0)] = 35.0
    volatility_on: Annotated[float, parameter("per year", "above it volatility is high", ge=0.0)] = 0.80
    volatility_off: Annotated[float, parameter("per year", "below it no more", ge=0.0)] = 0.65
    halving_days: Annotated[int, parameter("days", "before the estimated halving", ge=0, le=1_458)] = 180
    confirm_days: Annotated[int, parameter("closes", "a regime is seen before it holds", ge=1, le=100)] = 3
    hold_days: Annotated[int, parameter("days", "a regime holds at least", ge=0, le=365)] = 14
    step_bp: Annotated[int, parameter("bp of the portfolio", "weights move so much in a day", ge=1, le=10_000)] = 500
    excess_ratio: Annotated[float, parameter("times its target", "an engine above it gives", gt=1.0, le=10.0)] = 1.5
    core_excess_bp: Annotated[int, parameter("bp of the portfolio", "CORE gives above its target and this", ge=1)] = (
        1_000
    )
    transfer_min_quanta: Annotated[int, parameter("quanta", "10 USDT: less is not moved", ge=1)] = 10_000_000


class RiskConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the portfolio's risk manager allows."""

    cash_min_frac: Annotated[float, parameter("fraction of the portfolio", "stays free", ge=0.0, le=1.0)] = 0.05
    participation_frac: Annotated[
        float, parameter("of the volume of the last day", "no order is larger; 0: not asked", ge=0.0, le=1.0)
    ] = 0.0
    reduce_at_frac: Annotated[
        float, parameter("of the high", "TREND and FUNDING take no new risk", ge=-1.0, le=0.0)
    ] = -0.25
    reduce_until_frac: Annotated[float, parameter("of the high", "above it they do again", ge=-1.0, le=0.0)] = -0.20
    alert_at_frac: Annotated[float, parameter("of the high", "a person is told", ge=-1.0, le=0.0)] = -0.40
    alert_until_frac: Annotated[
        float, parameter("of the high", "above it the next fall is told anew", ge=-1.0, le=0.0)
    ] = -0.35
    trend_pause_frac: Annotated[float, parameter("of its high", "TREND pauses until resumed", ge=-1.0, le=0.0)] = -0.20
    funding_pause_frac: Annotated[
        float, parameter("of its high", "FUNDING pauses until resumed", ge=-1.0, le=0.0)
    ] = -0.03

    def __post_init__(self) -> None:
        for name in ("reduce", "alert"):
            begins, ends = getattr(self, f"{name}_at_frac"), getattr(self, f"{name}_until_frac")
            if ends < begins:
                raise ParameterError(f"risk.{name}_until_frac", ends, f"at or above {name}_at_frac, {begins}")


class EternalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole: four engines, five sub-accounts, one portfolio."""

    core: CoreConfig = CoreConfig()
    trend_1: TrendConfig = TrendConfig()
    trend_2: TrendConfig = TrendConfig(fast_days=25, slow_days=100)
    funding: FundingConfig = FundingConfig()
    tactical: TacticalConfig = TacticalConfig()
    orchestrator: OrchestratorConfig = OrchestratorConfig()
    risk: RiskConfig = RiskConfig()
