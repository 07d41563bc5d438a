"""`quintet trade SYSTEM --world paper|sandbox|live`: the flags, the first screen, a line for each event, the summary.

Exit codes: 0 it was stopped and nothing is open or unknown; 1 it was stopped, and something is left for a person to
look at (an alarm, an order that is not known to be over); 2 it could not begin; 3 our own fault.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from quintet.app.backtest_command import MARKET, RUN, AsJson, ConfigFile, Sets, SystemName
from quintet.app.messages import Complaint, fail, say, say_json_line

if TYPE_CHECKING:
    from quintet.app.config import Config
    from quintet.app.trading import Ended, Opened, Tell, TradeRequest
    from quintet.core.instrument import Instrument
    from quintet.research.systems import KernelSystem
    from quintet.runtime.lines import Line
    from quintet.runtime.live_desk import Said
    from quintet.runtime.session import Happened
    from quintet.venues.bybit.sign import ApiKey

KIND_WIDTH: Final = 12
WORLDS: Final = ("paper", "sandbox", "live")
KEY_VARIABLE, SECRET_VARIABLE = "QUINTET_API_KEY", "QUINTET_API_SECRET"

World = Annotated[
    str,
    typer.Option(
        "--world", metavar="NAME", help="paper, sandbox (an exchange of one's own) or live.", rich_help_panel=RUN
    ),
]
Desk = Annotated[
    str,
    typer.Option("--desk", metavar="NAME", help="Its name, 1 to 8 small letters and digits.", rich_help_panel=RUN),
]
Symbol = Annotated[str, typer.Option(help="Instrument, e.g. BTCUSDT.", rich_help_panel=MARKET)]
Category = Annotated[str, typer.Option(metavar="NAME", help="spot or linear.", rich_help_panel=MARKET)]
Interval = Annotated[str, typer.Option(help="Bars of decisions, made from trades: 1s to 12h.", rich_help_panel=MARKET)]
LtfInterval = Annotated[str, typer.Option(help="Bars of upkeep and measures, else the same.", rich_help_panel=MARKET)]
VenueUrl = Annotated[
    str,
    typer.Option(
        "--venue-url", metavar="URL", help="Another host that speaks for Bybit, as the sandbox does.",
        rich_help_panel=MARKET,
    ),
]  # fmt: skip
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"JSON with key and secret, yours alone to read; else {KEY_VARIABLE} and {SECRET_VARIABLE}.",
        rich_help_panel=RUN,
    ),
]
For = Annotated[
    str,
    typer.Option("--for", metavar="TIME", help="How long: 90s, 30m, 1h ...; else until Ctrl-C.", rich_help_panel=RUN),
]
KeepOrders = Annotated[
    bool, typer.Option("--keep-orders", help="Leave working orders at the venue when it stops.", rich_help_panel=RUN)
]
RecvWindow = Annotated[
    int,
    typer.Option(min=500, max=60_000, help="ms after which the venue takes a request no more.", rich_help_panel=RUN),
]
Everything = Annotated[bool, typer.Option("--all", help="Every note of the system, not its headlines alone.")]


def trade(
    system: SystemName,
    world: World,
    symbol: Symbol = "BTCUSDT",
    category: Category = "spot",
    interval: Interval = "5m",
    ltf_interval: LtfInterval = "",
    desk: Desk = "main",
    venue_url: VenueUrl = "",
    key_file: KeyFile = None,
    how_long: For = "",
    keep_orders: KeepOrders = False,
    recv_window_ms: RecvWindow = 5_000,
    config: ConfigFile = None,
    sets: Sets = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """Trade: the system that was backtested, on a venue.

    What it hears and decides is on its desk tape. Stopped or killed, it comes back as it was, asks the venue what it
    missed, and goes on; nothing is sent twice. Ctrl-C takes back its orders and stops.
    """
    import asyncio

    from quintet.app.config import find_system, load
    from quintet.app.trading import trade as live

    found = find_system(system)
    loaded = load(config, sets or (), [], found)
    timeframes = _timeframes(interval, ltf_interval)
    request = _request(
        found, loaded, world, desk, symbol, category, venue_url, timeframes, how_long, keep_orders, recv_window_ms
    )
    key = _key(key_file)
    teller = _Teller(request, everything, as_json)
    ended = asyncio.run(live(request, key, teller.tell()))
    teller.end(ended)
    if ended.alarms or (ended.still_open and not keep_orders):
        fail()


def _request(
    system: "KernelSystem",
    config: "Config",
    world: str,
    desk: str,
    symbol: str,
    category: str,
    venue_url: str,
    timeframes: tuple[str, str],
    how_long: str,
    keep_orders: bool,
    recv_window_ms: int,
) -> "TradeRequest":
    """What was asked for; raises Complaint."""
    from typing import cast

    from quintet.app.bybit_desk import Address
    from quintet.app.flags import duration_s
    from quintet.app.trading import TradeRequest, WorldName
    from quintet.core.orders.client_ids import ClientIds
    from quintet.storage.workspace import workspace

    _one_of(world, WORLDS, "--world")
    _one_of(category, ("spot", "linear"), "--category")
    if system.name == "structure_mm" and category != "spot":
        raise Complaint(
            "a system for spot", where="--category", found=category, expected="spot: structure_mm is never short"
        )
    ClientIds(desk, 0)
    if world == "sandbox" and not venue_url:
        raise Complaint(
            "which sandbox?",
            where="--venue-url",
            found="none",
            expected="where `quintet sandbox` listens, e.g. http://127.0.0.1:8290",
        )
    if venue_url and not venue_url.startswith(("http://", "https://")):
        raise Complaint("not an address of a venue", where="--venue-url", found=venue_url, expected="scheme and host")
    return TradeRequest(
        system=system,
        config=config,
        world=cast(WorldName, world),
        desk=desk,
        address=Address(category, symbol, venue_url, recv_window_ms),
        structure=timeframes[0],
        fills=timeframes[1],
        folder=workspace().desks / f"{world}-{desk}",
        seconds=duration_s(how_long, "--for") if how_long else None,
        keep_orders=keep_orders,
    )


def _one_of(found: str, known: tuple[str, ...], where: str) -> None:
    from quintet.app.messages import did_you_mean

    if found not in known:
        raise Complaint(
            "unknown name",
            where=where,
            found=found,
            expected=f"one of {', '.join(known)}",
            hint=did_you_mean(found, known),
        )


def _timeframes(interval: str, lower: str) -> tuple[str, str]:
    """Names of the two timeframes; raises Complaint."""
    from quintet.app.flags import timeframe
    from quintet.core.events import SECOND_TIMEFRAMES

    def named(written: str, where: str) -> str:
        return written if written in SECOND_TIMEFRAMES else timeframe(written, where) or ""

    structure = named(interval, "--interval")
    return structure, named(lower, "--ltf-interval") or structure


def _key(path: Path | None) -> "ApiKey":
    """The key to trade with; what it says is never told. Raises Complaint."""
    from quintet.venues.bybit.sign import ApiKey

    if path is None:
        key, secret = os.environ.get(KEY_VARIABLE, ""), os.environ.get(SECRET_VARIABLE, "")
        if not key or not secret:
            raise Complaint(
                "no key to trade with", where=f"--key-file, {KEY_VARIABLE}, {SECRET_VARIABLE}", found="none of them",
                expected="a key of the account that can trade and not withdraw",
            )  # fmt: skip
        return ApiKey(key, secret)
    try:
        if path.stat().st_mode & 0o077:
            raise Complaint(
                "a key that others may read", where=str(path), found=f"mode {path.stat().st_mode & 0o777:o}",
                expected="600: chmod 600 FILE",
            )  # fmt: skip
        told = json.loads(path.read_text(encoding="utf-8"))
        return ApiKey(told["key"], told["secret"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Complaint(
            "not a file with a key", where=str(path), found=type(error).__name__,
            expected='one JSON object with "key" and "secret"',
        ) from None  # fmt: skip


class _Teller:
    """Says what happens, for people or as one JSON object a line."""

    def __init__(self, request: "TradeRequest", everything: bool, as_json: bool) -> None:
        from quintet.runtime.lines import Words

        system = request.system
        self._request = request
        self._everything = everything or not system.headlines
        self._as_json = as_json
        self._words: Words = Words(system.note_kind, system.explain, system.begins_quoting)
        self._shown = system.headlines | {"fill", "order", "mm_on", "mode", "suspense", "alarm", "notice"}

    def tell(self) -> "Tell":
        from quintet.app.trading import Tell

        return Tell(self._opened, self._happened, self._said)

    def end(self, ended: "Ended") -> None:
        """The summary."""
        import dataclasses

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

    def _opened(self, opened: "Opened") -> None:
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

    def _happened(self, happened: "Happened", instrument: "Instrument") -> None:
        from quintet.runtime.lines import lines_of, order_lines

        for line in (*lines_of(happened, instrument, self._words, False), *order_lines(happened.commands, instrument)):
            if self._everything or line.kind in self._shown:
                self._line(line)

    def _said(self, said: "Said") -> None:
        from quintet.runtime.lines import Line

        self._line(Line(said.ts_ns, said.kind, said.text))

    def _line(self, line: "Line") -> None:
        from quintet.runtime.lines import clock_text

        time = clock_text(line.ts_ns)
        if self._as_json:
            say_json_line({"ts_ns": line.ts_ns, "time": time, "kind": line.kind, "text": line.text})
        else:
            say(f"{time}  {line.kind:<{KIND_WIDTH}} {line.text}")
