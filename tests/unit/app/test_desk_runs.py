"""What a desk has lived becomes a run, and the run opens a stage: from backtest to scale, each gate with its reason."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from quintet.app.desk_runs import standing_of, write_run
from quintet.app.stage_identity import identity_of
from quintet.app.wiring import clock
from quintet.core.errors import DataError
from quintet.storage.desk_parity import Parity, write_parity
from quintet.storage.run_folders import read_json
from quintet.storage.workspace import workspace
from tests.fakes.command_line import Quintet
from tests.fakes.stage_runs import MakeRun
from tests.lived_desks import COIN, DAY_NS, HOLDER, HOUR_NS, START, a_request, hours, live_at_a_venue, live_on_paper

CRITERIA = '[stages]\npaper_days_min = 3\nsmall_days_min = 2\nsmall_capital_quote = "10000"\n'


@pytest.fixture
def config(place: Path) -> Path:
    path = place / "live.toml"
    path.write_text(CRITERIA)
    return path


def test_a_run_says_when_the_desk_was_alive_and_what_came_of_it(place: Path, config: Path) -> None:
    request = a_request(workspace().desks, "paper", config)
    ended = live_on_paper(request, hours(START, 30), hours(START + 5 * DAY_NS, 20))
    written = write_run(request.folder, workspace(), clock())
    manifest, figures = read_json(written / "manifest.json"), read_json(written / "metrics.json")
    assert (manifest["world"], manifest["system"]) == ("paper", request.system.name)
    assert manifest["identity"] == identity_of(request.config, request.system.name)._asdict()
    assert manifest["hashes"]["commands"] == ended.command_hash
    desk = figures["desk"]
    assert [end - begin for begin, end in desk["lives"]] == [29 * HOUR_NS + 1_000_000, 19 * HOUR_NS]
    assert desk["heard"] == desk["lives"]
    assert (desk["begin_ns"], desk["unexplained"], desk["residual_bps"]) == (START, 0, 0.0)
    assert desk["closed_trades"] > 10
    assert figures["conservation"] == 0
    assert 0 < figures["metrics"]["max_drawdown_frac"] < 0.1
    assert figures["metrics"]["net_quanta"] * COIN.quote_quantum == ended.net < 0  # it pays the spread and the fee


def test_a_desk_whose_tape_decides_otherwise_has_a_difference_without_a_cause(place: Path, config: Path) -> None:
    request = a_request(workspace().desks, "paper", config)
    live_on_paper(request, hours(START, 10))
    standing = standing_of(request.folder)
    assert standing.difference is None
    params = json.loads(standing.notes["params"]) | {"lots": 2_000}
    changed = {**standing.tape.meta.notes, "params": json.dumps(params)}
    other = a_request(workspace().desks, "paper", config, desk="other")
    other.folder.mkdir()
    from quintet.storage.tape_files import TapeWriter

    with TapeWriter(other.folder / "desk.tape", msgspec.structs.replace(standing.tape.meta, notes=changed)) as tape:
        tape.append(standing.tape.event_rows())
    written = write_run(other.folder, workspace(), clock())
    assert read_json(written / "metrics.json")["desk"]["unexplained"] == 1
    assert read_json(written / "metrics.json")["desk"]["residual_bps"] is None


def test_a_desk_that_heard_no_market_has_no_run(place: Path, config: Path) -> None:
    request = a_request(workspace().desks, "live", config)
    live_at_a_venue(request)
    with pytest.raises(DataError, match="no market was heard"):
        write_run(request.folder, workspace(), clock())


@pytest.mark.req("S-67", "S-69")
def test_from_backtest_to_scale_each_gate_opens_by_its_own_proof(
    quintet: Quintet,
    config: Path,
    make_run: MakeRun,
) -> None:
    def permit() -> dict[str, object]:
        found: dict[str, object] = quintet("stages", "permit", HOLDER, "--config", config, "--json").json
        return found

    def missing() -> str:
        return "; ".join(permit()["missing"])  # type: ignore[call-overload, no-any-return]

    def record(run: str, stage: str) -> None:
        said = quintet("stages", "record", run, "--stage", stage, "--config", config)
        assert said.code == 0, said.err

    def records_newest(folder: Path, stage: str) -> None:
        record(write_run(folder, workspace(), clock()).name, stage)

    paper = a_request(workspace().desks, "paper", config)
    name = paper.system.name
    own = {"system": name, "identity": identity_of(paper.config, name)._asdict()}
    assert "form: a run that finished" in missing()
    for run in ("one", "two"):
        make_run(run, **own)
        record(run, "form")
    assert "backtest: a run that finished: no backtest record" in missing()
    make_run("three", **own, trials={"total": 9, "deflated_sharpe": 0.97})
    record("three", "backtest")
    assert "paper: 3 days or more: 0.0 days" in missing()

    live_on_paper(paper, hours(START, 40))
    records_newest(paper.folder, "paper")
    assert "paper: 3 days or more: 1.6 days" in missing()
    live_on_paper(paper, hours(START + 4 * DAY_NS, 40))  # several lives add up, and its run says both
    records_newest(paper.folder, "paper")
    told = permit()
    assert (told["allowed"], told["capital_max"]) == (True, "10000")

    live = a_request(workspace().desks, "live", config)
    live_at_a_venue(live, hours(START, 30), hours(START + 2 * DAY_NS, 30))
    records_newest(live.folder, "small_capital")
    assert permit()["capital_max"] == "10000"  # nobody looked whether it is inside the band
    said = quintet("stages", "show", "--config", config)
    assert "nobody looked" in said.out
    rows = standing_of(live.folder).tape.n_positions
    write_parity(live.folder, Parity(rows=rows, unexplained=0, residual_bps=0.7, inside_band=True))
    records_newest(live.folder, "small_capital")
    assert permit()["capital_max"] is None
    gates = quintet("stages", "show", "--config", config, "--json").json["systems"][name]
    assert [gate["open"] for gate in gates] == [True] * 5


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ("[stages]\npaper_days_min = 30\n", "30 days or more: 1.6 days"),
        ("[stages]\npaper_days_min = 1\ndrawdown_max_frac = 0.000001\n", "drawdown of 0% or less"),
        (
            "[stages]\npaper_days_min = 1\n[risk]\nopen_orders_max = 3\n",
            "form: a run that finished: 0 of 2 recorded stand",
        ),
    ],
)
def test_a_criterion_that_fails_keeps_the_gate_closed_and_says_which(
    quintet: Quintet,
    place: Path,
    config: Path,
    make_run: MakeRun,
    changed: str,
    reason: str,
) -> None:
    paper = a_request(workspace().desks, "paper", config)
    own = {"system": paper.system.name, "identity": identity_of(paper.config, paper.system.name)._asdict()}
    for run in ("one", "two"):
        make_run(run, **own)
        quintet("stages", "record", run, "--stage", "form")
    make_run("three", **own, trials={"total": 9, "deflated_sharpe": 0.97})
    quintet("stages", "record", "three", "--stage", "backtest")
    live_on_paper(paper, hours(START, 40))
    written = write_run(paper.folder, workspace(), clock())
    quintet("stages", "record", written.name, "--stage", "paper")
    other = place / "other.toml"
    other.write_text(changed)
    said = quintet("stages", "permit", HOLDER, "--config", other, "--json")
    assert said.code == 1
    assert reason in "; ".join(said.json["missing"])


def test_paper_on_a_market_of_our_own_is_no_proof(quintet: Quintet, config: Path, make_run: MakeRun) -> None:
    paper = a_request(workspace().desks, "paper", config, url="http://127.0.0.1:1")
    live_on_paper(paper, hours(START, 100))
    assert read_json(write_run(paper.folder, workspace(), clock()) / "metrics.json")["synthetic"] is True


def test_a_desk_is_shown_by_its_name(quintet: Quintet, config: Path) -> None:
    request = a_request(workspace().desks, "paper", config)
    live_on_paper(request, hours(START, 40))
    said = quintet("desk", "show", "main", "--json")
    assert said.code == 0, said.err
    assert said.json["metrics"]["fills"] > 0
    assert "alive       1.62 days in 1 life with" in quintet("desk", "show", "paper-main").out
    assert "at rest" in quintet("desk", "list").out
    refused = quintet("desk", "show", "mian")
    assert (refused.code, "did you mean" in refused.err or "paper-main" in refused.err) == (2, True)
    assert Decimal(str(said.json["desk"]["residual_bps"])) == 0
