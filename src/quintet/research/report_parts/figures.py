"""Tables of the report: months, costs, comparisons, how episodes ended."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.instrument import Instrument
from quintet.research.measures import daily_sharpe
from quintet.research.report_parts.activity import Episode


class Month(NamedTuple):
    """Returns within one UTC month, from mark to mark, plain fractions. `name`: `2026-01`."""

    name: str
    own_frac: float
    hold_frac: float


def months(ts_ns: Any, equity: Any, prices: Any, start: float) -> list[Month]:
    """One entry a UTC month. A month begins at the last mark before it; the first at the start of the run."""
    # The mark of a month's last bar stands at the first moment of the next month.
    inside = np.asarray(ts_ns, np.int64) - 1
    stamp = inside.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = np.flatnonzero(np.diff(stamp, append=stamp[-1] + 1))
    own = np.concatenate(([start], np.asarray(equity, np.float64)[last]))
    hold = np.concatenate(([float(prices[0])], np.asarray(prices, np.float64)[last]))
    names = [datetime.fromtimestamp(int(inside[n]) // 10**9, UTC).strftime("%Y-%m") for n in last]
    return [Month(name, *pair) for name, *pair in zip(names, _returns(own), _returns(hold), strict=True)]


def _returns(marks: Any) -> list[float]:
    return [float(each) for each in marks[1:] / marks[:-1] - 1.0]


def tints(values: Sequence[float]) -> list[int]:
    """How strongly each value of a row is tinted, in percent: in proportion to the largest, which gets 60."""
    largest = max(map(abs, values), default=0.0) or 1.0
    return [round(60 * abs(value) / largest) for value in values]


class Line(NamedTuple):
    """One row of the comparison; None where a figure has no meaning."""

    name: str
    return_frac: float
    drawdown_frac: float
    sharpe: float | None
    exposure_frac: float
    turnovers: float | None


def held_worth(samples: Any, instrument: Instrument) -> Any:
    """Worth of what is held at each SAMPLE row, in quote quanta, as floats."""
    unit = instrument.base_quantum if instrument.kind == "spot" else instrument.lot_size
    price = np.asarray(samples["price"], np.float64) * float(instrument.price_increment)
    return np.asarray(samples["held"], np.float64) * float(unit) * price / float(instrument.quote_quantum)


def own_line(name: str, run: Any, instrument: Instrument) -> Line:
    """One policy's run. It is exposed while it holds at least the venue's smallest order: less cannot be sold."""
    samples, shown = run.samples, run.desk.shown
    start = int(shown.equity.start) or 1
    drawdown, turnovers = float(shown.equity.max_drawdown), int(shown.account[0].turnover) / start
    if len(samples) == 0:
        return Line(name, run.net_quanta / start, drawdown, None, 0.0, turnovers)
    worth = np.abs(held_worth(samples, instrument))
    return Line(
        name,
        run.net_quanta / start,
        drawdown,
        daily_sharpe(np.asarray(samples["ts"]), np.asarray(samples["equity"], np.float64)),
        float((worth >= max(instrument.min_notional_quanta, 1)).mean()),
        turnovers,
    )


def holding(ts_ns: Any, prices: Any, name: str) -> Line:
    """Buying the asset at the first mark and holding it, without fees."""
    values = np.asarray(prices, np.float64)
    below = values / np.maximum.accumulate(values) - 1.0
    sharpe = daily_sharpe(np.asarray(ts_ns), values)
    return Line(name, float(values[-1] / values[0] - 1.0), float(-below.min()), sharpe, 1.0, None)


CASH: Final = Line("cash, no interest", 0.0, 0.0, None, 0.0, 0.0)


class Step(NamedTuple):
    """One step of the way from the result before fees to the net result, quote asset."""

    name: str
    amount: float
    is_total: bool = False


class Bar(NamedTuple):
    """One bar of the waterfall; its places in percent of the width."""

    step: Step
    left: float
    width: float
    zero: float


def waterfall(steps: Sequence[Step]) -> list[Bar]:
    """Each step begins where the one before it ended, a total at zero."""
    level, ranges = 0.0, []
    for step in steps:
        begin = 0.0 if step.is_total else level
        level = begin + step.amount
        ranges.append((min(begin, level), max(begin, level)))
    low, high = min(0.0, *(each[0] for each in ranges)), max(0.0, *(each[1] for each in ranges))
    scale = 100.0 / ((high - low) or 1.0)
    return [
        Bar(step, (begin - low) * scale, (end - begin) * scale, -low * scale)
        for step, (begin, end) in zip(steps, ranges, strict=True)
    ]


def cost_steps(metrics: Mapping[str, Any], fills: Mapping[str, Any], base_asset: str) -> list[Step]:
    """Before fees, less maker fees, less taker fees, is the net result; the two fees are split by their exact sum."""
    fees, maker_share = float(metrics["fees_quote"]), _maker_share(fills, base_asset)
    return [
        Step("before fees", float(metrics["before_fees_quote"]), True),
        Step("fees, maker", -fees * maker_share),
        Step("fees, taker", -fees * (1.0 - maker_share)),
        Step("net", float(metrics["net_quote"]), True),
    ]


def _maker_share(fills: Mapping[str, Any], base_asset: str) -> float:
    """Share of all fees that was paid as a maker; a fee in base counts at its fill's price."""
    fees = np.asarray(fills["fee"], np.float64)
    in_base = np.asarray(fills["fee_asset"]) == base_asset
    worth = np.where(in_base, fees * np.asarray(fills["price"], np.float64), fees)
    total = float(worth.sum())
    return float(worth[np.asarray(fills["maker"], bool)].sum()) / total if total else 0.0


class Ending(NamedTuple):
    """Episodes that ended for one reason. Money in quote quanta."""

    reason: str
    episodes: int
    quanta: int
    winners: int


def endings(episodes: Sequence[Episode]) -> list[Ending]:
    """One row a reason, the commonest first."""
    found: dict[str, list[int]] = {}
    for each in episodes:
        found.setdefault(each.reason, []).append(each.quanta)
    rows = [Ending(name, len(each), sum(each), sum(q > 0 for q in each)) for name, each in found.items()]
    return sorted(rows, key=lambda row: -row.episodes)
