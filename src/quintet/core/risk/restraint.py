"""Restraint: what holds new risk back step by step, by itself, and what lets it go again.

Above it stands the breaker, which only an operator resets. Causes are bits; while any of NO_ENTRIES stands no order
that adds risk leaves, and whatever reduces a position always does.

| cause      | set when                                             | until                                          |
|------------|------------------------------------------------------|------------------------------------------------|
| day loss   | equity at or below the day's opening less a fraction | 00:00 UTC                                      |
| losses     | so many closed positions in a row have lost          | a while later; a gain begins to count anew     |
| half size  | deeper below the high-water mark than a fraction     | it is not so deep any more                     |
| selective  | deeper still: only signals of high conviction        | it is not so deep any more                     |
| review     | deeper still                                         | an operator resets                             |
| ruin       | deeper still: positions are closed too               | an operator resets                             |
| extreme    | the price moved too far in a minute, and confirmed   | a while later, and volatility is usual again   |
| slow       | round trips take long: every second entry waits      | they have been prompt for a while              |
| late       | round trips take too long                            | they have been prompt for a while              |

Money is in quanta, prices in price increments, fractions in 1e-9, times in ns. Source of the rules: the requirements
I-013, I-200 to I-206, I-211 and I-212.
"""

from typing import Any, Final

from quintet.core.kernel import kernel
from quintet.core.state import ROUND_TRIPS, SECONDS_WATCHED
from quintet.core.units import DOWN, E9, UP, mul_div

SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
DAY_NS: Final = 86_400 * SECOND_NS

BY_DAY_LOSS: Final = 1
BY_LOSSES: Final = 2
BY_HALF: Final = 4
BY_SELECTIVE: Final = 8
BY_REVIEW: Final = 16
BY_RUIN: Final = 32
BY_EXTREME: Final = 64
BY_SLOW: Final = 128
BY_LATE: Final = 256
CAUSE_NAMES: Final = {
    BY_DAY_LOSS: "loss of the day, until 00:00 UTC",
    BY_LOSSES: "losses in a row",
    BY_HALF: "drawdown: half the size",
    BY_SELECTIVE: "drawdown: high conviction only",
    BY_REVIEW: "drawdown: a person has to look",
    BY_RUIN: "drawdown: positions are closed",
    BY_EXTREME: "an extreme move of the price",
    BY_SLOW: "slow round trips",
    BY_LATE: "late round trips",
}
NO_ENTRIES: Final = BY_DAY_LOSS | BY_LOSSES | BY_REVIEW | BY_RUIN | BY_EXTREME | BY_LATE
LATCHED: Final = BY_REVIEW | BY_RUIN

SUSPECT_E9: Final = 10_000_000
"""A price that jumps by more than 1 % is believed when another one confirms it (I-013)."""

VOLATILITY_BARS: Final = 12
MEDIAN_STEP: Final = 0.01
"""What is usual moves by so much of itself with each bar: up for a wider bar, down for a narrower one."""

LEAST_RANGE: Final = 1e-6

LATE_SHARE: Final = 20
"""A 95th percentile above a bound: more than one in twenty is."""


# ---- money --------------------------------------------------------------------------------------------------------


