"""Everything the engine remembers, as nested records changed in place.

`DESK` is what the step remembers, its `shown` part is the view a system gets; `VENUE` is the simulated exchange. Each
is one record, so one pointer carries it through compiled code, and its bytes are its snapshot. What has no fixed size
(the order book, buffers for files) stands beside them in a `World`.
"""

from typing import Any, Final, NamedTuple

from quintet.core.random import RANDOM
from quintet.core.records import record

SLOTS: Final = 64
"""Live orders of one desk: one bit each in a 64-bit mask."""

WANTS: Final = 64
INSTRUMENTS: Final = 8
ASSETS: Final = 16
OUTBOX: Final = 256
NOTES: Final = 32
FILLS: Final = 128
EXECUTIONS: Final = 4096
RING: Final = 512
TIERS: Final = 8
BUILDERS: Final = 16
LEVELS_SHOWN: Final = 20
"""Levels of a side that a system can be shown, at most."""
TAKEN_LEVELS: Final = 256
FACTS: Final = 16
"""Outside facts that one system reads, at most."""
GATEWAYS: Final = 4
"""Trading venues in one run."""

# ---- why the loop stopped, or why a system was woken (bits) --------------------------------------------------
END: Final = 0
PAUSE: Final = 1
FULL: Final = 2
OVERFLOW: Final = -1
WAKE_TIMER: Final = 4
WAKE_BAR: Final = 8
WAKE_FILL: Final = 16
WAKE_ORDER: Final = 32
WAKE_CONTROL: Final = 64
WAKE_FUNDING: Final = 1 << 16
WAKE_FACT: Final = 1 << 17  # an outside number that the system reads
DEFINITION: Final = 128  # not a wake: an instrument definition is under the cursor and must be applied first
WAKE_TRADE: Final = 256
WAKE_BOOK: Final = 512  # any level of a book has been reported
WAKE_TOUCH: Final = 1024  # the best bid or ask is another price
WAKES: Final = (
    WAKE_TIMER | WAKE_BAR | WAKE_FILL | WAKE_ORDER | WAKE_CONTROL | WAKE_TRADE | WAKE_BOOK | WAKE_TOUCH
    | WAKE_FUNDING | WAKE_FACT
)  # fmt: skip
WHY_NAMES: Final = {
    END: "end", PAUSE: "stop", FULL: "full", OVERFLOW: "a full wire", WAKE_TIMER: "timer", WAKE_BAR: "bar",
    WAKE_FILL: "fill", WAKE_ORDER: "order", WAKE_CONTROL: "control", DEFINITION: "definition", WAKE_TRADE: "trade",
    WAKE_BOOK: "book", WAKE_TOUCH: "touch", WAKE_FUNDING: "funding", WAKE_FACT: "fact",
}  # fmt: skip

# ---- accounts of the double entry ----------------------------------------------------------------------------
BOOKS: Final = ("desk", "market", "fees", "suspense", "capital")
DESK_BOOK: Final = 0
MARKET_BOOK: Final = 1
FEE_BOOK: Final = 2
SUSPENSE_BOOK: Final = 3
CAPITAL_BOOK: Final = 4

NO_BID: Final = 0
NO_ASK: Final = 2**31
"""A side of the book that is empty or unknown: a bid below and an ask above every price a row can hold."""

EVERY_MARK: Final = 1
LAST_OF_DAY: Final = 2
"""Which equity marks are kept: all of them, or of each UTC day the last, which is what daily returns are made of."""

NEVER: Final = 2**62
"""A time that does not come."""

INSTRUMENT = record(
    kind="i8",
    tick="i8",  # price increments in one tick
    min_lots="i8",
    max_lots="i8",
    min_notional="i8",
    quanta="i8",  # quote quanta of one price increment x one lot
    base_quanta="i8",  # base quanta of one lot
    inverse_value="i8",  # inverse: base quanta x price increments of one contract
    maker_fee_e9="i8",
    taker_fee_e9="i8",
    fee_in_base="i8",
    base_asset="i8",
    quote_asset="i8",
    trading="i8",
    amends="i8",  # of an order that works, 0: never; 1: smaller at its price it keeps its place; 2: it goes to the end
)

