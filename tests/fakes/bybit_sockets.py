"""The private and the trade socket of a `BybitVenue`, on real sockets, misbehaving by a seed."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.fakes.bybit_venue import KEY, SECRET, BybitVenue

FAULTS = (
    "no answer", "abort before", "abort after", "twice", "cut off", "other first", "10019", "10016 after", "late",
    "busy",
)  # fmt: skip


class BybitSockets:
    """`fault` names what goes wrong with the next order; `deaf`: hears everything and says nothing."""

    def __init__(self, venue: BybitVenue, fault: Callable[[str], str] = lambda op: "") -> None:
        self.venue = venue
        self.fault = fault
        self.url = ""
        self.deaf = False
        self.logins = 0
        self.private: set[ServerConnection] = set()
        self.open: set[ServerConnection] = set()

    async def talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        trade = socket.request.path == "/v5/trade"
        self.open.add(socket)
        loggedin = False
        try:
            async for text in socket:
                said = json.loads(text)
                if self.deaf:
                    continue
                if said["op"] == "auth":
                    loggedin = self._valid(said["args"])
                    self.logins += loggedin
                    code = {"retCode": 0 if loggedin else 10004, "retMsg": "OK" if loggedin else "error sign!"}
                    await self._say(socket, {"op": "auth", "success": loggedin, "connId": "c", **code})
                elif said["op"] == "ping":
                    await self._say(socket, {"op": "pong", "args": ["1"], "conn_id": "c"})
                elif said["op"] == "subscribe":
                    good = {"success": loggedin, "ret_msg": "", "req_id": said["req_id"], "op": "subscribe"}
                    await self._say(socket, good | {"conn_id": "c"})
                    self.private.add(socket)
                elif trade and loggedin:
                    await self._order(socket, said)
        except ConnectionClosed:
            pass
        finally:
            self.private.discard(socket)
            self.open.discard(socket)

    def _valid(self, args: list[Any]) -> bool:
        key, expires, signature = args
        right = hmac.new(SECRET.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
        return bool(key == KEY and signature == right and int(expires) > self.venue.now_ms())

    async def _order(self, socket: ServerConnection, said: dict[str, Any]) -> None:
        op, name = said["op"], said["reqId"]
        if op == "order.cancel-all":
            await self._say(socket, self._answer(op, name, 10404, "op is not found", {}))
            return
        fault = self.fault(op)
        if fault == "abort before":
            socket.transport.abort()
            return
        if fault in ("10019", "busy"):
            code, words = (10019, "restarting") if fault == "10019" else (10006, "Too many visits!")
            await self._say(socket, self._answer(op, name, code, words, {}))
            return
        if fault == "late":
            task = asyncio.create_task(self._late(said))
            self.venue.later.add(task)
            return
        answer = self._do(said)
        if fault == "abort after":
            socket.transport.abort()
        elif fault == "10016 after":
            await self._say(socket, self._answer(op, name, 10016, "Server error.", {}))
        elif fault == "cut off":
            await socket.send(json.dumps(answer)[:-20])
        elif fault == "twice":
            await self._say(socket, answer)
            await self._say(socket, answer)
        elif fault == "other first":
            await self._say(socket, self._answer(op, "somebody else's", 0, "OK", {}))
            await self._say(socket, answer)
        elif fault != "no answer":
            await self._say(socket, answer)

    async def _late(self, said: dict[str, Any]) -> None:
        await asyncio.sleep(2.0)
        self._do(said)

    def _do(self, said: dict[str, Any]) -> dict[str, Any]:
        """The order at the venue, by the same book-keeping as over HTTP."""
        header = said["header"]
        age_ms = self.venue.now_ms() - int(header["X-BAPI-TIMESTAMP"])
        if age_ms > int(header["X-BAPI-RECV-WINDOW"]):
            return self._answer(said["op"], said["reqId"], 10002, "timestamp", {})
        path = "/v5/order/" + said["op"].removeprefix("order.")
        self.venue.count(path)
        body = json.loads(self.venue.change(path, said["args"][0]).content)
        return self._answer(said["op"], said["reqId"], body["retCode"], body["retMsg"], body["result"])

    def _answer(self, op: str, name: str, code: int, words: str, data: Any) -> dict[str, Any]:
        header = {"X-Bapi-Limit": 10, "Timenow": str(self.venue.now_ms())}
        return {
            "reqId": name, "retCode": code, "retMsg": words, "op": op, "data": data, "retExtInfo": {}, "header": header,
            "connId": "c",
        }  # fmt: skip

    async def _say(self, socket: ServerConnection, what: dict[str, Any]) -> None:
        await socket.send(json.dumps(what))

    async def push(self, frame: bytes) -> None:
        """To every private connection."""
        for socket in list(self.private):
            await socket.send(frame.decode(errors="replace"))

    def cut(self) -> None:
        """Every connection ends without a word."""
        for socket in list(self.open):
            socket.transport.abort()
        self.private.clear()


@asynccontextmanager
async def serving(sockets: BybitSockets) -> AsyncIterator[BybitSockets]:
    async with serve(sockets.talk, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1, compression=None) as server:
        sockets.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield sockets
