"""A backtest on a tape of order books, with the real engine."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.core.market.tick_feed import LATENCY_NOTE, NOT_TRADED_NOTE
from quintet.research.report_parts.languages import is_known
from tests.fakes.command_line import Said
from tests.tick_makers import maker_file, tick_tape_file

QUIET = ("--set", "report.html=false", "--set", "report.robustness=off", "--set", "report.desk_tape=false")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, with the maker in it."""
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("QUINTET_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    maker_file(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tick_tape_file(tmp_path_factory.mktemp("ticks") / "market.tape")


def typed(*words: object) -> Said:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return Said(result.exit_code, result.stdout, result.stderr)


def test_a_maker_runs_on_a_tape_and_leaves_a_whole_folder(folder: Path, tape: Path) -> None:
    # when a maker of one's own runs on a tape of order books
    said = typed("backtest", "maker.py:Maker", "--tape", tape, "--set", "report.robustness=off", "--json")
    assert said.code == 0, said.err
    # then it has traded, the books balance, and there is one reading of the market
    assert said.json["metrics"]["fills"] > 0
    assert said.json["conservation"] == 0
    assert list(said.json["interval"]["policies"]) == ["book"]
    # and every assumption is a sentence that the report knows in both languages
    assert "An order takes 5 ms to the exchange, an answer 3 ms back." in said.json["assumptions"]
    assert [each for each in said.json["assumptions"] if not is_known(each)] == []
    manifest = json.loads((Path(said.json["out"]) / "manifest.json").read_text())
    assert manifest["market"]["is_book"] is True
    assert manifest["config"]["tick_execution"]["queue_model"] == "risk_averse"
    # and the page can be made again from its files
    again = typed("report", "latest", "--out", folder / "again.html")
    assert again.code == 0, again.err
    page = (Path(said.json["out"]) / "report.html").read_text()
    assert (folder / "again.html").read_text() == page


def test_its_desk_tape_is_replayed_to_the_same_commands(folder: Path, tape: Path) -> None:
    from quintet.research.desk_replay import replay_desk_tape

    said = typed("backtest", "maker.py:Maker", "--tape", tape, *QUIET[:4], "--json")
    assert replay_desk_tape(Path(said.json["out"]) / "desk.tape") == said.json["hashes"]["commands"]


def test_a_system_may_hear_bars_of_the_trades(folder: Path, tape: Path) -> None:
    (folder / "bars.py").write_text(
        "import quintet\n\n\nclass Bars(quintet.System):\n    def on_bar(self, view):\n"
        "        return [quintet.buy(10)] if not view.lots else [quintet.sell(view.lots)]\n"
    )
    said = typed("backtest", "bars.py:Bars", "--tape", tape, "--interval", "1m", *QUIET, "--json")
    assert said.code == 0, said.err
    assert said.json["metrics"]["bars"] >= 1
    assert said.json["metrics"]["fills"] >= 1


def test_both_doors_give_the_same_hashes(folder: Path, tape: Path) -> None:
    import quintet

    said = typed(
        "backtest", "maker.py:Maker", "--tape", tape, *QUIET,
        "--set", "tick_execution.entry_ms=20", "--set", "system.maker.lots=20", "--json",
    )  # fmt: skip
    report = {"report.html": False, "report.robustness": "off", "report.desk_tape": False}
    called = quintet.backtest("maker.py:Maker", tape, entry_ms=20, lots=20, **report)
    assert called.hashes == said.json["hashes"]


def test_what_is_asked_of_the_exchange_changes_the_result(folder: Path, tape: Path) -> None:
    def hashes(*sets: str) -> str:
        words = [word for each in sets for word in ("--set", f"tick_execution.{each}")]
        return str(typed("backtest", "maker.py:Maker", "--tape", tape, *QUIET, *words, "--json").json["hashes"])

    plain = hashes()
    assert plain == hashes()
    for other in ("entry_ms=500", "queue_model=log_share", "feed_ms=250", "latency_model=drawn"):
        assert hashes(other) != plain, other


def test_orders_travel_as_recorded_ones_did(folder: Path, tape: Path) -> None:
    start = 1_767_225_600_000_000_000
    lines = [f"{start + n * 10**9},{start + n * 10**9 + 10**8},{start + n * 10**9 + 2 * 10**8}" for n in range(80)]
    (folder / "orders.csv").write_text("\n".join(["sent,arrived,heard", *lines]))
    said = typed("backtest", "maker.py:Maker", "--tape", tape, *QUIET, "--latencies", "orders.csv", "--json")
    assert said.code == 0, said.err
    assert "Orders and answers travel as long as recorded ones did at that time." in said.json["assumptions"]
    only_model = typed(
        "backtest", "maker.py:Maker", "--tape", tape, *QUIET, "--set", "tick_execution.latency_model=recorded"
    )
    assert only_model.code != 0
    assert "--latencies FILE sets both" in only_model.err


def test_the_first_minutes_alone(folder: Path, tape: Path) -> None:
    said = typed("backtest", "maker.py:Maker", "--tape", tape, *QUIET, "--bars", 1, "--json")
    assert said.code == 0, said.err
    assert said.json["metrics"]["days"] < 62 / 86_400
    assert "only the first 1 x 1m" in said.json["assumptions"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["structure_mm"], "the only kind structure_mm trades"),
        (["maker.py:Maker", "--fill-policy", "ohlc"], "they say what came first"),
        (["maker.py:Maker", "--set", "execution.initial_base=1"], "no bar says what it is worth"),
        (["maker.py:Maker", "--latencies", "none.csv"], "no such file"),
        (["maker.py:Maker", "--start", "2026-01-01"], "a tape is taken as it is"),
        (["maker.py:Maker", "--set", "tick_execution.feed_ms=-1"], "0 to 60000 ms"),
    ],
)
def test_what_has_no_meaning_on_order_books_is_refused(
    folder: Path, tape: Path, words: list[str], expected: str
) -> None:
    said = typed("backtest", *words, "--tape", tape)
    assert said.code != 0
    assert expected in said.err, said.err


