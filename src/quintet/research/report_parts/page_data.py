"""What the page's script needs to draw any window of the run: whole numbers, packed small, and nothing computed twice.

A column is written as differences from value to value (or the values themselves), each in as few bytes as it needs,
as base64: ten months of five-minute candles fit into about a megabyte. `report.js` reads it back.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from quintet.core.errors import DefinitionError
from quintet.core.events import timeframe_ns
from quintet.research.activity import Activity, Span
from quintet.research.market_bars import ShownBars
from quintet.research.report_parts.figures import held_share
from quintet.research.report_parts.wording import decimals_of
from quintet.research.run_record import RunRecord
from quintet.research.swings import find_swings
from quintet.systems.structure_mm.config import NAME as STRUCTURE_MM
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES

MINUTE_NS: Final = 60_000_000_000
SECOND_NS: Final = 1_000_000_000
PPM: Final = 1_000_000
"""Gains and drawdowns travel as whole millionths."""

_LARGEST: Final = 2**30
_BYTES: Final = 5


def packed(values: Any) -> str:
    """Whole numbers below 2^30 as base64 of zigzag varints; raises DefinitionError for larger ones."""
    numbers = np.asarray(values, np.int64)
    if len(numbers) == 0:
        return ""
    if int(np.abs(numbers).max()) >= _LARGEST:
        raise DefinitionError(f"page data: found {int(np.abs(numbers).max())}, expected less than {_LARGEST}")
    folded = np.where(numbers < 0, -2 * numbers - 1, 2 * numbers)
    groups = (folded[:, None] >> (7 * np.arange(_BYTES))) & 0x7F
    used = np.maximum(1, np.array([(folded >> (7 * n) > 0) for n in range(_BYTES)]).sum(axis=0))
    follows = np.arange(_BYTES) < (used - 1)[:, None]
    octets = (groups | np.where(follows, 0x80, 0)).astype(np.uint8)
    return base64.b64encode(octets[np.arange(_BYTES) < used[:, None]].tobytes()).decode()


def differences(values: Any) -> str:
    """A column by its first value and what is added from each to the next."""
    return packed(np.diff(np.asarray(values, np.int64), prepend=0))


def page_data(record: RunRecord, activity: Activity | None, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """All columns. Times are minutes since `start_s` (fills, and marks on order books: seconds); prices increments."""
    instrument = record.instrument
    first_ns = int(record.equity["ts_ns"][0])
    clock = Clock(first_ns - first_ns % MINUTE_NS)
    data = {
        "start_s": clock.start_ns // SECOND_NS,
        "bar_minutes": timeframe_ns(record.structure) // MINUTE_NS,
        "unit": float(instrument.price_increment),
        "decimals": decimals_of(instrument.price_increment),
        "lot": float(instrument.lot_size),
        "base": instrument.base_asset,
        "headline": record.interval["headline_policy"],
        "marks": _marks(record, clock),
        "fills": _fills(record.fills, clock),
    }
    bars = record.bars.get(record.structure)
    if bars is not None and len(bars.end_ns):
        data["bars"] = _bars(bars, clock)
    if activity is not None:
        data |= _doings(activity, clock)
        if bars is not None and record.system == STRUCTURE_MM:
            data["swings"] = _swings(bars, manifest["config"], clock)
            data["breaks"] = _breaks(activity, bars, clock)
            data["fields"] = _fields(activity, manifest["config"], clock)
    return data


class Clock:
    """Moments as minutes or seconds since the first mark."""

    def __init__(self, start_ns: int) -> None:
        self.start_ns = start_ns

    def minutes(self, ts_ns: Any) -> Any:
        """Rounded up: what was known at a close stands at that close."""
        return -((self.start_ns - np.asarray(ts_ns, np.int64)) // MINUTE_NS)

    def seconds(self, ts_ns: Any) -> Any:
        """Rounded down."""
        return (np.asarray(ts_ns, np.int64) - self.start_ns) // SECOND_NS


def _marks(record: RunRecord, clock: Clock) -> dict[str, Any]:
    equity = record.equity
    gains = {policy: np.rint(record.gains(policy) * PPM) for policy in record.interval["policies"]}
    share = held_share(equity, record.instrument)
    is_book = record.ticks is not None
    return {
        "seconds": is_book,
        "time": differences(clock.seconds(equity["ts_ns"]) if is_book else clock.minutes(equity["ts_ns"])),
        "gain": {policy: differences(gain) for policy, gain in gains.items()},
        "price": differences(equity["price_ticks"]),
        "drawdown": differences(np.rint(np.asarray(equity["drawdown_frac"]) * PPM)),
        "share": differences(np.rint(share * PPM)),
    }


def _bars(bars: ShownBars, clock: Clock) -> dict[str, Any]:
    upper, lower = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    return {
        "time": differences(clock.minutes(bars.end_ns)),
        "close": differences(bars.close),
        "body": packed(bars.close - bars.open),
        "above": packed(bars.high - upper),
        "below": packed(lower - bars.low),
    }


def _fills(fills: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    return {
        "time": differences(clock.seconds(fills["ts_event_ns"])),
        "side": packed(np.where(np.asarray(fills["side"]) == "buy", 1, -1)),
        "price": differences(fills["price_ticks"]),
        "lots": packed(fills["lots"]),
    }


def _doings(activity: Activity, clock: Clock) -> dict[str, Any]:
    return {
        "states": _spans(activity.states, STATE_NAMES, clock),
        "policies": _spans(activity.policies, POLICY_NAMES, clock),
        "episodes": [
            [each.number, int(clock.minutes(each.entered_ns)), int(clock.minutes(each.ended_ns))]
            for each in activity.episodes
        ],
        "stops": _stops(activity, clock),
        "kills": [int(clock.minutes(ts)) for ts in activity.kills_ns],
    }


def _spans(spans: tuple[Span, ...], names: tuple[str, ...], clock: Clock) -> dict[str, Any]:
    """Where each begins; it lasts until the next."""
    return {
        "names": names,
        "time": differences([int(clock.minutes(span.first_ns)) for span in spans]),
        "which": packed([names.index(span.name) for span in spans]),
    }


def _stops(activity: Activity, clock: Clock) -> list[list[int]]:
    """From, until, price of each hard stop; it lasts until it is raised or its episode ends."""
    lines = []
    for episode in activity.episodes:
        own = [stop for stop in activity.stops if episode.entered_ns <= stop.ts_ns < episode.ended_ns]
        ends = [*(stop.ts_ns for stop in own[1:]), episode.ended_ns]
        for stop, until in zip(own, ends, strict=bool(own)):
            lines.append([int(clock.minutes(stop.ts_ns)), int(clock.minutes(until)), stop.price])
    return lines


def _swings(bars: ShownBars, config: Mapping[str, Any], clock: Clock) -> list[list[Any]]:
    """Time of the swing's own bar, price, 1 for a high, label."""
    times = clock.minutes(bars.end_ns)
    parameters = config.get("system", {}).get(STRUCTURE_MM)
    if parameters is None:
        return []
    return [[int(times[each.bar]), each.price, int(each.is_high), each.label] for each in find_swings(bars, parameters)]


