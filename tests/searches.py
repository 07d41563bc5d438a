"""A search as people make it: many candidates on one market, all counted, the best of them judged.

The statistics over all candidates at once are written here as plainly as they can be, for this purpose alone.
"""

import hashlib
import itertools
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.random import below, seeded
from quintet.research.evidence import Findings, Judgement, judge_evidence
from quintet.research.significance import Luck, luck, sharpe
from quintet.research.trials import deflating_deviation
from quintet.storage.trial_ledger import record_trials
from quintet.storage.trial_records import Counted
from tests.noise import normals
from tests.trial_rows import a_trial, digest

DAILY_DEVIATION = 0.02
MEAN_ABSOLUTE_NORMAL = math.sqrt(2.0 / math.pi)
BLOCKS = 16


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
        "better_than_nothing_p": better_than_nothing_p(name, returns),
        "overfitting": overfitting(returns),
        "blocks": BLOCKS,
        "path_sharpe_low": path_sharpe_low(returns),
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


def better_than_nothing_p(name: str, returns: Any, draws: int = 200, block: float = 10.0) -> float:
    """Hansen's consistent p-value that no column has a mean above 0, by the stationary bootstrap."""
    days = len(returns)
    means = returns.mean(axis=0)
    drawn = np.array([np.bincount(_stationary(f"{name} {n}", days, block), minlength=days) for n in range(draws)])
    drawn_means = drawn @ returns / days
    deviations = np.sqrt(days) * drawn_means.std(axis=0)
    kept = np.where(means >= -deviations * math.sqrt(2.0 * math.log(math.log(days)) / days), means, 0.0)
    best = max(0.0, float((math.sqrt(days) * means / deviations).max()))
    by_luck = np.maximum(0.0, (math.sqrt(days) * (drawn_means - kept) / deviations).max(axis=1))
    return float((by_luck > best).mean())


def _stationary(name: str, days: int, block: float) -> Any:
    out = np.empty(days, np.int64)
    _draw_days(seeded(0, name), 1.0 / block, out)
    return out


@kernel
def _draw_days(random: Any, leave: float, out: Any) -> None:
    days = len(out)
    at = below(random[0], days)
    for n in range(days):
        out[n] = at
        at = below(random[0], days) if below(random[0], 1_000_000) < leave * 1_000_000.0 else (at + 1) % days


def overfitting(returns: Any) -> float:
    """Share of splits into halves of blocks where the best of one half is below the median of the other (CSCV)."""
    sums, squares = _blocks(returns, BLOCKS)
    halves = np.array(list(itertools.combinations(range(BLOCKS), BLOCKS // 2)))
    halves = halves[:: max(1, len(halves) // 1_000)]  # every so many: a share of 1,000 splits is exact enough
    chosen = np.zeros((len(halves), BLOCKS))
    np.put_along_axis(chosen, halves, 1.0, axis=1)
    inside, outside = _ratios(chosen, sums, squares), _ratios(1.0 - chosen, sums, squares)
    best = np.take_along_axis(outside, inside.argmax(axis=1)[:, None], axis=1)
    return float(((outside < best).mean(axis=1) < 0.5).mean())


def path_sharpe_low(returns: Any, groups: int = 6, tested: int = 2) -> float:
    """Fifth percentile of the ratio over combinatorial paths: of what was best in training, only the tested days."""
    sums, squares = _blocks(returns, groups)
    paths: list[list[Any]] = [[] for _ in range(groups)]
    days = len(returns) // groups
    for held_out in itertools.combinations(range(groups), tested):
        training = np.ones((1, groups))
        training[0, list(held_out)] = 0.0
        best = int(_ratios(training, sums, squares)[0].argmax())
        for group in held_out:
            paths[group].append(returns[group * days : (group + 1) * days, best])
    whole = [np.concatenate(parts) for parts in zip(*paths, strict=True)]
    return float(np.quantile([path.mean() / path.std(ddof=1) for path in whole], 0.05))


def _blocks(returns: Any, blocks: int) -> tuple[Any, Any]:
    """Sums of each column's returns and of their squares, by block."""
    days = len(returns) // blocks
    parts = returns[: days * blocks].reshape(blocks, days, -1)
    return parts.sum(axis=1), (parts * parts).sum(axis=1)


def _ratios(chosen: Any, sums: Any, squares: Any) -> Any:
    """Sharpe ratios of each column over each choice of blocks, up to one factor for all of them."""
    totals, second = chosen @ sums, chosen @ squares
    return totals / np.sqrt(second)
