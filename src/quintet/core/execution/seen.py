"""What an algorithm is shown: one instrument's market at one moment, and our orders that are not over."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import MARKET


class Order(NamedTuple):
    """An order of ours that is not over; price in increments (0 at market), of a stop its trigger.

    `lots`: what of it may still fill. `wanted`: what was asked for it, before the gate shrank it, less what is filled.
    While it is amended, price and `wanted` are what it shall be, and `lots` the larger of the two. `is_open`: the venue
    has acknowledged it as it is, and nothing is under way. `is_ending`: its cancel is under way.
    """

    side: int
    lots: int
    price: int
    style: int
    tag: int
    reduce_only: bool
    instrument: int
    wanted: int
    is_open: bool
    is_ending: bool

    def kept(self) -> Want:
        """The want that leaves it alone."""
        price = 0 if self.style == MARKET else self.price
        return Want(self.side, self.wanted, price, self.style, self.tag, self.reduce_only, self.instrument)


class Depth(Protocol):
    """One price of a side of the book, and what rests there."""

    @property
    def price(self) -> int:
        """Price increments."""

    @property
    def lots(self) -> int:
        """What all together offer there."""


class Seen(Protocol):
    """The market of one instrument as we know it, and all our live orders; a `View` of `systems.own` is one.

    Prices are whole price increments, 0 where unknown; quantities whole lots.
    """

    @property
    def now_ns(self) -> int:
        """Our clock, ns UTC."""

    @property
    def bid(self) -> int:
        """The best bid, 0 without one; candles show none."""

    @property
    def ask(self) -> int:
        """The best ask, 0 without one."""

    @property
    def last(self) -> int:
        """The last trade's price or the last close."""

    @property
    def lots(self) -> int:
        """Our position; on spot what can be sold."""

    @property
    def tick(self) -> int:
        """Price increments from one price that an order may have to the next."""

    @property
    def amends(self) -> bool:
        """Does the venue change working orders?"""

    @property
    def is_spot(self) -> bool:
        """Is a purchase paid in full?"""

    @property
    def instrument(self) -> int:
        """Number of the instrument that all this is of."""

    @property
    def bids(self) -> Sequence[Depth]:
        """The best first; nothing where no levels are shown."""

    @property
    def asks(self) -> Sequence[Depth]:
        """The best first."""

    @property
    def orders(self) -> Sequence[Order]:
        """All orders of ours that are not over, of every instrument."""

    def of(self, instrument: int) -> Self:
        """The same moment, of another instrument of the run."""
