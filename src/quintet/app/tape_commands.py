"""`quintet tape ...`: look into tapes, check them, cut, merge and carry them.

Exit codes: 0 it is well; 1 `verify` found damage, a torn end or a broken law; 2 usage or a file that is no tape.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quintet.app.messages import CalmGroup, Complaint, did_you_mean, fail, note, progress, say, say_json

if TYPE_CHECKING:
    from quintet.core.instrument import Instrument
    from quintet.core.row_laws import Definition
    from quintet.core.tape import Event, Source, Tape, TapeMeta

tape_app = typer.Typer(cls=CalmGroup, help="Look into tapes.", no_args_is_help=True, rich_markup_mode=None)

TapePath = Annotated[Path, typer.Argument(metavar="TAPE", help="A tape file.")]
OutPath = Annotated[Path, typer.Option("--out", "-o", help="The file to write.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace the file when it exists.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@tape_app.command()
def info(tape: TapePath, as_json: AsJson = False) -> None:
    """Show origin, instruments, times, counts and hash."""
    _tell(_facts(_opened(tape)), as_json)


@tape_app.command()
def verify(tape: TapePath, as_json: AsJson = False) -> None:
    """Check every byte and every row now, and keep what was found beside the tape."""
    from quintet.core.errors import NotATape, TapeError
    from quintet.storage.tape_files import verify_tape

    _require_file(tape)
    try:
        with progress(f"verifying {tape.name}"):
            found = verify_tape(tape)
    except NotATape:
        raise
    except TapeError as error:
        if as_json:
            say_json({"tape": str(tape), "ok": False, "problem": str(error)})
        note(f"error: {error}")
        fail()
    torn = _torn(found)
    if as_json:
        say_json({"tape": str(tape), "ok": not torn, "problem": torn, **_facts(found)})
    else:
        say(f"{'torn' if torn else 'whole'}: {found.n_positions:,} positions, tape hash {found.hash}")
    if torn:
        note(torn)
        fail()


@tape_app.command()
def head(
    tape: TapePath,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many events.")] = 10,
    first: Annotated[int, typer.Option("--from", min=0, help="The position to begin at.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show the first events, one line each."""
    from itertools import islice

    events = list(islice(_opened(tape).events(first), count))
    if as_json:
        say_json({"tape": str(tape), "events": [event._asdict() for event in events]})
        return
    for event in events:
        say(_event_line(event))


