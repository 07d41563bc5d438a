"""What is wanted against what is working: the fewest commands, and never two own orders that could meet."""

import itertools

import pytest

from quintet.core.engine.world import Limits
from quintet.core.orders.lifecycle import IOC, LIMIT, MARKET, POST_ONLY, STOP
from quintet.core.risk.gate import FREE_BASE, OFF_TICK, SELF_TRADE
from tests.desk_driver import Desk
from tests.desk_worlds import LINEAR_COIN, SPOT_COIN


def kinds(sent: list) -> list[str]:
    return [command.kind for command in sent]


# ---- fewest commands -----------------------------------------------------------------------------------------------
def test_what_is_still_wanted_stays() -> None:
    desk = Desk()
    assert kinds(desk.want((1, 9_900, 10), (1, 9_800, 10))) == ["place", "place"]
    assert desk.want((1, 9_800, 10), (1, 9_900, 10)) == []


@pytest.mark.parametrize(
    "other", [(1, 9_901, 10), (1, 9_900, 11), (1, 9_900, 10, LIMIT), (1, 9_900, 10, POST_ONLY, 1)],
    ids=["price", "size", "style", "tag"],
)  # fmt: skip
def test_any_other_price_size_style_or_tag_is_another_order(other: tuple) -> None:
    desk = Desk()
    desk.working((1, 9_900, 10))
    sent = desk.want(other)
    assert sent[0].kind == "cancel"


def test_an_order_not_yet_acknowledged_is_cancelled_after_its_acknowledgement() -> None:
    desk = Desk()
    number = desk.want((1, 9_900, 10))[0].number
    assert desk.want() == []
    desk.accept(number)
    assert kinds(desk.plan()) == ["cancel"]
    assert desk.plan() == []


def test_a_want_waits_for_the_dying_order_at_its_place() -> None:
    # given a bid whose size is to change
    desk = Desk()
    (number,) = desk.working((1, 9_900, 10))
    assert kinds(desk.want((1, 9_900, 12))) == ["cancel"]
    assert desk.plan() == []
    desk.canceled(number)
    assert [(c.kind, c.lots) for c in desk.plan()] == [("place", 12)]


def test_the_rest_of_a_partly_filled_order_stands_for_a_want_of_that_size() -> None:
    desk = Desk()
    (number,) = desk.working((1, 9_900, 10))
    desk.fill(number, 4)
    assert desk.want((1, 9_900, 6)) == []
    assert kinds(desk.want((1, 9_900, 10))) == ["cancel"]


def test_equal_wants_are_as_many_orders() -> None:
    desk = Desk()
    assert len(desk.want((1, 9_900, 10), (1, 9_900, 10))) == 2
    assert kinds(desk.want((1, 9_900, 10))) == []  # in flight, cancelled when acknowledged


def test_cancels_come_before_places_and_places_in_the_order_wanted() -> None:
    desk = Desk()
    desk.working((1, 9_900, 10))
    sent = desk.want((1, 9_700, 5), (1, 9_800, 5))
    assert [(c.kind, c.price) for c in sent] == [("cancel", 9_900), ("place", 9_700), ("place", 9_800)]


def test_an_order_number_is_position_and_index() -> None:
    desk = Desk()
    first, second = desk.want((1, 9_900, 10), (1, 9_800, 10))
    assert (first.number, second.number) == (desk.record.event * 256, desk.record.event * 256 + 1)
    numbers = itertools.chain([first.number, second.number], desk.working((1, 9_700, 1)))
    assert len(set(numbers)) == 3


def test_a_want_of_no_lots_is_no_want() -> None:
    desk = Desk()
    assert desk.want((1, 9_900, 0)) == []


# ---- remembered ----------------------------------------------------------------------------------------------------
def test_a_refused_intent_is_not_proposed_again_until_room_changes() -> None:
    # given a sale of what is not there
    desk = Desk()
    assert desk.want((-1, 10_100, 5)) == []
    assert (desk.reasons, desk.record.n_refused) == ([FREE_BASE], 1)
    desk.plan()
    assert desk.record.n_refused == 1
    # when something is bought
    (number,) = desk.working((-1, 10_100, 5), (1, 9_900, 5))
    desk.fill(number, 5)
    # then it is proposed and passes (as is the bid, which is wanted still)
    assert [c.side for c in desk.plan()] == [-1, 1]


def test_a_refused_intent_that_changes_is_asked_about_again() -> None:
    desk = Desk()
    desk.want((-1, 10_100, 5))
    desk.want((-1, 10_101, 5))
    assert (desk.record.n_refused, len(desk.reasons)) == (2, 2)


def test_a_shrunk_intent_is_not_proposed_again_either() -> None:
    # given an order shrunk to the limit
    desk = Desk(limits=(Limits(max_order_lots=4),))
    assert [c.lots for c in desk.want((1, 9_900, 10))] == [4]
    assert (desk.plan(), desk.record.n_shrunk) == ([], 1)


def test_what_only_time_cures_is_asked_again() -> None:
    desk = Desk(limits=(Limits(max_orders_per_second=1),))
    assert len(desk.want((1, 9_900, 1), (1, 9_800, 1))) == 1
    desk.later(1)
    desk.event(1)
    assert [c.price for c in desk.plan()] == [9_800]


def test_a_price_off_the_tick_is_refused() -> None:
    desk = Desk()
    desk.view.instruments[0].tick = 5
    assert desk.want((1, 9_901, 10)) == []
    assert desk.reasons == [OFF_TICK]


