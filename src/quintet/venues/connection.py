"""A venue's stream, kept alive: connected, subscribed, pinged, watched for silence, and connected again when it ends.

A frame gets its receive time as soon as it leaves the socket; whoever takes it may be slow without spoiling the times
of the next. A venue that was never reached, or that refuses what is asked, is told at once. One that was heard before
is tried again for ever, each pause twice the one before and of a length that nobody can foresee, so that many
recorders do not come back in the same moment.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Never, Protocol

import httpx

from quintet.core.errors import InputError
from quintet.core.market.tick_feed import Frame
from quintet.ports.clock import Clock
from quintet.ports.live_feed import Heard, Interruption, NotNow, Stream

FRAME_BYTES_MAX: Final = 16 << 20
INBOX_FRAMES: Final = 10_000
"""So many frames wait for a slow taker; beyond, the venue is made to wait."""

ASK_ATTEMPTS: Final = 3

_SAID_NO: Final = (400, 404)
"""The venue has understood, and says in the body what it does not like."""

_CLOSE_S: Final = 1.0
_WATCH_S: Final = 0.1


class FeedUnreachable(InputError):
    """The stream was never reached, or the venue refuses what is asked of it; says what it said last."""


def asked(url: str, *, pause: Callable[[float], None] = time.sleep) -> bytes:
    """One answer of a venue to a question without a name; raises FeedUnreachable after the last attempt."""
    why = ""
    with httpx.Client(timeout=Patience().answer_s) as client:
        for attempt in range(ASK_ATTEMPTS):
            if attempt:
                pause(0.5 * 2**attempt)
            try:
                answer = client.get(url)
            except httpx.HTTPError as error:
                why = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code < 400 or answer.status_code in _SAID_NO:
                return answer.content
            why = f"HTTP {answer.status_code}"
    raise FeedUnreachable(f"{url}: no usable answer after {ASK_ATTEMPTS} attempts: {why}")


class Connect(Protocol):
    """Opens a WebSocket; `websockets.asyncio.client.connect` is one."""

    def __call__(self, uri: str, **options: Any) -> Any:
        """An asynchronous context manager of a socket: `send`, `recv(decode=False)`, `close`.

        Raises OSError or WebSocketException, as its socket does.
        """


class _LineLost(Exception):
    """A connection that is of no use any more; says why."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what, in seconds."""

    answer_s: float = 10.0
    ping_every_s: float = 20.0
    silence_s: float = 45.0
    """Without a frame for so long, pongs included, the line is dead even if nobody has closed it."""
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    first_attempts: int = 4
    """A venue that was never heard is given up after so many."""


