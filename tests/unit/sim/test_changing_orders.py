"""Tick mode: orders that are amended, and orders that may only reduce, as the venue treats them."""

from typing import Any

import pytest

from quintet.sim.taking import SELF_TRADE_NAMES
from tests.desk_worlds import LINEAR_COIN, START
from tests.tick_exchange import exchange_hears
from tests.tick_market import MILLISECOND
from tests.twins.ticks_twin import Answer, Message, Request, Row, Rules

BOOK: list[Row] = [("bid", 9_999, 10), ("bid", 9_998, 20), ("ask", 10_001, 10), ("ask", 10_002, 5)]


def at(ms: int, *rows: Row) -> Message:
    return Message(START + ms * MILLISECOND, START + ms * MILLISECOND, rows)


def order(ms: int, number: int, side: int, price: int, lots: int, style: Any = "post-only", **named: Any) -> Request:
    return Request(START + ms * MILLISECOND, number, side, style, price, lots, **named)


def amend(ms: int, number: int, price: int, lots: int) -> Request:
    return Request(START + ms * MILLISECOND, number, price=price, lots=lots, amend=True)


def told(messages: list[Message], *requests: Request, **rules: Any) -> list[tuple]:
    """What we are told of our orders: kind, number, price, lots, and the reason if there is one."""
    rules = {"amends": True, "partial": True, "worth": LINEAR_COIN.quanta_per_tick_lot, "balance": 10**12, **rules}
    heard, _ = exchange_hears([at(0, *BOOK), *messages, at(90, ("bid", 9_000, 1))], list(requests), Rules(**rules))
    answers = [a for a in heard if isinstance(a, Answer)]
    return [(a.kind, a.number, a.price, a.lots, *([a.reason] if a.reason != "none" else [])) for a in answers]


def fills(answers: list[tuple]) -> list[tuple]:
    return [answer for answer in answers if answer[0] == "fill"]


# ---- the queue -----------------------------------------------------------------------------------------------------
SELL_12 = at(20, ("sell", 9_999, 12))


@pytest.mark.parametrize(
    ("to", "keeps", "filled"),
    [((9_999, 3), True, 2), ((9_999, 5), True, 2), ((9_999, 6), True, 0), ((9_999, 3), False, 0)],
    ids=["smaller", "as it was", "larger", "a venue that never keeps places"],
)
def test_smaller_at_its_price_an_order_keeps_its_place(to: tuple[int, int], keeps: bool, filled: int) -> None:
    # given ours of 5 behind 10, and 15 more that come behind it
    later = at(5, ("bid", 9_999, 25))
    answers = told(
        [later, SELL_12], order(1, 256, 1, 9_999, 5), amend(10, 256, *to), keeps_place=keeps, queue="risk_averse"
    )
    assert answers[:2] == [("accepted", 256, 0, 0), ("amended", 256, *to)]
    assert sum(lots for *_, lots in fills(answers)) == filled


def test_of_two_orders_at_a_price_the_one_that_grew_goes_behind_the_other() -> None:
    answers = told(
        [at(20, ("sell", 9_999, 13))], order(1, 256, 1, 9_999, 2), order(2, 257, 1, 9_999, 2), amend(10, 256, 9_999, 3)
    )
    assert fills(answers) == [("fill", 257, 9_999, 2), ("fill", 256, 9_999, 1)]


# ---- another price -------------------------------------------------------------------------------------------------
def test_amended_across_the_spread_a_limit_order_takes_and_the_rest_of_it_rests() -> None:
    answers = told([], order(1, 256, 1, 9_999, 12, "limit"), amend(10, 256, 10_001, 12))
    assert answers == [("accepted", 256, 0, 0), ("amended", 256, 10_001, 12), ("fill", 256, 10_001, 10)]


def test_amended_across_the_spread_a_post_only_order_is_over() -> None:
    answers = told([], order(1, 256, 1, 9_999, 12), amend(10, 256, 10_001, 12))
    assert answers == [("accepted", 256, 0, 0), ("expired", 256, 0, 0, "post-only would take")]


