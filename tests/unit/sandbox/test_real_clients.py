"""Real clients of the venue, unmodified but for their base URL, run whole sessions against the sandbox."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox_background import Background, ccxt_client, ccxt_options, pybit_client, wait

pytestmark = [
    pytest.mark.filterwarnings("default"),  # what other people's clients warn of is theirs
    pytest.mark.timeout(90),  # and one whose line has ended may wait for ever
]


@pytest.fixture(scope="module")
def venue() -> Iterator[Background]:
    background = Background()
    yield background
    background.stop()


# ---- ccxt ----


def test_ccxt_runs_a_whole_session(venue: Background) -> None:
    import ccxt

    exchange = ccxt_client(venue.client)
    markets = exchange.load_markets()
    assert {"BTC/USDT", "BTC/USDT:USDT", "SOL/USDT:USDT"} <= set(markets)
    assert markets["BTC/USDT:USDT"]["precision"] == {"amount": 0.001, "price": 0.1}
    perpetual = "BTC/USDT:USDT"
    assert exchange.fetch_ticker(perpetual)["bid"] == 49999.9
    assert exchange.fetch_ticker("BTC/USDT")["last"] == 50000.1
    assert exchange.fetch_order_book(perpetual)["asks"][0][0] == 50000.1
    assert exchange.fetch_trades(perpetual)[-1]["price"] == 50000.1
    assert exchange.fetch_ohlcv(perpetual)[-1][4] == 50000.1
    assert exchange.fetch_funding_rate(perpetual)["fundingRate"] == 0.0001
    assert abs(exchange.fetch_time() - time.time() * 1000) < 5000
    usdt = exchange.fetch_balance()["USDT"]["total"]
    assert usdt > 90_000
    exchange.set_leverage(20, perpetual)

    resting = exchange.create_order(
        perpetual, "limit", "buy", 0.01, 49000, {"clientOrderId": "ccxt-1", "postOnly": True}
    )
    assert [order["id"] for order in exchange.fetch_open_orders(perpetual)] == [resting["id"]]
    exchange.edit_order(resting["id"], perpetual, "limit", "buy", 0.02, 49100)
    edited = exchange.fetch_open_order(resting["id"], perpetual)
    assert (edited["price"], edited["amount"], edited["timeInForce"], edited["clientOrderId"]) == (
        49100,
        0.02,
        "PO",
        "ccxt-1",
    )
    with pytest.raises(ccxt.InvalidOrder):
        exchange.create_order(perpetual, "limit", "buy", 0.01, 49000, {"clientOrderId": "ccxt-1"})
    exchange.cancel_order(resting["id"], perpetual)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(resting["id"], perpetual)
    assert exchange.fetch_canceled_orders(perpetual)[-1]["status"] == "canceled"

    exchange.create_order(
        perpetual,
        "market",
        "buy",
        0.1,
        params={"takeProfit": {"triggerPrice": 52000}, "stopLoss": {"triggerPrice": 48000}},
    )
    (position,) = exchange.fetch_positions([perpetual])
    assert (position["side"], position["contracts"], position["leverage"], position["entryPrice"]) == (
        "long",
        0.1,
        20,
        50000.1,
    )
    stop = exchange.create_order(
        perpetual,
        "market",
        "sell",
        0.1,
        params={"triggerPrice": 49000, "triggerDirection": "descending", "reduceOnly": True},
    )
    assert stop["id"] in [order["id"] for order in exchange.fetch_open_orders(perpetual, params={"trigger": True})]
    exchange.create_order(perpetual, "market", "sell", 0.1, params={"reduceOnly": True})
    assert exchange.fetch_my_trades(perpetual)[-1]["fee"]["currency"] == "USDT"
    assert exchange.fetch_positions([perpetual])[0]["contracts"] in (0, None)
    exchange.cancel_all_orders(perpetual)
    assert exchange.fetch_open_orders(perpetual) == []
    batch = exchange.create_orders([
        {"symbol": perpetual, "type": "limit", "side": "buy", "amount": 0.01, "price": 48000 + number}
        for number in range(3)
    ])  # fmt: skip
    assert len(batch) == 3
    exchange.cancel_orders([order["id"] for order in batch], perpetual)

    bought = exchange.create_order("BTC/USDT", "market", "buy", 0.01, 50010)
    assert exchange.fetch_order(bought["id"], "BTC/USDT", {"acknowledged": True})["status"] == "closed"
    assert exchange.fetch_my_trades("BTC/USDT")[-1]["fee"]["currency"] == "BTC"
    assert exchange.fetch_ledger("USDT")
    assert exchange.fetch_trading_fee(perpetual)["taker"] == 0.00055
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order("BTC/USDT", "limit", "buy", 50, 50000)
    with pytest.raises(ccxt.BadSymbol):
        exchange.fetch_order_book("BTC/EUR")
    exchange.options["timeDifference"] = 60_000
    with pytest.raises(ccxt.InvalidNonce):
        exchange.fetch_balance()


def test_ccxt_pro_watches_and_trades(venue: Background) -> None:
    import ccxt.pro

    client = venue.client
    perpetual = "ETH/USDT:USDT"

    async def story() -> None:
        exchange = ccxt.pro.bybit(ccxt_options(client))
        exchange.urls["api"] = dict.fromkeys(("spot", "futures", "v2", "public", "private"), client.rest)
        private = client.ws + "/v5/private"
        exchange.urls["api"]["ws"] = {
            "public": {name: f"{client.ws}/v5/public/{name}" for name in ("spot", "linear", "inverse", "option")},
            "private": {
                "spot": {"unified": private, "nonUnified": private},
                "contract": private,
                "usdc": private,
                "trade": client.ws + "/v5/trade",
            },
        }
        try:
            async with asyncio.timeout(15):
                await _watch(exchange)
        finally:
            await exchange.close()

    async def _watch(exchange: Any) -> None:
        book = await exchange.watch_order_book(perpetual)
        assert book["bids"][0][0] == 2999.99
        assert (await exchange.watch_ticker(perpetual))["last"] == 3000.01
        trades = asyncio.create_task(exchange.watch_trades(perpetual))
        orders = asyncio.create_task(exchange.watch_orders(perpetual))
        fills = asyncio.create_task(exchange.watch_my_trades(perpetual))
        assert await exchange.watch_positions([perpetual]) == []  # what REST says first
        positions = asyncio.create_task(exchange.watch_positions([perpetual]))
        balance = asyncio.create_task(exchange.watch_balance())
        await asyncio.sleep(0.5)
        placed = await exchange.create_order_ws(perpetual, "limit", "buy", 0.1, 3000.01)
        assert (await orders)[-1]["id"] == placed["id"]
        assert (await fills)[-1]["amount"] == 0.1
        assert (await trades)[-1]["amount"] == 0.1
        assert (await positions)[-1]["side"] == "long"
        assert (await balance)["USDT"]["total"] > 0
        resting = await exchange.create_order_ws(perpetual, "limit", "sell", 0.1, 3100)
        await exchange.edit_order_ws(resting["id"], perpetual, "limit", "sell", 0.1, 3110)
        await exchange.cancel_order_ws(resting["id"], perpetual)
        assert await exchange.fetch_open_orders(perpetual) == []
        spot = await exchange.watch_ticker("ETH/USDT")
        assert spot["last"] == 3000.01

    asyncio.run(story())


# ---- pybit ----


def test_pybit_over_http(venue: Background) -> None:
    from pybit.exceptions import InvalidRequestError

    http = pybit_client(venue.client)
    sol: dict[str, Any] = {"category": "linear", "symbol": "SOLUSDT"}
    assert http.get_server_time()["retCode"] == 0
    assert http.get_instruments_info(category="linear")["result"]["list"]
    assert http.get_orderbook(**sol, limit=5)["result"]["b"][0][0] == "149.99"
    http.set_leverage(**sol, buyLeverage="5", sellLeverage="5")
    order = http.place_order(**sol, side="Buy", orderType="Limit", qty="10", price="140", orderLinkId="pybit-1")
    assert http.get_open_orders(**sol)["result"]["list"][0]["orderId"] == order["result"]["orderId"]
    http.amend_order(**sol, orderLinkId="pybit-1", qty="12")
    http.cancel_order(**sol, orderLinkId="pybit-1")
    with pytest.raises(InvalidRequestError, match="110072"):
        http.place_order(**sol, side="Buy", orderType="Limit", qty="10", price="140", orderLinkId="pybit-1")
    http.place_order(**sol, side="Sell", orderType="Market", qty="10")
    assert http.get_positions(**sol)["result"]["list"][0]["side"] == "Sell"
    http.set_trading_stop(**sol, takeProfit="120", stopLoss="170", positionIdx=0, tpslMode="Full")
    http.place_order(**sol, side="Buy", orderType="Market", qty="10", reduceOnly=True)
    assert http.get_closed_pnl(**sol)["result"]["list"][0]["closedSize"] == "10.0"
    assert http.get_executions(category="linear", limit=1)["result"]["nextPageCursor"]
    assert http.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["totalEquity"]
    batch = http.place_batch_order(category="linear", request=[
        {"symbol": "SOLUSDT", "side": "Buy", "orderType": "Limit", "qty": "1", "price": str(130 + number)}
        for number in range(3)
    ])  # fmt: skip
    assert [row["code"] for row in batch["retExtInfo"]["list"]] == [0, 0, 0]
    assert len(http.cancel_all_orders(**sol)["result"]["list"]) == 3
    assert http.get_transaction_log(accountType="UNIFIED")["result"]["list"]
    assert http.get_fee_rates(category="spot", symbol="BTCUSDT")["result"]["list"][0]["takerFeeRate"] == "0.001"


def test_pybit_over_sockets(venue: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    import pybit._websocket_trading
    import pybit.unified_trading as unified

    client = venue.client
    monkeypatch.setattr(unified, "PUBLIC_WSS", client.ws + "/v5/public/{CHANNEL_TYPE}")
    monkeypatch.setattr(unified, "PRIVATE_WSS", client.ws + "/v5/private")
    monkeypatch.setattr(pybit._websocket_trading, "TRADE_WSS", client.ws + "/v5/trade")
    heard: dict[str, list[Any]] = {name: [] for name in ("book", "trade", "order", "execution", "answers")}
    public = unified.WebSocket(testnet=False, channel_type="linear")
    private = unified.WebSocket(testnet=False, channel_type="private", api_key=client.key, api_secret=client.secret)
    trading = unified.WebSocketTrading(testnet=False, api_key=client.key, api_secret=client.secret)
    try:
        public.orderbook_stream(50, "SOLUSDT", heard["book"].append)
        public.trade_stream("SOLUSDT", heard["trade"].append)
        private.order_stream(heard["order"].append)
        private.execution_stream(heard["execution"].append)
        sessions = venue.client.sandbox.streams.sessions
        wait(lambda: heard["book"] and sum(len(session.topics) for session in sessions.values()) == 4)
        sol = {"category": "linear", "symbol": "SOLUSDT", "side": "Buy"}
        trading.place_order(heard["answers"].append, **sol, orderType="Limit", qty="5", price="150.01")
        wait(lambda: heard["answers"] and heard["order"] and heard["execution"] and heard["trade"])
        assert heard["answers"][0]["retCode"] == 0
        assert heard["order"][0]["data"][0]["orderStatus"] == "Filled"
        assert heard["execution"][0]["data"][0]["execQty"] == "5.0"
        venue.trade("SOLUSDT", -1, "149.98", 10**7)
        wait(lambda: len(heard["book"]) > 1)
    finally:
        for socket in (public, private, trading):
            socket.exit()