class Connection:
    """Fills `ports.live_feed.LiveFeed`. `draw` gives a number from 0 to 1, for the pauses.

    `quiet`: a stream that may say nothing for hours, so that being let in is being heard.
    """

    def __init__(
        self,
        stream: Stream,
        clock: Clock,
        patience: Patience | None = None,
        *,
        draw: Callable[[], float] = random.random,
        quiet: bool = False,
        connect: Connect | None = None,
    ) -> None:
        """`connect`: None for real sockets."""
        self._stream = stream
        self._connect = connect
        self._quiet = quiet
        self._clock = clock
        self._patience = patience or Patience()
        self._draw = draw
        self._inbox: asyncio.Queue[Heard | InputError] = asyncio.Queue(INBOX_FRAMES)
        self._socket: Any = None
        self._asking: set[asyncio.Task[None]] = set()
        self._frames = 0
        self._market_frames = 0
        self._unanswered: dict[str, str] = {}
        self._heard_s = 0.0
        self._lost = ""

    @property
    def begins_with_books(self) -> bool:
        """True when the stream itself brings snapshots."""
        return not self._stream.snapshot_url("")

    @property
    def ready(self) -> bool:
        """True while the line is up and everything that was asked for on it is answered."""
        return self._socket is not None and not self._unanswered

    async def send(self, text: str) -> bool:
        """Say something on a line that is ready; False when there is none, and nothing was said."""
        if not self.ready:
            return False
        await self._send(self._socket, [text])
        return True

    async def heard(self) -> AsyncGenerator[Heard, None]:
        """Frames and interruptions, for ever; raises FeedUnreachable."""
        line = asyncio.create_task(self._stay_connected())
        try:
            while True:
                item = await self._inbox.get()
                if isinstance(item, InputError):
                    raise item
                yield item
        finally:
            await _ended({line, *self._asking})

    async def ask_for_books(self, symbols: Sequence[str]) -> None:
        """Ask on the stream, or beside it; a question that gets lost is the asker's to repeat."""
        if self.begins_with_books:
            if self._socket is not None:
                await self._send(self._socket, self._stream.renewals(symbols))
            return
        for symbol in symbols:
            task = asyncio.create_task(self._fetch_book(self._stream.snapshot_url(symbol)))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _send(self, socket: Any, texts: Sequence[str]) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            for text in texts:
                await socket.send(text)
        except ConnectionClosed:
            return  # the reader notices it too, and says why

    async def _fetch_book(self, url: str) -> None:
        try:
            async with httpx.AsyncClient(timeout=self._patience.answer_s) as client:
                answer = await client.get(url)
        except httpx.HTTPError:
            return
        if answer.status_code == 200:
            await self._put(answer.content, url)

    async def _put(self, body: bytes, url: str = "") -> None:
        self._frames += 1
        await self._inbox.put(Frame((0, self._frames), self._clock(), body, url))

    # ---- the line --------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        """Connect, read, and begin again when it ends; what cannot be helped goes into the inbox."""
        failures = 0
        while True:
            before = self._market_frames
            try:
                why = await self._one_connection()
            except FeedUnreachable as refused:
                await self._inbox.put(refused)
                return
            if self._market_frames > before:
                failures = 0
                await self._inbox.put(Interruption(self._clock(), why))
            failures += 1
            if not self._market_frames and failures >= self._patience.first_attempts:
                given_up = FeedUnreachable(f"{self._stream.url}: no feed after {failures} attempts: {why}")
                await self._inbox.put(given_up)
                return
            pause = min(self._patience.first_pause_s * 2 ** min(failures - 1, 16), self._patience.longest_pause_s)
            await asyncio.sleep(pause * (1 + self._draw()) / 2)

    async def _one_connection(self) -> str:
        """Everything one connection brings; returns why it ended. Inflating would cost more than the line does."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        patience = self._patience
        try:
            async with (self._connect or connect)(
                self._stream.url,
                open_timeout=patience.answer_s,
                ping_interval=patience.ping_every_s,
                ping_timeout=patience.silence_s,
                close_timeout=_CLOSE_S,
                max_size=FRAME_BYTES_MAX,
                compression=None,
            ) as socket:
                return await self._read(socket)
        except (OSError, WebSocketException, NotNow, _LineLost) as error:
            return self._lost or str(error) or type(error).__name__
        finally:
            self._socket, self._lost = None, ""

    async def _read(self, socket: Any) -> Never:
        """Subscribe, then put every frame into the inbox until the line ends."""
        self._unanswered = self._stream.subscriptions()
        self._socket = socket
        await self._send(socket, list(self._unanswered.values()))
        watch = asyncio.create_task(self._watch(socket, self._unanswered))
        try:
            while True:
                body = await socket.recv(decode=False)
                self._heard_s = asyncio.get_running_loop().time()
                await self._put(body)
                self._hear_answer(body, self._unanswered)
        finally:
            watch.cancel()

    async def _watch(self, socket: Any, unanswered: dict[str, str]) -> None:
        """Ping, and close a line on which nothing comes any more, or no answer."""
        now_s = asyncio.get_running_loop().time
        patience = self._patience
        began = pinged = self._heard_s = now_s()
        while not self._lost:
            asleep_s = now_s()
            await asyncio.sleep(_WATCH_S)
            # What kept us from reading (a slow disk, a compiler) is not the venue's silence.
            late_s = now_s() - asleep_s - _WATCH_S
            began += late_s
            self._heard_s += late_s
            if now_s() - pinged >= patience.ping_every_s:
                pinged = now_s()
                await self._send(socket, [self._stream.ping])
            if unanswered and now_s() - began >= patience.answer_s:
                self._lost = f"no answer to {', '.join(unanswered)} within {patience.answer_s:g} s"
            elif now_s() - self._heard_s >= patience.silence_s and not self._inbox.full():
                self._lost = f"nothing was heard for {patience.silence_s:g} s"
        await socket.close()

    def _hear_answer(self, body: bytes, unanswered: dict[str, str]) -> None:
        """Cross off what was answered; raises FeedUnreachable for a refusal of a venue that was never heard."""
        answer = self._stream.answer(body)
        if answer is None:
            self._market_frames += 1
            return
        name = answer.request or next(iter(unanswered), "")
        if name not in unanswered:
            return
        if answer.accepted:
            del unanswered[name]
            self._market_frames += int(self._quiet and not unanswered)
        elif self._market_frames:
            raise _LineLost(f"refused: {answer.text}")
        else:
            raise FeedUnreachable(f"{self._stream.url}: {name} was refused: {answer.text}")


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel and wait; what they would still say interests nobody."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
