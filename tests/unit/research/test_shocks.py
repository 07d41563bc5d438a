"""Bars of a worse market: the law of a bar is kept, and nothing changes before its time."""

import dataclasses
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import InputError
from quintet.core.events import FEED_GAP, timeframe_ns
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.tape import memory_tape
from quintet.research.shocks import crashed, gapped, stretched, without
from quintet.research.synthetic import synthesize
from quintet.research.tape_markets import bars_on, between, changed, market_on, tape_of
from quintet.storage.candle_sources import from_bars
from quintet.storage.candle_tapes import market_rows

STEP_NS = timeframe_ns("5m")
HOUR_NS = 3_600_000_000_000
TICKED = msgspec.structs.replace(DEFAULT_SPOT, tick_size=Decimal("0.05"))


@pytest.fixture(scope="module")
def bars():
    return synthesize(3, days=6, timeframe="5m")


@pytest.fixture(scope="module")
def moment(bars):
    return int(bars.ts_open[800])


def columns(bars):
    return {field.name: getattr(bars, field.name) for field in dataclasses.fields(Bars) if field.name != "timeframe"}


def equal(one, other):
    return all((column == columns(other)[name]).all() for name, column in columns(one).items())


def first(bars, count):
    return dataclasses.replace(bars, **{name: column[:count] for name, column in columns(bars).items()})


def assert_lawful(bars, tick=1):
    assert (bars.low >= tick).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert all((getattr(bars, name) % tick == 0).all() for name in ("open", "high", "low", "close"))


@given(
    st.sampled_from([0.0, 0.3, 1.0, 3.0, 8.0]),
    st.floats(-0.5, 0.99),
    st.floats(-0.9, 2.0),
    st.sampled_from([1, 5]),
    st.integers(0, 6 * 288),
)
def test_every_shock_keeps_the_law_of_a_bar(factor, depth, jump, tick, at):
    made = synthesize(3, days=6, timeframe="5m", instrument=TICKED if tick == 5 else DEFAULT_SPOT)
    at_ns = int(made.ts_open[0]) + at * STEP_NS
    for changed_bars in (
        stretched(made, factor, tick),
        crashed(made, at_ns, depth, HOUR_NS, tick),
        gapped(made, at_ns, jump, tick),
    ):
        assert_lawful(changed_bars, tick)
        assert (changed_bars.volume == made.volume).all()
        assert len(bar_rows(changed_bars)) == len(bar_rows(made))


@pytest.mark.jit_off
@pytest.mark.bounds
def test_volatility_times_one_is_the_same_market():
    # given bars that jump about
    n = np.arange(200)
    close = 200_000 + 37 * n + (n * 7919) % 1013
    bars = Bars("5m", n * STEP_NS, close - 11, close + 40, close - 50, close, n + 1, (n + 1) * close)
    assert equal(stretched(bars, 1.0), bars)
    assert stretched(bars, 3.0).high.sum() == 40_946_530


def test_volatility_times_three_moves_three_times_as_far(bars):
    wild = stretched(bars, 3.0)

    def deviation(of):
        returns = np.diff(np.log(of.close.astype(float)))
        return returns.std()

    assert deviation(wild) == pytest.approx(3.0 * deviation(bars), rel=1e-3)
    assert abs(int(wild.open[0]) - int(bars.open[0])) <= 1
    assert abs(int(wild.close[-1]) - int(bars.close[-1])) <= 1


def test_without_volatility_the_market_walks_a_straight_line(bars):
    still = np.log(stretched(bars, 0.0).close.astype(float))
    assert np.abs(np.diff(still, 2)).max() < 2e-5


def test_a_crash_falls_as_deep_and_as_long_as_it_says(bars, moment):
    fallen = crashed(bars, moment, 0.30, HOUR_NS)
    ratio = fallen.close / bars.close
    assert ratio[:800] == pytest.approx(1.0)
    assert ratio[811:] == pytest.approx(0.7, abs=1e-4)
    assert ratio[800:812] == pytest.approx(1.0 - 0.3 * np.arange(1, 13) / 12, abs=1e-4)
    # then a bar of the fall spans its own open and close
    assert (fallen.high[800:812] >= bars.high[800:812] * (1.0 - 0.3 * np.arange(12) / 12) - 1).all()


