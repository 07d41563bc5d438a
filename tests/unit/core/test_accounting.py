"""Fills in the books: profit and cost by hand for spot, linear and inverse; every asset conserved to the quantum."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from quintet.core.accounting.equity import equity_quanta, mark_equity
from quintet.core.accounting.fees import fee_quanta, fill_value
from quintet.core.accounting.position import position_value
from quintet.core.records import table
from quintet.core.state import BOOKS, DESK_BOOK, EQUITY, FEE_BOOK, MARKET_BOOK
from tests.desk_driver import Desk
from tests.desk_worlds import COIN, INVERSE_COIN, LINEAR_COIN, SPOT_COIN, USDT

DAY = 86_400_000_000_000
USD = 100_000_000  # quanta of one
COINS = 100_000_000


class Book(Desk):
    """A desk whose fills are told by hand: prices in USD, quantities in coins or contracts."""

    def trade(self, side: int, quantity: str, price: str, fee: int = 0, fee_asset: int = USDT) -> None:
        instrument = {"spot": SPOT_COIN, "linear": LINEAR_COIN, "inverse": INVERSE_COIN}[self.kind]
        self.fill(0, instrument.lots(quantity), price=instrument.ticks(price), side=side, fee=fee, fee_asset=fee_asset)
        assert not np.asarray(self.record.ledger).sum(axis=0).any()

    kind = "spot"

    def equity(self, price: str) -> int:
        inst = self.view.instruments[0]
        return int(equity_quanta(inst, self.account, self.record.ledger, LINEAR_COIN.ticks(price)))

    def unrealised(self, price: str) -> int:
        inst = self.view.instruments[0]
        return int(position_value(inst, self.account, LINEAR_COIN.ticks(price)) - self.account.cost)


def a_book(kind: str) -> Book:
    book = Book({"spot": SPOT_COIN, "linear": LINEAR_COIN, "inverse": INVERSE_COIN}[kind])
    book.kind = kind
    return book


# ---- fees ----------------------------------------------------------------------------------------------------------
@pytest.mark.req("S-53")
def test_a_fee_is_rounded_up_and_a_rebate_down() -> None:
    assert fee_quanta(1_000, 1_000_000) == 1
    assert fee_quanta(1_001, 1_000_000) == 2
    assert fee_quanta(1_999, -1_000_000) == -1
    assert fee_quanta(0, 1_000_000) == 0


@pytest.mark.req("S-53")
def test_ten_basis_points_of_a_purchase() -> None:
    # given 0.22222 coins bought at 3 000.00 for 666.66 USDT: the fee is 0.66666 USDT, or 0.00022222 coins
    inst = Desk().view.instruments[0]
    lots = 222_220  # of 0.000001 each, as an instrument with finer lots has them
    value = lots * 300_000 * 1  # quanta of 1e-8: 0.01 x 0.000001
    assert fee_quanta(value, 1_000_000) == 66_666_000
    assert fee_quanta(lots * 100, 1_000_000) == 22_222
    assert fill_value(inst, 10_000, 3) == 3 * 10_000 * inst.quanta


# ---- spot ----------------------------------------------------------------------------------------------------------
@pytest.mark.req("S-53")
def test_spot_with_a_fee_in_base_by_hand() -> None:
    book = a_book("spot")
    # given one coin bought at 100 with 10 bp taken in base: 0.999 arrive
    book.trade(1, "1", "100", fee=COINS // 1_000, fee_asset=COIN)
    account = book.account
    assert (account.held, account.lots) == (99_900_000, 999)
    # then they cost 99.90, the fee was worth 0.10, and the books show who has what
    assert (account.cost, account.fees, account.fee_base) == (9_990_000_000, 10_000_000, 100_000)
    ledger = book.record.ledger
    assert (ledger[DESK_BOOK, COIN], ledger[FEE_BOOK, COIN], ledger[MARKET_BOOK, COIN]) == (99_900_000, 100_000, -COINS)
    # when 0.5 are sold at 110 with 0.055 USDT of fee
    book.trade(-1, "0.5", "110", fee=5_500_000)
    # then 50.00 of cost is released (100 each), 5.00 gained before fees
    assert (account.cost, account.realized, account.fees) == (4_990_000_000, 500_000_000, 15_500_000)
    assert ledger[DESK_BOOK, USDT] == 100_000_000_000 - 100 * USD + 55 * USD - 5_500_000


def test_spot_dust_below_a_lot_stays_held_and_counts_in_equity() -> None:
    book = a_book("spot")
    book.trade(1, "0.001", "100", fee=100, fee_asset=COIN)
    assert (book.account.held, book.account.lots) == (99_900, 0)
    assert book.equity("100") == 100_000_000_000 - 10_000_000 + 9_990_000


def test_equity_is_what_was_brought_in_plus_profit_less_fees() -> None:
    book = a_book("spot")
    book.trade(1, "3", "100", fee=COINS * 3 // 1_000, fee_asset=COIN)
    book.trade(-1, "1", "120", fee=12_000_000)
    start, account = 100_000_000_000, book.account
    assert book.equity("90") == start + account.realized + book.unrealised("90") - account.fees


# ---- linear --------------------------------------------------------------------------------------------------------
def test_linear_long_closed_and_turned_short_by_hand() -> None:
    book = a_book("linear")
    book.trade(1, "3", "100")
    assert (book.account.lots, book.account.cost, book.account.realized) == (3_000, 300 * USD, 0)
    # when 5 are sold at 110: the 3 gain 10 each, and a short of 2 begins at 110
    book.trade(-1, "5", "110")
    assert (book.account.lots, book.account.cost, book.account.realized) == (-2_000, -220 * USD, 30 * USD)
    assert book.unrealised("100") == 20 * USD
    # when it is bought back in two parts at 120 and 100
    book.trade(1, "1", "120")
    book.trade(1, "1", "100")
    assert (book.account.lots, book.account.cost, book.account.realized) == (0, 0, 30 * USD)
    assert book.record.ledger[DESK_BOOK, USDT] == 100_000_000_000 + 30 * USD


def test_linear_average_cost_is_released_in_proportion() -> None:
    book = a_book("linear")
    book.trade(1, "1", "100")
    book.trade(1, "1", "110")
    book.trade(-1, "1", "120")
    assert (book.account.cost, book.account.realized) == (105 * USD, 15 * USD)


def test_only_realised_profit_moves_money_on_a_contract() -> None:
    book = a_book("linear")
    book.trade(1, "3", "100", fee=-3_000_000)
    assert book.record.ledger[DESK_BOOK, USDT] == 100_000_000_000 + 3_000_000
    assert book.equity("101") == 100_000_000_000 + 3_000_000 + 3 * USD


# ---- inverse -------------------------------------------------------------------------------------------------------
def test_inverse_long_by_hand() -> None:
    # given 100 contracts of 1 USD bought at 100.00, sold at 125.00: 100/100 - 100/125 = 0.2 coins
    book = a_book("inverse")
    book.trade(1, "100", "100", fee_asset=COIN)
    assert book.unrealised("125") == 20_000_000
    book.trade(-1, "100", "125", fee_asset=COIN)
    assert (book.account.lots, book.account.cost, book.account.realized) == (0, 0, 20_000_000)
    assert book.record.ledger[DESK_BOOK, COIN] == COINS + 20_000_000


def test_inverse_long_turned_short_by_hand() -> None:
    book = a_book("inverse")
    book.trade(1, "100", "100", fee_asset=COIN)
    # when 150 are sold at 80: 100/100 - 100/80 = -0.25 coins, and a short of 50 begins at 80
    book.trade(-1, "150", "80", fee_asset=COIN)
    assert (book.account.lots, book.account.realized) == (-50, -25_000_000)
    # when it is bought back at 50: 50/50 - 50/80 = 0.375 coins for the short
    book.trade(1, "50", "50", fee_asset=COIN)
    assert (book.account.lots, book.account.cost, book.account.realized) == (0, 0, -25_000_000 + 37_500_000)


def test_inverse_equity_is_in_base() -> None:
    book = a_book("inverse")
    book.trade(1, "100", "100", fee_asset=COIN)
    assert book.equity("125") == COINS + 20_000_000


# ---- laws over many fills ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["spot", "linear", "inverse"])
def test_whatever_is_traded_equity_is_profit_less_fees(kind: str) -> None:
    book, asset = a_book(kind), COIN if kind == "inverse" else USDT
    start = int(book.record.ledger[DESK_BOOK, asset])
    held = 0
    for n in range(40):
        side = -1 if n % 3 == 2 and (kind != "spot" or held > n) else 1
        held += side * (n + 1)
        quantity = str(n + 1) if kind == "inverse" else str(Decimal(n + 1) / 1_000)
        book.trade(side, quantity, str(Decimal(9_000 + 97 * n) / 100), fee=n * 1_003, fee_asset=asset)
        account = book.account
        gain = account.realized + book.unrealised("97.31") - account.fees
        assert book.equity("97.31") == start + gain


# ---- equity through time -------------------------------------------------------------------------------------------
def an_equity(start: int) -> Any:
    equity = table(EQUITY, 1)[0]
    equity.quanta = equity.start = equity.high_water = equity.day_open = start
    return equity


def test_drawdown_is_measured_from_the_high_water_mark() -> None:
    equity = an_equity(1_000)
    for quanta, drawdown in ((1_000, 0.0), (1_200, 0.0), (900, 0.25), (1_100, 100 / 1_200), (1_200, 0.0), (1_300, 0.0)):
        mark_equity(equity, quanta, 5)
        assert equity.drawdown == drawdown
    assert (equity.high_water, equity.max_drawdown) == (1_300, 0.25)


def test_a_day_opens_with_its_value_at_midnight_or_else_the_last_one_before() -> None:
    equity = an_equity(1_000)
    mark_equity(equity, 1_010, 10 * DAY + 5)
    assert equity.day_open == 1_000
    mark_equity(equity, 990, 11 * DAY - 1)
    assert equity.day_open == 1_000
    mark_equity(equity, 980, 11 * DAY)
    assert equity.day_open == 980
    mark_equity(equity, 975, 11 * DAY + 1)
    assert equity.day_open == 980
    mark_equity(equity, 970, 15 * DAY + 7)
    assert equity.day_open == 975


def test_the_books_have_names() -> None:
    assert BOOKS == ("desk", "market", "fees", "suspense", "capital")
