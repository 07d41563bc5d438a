"""What a message of the feed means to a desk: what it then knows of the market, and what its system is told of it.

A message is one event: it is taken in whole, then the system is told, one thing at a time, in this order:

    bars by time whose end the venue's clock has reached      WAKE_BAR
    each trade, before it the bars that it fills              WAKE_BAR, WAKE_TRADE
    that the touch is another, or that levels have changed    WAKE_TOUCH, WAKE_BOOK

A bar by time is known when the first message of its instrument arrives that happened at or after the bar's end. Until
then nobody can know that the venue has nothing more to say of it. A span without a trade, between trades, is a flat bar
without volume; all bars that ended meanwhile are told with that message, the earliest first. Bars by count, volume and
notional are known with the trade that fills them.

`telling` remembers how much has been told, so that whoever runs the step may leave after each wake and come back.
"""

from typing import Any, Final

from quintet.core.engine.step import begin, on_bar
from quintet.core.events import (
    ASK_LEVEL,
    BOOK_CLEAR,
    BOOK_ORDER,
    FEED_GAP,
    FUNDING_RATE,
    LAST,
    MARK_PRICE,
    TRADE_BUY,
    TRADE_SELL,
    VENUE_STATUS,
)
from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.market.perpetuals import hear_of_perpetual
from quintet.core.market.shown_book import forget_shown, report_level, show_depth
from quintet.core.market.trade_bars import pass_empty_span, pass_time, trade_bars_update
from quintet.core.orders.queue_place import row_moves_places
from quintet.core.state import NO_ASK, NO_BID, WAKE_BOOK, WAKE_TOUCH, WAKE_TRADE
from quintet.core.units import SAFE_MAX

TOLD: Final = -1
"""There is nothing more to tell of this message."""

TIME: Final = 0
TRADES: Final = 1
BOOK: Final = 2
"""The stages of telling a message."""

INVERSE: Final = 2


@kernel
def is_lost_book(kind: int, bits: int) -> bool:
    """Does such a row say that the book is unknown? A gap of candles has the number of their timeframe and does not."""
    return kind == BOOK_CLEAR or (kind == FEED_GAP and bits >> 1 == 0)


@kernel
def is_of_market(kind: int, bits: int) -> bool:
    """Is a message with such a row one of depth, of trades, or of the state of book and venue?"""
    return kind <= BOOK_CLEAR or kind == VENUE_STATUS or is_lost_book(kind, bits)


@kernel
def is_of_perpetual(kind: int) -> bool:
    """Does a row say mark price, index price or the rate of funding?"""
    return MARK_PRICE <= kind <= FUNDING_RATE


@kernel
def message_begin(rows: Any, until: int) -> int:
    """The first row of the message of depth, of trades or about a perpetual that ends before row `until`."""
    first = until - 1
    while first > 0 and int(rows[first - 1].bits) & LAST == 0:
        kind = int(rows[first - 1].kind)
        if kind > BOOK_ORDER and not is_of_perpetual(kind):
            break
        first -= 1
    return first


@kernel
def know_perpetual(market: Any, rows: Any, first: int, until: int) -> None:
    """What a message says about a perpetual is known."""
    for i in range(first, until):
        hear_of_perpetual(market, rows[i])


@kernel
def read_levels(desk: Any, shown: Any, rows: Any, first: int, until: int) -> int:
    """Let a message change the shown book, if there is one, and our places in it; returns how many levels it has.

    A lost book counts as one.
    """
    found, view = 0, desk.shown
    for i in range(first, until):
        kind, n = int(rows[i].kind), int(rows[i].instrument)
        price, lots = int(rows[i].price), rows[i].quantity
        if view.n_places > 0 and kind <= TRADE_SELL:
            row_moves_places(view, kind, n, price, lots, rows[i].ts_event)
        if kind <= ASK_LEVEL:
            found += 1
            if desk.ladders.room > 0:
                report_level(shown, desk.ladders, view.market[n], n, kind, price, lots)
        elif is_lost_book(kind, int(rows[i].bits)):
            found += 1
            if desk.ladders.room > 0:
                forget_shown(desk.ladders, view.market[n], n)
        elif kind == VENUE_STATUS:
            view.instruments[n].trading = lots
        elif is_of_perpetual(kind):
            hear_of_perpetual(view.market[n], rows[i])
    return found


@kernel
def know_message(desk: Any, shown: Any, rows: Any, first: int, until: int, recv: int) -> int:
    """The book as it is known after a message that reached us at `recv`; returns how many levels it has."""
    n = int(rows[until - 1].instrument)
    market = desk.shown.market[n]
    found = read_levels(desk, shown, rows, first, until)
    market.ts = recv
    market.happened = rows[until - 1].ts_event
    know_book(market)
    if desk.depth_levels > 0 and found > 0:
        show_depth(shown, desk.ladders, market, desk.shown.depth[n], n, desk.depth_levels)
    return found


@kernel_inlined
def know_book(market: Any) -> None:
    """Once a side was known, an order that opens waits for one (`core.risk.gate`)."""
    if market.bid != NO_BID or market.ask != NO_ASK:
        market.booked = 1


