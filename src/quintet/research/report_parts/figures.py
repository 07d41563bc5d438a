"""Tables of the report: months, costs, comparisons, how episodes ended."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from quintet.core.instrument import Instrument
from quintet.research.activity import Episode
from quintet.research.attribution import Attribution
from quintet.research.report_parts.languages import Both, both, said


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


def held_share(equity: Mapping[str, Any], instrument: Instrument) -> Any:
    """Worth of what is held at each mark as a fraction of equity, from a run's `equity` table."""
    unit = instrument.base_quantum if instrument.kind == "spot" else instrument.lot_size
    price = np.asarray(equity["price_ticks"], np.float64) * float(instrument.price_increment)
    worth = np.asarray(equity["held_quanta"], np.float64) * float(unit) * price / float(instrument.quote_quantum)
    return worth / np.asarray(equity["equity_quanta"], np.float64)


# ---- waterfall -----------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """One step of the way to the net result, quote quanta; `name` is the key of its words."""

    name: str
    quanta: int
    is_total: bool = False


class Bar(NamedTuple):
    """One bar of the waterfall; its places in percent of the width."""

    step: Step
    left: float
    width: float
    zero: float


def attribution_steps(parts: Attribution) -> list[Step]:
    """Each part, then their sum; funding where there was any."""
    names = ["spread", "inventory", "exit_cost", "maker_fees", "taker_fees", *(["funding"] if parts.funding else [])]
    return [*(Step(name, getattr(parts, name)) for name in names), Step("net", parts.total, True)]


def waterfall(steps: Sequence[Step]) -> list[Bar]:
    """Each step begins where the one before it ended, a total at zero."""
    level, ranges = 0, []
    for step in steps:
        begin = 0 if step.is_total else level
        level = begin + step.quanta
        ranges.append((min(begin, level), max(begin, level)))
    low, high = min(0, *(each[0] for each in ranges)), max(0, *(each[1] for each in ranges))
    scale = 100.0 / ((high - low) or 1)
    return [
        Bar(step, (begin - low) * scale, (end - begin) * scale, -low * scale)
        for step, (begin, end) in zip(steps, ranges, strict=True)
    ]


# ---- episodes ------------------------------------------------------------------------------------------------


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


# ---- what breaks it ------------------------------------------------------------------------------------------


class Shaken(NamedTuple):
    """One row of what breaks it: what was changed, and the range of net results it gave, plain fractions."""

    name: Both
    low_frac: float
    high_frac: float
    is_reported: bool = False


def shaken(robustness: Mapping[str, Any]) -> list[Shaken]:
    """The rows of `robustness.json` for a picture; starts, latencies of a book and parameters as one range each."""
    rows: list[Shaken] = []
    for row in robustness["rows"]:
        if row["kind"] not in ("start", "parameters") and row["key"] != "both_ways_ms":
            is_reported = row["key"] == "reported"
            high = row["low_frac"] if is_reported else row["high_frac"]
            rows.append(Shaken(said(row["name"]), row["low_frac"], high, is_reported))
    for kind in ("start", "latency", "parameters"):
        own = [row for row in robustness["rows"] if row["kind"] == kind]
        if kind == "latency":
            own = [row for row in own if row["key"] == "both_ways_ms"]
        if own:
            ends = [end for row in own for end in (row["low_frac"], row["high_frac"])]
            name = said(own[0]["name"]) if len(own) == 1 else _range_name(kind, len(own), robustness)
            rows.append(Shaken(name, min(ends), max(ends)))
    return rows


def _range_name(kind: str, count: int, robustness: Mapping[str, Any]) -> Both:
    if kind == "start":
        return both("robustness.starts", count=count)
    if kind == "latency":
        ends = sorted(float(row["after"]) for row in robustness["rows"] if row["key"] == "both_ways_ms")
        return both("robustness.latencies", low=f"{ends[0]:g}", high=f"{ends[-1]:g}")
    return both("robustness.parameters", tried=count, all=robustness["neighbours"])
