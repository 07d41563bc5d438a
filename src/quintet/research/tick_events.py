"""What happens next in a synthetic tick market, and the rows it leaves: the kernels of `research.tick_market`.

Six things can come: a change of mood, a move of the hidden value, the same move becoming public, a candidate for a
taking order, a depth message, a refill. `make_rows` takes the earliest, of equal ones always in the same order, until
the chunk is full. Prices are ticks of the instrument's tick size here; the rows have price increments.
"""

import math
from typing import Any, Final

from quintet.core.events import ASK_LEVEL, BID_LEVEL, LAST, PRICE_MAX, TRADE_BUY, TRADE_SELL
from quintet.core.kernel import exp, kernel
from quintet.core.random import RANDOM, below, exponential, normal, uniform
from quintet.core.records import record

LEVELS_MAX: Final = 256
CHURN_ROWS_MAX: Final = 256
MESSAGE_ROWS_MAX: Final = 2 * LEVELS_MAX + CHURN_ROWS_MAX
"""No message, with the effect that follows it, is longer."""

PLACES: Final = 1024
"""A ring of prices for each side: the level at price p is at p % PLACES."""

_PLACE_MASK = PLACES - 1
assert 2 * LEVELS_MAX <= PLACES

NEVER: Final = 2**62
_RING = 4096
_MOOD_NS = 1_000_000_000
_EFFECT_NS = 1_000

SETTINGS = record(
    tick="i8",  # price increments in one tick
    levels="i8",
    end_ns="i8",
    toxicity="f8",
    lead_ns="i8",
    base_rate="f8",  # of one side, per ns
    self_jump="f8",  # added to a side's rate by an order of that side, per ns
    cross_jump="f8",
    decay="f8",  # per ns
    narrow_rate="f8",  # moves of the value per ns while the spread is one tick
    wide_rate="f8",
    move_gap_ns="i8",
    mood_keep="f8",
    mood_shock="f8",
    mood_offset="f8",  # makes the mean pace 1
    depth_ns="f8",
    depth_rows="f8",
    depth_reach="f8",
    deletion_share="f8",
    order_lots="f8",
    sweep_share="f8",
    sweep_levels="i8",
    refill_ns="f8",
    latency_min_ns="i8",
    latency_more_ns="f8",
)
"""The model in the kernels' units."""

MARKET = record(
    now="i8",  # of the message being written
    received="i8",
    rows="i8",  # written into the present chunk
    moves="i8",
    begun="i8",
    done="i8",
    lost="i8",  # 1: the price left the range a row can hold
    fair="i8",  # in half ticks, as everybody sees it
    hidden="i8",  # as the informed see it
    hidden_next="i8",  # times of what comes next
    public_next="i8",
    order_next="i8",
    depth_next="i8",
    mood_next="i8",
    refill_next="i8",
    excited_at="i8",  # when the two excitements below were true
    buys="f8",  # excitement of each side, per ns
    sells="f8",
    mood="f8",
    pace="f8",
    best=("i8", 2),
    head="i8",  # moves under way from hidden to public
    tail="i8",
    due=("i8", _RING),
    step=("i8", _RING),
    value=RANDOM,
    flow=RANDOM,
    book=RANDOM,
)
"""All that is remembered between two rows; the levels stand beside it."""

FAIR_MOVE = record(ts="i8", fair="i8")
"""The public fair value from this moment (ns UTC) on, in half ticks: what no trader is shown and a test may know."""


# ---- the crank -----------------------------------------------------------------------------------------------------


@kernel
def make_rows(rows: Any, moves: Any, market: Any, settings: Any, lots: Any, shape: Any) -> None:
    """Fill a chunk with whole messages; `state.rows` and `state.moves` tell how far, `done` that it was the last."""
    state, model = market[0], settings[0]
    state.rows = 0
    state.moves = 0
    if state.begun == 0:
        state.begun = 1
        _begin(rows, moves, state, model, lots, shape)
    room = rows.shape[0] - MESSAGE_ROWS_MAX
    while state.rows <= room and state.lost == 0:
        slow = min(min(state.mood_next, state.hidden_next), min(state.public_next, state.refill_next))
        ts = min(slow, min(state.order_next, state.depth_next))
        if ts >= model.end_ns:
            state.done = 1
            return
        # An effect may have been told a microsecond after what comes now.
        state.now = max(ts, state.now)
        if ts == state.depth_next:
            _churn(rows, state, model, lots, shape)
        elif ts == state.order_next:
            _meet_order(rows, state, model, lots)
        elif ts == state.public_next:
            _move(rows, moves, state, model, lots, shape)
        elif ts == state.refill_next:
            _refill(rows, state, model, lots, shape)
        elif ts == state.hidden_next:
            _move_hidden(state, model)
        else:
            _change_mood(state, model)


