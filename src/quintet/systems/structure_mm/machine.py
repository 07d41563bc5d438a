"""The state machine as data: in which state, on which occasion, what must hold, where it leads, what is done.

The kernel tries the rows of the present state from the top and takes the first that applies. A row with the action
RAISE goes on with the rows below it; entering Exit goes on with the rows of Exit, so that a flat episode is over on
the same event.
"""

from typing import Final, NamedTuple

import numpy as np

from quintet.core.kernel import kernel
from quintet.systems.structure_mm.records import BOS, EXIT, IDLE, MM, REBALANCE

# ---- occasions -----------------------------------------------------------------------------------------------------
ON_BAR: Final = 1  # a closed structure bar
ON_FILL: Final = 2
ON_ORDER: Final = 4  # an order of ours is over without a (complete) fill
ON_CONTROL: Final = 8  # an operator
ANY: Final = ON_BAR | ON_FILL | ON_ORDER | ON_CONTROL
OCCASION_NAMES: Final = {ON_BAR: "bar", ON_FILL: "fill", ON_ORDER: "order over", ON_CONTROL: "operator"}

# ---- facts ---------------------------------------------------------------------------------------------------------
BREAK_UP: Final = 1 << 0
CHOCH_DOWN: Final = 1 << 1
DISABLED: Final = 1 << 2
COOLING: Final = 1 << 3
LEG_SMALL: Final = 1 << 4
TOO_DEEP: Final = 1 << 5
READY: Final = 1 << 6
NOT_PAYABLE: Final = 1 << 7
NO_SIZE: Final = 1 << 8
TIME_UP: Final = 1 << 9
HOLDING: Final = 1 << 10
BUYS: Final = 1 << 11
STARTED: Final = 1 << 12
STOP_HIT: Final = 1 << 13
BROKEN: Final = 1 << 14
LOSS: Final = 1 << 15
AT_TOP: Final = 1 << 16
CALM: Final = 1 << 17
KILL: Final = 1 << 18
CLOSING: Final = 1 << 19
FACT_NAMES: Final = {
    BREAK_UP: "break upward confirmed",
    CHOCH_DOWN: "change of character downward",
    DISABLED: "policy Disabled",
    COOLING: "cool-down",
    LEG_SMALL: "leg too small",
    TOO_DEEP: "pullback too deep",
    READY: "pullback ready",
    NOT_PAYABLE: "leg shorter than its steps",
    NO_SIZE: "lot below the minimum",
    TIME_UP: "time is up",
    HOLDING: "holding what can be sold",
    BUYS: "bids working",
    STARTED: "all start lots filled",
    STOP_HIT: "hard stop hit",
    BROKEN: "close below O",
    LOSS: "episode loss reached",
    AT_TOP: "close at or above the old top",
    CALM: "exit is calm",
    KILL: "kill switch",
    CLOSING: "bids called back",
}

# ---- actions -------------------------------------------------------------------------------------------------------
COUNT: Final = 0
ARM: Final = 1
RAISE: Final = 2
DISARM: Final = 3
ENTER: Final = 4
BEGIN: Final = 5
CALL_BACK: Final = 6
REBUILD: Final = 7
LEAVE_AT_ONCE: Final = 8
LEAVE_CALMLY: Final = 9
FINISH: Final = 10
ACTION_NAMES: Final = (
    "count it",
    "remember O and T, start the clock",
    "raise O (and S), restart the clock, go on below",
    "forget O and T",
    "size the lots, set S, place the start bids and the stop",
    "set the anchor, place the takes",
    "call back the bids and await their outcome",
    "rebuild the grid",
    "call back everything, sell by IOC",
    "call back everything, sell at the best ask",
    "forget the episode, cool down",
)

