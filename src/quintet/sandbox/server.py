"""The sandbox on a port: REST, all sockets and the operator's own paths, in front of one running exchange."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from aiohttp import web

from quintet.core.errors import ConfigError
from quintet.sandbox.bybit_v5.access import signed_key
from quintet.sandbox.bybit_v5.envelope import Reply
from quintet.sandbox.bybit_v5.pacing import Pacing
from quintet.sandbox.bybit_v5.params import Params, json_fields
from quintet.sandbox.bybit_v5.routes import ROUTES, Route, answer
from quintet.sandbox.bybit_v5.streams import Streams
from quintet.sandbox.commands import GhostTrade, Pass
from quintet.sandbox.faults import Fault, Faults
from quintet.sandbox.market_flow import MarketFlow
from quintet.sandbox.operator import Operator
from quintet.sandbox.orders import OPEN
from quintet.sandbox.refusal import Refused
from quintet.sandbox.service import Service
from quintet.sandbox.wire import Connection

ADDRESS_REQUESTS_MAX, ADDRESS_WINDOW_MS = 600, 5000
CONNECTIONS_NEW_MAX, CONNECTIONS_WINDOW_MS, CONNECTIONS_OPEN_MAX = 500, 300_000, 1000
TICK_S, BUSY_S = 0.02, 0.05
PUBLIC_CATEGORIES = ("spot", "linear", "inverse", "option")
NEVER_S = 3600.0


class Sandbox:
    """Everything that serves one exchange."""

    def __init__(self, service: Service, faults: Faults | None = None, rate_scale: float = 1.0) -> None:
        self.service = service
        self.faults = faults if faults is not None else Faults()
        self.pacing = Pacing(rate_scale)
        self.streams = Streams(service, self.pacing)
        self.operator = Operator(service, self.faults, self.streams)
        self.flow: MarketFlow | None = None
        self.keep: Callable[[], None] = lambda: None
        self._numbers = itertools.count(1)

    def application(self) -> web.Application:
        """The web application, without a port yet."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/v5/public/{category}", self._public_socket)
        app.router.add_get("/v5/public/misc/status", self._status_socket)
        app.router.add_get("/v5/private", self._private_socket)
        app.router.add_get("/v5/trade", self._trade_socket)
        app.router.add_route("*", "/sandbox/{tail:.*}", self._operate)
        app.router.add_route("*", "/{tail:.*}", self.rest)
        return app

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
        """Serve on a port (0: any free one, which is given back) until the block ends."""
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                raise ConfigError(f"port {port} on {host}: expected a free one, found {error.strerror}") from None
            assert site._server is not None
            found: int = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
            tasks = [asyncio.create_task(self._tick()), asyncio.create_task(self.streams.repeat())]
            try:
                yield found
            finally:
                for task in tasks:
                    task.cancel()
                for session in list(self.streams.sessions.values()):
                    session.connection.abort()
        finally:
            await runner.cleanup()

    async def _tick(self) -> None:
        """Let time pass for the exchange, the market flow and the faults of the venue."""
        loop = asyncio.get_running_loop()
        while True:
            self.faults.now_s = loop.time()
            end_s = loop.time() + BUSY_S
            self.pass_time(lambda end_s=end_s: loop.time() > end_s)  # type: ignore[misc]
            for fault in self.faults.due():
                self.operator.strike(fault)
            self.keep()
            await asyncio.sleep(TICK_S)

    def pass_time(self, stop: Callable[[], bool] = lambda: False) -> None:
        """What is due by now: the market's flow, then time itself."""
        if self.flow is not None:
            self.flow.run(self.service.clock.due_ms(), stop=stop)
        self.service.do(Pass())

    # ---- REST ----

    async def rest(self, request: web.Request) -> web.StreamResponse:
        """One request, with the faults that strike it before and after it is done."""
        body = await request.read()
        path, _, query = request.raw_path.partition("?")
        self.faults.now_s = asyncio.get_running_loop().time()
        struck: dict[str, Fault] = {fault.kind: fault for fault in self.faults.on_request(path)}
        early = self._fail_before(struck)
        if early is not None:
            return self._response(early)
        if "lose_request" in struck:
            return await self._silence(request)
        if "slow_request" in struck:
            await asyncio.sleep(struck["slow_request"].delay_ms / 1000)
        if "partial_fill_on_cancel" in struck:
            self._fill_before_cancel(body)
        reply = self._reply(request.method, path, query, body, request)
        if "repeat_request" in struck:
            reply = self._reply(request.method, path, query, body, request)
        if "slow_answer" in struck:
            await asyncio.sleep(struck["slow_answer"].delay_ms / 1000)
        if "lose_answer" in struck:
            return await self._silence(request)
        if "internal_error" in struck:
            reply = Reply(10016, "Server error.")
        return self._response(reply, truncate="truncate_answer" in struck)

    def _fail_before(self, struck: dict[str, Fault]) -> Reply | None:
        if "too_many_requests" in struck:
            return Reply(429, "System level frequency protection.", status=429)
        if "ip_banned" in struck:
            return Reply(403, "access too frequent", status=403)
        if "server_error" in struck:
            return Reply(502, "Bad Gateway", status=502)
        if "maintenance" in struck:
            return Reply(10016, "Service is under maintenance.", status=503)
        if "rate_limited" in struck:
            reset = self.service.clock.wall_ms() + struck["rate_limited"].delay_ms
            headers = {
                "X-Bapi-Limit": "10",
                "X-Bapi-Limit-Status": "0",
                "X-Bapi-Limit-Reset-Timestamp": str(reset),
            }
            return Reply(10006, "Too many visits. Exceeded the API Rate Limit.", headers=headers)
        return None

    def _fill_before_cancel(self, body: bytes) -> None:
        """The race that every desk must survive: half of the order trades just before its cancel arrives."""
        try:
            params = Params(json_fields(body))
        except ValueError:
            return
        wanted = params.text("orderId"), params.text("orderLinkId")
        for order in self.service.state.orders.values():
            if (
                order.status in OPEN
                and order.is_resting
                and (order.order_id == wanted[0] or order.link_id == wanted[1] != "")
            ):
                category, _, symbol = order.key.partition(":")
                ahead = self.service.venue.books[order.key].matchable(-order.sign, order.price)
                lots = ahead - order.left + max(1, order.left // 2)
                trade = GhostTrade(
                    category=category, symbol=symbol, sign=-order.sign, price=order.price, lots=max(1, lots)
                )
                self.service.do(trade)
                return

    @staticmethod
    async def _silence(request: web.Request) -> web.StreamResponse:
        """No answer; the line is cut when the other side has waited long enough to give up."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)

    def _reply(self, method: str, path: str, query: str, body: bytes, request: web.Request) -> Reply:
        address = request.remote or ""
        rate = self.pacing.rate(ADDRESS_REQUESTS_MAX, ADDRESS_WINDOW_MS, "address", address)
        if not rate.spend(self.service.clock.wall_ms(), 1):
            return Reply(403, "access too frequent", status=403)
        if method not in ROUTES:
            return Reply(10001, "Request method is not supported", status=400)
        if not path.startswith("/v5/"):
            return Reply(10017, "Request path not found", status=404)
        name = path.removeprefix("/v5/").rstrip("/")
        route = ROUTES[method].get(name)
        if route is None:
            return Reply(10017, "Request path not found")
        if method == "GET" and body:
            return Reply(403, "GET with a body", status=403)
        return self._authorized(route, name, query if method == "GET" else body.decode("utf-8", "replace"), request)

    def _authorized(self, route: Route, name: str, payload: str, request: web.Request) -> Reply:
        address = request.remote or ""
        key = None
        if route.right:
            try:
                key = signed_key(self.service.keys, self.service.clock, request.headers, payload, address)
            except Refused as refused:
                return Reply(refused.refusal.code, refused.refusal.message)
        if request.method == "GET":
            params = Params(dict(parse_qsl(payload, keep_blank_values=True)))
        else:
            try:
                params = Params(json_fields(payload.encode()))
            except ValueError:
                return Reply(10001, "Request body is not a JSON object", status=400)
        return answer(self.service, self.pacing, name, route, params, key)

    def _response(self, reply: Reply, truncate: bool = False) -> web.Response:
        body = reply.rest(self.service.clock.said_ms())
        if truncate:
            body = body[: len(body) // 2]
        headers = reply.headers | {"Traceid": f"{next(self._numbers):032x}"}
        return web.Response(body=body, status=reply.status, content_type="application/json", headers=headers)

    # ---- sockets ----

    async def _socket(self, request: web.Request, kind: str, category: str = "") -> web.StreamResponse:
        idle_s = _idle_seconds(request.query.get("max_active_time", ""))
        socket = web.WebSocketResponse(autoping=False, max_msg_size=1 << 20)
        if not socket.can_prepare(request):
            return self._response(Reply(10001, "expected a WebSocket", status=400))
        if not self._may_connect(request.remote or "", kind, category):
            return self._response(Reply(403, "too many connections", status=403))
        await socket.prepare(request)
        name = f"{kind[:2]}{next(self._numbers):08x}"
        await self.streams.run(Connection(socket, request, self.faults, name), kind, category, idle_s)
        return socket

    def _may_connect(self, address: str, kind: str, category: str) -> bool:
        """The venue's limits on connections: how many are new, and how many are open for one product's market data."""
        rate = self.pacing.rate(CONNECTIONS_NEW_MAX, CONNECTIONS_WINDOW_MS, "connections", address)
        if not rate.spend(self.service.clock.wall_ms(), 1):
            return False
        there = sum(
            found.kind == kind == "public" and found.category == category and found.connection.address == address
            for found in self.streams.sessions.values()
        )
        return not self.pacing.scale or there < CONNECTIONS_OPEN_MAX

    async def _public_socket(self, request: web.Request) -> web.StreamResponse:
        category = request.match_info["category"]
        if category not in PUBLIC_CATEGORIES:
            return self._response(Reply(10017, "Request path not found", status=404))
        return await self._socket(request, "public", category)

    async def _status_socket(self, request: web.Request) -> web.StreamResponse:
        return await self._socket(request, "public", "status")

    async def _private_socket(self, request: web.Request) -> web.StreamResponse:
        return await self._socket(request, "private")

    async def _trade_socket(self, request: web.Request) -> web.StreamResponse:
        return await self._socket(request, "trade")

    # ---- the operator ----

    async def _operate(self, request: web.Request) -> web.StreamResponse:
        """The operator's paths, for this machine only."""
        if request.remote not in ("127.0.0.1", "::1"):
            return web.json_response({"error": "expected a caller on this machine"}, status=403)
        body = await request.read()
        try:
            found = self.operator.do(request.method, request.match_info["tail"], body)
        except ConfigError as error:
            return web.json_response({"error": str(error)}, status=400)
        if not isinstance(found, dict):
            return await self._pieces(request, found)
        if request.match_info["tail"] == "advance":
            self.pass_time()
        return web.json_response(found, dumps=lambda value: json.dumps(value, separators=(",", ":")))

    @staticmethod
    async def _pieces(request: web.Request, pieces: Iterator[bytes]) -> web.StreamResponse:
        """A long answer; between its pieces the exchange goes on."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0)
        await response.write_eof()
        return response


def _idle_seconds(text: str) -> float:
    """`max_active_time` as seconds within the venue's bounds; its default when it is absent or unreadable."""
    number, unit = text[:-1], text[-1:]
    if unit not in ("s", "m") or not (number.isascii() and number.isdigit() and len(number) < 6):
        return 600.0
    return float(min(max(int(number) * (60 if unit == "m" else 1), 30), 600))
