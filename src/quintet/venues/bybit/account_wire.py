"""The private side of Bybit V5, exactly as sent: numbers are text, times are milliseconds, absent numbers are "".

Fields that we do not read are left out; unknown ones are ignored. Where REST and stream differ, both spellings stand.
"""

from typing import TypeVar

import msgspec

Row = TypeVar("Row")


class Notice(msgspec.Struct, frozen=True, rename="camel"):
    """A frame of the private stream; answers to requests have no topic."""

    topic: str = ""
    creation_time: int = 0
    data: msgspec.Raw = msgspec.Raw(b"[]")


class Order(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A row of `order` and of `/v5/order/realtime` and `history`; only the stream names the category."""

    category: str = ""
    symbol: str
    order_id: str
    order_link_id: str = ""
    side: str
    order_type: str = "Limit"
    price: str | None = ""
    qty: str
    cum_exec_qty: str | None = ""
    trigger_price: str | None = ""
    reduce_only: bool = False
    order_status: str
    cancel_type: str | None = ""
    reject_reason: str | None = ""
    created_time: str
    updated_time: str


class ExecutionRow(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A row of `execution` and of `/v5/execution/list`."""

    category: str = ""
    symbol: str
    order_id: str
    order_link_id: str = ""
    exec_id: str
    exec_type: str
    side: str
    exec_price: str
    exec_qty: str
    exec_fee: str = "0"
    fee_currency: str = ""
    is_maker: bool = False
    exec_time: str


class PositionRow(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A row of `position` and of `/v5/position/list`."""

    category: str = ""
    symbol: str
    position_idx: int = 0
    side: str
    size: str
    position_value: str = ""
    liq_price: str | None = ""
    updated_time: str


class Coin(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One asset of a wallet."""

    coin: str
    wallet_balance: str
    locked: str | None = ""
    spot_borrow: str | None = ""


class Wallet(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A row of `wallet` and of `/v5/account/wallet-balance`."""

    coin: list[Coin] = []


class Listed(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What every list answers: rows, and where the next page begins."""

    category: str = ""
    list: tuple[msgspec.Raw, ...] = ()
    next_page_cursor: str = ""


class FeeRate(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A row of `/v5/account/fee-rate`: fractions."""

    symbol: str
    taker_fee_rate: str
    maker_fee_rate: str


class KeyFacts(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`/v5/user/query-api`: what a key may do."""

    read_only: int
    permissions: dict[str, list[str] | None]
    ips: list[str] = []
    expired_at: str = ""
    uta: int = 0
    user_id: int = msgspec.field(name="userID", default=0)


class ServerTime(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`/v5/market/time`."""

    time_nano: str


class Acknowledged(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What create, amend and cancel answer: the request has been taken, no more."""

    order_id: str = ""
    order_link_id: str = ""


class BatchCode(msgspec.Struct, frozen=True):
    """How one order of a batch fared."""

    code: int
    msg: str = ""


class BatchCodes(msgspec.Struct, frozen=True):
    """`retExtInfo` of a batch: one entry an order, in the order of the request."""

    list: tuple[BatchCode, ...] = ()


class BatchRows(msgspec.Struct, frozen=True):
    """`result` (REST) or `data` (socket) of a batch."""

    list: tuple[Acknowledged, ...] = ()


class RestAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Envelope of every REST answer; `time` is the venue's clock in ms."""

    ret_code: int
    ret_msg: str = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")
    ret_ext_info: msgspec.Raw = msgspec.Raw(b"{}")
    time: int = 0


class SocketAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A frame of the trade socket. `header` bears the limits, like the headers of a REST answer."""

    req_id: str = ""
    op: str = ""
    ret_code: int = -1
    ret_msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    ret_ext_info: msgspec.Raw = msgspec.Raw(b"{}")
    header: dict[str, str | int] = {}


class Said(msgspec.Struct, frozen=True):
    """What the private and the trade socket say to a login or a subscription, in both of their spellings."""

    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""
    retCode: int = 0  # noqa: N815  the venue's own spelling
    retMsg: str = ""  # noqa: N815
