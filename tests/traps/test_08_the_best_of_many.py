"""Trap 8: many were tried, one is shown. Evidence must be rare where there is nothing, however long one looks.

The full proof, a thousand systems in one search and a planted edge that is found, is in
`tests/unit/research/test_evidence.py`; here is the trap beside it: the same search, judged as if it had been one try.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from quintet.research.significance import luck
from tests.searches import coin_tossers, market, search

SEARCHES, TRIED = 20, 20

Judge = Callable[[str, Any], bool]
"""The name of a search and its returns (days by systems), all noise, to: is there evidence for the best of them?"""


def check(judge: Judge) -> int:
    """How many of twenty searches for nothing find evidence; one may, at a level of five in a hundred."""
    return sum(
        judge(f"search {n}", coin_tossers(f"tosses {n}", market(f"market {n}", 3 * 365), TRIED))
        for n in range(SEARCHES)
    )


def test_a_search_for_nothing_finds_nothing(tmp_path: Path):
    assert check(lambda name, returns: bool(search(tmp_path / f"{name}.sqlite", name, returns).evidence)) <= 1


def test_what_was_counted_stays_counted(tmp_path: Path):
    returns = coin_tossers("tosses", market("market", 2 * 365), TRIED)
    ledger = tmp_path / "trials.sqlite"
    assert search(ledger, "market", returns).counted[-1].total == TRIED
    # when one of them is tried again, as if it were the first
    again = search(ledger, "market", returns[:, :1]).counted[0]
    assert (again.repeated, again.total) == (True, TRIED)


# ---- planted -----------------------------------------------------------------------------------------------------


def judged_alone(name: str, returns: Any) -> bool:
    """The best of the search, and nobody says how many there were."""
    best = int(np.argmax(returns.mean(axis=0) / returns.std(axis=0)))
    return luck(returns[:, best], trials=1).is_evidence


def test_the_best_of_a_search_shown_alone_looks_like_evidence():
    assert check(judged_alone) > SEARCHES // 3
