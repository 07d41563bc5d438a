"""A planted future is found, whichever way it comes in; honest ways pass."""

from pathlib import Path

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.research.lookahead import Cutting, look_ahead
from tests.leaks import HONEST, LEAKS, with_corrections, write_market

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
