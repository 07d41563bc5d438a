"""`quintet facts list | import | record`: numbers from outside the market, as events on a tape.

Exit codes: 0 it is well; 1 a source had no answer (`record --once`); 2 usage, or a file that cannot be used. A refused
file leaves the workspace as it was.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app.messages import CalmGroup, Complaint, fail, note, progress, say, say_json

if TYPE_CHECKING:
    from quintet.app.fact_import import FactRequest, Imported
    from quintet.core.tape import Tape
    from quintet.ports.key_store import Credential

facts_app = typer.Typer(
    cls=CalmGroup,
    help="Numbers from outside the market: list, import, record.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Pairs = list[str] | None

_HOUR_S: Final = 3600


@facts_app.command("list")
def list_facts(as_json: AsJson = False) -> None:
    """List the facts that quintet knows by name: what they count, how often they come, when they are late."""
    from quintet.app.fact_sources import ASKED, KEYED
    from quintet.core.market.fact_families import FAMILIES

    rows: list[dict[str, Any]] = []
    for each in FAMILIES:
        source = each.name.split("/")[0]
        has_key = source in KEYED or each.name == "bybit/deposit"
        rows.append(
            {
                "fact": f"{each.name}/{each.of}" if each.of else each.name,
                "unit": each.unit,
                "decimals": each.decimals,
                "every_s": each.rhythm.every_ns // 1_000_000_000,
                "within_s": each.rhythm.within_ns // 1_000_000_000,
                "from": ("asked, with a key" if has_key else "asked") if each.name in ASKED else "files",
                "meaning": each.meaning,
            }
        )
    if as_json:
        say_json({"facts": rows})
        return
    for row in rows:
        rhythm = (
            f"every {_length(row['every_s'])}, within {_length(row['within_s'])}" if row["every_s"] else "as it comes"
        )
        say(f"{row['fact']:<32} {rhythm:<28} {row['from']}")
        say(f"    {row['meaning']} ({row['unit']})")


@facts_app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table (CSV, Parquet, Feather), or a source's answer (JSON).")
    ],
    fact: Annotated[str, typer.Option("--fact", metavar="NAME", help="Its name, source/what or source/what/of.")],
    columns: Annotated[
        Pairs, typer.Option("--map", metavar="FIELD=COLUMN,...", help="Columns: time, value, known, reference.")
    ] = None,
    where: Annotated[Pairs, typer.Option("--where", metavar="COLUMN=VALUE", help="Only these rows.")] = None,
    time_unit: Annotated[
        str | None, typer.Option(metavar="UNIT", help="Unit of numeric times: s, ms, us or ns.")
    ] = None,
    shift: Annotated[str, typer.Option(metavar="TIME", help="Added to every time, e.g. -3h for a file in UTC+3.")] = "",
    known_after: Annotated[
        str, typer.Option(metavar="TIME", help="How long after its time a value was known; 0s: at once.")
    ] = "",
    every: Annotated[str, typer.Option(metavar="TIME", help="How often a value is due, e.g. 1d.")] = "",
    within: Annotated[str, typer.Option(metavar="TIME", help="How long after that it is missing.")] = "",
    decimals: Annotated[int | None, typer.Option(help="Decimals that are kept; 9 for a fact without a family.")] = None,
    rounded: Annotated[bool, typer.Option("--round", help="Take values with more decimals to the nearest.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="TAPE", help="The tape; else in the workspace.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the tape when it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a tape of an archive of one fact: each value at the time when it was known, and what is missing."""
    import time

    from quintet.app.fact_import import FactRequest, import_facts, write_facts
    from quintet.app.flags import named_pairs
    from quintet.storage.workspace import workspace

    request = FactRequest(
        path=file,
        fact=fact,
        columns=named_pairs("--map", [part for given in columns or () for part in given.split(",")]),
        where=named_pairs("--where", where or ()),
        time_unit=_time_unit(time_unit),
        shift_ns=(-1 if shift.startswith("-") else 1) * (_ns(shift.lstrip("+-"), "--shift") or 0),
        known_after_ns=_ns(known_after, "--known-after"),
        every_ns=_ns(every, "--every"),
        within_ns=_ns(within, "--within"),
        decimals=decimals,
        rounded=rounded,
    )
    with progress(f"reading {file.name}"):
        imported = import_facts(request)
    path = out or workspace().data / f"{fact.replace('/', '_')}.tape"
    if path.exists() and not replace:
        raise Complaint("a file of that name exists", where="--out", found=path, expected="a new name, or --replace")
    tape = write_facts(imported, request, path, time.time_ns(), replace=replace)
    _tell_import(request, imported, tape, path, as_json)


