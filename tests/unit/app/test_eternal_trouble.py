"""Trouble at the venue, measured over time: closed withdrawals that last, an insurance fund that falls within a day."""

from decimal import Decimal

import pytest

from quintet.app.eternal_trouble import (
    CLOSED_NS,
    MINUTE_NS,
    UNSEEN_NS,
    WINDOW_NS,
    Insurance,
    Withdrawals,
    after_insurance,
    after_withdrawals,
)

FIVE_NS = 5 * MINUTE_NS
OPEN: dict[str, bool | None] = {"USDT": True, "BTC": True, "ETH": True}
START_NS = 1_767_225_600 * 10**9
HOUR_NS = 60 * MINUTE_NS


def looked(*looks: tuple[int, dict[str, bool | None]]) -> list[bool | None]:
    """What is said after each look, at so many minutes."""
    seen, said = Withdrawals(), []
    for minute, is_open in looks:
        seen, one = after_withdrawals(seen, START_NS + minute * MINUTE_NS, OPEN | is_open)
        said.append(one)
    return said


def every_five(first: int, last: int, is_open: dict[str, bool | None]) -> list[tuple[int, dict[str, bool | None]]]:
    return [(minute, is_open) for minute in range(first, last + 1, 5)]


@pytest.mark.req("E-27")
@pytest.mark.parametrize("coin", ["USDT", "BTC", "ETH"])
def test_withdrawals_of_one_coin_that_are_closed_for_an_hour_are_closed_and_not_a_minute_earlier(coin: str) -> None:
    said = looked((0, {}), *every_five(5, 65, {coin: False}), (70, {}))
    assert said == [True, *[None] * 12, False, True]


@pytest.mark.req("E-27")
def test_one_look_at_which_they_were_open_begins_the_hour_anew() -> None:
    said = looked(*every_five(0, 55, {"BTC": False}), (58, {}), *every_five(60, 115, {"BTC": False}))
    assert False not in said and said[12] is True


def test_each_coin_has_an_hour_of_its_own() -> None:
    said = looked(*every_five(0, 30, {"BTC": False}), *every_five(35, 90, {"ETH": False}))
    assert False not in said
    assert looked(*every_five(0, 30, {"BTC": False}), *every_five(35, 95, {"ETH": False}))[-1] is False


def test_a_time_that_nobody_saw_is_no_time_of_closed_withdrawals() -> None:
    gap = UNSEEN_NS // MINUTE_NS
    assert looked((0, {"BTC": False}), *((n * gap, {"BTC": False}) for n in range(1, 4)))[-1] is False
    assert looked((0, {"BTC": False}), (gap + 1, {"BTC": False}), (61, {"BTC": False}))[-1] is None
    assert looked((0, {"BTC": False}), (600, {"BTC": False})) == [None, None]


def test_a_coin_of_which_nothing_is_said_is_neither_open_nor_closed() -> None:
    assert looked(*every_five(0, 120, {"ETH": None}))[-1] is None
    assert looked(*every_five(0, 55, {"ETH": False}), (60, {"ETH": None}), (65, {"ETH": False}))[-1] is None
    assert looked(*every_five(0, 60, {"ETH": None, "BTC": False}))[-1] is False
    assert after_withdrawals(Withdrawals(), START_NS, {})[1] is None


def test_it_names_the_coins_that_are_closed_for_so_long() -> None:
    seen = Withdrawals()
    for minute in range(0, 61, 5):
        now_ns = START_NS + minute * MINUTE_NS
        seen, _ = after_withdrawals(seen, now_ns, OPEN | {"BTC": False, "ETH": minute < 30})
    assert seen.closed() == ("BTC",) and set(seen.closed_ns) == {"BTC", "ETH"}
    assert seen.seen_ns - seen.closed_ns["BTC"] == CLOSED_NS


def pooled(*looks: tuple[int, str], before: Insurance | None = None) -> list[bool | None]:
    """What is said after each look at one pool, at so many hours."""
    seen, said = before or Insurance(), []
    for hour, amount in looks:
        seen, one = after_insurance(seen, START_NS + hour * HOUR_NS, {"BTCUSDT": Decimal(amount)})
        said.append(one)
    return said


@pytest.mark.req("E-66")
def test_a_fund_that_falls_by_thirty_per_cent_within_a_day_is_an_alarm_until_the_day_is_over() -> None:
    assert pooled((0, "100"), (1, "70.01"), (2, "70")) == [False, False, True]
    assert pooled((0, "100"), (1, "60"), (24, "60"), (25, "60")) == [False, True, True, False]
    assert pooled((0, "100"), (1, "60"), (2, "71")) == [False, True, False]


@pytest.mark.req("E-66")
def test_the_highest_of_a_day_counts_however_it_fell() -> None:
    # given a pool that loses one of a hundred each hour: 24 of what is left a day ago are 30 % when that was 80
    said = pooled(*((hour, str(100 - hour)) for hour in range(90)))
    assert said.index(True) == 20 + 24
    assert pooled((0, "50"), (10, "100"), (23, "90"), (33, "71"), (35, "69"), (36, "63")) == [
        False, False, False, False, False, True,
    ]  # fmt: skip


def test_a_fund_that_has_nothing_or_owes_cannot_fall_and_one_that_comes_to_owe_has() -> None:
    assert pooled((0, "0"), (1, "0"), (2, "-5")) == [False, False, False]
    assert pooled((0, "10"), (1, "-5")) == [False, True]


def test_no_answer_says_nothing_and_a_pool_that_is_not_named_is_forgotten_after_a_day() -> None:
    seen, said = after_insurance(Insurance(), START_NS, {})
    assert said is None
    for hour, pools in ((0, {"BTCUSDT": Decimal(100)}), (1, {"BTCUSDT": Decimal(50), "ETHUSDT": Decimal(9)})):
        seen, said = after_insurance(seen, START_NS + hour * HOUR_NS, pools)
    assert said is True and seen.fallen() == {"BTCUSDT": 50}
    seen, said = after_insurance(seen, START_NS + 2 * HOUR_NS, {"ETHUSDT": Decimal(9)})
    assert said is True
    seen, said = after_insurance(seen, START_NS + WINDOW_NS + 2 * HOUR_NS, {"ETHUSDT": Decimal(9)})
    assert said is False and set(seen.held) == {"ETHUSDT"}


def test_an_alarm_of_an_earlier_life_is_not_taken_back_before_a_whole_day_was_seen() -> None:
    before = Insurance(calm_ns=START_NS + WINDOW_NS)
    assert pooled((0, "60"), (23, "60"), (24, "60"), before=before) == [None, None, False]
    assert pooled((0, "60"), (1, "40"), before=before) == [None, True]


def test_what_is_remembered_of_a_day_does_not_grow() -> None:
    seen = Insurance()
    for look in range(2_000):
        seen, _ = after_insurance(seen, START_NS + look * FIVE_NS, {"BTCUSDT": Decimal(10_000 - look)})
    assert len(seen.held["BTCUSDT"]) == WINDOW_NS // FIVE_NS + 1
