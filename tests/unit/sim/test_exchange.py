"""Tick mode: what arrives in a book we see, and what the book does to it."""

from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.orders.lifecycle import FOK, IOC, LIMIT, MARKET, POST_ONLY, STOP, TAKE_PROFIT, VENUE_REASON_NAMES
from quintet.core.state import ASK, BID, END, NO_ASK, NO_BID, World
from quintet.sim.taking import SELF_TRADE_NAMES
from tests.desk_worlds import LINEAR_COIN, SPOT_COIN, START
from tests.players import run_left
from tests.tick_market import MILLISECOND, Message, message_rows, tick_world

BOOK = [(ev.BID_LEVEL, 9_999, 10), (ev.BID_LEVEL, 9_998, 20), (ev.ASK_LEVEL, 10_001, 10), (ev.ASK_LEVEL, 10_003, 5)]


def at(ms: int, *parts: tuple[int, int, int]) -> Message:
    return (START + ms * MILLISECOND, START + ms * MILLISECOND, list(parts))


def place(side: int, price: int, style: int = POST_ONLY, lots: int = 3, ms: int = 2) -> tuple[int, ...]:
    return (ms, ev.PLACE, side, price, style, lots)


def cancel(ms: int) -> tuple[int, ...]:
    return (ms, ev.CANCEL, 0, 0, 0, 0)


def responses(world: World) -> list[tuple[str, int, int, int]]:
    """Kind, slot, price, lots of all answers so far."""
    names = {
        ev.FILL: "fill", ev.ORDER_ACCEPTED: "accepted", ev.ORDER_EXPIRED: "expired", ev.ORDER_REJECTED: "rejected",
        ev.ORDER_CANCELED: "canceled", ev.CANCEL_REJECTED: "cancel rejected",
    }  # fmt: skip
    answers = world.venue[0].responses[: int(world.venue[0].response_tail)]
    return [
        (names[int(a.kind)], int(a.slot), *((int(a.price), int(a.lots)) if a.kind == ev.FILL else (0, 0)))
        for a in answers
    ]  # fmt: skip


def played(messages: list[Message], *requests: tuple[int, ...], slots: tuple[int, ...] = (), **execution: Any) -> Any:
    """The venue after these messages and requests; each place has a slot of its own, cancels name theirs."""
    world = tick_world(entry_ns=0, response_ns=0, wakes=0, **execution)
    venue = world.venue[0]
    world.desk[0].timer_next = 2**62
    for n, (ms, kind, side, price, style, lots) in enumerate(requests):
        row = venue.requests[n]
        row.ts = row.decided = START + ms * MILLISECOND
        row.kind, row.side, row.price, row.style, row.lots = kind, side, price, style, lots
        row.slot = slots[n] if slots else n
        row.number = 256 + row.slot
        venue.request_tail = n + 1
    with np.errstate(over="ignore"):
        assert run_left(message_rows([at(0, (ev.TRADE_BUY, 10_000, 1)), *messages]), world, 1 << 60) == END
    return world


# ---- arrival -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (place(1, 9_999), [("accepted", 0, 0, 0)]),
        (place(1, 10_001), [("expired", 0, 0, 0)]),
        (place(-1, 9_999), [("expired", 0, 0, 0)]),
        (place(1, 10_002, LIMIT), [("fill", 0, 10_001, 3)]),
        (place(-1, 9_000, LIMIT), [("fill", 0, 9_999, 3)]),
        (place(1, 10_000, LIMIT), [("accepted", 0, 0, 0)]),
        (place(1, 10_000, IOC), [("expired", 0, 0, 0)]),
        (place(1, 10_001, IOC), [("fill", 0, 10_001, 3)]),
        (place(-1, 0, MARKET), [("fill", 0, 9_999, 3)]),
        (place(-1, 9_900, STOP), [("accepted", 0, 0, 0)]),
        (place(-1, 9_999, FOK), [("fill", 0, 9_999, 3)]),
        (place(-1, 10_000, FOK), [("expired", 0, 0, 0)]),
    ],
    ids=["rests", "buy would take", "sell would take", "buy takes", "sell takes", "limit rests", "ioc misses",
         "ioc takes", "market", "stop waits", "fok takes", "fok misses"],
)  # fmt: skip
def test_what_arrives(request_: tuple[int, ...], expected: list[Any]) -> None:
    assert responses(played([at(1, *BOOK)], request_)) == expected


