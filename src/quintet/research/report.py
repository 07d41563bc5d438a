"""A run's report: one self-contained page, the verdict first, the assumption before the number.

`render_report` reads a finished result and its manifest, and computes nothing that a run depends on. The page opens
offline, needs no script, can be printed, and shows times in UTC.
"""

import shlex
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from quintet.core.events import timeframe_ns
from quintet.research.report_parts import episode_pictures, figures, pictures, verdict, wording
from quintet.research.report_parts.activity import Activity, read_activity
from quintet.research.report_parts.market_bars import shown_bars
from quintet.research.report_parts.statistics import counts, shares
from quintet.systems.structure_mm.config import NAME as STRUCTURE_MM
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES

if TYPE_CHECKING:
    from quintet.research.backtest import BacktestResult

SHOWN_ROWS: Final = 50
"""Rows shown from each end of a long table; the files beside the report hold all."""

STAND_IN: Final = "stand in for"
"""An assumption with these words belongs on the first screen: prices of another market were used."""

Manifest = Mapping[str, Any]


def render_report(result: "BacktestResult", manifest: Manifest) -> str:
    """The page of a run as HTML. `manifest` is the run's own, see `run_folders`."""
    return str(_template().render(_content(result, manifest)))


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
    return environment.get_template("report.html.j2")


def _content(result: "BacktestResult", manifest: Manifest) -> dict[str, Any]:
    """Everything the template names."""
    activity = _activity(result, manifest)
    facts = verdict.facts_of(result, manifest)
    instrument = result.instrument
    return {
        "manifest": manifest,
        "title": _title(result, manifest),
        "facts": facts,
        "verdict": verdict.judge(facts),
        "stand_ins": [line for line in manifest["assumptions"] if STAND_IN in line],
        "instrument": instrument,
        "metrics": result.metrics,
        "interval": result.interval,
        "conservation": result.conservation,
        "money": result.money,
        "pictures": _pictures(result, activity),
        "activity": activity,
        "chosen": episode_pictures.chosen(activity.episodes) if activity else {},
        "states": shares(result.metrics, "state", STATE_NAMES),
        "policies": shares(result.metrics, "policy", POLICY_NAMES),
        "structure": counts(result.metrics, "structure_"),
        "not_armed": counts(result.metrics, "not_armed_"),
        "disarmed": counts(result.metrics, "disarmed_"),
        "verify": verify_command(manifest["command"]),
        "config": tomli_w.dumps(dict(manifest["config"])).strip(),
        "price_decimals": wording.decimals_of(instrument.tick_size),
        "lot_decimals": wording.decimals_of(instrument.lot_size),
        **_tables(result, activity),
    }


def _activity(result: "BacktestResult", manifest: Manifest) -> Activity | None:
    """What structure_mm did; None for a system whose log is not known here."""
    if result.system.name != STRUCTURE_MM:
        return None
    market = manifest["market"]
    return read_activity(result.tables["events"], result.tables["fills"], market["first_ns"], market["last_ns"])


def _title(result: "BacktestResult", manifest: Manifest) -> str:
    own = manifest["config"].get("report", {}).get("title", "")
    return own or f"{result.system.name} on {result.instrument.symbol}"


def _start_quanta(result: "BacktestResult") -> int:
    """Equity at the beginning, the same for every policy; 1 where there is none, since it divides."""
    return int(result.headline.desk.shown.equity.start) or 1


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


# ---- pictures ------------------------------------------------------------------------------------------------


def _pictures(result: "BacktestResult", activity: Activity | None) -> dict[str, Any]:
    """Every picture by name; those that cannot be drawn are absent."""
    start = _start_quanta(result)
    nets = sorted(((run.policy, run.net_quanta / start) for run in result.runs), key=lambda item: item[1])
    drawn = {"interval": pictures.interval_picture(nets, result.headline.policy)}
    # One mark makes no line.
    if len(result.headline.samples) < 2:
        return drawn
    drawn |= _curves(result, activity) | _market(result)
    return drawn | (_doings(result, activity) if activity else {})


