"""A desk on Bybit for tests: its instruments, and rows as the venue sends them."""

import json
from decimal import Decimal
from typing import Any

import msgspec

from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.orders.client_ids import ClientIds
from quintet.venues.bybit.listing import Listing

NOON_MS = 1_767_268_800_000
MS_NS = 1_000_000
IDS = ClientIds("main", 10)

ETH_SPOT = DEFAULT_SPOT
BTC_LINEAR = Instrument(
    symbol="BTCUSDT",
    venue="bybit",
    kind="linear",
    base_asset="BTC",
    quote_asset="USDT",
    price_increment=Decimal("0.1"),
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    min_notional=Decimal(5),
    maker_fee_e9=200_000,
    taker_fee_e9=550_000,
)
ETH_LINEAR = msgspec.structs.replace(
    BTC_LINEAR, symbol="ETHUSDT", base_asset="ETH", price_increment=Decimal("0.01"), tick_size=Decimal("0.01")
)
LISTING = Listing((ETH_SPOT, BTC_LINEAR, ETH_LINEAR))
"""ETHUSDT on spot is instrument 0, BTCUSDT linear 1, ETHUSDT linear 2."""


def order_row(**changed: Any) -> dict[str, Any]:
    row = {
        "category": "linear", "symbol": "BTCUSDT", "orderId": "a-b", "orderLinkId": IDS.of(256), "side": "Buy",
        "orderType": "Limit", "price": "30000.5", "qty": "0.100", "cumExecQty": "0.000", "triggerPrice": "",
        "reduceOnly": False, "orderStatus": "New", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError",
        "createdTime": str(NOON_MS), "updatedTime": str(NOON_MS + 3),
    }  # fmt: skip
    return row | changed


def execution_row(**changed: Any) -> dict[str, Any]:
    row = {
        "category": "linear", "symbol": "BTCUSDT", "orderId": "a-b", "orderLinkId": IDS.of(256), "execId": "e-1",
        "execType": "Trade", "side": "Buy", "execPrice": "30000.5", "execQty": "0.040", "execFee": "0.24000400",
        "feeCurrency": "USDT", "isMaker": True, "execTime": str(NOON_MS + 5),
    }  # fmt: skip
    return row | changed


def frame(topic: str, *rows: dict[str, Any]) -> bytes:
    return json.dumps({"id": "x", "topic": topic, "creationTime": NOON_MS, "data": rows}).encode()
