"""What a run of the eternal engine came to: figures of the whole and of each sub-account, in and out of known storms.

Returns of a sub-account leave out what was moved in or out: a day's result over what was there after the move. Money is
in quanta until it is shown. Days are the number of the day on whose close a cycle decided.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import state as s
from quintet.research.eternal_run import EternalRun
from quintet.research.monte_carlo import bootstrap
from quintet.research.significance import deflated_sharpe, sharpe
from quintet.systems.eternal.dates import date_of, day_of, is_month_end

PERIODS: Final[Mapping[str, tuple[int, int]]] = {
    "2018": (day_of(2018, 1, 1), day_of(2018, 12, 31)),
    "march_2020": (day_of(2020, 3, 1), day_of(2020, 3, 31)),
    "may_2021": (day_of(2021, 5, 1), day_of(2021, 5, 31)),
    "luna": (day_of(2022, 5, 5), day_of(2022, 6, 18)),
    "ftx": (day_of(2022, 11, 2), day_of(2022, 11, 30)),
    "2024": (day_of(2024, 1, 1), day_of(2024, 12, 31)),
}
"""Storms and years that every reader asks about: first and last day."""

DAYS_PER_YEAR: Final = 365.25
YEAR_DAYS: Final = 365
EVEN_ODDS: Final = 0.5
WHOLE: Final = "whole"


class Curve(NamedTuple):
    """Daily result of something: day numbers, result in quanta, what was there to earn it, the index made of both."""

    days: Any
    result: Any
    base: Any
    index: Any

    @property
    def returns(self) -> Any:
        """Day by day."""
        return np.divide(self.result, self.base, out=np.zeros(len(self.base)), where=self.base > 0)


def curve_of(days: Any, equity: Any, flows: Any) -> Curve:
    """From equity before each cycle and what came in right after the cycle before."""
    base = equity[:-1] + flows[1:]
    result = equity[1:] - base
    returns = np.divide(result, base, out=np.zeros(len(base)), where=base > 0)
    return Curve(days[1:], result, base, np.cumprod(1.0 + np.maximum(returns, -1.0)))


def curves(run: EternalRun) -> dict[str, Curve]:
    """Of the whole and of each sub-account."""
    days = np.array([mark.day for mark in run.marks])
    found = {}
    total, total_flows = np.zeros(len(days), np.int64), np.zeros(len(days), np.int64)
    for name in run.accounts:
        equity = np.array([mark.equity[name] for mark in run.marks], np.int64)
        flows = np.array([mark.flows.get(name, 0) for mark in run.marks], np.int64)
        total, total_flows = total + equity, total_flows + flows
        found[name] = curve_of(days, equity, flows)
    return {WHOLE: curve_of(days, total, total_flows), **found}


def figures_of(curve: Curve) -> dict[str, Any]:
    """Return, drawdown, Calmar, worst month and year, time under water; a ratio without a number is None."""
    if not len(curve.index):
        return {}
    index = np.concatenate([[1.0], curve.index])
    depth = 1.0 - index / np.maximum.accumulate(index)
    years = len(curve.days) / DAYS_PER_YEAR
    total = float(index[-1] - 1.0)
    growth = float(max(index[-1], 0.0) ** (1.0 / years) - 1.0) if years >= 1.0 else None
    deepest = float(depth.max())
    months, yearly = by_span(curve, "month"), by_span(curve, "year")
    worst_month, worst_year = min(months, key=months.__getitem__), min(yearly, key=yearly.__getitem__)
    daily = curve.returns
    spread = float(daily.std(ddof=1)) if len(daily) > 1 else 0.0
    return {
        "return_frac": total,
        "yearly_frac": growth,
        "result_quanta": int(curve.result.sum()),
        "drawdown_frac": deepest,
        "calmar": growth / deepest if growth is not None and deepest > 0 else None,
        "sharpe_annualised": float(daily.mean()) / spread * DAYS_PER_YEAR**0.5 if spread > 0 else None,
        "worst_month": worst_month,
        "worst_month_frac": months[worst_month],
        "worst_year": worst_year,
        "worst_year_frac": yearly[worst_year],
        "under_water_days": _longest_under_water(depth),
    }


def by_span(curve: Curve, span: str) -> dict[str, float]:
    """Compounded return by calendar month or year, `2020-03` or `2020`."""
    length = 7 if span == "month" else 4
    found: dict[str, float] = {}
    for day, value in zip(curve.days.tolist(), curve.returns.tolist(), strict=True):
        name = date_of(day).isoformat()[:length]
        found[name] = (1.0 + found.get(name, 0.0)) * (1.0 + value) - 1.0
    return found


def in_periods(curve: Curve) -> dict[str, dict[str, Any] | None]:
    """Return, result and deepest fall in each of the known periods; None where the run was not there for all of it."""
    found: dict[str, dict[str, Any] | None] = {}
    for name, (first, last) in PERIODS.items():
        inside = (curve.days >= first) & (curve.days <= last)
        if int(inside.sum()) < last - first + 1:
            found[name] = None
            continue
        index = np.concatenate([[1.0], np.cumprod(1.0 + curve.returns[inside])])
        found[name] = {
            "return_frac": float(index[-1] - 1.0),
            "result_quanta": int(curve.result[inside].sum()),
            "drawdown_frac": float((1.0 - index / np.maximum.accumulate(index)).max()),
        }
    return found


def costs_of(run: EternalRun) -> dict[str, dict[str, Any]]:
    """By sub-account: turnover, fees, funding received and paid, fills, idle cash, all in quanta but the counts."""
    found = {}
    for name, account in run.accounts.items():
        n_all = len(account.instruments)
        rows = [account.shown.account[n] for n in range(n_all)]
        fills = np.concatenate(account.kept.parts["fills"]) if account.kept.parts["fills"] else np.zeros(0)
        idle = [mark.equity[name] - min(mark.invested[name], mark.equity[name]) for mark in run.marks]
        held = [mark.equity[name] for mark in run.marks]
        found[name] = {
            "turnover_quanta": sum(int(row.turnover) for row in rows),
            "fees_quanta": sum(int(row.fees) for row in rows),
            "funding_quanta": -sum(int(row.funding) for row in rows),
            "realized_quanta": sum(int(row.realized) for row in rows),
            "fills": len(fills),
            "liquidations": int(account.world.desk[0].n_liquidations),
            "refused": int(account.world.desk[0].n_refused),
            "idle_frac": sum(idle) / sum(held) if sum(held) > 0 else None,
            "books_off": account.imbalance(),
            "suspense": int(np.abs(np.asarray(account.world.desk[0].ledger[s.SUSPENSE_BOOK])).sum()),
        }
    return found


def lost_effect(curve: Curve, trials: int, sharpe_deviation: float | None) -> dict[str, Any]:
    """At the end of each month, of the year until then: the months judged, and those with a flag.

    Flagged: the net Sharpe ratio is below zero, and below even odds that it is better than the best of so many trials.
    """
    returns, judged, flagged = curve.returns, 0, []
    for n in range(YEAR_DAYS - 1, len(returns)):
        day = int(curve.days[n])
        if not is_month_end(day):
            continue
        year = returns[n - YEAR_DAYS + 1 : n + 1]
        ratio, confidence = sharpe(year), deflated_sharpe(year, trials, sharpe_deviation)
        judged += 1
        if ratio is not None and ratio < 0.0 and (confidence is None or confidence < EVEN_ODDS):
            flagged.append(date_of(day).isoformat()[:7])
    return {"judged": judged, "flagged": flagged}


def held(days: Any, prices: Sequence[Any], shares: Sequence[float], cash: float = 0.0) -> Curve:
    """A benchmark: assets bought at the first day's close in these shares, and cash; never touched again, no costs."""
    worth = np.full(len(days), cash)
    for price, share in zip(prices, shares, strict=True):
        worth = worth + share * np.asarray(price, np.float64) / float(price[0])
    return curve_of(np.asarray(days), worth, np.zeros(len(days)))


