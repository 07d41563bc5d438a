"""The order of proof: what opens a stage gate, what closes it again, and what is refused."""

from typing import Any

import pytest

from quintet.research.stage_criteria import StageCriteria
from quintet.research.stages import (
    BACKTEST,
    DAY_NS,
    FORM,
    PAPER,
    SCALE,
    SMALL_CAPITAL,
    STAGES,
    DeskFacts,
    Evidence,
    StageGate,
    of_identity,
    refusal,
    stage_gates,
)

HASHES = {"tape": "a" * 64, "commands": "b" * 32, "state": "c" * 64}


def a_run(name: str, stage: str = FORM, **facts: object) -> Evidence:
    return Evidence(stage, name, name, HASHES)._replace(**facts)


def a_good_backtest(name: str, **facts: object) -> Evidence:
    good = {"low_frac": 0.02, "policies": ("pessimistic", "optimistic"), "costs_charged": True}
    good |= {"trials": 213, "deflated_sharpe": 0.97, "drawdown_frac": 0.04}
    return a_run(name, BACKTEST, **(good | facts))


def gate(stage: str, *evidence: Evidence) -> StageGate:
    return stage_gates(evidence)[STAGES.index(stage)]


def text(found: StageGate) -> str:
    return "\n".join(found.reasons)


PROVEN_FORM = (a_run("one"), a_run("two"))

# ---- form ----------------------------------------------------------------------------------------------------


def test_without_evidence_every_stage_gate_is_closed_and_says_why() -> None:
    gates = stage_gates(())
    assert [found.stage for found in gates] == list(STAGES)
    assert not any(found.is_open for found in gates)
    assert all(found.reasons for found in gates)
    assert "no form record" in text(gates[0])


@pytest.mark.req("S-71")
def test_form_opens_when_a_run_was_repeated_with_equal_hashes() -> None:
    assert not gate(FORM, a_run("one")).is_open
    assert gate(FORM, *PROVEN_FORM).is_open
    assert gate(FORM, *PROVEN_FORM).reasons == ()


@pytest.mark.parametrize("which", ["tape", "commands", "state"])
def test_a_repetition_with_another_hash_is_none(which: str) -> None:
    found = gate(FORM, a_run("one"), a_run("two", hashes=HASHES | {which: "d" * 64}))
    assert "repeated with equal hashes: made 1 of 2 times" in text(found)


def test_a_copy_of_a_run_is_no_repetition() -> None:
    assert not gate(FORM, a_run("one"), a_run("copy", origin="one")).is_open


@pytest.mark.parametrize("wrong", [{"conservation": 1}, {"conservation": -1}, {"alarms": 1}])
def test_a_run_whose_books_are_off_or_that_met_the_impossible_does_not_count(wrong: dict[str, int]) -> None:
    assert not gate(FORM, a_run("one"), a_run("two", **wrong)).is_open
    assert gate(FORM, a_run("one"), a_run("two", **wrong), a_run("three")).is_open


@pytest.mark.req("S-71")
def test_lost_evidence_closes_the_gate_again_and_another_repetition_opens_it() -> None:
    lost = (a_run("one"), a_run("two", lost="the run is gone"))
    assert not gate(FORM, *lost).is_open
    assert gate(FORM, *lost, a_run("three")).is_open


# ---- backtest ------------------------------------------------------------------------------------------------


