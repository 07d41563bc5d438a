"""The kernel woken by hand: bars, fills, ends of orders and operators that a market rarely shows it."""

import pytest

from quintet.core.events import MINUTE_NS, ORDER_CANCELED, ORDER_EXPIRED, TIMEFRAME_NUMBER
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.orders.lifecycle import IOC, POST_ONLY, STOP
from quintet.core.records import table
from quintet.core.state import INSTRUMENT, VIEW, WAKE_BAR, WAKE_CONTROL, WAKE_FILL, WAKE_ORDER
from quintet.systems.structure_mm import decide, params_record
from quintet.systems.structure_mm import lots as lot_table
from quintet.systems.structure_mm.config import StructureMmConfig
from quintet.systems.structure_mm.episode import rebuild_bids
from quintet.systems.structure_mm.machine import KILLED, LATE_FILL
from quintet.systems.structure_mm.notes import AT_HARD_BAND, BIDS_TOUCHED, note_kind
from quintet.systems.structure_mm.quotes import quote, set_takes
from quintet.systems.structure_mm.records import (
    DEFENSIVE,
    DISABLED,
    EXIT,
    IDLE,
    LOTS,
    MM,
    NORMAL,
    REBALANCE,
    STATE,
    TAGS_PER_EPISODE,
)

FIVE = TIMEFRAME_NUMBER["5m"]
FIVE_NS = 5 * MINUTE_NS
QUANTA = 100_000_000
EQUITY = 10_000 * QUANTA
PARAMS = params_record(StructureMmConfig(), DEFAULT_SPOT)[0]
STOP_TAG = 3 * TAGS_PER_EPISODE


def a_view():
    view = table(VIEW, 1)[0]
    inst = view.instruments[0]
    inst.tick = 1
    inst.min_lots = DEFAULT_SPOT.min_lots
    inst.min_notional = DEFAULT_SPOT.min_notional_quanta
    inst.quanta = DEFAULT_SPOT.quanta_per_tick_lot
    inst.base_quanta = DEFAULT_SPOT.base_quanta_per_lot
    inst.maker_fee_e9 = inst.taker_fee_e9 = 1_000_000
    inst.trading = 1
    view.equity.quanta = view.equity.start = view.equity.day_open = EQUITY
    assert inst.dtype == INSTRUMENT
    return view


def bar(view, number, close=300_000, timeframe=FIVE, low=None):
    market = view.market[0]
    market.timeframe = timeframe
    market.bar_end = number * FIVE_NS
    market.open = market.close = market.last = close
    market.high = close + 100
    market.low = close - 100 if low is None else low
    view.now = market.bar_end
    view.why = WAKE_BAR


def noted(view):
    return [note_kind(int(view.notes[i].code)) for i in range(view.n_notes)]


def wanted(view):
    """Side, style, price, lots, tag of each want."""
    return [tuple(int(view.wants[i][x]) for x in ("side", "style", "price", "lots", "tag")) for i in range(view.n)]


def woken(state, view, why=WAKE_BAR):
    view.why = why
    view.n_notes = view.dirty = 0
    decide(state, PARAMS, view)


def averages_exist(state):
    """As after the warm-up, both ATR being 6.00."""
    state.ready = 1
    for average in (state.fast, state.slow):
        average.count = average.period
        average.value = 600.0


def in_mm(view, held=0, close=300_000):
    """State MM of episode 3 at a close, with one lot of what is held, calm in every other way."""
    state = table(STATE, 1)[0]
    bar(view, 400, close)
    woken(state, view)
    state.bars = 400
    averages_exist(state)
    state.machine = MM
    state.policy = NORMAL
    state.episode = 3
    state.close = state.anchor = close
    state.best_bid, state.best_ask = close - 1, close + 1
    state.low = close - 100
    state.origin, state.guard, state.stop, state.stop_lots = 290_000, 290_100, 289_000, 500_000
    state.top = state.top_before = 310_000
    state.fast_units = state.slow_units = 600 * 1024
    state.step_e9 = state.sizing_step_e9 = state.floor_e9 = 2_420_000
    state.equity = state.equity_start = EQUITY
    state.lot_quanta = 66_667 * QUANTA // 100
    state.serial = 10
    view.account[0].lots = held
    view.account[0].held = held * 1_000
    if held:
        place = lot_table.new_lot(state, STOP_TAG + 1, 1, close, held, close + 726)
        state.lots[place].buying = 0
        state.lots[place].lots = held
    return state


