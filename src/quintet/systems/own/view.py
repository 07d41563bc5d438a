"""What a system of your own is shown: whole numbers, read once for each wake.

Prices are whole price increments of the instrument, quantities whole lots, money whole quanta of the quote asset. For
averages and ratios the unit does not matter; `lots_worth` turns a share of equity into lots.
"""

from struct import Struct
from typing import Any, Final, NamedTuple

from quintet.core.events import TIMEFRAME_NAMES
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
    PLACE_IN_QUEUE,
    VIEW,
    WAKE_CONTROL,
    WAKE_FILL,
    WAKE_TIMER,
    WAKE_TRADE,
)

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


class View(NamedTuple):
    """The desk at one moment. `lots`: the position, on spot what can be sold.

    `fill` and `trade` only when one woke us; `bids`, `asks` and `resting` only for a class with `book_levels`. In a run
    of several instruments all this is of the one that woke us, `instrument`, at a timer of the first.
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
    bids: tuple[Level, ...]
    """The best first."""
    asks: tuple[Level, ...]
    resting: tuple[Resting, ...]
    instrument: int
    """Number of the instrument that all the above is of, 0 in a run of one."""
    markets: tuple[Market, ...]
    """All instruments by number, in a run of several; else nothing."""

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


class Reader:
    """Reads views of one desk out of its memory: a few unpackings, no field by field."""

    def __init__(self, desk: memoryview, levels: int = 0, instruments: int = 1) -> None:
        """`levels`: of each side of the book, to be read with each view; `instruments`: of the run."""
        self._desk = desk
        self._several = range(instruments) if instruments > 1 else range(0)
        self._book = BookReader(desk) if levels else None
        self._head, self._market = _numbers(VIEW, "now", "halted"), _numbers(MARKET, "bid", "bar_end")
        self._one = Struct("<q")
        self._head_at = offset_of(DESK, "shown")
        self._market_at = self._head_at + offset_of(VIEW, "market")
        self._lots_at = self._head_at + offset_of(VIEW, "account") + offset_of(ACCOUNT, "lots")
        self._equity_at = self._head_at + offset_of(VIEW, "equity") + offset_of(EQUITY, "quanta")
        self._tick_at = self._head_at + offset_of(VIEW, "instruments") + offset_of(INSTRUMENT, "tick")
        self._quanta_at = self._head_at + offset_of(VIEW, "instruments") + offset_of(INSTRUMENT, "quanta")

    def read(self) -> tuple[int, View]:
        """Why the system is woken, one of WAKE_*, and the view of this moment."""
        desk, one = self._desk, self._one.unpack_from
        now, why, n, _, tag, side, price, lots, maker, _, _, _, _, _, halted = self._head.unpack_from(
            desk, self._head_at
        )
        if not self._several or why & (WAKE_TIMER | WAKE_CONTROL):
            n = 0
        market = self._market.unpack_from(desk, self._market_at + n * MARKET.itemsize)
        facts_at = n * INSTRUMENT.itemsize
        view = View(
            now,
            Bar._make((*market[4:9], market[11], _TIMEFRAME_NAMES.get(market[10], ""))),
            one(desk, self._lots_at + n * ACCOUNT.itemsize)[0],
            one(desk, self._equity_at)[0],
            halted != 0,
            Fill(side, price, lots, maker != 0, tag) if why == WAKE_FILL else None,
            one(desk, self._tick_at + facts_at)[0],
            one(desk, self._quanta_at + facts_at)[0],
            market[0],
            market[1] if market[1] < NO_ASK else 0,
            market[2],
            Trade(side, price, lots) if why == WAKE_TRADE else None,
            *(self._book.read(n) if self._book is not None else _NO_BOOK),
            n,
            tuple(map(self._read_market, self._several)),
        )
        return why, view

    def _read_market(self, n: int) -> Market:
        desk, one = self._desk, self._one.unpack_from
        market = self._market.unpack_from(desk, self._market_at + n * MARKET.itemsize)
        return Market(
            market[0],
            market[1] if market[1] < NO_ASK else 0,
            market[2],
            one(desk, self._lots_at + n * ACCOUNT.itemsize)[0],
            one(desk, self._tick_at + n * INSTRUMENT.itemsize)[0],
            one(desk, self._quanta_at + n * INSTRUMENT.itemsize)[0],
            Bar._make((*market[4:9], market[11], _TIMEFRAME_NAMES.get(market[10], ""))),
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
        self._place = _numbers(PLACE_IN_QUEUE, "number", "joined")

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
        at = self._places_at + slot * self._place.size
        _, instrument, side, price, lots, tag, ahead, _ = self._place.unpack_from(self._desk, at)
        return Resting(side, price, lots if instrument == n else 0, ahead, tag)


_ONE, _TWO = Struct("<q"), Struct("<2q")


def _numbers(record: Any, first: str, last: str) -> Struct:
    """The whole numbers of a record from one field to another, which lie side by side."""
    names = record.names[record.names.index(first) : record.names.index(last) + 1]
    return Struct(f"<{len(names)}q")
