"""`quintet data ...`: bring candles and ticks in, look at them, make them.

Prices come from files. What a candle's instrument is comes from a config; a tick feed's is guessed from its numbers and
shown, unless a config says it.

Exit codes: 0 it is well; 1 `check` found what the importer would refuse; 2 usage or a file that cannot be used.
A refused file leaves the workspace as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

import typer

from quintet.app.messages import CalmGroup, Complaint, did_you_mean, fail, note, progress, say, say_json
from quintet.app.record_command import record

if TYPE_CHECKING:
    from quintet.core.instrument import Instrument
    from quintet.research.tick_market import TickMarket
    from quintet.storage.candle_check import CheckedFile
    from quintet.storage.candle_table import Reading

data_app = typer.Typer(
    cls=CalmGroup,
    help="Bring in candles and ticks: import, download, record, check, synthesize, list.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="A candle file (CSV, Parquet, Feather or JSON), or the files of one tick feed."
    ),
]
Checked = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Candle files, the files of one tick feed, or tapes.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="candles, binance, bybit, bybit-archives, bybit-trades, bybit-top5, coinbase, deribit, hyperliquid, "
        "bitstamp-l3, top-of-book, tardis, hftbacktest or bench; auto: told from what is in the file.",
    ),
]
Picture = Annotated[Path | None, typer.Option(metavar="HTML", help="Ticks only: draw what was checked on one page.")]
Symbol = Annotated[
    str | None, typer.Option(help="Instrument by name; without it the file name or the configuration says.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="TOML", help="Configuration that defines the instrument.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, e.g. instrument.price_increment=0.001."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN,...", help="Which column means what, e.g. time=open_time,volume=vol."),
]
TimeUnit = Annotated[str | None, typer.Option(metavar="UNIT", help="Unit of numeric times: s, ms, us or ns.")]
Stamp = Annotated[str, typer.Option(metavar="open|end", help="Whether a time stamps a bar's opening or its end.")]
Timeframe = Annotated[str | None, typer.Option(metavar="NAME", help="Timeframe: 5m, 5, 1h ...; else inferred.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="COLUMN=VALUE", help="Only these rows, when a file holds several markets."),
]
NewestFirst = Annotated[bool, typer.Option("--newest-first", help="The file runs backwards; turn it.")]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the set; else the file's own.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace what has this name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

_WHERE: Final = "quintet data"


@data_app.command("import")
def import_files(
    files: Files,
    format_name: Format = "auto",
    symbol: Symbol = None,
    columns: Columns = None,
    time_unit: TimeUnit = None,
    stamp: Stamp = "open",
    timeframe: Timeframe = None,
    where: Where = None,
    newest_first: NewestFirst = False,
    config: ConfigFile = None,
    sets: Sets = None,
    name: Name = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Read candles whole and keep exact decimals, or a tick feed into a tape; what is wrong is refused by its place."""
    from quintet.app.tick_commands import holds_ticks, import_feed, request_of

    reading = _reading(columns, time_unit, stamp, timeframe, where, newest_first)
    if holds_ticks(files, format_name):
        _require_no_reading(reading, files)
        import_feed(request_of(files, format_name, symbol, config, sets), name, replace, as_json)
        return
    if len(files) > 1:
        raise Complaint("one candle file at a time", where="FILE...", found=f"{len(files)} files", expected="one file")
    _import_candles(files[0], reading, _instrument(symbol, config, sets, files), name, replace, as_json)


