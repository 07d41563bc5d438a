"""`quintet stages show | record | check | permit | override`: how far a system is proven, and may it trade with money.

Exit codes: 0 it is well; 1 `check` found evidence that no longer stands or a register that was changed, `permit` says
no; 2 usage, a run that cannot be evidence, or a stage whose turn has not come.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app.messages import CalmGroup, Complaint, did_you_mean, fail, note, progress, say, say_json

if TYPE_CHECKING:
    from pathlib import Path

    from quintet.app.config import Config
    from quintet.app.permits import Permit
    from quintet.app.stage_evidence import Replay
    from quintet.app.stage_identity import StageIdentity
    from quintet.research.stages import Evidence, StageGate
    from quintet.storage.audit_log import AuditRecord
    from quintet.storage.stage_register import StageRecord

stages_app = typer.Typer(cls=CalmGroup, help="Prove a system stage by stage.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ConfigFile = Annotated[
    str, typer.Option("--config", metavar="TOML", help="Configuration with the criteria, and with the parameters.")
]
SystemName = Annotated[str, typer.Argument(metavar="SYSTEM", help="Name of a system, or file.py:MySystem.")]
StageName = Annotated[str, typer.Option("--stage", metavar="NAME", help="form, backtest, paper, small_capital, scale.")]


@stages_app.command()
def show(config: ConfigFile = "", as_json: AsJson = False) -> None:
    """Show every stage: open or closed, what is missing, which runs were recorded."""
    from quintet.storage.stage_register import read_register

    records = read_register(_register())
    _tell(records, _evidence(records), as_json, config=config)


@stages_app.command()
def record(
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id, a part of one that fits only one run, or latest.")],
    stage: StageName,
    config: ConfigFile = "",
    as_json: AsJson = False,
) -> None:
    """Bring a run as evidence for a stage, under your name; refused while the stage before it is closed."""
    from quintet.app.stage_evidence import record_of
    from quintet.app.wiring import clock
    from quintet.storage.run_folders import find_run
    from quintet.storage.stage_register import append_record, read_register
    from quintet.storage.workspace import workspace

    _require_stage(stage)
    found = find_run(workspace().runs, run)
    records = read_register(_register())
    _require_turn(stage, str(found.manifest.get("system", "")), records, config)
    with progress(f"verifying {found.run}"):
        new = record_of(found, stage, clock().isoformat(timespec="seconds"))
    line = _line_of(new, records)
    if line is None:
        records.append(append_record(_register(), new))
        line = len(records)
    _sign(records[line - 1], line)
    _tell(records, _evidence(records), as_json, only=new.system, config=config)


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


@stages_app.command()
def permit(system: SystemName, config: ConfigFile = "", as_json: AsJson = False) -> None:
    """May this system trade live, with the code of now and this configuration? Exit code 1 when it may not."""
    system, found, identity = _permit(system, config)
    if as_json:
        say_json({"ok": found.allowed, "system": system, **identity._asdict(), **found._asdict()})
    else:
        _say_permit(system, identity, found)
    if not found.allowed:
        fail()


@stages_app.command()
def override(
    system: SystemName,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Why it may trade without its proof; asked for when not said.")
    ] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=30, help="How long it shall be so.")] = 7,
    config: ConfigFile = "",
) -> None:
    """Let a system trade live with small capital although something is missing: your name, your reason, some days."""
    from datetime import timedelta

    from quintet.app import auditing
    from quintet.app.kill_command import asked_reason
    from quintet.app.permits import OVERRIDE, override_facts
    from quintet.app.wiring import clock

    asked = system
    system, found, identity = _permit(asked, config)
    if found.allowed:
        raise Complaint(
            "nothing to override", where=system, found="a system that may trade", expected="one that may not"
        )
    for reason in found.missing:
        note(f"missing  {reason}")
    reason = why.strip() or asked_reason("why may it trade without this?")
    if len(reason) < REASON_MIN:
        raise Complaint(
            "no reason",
            where="--why",
            found=f"{len(reason)} characters",
            expected=f"a sentence of {REASON_MIN} or more",
        )
    auditing.record(OVERRIDE, system, reason, **override_facts(identity, clock() + timedelta(days=days)))
    _say_permit(system, identity, _permit(asked, config)[1])


REASON_MIN: Final = 20
"""Characters of a reason: less is no reason to put money at stake."""


def live_permit(system: str, config: "Config") -> "Permit":
    """The permit of a live desk of this system; what the command that trades asks before its first order.

    Raises Damage when the register or the audit log is not what was written.
    """
    from quintet.app import permits
    from quintet.app.stage_identity import identity_of
    from quintet.app.wiring import clock
    from quintet.storage.stage_register import read_register

    records = read_register(_register())
    own = [each for line, each in zip(records, _evidence(records), strict=True) if line.system == system]
    return permits.may_trade(system, "live", identity_of(config, system), own, _deeds(), config.stages, clock())


def _permit(system: str, config: str) -> "tuple[str, Permit, StageIdentity]":
    """Name, permit and identity of a system, which may be somebody's own (`file.py:MySystem`)."""
    from pathlib import Path

    from quintet.app.config import find_system, load
    from quintet.app.stage_identity import identity_of
    from quintet.research.system_files import names_a_file

    found = find_system(system) if names_a_file(system) else None
    name = system if found is None else found.name
    loaded = load(Path(config) if config else None, (), (), found)
    return name, live_permit(name, loaded), identity_of(loaded, name)


