"""What `quintet data import` and `data check` do with tick files and tapes, and how they say what they found."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from quintet.app.messages import Complaint, fail, note, progress, say, say_json

if TYPE_CHECKING:
    from quintet.app.tick_import import Imported, TickRequest
    from quintet.core.tape import Tape
    from quintet.storage.tick_check import CheckedInstrument, CheckedTape

CANDLES: Final = "candles"
SHOWN_INSTRUMENTS: Final = 12


def is_tape(file: Path) -> bool:
    """Does the file begin like a tape?"""
    from quintet.core.tape import MAGIC

    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def holds_ticks(files: Sequence[Path], asked: str) -> bool:
    """Are these tick files, by `--format` or by what is in them? A capture's side files count with the others."""
    from quintet.storage.tick_formats import tick_format

    if asked != "auto":
        return asked != CANDLES
    return any(file.is_file() and tick_format(file) is not None for file in files)


def request_of(
    files: Sequence[Path], asked: str, symbol: str | None, config: Path | None, sets: Sequence[str] | None
) -> "TickRequest":
    """What the flags ask for; facts of an instrument only where a configuration or `--set` gives some."""
    from quintet.app.config import load
    from quintet.app.instruments import InstrumentConfig
    from quintet.app.tick_import import TickRequest

    given = None
    if config is not None or any(entry.startswith("instrument.") for entry in sets or ()):
        given = load(config, sets or (), []).instrument
        default = InstrumentConfig().symbol
        if symbol is None and given.symbol != default:
            symbol = given.symbol
        elif given.symbol not in (default, symbol):
            raise Complaint(
                "two symbols for one instrument",
                where="--symbol",
                found=symbol,
                expected=f"{given.symbol} as configured",
            )
    return TickRequest(tuple(files), asked, symbol, given)


# ---- import ------------------------------------------------------------------------------------------------------


def import_feed(request: "TickRequest", name: str | None, replace: bool, as_json: bool) -> None:
    """Write the feed's tape into the workspace, check it, and say what became of everything."""
    from quintet.storage.candle_store import default_name, set_path
    from quintet.storage.workspace import workspace

    path = set_path(workspace().tapes, name or default_name(request.files[0])).with_suffix(".tape")
    imported, checked, tape = _imported(request, path, replace)
    if as_json:
        say_json({"path": str(path), "tape_hash": tape.hash, **_feed_facts(imported), **_check_facts(checked)})
        return
    for line in imported.said[:SHOWN_INSTRUMENTS]:
        note(line)
    _show_feed(imported)
    _show_check(checked)
    say(f"{imported.rows:,} rows, kept as {path}")


def _imported(request: "TickRequest", path: Path, replace: bool) -> "tuple[Imported, CheckedTape, Tape]":
    from quintet.app.tick_import import import_ticks
    from quintet.app.wiring import clock
    from quintet.storage.tape_files import open_tape
    from quintet.storage.tick_check import check_tape

    created_ns = int(clock().timestamp()) * 1_000_000_000
    with progress(f"importing {request.files[0].name}") as report:
        imported = import_ticks(request, path, replace=replace, created_ns=created_ns, report=report)
    with progress(f"checking {path.name}") as report:
        tape = open_tape(path)
        return imported, check_tape(tape, report), tape


# ---- check -------------------------------------------------------------------------------------------------------


def check_feed(request: "TickRequest", picture: Path | None, as_json: bool) -> None:
    """Import into nowhere and check: a feed that would be refused is told like any finding, with exit code 1."""
    from quintet.core.errors import DataError

    with TemporaryDirectory(prefix="quintet-check-") as folder:
        try:
            imported, checked, tape = _imported(request, Path(folder) / "checked.tape", replace=False)
        except DataError as error:
            if as_json:
                say_json({"ok": False, "files": [str(file) for file in request.files], "refused": str(error)})
            else:
                say(f"{', '.join(str(file) for file in request.files)}")
                say(f"  REFUSED  {error}")
            fail()
        if as_json:
            say_json(
                {"ok": not checked.wrong, "files": [str(file) for file in request.files], **_feed_facts(imported),
                 **_check_facts(checked)}
            )  # fmt: skip
        else:
            say(", ".join(str(file) for file in request.files))
            _show_feed(imported)
            for line in imported.said[:SHOWN_INSTRUMENTS]:
                note(f"  {line}")
            _show_check(checked)
        title = ", ".join(file.name for file in request.files)
        _draw(tape, checked, title, picture)
    if checked.wrong:
        fail()


