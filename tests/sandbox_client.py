"""A sandbox on a free port for tests, and a small client with signatures of its own."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from quintet.sandbox.clock import Clock
from quintet.sandbox.commands import Ghosts, GhostTrade
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.keys import KeyRing
from quintet.sandbox.money import quanta
from quintet.sandbox.server import Sandbox
from quintet.sandbox.service import Service

SYMBOLS = {"BTCUSDT": "50000", "ETHUSDT": "3000", "SOLUSDT": "150"}


def fill_books(service: Service) -> None:
    """Five deep levels on each side of every instrument, and one trade."""
    for market in list(service.state.markets.values()):
        instrument = market.instrument
        mid = quanta(SYMBOLS[instrument.symbol])
        lots = 20_000_000 * 10**8 // mid * instrument.lots_per_unit // 100
        levels = [(sign, mid - sign * n * instrument.tick, lots) for sign in (1, -1) for n in range(1, 6)]
        names = {"category": instrument.category, "symbol": instrument.symbol}
        service.do(Ghosts(levels=levels, snapshot=True, **names))
        service.do(GhostTrade(sign=1, price=mid + instrument.tick, lots=lots // 100, **names))


class Client:
    """Signs as the documentation says; nothing of it is shared with the server."""

    def __init__(self, sandbox: Sandbox, port: int, http: aiohttp.ClientSession) -> None:
        self.sandbox, self.port, self.http = sandbox, port, http
        self.rest = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"
        key = sandbox.service.default_key()
        self.key, self.secret, self.uid = key.key, key.secret, key.uid
        self.headers: Any = {}
        self.status = 0
        self.window = "5000"
        self.offset_ms = 0

    def _signed(self, payload: str) -> dict[str, str]:
        stamp = str(int(time.time() * 1000) + self.offset_ms)
        sign = hmac.new(self.secret.encode(), (stamp + self.key + self.window + payload).encode(), hashlib.sha256)
        return {
            "X-BAPI-API-KEY": self.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": self.window,
            "X-BAPI-SIGN": sign.hexdigest(),
        }

    async def get(self, path: str, signed: bool = True, **params: Any) -> dict[str, Any]:
        query = "&".join(f"{name}={value}" for name, value in params.items())
        headers = self._signed(query) if signed else {}
        return await self._ask("GET", f"{path}?{query}" if query else path, headers)

    async def post(self, path: str, **fields: Any) -> dict[str, Any]:
        body = json.dumps(fields)
        return await self._ask("POST", path, self._signed(body) | {"Content-Type": "application/json"}, body)

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> dict[str, Any]:
        from yarl import URL

        url = URL(self.rest + path, encoded=True)
        async with self.http.request(method, url, data=body, headers=headers) as response:
            self.headers, self.status = response.headers, response.status
            found: dict[str, Any] = json.loads(await response.text())
            return found

    async def operate(self, path: str, fields: Any = None, method: str = "POST") -> dict[str, Any]:
        body = fields if isinstance(fields, str) else json.dumps(fields or {})
        async with self.http.request(method, f"{self.rest}/sandbox/{path}", data=body) as response:
            self.status = response.status
            found: dict[str, Any] = await response.json()
            return found

    @asynccontextmanager
    async def socket(self, path: str, auth: bool = False) -> AsyncIterator["Socket"]:
        async with self.http.ws_connect(self.ws + path) as found:
            socket = Socket(found)
            if auth:
                expires = int(time.time() * 1000) + 5000
                sign = hmac.new(self.secret.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
                await socket.send(op="auth", args=[self.key, expires, sign])
                answer = await socket.next()
                assert answer.get("success") is True or answer.get("retCode") == 0, answer
            yield socket


class Socket:
    """A socket that keeps everything it has heard."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def send(self, **fields: Any) -> None:
        await self.socket.send_str(json.dumps(fields))

    async def next(self, wait_s: float = 2.0) -> dict[str, Any]:
        message = await self.socket.receive(timeout=wait_s)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"the socket ended: {message.type} {message.data}")
        found: dict[str, Any] = json.loads(message.data)
        self.heard.append(found)
        return found

    async def until(self, wanted: Any, wait_s: float = 2.0) -> dict[str, Any]:
        async with asyncio.timeout(wait_s):
            while True:
                found = await self.next(wait_s)
                if wanted(found):
                    return found

    async def subscribe(self, *topics: str) -> dict[str, Any]:
        await self.send(op="subscribe", req_id="s", args=list(topics))
        return await self.until(lambda frame: frame.get("op") == "subscribe")


@asynccontextmanager
async def sandbox_client(rate_scale: float = 0, clock: Clock | None = None) -> AsyncIterator[Client]:
    """A running sandbox with full books, and its client; without rate limits unless asked."""
    service = Service(Exchange(), clock or Clock(), KeyRing())
    fill_books(service)
    sandbox = Sandbox(service, rate_scale=rate_scale)
    async with sandbox.serving() as port, aiohttp.ClientSession() as http:
        yield Client(sandbox, port, http)
