"""Real fills and simulated ones: one thing goes wrong at a time, and the difference lands on its cause."""

from typing import Any

import pytest

from quintet.core.orders import lifecycle
from quintet.research.desk_market import gaps_of, market_rows, without_us
from quintet.research.desk_orders import read_orders
from quintet.research.fill_causes import (
    CAUSES,
    DATA_GAP,
    LATENCY,
    MISSED_TRADE,
    NOT_SENT,
    QUEUE,
    RATE_LIMIT,
    REJECT,
    UNEXPLAINED,
    Comparison,
    compare_fills,
)
from quintet.sandbox.faults import Fault
from quintet.sim.config import TickExecutionConfig
from tests.sandbox_desk import ENTRY_MS, LINEAR, RESPONSE_MS, SandboxDesk

BID, ASK = 500_000, 500_010
SEVEN_SECONDS = 7_000


def a_day(*faults: Fault, lots: int = 2, coins: str = "100000") -> SandboxDesk:
    """A bid behind ten lots that are then sold through, an ask the same, and a price that is another at the end.

    Ten lots come behind the bid and are taken back again before it is reached.
    """
    desk = SandboxDesk(*faults, coins=coins)
    bids, asks = {BID: 10, BID - 10: 50}, {ASK: 10, ASK + 10: 50}
    desk.levels(100, bids, asks)
    desk.trade(200, 1, ASK, 1)
    desk.levels(300, {}, {ASK: 10})
    bid = desk.place(1_000, 1, BID, lots)
    desk.levels(1_500, {BID: 20}, {})
    desk.levels(2_000, {BID: 10}, {})
    desk.trade(3_000, -1, BID, 12)
    desk.levels(3_500, {BID: 10}, {})
    desk.cancel(5_800, bid)
    desk.place(6_000, -1, ASK, 2)
    desk.trade(6_500, 1, ASK, 12)
    desk.levels(6_600, {}, {ASK: 0})
    desk.trade(6_700, 1, ASK + 10, 1)
    return desk


def compared(desk: SandboxDesk, **assumed: Any) -> Comparison:
    told = {"entry_ms": float(ENTRY_MS), "response_ms": float(RESPONSE_MS)} | assumed
    return compare_fills(desk.rows(SEVEN_SECONDS + 3_000), [LINEAR], TickExecutionConfig(**told))


def test_without_a_fault_the_simulator_fills_what_the_sandbox_filled():
    found = compared(a_day())
    assert [one.real.lots for one in found.orders] == [2, 2]
    assert [one.parts for one in found.orders] == [{}, {}]
    assert found.real == found.simulated != 0
    assert found.residual_bps == 0.0


DAYS: dict[str, Any] = {
    LATENCY: lambda: compared(a_day(Fault(kind="slow_request", where="/v5/order/*", count=1, delay_ms=3_500))),
    RATE_LIMIT: lambda: compared(a_day(Fault(kind="rate_limited", where="/v5/order/*", count=1, delay_ms=3_500))),
    NOT_SENT: lambda: compared(a_day(Fault(kind="lose_request", where="/v5/order/*", count=1))),
    REJECT: lambda: compared(a_day(lots=20_000)),
    MISSED_TRADE: lambda: compared(a_day(Fault(kind="drop", where="publicTrade.*", from_s=2.5, count=1))),
    DATA_GAP: lambda: compared(a_day(Fault(kind="disconnect", where="publicTrade.*", from_s=2.5, count=1))),
    QUEUE: lambda: compared(a_queue(), queue_model="log_share"),
}


def a_queue() -> SandboxDesk:
    """Others give up behind our bid; a model that takes half of them for those before it fills it too early."""
    desk = SandboxDesk()
    desk.levels(100, {BID: 10, BID - 10: 50}, {ASK: 10, ASK + 10: 50})
    desk.trade(200, 1, ASK, 1)
    bid = desk.place(1_000, 1, BID, 2)
    desk.levels(1_500, {BID: 40}, {})
    desk.levels(2_000, {BID: 10}, {})
    desk.trade(3_000, -1, BID, 8)
    desk.cancel(5_000, bid)
    desk.trade(6_700, 1, ASK, 1)
    return desk


@pytest.mark.req("S-66")
@pytest.mark.parametrize("cause", DAYS)
def test_one_planted_cause_takes_the_whole_difference(cause: str):
    found = DAYS[cause]()
    assert found.real != found.simulated
    assert sum(found.total(one).quanta for one in CAUSES) == found.real - found.simulated  # to the quantum
    assert found.share(cause) >= 0.99, {one: found.share(one) for one in CAUSES}
    assert found.total(UNEXPLAINED).absolute == 0


def test_the_desks_own_lots_are_taken_out_of_the_levels():
    desk = a_day()
    rows = desk.rows(SEVEN_SECONDS)
    orders = read_orders(rows).values()
    market = market_rows(rows)
    cleared = without_us(market, orders)
    at_bid = (market["kind"] == 0) & (market["price"] == BID)
    assert market["quantity"][at_bid].tolist() == [10, 12, 22, 12, 0, 10]
    assert cleared["quantity"][at_bid].tolist() == [10, 10, 20, 10, 0, 10]


def test_a_gap_lasts_from_the_last_message_to_the_next_book():
    rows = a_day(Fault(kind="disconnect", where="publicTrade.*", from_s=2.5, count=1)).rows(SEVEN_SECONDS)
    [gap] = gaps_of(market_rows(rows))
    assert 1.9 <= (gap.to_ns - gap.from_ns) / 1e9 <= 3.1


def test_an_order_is_read_with_all_that_was_heard_of_it():
    rows = a_day(Fault(kind="rate_limited", where="/v5/order/*", count=1, delay_ms=500)).rows(SEVEN_SECONDS)
    bid, ask = read_orders(rows).values()
    assert (bid.side, bid.style, bid.price, bid.lots) == (1, lifecycle.POST_ONLY, BID, 2)
    assert bid.held_back_ns == 500_000_000
    assert bid.taken_ns is not None
    assert bid.taken_ns - bid.decided_ns == (500 + ENTRY_MS) * 1_000_000
    assert ask.filled_lots == 2
    assert ask.over is None
