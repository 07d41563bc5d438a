"""A run's report: one self-contained page, verdict first, the assumption before the number.

`render_report` reads a finished result and its manifest, and computes nothing that a run depends on. The page opens
offline, needs no script, is printed as it is, and shows times in UTC.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from quintet.research.backtest import BacktestResult
from quintet.research.measures import daily_sharpe
from quintet.research.report_parts import figures, pictures, verdict, wording
from quintet.research.report_parts.activity import Activity, Episode, durations, read_activity
from quintet.research.report_parts.market_bars import shown_bars
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES

SHOWN_ROWS: Final = 50
"""Rows shown from each end of a long table; the files beside the report hold all."""

Manifest = Mapping[str, Any]


def render_report(result: BacktestResult, manifest: Manifest) -> str:
    """The page of a run as HTML."""
    return _page().render(_content(result, manifest))


def _page() -> Any:
    loader = PackageLoader("quintet.research", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update({name: getattr(wording, name) for name in _WORDING})
    return environment.get_template("report.html.jinja")


_WORDING: Final = (
    "plain", "signed", "percent", "signed_percent", "whole", "direction", "utc", "iso", "span", "duration", "counted",
    "UNKNOWN",
)  # fmt: skip


def _content(result: BacktestResult, manifest: Manifest) -> dict[str, Any]:
    facts = verdict.facts_of(result, manifest)
    run, instrument = result.headline, result.instrument
    tables, samples = result.tables, run.samples
    market = manifest["market"]
    first_ns, last_ns = int(market["first_ns"]), int(market["last_ns"])
    activity = read_activity(tables["events"], tables["fills"], instrument, first_ns, last_ns)
    monthly = _months(result, samples)
    return {
        "manifest": manifest,
        "result": result,
        "instrument": instrument,
        "facts": facts,
        "verdict": verdict.judge(facts),
        "metrics": result.metrics,
        "interval": result.interval,
        "title": _title(result, manifest),
        "first_ns": first_ns,
        "last_ns": last_ns,
        "assumptions": list(manifest["assumptions"]),
        "first_screen": [line for line in manifest["assumptions"] if "stand in for" in line],
        "pictures": _pictures(result, activity, first_ns, last_ns),
        "activity": activity,
        "states": _shares(durations(activity.states), STATE_NAMES),
        "policies": _shares(durations(activity.policies), POLICY_NAMES),
        "breaks": _break_counts(activity),
        "endings": figures.endings(activity.episodes),
        "episode_mean": figures.mean_of([_of_equity(result, each) * 1e4 for each in activity.episodes]),
        "money": result.money,
        "waterfall": _waterfall(figures.cost_steps(result.metrics, tables["fills"], instrument.base_asset)),
        "months": monthly,
        "shade": _shade(monthly),
        "chosen": chosen(activity.episodes),
        "comparison": _comparison(result, samples),
        "episodes": _ends(len(activity.episodes), lambda n: activity.episodes[n]),
        "fills": _ends(len(tables["fills"]["price"]), lambda n: _fill(tables["fills"], n)),
        "quantity": lambda lots: wording.plain(instrument.quantity(lots), wording.decimals_of(instrument.lot_size)),
        "price_decimals": wording.decimals_of(instrument.tick_size),
        "lot_decimals": wording.decimals_of(instrument.lot_size),
        "config": _config_text(manifest.get("config", {})),
        "of_equity": lambda each: _of_equity(result, each),
    }


def _title(result: BacktestResult, manifest: Manifest) -> str:
    own = manifest.get("config", {}).get("report", {}).get("title", "")
    return own or f"{result.system} on {result.instrument.symbol}"


def _of_equity(result: BacktestResult, episode: Episode) -> float:
    """An episode's gain as a fraction of the equity the run began with."""
    start = int(result.headline.desk.shown.equity.start) or 1
    return episode.quanta / start


# ---- pictures ------------------------------------------------------------------------------------------------


def _pictures(result: BacktestResult, activity: Activity, first_ns: int, last_ns: int) -> dict[str, Any]:
    """Every picture by name; those that cannot be drawn are absent."""
    interval = result.interval
    drawn: dict[str, Any] = {
        "interval": pictures.interval_picture(
            sorted(_net_fractions(result).items(), key=lambda item: item[1]),
            interval["headline_policy"],
            result.metrics.get("buy_and_hold_return_frac"),
        ),
    }
    samples = result.headline.samples
    if len(samples) > 1:
        drawn |= _curves(result, samples)
        drawn |= _market(result, activity, samples, first_ns, last_ns)
    return {name: Markup(svg) for name, svg in drawn.items()}


def _net_fractions(result: BacktestResult) -> dict[str, float]:
    return {run.policy: run.net_quanta / (int(run.desk.shown.equity.start) or 1) for run in result.runs}


def _curves(result: BacktestResult, samples: Any) -> dict[str, str]:
    lines = [pictures.curve(run.policy, run.samples, int(run.desk.shown.equity.start)) for run in result.runs]
    headline = result.headline.policy
    worst = next(line for line in lines if line.policy == headline)
    return {
        "equity": pictures.equity_picture(lines, headline),
        "against": pictures.against_holding_picture(worst, samples["ts"], samples["price"]),
        "drawdown": pictures.drawdown_picture(samples["ts"], samples["drawdown"]),
    }


