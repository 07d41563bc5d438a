"""Books and order flow once more, from their definitions: dictionaries, lists and fractions, written to be believed."""

from dataclasses import dataclass
from fractions import Fraction

Book = dict[int, int]
"""Price to lots of one side; only what rests."""


@dataclass(frozen=True)
class Trade:
    ts: int
    side: int
    price: int
    lots: int


# ---- books -------------------------------------------------------------------------------------------------------
def outwards(book: Book, side: int) -> list[tuple[int, int]]:
    """Price and lots, the best first; `side` +1 for bids."""
    return sorted(book.items(), key=lambda level: -side * level[0])


def depth_within(book: Book, side: int, twice_mid: int, bps: Fraction) -> int:
    reach = Fraction(twice_mid, 2) * bps / 10_000
    return sum(lots for price, lots in book.items() if abs(price - Fraction(twice_mid, 2)) <= reach)


def take_value(book: Book, side: int, wanted: int) -> int | None:
    value = 0
    for price, lots in outwards(book, side):
        taken = min(lots, wanted)
        value, wanted = value + taken * price, wanted - taken
    return None if wanted else value


# ---- delta -------------------------------------------------------------------------------------------------------
def delta(trades: list[Trade]) -> int:
    return sum(trade.side * trade.lots for trade in trades)


def window_delta(trades: list[Trade], span_ns: int, spans: int) -> int:
    """Of the last trade's span and the spans - 1 before it."""
    present = trades[-1].ts // span_ns
    return delta([trade for trade in trades if trade.ts // span_ns > present - spans])


def diagonal(trades: list[Trade], side: int, row_ticks: int, ratio: Fraction, least: int) -> int:
    """Rows in which `side` took at least `ratio` times what the other side took one row against it."""

    def taken(by: int, row: int) -> int:
        return sum(t.lots for t in trades if t.side == by and t.price // row_ticks == row)

    rows = {trade.price // row_ticks for trade in trades}
    return sum(
        taken(side, row) >= least and taken(side, row) >= ratio * taken(-side, row - side)
        for row in range(min(rows), max(rows) + 1)
    )


def large_orders(trades: list[Trade], threshold: int, quanta: int) -> list[tuple[int, int, int]]:
    """Time, side, ticks times lots of each: prints that follow each other with one side and time are one order."""
    orders: list[list[int]] = []
    for trade in trades:
        if not orders or orders[-1][:2] != [trade.ts, trade.side]:
            orders.append([trade.ts, trade.side, 0])
        orders[-1][2] += trade.price * trade.lots
    return [(ts, side, value) for ts, side, value in orders if value * quanta > threshold]


# ---- profile -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Levels:
    poc: int
    vah: int
    val: int


def row_height(trades: list[Trade], row_ticks: int, rows: int) -> int:
    """The first of row_ticks, 2 row_ticks, 4 row_ticks ... at which all prices fit the rows."""
    prices = [trade.price for trade in trades]
    while max(prices) // row_ticks - min(prices) // row_ticks >= rows:
        row_ticks *= 2
    return row_ticks


def profile(trades: list[Trade], row_ticks: int, share: Fraction, rows: int = 1024) -> Levels:
    height = row_height(trades, row_ticks, rows)
    volume: dict[int, int] = {}
    for trade in trades:
        volume[trade.price // height] = volume.get(trade.price // height, 0) + trade.lots
    low, high = min(volume), max(volume)
    poc = min(row for row in volume if volume[row] == max(volume.values()))
    first = last = poc
    while sum(volume.get(row, 0) for row in range(first, last + 1)) < share * sum(volume.values()):
        above = volume.get(last + 1, 0) if last < high else -1
        below = volume.get(first - 1, 0) if first > low else -1
        first, last = (first, last + 1) if above >= below else (first - 1, last)
    return Levels(poc * height, (last + 1) * height - 1, first * height)


# ---- bars --------------------------------------------------------------------------------------------------------
def groups_by_time(trades: list[Trade], span_ns: int) -> list[list[Trade]]:
    """The trades of each span that had any; the last group is still open."""
    groups: list[list[Trade]] = []
    for trade in trades:
        if not groups or groups[-1][0].ts // span_ns != trade.ts // span_ns:
            groups.append([])
        groups[-1].append(trade)
    return groups


def groups_by_size(trades: list[Trade], size: int, measure: str, quanta: int) -> list[list[Trade]]:
    """The trades of each bar by count, volume or notional, and what is still open (perhaps empty)."""
    weight = {"count": lambda t: 1, "volume": lambda t: t.lots, "notional": lambda t: t.lots * t.price * quanta}[
        measure
    ]
    groups: list[list[Trade]] = [[]]
    for trade in trades:
        groups[-1].append(trade)
        if sum(map(weight, groups[-1])) >= size:
            groups.append([])
    return groups


def bar(group: list[Trade]) -> tuple[int, ...]:
    """Open, high, low, close, volume, what buyers took of it, ticks times lots, number of trades."""
    prices = [trade.price for trade in group]
    return (
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum(trade.lots for trade in group),
        sum(trade.lots for trade in group if trade.side > 0),
        sum(trade.lots * trade.price for trade in group),
        len(group),
    )
