"""One run over a spot pair, its perpetual and a far venue, with candles beside the books."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.core.instrument import Instrument
from quintet.core.row_laws import frozen
from quintet.core.tape import TapeMeta, memory_tape
from quintet.research.report_parts.languages import is_known
from quintet.research.tick_model import TICK_INSTRUMENT
from quintet.storage.tape_files import TapeWriter, open_tape
from tests.fakes.command_line import Said
from tests.tick_makers import tick_rows

DESK = '''
import quintet


class Desk(quintet.System):
    """One order on each side of each instrument, as far as it holds; it counts the bars that it hears."""

    timer_s = 1
    instruments_max = 3

    class Memory(quintet.Memory):
        bars: int = 0
        of_spot: int = 0

    def on_bar(self, view):
        self.memory.bars += 1
        self.memory.of_spot += view.instrument == 2
        assert view.bar == view.markets[view.instrument].bar
        return None

    def on_timer(self, view):
        wants = []
        for n, market in enumerate(view.markets):
            if market.bid and market.ask and market.lots < 500:
                wants.append(quintet.buy(50, market.bid, instrument=n))
            if market.bid and market.ask and market.lots > (0 if self.instruments[n].kind == "spot" else -500):
                wants.append(quintet.sell(50, market.ask, instrument=n))
        return wants
'''
SPOT: Instrument = msgspec.structs.replace(TICK_INSTRUMENT, kind="spot", quote_quantum=Decimal("1e-9"))
FAR: Instrument = msgspec.structs.replace(TICK_INSTRUMENT, venue="faraway")
LATE_NS = 80_000_000
NAMES = ["faraway:linear:ETHUSDT", "synthetic:linear:ETHUSDT", "synthetic:spot:ETHUSDT"]
MINUTE_MS = 60_000


def typed(*words: object) -> Said:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return Said(result.exit_code, result.stdout, result.stderr)


def book_tape(path: Path, rows: Any, instrument: Instrument) -> Path:
    meta = TapeMeta(synthetic=True, created_ns=0, tool_version="test")
    with TapeWriter(path, meta) as writer:
        writer.append(memory_tape(frozen(rows), [instrument]).event_rows())
    return path


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three books and the minute candles of the spot pair; the far venue is heard 80 ms later than the near ones."""
    folder = tmp_path_factory.mktemp("several")
    rows = tick_rows()
    late = rows.copy()
    late["ts_recv"] += LATE_NS
    books = [book_tape(folder / f"{n}.tape", *each) for n, each in enumerate(
        [(rows, TICK_INSTRUMENT), (rows, SPOT), (late, FAR)])]  # fmt: skip
    opened_ms = int(rows["ts_event"][0]) // 1_000_000 // MINUTE_MS * MINUTE_MS
    candles = folder / "candles_1m.csv"
    lines = [f"{opened_ms + n * MINUTE_MS},3000,3001,2999,3000,5" for n in range(2)]
    candles.write_text("\n".join(["time,open,high,low,close,volume", *lines]))
    made = typed("tape", "candles", candles, "--like", books[1], "-o", folder / "candles.tape", "--json")
    assert made.code == 0, made.err
    merged = typed("tape", "merge", *books, folder / "candles.tape", "-o", folder / "all.tape", "--json")
    assert merged.code == 0, merged.err
    return folder / "all.tape"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desk.py").write_text(DESK)
    return tmp_path


FAR_AWAY = """
[tick_execution.venues.faraway]
entry_ms = 80.0
response_ms = 70.0
orders_per_second = 4
"""


def test_both_legs_and_a_far_venue_trade_in_one_run(folder: Path, tape: Path) -> None:
    (folder / "far.toml").write_text(FAR_AWAY)
    # when a desk trades all three
    words = ("--tape", tape, "--config", "far.toml", "--set", "report.robustness=off", "--json")
    said = typed("backtest", "desk.py:Desk", *words)
    assert said.code == 0, said.err
    run = Path(said.json["out"])
    # then each was filled, and what each brought sums to the result to the quantum
    fills = pl.read_parquet(run / "fills.parquet")
    assert sorted(fills["instrument"].unique()) == NAMES
    figures = json.loads((run / "metrics.json").read_text())
    assert [each["name"] for each in figures["instruments"]] == NAMES
    assert sum(each["net_quanta"] for each in figures["instruments"]) == figures["metrics"]["net_quanta"]
    assert said.json["conservation"] == 0
    # and a fill of the far venue is heard 70 ms after it happened, of a near one 3 ms
    taken = fills.with_columns(travelled=pl.col("ts_recv_ns") - pl.col("ts_event_ns"))
    far = pl.col("instrument") == NAMES[0]
    assert taken.filter(far)["travelled"].min() == 70_000_000
    assert taken.filter(~far)["travelled"].min() == 3_000_000
    # and its assumptions are on the report, in both languages
    assert "At faraway: An order takes 80 ms to the exchange, an answer 70 ms back." in said.json["assumptions"]
    assert [each for each in said.json["assumptions"] if not is_known(each)] == []
    page = (run / "report.html").read_text()
    assert "By instrument" in page and NAMES[2] in page
    # and its desk tape replays to the same commands
    from quintet.research.desk_replay import replay_desk_tape

    assert replay_desk_tape(run / "desk.tape") == said.json["hashes"]["commands"]