def _market(result: BacktestResult, activity: Activity, samples: Any, first_ns: int, last_ns: int) -> dict[str, str]:
    bars = shown_bars(result.tape, result.options.structure)
    tables, instrument = result.tables, result.instrument
    equity = tables["equity"]
    share = np.asarray(equity["held"]) * np.asarray(equity["price"]) / np.asarray(equity["equity"])
    drawn = {
        "market": pictures.market_picture(bars, tables["fills"], instrument),
        "states": pictures.lanes_picture(activity.states, STATE_NAMES, first_ns, last_ns, "States over time"),
        "policies": pictures.lanes_picture(activity.policies, POLICY_NAMES, first_ns, last_ns, "Policy over time"),
        "inventory": pictures.inventory_picture(samples["ts"], share),
    }
    scene = pictures.Scene(bars, tables["orders"], tables["fills"], activity, instrument)
    return drawn | {
        f"episode_{name}": pictures.episode_picture(scene, each) for name, each in chosen(activity.episodes).items()
    }


def chosen(episodes: tuple[Episode, ...]) -> dict[str, Episode]:
    """The worst, the median and the best episode that traded, by result; chosen by rule and not by eye."""
    traded = sorted((each for each in episodes if each.fills), key=lambda each: (each.quanta, each.number))
    if not traded:
        return {}
    return {"median": traded[len(traded) // 2], "worst": traded[0], "best": traded[-1]}


# ---- tables --------------------------------------------------------------------------------------------------


def _shares(found: Mapping[str, tuple[float, int]], names: tuple[str, ...]) -> list[tuple[str, float, int]]:
    return [(name, *found.get(name, (0.0, 0))) for name in names]


def _break_counts(activity: Activity) -> dict[str, int]:
    names = [each.name for each in activity.breaks]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _months(result: BacktestResult, samples: Any) -> list[figures.Month]:
    if len(samples) < 2:
        return []
    start = int(result.headline.desk.shown.equity.start) or 1
    return figures.months(samples["ts"], samples["equity"], samples["price"], start)


def _comparison(result: BacktestResult, samples: Any) -> list[figures.Line]:
    best = max(result.runs, key=lambda run: run.net_quanta)
    lines = [_own_line(result, result.headline, "worst"), _own_line(result, best, "best"), figures.CASH]
    if len(samples) > 1:
        lines.append(figures.holding(samples["ts"], samples["price"], f"holding {result.instrument.base_asset}"))
    return lines


def _own_line(result: BacktestResult, run: Any, name: str) -> figures.Line:
    start = int(run.desk.shown.equity.start) or 1
    samples = run.samples
    exposed = float((np.asarray(samples["held"]) != 0).mean()) if len(samples) else 0.0
    return figures.Line(
        f"{result.system}, {name} ({run.policy})",
        run.net_quanta / start,
        float(run.desk.shown.equity.max_drawdown),
        daily_sharpe(np.asarray(samples["ts"]), np.asarray(samples["equity"], np.float64))
        if len(samples) > 2
        else None,
        exposed,
        int(run.desk.shown.account[0].turnover) / start,
    )


class Ends(NamedTuple):
    """The first and the last rows of a long table, and how many are left out between them."""

    first: list[Any]
    last: list[Any]
    count: int

    @property
    def hidden(self) -> int:
        """Rows that are not shown."""
        return self.count - len(self.first) - len(self.last)


def _ends(count: int, row: Callable[[int], Any]) -> Ends:
    """Only the rows that are shown are made."""
    if count <= 2 * SHOWN_ROWS:
        return Ends([row(n) for n in range(count)], [], count)
    last = range(count - SHOWN_ROWS, count)
    return Ends([row(n) for n in range(SHOWN_ROWS)], [row(n) for n in last], count)


def _fill(fills: Mapping[str, Any], n: int) -> dict[str, Any]:
    return {name: column[n] for name, column in fills.items()}


class Bar(NamedTuple):
    """One bar of the waterfall; places in percent of the width."""

    name: str
    amount: float
    total: bool
    left: float
    width: float
    zero: float


def _waterfall(steps: list[figures.Step]) -> list[Bar]:
    """Each step begins where the one before it ended; a total begins at zero."""
    level, ranges = 0.0, []
    for step in steps:
        begin = 0.0 if step.is_total else level
        level = step.amount if step.is_total else level + step.amount
        ranges.append((min(begin, level), max(begin, level)))
    low, high = min(0.0, *(each[0] for each in ranges)), max(0.0, *(each[1] for each in ranges))
    scale = 100.0 / ((high - low) or 1.0)
    return [
        Bar(step.name, step.amount, step.is_total, (begin - low) * scale, (end - begin) * scale, -low * scale)
        for step, (begin, end) in zip(steps, ranges, strict=True)
    ]


def _shade(months: list[figures.Month]) -> Callable[[float, bool], int]:
    """How strongly a month is tinted: in proportion to the largest of its row, at most 60 %."""
    own = max((abs(month.own_frac) for month in months), default=0.0) or 1.0
    hold = max((abs(month.hold_frac) for month in months), default=0.0) or 1.0
    return lambda value, is_own: round(60 * abs(value) / (own if is_own else hold))


def _config_text(tree: Mapping[str, Any]) -> str:
    """The configuration as TOML, so that it can be saved and used again."""
    return tomli_w.dumps(dict(tree)).strip()
