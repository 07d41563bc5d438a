"""Every picture of a report, drawn from a run's record and from what its sections have found."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from quintet.core.events import timeframe_ns
from quintet.research.activity import Activity
from quintet.research.market_bars import ShownBars
from quintet.research.report_parts import episode_pictures, figures, pictures, quality_pictures, tick_pictures
from quintet.research.run_record import RunRecord
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES


def run_pictures(
    record: RunRecord, activity: Activity | None, content: Mapping[str, Any], robustness: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Every picture by name; those that cannot be drawn are absent."""
    start = record.money(record.start_quanta)
    nets = sorted(
        ((policy, net / start) for policy, net in record.interval["policies"].items()), key=lambda each: each[1]
    )
    drawn: dict[str, str | None] = {"interval": pictures.interval_picture(nets, record.interval["headline_policy"])}
    if record.ticks:
        drawn |= _ticks(record.ticks, robustness)
    if robustness:
        drawn["robustness"] = quality_pictures.robustness_picture(figures.shaken(robustness))
    # One mark makes no line.
    if len(record.equity["ts_ns"]) > 1:
        drawn |= _curves(record, activity) | _market(record) | _samples(record, content)
        drawn |= _doings(record, activity) if activity else {}
    return {name: picture for name, picture in drawn.items() if picture}


def _ticks(found: Mapping[str, Any], robustness: Mapping[str, Any] | None) -> dict[str, str | None]:
    return {
        "kept": tick_pictures.kept_picture(found),
        "reached": tick_pictures.reached_picture(found["distances"]),
        "latency": tick_pictures.latency_picture(tick_pictures.latency_rows(robustness)),
    }


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
    if len(record.bars.get(record.structure, ((),))[0]):
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
