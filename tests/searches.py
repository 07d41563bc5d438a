"""A search as people make it: many candidates on one market, all of them counted, every one judged."""

import hashlib
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.random import below, seeded
from quintet.research.evidence import Findings, Judgement, judge_evidence
from quintet.research.overfitting import probability_of_overfitting
from quintet.research.significance import Luck, luck, sharpe
from quintet.research.splits import combinatorial_folds, path_values
from quintet.research.superiority import superior_ability
from quintet.research.trials import deflating_deviation
from quintet.storage.trial_ledger import record_trials
from quintet.storage.trial_records import Counted
from tests.noise import normals
from tests.trial_rows import a_trial, digest

DAILY_DEVIATION = 0.02
MEAN_ABSOLUTE_NORMAL = math.sqrt(2.0 / math.pi)


def market(name: str, days: int) -> Any:
    """Daily returns of a market that goes nowhere."""
    return DAILY_DEVIATION * normals(name, days)


@kernel
def _toss(random: Any, out: Any) -> None:
    for n in range(len(out)):
        out[n] = 2.0 * below(random[0], 2) - 1.0


def tosses(name: str, count: int) -> Any:
    """So many +1 and -1, each equally likely."""
    out = np.empty(count)
    _toss(seeded(0, name), out)
    return out


def coin_tossers(name: str, moves: Any, count: int) -> Any:
    """Daily returns of `count` systems that are long or short by the toss of a coin: days by systems. No cost."""
    return moves[:, None] * tosses(name, len(moves) * count).reshape(len(moves), count)


def seer(name: str, moves: Any, daily_sharpe: float) -> Any:
    """Returns of a system that is on the right side of the market just so often that its true ratio is the given one.

    Right with probability p: mean (2p - 1) E|m|, second moment E m**2.
    """
    share = daily_sharpe / math.sqrt(1.0 + daily_sharpe * daily_sharpe) / MEAN_ABSOLUTE_NORMAL
    steps = np.empty(len(moves))
    _lean(seeded(0, name), share, steps)
    return np.abs(moves) * steps


@kernel
def _lean(random: Any, share: float, out: Any) -> None:
    """+1 with probability (1 + share) / 2, else -1."""
    for n in range(len(out)):
        out[n] = 1.0 if below(random[0], 1_000_000) < 500_000.0 * (1.0 + share) else -1.0


# ---- judging -------------------------------------------------------------------------------------------------


class Search(NamedTuple):
    """What came of a search: of each candidate its place in the ledger, its luck, and the judgement."""

    counted: list[Counted]
    lucks: list[Luck]
    judgements: list[Judgement]

    @property
    def evidence(self) -> list[int]:
        """Numbers of the candidates that are called evidence."""
        return [n for n, judgement in enumerate(self.judgements) if judgement.is_evidence]


def search(ledger: Path, name: str, returns: Any) -> Search:
    """Count every candidate (a column of `returns`), then judge every one by all conditions."""
    columns = np.ascontiguousarray(returns.T)
    trials = [
        a_trial(data=digest(name), parameters={"side of each day": sides_of(column)}, sharpe=sharpe(column))
        for column in columns
    ]
    counted = record_trials(ledger, trials, "2026-01-01T00:00:00+00:00")
    together = {
        "better_than_nothing_p": superior_ability(in_fours(returns), repetitions=500, block_length=1).consistent,
        "path_sharpe_low": path_sharpe_low(returns),
        **overfitting_of(returns),
    }
    lucks = [
        luck(column, place.total, deflating_deviation(place, len(column)))
        for place, column in zip(counted, columns, strict=True)
    ]
    judgements = [judge_evidence(Findings(each, costs_charged=True, **together)) for each in lucks]
    return Search(counted, lucks, judgements)


def sides_of(column: Any) -> str:
    """What a candidate is, in few digits."""
    return hashlib.sha256(np.sign(column).tobytes()).hexdigest()


def in_fours(returns: Any) -> Any:
    """Sums over four days each: the time of the test of all candidates grows with the square of the days."""
    return returns[: len(returns) // 4 * 4].reshape(-1, 4, returns.shape[1]).sum(axis=1)


def overfitting_of(returns: Any) -> dict[str, Any]:
    """Nothing for a single candidate: there was no choice that could be overfitted."""
    if returns.shape[1] < 2:
        return {}
    found = probability_of_overfitting(returns)
    return {"overfitting": found.probability, "blocks": found.blocks}


def path_sharpe_low(returns: Any) -> float:
    """Fifth percentile of the ratio over combinatorial paths, on which the best in training is tested."""
    days = np.arange(len(returns))
    chosen = []
    for split in combinatorial_folds(days, days):
        training = returns[split.train]
        chosen.append(returns[:, (training.mean(axis=0) / training.std(axis=0)).argmax()])
    return float(np.quantile([sharpe(path) for path in path_values(chosen, len(returns))], 0.05))