def _tell_import(request: "FactRequest", imported: "Imported", tape: "Tape", path: Path, as_json: bool) -> None:
    from quintet.storage.candle_files import utc_text

    values = len(imported.observations) - imported.missing
    first, last = (utc_text(each.about_ns) for each in (imported.observations[0], imported.observations[-1]))
    if as_json:
        say_json(
            {
                "fact": request.fact, "path": str(path), "values": values, "missing": imported.missing, "first": first,
                "last": last, "hash": tape.hash, "notes": imported.notes,
            }
        )  # fmt: skip
        return
    for line in imported.notes:
        note(line)
    say(f"{values:,} values of {request.fact}, {first} to {last} UTC, {imported.missing:,} missing")
    say(f"kept as {path}")


@facts_app.command()
def record(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Facts to ask for: quintet facts list.")],
    keys: Annotated[
        Pairs, typer.Option("--key", metavar="SOURCE=NAME", help="A key of quintet keys, e.g. glassnode=mine.")
    ] = None,
    how_long: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long: 30m, 1h ...; else until Ctrl-C.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="Ask each source once.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="TAPE", help="The tape, gone on with where it is there.")
    ] = None,
    hosts: Annotated[Pairs, typer.Option("--venue-url", hidden=True, help="SOURCE=URL: another host.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask sources for facts in their rhythm, onto a tape: what is new, what is restated, what does not come."""
    from quintet.app.fact_recording import FactRecordRequest, record_facts
    from quintet.app.fact_sources import require_asked
    from quintet.app.flags import duration_s, named_pairs
    from quintet.storage.workspace import workspace

    if once and how_long:
        raise Complaint("once, or for a time", where="--once, --for", found="both", expected="one of them")
    named = named_pairs("--key", keys or ())
    require_asked(names, named)
    seconds = 0.0 if once else duration_s(how_long, "--for") if how_long else None
    path = out or workspace().tapes / "facts.tape"
    credentials = {source: _credential(name) for source, name in named.items()}
    recorded = record_facts(
        FactRecordRequest(
            tuple(dict.fromkeys(names)), path, credentials, named_pairs("--venue-url", hosts or ()), seconds
        )
    )
    if as_json:
        say_json({name: getattr(recorded, name) for name in recorded.__struct_fields__})
    else:
        say(f"{recorded.observations:,} observations from {recorded.answers:,} answers; kept as {recorded.path}")
        if recorded.unanswered:
            note(f"{recorded.unanswered:,} questions without an answer; the latest: {recorded.latest}")
    if once and recorded.unanswered:
        fail()


# ---- what the flags mean -----------------------------------------------------------------------------------------


def _credential(name: str) -> "Credential":
    from quintet.app.key_stores import read_key

    return read_key(name)


def _time_unit(unit: str | None) -> str | None:
    if unit not in (None, "s", "ms", "us", "ns"):
        raise Complaint("unknown unit of time", where="--time-unit", found=unit, expected="one of s, ms, us, ns")
    return unit


def _ns(written: str, where: str) -> int | None:
    """A length of time in ns; None when nothing is said, and 0 where `0s` is."""
    from quintet.app.flags import duration_s

    if not written:
        return None
    return 0 if written in ("0", "0s") else round(duration_s(written, where) * 1_000_000_000)


def _length(seconds: int) -> str:
    if seconds % _HOUR_S:
        return f"{seconds // 60} min"
    hours = seconds // _HOUR_S
    return f"{hours // 24} d" if hours % 24 == 0 else f"{hours} h"
