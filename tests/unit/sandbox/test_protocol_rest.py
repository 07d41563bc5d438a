"""The sandbox over REST: signatures, envelopes, limits, paging and the calls themselves."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from quintet.sandbox.bybit_v5.access import signature
from quintet.sandbox.clock import Clock
from tests.sandbox_client import Client, sandbox_client

Story = Callable[[Client], Awaitable[None]]
LIMIT = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "49900",
}


def run(story: Story, **options: Any) -> None:
    async def whole() -> None:
        async with sandbox_client(**options) as client:
            await story(client)

    asyncio.run(whole())


def test_the_signature_of_the_documentation() -> None:
    text = "1700000000000abc5000category=linear&symbol=BTCUSDT"
    assert signature("def", text) == "5804374564b3cd5fd56de9eab0084d7ea01eb302eaca179ed33827a68161579b"


def test_who_may_ask() -> None:
    async def story(client: Client) -> None:
        assert (await client.get("/v5/account/info"))["retCode"] == 0
        unsigned = await client.get("/v5/account/info", signed=False)
        assert unsigned["retCode"] == 10001 and unsigned["retMsg"].endswith("openapi sign params error!")
        assert unsigned["result"] == {} and unsigned["retExtInfo"] == {}
        client.offset_ms = -6000
        assert (await client.get("/v5/account/info"))["retCode"] == 10002
        client.offset_ms, client.window = -6000, "50000"
        assert (await client.get("/v5/account/info"))["retCode"] == 0
        client.offset_ms, client.window = 0, "5000"
        client.secret, secret = "wrong", client.secret
        assert (await client.get("/v5/account/info"))["retCode"] == 10004
        client.secret, client.key, key = secret, "nobody", client.key
        assert (await client.get("/v5/account/info"))["retCode"] == 10003
        client.key = key
        found = client.sandbox.service.keys.keys[key]
        found.ips = ["10.0.0.1"]
        assert (await client.get("/v5/account/info"))["retCode"] == 10010
        found.ips, found.expires_ms = [], 1
        assert (await client.get("/v5/account/info"))["retCode"] == 33004
        found.expires_ms, found.read_only = 0, True
        assert (await client.post("/v5/order/create", **LIMIT))["retCode"] == 10005
        found.read_only, found.permissions = False, {"Spot": ["SpotTrade"]}
        assert (await client.post("/v5/order/create", **LIMIT))["retCode"] == 10005
        assert (await client.post("/v5/order/create", **(LIMIT | {"category": "spot"})))["retCode"] == 0

    run(story)


def test_a_query_may_be_signed_as_sent_or_before_it_was_escaped() -> None:
    async def story(client: Client) -> None:
        for sent, signed in (("coin=USDT%2CBTC", "coin=USDT,BTC"), ("coin=USDT%2CBTC", "coin=USDT%2CBTC")):
            headers = client._signed(f"accountType=UNIFIED&{signed}")
            answer = await client._ask("GET", f"/v5/account/wallet-balance?accountType=UNIFIED&{sent}", headers)
            assert [coin["coin"] for coin in answer["result"]["list"][0]["coin"]] == ["USDT", "BTC"]
        assert (await client._ask("GET", "/v5/account/info?", client._signed("")))["retCode"] == 0

    run(story)


def test_what_is_no_call_of_the_protocol() -> None:
    async def story(client: Client) -> None:
        assert (await client.get("/v5/nothing/here"))["retCode"] == 10017
        assert client.status == 200
        await client.get("/elsewhere")
        assert client.status == 404
        await client._ask("GET", "/v5/market/time", {}, "{}")
        assert client.status == 403
        await client._ask("POST", "/v5/order/create", client._signed("[1"), "[1")
        assert client.status == 400
        await client._ask("PUT", "/v5/order/create", {}, "")
        assert client.status == 400

    run(story)


def test_rates_are_counted_told_and_enforced() -> None:
    async def story(client: Client) -> None:
        answers = [await client.post("/v5/order/create", **LIMIT) for _ in range(11)]
        assert [answer["retCode"] for answer in answers] == [0] * 10 + [10006]
        assert client.headers["X-Bapi-Limit"] == "10"
        assert client.headers["X-Bapi-Limit-Status"] == "0"
        assert int(client.headers["X-Bapi-Limit-Reset-Timestamp"]) > answers[0]["time"]
        assert (await client.post("/v5/order/create", **(LIMIT | {"category": "spot"})))["retCode"] == 0
        batch = await client.post(
            "/v5/order/create-batch",
            category="linear",
            request=[{k: v for k, v in LIMIT.items() if k != "category"}] * 12,
        )
        assert [row["code"] for row in batch["retExtInfo"]["list"]] == [0] * 10 + [10006] * 2

    run(story, rate_scale=1.0)


def test_an_address_that_asks_too_often_is_turned_away() -> None:
    async def story(client: Client) -> None:
        client.sandbox.pacing.scale = 0.01
        statuses = []
        for _ in range(8):
            await client.get("/v5/market/time", signed=False)
            statuses.append(client.status)
        assert statuses == [200] * 6 + [403] * 2

    run(story, rate_scale=0.01)


def test_an_order_from_create_to_history() -> None:
    async def story(client: Client) -> None:
        created = await client.post("/v5/order/create", **LIMIT, orderLinkId="a-1", takeProfit=None)
        order_id = created["result"]["orderId"]
        assert created["result"]["orderLinkId"] == "a-1"
        (row,) = (await client.get("/v5/order/realtime", category="linear", symbol="BTCUSDT"))["result"]["list"]
        assert (row["orderStatus"], row["price"], row["qty"], row["avgPrice"]) == ("New", "49900.0", "0.010", "")
        assert (await client.post("/v5/order/create", **LIMIT, orderLinkId="a-1"))["retCode"] == 110072
        name = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a-1"}
        assert (await client.post("/v5/order/amend", **name, price=49950, qty=0.02))["retCode"] == 0
        (row,) = (await client.get("/v5/order/realtime", category="linear", orderId=order_id))["result"]["list"]
        assert (row["price"], row["qty"]) == ("49950.0", "0.020")
        assert (await client.post("/v5/order/cancel", **name))["result"]["orderId"] == order_id
        assert (await client.post("/v5/order/cancel", **name))["retCode"] == 110001
        (row,) = (await client.get("/v5/order/realtime", category="linear", orderId=order_id))["result"]["list"]
        assert (row["orderStatus"], row["cancelType"]) == ("Cancelled", "CancelByUser")
        assert (await client.get("/v5/order/realtime", category="linear", symbol="BTCUSDT"))["result"]["list"] == []
        assert len((await client.get("/v5/order/history", category="linear", openOnly=0))["result"]["list"]) == 1
        assert (await client.get("/v5/order/realtime", category="linear"))["retCode"] == 10001
        assert (await client.get("/v5/order/realtime", category="inverse"))["result"]["list"] == []

    run(story)


def test_a_fill_shows_everywhere() -> None:
    async def story(client: Client) -> None:
        market = {"category": "linear", "symbol": "BTCUSDT", "orderType": "Market", "qty": "0.1"}
        await client.post("/v5/order/create", **market, side="Buy")
        (position,) = (await client.get("/v5/position/list", category="linear", settleCoin="USDT"))["result"]["list"]
        assert (position["side"], position["size"], position["avgPrice"]) == ("Buy", "0.100", "50000.1")
        (fill,) = (await client.get("/v5/execution/list", category="linear"))["result"]["list"]
        assert (fill["execPrice"], fill["execFee"], fill["isMaker"]) == ("50000.1", "2.7500055", False)
        await client.post("/v5/order/create", **market, side="Sell", reduceOnly=True)
        (closed,) = (await client.get("/v5/position/closed-pnl", category="linear"))["result"]["list"]
        assert (closed["side"], closed["closedSize"], closed["closedPnl"]) == ("Sell", "0.100", "-5.52")
        log = (await client.get("/v5/account/transaction-log"))["result"]["list"]
        assert [entry["type"] for entry in log] == ["TRADE", "TRADE"]
        assert log[0]["cashBalance"] == "99994.48"
        (flat,) = (await client.get("/v5/position/list", category="linear", symbol="BTCUSDT"))["result"]["list"]
        assert (flat["side"], flat["size"], flat["liqPrice"]) == ("", "0", "")
        wallet = (await client.get("/v5/account/wallet-balance", accountType="UNIFIED", coin="USDT"))["result"]["list"][
            0
        ]
        assert wallet["coin"][0]["walletBalance"] == "99994.48"
        assert wallet["coin"][0]["locked"] == "0"

    run(story)


def test_lists_come_in_pages_newest_first() -> None:
    async def story(client: Client) -> None:
        for number in range(7):
            await client.post("/v5/order/create", **LIMIT, orderLinkId=f"n-{number}")
        seen, cursor = [], ""
        while True:
            query = {"category": "linear", "symbol": "BTCUSDT", "limit": "3"} | ({"cursor": cursor} if cursor else {})
            result = (await client.get("/v5/order/realtime", **query))["result"]
            seen.append([row["orderLinkId"] for row in result["list"]])
            cursor = result["nextPageCursor"]
            if not cursor:
                break
        assert seen == [["n-6", "n-5", "n-4"], ["n-3", "n-2", "n-1"], ["n-0"]]
        wrong = await client.get("/v5/order/realtime", category="linear", symbol="BTCUSDT", limit="51")
        assert wrong["retCode"] == 10001

    run(story)


def test_a_batch_keeps_its_order_and_tells_each_outcome() -> None:
    async def story(client: Client) -> None:
        good = {name: value for name, value in LIMIT.items() if name != "category"}
        items = [good | {"orderLinkId": "x"}, good | {"orderLinkId": "x"}, good | {"qty": "0.00001"}]
        batch = await client.post("/v5/order/create-batch", category="linear", request=items)
        assert [row["code"] for row in batch["retExtInfo"]["list"]] == [0, 110072, 110017]
        assert [bool(row["orderId"]) for row in batch["result"]["list"]] == [True, False, False]
        assert batch["result"]["list"][1]["createAt"] == ""
        ends = [{"symbol": "BTCUSDT", "orderLinkId": name} for name in ("x", "y")]
        batch = await client.post("/v5/order/cancel-batch", category="linear", request=ends)
        assert [row["code"] for row in batch["retExtInfo"]["list"]] == [0, 110001]
        assert (await client.post("/v5/order/create-batch", category="spot", request=[good] * 11))["retCode"] == 10001
        assert (await client.post("/v5/order/create-batch", category="linear", request="x"))["retCode"] == 10001

    run(story)


def test_positions_leverage_modes_and_stops() -> None:
    async def story(client: Client) -> None:
        btc = {"category": "linear", "symbol": "BTCUSDT"}
        assert (await client.post("/v5/position/set-leverage", **btc, buyLeverage="20", sellLeverage="20"))[
            "retCode"
        ] == 0
        assert (await client.post("/v5/position/set-leverage", **btc, buyLeverage="20", sellLeverage="20"))[
            "retCode"
        ] == 110043
        assert (await client.post("/v5/position/trading-stop", **btc, takeProfit="51000"))["retCode"] == 10001
        await client.post("/v5/order/create", **btc, side="Buy", orderType="Market", qty="0.1")
        stops = {"takeProfit": "51000", "stopLoss": "49000", "tpslMode": "Full", "positionIdx": 0}
        assert (await client.post("/v5/position/trading-stop", **btc, **stops))["retCode"] == 0
        assert (await client.post("/v5/position/trading-stop", **btc, **stops))["retCode"] == 34040
        (row,) = (await client.get("/v5/position/list", **btc))["result"]["list"]
        assert (row["leverage"], row["takeProfit"], row["stopLoss"]) == ("20", "51000.0", "49000.0")
        orders = (await client.get("/v5/order/realtime", **btc))["result"]["list"]
        assert {(order["stopOrderType"], order["orderStatus"]) for order in orders} == {
            ("TakeProfit", "Untriggered"),
            ("StopLoss", "Untriggered"),
        }
        assert (await client.post("/v5/position/switch-mode", category="linear", coin="USDT", mode=3))[
            "retCode"
        ] == 110024
        await client.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")
        assert (await client.get("/v5/order/realtime", **btc))["result"]["list"] == []
        assert (await client.post("/v5/account/set-margin-mode", setMarginMode="ISOLATED_MARGIN"))["result"] == {
            "reasons": []
        }
        assert (await client.post("/v5/position/add-margin", **btc, margin="10"))["result"]["symbol"] == "BTCUSDT"

    run(story)


def test_sub_accounts_have_keys_and_coins_of_their_own() -> None:
    async def story(client: Client) -> None:
        member = (await client.post("/v5/user/create-sub-member", username="helper-1", memberType=1))["result"]
        await asyncio.sleep(0)
        key = (
            await client.post(
                "/v5/user/create-sub-api", subuid=member["uid"], readOnly=0, permissions={"Spot": ["SpotTrade"]}
            )
        )["result"]
        move = {"coin": "USDT", "amount": "500", "fromAccountType": "UNIFIED", "toAccountType": "UNIFIED"}
        transfer = move | {
            "transferId": str(uuid.uuid4()),
            "fromMemberId": client.uid,
            "toMemberId": int(member["uid"]),
        }
        assert (await client.post("/v5/asset/transfer/universal-transfer", **transfer))["result"]["status"] == "SUCCESS"
        assert (await client.post("/v5/asset/transfer/universal-transfer", **transfer))["retCode"] == 131214
        client.key, client.secret = key["apiKey"], key["secret"]
        wallet = (await client.get("/v5/account/wallet-balance", accountType="UNIFIED"))["result"]["list"][0]
        assert wallet["coin"][0]["walletBalance"] == "500"
        about = (await client.get("/v5/user/query-api"))["result"]
        assert (about["isMaster"], about["secret"], about["permissions"]) == (False, "", {"Spot": ["SpotTrade"]})
        assert (await client.post("/v5/asset/transfer/universal-transfer", **transfer))["retCode"] == 10005

    run(story)


def test_the_public_market() -> None:
    async def story(client: Client) -> None:
        async def ask(path: str, **params: Any) -> Any:
            answer = await client.get(f"/v5/market/{path}", signed=False, **params)
            assert answer["retCode"] == 0, answer
            return answer["result"]

        btc = {"category": "linear", "symbol": "BTCUSDT"}
        book = await ask("orderbook", **btc, limit=2)
        assert [price for price, _ in book["b"]] == ["49999.9", "49999.8"]
        assert [price for price, _ in book["a"]] == ["50000.1", "50000.2"]
        assert [
            len((await ask("instruments-info", category=each))["list"]) for each in ("spot", "linear", "inverse")
        ] == [3, 3, 0]
        (ticker,) = (await ask("tickers", **btc))["list"]
        assert "openInterestValue" in ticker and ticker["bid1Size"].count(".") == ticker["ask1Size"].count(".")
        assert "openInterestValue" not in (await ask("tickers", category="spot"))["list"][0]
        (trade,) = (await ask("recent-trade", **btc))["list"]
        assert (trade["price"], trade["side"]) == ("50000.1", "Buy")
        (candle,) = (await ask("kline", **btc, interval="1"))["list"]
        assert candle[1:5] == ["50000.1"] * 4
        assert (await ask("funding/history", **btc))["list"] == []
        assert len((await ask("risk-limit", **btc))["list"]) == 4
        limits = await ask("price-limit", **btc)
        assert float(limits["sellLmt"]) < 50000 < float(limits["buyLmt"])
        unknown = await client.get("/v5/market/orderbook", signed=False, category="linear", symbol="NO")
        assert unknown["retCode"] == 10001 and "Not supported symbols" in unknown["retMsg"]

    run(story)


def test_a_clock_of_its_own_moves_only_when_told() -> None:
    async def story(client: Client) -> None:
        before = (await client.operate("time", method="GET"))["now_ms"]
        assert before == 1_750_000_000_000
        await client.post("/v5/order/create", **LIMIT)  # signed with the wall's time
        await client.operate("advance", {"ms": 8 * 3_600_000})
        after = await client.get("/v5/market/time", signed=False)
        assert int(after["result"]["timeSecond"]) == 1_750_000_000 + 8 * 3600
        assert (await client.operate("advance", {"ms": -1}))["error"].startswith("advance: expected")
        fundings = (await client.get("/v5/market/funding/history", signed=False, category="linear", symbol="BTCUSDT"))[
            "result"
        ]
        assert len(fundings["list"]) == 1
        history = await client.operate("history", method="GET")
        assert history["orders"][0]["status"] == "New"
        assert client.secret not in json.dumps(history)

    run(story, clock=Clock(start_ms=1_750_000_000_000, speed=0))


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("advance", '{"ms": "soon"}', "advance: ms: expected a whole number"),
        ("advance", "no", "body: expected a JSON object"),
        ("nowhere", "", "expected one of GET time"),
        ("command", '{"do": "fly"}', "command: Invalid value 'fly'"),
        ("fault", '{"kind": "gremlin"}', "fault: Invalid"),
        ("fault", '{"kind": "tick_size"}', "symbol: expected an instrument"),
        ("scenario", "[[fault]]\nkind = 'drop'\nchanse = 1", "Object contains unknown field `chanse`"),
        ("scenario", "[[fault]]\nkind = 'drop'\nchance = 2.0", "Expected `float` <= 1.0"),
        ("scenario", "[[fault]]\nkind = 'clock_skew'", "value: expected a number as text"),
        ("scenario", "[[fault]]\nkind = 'clock_skew'\nvalue = '1.5'", "expected whole milliseconds, found 1.5"),
        ("scenario", "[[fault]]\nkind = 'phantom_tick'\nsymbol = 'BTCUSDT'\nvalue = '-1'", "expected a price above 0"),
        ("scenario", "[[fault]]\nkind = 'drop'\nfrom_s = 5\nuntil_s = 5", "until_s: expected more than from_s 5.0"),
        ("scenario", "seed = ", "scenario:"),
    ],
)
def test_the_operators_mistakes_are_named(path: str, body: str, expected: str) -> None:
    async def story(client: Client) -> None:
        answer = await client.operate(path, body)
        assert client.status == 400 and expected in answer["error"]

    run(story)
