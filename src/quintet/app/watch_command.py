"""`quintet watch SYSTEM`: the live loop on a recorded feed, without orders."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from quintet.app.backtest_command import MARKET, RUN, AsJson, ConfigFile, Sets, SystemName
from quintet.app.messages import Complaint, say, say_json_line

if TYPE_CHECKING:
    from quintet.app.config import Config
    from quintet.app.watching import Counts, Feed
    from quintet.app.wiring import OpenTape
    from quintet.ports.tape import DeskTape
    from quintet.research.systems import KernelSystem
    from quintet.runtime.lines import Line

KIND_WIDTH: Final = 12

Frames = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Recorded public frames of Bybit, one JSON object a line.", rich_help_panel=MARKET
    ),
]
TapeFile = Annotated[
    Path | None, typer.Option("--tape", metavar="FILE", help="A market tape instead.", rich_help_panel=MARKET)
]
Symbol = Annotated[
    str | None, typer.Option(help="Instrument; else that of the first candle frame.", rich_help_panel=MARKET)
]
Interval = Annotated[
    str | None, typer.Option(help="Timeframe: 5, 5m, 1h ...; else that of the first candle.", rich_help_panel=MARKET)
]
DeskTapeFile = Annotated[
    Path | None,
    typer.Option(
        "--desk-tape",
        metavar="FILE",
        help="Record what the desk heard and decided; a replay agrees.",
        rich_help_panel=RUN,
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="Every note of the system, not its headlines alone.")]


def watch(
    system: SystemName,
    frames: Frames = None,
    tape: TapeFile = None,
    symbol: Symbol = None,
    interval: Interval = None,
    config: ConfigFile = None,
    sets: Sets = None,
    desk_tape: DeskTapeFile = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """Run the live loop on a recorded feed and tell what happens.

    No order leaves: fills are simulated, so that what follows a fill can be watched too. With --json every line is an
    object of its own, the last one the counts.
    """
    from quintet.app import wiring
    from quintet.app.watching import Counts, watch

    found = _system(system)
    loaded, symbol_given = _configuration(found, config, sets or (), symbol, interval)
    feed = _feed(loaded, frames, tape, symbol_given)
    counts = Counts()
    with contextlib.ExitStack() as files:
        open_tape = _recorder(files, desk_tape, feed.synthetic) if desk_tape is not None else None
        watched = wiring.paper_desk(found, loaded, feed.instrument, feed.structure, feed.fills, open_tape)
        shown = watched.headlines | ALWAYS
        for line in watch(watched.desk, feed, watched.words, counts):
            if everything or not watched.headlines or line.kind in shown:
                _tell(line, as_json)
    _tell_counts(counts, as_json)


def _recorder(files: contextlib.ExitStack, path: Path, synthetic: bool) -> "OpenTape":
    """Opens the desk tape in place when the desk knows what stands in its meta block; `files` closes it."""
    from quintet import __version__
    from quintet.app import wiring
    from quintet.core.tape import TapeMeta
    from quintet.storage.tape_files import TapeWriter

    created_ns = int(wiring.clock().timestamp()) * 1_000_000_000

    def open_tape(notes: Mapping[str, str]) -> "DeskTape":
        meta = TapeMeta(
            use="desk", synthetic=synthetic, created_ns=created_ns, tool_version=__version__, notes=dict(notes)
        )
        return files.enter_context(TapeWriter.record(path, meta))

    return open_tape


ALWAYS: Final = frozenset(("candle", "fill", "mm_on", "mode", "suspense"))
"""Kinds of lines that belong to no system."""


def _system(name: str) -> "KernelSystem":
    """The system of this name; raises Complaint for one with a timer, which a recorded feed does not drive yet."""
    from quintet.app.config import find_system

    found = find_system(name)
    if found.timer_every_ns:
        raise Complaint(
            "a system with a timer cannot be watched yet",
            where="SYSTEM",
            found=f"{found.name} with a timer",
            expected="a system that is woken by the market alone",
        )
    return found


def _configuration(
    system: "KernelSystem",
    config: Path | None,
    sets: "tuple[str, ...] | list[str]",
    symbol: str | None,
    interval: str | None,
) -> "tuple[Config, bool]":
    """What was configured, and whether the symbol was; raises Complaint."""
    from quintet.app.config import Given, given_keys, load

    if config is not None and not config.is_file():
        raise Complaint("no such configuration", where="--config", found=config, expected="a TOML file")
    flags = []
    if symbol is not None:
        flags.append(Given("instrument.symbol", symbol, "--symbol"))
    if interval is not None:
        flags.append(Given("data.interval", interval, "--interval"))
    return load(config, sets, flags, system), symbol is not None or "instrument.symbol" in given_keys(config, sets)


def _feed(config: "Config", frames: Path | None, tape: Path | None, symbol_given: bool) -> "Feed":
    """The feed that was asked for; raises Complaint."""
    from quintet.app.markets import MarketRequest, open_market
    from quintet.app.watching import recorded_feed, tape_feed
    from quintet.storage.workspace import workspace

    if (frames is None) == (tape is None):
        raise Complaint(
            "one feed is watched",
            where="arguments",
            found="none" if frames is None else "--frames and --tape",
            expected="--frames FILE or --tape FILE",
        )
    if frames is not None:
        return recorded_feed(frames, config, symbol_given)
    import msgspec

    named = msgspec.structs.replace(
        config, data=msgspec.structs.replace(config.data, tape=str(tape), files=(), cache="")
    )
    market = open_market(MarketRequest(named, "command line"), workspace(), 0)
    return tape_feed(market.tape, market.instrument, market.structure, market.fills)


def _tell(line: "Line", as_json: bool) -> None:
    from quintet.runtime.lines import clock_text

    time = clock_text(line.ts_ns)
    if as_json:
        say_json_line({"ts_ns": line.ts_ns, "time": time, "kind": line.kind, "text": line.text})
    else:
        say(f"{time}  {line.kind:<{KIND_WIDTH}} {line.text}")


def _tell_counts(counts: "Counts", as_json: bool) -> None:
    if as_json:
        say_json_line(
            {
                "kind": "end",
                "candles": counts.candles,
                "orders": counts.orders_sent,
                "simulated_orders": counts.simulated_orders,
                "simulated_fills": counts.simulated_fills,
            }
        )
        return
    say(f"candles {counts.candles}, orders {counts.orders_sent}")
    say(f"simulated: orders {counts.simulated_orders}, fills {counts.simulated_fills}")