def _breaks(activity: Activity, bars: ShownBars, clock: Clock) -> list[list[int]]:
    """Upward breaks: the bar whose high was broken, the bar that broke it, the level, 1 when confirmed."""
    highs: dict[int, list[int]] = {}
    for bar, high in enumerate(bars.high.tolist()):
        highs.setdefault(high, []).append(bar)
    times = clock.minutes(bars.end_ns)
    lines = []
    for each in activity.breaks:
        if each.name not in ("bos_confirmed", "bos_potential"):
            continue
        until = int(np.searchsorted(bars.end_ns, each.ts_ns))
        before = [bar for bar in highs.get(each.level, []) if bar < until]
        if before and until < len(times):
            confirmed = int(each.name == "bos_confirmed")
            lines.append([int(times[before[-1]]), int(times[until]), each.level, confirmed])
    return lines


def _fields(activity: Activity, config: Mapping[str, Any], clock: Clock) -> list[list[int]]:
    """Where a pullback may turn: from, until, upper and lower edge."""
    parameters = config.get("system", {}).get(STRUCTURE_MM)
    if parameters is None:
        return []
    shallow, deep = float(parameters["pullback_min_frac"]), float(parameters["pullback_max_frac"])
    return [
        [
            int(clock.minutes(leg.first_ns)),
            int(clock.minutes(leg.last_ns)),
            round(leg.top - shallow * (leg.top - leg.origin)),
            round(leg.top - deep * (leg.top - leg.origin)),
        ]
        for leg in activity.legs
    ]
