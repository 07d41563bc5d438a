"""A price-time book: at each price a queue of resting quantities, ours of an order or the market's of nobody.

Ghost quantity is liquidity that a market flow puts there. Orders queue behind what was there before them; when ghost
quantity shrinks without a trade the back of the queue leaves first, so nobody is moved ahead by a guess.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

from quintet.sandbox.instruments import BUY, SELL

GHOST = ""


class Resting:
    """A place in a queue: the order it belongs to (GHOST for the market's) and the lots that are left of it."""

    __slots__ = ("lots", "order_id")

    def __init__(self, order_id: str, lots: int) -> None:
        self.order_id = order_id
        self.lots = lots


class Side:
    """One side of a book, best price first."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self._keys: list[int] = []  # -price for bids, price for asks: the best is the smallest
        self.levels: dict[int, list[Resting]] = {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def best(self) -> int:
        """The best price; 0 when the side is empty."""
        return -self.sign * self._keys[0] if self._keys else 0

    def prices(self) -> Iterator[int]:
        """Prices, best first; the side may be changed while it is walked."""
        return iter([-self.sign * key for key in self._keys])

    def queue(self, price: int) -> list[Resting]:
        """The queue at a price, made when it is new."""
        found = self.levels.get(price)
        if found is None:
            found = self.levels[price] = []
            insort(self._keys, -self.sign * price)
        return found

    def drop_empty(self, price: int) -> None:
        """Forget a price at which nothing rests."""
        if not self.levels.get(price, True):
            del self.levels[price]
            del self._keys[bisect_left(self._keys, -self.sign * price)]

    def lots_at(self, price: int) -> int:
        """All lots resting at a price."""
        return sum(resting.lots for resting in self.levels.get(price, ()))


class Book:
    """Both sides of one instrument."""

    def __init__(self) -> None:
        self.bids = Side(BUY)
        self.asks = Side(SELL)

    def side(self, sign: int) -> Side:
        """The side on which orders of that sign rest."""
        return self.bids if sign == BUY else self.asks

    @property
    def mid(self) -> int:
        """Half way between the best prices; the one side's best when the other is empty, 0 when both are."""
        bid, ask = self.bids.best, self.asks.best
        return (bid + ask) // 2 if bid and ask else bid or ask

    def rest(self, sign: int, price: int, order_id: str, lots: int) -> None:
        """Join the back of the queue."""
        self.side(sign).queue(price).append(Resting(order_id, lots))

    def leave(self, sign: int, price: int, order_id: str) -> None:
        """Take an order out of its queue."""
        side = self.side(sign)
        queue = side.queue(price)
        queue[:] = [resting for resting in queue if resting.order_id != order_id]
        side.drop_empty(price)

    def shrink(self, sign: int, price: int, order_id: str, lots: int) -> None:
        """Lower the lots of a resting order in its place."""
        for resting in self.side(sign).queue(price):
            if resting.order_id == order_id:
                resting.lots = lots

    def set_ghost(self, sign: int, price: int, lots: int) -> None:
        """The market's quantity at a price becomes `lots`: growth joins the back, shrinkage leaves from the back."""
        side = self.side(sign)
        queue = side.queue(price)
        change = lots - sum(resting.lots for resting in queue if resting.order_id == GHOST)
        if change > 0:
            if queue and queue[-1].order_id == GHOST:
                queue[-1].lots += change
            else:
                queue.append(Resting(GHOST, change))
        for resting in reversed(queue if change < 0 else []):
            if resting.order_id == GHOST and change < 0:
                taken = min(resting.lots, -change)
                resting.lots -= taken
                change += taken
        queue[:] = [resting for resting in queue if resting.lots]
        side.drop_empty(price)

    def matchable(self, sign: int, limit: int) -> int:
        """Lots a taker of that sign could trade at `limit` or better."""
        total = 0
        opposite = self.side(-sign)
        for price in opposite.prices():
            if sign * (price - limit) > 0:
                break
            total += opposite.lots_at(price)
        return total

    def crosses(self, sign: int, limit: int) -> bool:
        """Would an order of that sign at `limit` trade at once?"""
        best = self.side(-sign).best
        return best != 0 and sign * (best - limit) <= 0

    def depth(self, sign: int, levels: int) -> list[tuple[int, int]]:
        """(price, lots), best first."""
        side = self.side(sign)
        found: list[tuple[int, int]] = []
        for price in side.prices():
            if len(found) == levels:
                break
            found.append((price, side.lots_at(price)))
        return found

    def image(self) -> list[tuple[int, int, list[tuple[str, int]]]]:
        """Everything in it as (sign, price, queue), for a snapshot."""
        return [
            (side.sign, price, [(resting.order_id, resting.lots) for resting in side.levels[price]])
            for side in (self.bids, self.asks)
            for price in side.prices()
        ]

    @classmethod
    def of(cls, image: list[tuple[int, int, list[tuple[str, int]]]]) -> "Book":
        """The book of an image."""
        book = cls()
        for sign, price, queue in image:
            for order_id, lots in queue:
                book.rest(sign, price, order_id, lots)
        return book