def benchmarks(run: EternalRun) -> dict[str, Curve]:
    """Holding Bitcoin, holding two thirds and a third, and 60/40 with cash: what needs no engine.

    Those of two coins are left out where Ether does not exist from the first day on.
    """
    days = np.array([mark.day for mark in run.marks])
    btc, eth = _known([mark.price for mark in run.marks]), _known([mark.eth_price for mark in run.marks])
    found = {"hold_btc": held(days, [btc], [1.0])}
    if eth[0]:
        found["hold_two_thirds"] = held(days, [btc, eth], [2 / 3, 1 / 3])
        found["sixty_forty"] = held(days, [btc, eth], [0.4, 0.2], 0.4)
    return found


def _known(prices: Sequence[int]) -> list[int]:
    """The price of each day, or the last one that is known where the day has none; 0 before the first."""
    found: list[int] = []
    for price in prices:
        found.append(price or (found[-1] if found else 0))
    return found


def bootstrapped_drawdowns(returns: Any, paths: int = 2_000) -> dict[str, float] | None:
    """Quantiles of the deepest fall of histories resampled in blocks; None for fewer than two returns.

    Source: Politis and Romano, "The stationary bootstrap", JASA 1994, as `monte_carlo.bootstrap` does it.
    """
    if len(returns) < 2:
        return None
    return bootstrap(returns, paths=paths).drawdown_frac._asdict()


def _longest_under_water(depth: Any) -> int:
    """Days of the longest stretch below an earlier high, one that is not over counted until the end."""
    longest = current = 0
    for below in depth > 0.0:
        current = current + 1 if below else 0
        longest = max(longest, current)
    return longest
