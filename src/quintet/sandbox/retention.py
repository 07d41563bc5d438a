"""Memory is as large as what is open and what is new: older finished orders leave it, and what they left in lists.

Once a second of the exchange's time the oldest go, each with its number in its series, to whoever keeps them whole. The
rules of the exchange need nothing of them but the names that their orders used.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from quintet.sandbox.orders import Order
from quintet.sandbox.state import Account, ClosedPnl, Execution, LogEntry, State
from quintet.sandbox.used_names import add_names

ORDERS_KEPT: Final = 1000
"""Finished orders of an account and a product; the venue shows 500 among the open ones."""

RECORDS_KEPT: Final = 2000
"""Executions, lines of the transaction log and closing fills of an account."""

SLACK: Final = 200
"""So many more gather before they go together."""

Record = Order | Execution | LogEntry | ClosedPnl
RECORD_TYPES: Final[dict[str, type]] = {
    "orders:spot": Order, "orders:linear": Order, "executions": Execution, "log": LogEntry, "closed_pnl": ClosedPnl,
}  # fmt: skip


class Past(NamedTuple):
    """A record that has left memory: the `number`-th of a series of an account, counted from 0."""

    uid: int
    series: str
    number: int
    record: Record


def retire(state: State) -> list[Past]:
    """Take what is too old out of the state; returns it, the oldest of each series first."""
    gone: list[Past] = []
    for account in state.accounts.values():
        for category, closed in account.closed_orders.items():
            if len(closed) > ORDERS_KEPT + SLACK:
                orders = [state.orders.pop(order_id) for order_id in closed[:-ORDERS_KEPT]]
                del closed[:-ORDERS_KEPT]
                gone += _numbered(account, f"orders:{category}", orders)
                _forget_names(account, category, orders)
        for series, records in series_of(account):
            if len(records) > RECORDS_KEPT + SLACK:
                gone += _numbered(account, series, records[:-RECORDS_KEPT])
                del records[:-RECORDS_KEPT]
    return gone


def series_of(account: Account) -> tuple[tuple[str, list[Any]], ...]:
    """The lists of an account that grow with what it trades, by name."""
    return ("executions", account.executions), ("log", account.log), ("closed_pnl", account.closed_pnl)


def _numbered(account: Account, series: str, records: Sequence[Record]) -> list[Past]:
    first = account.archived.get(series, 0)
    account.archived[series] = first + len(records)
    return [Past(account.uid, series, first + n, record) for n, record in enumerate(records)]


def _forget_names(account: Account, category: str, orders: list[Order]) -> None:
    names = [order.link_id for order in orders if order.link_id]
    for name in names:
        account.links[category].pop(name, None)
    add_names(account.used_links.setdefault(category, []), names)
