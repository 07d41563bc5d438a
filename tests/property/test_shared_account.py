"""Whatever several desks on one account do, their books and what nobody claims are the account, at every event.

The venue is the sandbox exchange, which knows one account and nets what its desks hold.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quintet.app.shared_account import Found, SharedAccount, join, prefix_of, split_by
from quintet.core.orders.client_ids import ClientIds
from quintet.core.risk.config import AccountConfig
from quintet.ports.venue_account import Balance, Execution, PositionReport
from quintet.runtime.reconciliation import Reconciliation
from quintet.sandbox.happenings import Executed
from quintet.sandbox.money import ONE, quanta
from quintet.storage.account_books import AccountFolder, Member
from tests.bybit_account import BTC_LINEAR
from tests.desk_driver import Desk as DeskOfOurs
from tests.sandbox_venue import ALICE
from tests.sandbox_venue import Desk as Venue

USDT = 0
CAPITAL = 20_000
PRICES = (50_000, 50_010, 50_020)


class Trader:
    """One desk with books of its own on the shared account."""

    def __init__(self, folder: AccountFolder, name: str, found: Found) -> None:
        self.ids = ClientIds(name, 7)
        self.desk = DeskOfOurs(BTC_LINEAR, last=500_000, capital={"USDT": CAPITAL * ONE})
        capital = {"USDT": Decimal(CAPITAL), "BTC": Decimal(0)}
        me = Member(f"sandbox-{name}", prefix_of(self.ids), "linear", "BTCUSDT", "BTC", capital)
        join(folder, me, found, BTC_LINEAR, "account test")
        self.shared = SharedAccount(folder, me, BTC_LINEAR, AccountConfig(), lambda other: True, lambda: 0.0)
        self.books = Reconciliation(self.desk.world, self.shared)
        self.orders = 0

    def name_order(self) -> str:
        self.orders += 1
        return self.ids.of(self.orders * 256)

    def book(self, execution: Any) -> None:
        """A fill of an order that this desk gave."""
        self.desk.fill(
            0, execution.lots, price=execution.price // (ONE // 10), side=execution.sign, fee=execution.fee,
            fee_asset=USDT, execution=int(execution.seq) * 1_000 + self.orders + 1,
        )  # fmt: skip
        self.shared.publish(self.desk.world)

    def compares(self, venue: Venue) -> tuple[Any, ...]:
        held = venue.position(ALICE)
        self.books.hear(Balance(USDT, venue.coins(ALICE), 0, 0, 0))
        self.books.hear(PositionReport(0, 0, held.lots, held.cost, 0, 0))
        return self.books.differences()


def opened(folder: Path, count: int) -> tuple[Venue, list[Trader]]:
    venue = Venue(USDT="100000")
    venue.mark("50010")
    venue.ghosts({str(price - 100): 100_000 for price in PRICES}, {str(price + 100): 100_000 for price in PRICES})
    place = AccountFolder(folder)
    traders: list[Trader] = []
    for n in range(count):
        traders.append(Trader(place, f"desk{n}", Found("1 at test", {"USDT": Decimal(100_000)}, 0, ())))
    return venue, traders


orders = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(("Buy", "Sell")), st.integers(1, 40), st.booleans()),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(orders)
def test_the_books_of_all_desks_are_the_account_at_every_fill(tmp_path_factory: Any, script: list[Any]) -> None:
    venue, traders = opened(tmp_path_factory.mktemp("account"), 3)
    venue.exchange.drain()
    for who, side, lots, takes in script:
        trader, link = traders[who], traders[who].name_order()
        away = 400 if takes else -50
        price = str(50_010 + away if side == "Buy" else 50_010 - away)
        venue.try_place(side, f"{lots / 1000:.3f}", price, link_id=link, self_match="CancelTaker")
        for found in venue.exchange.drain():
            if not isinstance(found, Executed) or found.execution.uid != ALICE:
                continue
            assert found.execution.link_id == link, "an order of one desk met an order of another"
            owner = [one for one in traders if one.ids.number(found.execution.link_id) is not None]
            assert len(owner) == 1
            others = [one for one in traders if one is not owner[0]]
            assert all(one.shared.is_anothers(found.execution.link_id) for one in others)
            owner[0].book(found.execution)
        for one in traders:
            assert one.compares(venue) == ()
    assert trader.orders > 0


@given(st.integers(-(10**9), 10**9), st.dictionaries(st.sampled_from("abcd"), st.integers(-50, 50), min_size=1))
def test_a_payment_is_split_to_the_quantum(amount: int, lots: dict[str, int]) -> None:
    parts = split_by(amount, lots)
    assert sum(parts.values()) == amount
    if sum(lots.values()):
        for name, part in parts.items():
            exact = Decimal(amount) * lots[name] / sum(lots.values())
            assert abs(part - exact) <= len(lots)


def test_funding_that_came_for_all_is_booked_by_each_once_and_adds_up(tmp_path: Path) -> None:
    _, traders = opened(tmp_path, 3)
    for trader, lots in zip(traders, (5, -2, 0), strict=True):
        if lots:
            trader.desk.fill(0, abs(lots), price=500_000, side=1 if lots > 0 else -1)
        trader.shared.publish(trader.desk.world)
    paid = Execution(0, "", "", "f1", 77, "funding", 1, 500_000, 3, False, 100, USDT, 0)
    parts = [trader.shared.own_part(paid) for trader in traders]
    assert [None if part is None else part.fee for part in parts] == [167, -67, None]
    assert sum(part.fee for part in parts if part is not None) == 100
    # a desk that was asleep reads what was written, whatever it holds by then
    traders[0].desk.fill(0, 5, price=500_000, side=-1)
    traders[0].shared.publish(traders[0].desk.world)
    again = traders[0].shared.own_part(paid)
    assert again is not None
    assert again.fee == 167
    assert np.asarray(traders[0].desk.record.ledger).shape


def test_quanta_of_the_sandbox_are_the_desks() -> None:
    assert quanta("1") == ONE == int(1 / BTC_LINEAR.quote_quantum)


def test_a_fill_that_its_desk_has_not_booked_is_a_difference_for_every_desk(tmp_path: Path) -> None:
    venue, traders = opened(tmp_path, 2)
    venue.exchange.drain()
    venue.try_place("Buy", "0.010", "50400", link_id=traders[0].name_order())
    [executed] = [
        found.execution
        for found in venue.exchange.drain()
        if isinstance(found, Executed) and found.execution.uid == ALICE
    ]
    for trader in traders:
        position = next(one for one in trader.compares(venue) if one.is_position)
        assert (position.booked, position.found) == (0, 10)
    traders[0].book(executed)
    assert [trader.compares(venue) for trader in traders] == [(), ()]