def test_a_backtest_opens_its_gate_when_what_all_trials_leave_of_it_is_enough() -> None:
    assert gate(BACKTEST, *PROVEN_FORM, a_good_backtest("three")).is_open
    assert not gate(BACKTEST, *PROVEN_FORM, a_good_backtest("three", deflated_sharpe=0.9499)).is_open


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"trials": None, "deflated_sharpe": None}, "the run was not counted"),
        ({"trials": None, "deflated_sharpe": 0.99}, "the run was not counted"),
        ({"deflated_sharpe": None}, "no ratio to deflate, after 213 trials"),
        ({"deflated_sharpe": 0.4}, "0.400 after 213 trials"),
        ({"deflated_sharpe": float("nan")}, "nan after 213 trials"),
    ],
)
def test_a_good_result_that_may_be_luck_is_not_enough(place: dict[str, object], said: str) -> None:
    found = gate(BACKTEST, *PROVEN_FORM, a_good_backtest("three", **place))
    assert not found.is_open
    assert found.reasons == (f"deflated Sharpe ratio of 0.95 or more with the ledger's number of trials: {said}",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"low_frac": 0.0}, "pessimistic end above zero, net of fees: +0.00%"),
        ({"low_frac": -0.05}, "pessimistic end above zero, net of fees: -5.00%"),
        ({"low_frac": float("nan")}, "pessimistic end above zero"),
        ({"policies": ("optimistic",)}, "run under the pessimistic policy: optimistic"),
        ({"policies": ()}, "run under the pessimistic policy: none"),
        ({"costs_charged": False}, "every other cost charged: testing form"),
        ({"synthetic": True}, "the market is recorded: synthetic"),
        ({"conservation": 3}, "3 quanta off"),
        ({"alarms": 2}, "2 alarms"),
        ({"drawdown_frac": 0.11}, "drawdown of 10% or less: 11.00%"),
        ({"drawdown_frac": None}, "drawdown of 10% or less: not measured"),
        ({"drawdown_frac": float("nan")}, "drawdown of 10% or less"),
    ],
)
def test_what_a_backtest_lacks_is_said(wrong: dict[str, object], said: str) -> None:
    assert said in text(gate(BACKTEST, *PROVEN_FORM, a_good_backtest("three", **wrong)))


def test_an_earlier_success_does_not_hide_a_later_loss() -> None:
    found = gate(BACKTEST, *PROVEN_FORM, a_good_backtest("three"), a_good_backtest("four", low_frac=-0.01))
    assert "-1.00%" in text(found)


def test_a_lost_backtest_is_not_judged() -> None:
    found = gate(BACKTEST, *PROVEN_FORM, a_good_backtest("three", lost="metrics.json has changed"))
    assert "0 of 1 recorded stand" in text(found)
    assert "pessimistic end" not in text(found)


# ---- paper and small capital ---------------------------------------------------------------------------------

PROVEN_BACKTEST = (*PROVEN_FORM, a_good_backtest("three"))


def a_desk(name: str, stage: str = PAPER, first_day: float = 0, days: float = 30, **facts: Any) -> Evidence:
    """A desk that was alive for so many days, as simulated."""
    begin_ns = int(first_day * DAY_NS)
    own = {key: facts.pop(key) for key in ("unexplained", "residual_bps", "inside_band") if key in facts}
    desk = DeskFacts(begin_ns, begin_ns + int(days * DAY_NS), 0, 1.5)._replace(**own)
    return a_run(name, stage, **({"drawdown_frac": 0.02, "desk": desk} | facts))


@pytest.mark.parametrize(("system", "days"), [("structure_mm", 30), ("intraday", 14), ("eternal", 30)])
def test_paper_opens_after_the_days_that_the_system_needs(system: str, days: int) -> None:
    def paper(lived: float) -> StageGate:
        return stage_gates((*PROVEN_BACKTEST, a_desk("p", days=lived)), system)[STAGES.index(PAPER)]

    assert paper(days).is_open
    assert f"{days} days or more: {days - 0.1:.1f} days" in text(paper(days - 0.1))


def test_days_add_up_but_two_desks_at_the_same_time_do_not_make_the_time_pass_faster() -> None:
    assert gate(PAPER, *PROVEN_BACKTEST, a_desk("p", days=15), a_desk("q", first_day=40, days=15)).is_open
    overlapping = gate(PAPER, *PROVEN_BACKTEST, a_desk("p", days=15), a_desk("q", first_day=5, days=15))
    assert "20.0 days" in text(overlapping)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"unexplained": 1}, "no difference to the replay without a cause: 1"),
        ({"residual_bps": 2.01}, "realised cost within 2 bp of the simulated one: +2.01 bp"),
        ({"residual_bps": float("nan")}, "realised cost within 2 bp of the simulated one: unknown"),
        ({"drawdown_frac": 0.2}, "drawdown of 10% or less: 20.00%"),
        ({"conservation": -2}, "2 quanta off"),
        ({"alarms": 1}, "1 alarms"),
    ],
)
def test_one_bad_part_of_paper_closes_it_whatever_the_rest_says(wrong: dict[str, Any], said: str) -> None:
    found = gate(PAPER, *PROVEN_BACKTEST, a_desk("p"), a_desk("q", first_day=40, days=1, **wrong), a_desk("r"))
    assert said in text(found)