def test_a_tape_that_must_not_be_traded_is_refused(folder: Path) -> None:
    tick_tape_file(folder / "no.tape", {NOT_TRADED_NOTE: "it prints no trades"}, hours=0.001)
    said = typed("backtest", "maker.py:Maker", "--tape", "no.tape")
    assert said.code != 0
    assert "it prints no trades" in said.err


def test_clocks_that_cannot_be_believed_need_a_latency_and_are_told(folder: Path) -> None:
    tick_tape_file(folder / "skewed.tape", {LATENCY_NOTE: "12 of 40 messages came before they happened"}, hours=0.005)
    refused = typed("backtest", "maker.py:Maker", "--tape", "skewed.tape", *QUIET)
    assert refused.code != 0
    assert "12 of 40 messages" in refused.err
    assert "tick_execution.feed_ms" in refused.err
    told = ("--set", "tick_execution.feed_ms=10")
    said = typed("backtest", "maker.py:Maker", "--tape", "skewed.tape", *QUIET, *told, "--json")
    assert said.code == 0, said.err
    assert any("measure no latency: 12 of 40" in each for each in said.json["assumptions"])
    assert "The feed reaches us 10 ms late; its own clocks are not believed." in said.json["assumptions"]


def test_nothing_before_a_cut_knows_what_comes_after_it(folder: Path, tape: Path) -> None:
    said = typed("verify", "lookahead", "maker.py:Maker", "--tape", tape, "--cuts", 6, "--json")
    assert said.code == 0, said.out
    assert said.json["ok"]
    assert len(said.json["checks"]) == 4


def test_a_sweep_over_a_tape_equals_its_backtests(folder: Path, tape: Path) -> None:
    swept = typed(
        "sweep", "maker.py:Maker", "--tape", tape, "--grid", "lots=20,40", "--jobs", 1, "--json"
    )  # fmt: skip
    assert swept.code == 0, swept.err
    alone = typed("backtest", "maker.py:Maker", "--tape", tape, *QUIET, "--set", "system.maker.lots=40", "--json")
    [found] = [each for each in swept.json["sets"] if each["values"]["lots"] == 40]
    assert found["hashes"] == alone.json["hashes"]


def test_walk_forward_reads_candles(folder: Path, tape: Path) -> None:
    said = typed("walk-forward", "maker.py:Maker", "--tape", tape, "--grid", "lots=20,40")
    assert said.code != 0
    assert "walk-forward reads candles" in said.err
