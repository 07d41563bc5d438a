"""Stops that come with an order or belong to a position, and positions that the venue closes by itself."""

import pytest

from quintet.sandbox.commands import Deleverage, Done, SetStops, StopRequest
from quintet.sandbox.money import quanta
from quintet.sandbox.orders import Order
from quintet.sandbox.refusal import Refusal
from tests.sandbox_venue import ALICE, BOB, Desk

BTC = {"category": "linear", "symbol": "BTCUSDT"}
BOTH = StopRequest(take_profit="51000", stop_loss="49000")


@pytest.fixture
def desk() -> Desk:
    """A spot and a linear book of 49999 / 50001."""
    desk = Desk()
    for category in ("spot", "linear"):
        lots = 10**8 if category == "spot" else 10**6
        desk.ghosts({"49999": lots}, {"50001": lots}, category)
        desk.ghost_trade(1, "50001", 1, category)
    desk.exchange.drain()
    return desk


def waiting(desk: Desk) -> list[Order]:
    return [order for order in desk.exchange.state.orders.values() if order.is_waiting]


# ---- spot ----


def test_a_spot_order_brings_a_pair_of_stops_over_what_it_bought(desk: Desk) -> None:
    parent = desk.place("Buy", "0.1", "50001", category="spot", link_id="mother", stops=BOTH)
    take, stop = waiting(desk)
    assert parent.status == "Filled"
    assert {order.stop_kind for order in (take, stop)} == {"OcoOrder"}
    assert {order.parent_link for order in (take, stop)} == {"mother"}
    assert [order.trigger_price for order in (take, stop)] == [quanta("51000"), quanta("49000")]
    # a tenth of a percent went to the fee, in coins; the rest is reserved, once
    assert (take.lots, take.locked, stop.locked) == (99_900, quanta("0.0999"), 0)


def test_the_first_of_a_pair_to_fire_ends_the_other(desk: Desk) -> None:
    desk.place("Buy", "0.1", "50001", category="spot", stops=BOTH)
    take, stop = waiting(desk)
    desk.ghosts({"48990": 10**8}, {"48995": 10**8}, "spot")
    desk.ghost_trade(1, "48995", 1, "spot")
    assert (stop.status, stop.filled) == ("Filled", 99_900)
    assert (take.status, take.cancel_type) == ("Deactivated", "CancelByTpSlTsClear")
    assert desk.exchange.state.accounts[ALICE].locked == {}


def test_a_pair_is_cancelled_together(desk: Desk) -> None:
    desk.place("Sell", "0.1", category="spot", stops=StopRequest(take_profit="49000", stop_loss="51000"))
    take, stop = waiting(desk)
    assert (take.sign, take.lots) == (1, 100_000)
    desk.cancel(stop)
    assert (take.status, stop.status) == ("Deactivated", "Deactivated")
    assert desk.exchange.state.accounts[ALICE].locked == {}


def test_one_stop_alone_may_have_a_limit_and_waits_until_its_order_has_closed(desk: Desk) -> None:
    request = StopRequest(take_profit="51000", take_profit_limit="50900")
    parent = desk.place("Buy", "0.1", "49999", category="spot", stops=request)
    desk.ghost_trade(-1, "49999", 10**8 + 40_000, "spot")
    assert (parent.status, parent.filled, waiting(desk)) == ("PartiallyFilled", 40_000, [])
    desk.cancel(parent)
    (take,) = waiting(desk)
    assert (take.stop_kind, take.lots, take.price, take.is_market) == ("tpslOrder", 39_960, quanta("50900"), False)
    desk.ghosts({}, {"51000": 10**8}, "spot", snapshot=False)
    desk.ghosts({"49999": 0}, {"50001": 0}, "spot", snapshot=False)
    desk.ghost_trade(1, "51000", 1, "spot")
    assert (take.status, take.is_resting) == ("New", True)


def test_a_spot_stop_on_the_wrong_side_is_refused(desk: Desk) -> None:
    wrong = StopRequest(take_profit="48000")
    assert desk.refusal("Buy", "0.1", "50001", category="spot", stops=wrong) == 10001


# ---- trailing ----


def trail(desk: Desk, distance: str, active_price: str = "") -> Order:
    stops = StopRequest()
    answer = desk.do(
        SetStops(uid=ALICE, position_index=0, stops=stops, trailing=distance, active_price=active_price, **BTC)
    )
    assert isinstance(answer, Done), answer
    (order,) = waiting(desk)
    return order


def last(desk: Desk, price: str) -> None:
    tick = quanta("0.1")
    mid = quanta(price)
    book = desk.exchange.venue.books["linear:BTCUSDT"]
    levels = {f"{(mid - tick) / 10**8}": 10**6}, {f"{mid / 10**8}": 10**6}
    assert book.bids
    desk.ghosts(*levels)
    desk.ghost_trade(1, price, 1)


def test_a_trailing_stop_begins_to_follow_at_its_activation_price(desk: Desk) -> None:
    desk.place("Buy", "0.1")
    stop = trail(desk, "100", "50500")
    last(desk, "50300")
    assert (stop.status, stop.trigger_price) == ("Untriggered", 0)
    last(desk, "50600")
    assert stop.trigger_price == quanta("50500")
    last(desk, "50550")
    assert stop.trigger_price == quanta("50500")
    last(desk, "50700")
    assert stop.trigger_price == quanta("50600")
    last(desk, "50590")
    assert (stop.status, desk.position().lots) == ("Filled", 0)


def test_a_trailing_stop_of_a_short_follows_downwards_at_once(desk: Desk) -> None:
    desk.place("Sell", "0.1")
    stop = trail(desk, "100")
    assert stop.trigger_price == quanta("50099")
    last(desk, "49800")
    assert stop.trigger_price == quanta("49900")
    last(desk, "49950")
    assert (stop.status, desk.position().lots) == ("Filled", 0)


# ---- auto-deleveraging ----


def test_deleveraging_takes_the_largest_profit_first_at_mark_and_without_a_fee(desk: Desk) -> None:
    desk.place("Sell", "1", uid=BOB)
    desk.ghosts({"51000": 10**6}, {"51000.1": 10**6})
    desk.place("Sell", "1", uid=ALICE)  # at the better price
    desk.mark("49000")
    before = desk.coins()
    assert isinstance(desk.do(Deleverage(symbol="BTCUSDT", quantity="1.2")), Done)
    assert (desk.position(ALICE).lots, desk.position(BOB).lots) == (0, -800)
    assert desk.coins() - before == quanta("2000")
    execution = desk.exchange.state.accounts[ALICE].executions[-1]
    assert (execution.kind, execution.create_type, execution.fee) == ("AdlTrade", "CreateByAdl_PassThrough", 0)
    assert desk.exchange.state.accounts[ALICE].log[-1].kind == "ADL"
    assert isinstance(desk.do(Deleverage(symbol="BTCUSDT", quantity="x")), Refusal)


def test_a_spot_order_may_name_a_mode_and_no_stop(desk: Desk) -> None:
    order = desk.place("Buy", "0.1", "50001", category="spot", stops=StopRequest(mode="Partial"))
    assert (order.status, waiting(desk)) == ("Filled", [])
