"""Everything the engine remembers, as records changed in place.

One `World` holds it all, the simulated exchange included, so that a run can be stopped after any event, copied,
hashed, and resumed. Arrays are bound to locals once in the loop; records are read by index or by reference.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.events import ROW
from quintet.core.records import record, table

SLOTS: Final = 64
"""Live orders of one desk: one bit each in a 64-bit mask."""

WANTS: Final = 64
ASSETS: Final = 16

# ---- why the loop stopped, or why a system was woken --------------------------------------------------------
END: Final = 0
STOP: Final = 1
FULL: Final = 2
WAKE_TIMER: Final = 4
WAKE_BAR: Final = 8
WAKE_FILL: Final = 16
WAKE_ORDER: Final = 32
WAKE_CONTROL: Final = 64

# ---- accounts of the double entry ----------------------------------------------------------------------------
DESK: Final = 0
MARKET_SIDE: Final = 1
FEES: Final = 2
SUSPENSE: Final = 3
CAPITAL: Final = 4
ACCOUNTS: Final = ("desk", "market", "fees", "suspense", "capital")

NO_BID: Final = 0
NO_ASK: Final = 2**31
"""A side of the book that is empty or unknown: a bid below and an ask above every price a row can hold."""

NEVER: Final = 2**62
"""A time that does not come."""

CLOCK = record(
    cursor="i8",  # next tape row of the exchange side
    now="i8",  # local time, ns
    position="i8",  # desk rows so far: the number of the next one
    rows_known="i8",  # market rows that have reached us
    headers="i8",  # header rows stepped over
    local_row="i8",  # tape row up to which feed has reached us
    timer_next="i8",
    timer_every="i8",
    wakes="i8",  # mask of WAKE_*
    timeframes="i8",  # mask of bar timeframes that wake the system, bit = timeframe number
    why="i8",
    woken_instrument="i8",
    commands="i8",  # filled length of the command buffer
    fills="i8",
    notes="i8",
    samples="i8",
    desk_rows="i8",
    recording="i8",  # 1: desk rows are written to the desk buffer
    sampling="i8",  # 1: equity is sampled at every bar of the sampled timeframe
    hash_a="u8",
    hash_b="u8",
    n_commands="i8",
    n_places="i8",
    n_cancels="i8",
    n_fills="i8",
    n_timers="i8",
    n_bars="i8",
    n_refused="i8",
    n_shrunk="i8",
    n_ignored="i8",  # repeated or late status messages
    alarms="i8",  # the impossible: filled above quantity, unknown number
    paused="i8",  # 1: an alarm stopped new risk
    next_execution="i8",
    command_index="i8",  # commands of this event so far
    room_version="i8",  # changes whenever a limit or the room under one changes
)

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
    slots_used="i8",  # highest slot ever used, plus one
    live="i8",  # slots not free
    remembered="i8",  # refusals remembered
)

SIM = record(
    entry_ns="i8",
    response_ns="i8",
    queue_model="i8",
    policy="i8",
    participation_e9="i8",
    touch_e9="i8",
    slippage_e9="i8",
    half_spread_e9="i8",
    stop_cap_e9="i8",
    fill_timeframe="i8",  # bars of this timeframe are matched against; others only inform
    previous_end="i8",  # end of the last matched bar
    live="i8",  # orders resting at the simulated exchange
    quiet="i8",  # 1: nothing rests, nothing is on its way: a bar cannot touch us
)

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
)

MARKET = record(
    bid="i8",
    ask="i8",
    last="i8",
    ts="i8",
    open="i8",
    high="i8",
    low="i8",
    close="i8",
    volume="i8",
    turnover="i8",
    timeframe="i8",
    bar_end="i8",
    n_bars="i8",
    gap_bars="i8",  # missing bars announced since the last bar
)

BOOK = record(
    origin="i8",  # price of index 0 of the window
    width="i8",
    bid="i8",
    ask="i8",
    own_bid="i8",  # highest own resting bid, NO_BID when none
    own_ask="i8",  # lowest own resting ask, NO_ASK when none
)

LEVEL = record(lots="i8", own="u8")

TOUCH = record(ts_recv="i8", bid="i8", ask="i8", rows="i8", end="i8", instrument="i8")

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
    placed_ts="i8",
)

RESTING = record(
    alive="i8",
    instrument="i8",
    side="i8",
    style="i8",
    price="i8",
    open_lots="i8",
    ahead="f8",
    traded="f8",
    since="i8",
    active_from="i8",
)

REQUEST = record(ts="i8", kind="i8", slot="i8", number="i8", instrument="i8", side="i8", style="i8", price="i8", lots="i8")

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
)

QUOTES = record(
    n="i8",  # wants filled from 0
    dirty="i8",  # 1: the system spoke; plan
    why="i8",
    instrument="i8",
    tag="i8",
    side="i8",
    price="i8",
    lots="i8",
    fee="i8",
    fee_asset="i8",
    maker="i8",
    kind="i8",
    open_orders="i8",
    dying="i8",
)

WANT = record(instrument="i8", side="i8", style="i8", price="i8", lots="i8", tag="i8", met="i8")

REFUSAL = record(
    instrument="i8", side="i8", style="i8", price="i8", lots="i8", tag="i8", reason="i8", version="i8", n="i8"
)

ACCOUNT = record(
    lots="i8",  # signed position; on spot what can be sold, in whole lots
    held="i8",  # spot: base quanta held, dust included
    cost="i8",  # quanta paid for the open position, signed like lots
    realized="i8",  # quanta, before fees
    fees="i8",  # quanta of the quote asset, base fees at their fill's price
    open_buy_lots="i8",
    open_sell_lots="i8",
    reserved_quote="i8",
    reserved_base="i8",
    maker_lots="i8",
    taker_lots="i8",
    n_fills="i8",
    turnover="i8",
    fee_base="i8",
)

EQUITY = record(
    quanta="i8",
    start="i8",
    high_water="i8",
    drawdown_e9="i8",
    max_drawdown_e9="i8",
    day="i8",
    day_open="i8",
)

COMMAND = record(
    position="i8", index="i8", number="i8", kind="i8", instrument="i8", side="i8", style="i8", price="i8", lots="i8",
    tag="i8", ts="i8",
)  # fmt: skip

FILL_RECORD = record(
    position="i8", ts_event="i8", ts_recv="i8", number="i8", tag="i8", instrument="i8", side="i8", price="i8", lots="i8",
    maker="i8", fee="i8", fee_asset="i8", lots_after="i8", bar="i8",
)  # fmt: skip

NOTE = record(ts="i8", position="i8", code="i8", a="i8", b="i8", c="i8", d="i8")
"""What a system wants remembered (a transition, a policy change): code and four numbers the system names."""

SAMPLE = record(ts="i8", equity="i8", cash="i8", lots="i8", price="i8", state="i8", drawdown_e9="i8", unrealized="i8")


class Tape(NamedTuple):
    """The rows a loop reads: always the same read-only type, headers included."""

    rows: Any


class World(NamedTuple):
    """All that a run remembers. Made by one function, because types do not convert."""

    clock: Any
    sim: Any
    limits: Any
    instruments: Any
    market: Any
    book: Any
    level: Any
    touches: Any
    orders: Any
    resting: Any
    requests: Any
    responses: Any
    queues: Any
    quotes: Any
    wants: Any
    refusals: Any
    account: Any
    ledger: Any
    equity: Any
    executions: Any
    recent: Any
    commands: Any
    fills: Any
    notes: Any
    samples: Any
    desk: Any
    state: Any
    params: Any


def desk_buffer(rows: int) -> Any:
    """Rows of a desk tape on their way to a file."""
    return np.zeros(rows, ROW).view(np.recarray)


QUEUES = record(request_head="i8", request_tail="i8", response_head="i8", response_tail="i8", touch_head="i8", touch_tail="i8")
"""Ring positions; an index is taken modulo the ring's length, a power of two."""

RING: Final = 1024

__all__ = [name for name in dir() if name.isupper()] + ["Tape", "World", "desk_buffer", "table"]