def _curves(result: "BacktestResult", activity: Activity | None) -> dict[str, str]:
    samples, headline = result.headline.samples, result.headline.policy
    lines = [pictures.curve(run.policy, run.samples, _start_quanta(result)) for run in result.runs]
    worst = next(line for line in lines if line.policy == headline)
    return {
        "equity": pictures.equity_picture(lines, headline, activity.kills_ns if activity else ()),
        "against": pictures.against_holding_picture(worst, samples["ts"], samples["price"]),
        "drawdown": pictures.drawdown_picture(samples["ts"], samples["drawdown"]),
    }


def _market(result: "BacktestResult") -> dict[str, str]:
    samples = result.headline.samples
    share = figures.held_worth(samples, result.instrument) / samples["equity"]
    bars = shown_bars(result.tape, result.options.structure)
    return {
        "market": pictures.market_picture(bars, result.tables["fills"], result.instrument),
        "inventory": pictures.inventory_picture(samples["ts"], share),
    }


def _doings(result: "BacktestResult", activity: Activity) -> dict[str, str]:
    scene = episode_pictures.Scene(
        bars=shown_bars(result.tape, result.options.structure),
        length_ns=timeframe_ns(result.options.structure),
        orders=result.tables["orders"],
        fills=result.tables["fills"],
        activity=activity,
        instrument=result.instrument,
    )
    drawn = {
        "states": pictures.lanes_picture(activity.states, STATE_NAMES, "States over time"),
        "policies": pictures.lanes_picture(activity.policies, POLICY_NAMES, "Policy over time"),
    }
    for name, episode in episode_pictures.chosen(activity.episodes).items():
        drawn[f"episode {name}"] = episode_pictures.episode_picture(scene, episode)
    return drawn


# ---- tables --------------------------------------------------------------------------------------------------


def _tables(result: "BacktestResult", activity: Activity | None) -> dict[str, Any]:
    fills, instrument, samples = result.tables["fills"], result.instrument, result.headline.samples
    episodes = activity.episodes if activity else ()
    start = _start_quanta(result)
    months = figures.months(samples["ts"], samples["equity"], samples["price"], start) if len(samples) > 1 else []
    return {
        "waterfall": figures.waterfall(figures.cost_steps(result.metrics, fills, instrument.base_asset)),
        "months": months,
        "month_tints": figures.tints([month.own_frac for month in months]),
        "hold_tints": figures.tints([month.hold_frac for month in months]),
        "comparison": _comparison(result),
        "endings": figures.endings(episodes),
        "episodes": ends_of(len(episodes), lambda n: episodes[n]),
        "fills": ends_of(len(fills["price"]), lambda n: {name: column[n] for name, column in fills.items()}),
        "quantity": lambda lots: wording.plain(instrument.quantity(lots), wording.decimals_of(instrument.lot_size)),
        "bp_of_equity": lambda quanta: quanta / start * 10_000,
    }


def _comparison(result: "BacktestResult") -> list[figures.Line]:
    name, instrument, samples = result.system.name, result.instrument, result.headline.samples
    best = max(result.runs, key=lambda run: run.net_quanta)
    lines = [figures.own_line(f"{name}, worst ({result.headline.policy})", result.headline, instrument)]
    if len(result.runs) > 1:
        lines.append(figures.own_line(f"{name}, best ({best.policy})", best, instrument))
    lines.append(figures.CASH)
    if len(samples) > 1:
        lines.append(figures.holding(samples["ts"], samples["price"], f"holding {instrument.base_asset}"))
    return lines


class Ends(NamedTuple):
    """The first and the last rows of a long table; `total` counts those between them too."""

    first: list[Any]
    last: list[Any]
    total: int

    @property
    def hidden(self) -> int:
        """Rows that are not shown."""
        return self.total - len(self.first) - len(self.last)


def ends_of(total: int, row: Callable[[int], Any]) -> Ends:
    """`row(n)` is called only for rows that are shown."""
    if total <= 2 * SHOWN_ROWS:
        return Ends([row(n) for n in range(total)], [], total)
    return Ends([row(n) for n in range(SHOWN_ROWS)], [row(n) for n in range(total - SHOWN_ROWS, total)], total)
