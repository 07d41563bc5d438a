"""Order-level (L3) events of Bitstamp to facts: the level's new total, and the order that moved it.

The feed begins in the middle of a day, with orders resting that it never showed: what it says of those is left out and
counted. It prints no trades; a fill is seen as `changed` or as `deleted` with nothing left. The venue's own stamp is
when an order was placed, in whole seconds, so the recorder's clock is the only one.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from quintet.core.errors import DataError
from quintet.core.events import ORDER_CHANGED, ORDER_ENTERED, ORDER_GONE
from quintet.core.market.tick_feed import UNKNOWN, Aside, Fact, OrderChange

SYMBOL: Final = "BTCUSD"
SATOSHI: Final = Decimal("1e-8")
MS_NS: Final = 1_000_000
COLUMNS: Final = ("id", "timestamp", "exchange.timestamp", "price", "volume", "action", "direction")
_WHAT: Final = {"created": ORDER_ENTERED, "changed": ORDER_CHANGED, "deleted": ORDER_GONE}
_SIDES: Final = {"bid": True, "ask": False}


class OrderLine(NamedTuple):
    """One line of the recording: file and line, and its cells in the order of COLUMNS."""

    where: tuple[int, int]
    cells: tuple[str, ...]


class _Order(NamedTuple):
    buy: bool
    price: str
    satoshi: int


def facts(lines: Iterable[OrderLine]) -> Iterator[Fact]:
    """What each line says, in order; raises DataError naming the cell that is not what it should be."""
    book = _Book()
    for line in lines:
        yield from book.take(line)


class _Book:
    """Orders that were seen to come and are still there, and the total of each level, in satoshi."""

    def __init__(self) -> None:
        self.orders: dict[int, _Order] = {}
        self.totals: dict[tuple[bool, str], int] = {}

    def take(self, line: OrderLine) -> Iterator[Fact]:
        number, stamp, price, satoshi, action, buy = _cells(line)
        before = self.orders.get(number)
        if before is None and action != "created":
            yield Aside(line.where, "orders from before the recording")
            return
        if before is not None and action == "created":
            yield Aside(line.where, "orders created twice")
            return
        now = _Order(buy, price, 0 if action == "deleted" else satoshi)
        if before is not None and (before.buy, before.price) != (now.buy, now.price):
            # A market order walks the book: it leaves one level and comes to the end of another.
            yield self._change(line, stamp, number, before, -before.satoshi, ORDER_GONE)
            before, action = None, "created" if action == "changed" else action
        moved = now.satoshi - (before.satoshi if before is not None else 0)
        if action == "deleted":
            del self.orders[number]
        else:
            self.orders[number] = now
        if before is not None or action == "created":
            yield self._change(line, stamp, number, now, moved, _WHAT[action])

    def _change(self, line: OrderLine, stamp: int, number: int, order: _Order, moved: int, action: int) -> OrderChange:
        """A level moved by so many satoshi, and the order that did it."""
        level = (order.buy, order.price)
        total = self.totals.get(level, 0) + moved
        if total:
            self.totals[level] = total
        else:
            self.totals.pop(level, None)
        levels = f'[["{order.price}","{total * SATOSHI:f}"]]'.encode()
        return OrderChange(line.where, stamp * MS_NS, UNKNOWN, SYMBOL, order.buy, levels, number, action)


def _cells(line: OrderLine) -> tuple[int, int, str, int, str, bool]:
    """Order number, receive time in ms, price, satoshi, action, and whether it bids."""
    number, stamp, _, price, volume, action, direction = line.cells[: len(COLUMNS)]
    if action not in _WHAT:
        raise DataError(f"column 'action' is {action!r}, expected one of {', '.join(_WHAT)}")
    if direction not in _SIDES:
        raise DataError(f"column 'direction' is {direction!r}, expected bid or ask")
    whole = (_whole(number, "id"), _whole(stamp, "timestamp"), _whole(volume, "volume"))
    return whole[0], whole[1], _price(price), whole[2], action, _SIDES[direction]


def _whole(text: str, column: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise DataError(f"column {column!r} is {text[:40]!r}, expected a whole number")
    return int(text)


def _price(text: str) -> str:
    """The price as one text for each value, so that 236.4 and 236.40 are one level."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise DataError(f"column 'price' is {text[:40]!r}, expected a decimal number") from None
    if not value.is_finite() or value <= 0:
        raise DataError(f"column 'price' is {text[:40]!r}, expected a price above 0")
    return f"{value.normalize():f}"
