"""A run's report: one self-contained page, the verdict first, the assumption before the number.

`render_report` reads a finished result, `render_record` the files of a run; both make the same page of the same run and
compute nothing that a run depends on. The page opens offline, is readable without its script, can be printed, speaks
English and Russian, and shows times in UTC.
"""

import json
import shlex
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import tomli_w
from jinja2 import Template
from markupsafe import Markup

from quintet.core.errors import InputError
from quintet.core.events import timeframe_ns
from quintet.research.activity import Activity, read_activity
from quintet.research.attribution import attribute, by_state
from quintet.research.comparisons import SEED
from quintet.research.fill_quality import fill_ratio, finest, markouts
from quintet.research.regimes import Regime, regimes
from quintet.research.report_parts import episode_pictures, figures, quality_pictures, tick_pictures, verdict, wording
from quintet.research.report_parts.comparison_rows import compared
from quintet.research.report_parts.dates import moment, span
from quintet.research.report_parts.environment import page_environment
from quintet.research.report_parts.languages import LANGUAGES, Both, both, said, say, texts
from quintet.research.report_parts.page_data import page_data
from quintet.research.report_parts.run_pictures import run_pictures
from quintet.research.report_parts.statistics import counts, shares
from quintet.research.report_parts.trade_rows import trade_rows
from quintet.research.returns import daily_returns
from quintet.research.run_record import RunRecord, of_the_first, record_of
from quintet.research.significance import Luck, luck
from quintet.systems.structure_mm.config import NAME as STRUCTURE_MM
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES

if TYPE_CHECKING:
    from quintet.research.backtest import BacktestResult

STAND_IN: Final = "stand in for"
"""An assumption with these words belongs on the first screen: prices of another market were used."""

ROWS_MAX: Final = 3_000
"""Of trades and of fills on the page; a maker on an order book has more than anybody reads, and the files hold all."""

Manifest = Mapping[str, Any]
Robustness = Mapping[str, Any]


def render_report(result: "BacktestResult", manifest: Manifest, robustness: Robustness | None = None) -> str:
    """The page of a run that has just ended, as HTML. `manifest` is the run's own, see `run_folders`."""
    return render_record(record_of(result), manifest, robustness)


def render_record(record: RunRecord, manifest: Manifest, robustness: Robustness | None = None) -> str:
    """The page of a run as HTML; `robustness`: what `robustness.json` holds, None where it was not computed."""
    return str(_template().render(_content(of_the_first(record), manifest, robustness)))


@cache
def _template() -> Template:
    environment = page_environment()
    environment.globals.update({name: getattr(wording, name) for name in wording.__all__})
    environment.globals.update({"t": say, "said": said, "moment": moment, "span": span, "capital": _capital})
    return environment.get_template("report.html.j2")


def _capital(sentence: Both) -> Both:
    """The same with a capital letter."""
    return Both(*(text[:1].upper() + text[1:] for text in sentence))


def _content(record: RunRecord, manifest: Manifest, robustness: Robustness | None) -> dict[str, Any]:
    """Everything the templates name."""
    activity = _activity(record, manifest)
    facts = verdict.facts_of(record, manifest)
    instrument, metrics = record.instrument, record.metrics
    content = {
        "manifest": manifest,
        "title": _title(record, manifest),
        "name": record.system,
        "stamps": both("strip.stamp"),
        "facts": facts,
        "verdict": verdict.judge(facts),
        "trials": manifest.get("trials"),
        "trials_where": _where_trials(manifest.get("trials") or {}),
        "robustness": robustness,
        "stand_ins": [line for line in manifest["assumptions"] if STAND_IN in line],
        "instrument": instrument,
        "metrics": metrics,
        "interval": record.interval,
        "conservation": record.conservation,
        "money": record.money,
        "has_bars": bool(record.bars),
        "ticks": record.ticks,
        "instruments": record.instruments,
        "executions": record.executions,
        "split": tick_pictures.split_bars(record.ticks["split"], instrument) if record.ticks else [],
        "ends": counts(metrics, "venue_ended_"),
        "rows_max": ROWS_MAX,
        "activity": activity,
        "chosen": episode_pictures.chosen(activity.episodes) if activity else {},
        "states": shares(metrics, "state", STATE_NAMES),
        "policies": shares(metrics, "policy", POLICY_NAMES),
        "structure": counts(metrics, "structure_"),
        "not_armed": counts(metrics, "not_armed_"),
        "disarmed": counts(metrics, "disarmed_"),
        "verify": verify_command(manifest["command"]),
        "config": tomli_w.dumps(dict(manifest["config"])).strip(),
        "price_decimals": wording.decimals_of(instrument.tick_size),
        "lot_decimals": wording.decimals_of(instrument.lot_size),
        "script_words": _json({language: _script_words(language) for language in LANGUAGES}),
    }
    content |= _origin(record, activity) | _quality(record) | _comparison(record) | _luck(record, manifest)
    content |= _curve_figures(record) | _tables(record, activity)
    content["pictures"] = run_pictures(record, activity, content, robustness)
    is_drawn = len(record.equity["ts_ns"]) > 1 and not record.instruments
    data = page_data(record, activity, manifest) if is_drawn else None
    content["payload"] = None if data is None else _json(data)
    return content


