"""A planted future is found, whichever way it comes in; honest ways pass."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quintet.core.errors import DataError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Tape
from quintet.research.backtest_options import BacktestOptions
from quintet.research.lookahead import Cutting, Pipeline, choose_cuts, look_ahead
from quintet.research.moments import Trader, known_at, travel
from quintet.research.synthetic import synthesize
from quintet.research.systems import find
from quintet.sim.config import ExecutionConfig
from quintet.storage.candle_cuts import read_rows
from quintet.storage.candle_files import write_candles
from quintet.storage.candle_sources import load_market
from quintet.systems.structure_mm import StructureMmConfig
from tests.leaks import HONEST, LEAKS, taken, tape_of, with_corrections, write_market
from tests.python_traders import STRUCTURE

HOLES = (120, 121, 122, 300, 301, 480, 481, 482, 483)
CUTTING = Cutting(DEFAULT_SPOT, cuts=8)


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_market(tmp_path_factory.mktemp("market") / "coin_5m.csv", without=HOLES)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_corrections(tmp_path_factory.mktemp("market") / "coin_5m.csv")


def test_an_honest_pipeline_passes(candles: Path):
    verdict = look_ahead(HONEST, [candles], CUTTING)
    assert [str(finding) for trial in verdict.trials for finding in trial.findings] == []
    assert verdict.ok
    assert len(verdict.trials) == 6


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_found_and_named(candles: Path, corrected: Path, name: str):
    pipeline, expected = LEAKS[name]
    file = corrected if name == "repaired with later rows" else candles
    verdict = look_ahead(pipeline, [file], CUTTING)
    assert not verdict.ok
    assert expected in verdict.found


# ---- the real system -------------------------------------------------------------------------------------------


def structure_mm(fills: str) -> Pipeline:
    """From a candle file to structure_mm, as the command line goes: every policy, no parameter fitted."""
    setting = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(), "5m", fills)

    def imported(files: Sequence[Path]) -> Tape:
        return tape_of(load_market(files, DEFAULT_SPOT, "5m", fills))

    return Pipeline(imported, lambda tape: Trader(find("structure_mm"), StructureMmConfig(), setting))


@pytest.mark.req("S-70")
def test_structure_mm_knows_nothing_of_the_future(tmp_path: Path):
    write_candles(tmp_path / "coin_1m.parquet", synthesize(3, days=8), DEFAULT_SPOT, synthetic=True)
    verdict = look_ahead(structure_mm("1m"), [tmp_path / "coin_1m.parquet"], Cutting(DEFAULT_SPOT, cuts=12))
    assert verdict.found == frozenset()
    assert verdict.ok
    assert " 0 decisions" not in verdict.trials[2].tried


@pytest.mark.req("S-70")
def test_structure_mm_knows_nothing_of_the_future_of_recorded_candles(shared_data: Path):
    file = shared_data / "ohlcv" / "bybit_linear_ETHUSDT_5m_20250924_20260721.parquet"
    verdict = look_ahead(structure_mm("5m"), [file], Cutting(DEFAULT_SPOT, cuts=4, seed=2))
    assert verdict.found == frozenset()


def test_a_file_that_begins_to_tell_its_turnover_late_is_read_row_by_row(tmp_path: Path):
    # given candles without turnover for a day, then with it (found by this very check, and mended)
    bars = synthesize(7, days=2, timeframe="5m")
    late = replace(bars, turnover=np.where(np.arange(len(bars)) < 300, 0, bars.turnover))
    write_candles(tmp_path / "coin_5m.csv", late, DEFAULT_SPOT)
    assert look_ahead(HONEST, [tmp_path / "coin_5m.csv"], CUTTING).found == frozenset()


def test_a_market_of_several_files_is_cut_in_all_of_them(tmp_path: Path):
    # given three files that overlap, of which the last ones are not there yet at the first cuts
    bars = synthesize(7, days=2, timeframe="5m")
    files = []
    for n, (first, last) in enumerate(((0, 250), (230, 420), (400, 576))):
        files.append(tmp_path / f"coin_5m_{n}.csv")
        write_candles(files[-1], taken(bars, np.arange(first, last)), DEFAULT_SPOT)

    def imported(files: Sequence[Path]) -> Tape:
        return tape_of(load_market(files, DEFAULT_SPOT, STRUCTURE, "5m"))

    verdict = look_ahead(Pipeline(imported, HONEST.traded), files, CUTTING)
    assert [str(finding) for trial in verdict.trials for finding in trial.findings] == []


# ---- where is cut ----------------------------------------------------------------------------------------------


def test_cuts_lie_over_the_whole_market_beside_decisions_and_in_holes(candles: Path):
    tape, who = HONEST.imported([candles]), HONEST.traded(HONEST.imported([candles]))
    whole = travel(tape, who, "pessimistic", (), to_end=True)
    holes_ns = read_rows(candles).holes_ns
    cuts = choose_cuts(whole.rows, whole.parts["commands"], STRUCTURE, 40, 1, holes_ns)
    assert cuts == choose_cuts(whole.rows, whole.parts["commands"], STRUCTURE, 40, 1, holes_ns)
    assert list(cuts) == sorted(set(cuts))
    assert set(cuts) & set(holes_ns.tolist())
    assert set(cuts) & set(whole.parts["commands"]["ts"].tolist())
    first, last = int(known_at(whole.rows)[0]), int(known_at(whole.rows)[-1])
    tenths = {(cut - first) * 10 // (last - first) for cut in cuts}
    assert tenths == set(range(10))


def test_a_market_of_a_few_bars_is_too_short_to_cut(tmp_path: Path):
    write_candles(tmp_path / "coin_5m.csv", synthesize(7, bars=8, timeframe="5m"), DEFAULT_SPOT)
    with pytest.raises(DataError, match="too short to cut"):
        look_ahead(HONEST, [tmp_path / "coin_5m.csv"], CUTTING)


def test_an_importer_that_refuses_the_file_as_it_was_is_told(candles: Path):
    def picky(files: Sequence[Path]) -> Tape:
        if len(read_rows(files[0]).known_ns) < 500:
            raise DataError("too few rows")
        return HONEST.imported(files)

    verdict = look_ahead(HONEST._replace(imported=picky), [candles], CUTTING)
    assert verdict.found == {"import"}
