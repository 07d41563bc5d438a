"""What the specification asks to be counted, as plain numbers."""

import math
from typing import Any

from quintet.systems.structure_mm.machine import COUNT, DISARM, REASON_NAMES, TRANSITIONS
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES


def statistics(state: Any) -> dict[str, float | int]:
    """Counts and shares of one run; `state` is the STATE record or the one-row table of it.

    Shares are percent of structure bars, `episode_mean_bp` and its standard error basis points of equity.
    """
    row = state[0] if getattr(state, "ndim", 0) else state
    bars = int(row.bars)
    found: dict[str, float | int] = {
        "bars": bars,
        "missing_bars": int(row.missing_bars),
        "late_bars": int(row.late_bars),
    }
    shape = row.structure
    for name in ("n_swings", "n_potential", "n_confirmed", "n_bos_down", "n_choch_up", "n_choch_down"):
        found[f"structure_{name.removeprefix('n_')}"] = int(shape[name])
    for i, name in enumerate(POLICY_NAMES):
        found[f"policy_{name.lower()}_pct"] = percent(int(row.bars_in_policy[i]), bars)
        found[f"policy_{name.lower()}_entries"] = int(row.entries_of_policy[i])
    for i, name in enumerate(STATE_NAMES):
        found[f"state_{name.lower()}_pct"] = percent(int(row.bars_in_state[i]), bars)
        found[f"state_{name.lower()}_entries"] = int(row.entries_of_state[i])
    found["bars_in_mm"] = int(row.bars_in_state[STATE_NAMES.index("MM")])
    found["armed"] = int(row.n_armed)
    found |= outcomes_of_arming(row)
    found["episodes"] = int(row.n_episodes)
    for i, name in enumerate(REASON_NAMES):
        if int(row.endings[i]):
            found[f"ended_{name}"] = int(row.endings[i])
    found |= results(row)
    found["round_trips"] = int(row.n_round_trips)
    found["grid_bids"] = int(row.n_grid_bids)
    found["late_fills"] = int(row.n_late_fills)
    found["base_share_mean_pct"] = percent(int(row.share_sum_e9), bars * 1_000_000_000)
    found["base_share_max_pct"] = percent(int(row.share_max_e9), 1_000_000_000)
    found["kill_switch"] = int(row.killed)
    return found


def outcomes_of_arming(row: Any) -> dict[str, float | int]:
    """How often a break did not arm, and an armed leg was not entered, by reason."""
    found: dict[str, float | int] = {}
    for i, rule in enumerate(TRANSITIONS):
        kind = {COUNT: "not_armed", DISARM: "disarmed"}.get(rule.action)
        if kind:
            key = f"{kind}_{REASON_NAMES[rule.reason]}"
            found[key] = int(found.get(key, 0)) + int(row.fired[i])
    return found


def results(row: Any) -> dict[str, float | int]:
    """Mean result of an episode in basis points of its opening equity, with the standard error of that mean."""
    count = sum(int(number) for number in row.endings)
    mean = float(row.episode_bp_sum) / count if count else 0.0
    error = 0.0
    if count > 1:
        variance = (float(row.episode_bp_square_sum) - count * mean * mean) / (count - 1)
        error = math.sqrt(max(variance, 0.0) / count)
    return {"episode_mean_bp": mean, "episode_standard_error_bp": error}


def percent(part: int, whole: int) -> float:
    """A share in percent; 0 of nothing is 0."""
    return 100.0 * part / whole if whole else 0.0
