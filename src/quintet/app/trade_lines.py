"""What `quintet trade` says: the first screen, a line for each event that matters, the summary."""

import dataclasses
from typing import Final

from quintet.app.messages import say, say_json_line
from quintet.app.trading import Ended, Opened, Tell, TradeRequest
from quintet.core.instrument import Instrument
from quintet.runtime.lines import Line, Words, clock_text, lines_of, order_lines
from quintet.runtime.live_desk import Said
from quintet.runtime.session import Happened

KIND_WIDTH: Final = 12


class Teller:
    """Says what happens, for people or as one JSON object a line."""

    def __init__(self, request: TradeRequest, everything: bool, as_json: bool) -> None:
        system = request.system
        self._request = request
        self._everything = everything or not system.headlines
        self._as_json = as_json
        self._words = Words(system.note_kind, system.explain, system.begins_quoting)
        self._shown = system.headlines | {"fill", "order", "mm_on", "mode", "suspense", "alarm", "notice"}

    def tell(self) -> Tell:
        """Who hears what."""
        return Tell(self._opened, self._happened, self._said)

    def end(self, ended: Ended) -> None:
        """The summary."""
        facts = dataclasses.asdict(ended)
        if self._as_json:
            say_json_line({"kind": "end", **facts})
            return
        say(
            f"orders {ended.orders}, cancels {ended.cancels}, fills {ended.fills}, fees {ended.fees:f}, "
            f"net {ended.net:f} at the last price"
        )
        say(
            f"unknown at some time {ended.unknowns}, alarms {ended.alarms}, still open {ended.still_open}; "
            f"books equal to the venue's {ended.books_compared} times"
        )
        say(f"commands {ended.command_hash}; kept in {ended.folder}")
        if ended.run:
            say(f"run {ended.run}, for quintet stages record")

    def _opened(self, opened: Opened) -> None:
        request, one = self._request, opened.instrument
        facts = {
            "desk": request.desk,
            "world": request.world,
            "venue": request.address.url or "bybit",
            "system": request.system.address,
            "instrument": f"{one.symbol} {one.kind}",
            "bars": request.structure
            if request.structure == request.fills
            else f"{request.structure}, {request.fills}",
            "capital": f"{request.config.execution.initial_quote:f} {one.quote_asset}, "
            f"{request.config.execution.initial_base:f} {one.base_asset}",
            "fees": f"maker {one.maker_fee_e9 / 1e5:g} bp, taker {one.taker_fee_e9 / 1e5:g} bp",
            "position": opened.events,
            "recovered": f"{opened.relived} events lived through again, {opened.live} orders open, "
            f"{opened.unknown} unknown",
            "folder": str(request.folder),
        }
        if self._as_json:
            say_json_line({"kind": "opened", **facts})
            return
        for word, value in facts.items():
            say(f"{word:<11} {value}")

    def _happened(self, happened: Happened, instrument: Instrument) -> None:
        for line in (
            *lines_of(happened, instrument, self._words, self._request.world == "paper"),
            *order_lines(happened.commands, instrument),
        ):
            if self._everything or line.kind in self._shown:
                self._line(line)

    def _said(self, said: Said) -> None:
        self._line(Line(said.ts_ns, said.kind, said.text))

    def _line(self, line: Line) -> None:
        time = clock_text(line.ts_ns)
        if self._as_json:
            say_json_line({"ts_ns": line.ts_ns, "time": time, "kind": line.kind, "text": line.text})
        else:
            say(f"{time}  {line.kind:<{KIND_WIDTH}} {line.text}")
