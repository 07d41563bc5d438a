"""The swings of a run's bars, found again by the feature that the system itself uses; for pictures only."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from quintet.core.kernel import kernel
from quintet.core.records import record, table
from quintet.features.structure import (
    HIGH_LABEL_NAMES,
    LOW_LABEL_NAMES,
    PIVOT_HIGH,
    PIVOT_LOW,
    STRUCTURE,
    start_structure,
    structure_update,
)
from quintet.features.volatility import ATR, atr_update, start_atr

MARK: Final = record(known="i8", bar="i8", price="i8", kind="i8", label="i8")
"""One swing: the bar at whose close it was known, its own bar, both counted from 0, and its price in increments."""


class Swing(NamedTuple):
    """A swing where it came to rest: its bar and the bar at whose close it was known, as numbers of the bars given.

    `label`: HH, LH, HL, LL, or empty for the first of its kind.
    """

    bar: int
    known_bar: int
    price: int
    is_high: bool
    label: str


def find_swings(bars: Any, parameters: Mapping[str, Any]) -> list[Swing]:
    """All of them, oldest first.

    `bars`: columns `high`, `low` and `close` in price increments; `parameters`: `[system.structure_mm]` as a manifest
    has it.
    """
    shape, average = table(STRUCTURE, 1), table(ATR, 1)
    start_structure(
        shape[0],
        left=int(parameters["pivot_left"]),
        right=int(parameters["pivot_right"]),
        swing_min_atr=float(parameters["swing_min_atr"]),
        break_buffer_atr=float(parameters["break_buffer_atr"]),
        potential_ttl_bars=int(parameters["bos_potential_ttl_bars"]),
    )
    start_atr(average[0], int(parameters["atr_n"]))
    marks = table(MARK, len(bars.close) + 1)
    count = trace_swings(shape[0], average[0], bars.high, bars.low, bars.close, marks)
    columns = (marks[name][:count].tolist() for name in ("bar", "known", "price", "kind", "label"))
    return [_swing(*mark) for mark in zip(*columns, strict=True)]


def _swing(bar: int, known_bar: int, price: int, kind: int, label: int) -> Swing:
    names = HIGH_LABEL_NAMES if kind == PIVOT_HIGH else LOW_LABEL_NAMES
    return Swing(bar, known_bar, price, kind == PIVOT_HIGH, names[label] if label else "")


@kernel
def trace_swings(shape: Any, average: Any, highs: Any, lows: Any, closes: Any, marks: Any) -> int:
    """Feed whole columns; write one MARK a swing and return how many. A swing that moves takes its mark along.

    `shape` a STRUCTURE record, `average` an ATR record, both at their start; room for one mark a bar.
    """
    count, high_at, low_at = 0, -1, -1
    high_bar, low_bar = -1, -1
    # A new swing adds one to the labels of its kind, one that moves only exchanges its own.
    labelled_highs, labelled_lows = 0, 0
    for i in range(closes.shape[0]):
        atr = atr_update(average, highs[i], lows[i], closes[i])
        structure_update(shape, highs[i], lows[i], closes[i], atr)
        if shape.swing_high_bar != high_bar:
            high_bar = shape.swing_high_bar
            if high_at < 0 or shape.n_hh + shape.n_lh > labelled_highs:
                high_at = count
                count += 1
            labelled_highs = shape.n_hh + shape.n_lh
            set_mark(marks[high_at], i, high_bar, shape.swing_high, PIVOT_HIGH, shape.swing_high_label)
        if shape.swing_low_bar != low_bar:
            low_bar = shape.swing_low_bar
            if low_at < 0 or shape.n_hl + shape.n_ll > labelled_lows:
                low_at = count
                count += 1
            labelled_lows = shape.n_hl + shape.n_ll
            set_mark(marks[low_at], i, low_bar, shape.swing_low, PIVOT_LOW, shape.swing_low_label)
    return count


@kernel
def set_mark(mark: Any, known: int, bar: int, price: int, kind: int, label: int) -> None:
    """Fill one MARK."""
    mark.known = known
    mark.bar = bar
    mark.price = price
    mark.kind = kind
    mark.label = label
