"""The questions an investor asks of the eternal engine, each a run of its own on the same days.

    headline        both orders of a day's extremes; the worse one counts
    alone           all money to one engine
    costs           fees and spread doubled
    starts          begun at the first day of each of the first twelve months
    breakers        each one taken away: what it cost or saved is the difference of the ends
    variants        what the specification does not say but its reading asks to be shown

Nothing here chooses a parameter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from quintet.research.daily_tape import HIGH_FIRST, LOW_FIRST, daily_tape
from quintet.research.eternal_doings import DOINGS, core_measures, counted, fired, happenings, in_spans
from quintet.research.eternal_figures import (
    PERIODS,
    WHOLE,
    benchmarks,
    bootstrapped_drawdowns,
    costs_of,
    curves,
    figures_of,
    in_periods,
)
from quintet.research.eternal_market import LOTS, Recorded, market_of, recorded_pairs
from quintet.research.eternal_run import Costs, EternalRun, Prepared, Watch, prepared, run_eternal
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import ACCOUNTS, ENGINES
from quintet.systems.eternal.dates import date_of, day_of

PATHS: Final[Mapping[str, int]] = {"low_first": LOW_FIRST, "high_first": HIGH_FIRST}


def _without(section: str, **values: Any) -> Callable[[EternalConfig], EternalConfig]:
    def change(config: EternalConfig) -> EternalConfig:
        names = ("trend_1", "trend_2") if section == "trend" else (section,)
        changed = {name: msgspec.structs.replace(getattr(config, name), **values) for name in names}
        return msgspec.structs.replace(config, **changed)

    return change


BREAKERS: Final[Mapping[str, Callable[[EternalConfig], EternalConfig]]] = {
    "core_pause": _without("core", pause_below_frac=-1.0),
    "core_cap": _without("core", asset_cap_frac=1.0),
    "cash_buffer": _without("risk", cash_min_frac=0.0),
    "trend_quiet": _without("trend", quiet_days=365),
    "trend_correlation": _without("trend", correlation_on=1.0, correlation_off=1.0),
    "trend_funding": _without("trend", funding_dear_e9=10**9),
    "trend_time": _without("trend", time_stop_days=3_650),
    "funding_negatives": _without("funding", negatives_close_all=100),
    "engine_pause": _without("risk", trend_pause_frac=-1.0, funding_pause_frac=-1.0),
    "reduce": _without("risk", reduce_at_frac=-1.0),
}
"""Breaker to the configuration that does not have it; others only tell a person, or hear of trouble by a fact."""

VARIANTS: Final[Mapping[str, Callable[[EternalConfig], EternalConfig]]] = {
    "core_pauses_sales_only": _without("core", pauses_sales_only=True),
    "funding_sixth": _without("funding", position_max_frac=1 / 6),
    "funding_pays_fees": _without("funding", round_trip_multiple=1.5),
}


TRIGGERS: Final = ("fear_greed", "volatility_index")
"""Facts that a trigger of TACTICAL waits for; the page names those that nobody has told."""

BASIS_ZERO: Final = "basis_zero"
"""The variant that trades pairs without a recorded basis."""


def alone(config: EternalConfig) -> EternalConfig:
    """Limits of the portfolio mean nothing to an engine that is all of it."""
    return _without("risk", cash_min_frac=0.0)(_without("core", asset_cap_frac=1.0)(config))


@dataclass
class Study:
    """A market of days, and all runs on it."""

    recorded: Sequence[Recorded]
    facts: Sequence[tuple[int, str, int]]
    config: EternalConfig
    capital_quanta: int
    first_day: int
    last_day: int
    half_spread_e9: int = 500_000
    pairs: tuple[str, ...] = ()
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()
    _markets: dict[tuple[int, int], Prepared] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pairs = self.pairs or recorded_pairs(self.recorded)

    def market(self, path: int, factor: int = 1) -> Prepared:
        """The tape of one order of extremes and one multiple of costs, made once."""
        found = self._markets.get((path, factor))
        if found is None:
            market = market_of(self.recorded, self.first_day, self.last_day, fee_factor=factor)
            self.notes = market.notes
            tape = daily_tape(
                market.markets, self.facts, half_spread_e9=self.half_spread_e9 * factor, first_extreme=path,
                name="eternal days",
            )  # fmt: skip
            found = self._markets[path, factor] = prepared(tape)
        return found

    def run(
        self, path: int, config: EternalConfig | None = None, *, factor: int = 1, first_day: int | None = None,
        last_day: int | None = None, only: str = "", pairs: Sequence[str] | None = None,
        watch: Watch = lambda day, run: None,
    ) -> EternalRun:  # fmt: skip
        """One run."""
        return run_eternal(
            self.market(path, factor),
            config or self.config,
            capital_quanta=self.capital_quanta,
            first_day=self.first_day if first_day is None else first_day,
            last_day=self.last_day if last_day is None else last_day,
            costs=Costs(half_spread_e9=self.half_spread_e9 * factor),
            only=only,
            pairs=self.pairs if pairs is None else pairs,
            watch=watch,
        )


def headline(study: Study) -> tuple[str, dict[str, EternalRun]]:
    """Both paths, and the name of the worse one."""
    runs = {name: study.run(path) for name, path in PATHS.items()}
    worse = min(runs, key=lambda name: sum(runs[name].marks[-1].equity.values()))
    return worse, runs


def report(study: Study, quick: bool = False, progress: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Everything the page shows, as plain values. `quick`: the headline and its benchmarks only."""
    progress("headline")
    worse, runs = headline(study)
    run, path = runs[worse], PATHS[worse]
    found = curves(run)
    end = {name: sum(each.marks[-1].equity.values()) for name, each in runs.items()}
    said: dict[str, Any] = {
        "system": "eternal",
        "from": date_of(study.first_day).isoformat(),
        "to": date_of(study.last_day).isoformat(),
        "capital_quanta": study.capital_quanta,
        "quantum": 1e-6,
        "path": worse,
        "ends_quanta": end,
        "pairs": list(study.pairs),
        "notes": [{"what": what, "told": told} for what, told in study.notes],
        "hashes": run.hashes,
        "figures": {name: figures_of(curve) for name, curve in found.items()},
        "periods": {name: in_periods(curve) for name, curve in found.items()},
        "costs": costs_of(run),
        "doings": counted(run, DOINGS),
        "doings_in_periods": in_spans(run, PERIODS),
        "core": core_measures(run),
        "earn": _earned(run, study.facts),
        "unheard": [name for name in TRIGGERS if name not in {told for _, told, _ in study.facts}],
        "events": happenings(run),
        "fired": fired(run, study.facts),
        "paused": sorted(run.portfolio.risk.paused),
        "unpaid_settlements": run.unpaid_days,
        "conservation": run.imbalance,
        "failed": dict(run.portfolio.failed),
        "allocation": _allocation(run),
        "ribbon": _ribbon(run),
        "curves": _curves(run, found),
        "daily": found,
        "benchmarks": {},
        "benchmark_periods": {},
        "bootstrap": bootstrapped_drawdowns(found[WHOLE].returns),
        "alone": {}, "twice": None, "starts": [], "breakers": {}, "variants": {},
    }  # fmt: skip
    for name, curve in benchmarks(run).items():
        said["benchmarks"][name], said["benchmark_periods"][name] = figures_of(curve), in_periods(curve)
    if not quick:
        _more(study, path, said, progress)
    return said


