"""A sandbox in a thread of its own, and the real clients that are pointed at it."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from quintet.sandbox.commands import GhostTrade
from quintet.sandbox.money import quanta
from tests.sandbox_client import Client, sandbox_client


class Background:
    """A sandbox in a thread of its own, for clients that block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.client: Client = self._wait(self._stack.enter_async_context(sandbox_client()))

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def do(self, work: Callable[[], Any]) -> Any:
        async def inside() -> Any:
            return work()

        return self._wait(inside())

    def trade(self, symbol: str, sign: int, price: str, lots: int, category: str = "linear") -> None:
        command = GhostTrade(category=category, symbol=symbol, sign=sign, price=quanta(price), lots=lots)
        self.do(lambda: self.client.sandbox.service.do(command))

    def stop(self) -> None:
        self._wait(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def wait(ready: Callable[[], Any], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.02)


def ccxt_options(client: Client) -> dict[str, Any]:
    return {"apiKey": client.key, "secret": client.secret, "enableRateLimit": False}


def ccxt_client(client: Client) -> Any:
    """ccxt with the sandbox's key and addresses."""
    import ccxt

    exchange = ccxt.bybit(ccxt_options(client))
    exchange.urls["api"] = dict.fromkeys(("spot", "futures", "v2", "public", "private"), client.rest)
    return exchange


def pybit_client(client: Client, **options: Any) -> Any:
    """pybit over REST with the sandbox's key and address."""
    from pybit.unified_trading import HTTP

    http = HTTP(testnet=False, api_key=client.key, api_secret=client.secret, **options)
    http.endpoint = client.rest
    return http
