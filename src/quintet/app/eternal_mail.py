"""The report of each month by mail: handed in once, tried again when the server does not take it, in the end an alarm.

A report that is handed in leaves a mark beside it in the portfolio's folder; one without a mark is handed in by
whoever is alive next. So none is lost with a process. One whose mark was lost comes twice, under the same Message-ID.
"""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from quintet.app.eternal_lines import Told
from quintet.app.eternal_months import REPORTS
from quintet.app.machine import MACHINE, Machine
from quintet.runtime.live_desk import ALARM, NOTICE, Said
from quintet.venues.smtp import Letter, PostOffice

PAUSES_S: Final = (1.0, 5.0, 15.0)
"""Before a letter that was not taken is tried again; after the last of them, no more."""

MAILED: Final = ".mailed"


class MonthlyMail:
    """Of one portfolio, whose reports are in `folder`. `say`: a line for everybody who listens."""

    def __init__(
        self,
        office: PostOffice,
        sender: str,
        to: tuple[str, ...],
        desk: str,
        folder: Path,
        say: Callable[[Said], None],
        machine: Machine = MACHINE,
    ) -> None:
        self._office, self._sender, self._to = office, sender, to
        self._desk, self._reports = desk, folder / REPORTS
        self._to_all, self._machine = say, machine
        self._has_begun = False

    async def hear(self, told: Told) -> None:
        """A listener of the bus: with the first line what an earlier life owed, then each report as it is told."""
        if told.page or not self._has_begun:
            self._has_begun = True
            for page in await self._machine.in_thread(self._owed):
                await self._mail(page)

    def _owed(self) -> list[Path]:
        return [page for page in sorted(self._reports.glob("*.txt")) if not page.with_suffix(MAILED).exists()]

    async def _mail(self, page: Path) -> None:
        letter = self._letter(page.stem, await self._machine.in_thread(lambda: page.read_text(encoding="utf-8")))
        for pause_s in (*PAUSES_S, None):
            became = await self._office.send(letter)
            if became.in_part:
                self._say(ALARM, f"the report of {page.stem} did not reach everybody: {became.why}")
            if became.in_part or not became.why:
                break
            if pause_s is None or not became.again:
                self._say(ALARM, f"the report of {page.stem} was not mailed: {became.why}")
                return
            again = f"trying again in {pause_s:g} s"
            self._say(NOTICE, f"the mail server does not take the report of {page.stem}, {again}: {became.why}")
            await asyncio.sleep(pause_s)
        page.with_suffix(MAILED).touch()
        if not became.why:
            self._say(NOTICE, f"the report of {page.stem} is mailed to {', '.join(self._to)}")

    def _letter(self, month: str, text: str) -> Letter:
        ident = hashlib.blake2b(f"{self._desk} {month} {text}".encode(), digest_size=12).hexdigest()
        return Letter(self._sender, self._to, f"{self._desk}: report of {month}", text, f"quintet.{month}.{ident}")

    def _say(self, kind: str, text: str) -> None:
        self._to_all(Said(self._machine.wall_ns(), kind, text))
