"""What a system of your own is shown: whole numbers, read once for each wake.

Prices are whole price increments of the instrument, quantities whole lots, money whole quanta of the quote asset. For
averages and ratios the unit does not matter; `lots_worth` turns a share of equity into lots.
"""

from struct import Struct
from typing import Any, NamedTuple

from quintet.core.events import TIMEFRAME_NAMES
from quintet.core.records import offset_of
from quintet.core.state import ACCOUNT, DESK, EQUITY, INSTRUMENT, MARKET, VIEW, WAKE_FILL

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


class View(NamedTuple):
    """The desk at one moment. `lots`: the position, on spot what can be sold; `fill`: only when a fill woke us."""

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

    def lots_worth(self, share_frac: float) -> int:
        """Whole lots that this share of equity pays at the last close, before fees; 0.5 is half."""
        price_quanta = self.bar.close * self.quanta
        return max(int(share_frac * self.equity_quanta), 0) // price_quanta if price_quanta else 0

    def at_or_below(self, price: float) -> int:
        """The highest price for an order that is not above `price`, in increments."""
        return int(price // self.tick) * self.tick

    def at_or_above(self, price: float) -> int:
        """The lowest price for an order that is not below `price`, in increments."""
        return -int(-price // self.tick) * self.tick


class Reader:
    """Reads views of one desk out of its memory: a few unpackings, no field by field."""

    def __init__(self, desk: memoryview) -> None:
        self._desk = desk
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
        now, why, _, _, tag, side, price, lots, maker, _, _, _, _, _, halted = self._head.unpack_from(
            desk, self._head_at
        )
        market = self._market.unpack_from(desk, self._market_at)
        view = View(
            now,
            Bar._make((*market[4:9], market[11], _TIMEFRAME_NAMES.get(market[10], ""))),
            one(desk, self._lots_at)[0],
            one(desk, self._equity_at)[0],
            halted != 0,
            Fill(side, price, lots, maker != 0, tag) if why == WAKE_FILL else None,
            one(desk, self._tick_at)[0],
            one(desk, self._quanta_at)[0],
        )
        return why, view


def _numbers(record: Any, first: str, last: str) -> Struct:
    """The whole numbers of a record from one field to another, which lie side by side."""
    names = record.names[record.names.index(first) : record.names.index(last) + 1]
    return Struct(f"<{len(names)}q")