TRADE_BAR = record(
    start="i8",  # ns UTC: of the span by time, else of the first trade
    end="i8",  # of the span by time, else of the last trade
    open="i8",
    high="i8",
    low="i8",
    close="i8",
    volume="i8",
    buys="i8",  # of the volume, what buyers took
    value="i8",
    trades="i8",
)

TRADE_BARS = record(rule="i8", span="i8", finished="i8", now=TRADE_BAR, done=TRADE_BAR)
"""`span` is the size in what is measured: ns, trades, lots, ticks times lots. `now.trades` is 0 while no bar is open;
`finished` counts bars."""

MARKET = record(
    bid="i8",
    ask="i8",
    last="i8",
    ts="i8",  # when this instrument was last heard, our clock
    open="i8",
    high="i8",
    low="i8",
    close="i8",
    volume="i8",
    turnover="i8",
    timeframe="i8",
    bar_end="i8",
    mark="i8",  # of a perpetual, price increments, 0 = not heard of
    index="i8",
    funding_rate_e9="i8",  # of the interval, + = longs pay
    happened="i8",  # when what was heard last had happened at the exchange, order books only
    booked="i8",  # 1: a book has been known; with neither side known now, it is lost
)

ACCOUNT = record(
    lots="i8",  # signed position; on spot what can be sold, in whole lots
    held="i8",  # spot: base quanta held, dust included
    cost="i8",  # quanta paid for the open position, signed like lots
    realized="i8",  # quanta, before fees
    fees="i8",  # quanta, base fees at their fill's price
    fee_base="i8",  # of these, base quanta taken in base
    open_buy_lots="i8",
    open_sell_lots="i8",
    reserved_quote="i8",  # quote quanta held back for working buys
    maker_lots="i8",
    taker_lots="i8",
    n_fills="i8",
    turnover="i8",
    funding="i8",  # quanta of funding paid, - = received
)

DEPTH = record(levels=("i8", 2), price=("i8", (2, LEVELS_SHOWN)), lots=("i8", (2, LEVELS_SHOWN)))
"""The best levels of each side, the best first: `price[BID, 0]` is the best bid; `levels` says how many there are."""

PLACE_IN_QUEUE = record(
    number="i8",  # of our order
    instrument="i8",
    side="i8",
    price="i8",
    lots="i8",  # still resting; 0: no order here
    tag="i8",
    ahead="i8",  # lots before it, at most, as far as we know
    level="i8",  # lots of others at its price, as far as we know: those before it and those behind it
    joined="i8",  # when it came to rest, the venue's clock
)

EQUITY = record(
    quanta="i8",
    start="i8",
    high_water="i8",
    day_open="i8",
    day_end="i8",
    drawdown="f8",  # fraction of the high-water mark
    max_drawdown="f8",
)

ORDER = record(
    status="i8",
    instrument="i8",
    side="i8",
    style="i8",
    price="i8",
    lots="i8",
    filled="i8",
    wanted="i8",  # lots the intent asked for, before the gate shrank them
    number="i8",
    tag="i8",
    reserved="i8",  # quote quanta held back for a buy
    matched="i8",  # planner's mark: still wanted
    recalled="i8",  # breaker's mark: cancelled as soon as the venue has acknowledged it, wanted or not
    placed_ts="i8",
    rests_since="i8",  # when it came to rest as it is, the exchange's clock
    reduce_only="i8",
    to_price="i8",  # an amendment that is under way: what the order shall be,
    to_lots="i8",  # lots that are filled included, 0 = none is under way,
    to_wanted="i8",  # and what the intent asked for
)

WANT = record(
    instrument="i8", side="i8", style="i8", price="i8", lots="i8", tag="i8",
    met="i8",  # 0: by no order yet, else by the order of this slot plus one
    reduce_only="i8",  # 1: it may never open or turn a position
)  # fmt: skip

NOTE = record(ts="i8", position="i8", code="i8", a="i8", b="i8", c="i8", d="i8")
"""What a system wants remembered (a transition, a policy change): a code and four numbers it names."""

OBSERVATION = record(
    about="i8",  # ns UTC: the time it speaks of
    known="i8",  # ns UTC: when we knew it
    value="i8",  # in 10 to the power of minus `decimals`
    decimals="i8",
    revision="i8",  # 0: the first that was said of that time
    quality="i8",  # of core.facts: OK, LATE, RESTATED, MISSING
)
"""What a source said of a fact at one time, or that it said nothing."""

