"""A venue's stream while it is live, and what a connection needs to know of the venue behind it."""

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple, Protocol

from quintet.core.errors import QuintetError
from quintet.core.market.tick_feed import Frame


class Interruption(NamedTuple):
    """The connection was lost: what the venue said from here on until the next frame is missing."""

    recv_ns: int
    why: str


Heard = Frame | Interruption


class LiveFeed(Protocol):
    """A feed that comes back by itself; `venues.connection.Connection` is one."""

    @property
    def begins_with_books(self) -> bool:
        """True when a new connection brings a snapshot of every book without being asked."""

    def heard(self) -> AsyncGenerator[Heard, None]:
        """Frames with the time they were received, for ever; raises InputError when there is no use in going on."""

    async def ask_for_books(self, symbols: Sequence[str]) -> None:
        """Ask the venue for a snapshot of each of these books; it comes like any other frame."""


class Answer(NamedTuple):
    """What a venue says to a request of ours. `request`: the name we gave it, empty when it is not repeated."""

    request: str
    accepted: bool
    text: str


class NotNow(QuintetError):
    """What a stream is to be asked for cannot be said yet; says why. The connection is tried again later."""


class Stream(Protocol):
    """What one venue's stream is asked for, and in which words: public, private or for orders. Knows no socket."""

    @property
    def url(self) -> str:
        """Where to connect."""

    @property
    def ping(self) -> str:
        """What to send now and then, so that the venue keeps the line and answers."""

    def subscriptions(self) -> dict[str, str]:
        """What to send on a new connection, in this order, each under the name that its answer repeats.

        A login is one of them. Raises NotNow.
        """

    def answer(self, body: bytes) -> Answer | None:
        """The answer to a request; None for any other frame."""

    def renewals(self, symbols: Sequence[str]) -> Sequence[str]:
        """What to send so that the stream brings these books anew; empty where `snapshot_url` is asked instead."""

    def snapshot_url(self, symbol: str) -> str:
        """Where a book is asked for beside the stream; empty where the stream brings it."""
