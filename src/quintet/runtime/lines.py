"""What a desk lives through, as lines for people: when, what kind, and a sentence."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from quintet.core.events import BAR_OPEN, CANCEL, HIGH_SHIFT, LOW_MASK, PLACE, TIMEFRAMES
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.risk import breaker
from quintet.core.row_laws import Rows
from quintet.runtime.session import Happened

CANDLE: Final = "candle"
FILL: Final = "fill"
ORDER: Final = "order"
ON: Final = "mm_on"
"""A system begins to quote."""

_TIMEFRAME_NAMES: Final = dict(enumerate(TIMEFRAMES, start=1))


class Line(NamedTuple):
    """One thing that happened. `ts_ns`: our clock, ns UTC."""

    ts_ns: int
    kind: str
    text: str


class Words(NamedTuple):
    """How a system's notes are put into words."""

    kind: Callable[[int], str]
    explain: Callable[[Any, Instrument], str]
    is_on: Callable[[Any], bool]
    """True for the note that says that the system begins to quote."""


def lines_of(happened: Happened, instrument: Instrument, words: Words, simulated: bool = True) -> Iterator[Line]:
    """The lines of one message: fills on the way to it, the candle, then what was noted of it, in order of time.

    `simulated`: no order leaves, and the lines of fills say so.
    """
    fills = [_fill_line(fill, instrument, simulated) for fill in happened.fills]
    notes = [line for note in happened.notes for line in _note_lines(note, instrument, words)]
    candles = list(_candle_lines(happened.rows, instrument))
    yield from sorted([*candles, *fills, *notes], key=lambda line: line.ts_ns)


def _candle_lines(rows: Rows, instrument: Instrument) -> Iterator[Line]:
    for n, row in enumerate(rows):
        if int(row["kind"]) != BAR_OPEN:
            continue
        packed = int(rows[n + 1]["quantity"])
        prices = (int(row["price"]), packed >> HIGH_SHIFT, packed & LOW_MASK, int(rows[n + 1]["price"]))
        first, high, low, close = (f"{instrument.price(ticks):f}" for ticks in prices)
        timeframe = _TIMEFRAME_NAMES[int(row["bits"]) >> 1]
        volume = f"{instrument.quantity(int(row['quantity'])):f}"
        text = (
            f"{instrument.symbol} {timeframe} to {clock_text(int(row['ts_event']))}: open {first} high {high} low {low}"
        )
        yield Line(int(row["ts_recv"]), CANDLE, f"{text} close {close} volume {volume}")


def order_lines(commands: Any, instrument: Instrument) -> Iterator[Line]:
    """What was decided, one line for each command."""
    for row in commands:
        kind, price, lots = int(row["kind"]), int(row["price"]), int(row["lots"])
        side = "buy" if row["side"] > 0 else "sell"
        what = f"{side} {instrument.quantity(lots):f} {instrument.base_asset}"
        at = f" at {instrument.price(price):f}" if price else ""
        if kind == PLACE:
            yield Line(int(row["ts"]), ORDER, f"{what}{at}, {STYLE_NAMES[int(row['style'])]}")
        else:
            yield Line(int(row["ts"]), ORDER, f"{'cancel' if kind == CANCEL else 'amend to'}: {what}{at}")


def _fill_line(fill: Any, instrument: Instrument, simulated: bool) -> Line:
    side = "bought" if fill["side"] > 0 else "sold"
    price, lots = instrument.price(int(fill["price"])), instrument.quantity(int(fill["lots"]))
    how = "maker" if fill["maker"] else "taker"
    return Line(
        int(fill["ts_recv"]),
        FILL,
        f"{side} {lots:f} {instrument.base_asset} at {price:f}, {how}{', simulated' if simulated else ''}",
    )


def _note_lines(note: Any, instrument: Instrument, words: Words) -> Iterator[Line]:
    ts, code = int(note["ts"]), int(note["code"])
    if code >= breaker.DESK_NOTES:
        yield Line(ts, breaker.NOTE_NAMES[code], breaker.explain(note))
        return
    yield Line(ts, words.kind(code), words.explain(note, instrument))
    if words.is_on(note):
        yield Line(ts, ON, "market making is switched on")


def clock_text(ts_ns: int) -> str:
    """`2026-01-01T12:05:00Z`, with milliseconds when there are any."""
    moment = datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC)
    milliseconds = ts_ns // 1_000_000 % 1_000
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{milliseconds:03d}Z" if milliseconds else "Z")
