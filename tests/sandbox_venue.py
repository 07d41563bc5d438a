"""Builders for the sandbox exchange: a clock that goes one second per command, accounts, a book, and its laws."""

from typing import Any

from quintet.sandbox.commands import Cancel, Ghosts, GhostTrade, OpenAccount, Pass, Place, Placed, SetPrices
from quintet.sandbox.exchange import Answer, Exchange
from quintet.sandbox.happenings import Executed, OrderChanged
from quintet.sandbox.ledger import totals
from quintet.sandbox.money import quanta
from quintet.sandbox.orders import Order
from quintet.sandbox.refusal import Refusal
from quintet.sandbox.state import CLEARING, Position, key_of
from quintet.sandbox.trading import reserve
from quintet.sandbox.venue import Venue

START_MS = 1_750_000_000_000
ALICE, BOB = 100, 200


class Desk:
    """An exchange with two funded accounts, addressed in text; every command is followed by the laws."""

    def __init__(self, step_ms: int = 10, **coins: str) -> None:
        self.exchange = Exchange()
        self.now_ms, self.step_ms = START_MS, step_ms
        funds = coins or {"USDT": "100000", "BTC": "2"}
        for uid, name in ((ALICE, "alice"), (BOB, "bob")):
            self.do(OpenAccount(uid=uid, name=name, coins=funds))

    def do(self, command: Any) -> Answer:
        self.now_ms += self.step_ms
        answer = self.exchange.do(self.now_ms, command)
        check_laws(self.exchange)
        return answer

    def wait(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)
        self.exchange.do(self.now_ms, Pass())
        check_laws(self.exchange)

    def place(self, side: str, quantity: str, price: str = "", uid: int = ALICE, **more: Any) -> Order:
        answer = self.try_place(side, quantity, price, uid, **more)
        assert isinstance(answer, Placed), answer
        return self.exchange.state.orders[answer.order_id]

    def try_place(self, side: str, quantity: str, price: str = "", uid: int = ALICE, **more: Any) -> Answer:
        request = {"category": "linear", "symbol": "BTCUSDT", "order_type": "Limit" if price else "Market"} | more
        return self.do(Place(uid=uid, side=side, quantity=quantity, price=price, **request))

    def refusal(self, side: str, quantity: str, price: str = "", uid: int = ALICE, **more: Any) -> int:
        answer = self.try_place(side, quantity, price, uid, **more)
        assert isinstance(answer, Refusal), answer
        return answer.code

    def cancel(self, order: Order) -> Answer:
        category, _, symbol = order.key.partition(":")
        return self.do(Cancel(uid=order.uid, category=category, symbol=symbol, order_id=order.order_id))

    def ghosts(
        self, bids: dict[str, int], asks: dict[str, int], category: str = "linear", snapshot: bool = True
    ) -> None:
        levels = [(1, quanta(price), lots) for price, lots in bids.items()]
        levels += [(-1, quanta(price), lots) for price, lots in asks.items()]
        self.do(Ghosts(category=category, symbol="BTCUSDT", levels=levels, snapshot=snapshot))

    def ghost_trade(self, sign: int, price: str, lots: int, category: str = "linear") -> None:
        self.do(GhostTrade(category=category, symbol="BTCUSDT", sign=sign, price=quanta(price), lots=lots))

    def mark(self, price: str) -> None:
        self.do(SetPrices(symbol="BTCUSDT", index=quanta(price), mark=quanta(price)))

    def coins(self, uid: int = ALICE, coin: str = "USDT") -> int:
        return self.exchange.state.accounts[uid].coins.get(coin, 0)

    def position(self, uid: int = ALICE, index: int = 0, symbol: str = "BTCUSDT") -> Position:
        return self.exchange.venue.position(uid, key_of("linear", symbol), index)

    def fills(self) -> list[tuple[int, int, int, int]]:
        """(uid, sign, price, lots) of every execution since the last call."""
        return [
            (found.execution.uid, found.execution.sign, found.execution.price, found.execution.lots)
            for found in self.exchange.drain()
            if isinstance(found, Executed)
        ]

    def stations(self, order: Order) -> list[str]:
        """The statuses an order was told in since the last call."""
        return [
            found.order.status
            for found in self.exchange.drain()
            if isinstance(found, OrderChanged) and found.order.order_id == order.order_id
        ]


def check_laws(exchange: Exchange) -> None:
    """What is true after every command: coins conserved, books uncrossed and equal to the orders, reserves exact."""
    state = exchange.state
    assert not any(totals(state).values()), totals(state)
    positions = [
        held for account in state.accounts.values() for by in account.positions.values() for held in by.values()
    ]
    for key in {held.key for held in positions}:
        assert sum(held.lots for held in positions if held.key == key) == 0
    assert state.accounts[CLEARING].coins.get("USDT", 0) == -sum(held.cost for held in positions)
    for held in positions:
        assert held.lots or not held.cost, held
    for key, book in exchange.venue.books.items():
        bid, ask = book.bids.best, book.asks.best
        assert not (bid and ask and bid >= ask), (key, bid, ask)
        resting = {found.order_id: found.lots for side in (book.bids, book.asks) for queue in side.levels.values()
                   for found in queue if found.order_id}  # fmt: skip
        assert all(lots > 0 for lots in resting.values())
        open_here = {
            order.order_id: order.left for order in state.orders.values() if order.key == key and order.is_resting
        }
        assert resting == open_here
    for account in state.accounts.values():
        open_ids = {found for ids in account.open_orders.values() for found in ids}
        assert open_ids == {
            order.order_id for order in state.orders.values() if order.uid == account.uid and order.is_open
        }
        locked: dict[str, int] = {}
        for found in open_ids:
            order = state.orders[found]
            market = state.markets[order.key]
            if order.locked:
                coin = market.instrument.quote if order.sign > 0 else market.instrument.base
                locked[coin] = locked.get(coin, 0) + order.locked
                assert order.locked == reserve(market, order)
        assert locked == account.locked
        if account.uid > CLEARING:
            for coin, amount in account.coins.items():
                assert amount >= 0 or any(held.lots for held in positions if held.uid == account.uid), (coin, amount)
                assert coin == "USDT" or amount >= account.locked.get(coin, 0)
    kept, counted = exchange.venue.index, Venue(state).index
    for account in state.accounts.values():
        for key in state.markets:
            assert kept.demand(account.uid, key) == counted.demand(account.uid, key)
            assert kept.has_reducing(account.uid, key) == counted.has_reducing(account.uid, key)
            assert kept.has_stops(account.uid, key) == counted.has_stops(account.uid, key)
    for order in state.orders.values():
        assert 0 <= order.filled <= order.lots or not order.lots
        executed = [found for found in state.accounts[order.uid].executions if found.order_id == order.order_id]
        assert order.filled == sum(found.lots for found in executed)
        assert order.value == sum(found.value for found in executed)
