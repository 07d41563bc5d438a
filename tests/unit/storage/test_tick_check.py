"""A tape of ticks walked once: each oddity is planted, found, counted and placed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import Tape, TapeMeta, memory_tape
from quintet.storage.tick_check import SLICES, STALE_NS, CheckedInstrument, check_tape

START = 1_700_000_000_000_000_000
MS = 1_000_000
META = TapeMeta(synthetic=True, created_ns=0, tool_version="test")

Message = tuple[int, Sequence[tuple[int, int, int]]]


def tape_of(*messages: Message, latency_ms: int = 5, meta: TapeMeta = META) -> Tape:
    """Messages at so many ms by our clock: kind, price and lots of each row."""
    rows = []
    for at, parts in messages:
        for n, (kind, price, lots) in enumerate(parts):
            times = START + (at - latency_ms) * MS, START + at * MS
            rows.append((*times, lots, price, 0, kind, ev.LAST if n + 1 == len(parts) else 0))
    return memory_tape(np.array(rows, ev.ROW), [DEFAULT_SPOT], meta)


def bid(price: int, lots: int = 1) -> tuple[int, int, int]:
    return (ev.BID_LEVEL, price, lots)


def ask(price: int, lots: int = 1) -> tuple[int, int, int]:
    return (ev.ASK_LEVEL, price, lots)


OPEN: Message = (0, [bid(100), ask(102)])


def checked(*messages: Message, **options: Any) -> CheckedInstrument:
    return check_tape(tape_of(*messages, **options)).instruments[0]


def found(each: CheckedInstrument, kind: str) -> Any:
    return next((finding for finding in each.findings if finding.kind == kind), None)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_sound_tape_has_nothing_to_tell() -> None:
    each = checked(OPEN, (10, [bid(101)]), (20, [(ev.TRADE_BUY, 102, 1)]), (30, [ask(102, 0), ask(103)]))

    assert each.findings == ()
    assert (each.messages, each.levels, each.trades, each.trades_judged) == (4, 5, 1, 1)
    assert each.mean_spread_ticks == pytest.approx((2 + 1 + 2) / 3)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_crossed_book_is_timed_until_the_message_that_ends_it() -> None:
    each = checked(OPEN, (10, [bid(103)]), (25, [bid(103, 0)]), (40, [bid(104)]), (50, [bid(99)]))

    assert (each.crossed_messages, each.crossed_ns) == (3, 25 * MS)
    assert found(each, "crossed book").wrong


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_book_that_is_crossed_inside_a_message_is_not_judged_there() -> None:
    each = checked(OPEN, (10, [bid(103), ask(102, 0), ask(104)]))

    assert each.crossed_messages == 0


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_locked_book_is_told_apart_from_a_crossed_one() -> None:
    each = checked(OPEN, (10, [bid(102)]), (17, [bid(102, 0)]))

    assert (each.crossed_messages, each.locked_messages, each.locked_ns) == (0, 1, 7 * MS)
    assert not found(each, "locked book").wrong


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_gap_and_a_cleared_book() -> None:
    clear = [(ev.FEED_GAP, 0, 3), (ev.BOOK_CLEAR, 0, 0)]
    each = checked(OPEN, (10, clear), (20, [ask(90)]), (30, [bid(89)]))

    assert each.gaps == 1
    assert each.crossed_messages == 0
    assert found(each, "sequence gap").first.startswith("position ")


@pytest.mark.jit_off
@pytest.mark.bounds
def test_trades_beyond_the_touch_are_a_share_of_those_with_a_book() -> None:
    each = checked(
        (0, [(ev.TRADE_BUY, 500, 1)]), (1, OPEN[1]),
        (10, [(ev.TRADE_BUY, 102, 1)]), (11, [(ev.TRADE_BUY, 103, 1)]),
        (12, [(ev.TRADE_SELL, 100, 1)]), (13, [(ev.TRADE_SELL, 99, 1)]),
    )  # fmt: skip

    assert (each.trades, each.trades_judged, each.trade_through_frac) == (5, 4, 0.5)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_silence_is_a_stale_period() -> None:
    long_ms = STALE_NS // MS + 500

    each = checked(OPEN, (100, [bid(99)]), (100 + long_ms, [bid(98)]))

    assert (each.stale_periods, each.stale_ns, each.longest_stale_ns) == (1, long_ms * MS, long_ms * MS)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_latency_below_zero_is_counted_and_placed() -> None:
    each = checked(OPEN, (10, [bid(99)]), latency_ms=-3)

    assert (each.negative_latencies, each.latency_min_ns, each.latency_max_ns) == (2, -3 * MS, -3 * MS)
    assert "position" in found(each, "negative latency").first


@pytest.mark.jit_off
@pytest.mark.bounds
def test_polled_best_prices_are_no_book_but_judge_trades() -> None:
    each = checked((0, [(ev.BEST_BID, 100, 0), (ev.BEST_ASK, 101, 0)]), (5, [(ev.TRADE_BUY, 104, 1)]))

    assert (each.levels, each.trades_judged, each.trade_through_frac) == (0, 1, 1.0)


def test_the_verdict_on_clocks_and_trading_comes_from_the_tape() -> None:
    notes = {"feed_latency": "clock skew: by 3 ms", "not_traded": "snapshots only"}
    tape = tape_of(OPEN, meta=TapeMeta(synthetic=True, created_ns=0, tool_version="test", notes=notes))

    found = check_tape(tape)

    assert (found.latency, found.not_traded, found.wrong) == ("clock skew: by 3 ms", "snapshots only", False)


@pytest.mark.bounds
def test_every_message_is_in_one_slice_of_time() -> None:
    messages: list[Message] = [OPEN, *((n * 37, [bid(99, n)]) for n in range(1, 3000))]

    found = check_tape(tape_of(*messages))

    [slices] = found.slices
    assert len(slices) == SLICES
    assert int(slices.messages.sum()) == found.instruments[0].messages == 3000


@pytest.mark.bounds
def test_chunks_do_not_show() -> None:
    """Rows enough for several chunks, in messages of three: the same totals as counted here."""
    messages: list[Message] = [
        (n, [bid(1000 - n % 50, n % 3), ask(1001 + n % 40, n % 4), (ev.TRADE_SELL, 1000, 1)]) for n in range(9000)
    ]

    each = checked(*messages)

    assert (each.messages, each.levels, each.trades) == (9000, 18000, 9000)