@kernel
def _begin(rows: Any, moves: Any, state: Any, model: Any, lots: Any, shape: Any) -> None:
    """The first snapshot: every level of both sides, from the touch outwards; and the first of each kind to come."""
    state.mood = model.mood_shock / math.sqrt(1.0 - model.mood_keep * model.mood_keep) * normal(state.value)
    state.pace = exp(state.mood + model.mood_offset)
    state.mood_next = state.now + _MOOD_NS
    _plan_hidden(state, model)
    # An excitement begins at its long-run mean, so that the flow is stationary from the first order on.
    mean = model.base_rate * (model.self_jump + model.cross_jump)
    state.buys = mean / (model.decay - model.self_jump - model.cross_jump)
    state.sells = state.buys
    _plan_order(state, model)
    state.depth_next = state.now + 1 + int(model.depth_ns * exponential(state.book))
    state.best[BID_LEVEL] = _quote(state.fair, BID_LEVEL)
    state.best[ASK_LEVEL] = _quote(state.fair, ASK_LEVEL)
    if not _in_range(state, model):
        state.lost = 1
        return
    _open_message(state, model)
    for away in range(model.levels):
        for side in range(2):
            price = _quote(state.fair, side) - (1 - 2 * side) * away
            _put_level(rows, state, model, lots, side, price, _fresh(state, shape[away]))
    _close_message(rows, state)
    _tell_fair(moves, state)


@kernel
def _quote(fair: int, side: int) -> int:
    """The best price of a side around a fair value in half ticks: strictly below it, strictly above it."""
    return (fair - 1) // 2 if side == BID_LEVEL else (fair + 2) // 2


@kernel
def _in_range(state: Any, model: Any) -> bool:
    """Can every level be written? Prices are above 0 and fit a row."""
    if _quote(state.fair, BID_LEVEL) - model.levels < 1:
        return False
    return bool((_quote(state.fair, ASK_LEVEL) + model.levels) * model.tick <= PRICE_MAX)


# ---- messages ------------------------------------------------------------------------------------------------------


@kernel
def _open_message(state: Any, model: Any) -> None:
    """A message begins at `state.now`; draw when it reaches us, never before the one that went ahead of it."""
    travel = model.latency_min_ns + int(model.latency_more_ns * exponential(state.book))
    state.received = max(state.received, state.now + travel)


@kernel
def _put(rows: Any, state: Any, model: Any, kind: int, price: int, quantity: int) -> None:
    """One more row of the open message; `price` in ticks."""
    row = rows[state.rows]
    row.ts_event = state.now
    row.ts_recv = state.received
    row.quantity = quantity
    row.price = price * model.tick
    row.instrument = 0
    row.kind = kind
    row.bits = 0
    state.rows += 1


@kernel
def _put_level(rows: Any, state: Any, model: Any, lots: Any, side: int, price: int, quantity: int) -> None:
    """A level holds so much from now on, and a row says so."""
    lots[side, price & _PLACE_MASK] = quantity
    _put(rows, state, model, side, price, quantity)


@kernel
def _close_message(rows: Any, state: Any) -> None:
    """The row before is the last of its message."""
    rows[state.rows - 1].bits = LAST


# ---- the value -----------------------------------------------------------------------------------------------------


@kernel
def _change_mood(state: Any, model: Any) -> None:
    """A second has passed: the pace of moves goes on."""
    state.mood_next = state.mood_next + _MOOD_NS
    state.mood = state.mood * model.mood_keep + model.mood_shock * normal(state.value)
    state.pace = exp(state.mood + model.mood_offset)


@kernel
def _plan_hidden(state: Any, model: Any) -> None:
    """Draw when the hidden value moves next; odd half ticks are the middle between two ticks."""
    rate = model.narrow_rate if state.hidden % 2 == 1 else model.wide_rate
    waits = exponential(state.value) / (rate * state.pace)
    # A calm mood may wait for longer than any market lasts.
    state.hidden_next = max(state.now, state.hidden_next) + model.move_gap_ns + int(min(waits, 1e17))


