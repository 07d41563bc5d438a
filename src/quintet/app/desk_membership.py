"""A desk becomes one of several on an account, and finds its place again when it comes back."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from quintet.app import desk_folder
from quintet.app.bybit_desk import Holdings
from quintet.app.messages import Complaint
from quintet.app.shared_account import Found, SharedAccount, account_folder, join, prefix_of
from quintet.core.instrument import Instrument
from quintet.core.orders.client_ids import ClientIds
from quintet.core.risk.config import RiskConfig
from quintet.core.state import DESK_BOOK, World
from quintet.storage.account_books import Member
from quintet.storage.account_lock import AccountTaken, held
from quintet.storage.tape_files import is_being_written
from quintet.storage.workspace import workspace
from quintet.venues.bybit.listing import Listing


@contextlib.contextmanager
def on_account(desk: Path, account: str, shared: str) -> Iterator[None]:
    """Inside, the account is this desk's, or its and those' who share the register of this name.

    Raises Complaint where another desk of the workspace is alive on it whose books ours would not add up with.
    """
    try:
        with held(desk.parent, account, desk.name, together=bool(shared)):
            yield
    except AccountTaken as taken:
        raise Complaint(
            "an account that another desk trades on", where=account, found=f"{taken}, which is alive",
            expected="an account of its own for each desk, or one register for all of them",
            hint="start each of them with the same --account NAME",
        ) from None  # fmt: skip


def become_member(
    shared: str, folder: Path, account: str, holdings: Holdings, world: World, instrument: Instrument, ids: ClientIds
) -> None:
    """Join the account that is shared under this name; raises Complaint where its books would not add up.

    `account`: at the venue; `world`: of the desk before its first event, its capital in its books.
    """
    ledger, assets = np.asarray(world.desk[0].ledger)[DESK_BOOK], Listing((instrument,)).assets.items()
    capital = {name: int(ledger[asset.number]) * asset.quantum for name, asset in assets}
    me = Member(folder.name, prefix_of(ids), instrument.kind, instrument.symbol, instrument.base_asset, capital)
    found = Found(
        account,
        {name: holdings.quanta.get(asset.number, 0) * asset.quantum for name, asset in assets},
        sum(holdings.lots.values()),
        tuple(order.client_id for order in holdings.open_orders),
    )
    join(account_folder(workspace().root, shared), me, found, instrument, f"account {shared}")


def membership(
    shared: str, folder: Path, instrument: Instrument, ids: ClientIds, limits: RiskConfig
) -> SharedAccount | None:
    """The books of a shared account for one of its desks, None where the account is the desk's alone.

    Raises Complaint for a desk that is no member.
    """
    if not shared:
        return None
    place = account_folder(workspace().root, shared)
    members = place.members()
    me = next((one for one in members.members if one.name == folder.name), None) if members is not None else None
    if me is None or me.prefix != prefix_of(ids):
        raise Complaint(
            "not a desk of this account", where=str(place.folder), found=folder.name,
            expected=", ".join(one.name for one in members.members) if members is not None else "an account",
        )  # fmt: skip

    def is_alive(other: str) -> bool:
        tape = workspace().desks / other / desk_folder.TAPE
        return tape.exists() and is_being_written(tape)

    return SharedAccount(place, me, instrument, limits, is_alive)
