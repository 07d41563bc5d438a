"""A desk that listens is told what its slow twin is told, in the same order, and is shown the same levels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.state import (
    ASK,
    BID,
    NO_ASK,
    NO_BID,
    WAKE_BAR,
    WAKE_BOOK,
    WAKE_TOUCH,
    WAKE_TRADE,
    Tape,
    World,
)
from tests.desk_worlds import SECOND, START
from tests.heard_market import SHIFT, a_listener, rows_of, run_to_the_end, together
from tests.players import deciding, player, told_of
from tests.tick_market import MILLISECOND, Message
from tests.twins.heard_twin import Bars, Ears, Told

pytestmark = pytest.mark.xdist_group("loop")

NAMES = {WAKE_BAR: "bar", WAKE_TRADE: "trade", WAKE_TOUCH: "touch", WAKE_BOOK: "book"}
KINDS = {ev.BID_LEVEL: "bid", ev.ASK_LEVEL: "ask", ev.TRADE_BUY: "buy", ev.TRADE_SELL: "sell", ev.BOOK_CLEAR: "clear"}
DEPTH = 3

steps = st.sampled_from([0, 0, 1, 5 * MILLISECOND, 400 * MILLISECOND, 2_500 * MILLISECOND])
rows = st.one_of(
    st.tuples(st.just(ev.BID_LEVEL), st.integers(9_995, 10_001), st.sampled_from([0, 1, 4, 30])),
    st.tuples(st.just(ev.ASK_LEVEL), st.integers(9_999, 10_005), st.sampled_from([0, 1, 4, 30])),
    st.tuples(st.sampled_from([ev.TRADE_BUY, ev.TRADE_SELL]), st.integers(9_996, 10_004), st.integers(1, 9)),
    st.tuples(st.sampled_from([ev.TRADE_BUY, ev.TRADE_SELL]), st.integers(9_996, 10_004), st.integers(1, 9)),
    st.just((ev.BOOK_CLEAR, 0, 0)),
)


@st.composite
def markets(draw: st.DrawFn) -> list[Message]:
    happened = heard = START
    messages = []
    for parts in draw(st.lists(st.lists(rows, min_size=1, max_size=6), min_size=1, max_size=25)):
        happened += draw(steps)
        heard = max(heard, happened + draw(steps))
        messages.append((happened, heard, parts))
    return messages


def twin_of(tape: Tape) -> Ears:
    ears = Ears([Bars(0, length=SECOND), Bars(0, count=5), Bars(1, length=SECOND)])
    parts: list[tuple[str, int, int]] = []
    for row in np.asarray(tape.rows).tolist():
        happened, heard, lots, price, instrument, kind, bits = row
        parts.append((KINDS[kind], price, lots))
        if bits & ev.LAST:
            ears.hear(happened, heard, instrument, parts)
            parts = []
    return ears


def said(row: tuple[int, ...]) -> Told:
    heard, why, instrument, a, b, c, bid, ask, last = row
    numbers = (a, b, c) if why in (WAKE_BAR, WAKE_TRADE) else (0, 0, 0)
    known = (None if bid == NO_BID else bid, None if ask == NO_ASK else ask, last or None)
    return Told(heard, NAMES[why], instrument, *known, *numbers)


def levels_of(world: World, instrument: int, side: int) -> list[tuple[int, int]]:
    depth = world.desk[0].shown.depth[instrument]
    return [(int(depth.price[side, k]), int(depth.lots[side, k])) for k in range(int(depth.levels[side]))]


@pytest.mark.bounds
@pytest.mark.jit_off
@given(markets(), markets())
@settings(max_examples=60)
def test_a_desk_is_told_what_its_twin_is_told(one: list[Message], other: list[Message]) -> None:
    tape = together(rows_of(one), rows_of(other, 1, SHIFT))
    twin = twin_of(tape)
    world = a_listener(
        in_ten=0, wakes=WAKE_BAR | WAKE_TRADE | WAKE_TOUCH | WAKE_BOOK, depth_levels=DEPTH, timer_ns=1_000 * SECOND
    )
    run_to_the_end(tape, world, deciding(player))
    assert [said(row) for row in told_of(world)] == twin.told
    for instrument in (0, 1):
        assert levels_of(world, instrument, BID) == twin.depth(instrument, 1, DEPTH)
        assert levels_of(world, instrument, ASK) == twin.depth(instrument, -1, DEPTH)