# ---- reasons -------------------------------------------------------------------------------------------------------
NO_REASON: Final = 0
BOS_CONFIRMED: Final = 1
POLICY_DISABLED: Final = 2
COOL_DOWN: Final = 3
SMALL_LEG: Final = 4
BOS_AGAIN: Final = 5
PULLBACK_FAILED: Final = 6
PULLBACK_TIMEOUT: Final = 7
UNPAYABLE: Final = 8
UNSIZED: Final = 9
PULLBACK_READY: Final = 10
HARD_STOP: Final = 11
STRUCTURE: Final = 12
START_FILLED: Final = 13
START_TIMEOUT: Final = 14
NOT_FILLED: Final = 15
EPISODE_LOSS: Final = 16
TIME: Final = 17
COMPLETED: Final = 18
KILLED: Final = 19
LATE_FILL: Final = 20
FLAT: Final = 21
GIVE_WAY: Final = 22
REBUILT: Final = 23
REASON_NAMES: Final = (
    "none", "bos_confirmed", "policy_disabled", "cool_down", "leg_small", "bos_again", "pullback_failed",
    "pullback_timeout", "not_payable", "no_size", "pullback_ready", "hard_stop", "structure", "start_filled",
    "start_timeout", "not_filled", "loss", "time", "completed", "kill_switch", "late_fill", "flat", "give_way",
    "rebuilt",
)  # fmt: skip


class Row(NamedTuple):
    """One row: in `state` on one of `occasions`, all of `needs` and none of `forbids` holding."""

    state: int
    occasions: int
    needs: int
    forbids: int
    to: int
    action: int
    reason: int


FREE: Final = HOLDING | BUYS
"""Forbidding both asks that nothing is held and nothing can be bought any more."""

