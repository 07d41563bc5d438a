"""Figures of a maker on hand-made markets, where the right answer can be seen."""

from typing import Any

import numpy as np
import pytest

from quintet.core.errors import DataError
from quintet.core.events import ASK_LEVEL, BID_LEVEL, BOOK_CLEAR, PLACE, TRADE_SELL
from quintet.core.orders.lifecycle import MARKET, POST_ONLY
from quintet.core.records import table
from quintet.core.state import COMMAND, FILL_RECORD, SAMPLE
from quintet.core.tape import Tape
from quintet.research.tick_marks import LOOK
from quintet.research.tick_model import TICK_INSTRUMENT
from quintet.research.tick_quality import TickRun, half_life_s, tick_figures, tick_quality
from quintet.research.tick_touch import touches_at
from quintet.systems.own import System, View, Wants, buy
from tests.tick_makers import SECOND, START, Part, book, maker_class, run_on, tape_of, tick_tape

UNIT = int(TICK_INSTRUMENT.quanta_per_tick_lot)
WINDOW = (1, 20_000)


def rows(layout: Any, values: list[dict[str, float]]) -> Any:
    found = table(layout, len(values))
    for row, each in zip(found, values, strict=True):
        for name, value in each.items():
            setattr(row, name, value)
    return found


def at(seconds: float) -> int:
    return START + round(seconds * SECOND)


def fill(seconds: float, side: int, price: int, lots: int = 10, maker: int = 1, number: int = 1, **more: float) -> Any:
    told = {"ts_event": at(seconds), "side": side, "price": price, "lots": lots, "maker": maker, "number": number}
    return told | more


def place(seconds: float, side: int, price: int, number: int, lots: int = 10, style: int = POST_ONLY) -> Any:
    told = {"ts": at(seconds), "kind": PLACE, "side": side, "price": price, "lots": lots}
    return told | {"number": number, "style": style}


def look(bid: int, ask: int, own_bid: int, own_ask: int) -> Any:
    return {"bid": bid, "ask": ask, "own_bid": own_bid, "own_ask": own_ask}


def quality(
    tape: Tape, fills: Any = (), commands: Any = (), looks: Any = (), lots: Any = (), net: int = 0, fees: int = 0,
    funding: int = 0,
) -> dict[str, Any]:  # fmt: skip
    run = TickRun(
        rows(COMMAND, list(commands)), rows(FILL_RECORD, list(fills)), rows(SAMPLE, [{"lots": n} for n in lots]),
        rows(LOOK, list(looks)), net, fees, funding, WINDOW, 1,
    )  # fmt: skip
    return tick_quality(tape, TICK_INSTRUMENT, run)


RISING: list[Part] = [(0.0, book(1_000, 1_010)), (10.05, book(1_004, 1_014)), (70.5, book(1_008, 1_018))]
"""The mid is 1005, from 10.05 s on 1009 (the old levels stay, the better ones lead), from 70.5 s on 1013."""


def rising() -> Tape:
    gone = [(ASK_LEVEL, 1_010, 0)]
    return tape_of([RISING[0], (10.05, [*gone, *RISING[1][1]]), (70.5, [(ASK_LEVEL, 1_014, 0), *RISING[2][1]])])


def test_best_prices_at_any_moment() -> None:
    tape = tape_of([(1, book(1_000, 1_010)), (2, [(BID_LEVEL, 1_000, 0)]), (3, [(BOOK_CLEAR, 0, 0)])])
    touch = touches_at(tape, WINDOW, [at(9), at(0.5), at(1), at(2.5)])
    assert touch.bid.tolist() == [0, 0, 1_000, 0]
    assert touch.ask.tolist() == [0, 0, 1_010, 1_010]
    assert touch.twice_mid.tolist() == [0, 0, 2_010, 0]


def test_a_price_outside_the_window_is_refused() -> None:
    with pytest.raises(DataError, match="price 30000, expected 1 to 20000"):
        touches_at(tape_of([(1, book(1_000, 30_000))]), WINDOW, [at(2)])


def test_they_are_those_of_the_exchange_in_a_run() -> None:
    tape = tick_tape()
    result = run_on(tape, maker_class(), {"ticks_away": 5})
    looks = result.headline.marks.looks  # type: ignore[union-attr]
    assert len(looks) > 60
    window = result.options.book.price_windows[0]  # type: ignore[union-attr]
    touch = touches_at(tape, window, looks["ts"])
    assert touch.bid.tolist() == looks["bid"].tolist()
    assert touch.ask.tolist() == looks["ask"].tolist()


