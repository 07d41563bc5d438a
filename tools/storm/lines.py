"""Lines between a desk and the sandbox without a socket: the same frames, requests and answers, in memory.

A desk's end fits `websockets` and `httpx`; the exchange's end fits what the sandbox's own server hands to its streams.
Every message takes a moment, in order. A line can be cut, and the whole venue can be out of reach.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import httpx
from aiohttp import WSMsgType
from multidict import CIMultiDict
from websockets.exceptions import ConnectionClosedError

from quintet.sandbox.server import Sandbox
from quintet.sandbox.wire import Connection
from quintet.venues.connection import FeedUnreachable

ONE_WAY_S: Final = 0.002
HOST: Final = "http://venue.storm"

Leaves = Callable[[str, bytes], None]
"""Told what leaves the desk: an action of the order path ("create", "amend", "cancel", ...), and its body."""


class Pipe:
    """One direction: what is put in comes out after a moment, in order. None: the line is over."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, Any]] = deque()
        self._arrived: asyncio.Queue[Any] = asyncio.Queue()

    def put(self, item: Any) -> None:
        """Send."""
        self._waiting.append((self._loop.time() + ONE_WAY_S, item))
        if len(self._waiting) == 1:
            self._loop.call_later(ONE_WAY_S, self._arrive)

    def end(self) -> None:
        """Nothing more comes, and what was under way is lost."""
        self._waiting.clear()
        self._arrived.put_nowait(None)

    def _arrive(self) -> None:
        now_s = self._loop.time()
        while self._waiting and self._waiting[0][0] <= now_s + 1e-9:
            self._arrived.put_nowait(self._waiting.popleft()[1])
        if self._waiting:
            self._loop.call_later(max(self._waiting[0][0] - now_s, 0.0), self._arrive)

    async def get(self) -> Any:
        """Wait for the next."""
        return await self._arrived.get()


class Line:
    """One WebSocket, both ends of it."""

    def __init__(self) -> None:
        self.up, self.down = Pipe(), Pipe()
        self.closed = False

    def abort(self) -> None:
        """Cut without a word; both ends notice."""
        if not self.closed:
            self.closed = True
            self.up.end()
            self.down.end()


class DeskEnd:
    """What `websockets` would give a desk."""

    def __init__(self, line: Line, leaves: Callable[[str], None]) -> None:
        self._line = line
        self._leaves = leaves

    async def __aenter__(self) -> "DeskEnd":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._line.abort()

    async def send(self, text: str) -> None:
        """Raises ConnectionClosedError on a line that is over."""
        if self._line.closed:
            raise ConnectionClosedError(None, None)
        self._leaves(text)
        self._line.up.put(text)

    async def recv(self, decode: bool = True) -> bytes:
        """The next frame; raises ConnectionClosedError after the last."""
        text = await self._line.down.get()
        if text is None:
            raise ConnectionClosedError(None, None)
        return str(text).encode(errors="surrogateescape")

    async def close(self) -> None:
        """Hang up."""
        self._line.abort()


