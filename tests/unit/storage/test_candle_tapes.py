"""Bars on a tape: known at their close, the shorter timeframe first, holes named."""

import time

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.events import MINUTE_NS, TIMEFRAME_NUMBER
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars
from quintet.core.tape import memory_tape
from quintet.storage.candle_sources import MarketBars, from_bars
from quintet.storage.candle_tapes import build_tape, market_rows

NOON = 1_767_268_800 * 1_000_000_000


def minutes(opens: list[int]) -> Bars:
    m = np.array(opens, np.int64)
    price = 300_000 + m
    return Bars("1m", NOON + m * MINUTE_NS, price, price + 5, price - 5, price + 2, 100 + m, 0 * m)


def order(rows: np.ndarray) -> list[tuple[float, str]]:
    """What became known at which minute after noon: one entry a message."""
    names = {number: name for name, number in TIMEFRAME_NUMBER.items()}
    last = rows[(rows["bits"] & ev.LAST) == 1]
    return [
        (
            (int(row["ts_recv"]) - NOON) / MINUTE_NS,
            ("gap " if row["kind"] == ev.FEED_GAP else "") + names[row["bits"] >> 1],
        )
        for row in last
    ]


@pytest.mark.req("S-47")
def test_a_structure_bar_is_seen_at_its_close_after_the_minutes_inside_it() -> None:
    market = from_bars({"1m": minutes(list(range(10)))}, "5m", "1m")
    assert order(market_rows(market)) == [
        *((n, "1m") for n in (1, 2, 3, 4, 5)),
        (5, "5m"),
        *((n, "1m") for n in (6, 7, 8, 9, 10)),
        (10, "5m"),
    ]


def test_a_hole_is_named_with_its_size_before_the_bar_that_shows_it() -> None:
    bars = minutes([0, 1, 4, 5])
    rows = market_rows(MarketBars(bars, None, ()))
    assert order(rows) == [(1, "1m"), (2, "1m"), (5, "gap 1m"), (5, "1m"), (6, "1m")]
    gap = rows[rows["kind"] == ev.FEED_GAP][0]
    assert (gap["quantity"], (gap["ts_event"] - NOON) // MINUTE_NS) == (2, 4)


def test_a_hole_in_the_minutes_is_a_hole_in_the_structure_bars_too() -> None:
    market = from_bars({"1m": minutes([n for n in range(20) if n != 7])}, "5m", "1m")
    seen = [entry for entry in order(market_rows(market)) if entry[1] != "1m"]
    assert seen == [(5, "5m"), (9, "gap 1m"), (15, "gap 5m"), (15, "5m"), (20, "5m")]


def test_rows_of_a_bar_stay_together_and_pass_the_laws_of_a_tape() -> None:
    market = from_bars({"1m": minutes([n for n in range(60) if n % 17])}, "5m", "1m")
    meta, rows = build_tape(
        market, DEFAULT_SPOT, synthetic=True, created_ns=NOON, tool_version="0", notes={"seed": "1"}
    )
    tape = memory_tape(rows, (), meta)
    assert tape.instruments == [DEFAULT_SPOT]
    assert rows[0]["kind"] == ev.INSTRUMENT
    assert tape.meta.synthetic
    assert tape.meta.notes["seed"] == "1"


def test_two_hundred_thousand_minutes_become_a_tape_in_well_under_a_second() -> None:
    market = from_bars({"1m": minutes(list(range(200_000)))}, "5m", "1m")
    begun = time.process_time()
    rows = market_rows(market)
    assert time.process_time() - begun < 1.0
    assert int(np.count_nonzero(rows["bits"] & ev.LAST)) == 240_000
