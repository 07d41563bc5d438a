"""May this system trade with money? Asked by whoever starts a live desk; the answer says what is missing.

A permit is computed from what stands now: the evidence of the register for exactly this code and these parameters,
each record signed by a deed in the audit log, and the criteria of the configuration. Paper and sandbox need none. Once
paper is proven a live desk may use the small capital of the criteria; once small capital is proven, what it likes. A
system with a ramp of capital goes up step by step instead.

A person may override what is missing, with a typed reason, for a few days and for exactly this code and these
parameters. The override is a deed in the audit log, and lets no more than the small capital be used.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from quintet.app.stage_identity import StageIdentity
from quintet.research.capital_ramp import RAMPS, reached
from quintet.research.stage_criteria import StageCriteria
from quintet.research.stages import PAPER, SMALL_CAPITAL, STAGES, Evidence, of_identity, stage_gates
from quintet.storage.audit_log import AuditRecord

FREE_WORLDS: Final = ("paper", "sandbox")
OVERRIDE: Final = "stage override"
SIGNATURE: Final = "stage record"
OVERRIDE_DAYS_MAX: Final = 30
UNSIGNED: Final = "not signed: the audit log has no deed for it"


class Permit(NamedTuple):
    """The answer. `missing`: what is not proven, also where an override lets it pass.

    `capital_max`: most that the desk may use, in the quote asset; None: no bound of the stages. `override`: who lets
    it pass and why, empty when nobody had to.
    """

    allowed: bool
    missing: tuple[str, ...] = ()
    capital_max: Decimal | None = None
    override: str = ""


def may_trade(
    system: str,
    world: str,
    identity: StageIdentity,
    evidence: Sequence[Evidence],
    deeds: Sequence[AuditRecord],
    criteria: StageCriteria,
    now: datetime,
) -> Permit:
    """The permit of a desk. `evidence`: of this system, in the order of its recording, signatures looked at."""
    if world in FREE_WORLDS:
        return Permit(True)
    counting = of_identity(evidence, *identity)
    gates = {gate.stage: gate for gate in stage_gates(counting, system, criteria)}
    needed = STAGES[: STAGES.index(PAPER) + 1]
    missing = tuple(f"{stage}: {reason}" for stage in needed for reason in gates[stage].reasons)
    if not missing and system in RAMPS:
        lived = [each for each in counting if each.stage == SMALL_CAPITAL]
        return Permit(True, (), reached(RAMPS[system], lived).step.capital_max)
    if gates[SMALL_CAPITAL].is_open:
        return Permit(True)
    if not missing:
        return Permit(True, (), criteria.small_capital_quote)
    by = _override(system, identity, deeds, now)
    return Permit(bool(by), missing, criteria.small_capital_quote if by else Decimal(0), by)


def override_facts(identity: StageIdentity, until: datetime) -> dict[str, str]:
    """What the deed of an override says of its reach."""
    return {**identity._asdict(), "until_utc": until.astimezone(UTC).isoformat(timespec="seconds")}


def _override(system: str, identity: StageIdentity, deeds: Sequence[AuditRecord], now: datetime) -> str:
    """Who overrides for this identity now; empty when nobody does."""
    for deed in reversed(deeds):
        if deed.what == OVERRIDE and deed.target == system and _reaches(deed.facts, identity, now):
            return f"{deed.who}, {deed.recorded_utc[:19]}, until {deed.facts['until_utc']}: {deed.why}"
    return ""


def _reaches(facts: Mapping[str, str], identity: StageIdentity, now: datetime) -> bool:
    if any(facts.get(name) != value for name, value in identity._asdict().items()):
        return False
    try:
        until = datetime.fromisoformat(facts.get("until_utc", ""))
    except ValueError:
        return False
    return until.tzinfo is not None and now < until <= now + timedelta(days=OVERRIDE_DAYS_MAX)


def signatures(deeds: Sequence[AuditRecord]) -> dict[str, str]:
    """Who signed which record of the register, by the record's seal."""
    return {deed.facts["seal"]: deed.who for deed in deeds if deed.what == SIGNATURE and "seal" in deed.facts}