def check_tapes(files: Sequence[Path], picture: Path | None, as_json: bool) -> None:
    """Check tapes of ticks that are there already."""
    from quintet.storage.tape_files import open_tape
    from quintet.storage.tick_check import check_tape

    if picture is not None and len(files) > 1:
        raise Complaint(
            "one picture for several tapes", where="--picture", found=f"{len(files)} tapes", expected="one tape"
        )
    found = []
    for file in files:
        with progress(f"checking {file.name}") as report:
            tape = open_tape(file)
            checked = check_tape(tape, report)
        found.append((file, checked))
        if not as_json:
            say(str(file))
            _show_check(checked)
        _draw(tape, checked, file.name, picture)
    wrong = any(checked.wrong for _, checked in found)
    if as_json:
        say_json({"ok": not wrong, "tapes": [{"path": str(file), **_check_facts(each)} for file, each in found]})
    if wrong:
        fail()


def _draw(tape: "Tape", checked: "CheckedTape", title: str, picture: Path | None) -> None:
    if picture is None:
        return
    from quintet.research.tick_picture import tick_page
    from quintet.storage.workspace import write_whole

    write_whole(picture, tick_page(checked, tape.instruments, title, tape.meta).encode())
    note(f"picture in {picture}")


# ---- what is printed -----------------------------------------------------------------------------------------------


def _show_feed(imported: "Imported") -> None:
    """What became of the frames: one line of what is kept, one for each kind of thing that is not."""
    counts = imported.counts
    if counts.frames:
        say(
            f"  {counts.frames:,} facts of {imported.format}: {counts.depth_messages:,} depth messages, "
            f"{counts.snapshots:,} snapshots, {counts.trades:,} trades"
        )
    for count, meaning in _left_out(imported):
        if count:
            say(f"  {count:>10,}  {meaning}")
    for text in (imported.notes.get("feed_latency", ""), imported.notes.get("gaps", "")):
        if text not in ("", "measured"):
            say(f"  {text}")


def _left_out(imported: "Imported") -> list[tuple[int, str]]:
    counts, clocks = imported.counts, imported.clocks
    return [
        (counts.stale, "changes older than the snapshot, dropped as the venue documents"),
        (counts.repeated, "repeated changes, dropped"),
        (counts.repeated_trades, "repeated trades, dropped"),
        (counts.missing_trades, "trades missing by their numbers"),
        (len(counts.gaps), "gaps in the numbers of changes; the book begins anew behind each"),
        (counts.overtaken_snapshots, "snapshots that were not needed"),
        (counts.far_levels, "levels too far away for a row, left out"),
        (counts.best_prices, "best prices as a stream of their own, not in the book"),
        (
            clocks.stepped_back,
            f"receive times that stepped back, by {clocks.stepped_back_max_ns / 1e6:,.3f} ms at most",
        ),
        (
            clocks.crossed,
            f"messages behind the venue time of an earlier one, by {clocks.crossed_max_ns / 1e6:,.0f} ms at most: "
            "stamped with the later time",
        ),
        *((count, f"{name}: no market fact") for name, count in sorted(counts.aside.items())),
    ]


def _show_check(checked: "CheckedTape") -> None:
    from quintet.app.tape_commands import moment

    say(f"  {moment(checked.first_ns)} to {moment(checked.last_ns)} by the recorder's clock")
    for each in checked.instruments[:SHOWN_INSTRUMENTS]:
        say(
            f"  {each.symbol}: {each.messages:,} messages, {each.levels:,} levels, {each.trades:,} trades, "
            f"mean spread {each.mean_spread_ticks:.2f} ticks"
        )
        _show_findings(each)
    hidden = len(checked.instruments) - SHOWN_INSTRUMENTS
    if hidden > 0:
        say(f"  and {hidden} more instruments; --json shows all")
    if not any(each.findings for each in checked.instruments):
        say("  nothing found")
    if checked.not_traded:
        say(f"  not to be traded in a backtest: {checked.not_traded}")


def _show_findings(each: "CheckedInstrument") -> None:
    for finding in each.findings:
        mark = "WRONG  " if finding.wrong else "look at"
        say(f"  {mark}  {finding.kind:<18} {finding.count:>10,}  first at {finding.first}")
        say(f"           {finding.meaning}")


def _feed_facts(imported: "Imported") -> dict[str, Any]:
    import msgspec

    counts: dict[str, Any] = msgspec.to_builtins(imported.counts)
    clocks: dict[str, Any] = msgspec.to_builtins(imported.clocks)
    return {
        "format": imported.format,
        "rows": imported.rows,
        "counts": counts,
        "clocks": clocks,
        "notes": imported.notes,
        "said": list(imported.said),
    }


def _check_facts(checked: "CheckedTape") -> dict[str, Any]:
    import msgspec

    return {
        "first_ns": checked.first_ns,
        "last_ns": checked.last_ns,
        "latency": checked.latency,
        "not_traded": checked.not_traded,
        "instruments": [msgspec.to_builtins(each) for each in checked.instruments],
    }
