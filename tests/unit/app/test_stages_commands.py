"""`quintet stages`: evidence is recorded in order, read again each time, and lost evidence closes its stage."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from quintet.app import wiring
from quintet.app.cli import app
from quintet.core.errors import TapeError
from tests.fakes.command_line import Quintet, Said
from tests.fakes.stage_runs import HASHES, MakeRun


@pytest.fixture
def proven(quintet: Quintet, make_run: MakeRun) -> None:
    """Form proven by the runs `one` and `two`."""
    for name in ("one", "two"):
        make_run(name)
        assert quintet("stages", "record", name, "--stage", "form").code == 0


def opened(said: Said, system: str = "structure_mm") -> list[str]:
    return [gate["stage"] for gate in said.json["systems"][system] if gate["open"]]


# ---- recording -----------------------------------------------------------------------------------------------


def test_without_a_register_every_stage_is_closed_and_it_is_no_error(quintet: Quintet) -> None:
    said = quintet("stages", "show", "--json")
    assert said.code == 0
    assert opened(said) == []
    assert said.json["records"] == []
    assert "no form record" in quintet("stages", "show").out
    assert quintet("stages", "check").code == 0


@pytest.mark.req("S-71")
def test_a_record_names_stage_run_hashes_and_time(
    quintet: Quintet, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "clock", lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    make_run("one")
    said = quintet("stages", "record", "one", "--stage", "form", "--json")
    assert said.code == 0, said.err
    [line] = said.json["records"]
    assert (line["stage"], line["run"], line["system"]) == ("form", "one", "structure_mm")
    assert line["hashes"] == HASHES
    assert line["recorded_utc"] == "2026-01-02T03:04:05+00:00"
    assert said.json["head"] == line["seal"]
    # and once is no repetition
    assert opened(said) == []


@pytest.mark.req("S-71")
def test_a_repetition_opens_form_and_deleting_one_run_closes_it_again(
    quintet: Quintet, proven: None, runs: Path
) -> None:
    # given the gate record names the hashes of two runs
    assert opened(quintet("stages", "check", "--json")) == ["form"]
    # when one run is deleted
    shutil.rmtree(runs / "two")
    # then the gate is closed again, and the run is named
    said = quintet("stages", "check", "--json")
    assert said.code == 1
    assert opened(said) == []
    assert [(line["run"], line["problem"]) for line in said.json["records"] if not line["stands"]] == [
        ("two", "the run is gone")
    ]
    assert "lost    two: the run is gone" in quintet("stages", "show").out
    # and the next stage is refused again
    assert quintet("stages", "record", "one", "--stage", "backtest").code == 2


@pytest.mark.parametrize("name", ["manifest.json", "metrics.json", "desk.tape"])
def test_a_changed_file_closes_the_gate_again(quintet: Quintet, proven: None, runs: Path, name: str) -> None:
    path = runs / "two" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    said = quintet("stages", "check", "--json")
    assert said.code == 1
    assert opened(said) == []
    assert f"{name} has changed" in said.out


@pytest.mark.req("S-71", "S-69")
@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ("backtest", "no form record"),
        ("paper", "no backtest record"),
        ("small_capital", "no paper record"),
        ("scale", "no small capital record"),
    ],
)
def test_a_stage_whose_turn_has_not_come_is_refused_with_the_reason(
    quintet: Quintet, make_run: MakeRun, place: Path, stage: str, reason: str
) -> None:
    make_run("one")
    said = quintet("stages", "record", "one", "--stage", stage)
    assert said.code == 2
    assert f"{stage} is refused" in said.err
    assert reason in said.err
    assert not (place / "workspace" / "stages.jsonl").exists()


def test_a_profitable_backtest_is_recorded_and_says_what_is_still_missing(
    quintet: Quintet, proven: None, make_run: MakeRun
) -> None:
    make_run("three")
    said = quintet("stages", "record", "three", "--stage", "backtest", "--json")
    assert said.code == 0, said.err
    assert opened(said) == ["form"]
    [reason] = said.json["systems"]["structure_mm"][1]["reasons"]
    assert "the run was not counted" in reason
    assert quintet("stages", "record", "three", "--stage", "paper").code == 2


@pytest.mark.parametrize(("deflated", "stages"), [(0.96, ["form", "backtest"]), (0.5, ["form"]), (None, ["form"])])
def test_a_backtest_is_proven_by_what_all_trials_leave_of_its_ratio(
    quintet: Quintet, proven: None, make_run: MakeRun, deflated: float | None, stages: list[str]
) -> None:
    make_run("three", trials={"total": 213, "deflated_sharpe": deflated})
    said = quintet("stages", "record", "three", "--stage", "backtest", "--json")
    assert said.code == 0, said.err
    assert opened(said) == stages


def test_a_run_whose_place_among_the_trials_cannot_be_read_is_no_evidence(
    quintet: Quintet, proven: None, make_run: MakeRun
) -> None:
    make_run("three", trials={"total": 213, "deflated_sharpe": "very good"})
    said = quintet("stages", "record", "three", "--stage", "backtest")
    assert said.code == 2
    assert "very good" in said.err


def test_one_systems_proof_is_not_anothers(quintet: Quintet, proven: None, make_run: MakeRun) -> None:
    make_run("other", system="another")
    assert "no form record" in quintet("stages", "record", "other", "--stage", "backtest").err
    said = quintet("stages", "record", "other", "--stage", "form", "--json")
    assert list(said.json["systems"]) == ["another"]
    assert opened(said, "another") == []
    assert opened(quintet("stages", "show", "--json")) == ["form"]


def test_a_run_is_evidence_for_a_stage_once(quintet: Quintet, proven: None) -> None:
    said = quintet("stages", "record", "one", "--stage", "form")
    assert said.code == 2
    assert "line 1" in said.err


def test_a_copied_run_is_no_repetition(quintet: Quintet, make_run: MakeRun, runs: Path) -> None:
    shutil.copytree(make_run("one"), runs / "copy")
    for name in ("one", "copy"):
        said = quintet("stages", "record", name, "--stage", "form", "--json")
    assert said.code == 0
    assert opened(said) == []


# ---- what cannot be evidence ---------------------------------------------------------------------------------


def test_a_stage_that_does_not_exist_is_refused_with_the_nearest(quintet: Quintet) -> None:
    said = quintet("stages", "record", "one", "--stage", "papre")
    assert said.code == 2
    assert "did you mean paper?" in said.err


def test_a_run_that_is_not_there_is_refused(quintet: Quintet) -> None:
    assert quintet("stages", "record", "nowhere", "--stage", "form").code == 2


@pytest.mark.parametrize(
    ("facts", "said_of_it"),
    [
        ({"market": "f" * 64}, "desk.tape is of the market"),
        ({"use": "market"}, "desk.tape is of the market"),
        ({"hashes": {"tape": "a" * 64}}, "expected those of tape, commands and state"),
        ({"conservation": None}, "expected the figures of a run"),
        ({"low_frac": "much"}, "expected the figures of a run"),
        ({"system": ""}, "found no system"),
    ],
)
def test_a_run_that_contradicts_itself_is_no_evidence(
    quintet: Quintet, make_run: MakeRun, facts: dict[str, object], said_of_it: str
) -> None:
    make_run("one", **facts)
    said = quintet("stages", "record", "one", "--stage", "form")
    assert said.code == 2, said.err
    assert said_of_it in said.err


def test_a_run_whose_figures_tell_other_hashes_is_no_evidence(quintet: Quintet, make_run: MakeRun) -> None:
    path = make_run("one") / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hashes": HASHES | {"state": "e" * 64}}))
    assert "metrics.json tells other hashes" in quintet("stages", "record", "one", "--stage", "form").err


@pytest.mark.parametrize("name", ["metrics.json", "desk.tape"])
def test_a_run_that_lacks_a_file_cannot_be_checked_and_is_no_evidence(
    quintet: Quintet, make_run: MakeRun, name: str
) -> None:
    (make_run("one") / name).unlink()
    said = quintet("stages", "record", "one", "--stage", "form")
    assert said.code == 2
    assert name in said.err


# ---- checking ------------------------------------------------------------------------------------------------


@pytest.mark.req("S-71")
def test_a_register_that_was_changed_is_found_and_the_line_named(quintet: Quintet, proven: None, place: Path) -> None:
    path = place / "workspace" / "stages.jsonl"
    path.write_text(path.read_text().replace('"run":"two"', '"run":"six"'))
    said = quintet("stages", "check", "--json")
    assert said.code == 1
    assert said.json["ok"] is False
    assert "line 2" in said.json["problem"]
    # and nothing is shown or built on it
    assert quintet("stages", "show").code == 2
    assert quintet("stages", "record", "one", "--stage", "backtest").code == 2


def test_replay_is_tried_when_asked_for_and_a_difference_closes_the_gate(
    quintet: Quintet, proven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "replayer", lambda: lambda path: HASHES["commands"])
    assert opened(quintet("stages", "check", "--replay", "--json")) == ["form"]
    monkeypatch.setattr(wiring, "replayer", lambda: lambda path: "d" * 32)
    said = quintet("stages", "check", "--replay", "--json")
    assert said.code == 1
    assert opened(said) == []
    assert "the replay gives the commands dddd" in said.out
    assert quintet("stages", "check").code == 0


def test_a_replay_that_stops_at_a_difference_is_told(
    quintet: Quintet, proven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(path: Path) -> str:
        raise TapeError("the replay decides differently at position 7")

    monkeypatch.setattr(wiring, "replayer", lambda: differs)
    said = quintet("stages", "check", "--replay")
    assert said.code == 1
    assert "position 7" in said.out


@pytest.mark.timeout(400)  # where the engine is not compiled yet, this test compiles it
@pytest.mark.req("S-71")
def test_two_real_backtests_prove_the_form_and_stand_up_to_a_replay(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the real engine, a clock that moves on, and the same backtest twice
    start = datetime(2026, 1, 1, tzinfo=UTC)
    minutes = iter(range(1000))
    monkeypatch.setattr(wiring, "clock", lambda: start + timedelta(minutes=next(minutes)))

    def typed(*words: str) -> Said:
        result = CliRunner().invoke(app, words)
        return Said(result.exit_code, result.stdout, result.stderr)

    for _ in range(2):
        assert typed("backtest", "structure_mm", "--bars", "2000", "--set", "report.html=false").code == 0
        said = typed("stages", "record", "latest", "--stage", "form", "--json")
        assert said.code == 0, said.err
    assert opened(said) == ["form"]
    # then files, tapes and decisions are what they were
    said = typed("stages", "check", "--replay", "--json")
    assert said.code == 0, said.out
    assert opened(said) == ["form"]


# ---- signed --------------------------------------------------------------------------------------------------


def test_a_record_is_signed_by_a_deed_in_the_audit_log(quintet: Quintet, proven: None) -> None:
    seals = [line["seal"] for line in quintet("stages", "show", "--json").json["records"]]
    deeds = quintet("audit", "show", "--json").json["records"]
    assert [(deed["what"], deed["facts"]["seal"]) for deed in deeds] == [("stage record", seal) for seal in seals]


def test_a_record_without_its_deed_does_not_count_and_can_be_signed(
    quintet: Quintet, proven: None, place: Path
) -> None:
    # given a crash between record and signature
    for name in ("audit.jsonl", "audit.jsonl.newest"):
        (place / "workspace" / name).unlink()
    said = quintet("stages", "check", "--json")
    assert said.code == 1
    assert opened(said) == []
    assert "not signed" in said.out
    # when both are recorded once more
    for name in ("one", "two"):
        assert quintet("stages", "record", name, "--stage", "form").code == 0
    # then they stand, each once
    said = quintet("stages", "show", "--json")
    assert opened(said) == ["form"]
    assert len(said.json["records"]) == 2


def test_a_register_written_anew_is_found_by_the_deeds(quintet: Quintet, proven: None, place: Path) -> None:
    # given somebody who seals a register of his own from the first line
    from quintet.storage.stage_register import append_record, read_register

    register = place / "workspace" / "stages.jsonl"
    records = read_register(register)
    register.unlink()
    for each in records:
        append_record(register, msgspec.structs.replace(each, recorded_utc="2020-01-01T00:00:00+00:00"))
    # then no deed has signed it
    said = quintet("stages", "check", "--json")
    assert (said.code, opened(said)) == (1, [])


def test_paper_is_no_backtest_and_a_backtest_is_no_paper(quintet: Quintet, proven: None, make_run: MakeRun) -> None:
    make_run("three", trials={"total": 9, "deflated_sharpe": 0.97})
    assert quintet("stages", "record", "three", "--stage", "backtest").code == 0
    make_run("four")
    said = quintet("stages", "record", "four", "--stage", "paper")
    assert said.code == 2
    assert "world backtest, expected paper" in said.err
    make_run("five", world="paper")
    assert "world paper, expected backtest" in quintet("stages", "record", "five", "--stage", "backtest").err


def test_a_month_on_paper_is_recorded_and_opens_its_gate(quintet: Quintet, proven: None, make_run: MakeRun) -> None:
    make_run("three", trials={"total": 9, "deflated_sharpe": 0.97})
    assert quintet("stages", "record", "three", "--stage", "backtest").code == 0
    desk = {"begin_ns": 0, "end_ns": 30 * 86_400_000_000_000, "unexplained": 0, "residual_bps": 0.4}
    make_run("four", world="paper", desk=desk)
    said = quintet("stages", "record", "four", "--stage", "paper", "--json")
    assert said.code == 0, said.err
    assert opened(said) == ["form", "backtest", "paper"]