def test_a_gap_leaves_nothing_to_trade_in_between(bars, moment):
    jumped = gapped(bars, moment, -0.10)
    assert jumped.open[800] / bars.open[800] == pytest.approx(0.9, abs=1e-4)
    assert jumped.close[799] == bars.close[799]


@pytest.mark.parametrize(
    "shock",
    [
        lambda bars, at: crashed(bars, at, 0.3, HOUR_NS),
        lambda bars, at: gapped(bars, at, -0.1),
        lambda bars, at: without(bars, at, HOUR_NS),
    ],
)
def test_what_happens_at_a_moment_changes_no_bar_before_it(bars, moment, shock):
    assert equal(first(shock(bars, moment), 800), first(bars, 800))


def test_an_outage_takes_every_bar_that_touches_it(bars, moment):
    left = without(bars, moment + 1, HOUR_NS)
    assert len(bars) - len(left) == 13
    assert left.ts_open[799] == moment - STEP_NS
    assert left.ts_open[800] == moment + 13 * STEP_NS


def test_turnover_moves_with_the_price(bars, moment):
    fallen = crashed(bars, moment, 0.30, HOUR_NS)
    traded = bars.turnover[900:] > 0
    assert (fallen.turnover[900:] / bars.turnover[900:])[traded] == pytest.approx(0.7, abs=1e-3)


def test_a_price_no_row_can_hold_is_refused_with_its_bar(bars):
    with pytest.raises(InputError, match=r"bar \d+: it would trade at \d+ price increments, a row holds up to"):
        gapped(gapped(gapped(gapped(bars, 0, 9.9), 0, 9.9), 0, 9.9), 0, 9.9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda bars: stretched(bars, -1.0), "factor: found -1.0, expected 0 to 100"),
        (lambda bars: crashed(bars, 0, 1.0, 1), "depth_frac: found 1.0"),
        (lambda bars: crashed(bars, 0, 0.1, 0), "lasting_ns: found 0, expected more than 0"),
        (lambda bars: gapped(bars, 0, -1.0), "jump_frac: found -1.0"),
    ],
)
def test_a_shock_that_cannot_be_is_refused(bars, call, message):
    with pytest.raises(InputError, match=message):
        call(bars)


# ---- bars and tapes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("structure", "fills"), [("5m", "5m"), ("15m", "5m")])
def test_bars_taken_off_a_tape_and_put_back_are_the_same_tape(bars, structure, fills):
    tape = memory_tape(market_rows(from_bars({"5m": bars}, structure, fills)), [DEFAULT_SPOT])
    assert equal(bars_on(tape, "5m"), bars)
    assert tape_of(market_on(tape, structure, fills), DEFAULT_SPOT, tape).hash == tape.hash
    assert changed(tape, DEFAULT_SPOT, structure, fills, lambda same: same).hash == tape.hash


def test_a_hole_in_the_bars_is_a_gap_on_the_tape_made_of_them(bars, moment):
    holed = without(bars, moment, HOUR_NS)
    tape = memory_tape(market_rows(from_bars({"5m": holed}, "5m", "5m")), [DEFAULT_SPOT])
    assert (np.asarray(tape.rows)["kind"] == FEED_GAP).sum() == 1
    assert tape_of(market_on(tape, "5m", "5m"), DEFAULT_SPOT, tape).hash == tape.hash


def test_bars_without_turnover_come_back_without(bars):
    unknown = dataclasses.replace(bars, turnover=np.zeros(len(bars), np.int64))
    assert equal(bars_on(memory_tape(bar_rows(unknown), [DEFAULT_SPOT]), "5m"), unknown)


def test_structure_is_built_again_from_the_changed_fills(bars, moment):
    tape = memory_tape(market_rows(from_bars({"5m": bars}, "15m", "5m")), [DEFAULT_SPOT])
    fallen = changed(tape, DEFAULT_SPOT, "15m", "5m", lambda low: crashed(low, moment, 0.3, HOUR_NS))
    high, low = bars_on(fallen, "15m"), bars_on(fallen, "5m")
    assert (high.close == low.close[2::3]).all()
    assert (high.low == np.minimum.reduceat(low.low, np.arange(0, len(low), 3))).all()


def test_a_stretch_of_a_tape_is_cut_by_when_it_was_known(bars, moment):
    tape = memory_tape(bar_rows(bars), [DEFAULT_SPOT])
    part = bars_on(between(tape, moment, moment + HOUR_NS), "5m")
    assert part.ts_open[0] + STEP_NS == moment
    assert len(part) == 12
