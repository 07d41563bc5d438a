"""What the open orders of an account come to, kept up to date order by order: nothing here is more than a sum.

Every rule that looks at all open orders of an account would make the five-hundredth order as slow as five hundred.
"""

from collections.abc import Callable
from typing import NamedTuple

from quintet.sandbox.orders import POSITION_STOPS, Order


class Demand(NamedTuple):
    """Lots and value in quanta of open orders that may open a position."""

    lots: int
    value: int


class _Share(NamedTuple):
    """What one order adds: to the demand of (position index, sign), to reduce-only orders, to stops of positions."""

    place: tuple[int, str]
    side: tuple[int, int]
    lots: int
    value: int
    reduces: bool
    stops: bool


NOTHING = Demand(0, 0)


class OrderIndex:
    """Sums over open orders by account and instrument. `value_of` (key, price, lots) is the exchange's."""

    def __init__(self, value_of: Callable[[str, int, int], int]) -> None:
        self._value_of = value_of
        self._shares: dict[str, _Share] = {}
        self._demand: dict[tuple[int, str], dict[tuple[int, int], Demand]] = {}
        self._reducing: dict[tuple[int, str], int] = {}
        self._stops: dict[tuple[int, str], int] = {}

    def demand(self, uid: int, key: str) -> dict[tuple[int, int], Demand]:
        """(position index, sign) to what the orders of that side would open at most."""
        return self._demand.get((uid, key), {})

    def has_reducing(self, uid: int, key: str) -> bool:
        """Is a reduce-only order in the book or on its way to it?"""
        return bool(self._reducing.get((uid, key)))

    def has_stops(self, uid: int, key: str) -> bool:
        """Does a stop of a position wait?"""
        return bool(self._stops.get((uid, key)))

    def note(self, order: Order) -> None:
        """The order is as it is now; what it was before counts no more."""
        before = self._shares.pop(order.order_id, None)
        if before is not None:
            self._add(before, -1)
        if order.is_open:
            share = self._share(order)
            self._shares[order.order_id] = share
            self._add(share, 1)

    def _share(self, order: Order) -> _Share:
        opens = not (order.is_waiting or order.reduce_only or order.key.startswith("spot"))
        lots = order.left if opens else 0
        return _Share(
            (order.uid, order.key),
            (order.position_index, order.sign),
            lots,
            self._value_of(order.key, order.price, lots) if lots else 0,
            order.reduce_only and not order.is_waiting,
            order.is_waiting and order.stop_kind in POSITION_STOPS,
        )

    def _add(self, share: _Share, sign: int) -> None:
        place = share.place
        if share.lots:
            sides = self._demand.setdefault(place, {})
            old = sides.get(share.side, NOTHING)
            new = Demand(old.lots + sign * share.lots, old.value + sign * share.value)
            if new.lots:
                sides[share.side] = new
            else:
                del sides[share.side]
        if share.reduces:
            self._reducing[place] = self._reducing.get(place, 0) + sign
        if share.stops:
            self._stops[place] = self._stops.get(place, 0) + sign
