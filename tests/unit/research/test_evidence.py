"""Evidence is what a search of noise does not find, and what a search with one real edge in it does."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quintet.research.evidence import HAS_EVIDENCE, NO_EVIDENCE, Findings, judge_evidence
from quintet.research.significance import Luck, luck, sharpe_interval
from tests.noise import normals
from tests.searches import coin_tossers, market, search, seer

YEAR = 365
TRUE_YEARLY_SHARPE = 2.5
TRUE_DAILY_SHARPE = TRUE_YEARLY_SHARPE / math.sqrt(YEAR)

# ---- the conditions ------------------------------------------------------------------------------------------


def good(**changes: Any) -> Findings:
    figures = Luck(
        trials=213,
        days=3_000,
        sharpe_annualised=2.0,
        sharpe_low_annualised=1.3,
        sharpe_high_annualised=2.7,
        best_by_luck_annualised=1.0,
        probabilistic_sharpe=1.0,
        deflated_sharpe=0.97,
        minimum_track_record_days=200.0,
        minimum_backtest_years=7.5,
    )
    figures = figures._replace(**{name: changes.pop(name) for name in list(changes) if name in Luck._fields})
    return Findings(figures, True, 0.01, 0.1, 16, 0.02)._replace(**changes)


def test_everything_met_is_evidence() -> None:
    judgement = judge_evidence(good())
    assert (judgement.sentence, judgement.is_evidence) == (HAS_EVIDENCE, True)
    assert len(judgement.conditions) == 7
    assert all(condition.met is True for condition in judgement.conditions)


@pytest.mark.parametrize(
    ("wrong", "seen"),
    [
        ({"costs_charged": False}, "not all"),
        ({"deflated_sharpe": 0.9499}, "0.950, at least 0.95 is needed"),
        ({"deflated_sharpe": math.nan}, "nan, at least 0.95 is needed"),
        ({"days": 2_737}, "2,737 of 2,738 days"),
        ({"sharpe_low_annualised": 0.0}, "0.000, above 0 is needed"),
        ({"better_than_nothing_p": 0.05}, "0.050, below 0.05 is needed"),
        ({"overfitting": 0.2}, "0.200, below 0.2 is needed"),
        ({"path_sharpe_low": 0.0}, "0.000, above 0 is needed"),
    ],
)
def test_one_condition_that_is_not_met_is_no_evidence(wrong: dict[str, Any], seen: str) -> None:
    judgement = judge_evidence(good(**wrong))
    assert judgement.sentence == NO_EVIDENCE
    assert [condition.seen for condition in judgement.conditions if condition.met is False] == [seen]


@pytest.mark.parametrize(
    "unknown",
    [
        {"deflated_sharpe": None},
        {"sharpe_low_annualised": None},
        {"better_than_nothing_p": None},
        {"overfitting": None},
        {"path_sharpe_low": None},
        {"blocks": 15},
    ],
)
def test_what_nobody_measured_is_not_met(unknown: dict[str, Any]) -> None:
    judgement = judge_evidence(good(**unknown))
    assert judgement.sentence == NO_EVIDENCE
    assert [condition.met for condition in judgement.conditions].count(None) == 1


def test_a_single_backtest_on_candles_is_no_evidence_however_good() -> None:
    # given ten years of an enormous ratio, and nothing but the record itself
    record = luck(0.002 + 0.01 * normals("enormous", 10 * YEAR), trials=1)
    assert record.is_evidence
    assert judge_evidence(Findings(record, costs_charged=True)).sentence == NO_EVIDENCE


# ---- noise, searched -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def noise() -> Any:
    """Twelve years of a market that goes nowhere, and a thousand coin tossers on it: the length is no excuse."""
    return coin_tossers("a thousand coins", market("a market", 12 * YEAR), 1_000)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("searched") / "trials.sqlite"


@pytest.fixture(scope="module")
def searched(noise: Any, ledger: Path) -> Any:
    return search(ledger, "a market", noise)


def test_of_a_thousand_noise_systems_at_most_one_in_twenty_is_called_evidence(searched: Any) -> None:
    assert {place.total for place in searched.counted} == {1_000}
    assert len(searched.evidence) <= 50
    # and it is not for their length: the record is as long as a thousand trials demand
    assert all(record.days >= record.minimum_backtest_years * YEAR for record in searched.lucks)


def test_it_is_the_count_that_refuses_them(searched: Any) -> None:
    # given the same records as if each had been the only one
    alone = [record for record in searched.lucks if record.probabilistic_sharpe >= 0.95]
    # then about one in twenty would pass, as 0.95 promises, the best of them with a fine ratio
    assert 25 <= len(alone) <= 75
    assert max(record.sharpe_annualised for record in alone) > 0.8
    # and with the ledger's count none of them does
    assert sum(record.deflated_sharpe >= 0.95 for record in searched.lucks) <= 1


def test_the_best_of_a_search_cannot_be_tried_again_as_if_it_were_alone(
    searched: Any, noise: Any, ledger: Path
) -> None:
    best = int(np.argmax([record.sharpe_annualised for record in searched.lucks]))
    again = search(ledger, "a market", noise[:, best : best + 1])
    assert (again.counted[0].repeated, again.counted[0].total) == (True, 1_000)
    assert again.lucks[0].deflated_sharpe < 0.95
    assert again.evidence == []


def test_of_forty_small_searches_of_noise_at_most_two_find_anything(tmp_path: Path) -> None:
    found = 0
    for n in range(40):
        returns = coin_tossers(f"coins {n}", market(f"market {n}", 3 * YEAR), 5)
        found += bool(search(tmp_path / f"{n}.sqlite", f"market {n}", returns).evidence)
    assert found <= 2


# ---- an edge, planted ----------------------------------------------------------------------------------------


def test_a_planted_edge_is_found_among_a_thousand_and_its_size_is_inside_the_interval(
    noise: Any, tmp_path: Path
) -> None:
    # given 999 coin tossers and one system of a known yearly ratio
    planted = 617
    returns = noise.copy()
    returns[:, planted] = seer("a seer", market("a market", len(noise)), TRUE_DAILY_SHARPE)
    # when all of them are searched
    found = search(tmp_path / "trials.sqlite", "a market", returns)
    # then it is evidence, nothing else is, and its size is what it is said to be
    assert found.evidence == [planted]
    record = found.lucks[planted]
    assert record.trials == 1_000
    assert record.sharpe_low_annualised < TRUE_YEARLY_SHARPE < record.sharpe_high_annualised


def test_of_such_intervals_nineteen_in_twenty_hold_the_true_size() -> None:
    held = 0
    for n in range(200):
        low, high = sharpe_interval(seer(f"seer {n}", market(f"seen {n}", 2 * YEAR), TRUE_DAILY_SHARPE))
        held += low < TRUE_DAILY_SHARPE < high
    # 190 expected, standard deviation 3.1
    assert 181 <= held <= 199


def test_an_edge_too_small_for_its_record_is_not_called_evidence(tmp_path: Path) -> None:
    # given three years of a true ratio of 0.5, chosen among five
    moves = market("a market of three years", 3 * YEAR)
    returns = coin_tossers("five coins", moves, 5)
    returns[:, 2] = seer("a weak seer", moves, 0.5 / math.sqrt(YEAR))
    assert search(tmp_path / "trials.sqlite", "a market of three years", returns).evidence == []