@kernel
def _move_hidden(state: Any, model: Any) -> None:
    """The hidden value moves by half a tick; everybody else will see it `lead_ns` later."""
    if state.tail - state.head == _RING:
        state.hidden_next = state.public_next  # no more moves may be under way than there is room for
        return
    step = 2 * below(state.value, 2) - 1
    place = state.tail % _RING
    state.due[place] = state.hidden_next + model.lead_ns
    state.step[place] = step
    if state.tail == state.head:
        state.public_next = state.due[place]
    state.tail += 1
    state.hidden += step
    _plan_hidden(state, model)


@kernel
def _tell_fair(moves: Any, state: Any) -> None:
    """Keep what the public fair value is from now on."""
    move = moves[state.moves]
    move.ts = state.now
    move.fair = state.fair
    state.moves += 1


@kernel
def _move(rows: Any, moves: Any, state: Any, model: Any, lots: Any, shape: Any) -> None:
    """The public value moves by half a tick: one side's touch steps back by a tick, or one side's comes nearer."""
    before = state.fair
    state.fair += state.step[state.head % _RING]
    state.head += 1
    state.public_next = state.due[state.head % _RING] if state.head < state.tail else NEVER
    if not _in_range(state, model):
        state.lost = 1
        return
    _open_message(state, model)
    for side in range(2):
        _follow(rows, state, model, lots, shape, side, _quote(before, side))
    _fill_up(rows, state, model, lots, shape)
    _close_message(rows, state)
    _tell_fair(moves, state)


@kernel
def _follow(rows: Any, state: Any, model: Any, lots: Any, shape: Any, side: int, before: int) -> None:
    """Keep the side's outermost level `levels - 1` from its touch, and empty a touch that has stepped back."""
    sign = 1 - 2 * side
    quote = _quote(state.fair, side)
    far = sign * (model.levels - 1)
    if quote == before:
        return
    if sign * (quote - before) > 0:
        if lots[side, (before - far) & _PLACE_MASK] > 0:
            _put_level(rows, state, model, lots, side, before - far, 0)
    elif lots[side, before & _PLACE_MASK] > 0:
        _put_level(rows, state, model, lots, side, before, 0)
    # The outermost level always stands, so that a search from the touch always ends.
    if lots[side, (quote - far) & _PLACE_MASK] == 0:
        _put_level(rows, state, model, lots, side, quote - far, _fresh(state, shape[model.levels - 1]))


# ---- the book ------------------------------------------------------------------------------------------------------


@kernel
def _fresh(state: Any, mean: float) -> int:
    """The lots of a new level."""
    return 1 + int(mean * exponential(state.book))


@kernel
def _fill_up(rows: Any, state: Any, model: Any, lots: Any, shape: Any) -> None:
    """Both touches stand where the fair value wants them: what was swept away or has come nearer is filled."""
    for side in range(2):
        sign = 1 - 2 * side
        quote = _quote(state.fair, side)
        price = quote
        while price == quote or sign * (price - state.best[side]) > 0:
            if lots[side, price & _PLACE_MASK] == 0:
                _put_level(rows, state, model, lots, side, price, _fresh(state, shape[sign * (quote - price)]))
            price -= sign
        state.best[side] = quote
    state.refill_next = NEVER


@kernel
def _refill(rows: Any, state: Any, model: Any, lots: Any, shape: Any) -> None:
    """Others have seen the hole that a taking order left."""
    _open_message(state, model)
    _fill_up(rows, state, model, lots, shape)
    _close_message(rows, state)


@kernel
def _churn(rows: Any, state: Any, model: Any, lots: Any, shape: Any) -> None:
    """A depth message: orders are added to and cancelled from some levels, most of them near the touch."""
    state.depth_next = state.depth_next + 1 + int(model.depth_ns * exponential(state.book))
    first = state.rows
    _open_message(state, model)
    count = min(1 + int((model.depth_rows - 0.5) * exponential(state.book)), CHURN_ROWS_MAX)
    for _ in range(count):
        side = below(state.book, 2)
        draw = uniform(state.book)
        # x / (1 - x) is at most 1 in half of the cases and has a tail without a mean, like recorded distances.
        away = int(min(model.depth_reach * draw / (1.0 - draw), 1e6))
        if away < model.levels - 1:
            _change_level(rows, state, model, lots, side, away, shape[away])
    if state.rows > first:
        _close_message(rows, state)