def fill(view, tag, side, price, lots, maker=1):
    account = view.account[0]
    account.lots += side * lots
    account.held += side * lots * 1_000
    view.tag, view.side, view.price, view.lots, view.maker = tag, side, price, lots, maker


# ---- bars --------------------------------------------------------------------------------------------------------


def test_a_late_bar_is_noted_and_ignored():
    # given a bar of 10:00
    state, view = table(STATE, 1)[0], a_view()
    bar(view, 10)
    woken(state, view)
    before = state.bars
    # when a bar comes again, or an older one
    for number in (10, 9):
        bar(view, number)
        woken(state, view)
        # then it is only noted
        assert noted(view) == ["late_bar"]
    assert (state.bars, state.late_bars) == (before, 2)


def test_a_missing_bar_disables_until_twelve_have_come_in_a_row():
    # given a state past its warm-up
    state, view = table(STATE, 1)[0], a_view()
    bar(view, 10)
    woken(state, view)
    averages_exist(state)
    state.structure.bias = 1
    # when two bars are missing
    policies = []
    for number in range(13, 27):
        bar(view, number)
        woken(state, view)
        policies.append(int(state.policy))
    # then the eleven bars after it are disabled, and the twelfth is not
    assert policies[:12] == [DISABLED] * 11 + [NORMAL]
    assert state.missing_bars == 2


def test_nothing_is_decided_before_the_slow_average_exists():
    # given 288 bars
    state, view = table(STATE, 1)[0], a_view()
    for number in range(1, 289):
        bar(view, number)
        woken(state, view)
    assert (state.ready, state.policy_row) == (0, 0)
    # when one more comes
    bar(view, 289)
    woken(state, view)
    # then the average exists
    assert state.ready == 1


@pytest.mark.req("S-47")
def test_a_lower_bar_keeps_orders_up_but_decides_nothing():
    # given a run with structure on 5m and execution on 1m, in MM with a lot whose take has expired
    view = a_view()
    state = in_mm(view, held=22_000)
    bars, clock = int(state.bars), int(state.clock)
    # when a 1m bar closes above everything that a decision would look at
    bar(view, 400, 312_000, timeframe=TIMEFRAME_NUMBER["1m"])
    view.market[0].bar_end += MINUTE_NS
    woken(state, view)
    # then no bar was counted and no state changed, but the take is quoted again
    assert (int(state.bars), int(state.clock), int(state.machine)) == (bars, clock, MM)
    assert (-1, POST_ONLY, 312_001, 22_000, STOP_TAG + 1) in wanted(view)


# ---- inventory ---------------------------------------------------------------------------------------------------


@pytest.mark.req("S-25")
def test_no_bid_is_placed_that_would_cross_the_hard_band():
    # given equity 10,000, base worth 3,800 at 3000, a lot of 666.67
    view = a_view()
    state = in_mm(view, held=126_667)
    state.share_e9 = 380_000_000
    # when the grid is built
    rebuild_bids(state, PARAMS, view)
    # then there is no bid: 3,800 + 666.67 > 4,000
    assert lot_table.bids_standing(state) == 0
    assert state.no_bid == AT_HARD_BAND


@pytest.mark.req("S-25")
def test_open_bids_count_as_if_they_were_filled():
    # given base worth 2,500: two bids of 666.67 fit under 4,000, a third does not
    view = a_view()
    state = in_mm(view, held=83_333)
    state.share_e9 = 250_000_000
    rebuild_bids(state, PARAMS, view)
    assert lot_table.bids_standing(state) == 2
    assert state.no_bid == AT_HARD_BAND


