"""The sandbox's sockets: subscriptions, snapshots and deltas, private news, order entry, cancel on disconnect."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from quintet.sandbox.commands import Ghosts, GhostTrade
from quintet.sandbox.money import quanta
from tests.sandbox_client import Client, Socket, sandbox_client

Story = Callable[[Client], Awaitable[None]]
ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "49900",
}
BTC = {"category": "linear", "symbol": "BTCUSDT"}


def run(story: Story, **options: Any) -> None:
    async def whole() -> None:
        async with sandbox_client(**options) as client:
            await story(client)

    asyncio.run(whole())


def ghosts(client: Client, *levels: tuple[int, str, int]) -> None:
    client.sandbox.service.do(Ghosts(levels=[(sign, quanta(price), lots) for sign, price, lots in levels], **BTC))


def is_book(frame: dict[str, Any]) -> bool:
    return frame.get("topic", "").startswith("orderbook")


def test_a_book_built_from_deltas_is_the_book() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear") as socket:
            answer = await socket.subscribe("orderbook.50.BTCUSDT")
            assert (answer["success"], answer["ret_msg"], answer["req_id"]) == (True, "subscribe", "s")
            first = await socket.next()
            assert first["type"] == "snapshot"
            held: dict[str, dict[str, str]] = {side: dict(first["data"][side]) for side in "ba"}
            update = first["data"]["u"]
            for number in range(1, 8):
                ghosts(
                    client,
                    (1, f"4998{number}", 3),
                    (1, "49999.9", number * 1000),
                    (-1, f"5000{number}.5", 0 if number % 2 else 9),
                )
                frame = await socket.until(is_book)
                assert (frame["type"], frame["data"]["u"]) == ("delta", update + 1)
                update += 1
                for side in "ba":
                    for price, size in frame["data"][side]:
                        if size == "0":
                            del held[side][price]  # never a level that we do not hold
                        else:
                            held[side][price] = size
            book = (await client.get("/v5/market/orderbook", signed=False, limit=50, **BTC))["result"]
            assert {side: dict(book[side]) for side in "ba"} == held

    run(story)


def test_the_top_of_the_book_is_repeated_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quintet.sandbox.bybit_v5.streams.REPEAT_TOP_S", 0.1)

    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear") as socket:
            await socket.subscribe("orderbook.1.BTCUSDT")
            top = await socket.next()
            ghosts(client, (1, "50000", 5))
            better = await socket.until(is_book)
            assert (better["type"], better["data"]["b"]) == ("snapshot", [["50000.0", "0.005"]])
            again = await socket.until(is_book)
            assert again["data"]["u"] == better["data"]["u"] == top["data"]["u"] + 1

    run(story)


def test_public_news_of_a_trade() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear") as socket:
            await socket.subscribe("publicTrade.BTCUSDT", "tickers.BTCUSDT", "kline.1.BTCUSDT")
            whole = await socket.until(lambda frame: frame.get("topic") == "tickers.BTCUSDT")
            assert whole["type"] == "snapshot" and "fundingRate" in whole["data"]
            client.sandbox.service.do(GhostTrade(sign=-1, price=quanta("49999.9"), lots=7, **BTC))
            trade = await socket.until(lambda frame: frame.get("topic") == "publicTrade.BTCUSDT")
            assert (trade["data"][0]["S"], trade["data"][0]["v"], trade["data"][0]["L"]) == (
                "Sell",
                "0.007",
                "MinusTick",
            )
            change = await socket.until(lambda frame: frame.get("topic") == "tickers.BTCUSDT")
            assert change["type"] == "delta" and change["data"]["lastPrice"] == "49999.9"
            assert "indexPrice" not in change["data"]
            candle = await socket.until(lambda frame: frame.get("topic") == "kline.1.BTCUSDT" and
                                        frame["data"][0]["low"] == "49999.9")  # fmt: skip
            assert candle["data"][0]["confirm"] is False

    run(story)


def test_spot_tickers_have_no_touch() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/spot") as socket:
            await socket.subscribe("tickers.BTCUSDT")
            row = (await socket.until(lambda frame: "topic" in frame))["data"]
            assert "bid1Price" not in row and "usdIndexPrice" in row

    run(story)


@pytest.mark.parametrize(
    ("path", "topics", "message"),
    [
        ("linear", ["orderbook.51.BTCUSDT"], "handler not found"),
        ("linear", ["publicTrade.NOUSDT"], "handler not found"),
        ("linear", ["kline.2.BTCUSDT"], "handler not found"),
        ("inverse", ["publicTrade.BTCUSDT"], "handler not found"),
        ("spot", [f"kline.{n}.BTCUSDT" for n in range(11)], "args size >10"),
        ("linear", [], "args is missing"),
    ],
)
def test_a_wrong_subscription_is_refused(path: str, topics: list[str], message: str) -> None:
    async def story(client: Client) -> None:
        async with client.socket(f"/v5/public/{path}") as socket:
            answer = await socket.subscribe(*topics)
            assert answer["success"] is False and message in answer["ret_msg"]

    run(story)


def test_pings_of_every_kind_are_answered() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear") as socket:
            await socket.send(op="ping", req_id=7)
            assert await socket.next() == {"success": True, "ret_msg": "pong", "conn_id": socket.heard[-1]["conn_id"],
                                           "req_id": 7, "op": "ping"}  # fmt: skip
        async with client.socket("/v5/private", auth=True) as socket:
            await socket.send(op="ping")
            assert (await socket.next())["op"] == "pong"
        async with client.socket("/v5/trade", auth=True) as socket:
            await socket.send(op="ping")
            assert (await socket.next())["retCode"] == 0

    run(story)


def test_private_news_of_an_order_that_fills() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/private", auth=True) as socket:
            await socket.subscribe("order", "execution", "position", "wallet", "execution.fast.linear")
            await client.post("/v5/order/create", **(ORDER | {"price": "50000.1"}))
            await socket.until(lambda frame: frame.get("topic") == "wallet")
            by_topic = {frame["topic"]: frame for frame in socket.heard if "topic" in frame}
            assert by_topic["order"]["data"][0]["orderStatus"] == "Filled"
            assert by_topic["execution"]["data"][0]["execPnl"] == "0"
            assert "id" not in by_topic["execution.fast.linear"]
            assert by_topic["position"]["data"][0]["entryPrice"] == "50000.1"
            assert by_topic["wallet"]["data"][0]["coin"]

    run(story)


def test_a_private_stream_needs_its_key() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/private") as socket:
            assert (await socket.subscribe("order"))["ret_msg"] == "Request not authorized"
            await socket.send(op="auth", args=[client.key, int(time.time() * 1000) + 5000, "00"])
            assert (await socket.next())["success"] is False
            with pytest.raises(ConnectionError):
                await socket.next()
        async with client.socket("/v5/private", auth=True) as socket:
            assert (await socket.subscribe("order", "order.linear"))["success"] is False
            assert (await socket.subscribe("orders"))["success"] is False

    run(story)


async def _order(client: Client, socket: Socket, op: str, args: dict[str, Any], **more: Any) -> dict[str, Any]:
    await socket.send(op=op, header={"X-BAPI-TIMESTAMP": int(time.time() * 1000)}, args=[args], **more)
    return await socket.until(lambda frame: frame.get("op") == op)


def test_orders_over_the_trade_socket() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/trade") as socket:
            assert (await _order(client, socket, "order.create", ORDER))["retCode"] == 10004
        async with client.socket("/v5/trade", auth=True) as socket:
            answer = await _order(client, socket, "order.create", ORDER | {"orderLinkId": "w"}, reqId="one")
            assert (answer["retCode"], answer["data"]["orderLinkId"], answer["reqId"]) == (0, "w", "one")
            assert answer["header"]["X-Bapi-Limit-Status"] and answer["connId"]
            assert (await _order(client, socket, "order.create", ORDER, reqId="one"))["retCode"] == 20006
            name = {**BTC, "orderLinkId": "w"}
            assert (await _order(client, socket, "order.amend", name | {"price": "49950"}))["retCode"] == 0
            assert (await _order(client, socket, "order.cancel", name))["retCode"] == 0
            failed = await _order(client, socket, "order.cancel", name)
            assert (failed["retCode"], failed["data"]) == (110001, {})
            batch = await _order(
                client, socket, "order.create-batch", {"category": "linear", "request": [ORDER, ORDER]}
            )
            assert len(batch["data"]["list"]) == len(batch["retExtInfo"]["list"]) == 2
            assert (await _order(client, socket, "order.fly", {}))["retCode"] == 10404
            await socket.send(op="order.create", header={"X-BAPI-TIMESTAMP": "1"}, args=[ORDER])
            assert (await socket.next())["retCode"] == 10002

    run(story)


def test_orders_are_cancelled_when_the_watched_connection_is_gone() -> None:
    async def story(client: Client) -> None:
        await client.post("/v5/order/create", **ORDER)
        await client.post("/v5/order/create", **ORDER, triggerPrice="51000", triggerDirection=1)
        set_ = await client.post("/v5/order/disconnected-cancel-all", product="DERIVATIVES", timeWindow=3)
        assert set_["retCode"] == 0
        assert (await client.get("/v5/account/info"))["result"]["dcpStatus"] == "ON"
        client.sandbox.service.state.accounts[client.uid].disconnect_windows["linear"] = 0
        async with client.socket("/v5/private", auth=True) as socket:
            await socket.subscribe("dcp.future")
            async with client.socket("/v5/private", auth=True) as second:
                await second.subscribe("dcp.future")
            await asyncio.sleep(0.05)
            assert len((await client.get("/v5/order/realtime", **BTC))["result"]["list"]) == 2
        await asyncio.sleep(0.1)
        assert (await client.get("/v5/order/realtime", **BTC))["result"]["list"] == []
        rows = (await client.get("/v5/order/history", category="linear"))["result"]["list"]
        assert {row["cancelType"] for row in rows} == {"CancelByDCP"}

    run(story)


def test_a_silent_connection_is_closed() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear?max_active_time=30s") as socket:
            await socket.send(op="ping")
            await socket.next()
            (session,) = client.sandbox.streams.sessions.values()
            assert session.idle_s == 30
            session.idle_s = 0.1
            with pytest.raises(ConnectionError):
                await socket.next()

    run(story)


async def _fault(client: Client, **fields: Any) -> None:
    assert "added" in await client.operate("fault", fields)


def test_faults_of_the_line_strike_frames() -> None:
    async def story(client: Client) -> None:
        for kind in ("sequence_gap", "duplicate", "reorder", "truncate", "delay"):
            async with client.socket("/v5/public/linear") as socket:
                await socket.subscribe("orderbook.50.BTCUSDT")
                first = (await socket.next())["data"]["u"]
                await _fault(client, kind=kind, where="orderbook.*", count=1, delay_ms=200)
                raw, updates = [], []
                for number in range(3):
                    ghosts(client, (1, "49990", 100 + number + first % 7))
                    await asyncio.sleep(0.03)
                while True:
                    try:
                        raw.append((await socket.socket.receive(timeout=0.25)).data)
                    except TimeoutError:
                        break
                for text in raw:
                    try:
                        updates.append(json.loads(text)["data"]["u"] - first)
                    except ValueError:
                        updates.append(0)
                assert updates == {
                    "sequence_gap": [2, 3], "duplicate": [1, 1, 2, 3], "reorder": [2, 1, 3], "truncate": [0, 2, 3],
                    "delay": [2, 3, 1],
                }[kind], kind  # fmt: skip
        async with client.socket("/v5/public/linear") as socket:
            await socket.subscribe("publicTrade.BTCUSDT")
            await _fault(client, kind="half_open", where="publicTrade.*", count=1)
            client.sandbox.service.do(GhostTrade(sign=1, price=quanta("50000.1"), lots=1, **BTC))
            await socket.send(op="ping")
            with pytest.raises((TimeoutError, asyncio.TimeoutError)):
                await socket.next(0.1)
        async with client.socket("/v5/public/linear") as socket:
            await socket.subscribe("publicTrade.BTCUSDT")
            await _fault(client, kind="disconnect", where="publicTrade.*", count=1)
            client.sandbox.service.do(GhostTrade(sign=1, price=quanta("50000.1"), lots=1, **BTC))
            with pytest.raises(ConnectionError):
                await socket.next()

    run(story)


@pytest.mark.parametrize(
    ("kind", "status", "code", "orders"),
    [
        ("too_many_requests", 429, 429, 0),
        ("rate_limited", 200, 10006, 0),
        ("ip_banned", 403, 403, 0),
        ("server_error", 502, 502, 0),
        ("internal_error", 200, 10016, 1),
        ("maintenance", 503, 10016, 0),
        ("repeat_request", 200, 110072, 1),
        ("lose_request", 0, None, 0),
        ("lose_answer", 0, None, 1),
        ("truncate_answer", 0, None, 1),
    ],
)
def test_faults_of_a_request(kind: str, status: int, code: int | None, orders: int) -> None:
    async def story(client: Client) -> None:
        await _fault(client, kind=kind, where="/v5/order/create", count=1)
        if code is None:
            with pytest.raises((aiohttp.ClientError, ValueError)):
                await client.post("/v5/order/create", **ORDER, orderLinkId="f")
        else:
            assert (await client.post("/v5/order/create", **ORDER, orderLinkId="f"))["retCode"] == code
            assert client.status == status
        found = await client.get("/v5/order/realtime", category="linear", orderLinkId="f")
        assert len(found["result"]["list"]) == orders
        assert (await client.post("/v5/order/create", **ORDER, orderLinkId="g"))["retCode"] == 0

    run(story)


def test_a_request_that_is_late_is_done_when_it_arrives() -> None:
    async def story(client: Client) -> None:
        await _fault(client, kind="slow_request", where="/v5/order/create", count=2, delay_ms=400)
        clock = client.sandbox.service.clock
        sent_ms = clock.now_ms()
        assert (await client.post("/v5/order/create", **ORDER, orderLinkId="rest"))["retCode"] == 0
        async with client.socket("/v5/trade", auth=True) as socket:
            over_socket_ms = clock.now_ms()
            header = {"X-BAPI-TIMESTAMP": str(over_socket_ms)}
            await socket.send(op="order.create", reqId="1", header=header, args=[ORDER | {"orderLinkId": "socket"}])
            answer = await socket.until(lambda frame: frame.get("reqId") == "1")
            assert answer["retCode"] == 0, answer
        for name, since_ms in (("rest", sent_ms), ("socket", over_socket_ms)):
            (row,) = (await client.get("/v5/order/realtime", category="linear", orderLinkId=name))["result"]["list"]
            assert int(row["createdTime"]) - since_ms >= 400

    run(story)


def test_an_order_may_fill_in_part_while_its_cancel_travels() -> None:
    async def story(client: Client) -> None:
        created = await client.post("/v5/order/create", **(ORDER | {"price": "50000"}))
        await _fault(client, kind="partial_fill_on_cancel", where="/v5/order/cancel", count=1)
        name = {**BTC, "orderId": created["result"]["orderId"]}
        assert (await client.post("/v5/order/cancel", **name))["retCode"] == 0
        (row,) = (await client.get("/v5/order/realtime", **name))["result"]["list"]
        assert (row["orderStatus"], row["cumExecQty"]) == ("Cancelled", "0.005")

    run(story)


def test_faults_of_the_venue() -> None:
    async def story(client: Client) -> None:
        await client.post("/v5/position/set-leverage", **BTC, buyLeverage="50", sellLeverage="50")
        await client.post("/v5/order/create", **BTC, side="Buy", orderType="Market", qty="30")
        scenario = """
        seed = 7
        [[fault]]
        kind = "phantom_tick"
        symbol = "BTCUSDT"
        value = "25000"
        [[fault]]
        kind = "funding_spike"
        symbol = "BTCUSDT"
        value = "0.003"
        [[fault]]
        kind = "tick_size"
        symbol = "ETHUSDT"
        value = "0.05"
        [[fault]]
        kind = "delisting"
        symbol = "SOLUSDT"
        value = "Delivering"
        [[fault]]
        kind = "tick_size"
        symbol = "BTCUSDT"
        value = "0.000001"
        """
        assert (await client.operate("scenario", scenario)) == {"faults": 5, "seed": 7}
        await asyncio.sleep(0.25)
        (ticker,) = (await client.get("/v5/market/tickers", signed=False, **BTC))["result"]["list"]
        assert (ticker["lastPrice"], ticker["fundingRate"]) == ("25000.0", "0.003")
        assert float(ticker["markPrice"]) > 49000  # a phantom liquidates nobody
        rows = (await client.get("/v5/market/instruments-info", signed=False, category="linear"))["result"]["list"]
        assert {row["symbol"]: (row["priceFilter"]["tickSize"], row["status"]) for row in rows} == {
            "BTCUSDT": ("0.1", "Trading"), "ETHUSDT": ("0.05", "Trading"), "SOLUSDT": ("0.01", "Delivering")
        }  # fmt: skip
        assert "tick size of BTCUSDT" in (await client.operate("time", method="GET"))["refused"][0]
        await _fault(client, kind="liquidation", symbol="BTCUSDT", value="40000")
        await _fault(client, kind="clock_skew", value="-60000")
        async with client.socket("/v5/private", auth=False) as socket:
            await _fault(client, kind="restart")
            with pytest.raises(ConnectionError):
                await socket.next()
        assert (await client.get("/v5/account/info"))["retCode"] == 10002
        await client.operate("calm")
        (row,) = (await client.get("/v5/position/list", **BTC))["result"]["list"]
        assert row["size"] == "0"

    run(story)
