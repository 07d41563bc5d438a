"""What real clients do beyond a session: conditional orders, pairs of stops, hedge mode, sub-accounts, batches."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox_background import Background, ccxt_client, ccxt_options, pybit_client, wait

pytestmark = [
    pytest.mark.filterwarnings("default"),  # what other people's clients warn of is theirs
    pytest.mark.timeout(90),
]

PERPETUAL, SPOT = "BTC/USDT:USDT", "BTC/USDT"


@pytest.fixture(scope="module")
def venue() -> Iterator[Background]:
    background = Background()
    yield background
    background.stop()


def test_ccxt_reads_everything_that_it_can_read(venue: Background) -> None:
    exchange = ccxt_client(venue.client)
    exchange.load_markets()
    assert exchange.fetch_status()["status"] == "ok"
    assert {"USDT", "BTC"} <= set(exchange.fetch_currencies())
    assert exchange.fetch_open_interest(PERPETUAL)["openInterestAmount"] == 0
    assert exchange.fetch_long_short_ratio_history(PERPETUAL, "5min")
    for read in (exchange.fetch_mark_ohlcv, exchange.fetch_index_ohlcv, exchange.fetch_premium_index_ohlcv):
        assert isinstance(read(PERPETUAL), list)
    assert exchange.fetch_tickers([PERPETUAL])[PERPETUAL]["last"] == 50000.1
    assert exchange.fetch_bids_asks([SPOT])[SPOT]["ask"] == 50000.1
    assert exchange.fetch_market_leverage_tiers(PERPETUAL)[0]["maxLeverage"] == 150
    assert exchange.fetch_leverage(PERPETUAL)["longLeverage"] == 10
    assert exchange.fetch_margin_mode(PERPETUAL)["marginMode"] == "cross"
    assert exchange.fetch_trading_fees()[PERPETUAL]["maker"] == 0.0002
    assert exchange.fetch_funding_rates([PERPETUAL])[PERPETUAL]["fundingRate"] == 0.0001
    for nothing in (exchange.fetch_deposits, exchange.fetch_withdrawals, exchange.fetch_my_settlement_history):
        assert nothing("USDT" if nothing != exchange.fetch_my_settlement_history else None) == []


def test_ccxt_in_hedge_mode(venue: Background) -> None:
    exchange = ccxt_client(venue.client)
    eth = "ETH/USDT:USDT"
    exchange.set_margin_mode("isolated")
    exchange.set_margin_mode("cross")
    exchange.set_position_mode(True, eth)
    exchange.create_order(eth, "market", "buy", 0.2, None, {"hedged": True})
    exchange.create_order(eth, "market", "sell", 0.1, None, {"hedged": True})
    held = {found["side"]: found["contracts"] for found in exchange.fetch_positions([eth])}
    assert held == {"long": 0.2, "short": 0.1}
    exchange.create_order(eth, "market", "sell", 0.2, None, {"hedged": True, "reduceOnly": True})
    exchange.create_order(eth, "market", "buy", 0.1, None, {"hedged": True, "reduceOnly": True})
    exchange.set_position_mode(False, eth)
    history = exchange.fetch_positions_history([eth])
    assert sorted(found["contracts"] for found in history) == [0.1, 0.2]


def test_ccxt_with_orders_that_wait(venue: Background) -> None:
    exchange = ccxt_client(venue.client)
    waiting = exchange.create_trigger_order(PERPETUAL, "limit", "buy", 0.01, 51000, 51000,
                                            {"triggerDirection": "ascending"})  # fmt: skip
    assert exchange.fetch_open_order(waiting["id"], PERPETUAL)["triggerPrice"] == 51000
    exchange.edit_order(waiting["id"], PERPETUAL, "limit", "buy", 0.02, 51100, {"triggerPrice": 51050})
    assert exchange.fetch_open_order(waiting["id"], PERPETUAL)["triggerPrice"] == 51050
    exchange.cancel_order(waiting["id"], PERPETUAL)
    # stops of a position: an order of its own, a trailing one, and those that came with the order
    exchange.create_order_with_take_profit_and_stop_loss(PERPETUAL, "market", "buy", 0.02, None, 52000, 48000)
    exchange.create_trailing_amount_order(PERPETUAL, "market", "sell", 0.02, None, 500, 51000)
    exchange.create_stop_loss_order(PERPETUAL, "market", "sell", 0.02, None, 49000)
    found = exchange.fetch_open_orders(PERPETUAL)
    kinds = sorted(order["info"]["stopOrderType"] for order in found)
    assert kinds == ["Stop", "StopLoss", "TakeProfit", "TrailingStop"]
    partial = {"takeProfit": {"triggerPrice": 52500, "price": 52600, "type": "limit"}, "tpslMode": "Partial"}
    exchange.create_order(PERPETUAL, "market", "buy", 0.01, None, partial)
    (limit,) = [each for each in exchange.fetch_open_orders(PERPETUAL)
                if each["info"]["stopOrderType"] == "PartialTakeProfit"]  # fmt: skip
    assert (limit["price"], limit["amount"], limit["triggerPrice"]) == (52600, 0.01, 52500)
    exchange.cancel_orders_for_symbols([{"id": each["id"], "symbol": PERPETUAL} for each in found])
    exchange.create_order(PERPETUAL, "market", "sell", 0.03, None, {"reduceOnly": True})
    assert exchange.fetch_open_orders(PERPETUAL) == []  # what was left of the stops ended with the position
    # a batch is changed at once
    batch = exchange.create_orders([
        {"symbol": PERPETUAL, "type": "limit", "side": "buy", "amount": 0.01, "price": 48000 + n} for n in range(3)
    ])  # fmt: skip
    exchange.edit_orders([
        {"id": order["id"], "symbol": PERPETUAL, "type": "limit", "side": "buy", "amount": 0.02, "price": 48100}
        for order in batch
    ])  # fmt: skip
    assert [order["amount"] for order in exchange.fetch_open_orders(PERPETUAL)] == [0.02] * 3
    assert len(exchange.cancel_all_orders(PERPETUAL)) == 3


def test_ccxt_on_spot_with_stops(venue: Background) -> None:
    exchange = ccxt_client(venue.client)
    exchange.create_market_buy_order_with_cost(SPOT, 100)
    exchange.create_market_sell_order_with_cost(SPOT, 50)
    exchange.create_order(SPOT, "limit", "buy", 0.01, 50010, {"takeProfit": {"triggerPrice": 52000},
                                                              "stopLoss": {"triggerPrice": 48000}})  # fmt: skip
    pair = exchange.fetch_open_orders(SPOT)
    assert [(order["triggerPrice"], order["info"]["stopOrderType"]) for order in pair] in (
        [(52000, "OcoOrder"), (48000, "OcoOrder")],
        [(48000, "OcoOrder"), (52000, "OcoOrder")],
    )
    exchange.cancel_order(pair[0]["id"], SPOT, {"orderFilter": "tpslOrder"})
    assert exchange.fetch_open_orders(SPOT) == []  # the pair ends together
    exchange.create_order(SPOT, "market", "sell", 0.001, None, {"stopLossPrice": 49000})
    assert len(exchange.cancel_all_orders(SPOT, {"trigger": True})) <= 1


def test_ccxt_moves_coins(venue: Background) -> None:
    exchange = ccxt_client(venue.client)
    moved = exchange.transfer("USDT", 100, "unified", "fund")
    assert moved["id"] in [found["id"] for found in exchange.fetch_transfers("USDT")]
    assert exchange.fetch_balance({"type": "funding"})["USDT"]["total"] == 100
    exchange.transfer("USDT", 100, "fund", "unified")
    assert exchange.fetch_ledger("USDT")


def test_ccxt_pro_watches_a_whole_account(venue: Background) -> None:
    import ccxt.pro

    client = venue.client

    async def story() -> None:
        exchange = ccxt.pro.bybit(ccxt_options(client))
        exchange.urls["api"] = dict.fromkeys(("spot", "futures", "v2", "public", "private"), client.rest)
        private = client.ws + "/v5/private"
        exchange.urls["api"]["ws"] = {
            "public": {name: f"{client.ws}/v5/public/{name}" for name in ("spot", "linear", "inverse", "option")},
            "private": {"spot": {"unified": private, "nonUnified": private}, "contract": private, "usdc": private,
                        "trade": client.ws + "/v5/trade"},
        }  # fmt: skip
        try:
            async with asyncio.timeout(20):
                await _watch(exchange)
        finally:
            await exchange.close()

    async def _watch(exchange: Any) -> None:
        sol = "SOL/USDT:USDT"
        assert (await exchange.watch_bids_asks([sol]))[sol]["bid"] == 149.99
        candles = asyncio.create_task(exchange.watch_ohlcv(sol, "1m"))
        liquidations = asyncio.create_task(exchange.watch_liquidations(sol))
        orders = asyncio.create_task(exchange.watch_orders(sol))
        await asyncio.sleep(0.5)
        # a conditional order is told waiting, changed over the socket, and ends deactivated
        waiting = await exchange.create_order_ws(sol, "limit", "buy", 1, 160, {
            "triggerPrice": 155, "triggerDirection": "ascending"})  # fmt: skip
        assert (await orders)[-1]["triggerPrice"] == 155
        orders = asyncio.create_task(exchange.watch_orders(sol))
        await exchange.cancel_order_ws(waiting["id"], sol)
        assert (await orders)[-1]["status"] == "canceled"
        fills = asyncio.create_task(exchange.watch_my_trades(sol))
        await asyncio.sleep(0.2)
        await exchange.create_order_ws(sol, "market", "buy", 10)
        assert (await fills)[-1]["amount"] == 10
        assert (await candles)[-1][4] > 0
        liquidations.cancel()

    asyncio.run(story())


def test_pybit_with_sub_accounts_keys_and_transfers(venue: Background) -> None:
    http = pybit_client(venue.client)
    member = http.create_sub_uid(username="second-desk", memberType=1)["result"]["uid"]
    rights = {"Spot": ["SpotTrade"], "ContractTrade": ["Order", "Position"], "Wallet": ["AccountTransfer"]}
    key = http.create_sub_api_key(subuid=int(member), readOnly=0, permissions=rights)["result"]
    transfer = {"transferId": str(uuid.uuid4()), "coin": "USDT", "amount": "500", "fromMemberId": venue.client.uid,
                "toMemberId": int(member), "fromAccountType": "UNIFIED", "toAccountType": "UNIFIED"}  # fmt: skip
    assert http.create_universal_transfer(**transfer)["result"]["status"] == "SUCCESS"
    assert http.get_universal_transfer_records()["result"]["list"][0]["transferId"] == transfer["transferId"]
    assert member in http.get_sub_uid_list(pageSize="10", nextCursor="0")["result"]["subMembers"][0]["uid"]
    # when the sub-account trades with its own key
    own = type(http)(testnet=False, api_key=key["apiKey"], api_secret=key["secret"])
    own.endpoint = venue.client.rest
    own.place_order(category="linear", symbol="BTCUSDT", side="Buy", orderType="Market", qty="0.01")
    # then it has what it did, and the main account has not
    assert len(own.get_executions(category="linear")["result"]["list"]) == 1
    held = own.get_wallet_balance(accountType="UNIFIED", coin="USDT")["result"]["list"][0]
    assert 499 < float(held["coin"][0]["walletBalance"]) < 500
    assert http.get_api_key_information()["result"]["isMaster"] is True
    http.modify_sub_api_key(apikey=key["apiKey"], readOnly=1)
    with pytest.raises(Exception, match="10005"):
        own.place_order(category="linear", symbol="BTCUSDT", side="Sell", orderType="Market", qty="0.01")
    http.delete_sub_api_key(apikey=key["apiKey"])


def test_pybit_with_stops_batches_and_settings(venue: Background) -> None:
    http = pybit_client(venue.client)
    eth: dict[str, Any] = {"category": "linear", "symbol": "ETHUSDT"}
    http.place_order(**eth, side="Buy", orderType="Market", qty="1")
    half = {"tpslMode": "Partial", "tpSize": "0.5", "slSize": "0.5", "positionIdx": 0}
    http.set_trading_stop(**eth, **half, takeProfit="3200", stopLoss="2900", tpOrderType="Limit", tpLimitPrice="3190",
                          slOrderType="Market")  # fmt: skip
    http.set_trading_stop(**eth, trailingStop="50", activePrice="3100", positionIdx=0)
    stops = http.get_open_orders(**eth, orderFilter="tpslOrder")["result"]["list"]
    assert sorted((order["stopOrderType"], order["qty"]) for order in stops) == [
        ("PartialStopLoss", "0.50"), ("PartialTakeProfit", "0.50"), ("TrailingStop", "1.00")
    ]  # fmt: skip
    http.place_order(**eth, side="Sell", orderType="Market", qty="1", reduceOnly=True)
    assert http.get_open_orders(**eth)["result"]["list"] == []
    order = {"symbol": "ETHUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.1"}
    made = http.place_batch_order(category="linear", request=[order | {"price": str(2900 + n)} for n in range(2)])
    ids = [row["orderId"] for row in made["result"]["list"]]
    changed = http.amend_batch_order(category="linear", request=[
        {"symbol": "ETHUSDT", "orderId": each, "qty": "0.2"} for each in ids])  # fmt: skip
    assert [row["code"] for row in changed["retExtInfo"]["list"]] == [0, 0]
    ended = http.cancel_batch_order(category="linear", request=[
        {"symbol": "ETHUSDT", "orderId": each} for each in [*ids, "no"]])  # fmt: skip
    assert [row["code"] for row in ended["retExtInfo"]["list"]] == [0, 0, 110001]
    assert http.set_dcp(timeWindow=40)["retCode"] == 0
    assert http.query_dcp_info()["result"]["dcpInfos"][0]["timeWindow"] == "40"
    assert http.pre_check_order(**eth, side="Buy", orderType="Limit", qty="0.1", price="2900")["retCode"] == 0
    with pytest.raises(Exception, match="110043"):
        http.set_leverage(**eth, buyLeverage="10", sellLeverage="10")


def test_pybit_hears_a_whole_account_and_trades_over_its_socket(
    venue: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pybit._websocket_trading
    import pybit.unified_trading as unified

    client = venue.client
    monkeypatch.setattr(unified, "PUBLIC_WSS", client.ws + "/v5/public/{CHANNEL_TYPE}")
    monkeypatch.setattr(unified, "PRIVATE_WSS", client.ws + "/v5/private")
    monkeypatch.setattr(pybit._websocket_trading, "TRADE_WSS", client.ws + "/v5/trade")
    heard: dict[str, list[Any]] = {name: [] for name in (
        "order", "execution", "execution.fast", "position", "wallet", "tickers", "kline", "priceLimit", "answers"
    )}  # fmt: skip
    public = unified.WebSocket(testnet=False, channel_type="linear")
    private = unified.WebSocket(testnet=False, channel_type="private", api_key=client.key, api_secret=client.secret)
    trading = unified.WebSocketTrading(testnet=False, api_key=client.key, api_secret=client.secret)
    try:
        public.ticker_stream("BTCUSDT", heard["tickers"].append)
        public.kline_stream(1, "BTCUSDT", heard["kline"].append)
        public.price_limit_stream("BTCUSDT", heard["priceLimit"].append)
        private.order_stream(heard["order"].append)
        private.execution_stream(heard["execution"].append)
        private.fast_execution_stream(heard["execution.fast"].append)
        private.position_stream(heard["position"].append)
        private.wallet_stream(heard["wallet"].append)
        sessions = client.sandbox.streams.sessions
        wait(lambda: sum(len(session.topics) for session in sessions.values()) == 8)
        btc = {"category": "linear", "symbol": "BTCUSDT"}
        trading.place_order(heard["answers"].append, **btc, side="Buy", orderType="Market", qty="0.01")
        wait(lambda: all(heard[name] for name in heard if name not in ("tickers", "kline", "priceLimit")))
        assert heard["position"][-1]["data"][0]["entryPrice"]
        assert heard["execution.fast"][0]["data"][0]["execQty"] == "0.010"
        order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "48000"}
        trading.place_batch_order(heard["answers"].append, category="linear", request=[order] * 2)
        wait(lambda: len(heard["answers"]) == 2)
        ids = [row["orderId"] for row in heard["answers"][1]["data"]["list"]]
        trading.amend_order(heard["answers"].append, **btc, orderId=ids[0], price="48001")
        wait(lambda: len(heard["answers"]) == 3)
        trading.cancel_batch_order(heard["answers"].append, category="linear", request=[
            {"symbol": "BTCUSDT", "orderId": each} for each in ids])  # fmt: skip
        wait(lambda: len(heard["answers"]) == 4)
        assert [row["code"] for row in heard["answers"][3]["retExtInfo"]["list"]] == [0, 0]
        wait(lambda: heard["tickers"] and heard["kline"] and heard["priceLimit"])
    finally:
        for socket in (public, private, trading):
            socket.exit()
