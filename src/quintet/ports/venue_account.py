"""What a venue says of our account, in exact integers: the same shapes for every venue.

`client_id` is empty for what no client named: a liquidation, an order that was given by hand.
"""

from collections.abc import AsyncGenerator
from typing import Literal, NamedTuple, Protocol

from quintet.ports.live_feed import Interruption

OrderState = Literal["open", "filled", "canceled", "expired", "rejected"]
"""`canceled`: we took it back. `expired`: the venue ended it for a reason of its own."""

ExecutionKind = Literal["trade", "funding", "liquidation", "deleveraging", "delivery", "other"]


class OrderReport(NamedTuple):
    """One order as the venue sees it. `ticks` is 0 for an order without a limit.

    `reason`: a number of `core.orders.lifecycle`, for what is over; `text`: the venue's own words for it.
    """

    instrument: int
    client_id: str
    venue_id: str
    state: OrderState
    side: int
    ticks: int
    trigger_ticks: int
    lots: int
    filled_lots: int
    reduce_only: bool
    created_ns: int
    updated_ns: int
    reason: int = 0
    text: str = ""


class Execution(NamedTuple):
    """One execution: a fact, booked once by `key`, which is made of the venue's `execution_id`.

    `fee` is in quanta of asset number `fee_asset`; of a funding payment it is what was paid (below 0: received).
    """

    instrument: int
    client_id: str
    venue_id: str
    execution_id: str
    key: int
    kind: ExecutionKind
    side: int
    ticks: int
    lots: int
    maker: bool
    fee: int
    fee_asset: int
    ts_event: int


class PositionReport(NamedTuple):
    """One position. `lots` is below 0 for a short one; `cost` is what was paid for it, quanta, signed like lots.

    The venue averages entries beyond any grid, so `cost` is the nearest quantum, and `liquidation_ticks` the nearest
    tick (0: none). `leg`: 0 one-way, 1 and 2 the two sides of a hedged position.
    """

    instrument: int
    leg: int
    lots: int
    cost: int
    liquidation_ticks: int
    updated_ns: int


class Balance(NamedTuple):
    """What the account holds of one asset, in whole quanta at or below it: less than a quantum cannot be booked."""

    asset: int
    quanta: int
    locked: int
    borrowed: int
    ts_event: int


class Unlisted(NamedTuple):
    """Something of the account that this desk does not trade: no fact of its books, and a person's to explain."""

    topic: str
    name: str


class KeyRights(NamedTuple):
    """What a key may do. `granted` and `withdrawing`: permissions by the venue's names, the second a part of the first.

    `addresses`: where it may be used from, none or "*" for everywhere; `expires_utc`: the venue's text, empty: never.
    """

    granted: tuple[str, ...]
    withdrawing: tuple[str, ...]
    read_only: bool
    addresses: tuple[str, ...]
    expires_utc: str


Report = OrderReport | Execution | PositionReport | Balance | Unlisted


class Page(NamedTuple):
    """One page of an answer; `cursor` asks for the next, empty after the last."""

    reports: tuple[Report, ...]
    cursor: str = ""


# ---- what an account's feed says --------------------------------------------------------------------------------


class Reported(NamedTuple):
    """One fact of the account, and when we knew it. `asked`: it came over REST."""

    recv_ns: int
    report: Report
    asked: bool = False


class CaughtUp(NamedTuple):
    """What the venue knows and what we know is the same again."""

    recv_ns: int


class Unreadable(NamedTuple):
    """Something of the account could not be read or is off the grid: a person has to look."""

    recv_ns: int
    why: str


News = Reported | Interruption | CaughtUp | Unreadable


class AccountNews(Protocol):
    """The account's own facts, each once; `venues.bybit.account_feed.AccountFeed` is one."""

    def news(self) -> AsyncGenerator[News, None]:
        """For ever; raises InputError when there is no use in going on."""

    def look_again(self) -> None:
        """Ask the venue for everything, as after a lost connection; ends with CaughtUp. While it asks: nothing."""
