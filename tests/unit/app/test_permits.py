"""May it trade with money? Only with proof for exactly this code and these parameters, or in a person's name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from quintet.app.config import load
from quintet.app.permits import OVERRIDE, Permit, may_trade, override_facts
from quintet.app.stage_identity import StageIdentity, identity_of
from quintet.research.stage_criteria import StageCriteria
from quintet.research.stages import BACKTEST, DAY_NS, FORM, PAPER, SMALL_CAPITAL, DeskFacts, Evidence
from quintet.storage.audit_log import AuditRecord
from tests.fakes.command_line import Quintet

OURS = StageIdentity("c" * 16, "p" * 64)
NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
HASHES = {"tape": "a" * 64, "commands": "b" * 32, "state": "c" * 64}


def a_proof(*stages: str, **facts: Any) -> list[Evidence]:
    """Good evidence for these stages, of this code and these parameters."""
    own = {"code": OURS.code, "config": OURS.config, "drawdown_frac": 0.02} | facts
    desk = DeskFacts(0, 30 * DAY_NS, 0, 1.0, inside_band=True)
    good = {
        FORM: [{}, {}],
        BACKTEST: [{"low_frac": 0.02, "policies": ("pessimistic",), "costs_charged": True, "trials": 9,
                    "deflated_sharpe": 0.97}],
        PAPER: [{"desk": desk}],
        SMALL_CAPITAL: [{"desk": desk}],
    }  # fmt: skip
    return [Evidence(stage, f"{stage}{n}", f"{stage}{n}", HASHES)._replace(**(own | each))
            for stage in stages for n, each in enumerate(good[stage])]  # fmt: skip


def asked(
    evidence: list[Evidence], world: str = "live", deeds: tuple[AuditRecord, ...] = (), now: datetime = NOW
) -> Permit:
    return may_trade("structure_mm", world, OURS, evidence, deeds, StageCriteria(), now)


def an_override(until: datetime, **facts: str) -> AuditRecord:
    reach = override_facts(OURS, until) | facts
    return AuditRecord(number=1, recorded_utc=NOW.isoformat(), who="ann@desk-1", what=OVERRIDE, target="structure_mm",
                       why="a drill with ten dollars", facts=reach)  # fmt: skip


@pytest.mark.parametrize("world", ["paper", "sandbox"])
def test_what_costs_nothing_needs_no_permit(world: str):
    assert asked([], world) == Permit(True)


def test_live_without_proof_is_refused_and_says_all_that_is_missing():
    found = asked([])
    assert not found.allowed
    assert found.capital_max == 0
    assert any(reason.startswith("form: ") for reason in found.missing)
    assert any(reason.startswith("paper: 30 days or more: 0.0 days") for reason in found.missing)


@pytest.mark.parametrize("absent", [FORM, BACKTEST, PAPER])
def test_each_stage_is_needed(absent: str):
    found = asked(a_proof(*(stage for stage in (FORM, BACKTEST, PAPER) if stage != absent)))
    assert not found.allowed
    assert any(reason.startswith(f"{absent}: ") for reason in found.missing)


def test_after_paper_a_desk_may_use_small_capital_and_after_that_what_it_likes():
    assert asked(a_proof(FORM, BACKTEST, PAPER)) == Permit(True, (), Decimal(200))
    assert asked(a_proof(FORM, BACKTEST, PAPER, SMALL_CAPITAL)) == Permit(True)


def test_a_system_with_a_ramp_goes_up_step_by_step():
    def capital(*stages: str) -> Decimal | None:
        return may_trade("intraday", "live", OURS, a_proof(*stages), (), StageCriteria(), NOW).capital_max

    assert capital(FORM, BACKTEST, PAPER) == 100
    # thirty days without a closed trade lead nowhere
    assert capital(FORM, BACKTEST, PAPER, SMALL_CAPITAL) == 100


@pytest.mark.parametrize("changed", [{"code": "d" * 16}, {"config": "q" * 64}, {"code": ""}])
def test_proof_of_other_code_or_parameters_is_none(changed: dict[str, str]):
    assert not asked(a_proof(FORM, BACKTEST, PAPER, SMALL_CAPITAL, **changed)).allowed


def test_an_override_lets_pass_with_small_capital_and_keeps_saying_what_is_missing():
    found = asked([], deeds=(an_override(NOW + timedelta(days=7)),))
    assert found.allowed
    assert found.capital_max == 200
    assert found.missing
    assert "ann@desk-1" in found.override
    assert "a drill with ten dollars" in found.override


@pytest.mark.parametrize(
    "deed",
    [
        an_override(NOW),
        an_override(NOW - timedelta(days=1)),
        an_override(NOW + timedelta(days=31)),
        an_override(NOW + timedelta(days=7), code="d" * 16),
        an_override(NOW + timedelta(days=7), config="q" * 64),
        an_override(NOW + timedelta(days=7), until_utc="soon"),
        an_override(NOW + timedelta(days=7), until_utc="2026-12-01T00:00:00"),
    ],
)
def test_an_override_reaches_no_further_than_it_says(deed: AuditRecord):
    assert not asked([], deeds=(deed,)).allowed


def test_the_identity_follows_parameters_and_limits_and_nothing_else():
    plain = identity_of(load(), "structure_mm")
    assert identity_of(load(sets=["report.title=other"]), "structure_mm") == plain
    for changed in ("risk.order_rate_max=10", "system.structure_mm.n_bids=3"):
        assert identity_of(load(sets=[changed]), "structure_mm").config != plain.config


# ---- the commands --------------------------------------------------------------------------------------------


def test_permit_says_no_with_reasons_and_override_is_audited(quintet: Quintet):
    # given a system without any proof
    said = quintet("stages", "permit", "structure_mm", "--json")
    assert said.code == 1
    assert not said.json["allowed"]
    assert said.json["missing"]
    # a word is no reason
    assert quintet("stages", "override", "structure_mm", "--why", "because").code == 2
    # when somebody takes it upon himself
    said = quintet("stages", "override", "structure_mm", "--why", "a drill with ten dollars", "--days", "2")
    assert said.code == 0, said.err
    # then it may trade, with small capital, and the audit log knows who let it
    said = quintet("stages", "permit", "structure_mm", "--json")
    assert (said.code, said.json["allowed"], said.json["capital_max"]) == (0, True, "200")
    [deed] = quintet("audit", "show", "--json").json["records"]
    assert (deed["what"], deed["target"], deed["why"]) == (OVERRIDE, "structure_mm", "a drill with ten dollars")
    # and a second one is not needed
    assert "nothing to override" in quintet("stages", "override", "structure_mm", "--why", "a drill again, please").err
