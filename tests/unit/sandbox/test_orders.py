"""An order's life on the sandbox exchange, rule by rule."""

import pytest

from quintet.sandbox.commands import Amend, CancelAll, Placed, StopRequest
from quintet.sandbox.money import quanta
from quintet.sandbox.refusal import Refusal
from tests.sandbox_venue import ALICE, BOB, Desk


@pytest.fixture
def desk() -> Desk:
    """A linear book of 50000 / 50001, ten lots (0.01 BTC) at each of three levels."""
    desk = Desk()
    desk.ghosts({"50000": 10, "49999": 10, "49998": 10}, {"50001": 10, "50002": 10, "50003": 10})
    desk.ghost_trade(1, "50001", 1)
    desk.ghosts({}, {"50001": 10}, snapshot=False)
    desk.exchange.drain()
    return desk


def test_a_taker_walks_the_book_and_pays_for_each_level(desk: Desk) -> None:
    order = desk.place("Buy", "0.015", "50002", time_in_force="IOC")
    assert (order.status, order.filled) == ("Filled", 15)
    assert desk.fills() == [(ALICE, 1, quanta("50001"), 10), (ALICE, 1, quanta("50002"), 5)]
    assert desk.position().lots == 15
    value = quanta("500.01") + quanta("250.01")
    assert desk.position().cost == value
    assert desk.coins() == quanta("100000") - sum(
        -(-part * 55 // 100_000) for part in (quanta("500.01"), quanta("250.01"))
    )


def test_a_filled_taker_is_told_once(desk: Desk) -> None:
    order = desk.place("Buy", "0.015", "50002")
    assert desk.stations(order) == ["Filled"]


def test_what_is_left_of_a_limit_order_rests(desk: Desk) -> None:
    order = desk.place("Buy", "0.015", "50001")
    assert (order.status, order.left) == ("PartiallyFilled", 5)
    assert desk.stations(order) == ["PartiallyFilled"]


def test_what_is_left_of_an_ioc_order_ends(desk: Desk) -> None:
    order = desk.place("Buy", "0.015", "50001", time_in_force="IOC")
    assert (order.status, order.reject_reason, order.left) == ("Cancelled", "EC_NoImmediateQtyToFill", 0)


def test_a_fok_order_trades_whole_or_not_at_all(desk: Desk) -> None:
    nothing = desk.place("Buy", "0.031", "50003", time_in_force="FOK")
    assert (nothing.status, nothing.filled, nothing.reject_reason) == ("Cancelled", 0, "EC_CancelForNoFullFill")
    assert desk.place("Buy", "0.03", "50003", time_in_force="FOK").status == "Filled"


def test_a_post_only_order_never_takes(desk: Desk) -> None:
    order = desk.place("Buy", "0.01", "50001", time_in_force="PostOnly")
    assert (order.status, order.reject_reason) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")
    assert desk.place("Buy", "0.01", "50000.9", time_in_force="PostOnly").status == "New"


def test_a_market_order_without_a_book_ends(desk: Desk) -> None:
    desk.ghosts({}, {})
    order = desk.place("Sell", "0.001")
    assert (order.status, order.reject_reason) == ("Cancelled", "EC_NoImmediateQtyToFill")


def test_an_order_queues_behind_the_market_and_ahead_of_who_comes_later(desk: Desk) -> None:
    first = desk.place("Buy", "0.005", "50000")
    second = desk.place("Buy", "0.005", "50000", uid=BOB)
    desk.ghosts({"50000": 30}, {}, snapshot=False)  # twenty more join behind both
    desk.ghost_trade(-1, "50000", 10)
    assert (first.filled, second.filled) == (0, 0)
    desk.ghost_trade(-1, "50000", 7)
    assert (first.status, second.filled) == ("Filled", 2)


def test_ghosts_that_leave_come_from_behind_us_first(desk: Desk) -> None:
    order = desk.place("Buy", "0.005", "50000")
    desk.ghosts({"50000": 30}, {}, snapshot=False)
    desk.ghosts({"50000": 10}, {}, snapshot=False)
    desk.ghost_trade(-1, "50000", 10)
    assert order.filled == 0  # the ten ahead of us were never gone


def test_a_ghost_that_runs_through_us_fills_us(desk: Desk) -> None:
    order = desk.place("Buy", "0.02", "50000.5")
    desk.ghosts({"50000": 10}, {"50000.2": 8}, snapshot=True)
    assert (order.filled, order.status) == (8, "PartiallyFilled")
    assert desk.fills()[-1] == (ALICE, 1, quanta("50000.5"), 8)


def test_amending_to_less_keeps_the_place_and_to_another_price_loses_it(desk: Desk) -> None:
    first = desk.place("Buy", "0.008", "50000.5")
    second = desk.place("Buy", "0.008", "50000.5", uid=BOB)
    amend = {"uid": ALICE, "category": "linear", "symbol": "BTCUSDT", "order_id": first.order_id}
    desk.do(Amend(**amend, quantity="0.005"))
    desk.ghost_trade(-1, "50000.5", 3)
    assert (first.filled, second.filled) == (3, 0)
    desk.do(Amend(**amend, quantity="0.006"))
    desk.ghost_trade(-1, "50000.5", 8)
    assert (first.filled, second.status) == (3, "Filled")
    desk.do(Amend(**amend, price="50001"))
    assert (first.status, first.value) == ("Filled", quanta("150.0015") + quanta("150.003"))


def test_amending_what_is_gone_is_refused(desk: Desk) -> None:
    order = desk.place("Buy", "0.001", "50000.5")
    desk.cancel(order)
    answer = desk.do(Amend(uid=ALICE, category="linear", symbol="BTCUSDT", order_id=order.order_id, price="50000"))
    assert isinstance(answer, Refusal) and answer.code == 110001
    assert (order.status, order.cancel_type) == ("Cancelled", "CancelByUser")


def test_a_name_is_used_once_for_ever(desk: Desk) -> None:
    order = desk.place("Buy", "0.001", "50000", link_id="mine-1")
    assert desk.refusal("Buy", "0.001", "50000", link_id="mine-1") == 110072
    desk.cancel(order)
    assert desk.refusal("Buy", "0.001", "50000", link_id="mine-1") == 110072
    assert desk.try_place("Buy", "0.001", "50000", BOB, link_id="mine-1") != 110072


def test_a_refused_order_does_not_use_up_its_name(desk: Desk) -> None:
    assert desk.refusal("Buy", "0.0001", "50000", link_id="mine-1") == 110017
    assert isinstance(desk.try_place("Buy", "0.001", "50000", link_id="mine-1"), Placed)


@pytest.mark.parametrize(
    ("mode", "taker", "maker", "filled"),
    [
        ("None", "Filled", "Filled", 5),
        ("CancelMaker", "New", "Cancelled", 0),
        ("CancelTaker", "Cancelled", "New", 0),
        ("CancelBoth", "Cancelled", "Cancelled", 0),
    ],
)
def test_self_match_prevention_is_the_takers(desk: Desk, mode: str, taker: str, maker: str, filled: int) -> None:
    desk.ghosts({}, {"50001": 0}, snapshot=False)
    resting = desk.place("Sell", "0.005", "50000.5", self_match="CancelBoth")
    incoming = desk.place("Buy", "0.005", "50000.5", self_match=mode)
    assert (incoming.status, resting.status, incoming.filled) == (taker, maker, filled)
    if mode in ("CancelMaker", "CancelBoth"):
        assert (resting.cancel_type, resting.self_match_order) == ("CancelBySmp", incoming.order_id)


REFUSED = [
    ("off the tick", {"quantity": "0.001", "price": "50000.05"}, 10001),
    ("off the step", {"quantity": "0.0015", "price": "50000"}, 10001),
    ("below one step", {"quantity": "0.0001", "price": "50000"}, 110017),
    ("no quantity", {"quantity": "0", "price": "50000"}, 10001),
    ("not a number", {"quantity": "NaN", "price": "50000"}, 10001),
    ("negative", {"quantity": "-1", "price": "50000"}, 10001),
    ("too large", {"quantity": "1191", "price": "50000"}, 10001),
    ("too large for a market order", {"quantity": "501"}, 10001),
    ("too small a notional", {"quantity": "0.001", "price": "4000", "symbol": "ETHUSDT"}, 110017),
    ("notional below five", {"quantity": "0.01", "price": "400", "symbol": "ETHUSDT"}, 110094),
    ("no such contract", {"quantity": "1", "price": "1", "symbol": "XYZUSDT"}, 10001),
    ("no such pair", {"quantity": "1", "price": "1", "symbol": "XYZUSDT", "category": "spot"}, 170121),
    ("no price", {"quantity": "0.001", "order_type": "Limit"}, 10001),
    ("another type", {"quantity": "0.001", "order_type": "Stop"}, 10001),
    ("another side", {"quantity": "0.001", "side": "Long"}, 10001),
    ("nothing to reduce", {"quantity": "0.001", "price": "50000", "reduce_only": True}, 110017),
    ("hedge index in one-way mode", {"quantity": "0.001", "price": "50000", "position_index": 1}, 10001),
    ("more than the margin", {"quantity": "30", "price": "50000"}, 110007),
    ("more than the risk tier", {"quantity": "500", "price": "50000", "symbol": "SOLUSDT"}, 110090),
    ("a bad name", {"quantity": "0.001", "price": "50000", "link_id": "a b"}, 10001),
    ("a trigger on the wrong side", {"quantity": "0.001", "trigger_price": "49000", "trigger_direction": 1}, 110092),
    ("a trigger on the other side", {"quantity": "0.001", "trigger_price": "51000", "trigger_direction": 2}, 110093),
    ("a trigger without direction", {"quantity": "0.001", "trigger_price": "51000"}, 10001),
    ("take profit below", {"quantity": "0.001", "price": "50000", "stops": StopRequest(take_profit="49000")}, 10001),
    ("spot off the tick", {"quantity": "0.001", "price": "50000.01", "category": "spot"}, 170134),
    ("spot off the step", {"quantity": "0.0000001", "price": "50000", "category": "spot"}, 170137),
    ("spot below five", {"quantity": "0.000001", "price": "50000", "category": "spot"}, 170140),
    ("spot beyond the balance", {"quantity": "10", "price": "50000", "category": "spot"}, 170131),
    ("spot beyond the maximum", {"quantity": "84", "price": "50000", "category": "spot"}, 170135),
    ("spot market below five", {"quantity": "4", "category": "spot"}, 170140),
    ("spot stop without trigger", {"quantity": "0.01", "category": "spot", "order_filter": "StopOrder"}, 10001),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_bad_order_is_refused_with_the_venues_number(desk: Desk, fields: dict[str, object], code: int) -> None:
    if fields.get("category") == "spot":
        desk.ghosts({"50000": 10}, {"50001": 10}, category="spot")
    fields = {"side": "Buy"} | fields
    assert desk.refusal(**fields) == code  # type: ignore[arg-type]


def test_price_limits_move_a_linear_order_and_refuse_a_spot_order(desk: Desk) -> None:
    desk.ghosts({"50000": 10}, {"50001": 10}, category="spot")
    desk.mark("50000")
    assert desk.place("Buy", "0.001", "60000").price < quanta("51000")
    assert desk.refusal("Buy", "0.001", "60000", category="spot") == 170193
    assert desk.refusal("Sell", "0.001", "40000", category="spot") == 170194


def test_a_conditional_order_waits_for_its_price_and_keeps_its_id(desk: Desk) -> None:
    order = desk.place("Buy", "0.005", trigger_price="50002", trigger_direction=1)
    assert (order.status, order.stop_kind) == ("Untriggered", "Stop")
    desk.ghost_trade(1, "50001", 10)
    assert order.status == "Untriggered"
    desk.exchange.drain()
    desk.ghost_trade(1, "50002", 1)
    assert desk.stations(order) == ["Triggered", "Filled"]


def test_a_conditional_order_that_fails_when_it_fires_is_rejected(desk: Desk) -> None:
    order = desk.place("Buy", "50", trigger_price="50002", trigger_direction=1)
    desk.ghost_trade(1, "50003", 11)
    assert order.status == "Rejected"


def test_a_cancelled_conditional_order_is_deactivated(desk: Desk) -> None:
    order = desk.place("Buy", "0.005", trigger_price="51000", trigger_direction=1)
    desk.cancel(order)
    assert order.status == "Deactivated"


def test_mark_and_index_can_be_what_a_trigger_watches(desk: Desk) -> None:
    order = desk.place("Sell", "0.005", trigger_price="49000", trigger_direction=2, trigger_by="MarkPrice")
    desk.ghost_trade(-1, "49998", 30)
    assert order.status == "Untriggered"
    desk.ghosts({"48900": 100}, {"48901": 100})
    desk.mark("48900")
    assert order.status == "Filled"


def test_full_stops_follow_the_position_and_end_with_it(desk: Desk) -> None:
    desk.place("Buy", "0.005", stops=StopRequest(take_profit="51000", stop_loss="49000"))
    stops = [order for order in desk.exchange.state.orders.values() if order.is_waiting]
    assert [(order.stop_kind, order.lots, order.trigger_direction) for order in stops] == [
        ("TakeProfit", 5, 1),
        ("StopLoss", 5, 2),
    ]
    desk.place("Buy", "0.003")
    assert {order.lots for order in stops} == {8}
    desk.place("Sell", "0.008", reduce_only=True)
    assert {(order.status, order.cancel_type) for order in stops} == {("Deactivated", "CancelByTpSlTsClear")}


def test_a_stop_loss_closes_the_whole_position(desk: Desk) -> None:
    desk.place("Buy", "0.005", stops=StopRequest(take_profit="51000", stop_loss="49999"))
    desk.place("Buy", "0.003")
    desk.ghost_trade(-1, "49999", 12)
    assert desk.position().lots == 0
    assert sorted(order.status for order in desk.exchange.state.orders.values()) == [
        "Deactivated", "Filled", "Filled", "Filled"
    ]  # fmt: skip


def test_partial_stops_come_in_pairs_of_which_one_fires(desk: Desk) -> None:
    desk.place("Buy", "0.008", stops=StopRequest(take_profit="50002", stop_loss="49000", mode="Partial"))
    desk.place("Buy", "0.002")
    take, stop = [order for order in desk.exchange.state.orders.values() if order.is_waiting]
    assert (take.stop_kind, take.lots, stop.sibling) == ("PartialTakeProfit", 8, take.order_id)
    desk.ghosts({"50002": 10}, {"50003": 10})
    desk.ghost_trade(-1, "50002", 1)
    assert (take.status, stop.status, desk.position().lots) == ("Filled", "Deactivated", 2)


def test_a_reduce_only_order_is_trimmed_to_the_position_and_ends_with_it(desk: Desk) -> None:
    desk.place("Buy", "0.005")
    closing = desk.place("Sell", "0.02", "50005", reduce_only=True)
    assert closing.lots == 5
    desk.place("Sell", "0.002")
    assert closing.left == 3
    desk.place("Sell", "0.003")
    assert (closing.status, closing.cancel_type) == ("Cancelled", "CancelByReduceOnly")


def test_close_on_trigger_with_nothing_named_closes_all(desk: Desk) -> None:
    desk.place("Buy", "0.007")
    order = desk.place("Sell", "0", close_on_trigger=True, reduce_only=True)
    assert (order.status, order.lots, desk.position().lots) == ("Filled", 7, 0)


def test_cancel_all_of_linear_takes_the_stops_too_and_of_spot_does_not(desk: Desk) -> None:
    desk.ghosts({"50000": 10}, {"50001": 10}, category="spot")
    desk.ghost_trade(1, "50001", 1, category="spot")
    for category in ("linear", "spot"):
        desk.place("Buy", "0.001", "49900", category=category)
        desk.place("Buy", "0.001", "51000", category=category, trigger_price="51000", trigger_direction=1,
                   order_filter="StopOrder")  # fmt: skip
    linear = desk.do(CancelAll(uid=ALICE, category="linear", settle="USDT"))
    spot = desk.do(CancelAll(uid=ALICE, category="spot"))
    assert (len(linear.orders), len(spot.orders)) == (2, 1)  # type: ignore[union-attr]
    assert isinstance(desk.do(CancelAll(uid=ALICE, category="linear")), Refusal)


def test_a_spot_buy_reserves_pays_and_is_charged_in_what_it_receives(desk: Desk) -> None:
    desk.ghosts({"50000": 1000}, {"50001": 1000}, category="spot")
    resting = desk.place("Buy", "0.01", "49000", category="spot")
    account = desk.exchange.state.accounts[ALICE]
    assert account.locked == {"USDT": quanta("490")}
    desk.cancel(resting)
    assert account.locked == {}
    desk.place("Buy", "0.0004", category="spot", market_unit="baseCoin")
    assert desk.coins() == quanta("100000") - quanta("20.0004")
    assert desk.coins(coin="BTC") == quanta("2.0004") - quanta("0.0000004")
    desk.place("Sell", "0.0004", category="spot")
    assert desk.coins() == quanta("99999.9996") - quanta("0.02")


def test_a_spot_market_buy_spends_an_amount_of_quote_coin(desk: Desk) -> None:
    desk.ghosts({"50000": 1000}, {"50001": 300, "50002": 1000}, category="spot")
    order = desk.place("Buy", "20", category="spot")
    assert (order.status, order.lots) == ("Filled", 300 + 99)
    assert quanta("20") - quanta("0.05") < order.value <= quanta("20")


def test_a_spot_order_cancelled_after_a_part_says_so(desk: Desk) -> None:
    desk.ghosts({"50000": 1000}, {"50001": 300}, category="spot")
    order = desk.place("Buy", "0.001", "50001", category="spot")
    assert order.status == "PartiallyFilled"
    desk.cancel(order)
    assert (order.status, order.filled) == ("PartiallyFilledCanceled", 300)


def test_too_many_orders_are_refused(desk: Desk) -> None:
    desk.exchange.state.markets["linear:BTCUSDT"].instrument.min_value = 0
    for _ in range(10):
        desk.place("Buy", "0.001", trigger_price="51000", trigger_direction=1)
    assert desk.refusal("Buy", "0.001", trigger_price="51000", trigger_direction=1) == 110009


def test_a_spot_market_sell_may_be_given_in_quote_coin(desk: Desk) -> None:
    desk.ghosts({"50000": 10**6}, {"50001": 10**6}, "spot")
    order = desk.place("Sell", "1000", category="spot", market_unit="quoteCoin")
    assert (order.status, order.filled, order.value) == ("Filled", 20_000, quanta("1000"))
    assert desk.coins(coin="BTC") == quanta("1.98")
    assert desk.exchange.state.accounts[ALICE].locked == {}
    assert desk.refusal("Sell", "200000", category="spot", market_unit="quoteCoin") == 170131
