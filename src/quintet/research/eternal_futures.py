"""Recorded days with another future: what the eternal engine must not notice before it comes.

The cut is made on what files say, before anything is put together from it. A bar that has begun by then keeps its open;
all else after the cut is taken away, or noise of a seed stands in its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.core.random import below, seeded, uniform
from quintet.research.daily_tape import DAY_NS
from quintet.research.eternal_market import PERIOD_NS, Recorded
from quintet.research.eternal_report import PATHS, Study
from quintet.research.eternal_run import FIVE_MINUTES_NS, Costs, EternalRun
from quintet.research.lookahead import FUTURES, REMOVED, Finding, Lookahead, Told, Trial, fill_words, fills_too_early
from quintet.research.moments import Difference

_PRICES: Final = ("open", "high", "low", "close")
_LENGTHS: Final = {"days": DAY_NS, "spot_8h": PERIOD_NS, "perpetual_8h": PERIOD_NS}
_RATE_MAX_E9: Final = 3_000_000


class Past(NamedTuple):
    """All that a run has decided and remembers when a day is over."""

    equity: Sequence[Any]
    notes: Sequence[Any]
    decisions: Mapping[str, str]
    memory: bytes

    def differences(self, other: "Past") -> list[Difference]:
        """Each part in which another past is not this one."""
        lines = [(what, getattr(self, what), getattr(other, what)) for what in self._fields]
        return [Difference(what, _first(one, two)) for what, one, two in lines if one != two]


def look_ahead(study: Study, cuts: int, seed: int, told: Told = lambda done, total: None) -> Lookahead:
    """Cut a study after some days, of both orders of extremes in turn; the past may not change, to the last bit."""
    days = choose_days(study, cuts, seed)
    wholes = {path: _watched(study, path, days) for path in PATHS}
    trials = [_again(study, wholes), _arrivals(wholes)]
    for future in FUTURES:
        findings = []
        for n, day in enumerate(days):
            told((len(trials) - 2) * len(days) + n, len(days) * len(FUTURES))
            path = tuple(PATHS)[n % len(PATHS)]
            other = _watched(with_future(study, day, future, seed), path, [day], day)[1][day]
            findings += [Finding(_decided_ns(day), path, each) for each in wholes[path][1][day].differences(other)]
        trials.append(Trial(f"the files cut, the future {future}", f"{len(days)} days", tuple(findings)))
    return Lookahead(tuple(map(_decided_ns, days)), tuple(trials))


def choose_days(study: Study, count: int, seed: int) -> list[int]:
    """Days to cut after, one in each of as many equal parts of the span; the last day has no future to take away."""
    dice = seeded(seed, "days to cut after")[0]
    parts = np.linspace(study.first_day, study.last_day, min(count, study.last_day - study.first_day) + 1)
    return [int(low) + below(dice, max(int(high) - int(low), 1)) for low, high in zip(parts, parts[1:], strict=False)]


def with_future(study: Study, day: int, future: str, seed: int) -> Study:
    """The same study where everything after the cycle of `day` is another."""
    dice = seeded(seed, f"another future {day}")[0]
    now_ns = _decided_ns(day)
    recorded = [_with_future(one, now_ns, future, dice) for one in study.recorded]
    kept = [fact for fact in study.facts if fact[0] <= now_ns]
    if future != REMOVED:
        kept += [(ts, name, below(dice, 100) * 10**9) for ts, name, _ in study.facts if ts > now_ns]
    return replace(study, recorded=recorded, facts=kept, last_day=day + 1, _markets={})


def _with_future(one: Recorded, now_ns: int, future: str, dice: Any) -> Recorded:
    changed = {name: _bars(getattr(one, name), length, now_ns, future, dice) for name, length in _LENGTHS.items()}
    rates = dict(one.rates or {})
    for ts in [ts for ts in rates if ts > now_ns]:
        rates[ts] = below(dice, 2 * _RATE_MAX_E9) - _RATE_MAX_E9
        if future == REMOVED:
            del rates[ts]
    return one._replace(**changed, rates=rates or None)


def _bars(table: Any, length_ns: int, now_ns: int, future: str, dice: Any) -> Any:
    """Bars that were over by then as they are; the one that has begun with its open alone, and two days of others."""
    if table is None:
        return None
    known = int(np.searchsorted(table["start"] + length_ns, now_ns, side="right"))
    bars = table[: known + 2 * DAY_NS // length_ns].copy()
    for n in range(known, len(bars)):
        factor = 1.0 if future == REMOVED else 0.5 + float(uniform(dice))
        opened = bars["open"][n if n == known else n - 1]
        close = opened * factor
        values = (opened, max(opened, close), min(opened, close), close)
        for name, value in zip(_PRICES, values, strict=True):
            bars[name][n] = value
    return bars


def _watched(
    study: Study, path: str, days: Sequence[int], last_day: int | None = None
) -> tuple[EternalRun, dict[int, Past]]:
    """A run, and its past at each of some days."""
    found: dict[int, Past] = {}

    def watch(day: int, run: EternalRun) -> None:
        if day in wanted:
            found[day] = past_of(run)

    wanted = frozenset(days)
    return study.run(PATHS[path], last_day=last_day, watch=watch), found


def past_of(run: EternalRun) -> Past:
    """What a run is until now."""
    return Past(
        tuple(run.marks), tuple(run.log), run.command_hashes, msgspec.json.encode(run.portfolio, order="sorted")
    )


def _again(study: Study, wholes: Mapping[str, tuple[EternalRun, Any]]) -> Trial:
    """The same market once more, from nothing."""
    path = next(iter(wholes))
    other = past_of(replace(study, _markets={}).run(PATHS[path]))
    found = past_of(wholes[path][0]).differences(other)
    findings = tuple(Finding(_decided_ns(study.last_day), path, each) for each in found)
    return Trial(
        "the same market once more", f"1 run: {len(other.equity):,} days, {len(other.notes):,} notes", findings
    )


def _arrivals(wholes: Mapping[str, tuple[EternalRun, Any]]) -> Trial:
    """Every fill of every sub-account: its order had been sent, and had had the time to arrive."""
    findings, count = [], 0
    for path, (run, _) in wholes.items():
        for account in run.accounts.values():
            fills = account.kept.column("fills")
            count += len(fills)
            early = fills_too_early(account.kept.column("commands"), fills, Costs().latency_ns)
            findings += [
                Finding(int(fill["ts_recv"]), path, Difference("fill before arrival", fill_words(fill)))
                for fill in early
            ]
    return Trial("fills come after their orders arrived", f"{count:,} fills", tuple(findings))


def _decided_ns(day: int) -> int:
    return (day + 1) * DAY_NS + FIVE_MINUTES_NS


def _first(one: Any, two: Any) -> str:
    """Where two parts differ first, in words."""
    if isinstance(one, Mapping):
        return "; ".join(f"{name} {one[name][:16]}, {two[name][:16]}" for name in one if one[name] != two[name])
    if isinstance(one, bytes):
        return "what is remembered is another"
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    shown = [str(part[at])[:160] if at < len(part) else "nothing" for part in (one, two)]
    return f"{shown[0]}; with another future {shown[1]}"
