"""Books of any range: far levels, a price that jumps tenfold, orders of ours beyond all of them; best prices only."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.events import BID_LEVEL, ROW, TRADE_SELL
from quintet.sim.windows import price_windows
from tests.desk_worlds import START
from tests.property.test_ticks_twin import markets, request_lists, rules
from tests.tick_exchange import FIRST_TIMER, ROW_KINDS, TIMER_EVERY, exchange_hears
from tests.twins.ticks_twin import Answer, Exchange, Message, Request, Row, Rules, what_we_hear

FAR: tuple[Row, ...] = (("bid", 1, 7), ("ask", 400_000, 7))


def jumping(messages: list[Message], at: int) -> list[Message]:
    """Far orders at the start; from message `at` on everything costs ten times as much."""
    first = messages[0]
    wide = [first._replace(rows=(*FAR, *first.rows)), *messages[1:]]
    return [
        m._replace(rows=tuple((kind, price * 10, lots) for kind, price, lots, *_ in m.rows)) if n >= at else m
        for n, m in enumerate(wide)
    ]


def window_of(messages: list[Message]) -> tuple[int, int]:
    rows = [(0, 0, lots, price, 0, ROW_KINDS[kind], 0) for m in messages for kind, price, lots, *_ in m.rows]
    return price_windows(np.array(rows, ROW), 1)[0]


@given(markets(), request_lists(), rules, st.integers(1, 20), st.data())
@settings(max_examples=40)
def test_far_prices_and_jumps_are_those_of_the_twin(
    messages: list[Message], requests: list[Request], rules: Rules, at: int, data: st.DataObject
) -> None:
    messages = jumping(messages, at)
    prices = st.sampled_from([0, 1, 10, 100, 5_000])
    factors = {r.number: data.draw(prices) for r in requests if not r.cancel}
    requests = [r._replace(price=max(r.price * factors[r.number] // 10, int(r.price > 0))) for r in requests]
    twin = Exchange(rules)
    expected = what_we_hear(messages, twin.run(messages, requests), FIRST_TIMER, TIMER_EVERY)
    heard, _ = exchange_hears(messages, requests, rules, window_of(messages))
    assert heard == expected


def test_the_window_holds_the_farthest_level_and_leaves_out_what_is_no_price() -> None:
    assert window_of([Message(0, 0, (("bid", 700, 1), ("ask", 90_000, 1), ("sell", 800, 3)))]) == (200, 90_500)
    assert (BID_LEVEL, TRADE_SELL) == (0, 3)


# ---- best prices only: a book of one level -------------------------------------------------------------------------
def at(moment: int, *rows: Row) -> Message:
    return Message(START + moment, START + moment, rows)


def fills(messages: list[Message], request: Request) -> list[tuple[int, int, int]]:
    heard, _ = exchange_hears([*messages, at(900, ("bid", 9_000, 1))], [request], Rules(partial=True))
    return [(a.happened - START, a.price, a.lots) for a in heard if isinstance(a, Answer) and a.kind == "fill"]


TOUCH = at(0, ("bid", 9_999, 4), ("ask", 10_001, 5))


def test_of_best_prices_a_taker_finds_the_touch_and_nothing_behind_it() -> None:
    assert fills([TOUCH], Request(START + 1, 256, 1, "ioc", 10_050, 20)) == [(1, 10_001, 5)]


def test_of_best_prices_an_order_at_the_touch_waits_for_all_that_is_shown() -> None:
    order = Request(START + 1, 256, 1, "post-only", 9_999, 2)
    assert fills([TOUCH, at(10, ("sell", 9_999, 5))], order) == [(10, 9_999, 1)]


def test_of_best_prices_an_order_behind_the_touch_counts_as_the_first_at_its_price() -> None:
    # given an order one tick behind, and the touch that comes down to it with 30 lots
    order = Request(START + 1, 256, 1, "post-only", 9_998, 2)
    down = at(10, ("bid", 9_999, 0), ("bid", 9_998, 30))
    assert fills([TOUCH, down, at(20, ("sell", 9_998, 1))], order) == [(20, 9_998, 1)]
