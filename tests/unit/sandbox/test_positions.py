"""Positions, margin, funding, liquidation and transfers on the sandbox exchange."""

from decimal import Decimal

import pytest

from quintet.core.errors import ConfigError
from quintet.sandbox.commands import (
    AddMargin,
    ChangeInstrument,
    Done,
    MoveCoins,
    OpenAccount,
    SetFunding,
    SetLeverage,
    SetMarginMode,
    SetStops,
    StopRequest,
    SwitchMode,
)
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.happenings import Liquidated
from quintet.sandbox.instruments import MAJOR_TIERS, default_catalogue
from quintet.sandbox.margin import account_margin, liquidation_price
from quintet.sandbox.money import quanta
from quintet.sandbox.refusal import Refusal
from quintet.sandbox.state import INSURANCE
from tests.sandbox_venue import ALICE, BOB, Desk

BTC = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture
def desk() -> Desk:
    """A deep linear book around 50000 and two accounts of 100,000 USDT."""
    desk = Desk(USDT="100000")
    desk.ghosts({"50000": 100_000}, {"50000.1": 100_000})
    desk.mark("50000")
    return desk


def code(answer: object) -> int:
    return answer.code if isinstance(answer, Refusal) else 0


def test_closing_books_the_difference_and_both_fees(desk: Desk) -> None:
    desk.place("Buy", "1")
    desk.ghosts({"50100": 5000}, {"50100.1": 5000})
    order = desk.place("Sell", "1", reduce_only=True)
    fees = quanta("27.500055") + quanta("27.555")
    assert order.closed_pnl == quanta("99.9")
    assert desk.coins() == quanta("100000") + quanta("99.9") - fees
    (closed,) = desk.exchange.state.accounts[ALICE].closed_pnl
    assert (closed.pnl, closed.lots) == (quanta("99.9") - fees, 1000)


def test_a_fill_through_zero_closes_and_opens(desk: Desk) -> None:
    desk.place("Buy", "1")
    desk.place("Sell", "1.5")
    assert (desk.position().lots, desk.position().cost) == (-500, -quanta("25000"))
    execution = desk.exchange.state.accounts[ALICE].executions[-1]
    assert (execution.closed_lots, execution.lots) == (1000, 1500)


def test_hedge_mode_holds_both_sides(desk: Desk) -> None:
    switch = SwitchMode(uid=ALICE, category="linear", coin="USDT", hedge=True)
    assert code(desk.do(switch)) == 0
    assert code(desk.do(switch)) == 110025
    desk.place("Buy", "1", position_index=1)
    desk.place("Sell", "0.4", position_index=2)
    assert (desk.position(index=1).lots, desk.position(index=2).lots) == (1000, -400)
    desk.place("Sell", "2", position_index=1)  # closes the long, and no more
    assert desk.position(index=1).lots == 0
    assert desk.refusal("Sell", "1", position_index=1) == 110017
    assert desk.refusal("Buy", "1") == 10001
    back = SwitchMode(uid=ALICE, symbol="BTCUSDT", category="linear", hedge=False)
    assert code(desk.do(back)) == 110024


def test_leverage_changes_what_an_order_needs(desk: Desk) -> None:
    assert desk.refusal("Buy", "25") == 110007
    assert code(desk.do(SetLeverage(uid=ALICE, leverage="50", **BTC))) == 0
    assert code(desk.do(SetLeverage(uid=ALICE, leverage="50", **BTC))) == 110043
    assert code(desk.do(SetLeverage(uid=ALICE, leverage="500", **BTC))) == 10001
    desk.ghosts({"50000": 100_000}, {"50000.1": 100_000})
    desk.place("Buy", "25")
    assert code(desk.do(SetLeverage(uid=ALICE, leverage="150", **BTC))) == 110013
    assert code(desk.do(SetLeverage(uid=ALICE, leverage="5", **BTC))) == 110007


def test_tiers_are_continuous() -> None:
    first, second, third, _ = MAJOR_TIERS
    assert second.deduction == quanta("510")
    for low, high in ((first, second), (second, third)):
        below = low.value_max * low.maintenance_rate - low.deduction * 10**8
        above = low.value_max * high.maintenance_rate - high.deduction * 10**8
        assert below == above


