"""Bars as a tape that can be traded, and everything it tells beside prices."""

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.errors import DataError
from quintet.research.daily_paths import LEAD_NS
from quintet.research.daily_tape import BAR, DAY_NS, MarketDays, daily_tape, told_by
from tests.eternal_market import BTC, BTC_PERP, PERIOD_NS, bars, market, tape

FIRST = 19_000


def trades_of(made, n=0):
    rows = np.asarray(made.rows)
    chosen = (rows["instrument"] == n) & ((rows["kind"] == ev.TRADE_BUY) | (rows["kind"] == ev.TRADE_SELL))
    return rows[chosen]


@pytest.mark.parametrize(("first_extreme", "begins"), [(0, "low"), (1, "high")])
def test_a_path_goes_through_both_extremes_in_small_steps_and_ends_at_the_close(first_extreme, begins):
    market_days = market(BTC, FIRST, [50_000, 53_000], wick=0.02)
    trades = trades_of(tape([market_days], first_extreme=first_extreme))
    prices = trades["price"].astype(int)
    bar = market_days.bars[0]
    assert (prices[0], prices[-1]) == (bar["open"], bar["close"])
    assert (prices.min(), prices.max()) == (bar["low"], bar["high"])
    assert (np.abs(np.diff(prices)) <= 0.0101 * prices[:-1] + 1).all()
    first = int(np.flatnonzero((prices == bar["low"]) | (prices == bar["high"]))[0])
    assert prices[first] == bar[begins]


def test_the_book_never_crosses_and_stands_half_a_spread_away():
    rows = np.asarray(tape([market(BTC, FIRST, [50_000, 40_000, 60_000, 59_000])]).rows)
    best = {ev.BID_LEVEL: {}, ev.ASK_LEVEL: {}}
    for row in rows:
        kind = int(row["kind"])
        if kind in best:
            if row["quantity"]:
                best[kind][int(row["price"])] = True
            else:
                del best[kind][int(row["price"])]
        if kind <= ev.ASK_LEVEL and best[ev.BID_LEVEL] and best[ev.ASK_LEVEL]:
            assert max(best[ev.BID_LEVEL]) < min(best[ev.ASK_LEVEL])
        if kind in (ev.TRADE_BUY, ev.TRADE_SELL):
            price = int(row["price"])
            half = -(-price * 5 // 10_000)
            assert (list(best[ev.BID_LEVEL]), list(best[ev.ASK_LEVEL])) == ([price - half], [price + half])


def test_the_first_ten_minutes_stand_at_the_open():
    trades = trades_of(tape([market(BTC, FIRST, [50_000, 53_000])]))
    early = trades[trades["ts_event"] < FIRST * DAY_NS + LEAD_NS]
    assert set(early["price"].tolist()) == {50_000}


def test_a_day_is_told_at_its_end_and_a_rate_before_its_settlement():
    made = tape(
        [market(BTC_PERP, FIRST, [50_000, 51_000, 52_000], rate=100_000)], [(FIRST * DAY_NS + 7, "fear_greed", 19)]
    )
    told = told_by(made)
    days = [each for each in told if each.what == "bar"]
    assert [each.recv_ns for each in days] == [(FIRST + 1) * DAY_NS, (FIRST + 2) * DAY_NS]
    assert days[0].values == (50_000, 51_510, 49_500, 51_000)
    rates = [each for each in told if each.what == "rate"]
    assert len(rates) == 6 and {each.values for each in rates} == {(100_000,)}
    assert rates[0].recv_ns == FIRST * DAY_NS + PERIOD_NS - 1_000_000_000
    assert [(each.recv_ns, each.values) for each in told if each.what == "fear_greed"] == [(FIRST * DAY_NS + 7, (19,))]


def test_a_settlement_without_a_recorded_rate_is_told_as_such():
    gap = FIRST * DAY_NS + 2 * PERIOD_NS
    made = tape([market(BTC_PERP, FIRST, [50_000, 51_000], rate=lambda ts: None if ts == gap else 90_000)])
    told = [each.what for each in told_by(made) if each.what != "bar"]
    assert told == ["rate", "no_rate", "rate", "rate"]  # the venue is given 0, so that it pays nothing


def test_bars_that_overlap_or_cannot_be_are_refused():
    two = bars(FIRST, [50_000, 51_000, 52_000])
    two["start"][1] -= PERIOD_NS
    with pytest.raises(DataError, match="bar 1: found .* expected a bar after the one before"):
        daily_tape([MarketDays(BTC, two, two)], half_spread_e9=0, first_extreme=0)
    wrong = bars(FIRST, [50_000, 51_000])
    wrong["high"] = 50_500
    with pytest.raises(DataError, match="bybit:spot:BTCUSDT, bar 0"):
        daily_tape([MarketDays(BTC, wrong, wrong)], half_spread_e9=0, first_extreme=0)


def test_no_bars_are_no_path():
    nothing = np.zeros(0, BAR)
    one = market(BTC, FIRST, [50_000, 51_000])
    made = daily_tape([one, MarketDays(BTC_PERP, nothing, one.days)], half_spread_e9=0, first_extreme=0)
    assert len(trades_of(made, 1)) == 0