def test_a_maker_that_is_run_over_earns_the_half_spread_and_loses_it() -> None:
    # given a sell at 1010 just before the mid rises from 1005 to 1009, and sixty seconds later to 1013
    found = quality(rising(), [fill(10.0, -1, 1_010)])
    # then it earned 5 at the fill, and the mid took 4 of it away, and 8 within 60 s
    assert found["earned"]["mean_bp"] == pytest.approx(5 / 1_010 * 1e4)
    moved = {each["ms"]: each["moved"]["mean_bp"] for each in found["markouts"]}
    assert moved[1_000] == moved[10_000] == pytest.approx(-4 / 1_010 * 1e4)
    assert moved[100] == pytest.approx(-4 / 1_010 * 1e4)
    left = {each["ms"]: each for each in found["markouts"]}
    assert left[1_000]["left"]["mean_bp"] == pytest.approx(1 / 1_010 * 1e4)
    money = 1 * 10 * UNIT * float(TICK_INSTRUMENT.quote_quantum)
    assert left[1_000]["left_quote"] == pytest.approx(money)
    # and an interval needs more than one minute
    assert left[1_000]["left"]["error_bp"] is None
    # and what lies behind the end of the tape is not measured
    assert left[60_000]["fills"] == 1
    assert quality(rising(), [fill(30.0, -1, 1_010)])["markouts"][-1]["fills"] == 0


def test_an_interval_counts_fills_of_one_minute_as_alike() -> None:
    prices = tape_of([(0.0, book(1_000, 1_010)), (300.0, book(1_000, 1_010))])
    fills = [fill(seconds, 1, price) for seconds, price in ((1, 1_000), (2, 1_000), (70, 1_002), (71, 1_002))]
    found = quality(prices, fills)["earned"]
    values = np.array([5 / 1_000, 5 / 1_000, 3 / 1_002, 3 / 1_002]) * 1e4
    sums = np.array([(values[:2] - values.mean()).sum(), (values[2:] - values.mean()).sum()])
    expected = 1.959964 * np.sqrt((sums**2).sum() / 16 * 2)
    assert found["error_bp"] == pytest.approx(expected)


def test_the_parts_sum_to_the_result() -> None:
    # given a maker's sell that is run over, a taker's buy, fees, funding received, and a result
    fills = [fill(10.0, -1, 1_010), fill(20.0, 1, 1_014, lots=4, maker=0)]
    split = quality(rising(), fills, net=-123_456, fees=7_000, funding=-1_001)["split"]
    assert split["spread"] == 5 * 10 * UNIT
    assert split["adverse"] == -4 * 10 * UNIT
    assert split["taken"] == -5 * 4 * UNIT
    assert (split["fees"], split["funding"]) == (-7_000, 1_001)
    parts = sum(value for name, value in split.items() if name != "net")
    assert parts == split["net"] == -123_456


def test_presence_is_the_share_of_looks() -> None:
    looks = [
        look(10_000, 10_010, 10_000, 10_010),  # both at the best
        look(10_000, 10_010, 9_999, 10_020),  # a bid within 1 bp, an ask within 10
        look(10_000, 10_010, 9_990, 0),  # a bid alone
        look(10_000, 0, 0, 10_010),  # the only ask that there is
    ]
    shares = {each["within_bp"]: each for each in quality(rising(), looks=looks)["presence"]["rows"]}
    assert [shares[None][name] for name in ("bid_frac", "ask_frac", "both_frac")] == [0.75, 0.75, 0.5]
    assert [shares[0.0][name] for name in ("bid_frac", "ask_frac", "both_frac")] == [0.25, 0.25, 0.25]
    assert [shares[1.0][name] for name in ("bid_frac", "ask_frac", "both_frac")] == [0.5, 0.25, 0.25]
    assert [shares[10.0][name] for name in ("bid_frac", "ask_frac", "both_frac")] == [0.75, 0.5, 0.5]