def _json(value: Any) -> Markup:
    """A value as JSON that can stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _script_words(language: str) -> dict[str, Any]:
    return {key.removeprefix("script."): text for key, text in texts(language).items() if key.startswith("script.")}


def _activity(record: RunRecord, manifest: Manifest) -> Activity | None:
    """What structure_mm did; None for a system whose log is not known here."""
    if record.system != STRUCTURE_MM:
        return None
    market = manifest["market"]
    return read_activity(record.tables["events"], record.fills, market["first_ns"], market["last_ns"])


def _title(record: RunRecord, manifest: Manifest) -> Both:
    own = manifest["config"].get("report", {}).get("title", "")
    if own:
        return Both(*(str(Markup.escape(own)),) * 2)
    return both("top.title", system=record.system, symbol=record.instrument.symbol)


def _where_trials(trials: Mapping[str, Any]) -> Both:
    """How many trials there were on this data, and how many before there was a ledger, on none in particular."""
    here, earlier = trials.get("on_data", 0), trials.get("earlier", 0)
    if earlier:
        return both("verdict.trials.here_and_earlier", count=here - earlier, earlier=earlier)
    return both("verdict.trials.here", count=here)


def verify_command(command: str) -> str:
    """The command that proves the hashes of a backtest's command: the same market and configuration, run twice."""
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word in ("--out", "--fill-policy"):
            next(words, None)
        elif word != "--json" and not word.startswith(("--out=", "--fill-policy=")):
            kept.append(word)
    where = kept.index("backtest") if "backtest" in kept else len(kept)
    return shlex.join([*kept[:where], "verify", "determinism", *kept[where + 1 :]])


# ---- where it came from, what fills were worth ---------------------------------------------------------------


def _origin(record: RunRecord, activity: Activity | None) -> dict[str, Any]:
    """The attribution, its waterfall, and the same by state."""
    parts = attribute(record.fills, record.equity, record.instrument, record.opening_held, record.funding_paid)
    rows = (
        by_state(activity.states_by_policy, record.fills, record.equity, record.instrument)
        if activity is not None
        else []
    )
    return {
        "attribution": parts,
        "waterfall": figures.waterfall(figures.attribution_steps(parts)) if parts else [],
        "net_quanta": record.net_quanta,
        "unexplained": record.net_quanta - parts.total if parts else 0,
        "by_state": rows,
        "bars_total": max(sum(row.bars for row in rows), 1),
    }


def _daily(record: RunRecord) -> Any:
    """Returns of UTC days, as in the metrics."""
    if len(record.equity["ts_ns"]) == 0:
        return np.empty(0)
    return daily_returns(record.equity["ts_ns"], record.equity["equity_quanta"], float(record.start_quanta)).frac


def _quality(record: RunRecord) -> dict[str, Any]:
    """Markouts, fill ratio, daily returns."""
    timeframe = finest(record.bars, (record.fill_timeframe, record.structure))
    bars = record.bars[timeframe] if timeframe else None
    length = timeframe_ns(timeframe or record.structure)
    returns = _daily(record)
    return {
        "markouts": markouts(record.fills, bars, timeframe or record.structure),
        "finest_s": length // 10**9,
        "ratio": fill_ratio(record.tables["orders"], record.fills, bars),
        "returns": returns,
        "days": quality_pictures.days_of(returns),
    }


# ---- comparisons and luck ------------------------------------------------------------------------------------


def _comparison(record: RunRecord) -> dict[str, Any]:
    """The rows of the comparison, and what random entries gave."""
    found = compared(record)
    return {"comparison": found.lines, "random": found.random, "seed": SEED}


def _luck(record: RunRecord, manifest: Manifest) -> dict[str, Any]:
    """How much of the Sharpe ratio may be luck; None where there is no ratio."""
    trials = manifest.get("trials")
    returns = _daily(record)
    try:
        found: Luck | None = luck(
            returns, trials["total"] if trials else 1, trials.get("sharpe_deviation") if trials else None
        )
    except InputError:
        found = None
    return {"luck": found if found and found.sharpe_annualised is not None else None}


def _curve_figures(record: RunRecord) -> dict[str, Any]:
    """Two figures that the text names: how far holding fell, and where the drawdown stood at the end."""
    prices = np.asarray(record.equity["price_ticks"], np.float64)
    if len(prices) < 2:
        return {"hold_drawdown": 0.0, "hold_frac": 0.0, "last_drawdown": 0.0}
    below = 1.0 - prices / np.maximum.accumulate(prices)
    return {
        "hold_drawdown": float(below.max()),
        "hold_frac": float(prices[-1] / prices[0] - 1.0),
        "last_drawdown": float(record.equity["drawdown_frac"][-1]),
    }


# ---- tables --------------------------------------------------------------------------------------------------


def _tables(record: RunRecord, activity: Activity | None) -> dict[str, Any]:
    instrument, fills = record.instrument, record.fills
    months = _months(record)
    columns = [column.tolist() for column in fills.values()]
    return {
        "months": months,
        "regimes": _regimes(record),
        "month_tints": figures.tints([month.own_frac for month in months]),
        "hold_tints": figures.tints([month.hold_frac for month in months]),
        "endings": figures.endings(activity.episodes if activity else ()),
        "trades": trade_rows(record, activity),
        "fills": [dict(zip(fills, row, strict=True)) for row in zip(*columns, strict=True)],
        "quantity": lambda lots: wording.plain(instrument.quantity(lots), wording.decimals_of(instrument.lot_size)),
        "bp_of_equity": lambda quanta: quanta / record.start_quanta * 10_000,
    }


def _months(record: RunRecord) -> list[figures.Month]:
    equity = record.equity
    if len(equity["ts_ns"]) < 2:
        return []
    return figures.months(equity["ts_ns"], equity["equity_quanta"], equity["price_ticks"], record.start_quanta)


def _regimes(record: RunRecord) -> tuple[Regime, ...]:
    """In which kind of market the result was made; nothing for a run under two days or one that lost everything."""
    equity = record.equity
    if len(_daily(record)) < 2:
        return ()
    try:
        return regimes(equity["ts_ns"], equity["equity_quanta"], equity["price_ticks"], float(record.start_quanta))
    except InputError:
        return ()
