"""What an engine says: the orders that shall be working from now on, money to be moved, and what is written down."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

MAKER: Final = "maker"
"""Rests on the book and never takes."""
MARKET: Final = "market"
"""Takes at once, not beyond half a percent."""
STOP: Final = "stop"
"""Waits at the venue and closes at market when the price has come to it."""

SLIPPAGE_MAX_E9: Final = 5_000_000


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order: `side` +1 or -1, `price` in increments (0 at market), `rule`: why."""

    instrument: str
    side: int
    lots: int
    style: str
    rule: str
    price: int = 0
    reduce_only: bool = False


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Move an amount of an asset to another sub-account: quanta of the quote asset, or lots of a coin."""

    to: str
    asset: str
    amount: int
    rule: str


class Stake(msgspec.Struct, frozen=True, kw_only=True):
    """Bring lots to the venue's Earn product, or (below zero) call them back."""

    asset: str
    lots: int
    rule: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, by which rule, with its numbers. `alert`: a person is told."""

    kind: str
    values: Mapping[str, Any] = {}
    alert: bool = False


State = TypeVar("State")


class Decision(msgspec.Struct, Generic[State], frozen=True, kw_only=True):
    """The engine as it is from now on, and what it says. `orders` None: the same orders as before."""

    state: State
    orders: tuple[Order, ...] | None = ()
    transfers: tuple[Transfer, ...] = ()
    stakes: tuple[Stake, ...] = ()
    notes: tuple[Note, ...] = ()
