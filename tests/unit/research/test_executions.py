"""Figures of execution, by hand: a small tape, notes and fills whose cost can be added up on paper."""

from typing import Any

import numpy as np
import pytest

from quintet.core.events import TRADE_BUY, TRADE_SELL
from quintet.core.execution.journal import BEGAN, GREW, OVER
from quintet.core.execution.parent import BOUNDED, DONE, LADDER, MAKER, SHORT
from quintet.core.state import NOTE
from quintet.research.executions import executions_of, told_executions
from tests.tick_makers import SECOND, START, book, tape_of

FILL = np.dtype(
    [(name, "<i8") for name in ("position", "ts_recv", "tag", "instrument", "side", "price", "lots", "maker")]
)


def notes_of(*rows: tuple[float, int, int, int, int, int, int]) -> Any:
    """Seconds, position, code, and its four numbers."""
    made = np.zeros(len(rows), NOTE)
    for row, (seconds, position, code, *numbers) in zip(made, rows, strict=True):
        row["ts"], row["position"], row["code"] = START + round(seconds * SECOND), position, code
        row["a"], row["b"], row["c"], row["d"] = numbers
    return made


def fills_of(*rows: tuple[int, float, int, int, int, int, int]) -> Any:
    """Position, seconds, tag, side, price, lots, maker."""
    made = [
        (p, START + round(s * SECOND), tag, 0, side, price, lots, maker) for p, s, tag, side, price, lots, maker in rows
    ]
    return np.array(made, FILL)


MARKET = [(n, [*book(9_999, 10_001), (TRADE_BUY if n % 2 else TRADE_SELL, 10_000, 50)]) for n in range(11)]


def test_shortfall_participation_time_and_maker_share_add_up_by_hand():
    notes = notes_of(
        (1.0, 100, BEGAN + MAKER, 1, 0, 40, 20_000),
        (5.0, 200, OVER + MAKER, 1, 0, 30, SHORT),
        (5.0, 201, BEGAN + MAKER, 1, 0, -10, 20_020),
        (6.0, 300, OVER + MAKER, 1, 0, 10, DONE),
    )
    fills = fills_of(
        (90, 0.5, 1, 1, 9_000, 7, 1),  # before it began
        (120, 2.0, 1, 1, 9_990, 20, 1),
        (130, 3.0, 1, 1, 10_020, 10, 0),
        (140, 3.0, 2, 1, 9_000, 10, 0),  # of another tag
        (150, 4.0, 1, -1, 9_000, 10, 0),  # closed again: not what was asked for
        (250, 5.5, 1, -1, 10_000, 10, 1),
    )
    [row] = told_executions(tape_of(MARKET), notes, fills, "1m")
    # 20 lots 10 below the mid, 10 lots 20 above it, and 10 sold 10 below theirs: -200 + 200 + 100 over 400,100
    assert row["shortfall_bp"] == pytest.approx(100 / (30 * 10_000 + 10 * 10_010) * 10_000)
    assert (row["algorithm"], row["orders"], row["done"]) == ("maker", 2, 1)
    assert row["filled_frac"] == 40 / 50
    assert row["maker_share_frac"] == 30 / 40
    assert row["participation_frac"] == 40 / (4 * 50 + 50)  # trades at 2, 3, 4, 5 s, and at 6 s
    assert row["fill_s"] == pytest.approx((2.0 + 0.5) / 2)


def test_a_ladder_has_its_tags_and_no_shortfall():
    notes = notes_of((1.0, 100, BEGAN + LADDER, 8, 0, -50, 20_000), (3.0, 200, OVER + LADDER, 8, 0, 50, DONE))
    fills = fills_of(
        (110, 2.0, 10, -1, 10_050, 20, 1), (120, 2.5, 8, -1, 9_950, 30, 0), (130, 2.6, 16, -1, 9_950, 1, 0)
    )
    [row] = told_executions(tape_of(MARKET), notes, fills, "1m")
    assert (row["algorithm"], row["shortfall_bp"], row["filled_frac"]) == ("ladder", None, 1.0)
    assert row["maker_share_frac"] == 20 / 50


def test_a_ladder_that_grew_is_measured_by_all_of_it():
    rows = (1.0, 100, BEGAN + LADDER, 8, 0, -20, 20_000), (1.5, 105, GREW + LADDER, 8, 0, 50, 0)
    fills = fills_of((110, 2.0, 10, -1, 10_050, 25, 1))
    [row] = told_executions(tape_of(MARKET), notes_of(*rows), fills, "1m")
    assert row["filled_frac"] == 25 / 50


def test_what_never_filled_has_no_figures_and_no_tape_no_participation():
    notes = notes_of((1.0, 100, BEGAN + BOUNDED, 1, 0, 40, 20_000), (1.5, 101, OVER + BOUNDED, 1, 0, 0, SHORT))
    [row] = told_executions(tape_of(MARKET), notes, fills_of(), "1m")
    assert row["filled_frac"] == 0.0
    assert [row[name] for name in ("shortfall_bp", "participation_frac", "fill_s", "maker_share_frac")] == [None] * 4


def test_one_that_the_run_ended_before_is_counted_and_not_done():
    [one] = executions_of(notes_of((1.0, 100, BEGAN + MAKER, 1, 0, 40, 20_000)), START)
    assert (one.phase, one.over_ns, one.over) == (-1, START, 2**62)


def test_without_executions_there_is_no_table():
    assert told_executions(tape_of(MARKET), notes_of((1.0, 5, 3, 0, 0, 0, 0)), fills_of(), "1m") == []