# ---- never against ourselves ---------------------------------------------------------------------------------------
STYLES = (POST_ONLY, LIMIT, IOC)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("resting", "wanted"), list(itertools.product(STYLES, (*STYLES, MARKET))))
def test_a_want_that_would_meet_our_own_order_is_never_sent(side: int, resting: int, wanted: int) -> None:
    # given one order working, still wanted, and a want of the other side at its price or better
    desk = Desk(LINEAR_COIN)
    keep = (side, 10_000, 10, resting)
    desk.working(keep)
    for through in (0, 5):
        price = 0 if wanted == MARKET else 10_000 - side * through
        assert desk.want(keep, (-side, price, 10, wanted)) == []
        assert SELF_TRADE in desk.reasons


@pytest.mark.parametrize("side", [1, -1])
def test_two_wants_that_would_meet_do_not_both_leave(side: int) -> None:
    desk = Desk(LINEAR_COIN)
    assert len(desk.want((side, 10_000, 10), (-side, 10_000, 10))) == 1


@pytest.mark.parametrize("side", [1, -1])
def test_a_market_order_on_its_way_is_met_by_any_price(side: int) -> None:
    desk = Desk(LINEAR_COIN)
    keep = (side, 0, 10, MARKET)
    assert kinds(desk.want(keep)) == ["place"]
    assert desk.want(keep, (-side, 10_000 + side * 500, 10)) == []


def test_orders_that_cannot_meet_are_no_obstacle() -> None:
    desk = Desk(LINEAR_COIN)
    assert len(desk.want((1, 9_999, 10), (-1, 10_000, 10))) == 2


def test_an_unwanted_order_in_the_way_is_cancelled_first_and_the_want_sent_after_the_acknowledgement() -> None:
    desk = Desk(LINEAR_COIN)
    (number,) = desk.working((1, 10_000, 10))
    assert kinds(desk.want((-1, 10_000, 10))) == ["cancel"]
    assert desk.plan() == []
    desk.canceled(number)
    assert kinds(desk.plan()) == ["place"]


@pytest.mark.parametrize("instrument", [SPOT_COIN, LINEAR_COIN], ids=["spot", "linear"])
def test_an_exit_has_all_orders_in_its_way_cancelled_even_wanted_ones(instrument: object) -> None:
    # given a long position and two bids that are wanted, above the price of an exit
    desk = Desk(instrument, lots=20)  # type: ignore[arg-type]
    bids = ((1, 9_900, 5), (1, 9_950, 5))
    numbers = desk.working(*bids)
    # when the exit is wanted besides them, last
    exit_order = (-1, 9_900, 20, IOC)
    assert kinds(desk.want(*bids, exit_order)) == ["cancel", "cancel"]
    for number in numbers:
        desk.canceled(number)
    # then it leaves, and the bids do not take its way again
    assert [(c.kind, c.side) for c in desk.plan()] == [("place", -1)]
    assert desk.plan() == []


def test_a_stop_held_at_the_desk_is_in_nobodys_way_and_finds_nobody_in_its() -> None:
    desk = Desk(lots=20)
    desk.working((-1, 9_500, 20, STOP))
    assert kinds(desk.want((-1, 9_500, 20, STOP), (1, 9_400, 5))) == ["place"]
    assert desk.account.open_sell_lots == 0


def test_an_order_the_market_has_traded_through_is_not_in_the_way_any_more() -> None:
    # given our ask at 100.00 while the best bid is already above it: its fill is on the way
    desk = Desk(LINEAR_COIN)
    desk.working((-1, 10_000, 10))
    desk.market(10_005, bid=10_004, ask=10_006)
    assert kinds(desk.want((-1, 10_000, 10), (1, 10_002, 10))) == ["place"]


def test_an_order_that_still_travels_is_in_the_way_wherever_the_market_is() -> None:
    # given our ask at 100.00, not acknowledged, and a market that is above it now: nobody knows whether it will rest
    desk = Desk(LINEAR_COIN)
    assert kinds(desk.want((-1, 10_000, 10))) == ["place"]
    desk.market(10_005, bid=10_004, ask=10_006)
    assert desk.want((-1, 10_000, 10), (1, 10_002, 10)) == []


def test_an_order_that_came_to_rest_after_what_we_know_of_the_market_is_in_the_way() -> None:
    # given a market that was above our ask before the exchange had it: it may rest there, the market may have fallen
    desk = Desk(LINEAR_COIN)
    desk.market(10_005, bid=10_004, ask=10_006)
    [ours] = desk.want((-1, 10_000, 10))
    desk.accept(ours.number)
    assert desk.want((-1, 10_000, 10), (1, 10_002, 10)) == []


# ---- market orders -------------------------------------------------------------------------------------------------
def test_a_purchase_at_market_on_spot_bears_its_bound() -> None:
    desk = Desk(last=10_000)
    sent = desk.want((1, 0, 10, MARKET))
    assert [(c.price, c.lots) for c in sent] == [(10_500, 10)]
    assert desk.plan() == []  # it stands for its want, though the price moves
    assert desk.account.reserved_quote == 10 * 10_500 * desk.view.instruments[0].quanta


def test_no_purchase_at_market_before_any_price() -> None:
    assert Desk(last=0).want((1, 0, 10, MARKET)) == []


def test_a_sale_at_market_needs_no_bound() -> None:
    assert [c.price for c in Desk(lots=10).want((-1, 0, 10, MARKET))] == [0]