FACT = record(
    key="i8",  # of its name
    values="i8",  # so many were heard; 0: there is no data
    newest=OBSERVATION,  # of the values that were heard, the one about the latest time; none is MISSING
    missing_about="i8",  # the latest time of which a value was due and did not come
    missing_known="i8",
)

FACTS_HEARD = record(
    n="i8",  # so many facts are read
    heard="i8",  # which of them was heard last
    said=OBSERVATION,  # and what was said of it
    facts=(FACT, FACTS),
)
"""The outside facts that a system reads, as they are known now."""

VIEW = record(
    now="i8",  # our clock, ns
    why="i8",  # which WAKE_* bit
    instrument="i8",  # which instrument woke us
    kind="i8",  # of the fill or status that woke us: row kind, order's tag, side, price, lots, fee
    tag="i8",
    side="i8",
    price="i8",
    lots="i8",
    maker="i8",
    fee="i8",
    fee_asset="i8",
    dirty="i8",  # set to 1 to have the wants below planned
    n="i8",  # wants filled from 0
    n_notes="i8",
    halted="i8",  # 1: an operator or the breaker has stopped new risk
    market=(MARKET, INSTRUMENTS),
    depth=(DEPTH, INSTRUMENTS),  # only where a system asks for it
    n_places="i8",  # so many of the places below have ever been used
    places=(PLACE_IN_QUEUE, SLOTS),  # our resting orders in their queues; only where a system asks for it
    account=(ACCOUNT, INSTRUMENTS),
    instruments=(INSTRUMENT, INSTRUMENTS),
    equity=EQUITY,
    wants=(WANT, WANTS),
    notes=(NOTE, NOTES),
    facts=FACTS_HEARD,  # only those that a system asks for
)
"""All that a system is shown, and where it says what it wants."""

LIMITS = record(
    mode="i8",  # NORMAL, REDUCE_ONLY, HALTED
    max_order_lots="i8",
    max_position_lots="i8",
    max_open_orders="i8",
    max_orders_per_second="i8",
    stale_ns="i8",
    second="i8",  # the second the counter below belongs to
    orders_this_second="i8",
    reason="i8",  # why the last check shrank or refused
)

BREAKER = record(
    causes="i8",  # why risk is stopped, bits of core.risk.breaker
    drawdown_e9="i8",  # rule: fraction below the high-water mark, 0 = off
    day_loss_e9="i8",  # rule: fraction below the day's opening equity, 0 = off
    alarms_max="i8",  # rule: so many alarms, 0 = off
    marks="i8",  # equity marks seen since the last reset
    high_water="i8",  # since the last reset
    day_open="i8",  # equity before the first mark of the day, or at the last reset
    day_end="i8",
    alarms_before="i8",  # alarms that an operator has looked at
)
"""Why new risk is stopped, and the rules that stop it. What the rules measure begins anew at a reset."""

SECONDS_WATCHED: Final = 64
"""Buckets of one second in which prices are remembered: the longest span that an extreme move is looked for in."""

ROUND_TRIPS: Final = 128
"""Order round trips that are remembered."""

RESTRAINT_RULES = record(
    day_loss_e9="i8",  # of the day's opening equity: no new risk until 00:00 UTC
    losses_in_row="i8",  # closed positions: no new risk for a while
    losses_pause_ns="i8",
    half_e9="i8",  # deeper below the high-water mark than this: half the size,
    selective_e9="i8",  # only signals of high conviction,
    review_e9="i8",  # nothing until an operator resets,
    flatten_e9="i8",  # and positions are closed
    conviction_tag="i8",  # wants whose tag is at least this are of high conviction
    move_e9="i8",  # a last price that moves further than this within a span: all off for a while
    move_span_ns="i8",
    move_confirm_e9="i8",  # the mark price must have moved further than this the same way,
    move_confirm_ns="i8",  # or, where there is none, the move must have stood for so long
    move_pause_ns="i8",
    move_flattens="i8",  # 1: positions are closed
    exit_style="i8",  # of the orders that close them, of core.orders.lifecycle
    calm_e9="i8",  # volatility below so many times its usual,
    calm_bars="i8",  # so many bars in a row, lets go on
    slow_ns="i8",  # round trips: more than a twentieth of a minute's above this halve entries,
    late_ns="i8",  # above this stop them,
    prompt_ns="i8",  # until none of them was above this
    prompt_for_ns="i8",  # for so long
    silent_ns="i8",  # nothing heard for longer: an alarm
    order_value_max="i8",  # quanta
    collar_e9="i8",  # an order further through the last price is refused
    at_risk_e9="i8",  # of equity: what all positions may lose together
    loss_e9="i8",  # of its value: what a position may lose until it is stopped
    leverage_e9="i8",  # value of all positions over equity
    correlated_max="i8",  # positions of one direction in instruments that move together
    correlated_e9="i8",  # what moves together: a correlation above this
    correlation_e9=("i8", (INSTRUMENTS, INSTRUMENTS)),
)
"""What holds new risk back, step by step. 0: that rule is off."""

