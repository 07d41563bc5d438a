"""A desk's tape as the sandbox's own matching engine and faults would have it, in a time that passes at once.

The decisions are a script. What the exchange does with them, what it prints and what it shows is its own; what is
lost, late or refused on the way is drawn by `sandbox.faults` as on a real line. No socket, no clock: the same tape
every time.
"""

import heapq
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np

from quintet.core import events as ev
from quintet.core.instrument import Instrument
from quintet.core.orders import lifecycle
from quintet.core.row_laws import frozen
from quintet.core.tape import instrument_rows, message_with_text
from quintet.ports.order_entry import HELD_BACK_FACT
from quintet.sandbox.book import Side
from quintet.sandbox.commands import Cancel, Ghosts, GhostTrade, OpenAccount, Place
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.faults import Fault, Faults, Scenario
from quintet.sandbox.happenings import BookChanged, Executed, OrderChanged, Printed
from quintet.sandbox.refusal import Refusal

LINEAR = Instrument(
    symbol="BTCUSDT", venue="bybit", kind="linear", base_asset="BTC", quote_asset="USDT",
    price_increment=Decimal("0.1"), tick_size=Decimal("0.1"), lot_size=Decimal("0.001"),
    maker_fee_e9=200_000, taker_fee_e9=550_000,
)  # fmt: skip
MS = 1_000_000
START_MS = 1_750_000_000_000
KEY, UID = "linear:BTCUSDT", 100
NAMES = {"category": "linear", "symbol": "BTCUSDT"}
TICK_QUANTA = 10**7
"""Quanta of the exchange in one price increment."""

ENTRY_MS, RESPONSE_MS, FEED_MS, BOOK_EVERY_MS = 20, 10, 5, 20
REQUEST, TRADES, BOOK = "/v5/order/create", "publicTrade.BTCUSDT", "orderbook.200.BTCUSDT"
RECONNECT_MS, LOST_MS = 2_000, 7_000


