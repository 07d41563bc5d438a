"""The desks that trade on one account of a venue: whose an order is, and what each holds of what the account holds."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from quintet.core.state import World
from quintet.ports.venue_account import Execution


class Others(NamedTuple):
    """What of an account is not this desk's.

    `quanta` by asset number and `lots` by instrument: of the other desks, and what nobody of them claims. `serial`: one
    more with everything that they book. `asleep`: other desks that are not alive, so that their books may be behind.
    `is_eldest`: no desk that is alive was there before this one. `cost`: quanta that the others have paid for their
    positions in this desk's contract, None where no other desk trades it: of positions that the venue nets, profit that
    one desk has realised is still open at the venue, but money less cost is the same.
    """

    quanta: Mapping[int, int]
    lots: Mapping[int, int]
    serial: int = 0
    asleep: tuple[str, ...] = ()
    is_eldest: bool = True
    cost: int | None = None


class AccountBooks(Protocol):
    """The books of one account; `app.shared_account.SharedAccount` has several desks in them."""

    def is_anothers(self, client_id: str) -> bool:
        """Did another desk of this account give this order its name? An order without a name is nobody's."""

    def others(self) -> Others:
        """What the other desks hold now."""

    def publish(self, world: World) -> None:
        """What this desk holds now, for the others. Cheap where nothing has changed."""

    def own_part(self, execution: Execution) -> Execution | None:
        """What of an execution that no desk has caused is this desk's; None: nothing of it."""

    def action(self, now_ns: int) -> int:
        """What the limits of the account ask of this desk now: an operator's action, 0 for nothing new."""


class OwnAccount:
    """An account with one desk; `untouched`: asset number to quanta that it left alone when it was begun."""

    def __init__(self, untouched: Mapping[int, int]) -> None:
        self._untouched = untouched

    def is_anothers(self, client_id: str) -> bool:
        """There is no other desk."""
        return False

    def others(self) -> Others:
        """What was there before the desk."""
        return Others(self._untouched, {})

    def publish(self, world: World) -> None:
        """Nobody asks."""

    def own_part(self, execution: Execution) -> Execution | None:
        """All of it."""
        return execution

    def action(self, now_ns: int) -> int:
        """The desk's own limits are the account's."""
        return 0
