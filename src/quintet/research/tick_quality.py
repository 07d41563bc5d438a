"""What a maker's quotes and fills were worth on an order book, measured against the exchange's own mid.

    presence    looked at once in every length of a mark, at a drawn moment: was there a bid of ours, an ask, both, and
                how far from the best price of its side?
    queue       of each maker fill: lots before our order when it joined its level, and when it was reached by the trade
                that filled it
    markouts    per maker fill, from our side: what it earned against the mid just before it; how far the mid then moved
                against it by each horizon (adverse selection); and what of the earned is left. Means with 95 %
                intervals, fills of one span of a minute (ten horizons, where that is longer) counted as alike
    split       the net result: earned by maker fills against the mid before them, less what the mid moved against them
                within ten seconds, less what taker fills paid against the mid, less fees and funding; what the price
                did to the position in all other time is the rest, so the parts sum to the net result to the quantum
    distances   resting orders by how far behind the best price of their side they were decided, and what was filled
    inventory   half-life: in how long a deviation of the position from its mean halves, by the correlation between
                neighbouring marks; absent where they are not correlated

A horizon that lies after the end of the tape is not measured; in the split the last mid stands for it. Where a side of
the book is empty there is no mid, and a fill without one is left to the rest.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.events import PLACE
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import LIMIT, POST_ONLY
from quintet.core.tape import Tape
from quintet.research.fill_quality import clustered_error
from quintet.research.metrics import Named
from quintet.research.tick_touch import touches_at

MS_NS: Final = 1_000_000
HORIZONS_MS: Final = (100, 1_000, 5_000, 10_000, 60_000)
SPLIT_MS: Final = 10_000
MINUTE_NS: Final = 60_000 * MS_NS
WITHIN_BP: Final = (0.0, 1.0, 2.0, 5.0, 10.0)
EDGES_BP: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Where bins of distance begin; before the first lie orders that are better than the touch."""

QUANTILES: Final = (0.10, 0.50, 0.90)

NAMES: Final[Mapping[str, Named]] = {
    "maker_share_frac": Named("Maker Share", "frac", "lots filled while resting over all lots filled"),
    "both_quoted_frac": Named("Quote Presence", "frac", "share of looks with a bid and an ask of ours at the exchange"),
    "both_at_best_frac": Named("At the Touch", "frac", "the same, both of them at the best price of their side"),
    "lots_ahead_joined_median": Named("Queue, Joined", "lots", "lots before us when we joined, median of maker fills"),
    "lots_ahead_filled_median": Named("Queue, Reached", "lots", "the same when the trade came that filled us"),
    "earned_bp": Named("Effective Half-spread", "bp", "mean that maker fills earned against the mid just before"),
    "adverse_1s_bp": Named("Adverse Selection, 1 s", "bp", "mean move of the mid after maker fills, + for us"),
    "adverse_10s_bp": Named("Adverse Selection, 10 s", "bp", "the same after ten seconds"),
    "left_10s_bp": Named("Realised Half-spread, 10 s", "bp", "earned plus adverse selection, before fees"),
    "inventory_half_life_s": Named("Inventory Half-life", "s", "in which a deviation of the position halves"),
}
"""What runs on order books add to the figures of `research.metrics`."""


class TickRun(NamedTuple):
    """What is measured: rows as a run leaves them, `looks` of LOOK, result, fees and funding paid in quanta, the book's
    window.
    """

    commands: Any
    fills: Any
    samples: Any
    looks: Any
    net_quanta: int
    fees_quanta: int
    funding_quanta: int
    window: tuple[int, int]
    mark_s: int


def tick_quality(tape: Tape, instrument: Instrument, run: TickRun) -> dict[str, Any]:
    """Every figure as plain values, for `metrics.json` and the report; None where there is no number."""
    fills, orders = run.fills, _resting_orders(run.commands)
    happened = np.asarray(fills["ts_event"], np.int64)
    moments = [happened - 1, *(happened + ms * MS_NS for ms in HORIZONS_MS), np.asarray(orders["ts"], np.int64)]
    found = touches_at(tape, run.window, np.concatenate(moments))
    ends = np.cumsum([len(each) for each in moments])[:-1]
    mids = np.split(found.twice_mid, ends)
    decided = np.split(found.bid, ends)[-1], np.split(found.ask, ends)[-1]
    measured = _Fills(fills, mids[0], dict(zip(HORIZONS_MS, mids[1:-1], strict=True)), tape.census.last_ns)
    unit = float(instrument.quote_quantum) * instrument.quanta_per_tick_lot
    maker = measured.maker
    maker_lots, lots = int(measured.lots[maker].sum()), int(measured.lots.sum())
    return {
        "mark_s": run.mark_s,
        "maker_fills": int(maker.sum()),
        "taker_fills": int((~maker).sum()),
        "maker_share_frac": maker_lots / lots if lots else None,
        "presence": presence(run.looks),
        "queue": queue(fills[maker]),
        "earned": measured.earned(),
        "markouts": [measured.markout(ms, unit) for ms in HORIZONS_MS],
        "split": measured.split(run, instrument.quanta_per_tick_lot),
        "distances": distances(orders, fills, *decided),
        "inventory": inventory(run.samples, run.mark_s),
    }


