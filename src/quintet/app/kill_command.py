"""`quintet kill` and `quintet release`: stop every desk of this workspace now, whatever state it is in.

`kill` first latches the kill file, which every dispatcher reads before each command; then, as a process of its own and
with a key of its own, it cancels everything at the venue until nothing is open, and closes positions if so asked. The
desk may be wedged, stopped or gone. `release` is a person's: it asks for a reason and takes the file away.

Exit codes of `kill`: 0 latched, and every account is at rest; 1 something is left, or could not be latched, opened,
asked or recorded; 2 wrong usage, nothing was done. Of `release`: 0 released; 2 nothing was latched, or no reason was
given.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app.messages import Complaint, fail, note, say, say_json
from quintet.core.errors import QuintetError

if TYPE_CHECKING:
    from decimal import Decimal

    from quintet.ports.key_store import Credential
    from quintet.storage.kill_file import KillFile
    from quintet.venues.bybit.last_resort import Outcome

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

KILL_KEYS: Final = "kill"
"""Keys whose name begins so are for this; without one, every key of the store is used."""

REASON_MIN: Final = 10
"""Characters of a reason to release: less is no reason."""

_TIMEOUT_S: Final = 2.0
"""A venue that takes longer is asked again, at another address where it has one."""


def kill(
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="What has happened; for the audit log.")] = "",
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Close positions too, reduce-only; spot holdings are left as they are.")
    ] = False,
    slippage: Annotated[
        str, typer.Option(metavar="PCT", help="A close pays at most so much beyond the mark price, 0.01 to 10.")
    ] = "1",
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="NAME", help="Only these accounts; else keys named kill..., else all."),
    ] = None,
    at_venue: Annotated[bool, typer.Option("--venue/--no-venue", help="Cancel at the venue, or latch only.")] = True,
    patience: Annotated[str, typer.Option(metavar="TIME", help="How long to try, 90s or 5m.")] = "2m",
    as_json: AsJson = False,
) -> None:
    """Stop trading now: latch the kill switch, cancel everything at the venue, and close positions if asked."""
    patience_s, slippage_pct = _patience(patience), _slippage(slippage)
    switch, how, problems = _latch(why)
    problems += _audit("kill", why, {"flatten": flatten, "venue": at_venue, "latch": how})
    accounts: dict[str, Outcome] = {}
    if at_venue:
        keys, unread = _keys(key)
        problems += unread
        accounts, failed = _brought_to_rest(keys, flatten, slippage_pct, patience_s)
        problems += failed
    ok = not problems and all(each.done for each in accounts.values())
    if at_venue:
        told = {name: "at rest" if each.done else "not at rest" for name, each in accounts.items()}
        problems += _audit("kill: the accounts", why, told)
    if as_json:
        facts = {name: _facts(each) for name, each in accounts.items()}
        say_json(
            {
                "ok": ok,
                "latched": bool(switch.engaged()),
                "file": str(switch.path),
                "accounts": facts,
                "problems": problems,
            }
        )
    else:
        _tell(switch, accounts, problems)
    if not ok:
        fail()


def release(
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Why it is safe to trade again; asked for when it is not said.")
    ] = "",
) -> None:
    """Take the kill switch away, with a typed reason; desks may send again from this moment on."""
    from quintet.app import auditing

    switch = _switch()
    if not switch.engaged():
        raise Complaint(
            "nothing to release", where=str(switch.path), found="no kill switch that is latched", expected="one"
        )
    told = switch.told()
    if told is not None:
        note(f"latched {told.since_utc} by {told.who}: {told.why or 'no reason was given'}")
    reason = why.strip() or asked_reason("why is it safe to trade again?")
    if len(reason) < REASON_MIN:
        raise Complaint(
            "no reason", where="--why", found=f"{len(reason)} characters",
            expected=f"a sentence of {REASON_MIN} or more: why is it safe to trade again?",
        )  # fmt: skip
    auditing.record("release", why=reason, latched_by=told.who if told else "unknown")
    switch.release()
    say(f"released  {switch.path}")


# ---- the latch -----------------------------------------------------------------------------------------------


def _switch() -> "KillFile":
    from quintet.storage.kill_file import KillFile
    from quintet.storage.workspace import workspace

    return KillFile(workspace().root)


def _latch(why: str) -> "tuple[KillFile, str, list[str]]":
    """Before anything else, and without anything else: no key, no network. A latch that fails stops no cancel."""
    from quintet.app.auditing import who
    from quintet.app.wiring import clock
    from quintet.storage.kill_file import Latched

    switch = _switch()
    try:
        new = switch.latch(Latched(clock().isoformat(timespec="milliseconds"), who(), why))
    except OSError as error:
        return switch, "failed", [f"{switch.path}: it cannot be latched: {error.strerror}; stop the desk by hand"]
    note(f"latched  {switch.path}: no desk of this workspace sends anything but cancels")
    return switch, "new" if new else "before", []


def _audit(what: str, why: str, facts: Mapping[str, object]) -> list[str]:
    """Write it down; a log that cannot be written stops no kill, and is told."""
    from quintet.app import auditing

    try:
        auditing.record(what, "", why, **facts)
    except (QuintetError, OSError) as error:
        return [f"audit log: {error}"]
    return []


# ---- the venue -----------------------------------------------------------------------------------------------


def _keys(wanted: list[str] | None) -> "tuple[list[Credential], list[str]]":
    """The keys to use, and why some cannot be; an account that cannot be opened stops no other.

    Keys of sources that have no orders are left out, unless one is asked for by name.
    """
    from quintet.app.key_stores import key_store
    from quintet.app.venue_access import require_key_of

    found: list[Credential] = []
    problems: list[str] = []
    try:
        store = key_store()
        names = wanted or _chosen(store.names())
    except (QuintetError, OSError) as error:
        return [], [f"keys: {error}"]
    for name in names:
        try:
            credential = store.read(name)
            if wanted or credential.venue == "bybit":
                require_key_of(credential, "bybit")
                found.append(credential)
        except QuintetError as error:
            problems.append(f"key {name}: {error}")
    return found, problems or ([] if found else ["keys: none is kept, so nothing was cancelled at a venue"])


def _chosen(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(KILL_KEYS)] or names


def _brought_to_rest(
    keys: "list[Credential]", flatten: bool, slippage_pct: "Decimal", patience_s: float
) -> "tuple[dict[str, Outcome], list[str]]":
    """All accounts at once; each with its own patience."""
    import asyncio

    async def one(credential: "Credential") -> "Outcome":
        from quintet.app.venue_access import bybit_rest
        from quintet.venues.bybit import last_resort

        rest = bybit_rest(credential, timeout_s=_TIMEOUT_S)
        try:
            return await last_resort.LastResort(
                rest,
                _line_of(credential.name),
                flatten=flatten,
                slippage_pct=slippage_pct,
                patience_s=patience_s,
                under_way_s=last_resort.UNDER_WAY_S,
            ).run()
        finally:
            await rest.close()

    async def every() -> "list[Outcome | BaseException]":
        return await asyncio.gather(*(one(credential) for credential in keys), return_exceptions=True)

    accounts: dict[str, Outcome] = {}
    problems: list[str] = []
    for credential, found in zip(keys, asyncio.run(every()), strict=True):
        if isinstance(found, BaseException):
            problems.append(f"{credential.name}: {type(found).__name__}: {found}")
        else:
            accounts[credential.name] = found
    return accounts, problems


def _line_of(name: str) -> Any:
    return lambda line: note(f"{name}: {line}")


# ---- words ---------------------------------------------------------------------------------------------------


def _tell(switch: "KillFile", accounts: "dict[str, Outcome]", problems: list[str]) -> None:
    for name, each in accounts.items():
        say(f"{name:<12} {'at rest' if each.done else 'NOT AT REST'}  {_left(each)}")
    for problem in problems:
        note(f"error: {problem}")
    state = "latched" if switch.engaged() else "NOT LATCHED"
    say(f"{state:<12} {switch.path}; quintet release takes it away")


def _left(each: "Outcome") -> str:
    if each.orders is None or each.positions is None:
        return "the venue never said what is open"
    held = ", ".join(f"{one.side} {one.size} {one.symbol}" for one in each.positions)
    return f"{len(each.orders)} open orders; positions: {held or 'none'}"


def _facts(each: "Outcome") -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(each._asdict())
    return facts


def asked_reason(question: str) -> str:
    """What a person types as a reason: one line, empty where nobody types."""
    if sys.stdin.isatty():
        note(question)
    return sys.stdin.readline().strip()


def _patience(written: str) -> float:
    from quintet.app.flags import duration_s

    return duration_s(written, "--patience")


def _slippage(written: str) -> "Decimal":
    """Percent, within reason."""
    from decimal import Decimal

    try:
        found = Decimal(written)
    except ArithmeticError:
        found = Decimal("NaN")
    if not (found.is_finite() and Decimal("0.01") <= found <= 10 and found == round(found, 2)):
        raise Complaint(
            "a slippage that cannot be", where="--slippage", found=written,
            expected="percent from 0.01 to 10, two digits at most",
        )  # fmt: skip
    return found