@pytest.mark.req("S-67")
def test_scale_opens_only_behind_paper_and_small_capital() -> None:
    paper, small = a_desk("p"), a_desk("s", SMALL_CAPITAL, inside_band=True)
    assert gate(SCALE, *PROVEN_BACKTEST, paper, small).is_open
    short = a_desk("p", days=29)
    assert refusal(SCALE, stage_gates((*PROVEN_BACKTEST, short, small), "structure_mm")).startswith("small_capital is")
    assert not gate(SCALE, *PROVEN_BACKTEST, short, small).is_open


@pytest.mark.parametrize(("inside", "said"), [(False, "outside"), (None, "nobody looked")])
def test_small_capital_asks_that_the_result_is_not_degraded(inside: bool | None, said: str) -> None:
    found = gate(SMALL_CAPITAL, *PROVEN_BACKTEST, a_desk("p"), a_desk("s", SMALL_CAPITAL, inside_band=inside))
    assert found.reasons == (f"result inside the 5 to 95 % band of the replay's bootstrap: {said}",)


def test_criteria_of_a_configuration_are_asked_and_said() -> None:
    criteria = StageCriteria(deflated_sharpe_min=0.99, paper_days_min=60)
    gates = stage_gates((*PROVEN_BACKTEST, a_desk("p")), "structure_mm", criteria)
    assert "deflated Sharpe ratio of 0.99 or more" in text(gates[1])
    assert "60 days or more: 30.0 days" in text(gates[2])


def test_evidence_of_other_code_or_other_parameters_does_not_count() -> None:
    found = of_identity([a_run("a", code="c1", config="p1"), a_run("b", code="c2", config="p1"),
                         a_run("c", code="c1", config="p2"), a_run("d")], "c1", "p1")  # fmt: skip
    assert [each.lost for each in found] == [
        "",
        "made with other code than this desk's",
        "made with other parameters than this desk's",
        "it does not say with which code",
    ]


# ---- the order -----------------------------------------------------------------------------------------------


@pytest.mark.req("S-71", "S-69")
@pytest.mark.parametrize("stage", STAGES[1:])
def test_no_stage_can_be_asked_for_while_the_one_before_is_closed(stage: str) -> None:
    reason = refusal(stage, stage_gates(()))
    assert reason.startswith(f"{STAGES[STAGES.index(stage) - 1]} is closed: ")


@pytest.mark.req("S-69")
def test_small_capital_without_a_paper_record_is_refused_for_that() -> None:
    # given an empty register, when small capital is requested
    reason = refusal(SMALL_CAPITAL, stage_gates(()))
    # then it is refused: no paper record
    assert reason.startswith("paper is closed")
    assert "no paper record" in reason


def test_form_can_always_be_asked_for_and_backtest_after_it() -> None:
    assert refusal(FORM, stage_gates(())) == ""
    assert refusal(BACKTEST, stage_gates(PROVEN_FORM)) == ""


def test_a_stage_gate_never_stands_open_behind_a_closed_one() -> None:
    # given records for later stages that no rule let in
    evidence = [a_run("one", stage) for stage in (BACKTEST, PAPER, SMALL_CAPITAL, SCALE)]
    assert not any(found.is_open for found in stage_gates(evidence))


def test_a_stage_without_a_kind_of_evidence_is_refused_even_when_its_turn_has_come() -> None:
    opened = [StageGate(stage, True, ()) for stage in STAGES]
    assert refusal(SCALE, opened) == "no kind of evidence for scale exists yet"