def maker_figures(tape: Tape, number: int, fills: Any, window: tuple[int, int]) -> dict[str, float | None]:
    """Of one instrument's fills alone: earned against its mid, and how far that moved in ten seconds, mean bp."""
    happened = np.asarray(fills["ts_event"], np.int64)
    found = touches_at(tape, window, np.concatenate([happened - 1, happened + SPLIT_MS * MS_NS]), number)
    before, after = np.split(found.twice_mid, 2)
    measured = _Fills(fills, before, {SPLIT_MS: after}, tape.census.last_ns)
    return {
        "earned_bp": measured.earned()["mean_bp"],
        "adverse_10s_bp": measured.markout(SPLIT_MS, 0.0)["moved"]["mean_bp"],
    }


def tick_figures(found: Mapping[str, Any]) -> dict[str, float]:
    """The few that stand among the figures of a run, under the keys of `NAMES`; what is unknown is absent."""
    if not found:
        return {}
    horizons = {each["ms"]: each for each in found["markouts"]}
    rows = found["presence"]["rows"]
    values = {
        "maker_share_frac": found["maker_share_frac"],
        "both_quoted_frac": rows[0]["both_frac"] if rows else None,
        "both_at_best_frac": rows[-1]["both_frac"] if rows else None,
        "lots_ahead_joined_median": found["queue"]["joined"]["median"],
        "lots_ahead_filled_median": found["queue"]["ahead"]["median"],
        "earned_bp": found["earned"]["mean_bp"],
        "adverse_1s_bp": horizons[1_000]["moved"]["mean_bp"],
        "adverse_10s_bp": horizons[10_000]["moved"]["mean_bp"],
        "left_10s_bp": horizons[10_000]["left"]["mean_bp"],
        "inventory_half_life_s": found["inventory"]["half_life_s"],
    }
    return {name: value for name, value in values.items() if value is not None}


# ---- fills -------------------------------------------------------------------------------------------------------


class _Fills:
    """Fills beside the mids before and after them; prices doubled, so that a mid is whole."""

    def __init__(self, fills: Any, before: Any, after: Mapping[int, Any], last_ns: int) -> None:
        self.happened = np.asarray(fills["ts_event"], np.int64)
        self.side = np.asarray(fills["side"], np.int64)
        self.lots = np.asarray(fills["lots"], np.int64)
        self.twice = 2 * np.asarray(fills["price"], np.int64)
        self.maker = np.asarray(fills["maker"]) != 0
        self.before, self.after, self.last_ns = before, after, last_ns
        self.known = before > 0

    def earned(self) -> dict[str, Any]:
        """Mean of what maker fills earned against the mid before them: half of the effective spread."""
        chosen = self.maker & self.known
        return _mean(self._bp(self.before - self.twice, chosen), self.happened[chosen], MINUTE_NS)

    def markout(self, ms: int, unit: float) -> dict[str, Any]:
        """At one horizon: how far the mid moved against us, and what was left, in bp and in the quote asset."""
        after = self.after[ms]
        chosen = self.maker & self.known & (after > 0) & (self.happened + ms * MS_NS <= self.last_ns)
        span, when = max(MINUTE_NS, 10 * ms * MS_NS), self.happened[chosen]
        moved = _mean(self._bp(after - self.before, chosen), when, span)
        left = _mean(self._bp(after - self.twice, chosen), when, span)
        money = (self.side * (after - self.twice) * self.lots)[chosen].sum() * unit / 2
        return {"ms": ms, "fills": int(chosen.sum()), "moved": moved, "left": left, "left_quote": float(money)}

    def _bp(self, moved: Any, chosen: Any) -> Any:
        return (self.side * moved)[chosen] / self.twice[chosen] * 10_000.0

    def split(self, run: TickRun, unit: int) -> dict[str, int]:
        """Quote quanta; the parts sum to `net`."""
        after = self.after[SPLIT_MS]
        edge = self._quanta(self.before - self.twice, self.known & self.maker, unit)
        taken = self._quanta(self.before - self.twice, self.known & ~self.maker, unit)
        moved = self._quanta(after - self.before, self.known & self.maker & (after > 0), unit)
        rest = run.net_quanta - edge - taken - moved + run.fees_quanta + run.funding_quanta
        return {
            "spread": edge,
            "adverse": moved,
            "taken": taken,
            "inventory": rest,
            "fees": -run.fees_quanta,
            "funding": -run.funding_quanta,
            "net": run.net_quanta,
        }

    def _quanta(self, moved: Any, chosen: Any, unit: int) -> int:
        twice: int = sum((self.side * moved * self.lots)[chosen].tolist())
        return twice * unit // 2