@kernel
def _change_level(rows: Any, state: Any, model: Any, lots: Any, side: int, away: int, mean: float) -> None:
    """Add to, cancel from, empty or open one level; `mean` pulls it back to the shape of the book."""
    sign = 1 - 2 * side
    price = _quote(state.fair, side) - sign * away
    if sign * (price - state.best[side]) > 0:
        return  # swept away, and nobody has seen it yet
    held = lots[side, price & _PLACE_MASK]
    chance = uniform(state.book)
    change = 1 + int(0.3 * mean * exponential(state.book))
    if held == 0:
        held = _fresh(state, mean)
    elif price != state.best[side] and chance < model.deletion_share:
        held = 0
    elif uniform(state.book) * (held + mean) < held:
        held = max(held - change, 1)
    else:
        held = held + change
    _put_level(rows, state, model, lots, side, price, held)


# ---- the flow ------------------------------------------------------------------------------------------------------


@kernel
def _plan_order(state: Any, model: Any) -> None:
    """Draw the next candidate for an order from the rate as it is now: until then it can only fall."""
    rate = 2.0 * model.base_rate + state.buys + state.sells
    state.order_next = state.excited_at + 1 + int(min(exponential(state.flow) / rate, 1e17))


@kernel
def _meet_order(rows: Any, state: Any, model: Any, lots: Any) -> None:
    """A candidate: it is an order with the chance that the rate has left of what it was when it was drawn."""
    ts = state.order_next
    bound = 2.0 * model.base_rate + state.buys + state.sells
    left = exp(-model.decay * (ts - state.excited_at))
    state.buys = state.buys * left
    state.sells = state.sells * left
    state.excited_at = ts
    chance = uniform(state.flow) * bound
    buying = model.base_rate + state.buys
    if chance < buying + model.base_rate + state.sells:
        side = _side_taken(state, model, 1 if chance < buying else -1)
        if side > 0:
            state.buys += model.self_jump
            state.sells += model.cross_jump
        else:
            state.sells += model.self_jump
            state.buys += model.cross_jump
        _take(rows, state, model, lots, side)
    _plan_order(state, model)


@kernel
def _side_taken(state: Any, model: Any, side: int) -> int:
    """The side of an order: as the flow has it, or where the informed know the value to be (+1 buys)."""
    informed = uniform(state.flow) < model.toxicity
    if informed and state.hidden > state.fair:
        return 1
    if informed and state.hidden < state.fair:
        return -1
    return side


@kernel
def _take(rows: Any, state: Any, model: Any, lots: Any, side: int) -> None:
    """A taking order trades, level by level; a microsecond later the book shows it."""
    book = ASK_LEVEL if side > 0 else BID_LEVEL
    kind = TRADE_BUY if side > 0 else TRADE_SELL
    sign = 1 - 2 * book
    wanted = 1 + int(model.order_lots * exponential(state.book) * exponential(state.book))
    reach = 1
    if uniform(state.book) < model.sweep_share:
        reach = 2 + below(state.book, model.sweep_levels - 1)
    outermost = _quote(state.fair, book) - sign * (model.levels - 1)
    price = state.best[book]
    first, last = price, price
    _open_message(state, model)
    before = state.rows
    while reach > 0 and price != outermost:
        held = lots[book, price & _PLACE_MASK]
        if held > 0:
            taken = held if reach > 1 else min(wanted, held)
            lots[book, price & _PLACE_MASK] = held - taken
            _put(rows, state, model, kind, price, taken)
            last = price
            reach -= 1
        price -= sign
    if state.rows > before:
        _close_message(rows, state)
        _show_effect(rows, state, model, lots, book, first, last)


@kernel
def _show_effect(rows: Any, state: Any, model: Any, lots: Any, book: int, first: int, last: int) -> None:
    """The depth message after a trade that took from the levels `first` to `last`; a touch that is gone is missed."""
    sign = 1 - 2 * book
    state.now = state.now + _EFFECT_NS
    _open_message(state, model)
    price = first
    while sign * (price - last) >= 0:
        _put(rows, state, model, book, price, lots[book, price & _PLACE_MASK])
        price -= sign
    _close_message(rows, state)
    price = first
    while lots[book, price & _PLACE_MASK] == 0:
        price -= sign
    state.best[book] = price
    if price != first and state.refill_next == NEVER:
        state.refill_next = state.now + 1 + int(model.refill_ns * exponential(state.book))