@kernel
def know_trades(desk: Any, rows: Any, first: int, until: int) -> None:
    """The last trade that is known, for a desk that is told of none."""
    n = int(rows[until - 1].instrument)
    for i in range(first, until):
        if TRADE_BUY <= int(rows[i].kind) <= TRADE_SELL:
            desk.ladders.traded[n] = int(rows[i].price)
    if desk.ladders.traded[n] != 0:
        desk.shown.market[n].last = desk.ladders.traded[n]


@kernel
def hear_message(desk: Any, shown: Any, rows: Any, first: int, until: int, positions: int, recv: int) -> None:
    """A message enters the step of a desk that listens, with all its rows; what it tells the system is then `tell`.

    `positions`: rows that have reached us with it, others before it included.
    """
    begin(desk, positions, recv)
    n = int(rows[until - 1].instrument)
    market, telling = desk.shown.market[n], desk.telling
    telling.bid = market.bid
    telling.ask = market.ask
    telling.changed = know_message(desk, shown, rows, first, until, recv)
    telling.first = first
    telling.row = first
    telling.until = until
    telling.ts = rows[first].ts_event
    telling.instrument = n
    telling.builder = 0
    telling.stage = TIME


@kernel
def tell(desk: Any, rows: Any) -> int:
    """Tell the next thing of the message that was heard last; the wake it deserves, perhaps none, or TOLD."""
    telling = desk.telling
    telling.marked = 0
    if telling.stage == TIME:
        number_from(desk, telling.first)
        while telling.builder < desk.n_builders:
            builder = desk.builders[telling.builder]
            if builder.instrument == telling.instrument and time_ends_bar(builder.bars, telling.ts):
                return tell_bar(desk, builder)
            telling.builder += 1
        telling.stage = TRADES
        telling.builder = 0
    if telling.stage == TRADES:
        while telling.row < telling.until:
            wake = tell_row(desk, rows)
            if wake != TOLD:
                return wake
        telling.stage = BOOK
        number_from(desk, telling.until - 1)
        wake = tell_book(desk)
        if wake != 0:
            return wake
    telling.until = 0
    telling.row = 0
    telling.first = 0
    telling.ts = 0
    telling.instrument = 0
    telling.builder = 0
    telling.stage = TIME
    telling.changed = 0
    telling.bid = 0
    telling.ask = 0
    return TOLD


@kernel
def number_from(desk: Any, row: int) -> None:
    """Commands are numbered by the position of the row that causes them, so a message has a number for each row."""
    event = desk.position - (desk.telling.until - row)
    if event != desk.event:
        desk.event = event
        desk.command_index = 0


@kernel
def time_ends_bar(bars: Any, ts: int) -> bool:
    """Has the venue's clock, at `ts`, come past the end of a bar that has not been told?"""
    return pass_time(bars, ts) > 0 or pass_empty_span(bars, ts) > 0


@kernel
def tell_row(desk: Any, rows: Any) -> int:
    """Take the trade of the row under `telling` into bars and tell it; TOLD when the row is done."""
    telling = desk.telling
    row = rows[telling.row]
    kind = int(row.kind)
    if kind < TRADE_BUY or kind > TRADE_SELL:
        telling.row += 1
        return TOLD
    n, price, lots = int(row.instrument), int(row.price), row.quantity
    side = 1 if kind == TRADE_BUY else -1
    if telling.builder == 0:
        number_from(desk, telling.row)
        desk.shown.market[n].last = price
    while telling.builder < desk.n_builders:
        builder = desk.builders[telling.builder]
        telling.builder += 1
        if builder.instrument == n and trade_bars_update(builder.bars, row.ts_event, price, lots, side) > 0:
            return tell_bar(desk, builder)
    telling.builder = 0
    telling.row += 1
    if desk.wakes & WAKE_TRADE == 0:
        return TOLD
    view = desk.shown
    view.why = WAKE_TRADE
    view.instrument = n
    view.kind = kind
    view.side = side
    view.price = price
    view.lots = lots
    return WAKE_TRADE


@kernel
def tell_bar(desk: Any, builder: Any) -> int:
    """A bar that the desk has built is known: it enters like one from a tape; returns the wake it deserves."""
    n, bar = builder.instrument, builder.bars.done
    market, inst = desk.shown.market[n], desk.shown.instruments[n]
    market.open = bar.open
    market.high = bar.high
    market.low = bar.low
    market.close = bar.close
    market.volume = bar.volume
    market.turnover = 0
    if inst.kind != INVERSE and 0 < inst.quanta <= SAFE_MAX // max(bar.value, 1):
        market.turnover = bar.value * inst.quanta
    if builder.timeframe == desk.mark_timeframe:
        desk.telling.marked = n + 1
    return on_bar(desk, n, builder.timeframe, bar.end)


@kernel
def tell_book(desk: Any) -> int:
    """The wake that a changed book deserves."""
    telling, wake = desk.telling, 0
    market = desk.shown.market[telling.instrument]
    if desk.wakes & WAKE_TOUCH != 0 and (market.bid != telling.bid or market.ask != telling.ask):
        wake = WAKE_TOUCH
    elif telling.changed != 0 and desk.wakes & WAKE_BOOK != 0:
        wake = WAKE_BOOK
    if wake != 0:
        desk.shown.why = wake
        desk.shown.instrument = telling.instrument
    return wake