def _import_candles(
    file: Path,
    reading: "Reading",
    guess: "tuple[Instrument, list[str]]",
    name: str | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Read a candle file whole, or refuse it, and keep it in the workspace as exact decimals."""
    from quintet.storage.candle_files import read_candles
    from quintet.storage.candle_store import default_name, save_set, set_path
    from quintet.storage.workspace import workspace

    instrument, said = guess
    with progress(f"reading {file.name}"):
        candles = read_candles(file, instrument, reading)
    folder = workspace().data
    kept = save_set(folder, name or default_name(file), candles, instrument, replace=replace)
    path = set_path(folder, kept.name)
    if as_json:
        say_json({"path": str(path), **_plain(kept), "notes": [*said, *kept.notes]})
        return
    for line in (*said, *kept.notes):
        note(line)
    say(f"{kept.bars:,} {kept.timeframe} bars of {kept.symbol}, {kept.first_bar} to {kept.last_bar} UTC")
    say(f"kept as {path}")


@data_app.command()
def check(
    files: Checked,
    format_name: Format = "auto",
    symbol: Symbol = None,
    columns: Columns = None,
    time_unit: TimeUnit = None,
    stamp: Stamp = "open",
    timeframe: Timeframe = None,
    where: Where = None,
    newest_first: NewestFirst = False,
    config: ConfigFile = None,
    sets: Sets = None,
    picture: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Look for gaps, duplicates, disorder, impossible bars or books, spikes and silence. Repairs nothing."""
    from quintet.app.tick_commands import check_feed, check_tapes, holds_ticks, is_tape, request_of

    reading = _reading(columns, time_unit, stamp, timeframe, where, newest_first)
    tapes = [file for file in files if is_tape(file)]
    ticks = not tapes and holds_ticks(files, format_name)
    if tapes or ticks:
        _require_no_reading(reading, files)
    if tapes:
        if len(tapes) < len(files):
            other = next(file for file in files if file not in tapes)
            raise Complaint(
                "tapes and other files in one check", where=str(other), found="no tape", expected="tapes only"
            )
        check_tapes(files, picture, as_json)
    elif ticks:
        check_feed(request_of(files, format_name, symbol, config, sets), picture, as_json)
    else:
        if picture is not None:
            raise Complaint("a picture of candles", where="--picture", found=files[0], expected="a tick feed or a tape")
        _check_candles(files, reading, lambda file: _instrument(symbol, config, sets, [file]), as_json)


def _check_candles(
    files: Sequence[Path],
    reading: "Reading",
    guess: "Callable[[Path], tuple[Instrument, list[str]]]",
    as_json: bool,
) -> None:
    from quintet.storage.candle_check import check_candles

    checked = []
    for file in files:
        instrument, said = guess(file)
        with progress(f"checking {file.name}"):
            checked.append((check_candles(file, reading, instrument), [*said, _priced_as(instrument)]))
    refused = any(found.refused for found, _ in checked)
    if as_json:
        say_json({"ok": not refused, "files": [_report(found, said) for found, said in checked]})
    else:
        for found, said in checked:
            _show(found, said)
    if refused:
        fail()


@data_app.command()
def download(
    symbol: Annotated[str, typer.Option(help="Symbol as the venue writes it, e.g. ETHUSDT.")],
    interval: Annotated[str, typer.Option(help="Timeframe: 1, 5, 5m, 60, 1h ...")],
    start: Annotated[str, typer.Option(help="First moment, inclusive; a date is 00:00 UTC.")],
    end: Annotated[str, typer.Option(help="Last moment, exclusive; a date is 00:00 UTC.")],
    cache: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Where the candles are kept; else in the workspace.")
    ] = None,
    category: Annotated[str, typer.Option(metavar="NAME", help="spot, linear or inverse.")] = "spot",
    venue_url: Annotated[str | None, typer.Option("--venue-url", hidden=True, help="Another host.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch public candles of Bybit into a CSV; what is there already is not fetched again."""
    from quintet.app.candle_download import Download, download_candles
    from quintet.app.flags import time_range
    from quintet.app.flags import timeframe as timeframe_of
    from quintet.storage.workspace import workspace
    from quintet.venues.bybit.klines import BASE_URL

    name = timeframe_of(interval, "--interval")
    start_ns, end_ns = time_range(start, end)
    if name is None or start_ns is None or end_ns is None:
        raise Complaint(
            "a download needs a timeframe and a range",
            where=f"{_WHERE} download",
            found=f"--interval {interval!r} --start {start!r} --end {end!r}",
            expected="all three, e.g. --interval 5 --start 2026-01-01 --end 2026-02-01",
        )
    _require_one_of("unknown category", "--category", category, ("spot", "linear", "inverse"))
    product = "" if category == "spot" else f"_{category}"
    path = cache or workspace().data / f"bybit{product}_{symbol}_{name}.csv"
    wanted = Download(symbol, name, start_ns, end_ns, category, venue_url or BASE_URL)
    with progress(f"candles of {symbol}") as report:
        filled = download_candles(wanted, path, report)
    facts = {"path": str(path), "fetched": filled.fetched, "pages": filled.pages, "missing": filled.missing}
    if as_json:
        say_json({"symbol": symbol, "timeframe": name, "category": category, **facts})
        return
    say(f"{filled.fetched:,} candles fetched in {filled.pages} pages, kept in {path}")
    if filled.missing:
        note(f"the venue does not have {filled.missing} candles of that range")


data_app.command()(record)


@data_app.command()
def synth(
    kind: Annotated[str, typer.Option(metavar="candles|ticks", help="Bars, or an order book with trades.")] = "candles",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="CSV, Parquet or tape; else in the workspace.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same market, on any machine.")] = 20260101,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Candles: length in days; 120 when not told.")
    ] = None,
    timeframe: Annotated[
        str | None, typer.Option(metavar="NAME", help="Candles: timeframe, 1m, 5m, 1h ...; 1m when not told.")
    ] = None,
    hours: Annotated[float | None, typer.Option(help="Ticks: length in hours; 1 when not told.")] = None,
    toxicity: Annotated[
        float | None, typer.Option(help="Ticks: share of taking orders that know the future, 0 to 1; 0 when not told.")
    ] = None,
    flow: Annotated[
        list[str] | None,
        typer.Option("--flow", metavar="KEY=VALUE", help="Ticks: another number of the model, e.g. trades_per_s=50."),
    ] = None,
    start: Annotated[str, typer.Option(help="First moment; a date is 00:00 UTC.")] = "2026-01-01",
    start_price: Annotated[str, typer.Option(metavar="PRICE", help="First price.")] = "3000",
    symbol: Symbol = None,
    config: ConfigFile = None,
    sets: Sets = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Make a synthetic market from a seed. Its files are marked as such, and so is every run on them."""
    _require_one_of("unknown kind of market", "--kind", kind, ("candles", "ticks"))
    if kind == "ticks":
        _refuse_given("--kind ticks", {"--days": days, "--timeframe": timeframe})
        from quintet.app.flags import named_pairs
        from quintet.app.tick_synthesis import told_market, told_model

        model = told_model(named_pairs("--flow", flow or ()), toxicity)
        said: list[str] = []
        instrument = None
        if symbol or config or sets:
            instrument, said = _instrument(symbol, config, sets, [])
        market = told_market(seed, hours, instrument, start, start_price, model)
        _make_ticks(market, out, replace, said, as_json)
        return
    _refuse_given("--kind candles", {"--hours": hours, "--toxicity": toxicity, "--flow": flow})

    from quintet.app.flags import timeframe as timeframe_of
    from quintet.app.flags import utc_ns
    from quintet.research.synthetic import DEFAULT_DAYS, SYNTHETIC_LABEL, synthesize
    from quintet.storage.candle_files import utc_text, write_candles
    from quintet.storage.workspace import workspace

    instrument, said = _instrument(symbol, config, sets, [])
    name = timeframe_of(timeframe or "", "--timeframe") or "1m"
    path = out or workspace().data / f"synthetic_{instrument.symbol}_{name}_seed{seed}.parquet"
    _require_free(path, replace)
    with progress("making the synthetic market"):
        bars = synthesize(
            seed,
            days=days or DEFAULT_DAYS,
            timeframe=name,
            instrument=instrument,
            start_ns=utc_ns(start, "--start") or 0,
            start_price=start_price,
        )
        write_candles(path, bars, instrument, synthetic=True)
    first, last = utc_text(int(bars.ts_open[0])), utc_text(int(bars.ts_open[-1]))
    if as_json:
        facts = {"path": str(path), "seed": seed, "timeframe": name, "bars": len(bars)}
        say_json({**facts, "first_bar": first, "last_bar": last, "synthetic": True, "label": SYNTHETIC_LABEL})
        return
    for line in (*said, SYNTHETIC_LABEL):
        note(line)
    say(f"{len(bars):,} {name} bars, {first} to {last} UTC, seed {seed}")
    say(f"kept as {path}")


def _make_ticks(market: "TickMarket", out: Path | None, replace: bool, said: Sequence[str], as_json: bool) -> None:
    """Write a synthetic tick market as a tape and tell of it."""
    from quintet.app.tick_synthesis import write_tick_market
    from quintet.storage.workspace import workspace

    path = out or workspace().data / f"synthetic_{market.instrument.symbol}_ticks_seed{market.seed}.tape"
    _require_free(path, replace)
    with progress("making the synthetic market") as report:
        facts = write_tick_market(market, path, replace, report)
    if as_json:
        say_json(facts)
        return
    for line in (*said, facts["label"]):
        note(line)
    say(f"{facts['rows']:,} rows, {facts['trades']:,} of them trades, {facts['first']} to {facts['last']}")
    say(f"seed {market.seed}, toxicity {market.model.toxicity:g}; kept as {path}")


@data_app.command("list")
def list_data(as_json: AsJson = False) -> None:
    """Show what the workspace holds."""
    from quintet.storage.candle_store import list_sets
    from quintet.storage.workspace import workspace

    folder = workspace().data
    tapes = _listed_tapes(workspace().tapes)
    sets = list_sets(folder)
    known = {f"{kept.name}.parquet" for kept, _ in sets}
    loose = [
        path
        for path in sorted(folder.glob("*"))
        if path.suffix in (".csv", ".parquet", ".tape") and path.name not in known
    ]
    if as_json:
        listed = [
            {"path": str(folder / f"{kept.name}.parquet"), **_plain(kept), "state": state} for kept, state in sets
        ]
        loose_paths = [str(path) for path in loose]
        say_json({"folder": str(folder), "sets": listed, "other_files": loose_paths, "tapes": tapes})
        return
    if not sets and not loose and not tapes:
        note(f"nothing in {folder}; begin with `quintet data import FILE` or `quintet data synth`")
    for kept, state in sets:
        mark = " synthetic" if kept.synthetic else ""
        problem = f"  [{state}]" if state else ""
        span = f"{kept.first_bar} to {kept.last_bar}"
        say(f"{kept.name}  {kept.bars:,} {kept.timeframe} bars{mark}  {span}  from {kept.source}{problem}")
    for path in loose:
        say(f"{path.name}  (file)")
    for tape in tapes:
        say("  ".join(f"{part:,} rows" if isinstance(part, int) else str(part) for part in tape.values()))


def _listed_tapes(folder: Path) -> list[dict[str, Any]]:
    """Each tape in the workspace: its path, what is on it, and from when to when by its own receive times."""
    from quintet.core.errors import TapeError
    from quintet.storage.candle_files import utc_text
    from quintet.storage.tape_files import open_tape

    listed: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.tape")):
        try:
            tape = open_tape(path)
        except TapeError as error:
            listed.append({"path": str(path), "state": str(error)})
            continue
        symbols = [instrument.symbol for instrument in tape.instruments]
        named = ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else "")
        census = tape.census
        span = f"{utc_text(census.first_ns)} to {utc_text(census.last_ns)}"
        listed.append({"path": str(path), "rows": census.positions, "symbols": named, "span": span})
    return listed


# ---- what the flags mean -------------------------------------------------------------------------------------


def _require_no_reading(reading: "Reading", files: Sequence[Path]) -> None:
    """How to read candles says nothing about ticks."""
    from quintet.storage.candle_table import Reading

    if reading != Reading():
        raise Complaint(
            "flags for candles with a tick feed",
            where=str(files[0]),
            found="--map, --time-unit, --stamp, --timeframe, --where or --newest-first",
            expected="none of them, or --format candles",
        )


def _instrument(
    symbol: str | None, config: Path | None, sets: Sequence[str] | None, files: Sequence[Path]
) -> tuple["Instrument", list[str]]:
    """The instrument of the configuration; with no symbol named anywhere, the known one of the file's name."""
    from quintet.app.config import Given, load
    from quintet.app.instruments import define, spoken_of

    spoken = spoken_of([file.name for file in files])
    named = symbol is not None or config is not None or any(s.startswith("instrument.symbol") for s in sets or ())
    said = []
    if not named and len(spoken) == 1:
        symbol = spoken[0]
        said.append(f"instrument {symbol} taken from the file name; --symbol overrides it")
    flags = [] if symbol is None else [Given("instrument.symbol", symbol, f"--symbol {symbol}")]
    section = load(config, sets or (), flags).instrument
    return define(section, str(config) if config else "[instrument]"), said


def _reading(
    columns: Sequence[str] | None,
    time_unit: str | None,
    stamp: str,
    timeframe: str | None,
    where: Sequence[str] | None,
    newest_first: bool,
) -> "Reading":
    from quintet.app.flags import named_pairs
    from quintet.app.flags import timeframe as timeframe_of
    from quintet.storage.candle_table import FIELDS, TIME_UNITS, Reading

    mapped = named_pairs("--map", [part for given in columns or () for part in given.split(",")])
    for field in mapped:
        _require_one_of("unknown field", "--map", field, FIELDS)
    if time_unit is not None:
        _require_one_of("unknown unit of time", "--time-unit", time_unit, tuple(TIME_UNITS))
    _require_one_of("unknown stamp", "--stamp", stamp, ("open", "end"))
    return Reading(
        columns=mapped,
        time_unit=time_unit,
        stamp=cast(Literal["open", "end"], stamp),
        timeframe=timeframe_of(timeframe or "", "--timeframe"),
        where=named_pairs("--where", where or ()),
        newest_first=newest_first,
    )


def _refuse_given(chosen: str, flags: Mapping[str, Any]) -> None:
    """Raise Complaint for a flag that means nothing beside what was chosen."""
    for flag, value in flags.items():
        if value is not None:
            raise Complaint("a flag without meaning here", where=flag, found=value, expected=f"no {flag} with {chosen}")


def _require_free(path: Path, replace: bool) -> None:
    """Raise Complaint when a file would be overwritten that nobody asked to replace."""
    if path.exists() and not replace:
        raise Complaint("a file of that name exists", where="--out", found=path, expected="a new name, or --replace")


def _require_one_of(what: str, flag: str, found: str, known: Sequence[str]) -> None:
    if found not in known:
        raise Complaint(
            what, where=flag, found=found, expected=f"one of {', '.join(known)}", hint=did_you_mean(found, known)
        )


# ---- what is printed -----------------------------------------------------------------------------------------


def _priced_as(instrument: "Instrument") -> str:
    return f"checked as {instrument.symbol}: prices in {instrument.price_increment}, lots of {instrument.lot_size}"


def _report(found: "CheckedFile", said: Sequence[str]) -> dict[str, Any]:
    """One file's check for `--json`."""
    facts = _plain(found)
    return facts | {"path": str(found.path), "ok": not found.refused, "notes": [*said, *found.notes]}


def _show(found: "CheckedFile", said: Sequence[str]) -> None:
    """One file's check for people: facts, then a line for each finding and what it means."""
    say(f"{found.path}")
    say(f"  {found.rows:,} rows of {found.timeframe}, {found.first_bar} to {found.last_bar} UTC")
    for line in (*said, *found.notes):
        note(f"  {line}")
    if not found.findings:
        say("  nothing found")
    for finding in found.findings:
        mark = "REFUSED" if finding.refused else "look at"
        say(f"  {mark}  {finding.kind:<28} {finding.count:>8,}  {finding.first.removeprefix(str(found.path) + ': ')}")
        say(f"           {finding.meaning}")


def _plain(value: Any) -> dict[str, Any]:
    """A struct or dataclass as plain values."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(value, enc_hook=str)
    return plain