@pytest.mark.parametrize("mode", SELF_TRADE_NAMES)
def test_amended_into_our_own_order_they_never_trade(mode: str) -> None:
    answers = told(
        [at(5, ("ask", 10_001, 0))],
        order(1, 256, 1, 9_999, 2, "limit"), order(1, 257, -1, 10_001, 2), amend(10, 256, 10_001, 2), self_trade=mode,
    )  # fmt: skip
    assert not fills(answers)
    ended = {number for kind, number, *_ in answers if kind in ("expired", "canceled")}
    assert ended == {"cancel taker": {256}, "cancel maker": {257}, "cancel both": {256, 257}}[mode]


def test_a_stop_that_is_amended_past_the_last_trade_is_triggered() -> None:
    answers = told(
        [at(5, ("buy", 10_001, 1))],
        order(1, 256, 1, 0, 3, "market"), order(6, 257, -1, 9_000, 3, "stop"), amend(10, 257, 10_001, 3),
    )  # fmt: skip
    assert answers[-2:] == [("amended", 257, 10_001, 3), ("fill", 257, 9_999, 3)]


# ---- races and refusals --------------------------------------------------------------------------------------------
def test_of_what_is_filled_meanwhile_the_amendment_knows() -> None:
    # given ours of 5 behind 10, 3 of it filled before the amendment arrives
    sell = at(5, ("sell", 9_999, 13))
    more = told([sell], order(1, 256, 1, 9_999, 5), amend(10, 256, 9_998, 7), order(11, 257, 1, 9_998, 1))
    assert more[1:3] == [("fill", 256, 9_999, 3), ("amended", 256, 9_998, 7)]
    less = told([sell], order(1, 256, 1, 9_999, 5), amend(10, 256, 9_998, 3))
    assert less[2] == ("amend rejected", 256, 0, 0, "more is filled than it shall have")


def test_what_is_over_is_not_amended() -> None:
    cancel = Request(START + 9 * MILLISECOND, 256, cancel=True)
    answers = told([], order(1, 256, 1, 9_999, 5), cancel, amend(10, 256, 9_998, 5))
    assert answers[1:] == [("canceled", 256, 0, 0), ("amend rejected", 256, 0, 0, "the order is over")]


def test_a_venue_that_does_not_amend_says_so_and_one_with_a_limit_counts_amendments() -> None:
    answers = told([], order(1, 256, 1, 9_999, 5), amend(10, 256, 9_998, 5), amends=False)
    assert answers[1] == ("amend rejected", 256, 0, 0, "venue does not amend")
    answers = told([], order(1, 256, 1, 9_999, 5), amend(10, 256, 9_998, 5), orders_per_second=1)
    assert answers[1] == ("amend rejected", 256, 0, 0, "too many orders in a second")


# ---- what may only reduce --------------------------------------------------------------------------------------------
LONG_6 = order(1, 256, 1, 0, 6, "market")


def test_a_reduce_only_order_is_cut_when_it_arrives() -> None:
    answers = told([], LONG_6, order(2, 257, -1, 10_003, 10, reduce_only=True))
    assert answers[1:] == [("reduced", 257, 10_003, 6), ("accepted", 257, 0, 0)]


def test_with_nothing_to_reduce_it_is_refused() -> None:
    assert told([], order(2, 257, -1, 10_003, 10, reduce_only=True)) == [("rejected", 257, 0, 0, "nothing to close")]
    assert told([], LONG_6, order(2, 257, 1, 9_999, 1, reduce_only=True))[-1][-1] == "nothing to close"


def test_it_shrinks_with_the_position_and_ends_with_it() -> None:
    exits = [order(5, 258, -1, 0, 4, "market"), order(6, 259, -1, 0, 2, "market")]
    answers = told([], LONG_6, order(2, 257, -1, 10_003, 6, reduce_only=True), *exits)
    assert answers[2:] == [
        ("fill", 258, 9_999, 4), ("reduced", 257, 10_003, 2),
        ("fill", 259, 9_999, 2), ("canceled", 257, 0, 0, "nothing to close"),
    ]  # fmt: skip


def test_of_two_that_may_close_the_same_position_the_first_filled_takes_it_from_the_other() -> None:
    both = [order(n, 255 + n, -1, 10_001 + n, 6, reduce_only=True) for n in (2, 3)]
    answers = told([at(20, ("buy", 10_004, 1))], LONG_6, *both)
    assert answers[-2:] == [("fill", 257, 10_003, 6), ("canceled", 258, 0, 0, "nothing to close")]