def test_above_the_soft_band_takes_come_down_to_the_cost_floor_and_no_lower():
    view = a_view()
    state = in_mm(view, held=22_000)
    state.lots[0].take_price = 305_000
    state.floor_e9 = 2_420_000
    # given a share at the soft band, then the take stays
    state.share_e9 = 250_000_000
    set_takes(state, PARAMS, view)
    assert state.lots[0].ask == 305_000
    # given a share above it, then it rests at the floor
    state.share_e9 = 250_000_001
    set_takes(state, PARAMS, view)
    assert state.lots[0].ask == state.lots[0].take_price == 300_726


def test_what_the_hard_band_has_too_much_of_rests_at_the_best_ask_oldest_lot_first():
    # given two lots and an excess larger than the older one
    view = a_view()
    state = in_mm(view, held=20_000)
    place = lot_table.new_lot(state, STOP_TAG + 2, 1, 299_000, 30_000, 303_000)
    state.lots[place].buying, state.lots[place].lots = 0, 30_000
    view.account[0].lots, view.account[0].held = 50_000, 50_000_000
    set_takes(state, PARAMS, view)
    state.excess_lots = 25_000
    # when quotes are said
    quote(state, PARAMS, view)
    # then all of the older lot and a part of the younger one are offered at the best ask
    asks = [want for want in wanted(view) if want[0] < 0 and want[1] == POST_ONLY]
    assert asks == [
        (-1, POST_ONLY, 300_001, 20_000, STOP_TAG + 1),
        (-1, POST_ONLY, 300_001, 5_000, STOP_TAG + 2),
        (-1, POST_ONLY, 303_000, 25_000, STOP_TAG + 2),
    ]


def test_defensive_quotes_half_the_bids_of_half_the_size():
    view = a_view()
    state = in_mm(view)
    rebuild_bids(state, PARAMS, view)
    normal = [(int(lot.ordered), int(lot.price)) for lot in state.lots if lot.tag]
    state.policy = DEFENSIVE
    rebuild_bids(state, PARAMS, view)
    halved = [(int(lot.ordered), int(lot.price)) for lot in state.lots if lot.tag]
    assert (len(normal), len(halved)) == (4, 2)
    assert halved[0][0] == normal[0][0] // 2


def test_a_bid_stays_until_its_place_has_moved_by_a_tenth_of_a_gap():
    # given a grid
    view = a_view()
    state = in_mm(view)
    rebuild_bids(state, PARAMS, view)
    tags = [int(lot.tag) for lot in state.lots if lot.tag]
    # when the step changes a little, then the same bids stand
    state.step_e9 += 20_000
    rebuild_bids(state, PARAMS, view)
    assert [int(lot.tag) for lot in state.lots if lot.tag] == tags
    # when it changes much, then others do
    state.step_e9 += 1_000_000
    rebuild_bids(state, PARAMS, view)
    assert not set(tags) & {int(lot.tag) for lot in state.lots if lot.tag}


def test_while_a_bid_was_reached_and_its_fill_is_unknown_nothing_moves_for_one_bar():
    view = a_view()
    state = in_mm(view)
    rebuild_bids(state, PARAMS, view)
    tags = [int(lot.tag) for lot in state.lots if lot.tag]
    # given a bar that went through the first bid
    state.low, state.close, state.best_bid = 299_000, 299_100, 299_099
    rebuild_bids(state, PARAMS, view)
    assert [int(lot.tag) for lot in state.lots if lot.tag] == tags
    assert state.no_bid == BIDS_TOUCHED
    # when the next bar brings no fill either, then the grid is built again
    rebuild_bids(state, PARAMS, view)
    assert state.no_bid != BIDS_TOUCHED


# ---- fills and ends of orders ------------------------------------------------------------------------------------