def test_the_estimated_liquidation_price_is_where_it_happens(desk: Desk) -> None:
    desk.do(SetLeverage(uid=ALICE, leverage="100", **BTC))
    desk.place("Buy", "30")
    market = desk.exchange.state.markets["linear:BTCUSDT"]
    price = liquidation_price(desk.exchange.venue, desk.exchange.state.accounts[ALICE], desk.position())
    assert quanta("46500") < price < quanta("47500")
    desk.mark(str((price + 3 * market.instrument.tick) // 10**7 / Decimal(10)))
    assert desk.position().lots == 30_000
    desk.mark(str((price - 3 * market.instrument.tick) // 10**7 / Decimal(10)))
    assert desk.position().lots == 0


def test_cross_liquidation_cancels_takes_over_and_leaves_nothing_owed(desk: Desk) -> None:
    desk.do(SetLeverage(uid=ALICE, leverage="50", **BTC))
    desk.place("Buy", "30")
    order = desk.place("Buy", "0.1", "49000")
    desk.exchange.drain()
    desk.mark("40000")  # far beyond bankruptcy: the fund pays the rest
    assert (order.status, order.cancel_type) == ("Cancelled", "CancelAllBeforeLiq")
    assert desk.position().lots == 0
    assert desk.coins() == 0
    assert desk.exchange.state.accounts[INSURANCE].coins["USDT"] < 0
    execution = desk.exchange.state.accounts[ALICE].executions[-1]
    assert (execution.kind, execution.create_type) == ("BustTrade", "CreateByTakeOver_PassThrough")
    (print_,) = [found for found in desk.exchange.drain() if isinstance(found, Liquidated)]
    assert (print_.sign, print_.lots) == (1, 30_000)
    assert desk.coins(BOB) == quanta("100000")


def test_a_liquidation_in_time_feeds_the_fund(desk: Desk) -> None:
    desk.do(SetLeverage(uid=ALICE, leverage="50", **BTC))
    desk.place("Sell", "30")
    desk.mark("53030")
    assert desk.position().lots == 0
    assert 0 <= desk.coins() < quanta("4")
    assert desk.exchange.state.accounts[INSURANCE].coins["USDT"] > 0


def test_isolated_margin_loses_the_position_and_not_the_account(desk: Desk) -> None:
    assert code(desk.do(AddMargin(uid=ALICE, position_index=0, amount="10", **BTC))) == 10001
    desk.do(SetMarginMode(uid=ALICE, isolated=True))
    assert code(desk.do(SetMarginMode(uid=ALICE, isolated=True))) == 110026
    desk.place("Buy", "1")
    desk.mark("45500")
    assert desk.position().lots == 1000
    desk.do(AddMargin(uid=ALICE, position_index=0, amount="2000", **BTC))
    desk.mark("45000")
    assert desk.position().lots == 1000
    desk.mark("43000")
    assert desk.position().lots == 0
    assert quanta("92900") < desk.coins() < quanta("93000")


def test_funding_goes_from_longs_to_shorts_at_the_venues_time(desk: Desk) -> None:
    desk.place("Buy", "1", "50000.1")
    desk.place("Sell", "1", uid=BOB)
    before = desk.coins(), desk.coins(BOB)
    desk.do(SetFunding(symbol="BTCUSDT", rate=quanta("0.001")))
    market = desk.exchange.state.markets["linear:BTCUSDT"]
    desk.wait(1)
    desk.wait((market.next_funding_ms - desk.now_ms) / 1000 - 2)
    assert (desk.coins(), desk.coins(BOB)) == before
    desk.wait(4)
    paid = quanta("50")
    assert (desk.coins(), desk.coins(BOB)) == (before[0] - paid, before[1] + paid)
    entry = desk.exchange.state.accounts[ALICE].log[-1]
    assert (entry.kind, entry.funding, entry.change) == ("SETTLEMENT", -paid, -paid)
    assert market.fundings[-1].ms % (8 * 3_600_000) == 0
    assert desk.exchange.state.accounts[ALICE].executions[-1].kind == "Funding"


def test_without_premium_the_funding_rate_is_the_interest(desk: Desk) -> None:
    desk.mark("50000.05")
    desk.wait(3600)
    assert desk.exchange.state.markets["linear:BTCUSDT"].funding_rate == quanta("0.0001")


def test_stops_of_a_position_are_set_changed_and_taken_away(desk: Desk) -> None:
    def stops(**fields: str) -> int:
        trailing = fields.pop("trailing", "")
        return code(
            desk.do(SetStops(uid=ALICE, position_index=0, stops=StopRequest(**fields), trailing=trailing, **BTC))  # type: ignore[arg-type]
        )

    desk.ghost_trade(1, "50000.1", 1)
    assert stops(take_profit="51000") == 10001
    desk.place("Buy", "1")
    assert stops(take_profit="49000") == 10001
    assert stops(take_profit="51000", stop_loss="49000") == 0
    assert stops(take_profit="51000") == 34040
    assert stops(take_profit="0") == 0
    waiting = [order for order in desk.exchange.state.orders.values() if order.is_waiting]
    assert [order.stop_kind for order in waiting] == ["StopLoss"]
    assert stops(trailing="100") == 0
    desk.ghosts({"50200": 5000}, {"50200.1": 5000})
    desk.ghost_trade(1, "50200.1", 1)
    desk.ghosts({"50100": 5000}, {"50100.1": 5000})
    desk.ghost_trade(-1, "50100", 1)
    assert desk.position().lots == 0
    assert desk.exchange.state.accounts[ALICE].executions[-1].create_type == "CreateByTrailingStop"


def test_transfers_have_an_id_good_for_one_and_stay_in_the_family(desk: Desk) -> None:
    desk.do(OpenAccount(uid=101, name="sub", parent=ALICE))
    fields = {"coin": "USDT", "from_uid": ALICE, "to_uid": 101}
    assert desk.do(MoveCoins(transfer_id="a", amount="1000", **fields)) == Done()  # type: ignore[arg-type]
    assert desk.coins(101) == quanta("1000")
    for transfer_id, changed, expected in (
        ("a", {"amount": "1"}, 131214),
        ("b", {"amount": "1000000"}, 131212),
        ("c", {"amount": "0.000000001"}, 131210),
        ("d", {"amount": "1", "to_uid": BOB}, 131200),
        ("e", {"amount": "1", "to_uid": ALICE}, 131211),
    ):
        assert code(desk.do(MoveCoins(transfer_id=transfer_id, **(fields | changed)))) == expected  # type: ignore[arg-type]
    desk.do(MoveCoins(transfer_id="f", coin="USDT", amount="5", from_uid=ALICE, to_uid=ALICE, to_wallet="FUND"))
    assert desk.exchange.state.accounts[ALICE].funding_coins == {"USDT": quanta("5")}
    assert [entry.kind for entry in desk.exchange.state.accounts[ALICE].log] == ["TRANSFER_OUT", "TRANSFER_OUT"]


def test_money_that_carries_a_position_cannot_leave(desk: Desk) -> None:
    desk.place("Buy", "15")
    desk.do(OpenAccount(uid=101, name="sub", parent=ALICE))
    answer = desk.do(MoveCoins(transfer_id="a", coin="USDT", amount="50000", from_uid=ALICE, to_uid=101))
    assert code(answer) == 131212


def test_a_tick_may_change_in_mid_session(desk: Desk) -> None:
    order = desk.place("Buy", "1", "49999.9")
    desk.do(ChangeInstrument(tick="0.5", **BTC))
    assert desk.refusal("Buy", "1", "49999.9") == 10001
    assert order.status == "New"
    desk.do(ChangeInstrument(status="Closed", **BTC))
    assert desk.refusal("Buy", "1", "49999.5") == 110074
    with pytest.raises(ConfigError, match="tick size of BTCUSDT"):
        default_catalogue()[0].with_tick(Decimal("0.001"))


def test_a_snapshot_brings_everything_back(desk: Desk) -> None:
    desk.place("Buy", "1")
    desk.place("Buy", "1", "49999")
    desk.place("Sell", "0.5", trigger_price="49000", trigger_direction=2)
    desk.wait(65)
    again = Exchange.of(desk.exchange.image())
    assert again.image() == desk.exchange.image()
    desk.exchange.drain()
    other = Desk.__new__(Desk)
    other.exchange, other.now_ms, other.step_ms = again, desk.now_ms, desk.step_ms
    for each in (desk, other):
        each.ghosts({"48900": 5000}, {"48901": 5000})
        each.mark("48900")
        each.place("Sell", "0.2")
    assert again.image() == desk.exchange.image()


def test_available_margin_falls_with_the_worse_side_only(desk: Desk) -> None:
    account = desk.exchange.state.accounts[ALICE]
    desk.place("Buy", "1", "49000")
    one = account_margin(desk.exchange.venue, account, "USDT").order_initial
    desk.place("Sell", "1", "51000")
    both = account_margin(desk.exchange.venue, account, "USDT").order_initial
    assert one < both < one * 11 // 10


def test_an_order_that_closes_needs_no_margin(desk: Desk) -> None:
    desk.place("Buy", "15")
    account = desk.exchange.state.accounts[ALICE]
    desk.place("Sell", "15", "50500")
    assert account_margin(desk.exchange.venue, account, "USDT").order_initial == 0
    desk.place("Sell", "1", "50500")
    assert account_margin(desk.exchange.venue, account, "USDT").order_initial > quanta("4900")
