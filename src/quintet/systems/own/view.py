"""What a system of your own is shown: whole numbers, read once for each wake.

Prices are whole price increments of the instrument, quantities whole lots, money whole quanta of the quote asset. For
averages and ratios the unit does not matter; `lots_worth` turns a share of equity into lots.
"""

from struct import Struct
from typing import Any, Final, NamedTuple

from quintet.core.errors import DefinitionError
from quintet.core.events import TIMEFRAME_NAMES
from quintet.core.execution.seen import Order
from quintet.core.instrument import SPOT
from quintet.core.orders.lifecycle import CANCEL_IN_FLIGHT, FREE, OPEN
from quintet.core.orders.lifecycle import MARKET as AT_MARKET
from quintet.core.records import offset_of
from quintet.core.state import (
    ACCOUNT,
    DEPTH,
    DESK,
    EQUITY,
    INSTRUMENT,
    LEVELS_SHOWN,
    MARKET,
    NO_ASK,
    ORDER,
    PLACE_IN_QUEUE,
    VIEW,
    WAKE_CONTROL,
    WAKE_FACT,
    WAKE_FILL,
    WAKE_FUNDING,
    WAKE_TIMER,
    WAKE_TRADE,
)
from quintet.systems.own.fact_view import Fact, FactReader

_TIMEFRAME_NAMES = dict(enumerate(TIMEFRAME_NAMES))


