"""Where bytes leave and arrive: sockets with a queue each, and the one seam at which faults are put in.

Everything that is sent goes through `Connection.send`, everything that comes through `Connection.receive`; what a fault
does to a frame is decided there and nowhere else.
"""

import asyncio
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from quintet.sandbox.faults import Fault, Faults

QUEUE_MAX = 20_000
"""Frames a reader may lag behind before its connection is closed."""


class Connection:
    """One WebSocket. Frames go out in the order in which they were sent, by a task of its own."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, faults: Faults, name: str) -> None:
        self.name = name
        self.address = request.remote or ""
        self._socket = socket
        self._transport = request.transport
        self._faults = faults
        self._queue: deque[str] = deque()
        self._held: str | None = None
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.half_open = False
        # when something was last heard or said: the venue closes a connection on which neither happens
        self.busy_s = self._loop.time()
        self._writer = self._loop.create_task(self._write())

    def send(self, text: str, topic: str = "") -> None:
        """Send a frame, or what a fault leaves of it."""
        if self.half_open:
            return
        for verdict in self._faults.on_frame(topic, self.name):
            if verdict.kind == "drop" or verdict.kind == "stale_book":
                return
            if verdict.kind == "disconnect":
                self.abort()
                return
            if verdict.kind == "half_open":
                self.half_open = True
                return
            if verdict.kind == "truncate":
                text = text[: len(text) // 2]
            elif verdict.kind == "duplicate":
                self._put(text)
            elif verdict.kind == "delay":
                self._loop.call_later(verdict.delay_ms / 1000, self._put, text)
                return
            elif verdict.kind == "reorder" and self._held is None:
                self._held = text
                return
        self._put(text)
        if self._held is not None:
            self._put(self._held)
            self._held = None

    def struck(self, path: str) -> list[Fault]:
        """What strikes a request that has arrived on this connection."""
        return self._faults.on_request(path)

    def _put(self, text: str) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self.abort()
            return
        self._queue.append(text)
        self._ready.set()

    async def _write(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._queue:
                self.busy_s = self._loop.time()
                try:
                    await self._socket.send_str(self._queue.popleft())
                except (ConnectionError, RuntimeError):
                    return

    async def receive(self) -> str | None:
        """The next text frame; None when the connection is over. Frames of a half-open connection go nowhere."""
        while True:
            message: Any = await self._socket.receive()
            self.busy_s = self._loop.time()
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return None
            if self.half_open:
                continue
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                if not self._faults.loses_arrival(self.name):
                    return str(message.data)

    def abort(self) -> None:
        """Cut the line without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye after what is still queued."""
        while self._queue and not self._socket.closed:
            await asyncio.sleep(0.001)
        self._writer.cancel()
        await self._socket.close(code=code, message=reason.encode())

    async def end(self) -> None:
        """The other side is gone."""
        self._writer.cancel()
        if not self._socket.closed:
            await self._socket.close()