def test_a_candle_of_the_tape_is_the_bar_of_its_instrument_and_the_others_are_built(folder: Path, tape: Path) -> None:
    from quintet.app.backtest_command import make_task, market_flags
    from quintet.app.markets import open_market
    from quintet.app.run_options import options_of
    from quintet.research.tick_setup import built_bars, candles_on
    from quintet.storage.workspace import workspace

    task = make_task("desk.py:Desk", market_flags({"tape": tape}), None)
    market = open_market(task.request, workspace(), 0)
    options = options_of(
        market.tape, market.instrument, market.structure, market.fills, task.system, task.request.config
    )
    assert options.book is not None
    minute = 1
    assert candles_on(market.tape) == options.book.candles == {(2, minute)}
    assert [(bar.instrument, bar.timeframe) for bar in built_bars([minute], 3, options.book.candles)] == [
        (0, 1),
        (1, 1),
    ]
    assert any("bars of 1m are the candles on the tape" in line for line in market.assumptions)
    # a run walks the tape in the order of the exchanges, and knows it by the hash of what was recorded
    happened = np.asarray(market.tape.event_rows())
    happened = happened[happened["kind"] <= 3]["ts_event"]
    assert (np.diff(happened) >= 0).all()
    heard = np.asarray(open_tape(tape).event_rows())
    assert not (np.diff(heard[heard["kind"] <= 3]["ts_event"]) >= 0).all()
    assert market.tape.hash == open_tape(tape).hash
    # every asset of the run is counted in one quantum, the finest
    assert {str(each.quote_quantum) for each in options.instruments} == {"1E-9"}


def test_one_instrument_is_cut_out_by_its_name(folder: Path, tape: Path) -> None:
    cut = typed("tape", "cut", tape, "--only", NAMES[2], "-o", "spot.tape", "--json")
    assert cut.code == 0, cut.err
    assert [(each["kind"], each["number"]) for each in cut.json["instruments"]] == [("spot", 0)]
    assert cut.json["kinds"]["BAR_CLOSE"] == 2


REFUSED = {
    "more instruments than the system trades": (["backtest", "structure_mm"], ["1 at most for structure_mm"]),
    "a venue that no instrument bears": (
        ["backtest", "desk.py:Desk", "--set", "tick_execution.venues.nowhere.entry_ms=5"],
        ["nowhere is of no instrument"],
    ),
    "a key that no venue has": (
        ["backtest", "desk.py:Desk", "--set", "tick_execution.venues.faraway.queue_model=fifo"],
        ["unknown key", "queue_model", "entry_ms"],
    ),
    "a latency that cannot be": (
        ["backtest", "desk.py:Desk", "--set", "tick_execution.venues.faraway.entry_ms=-1"],
        ["venues.faraway"],
    ),
    "recorded orders without a file": (
        ["backtest", "desk.py:Desk", "--set", "tick_execution.venues.faraway.latency_model=recorded"],
        ["recorded with no file", "tick_execution.venues.faraway"],
    ),
    "a section where sections belong": (
        ["backtest", "desk.py:Desk", "--set", "tick_execution.venues=5"],
        ["[tick_execution.venues.NAME]"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_traded_together_is_refused(folder: Path, tape: Path, case: str) -> None:
    words, expected = REFUSED[case]
    said = typed(*words, "--tape", tape)
    assert said.code != 0
    assert [each for each in expected if each not in said.err] == [], said.err


def test_a_symbol_of_several_instruments_is_not_guessed(tape: Path, folder: Path) -> None:
    said = typed("tape", "cut", tape, "--only", "ETHUSDT", "-o", "x.tape")
    assert said.code == 2
    assert "a symbol of several instruments" in said.err
    assert NAMES[1] in said.err