def test_orders_by_distance_from_the_best_price_of_their_side() -> None:
    tape = tape_of([(0.0, book(10_000, 10_010)), (9.0, book(10_000, 10_010))])
    commands = [
        place(1, 1, 10_005, 1), place(1, 1, 10_000, 2), place(1, -1, 10_014, 3), place(1, 1, 9_900, 4),
        place(1, 1, 0, 5, style=MARKET),
    ]  # fmt: skip
    fills = [
        fill(2, 1, 10_000, lots=4, number=2),
        fill(3, 1, 10_000, lots=6, number=2),
        fill(3, -1, 10_014, 5, number=3),
    ]
    found = quality(tape, fills, commands)["distances"]
    assert [(each["low_bp"], each["high_bp"], each["orders"], each["reached"]) for each in found] == [
        (None, 0.0, 1, 0), (0.0, 1.0, 1, 1), (2.0, 5.0, 1, 1), (20.0, None, 1, 0),
    ]  # fmt: skip
    assert [each["filled_frac"] for each in found] == [0.0, 1.0, 0.5, 0.0]


def test_the_half_life_of_a_position() -> None:
    dice = np.random.default_rng(3)
    lots, held = [], 0.0
    for _ in range(20_000):
        held = 0.9 * held + dice.normal()
        lots.append(held)
    assert half_life_s(np.array(lots), 5) == pytest.approx(5 * np.log(0.5) / np.log(0.9), rel=0.1)
    assert half_life_s(np.zeros(9), 1) is None
    assert half_life_s(np.array([1.0, -1.0] * 9), 1) is None


class Patient(System):
    """One bid at 1000, from the first look on."""

    timer_s = 1

    def on_timer(self, view: View) -> Wants:
        return [buy(10, 1_000)] if view.bid and not view.lots else None


def test_a_fill_knows_its_place_in_the_queue() -> None:
    # given 100 lots at our price when we join; 40 trade, then 30 cancel, then 65 trade
    parts: list[Part] = [
        (0.5, book(1_000, 1_010)),
        (3.0, [(TRADE_SELL, 1_000, 40), (BID_LEVEL, 1_000, 70)]),
        (4.0, [(BID_LEVEL, 1_000, 35)]),
        (5.0, [(TRADE_SELL, 1_000, 65)]),
        (6.0, [(BID_LEVEL, 1_000, 5)]),
    ]
    result = run_on(tape_of(parts), Patient)
    [found] = result.headline.fills
    # then it joined behind 100 and had 35 before it when it was reached
    assert (float(found["ahead_joined"]), float(found["ahead_reached"])) == (100.0, 35.0)
    queue = result.ticks["queue"]  # type: ignore[index]
    assert (queue["joined"]["median"], queue["ahead"]["median"], queue["first_frac"]) == (100.0, 35.0, 0.0)


# ---- bad days ----------------------------------------------------------------------------------------------------


def test_a_day_without_fills_has_no_numbers_and_no_errors() -> None:
    found = quality(rising())
    assert found["maker_share_frac"] is None
    assert found["earned"] == {"mean_bp": None, "error_bp": None}
    assert found["queue"]["joined"]["median"] is None
    assert found["distances"] == []
    assert found["presence"]["rows"] == []
    assert set(found["split"].values()) == {0}
    assert tick_figures(found) == {}


def test_a_market_with_one_side_has_no_mid() -> None:
    tape = tape_of([(0.0, [(BID_LEVEL, 1_000, 5)]), (90.0, [(BID_LEVEL, 1_000, 6)])])
    found = quality(tape, [fill(1.0, 1, 1_000)], [place(0.5, 1, 1_000, 1), place(0.5, -1, 1_010, 2)], net=50)
    assert found["earned"]["mean_bp"] is None
    assert all(each["fills"] == 0 and each["left_quote"] == 0.0 for each in found["markouts"])
    # what cannot be measured is in the rest, and an order without a best price of its side has no distance
    assert (found["split"]["inventory"], found["split"]["net"]) == (50, 50)
    assert [each["orders"] for each in found["distances"]] == [1]


def test_a_book_that_was_cleared_is_not_measured_against() -> None:
    tape = tape_of([(0.0, book(1_000, 1_010)), (5.0, [(BOOK_CLEAR, 0, 0)]), (90.0, book(1_100, 1_110))])
    found = quality(tape, [fill(1.0, 1, 1_000)])
    assert [each["fills"] for each in found["markouts"]] == [1, 1, 0, 0, 0]
    assert found["split"]["adverse"] == 0
