"""A recorded order-level feed without trades, told as one with trades: who rested, who took, and what that filled.

The venue shows an order that takes before it takes, and a fill as two orders that shrink by the same amount, one after
the other. The older of the two rested; the younger is shown here only with what is left of it when it has taken. What
shrinks alone met an order from before the recording, and stays a change. Prices are cents, lots satoshi.
"""

import csv
import lzma
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.twins.ticks_twin import Message, Request, Row

BAND = (20_000, 27_000)
"""Prices looked at; what is quoted elsewhere was never near a trade."""

APART_NS = 100
AFTER_NS = 50
"""Between two lines of one moment; from the last fill of an order that takes until what is left of it rests."""


class Line(NamedTuple):
    order: int
    ns: int
    side: str
    price: int
    lots: int
    action: str


class Fill(NamedTuple):
    ns: int
    lots: int


@dataclass
class Rested:
    """A recorded order from the moment it rested: what it was, what filled it, when it was gone."""

    side: str
    price: int
    lots: int
    entered_ns: int
    ahead: int
    """Total of its level before it came."""
    fills: list[Fill] = field(default_factory=list)
    gone_ns: int = 0
    shrank_alone: bool = False

    def requests(self, number: int) -> list[Request]:
        """The same order as one of ours, that joins just before it and leaves just after it."""
        side = 1 if self.side == "bid" else -1
        placed = Request(self.entered_ns - 1, number, side, "post-only", self.price, self.lots)
        return [placed, Request(self.gone_ns + 1, number, cancel=True)] if self.gone_ns else [placed]


def read_lines(path: Path) -> list[Line]:
    """All lines, each at a moment of its own."""
    lines: list[Line] = []
    with lzma.open(path, "rt") as file:
        for row in csv.DictReader(file):
            ns = max(int(row["timestamp"]) * 1_000_000, lines[-1].ns + APART_NS if lines else 0)
            cents = round(float(row["price"]) * 100)
            lines.append(Line(int(row["id"]), ns, row["direction"], cents, int(row["volume"]), row["action"]))
    return lines


def reductions(lines: list[Line]) -> dict[int, int]:
    """Line number to the lots by which a fill made an order smaller there."""
    size: dict[int, int] = {}
    found = {}
    for n, line in enumerate(lines):
        before = size.get(line.order)
        filled = line.action == "changed" or (line.action == "deleted" and line.lots == 0)
        if before is not None and filled and before > line.lots:
            found[n] = before - line.lots
        if line.action == "created" or before is not None:
            size[line.order] = line.lots
    return found


class Match(NamedTuple):
    maker: Line
    taker: Line
    lots: int


def matches(lines: list[Line], shrinks: dict[int, int]) -> dict[int, Match]:
    """The second line of two orders that shrank together, to who rested, who took and how much."""
    found: dict[int, Match] = {}
    for n, lots in shrinks.items():
        if shrinks.get(n - 1) == lots and lines[n].side != lines[n - 1].side and n - 1 not in found:
            maker, taker = sorted((lines[n - 1], lines[n]), key=lambda line: line.order)
            found[n] = Match(maker, taker, lots)
    return found


class Feed:
    """The feed with trades, in the making."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.rested: list[Rested] = []
        self.counted: Counter[str] = Counter()
        self.totals: dict[str, dict[int, int]] = {"bid": {}, "ask": {}}
        self.shown: dict[int, Rested] = {}
        self.left: dict[int, int] = {}

    def crosses(self, side: str, price: int) -> bool:
        if side == "bid":
            return price >= min(self.totals["ask"], default=10**9)
        return price <= max(self.totals["bid"], default=0)

    def enter(self, ns: int, line: Line) -> None:
        """An order rests from now on; one that would cross took what was there before the recording, and stays out."""
        if self.crosses(line.side, line.price):
            self.counted["crossed"] += 1
            return
        ahead = self.totals[line.side].get(line.price, 0)
        order = Rested(line.side, line.price, line.lots, ns, ahead)
        self.shown[line.order] = order
        self.left[line.order] = line.lots
        self.rested.append(order)
        self.move(ns, line.order, line.lots, "entered")

    def shrink(self, ns: int, who: int, left: int, *trade: Row) -> None:
        by, self.left[who] = self.left[who] - left, left
        self.move(ns, who, -by, "changed" if left else "gone", *trade)
        if not left:
            self.shown.pop(who).gone_ns = ns

    def trade(self, ns: int, match: Match) -> None:
        """The resting order of two is filled."""
        order = self.shown[match.maker.order]
        order.fills.append(Fill(ns, match.lots))
        self.counted["fills"] += 1
        aggressor = "sell" if order.side == "bid" else "buy"
        self.shrink(ns, match.maker.order, match.maker.lots, (aggressor, order.price, match.lots))

    def move(self, ns: int, who: int, by: int, what: str, *before: Row) -> None:
        order = self.shown[who]
        level = self.totals[order.side]
        total = level.pop(order.price, 0) + by
        if total:
            level[order.price] = total
        self.messages.append(Message(ns, ns, (*before, (order.side, order.price, total, who, what))))


def with_trades(lines: list[Line]) -> Feed:
    """The feed with trades, the orders that rested in it, and what was counted on the way."""
    shrinks = reductions(lines)
    pairs = matches(lines, shrinks)
    last_taking = {match.taker.order: n for n, match in pairs.items()}
    feed = Feed()
    for n, line in enumerate(lines):
        if not BAND[0] <= line.price <= BAND[1]:
            feed.counted["out of the band"] += 1
        elif n in pairs:
            match = pairs[n]
            if match.maker.order in feed.shown:
                feed.trade(line.ns, match)
            if last_taking[match.taker.order] == n and match.taker.lots:
                feed.enter(line.ns + AFTER_NS, match.taker)
        elif n + 1 in pairs:
            continue
        elif line.action == "created":
            if line.order not in last_taking:
                feed.enter(line.ns, line)
        elif line.order in feed.shown:
            if n in shrinks:
                feed.shown[line.order].shrank_alone = True
                feed.counted["shrank alone"] += 1
            feed.shrink(line.ns, line.order, 0 if line.action == "deleted" else line.lots)
    return feed
