"""Approved commands on their way out, and what becomes of each."""

from collections.abc import AsyncIterator
from typing import Final, NamedTuple, Protocol

from quintet.ports.gateway import EarlyGateway
from quintet.ports.venue_account import OrderReport


class Place(NamedTuple):
    """A new order. `side` 1 buys, -1 sells; `style` is of `core.orders.lifecycle`; `ticks` is a stop's trigger.

    `nets`: the venue's position is that of several desks, so it cannot judge what reduces this one's.
    """

    client_id: str
    instrument: int
    side: int
    style: int
    ticks: int
    lots: int
    reduce_only: bool = False
    nets: bool = False


class Amend(NamedTuple):
    """What an order shall be from now on; lots that are filled already included. `waits`: `ticks` is its trigger."""

    client_id: str
    instrument: int
    ticks: int
    lots: int
    waits: bool = False


class Cancel(NamedTuple):
    """Take one order back; `waits`: one that waits for its price, which some venues keep apart."""

    client_id: str
    instrument: int
    waits: bool = False


class CancelAll(NamedTuple):
    """Take back every order of an instrument, stops too."""

    instrument: int


OfOneOrder = Place | Amend | Cancel
Command = OfOneOrder | CancelAll


class Accepted(NamedTuple):
    """The venue has taken the command. What becomes of an order is told by its own stream."""

    command: Command
    venue_id: str = ""


class Refused(NamedTuple):
    """The venue has not taken it, and nothing has changed. `reason`: of `core.orders.lifecycle`.

    `needs_person`: somebody has to look, because no further attempt of ours would be taken either.
    """

    command: Command
    reason: int
    text: str
    needs_person: bool = False


class Unknown(NamedTuple):
    """Nobody knows whether it landed: it is asked about by its client id until somebody does. Never a failure."""

    command: Command
    why: str


class Found(NamedTuple):
    """What was asked about is known now: this is how its order stands."""

    command: OfOneOrder
    report: OrderReport


class Lost(NamedTuple):
    """Its order is proven absent: the venue did not know it twice, when it could no longer arrive."""

    command: OfOneOrder


class Suppressed(NamedTuple):
    """It was never sent."""

    command: Command
    why: str


class HeldBack(NamedTuple):
    """No outcome yet: it had to wait so long for the venue's limits, our own turn or the venue's refusal of it."""

    command: Command
    waited_ns: int


class Repeated(NamedTuple):
    """No outcome yet: it did not leave, or the venue turned it away, and the same is sent again after a pause."""

    command: Command
    pause_s: float
    why: str


HELD_BACK_FACT: Final = b"held back by the venue's limits"
"""How that stands on a desk tape: a fact of this name, the order's number in it, and the time in microseconds."""

Outcome = Accepted | Refused | Unknown | Found | Lost | Suppressed | HeldBack | Repeated


class OrderEntry(EarlyGateway, Protocol):
    """A gateway that tells what became of what it sent; `venues.bybit.order_gateway.OrderGateway` is one."""

    @property
    def busy(self) -> int:
        """Commands whose outcome is not told yet."""

    def ask_about(self, command: OfOneOrder) -> None:
        """Find out what became of a command of an earlier process, which may have been sent. Sends nothing."""

    def outcomes(self) -> AsyncIterator[Outcome]:
        """What became of each command, for ever; an unknown one is told as such first, and as what it was later."""

    async def close(self) -> None:
        """Stop asking and sending."""
