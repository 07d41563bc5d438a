"""`quintet backtest SYSTEM`: the flags, and what is printed. The work is in `backtests`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app.messages import Complaint, fail, note, say, say_json

if TYPE_CHECKING:
    from quintet.app.backtests import Task
    from quintet.app.config import Given
    from quintet.research.systems import KernelSystem

MARKET, RUN = "Market", "Run"


def count(written: str | int) -> int:
    """A whole number of things, at least one, as typed or as a default; raises Complaint."""
    word = str(written)
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 10 else 0
    if number < 1:
        raise Complaint("not a count", where="arguments", found=word, expected="a whole number, 1 or more")
    return number


SystemName = Annotated[
    str,
    typer.Argument(
        metavar="SYSTEM",
        help="Which system: structure_mm, eternal, or one of your own, file.py:MySystem.",
        autocompletion=lambda: ["structure_mm", "eternal"],
    ),
]
MoreFiles = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", help="More candle files after --data.", hidden=True)
]
DataFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE...",
        help="Candle files, CSV, Parquet, Feather or JSON: one, or a higher and a lower timeframe.",
        rich_help_panel=MARKET,
    ),
]
TapeFile = Annotated[
    Path | None,
    typer.Option("--tape", metavar="FILE", help="A market tape instead of candles.", rich_help_panel=MARKET),
]
Symbol = Annotated[str | None, typer.Option(help="Instrument, e.g. ETHUSDT.", rich_help_panel=MARKET)]
Interval = Annotated[
    str | None, typer.Option(help="Timeframe of a single-timeframe run: 5, 5m, 1h ...", rich_help_panel=MARKET)
]
HtfInterval = Annotated[
    str | None, typer.Option(help="Timeframe of structure, when fills use a lower one.", rich_help_panel=MARKET)
]
LtfInterval = Annotated[str | None, typer.Option(help="Timeframe of fills and order upkeep.", rich_help_panel=MARKET)]
Start = Annotated[
    str | None, typer.Option(help="First moment, inclusive; a date is 00:00 UTC.", rich_help_panel=MARKET)
]
End = Annotated[str | None, typer.Option(help="Last moment, exclusive; a date is 00:00 UTC.", rich_help_panel=MARKET)]
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar="CSV", help="Where downloaded candles are kept; a second run needs no network.", rich_help_panel=MARKET
    ),
]
Bars = Annotated[
    int | None,
    typer.Option(parser=count, metavar="N", help="Only the first so many structure bars.", rich_help_panel=MARKET),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="TOML", help="Configuration file.", rich_help_panel=RUN)
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override one key, e.g. execution.latency_ms=100.", rich_help_panel=RUN
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--fill-policy",
        metavar="NAME",
        help="pessimistic, optimistic, ohlc, olhc or lower; may be repeated.",
        autocompletion=lambda: ["pessimistic", "optimistic", "ohlc", "olhc", "lower"],
        rich_help_panel=RUN,
    ),
]
Latencies = Annotated[
    Path | None,
    typer.Option(
        "--latencies",
        metavar="FILE",
        help="Order books: orders travel as long as these recorded ones, CSV, .npy or .npz.",
        rich_help_panel=RUN,
    ),
]
Out = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Folder of this run; must be new or empty.", rich_help_panel=RUN)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

_FLAGS: Final = {
    "tape": "data.tape",
    "interval": "data.interval",
    "htf_interval": "data.htf_interval",
    "ltf_interval": "data.ltf_interval",
    "start": "data.start",
    "end": "data.end",
    "cache": "data.cache",
    "symbol": "instrument.symbol",
}
"""Flag to the configuration key it overrides."""

_ENDED: Final = "venue_ended_"
"""So begin the figures that count orders which the venue ended, one a reason."""


def backtest(
    system: SystemName,
    more: MoreFiles = None,
    data: DataFiles = None,
    tape: TapeFile = None,
    symbol: Symbol = None,
    interval: Interval = None,
    htf_interval: HtfInterval = None,
    ltf_interval: LtfInterval = None,
    start: Start = None,
    end: End = None,
    cache: Cache = None,
    bars: Bars = None,
    config: ConfigFile = None,
    sets: Sets = None,
    fill_policy: Policies = None,
    latencies: Latencies = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Run a system over candles, or over the order books of a tape, and report honestly.

    Without a market the embedded synthetic one is used, and labelled so everywhere.
    """
    from quintet.app import backtests, wiring
    from quintet.storage.workspace import workspace

    if system == "eternal":
        from quintet.app import eternal_command

        eternal_command.refuse(
            {"--tape": tape, "--symbol": symbol, "--interval": interval, "--htf-interval": htf_interval,
             "--ltf-interval": ltf_interval, "--cache": cache, "--fill-policy": fill_policy, "--latencies": latencies,
             "FILE": more},
            eternal_command.FLAGS + ", --out, --bars 1 for the headline alone",
        )  # fmt: skip
        outcome = eternal_command.run(
            data or (), config, start or "", end or "", out, bars is not None, workspace(), wiring.clock(), sets or ()
        )
        eternal_command.tell(outcome, as_json)
        if outcome["conservation"] != 0:
            note("the books do not balance: keep the run's folder and report it")
            fail()
        return
    values = {"tape": tape, "symbol": symbol, "interval": interval, "htf_interval": htf_interval}
    values |= {"ltf_interval": ltf_interval, "start": start, "end": end, "cache": cache}
    flags = [*market_flags(values, data, more, fill_policy), *latency_flags(latencies)]
    task = make_task(system, flags, config, sets or (), bars, out)
    outcome = backtests.run(task, wiring.parts(), workspace(), wiring.clock())
    if as_json:
        say_json(outcome)
    else:
        _say_outcome(outcome)
    if outcome["conservation"] != 0:
        note("the books do not balance: keep the run's folder and report it")
        fail()