def _config(path: str) -> "Config":
    """The configuration of a file, or the defaults."""
    from pathlib import Path

    from quintet.app.config import load

    return load(Path(path) if path else None)


def _deeds() -> "tuple[AuditRecord, ...]":
    from quintet.storage.audit_log import audit_path, read
    from quintet.storage.workspace import workspace

    return read(audit_path(workspace().root)).records


def _sign(record: "StageRecord", line: int) -> None:
    """A deed in the audit log that names the record's seal; a record that has one is not signed again."""
    from quintet.app import auditing
    from quintet.app.permits import SIGNATURE, signatures

    if record.seal in signatures(_deeds()):
        raise Complaint(
            "a run is evidence once",
            where=f"{_register()}, line {line}",
            found=f"{record.run}, recorded for {record.stage}",
            expected="a run that was not recorded yet; to repeat one, run it again",
        )
    auditing.record(SIGNATURE, record.system, stage=record.stage, run=record.run, seal=record.seal)


def _register() -> "Path":
    from quintet.storage.stage_register import register_path
    from quintet.storage.workspace import workspace

    return register_path(workspace().root)


def _evidence(records: "list[StageRecord]", *, deep: bool = False, replay: "Replay | None" = None) -> "list[Evidence]":
    """Each record with what its run says now, in the order of the records."""
    from quintet.app.permits import UNSIGNED, signatures
    from quintet.app.stage_evidence import read_evidence
    from quintet.storage.workspace import workspace

    runs, signed = workspace().runs, signatures(_deeds())
    found = [read_evidence(each, runs, deep=deep, replay=replay) for each in records]
    return [
        each if each.lost or line.seal in signed else each._replace(lost=UNSIGNED)
        for line, each in zip(records, found, strict=True)
    ]


def _gates(
    system: str, records: "list[StageRecord]", evidence: "list[Evidence]", config: str
) -> "tuple[StageGate, ...]":
    from quintet.research.stages import stage_gates

    own = [each for line, each in zip(records, evidence, strict=True) if line.system == system]
    return stage_gates(own, system, _config(config).stages)


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


def _require_turn(stage: str, system: str, records: "list[StageRecord]", config: str) -> None:
    """Raise Complaint when the stage before is closed, or nothing could prove this one."""
    from quintet.research.stages import refusal

    reason = refusal(stage, _gates(system, records, _evidence(records), config))
    if reason:
        raise Complaint(
            f"{stage} is refused",
            where=f"stages of {system or 'an unnamed system'}",
            found=reason,
            expected="every stage before it open, and a kind of evidence for it",
            hint="see quintet stages show",
        )


def _line_of(new: "StageRecord", records: "list[StageRecord]") -> int | None:
    """Where this run is recorded for this stage already; a crash may have come before its signature."""
    for line, known in enumerate(records, start=1):
        if (known.stage, known.run, known.files) == (new.stage, new.run, new.files):
            return line
    return None


# ---- what is printed -----------------------------------------------------------------------------------------


def _tell(
    records: "list[StageRecord]", evidence: "list[Evidence]", as_json: bool, only: str = "", config: str = ""
) -> None:
    """The stages of every recorded system, or of `only` one."""
    systems = [only] if only else list(dict.fromkeys(each.system for each in records)) or ["structure_mm"]
    gates = {system: _gates(system, records, evidence, config) for system in systems}
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


def _say_permit(system: str, identity: "StageIdentity", found: "Permit") -> None:
    say(f"{system}  {'may trade live' if found.allowed else 'may not trade live'}")
    for reason in found.missing:
        say(f"  - {reason}")
    if found.override:
        say(f"  overridden by {found.override}")
    if found.allowed and found.capital_max is not None:
        say(f"  with at most {found.capital_max} of the quote asset")
    say(f"  code {identity.code}, parameters {identity.config[:16]}")


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