TRANSITIONS: Final = (
    Row(IDLE, ON_FILL, HOLDING, 0, EXIT, LEAVE_AT_ONCE, LATE_FILL),
    Row(IDLE, ON_BAR, BREAK_UP | DISABLED, 0, IDLE, COUNT, POLICY_DISABLED),
    Row(IDLE, ON_BAR, BREAK_UP | COOLING, 0, IDLE, COUNT, COOL_DOWN),
    Row(IDLE, ON_BAR, BREAK_UP | LEG_SMALL, 0, IDLE, COUNT, SMALL_LEG),
    Row(IDLE, ON_BAR, BREAK_UP, 0, BOS, ARM, BOS_CONFIRMED),
    Row(BOS, ON_FILL, HOLDING, 0, EXIT, LEAVE_AT_ONCE, LATE_FILL),
    Row(BOS, ANY, KILL, 0, IDLE, DISARM, KILLED),
    Row(BOS, ON_BAR, BREAK_UP, 0, BOS, RAISE, BOS_AGAIN),
    Row(BOS, ON_BAR, CHOCH_DOWN, 0, IDLE, DISARM, PULLBACK_FAILED),
    Row(BOS, ON_BAR, TOO_DEEP, 0, IDLE, DISARM, PULLBACK_FAILED),
    Row(BOS, ON_BAR, TIME_UP, 0, IDLE, DISARM, PULLBACK_TIMEOUT),
    Row(BOS, ON_BAR, READY | DISABLED, 0, IDLE, DISARM, POLICY_DISABLED),
    Row(BOS, ON_BAR, READY | NOT_PAYABLE, 0, IDLE, DISARM, UNPAYABLE),
    Row(BOS, ON_BAR, READY | NO_SIZE, 0, IDLE, DISARM, UNSIZED),
    Row(BOS, ON_BAR, READY, 0, REBALANCE, ENTER, PULLBACK_READY),
    Row(REBALANCE, ANY, STOP_HIT, FREE, IDLE, FINISH, HARD_STOP),
    Row(REBALANCE, ANY, STOP_HIT, 0, EXIT, LEAVE_AT_ONCE, HARD_STOP),
    Row(REBALANCE, ANY, KILL, FREE, IDLE, FINISH, KILLED),
    Row(REBALANCE, ANY, KILL, 0, EXIT, LEAVE_AT_ONCE, KILLED),
    Row(REBALANCE, ON_BAR, CHOCH_DOWN, FREE, IDLE, FINISH, STRUCTURE),
    Row(REBALANCE, ON_BAR, CHOCH_DOWN, 0, EXIT, LEAVE_AT_ONCE, STRUCTURE),
    Row(REBALANCE, ON_BAR, BROKEN, FREE, IDLE, FINISH, STRUCTURE),
    Row(REBALANCE, ON_BAR, BROKEN, 0, EXIT, LEAVE_AT_ONCE, STRUCTURE),
    Row(REBALANCE, ON_BAR, DISABLED, FREE, IDLE, FINISH, POLICY_DISABLED),
    Row(REBALANCE, ON_BAR, DISABLED, 0, EXIT, LEAVE_AT_ONCE, POLICY_DISABLED),
    Row(REBALANCE, ANY, STARTED, 0, MM, BEGIN, START_FILLED),
    Row(REBALANCE, ANY, TIME_UP | BUYS, CLOSING, REBALANCE, CALL_BACK, START_TIMEOUT),
    Row(REBALANCE, ANY, TIME_UP | HOLDING, BUYS, MM, BEGIN, START_TIMEOUT),
    Row(REBALANCE, ANY, TIME_UP, FREE, IDLE, FINISH, NOT_FILLED),
    Row(MM, ANY, STOP_HIT, FREE, IDLE, FINISH, HARD_STOP),
    Row(MM, ANY, STOP_HIT, 0, EXIT, LEAVE_AT_ONCE, HARD_STOP),
    Row(MM, ANY, KILL, 0, EXIT, LEAVE_AT_ONCE, KILLED),
    Row(MM, ON_BAR, BREAK_UP, 0, MM, RAISE, BOS_AGAIN),
    Row(MM, ON_BAR, CHOCH_DOWN, 0, EXIT, LEAVE_AT_ONCE, STRUCTURE),
    Row(MM, ON_BAR, BROKEN, 0, EXIT, LEAVE_AT_ONCE, STRUCTURE),
    Row(MM, ON_BAR, DISABLED, 0, EXIT, LEAVE_AT_ONCE, POLICY_DISABLED),
    Row(MM, ON_BAR, LOSS, 0, EXIT, LEAVE_AT_ONCE, EPISODE_LOSS),
    Row(MM, ON_BAR, TIME_UP, 0, EXIT, LEAVE_CALMLY, TIME),
    Row(MM, ON_BAR, AT_TOP, FREE, IDLE, FINISH, COMPLETED),
    Row(MM, ON_BAR, AT_TOP, HOLDING, MM, CALL_BACK, COMPLETED),
    Row(MM, ON_FILL | ON_ORDER, CLOSING, FREE, IDLE, FINISH, COMPLETED),
    Row(MM, ON_BAR, 0, 0, MM, REBUILD, REBUILT),
    Row(EXIT, ANY, 0, FREE, IDLE, FINISH, FLAT),
    Row(EXIT, ANY, CALM | KILL, 0, EXIT, LEAVE_AT_ONCE, GIVE_WAY),
    Row(EXIT, ANY, CALM | STOP_HIT, 0, EXIT, LEAVE_AT_ONCE, GIVE_WAY),
    Row(EXIT, ON_BAR, CALM | CHOCH_DOWN, 0, EXIT, LEAVE_AT_ONCE, GIVE_WAY),
    Row(EXIT, ON_BAR, CALM | TIME_UP, 0, EXIT, LEAVE_AT_ONCE, GIVE_WAY),
)

_ROWS: Final = np.array(TRANSITIONS, np.int64)
TO: Final = np.array([row.to for row in TRANSITIONS], np.int64)
ACTION: Final = np.array([row.action for row in TRANSITIONS], np.int64)
REASON: Final = np.array([row.reason for row in TRANSITIONS], np.int64)


@kernel
def first_row(state: int, occasion: int, facts: int, start: int) -> int:
    """Index of the first row from `start` on that applies, -1 when none does."""
    for row in range(start, _ROWS.shape[0]):
        if (
            _ROWS[row, 0] == state
            and _ROWS[row, 1] & occasion != 0
            and facts & _ROWS[row, 2] == _ROWS[row, 2]
            and facts & _ROWS[row, 3] == 0
        ):
            return row
    return -1
