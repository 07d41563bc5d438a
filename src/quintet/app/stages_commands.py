"""`quintet stages show | record | check`: how far a system is proven, by which runs, and whether they still stand.

Exit codes: 0 it is well; 1 `check` found evidence that no longer stands or a register that was changed; 2 usage, a run
that cannot be evidence, or a stage whose turn has not come.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quintet.app.messages import CalmGroup, Complaint, did_you_mean, fail, note, progress, say, say_json

if TYPE_CHECKING:
    from pathlib import Path

    from quintet.app.stage_evidence import Replay
    from quintet.research.stages import Evidence, StageGate
    from quintet.storage.stage_register import StageRecord

stages_app = typer.Typer(cls=CalmGroup, help="Prove a system stage by stage.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
StageName = Annotated[str, typer.Option("--stage", metavar="NAME", help="form, backtest, paper, small_capital, scale.")]


@stages_app.command()
def show(as_json: AsJson = False) -> None:
    """Show every stage: open or closed, what is missing, which runs were recorded."""
    from quintet.storage.stage_register import read_register

    records = read_register(_register())
    _tell(records, _evidence(records), as_json)


@stages_app.command()
def record(
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id, a part of one that fits only one run, or latest.")],
    stage: StageName,
    as_json: AsJson = False,
) -> None:
    """Bring a run as evidence for a stage; refused while the stage before it is closed."""
    from quintet.app.stage_evidence import record_of
    from quintet.app.wiring import clock
    from quintet.storage.run_folders import find_run
    from quintet.storage.stage_register import append_record, read_register
    from quintet.storage.workspace import workspace

    _require_stage(stage)
    found = find_run(workspace().runs, run)
    records = read_register(_register())
    _require_turn(stage, str(found.manifest.get("system", "")), records)
    with progress(f"verifying {found.run}"):
        new = record_of(found, stage, clock().isoformat(timespec="seconds"))
    _require_new(new, records)
    records.append(append_record(_register(), new))
    _tell(records, _evidence(records), as_json, only=new.system)


@stages_app.command()
def check(
    replay: Annotated[bool, typer.Option("--replay", help="Also replay every desk tape with the code of now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read every recorded run again: files, hashes, desk tape; what no longer stands closes its stage."""
    from quintet.app import wiring
    from quintet.storage.sealing import Damage
    from quintet.storage.stage_register import read_register

    try:
        records = read_register(_register())
    except Damage as error:
        if as_json:
            say_json({"ok": False, "register": str(_register()), "problem": str(error)})
        note(f"error: {error}")
        fail()
    with progress("reading the recorded runs again"):
        evidence = _evidence(records, deep=True, replay=wiring.replayer() if replay else None)
    _tell(records, evidence, as_json)
    if any(each.lost for each in evidence):
        fail()


def _register() -> "Path":
    from quintet.storage.stage_register import register_path
    from quintet.storage.workspace import workspace

    return register_path(workspace().root)


def _evidence(records: "list[StageRecord]", *, deep: bool = False, replay: "Replay | None" = None) -> "list[Evidence]":
    """Each record with what its run says now, in the order of the records."""
    from quintet.app.stage_evidence import read_evidence
    from quintet.storage.workspace import workspace

    runs = workspace().runs
    return [read_evidence(each, runs, deep=deep, replay=replay) for each in records]


def _gates(system: str, records: "list[StageRecord]", evidence: "list[Evidence]") -> "tuple[StageGate, ...]":
    from quintet.research.stages import stage_gates

    return stage_gates([each for line, each in zip(records, evidence, strict=True) if line.system == system])


# ---- what is refused -----------------------------------------------------------------------------------------


def _require_stage(stage: str) -> None:
    from quintet.research.stages import STAGES

    if stage not in STAGES:
        raise Complaint(
            "unknown stage",
            where="--stage",
            found=stage,
            expected=f"one of {', '.join(STAGES)}",
            hint=did_you_mean(stage, STAGES),
        )


def _require_turn(stage: str, system: str, records: "list[StageRecord]") -> None:
    """Raise Complaint when the stage before is closed, or nothing could prove this one."""
    from quintet.research.stages import refusal

    reason = refusal(stage, _gates(system, records, _evidence(records)))
    if reason:
        raise Complaint(
            f"{stage} is refused",
            where=f"stages of {system or 'an unnamed system'}",
            found=reason,
            expected="every stage before it open, and a kind of evidence for it",
            hint="see quintet stages show",
        )


def _require_new(new: "StageRecord", records: "list[StageRecord]") -> None:
    for line, known in enumerate(records, start=1):
        if (known.stage, known.run, known.files) == (new.stage, new.run, new.files):
            raise Complaint(
                "a run is evidence once",
                where=f"{_register()}, line {line}",
                found=f"{new.run}, recorded for {new.stage}",
                expected="a run that was not recorded yet; to repeat one, run it again",
            )


# ---- what is printed -----------------------------------------------------------------------------------------


def _tell(records: "list[StageRecord]", evidence: "list[Evidence]", as_json: bool, only: str = "") -> None:
    """The stages of every recorded system, or of `only` one."""
    systems = [only] if only else list(dict.fromkeys(each.system for each in records)) or ["structure_mm"]
    gates = {system: _gates(system, records, evidence) for system in systems}
    head = records[-1].seal if records else ""
    if as_json:
        lines = [_line(*each) for each in zip(records, evidence, strict=True) if each[0].system in gates]
        told = {system: [_gate(gate) for gate in found] for system, found in gates.items()}
        ok = all(line["stands"] for line in lines)
        say_json({"ok": ok, "register": str(_register()), "head": head, "systems": told, "records": lines})
        return
    for system, found in gates.items():
        say(system)
        for gate in found:
            _say_gate(gate, [each for each in zip(records, evidence, strict=True) if each[0].system == system])
    say(f"register  {_register()}, {len(records)} records" + (f", last seal {head[:16]}" if head else ""))


def _say_gate(gate: "StageGate", recorded: "list[tuple[StageRecord, Evidence]]") -> None:
    say(f"  {gate.stage:<14} {'open' if gate.is_open else 'closed'}")
    for reason in gate.reasons:
        say(f"    - {reason}")
    for line, evidence in recorded:
        if line.stage == gate.stage:
            say(f"    lost    {line.run}: {evidence.lost}" if evidence.lost else f"    stands  {line.run}")


def _gate(gate: "StageGate") -> dict[str, Any]:
    return {
        "stage": gate.stage,
        "open": gate.is_open,
        "reasons": list(gate.reasons),
        "conditions": [each._asdict() for each in gate.conditions],
    }


def _line(line: "StageRecord", evidence: "Evidence") -> dict[str, Any]:
    return {
        "stage": line.stage,
        "system": line.system,
        "run": line.run,
        "hashes": line.hashes,
        "recorded_utc": line.recorded_utc,
        "seal": line.seal,
        "stands": not evidence.lost,
        "problem": evidence.lost,
    }
