"""What structure_mm remembers and what it is told, as records; the words for its states.

Prices are integer price increments, `lots` whole lots, money quote quanta, `_e9` rates of 1e-9, `_e4` ten-thousandths
(of an ATR or of a leg), `_bp` basis points as floats, times ns UTC. Bars are structure bars unless something else is
said.
"""

from typing import Any, Final

from quintet.core.events import TIMEFRAME_NUMBER
from quintet.core.instrument import Instrument
from quintet.core.records import record, table
from quintet.features.structure import PULLBACK, STRUCTURE, start_pullback, ten_thousandths
from quintet.features.volatility import ATR
from quintet.systems.structure_mm.config import MARKOUTS_MAX, StructureMmConfig, require_spot

# ---- words -------------------------------------------------------------------------------------------------------
IDLE: Final = 0
BOS: Final = 1
REBALANCE: Final = 2
MM: Final = 3
EXIT: Final = 4
STATE_NAMES: Final = ("Idle", "BOS", "Rebalance", "MM", "Exit")

DISABLED: Final = 0
NORMAL: Final = 1
DEFENSIVE: Final = 2
POLICY_NAMES: Final = ("Disabled", "Normal", "Defensive")

CAPITAL_QUOTE: Final = 10_000
"""What an account holds by default, in the quote asset: a few lots above every venue minimum."""

# ---- sizes ---------------------------------------------------------------------------------------------------------
LOTS: Final = 32
DAY_BARS: Final = 288
PENDING_MAX: Final = 64
ROWS_MAX: Final = 64
REASONS_MAX: Final = 32

TAGS_PER_EPISODE: Final = 2**20
"""A tag is `episode * TAGS_PER_EPISODE + serial`, never used twice; serial 0 is the episode's stop."""

PARAMS = record(
    structure_timeframe="i8",  # number of the timeframe whose closes decide
    fill_timeframe="i8",  # number of the timeframe orders are matched against
    atr_n="i8",
    atr_slow_n="i8",
    pivot_left="i8",
    pivot_right="i8",
    swing_min_e4="i8",
    break_buffer_e4="i8",
    potential_ttl_bars="i8",
    arm_on_choch="i8",
    gap_bars="i8",
    leg_min_e4="i8",
    bos_timeout_bars="i8",
    defensive_e4="i8",
    v_defensive_e4="i8",
    v_calm_e4="i8",
    v_shock_e4="i8",
    defensive_step="f8",
    defensive_lot="f8",
    defensive_levels="f8",
    day_defensive_e9="i8",
    day_loss_e9="i8",
    drawdown_kill_e9="i8",
    step_atr="f8",
    as_prior_bp="f8",
    as_atr="f8",
    as_window_fills="i8",
    as_min_fills="i8",
    edge_bp="f8",
    spread_steps="f8",
    spread_bp="f8",  # assumed between bid and ask, from the execution configuration
    payable_steps="f8",
    requote_ticks="i8",
    n_bids="i8",
    n_start="i8",
    spacing_inventory="f8",
    guard_e4="i8",
    w_target="f8",
    w_soft_e9="i8",
    w_hard_e9="i8",
    risk_episode="f8",
    turnover_frac="f8",
    hard_stop_e4="i8",
    episode_loss_e9="i8",
    exit_cap_e9="i8",
    rebalance_ttl_bars="i8",
    mm_ttl_bars="i8",
    exit_ttl_bars="i8",
    cooldown_bars="i8",
    pullback=PULLBACK,
)

LOT = record(
    tag="i8",  # 0: the place is free
    level="i8",  # 1, 2, ... below the anchor; -1, -2, ... a start lot; 0 a fill that came after its bid was given up
    price="i8",  # of the bid
    ordered="i8",  # lots the bid was placed with
    buying="i8",  # lots still wanted
    lots="i8",  # lots held and not yet sold
    take_price="i8",
    ask="i8",  # where the take rests now, 0 = nowhere
    ask_lots="i8",
    resizing="i8",  # 1: the take was called back only to come again with another size
    kept="i8",  # mark of a rebuild: this bid stays
)
"""One buy and what became of it: its bid and its take bear the same tag."""

TURNOVER = record(count="i8", oldest="i8", ring=("i8", DAY_BARS), ordered=("i8", DAY_BARS))
"""Turnover of the last bars, in order of time (`ring`) and of amount (`ordered`), quote quanta."""

WAITING = record(due_ns="i8", side="i8", price="i8")

MARKOUTS = record(
    n_waiting="i8",
    count="i8",
    oldest="i8",
    total_e3="i8",
    waiting=(WAITING, PENDING_MAX),
    ring_e3=("i8", MARKOUTS_MAX),
)
"""Markouts of the last maker fills, 1/1000 bp, + = the price went our way."""

