"""What we know of our places in queues: never less than is before us, exact where answers come quicker than feed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.market.shown_book import shown_lots
from quintet.core.orders.lifecycle import FREE, OPEN
from quintet.core.orders.queue_place import answer_moves_place, row_moves_places
from quintet.core.records import table
from quintet.core.state import ASK, BID, DESK, SHOWN, World
from tests.heard_market import a_listener, run_to_the_end, two_markets
from tests.tick_market import MILLISECOND


def places_of(world: World) -> dict[int, tuple[int, int, int, int]]:
    """Order number to price, lots left, lots before it as we know it, and as the exchange does (risk-averse queue)."""
    found = {}
    view, resting = world.desk[0].shown, world.venue[0].resting
    for s in range(int(view.n_places)):
        place = view.places[s]
        if place.lots > 0 and resting[s].alive and resting[s].number == place.number:
            ahead = max(0, round(float(resting[s].ahead)))
            found[int(place.number)] = (int(place.price), int(place.lots), int(place.ahead), ahead)
    return found


@given(st.integers(0, 1_000), st.sampled_from([0, 1, 30 * MILLISECOND]), st.sampled_from([{}, {"partial_fills": 1}]))
@settings(max_examples=30)
def test_there_is_never_more_before_us_than_we_know_of(seed: int, response_ns: int, fills: dict[str, Any]) -> None:
    world = a_listener(seed, in_ten=2, response_ns=response_ns, feed_ns=2 * MILLISECOND, **fills)
    run_to_the_end(two_markets(seed, 80), world)
    for _, lots, known, true in places_of(world).values():
        assert lots > 0 and known >= true
        if response_ns <= 1:  # we hear of our order before anything that happened after it came to the venue
            assert known == true


def test_the_law_above_is_about_orders_that_moved() -> None:
    found = []
    for seed in range(12):
        world = a_listener(seed, in_ten=2, response_ns=0, feed_ns=2 * MILLISECOND)
        run_to_the_end(two_markets(seed, 80), world)
        found += places_of(world).values()
    assert len(found) > 10 and any(ahead > 0 for _, _, ahead, _ in found)


def test_an_order_that_is_over_has_no_place() -> None:
    for seed in range(6):
        world = a_listener(seed, in_ten=6)
        run_to_the_end(two_markets(seed, 80), world)
        view, orders = world.desk[0].shown, world.desk[0].orders
        assert all(view.places[s].lots == 0 for s in range(64) if orders[s].status == FREE)


def test_who_asks_for_neither_levels_nor_places_is_told_none() -> None:
    world = a_listener(3, in_ten=6, depth_levels=0, keeps_shown_book=True)
    run_to_the_end(two_markets(3, 80), world)
    assert world.desk[0].n_places > 0 and world.desk[0].shown.n_places == 0


def test_places_are_the_same_with_levels_and_without() -> None:
    with_levels, alone = a_listener(3, in_ten=2), a_listener(3, in_ten=2, depth_levels=0, keeps_places=True)
    for world in (with_levels, alone):
        run_to_the_end(two_markets(3, 80), world)
    assert places_of(alone) == places_of(with_levels) != {}
    assert alone.desk[0].shown.depth[0].levels.tolist() == [0, 0]


@given(st.integers(0, 1_000))
@settings(max_examples=15)
def test_what_stands_at_our_price_is_what_the_feed_shows_there(seed: int) -> None:
    """Given that all we know has been heard, the lots of others at our price are those of the shown book."""
    world = a_listener(seed, in_ten=2, response_ns=0, feed_ns=0)
    run_to_the_end(two_markets(seed, 80), world)
    desk = world.desk[0]
    for s in range(int(desk.shown.n_places)):
        place = desk.shown.places[s]
        if place.lots > 0:
            side = BID if place.side > 0 else ASK
            shown = shown_lots(world.shown, desk.ladders, int(place.instrument), side, int(place.price))
            assert (int(place.level), int(place.ahead) <= int(place.level)) == (shown, True)


# ---- one place, row by row ------------------------------------------------------------------------------------------
def after(*rows: tuple[int, int, int, int], side: int = 1, ahead: int = 10, lots: int = 5) -> int:
    """What is before an order at 10,000 that joined at 100, after rows of kind, price, lots, time."""
    return int(place_after(*rows, side=side, ahead=ahead, lots=lots).ahead)


def place_after(*rows: tuple[int, int, int, int], side: int = 1, ahead: int = 10, lots: int = 5) -> Any:
    """The place of such an order, which stood among 12 lots."""
    view = table(DESK, 1)[0].shown
    view.n_places = 1
    place = view.places[0]
    place.side, place.price, place.lots, place.ahead, place.joined = side, 10_000, lots, ahead, 100
    place.level = 12
    for kind, price, row_lots, ts in rows:
        row_moves_places(view, kind, 0, price, row_lots, ts)
    return place


@pytest.mark.jit_off
@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([(ev.TRADE_SELL, 10_000, 4, 101)], 6),
        ([(ev.TRADE_SELL, 10_000, 40, 101)], 0),
        ([(ev.TRADE_SELL, 9_999, 1, 101)], 0),  # through us
        ([(ev.TRADE_SELL, 10_001, 4, 101)], 10),  # before our price
        ([(ev.TRADE_BUY, 10_000, 4, 101)], 10),  # from the other side
        ([(ev.TRADE_SELL, 10_000, 4, 100)], 10),  # before we came
        ([(ev.BID_LEVEL, 10_000, 30, 101)], 10),  # others came behind us
        ([(ev.BID_LEVEL, 10_000, 3, 101)], 3),
        ([(ev.BID_LEVEL, 10_000, 30, 100)], 30),  # what was there when we came, heard late
        ([(ev.ASK_LEVEL, 10_000, 3, 101)], 10),
        ([(ev.TRADE_SELL, 10_000, 4, 101), (ev.BID_LEVEL, 10_000, 6, 101)], 6),  # counted once
    ],
)
def test_what_moves_a_bid(rows: list[tuple[int, int, int, int]], left: int) -> None:
    assert after(*rows) == left


@pytest.mark.jit_off
@pytest.mark.parametrize(
    ("rows", "level", "ahead"),
    [
        ([(ev.BID_LEVEL, 10_000, 30, 101)], 30, 10),
        ([(ev.BID_LEVEL, 10_000, 3, 101)], 3, 3),
        ([(ev.TRADE_SELL, 10_000, 4, 101)], 8, 6),
        ([(ev.TRADE_SELL, 10_000, 4, 101), (ev.BID_LEVEL, 10_000, 9, 101)], 9, 6),
        ([(ev.TRADE_SELL, 9_999, 4, 101)], 0, 0),
        ([(ev.TRADE_SELL, 10_000, 4, 100)], 12, 10),
    ],
)
def test_what_stands_at_its_price(rows: list[tuple[int, int, int, int]], level: int, ahead: int) -> None:
    place = place_after(*rows)
    assert (int(place.level), int(place.ahead)) == (level, ahead)


@pytest.mark.jit_off
def test_after_a_fill_nobody_stands_before_the_rest_and_what_was_behind_still_is() -> None:
    """Given an order at the head of 12 lots, filled in part; then its level is told, as it was at that moment."""
    desk, shown = table(DESK, 1)[0], table(SHOWN, 1)
    order, view = desk.orders[0], desk.shown
    desk.slots_used = view.n_places = 1
    order.number, order.side, order.price, order.lots, order.filled, order.status = 7, 1, 10_000, 5, 2, OPEN
    place = view.places[0]
    place.number, place.side, place.price, place.lots, place.joined = 7, 1, 10_000, 5, 100
    place.ahead, place.level = 4, 12
    answer_moves_place(desk, shown, ev.FILL, 7, 200, 1)
    assert (int(place.lots), int(place.ahead), int(place.level)) == (3, 0, 8)
    row_moves_places(view, ev.BID_LEVEL, 0, 10_000, 8, 200)
    assert (int(place.ahead), int(place.level)) == (0, 8)


@pytest.mark.jit_off
def test_an_ask_moves_with_buyers() -> None:
    assert after((ev.TRADE_BUY, 10_000, 4, 101), side=-1) == 6
    assert after((ev.TRADE_BUY, 10_001, 1, 101), side=-1) == 0
    assert after((ev.ASK_LEVEL, 10_000, 3, 101), side=-1) == 3


@pytest.mark.jit_off
def test_an_empty_place_does_not_move() -> None:
    assert after((ev.BID_LEVEL, 10_000, 3, 101), lots=0) == 10
    assert np.asarray(table(DESK, 1)["shown"]["n_places"])[0] == 0