PRICE_WATCH = record(
    second="i8",  # the newest bucket's
    accepted="i8",  # the last price that was believed, 0 = none
    suspect="i8",  # one that jumped and nobody has confirmed, 0 = none
    since="i8",  # since when the span has moved too far, 0 = it has not
    way="i8",  # which way
    low=("i8", SECONDS_WATCHED),
    high=("i8", SECONDS_WATCHED),
    mark_low=("i8", SECONDS_WATCHED),
    mark_high=("i8", SECONDS_WATCHED),
    stamp=("i8", SECONDS_WATCHED),  # the second a bucket belongs to
)
"""What one instrument's price has done in the last seconds."""

RESTRAINT = record(
    active="i8",  # 1: some rule is on
    causes="i8",  # why new risk is held back, bits of core.risk.restraint
    closing="i8",  # 1: positions are to be closed
    high_water="i8",
    equity="i8",
    day_open="i8",
    day_end="i8",
    losses="i8",  # closed positions in a row that lost
    losses_until="i8",
    moved_until="i8",
    calm="i8",  # calm bars in a row since
    volatility="f8",  # range of a bar over its close, the mean of about twelve
    usual="f8",  # a running median of such ranges, 0 = no bar yet
    prompt_since="i8",  # no round trip was above the bound since then, 0 = one was
    signals="i8",  # entries asked for while slow
    silent="i8",  # 1: nothing has been heard for too long, and it was told
    alarms="i8",  # silences and extreme moves, a person's to look at
    n_trips="i8",
    trip_at=("i8", ROUND_TRIPS),
    trip_ns=("i8", ROUND_TRIPS),
    watch=(PRICE_WATCH, INSTRUMENTS),
    opened=("i8", INSTRUMENTS),  # realized less fees when the open position was opened
    held=("i8", INSTRUMENTS),  # lots at the last look
    rules=RESTRAINT_RULES,
)

REFUSAL = record(
    instrument="i8", side="i8", style="i8", price="i8", lots="i8", tag="i8", reduce_only="i8", reason="i8",
    version="i8", count="i8",
)  # fmt: skip

COMMAND = record(
    position="i8", index="i8", number="i8", kind="i8", slot="i8", instrument="i8", side="i8", style="i8", price="i8",
    lots="i8", tag="i8", ts="i8", reduce_only="i8",
)  # fmt: skip

MARGIN_TIER = record(
    value_max="i8",  # positions up to this value, quanta
    initial_e9="i8",  # the least margin to open, fraction of the value
    maintenance_e9="i8",  # below this fraction of the value, less the deduction, it is liquidated
    deduction="i8",  # quanta: what the tiers below would have taken less
)
MARGIN = record(
    mode="i8",  # of core.risk.margin
    initial_e9="i8",  # one over the leverage
    n_tiers="i8",
    tiers=(MARGIN_TIER, TIERS),
)
"""What the venue asks for so that a perpetual may be held, by the value of the position."""

FILL_RECORD = record(
    position="i8", ts_event="i8", ts_recv="i8", number="i8", tag="i8", instrument="i8", side="i8", price="i8",
    lots="i8", maker="i8", fee="i8", fee_asset="i8", lots_after="i8",
    twice_mid="i8",  # known best bid plus best ask; without both twice the last price; 0 = none
    ahead_joined="f8",  # tick mode, maker: lots before our order when it came to rest
    ahead_reached="f8",  # the same when the trade came that filled it
)  # fmt: skip

BUILDER = record(instrument="i8", timeframe="i8", bars=TRADE_BARS)
"""Bars that the desk builds from the trades it hears, and the number of timeframe under which they are known."""

