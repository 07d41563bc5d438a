"""The sandbox's rows against payloads that were recorded at the venue: the same keys, the same JSON types.

Recordings are of different ages: a key that some of them lack is no fault of ours, one that they have and we do not is.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_client import Client, sandbox_client

BTC = {"category": "linear", "symbol": "BTCUSDT"}

ABSENT_ON_PURPOSE: dict[str, set[str]] = {
    "http_get_user_sub_members_paged.json": ("user/submembers", {}),
    "http_get_user_sub_apikeys.json": ("user/sub-apikeys", {"subMemberId": "10000002"}),
    "http_get_wallet_balance.json": {"totalPerpUpl"},
    "ws_account_wallet.json": {"totalPerpUpl"},
}
"""An old spelling of totalPerpUPL."""


@pytest.fixture
def recordings(shared_data: Path) -> Path:
    return shared_data / "api" / "bybit"


def recorded(recordings: Path, name: str) -> Any:
    return json.loads((recordings / name).read_text())


def differences(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Keys of theirs that we lack, and values whose JSON type differs; null stands for absent and matches anything."""
    if theirs is None:
        return []
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = []
        for key, value in theirs.items():
            if key not in ours:
                found.append(f"{path}.{key} is missing")
            else:
                found += differences(value, ours[key], f"{path}.{key}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return differences(theirs[0], ours[0], f"{path}[0]") if theirs and ours else []
    kinds = type(theirs), type(ours)
    return [] if kinds[0] is kinds[1] else [f"{path} is {kinds[1].__name__}, recorded {kinds[0].__name__}"]


def against_frame(theirs: Any, frame: dict[str, Any]) -> list[str]:
    """Some recordings are a bare row without its envelope."""
    return differences(theirs, frame if "topic" in theirs else frame["data"][0])


async def _trade_a_little(client: Client) -> None:
    await client.post("/v5/order/create", **BTC, side="Buy", orderType="Market", qty="0.1")
    await client.post("/v5/order/create", **BTC, side="Buy", orderType="Limit", qty="0.1", price="49000")
    await client.post("/v5/position/trading-stop", **BTC, takeProfit="51000", stopLoss="49000", positionIdx=0)
    client.sandbox.service.clock.advance(9 * 3_600_000)
    client.sandbox.pass_time()
    member = (await client.post("/v5/user/create-sub-member", username="one"))["result"]["uid"]
    await client.post("/v5/user/create-sub-api", subuid=member, readOnly=0, permissions={"Spot": ["SpotTrade"]})


REST = {
    "http_get_account_info.json": ("account/info", {}),
    "http_get_executions.json": ("execution/list", {"category": "linear"}),
    "http_get_fee_rate.json": ("account/fee-rate", {"category": "linear"}),
    "http_get_funding_history.json": ("market/funding/history", BTC),
    "http_get_instruments_linear.json": ("market/instruments-info", {"category": "linear"}),
    "http_get_instruments_linear_symbol_type.json": ("market/instruments-info", {"category": "linear"}),
    "http_get_instruments_spot.json": ("market/instruments-info", {"category": "spot"}),
    "http_get_klines_linear.json": ("market/kline", {**BTC, "interval": "1"}),
    "http_get_orderbook.json": ("market/orderbook", BTC),
    "http_get_orders_realtime.json": ("order/realtime", {**BTC, "orderFilter": "Order"}),
    "http_get_orders_realtime_tp_sl.json": ("order/realtime", {**BTC, "orderFilter": "tpslOrder"}),
    "http_get_orders_history.json": ("order/history", {"category": "linear"}),
    "http_get_positions.json": ("position/list", BTC),
    "http_get_positions_with_open_time.json": ("position/list", BTC),
    "http_get_trades_recent.json": ("market/recent-trade", BTC),
    "http_get_user_query_api.json": ("user/query-api", {}),
    "http_get_user_sub_members.json": ("user/query-sub-members", {}),
    "http_get_wallet_balance.json": ("account/wallet-balance", {"accountType": "UNIFIED"}),
    "http_get_wallet_balance_with_spot_borrow.json": ("account/wallet-balance", {"accountType": "UNIFIED"}),
}


async def _differences_of_all(recordings: Path) -> dict[str, list[str]]:
    found = {}
    async with sandbox_client() as client:
        await _trade_a_little(client)
        for name, (path, params) in REST.items():
            answer = await client.get(f"/v5/{path}", **params)
            assert answer["result"].get("list", [1]), (name, answer)
            found[name] = differences(recorded(recordings, name), answer)
    return found


EXTRA_OF_PRO_ACCOUNTS = {"FiatP2P", "FiatBybitPay", "FiatConvertBroker", "FiatGlobalPay", "FiatBitPay", "BitCard",
                         "ByXPost", "userIDInt64", "inviterIDInt64", "affiliateIDInt64"}  # fmt: skip


def test_rest_rows_have_the_recorded_keys_and_types(recordings: Path) -> None:
    for name, found in asyncio.run(_differences_of_all(recordings)).items():
        told = [each for each in found if each.split(" ")[0].rpartition(".")[2] not in
                EXTRA_OF_PRO_ACCOUNTS | ABSENT_ON_PURPOSE.get(name, set())]  # fmt: skip
        assert told == [], name


def test_stream_rows_have_the_recorded_keys_and_types(recordings: Path) -> None:
    async def story() -> dict[str, list[str]]:
        async with sandbox_client() as client, client.socket("/v5/private", auth=True) as socket:
            await socket.subscribe("order", "execution", "execution.fast", "position", "wallet")
            await client.post("/v5/order/create", **BTC, side="Buy", orderType="Market", qty="0.1")
            await socket.until(lambda frame: frame.get("topic") == "wallet")
            by_topic = {frame["topic"]: frame for frame in socket.heard if "topic" in frame}
        names = {
            "order": ("ws_account_order.json", "ws_account_order_filled.json", "ws_account_order_stop_loss.json"),
            "execution": ("ws_account_execution.json", "ws_account_execution_adl.json"),
            "execution.fast": ("ws_account_execution_fast.json",),
            "position": (
                "ws_account_position.json",
                "ws_account_position_with_open_time.json",
                "ws_account_position_short.json",
            ),
            "wallet": ("ws_account_wallet.json",),
        }
        return {
            name: against_frame(recorded(recordings, name), by_topic[topic])
            for topic, files in names.items()
            for name in files
        }

    for name, found in asyncio.run(story()).items():
        told = [each for each in found if each.split(" ")[0].rpartition(".")[2] not in ABSENT_ON_PURPOSE.get(name, ())]
        assert told == [], name


def test_the_comparison_sees_a_missing_key_and_a_wrong_type() -> None:
    assert differences({"a": "1", "b": [{"c": 1}]}, {"b": [{"c": "1"}]}) == [
        ".a is missing",
        ".b[0].c is str, recorded int",
    ]