class Bar(NamedTuple):
    """A closed bar: prices in price increments, volume in lots, its end in ns UTC."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    end_ns: int
    timeframe: str


class Fill(NamedTuple):
    """A fill of ours: `side` +1 or -1, price in increments, `tag` of the want it belongs to."""

    side: int
    price: int
    lots: int
    maker: bool
    tag: int


class Trade(NamedTuple):
    """A trade of the market: `side` +1 when a buyer took, -1 when a seller did; price in increments."""

    side: int
    price: int
    lots: int


class Funding(NamedTuple):
    """Funding of a perpetual that we paid: quanta of what it settles in, - = received; mark price in increments."""

    paid_quanta: int
    mark: int


class Level(NamedTuple):
    """One price of a side of the book and what rests there."""

    price: int
    lots: int


class Resting(NamedTuple):
    """An order of ours that rests: `lots` of it are left, at most `ahead` lots stand before it as far as we know."""

    side: int
    price: int
    lots: int
    ahead: int
    tag: int


class Market(NamedTuple):
    """One of several instruments of a run, as we know it; the fields mean what they mean in a `View`."""

    bid: int
    ask: int
    last: int
    lots: int
    tick: int
    quanta: int
    bar: Bar
    amends: bool = False
    is_spot: bool = True


class View(NamedTuple):
    """The desk at one moment. `lots`: the position, on spot what can be sold.

    `fill`, `trade`, `funding` and `fact` only when one woke us; `bids` and `asks` only for a class with `book_levels`,
    `resting` for one with `book_levels` or `queue_places`, `orders` for one with `own_orders`. In a run of several
    instruments all this is of the one that woke us, `instrument`, at a timer of the first.
    """

    now_ns: int
    bar: Bar
    lots: int
    equity_quanta: int
    halted: bool
    fill: Fill | None
    tick: int
    """Price increments from one price that an order may have to the next."""
    quanta: int
    """Quote quanta of one price increment times one lot."""
    bid: int
    """The best bid as we know it, 0 without one; candles show none."""
    ask: int
    """The best ask as we know it, 0 without one."""
    last: int
    """Price of the last trade or the last close as we know it, 0 without one."""
    trade: Trade | None
    funding: Funding | None
    bids: tuple[Level, ...]
    """The best first."""
    asks: tuple[Level, ...]
    resting: tuple[Resting, ...]
    instrument: int
    """Number of the instrument that all the above is of, 0 in a run of one."""
    markets: tuple[Market, ...]
    """All instruments by number, in a run of several; else nothing."""
    amends: bool = False
    """Does the venue change orders that work?"""
    is_spot: bool = True
    orders: tuple[Order, ...] = ()
    """Ours that are not over, of every instrument: on their way, working, on their way out."""
    fact: Fact | None = None
    """What a source has said, when that woke us."""
    facts: tuple[Fact, ...] = ()
    """What is known of each fact that the class names in `facts`, in that order."""

    def of(self, instrument: int) -> "View":
        """The same moment seen from another instrument of the run; its levels and places in queues are not shown."""
        if instrument == self.instrument:
            return self
        there = self.markets[instrument]
        return self._replace(
            **there._asdict(), instrument=instrument, fill=None, trade=None, funding=None, bids=(), asks=(), resting=()
        )

    def lots_worth(self, share_frac: float) -> int:
        """Whole lots that this share of equity pays at the last close, before fees; 0.5 is half.

        As long as no bar has closed, at the best bid.
        """
        price_quanta = (self.bar.close or self.bid) * self.quanta
        return max(int(share_frac * self.equity_quanta), 0) // price_quanta if price_quanta else 0

    def at_or_below(self, price: float) -> int:
        """The highest price for an order that is not above `price`, in increments."""
        return int(price // self.tick) * self.tick

    def at_or_above(self, price: float) -> int:
        """The lowest price for an order that is not below `price`, in increments."""
        return -int(-price // self.tick) * self.tick


def _numbers(record: Any, *names: str) -> Struct:
    """These whole numbers of a record, named in the order in which they lie there, whatever lies between them."""
    parts, at = [], 0
    for name in names:
        begins = offset_of(record, name)
        if begins < at or record[name] != "i8":
            raise DefinitionError(
                f"{name}: found at byte {begins}, {record[name]}; expected a whole number from {at} on"
            )
        parts.append(f"{begins - at}xq")
        at = begins + _ONE.size
    return Struct("<" + "".join(parts))


_ONE, _TWO = Struct("<q"), Struct("<2q")
_HEAD: Final = _numbers(VIEW, "now", "why", "instrument", "tag", "side", "price", "lots", "maker", "fee", "halted")
_MARKET: Final = _numbers(
    MARKET, "bid", "ask", "last", "open", "high", "low", "close", "volume", "timeframe", "bar_end"
)
_PLACE: Final = _numbers(PLACE_IN_QUEUE, "instrument", "side", "price", "lots", "tag", "ahead")
_FACTS: Final = _numbers(INSTRUMENT, "kind", "tick", "quanta", "amends")
_ORDER: Final = _numbers(
    ORDER, "status", "instrument", "side", "style", "price", "lots", "filled", "wanted", "tag", "recalled",
    "reduce_only", "to_price", "to_lots", "to_wanted",
)  # fmt: skip


class Reader:
    """Reads views of one desk out of its memory: a few unpackings, no field by field."""

    def __init__(
        self,
        desk: memoryview,
        reads_book: bool = False,
        instruments: int = 1,
        *,
        reads_orders: bool = False,
        facts: tuple[str, ...] = (),
    ) -> None:
        """`reads_book`: levels and our places in their queues come with each view; `instruments`: of the run.

        `reads_orders`: our orders come with it; `facts`: the names under which the run's facts are shown.
        """
        self._desk = desk
        self._facts = FactReader(desk, facts) if facts else None
        self._orders = OrderReader(desk) if reads_orders else None
        self._several = range(instruments) if instruments > 1 else range(0)
        self._book = BookReader(desk) if reads_book else None
        self._one = Struct("<q")
        self._head_at = offset_of(DESK, "shown")
        self._market_at = self._head_at + offset_of(VIEW, "market")
        self._lots_at = self._head_at + offset_of(VIEW, "account") + offset_of(ACCOUNT, "lots")
        self._equity_at = self._head_at + offset_of(VIEW, "equity") + offset_of(EQUITY, "quanta")
        self._facts_at = self._head_at + offset_of(VIEW, "instruments")

    def read(self) -> tuple[int, View]:
        """Why the system is woken, one of WAKE_*, and the view of this moment."""
        desk, one = self._desk, self._one.unpack_from
        now, why, n, tag, side, price, lots, maker, fee, halted = _HEAD.unpack_from(desk, self._head_at)
        if not self._several or why & (WAKE_TIMER | WAKE_CONTROL):
            n = 0
        market_at = self._market_at + n * MARKET.itemsize
        kind, tick, quanta, amends = _FACTS.unpack_from(desk, self._facts_at + n * INSTRUMENT.itemsize)
        bid, ask, last, open_, high, low, close, volume, timeframe, bar_end = _MARKET.unpack_from(desk, market_at)
        view = View(
            now,
            Bar(open_, high, low, close, volume, bar_end, _TIMEFRAME_NAMES.get(timeframe, "")),
            one(desk, self._lots_at + n * ACCOUNT.itemsize)[0],
            one(desk, self._equity_at)[0],
            halted != 0,
            Fill(side, price, lots, maker != 0, tag) if why == WAKE_FILL else None,
            tick,
            quanta,
            bid,
            ask if ask < NO_ASK else 0,
            last,
            Trade(side, price, lots) if why == WAKE_TRADE else None,
            Funding(fee, price) if why == WAKE_FUNDING else None,
            *(self._book.read(n) if self._book is not None else _NO_BOOK),
            n,
            tuple(map(self._read_market, self._several)),
            amends != 0,
            kind == SPOT,
            self._orders.read() if self._orders is not None else (),
        )
        if self._facts is not None:
            heard = self._facts.heard(now) if why == WAKE_FACT else None
            view = view._replace(fact=heard, facts=self._facts.read(now))
        return why, view

    def _read_market(self, n: int) -> Market:
        desk, one = self._desk, self._one.unpack_from
        bid, ask, last, open_, high, low, close, volume, timeframe, bar_end = _MARKET.unpack_from(
            desk, self._market_at + n * MARKET.itemsize
        )
        kind, tick, quanta, amends = _FACTS.unpack_from(desk, self._facts_at + n * INSTRUMENT.itemsize)
        return Market(
            bid,
            ask if ask < NO_ASK else 0,
            last,
            one(desk, self._lots_at + n * ACCOUNT.itemsize)[0],
            tick,
            quanta,
            Bar(open_, high, low, close, volume, bar_end, _TIMEFRAME_NAMES.get(timeframe, "")),
            amends != 0,
            kind == SPOT,
        )


_NO_BOOK: Final[tuple[tuple[Level, ...], tuple[Level, ...], tuple[Resting, ...]]] = ((), (), ())


class BookReader:
    """Reads the levels and our places in their queues out of a desk's memory."""

    def __init__(self, desk: memoryview) -> None:
        view = offset_of(DESK, "shown")
        self._desk = desk
        self._depth_at = view + offset_of(VIEW, "depth")
        self._n_places_at = view + offset_of(VIEW, "n_places")
        self._places_at = view + offset_of(VIEW, "places")

    def read(self, n: int) -> tuple[tuple[Level, ...], tuple[Level, ...], tuple[Resting, ...]]:
        """Bids, asks, and our orders that rest, of instrument `n`."""
        at = self._depth_at + n * DEPTH.itemsize
        n_bids, n_asks = _TWO.unpack_from(self._desk, at)
        (n_places,) = _ONE.unpack_from(self._desk, self._n_places_at)
        places = (self._resting(slot, n) for slot in range(n_places))
        return self._side(at, 0, n_bids), self._side(at, 1, n_asks), tuple(place for place in places if place.lots)

    def _side(self, at: int, side: int, count: int) -> tuple[Level, ...]:
        numbers = Struct(f"<{count}q")
        prices_at = at + _TWO.size + side * LEVELS_SHOWN * _ONE.size
        prices = numbers.unpack_from(self._desk, prices_at)
        lots = numbers.unpack_from(self._desk, prices_at + 2 * LEVELS_SHOWN * _ONE.size)
        return tuple(map(Level, prices, lots))

    def _resting(self, slot: int, n: int) -> Resting:
        """What rests in a slot; 0 lots where nothing of instrument `n` does."""
        at = self._places_at + slot * PLACE_IN_QUEUE.itemsize
        instrument, side, price, lots, tag, ahead = _PLACE.unpack_from(self._desk, at)
        return Resting(side, price, lots if instrument == n else 0, ahead, tag)