LADDERS = record(room="i8", count=("i8", (INSTRUMENTS, 2)), dropped="i8", traded=("i8", INSTRUMENTS))
"""How far the shown book is filled: `room` is of one side; `dropped` counts the far levels that found none; `traded` is
the price of the last trade that a replay has read."""

TELLING = record(row="i8", until="i8", first="i8", ts="i8", instrument="i8", builder="i8", stage="i8", changed="i8",
    bid="i8", ask="i8", marked="i8",
)  # fmt: skip
"""How much of the message that has just been heard the system has been told; `until` is 0 when it is all."""

DESK = record(
    shown=VIEW,
    position="i8",  # number of the next event of this desk
    event="i8",  # number of the event that is being handled: commands are numbered by it
    command_index="i8",  # commands of this event so far
    hash_a="u8",
    hash_b="u8",
    timer_next="i8",
    timer_every="i8",
    wakes="i8",  # mask of WAKE_*
    timeframes="i8",  # mask of bar timeframes that wake the system: bit = timeframe number
    mark_timeframe="i8",  # equity is marked at bars of this timeframe, 0 = never
    n_instruments="i8",
    listens="i8",  # 1: each message of the feed is an event by itself
    depth_levels="i8",  # of a side, in the view
    keeps_places="i8",  # 1: our places in queues are in the view
    n_builders="i8",
    n_commands="i8",
    n_places="i8",
    n_cancels="i8",
    n_amends="i8",
    n_fills="i8",
    n_timers="i8",
    n_bars="i8",
    n_refused="i8",
    n_shrunk="i8",
    n_ignored="i8",  # repeated or late messages
    alarms="i8",  # the impossible: filled above quantity, a number never issued
    paused="i8",  # 1: an alarm stopped new risk
    room_version="i8",  # changes whenever the room under a limit changes
    slots_used="i8",  # highest slot ever used, plus one
    live="i8",  # slots not free
    remembered="i8",  # refusals remembered
    n_outbox="i8",
    n_filled="i8",
    perpetuals="i8",  # 1: the view shows what the feed says of perpetuals; 0: bars only
    n_fundings="i8",
    n_liquidations="i8",
    limits=LIMITS,
    margin=MARGIN,
    breaker=BREAKER,
    orders=(ORDER, SLOTS),
    refusals=(REFUSAL, WANTS),
    ledger=("i8", (len(BOOKS), ASSETS)),
    executions=("i8", EXECUTIONS),
    builders=(BUILDER, BUILDERS),
    telling=TELLING,
    ladders=LADDERS,
    restraint=RESTRAINT,
    outbox=(COMMAND, OUTBOX),
    filled=(FILL_RECORD, FILLS),
)
"""All that the step remembers. The outbox and the filled list are emptied by whoever runs the step."""

FIFO_QUEUE: Final = 6
"""The queue model that needs a feed which tells each order."""

BID: Final = 0
ASK: Final = 1
"""The sides of a book, as the row kinds BID_LEVEL and ASK_LEVEL number them; a side's sign is 1 - 2 * side."""

BOOK = record(
    best=("i8", 2),  # best bid and ask, NO_BID and NO_ASK when empty
    own=("i8", 2),  # best own resting bid and ask, NO_BID and NO_ASK when none
    rise_to="i8",  # the lowest price at which a rising trade triggers an order of ours, NO_ASK when none
    fall_to="i8",  # the highest price at which a falling one does, NO_BID when none
    offset=("i8", 2),  # add to a price: its index in the levels
    low="i8",  # the window of prices
    high="i8",
    lot_quantity="f8",  # what one lot is in the instrument's own quantity: queue models that take logarithms need it
    last="i8",  # candle mode: where the price is now; tick mode: the last trade's price, 0 = none
    traded="i8",  # the last trade's price, 0 = none
    room_lots="i8",  # candle mode: what we may still take part in this bar
    held="i8",  # what the venue knows we hold, base quanta on spot, lots on contracts
    snapshot_end="i8",  # order-level feeds: the tape row at which the message ends that brings a lost book back
)

BAR = record(
    start="i8", end="i8", open="i8", high="i8", low="i8", close="i8", volume="i8",
    high_first="i8",  # which extreme its path visits first
)  # fmt: skip

