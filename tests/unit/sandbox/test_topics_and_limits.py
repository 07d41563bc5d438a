"""Topics beside books and trades, and the limits on connections and requests."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from quintet.sandbox import server
from quintet.sandbox.bybit_v5 import streams
from quintet.sandbox.commands import SetPrices
from quintet.sandbox.money import quanta
from tests.sandbox_client import Client, sandbox_client


def run(story: Callable[[Client], Awaitable[None]], rate_scale: float = 0) -> None:
    async def told() -> None:
        async with sandbox_client(rate_scale) as client:
            await story(client)

    asyncio.run(told())


def test_price_limits_are_told_first_and_when_they_move() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear") as socket:
            await socket.subscribe("priceLimit.BTCUSDT")
            first = await socket.until(lambda frame: frame.get("topic") == "priceLimit.BTCUSDT")
            assert first["data"]["symbol"] == "BTCUSDT"
            client.sandbox.service.do(SetPrices(symbol="BTCUSDT", index=quanta("52000"), mark=quanta("52000")))
            moved = await socket.until(lambda frame: frame.get("topic") == "priceLimit.BTCUSDT")
            assert float(moved["data"]["buyLmt"]) > float(first["data"]["buyLmt"])

    run(story)


def test_what_concerns_a_coin_is_told_every_second() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear") as socket:
            await socket.subscribe("adlAlert.USDT", "insurance.USDT")
            for topic, key in (("adlAlert.USDT", "adl_tt"), ("insurance.USDT", "balance")):
                seen = [await socket.until(lambda frame, topic=topic: frame.get("topic") == topic) for _ in range(2)]  # type: ignore[misc]
                assert all(key in frame["data"][0] for frame in seen)
            await socket.send(op="subscribe", args=["adlAlert.DOGE"])
            assert (await socket.until(lambda frame: frame.get("op") == "subscribe"))["success"] is False

    run(story)


def test_the_status_of_the_system_has_a_connection_of_its_own() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/misc/status") as socket:
            assert (await socket.subscribe("system.status"))["success"] is True
            await socket.send(op="subscribe", args=["tickers.BTCUSDT"])
            assert (await socket.until(lambda frame: frame.get("op") == "subscribe"))["success"] is False
            await socket.send(op="ping")
            assert (await socket.next())["ret_msg"] == "pong"

    run(story)


def test_an_address_has_so_many_new_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_NEW_MAX", 2)

    async def story(client: Client) -> None:
        for _ in range(2):
            async with client.socket("/v5/public/linear"):
                pass
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with client.socket("/v5/public/linear"):
                pass

    run(story, rate_scale=1)


def test_an_address_has_so_many_open_connections_for_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_OPEN_MAX", 1)

    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear"), client.socket("/v5/public/spot"), client.socket("/v5/private"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                async with client.socket("/v5/public/linear"):
                    pass
        async with client.socket("/v5/public/linear"):
            pass

    run(story, rate_scale=1)


def test_an_address_has_so_many_requests_on_trade_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ADDRESS_ORDERS_MAX", 1)

    async def story(client: Client) -> None:
        async with client.socket("/v5/trade", auth=True) as socket:
            stamp = {"X-BAPI-TIMESTAMP": str(client.sandbox.service.clock.said_ms())}
            args = [{"category": "linear", "symbol": "BTCUSDT", "orderId": "no"}]
            codes = []
            for _ in range(2):
                await socket.send(op="order.cancel", header=stamp, args=args)
                codes.append((await socket.next())["retCode"])
            assert codes == [110001, 10403]

    run(story, rate_scale=1)


def test_a_client_that_never_pauses_leaves_others_their_turn() -> None:
    async def story(client: Client) -> None:
        async with client.socket("/v5/public/linear") as busy, client.socket("/v5/public/linear") as calm:
            # given more frames than are read at once, of which each takes its time
            for _ in range(400):
                await busy.send(op="ping")
            served: list[int] = []
            session = next(iter(client.sandbox.streams.sessions.values()))
            send = session.connection.send

            def counted(text: str, topic: str = "") -> None:
                served.append(len(served))
                send(text, topic)

            session.connection.send = counted  # type: ignore[method-assign]
            # when another one asks
            await calm.send(op="ping")
            await calm.next()
            # then it is answered before the first has been served to its end
            assert len(served) < 400

    run(story)
