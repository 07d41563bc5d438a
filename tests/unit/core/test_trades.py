"""The trades of a tape as columns, and order flow of a whole tape beside its slow twin."""

from decimal import Decimal
from fractions import Fraction

import numpy as np

from quintet.core.events import TRADE_BUY, TRADE_SELL
from quintet.core.market.trade_bars import BY_TIME, TRADE_BAR, TRADE_BARS, start_trade_bars, trade_bars_batch
from quintet.core.market.trades import trades_of
from quintet.core.records import table
from quintet.features import order_flow, profile
from quintet.research.tick_market import TickMarket
from tests.tape_rows import depth, row
from tests.tick_records import recorded
from tests.twins import order_flow_twin as twin

SECOND = 1_000_000_000


def test_only_the_trades_of_the_instrument_are_taken() -> None:
    rows = np.concatenate([
        depth(at=1),
        row(TRADE_SELL, at=9, price=100, quantity=7, ts_event=2),
        row(TRADE_BUY, at=9, price=101, quantity=8, instrument=1),
        row(TRADE_BUY, at=9, price=102, quantity=9, ts_event=4),
    ])  # fmt: skip
    found = trades_of(rows)
    assert [column.tolist() for column in found] == [[2, 4], [100, 102], [7, 9], [-1, 1]]
    assert all(column.dtype == np.int64 for column in found)
    assert trades_of(rows, 1).price.tolist() == [101]
    assert len(trades_of(rows[:3]).ts) == 0


def test_order_flow_of_a_tape_is_that_of_its_trades() -> None:
    # given a minute and a half of a synthetic market, and the same trades as a list
    columns = trades_of(recorded(TickMarket(11, hours=Decimal("0.025"))).rows)
    ts, price, lots, side = columns
    listed = [twin.Trade(t, s, p, q) for t, p, q, s in zip(*(column.tolist() for column in columns), strict=True)]
    assert len(listed) > 1_000
    # then cumulative delta, orders above 5,000 USDT, the profile and the bars of a second are those of the list
    cvd, deltas = table(order_flow.CVD, 1)[0], np.zeros(len(ts), np.int64)
    order_flow.start_cvd(cvd)
    order_flow.cvd_batch(cvd, side, lots, deltas)
    assert deltas[-1] == twin.delta(listed)
    large, said = table(order_flow.LARGE, 1)[0], np.zeros(len(ts), np.int64)
    order_flow.start_large(large, 5_000 * 10**8, 1_000)
    order_flow.large_batch(large, ts, side, price, lots, said)
    orders = twin.large_orders(listed, 5_000 * 10**8, 1_000)
    assert len(orders) > 10
    assert said[said != 0].tolist() == [s for _, s, _ in orders]
    state = table(profile.PROFILE, 1)[0]
    profile.start_profile(state, 10)
    profile.profile_feed(state, price, lots)
    profile.profile_area(state)
    expected = twin.profile(listed, 10, Fraction(7, 10))
    assert (state.poc_row * 10, state.area_high, state.area_low) == (expected.poc, expected.vah, expected.val)
    bars, found = table(TRADE_BARS, 1)[0], table(TRADE_BAR, len(ts))
    start_trade_bars(bars, BY_TIME, SECOND)
    count = trade_bars_batch(bars, ts, price, lots, side, found)
    groups = twin.groups_by_time(listed, SECOND)
    assert [tuple(bar)[2:] for bar in np.asarray(found[:count]).tolist()] == [twin.bar(g) for g in groups[:-1]]
