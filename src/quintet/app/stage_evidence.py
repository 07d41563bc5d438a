"""From the register and the folders of its runs to the facts that the rules of the stages look at.

Every recorded run is read again each time: evidence that is gone or is not what was recorded is lost, with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from quintet.core.errors import DataError, QuintetError
from quintet.research.report_parts.verdict import TESTING_FORM
from quintet.research.stages import WORLDS, DeskFacts, Evidence
from quintet.storage.run_folders import DESK_TAPE, MANIFEST, METRICS, RunSummary, read_json
from quintet.storage.stage_register import EVIDENCE_FILES, StageRecord, changed_files, file_digests
from quintet.storage.tape_files import verify_tape

Replay = Callable[[Path], str]
"""Replays a desk tape and gives the command hash; raises QuintetError at a difference."""


class _Desk(msgspec.Struct, forbid_unknown_fields=True):
    """`desk` in metrics.json of a desk that was alive; see `research.stages.DeskFacts`."""

    begin_ns: int
    end_ns: int
    unexplained: int
    residual_bps: float | None = None
    inside_band: bool | None = None
    closed_trades: int = 0
    step: int = 0
    lives: tuple[tuple[int, int], ...] = ()
    heard: tuple[tuple[int, int], ...] = ()
    desk: str = ""

    def facts(self) -> DeskFacts:
        """Days count where the market was heard; a run of an older version calls those stretches its lives."""
        told = msgspec.structs.asdict(self)
        heard = told.pop("heard") or self.lives
        residual_bps = float("nan") if self.residual_bps is None else self.residual_bps
        return DeskFacts(**told | {"residual_bps": residual_bps, "lives": heard})


def record_of(run: RunSummary, stage: str, recorded_utc: str) -> StageRecord:
    """What the register shall say of a run; raises DataError when the run cannot be evidence."""
    if run.problem:
        raise DataError(run.problem)
    files = file_digests(run.folder)
    absent = [name for name in EVIDENCE_FILES if name not in files]
    if absent:
        raise DataError(f"{run.folder}: found no {', '.join(absent)}, expected a run that can be checked")
    system = str(run.manifest.get("system", ""))
    if not system:
        raise DataError(f"{run.folder / MANIFEST}: found no system, expected the name of the one that ran")
    hashes = _hashes(run.manifest, run.folder / MANIFEST)
    _require_world(run, stage)
    record = StageRecord(stage, system, run.folder.name, hashes, files, recorded_utc)
    evidence = read_evidence(record, run.folder.parent, deep=True)
    if evidence.lost:
        raise DataError(f"{run.folder}: {evidence.lost}")
    return record


def _require_world(run: RunSummary, stage: str) -> None:
    """Raise DataError for a run of another world than the stage is about: paper is no backtest of last month."""
    found, wanted = str(run.manifest.get("world", "backtest")), WORLDS.get(stage, "")
    if found != wanted:
        raise DataError(f"{run.folder / MANIFEST}: found a run of the world {found}, expected {wanted} for {stage}")


def read_evidence(record: StageRecord, runs: Path, *, deep: bool = False, replay: Replay | None = None) -> Evidence:
    """A record with what its run says now; `lost` tells why it no longer stands.

    Digests of the files are always compared. `deep` also verifies the desk tape, every byte and row; `replay`, where
    given, decides the tape again with the code of now.
    """
    folder = runs / record.run
    try:
        evidence = _stands(record, folder)
        if deep or replay is not None:
            _verify_desk_tape(folder / DESK_TAPE, record.hashes)
        if replay is not None:
            _verify_replay(folder / DESK_TAPE, record.hashes, replay)
    except (QuintetError, msgspec.DecodeError) as error:
        return Evidence(record.stage, record.run, record.run, record.hashes, lost=str(error))
    return evidence


def _stands(record: StageRecord, folder: Path) -> Evidence:
    """The facts of a run; raises DataError when it is not the one that was recorded."""
    if not folder.is_dir():
        raise DataError("the run is gone")
    changed = list(changed_files(record.files, file_digests(folder)))
    if changed:
        raise DataError(", ".join(changed))
    manifest, metrics = read_json(folder / MANIFEST), read_json(folder / METRICS)
    for name, value in ((MANIFEST, manifest), (METRICS, metrics)):
        if _hashes(value, folder / name) != record.hashes:
            raise DataError(f"{name} tells other hashes than the record")
    return _facts(record, manifest, metrics)


def _hashes(value: Mapping[str, Any], path: Path) -> dict[str, str]:
    hashes = value.get("hashes")
    if not isinstance(hashes, dict) or set(hashes) != {"tape", "commands", "state"}:
        raise DataError(f"{path}: found hashes {hashes}, expected those of tape, commands and state")
    return {name: str(digest) for name, digest in hashes.items()}


def _facts(record: StageRecord, manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> Evidence:
    assumptions: Sequence[str] = manifest.get("assumptions", ())
    interval, trials = metrics.get("interval", {}), manifest.get("trials") or {}
    identity = manifest.get("identity") or {}
    drawdown = metrics.get("metrics", {}).get("max_drawdown_frac")
    try:
        return Evidence(
            stage=record.stage,
            run=record.run,
            origin=str(manifest["run"]),
            hashes=record.hashes,
            conservation=int(metrics["conservation"]),
            alarms=int(metrics["metrics"].get("alarms", 0)),
            low_frac=float(interval["low_frac"]),
            policies=tuple(interval.get("policies", ())),
            costs_charged=not any(line.startswith(TESTING_FORM) for line in assumptions),
            synthetic=bool(metrics.get("synthetic", True)),
            trials=None if trials.get("total") is None else int(trials["total"]),
            deflated_sharpe=None if trials.get("deflated_sharpe") is None else float(trials["deflated_sharpe"]),
            drawdown_frac=None if drawdown is None else float(drawdown),
            code=str(identity.get("code", "")),
            config=str(identity.get("config", "")),
            desk=None if "desk" not in metrics else msgspec.convert(metrics["desk"], _Desk).facts(),
        )
    except (KeyError, TypeError, ValueError, AttributeError, msgspec.ValidationError) as error:
        raise DataError(f"{METRICS}: found no readable {error}, expected the figures of a run") from None


def _verify_desk_tape(path: Path, hashes: Mapping[str, str]) -> None:
    tape = verify_tape(path)
    if tape.torn_bytes:
        raise DataError(f"{DESK_TAPE} has a torn end of {tape.torn_bytes} bytes")
    # A desk that was alive heard its market itself: its tape is the market, too.
    market = tape.hash if "desk" in tape.meta.notes else tape.meta.notes.get("market_tape")
    if tape.meta.use != "desk" or market != hashes["tape"]:
        raise DataError(f"{DESK_TAPE} is of the market {market}, expected {hashes['tape']}")


def _verify_replay(path: Path, hashes: Mapping[str, str], replay: Replay) -> None:
    commands = replay(path)
    if commands != hashes["commands"]:
        raise DataError(f"the replay gives the commands {commands}, recorded {hashes['commands']}")
