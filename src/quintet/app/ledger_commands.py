"""`quintet ledger show | verify`: how much was tried in this workspace, and whether the count is what was written.

Exit codes: 0 it is well; 1 `verify` found a ledger that is not what was written; 2 usage, or a file that cannot be
read.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app.backtest_command import count
from quintet.app.messages import CalmGroup, Complaint, fail, note, progress, say, say_json

if TYPE_CHECKING:
    from quintet.storage.trial_ledger_check import Witness
    from quintet.storage.trial_records import Entry

ledger_app = typer.Typer(cls=CalmGroup, help="Count what was tried.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
HASH_DIGITS_MIN: Final = 6
"""Digits of a hash below which it would fit anything."""


@ledger_app.command()
def show(
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="HASH", help="Only trials on this market: its hash, or how it begins."),
    ] = None,
    last: Annotated[int, typer.Option("--last", "-n", parser=count, metavar="N", help="Only the newest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest trials, and how many there were."""
    from quintet.storage.trial_ledger import read_entries
    from quintet.storage.workspace import workspace

    path = workspace().ledger
    entries = read_entries(path)
    chosen = entries if data is None else _on_data(entries, data, str(path))
    facts = {"ledger": str(path), "rows": len(entries), "head": entries[-1].seal if entries else "", **_counts(chosen)}
    if as_json:
        say_json({**facts, "entries": [_line(entry) for entry in chosen[-last:]]})
        return
    if not entries:
        say(f"no trial was counted yet in {path}; the first: quintet backtest structure_mm")
        return
    for entry in chosen[-last:]:
        say(_row(entry))
    say(f"trials  {facts['trials']:,} distinct, {facts['repeats']:,} repeats, {facts['earlier']:,} before the ledger")
    for system, number in facts["systems"].items():
        say(f"        {number:,} of {system}")
    say(f"ledger  {path}, {len(entries):,} rows, last seal {entries[-1].seal[:16]}")


@ledger_app.command()
def verify(as_json: AsJson = False) -> None:
    """Read every row again: seals, order, counts, the head; and ask the runs of this workspace what they remember."""
    from quintet.storage.trial_ledger_check import check_ledger
    from quintet.storage.workspace import workspace

    place = workspace()
    with progress("reading the ledger of trials"):
        found = check_ledger(place.ledger, _witnesses())
    if as_json:
        say_json(
            {
                "ok": found.ok,
                "ledger": str(place.ledger),
                "rows": found.rows,
                "head": found.head,
                "problems": found.problems,
                "counted_elsewhere": found.elsewhere,
            }
        )
    else:
        for problem in found.problems:
            say(problem)
        say(f"ledger  {place.ledger}, {found.rows:,} rows, last seal {found.head[:16] or 'none'}")
        say("whole" if found.ok else "NOT what was written")
    for run in found.elsewhere:
        note(f"counted in another ledger, so it says nothing on this one: {run}")
    if not found.ok:
        fail()


def _witnesses() -> "list[Witness]":
    """What each run of the workspace says of its place in a ledger; one that says nothing is no witness."""
    from quintet.storage.run_folders import list_runs
    from quintet.storage.trial_ledger_check import Witness
    from quintet.storage.workspace import workspace

    said = [(run.run, run.manifest.get("trials")) for run in list_runs(workspace().runs)]
    return [
        Witness(run, str(place.get("ledger")), int(place["number"]), str(place.get("seal")))
        for run, place in said
        if isinstance(place, dict) and isinstance(place.get("number"), int)
    ]


def _on_data(entries: "list[Entry]", data: str, path: str) -> "list[Entry]":
    """The rows on one market; raises Complaint when the hash fits none, or several."""
    known = sorted({entry.trial.data for entry in entries if entry.trial})
    fits = [each for each in known if each.startswith(data.lower())] if len(data) >= HASH_DIGITS_MIN else []
    if len(fits) != 1:
        raise Complaint(
            "not one market",
            where="--data",
            found=f"{data}, which fits {len(fits)} of the {len(known)} markets in {path}",
            expected=f"the hash of one, or at least its first {HASH_DIGITS_MIN} digits",
            hint="see quintet ledger show --json",
        )
    return [entry for entry in entries if entry.trial and entry.trial.data == fits[0]]


# ---- what is printed -----------------------------------------------------------------------------------------


def _counts(entries: "list[Entry]") -> dict[str, Any]:
    """Distinct trials, repeats, trials made before the ledger, and all of them by system and by market."""
    systems: dict[str, int] = {}
    markets: dict[str, int] = {}
    for entry in entries:
        of = entry.trial or entry.earlier
        system = of.system if of else ""
        systems[system] = systems.get(system, 0) + entry.counts
        if entry.trial:
            markets[entry.trial.data] = markets.get(entry.trial.data, 0) + entry.counts
    return {
        "trials": sum(entry.counts for entry in entries if entry.trial),
        "repeats": sum(entry.counts == 0 for entry in entries if entry.trial),
        "earlier": sum(entry.counts for entry in entries if entry.earlier),
        "systems": systems,
        "markets": markets,
    }


def _row(entry: "Entry") -> str:
    trial, earlier = entry.trial, entry.earlier
    if trial is None:
        return f"{entry.number:>6}  {'+' + str(earlier.count if earlier else 0):>5}  {earlier.text if earlier else ''}"
    counts = "again" if entry.counts == 0 else "+1"
    sharpe = "-" if trial.sharpe is None else f"{trial.sharpe:+.3f}"
    facts = f"{entry.recorded_utc[:19]}  {trial.system}  {trial.data[:12]}  {trial.door}"
    return f"{entry.number:>6}  {counts:>5}  {facts}  Sharpe a day {sharpe} of {trial.periods} days"


def _line(entry: "Entry") -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(entry)
    return plain
