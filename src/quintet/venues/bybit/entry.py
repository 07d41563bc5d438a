"""One request on its way to the venue, and what is known of it afterwards. Two doors open to it: REST and a socket."""

from typing import Any, Final, NamedTuple, Protocol

from quintet.core.orders.lifecycle import NO_REASON
from quintet.venues.bybit.account_wire import Acknowledged
from quintet.venues.bybit.encode import Action, Request
from quintet.venues.bybit.errors import Verdict, verdict
from quintet.venues.bybit.shapes import shaped
from quintet.venues.pacing import Cost

RECV_WINDOW_MS: Final = 5_000
"""A request that is older than this when it arrives is not taken by the venue."""


class Told(NamedTuple):
    """What came of a request. `expires_ns`: the venue's time from which it can no longer be taken."""

    verdict: Verdict
    expires_ns: int
    venue_id: str = ""


class Spoken(NamedTuple):
    """What the venue says of a limit beside its answer; -1: nothing. `reset_ms`: its time when the limit opens."""

    units: int = -1
    left: int = -1
    reset_ms: int = -1


class Door(Protocol):
    """A way to the venue for requests that change something."""

    @property
    def ready(self) -> bool:
        """May something be sent now?"""

    def takes(self, action: Action) -> bool:
        """Does the venue take such requests here?"""

    def costs(self, request: Request) -> list[Cost]:
        """What it spends on its way through this door."""

    async def tell(self, request: Request) -> Told:
        """Send it, wait for the answer; a missing answer is *unknown*. Raises ClockUnsure before anything is sent."""


def nothing_left(why: str) -> Verdict:
    """The request has not left us."""
    return Verdict("again", NO_REASON, why)


def no_answer(why: str) -> Verdict:
    """The request left and nobody answered: it may have landed."""
    return Verdict("unknown", NO_REASON, why)


def answered(code: int, words: str, data: Any, expires_ns: int) -> Told:
    """An answer of either door; raises DataError for one that is not what it claims to be."""
    said = verdict(code, words)
    venue_id = shaped(data, Acknowledged, "acknowledgement").order_id if code == 0 else ""
    return Told(said, expires_ns, venue_id)


def spoken(header: dict[str, str]) -> Spoken:
    """The limits in headers whose names are in small letters."""

    def number(name: str) -> int:
        text = header.get(f"x-bapi-limit{name}", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1

    return Spoken(number(""), number("-status"), number("-reset-timestamp"))