def market_flags(
    values: Mapping[str, object],
    data: Sequence[Path] | None = None,
    more: Sequence[Path] | None = None,
    fill_policies: Sequence[str] | None = None,
) -> "list[Given]":
    """The given flags as overrides of the configuration; raises Complaint for files without --data."""
    from quintet.app.config import Given

    flags = [
        Given(_FLAGS[name], str(value), f"--{name.replace('_', '-')}")
        for name, value in values.items()
        if value is not None
    ]
    if more and not data:
        raise Complaint(
            "candle files need their flag",
            where="arguments",
            found=" ".join(map(str, more)),
            expected="--data before the first file",
        )
    if data:
        flags.append(Given("data.files", [str(path) for path in [*data, *(more or ())]], "--data"))
    if fill_policies:
        flags.append(Given("execution.fill_policies", list(fill_policies), "--fill-policy"))
    return flags


def latency_flags(path: Path | None) -> "list[Given]":
    """A file of recorded orders, and the model that reads it."""
    from quintet.app.config import Given

    if path is None:
        return []
    origin = "--latencies"
    return [Given("data.latencies", str(path), origin), Given("tick_execution.latency_model", "recorded", origin)]


def make_task(
    system: "str | KernelSystem",
    flags: "Sequence[Given]",
    config: Path | None = None,
    sets: Sequence[str] = (),
    bars: int | None = None,
    out: Path | None = None,
    command: Sequence[str] | None = None,
) -> "Task":
    """Check everything that was said before anything is read; raises Complaint. `command`: else the words typed."""
    from quintet.app.backtests import Task, typed_words
    from quintet.app.config import find_system, load
    from quintet.app.markets import MarketRequest

    found = find_system(system) if isinstance(system, str) else system
    if config is not None and not config.is_file():
        raise Complaint("no such configuration", where="--config", found=config, expected="a TOML file")
    loaded = load(config, sets, _alone(flags), found)
    where = str(config) if config else "command line"
    symbol_given = any(flag.key == "instrument.symbol" for flag in flags) or _symbol_set(config, sets)
    words = typed_words() if command is None else command
    return Task(found, MarketRequest(loaded, where, symbol_given, bars), words, out)


