"""The breaker: who stops new risk, what trips by itself, and what it takes to go on.

Causes are bits that stay until somebody takes them away; the mode follows from them and from nothing else.

| cause       | set by                           | mode        | working orders are            | taken away by |
|-------------|----------------------------------|-------------|-------------------------------|---------------|
| pause       | an operator                      | halted      | left alone                    | RESUME, RESET |
| reduce only | an operator                      | reduce only | called back if they add risk  | RESUME, RESET |
| kill        | an operator                      | halted      | called back                   | RESET         |
| drawdown    | equity, from its high-water mark | halted      | called back                   | RESET         |
| day loss    | equity, from the day's opening   | halted      | called back                   | RESET         |
| alarms      | the impossible, so many times    | halted      | called back                   | RESET         |
| stand down  | a desk that is being stopped     | halted      | called back                   | STAND_UP, RESET |

In every mode but normal only cancels and risk-reducing orders leave: the gate sees to it. From a desk that stands down
only cancels leave, and its system learns nothing of it: it goes on after the next start as if it had slept. An alarm
alone (or a difference that reconciliation cannot explain) stops new risk as well, until a RESET. The three rules are
off unless a limit is given; equity is looked at where it is marked.
"""

from typing import Any, Final

from quintet.core.kernel import kernel
from quintet.core.risk.gate import HALTED, MODE_NAMES, NORMAL, REDUCE_ONLY
from quintet.core.risk.restraint import causes_text as restraint_text
from quintet.core.risk.restraint import release
from quintet.core.state import NOTES
from quintet.core.units import DOWN, E9, mul_div

# ---- what an operator can say: the quantity of an OPERATOR row ----------------------------------------------------
PAUSE: Final = 1
RESUME: Final = 2
REDUCE: Final = 3
KILL: Final = 4
RESET: Final = 5
STAND_DOWN: Final = 6
STAND_UP: Final = 7
ACTION_NAMES: Final = ("none", "pause", "resume", "reduce only", "kill", "reset", "stand down", "stand up")

# ---- why risk is stopped ------------------------------------------------------------------------------------------
BY_PAUSE: Final = 1
BY_REDUCE_ONLY: Final = 2
BY_KILL: Final = 4
BY_DRAWDOWN: Final = 8
BY_DAY_LOSS: Final = 16
BY_ALARMS: Final = 32
BY_STAND_DOWN: Final = 64
CAUSE_NAMES: Final = {
    BY_PAUSE: "paused by an operator",
    BY_REDUCE_ONLY: "reduce only, by an operator",
    BY_KILL: "killed by an operator",
    BY_DRAWDOWN: "drawdown",
    BY_DAY_LOSS: "loss of the day",
    BY_ALARMS: "alarms",
    BY_STAND_DOWN: "the desk is being stopped",
}
CALLS_ALL_BACK: Final = BY_KILL | BY_DRAWDOWN | BY_DAY_LOSS | BY_ALARMS | BY_STAND_DOWN
HALTS: Final = CALLS_ALL_BACK | BY_PAUSE
RESUMABLE: Final = BY_PAUSE | BY_REDUCE_ONLY

# ---- notes of the desk itself; a system's own codes stand below them ----------------------------------------------
DESK_NOTES: Final = 1_000
MODE_CHANGED: Final = 1_000  # causes before, causes after, operator's action (0: a rule), alarm pause
SUSPENDED: Final = 1_001  # asset, quanta posted to suspense
RESTRAINT_CHANGED: Final = 1_003  # causes of the restraint before and after, its alarms so far
LIQUIDATED: Final = 1_002  # instrument, lots taken from us (- = a long position's), price, rest of the margin in quanta


@kernel
def mode_of(causes: int) -> int:
    """The mode that follows from the causes."""
    if causes & HALTS != 0:
        return HALTED
    return REDUCE_ONLY if causes & BY_REDUCE_ONLY != 0 else NORMAL


@kernel
def causes_after(causes: int, action: int) -> int:
    """The causes after an operator has spoken, -1 for an action that does not exist."""
    if action == PAUSE:
        return causes | BY_PAUSE
    if action == REDUCE:
        return causes | BY_REDUCE_ONLY
    if action == KILL:
        return causes | BY_KILL
    if action == RESUME:
        return causes & ~RESUMABLE
    if action == STAND_DOWN:
        return causes | BY_STAND_DOWN
    if action == STAND_UP:
        return causes & ~BY_STAND_DOWN
    return 0 if action == RESET else -1


@kernel
def operate(desk: Any, action: int) -> bool:
    """An operator has spoken. False for an unknown action, which is counted and changes nothing."""
    causes = causes_after(desk.breaker.causes, action)
    if causes < 0:
        desk.n_ignored += 1
        return False
    if action == RESET:
        desk.paused = 0
        begin_anew(desk)
    change(desk, causes, action)
    return True


@kernel
def begin_anew(desk: Any) -> None:
    """An operator has looked: what the rules measure begins here, or they would trip again at once."""
    breaker, equity = desk.breaker, desk.shown.equity
    release(desk.restraint)
    breaker.alarms_before = desk.alarms
    breaker.high_water = equity.quanta
    breaker.day_open = equity.quanta