@kernel
def watch_money(held: Any, quanta: int, ts: int) -> None:
    """Equity was marked at `ts`: the day, the high-water mark, and what follows from how far it is below them."""
    if held.high_water == 0:
        held.high_water = held.day_open = held.equity = quanta
    if ts >= held.day_end:
        # A mark at midnight itself opens the day, else the last one before it.
        held.day_open = quanta if ts % DAY_NS == 0 else held.equity
        held.day_end = (ts // DAY_NS + 1) * DAY_NS
        held.causes &= ~BY_DAY_LOSS
    held.equity = quanta
    held.high_water = max(held.high_water, quanta)
    rules = held.rules
    if rules.day_loss_e9 > 0 and held.day_open - quanta >= mul_div(held.day_open, rules.day_loss_e9, E9, UP):
        held.causes |= BY_DAY_LOSS
    held.causes = held.causes & ~(BY_HALF | BY_SELECTIVE) | depth_causes(rules, held.high_water, quanta)
    if held.causes & BY_RUIN != 0:
        held.closing = 1


@kernel
def depth_causes(rules: Any, high_water: int, quanta: int) -> int:
    """The causes that a drawdown sets now; those that are latched are kept by whoever asks."""
    found = 0
    if is_deeper(rules.half_e9, high_water, quanta):
        found |= BY_HALF
    if is_deeper(rules.selective_e9, high_water, quanta):
        found |= BY_SELECTIVE
    if is_deeper(rules.review_e9, high_water, quanta):
        found |= BY_REVIEW
    if is_deeper(rules.flatten_e9, high_water, quanta):
        found |= BY_RUIN
    return found


@kernel
def is_deeper(fraction_e9: int, high_water: int, quanta: int) -> bool:
    """Is equity further below the mark than the fraction? Exactly at it is not."""
    return fraction_e9 > 0 and high_water - quanta > mul_div(high_water, fraction_e9, E9, DOWN)


@kernel
def position_closed(held: Any, net: int, ts: int) -> None:
    """A position is over, with `net` after fees. It counts once, however many parts it was closed in."""
    if net > 0:
        held.losses = 0
    elif net < 0:
        held.losses += 1
    rules = held.rules
    if rules.losses_in_row > 0 and held.losses >= rules.losses_in_row:
        held.losses = 0
        held.losses_until = ts + rules.losses_pause_ns
        held.causes |= BY_LOSSES


@kernel
def watch_position(held: Any, n: int, lots: int, net: int, ts: int) -> None:
    """Instrument `n` holds `lots` now; `net`: all it has realized less all its fees. A turn closes and opens."""
    before = held.held[n]
    if before == lots:
        return
    if before == 0:
        held.opened[n] = net
    elif lots == 0 or (lots > 0) != (before > 0):
        position_closed(held, net - held.opened[n], ts)
        held.opened[n] = net
    held.held[n] = lots


# ---- the price ----------------------------------------------------------------------------------------------------


@kernel
def watch_price(held: Any, n: int, last: int, mark: int, ts: int) -> bool:
    """Instrument `n` traded at `last`, its mark price is `mark` (0: it has none); True when that is an extreme move.

    One price that jumps and is not confirmed by another is neither believed nor remembered.
    """
    watch, rules = held.watch[n], held.rules
    if rules.move_e9 == 0 or last <= 0 or not is_believed(watch, last):
        return False
    way = way_moved(watch, rules, last, ts)
    confirmed = False
    if way == 0:
        watch.since = 0
    else:
        if watch.since == 0 or watch.way != way:
            watch.since = ts
        watch.way = way
        if mark > 0:
            confirmed = mark_moved(watch, rules, mark, ts, way)
        else:
            confirmed = ts - watch.since >= rules.move_confirm_ns
    remember(watch, last, mark, ts)
    if confirmed:
        extreme_move(held, ts)
        forget(watch)
    return confirmed


@kernel
def is_believed(watch: Any, last: int) -> bool:
    """Is it near the last price that was believed, or near one that jumped before it?"""
    near = watch.accepted == 0 or is_near(last, watch.accepted)
    if near or (watch.suspect != 0 and is_near(last, watch.suspect)):
        watch.accepted = last
        watch.suspect = 0
        return True
    watch.suspect = last
    return False


@kernel
def is_near(price: int, other: int) -> bool:
    """No further apart than what is believed at once?"""
    return abs(price - other) * E9 <= SUSPECT_E9 * other


@kernel
def way_moved(watch: Any, rules: Any, last: int, ts: int) -> int:
    """1 or -1 when the price has moved too far from some price of the span, 0 when it has not."""
    first = (ts - rules.move_span_ns) // SECOND_NS + 1
    for k in range(SECONDS_WATCHED):
        if watch.stamp[k] >= first and watch.high[k] > 0:
            if (watch.high[k] - last) * E9 > rules.move_e9 * watch.high[k]:
                return -1
            if (last - watch.low[k]) * E9 > rules.move_e9 * watch.low[k]:
                return 1
    return 0


@kernel
def mark_moved(watch: Any, rules: Any, mark: int, ts: int, way: int) -> bool:
    """Has the mark price moved far enough the same way within the span?"""
    first = (ts - rules.move_span_ns) // SECOND_NS + 1
    for k in range(SECONDS_WATCHED):
        if watch.stamp[k] >= first and watch.mark_high[k] > 0:
            if way < 0 and (watch.mark_high[k] - mark) * E9 > rules.move_confirm_e9 * watch.mark_high[k]:
                return True
            if way > 0 and (mark - watch.mark_low[k]) * E9 > rules.move_confirm_e9 * watch.mark_low[k]:
                return True
    return False


@kernel
def remember(watch: Any, last: int, mark: int, ts: int) -> None:
    """Put prices into the bucket of their second."""
    second = ts // SECOND_NS
    k = second % SECONDS_WATCHED
    if watch.stamp[k] != second:
        watch.stamp[k] = second
        watch.low[k] = watch.high[k] = last
        watch.mark_low[k] = watch.mark_high[k] = mark
        return
    watch.low[k] = min(watch.low[k], last)
    watch.high[k] = max(watch.high[k], last)
    if mark > 0:
        watch.mark_low[k] = mark if watch.mark_low[k] == 0 else min(watch.mark_low[k], mark)
        watch.mark_high[k] = max(watch.mark_high[k], mark)


@kernel
def forget(watch: Any) -> None:
    """What was is known: the next move is measured from here."""
    watch.since = 0
    for k in range(SECONDS_WATCHED):
        watch.stamp[k] = 0


@kernel
def extreme_move(held: Any, ts: int) -> None:
    """Everything is called back; new risk waits for time and for calm."""
    held.causes |= BY_EXTREME
    held.moved_until = ts + held.rules.move_pause_ns
    held.calm = 0
    held.alarms += 1
    if held.rules.move_flattens != 0:
        held.closing = 1


@kernel
def watch_bar(held: Any, high: int, low: int, close: int, ts: int) -> None:
    """A bar has closed. What is usual is not learned while the market is not."""
    if held.rules.move_e9 == 0 or close <= 0:
        return
    spread = (high - low) / close
    if held.usual == 0.0:
        held.volatility = held.usual = max(spread, LEAST_RANGE)
    held.volatility += (spread - held.volatility) / VOLATILITY_BARS
    if held.causes & BY_EXTREME == 0:
        held.usual = max(held.usual * (1.0 + MEDIAN_STEP if spread > held.usual else 1.0 - MEDIAN_STEP), LEAST_RANGE)
    watch_calm(held, held.volatility, held.usual, ts)


@kernel
def watch_calm(held: Any, volatility: float, usual: float, ts: int) -> None:
    """A bar has closed with this volatility; `usual`: its median over a long time, in the same unit."""
    if held.causes & BY_EXTREME == 0:
        return
    held.calm = held.calm + 1 if volatility * E9 < held.rules.calm_e9 * usual else 0
    let_go(held, ts)


# ---- the line -----------------------------------------------------------------------------------------------------


@kernel
def watch_round_trip(held: Any, took_ns: int, ts: int) -> None:
    """An order was acknowledged `took_ns` after it was sent."""
    rules = held.rules
    if rules.slow_ns == 0 and rules.late_ns == 0:
        return
    k = held.n_trips % ROUND_TRIPS
    held.n_trips += 1
    held.trip_at[k] = ts
    held.trip_ns[k] = took_ns
    if rules.late_ns > 0 and is_often_above(held, rules.late_ns, ts):
        held.causes |= BY_LATE
    if rules.slow_ns > 0 and is_often_above(held, rules.slow_ns, ts):
        held.causes |= BY_SLOW
    if is_often_above(held, rules.prompt_ns, ts):
        held.prompt_since = 0
    elif held.prompt_since == 0:
        held.prompt_since = ts
    let_go(held, ts)


@kernel
def is_often_above(held: Any, bound_ns: int, ts: int) -> bool:
    """Were more than one in twenty of the last minute's round trips longer?"""
    above = within = 0
    for k in range(min(held.n_trips, ROUND_TRIPS)):
        if held.trip_at[k] > ts - MINUTE_NS:
            within += 1
            if held.trip_ns[k] > bound_ns:
                above += 1
    return above * LATE_SHARE > within


@kernel
def watch_silence(held: Any, heard_at: int, ts: int) -> bool:
    """Is it so long that nothing was heard, for the first time since something was? `heard_at`: when it was."""
    rules = held.rules
    if rules.silent_ns == 0 or heard_at == 0:
        return False
    silent = ts - heard_at > rules.silent_ns
    told = held.silent != 0
    held.silent = 1 if silent else 0
    if silent and not told:
        held.alarms += 1
        return True
    return False


# ---- letting go ---------------------------------------------------------------------------------------------------


@kernel
def let_go(held: Any, ts: int) -> None:
    """Take away the causes whose time is over."""
    rules = held.rules
    if held.causes & BY_LOSSES != 0 and ts >= held.losses_until:
        held.causes &= ~BY_LOSSES
    if held.causes & BY_EXTREME != 0 and ts >= held.moved_until and is_calm(held):
        held.causes &= ~BY_EXTREME
        if held.causes & BY_RUIN == 0:
            held.closing = 0
    if held.causes & (BY_SLOW | BY_LATE) != 0 and held.prompt_since > 0:
        if ts - held.prompt_since >= rules.prompt_for_ns:
            held.causes &= ~(BY_SLOW | BY_LATE)


@kernel
def is_calm(held: Any) -> bool:
    """Is volatility usual again? Where no bar ever closes nobody can say, and time alone decides."""
    return held.usual == 0.0 or held.calm >= held.rules.calm_bars


@kernel
def release(held: Any) -> None:
    """An operator has looked, and resets: what is latched goes, and what the rules measure begins here."""
    held.causes = 0
    held.closing = 0
    held.losses = 0
    held.signals = 0
    held.high_water = held.day_open = held.equity


# ---- an order that adds risk --------------------------------------------------------------------------------------


@kernel
def entry_lots(held: Any, tag: int, lots: int) -> int:
    """How many lots of an order that adds risk may leave, by the causes that stand; 0: none."""
    causes = held.causes
    if causes & NO_ENTRIES != 0:
        return 0
    if causes & BY_SELECTIVE != 0 and tag < held.rules.conviction_tag:
        return 0
    if causes & BY_SLOW != 0:
        held.signals += 1
        if held.signals % 2 == 0:
            return 0
    return lots // 2 if causes & BY_HALF != 0 else lots


@kernel
def lots_of_value(value_max: int, lot_value: int, lots: int) -> int:
    """Lots whose value is within the bound, `lots` at most; a bound of 0 is none."""
    return lots if value_max <= 0 else min(lots, value_max // max(lot_value, 1))


@kernel
def is_within_collar(rules: Any, side: int, price: int, last: int) -> bool:
    """Is a price no further through the last one than the collar? A bid far below is no harm, one far above is."""
    return rules.collar_e9 <= 0 or last <= 0 or side * (price - last) * E9 <= rules.collar_e9 * last


@kernel
def room_at_risk(rules: Any, equity: int, at_risk: int) -> int:
    """Quanta that one more order may risk; never below 0."""
    return max(mul_div(max(equity, 0), rules.at_risk_e9, E9, DOWN) - at_risk, 0)


@kernel
def room_of_leverage(rules: Any, equity: int, value: int) -> int:
    """Quanta of value that one more order may add; never below 0."""
    return max(mul_div(max(equity, 0), rules.leverage_e9, E9, DOWN) - value, 0)


@kernel
def moves_with(rules: Any, n: int, side: int, other: int, lots: int) -> bool:
    """Would a position of `side` in `n` gain and lose with the one of `lots` in `other`?"""
    sign = 1 if lots > 0 else -1
    return lots != 0 and side * sign * rules.correlation_e9[n, other] > rules.correlated_e9


# ---- words --------------------------------------------------------------------------------------------------------


def causes_text(causes: int) -> str:
    """The causes in words, empty when there is none."""
    return ", ".join(name for bit, name in CAUSE_NAMES.items() if causes & bit)
