"""Who may join an account, what its limits ask of all desks together, and whose a difference is."""

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quintet.app.messages import Complaint
from quintet.app.shared_account import DAY_NS, Found, SharedAccount, account_folder, join, measure, verdict
from quintet.core.errors import DataError
from quintet.core.risk import breaker
from quintet.core.risk.config import AccountConfig, RiskConfig, limits_in_force
from quintet.core.risk.restraint_config import INTRADAY
from quintet.ports.account_books import Others, OwnAccount
from quintet.ports.venue_account import Balance
from quintet.runtime.reconciliation import EVERY_S, Reconciliation
from quintet.storage.account_books import AccountFolder, Book, Member
from tests.bybit_account import BTC_LINEAR, ETH_SPOT
from tests.desk_worlds import START, USDT, a_world

FULL = Found("1 at test", {"USDT": Decimal(1_000)}, 0, ())


def member(
    name: str, capital: int = 400, symbol: str = "BTCUSDT", category: str = "linear", base: str = "BTC"
) -> Member:
    return Member(f"sandbox-{name}", f"{name}-7-", category, symbol, base, {"USDT": Decimal(capital)})


def joined(tmp_path: Path, *members: Member, found: Found = FULL) -> AccountFolder:
    folder = AccountFolder(tmp_path)
    for one in members:
        join(folder, one, found, BTC_LINEAR, "account test")
    return folder


# ---- joining -------------------------------------------------------------------------------------------------


def test_capital_is_taken_from_what_nobody_claims(tmp_path: Path) -> None:
    folder = joined(tmp_path, member("a"), member("b", 500))
    found = folder.members()
    assert found is not None
    assert [one.name for one in found.members] == ["sandbox-a", "sandbox-b"]
    assert found.untouched == {"USDT": Decimal(100)}
    with pytest.raises(Complaint, match="less than this desk's capital"):
        joined(tmp_path, member("c", 101))
    assert folder.members() == found


def test_a_desk_that_joined_and_was_never_born_joins_again_under_its_new_name(tmp_path: Path) -> None:
    folder = joined(tmp_path, member("a"))
    again = msgspec.structs.replace(member("a"), prefix="a-8-")
    join(folder, again, FULL, BTC_LINEAR, "account test")
    found = folder.members()
    assert found is not None
    assert (found.members, found.untouched) == ((again,), {"USDT": Decimal(600)})
    folder.write_book(Book("sandbox-a", 3, {"USDT": Decimal(390)}))
    with pytest.raises(Complaint, match="a desk of this account already"):
        join(folder, member("a"), FULL, BTC_LINEAR, "account test")


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (FULL._replace(account="2 at test"), "another account under this name"),
        (FULL._replace(lots=3), "a position that no desk knows"),
        (FULL._replace(working=("somebody-1-2-3",)), "orders that no desk knows"),
        (FULL._replace(held={"USDT": Decimal(990)}), "an account that its desks do not add up to"),
    ],
)
def test_a_desk_does_not_join_where_the_books_would_not_add_up(tmp_path: Path, found: Found, problem: str) -> None:
    folder = joined(tmp_path, member("a"))
    before = folder.members()
    with pytest.raises(Complaint, match=problem):
        joined(tmp_path, member("b"), found=found)
    assert folder.members() == before


def test_orders_and_positions_of_the_desks_that_are_there_are_known(tmp_path: Path) -> None:
    folder = joined(tmp_path, member("a"))
    held = {"linear:BTCUSDT": Decimal("0.003")}
    folder.write_book(Book("sandbox-a", 1, {"USDT": Decimal(400)}, held, {"linear:BTCUSDT": Decimal(150)}))
    joined(tmp_path, member("b"), found=FULL._replace(lots=3, working=("a-7-x-0",)))


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        (member("b", 100, "ETHUSDT", "spot", "ETH"), member("c", 100, "ETHUSDC", "spot", "ETH"), "another desk"),
        (member("b", 100), member("c", 100, "ETHUSDT", "linear", "ETH"), "cannot share"),
    ],
)
def test_what_could_not_be_told_apart_is_refused(tmp_path: Path, one: Member, other: Member, problem: str) -> None:
    joined(tmp_path, *([member("a", 100)] if one.category == "linear" else []), one)
    with pytest.raises(Complaint, match=problem):
        joined(tmp_path, other)


@pytest.mark.parametrize("name", ["", "Both", "../x", "a" * 33])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Complaint, match="no name for an account"):
        account_folder(tmp_path, name)


def test_a_book_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = joined(tmp_path, member("a"))
    (tmp_path / "books" / "sandbox-a.json").write_text("{")
    with pytest.raises(DataError, match=r"sandbox-a\.json"):
        folder.books()


