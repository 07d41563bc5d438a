"""What the exchange tells the world after a command: facts in the order in which they happened."""

import msgspec

from quintet.sandbox.orders import Order
from quintet.sandbox.state import Execution, Trade


class OrderChanged(msgspec.Struct, frozen=True, tag="order"):
    """The order as it was at that moment."""

    order: Order


class Executed(msgspec.Struct, frozen=True, tag="execution"):
    """A fill, a funding payment or a takeover of one account."""

    execution: Execution


class PositionChanged(msgspec.Struct, frozen=True, tag="position"):
    """Somebody's position on an instrument, or an order on it, changed."""

    uid: int
    key: str
    index: int


class WalletChanged(msgspec.Struct, frozen=True, tag="wallet"):
    """The balance of some coin of an account changed."""

    uid: int


class Printed(msgspec.Struct, frozen=True, tag="trade"):
    """A public trade."""

    key: str
    trade: Trade


class BookChanged(msgspec.Struct, frozen=True, tag="book"):
    """Some level of a book changed."""

    key: str


class PriceChanged(msgspec.Struct, frozen=True, tag="price"):
    """Mark, index, funding or another figure of the ticker changed."""

    key: str


class Liquidated(msgspec.Struct, frozen=True, tag="liquidation"):
    """A position was taken over; `sign` is the side of the position, `price` the bankruptcy price."""

    key: str
    sign: int
    lots: int
    price: int
    ms: int


Happening = (
    OrderChanged | Executed | PositionChanged | WalletChanged | Printed | BookChanged | PriceChanged | Liquidated
)