RESTING = record(
    alive="i8",  # 0: no; 1: rests in the book; 2: tick mode, waits for its price
    instrument="i8",
    side="i8",
    style="i8",
    price="i8",
    open_lots="i8",
    lots="i8",  # what is filled included
    reduce_only="i8",
    turn="i8",  # when it joined the queue of its price: of two, the lower number came first
    number="i8",
    ahead="f8",  # estimated lots before us at our price
    traded="f8",  # lots traded at our price since the level was last reported
    ahead_joined="f8",  # what `ahead` was when it came to rest
    ahead_reached="f8",  # what `ahead` was before the trade that reaches it
    joined="i8",  # order-level feeds: how many orders had entered when it joined its queue
    since="i8",  # when it reached the venue, or was triggered
    decided="i8",  # when it was decided
    next="i8",  # the next own order at this price: its slot plus one
    taking="i8",  # candle mode: 1 = takes at the next price there is
)

REQUEST = record(
    ts="i8", decided="i8", kind="i8", slot="i8", number="i8", instrument="i8", side="i8", style="i8", price="i8",
    lots="i8", reduce_only="i8",
)  # fmt: skip

RESPONSE = record(
    ts="i8",
    ts_event="i8",
    kind="i8",
    slot="i8",
    number="i8",
    instrument="i8",
    side="i8",
    price="i8",
    lots="i8",
    maker="i8",
    fee="i8",
    fee_asset="i8",
    execution="i8",
    ahead_joined="f8",  # fills of resting orders: lots before it when it came to rest, and when it was reached
    ahead_reached="f8",
    reason="i8",  # why the venue ended an order, of core.orders.lifecycle
    liquidation="i8",  # 1: a fill of no order: the venue took the position over
)

WIRE = record(
    last="i8",  # when the last thing sent on it arrives
    row="i8",  # recorded latencies: the row that stands before now
    least_ns="i8",  # drawn latencies: nothing is quicker
    scale_ns="f8",  # the median's distance from it
    sigma="f8",  # standard deviation of the logarithm of that distance
    random=RANDOM,
)
"""One direction of travel between us and the venue."""

PERPETUAL = record(mark="i8", index="i8", funding_rate_e9="i8")
"""What the venue says about a perpetual: mark and index in price increments, 0 = nothing yet."""

FEE_TIER = record(turnover="i8", maker_e9="i8", taker_e9="i8")
"""Fees from this turnover of 30 days on, quanta."""

GATEWAY = record(
    latency_model="i8",
    entry_ns="i8",  # constant, or the median
    response_ns="i8",
    feed_ns="i8",  # below 0: as the feed's rows say
    recorded_from="i8",  # recorded latencies: the rows of its own orders
    recorded_until="i8",
    spike_every_ns="i8",  # 0 = no spikes
    spike_ns="i8",
    spike_factor_e9="i8",
    spike_span="i8",  # the span whose spike begins at spike_from
    spike_from="i8",
    spike_seed=RANDOM,
    spike_dice=RANDOM,
    entry=WIRE,
    response=WIRE,
    feed=WIRE,
    self_trade="i8",  # tick mode: what the venue does when a taker of ours meets our own order
    orders_per_second="i8",  # tick mode: more of them in one second of the venue's clock are refused, 0 = no limit
    second="i8",  # the second the counter below belongs to
    orders_this_second="i8",
)
"""One trading venue as we reach it: how far away it is, and what it lets us do."""

TAKEN = record(instrument="i8", side="i8", price="i8", lots="i8")
"""What we took of a level since the feed reported it."""

