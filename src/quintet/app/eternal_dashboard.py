"""What a board beside the desk may ask of a living portfolio: JSON over HTTP, on this machine alone, read-only.

Lines come from the bus, as they come to the screen; how it stands is read from its books when somebody asks, several
times a second at most. So a reader that asks too often, reads slowly or hangs holds up nothing. Whoever asks under
another name than this machine's is refused: a page in a browser may not read it (DNS rebinding).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from quintet.app.eternal_lines import Told, Watched
from quintet.app.eternal_months import REPORTS
from quintet.app.eternal_standing import Standing
from quintet.core.errors import ConfigError
from quintet.runtime.lines import clock_text
from quintet.runtime.live_desk import ALARM

HOST: Final = "127.0.0.1"
NAMES: Final = frozenset((HOST, "localhost"))
KEPT_LINES: Final = 10_000
LINES_MAX: Final = 1_000
"""So many lines are in one answer."""

KEPT_ALARMS: Final = 20
LOOKED_S: Final = 0.25
"""A picture is as old as this before another is made."""

GOODBYE_S: Final = 1.0
"""So long the end waits for readers."""


class NumberedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A told line. `number`: counts from 1 in this life; `sub_account` is empty for the whole.

    `note`: the kind of the engine's note that `text` puts into words; empty for every other line.
    """

    number: int
    ts_ns: int
    time: str
    kind: str
    sub_account: str
    note: str
    text: str


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """`next`: to be asked for with `after`; `lost`: lines after the asked number that are kept no more."""

    life_ns: int
    lines: list[NumberedLine]
    next: int
    lost: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """`alarms`: the last ones, oldest first, of `alarm_count`; `portfolio`: null while it waits for its venue."""

    life_ns: int
    alarm_count: int
    alarms: list[NumberedLine]
    portfolio: Standing | None


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month that is over, and its report."""

    month: str
    report: str


class Dashboard:
    """Of one portfolio, whose reports are in `folder`. `life_ns`: when this process began to listen."""

    def __init__(self, watched: Watched, folder: Path, life_ns: int) -> None:
        self._watched, self._reports, self._life_ns = watched, folder / REPORTS, life_ns
        self._lines: deque[NumberedLine] = deque(maxlen=KEPT_LINES)
        self._alarms: deque[NumberedLine] = deque(maxlen=KEPT_ALARMS)
        self._count = self._alarm_count = 0
        self._looked: tuple[float, Standing | None] = (float("-inf"), None)

    async def hear(self, told: Told) -> None:
        """A listener of the bus."""
        self._count += 1
        line = NumberedLine(
            number=self._count, ts_ns=told.line.ts_ns, time=clock_text(told.line.ts_ns), kind=told.line.kind,
            sub_account=told.name, note=told.note, text=told.line.text,
        )  # fmt: skip
        self._lines.append(line)
        if line.kind == ALARM:
            self._alarm_count += 1
            self._alarms.append(line)

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[int]:
        """Answer on a port (0: any free one, which is given back) until the block ends; raises ConfigError."""
        app = web.Application(middlewares=[_guarded])
        app.add_routes(
            [web.get("/state", self._state), web.get("/lines", self._told), web.get("/months", self._months)]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port)
            try:
                await site.start()
            except OSError as error:
                raise ConfigError(f"--api {port}: expected a free port on {HOST}, found {error.strerror}") from None
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _state(self, request: web.Request) -> web.Response:
        answer = State(
            life_ns=self._life_ns, alarm_count=self._alarm_count, alarms=list(self._alarms), portfolio=self._look()
        )
        return _json(answer)

    def _look(self) -> Standing | None:
        """How it stands now, or did a moment ago."""
        look, now_s = self._watched.look, asyncio.get_running_loop().time()
        if look is None:
            self._looked = (float("-inf"), None)
        elif now_s - self._looked[0] >= LOOKED_S:
            self._looked = (now_s, look())
        return self._looked[1]

    async def _told(self, request: web.Request) -> web.Response:
        written = request.query.get("after", "0")
        if not (written.isascii() and written.isdecimal() and len(written) < 19):
            return _refused(400, "after: expected the number of a line, 0 or more")
        after = int(written)
        first = self._lines[0].number if self._lines else self._count + 1
        skipped = max(after + 1 - first, 0)
        lines = list(islice(self._lines, skipped, skipped + LINES_MAX))
        lost = max(first - 1 - after, 0)
        return _json(
            Lines(life_ns=self._life_ns, lines=lines, next=lines[-1].number if lines else self._count, lost=lost)
        )

    async def _months(self, request: web.Request) -> web.Response:
        return _json({"months": await asyncio.to_thread(self._written)})

    def _written(self) -> list[Month]:
        pages = sorted(self._reports.glob("*.txt"))
        return [Month(month=page.stem, report=page.read_text(encoding="utf-8")) for page in pages]


@web.middleware
async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """To this machine's own name alone; what is not there, or not to be done, is answered in JSON too."""
    name, _, _ = (request.host or "").partition(":")
    if name not in NAMES:
        return _refused(403, f"expected to be asked as {HOST}")
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _refused(error.status, error.reason, {"Allow": error.headers["Allow"]} if error.status == 405 else {})


def _json(answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer), status=status, content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
    )  # fmt: skip


def _refused(status: int, why: str, headers: dict[str, str] | None = None) -> web.Response:
    return _json({"error": why}, status, headers)
