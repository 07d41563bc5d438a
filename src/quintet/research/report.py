"""A run's report: one self-contained page, the verdict first, the assumption before the number.

`render_report` reads a finished result, `render_record` the files of a run; both make the same page of the same run and
compute nothing that a run depends on. The page opens offline, is readable without its script, can be printed, speaks
English and Russian, and shows times in UTC.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from quintet.core.errors import InputError
from quintet.core.events import timeframe_ns
from quintet.research import comparisons
from quintet.research.activity import Activity, read_activity
from quintet.research.attribution import attribute, by_state, fill_rows
from quintet.research.fill_quality import fill_ratio, finest, markouts
from quintet.research.market_bars import ShownBars
from quintet.research.report_parts import episode_pictures, figures, pictures, quality_pictures, verdict, wording
from quintet.research.report_parts.dates import moment, span
from quintet.research.report_parts.languages import LANGUAGES, Both, both, said, say, texts
from quintet.research.report_parts.page_data import page_data
from quintet.research.report_parts.statistics import counts, shares
from quintet.research.returns import daily_returns
from quintet.research.round_trips import Trade, round_trips
from quintet.research.run_record import RunRecord, record_of
from quintet.research.significance import Luck, luck
from quintet.systems.structure_mm.config import NAME as STRUCTURE_MM
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES, TAGS_PER_EPISODE

if TYPE_CHECKING:
    from quintet.research.backtest import BacktestResult

STAND_IN: Final = "stand in for"
"""An assumption with these words belongs on the first screen: prices of another market were used."""

Manifest = Mapping[str, Any]
Robustness = Mapping[str, Any]


def render_report(result: "BacktestResult", manifest: Manifest, robustness: Robustness | None = None) -> str:
    """The page of a run that has just ended, as HTML. `manifest` is the run's own, see `run_folders`."""
    return render_record(record_of(result), manifest, robustness)