@kernel
def change(desk: Any, causes: int, action: int) -> None:
    """Take the causes over: mode, what the system is shown, orders to be called back, and a note."""
    breaker, view = desk.breaker, desk.shown
    added = causes & ~breaker.causes
    leave_note(view, MODE_CHANGED, breaker.causes, causes, action, desk.paused)
    breaker.causes = causes
    desk.limits.mode = mode_of(causes)
    desk.room_version += 1  # what was refused under the old mode may be proposed again
    show_halt(desk)
    if added & CALLS_ALL_BACK != 0:
        recall(desk, True)
    elif added & BY_REDUCE_ONLY != 0:
        recall(desk, False)


@kernel
def show_halt(desk: Any) -> None:
    """Tell the system whether new risk is stopped. A desk that is being stopped is no news for it: it is not asked."""
    halted = desk.limits.mode != NORMAL and desk.breaker.causes != BY_STAND_DOWN
    desk.shown.halted = 1 if halted or desk.paused != 0 else 0


@kernel
def recall(desk: Any, everything: bool) -> None:
    """Mark working orders to be called back: all, or those that may add risk. A free slot's mark means nothing."""
    for s in range(desk.slots_used):
        if everything or may_add_risk(desk.shown, desk.orders[s]):
            desk.orders[s].recalled = 1


@kernel
def may_add_risk(view: Any, order: Any) -> bool:
    """Could filling this order, with the others of its side, bring the position further from zero?"""
    account = view.account[order.instrument]
    if view.instruments[order.instrument].kind == 0:
        return order.side > 0
    working = account.open_buy_lots if order.side > 0 else account.open_sell_lots
    return order.side * account.lots >= 0 or working > abs(account.lots)


@kernel
def leave_note(view: Any, code: int, a: int, b: int, c: int, d: int) -> None:
    """Leave a note of the desk; what does not fit is lost to the log, never to the decision."""
    if view.n_notes < NOTES:
        row = view.notes[view.n_notes]
        view.n_notes += 1
        row.code = code
        row.a = a
        row.b = b
        row.c = c
        row.d = d


# ---- rules --------------------------------------------------------------------------------------------------------


@kernel
def has_lost(quanta: int, reference: int, fraction_e9: int) -> bool:
    """Is equity at or below the reference less a fraction of it? Quanta; a fraction of 0 is no rule."""
    return fraction_e9 > 0 and quanta <= mul_div(reference, E9 - fraction_e9, E9, DOWN)


@kernel
def watch_equity(desk: Any, ts: int) -> bool:
    """Look at equity that was just marked at `ts` (ns UTC); True when a rule has tripped by it."""
    breaker, equity = desk.breaker, desk.shown.equity
    if breaker.drawdown_e9 == 0 and breaker.day_loss_e9 == 0:
        return False
    if breaker.marks == 0:
        breaker.high_water = equity.start
    if ts >= breaker.day_end:
        breaker.day_open = equity.day_open
        breaker.day_end = equity.day_end
    breaker.marks += 1
    breaker.high_water = max(breaker.high_water, equity.quanta)
    causes = breaker.causes
    if has_lost(equity.quanta, breaker.high_water, breaker.drawdown_e9):
        causes |= BY_DRAWDOWN
    if has_lost(equity.quanta, breaker.day_open, breaker.day_loss_e9):
        causes |= BY_DAY_LOSS
    return trip(desk, causes)


@kernel
def watch_alarms(desk: Any) -> bool:
    """Look at the alarms after one more; True when the rule has tripped by it."""
    breaker = desk.breaker
    if breaker.alarms_max == 0 or desk.alarms - breaker.alarms_before < breaker.alarms_max:
        return False
    return trip(desk, breaker.causes | BY_ALARMS)


@kernel
def trip(desk: Any, causes: int) -> bool:
    """Take tripped rules over; False when nothing is new."""
    if causes == desk.breaker.causes:
        return False
    change(desk, causes, 0)
    return True


# ---- words --------------------------------------------------------------------------------------------------------


def explain(row: Any) -> str:
    """The sentence of one of the desk's own notes."""
    code, a, b, c, d = (int(row[name]) for name in ("code", "a", "b", "c", "d"))
    if code == SUSPENDED:
        return f"{b} quanta of asset {a} posted to suspense: no new risk until an operator resets"
    if code == LIQUIDATED:
        return f"the venue has taken over {abs(b)} lots of instrument {a} at {c}; {d} quanta of margin went with them"
    if code == RESTRAINT_CHANGED:
        before, after = (restraint_text(causes) or "nothing" for causes in (a, b))
        return f"restraint; {before} holds new risk back, then {after}"
    who = f"operator: {ACTION_NAMES[c]}" if c else "breaker"
    why = causes_text(b) or ("an alarm that nobody has looked at" if d else "nothing stops new risk")
    return f"{who}; mode {MODE_NAMES[mode_of(a)]} becomes {MODE_NAMES[mode_of(b)]}: {why}"


def causes_text(causes: int) -> str:
    """The causes in words, empty when there is none."""
    return ", ".join(name for bit, name in CAUSE_NAMES.items() if causes & bit)


NOTE_NAMES: Final = {
    MODE_CHANGED: "mode",
    SUSPENDED: "suspense",
    LIQUIDATED: "liquidation",
    RESTRAINT_CHANGED: "restraint",
}
