"""The rule of `touch_rule` on ccxt.pro, unmodified but for its address, run by that peer's own Python until SIGTERM.

python -m benchmarks.peer_latency_ccxt HOST:PORT KEY SECRET STAMPS.json
"""

import asyncio
import signal
import sys
from typing import Any

import ccxt.pro
from aiohttp import ClientWebSocketResponse
from ccxt.async_support.base.ws.client import Client

from benchmarks.touch_rule import AWAY_TICKS, DEPTH, QUANTITY, TICK, Stamps

SYMBOL = "BTC/USDT:USDT"

host, key, secret, stamps_file = sys.argv[1:5]
stamps = Stamps()
handle_message, send_str = Client.handle_message, ClientWebSocketResponse.send_str


def hear(client: Any, message: Any) -> None:
    """The seam where a frame leaves the socket's library."""
    if "/public/" in client.url:
        stamps.heard()
    handle_message(client, message)


async def send(socket: Any, text: str, *words: Any) -> None:
    """The seam where a text is given to it."""
    if '"order.' not in text:
        await send_str(socket, text, *words)
        return
    stamps.encoded()
    await send_str(socket, text, *words)
    stamps.written(text)


Client.handle_message, ClientWebSocketResponse.send_str = hear, send


def exchange() -> Any:
    """A client of the sandbox."""
    client = ccxt.pro.bybit({"apiKey": key, "secret": secret, "enableRateLimit": False})  # it would wait 20 ms
    rest, ws = f"http://{host}", f"ws://{host}"
    client.urls["api"] = dict.fromkeys(("spot", "futures", "v2", "public", "private"), rest)
    private = f"{ws}/v5/private"
    client.urls["api"]["ws"] = {
        "public": {name: f"{ws}/v5/public/{name}" for name in ("spot", "linear", "inverse", "option")},
        "private": {
            "spot": {"unified": private, "nonUnified": private},
            "contract": private,
            "usdc": private,
            "trade": f"{ws}/v5/trade",
        },
    }
    return client


async def follow(client: Any) -> None:
    """Place at the first book, then amend."""
    await client.load_markets()
    away, best, order = AWAY_TICKS * float(TICK), 0.0, None
    while True:
        book = await client.watch_order_book(SYMBOL, DEPTH)
        if book["bids"][0][0] == best:
            continue
        best = book["bids"][0][0]
        words = (SYMBOL, "limit", "buy", float(QUANTITY), best - away)
        if order is None:
            order = await client.create_order_ws(*words, {"postOnly": True})
        else:
            await client.edit_order_ws(order["id"], *words)


async def main() -> None:
    """Until somebody says stop."""
    client, stop = exchange(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    following = asyncio.create_task(follow(client))
    await asyncio.wait({following, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    following.cancel()
    await client.close()
    stamps.save(stamps_file)
    if not stop.is_set():
        await following


asyncio.run(main())