class OrderReader:
    """Reads our orders that are not over out of a desk's memory."""

    def __init__(self, desk: memoryview) -> None:
        self._desk = desk
        self._used_at = offset_of(DESK, "slots_used")
        self._orders_at = offset_of(DESK, "orders")

    def read(self) -> tuple[Order, ...]:
        """In the order of their slots."""
        (used,) = _ONE.unpack_from(self._desk, self._used_at)
        rows = (_ORDER.unpack_from(self._desk, self._orders_at + slot * ORDER.itemsize) for slot in range(used))
        return tuple(_order(*row) for row in rows if row[0] != FREE)


def _order(
    status: int, instrument: int, side: int, style: int, price: int, lots: int, filled: int, wanted: int, tag: int,
    recalled: int, reduce_only: int, to_price: int, to_lots: int, to_wanted: int,
) -> Order:  # fmt: skip
    """An order's row as an algorithm is shown it."""
    changes = to_lots != 0
    return Order(
        side,
        max(lots, to_lots) - filled,
        0 if style == AT_MARKET else to_price if changes else price,
        style,
        tag,
        reduce_only != 0,
        instrument,
        (to_wanted if changes else wanted) - filled,
        status == OPEN and not changes and recalled == 0,
        status == CANCEL_IN_FLIGHT or recalled != 0,
    )