def _alone(flags: "Sequence[Given]") -> "list[Given]":
    """A source named by a flag replaces the source that a file named, instead of standing beside it."""
    from quintet.app.config import Given

    sources = {"data.files": [], "data.tape": "", "data.cache": ""}
    named = [flag for flag in flags if flag.key in sources]
    if not named:
        return list(flags)
    cleared = [Given(key, empty, named[0].origin) for key, empty in sources.items()]
    return [*cleared, *flags]


def _symbol_set(config: Path | None, sets: Sequence[str]) -> bool:
    """True when a file or `--set` names the symbol, so that nothing is guessed from file names."""
    from quintet.app.config import given_keys

    return "instrument.symbol" in given_keys(config, sets)


# ---- what is printed -----------------------------------------------------------------------------------------


def _say_outcome(outcome: Mapping[str, Any]) -> None:
    """The result for a person: the verdict, what it rests on, the few figures that matter, and where to read on."""
    if outcome["synthetic"]:
        say("SYNTHETIC MARKET: this shows the machine at work, not a profit.")
    verdict = outcome.get("verdict", {})
    say(f"\n{verdict.get('sentence', '')}")
    for reason in verdict.get("reasons", ()):
        say(f"  - {reason}")
    say("")
    for label, text in _headline(outcome["interval"], outcome["metrics"]):
        say(f"{label:<14} {text}")
    say(f"{'trials':<14} {_trials(outcome['trials'])}")
    off_quanta = outcome["conservation"]
    say(f"{'books':<14} {'balance' if off_quanta == 0 else f'ARE OFF by {off_quanta} quanta'}")
    for name, value in outcome["hashes"].items():
        say(f"{name + ' hash':<14} {str(value)[:16]}")
    for sentence in outcome["assumptions"]:
        note(f"assumed: {sentence}")
    report = Path(outcome["out"]) / "report.html"
    say(f"{'run':<14} {outcome['run']}")
    say(f"{'report':<14} {report}" if report.exists() else f"{'files':<14} {report.parent}")


def _trials(trials: Mapping[str, Any]) -> str:
    """How many there have been, on this data and before there was a ledger."""
    earlier = trials["earlier"]
    before = f", {earlier:,} with this system before there was a ledger" if earlier else ""
    again = "; this one again" if trials["repeated"] else ""
    return f"{trials['total']:,}: {trials['on_data'] - earlier:,} on this data{before}{again}"


def _headline(interval: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and text of the figures a person looks for first; all others are in metrics.json and the report."""
    lines = []
    if {"low_quote", "high_quote"} <= interval.keys():
        ends = f"{interval['low_quote']:+,.2f} ... {interval['high_quote']:+,.2f}"
        fractions = f"{interval['low_frac']:+.2%} ... {interval['high_frac']:+.2%}"
        if list(interval["policies"]) == ["book"]:
            lines.append(("net result", f"{interval['low_quote']:+,.2f} ({interval['low_frac']:+.2%})"))
        else:
            lines.append(("net result", f"{ends} ({fractions})"))
            policies = ", ".join(interval["policies"])
            lines.append(("headline", f"{interval['headline_policy']}, the lowest of {policies}"))
    if {"before_fees_quote", "fees_quote"} <= metrics.keys():
        lines.append(
            ("of it", f"{metrics['before_fees_quote']:+,.2f} before fees, {-metrics['fees_quote']:+,.2f} fees")
        )
    for label, name, form in (
        ("drawdown", "max_drawdown_frac", ".2%"),
        ("buy and hold", "buy_and_hold_return_frac", "+.2%"),
        ("period", "days", ",.1f" if metrics.get("days", 1.0) >= 1.0 else ",.3f"),
        ("fills", "fills", ",d"),
        ("episodes", "episodes", ",d"),
    ):
        if name in metrics:
            lines.append((label, f"{metrics[name]:{form}}{' days' if name == 'days' else ''}"))
    ended = [f"{n:,} {name[len(_ENDED) :].replace('_', ' ')}" for name, n in metrics.items() if name.startswith(_ENDED)]
    return [*lines, *([("venue ended", ", ".join(ended))] if ended else [])]
