"""`quintet audit show | verify`: who did what, when and why, and whether the log is what was written.

Exit codes: 0 it is well; 1 `verify` found a log that is not what was written; 2 usage, or a log that cannot be read.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quintet.app.backtest_command import count
from quintet.app.messages import CalmGroup, fail, note, say, say_json

if TYPE_CHECKING:
    from pathlib import Path

    from quintet.storage.audit_log import AuditRecord

audit_app = typer.Typer(cls=CalmGroup, help="Who did what, when and why.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@audit_app.command()
def show(
    last: Annotated[int, typer.Option("--last", "-n", parser=count, metavar="N", help="Only the newest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest deeds: kill and release, keys, overrides of a stage, configurations that were changed."""
    from quintet.storage.audit_log import read

    audit = read(_path())
    if as_json:
        say_json({"log": str(_path()), "head": audit.head, "records": [_line(each) for each in audit.records[-last:]]})
        return
    if not audit.records:
        say(f"nothing is recorded yet in {_path()}")
        return
    for each in audit.records[-last:]:
        say(_row(each))
    say(f"log  {_path()}, {len(audit.records):,} records, last seal {audit.head[:16]}")


@audit_app.command()
def verify(
    seal: Annotated[
        str, typer.Option("--seal", metavar="HEX", help="A seal kept elsewhere, or its first digits: is it in the log?")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Read every record again: seals, order, numbers, and that nothing was cut off the end."""
    from quintet.storage.audit_log import read
    from quintet.storage.sealing import Damage

    problem, number, head, torn = "", 0, "", 0
    try:
        audit = read(_path())
        number, head, torn = len(audit.records), audit.head, audit.torn_bytes
        if seal and not any(each.seal.startswith(seal.lower()) for each in audit.records):
            problem = f"{_path()}: found no record with the seal {seal}, expected the one that was kept"
    except Damage as error:
        problem = str(error)
    if as_json:
        facts = {"log": str(_path()), "records": number, "head": head, "torn_bytes": torn}
        say_json({"ok": not problem, **facts, "problem": problem})
    elif not problem:
        say(f"whole  {_path()}, {number:,} records, last seal {head[:16] or 'none'}")
    if torn:
        note(f"a torn end of {torn} bytes: writing a record was cut off; the next record cuts it back and says so")
    if problem:
        note(f"error: {problem}")
        fail()


def _path() -> "Path":
    from quintet.storage.audit_log import audit_path
    from quintet.storage.workspace import workspace

    return audit_path(workspace().root)


def _row(each: "AuditRecord") -> str:
    facts = "".join(f"  {name}={value}" for name, value in each.facts.items())
    torn = f"  (a torn end of {each.torn_bytes} bytes was cut back before)" if each.torn_bytes else ""
    why = f"  because: {each.why}" if each.why else ""
    return f"{each.number:>6}  {each.recorded_utc[:19]}  {each.who}  {each.what} {each.target}{why}{facts}{torn}"


def _line(each: "AuditRecord") -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(each)
    return plain