def _mean(values: Any, moments: Any, span_ns: int) -> dict[str, float | None]:
    """Mean and half of its 95 % interval; None without values, or where all lie within one span."""
    if len(values) == 0:
        return {"mean_bp": None, "error_bp": None}
    return {"mean_bp": float(values.mean()), "error_bp": clustered_error(values, moments, span_ns)}


def queue(fills: Any) -> dict[str, Any]:
    """Lots before us when we joined and when the trade came that filled us: quantiles over maker fills."""

    def shown(name: str) -> dict[str, float | None]:
        values = np.asarray(fills[name], np.float64)
        quantiles = np.quantile(values, QUANTILES).tolist() if len(values) else [None] * len(QUANTILES)
        return dict(zip(("low", "median", "high"), quantiles, strict=True))

    first = float((np.asarray(fills["ahead_joined"]) == 0).mean()) if len(fills) else None
    return {"joined": shown("ahead_joined"), "ahead": shown("ahead_reached"), "first_frac": first}


# ---- quotes ------------------------------------------------------------------------------------------------------


def presence(looks: Any) -> dict[str, Any]:
    """Shares of the looks at which there were quotes of ours: at all, and within some bp of the best price."""
    count = len(looks)
    if count == 0:
        return {"looks": 0, "rows": []}
    bid, ask = (np.asarray(looks[name], np.float64) for name in ("bid", "ask"))
    own_bid, own_ask = (np.asarray(looks[name], np.float64) for name in ("own_bid", "own_ask"))
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where((own_bid > 0) & (bid > 0), (bid - own_bid) / bid * 10_000.0, np.inf)
        above = np.where((own_ask > 0) & (ask > 0), (own_ask - ask) / ask * 10_000.0, np.inf)
    rows = [_present(None, own_bid > 0, own_ask > 0)]
    return {"looks": count, "rows": rows + [_present(bp, below <= bp, above <= bp) for bp in reversed(WITHIN_BP)]}


def _present(within_bp: float | None, bid: Any, ask: Any) -> dict[str, Any]:
    shares = {"bid_frac": bid, "ask_frac": ask, "both_frac": bid & ask}
    return {"within_bp": within_bp, **{name: float(each.mean()) for name, each in shares.items()}}


def _resting_orders(commands: Any) -> Any:
    rests = (commands["style"] == POST_ONLY) | (commands["style"] == LIMIT)
    return commands[(commands["kind"] == PLACE) & rests]


def distances(orders: Any, fills: Any, bid: Any, ask: Any) -> list[dict[str, Any]]:
    """Resting orders by distance: how many, how many were filled at least in part, and the share of lots filled."""
    side, price = np.asarray(orders["side"]), np.asarray(orders["price"], np.float64)
    best = np.where(side > 0, bid, ask).astype(np.float64)
    known = best > 0
    away = side[known] * (best[known] - price[known]) / best[known] * 10_000.0
    lots = np.asarray(orders["lots"], np.int64)[known]
    filled = _filled(np.asarray(orders["number"], np.int64)[known], fills)
    bins = np.searchsorted(EDGES_BP, away, side="right")
    rows = []
    for n in np.unique(bins).tolist():
        own = bins == n
        rows.append(
            {
                "low_bp": EDGES_BP[n - 1] if n > 0 else None,
                "high_bp": EDGES_BP[n] if n < len(EDGES_BP) else None,
                "orders": int(own.sum()),
                "reached": int((filled[own] > 0).sum()),
                "filled_frac": float(filled[own].sum() / lots[own].sum()),
            }
        )
    return rows


def _filled(numbers: Any, fills: Any) -> Any:
    """Lots filled of each order; numbers of orders rise."""
    sums = np.zeros(len(numbers) + 1, np.int64)
    own = np.asarray(fills["number"], np.int64)
    at = np.searchsorted(numbers, own)
    at[(at == len(numbers)) | (np.append(numbers, -1)[at] != own)] = len(numbers)
    np.add.at(sums, at, np.asarray(fills["lots"], np.int64))
    return sums[:-1]


# ---- inventory ---------------------------------------------------------------------------------------------------


def inventory(samples: Any, mark_s: int) -> dict[str, Any]:
    """The position at the marks, in lots."""
    lots = np.asarray(samples["lots"], np.float64)
    if len(lots) == 0:
        return {"half_life_s": None, "mean_lots": None, "most_lots": None, "flat_frac": None}
    return {
        "half_life_s": half_life_s(lots, mark_s),
        "mean_lots": float(np.abs(lots).mean()),
        "most_lots": int(np.abs(lots).max()),
        "flat_frac": float((lots == 0).mean()),
    }


def half_life_s(lots: Any, mark_s: int) -> float | None:
    """Seconds in which a deviation from the mean halves; None where neighbouring marks are not correlated."""
    away = lots - lots.mean()
    spread = float((away[:-1] * away[:-1]).sum())
    if spread == 0.0:
        return None
    kept = float((away[:-1] * away[1:]).sum()) / spread
    return mark_s * math.log(0.5) / math.log(kept) if 0.0 < kept < 1.0 else None
