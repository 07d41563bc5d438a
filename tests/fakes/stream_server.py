"""A local stand-in for a venue's public stream, its instruments and books, on one port, that misbehaves on demand.

A connection is subscribed to and then plays its script: frames, or one of the things that go wrong.
"""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

END = {"topic": "the end"}
"""The last frame of a recording that is to be stopped by its test."""


NO_SYMBOL = {"code": -1121, "msg": "Invalid symbol."}
BINANCE_LISTED = {
    "symbol": "BTCUSDT",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "stepSize": "0.00100000", "minQty": "0.00100000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
    ],
}


class Do(NamedTuple):
    """Something that goes wrong: `close`, `abort` (no goodbye), `half open` (hears and says nothing), `wait`."""

    what: str
    seconds: float = 0.0


Step = dict[str, Any] | str | Do


class StreamServer:
    """What the connections play. `scripts`: one a connection, the last one again and again. `heard`: what was sent."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self.scripts = list(scripts)
        self.renewal: Sequence[Step] = ()
        self.refuses: set[str] = set()
        self.answers = True
        self.status = 200
        self.listed: list[dict[str, Any]] = [listed()]
        self.heard: list[dict[str, Any]] = []
        self.connections = 0
        self.books: list[dict[str, Any]] = []
        self.asked = 0
        self.url = ""

    async def talk(self, socket: ServerConnection) -> None:
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        self.connections += 1
        playing: asyncio.Task[None] | None = None
        assert socket.request is not None
        if socket.request.path.startswith("/stream"):
            playing = asyncio.create_task(play(socket, script))
        try:
            async for text in socket:
                asked = json.loads(text)
                self.heard.append(asked)
                if "op" not in asked:
                    await socket.send(json.dumps({"result": [], "id": asked["id"]}))
                    continue
                await self._answer(socket, asked)
                if asked["op"] == "subscribe" and asked["req_id"].endswith("again"):
                    await play(socket, self.renewal)
                elif asked["op"] == "subscribe" and playing is None:
                    playing = asyncio.create_task(play(socket, script))
        except ConnectionClosed:
            pass
        finally:
            if playing is not None:
                playing.cancel()

    async def _answer(self, socket: ServerConnection, asked: dict[str, Any]) -> None:
        if not self.answers:
            return
        refused = self.refuses & set(asked.get("args", []))
        said = f"error:handler not found,topic:{','.join(sorted(refused))}" if refused else asked["op"]
        answer = {"success": not refused, "ret_msg": said, "conn_id": "x", "op": asked["op"]}
        await socket.send(json.dumps(answer | {"req_id": asked["req_id"]}))

    def respond(self, socket: ServerConnection, request: Any) -> Any:
        """Plain HTTP: the list of instruments; None lets the request become a stream."""
        parts = urlsplit(request.path)
        if parts.path in ("/v5/public/linear", "/stream"):
            return None if self.status == 200 else socket.respond(self.status, "no")
        symbol = dict(parse_qsl(parts.query))["symbol"]
        if parts.path == "/api/v3/exchangeInfo":
            known = symbol == BINANCE_LISTED["symbol"]
            return socket.respond(
                200 if known else 400, json.dumps({"symbols": [BINANCE_LISTED]} if known else NO_SYMBOL)
            )
        if parts.path == "/api/v3/depth":
            self.asked += 1
            return socket.respond(*((200, json.dumps(self.books.pop(0))) if self.books else (503, "busy")))
        found = [each for each in self.listed if each["symbol"] == symbol]
        reply = {"retCode": 0, "retMsg": "OK", "result": {"list": found}, "retExtInfo": {}, "time": 1}
        return socket.respond(200, json.dumps(reply))


async def play(socket: ServerConnection, script: Sequence[Step]) -> None:
    for step in script:
        if not isinstance(step, Do):
            await socket.send(step if isinstance(step, str) else json.dumps(step))
        elif step.what == "wait":
            await asyncio.sleep(step.seconds)
        elif step.what == "close":
            await socket.close()
        elif step.what == "abort":
            socket.transport.abort()
        else:
            socket.transport.pause_reading()


def listed(
    symbol: str = "BTCUSDT", tick: str = "0.10", lot: str = "0.001", base: str = "BTC", quote: str = "USDT"
) -> dict[str, Any]:
    """An instrument as the venue lists it."""
    return {
        "symbol": symbol,
        "baseCoin": base,
        "quoteCoin": quote,
        "priceFilter": {"tickSize": tick},
        "lotSizeFilter": {"qtyStep": lot, "minOrderQty": "0", "minNotionalValue": "0"},
    }


@contextmanager
def serving(served: StreamServer) -> Iterator[StreamServer]:
    """The server on a thread of its own, on a free port."""
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def run() -> None:
        async with serve(
            served.talk, "127.0.0.1", 0, process_request=served.respond, ping_interval=None, close_timeout=0.1
        ) as server:
            served.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            ready.set()
            await over.wait()

    def until_over() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(run())
        loop.run_until_complete(end(asyncio.all_tasks(loop)))

    async def end(left: set[asyncio.Task[Any]]) -> None:
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def give_up() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    thread = threading.Thread(target=until_over, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(2)
        if thread.is_alive():  # a client that has failed has not said goodbye
            loop.call_soon_threadsafe(give_up)
            thread.join(10)
        loop.close()


# ---- frames ------------------------------------------------------------------------------------------------------


def book(
    u: int, bids: Sequence[tuple[str, str]] = (), asks: Sequence[tuple[str, str]] = (), *, snapshot: bool = False,
    symbol: str = "BTCUSDT",
) -> dict[str, Any]:  # fmt: skip
    """A depth message, 10 ms after the one before it."""
    ms = 1_700_000_000_000 + 10 * u
    return {
        "topic": f"orderbook.200.{symbol}",
        "type": "snapshot" if snapshot else "delta",
        "ts": ms + 2,
        "data": {"s": symbol, "b": [list(pair) for pair in bids], "a": [list(pair) for pair in asks], "u": u, "seq": u},
        "cts": ms,
    }


def whole_book(u: int, symbol: str = "BTCUSDT") -> dict[str, Any]:
    """A snapshot of two levels a side."""
    bids, asks = [("100.0", "5.000"), ("99.9", "7.000")], [("100.1", "4.000"), ("100.2", "6.000")]
    return book(u, bids, asks, snapshot=True, symbol=symbol)


def printed(u: int, *, buy: bool = True, size: str = "1.000", symbol: str = "BTCUSDT") -> dict[str, Any]:
    """A trade at the touch, at the time of depth message `u`."""
    ms = 1_700_000_000_000 + 10 * u
    price, side = ("100.1", "Buy") if buy else ("100.0", "Sell")
    trade = {"T": ms, "s": symbol, "S": side, "v": size, "p": price, "i": f"id-{u}", "BT": False, "seq": u}
    return {"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": ms + 1, "data": [trade]}


def a_feed(count: int, first: int = 1, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
    """A snapshot and changes of the touch, with a trade at every third."""
    frames = [whole_book(first, symbol)]
    for u in range(first + 1, first + count):
        lots = f"{1 + u % 9}.{u % 1000:03d}"
        frames.append(book(u, [("100.0", lots)], [("100.2", lots)] if u % 2 else [], symbol=symbol))
        if u % 3 == 0:
            frames.append(printed(u, buy=u % 2 == 0, symbol=symbol))
    return frames
