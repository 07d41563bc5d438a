"""A venue in memory that takes orders over HTTP and misbehaves by a seed: written from the protocol, not from our code.

It verifies signatures over the bytes it received, keeps its own clock, counts its limits, and remembers everything.
"""

import asyncio
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx

KEY, SECRET = "CANARYKEY7h2", "CANARYSECRET9q4"
START_MS = 1_767_268_800_000

FAULTS = (
    "no connection", "lost before", "lost after", "late", "error after", "500 before", "502 after", "cut off", "busy",
    "not json", "429", "slow",
)  # fmt: skip


@dataclass
class Order:
    link_id: str
    order_id: str
    row: dict[str, Any]
    status: str = "New"


@dataclass
class BybitVenue:
    """`fault` names what goes wrong with the next request, "" for nothing."""

    fault: Callable[[str], str] = lambda path: ""
    offset_ms: float = 0.0
    """The venue's clock less the loop's."""
    per_second: int = 10
    instant: bool = False
    orders: dict[str, Order] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    """Link ids of every create that became an order."""
    asked: list[str] = field(default_factory=list)
    rejects: dict[str, tuple[int, str]] = field(default_factory=dict)
    permissions: dict[str, list[str]] = field(default_factory=lambda: {"Spot": ["SpotTrade"], "Wallet": []})
    reached: dict[str, list[float]] = field(default_factory=dict)
    most_in_a_second: int = 0
    later: set[asyncio.Task[Any]] = field(default_factory=set)
    executions: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)

    def now_ms(self) -> int:
        return int(START_MS + asyncio.get_running_loop().time() * 1_000 + self.offset_ms)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(f"{request.method} {request.url.host} {path}")
        assert KEY not in str(request.url)
        fault = self.fault(path)
        if fault == "no connection":
            raise httpx.ConnectError("nobody there")
        await asyncio.sleep(0.01)
        if fault == "lost before":
            raise httpx.ReadTimeout("nothing came back")
        if fault == "500 before":
            return httpx.Response(500, text="oops")
        if fault == "429":
            return httpx.Response(429, text="slow down")
        if fault == "busy":
            return self.answer(10006, "Too many visits!", reset_ms=self.now_ms() + 300)
        if fault == "late":
            task = asyncio.create_task(self.do_later(request, path))
            self.later.add(task)
            raise httpx.ReadTimeout("nothing came back")
        if fault == "slow":
            await asyncio.sleep(0.8)
        answer = self.do(request, path)
        await asyncio.sleep(0.01)
        if fault == "lost after":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if fault == "error after":
            return self.answer(10016, "Server error.")
        if fault == "502 after":
            return httpx.Response(502, text="<html>bad gateway</html>")
        if fault == "cut off":
            return httpx.Response(200, content=answer.content[: len(answer.content) // 2])
        if fault == "not json":
            return httpx.Response(200, content=b"\xff\xfe")
        return answer

    async def do_later(self, request: httpx.Request, path: str) -> None:
        await asyncio.sleep(2.0)
        self.do(request, path)

    def do(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/v5/market/time":
            nano = self.now_ms() * 1_000_000
            return self.answer(0, "OK", {"timeSecond": str(nano // 10**9), "timeNano": str(nano)})
        refused = self.check(request)
        if refused is not None:
            return refused
        if request.method == "GET":
            query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
            return self.question(path, query)
        self.count(path)
        return self.change(path, json.loads(request.content))

    def check(self, request: httpx.Request) -> httpx.Response | None:
        header = request.headers
        stamp, window = header["X-BAPI-TIMESTAMP"], header["X-BAPI-RECV-WINDOW"]
        payload = request.url.query if request.method == "GET" else request.content
        text = f"{stamp}{header['X-BAPI-API-KEY']}{window}".encode() + payload
        if hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest() != header["X-BAPI-SIGN"]:
            return self.answer(10004, "error sign!")
        if not self.now_ms() - int(window) <= int(stamp) < self.now_ms() + 1_000:
            return self.answer(10002, "invalid request, please check your server timestamp or recv_window param")
        return None

    def count(self, path: str) -> None:
        now = asyncio.get_running_loop().time()
        times = self.reached.setdefault(path, [])
        times.append(now)
        self.most_in_a_second = max(self.most_in_a_second, sum(at > now - 1.0 for at in times))

    def question(self, path: str, query: dict[str, str]) -> httpx.Response:
        if path == "/v5/user/query-api":
            return self.answer(0, "", {"readOnly": 0, "permissions": self.permissions})
        if path == "/v5/account/wallet-balance":
            coins = [{"coin": "USDT", "walletBalance": "1000"}]
            return self.answer(0, "OK", {"list": [{"accountType": "UNIFIED", "coin": coins}]})
        rows: list[dict[str, Any]] = []
        link_id = query.get("orderLinkId", "")
        if path in ("/v5/order/realtime", "/v5/order/history"):
            known = [order for order in self.orders.values() if not link_id or order.link_id == link_id]
            rows = [self.order_row(one) for one in known if link_id or one.status == "New"]
        elif path == "/v5/execution/list":
            since = int(query.get("startTime", 0))
            rows = [
                row
                for row in self.executions
                if (not link_id or row["orderLinkId"] == link_id) and int(row["execTime"]) >= since
            ]
        elif path == "/v5/position/list":
            rows = self.positions
        return self.answer(0, "OK", {"category": query["category"], "list": rows, "nextPageCursor": ""})

    def change(self, path: str, said: dict[str, Any]) -> httpx.Response:
        link_id = said.get("orderLinkId", "")
        if path == "/v5/order/cancel-all":
            for one in self.orders.values():
                one.status = "Cancelled"
            return self.answer(0, "OK", {"list": [], "success": "1"})
        if path == "/v5/order/create":
            if link_id in self.rejects:
                return self.answer(*self.rejects[link_id])
            if link_id in self.orders:
                return self.answer(110072, "OrderLinkedID is duplicate")
            self.orders[link_id] = Order(link_id, f"id-{len(self.orders)}", said)
            self.created.append(link_id)
        known = self.orders.get(link_id)
        if known is None or (path == "/v5/order/cancel" and known.status != "New"):
            return self.answer(110001, "order not exists or too late to cancel")
        if path == "/v5/order/cancel":
            known.status = "Cancelled"
        if path == "/v5/order/amend":
            known.row |= {name: said[name] for name in ("price", "triggerPrice", "qty") if name in said}
        return self.answer(0, "OK", {"orderId": known.order_id, "orderLinkId": link_id})

    def order_row(self, order: Order) -> dict[str, Any]:
        said, now = order.row, str(self.now_ms())
        return {
            "symbol": said["symbol"], "orderId": order.order_id, "orderLinkId": order.link_id, "side": said["side"],
            "orderType": said["orderType"], "price": said.get("price", ""), "qty": said["qty"], "cumExecQty": "0",
            "triggerPrice": said.get("triggerPrice", ""),
            "orderStatus": order.status, "cancelType": "CancelByUser" if order.status == "Cancelled" else "UNKNOWN",
            "rejectReason": "EC_NoError", "createdTime": now, "updatedTime": now,
        }  # fmt: skip

    def answer(self, code: int, words: str, result: Any = None, reset_ms: int = 0) -> httpx.Response:
        body = {"retCode": code, "retMsg": words, "result": result or {}, "retExtInfo": {}, "time": self.now_ms()}
        headers = {"X-Bapi-Limit-Reset-Timestamp": str(reset_ms)} if reset_ms else {}
        return httpx.Response(200, json=body, headers=headers)


def seeded_faults(seed: int, share: float = 0.5, lasting: int = 40) -> Callable[[str], str]:
    """Faults on a share of all requests, until so many have happened."""
    rng = random.Random(seed)
    left = [lasting]

    def fault(path: str) -> str:
        if path == "/v5/market/time" or left[0] <= 0 or rng.random() > share:
            return ""
        left[0] -= 1
        return rng.choice(FAULTS)

    return fault