def render_record(record: RunRecord, manifest: Manifest, robustness: Robustness | None = None) -> str:
    """The page of a run as HTML; `robustness`: what `robustness.json` holds, None where it was not computed."""
    return str(_template().render(_content(record, manifest, robustness)))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("quintet.research", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
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
        "robustness": robustness,
        "stand_ins": [line for line in manifest["assumptions"] if STAND_IN in line],
        "instrument": instrument,
        "metrics": metrics,
        "interval": record.interval,
        "conservation": record.conservation,
        "money": record.money,
        "has_bars": bool(record.bars),
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
    content["pictures"] = _pictures(record, activity, content, robustness)
    data = page_data(record, activity, manifest) if len(record.equity["ts_ns"]) > 1 else None
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
    parts = attribute(record.fills, record.equity, record.instrument, record.opening_held)
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
    system, asset, interval = record.system, record.instrument.base_asset, record.interval
    equity, start = record.equity, record.start_quanta
    turnovers = record.metrics.get("turnover_quote", 0.0) / record.money(start)
    own = both("comparison.own_worst", system=system, policy=interval["headline_policy"])
    best = both("comparison.own_best", system=system, policy=interval["high_policy"])
    cash = figures.Line(both("comparison.cash"), 0.0, 0.0, None, None, None, 0.0, 0.0, 0.0, 0.0)
    if len(equity["ts_ns"]) < 2:
        bare = figures.Line(own, interval["low_frac"], None, None, None, None, None, None, None, turnovers)
        return {"comparison": [bare, cash], "random": None, "seed": comparisons.SEED}
    ts, prices = equity["ts_ns"], equity["price_ticks"]
    share = figures.held_share(equity, record.instrument)
    spans = comparisons.stays(share * equity["equity_quanta"], max(record.instrument.min_notional_quanta, 1))
    exposure = sum(last - first for first, last in spans) / len(ts)
    lines = [figures.line(own, ts, equity["equity_quanta"], start, exposure, turnovers)]
    if len(interval["policies"]) > 1:
        curve = record.tables["curves"][interval["high_policy"]]
        lines.append(figures.line(best, ts, curve, start, None, None))
    lines.append(cash)
    mean_share = float(share.mean())
    holding = both("comparison.hold", base=asset)
    part = both("comparison.hold_share", base=asset, share=wording.percent(mean_share, 1))
    lines.append(figures.line(holding, ts, comparisons.held_worth(prices, 1.0), 1.0, 1.0, 1.0))
    lines.append(figures.line(part, ts, comparisons.held_worth(prices, mean_share), 1.0, mean_share, mean_share))
    random = _random_entries(record, share, spans)
    if random is not None:
        name = both("comparison.random")
        lines.append(figures.Line(name, random.median_frac, None, None, None, None, None, None, exposure, None))
    return {"comparison": lines, "random": random, "seed": comparisons.SEED}


def _random_entries(record: RunRecord, share: Any, spans: list[tuple[int, int]]) -> comparisons.RandomEntries | None:
    start = record.money(record.start_quanta)
    fees_frac = float(record.metrics.get("fees_quote", 0.0)) / start
    net_frac = record.net_quanta / record.start_quanta
    return comparisons.random_entries(share, record.equity["price_ticks"], spans, net_frac, fees_frac)


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


# ---- pictures ------------------------------------------------------------------------------------------------


def _pictures(
    record: RunRecord, activity: Activity | None, content: Mapping[str, Any], robustness: Robustness | None
) -> dict[str, Any]:
    """Every picture by name; those that cannot be drawn are absent."""
    start = record.money(record.start_quanta)
    nets = sorted(
        ((policy, net / start) for policy, net in record.interval["policies"].items()), key=lambda each: each[1]
    )
    drawn: dict[str, str | None] = {"interval": pictures.interval_picture(nets, record.interval["headline_policy"])}
    if robustness:
        drawn["robustness"] = quality_pictures.robustness_picture(figures.shaken(robustness))
    # One mark makes no line.
    if len(record.equity["ts_ns"]) > 1:
        drawn |= _curves(record, activity) | _market(record) | _samples(record, content)
        drawn |= _doings(record, activity) if activity else {}
    return {name: picture for name, picture in drawn.items() if picture}


def _curves(record: RunRecord, activity: Activity | None) -> dict[str, str | None]:
    equity, headline = record.equity, record.interval["headline_policy"]
    ts = np.asarray(record.tables["curves"]["ts_ns"])
    lines = [pictures.Curve(policy, ts, record.gains(policy)) for policy in record.interval["policies"]]
    worst = next(line for line in lines if line.policy == headline)
    return {
        "equity": pictures.equity_picture(lines, headline, activity.kills_ns if activity else ()),
        "against": pictures.against_holding_picture(worst, equity["ts_ns"], equity["price_ticks"]),
        "drawdown": pictures.drawdown_picture(equity["ts_ns"], equity["drawdown_frac"]),
    }


def structure_bars(record: RunRecord) -> ShownBars:
    """The structure bars, or for want of a tape the marks as bars without a range."""
    if record.structure in record.bars:
        return record.bars[record.structure]
    prices = np.asarray(record.equity["price_ticks"])
    return ShownBars(np.asarray(record.equity["ts_ns"]), prices, prices, prices, prices)


def _market(record: RunRecord) -> dict[str, str | None]:
    share = figures.held_share(record.equity, record.instrument)
    return {
        "market": pictures.market_picture(structure_bars(record), record.fills, record.instrument),
        "inventory": pictures.inventory_picture(record.equity["ts_ns"], share),
    }


def _samples(record: RunRecord, content: Mapping[str, Any]) -> dict[str, str | None]:
    found = content["luck"]
    return {
        "markouts": quality_pictures.markout_picture(content["markouts"]),
        "distances": quality_pictures.distance_picture(content["ratio"].distances),
        "days": quality_pictures.days_picture(content["returns"]) if content["days"] else None,
        "luck": quality_pictures.luck_picture(found, counted=bool(content["trials"])) if found else None,
    }


def _doings(record: RunRecord, activity: Activity) -> dict[str, str | None]:
    scene = episode_pictures.Scene(
        bars=structure_bars(record),
        length_ns=timeframe_ns(record.structure),
        orders=record.tables["orders"],
        fills=record.fills,
        activity=activity,
        instrument=record.instrument,
    )
    drawn: dict[str, str | None] = {
        "states": pictures.lanes_picture(activity.states, STATE_NAMES, "states"),
        "policies": pictures.lanes_picture(activity.policies, POLICY_NAMES, "policies"),
    }
    for name, episode in episode_pictures.chosen(activity.episodes).items():
        drawn[f"episode {name}"] = episode_pictures.episode_picture(scene, episode)
    return drawn


# ---- tables --------------------------------------------------------------------------------------------------


class TradeRow(NamedTuple):
    """A trade as it is shown; `closed_ns` and `bp` None while it is open."""

    opened_ns: int
    closed_ns: int | None
    side: int
    quantity: str
    entry_price: float
    worth: float
    profit: float
    bp: float | None
    episode: int
    ending: str


def _tables(record: RunRecord, activity: Activity | None) -> dict[str, Any]:
    instrument, fills = record.instrument, record.fills
    months = _months(record)
    trades = None if instrument.kind == "inverse" else round_trips(_fill_records(record), instrument)
    columns = [column.tolist() for column in fills.values()]
    return {
        "months": months,
        "month_tints": figures.tints([month.own_frac for month in months]),
        "hold_tints": figures.tints([month.hold_frac for month in months]),
        "endings": figures.endings(activity.episodes if activity else ()),
        "trades": _trade_rows(record, activity, trades) if trades is not None else None,
        "trades_quanta": sum(trade.profit_quanta for trade in trades or ()),
        "fills": [dict(zip(fills, row, strict=True)) for row in zip(*columns, strict=True)],
        "quantity": lambda lots: wording.plain(instrument.quantity(lots), wording.decimals_of(instrument.lot_size)),
        "bp_of_equity": lambda quanta: quanta / record.start_quanta * 10_000,
    }


def _months(record: RunRecord) -> list[figures.Month]:
    equity = record.equity
    if len(equity["ts_ns"]) < 2:
        return []
    return figures.months(equity["ts_ns"], equity["equity_quanta"], equity["price_ticks"], record.start_quanta)


def _fill_records(record: RunRecord) -> Sequence[Mapping[str, int]]:
    """The fills with the fields that `round_trips` reads."""
    return [
        {
            "ts_event": fill.happened_ns,
            "number": fill.order,
            "tag": fill.tag,
            "side": fill.side,
            "price": fill.price,
            "lots": fill.lots,
            "fee": fill.fee,
            "fee_asset": int(fill.fee_in_base),
        }
        for fill in fill_rows(record.fills, record.instrument)
    ]


def _trade_rows(record: RunRecord, activity: Activity | None, trades: Sequence[Trade]) -> Sequence[TradeRow]:
    instrument = record.instrument
    endings = {each.number: each.reason for each in activity.episodes} if activity else {}
    entered = figures.entries(record.fills)
    rows = []
    for trade in trades:
        entry = entered[trade.order]
        episode = trade.tag // TAGS_PER_EPISODE
        rows.append(
            TradeRow(
                opened_ns=trade.opened_ns,
                closed_ns=trade.closed_ns,
                side=trade.side,
                quantity=wording.plain(instrument.quantity(entry.lots), wording.decimals_of(instrument.lot_size)),
                entry_price=entry.price,
                worth=record.money(trade.entry_quanta),
                profit=record.money(trade.profit_quanta),
                bp=trade.return_frac * 10_000 if trade.closed_ns is not None else None,
                episode=episode,
                ending=endings.get(episode, ""),
            )
        )
    return rows
