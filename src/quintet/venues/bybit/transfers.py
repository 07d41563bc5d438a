"""Coins from one account of a family to another (Bybit V5, Create Universal Transfer). The venue knows each by its id.

A transfer that nobody has answered is asked for again under the same id: the venue moves nothing twice. Source: Bybit
V5 documentation, Asset (Create Universal Transfer, Get Universal Transfer Records).
"""

from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from quintet.core.errors import DataError
from quintet.venues.bybit.account_wire import RestAnswer
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.shapes import shaped

PATH: Final = "/v5/asset/transfer/universal-transfer"
RECORDS: Final = "/v5/asset/transfer/query-universal-transfer-list"
WALLET: Final = "UNIFIED"
EXISTS: Final = 131214
_NOT_MOVED: Final = frozenset(range(131200, 131229)) - {EXISTS}


class Transfer(NamedTuple):
    """So much of a coin from one account to another, by the venue's numbers of them; `transfer_id` is a UUID."""

    transfer_id: str
    coin: str
    amount: Decimal
    giver: str
    taker: str


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    transfer_id: str
    status: str = ""


class _Records(msgspec.Struct, frozen=True):
    list: tuple[_Status, ...] = ()


async def move(rest: Rest, transfer: Transfer) -> str:
    """Move it; returns why the venue has not, empty when it has.

    `rest`: of the family's main account. Raises VenueUnreachable, ClockUnsure or DataError while nobody knows: then it
    is to be called again, with the same transfer.
    """
    answer = await rest.repeat(PATH, _payload(transfer), _NOT_MOVED | {EXISTS})
    if answer.ret_code in _NOT_MOVED:
        return f"retCode {answer.ret_code}: {answer.ret_msg[:200]}"
    status = await _status(rest, transfer) if answer.ret_code == EXISTS else _said(answer, transfer)
    if status == "SUCCESS":
        return ""
    if status == "FAILED":
        return "the venue says that it failed"
    raise VenueUnreachable(f"bybit {PATH}: transfer {transfer.transfer_id} is {status or 'not listed'} yet")


def _payload(transfer: Transfer) -> dict[str, Any]:
    return {
        "transferId": transfer.transfer_id,
        "coin": transfer.coin,
        "amount": f"{transfer.amount:f}",
        "fromMemberId": int(transfer.giver),
        "toMemberId": int(transfer.taker),
        "fromAccountType": WALLET,
        "toAccountType": WALLET,
    }


def _said(answer: RestAnswer, transfer: Transfer) -> str:
    found = shaped(answer.result, _Status, "transfer")
    if found.transfer_id != transfer.transfer_id:
        raise DataError(f"transfer: found {found.transfer_id[:40]}, expected {transfer.transfer_id}")
    return found.status


async def _status(rest: Rest, transfer: Transfer) -> str:
    answer = await rest.ask(RECORDS, {"transferId": transfer.transfer_id})
    rows = shaped(answer.result, _Records, "transfers").list
    return next((row.status for row in rows if row.transfer_id == transfer.transfer_id), "")