VENUE = record(
    cursor="i8",  # next tape row of the exchange's side
    feed_cursor="i8",  # tape rows before it belong to messages that have reached us or are on their way
    headers="i8",  # header rows stepped over by the exchange's side
    rows_known="i8",  # how many of the rows before it are no headers
    request_head="i8",
    request_tail="i8",
    response_head="i8",
    response_tail="i8",
    responses_sent="i8",  # answers up to this one have a time at which they reach us
    touch_head="i8",
    touch_tail="i8",
    next_execution="i8",
    slots_used="i8",
    live="i8",  # orders resting
    queue_model="i8",
    queue_exponent="i8",
    policy="i8",
    participation_e9="i8",
    touch_e9="i8",
    slippage_e9="i8",
    half_spread_e9="i8",
    stop_cap_e9="i8",
    partial_fills="i8",  # tick mode: 1 = a trade fills what it reaches, a taker walks the book
    own_impact="i8",  # tick mode: 1 = what we took is gone until the feed reports its level again
    market_bound_e9="i8",  # tick mode: how far beyond the touch a market order walks
    amends="i8",  # tick mode: 1 = an order that works may be changed
    amend_keeps_place="i8",  # 1 = it keeps its place when it only becomes smaller
    turns="i8",  # orders that have joined a queue
    reduces="i8",  # 1 = a reduce-only order has come
    funding_every_ns="i8",  # at whole multiples of this, UTC; 0 = never
    funding_next="i8",
    n_fee_tiers="i8",  # 0 = the instruments' own fees
    turnover_day="i8",  # the UTC day that the last of turnover_days belongs to
    turnover_30="i8",  # quanta of the 30 days before it
    fill_timeframe="i8",  # bars of this timeframe are matched against; others only inform
    phase="i8",  # candle mode: how far the bar under the cursor has been matched
    stops="i8",  # live stops
    recording="i8",  # 1: desk rows go to the buffer
    sampling="i8",  # EVERY_MARK or LAST_OF_DAY: equity marks go to the buffer, 0 = none
    overflow="i8",  # 1: more is on the wire than there is room for
    n_commands="i8",  # filled lengths of the buffers
    n_fills="i8",
    n_notes="i8",
    n_samples="i8",
    n_rows="i8",
    orders_entered="i8",  # order-level feeds: how many orders have entered
    orders_known="i8",  # of them in the table
    n_taken="i8",
    ended=("i8", 32),  # orders the venue ended, by reason
    defined="i8",  # instrument definitions up to this tape row have been applied
    bar=BAR,  # candle mode: the bar under the cursor
    fee_tiers=(FEE_TIER, TIERS),
    turnover_days=("i8", 31),  # by UTC day modulo 31
    margin=MARGIN,
    perpetual=(PERPETUAL, INSTRUMENTS),
    account=(ACCOUNT, INSTRUMENTS),  # where margin is asked for: the venue's own books
    ledger=("i8", (len(BOOKS), ASSETS)),
    gateways=(GATEWAY, GATEWAYS),
    gateway_of=("i8", INSTRUMENTS),
    book=(BOOK, INSTRUMENTS),
    instruments=(INSTRUMENT, INSTRUMENTS),
    resting=(RESTING, SLOTS),
    taken=(TAKEN, TAKEN_LEVELS),
    requests=(REQUEST, RING),
    responses=(RESPONSE, RING),
    moved=(RESPONSE, 1),  # an answer while those that are due later make room for it
)
"""The simulated exchange, the wires to and from it, and how far the buffers are filled."""

LEVEL = record(lots="i8", own="i8")
"""One price of one side: what rests there, and the first own order there (its slot plus one, 0 = none)."""
TOUCH = record(
    ts_recv="i8", bid="i8", ask="i8", last="i8", rows="i8", begin="i8", end="i8", instrument="i8", trading="i8",
    facts="i8",  # 1: its rows say something about a perpetual
    happened="i8",
)  # fmt: skip
"""A message on its way to us: touch and last trade's price (0 = none) after it; its tape rows, with those stepped over
before it, and how many of them are no headers."""

SHOWN = record(price="i8", lots="i8")
"""One level of a shown book."""

LATENCY = record(sent="i8", arrived="i8", heard="i8")
"""A recorded order: when we sent it, when the venue had it (0 = it never handled it), when we heard of it."""

BOOK_ENTRY = record(entered="i8", order="i8", instrument="i8")
"""An order of an order-level feed, and as which it entered, counted from 1; 0 = the place is empty."""

SAMPLE = record(
    ts="i8", equity="i8", lots="i8", price="i8", drawdown="f8", held="i8", realized="i8", fees="i8",
    cost="i8",
)  # fmt: skip


class Tape(NamedTuple):
    """The rows a loop reads: always the same read-only type, headers included."""

    rows: Any


class World(NamedTuple):
    """All that a run remembers. Made by one function, because compiled code converts no types."""

    desk: Any
    venue: Any
    level: Any
    shown: Any
    touches: Any
    latencies: Any
    book_orders: Any
    commands: Any
    fills: Any
    notes: Any
    samples: Any
    rows_out: Any
    state: Any
    params: Any
