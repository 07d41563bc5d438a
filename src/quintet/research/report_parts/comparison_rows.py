"""The rows of the comparison: the run itself, cash, holding, and random entries."""

from typing import Any, NamedTuple

from quintet.research import comparisons
from quintet.research.comparisons import RandomEntries
from quintet.research.metrics import curve_figures
from quintet.research.report_parts.figures import held_share
from quintet.research.report_parts.languages import Both, both
from quintet.research.report_parts.wording import percent
from quintet.research.run_record import RunRecord


class Line(NamedTuple):
    """One row of the comparison; None where a figure has no meaning or is not kept."""

    name: Both
    return_frac: float
    cagr_frac: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown_frac: float | None
    under_water_days: float | None
    exposure_frac: float | None
    turnovers: float | None


def line(
    name: Both, ts_ns: Any, worth: Any, start: float, exposure_frac: float | None, turnovers: float | None
) -> Line:
    """The row of a curve that began at `start`."""
    found = curve_figures(ts_ns, worth, start)
    return Line(
        name,
        float(worth[-1]) / start - 1.0,
        found.get("cagr_frac"),
        found.get("sharpe_daily_annualised"),
        found.get("sortino_annualised"),
        found.get("calmar"),
        found.get("max_drawdown_frac"),
        found.get("longest_under_water_days"),
        exposure_frac,
        turnovers,
    )


class Compared(NamedTuple):
    """All rows, and what the random entries of the last one gave; None where nothing could be drawn."""

    lines: list[Line]
    random: RandomEntries | None


def compared(record: RunRecord) -> Compared:
    """A run beside what else could have been done; without two marks only beside cash."""
    equity = record.equity
    if len(equity["ts_ns"]) < 2:
        name = both("comparison.own_worst", system=record.system, policy=record.interval["headline_policy"])
        bare = Line(name, record.interval["low_frac"], None, None, None, None, None, None, None, _turnovers(record))
        return Compared([bare, _cash()], None)
    share = held_share(equity, record.instrument)
    spans = comparisons.stays(share * equity["equity_quanta"], max(record.instrument.min_notional_quanta, 1))
    exposure = sum(last - first for first, last in spans) / len(equity["ts_ns"])
    lines = [*_own(record, exposure), _cash(), *_holding(record, float(share.mean()))]
    random = _random_entries(record, share, spans)
    if random is not None:
        name = both("comparison.random")
        lines.append(Line(name, random.median_frac, None, None, None, None, None, None, exposure, None))
    return Compared(lines, random)


def _own(record: RunRecord, exposure: float) -> list[Line]:
    """The worst policy, and the best when there was more than one; of that only its curve is kept."""
    system, interval, equity, start = record.system, record.interval, record.equity, record.start_quanta
    worst = both("comparison.own_worst", system=system, policy=interval["headline_policy"])
    lines = [line(worst, equity["ts_ns"], equity["equity_quanta"], start, exposure, _turnovers(record))]
    if len(interval["policies"]) > 1:
        best = both("comparison.own_best", system=system, policy=interval["high_policy"])
        curve = record.tables["curves"][interval["high_policy"]]
        lines.append(line(best, equity["ts_ns"], curve, start, None, None))
    return lines


def _turnovers(record: RunRecord) -> float:
    return float(record.metrics.get("turnover_quote", 0.0)) / record.money(record.start_quanta)


def _cash() -> Line:
    return Line(both("comparison.cash"), 0.0, 0.0, None, None, None, 0.0, 0.0, 0.0, 0.0)


def _holding(record: RunRecord, mean_share: float) -> list[Line]:
    """All of the asset, and as much of it as the run held on average."""
    asset, ts, prices = record.instrument.base_asset, record.equity["ts_ns"], record.equity["price_ticks"]
    whole = both("comparison.hold", base=asset)
    part = both("comparison.hold_share", base=asset, share=percent(mean_share, 1))
    return [
        line(name, ts, comparisons.held_worth(prices, share), 1.0, share, share)
        for name, share in ((whole, 1.0), (part, mean_share))
    ]


def _random_entries(record: RunRecord, share: Any, spans: list[tuple[int, int]]) -> RandomEntries | None:
    fees_frac = float(record.metrics.get("fees_quote", 0.0)) / record.money(record.start_quanta)
    net_frac = record.net_quanta / record.start_quanta
    return comparisons.random_entries(share, record.equity["price_ticks"], spans, net_frac, fees_frac)
