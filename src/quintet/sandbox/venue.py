"""The exchange's memory with its books, and the few things every rule needs: find, number, tell."""

import copy
from hashlib import blake2b

from quintet.sandbox.book import Book
from quintet.sandbox.happenings import (
    BookChanged,
    Happening,
    OrderChanged,
    PositionChanged,
    WalletChanged,
)
from quintet.sandbox.order_index import OrderIndex
from quintet.sandbox.orders import Order
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Account, Market, Position, State, key_of


class Venue:
    """State, books and the outbox, and what a command leaves to be looked at before it is done.

    `touched`: instruments whose prices moved; `exposed`: accounts whose margin may have changed; `moved`: positions
    that did; `filled`: orders that traded and bring stops with them. `waiting` are the orders that wait for a trigger,
    `index` what the open orders come to.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.books = {key: Book.of(state.books.get(key, [])) for key in state.markets}
        self.outbox: list[Happening] = []
        self.touched: dict[str, None] = {}
        self.exposed: dict[int, None] = {}
        self.moved: dict[tuple[int, str, int], None] = {}
        self.filled: dict[str, None] = {}
        self.waiting: dict[str, dict[str, None]] = {}
        self.index = OrderIndex(lambda key, price, lots: state.markets[key].instrument.value(price, lots))
        for order in state.orders.values():
            self.index.note(order)
            if order.is_waiting:
                self.waiting.setdefault(order.key, {})[order.order_id] = None

    @property
    def now_ms(self) -> int:
        """The exchange's time, which only commands move."""
        return self.state.now_ms

    def number(self) -> int:
        """The next number of its own; the same history gives the same numbers."""
        self.state.ids += 1
        return self.state.ids

    def new_id(self, spot: bool = False) -> str:
        """An order or execution id: decimal on spot, UUID-shaped elsewhere. Computed, so a replay gives it again."""
        number = self.number()
        if spot:
            return str(1_800_000_000_000_000_000 + number * 256)
        digits = blake2b(number.to_bytes(8, "little"), digest_size=16).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"  # RFC 9562: one's own

    def next_seq(self) -> int:
        """The next cross sequence."""
        self.state.seq += 1
        return self.state.seq

    def account(self, uid: int) -> Account:
        """An account that exists, or the venue's refusal."""
        found = self.state.accounts.get(uid)
        if found is None:
            raise Refused(10001, f"account {uid} does not exist")
        return found

    def market(self, category: str, symbol: str) -> Market:
        """A listed instrument, or the venue's refusal."""
        found = self.state.markets.get(key_of(category, symbol))
        if found is None:
            if category == "spot":
                raise Refused(170121, "Invalid symbol.")
            raise Refused(10001, f"Not supported symbols: {symbol}")
        return found

    def position(self, uid: int, key: str, index: int) -> Position:
        """A position, made flat when it is new."""
        held = self.account(uid).positions.setdefault(key, {})
        if index not in held:
            held[index] = Position(
                uid=uid, key=key, index=index, created_ms=self.now_ms, updated_ms=self.now_ms, seq=self.state.seq
            )
        return held[index]

    def seen_position(self, uid: int, key: str, index: int) -> Position:
        """A position to be shown: where there is none a flat one, which is not kept."""
        account = self.account(uid)
        flat = Position(uid=uid, key=key, index=index, created_ms=account.created_ms, updated_ms=account.created_ms)
        return account.positions.get(key, {}).get(index) or flat

    def tell(self, happening: Happening) -> None:
        """Put a fact into the outbox."""
        self.outbox.append(happening)

    def tell_order(self, order: Order) -> None:
        """The order changed: its owner hears of it, and of the position it belongs to."""
        order.updated_ms = self.now_ms
        self.index.note(order)
        seen = copy.copy(order)
        seen.fees = dict(order.fees)
        self.tell(OrderChanged(seen))
        if order.key.startswith("linear"):
            self.tell(PositionChanged(order.uid, order.key, order.position_index))

    def tell_wallet(self, uid: int) -> None:
        """A balance changed, so what its margin must carry is looked at again."""
        self.exposed[uid] = None
        self.tell(WalletChanged(uid))

    def tell_book(self, key: str) -> None:
        """A level changed."""
        self.next_seq()
        self.tell(BookChanged(key))

    # ---- orders ----

    def add_order(self, order: Order) -> None:
        """Remember an order among the open ones."""
        self.state.orders[order.order_id] = order
        self.index.note(order)
        self.account(order.uid).open_orders.setdefault(order.key, {})[order.order_id] = None
        if order.is_waiting:
            self.waiting.setdefault(order.key, {})[order.order_id] = None

    def open_orders(self, uid: int, key: str) -> list[Order]:
        """Open orders of an account on an instrument, oldest first."""
        return [self.state.orders[found] for found in self.account(uid).open_orders.get(key, {})]

    def lock(self, order: Order, amount: int) -> None:
        """Reserve `amount` quanta of what a spot order pays with; what it had reserved before is free again."""
        instrument = self.state.markets[order.key].instrument
        coin = instrument.quote if order.sign > 0 else instrument.base
        locked = self.account(order.uid).locked
        locked[coin] = locked.get(coin, 0) + amount - order.locked
        order.locked = amount
        if not locked[coin]:
            del locked[coin]

    def close_order(
        self, order: Order, status: str, reason: str = "EC_NoError", cancel_type: str = "UNKNOWN", tell: bool = True
    ) -> None:
        """End an order: out of its queue, its reserve free, told."""
        if order.is_resting:
            order.is_resting = False
            self.books[order.key].leave(order.sign, order.price, order.order_id)
            self.tell_book(order.key)
        self.waiting.get(order.key, {}).pop(order.order_id, None)
        order.status = status  # type: ignore[assignment]  # the callers' literals
        order.reject_reason = reason
        order.cancel_type = cancel_type
        self.index.note(order)
        if order.locked:
            self.lock(order, 0)
            self.tell_wallet(order.uid)
        if order.filled and (order.stops.partial or order.key.startswith("spot") and not order.stops.is_empty):
            self.filled[order.order_id] = None
        account = self.account(order.uid)
        account.open_orders.get(order.key, {}).pop(order.order_id, None)
        account.closed_orders.setdefault(order.key.partition(":")[0], []).append(order.order_id)
        if tell:
            self.tell_order(order)

    def cancel_order(
        self, order: Order, cancel_type: str = "CancelByUser", reason: str = "EC_PerCancelRequest"
    ) -> None:
        """End an order before it is filled, in the status that its product gives it."""
        self.close_order(order, cancelled_status(order), reason, cancel_type)


def cancelled_status(order: Order) -> str:
    """A cancelled order's status: Deactivated before its trigger; spot says when some of it had traded."""
    if order.is_waiting:
        return "Deactivated"
    if order.filled and order.key.startswith("spot"):
        return "PartiallyFilledCanceled"
    return "Cancelled"