@tape_app.command()
def cut(
    tape: TapePath,
    out: OutPath,
    start: Annotated[
        str, typer.Option("--from", help="First moment kept: a position, a UTC date or time, or ns with the suffix ns.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="First moment left out, written like --from.")] = "",
    only: Annotated[
        str, typer.Option("--only", metavar="NAME", help="Only this instrument: a symbol, or venue:product:symbol.")
    ] = "",
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Make a tape of a window, or of one instrument; instruments are defined again at its start."""
    from quintet.core.tape import memory_tape
    from quintet.core.tape_splice import cut_rows, only_rows

    window = {**_bound("from", start), **_bound("to", end)}
    source = _opened(tape)
    how = f"cut of {tape.name} from {start or 'its start'} to {end or 'its end'}"
    piece = source
    if only:
        number = _instrument_number(source, only)
        piece = memory_tape(only_rows(source, number), (), source.meta, source.name)
        how += f", {source.instruments[number].name} only"
    _tell(_facts(_written(out, _derived([source], how), cut_rows(piece, **window), replace)), as_json)


def _instrument_number(tape: "Tape", name: str) -> int:
    """The one instrument of a tape that bears a symbol or a whole name; raises Complaint."""
    found = [n for n, each in enumerate(tape.instruments) if name in (each.symbol, each.name)]
    if len(found) != 1:
        names = [each.name for each in tape.instruments]
        raise Complaint(
            "an instrument that the tape does not have" if not found else "a symbol of several instruments",
            where="--only", found=name, expected=f"one of {', '.join(names) or 'none'}", hint=did_you_mean(name, names),
        )  # fmt: skip
    return found[0]


@tape_app.command()
def merge(
    tapes: Annotated[list[Path], typer.Argument(metavar="TAPE...", help="Two or more tape files.")],
    out: OutPath,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Weave tapes into one, by the time of receipt; instruments are numbered anew by venue, symbol and product."""
    from quintet.core.tape_splice import merge_rows

    if len(tapes) < 2:
        raise Complaint("nothing to merge", where="TAPE...", found=f"{len(tapes)} tape", expected="two or more tapes")
    sources = [_opened(path) for path in tapes]
    with progress(f"merging {len(sources)} tapes"):
        rows = merge_rows(sources)
    meta = _derived(sources, "merge of " + ", ".join(path.name for path in tapes))
    _tell(_facts(_written(out, meta, rows, replace)), as_json)


@tape_app.command()
def candles(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Candle files of one instrument.")],
    out: OutPath,
    like: Annotated[
        Path | None, typer.Option("--like", metavar="TAPE", help="A tape that defines the instrument.")
    ] = None,
    only: Annotated[str, typer.Option("--only", metavar="NAME", help="Which one, where that tape has several.")] = "",
    config: Annotated[
        Path | None, typer.Option("--config", metavar="TOML", help="A configuration that defines it instead.")
    ] = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Make a tape of candle files, to be merged with order books."""
    from quintet import __version__
    from quintet.app.wiring import clock
    from quintet.storage.candle_sources import load_market
    from quintet.storage.candle_tapes import build_tape

    instrument = _instrument_like(like, only, config)
    for path in files:
        _require_file(path)
    with progress("reading candles"):
        market = load_market(files, instrument)
    now_ns = int(clock().timestamp()) * 1_000_000_000
    meta, rows = build_tape(market, instrument, synthetic=market.synthetic, created_ns=now_ns, tool_version=__version__)
    _tell(_facts(_written(out, meta, rows, replace)), as_json)


def _instrument_like(like: Path | None, only: str, config: Path | None) -> "Instrument":
    """As a tape defines it at its beginning, or as a configuration does; raises Complaint without either."""
    from quintet.app.config import load
    from quintet.app.instruments import define

    if (like is None) == (config is None):
        raise Complaint(
            "an instrument is needed once", where="--like and --config",
            found="neither" if like is None else "both", expected="one of them: candles do not tell their units",
        )  # fmt: skip
    if like is None:
        assert config is not None
        _require_file(config)
        return define(load(config).instrument, str(config))
    tape = _opened(like)
    if not only and len(tape.instruments) == 1:
        return tape.instruments[0]
    return tape.instruments[_instrument_number(tape, only)]


@tape_app.command()
def export(
    tape: TapePath,
    parquet: Annotated[Path, typer.Option("--parquet", help="The Parquet file to write.")],
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Write a tape as Parquet, without loss."""
    from quintet.storage.parquet import export_tape

    if parquet.exists() and not replace:
        raise Complaint("the file exists", where=str(parquet), found="a file", expected="a new name, or --replace")
    source = _opened(tape)
    with progress(f"exporting {tape.name}"):
        export_tape(source, parquet)
    _tell({"tape": str(tape), "parquet": str(parquet), "positions": source.n_positions, "hash": source.hash}, as_json)


@tape_app.command("import")
def import_(
    parquet: Annotated[Path, typer.Argument(metavar="FILE", help="A Parquet file that `quintet tape export` wrote.")],
    out: OutPath,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Make a tape from an exported Parquet file; its hash must be the exported one's."""
    from quintet.storage.parquet import import_tape

    _require_file(parquet)
    with progress(f"importing {parquet.name}"):
        tape = import_tape(parquet, out, replace=replace)
    _tell(_facts(tape), as_json)


# ---- what is shown -----------------------------------------------------------------------------------------------


def _opened(path: Path) -> "Tape":
    from quintet.storage.tape_files import open_tape

    _require_file(path)
    with progress(f"checking {path.name}"):
        tape = open_tape(path)
    if tape.torn_bytes:
        note(_torn(tape))
    return tape


def _require_file(path: Path) -> None:
    if not path.exists():
        raise Complaint("no such file", where=str(path), found="nothing", expected="an existing file")


def _written(out: Path, meta: "TapeMeta", rows: Any, replace: bool) -> "Tape":
    from quintet.storage.tape_files import write_tape

    with progress(f"writing {out.name}"):
        return write_tape(out, meta, rows, replace=replace)


def _derived(sources: "list[Tape]", how: str) -> "TapeMeta":
    """The origin of a tape that was made from tapes: it is synthetic as soon as one of them is."""
    from quintet import __version__
    from quintet.app.wiring import clock
    from quintet.core.market.tick_feed import inherited_notes
    from quintet.core.tape import TapeMeta

    return TapeMeta(
        use="market" if all(tape.meta.use == "market" for tape in sources) else "desk",
        synthetic=any(tape.meta.synthetic for tape in sources),
        created_ns=int(clock().timestamp()) * 1_000_000_000,
        tool_version=__version__,
        sources=tuple(_source(tape) for tape in sources),
        notes={"how": how, **inherited_notes([tape.meta for tape in sources])},
    )


def _source(tape: "Tape") -> "Source":
    import hashlib

    from quintet.core.tape import Source, bytes_of

    return Source(Path(tape.name).name, hashlib.sha256(bytes_of(tape.rows)).hexdigest())


def _torn(tape: "Tape") -> str:
    """One line about a torn end, empty when there is none."""
    if not tape.torn_bytes:
        return ""
    return f"{tape.name}: the last {tape.torn_bytes} bytes are a torn end and are left out ({tape.torn_reason})"


def _facts(tape: "Tape") -> dict[str, Any]:
    """What `info` tells, in the order in which it tells it."""
    census = tape.census
    return {
        "tape": tape.name,
        "use": tape.meta.use,
        "synthetic": tape.meta.synthetic,
        "created": moment(tape.meta.created_ns),
        "tool_version": tape.meta.tool_version,
        "sources": [{"name": source.name, "sha256": source.sha256} for source in tape.meta.sources],
        "notes": tape.meta.notes,
        "positions": census.positions,
        "first": moment(census.first_ns),
        "last": moment(census.last_ns),
        "kinds": census.kinds,
        "instruments": [
            {"number": n, "venue": instrument.venue, "kind": instrument.kind, **_span(census.instruments[n])}
            for n, instrument in enumerate(tape.instruments)
        ],
        "instrument_changes": [_change(definition) for definition in tape.instrument_changes],
        "hash": tape.hash,
        "chain": tape.chain,
        "torn_bytes": tape.torn_bytes,
    }


def _span(span: Any) -> dict[str, Any]:
    return {name: getattr(span, name) for name in span.__struct_fields__}


def _change(definition: "Definition") -> dict[str, Any]:
    instrument = definition.instrument
    return {
        "position": definition.position,
        "at": moment(definition.ts_recv),
        "symbol": instrument.symbol,
        "tick_size": str(instrument.tick_size),
        "lot_size": str(instrument.lot_size),
    }


def _tell(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(facts)
        return
    for name, value in facts.items():
        for line in _lines(value):
            say(f"{name.replace('_', ' '):<20}{line}")


def _lines(value: Any) -> list[str]:
    """A fact as lines: one for each item of a list or table, none for an empty one."""
    if isinstance(value, dict):
        return [f"{key} {item:,}" if isinstance(item, int) else f"{key}: {item}" for key, item in value.items()]
    if isinstance(value, list):
        return ["  ".join(f"{key} {item}" for key, item in entry.items()) for entry in value]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [f"{value:,}" if isinstance(value, int) else str(value)]


def _event_line(event: "Event") -> str:
    text = f"  {event.text}" if event.text is not None else ""
    return (
        f"{event.position:>9}  {moment(event.ts_recv)}  {event.kind:<15} instrument {event.instrument}"
        f"  price {event.price}  {_quantity(event)}  bits {event.bits}{text}"
    )


def _quantity(event: "Event") -> str:
    """The quantity in words; the closing row of a bar keeps both extremes in it."""
    from quintet.core.events import HIGH_SHIFT, LOW_MASK

    if event.kind == "BAR_CLOSE":
        return f"high {event.quantity >> HIGH_SHIFT}  low {event.quantity & LOW_MASK}"
    return f"quantity {event.quantity}"


# ---- moments -----------------------------------------------------------------------------------------------------


def moment(ns: int) -> str:
    """Nanoseconds UTC as ISO text, with only as many digits after the point as there are."""
    second, rest = divmod(ns, 1_000_000_000)
    text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else f"{text}Z"


def _bound(end: str, text: str) -> dict[str, int]:
    """The window argument that one of `--from` and `--to` stands for."""
    if not text:
        return {}
    if text.isdecimal():
        return {f"{end}_position": int(text)}
    if text.endswith("ns") and text[:-2].isdecimal():
        return {f"{end}_ns": int(text[:-2])}
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Complaint(
            "not a moment",
            where=f"--{end}",
            found=text,
            expected="a position (1200), a UTC date or time (2024-05-01T12:00), or nanoseconds (1714564800000000000ns)",
        ) from None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return {f"{end}_ns": (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000}
