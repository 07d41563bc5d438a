"""Equity on order books is marked at the exchange's mid, at whole seconds, against the position."""

from typing import Any

import pytest

from quintet.core.events import ASK_LEVEL, BID_LEVEL, BOOK_CLEAR
from quintet.research.backtest import BacktestResult
from quintet.research.tick_marks import mark_length_s
from quintet.research.tick_model import TICK_INSTRUMENT
from quintet.systems.own import System, View, Wants, buy, sell
from tests.tick_makers import SECOND, START, Part, book, run_on, tape_of

UNIT = int(TICK_INSTRUMENT.quanta_per_tick_lot)


class Buyer(System):
    """Takes ten lots at its first chance."""

    timer_s = 1
    side = 1

    def on_timer(self, view: View) -> Wants:
        if view.lots or not view.ask:
            return []
        return [buy(10) if self.side > 0 else sell(10)]


class Seller(Buyer):
    """Sells them instead."""

    side = -1


PARTS: list[Part] = [
    (0.5, book(1_000, 1_010)),
    (2.5, [(BID_LEVEL, 1_003, 100), (ASK_LEVEL, 1_010, 0), (ASK_LEVEL, 1_020, 100)]),
    (4.5, [(BOOK_CLEAR, 0, 0)]),
    (6.5, book(1_100, 1_110)),
]


def marks(result: BacktestResult) -> list[tuple[float, int]]:
    samples = result.headline.samples
    return [((int(each["ts"]) - START) / SECOND, int(each["price"])) for each in samples]


@pytest.mark.parametrize(("kind", "half"), [(Buyer, 1_011), (Seller, 1_012)])
def test_marks_are_mids_against_the_position_and_hold_while_a_side_is_empty(kind: Any, half: int) -> None:
    # when a mid of 1011.5 is marked, a book is cleared, and nothing happens for a while
    result = run_on(tape_of(PARTS), kind)
    # then there is a mark at every whole second and one at the end
    assert marks(result) == [
        (1.0, 1_005), (2.0, 1_005), (3.0, half), (4.0, half), (5.0, half), (6.0, half), (6.5, 1_105)
    ]  # fmt: skip
    assert len(result.headline.fills) == 1
    assert result.conservation == 0


def test_the_result_is_what_the_position_gained_less_its_fee() -> None:
    result = run_on(tape_of(PARTS), Buyer)
    [fill] = result.headline.fills
    assert (int(fill["price"]), int(fill["lots"])) == (1_010, 10)
    assert result.headline.net_quanta == (1_105 - 1_010) * 10 * UNIT - int(fill["fee"])
    assert int(result.headline.equity.start) == result.metrics["start_quanta"]


def test_without_a_book_nothing_is_marked_and_nothing_happens() -> None:
    result = run_on(tape_of([(0.5, [(BID_LEVEL, 1_000, 5)]), (3.5, [(BID_LEVEL, 1_001, 5)])]), Buyer)
    assert len(result.headline.samples) == len(result.headline.fills) == 0
    assert result.headline.net_quanta == 0


def test_long_tapes_are_marked_more_rarely() -> None:
    assert mark_length_s(3_600 * SECOND) == 1
    assert mark_length_s(86_400 * SECOND) == 15
    assert mark_length_s(0) == 1
    assert mark_length_s(10**6 * 86_400 * SECOND) == 86_400