def _more(study: Study, path: int, said: dict[str, Any], progress: Callable[[str], None]) -> None:
    """All other questions."""
    for engine in ENGINES:
        progress(f"{engine} alone")
        said["alone"][engine] = _whole(study.run(path, alone(study.config), only=engine))
    progress("costs twice")
    said["twice"] = _whole(study.run(path, factor=2))
    for first in _months(study.first_day, study.last_day):
        progress(f"from {date_of(first)}")
        said["starts"].append({"from": date_of(first).isoformat(), **_whole(study.run(path, first_day=first))})
    ends = said["ends_quanta"][said["path"]]
    for group, changes in (("breakers", BREAKERS), ("variants", VARIANTS)):
        for name, change in changes.items():
            progress(f"{group}: {name}")
            other = study.run(path, change(study.config))
            without = sum(other.marks[-1].equity.values())
            said[group][name] = {**_whole(other), "difference_quanta": ends - without}
    if set(study.pairs) != {one.asset for one in study.recorded}:
        progress("variants: a basis of zero where none is recorded")
        other = study.run(path, pairs=[one.asset for one in study.recorded])
        said["variants"][BASIS_ZERO] = {
            **_whole(other), "difference_quanta": ends - sum(other.marks[-1].equity.values())
        }  # fmt: skip


def _earned(run: EternalRun, facts: Sequence[tuple[int, str, int]]) -> dict[str, Any] | None:
    """What idle Ether earned, in coins and at its last price; None where no yield was told."""
    earn = run.earn
    if earn is None or "eth_yield" not in {name for _, name, _ in facts}:
        return None
    lots = earn.interest // earn.lot_quanta
    return {
        "days": earn.days,
        "unpaid_days": earn.unpaid_days,
        "coins": lots * float(LOTS[earn.asset]),
        "worth_quanta": lots
        * run.marks[-1].eth_price
        * run.tape.instruments[run.names.index(earn.asset)].quanta_per_tick_lot,
    }


def _whole(run: EternalRun) -> dict[str, Any]:
    return figures_of(curves(run)[WHOLE])


def _months(first_day: int, last_day: int) -> list[int]:
    """The first days of the twelve months after the beginning, as far as a year of days is left after each."""
    begin = date_of(first_day)
    found = []
    for n in range(1, 13):
        month = begin.month + n
        day = day_of(begin.year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
        if day + 365 <= last_day:
            found.append(day)
    return found


def _allocation(run: EternalRun) -> dict[str, Any]:
    """Share of each engine, day by day."""
    whole = np.array([sum(mark.equity.values()) for mark in run.marks], np.float64)
    shares = {}
    for engine in ENGINES:
        owned = [sum(q for a, q in mark.equity.items() if ACCOUNTS[a] == engine) for mark in run.marks]
        shares[engine] = (np.array(owned, np.float64) / whole).round(5).tolist()
    return {"days": [mark.day for mark in run.marks], "shares": shares}


def _ribbon(run: EternalRun) -> list[dict[str, Any]]:
    """Stretches of one regime: from day, to day."""
    found: list[dict[str, Any]] = []
    for mark in run.marks:
        if not found or found[-1]["regime"] != mark.regime:
            found.append({"regime": mark.regime, "from": mark.day, "to": mark.day})
        found[-1]["to"] = mark.day
    return found


def _curves(run: EternalRun, found: Mapping[str, Any]) -> dict[str, Any]:
    index = {WHOLE: found[WHOLE].index.tolist()}
    index |= {name: curve.index.tolist() for name, curve in benchmarks(run).items()}
    return {"days": found[WHOLE].days.tolist(), "index": index}