class SandboxDesk:
    """Times are ms after the start, prices increments of 0.1, sizes lots of 0.001."""

    def __init__(self, *faults: Fault, coins: str = "100000") -> None:
        self.exchange = Exchange()
        self.faults = Faults()
        self.faults.load(Scenario(fault=list(faults)), 0.0)
        self._rows: list[tuple[int, int, Any]] = []
        self._numbers, self._order = count(1), count(1)
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._shown: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._looks = False
        self._deaf_until = 0
        self._links: dict[int, str] = {}
        self.now = 0
        self._do(OpenAccount(uid=UID, name="desk", coins={"USDT": coins}))
        self._put(0, np.asarray(instrument_rows(0, LINEAR, START_MS * MS, START_MS * MS)))

    # ---- the script ----

    def levels(self, at: int, bids: dict[int, int], asks: dict[int, int]) -> None:
        """What others show at these prices from then on."""
        changes = [(1, price * TICK_QUANTA, lots) for price, lots in bids.items()]
        changes += [(-1, price * TICK_QUANTA, lots) for price, lots in asks.items()]
        self._at(at, lambda: self._do(Ghosts(levels=changes, **NAMES)))

    def trade(self, at: int, sign: int, price: int, lots: int) -> None:
        """Somebody takes: +1 buys."""
        self._at(at, lambda: self._do(GhostTrade(sign=sign, price=price * TICK_QUANTA, lots=lots, **NAMES)))

    def place(self, at: int, side: int, price: int, lots: int, style: int = lifecycle.POST_ONLY) -> int:
        """The desk decides; its order's number."""
        number = next(self._numbers) * 256
        self._at(at, lambda: self._send(number, side, price, lots, style))
        return number

    def cancel(self, at: int, number: int) -> None:
        """The desk takes an order back."""

        def send() -> None:
            self._command(ev.CANCEL, number, 0, 0, 0)
            self._at(self.now + ENTRY_MS, lambda: self._do(Cancel(uid=UID, link_id=str(number), **NAMES)))

        self._at(at, send)

    def rows(self, until: int) -> Any:
        """Let it all happen; the events of the desk's tape."""
        while self._due and self._due[0][0] <= until:
            self.now, _, work = heapq.heappop(self._due)
            self.faults.now_s = self.now / 1_000
            work()
        ordered = [rows for _, _, rows in sorted(self._rows, key=lambda one: one[:2])]
        return frozen(np.concatenate(ordered))

    # ---- the way to the exchange ----

    def _send(self, number: int, side: int, price: int, lots: int, style: int) -> None:
        bits = style << 3 | (ev.SELL_BIT if side < 0 else 0)
        self._command(ev.PLACE, number, price, lots, bits)
        struck = {fault.kind: fault for fault in self.faults.on_request(REQUEST)}
        late = sum(fault.delay_ms for fault in struck.values())
        if "lose_request" in struck:
            self._status(ev.COMMAND_UNANSWERED, number, self.now + 5_000, self.now + 5_000)
            self._status(ev.COMMAND_LOST, number, self.now + LOST_MS, self.now + LOST_MS)
            return
        if "rate_limited" in struck:
            heard = (START_MS + self.now + late) * MS
            fact = (heard, heard, number, late * 1_000, 0, ev.FACT, 0)
            self._put(self.now + late, np.asarray(message_with_text(fact, HELD_BACK_FACT)))
        names = {lifecycle.POST_ONLY: "PostOnly", lifecycle.IOC: "IOC"}
        order = Place(
            uid=UID, side="Buy" if side > 0 else "Sell", order_type="Limit", quantity=f"{LINEAR.quantity(lots):f}",
            price=f"{LINEAR.price(price):f}", time_in_force=names.get(style, "GTC"), link_id=str(number), **NAMES,
        )  # fmt: skip
        self._at(self.now + ENTRY_MS + late, lambda: self._arrive(number, order))

    def _arrive(self, number: int, order: Place) -> None:
        if isinstance(self._do(order), Refusal):
            heard = self.now + RESPONSE_MS
            self._status(ev.ORDER_REJECTED, number, heard, heard)

    def _do(self, command: Any) -> Any:
        answer = self.exchange.do(START_MS + self.now, command)
        happened = self.exchange.drain()
        for news in happened:
            self._hear(news)
        self._print([news.trade for news in happened if isinstance(news, Printed) and news.key == KEY])
        return answer

    # ---- what comes of it ----

    def _hear(self, news: Any) -> None:
        if isinstance(news, OrderChanged) and news.order.uid == UID:
            kinds = {"New": ev.ORDER_ACCEPTED, "Cancelled": ev.ORDER_CANCELED}
            if news.order.status in kinds and not news.order.filled:
                self._status(kinds[news.order.status], int(news.order.link_id), self.now, self.now + RESPONSE_MS)
        elif isinstance(news, Executed) and news.execution.uid == UID:
            self._fill(news.execution)
        elif isinstance(news, BookChanged) and news.key == KEY and not self._looks:
            self._looks = True
            self._at(self.now + BOOK_EVERY_MS, self._show)

    def _fill(self, one: Any) -> None:
        happened, heard = (START_MS + self.now) * MS, (START_MS + self.now + RESPONSE_MS) * MS
        bits = (ev.MAKER if one.is_maker else 0) | (ev.SELL_BIT if one.sign < 0 else 0)
        rows = [
            (happened, heard, one.lots, one.price // TICK_QUANTA, 0, ev.FILL, bits),
            (happened, heard, int(one.link_id), 0, 0, ev.FILL_ORDER, 0),
            (happened, heard, one.fee, 0, 0, ev.FILL_FEE, 0),
            (happened, heard, next(self._order), 0, 0, ev.FILL_EXECUTION, ev.LAST),
        ]
        self._put(self.now + RESPONSE_MS, np.array(rows, ev.ROW))

    def _print(self, trades: list[Any]) -> None:
        """One frame with all that one command has traded, as the venue sends it."""
        if not trades or self._is_lost(TRADES):
            return
        kinds = {1: ev.TRADE_BUY, -1: ev.TRADE_SELL}
        parts = [(trade.lots, trade.price // TICK_QUANTA, kinds[trade.sign]) for trade in trades]
        self._market(parts, self.now + FEED_MS)

    def _show(self) -> None:
        """What has changed in the book since it was last shown."""
        self._looks = False
        book = self.exchange.venue.books[KEY]
        now = (_levels(book.bids), _levels(book.asks))
        changed = [
            (lots, price, kind)
            for kind, before, after in zip((ev.BID_LEVEL, ev.ASK_LEVEL), self._shown, now, strict=True)
            for price, lots in (dict.fromkeys(before, 0) | after).items()
            if before.get(price, 0) != lots
        ]
        if self._is_lost(BOOK):
            return
        self._shown = now
        if changed:
            self._market(changed, self.now + FEED_MS)

    def _is_lost(self, topic: str) -> bool:
        """Is a frame of the topic lost on the way? A line that is cut comes back a while later, with a book anew."""
        if self.now < self._deaf_until:
            return True
        struck = {fault.kind for fault in self.faults.on_frame(topic, "pu1")}
        if "disconnect" in struck:
            self._deaf_until = self.now + RECONNECT_MS
            self._market([(-1, 0, ev.FEED_GAP), (0, 0, ev.BOOK_CLEAR)], self.now + FEED_MS)
            self._shown = ({}, {})
            self._at(self._deaf_until, self._show)
        return bool(struck & {"disconnect", "drop"})

    # ---- rows ----

    def _command(self, kind: int, number: int, price: int, lots: int, bits: int) -> None:
        at = (START_MS + self.now) * MS
        rows = [(at, at, lots, price, 0, kind, bits), (at, at, number, 0, 0, ev.COMMAND_ORDER, ev.LAST)]
        self._put(self.now, np.array(rows, ev.ROW))

    def _status(self, kind: int, number: int, happened: int, heard: int) -> None:
        stamps = ((START_MS + happened) * MS, (START_MS + heard) * MS)
        self._put(heard, np.array([(*stamps, number, 0, 0, kind, ev.LAST)], ev.ROW))

    def _market(self, parts: list[tuple[int, int, int]], heard: int) -> None:
        stamps = ((START_MS + self.now) * MS, (START_MS + heard) * MS)
        rows = np.array([(*stamps, lots, price, 0, kind, 0) for lots, price, kind in parts], ev.ROW)
        rows["bits"][-1] = ev.LAST
        self._put(heard, rows)

    def _put(self, heard: int, rows: Any) -> None:
        self._rows.append((heard, len(self._rows), rows))

    def _at(self, when: int, work: Callable[[], Any]) -> None:
        heapq.heappush(self._due, (when, next(self._order), work))


def _levels(side: Side) -> dict[int, int]:
    return {price // TICK_QUANTA: side.lots_at(price) for price in side.prices()}


__all__ = ["LINEAR", "SandboxDesk"]