def test_a_market_order_meets_an_empty_side_and_expires() -> None:
    assert responses(played([at(1, BOOK[0])], place(1, 0, MARKET))) == [("expired", 0, 0, 0)]


def test_a_taker_pays_the_taker_fee_and_a_maker_its_own() -> None:
    taken = played([at(1, *BOOK)], place(1, 10_001, LIMIT)).venue[0].responses[0]
    value = 10_001 * 3 * LINEAR_COIN.quanta_per_tick_lot
    assert (taken.maker, taken.fee) == (0, -(-value * 550_000 // 10**9))
    made = played([at(1, *BOOK), at(3, (ev.TRADE_SELL, 9_998, 1))], place(1, 9_999)).venue[0].responses[1]
    assert (made.maker, made.fee) == (1, -(9_999 * 3 * LINEAR_COIN.quanta_per_tick_lot * 100_000 // 10**9))


def test_a_cancel_finds_its_order_once() -> None:
    world = played([at(1, *BOOK)], place(1, 9_999), cancel(3), cancel(4), slots=(0, 0, 0))
    assert [kind for kind, *_ in responses(world)] == ["accepted", "canceled", "cancel rejected"]
    assert world.venue[0].live == 0


# ---- what the book does to orders that rest --------------------------------------------------------------------------
def fills_after(price: int, *messages: Message, side: int = 1) -> list[int]:
    """Prices of the fills of an order at `price` that arrives in BOOK at 2 ms."""
    return [p for kind, _, p, _ in responses(played([at(1, *BOOK), *messages], place(side, price))) if kind == "fill"]


def test_a_trade_through_our_price_fills_us_at_our_price() -> None:
    assert fills_after(9_999, at(3, (ev.TRADE_SELL, 9_998, 1))) == [9_999]
    assert fills_after(10_001, at(3, (ev.TRADE_BUY, 10_002, 1)), side=-1) == [10_001]


@pytest.mark.req("S-56")
def test_a_trade_at_our_price_fills_us_when_the_queue_before_us_is_gone() -> None:
    assert fills_after(9_999, at(3, (ev.TRADE_SELL, 9_999, 10))) == []
    assert fills_after(9_999, at(3, (ev.TRADE_SELL, 9_999, 10)), at(4, (ev.TRADE_SELL, 9_999, 1))) == [9_999]


def test_a_trade_of_the_other_side_does_not_touch_us() -> None:
    assert fills_after(9_999, at(3, (ev.TRADE_BUY, 10_001, 500))) == []


def test_the_opposite_touch_reaching_us_fills_us() -> None:
    assert fills_after(10_000, at(3, (ev.ASK_LEVEL, 10_000, 4))) == [10_000]
    assert fills_after(10_000, at(3, (ev.BID_LEVEL, 10_000, 4)), side=-1) == [10_000]


def test_levels_that_a_better_opposite_price_reaches_are_gone() -> None:
    book = played([at(1, *BOOK), at(2, (ev.ASK_LEVEL, 9_999, 4))]).venue[0].book[0]
    assert (book.best[BID], book.best[ASK]) == (9_998, 9_999)


def test_the_touch_goes_back_to_the_next_level_and_to_nothing() -> None:
    gone = [at(2, (ev.BID_LEVEL, 9_999, 0)), at(3, (ev.BID_LEVEL, 9_998, 0)), at(4, (ev.ASK_LEVEL, 10_001, 0))]
    assert played([at(1, *BOOK), *gone[:1]]).venue[0].book[0].best[BID] == 9_998
    book = played([at(1, *BOOK), *gone]).venue[0].book[0]
    assert (book.best[BID], book.best[ASK]) == (NO_BID, 10_003)
    assert played([at(1)] and [at(1, BOOK[0])]).venue[0].book[0].best[ASK] == NO_ASK


@pytest.mark.parametrize("first", [0, 1, 2], ids=["oldest", "middle", "newest"])
def test_own_orders_at_one_price_leave_their_chain_in_any_order(first: int) -> None:
    places = [place(1, 9_999, ms=2), place(1, 9_999, ms=3), place(1, 9_999, ms=4)]
    # given three bids at one price, one of them cancelled, then a trade through it
    world = played([at(1, *BOOK), at(7, (ev.TRADE_SELL, 9_998, 1))], *places, cancel(5), slots=(0, 1, 2, first))
    venue = world.venue[0]
    assert sorted(slot for kind, slot, *_ in responses(world) if kind == "fill") == [s for s in range(3) if s != first]
    assert (venue.live, venue.book[0].own[BID]) == (0, NO_BID)
    assert not np.asarray(world.level)["own"].any()


def test_the_best_own_price_follows_the_orders_that_rest() -> None:
    places = [place(1, 9_999, ms=2), place(1, 9_998, ms=3)]
    world = played([at(1, *BOOK), at(8, (ev.TRADE_BUY, 10_001, 1))], *places, cancel(5), slots=(0, 1, 0))
    assert world.venue[0].book[0].own[BID] == 9_998


# ---- orders filled in parts --------------------------------------------------------------------------------------
def fills_in_parts(messages: list[Message], *requests: tuple[int, ...], **execution: int) -> list[tuple[int, int, int]]:
    """Slot, price, lots of each fill after BOOK at 1 ms."""
    answers = responses(played([at(1, *BOOK), *messages], *requests, partial_fills=1, **execution))
    return [tuple(rest) for kind, *rest in answers if kind == "fill"]  # type: ignore[misc]


def test_a_trade_fills_what_the_queue_leaves_of_it_and_the_next_one_finds_us_at_the_front() -> None:
    # given 10 lots before our 5: 12 trade and 2 are ours, then 2 more, then the last one
    trades = [at(ms, (ev.TRADE_SELL, 9_999, lots)) for ms, lots in ((3, 12), (4, 2), (5, 9))]
    assert fills_in_parts(trades, place(1, 9_999, lots=5)) == [(0, 9_999, 2), (0, 9_999, 2), (0, 9_999, 1)]


def test_two_orders_at_one_price_share_a_trade_the_older_first() -> None:
    trade = at(4, (ev.TRADE_SELL, 9_999, 14))
    assert fills_in_parts([trade], place(1, 9_999), place(1, 9_999, ms=3)) == [(0, 9_999, 3), (1, 9_999, 1)]


@pytest.mark.parametrize("model", range(6))
def test_never_is_more_filled_than_has_traded(model: int) -> None:
    # given an order that an estimate may place before the front: cancellations, then a small trade
    changes = [at(ms, (ev.BID_LEVEL, 9_999, lots)) for ms, lots in ((3, 60), (4, 30), (5, 6), (6, 2), (7, 1))]
    filled = fills_in_parts([*changes, at(8, (ev.TRADE_SELL, 9_999, 4))], place(1, 9_999, lots=50), queue_model=model)
    assert sum(lots for _, _, lots in filled) <= 4


def test_a_trade_through_the_price_fills_all_that_is_left() -> None:
    trades = [at(3, (ev.TRADE_SELL, 9_999, 12)), at(4, (ev.TRADE_SELL, 9_998, 1))]
    assert fills_in_parts(trades, place(1, 9_999, lots=50)) == [(0, 9_999, 2), (0, 9_999, 48)]


def test_a_taker_walks_the_book_to_its_limit_and_the_rest_expires_or_rests() -> None:
    assert fills_in_parts([], place(1, 10_003, IOC, lots=12)) == [(0, 10_001, 10), (0, 10_003, 2)]
    world = played([at(1, *BOOK)], place(1, 10_002, IOC, lots=12), place(1, 10_002, LIMIT, lots=12), partial_fills=1)
    assert [(kind, slot) for kind, slot, *_ in responses(world)] == [("fill", 0), ("expired", 0), ("fill", 1)]
    assert (world.venue[0].live, world.venue[0].resting[1].open_lots) == (1, 2)


@pytest.mark.req("E-111")
def test_a_market_order_walks_no_further_than_its_bound() -> None:
    # given asks at 10 001 and 10 003, and a bound of 1.5 bp, which is less than two ticks
    assert fills_in_parts([], place(1, 0, MARKET, lots=12), market_bound_e9=150_000) == [(0, 10_001, 10)]
    assert fills_in_parts([], place(-1, 0, MARKET, lots=12), market_bound_e9=150_000) == [(0, 9_999, 10), (0, 9_998, 2)]


def test_with_own_impact_what_we_took_is_gone_until_the_level_is_reported_again() -> None:
    takers = [place(1, 10_003, IOC, lots=12, ms=ms) for ms in (2, 3, 5)]
    again = at(4, (ev.ASK_LEVEL, 10_001, 7))
    there = fills_in_parts([again], *takers)
    assert [lots for slot, _, lots in there if slot == 1] == [10, 2]
    gone = fills_in_parts([again], *takers, own_impact=1)
    assert [(price, lots) for slot, price, lots in gone if slot == 1] == [(10_003, 3)]
    assert [(price, lots) for slot, price, lots in gone if slot == 2] == [(10_001, 7)]


# ---- fill or kill, own orders, the venue's limit on orders -----------------------------------------------------------
def told(world: World) -> list[tuple[int, str, str]]:
    """Slot, kind and reason of all answers so far."""
    answers = world.venue[0].responses[: int(world.venue[0].response_tail)]
    kinds = [kind for kind, *_ in responses(world)]
    return [(int(a.slot), kind, VENUE_REASON_NAMES[int(a.reason)]) for a, kind in zip(answers, kinds, strict=True)]


def test_fill_or_kill_takes_all_of_it_or_nothing() -> None:
    # given 10 lots at 10 001 and 5 at 10 003
    assert fills_in_parts([], place(1, 10_003, FOK, lots=15)) == [(0, 10_001, 10), (0, 10_003, 5)]
    world = played([at(1, *BOOK)], place(1, 10_003, FOK, lots=16), partial_fills=1)
    assert told(world) == [(0, "expired", "not all of it was there")]


@pytest.mark.parametrize(
    ("mode", "expected", "alive"),
    [
        ("cancel taker", [(1, "expired", "meets our own order")], 1),
        ("cancel maker", [(0, "canceled", "meets our own order"), (1, "fill", "none")], 0),
        ("cancel both", [(0, "canceled", "meets our own order"), (1, "expired", "meets our own order")], 0),
    ],
)
def test_a_taker_never_trades_with_an_order_of_ours(mode: str, expected: list[Any], alive: int) -> None:
    # given an ask of ours at the touch, before which a buyer of ours would come
    world = played(
        [at(1, *BOOK)], place(-1, 10_000), place(1, 10_001, IOC, ms=3), self_trade=SELF_TRADE_NAMES.index(mode)
    )
    assert told(world)[1:] == expected
    assert world.venue[0].live == alive


def test_a_post_only_order_that_would_meet_ours_expires() -> None:
    world = played([at(1, *BOOK)], place(-1, 10_000), place(1, 10_000, ms=3))
    assert told(world)[1:] == [(1, "expired", "meets our own order")]


def test_more_orders_in_a_second_than_the_venue_allows_are_refused_and_cancels_are_not() -> None:
    orders = [place(1, 9_990, ms=2), place(1, 9_989, ms=3), cancel(4), place(1, 9_988, ms=1002)]
    world = played([at(1, *BOOK), at(1100, BOOK[0])], *orders, slots=(0, 1, 0, 2), orders_per_second=1)
    assert told(world) == [
        (0, "accepted", "none"), (1, "rejected", "too many orders in a second"), (0, "canceled", "none"),
        (2, "accepted", "none"),
    ]  # fmt: skip
    assert world.venue[0].ended[VENUE_REASON_NAMES.index("too many orders in a second")] == 1


# ---- orders that wait for a price ------------------------------------------------------------------------------------
LONG = (place(1, 10_001, IOC, lots=4), at(3, (ev.TRADE_BUY, 10_001, 1)))
"""Four lots bought at 2 ms, and a trade after it."""


@pytest.mark.parametrize(
    ("style", "price", "trade"),
    [(STOP, 9_990, 9_990), (STOP, 9_990, 9_980), (TAKE_PROFIT, 10_020, 10_020), (TAKE_PROFIT, 10_020, 10_030)],
)
def test_a_trade_at_or_beyond_its_price_triggers_it_and_it_closes_at_market(style: int, price: int, trade: int) -> None:
    short_of_it = price - 1 if style == TAKE_PROFIT else price + 1
    messages = [at(1, *BOOK), LONG[1], at(5, (ev.TRADE_BUY, short_of_it, 1)), at(6, (ev.TRADE_SELL, trade, 1))]
    world = played(messages, LONG[0], place(-1, price, style, lots=4, ms=4))
    assert responses(world)[1:] == [("accepted", 1, 0, 0), ("fill", 1, 9_999, 4)]
    assert int(world.venue[0].responses[2].ts_event) == START + 6 * MILLISECOND
    assert (world.venue[0].book[0].held, world.venue[0].live) == (0, 0)


def test_it_closes_no_more_than_is_held_and_the_rest_expires() -> None:
    world = played([at(1, *BOOK), at(6, (ev.TRADE_SELL, 9_980, 1))], LONG[0], place(-1, 9_990, STOP, lots=9, ms=4))
    assert responses(world)[2] == ("fill", 1, 9_999, 4)
    assert told(world)[3:] == [(1, "expired", "nothing to close")]


def test_on_spot_nothing_is_sold_that_is_not_held_or_rests_to_be_sold() -> None:
    # given four lots bought, of which the fee in base leaves three whole ones, and two of them offered
    orders = [
        LONG[0],
        place(-1, 10_020, lots=2, ms=3),
        place(-1, 10_021, lots=2, ms=4),
        place(-1, 10_021, lots=1, ms=5),
    ]
    world = played([at(1, *BOOK), LONG[1]], *orders, instrument=SPOT_COIN)
    assert told(world)[1:] == [(1, "accepted", "none"), (2, "rejected", "more than is held"), (3, "accepted", "none")]


def test_on_spot_what_a_stop_has_sold_is_not_sold_again() -> None:
    orders = [LONG[0], place(-1, 9_990, STOP, lots=9, ms=4), place(-1, 9_990, IOC, lots=3, ms=7)]
    world = played([at(1, *BOOK), at(6, (ev.TRADE_SELL, 9_980, 1)), at(8, BOOK[1])], *orders, instrument=SPOT_COIN)
    assert told(world)[2:] == [
        (1, "fill", "none"),
        (1, "expired", "nothing to close"),
        (2, "rejected", "more than is held"),
    ]
    assert 0 <= world.venue[0].book[0].held < SPOT_COIN.base_quanta_per_lot


def test_our_limit_orders_of_its_side_make_room_for_it() -> None:
    orders = [LONG[0], place(-1, 10_020, lots=4, ms=3), place(-1, 9_990, STOP, lots=4, ms=4)]
    world = played([at(1, *BOOK), at(6, (ev.TRADE_SELL, 9_980, 1))], *orders)
    assert told(world)[3:] == [(1, "canceled", "makes room for what closes"), (2, "fill", "none")]


def test_one_that_the_last_trade_has_reached_is_triggered_on_arrival() -> None:
    world = played([at(1, *BOOK), LONG[1]], LONG[0], place(-1, 10_001, STOP, lots=4, ms=4))
    assert [kind for kind, *_ in responses(world)[1:]] == ["accepted", "fill"]


def test_a_waiting_order_can_be_cancelled_and_then_nothing_triggers() -> None:
    messages = [at(1, *BOOK), LONG[1], at(6, (ev.TRADE_SELL, 9_980, 1))]
    world = played(messages, LONG[0], place(-1, 9_990, STOP, lots=4, ms=4), cancel(5), slots=(0, 1, 1))
    assert [kind for kind, *_ in responses(world)[1:]] == ["accepted", "canceled"]
    assert (world.venue[0].live, world.venue[0].book[0].fall_to) == (0, NO_BID)