def test_a_filled_bid_is_offered_at_its_take_at_once():
    view = a_view()
    state = in_mm(view)
    rebuild_bids(state, PARAMS, view)
    bid = state.lots[0]
    tag, price = int(bid.tag), int(bid.price)
    # when the bid fills in two parts, the fee being taken in base
    for part in (10_000, 12_000):
        fill(view, tag, 1, price, part)
        view.account[0].lots -= 10
        view.account[0].held -= 10_000
        woken(state, view, WAKE_FILL)
    # then what arrived is offered at its take, and the anchor is there
    assert (-1, POST_ONLY, int(bid.take_price), 21_980, tag) in wanted(view)
    assert (int(bid.lots), int(state.anchor)) == (21_980, price)


def test_a_bid_that_was_given_up_and_fills_all_the_same_opens_a_lot_of_its_own():
    view = a_view()
    state = in_mm(view)
    fill(view, STOP_TAG + 9, 1, 299_000, 20_000)
    woken(state, view, WAKE_FILL)
    assert state.n_late_fills == 1
    assert lot_table.held_in_lots(state) == 20_000
    assert lot_table.find_lot(state, STOP_TAG + 9) >= 0


def test_a_fill_after_the_episode_is_sold_at_once():
    # given Idle
    view = a_view()
    state = in_mm(view)
    state.machine = IDLE
    state.stop = 0
    fill(view, STOP_TAG + 9, 1, 299_000, 20_000)
    # when a bid fills all the same
    woken(state, view, WAKE_FILL)
    # then it is sold by an order with a cap
    assert state.machine == EXIT
    assert [want[:4] for want in wanted(view)] == [(-1, IOC, 298_500, 20_000)]
    # and once it is sold the episode is over, counted by its own name
    fill(view, int(state.exit_tag), -1, 298_900, 20_000, maker=0)
    woken(state, view, WAKE_FILL)
    assert (state.machine, state.endings[LATE_FILL], state.n_episodes) == (IDLE, 1, 0)


def test_an_expired_take_waits_for_the_next_close_and_is_never_below_the_market():
    view = a_view()
    state = in_mm(view, held=22_000)
    set_takes(state, PARAMS, view)
    # given a take that would have taken and has expired
    view.tag, view.side, view.price, view.kind = STOP_TAG + 1, -1, 300_726, ORDER_EXPIRED
    woken(state, view, WAKE_ORDER)
    assert all(want[1] == STOP for want in wanted(view))
    # when the next bar closes above it
    bar(view, 401, 302_000)
    state.structure.bias = 1
    woken(state, view)
    # then it is offered at the best ask
    assert (-1, POST_ONLY, 302_001, 22_000, STOP_TAG + 1) in wanted(view)


def test_a_take_called_back_to_grow_comes_again_at_once():
    view = a_view()
    state = in_mm(view, held=10_000)
    set_takes(state, PARAMS, view)
    quote(state, PARAMS, view)
    # given a second part of the same bid
    state.lots[0].buying = 12_000
    fill(view, STOP_TAG + 1, 1, 300_000, 12_000)
    woken(state, view, WAKE_FILL)
    assert state.lots[0].resizing == 1
    # when the smaller take is cancelled
    view.tag, view.side, view.price, view.kind = STOP_TAG + 1, -1, 300_726, ORDER_CANCELED
    woken(state, view, WAKE_ORDER)
    # then the larger one is wanted
    assert (-1, POST_ONLY, 300_726, 22_000, STOP_TAG + 1) in wanted(view)


def test_a_bar_through_the_stop_stops_all_selling_until_the_outcome_is_known():
    view = a_view()
    state = in_mm(view, held=22_000)
    state.structure.bias = 1
    # given a bar that went through S and closed above it
    bar(view, 401, 291_000, low=288_000)
    woken(state, view)
    # then the episode is left, but nothing is sold besides the stop
    assert state.machine == EXIT
    assert [want[1] for want in wanted(view)] == [STOP]
    # when the stop's fill comes with a rest
    fill(view, STOP_TAG, -1, 288_900, 20_000, maker=0)
    woken(state, view, WAKE_FILL)
    # then the rest is sold at once
    assert [(want[1], want[3]) for want in wanted(view)] == [(IOC, 2_000)]


