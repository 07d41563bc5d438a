"""Bars of a day or of eight hours as a market tape that can be traded: a book of one level a side that follows a path.

A bar says where a price was, not when. Within it the path is open, one extreme, the other, close, in thirds of its
length and in steps of at most one per cent; which extreme comes first is unknown, so a run is made of both orders and
the worse one counts. At each step the book stands half a spread on both sides of the price, and a trade is printed at
it, so a stop is filled at most one step and half a spread beyond its price. The first ten minutes of a bar stand at its
open.

Beside the books the tape has the bars of a day themselves (known at their end), mark price and rate of funding one
second before they are settled, and facts by name. A settlement without a recorded rate is a fact of its own: no data.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.errors import DataError
from quintet.core.events import ROW, SECOND_NS, TIMEFRAME_NUMBER
from quintet.core.instrument import Instrument
from quintet.core.tape import Tape, memory_tape, message_with_text
from quintet.research.daily_paths import LEAD_NS, count_steps, walk

DAY_NS: Final = 86_400 * SECOND_NS
STEP_E9: Final = 10_000_000

NO_RATE: Final = "no rate "
LOW_FIRST, HIGH_FIRST = 0, 1

BAR: Final = np.dtype([("start", "i8"), ("end", "i8"), ("open", "i8"), ("high", "i8"), ("low", "i8"), ("close", "i8")])
"""Times in ns UTC, prices in price increments."""


class MarketDays(NamedTuple):
    """One instrument: the bars whose path is traded, the whole days that are told, and its funding.

    `days` may begin before the first path. `rates`: time of settlement to rate in 1e-9, or None where none is recorded.
    """

    instrument: Instrument
    bars: Any
    days: Any
    rates: Mapping[int, int | None] = {}


class Told(NamedTuple):
    """Something that a tape tells beside prices: a day's bar, a rate, a fact; known from `recv_ns` on.

    `what`: bar, rate, no_rate, or the name of a fact; `values`: the bar's four prices, or one number in 1e-9.
    """

    recv_ns: int
    what: str
    instrument: int
    event_ns: int
    values: tuple[int, ...]


def daily_tape(
    markets: Sequence[MarketDays],
    facts: Sequence[tuple[int, str, int]] = (),
    *,
    half_spread_e9: int,
    first_extreme: int,
    name: str = "days",
) -> Tape:
    """The tape of some markets. `facts`: time, name, value in 1e-9. Raises DataError for bars that cannot be."""
    parts = []
    for n, market in enumerate(markets):
        parts += [_paths(n, market, half_spread_e9, first_extreme), _bars_told(n, market), *_funding(n, market)]
    parts += [message_with_text((ts, ts, value, 0, 0, ev.FACT, 0), text.encode()) for ts, text, value in facts]
    rows = np.concatenate([np.asarray(part, ROW) for part in parts if len(part)])
    return memory_tape(_in_order(rows), [market.instrument for market in markets], name=name)


def _in_order(rows: Any) -> Any:
    """Whole messages by the time at which they are known, then by instrument; text stays behind its row."""
    ends = rows["bits"] & ev.LAST != 0
    begins = np.flatnonzero(np.concatenate([[True], ends[:-1]]))
    message = np.cumsum(np.concatenate([[0], ends[:-1].astype(np.int64)]))
    heads = rows[begins]
    rank = np.empty(len(begins), np.int64)
    rank[np.lexsort((heads["instrument"], heads["ts_recv"]))] = np.arange(len(begins))
    return rows[np.argsort(rank[message], kind="stable")]


def told_by(tape: Tape) -> list[Told]:
    """Everything that a tape tells beside prices, in the order in which it is known."""
    rows = np.asarray(tape.rows)
    found: list[Told] = []
    for i in np.flatnonzero(np.isin(rows["kind"], (ev.BAR_OPEN, ev.FUNDING_RATE, ev.FACT))):
        row = rows[i]
        recv, event, n = int(row["ts_recv"]), int(row["ts_event"]), int(row["instrument"])
        if row["kind"] == ev.BAR_OPEN:
            close = rows[i + 1]
            extremes = int(close["quantity"])
            values = (int(row["price"]), extremes >> ev.HIGH_SHIFT, extremes & ev.LOW_MASK, int(close["price"]))
            found.append(Told(recv, "bar", n, event, values))
        elif row["kind"] == ev.FUNDING_RATE:
            found.append(Told(recv, "rate", n, event, (int(row["quantity"]),)))
        else:
            text = _text_after(rows, int(i))
            is_gap = text.startswith(NO_RATE)
            number = int(text.removeprefix(NO_RATE)) if is_gap else 0
            found.append(Told(recv, "no_rate" if is_gap else text, number, event, (int(row["quantity"]),)))
    return found


def _text_after(rows: Any, i: int) -> str:
    payload = bytearray()
    while True:
        i += 1
        payload += rows[i : i + 1].tobytes()[: int(rows[i]["bits"]) >> 1]
        if int(rows[i]["bits"]) & ev.LAST:
            return bytes(payload).decode()


def _paths(n: int, market: MarketDays, half_spread_e9: int, first_extreme: int) -> Any:
    bars = market.bars
    if not len(bars):
        return np.zeros(0, ROW)
    wrong = (
        (bars["low"] <= 0)
        | (bars["low"] > np.minimum(bars["open"], bars["close"]))
        | (bars["high"] < np.maximum(bars["open"], bars["close"]))
        | (bars["end"] - bars["start"] <= 3 * LEAD_NS)
    )
    wrong[1:] |= bars["start"][1:] < bars["end"][:-1]
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            f"{market.instrument.name}, bar {at}: found {tuple(map(int, bars[at]))}; expected a bar after the one "
            "before, longer than half an hour, with low and high around open and close"
        )
    columns = np.ascontiguousarray(np.stack([bars[name] for name in BAR.names or ()], axis=1).astype(np.int64))
    rows = np.zeros(int(count_steps(columns, STEP_E9)) * 5, ROW)
    plain = {name: np.zeros(len(rows), np.int64) for name in ("ts", "quantity", "price", "kind", "bits")}
    used = int(walk(columns, STEP_E9, half_spread_e9, first_extreme, *plain.values()))
    rows["ts_event"] = rows["ts_recv"] = plain["ts"]
    for name in ("quantity", "price", "kind", "bits"):
        rows[name] = plain[name]
    rows["instrument"] = n
    return rows[:used]


def _bars_told(n: int, market: MarketDays) -> Any:
    days = market.days
    rows = np.zeros(2 * len(days), ROW)
    for at, kind in ((0, ev.BAR_OPEN), (1, ev.BAR_CLOSE)):
        rows["ts_event"][at::2] = rows["ts_recv"][at::2] = days["end"]
        rows["kind"][at::2] = kind
        rows["bits"][at::2] = TIMEFRAME_NUMBER["1d"] << 1 | at
    rows["price"][0::2], rows["price"][1::2] = days["open"], days["close"]
    rows["quantity"][1::2] = days["high"] << ev.HIGH_SHIFT | days["low"]
    rows["instrument"] = n
    return rows


def _funding(n: int, market: MarketDays) -> list[Any]:
    """A second before each settlement: the mark price, the rate; where none is known, that nothing is paid and why."""
    if not market.rates:
        return []
    times = np.array(sorted(market.rates), np.int64)
    ends, closes = market.bars["end"], market.bars["close"]
    at = np.searchsorted(ends, times, side="right") - 1
    parts = []
    for ts, place in zip(times.tolist(), at.tolist(), strict=True):
        rate, stamp = market.rates[ts], ts - SECOND_NS
        # The bar that ends with the settlement has its close for a mark; inside a longer one its open is all we know.
        exact = place >= 0 and int(ends[place]) == ts
        mark = int(closes[place]) if exact else int(market.bars["open"][min(place + 1, len(market.bars) - 1)])
        rows = np.zeros(2, ROW)
        rows["ts_event"] = rows["ts_recv"] = stamp
        rows["kind"], rows["instrument"] = (ev.MARK_PRICE, ev.FUNDING_RATE), n
        rows["price"][0], rows["quantity"][1], rows["bits"][1] = mark, rate or 0, ev.LAST
        if rate is None:
            parts.append(message_with_text((stamp, stamp, 0, 0, 0, ev.FACT, 0), f"{NO_RATE}{n}".encode()))
        parts.append(rows)
    return parts
