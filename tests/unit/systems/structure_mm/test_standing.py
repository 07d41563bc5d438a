"""A good place in the queue is kept, and left only when that pays; without a queue everything moves as on candles."""

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.orders.lifecycle import BUY, SELL
from quintet.core.state import NO_BID
from quintet.systems.structure_mm import notes as n
from quintet.systems.structure_mm import params_record
from quintet.systems.structure_mm.config import StructureMmConfig
from quintet.systems.structure_mm.episode import rebuild_bids
from quintet.systems.structure_mm.quotes import set_takes
from quintet.systems.structure_mm.records import DEFENSIVE, MM, NORMAL
from quintet.systems.structure_mm.standing import worth_of_place
from tests.unit.systems.structure_mm.test_touch import a_market

PARAMS = params_record(StructureMmConfig(n_bids=1), DEFAULT_SPOT)[0]
TICK = 10
KEEPS, LOSES, NEVER_AMENDS = 1, 2, 0
"""What becomes of the place of an order that only becomes smaller, at this venue."""


def give_place(view, side: int, tag: int, price: int, ahead: int, level: int) -> None:
    """Our order rests among `level` lots of others, `ahead` of them before it."""
    place = view.places[view.n_places]
    view.n_places += 1
    place.side, place.tag, place.price, place.lots = side, tag, price, 5
    place.ahead, place.level = ahead, level


def a_maker(policy: int = NORMAL):
    """In MM with one bid of the grid, which no order stands for yet; ticks of ten increments."""
    state, view = a_market(300_500, 300_510, tick=TICK)
    state.machine, state.policy, state.equity, state.lot_quanta = MM, policy, 10**12, 10**11
    state.anchor, state.step_e9, state.top, state.low = 300_000, 100_000, 400_000, 299_990
    rebuild_bids(state, PARAMS, view)
    view.n_notes = 0
    return state, view


def the_bid(state):
    [bid] = [lot for lot in state.lots if lot.buying > 0]
    return bid


@pytest.mark.parametrize(
    ("ahead", "level", "worth"),
    [
        pytest.param(0, 100, 30, id="first: all of requote_ticks, 3"),
        pytest.param(50, 100, 15, id="in the middle"),
        pytest.param(99, 100, 0, id="nearly the last: less than an increment"),
        pytest.param(100, 100, 0, id="the last"),
        pytest.param(0, 0, 0, id="alone: a newcomer would be as well off"),
    ],
)
def test_a_place_is_worth_the_share_of_the_queue_behind_it(ahead: int, level: int, worth: int) -> None:
    _, view = a_market(300_500, 300_510, tick=TICK)
    give_place(view, BUY, 7, 299_960, ahead, level)
    assert worth_of_place(PARAMS, view, BUY, 7, 299_960) == worth


def test_only_its_own_place_counts_and_only_in_a_known_book() -> None:
    _, view = a_market(300_500, 300_510, tick=TICK)
    give_place(view, BUY, 7, 299_960, 0, 100)
    assert worth_of_place(PARAMS, view, SELL, 7, 299_960) == 0
    assert worth_of_place(PARAMS, view, BUY, 8, 299_960) == 0
    assert worth_of_place(PARAMS, view, BUY, 7, 299_950) == 0
    view.market[0].bid = NO_BID
    assert worth_of_place(PARAMS, view, BUY, 7, 299_960) == 0


@pytest.mark.parametrize(
    ("ticks", "ahead", "stays"),
    [(3, 0, True), (4, 0, False), (1, 60, True), (2, 60, False), (1, 70, False)],
)
def test_a_bid_stays_while_its_place_is_worth_more_than_the_move(ticks: int, ahead: int, stays: bool) -> None:
    """Given a bid with so much of a queue of 100 before it, and an anchor that has risen by so many ticks."""
    state, view = a_maker()
    bid = the_bid(state)
    tag, price = int(bid.tag), int(bid.price)
    give_place(view, BUY, tag, price, ahead, 100)
    state.anchor += ticks * TICK + 1
    rebuild_bids(state, PARAMS, view)
    assert (int(the_bid(state).tag) == tag, int(the_bid(state).price) - price) == (stays, 0 if stays else ticks * TICK)


def test_where_no_queue_is_known_a_bid_moves_by_a_tick() -> None:
    state, view = a_maker()
    tag = int(the_bid(state).tag)
    state.anchor += TICK + 1
    rebuild_bids(state, PARAMS, view)
    assert int(the_bid(state).tag) != tag


@pytest.mark.parametrize(("amends", "stays"), [(KEEPS, True), (LOSES, False), (NEVER_AMENDS, False)])
def test_a_bid_that_is_too_large_becomes_smaller_where_it_keeps_its_place(amends: int, stays: bool) -> None:
    """Given a bid of Normal when the policy becomes Defensive, whose lots are half as large."""
    state, view = a_maker()
    view.instruments[0].amends = amends
    bid = the_bid(state)
    tag, lots = int(bid.tag), int(bid.buying)
    state.policy = DEFENSIVE
    rebuild_bids(state, PARAMS, view)
    assert (int(the_bid(state).tag) == tag, int(the_bid(state).buying)) == (stays, lots // 2)
    [said] = [row for row in view.notes[: view.n_notes] if row.code == n.BID]
    assert (int(said.a) == tag, int(said.c)) == (stays, lots // 2)


def test_a_bid_that_is_nearly_bought_is_not_made_larger() -> None:
    state, view = a_maker()
    view.instruments[0].amends = KEEPS
    bid = the_bid(state)
    lots, bid.buying = int(bid.buying), 1
    state.policy = DEFENSIVE
    rebuild_bids(state, PARAMS, view)
    assert (int(bid.buying), int(bid.ordered)) == (1, lots)
    assert not [row for row in view.notes[: view.n_notes] if row.code == n.BID]


def test_a_bid_never_becomes_larger_in_its_place() -> None:
    state, view = a_maker(DEFENSIVE)
    view.instruments[0].amends = KEEPS
    tag = int(the_bid(state).tag)
    state.policy = NORMAL
    rebuild_bids(state, PARAMS, view)
    assert int(the_bid(state).tag) != tag


@pytest.mark.parametrize(("ahead", "stays"), [(0, True), (60, False)])
def test_a_take_comes_down_only_when_that_pays(ahead: int, stays: bool) -> None:
    """Given a take that the soft band wants two ticks lower."""
    state, view = a_market(300_000, 300_010, tick=TICK)
    state.machine, state.share_e9 = MM, 300_000_000
    lot = state.lots[0]
    lot.tag, lot.price, lot.lots, lot.take_price, lot.ask = 7, 300_000, 10, 300_320, 300_320
    state.floor_e9 = 1_000_000
    give_place(view, SELL, 7, 300_320, ahead, 100)
    set_takes(state, PARAMS, view)
    assert (int(lot.take_price), int(lot.ask)) == (300_300, 300_320 if stays else 300_300)