def test_a_stop_that_was_hit_without_anything_held_ends_the_episode():
    view = a_view()
    state = in_mm(view)
    state.machine = REBALANCE
    view.tag, view.side, view.price, view.kind = STOP_TAG, -1, 289_000, ORDER_EXPIRED
    woken(state, view, WAKE_ORDER)
    assert (state.machine, state.stop) == (IDLE, 0)


def test_an_urgent_exit_is_sent_again_once_a_bar():
    view = a_view()
    state = in_mm(view, held=22_000)
    state.machine = EXIT
    state.exit_due = 1
    state.stop_waits_ns = 0
    bar(view, 401, 300_000)
    woken(state, view)
    first = int(state.exit_tag)
    # given that the venue found no buyer
    view.tag, view.side, view.price, view.kind = first, -1, 298_500, ORDER_EXPIRED
    woken(state, view, WAKE_ORDER)
    assert all(want[1] != IOC for want in wanted(view))
    # when the next bar closes
    bar(view, 402, 299_000)
    woken(state, view)
    # then a new order is sent with a new cap
    assert [(want[1], want[2]) for want in wanted(view)][-1] == (IOC, 297_505)
    assert state.exit_tag != first


def test_dust_is_not_sold_and_joins_the_next_lot():
    # given 300 lots of dust, below the minimum order
    view = a_view()
    state = in_mm(view)
    view.account[0].lots, view.account[0].held = 40, 40_000
    rebuild_bids(state, PARAMS, view)
    tag = int(state.lots[0].tag)
    # when a bid fills
    fill(view, tag, 1, int(state.lots[0].price), 20_000)
    woken(state, view, WAKE_FILL)
    # then the take sells the dust with it
    assert int(state.lots[0].lots) == 20_040


# ---- the kill switch ---------------------------------------------------------------------------------------------


@pytest.mark.req("S-64")
def test_an_operator_ends_everything_and_only_an_operator_allows_it_again():
    # given MM with a lot
    view = a_view()
    state = in_mm(view, held=22_000)
    # when an operator pulls the switch
    view.halted = 1
    woken(state, view, WAKE_CONTROL)
    # then the lot is sold and nothing else is wanted but the stop
    assert (state.machine, state.killed, state.exit_reason) == (EXIT, 1, KILLED)
    assert sorted(want[1] for want in wanted(view)) == [IOC, STOP]
    # when it is released, then the mark to fall from begins anew
    view.halted = 0
    state.equity = EQUITY * 9 // 10
    woken(state, view, WAKE_CONTROL)
    assert (state.killed, state.high_water) == (0, EQUITY * 9 // 10)


def test_five_percent_below_the_high_water_mark_trips_the_switch_for_good():
    view = a_view()
    state = in_mm(view)
    state.high_water = EQUITY
    for equity, killed in ((EQUITY * 95 // 100 + 1, 0), (EQUITY * 95 // 100, 1), (EQUITY, 1)):
        view.equity.quanta = view.equity.day_open = equity
        bar(view, int(state.bars) + 1)
        woken(state, view)
        assert state.killed == killed


# ---- the table of lots -------------------------------------------------------------------------------------------


def test_an_exit_sells_the_oldest_lots_first():
    state = table(STATE, 1)[0]
    for tag, lots in ((7, 100), (5, 200), (9, 300)):
        place = lot_table.new_lot(state, tag, 1, 1_000, lots, 1_010)
        state.lots[place].buying, state.lots[place].lots = 0, lots
    lot_table.sell_oldest(state, 250)
    assert {int(lot.tag): int(lot.lots) for lot in state.lots if lot.tag} == {7: 50, 9: 300}


def test_when_every_place_is_taken_there_is_no_further_lot():
    state = table(STATE, 1)[0]
    for tag in range(1, LOTS + 1):
        assert lot_table.new_lot(state, tag, 1, 1_000, 5, 1_010) >= 0
    assert lot_table.new_lot(state, LOTS + 1, 1, 1_000, 5, 1_010) == -1