# ---- limits of all together ----------------------------------------------------------------------------------


def test_a_loss_of_the_day_lets_all_desks_only_reduce_until_midnight(tmp_path: Path) -> None:
    folder = joined(tmp_path, member("a"), member("b"))
    clock = [0.0]
    limits = AccountConfig(day_loss_pause_frac=0.03, drawdown_halt_frac=0.2)
    desks = [
        SharedAccount(folder, member(name), BTC_LINEAR, limits, lambda other: True, lambda: clock[0]) for name in "ab"
    ]

    def look(equity_a: int, equity_b: int, now_ns: int) -> list[int]:
        for name, equity in (("a", equity_a), ("b", equity_b)):
            folder.write_book(Book(f"sandbox-{name}", 1, {}, equity=Decimal(equity)))
        clock[0] += 2
        return [desk.action(now_ns) for desk in desks]

    noon = DAY_NS * 20_000 + DAY_NS // 2
    assert look(400, 400, noon) == [0, 0]
    assert look(370, 407, noon + 1) == [0, 0]  # one alone lost 7.5 %, together it is not 3
    assert look(370, 405, noon + 2) == [breaker.REDUCE, breaker.REDUCE]
    assert look(370, 405, noon + 3) == [0, 0]  # told once
    assert look(370, 405, noon + DAY_NS) == [breaker.RESUME, breaker.RESUME]
    assert look(300, 340, noon + DAY_NS + 1) == [breaker.KILL, breaker.KILL]


def test_what_limits_measure_opens_with_the_last_value_of_the_day_before() -> None:
    first = measure(None, Decimal(100), DAY_NS)
    second = measure(first, Decimal(120), DAY_NS + 5)
    third = measure(second, Decimal(90), 2 * DAY_NS)
    assert (third.high_water, third.day_open, third.last) == (120, 120, 90)
    assert verdict(third, AccountConfig()) == 0
    assert verdict(third, AccountConfig(day_loss_pause_frac=0.25)) == breaker.REDUCE
    assert verdict(third, AccountConfig(drawdown_review_frac=0.25)) == breaker.KILL


def test_of_the_scopes_the_stricter_number_holds_and_a_scope_without_the_rule_says_nothing() -> None:
    desk = RiskConfig(**msgspec.structs.asdict(INTRADAY), open_orders_max=10, order_quantity_max=Decimal(3))
    assert limits_in_force(desk, AccountConfig()) == desk
    held = limits_in_force(desk, AccountConfig(drawdown_half_frac=0.02, open_orders_max=5, alarms_halt=4))
    assert (held.drawdown_half_frac, held.open_orders_max, held.alarms_halt) == (0.02, 5, 4)
    assert (held.order_quantity_max, held.latency_late_ms) == (Decimal(3), 1_000)
    looser = RiskConfig(latency_slow_ms=600, latency_prompt_ms=550)
    assert limits_in_force(looser, AccountConfig()).latency_prompt_ms == 550


# ---- whose a difference is -----------------------------------------------------------------------------------


@dataclasses.dataclass
class Beside(OwnAccount):
    """Other desks as a test says."""

    held: Others

    def others(self) -> Others:
        return self.held


def unexplained(held: Others, wallet: int) -> Any:
    books = Reconciliation(a_world(capital={"USDT": 1_000}), Beside(held))
    books.hear(Balance(USDT, wallet, 0, 0, START))
    return [books.judge() for _ in range(4)][-1]


def test_the_books_of_all_are_compared_with_the_venue() -> None:
    assert unexplained(Others({USDT: 500}, {}), 1_500).again_s == EVERY_S
    assert unexplained(Others({USDT: 500}, {}), 1_500).unexplained == ()


def test_a_desk_that_is_asleep_is_named_and_an_elder_one_posts() -> None:
    judged = unexplained(Others({USDT: 500}, {}, asleep=("sandbox-b",), is_eldest=False), 1_490)
    assert ([one.missing for one in judged.unexplained], judged.asleep, judged.is_ours) == (
        [-10],
        ("sandbox-b",),
        False,
    )


def test_on_spot_coins_of_the_account_are_the_desks_and_the_untouched(tmp_path: Path) -> None:
    one = member("a", 300, "ETHUSDT", "spot", "ETH")
    folder = AccountFolder(tmp_path)
    join(folder, one, FULL, ETH_SPOT, "account test")
    shared = SharedAccount(folder, one, ETH_SPOT, AccountConfig(), lambda other: True)
    assert shared.others().quanta == {0: 700 * 10**8, 1: 0}
    assert not shared.is_anothers("a-7-x-0")