STATE = record(
    started="i8",
    # ---- the bar
    bars="i8",
    bar_end="i8",
    unbroken_bars="i8",
    late_bars="i8",
    missing_bars="i8",
    close="i8",
    low="i8",
    best_bid="i8",
    best_ask="i8",
    told="i8",  # 1: the chain of this bar is in the log
    # ---- volatility, in whole 1/1024 ticks; `ready` once both exist
    ready="i8",
    fast_units="i8",
    slow_units="i8",
    atr_bp="f8",
    # ---- account
    equity="i8",
    high_water="i8",
    share_e9="i8",  # w: value of the base held, as a share of equity
    # ---- policy
    policy="i8",
    policy_row="i8",
    restless="i8",  # Defensive by volatility, until calm
    lost_day="i8",  # UTC day on which the daily loss was reached
    killed="i8",
    # ---- the episode
    machine="i8",
    clock="i8",
    episode="i8",
    serial="i8",
    entered_bar="i8",
    ended_bar="i8",
    closing="i8",  # 1: bids are called back, their outcome is awaited
    calm="i8",
    exit_reason="i8",
    origin="i8",  # O
    top="i8",  # T, the running maximum
    top_before="i8",  # T before this bar
    guard="i8",  # lowest price of a bid
    stop="i8",  # S, 0 = none
    stop_lots="i8",
    stop_hit="i8",  # 1: traded at or through; its fill or its expiry has been heard
    stop_waits_ns="i8",  # end of the bar that went through it, 0 = none; its outcome is on the way
    anchor="i8",
    step_e9="i8",
    floor_e9="i8",
    sizing_step_e9="i8",  # the step of Normal, which sizes are computed with
    lot_quanta="i8",
    starts_left="i8",
    excess_lots="i8",  # above the hard band
    no_bid="i8",  # why there is no further bid
    exit_tag="i8",
    exit_price="i8",
    exit_left="i8",
    exit_due="i8",
    equity_start="i8",
    net_start="i8",
    n_wanted="i8",
    # ---- counters
    n_armed="i8",
    n_episodes="i8",
    n_grid_bids="i8",
    n_round_trips="i8",
    n_late_fills="i8",
    n_notes_lost="i8",
    share_sum_e9="i8",
    share_max_e9="i8",
    episode_quanta="i8",  # sum of all finished episodes
    episode_bp_sum="f8",
    episode_bp_square_sum="f8",
    bars_in_policy=("i8", len(POLICY_NAMES)),
    entries_of_policy=("i8", len(POLICY_NAMES)),
    bars_in_state=("i8", len(STATE_NAMES)),
    entries_of_state=("i8", len(STATE_NAMES)),
    fired=("i8", ROWS_MAX),
    endings=("i8", REASONS_MAX),
    # ---- parts
    fast=ATR,
    slow=ATR,
    structure=STRUCTURE,
    turnover=TURNOVER,
    markouts=MARKOUTS,
    lots=(LOT, LOTS),
)


def new_state(config: StructureMmConfig, instrument: Instrument, structure: int, fills: int) -> Any:
    """One row of STATE before the first event; it fills itself from the parameters at the first wake."""
    return table(STATE, 1)


def params_record(
    config: StructureMmConfig,
    instrument: Instrument,
    structure: int = TIMEFRAME_NUMBER["5m"],
    fills: int = 0,
    spread_bps: float = 1.0,
) -> Any:
    """One row of PARAMS. `structure`, `fills`: timeframe numbers, 0 = the same; `spread_bps`: assumed without a book.

    Raises ParameterError unless the instrument is spot, ConfigError for a multiple with more than four decimals.
    """
    require_spot(instrument)
    rows = table(PARAMS, 1)
    row = rows[0]
    for name in PARAMS.names or ():
        if hasattr(config, name):
            row[name] = getattr(config, name)
    row.structure_timeframe = structure
    row.fill_timeframe = fills or structure
    row.potential_ttl_bars = config.bos_potential_ttl_bars
    row.defensive_lot = config.defensive_size
    row.spread_bp = spread_bps
    for field, parameter in IN_E4.items():
        row[field] = ten_thousandths(getattr(config, parameter), parameter)
    for field, parameter in IN_E9.items():
        row[field] = round(getattr(config, parameter) * 1e9)
    row.exit_cap_e9 = round(config.exit_cap_bp * 1e5)
    start_pullback(
        row.pullback,
        min_atr=config.pullback_min_atr,
        min_fraction=config.pullback_min_frac,
        max_fraction=config.pullback_max_frac,
    )
    return rows


IN_E4: Final = {
    "swing_min_e4": "swing_min_atr",
    "break_buffer_e4": "break_buffer_atr",
    "leg_min_e4": "leg_min_atr",
    "defensive_e4": "defensive_frac",
    "v_defensive_e4": "v_defensive",
    "v_calm_e4": "v_calm",
    "v_shock_e4": "v_shock",
    "guard_e4": "guard_atr",
    "hard_stop_e4": "hard_stop_atr",
}
"""Field to the parameter it holds in whole ten-thousandths, so that a comparison is exact."""

IN_E9: Final = {
    "day_defensive_e9": "day_defensive",
    "day_loss_e9": "day_loss",
    "drawdown_kill_e9": "drawdown_kill",
    "w_soft_e9": "w_soft",
    "w_hard_e9": "w_hard",
    "episode_loss_e9": "episode_loss",
}
"""Field to the parameter it holds in 1e-9, so that money is compared with money."""