class VenueEnd:
    """What `aiohttp` would give the sandbox: socket and transport in one."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.abort = line.abort

    @property
    def closed(self) -> bool:
        """Is the line over?"""
        return self._line.closed

    async def send_str(self, text: str) -> None:
        """Raises ConnectionError on a line that is over."""
        if self._line.closed:
            raise ConnectionError("the line is over")
        self._line.down.put(text)

    async def receive(self) -> Any:
        """The next frame, as a message of aiohttp."""
        text = await self._line.up.get()
        if text is None:
            return SimpleNamespace(type=WSMsgType.CLOSED, data=None)
        return SimpleNamespace(type=WSMsgType.TEXT, data=text)

    async def close(self, **_: Any) -> None:
        """Hang up."""
        self._line.abort()


STAKES: Final = "/v5/earn/place-order"


class Lines:
    """All lines of one desk to one venue. `reachable`: false while the venue is down; `dead`: the desk is no more."""

    def __init__(self, sandbox: Sandbox, leaves: Leaves) -> None:
        self.reachable = True
        self.dead = False
        self.trades_by_rest = False
        """The trade socket is not let in."""
        self.late_s = 0.0
        """The line breaks while a request is under way, and it arrives so much later all the same."""
        self.hang_before: Callable[[str], bool] = lambda path: False
        self.hang_after: Callable[[str], bool] = lambda path: False
        self.fail_after: Callable[[str], bool] = lambda path: False
        self.spoil: Callable[[str], str] = lambda text: text
        self._sandbox = sandbox
        self._leaves = leaves
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._lines: dict[Line, None] = {}

    # ---- sockets ----

    def connect(self, uri: str, **options: Any) -> DeskEnd:
        """Fills `venues.connection.Connect`."""
        if not self.reachable or self.dead:
            raise OSError("connection refused")
        path = uri.partition("/v5/")[2]
        if self.trades_by_rest and path == "trade":
            raise OSError("connection refused")
        kind, _, category = path.partition("/")
        line = Line()
        self._lines[line] = None
        end = VenueEnd(line)
        request = SimpleNamespace(remote="127.0.0.1", transport=end)
        name = f"{kind[:2]}{next(self._numbers):08x}"
        connection = _Spoiled(end, request, self._sandbox, name, self) if kind == "public" else None
        serving = connection or Connection(end, request, self._sandbox.faults, name)  # type: ignore[arg-type]
        task = asyncio.create_task(self._sandbox.streams.run(serving, kind, category))
        self._keep(task)
        return DeskEnd(line, self._socket_leaves if kind == "trade" else self._require_alive)

    def cut(self) -> None:
        """Every line ends."""
        for line in self._lines:
            line.abort()
        self._lines.clear()

    def _require_alive(self, text: str) -> None:
        if self.dead:
            raise ConnectionClosedError(None, None)

    def _socket_leaves(self, text: str) -> None:
        self._require_alive(text)
        if '"op":"order.' in text:
            self._leaves(text.partition('"op":"order.')[2].partition('"')[0], text.encode())

    # ---- REST ----

    def fetch(self, url: str) -> bytes:
        """One public answer, at once; raises FeedUnreachable while the venue is out of reach."""
        if not self.reachable or self.dead:
            raise FeedUnreachable(f"{url}: connection refused")
        path = url.removeprefix(HOST)
        done: Any = self._sandbox.rest(self._request("GET", path, {}, b""))
        try:
            done.send(None)
        except StopIteration as end:
            return bytes(end.value.body)
        raise AssertionError("a public answer that waits")

    async def ask(self, request: httpx.Request) -> httpx.Response:
        """One request; raises the errors of httpx when it does not come to an answer."""
        path = request.url.path
        if not self.reachable or self.dead:
            raise httpx.ConnectError("connection refused")
        body = request.content
        if path.startswith("/v5/order/") and request.method == "POST":
            self._leaves(path.removeprefix("/v5/order/"), body)
        elif path == STAKES:
            self._leaves("stake", body)
        await asyncio.sleep(ONE_WAY_S)
        if self.hang_before(path):
            await asyncio.sleep(1e6)
        asked = self._request(request.method, request.url.raw_path.decode(), dict(request.headers), body)
        if self.late_s and request.method == "POST":
            self._keep(asyncio.create_task(self._late(asked)))
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        answer: Any = await self._sandbox.rest(asked)
        await asyncio.sleep(ONE_WAY_S)
        if self.hang_after(path):
            await asyncio.sleep(1e6)
        if answer.status == 499:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if self.fail_after(path):
            return httpx.Response(502, content=b"<html>bad gateway</html>")
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    async def _late(self, asked: Any) -> None:
        await asyncio.sleep(self.late_s)
        await self._sandbox.rest(asked)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _request(method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        async def read() -> bytes:
            return body

        transport = SimpleNamespace(abort=lambda: None)
        return SimpleNamespace(
            method=method, raw_path=path, headers=CIMultiDict(headers), remote="127.0.0.1", transport=transport,
            read=read,
        )  # fmt: skip

    async def close(self) -> None:
        """Nothing of it is left."""
        self.cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Spoiled(Connection):
    """A public line on which a frame may say something that is not so."""

    def __init__(self, end: VenueEnd, request: Any, sandbox: Sandbox, name: str, lines: Lines) -> None:
        super().__init__(end, request, sandbox.faults, name)  # type: ignore[arg-type]
        self._lines = lines

    def send(self, text: str, topic: str = "") -> None:
        """Send a frame as it is, or spoiled."""
        super().send(self._lines.spoil(text) if topic.startswith("orderbook") else text, topic)


class Transport(httpx.AsyncBaseTransport):
    """Requests of a desk go over `lines`."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fills `httpx.AsyncBaseTransport`."""
        return await self._lines.ask(request)
