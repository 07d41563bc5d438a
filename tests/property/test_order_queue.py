"""Queues of order-level feeds: the compiled exchange and its slow twin, the table and a dictionary, what is refused."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.engine.world import Execution, Setup, new_world
from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.core.state import BOOK_ENTRY
from quintet.sim.order_queue import enter_table, forget_table, leave_table, order_places, place_of
from quintet.sim.queue import FIFO
from tests.desk_worlds import LINEAR_COIN, START
from tests.property.test_ticks_twin import request_lists, rules, steps
from tests.tick_exchange import FIRST_TIMER, TIMER_EVERY, exchange_hears
from tests.tick_market import message_rows
from tests.twins.ticks_twin import Answer, Exchange, Message, Request, Row, Rules, what_we_hear

pytestmark = pytest.mark.xdist_group("loop")


class OrderBook:
    """The market's orders by id, and the totals of their levels: what an order-level feed is made from."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[str, int, int]] = {}
        self.totals: dict[tuple[str, int], int] = {}
        self.next_id = 100

    def move(self, side: str, price: int, by: int, who: int, what: str) -> Row:
        self.totals[side, price] = self.totals.get((side, price), 0) + by
        return (side, price, self.totals[side, price], who, what)

    def enter(self, side: str, price: int, lots: int) -> Row:
        self.next_id += 1
        self.orders[self.next_id] = (side, price, lots)
        return self.move(side, price, lots, self.next_id, "entered")

    def change(self, who: int, lots: int) -> Row:
        side, price, before = self.orders[who]
        self.orders[who] = (side, price, lots)
        return self.move(side, price, lots - before, who, "changed")

    def gone(self, who: int) -> Row:
        side, price, lots = self.orders.pop(who)
        return self.move(side, price, -lots, who, "gone")

    def clear(self) -> list[Row]:
        """The feed loses the book; the same message brings some of the orders back, the older first."""
        before, self.totals, self.orders = list(self.orders.items()), {}, {}
        rows: list[Row] = [("clear", 0, 0)]
        for who, (side, price, lots) in before[::2]:
            self.orders[who] = (side, price, lots)
            rows.append(self.move(side, price, lots, who, "entered"))
        return rows


@st.composite
def order_markets(draw: st.DrawFn) -> list[Message]:
    """Orders come, change and go near one price; trades are told with or without the orders that they took."""
    book, messages = OrderBook(), []
    happened = heard = START
    for _ in range(draw(st.integers(5, 40))):
        happened += draw(steps)
        heard = max(heard, happened + draw(steps))
        what = draw(st.integers(0, 12))
        some = list(book.orders)
        rows: list[Row]
        if what < 5 or not some:
            side = draw(st.sampled_from(["bid", "ask"]))
            price = draw(st.integers(9_997, 10_000)) + (2 if side == "ask" else 0)
            rows = [book.enter(side, price, draw(st.sampled_from([1, 3, 8])))]
        elif what < 7:
            rows = [book.change(draw(st.sampled_from(some)), draw(st.sampled_from([1, 2, 9])))]
        elif what < 9:
            rows = [book.gone(draw(st.sampled_from(some)))]
        elif what < 12:
            side, price, lots = book.orders[who := draw(st.sampled_from(some))]
            taken = draw(st.integers(1, lots))
            rows = [("sell" if side == "bid" else "buy", price, taken)]
            if draw(st.integers(0, 3)):
                rows.append(book.gone(who) if taken == lots else book.change(who, lots - taken))
        else:
            rows = book.clear()
        messages.append(Message(happened, heard, tuple(rows)))
    return messages


@pytest.mark.bounds
@pytest.mark.jit_off
@given(order_markets(), request_lists(), rules)
@settings(max_examples=100)
def test_exact_queues_are_those_of_the_twin(messages: list[Message], requests: list[Request], rules: Rules) -> None:
    messages = [Message(START, START, (("bid", 9_990, 1, 1, "entered"),)), *messages]
    twin = Exchange(replace(rules, queue="fifo"))
    expected = what_we_hear(messages, twin.run(messages, requests), FIRST_TIMER, TIMER_EVERY)
    heard, world = exchange_hears(messages, requests, twin.rules)
    assert heard == expected
    venue = world.venue[0]
    resting = {int(r.number): (float(r.ahead), float(r.traded)) for r in venue.resting if r.alive == 1}
    assert resting == {o.number: (o.ahead, o.traded) for o in twin.orders}
    assert int(venue.orders_known) == len(twin.there)


def fills(messages: list[Message], lots: int = 5) -> list[tuple[int, int]]:
    """When and how much an order of ours is filled that joins the bids at 9,999 after the first message."""
    order = Request(START + 1, 256, 1, "post-only", 9_999, lots)
    heard, _ = exchange_hears(messages, [order], Rules(queue="fifo", partial=True))
    return [(a.happened - START, a.lots) for a in heard if isinstance(a, Answer) and a.kind == "fill"]


def at(ms: int, *rows: Row) -> Message:
    return Message(START + ms, START + ms, rows)


BEFORE = at(0, ("bid", 9_999, 4, 1, "entered"), ("bid", 9_999, 10, 2, "entered"))
BEHIND = at(10, ("bid", 9_999, 30, 3, "entered"))


def test_who_came_later_never_counts_and_who_goes_brings_us_forward() -> None:
    # given orders of 4 and 6 before ours, 20 behind; all behind us go, then the 4 before us
    gone = [BEFORE, BEHIND, at(20, ("bid", 9_999, 10, 3, "gone")), at(30, ("bid", 9_999, 6, 1, "gone"))]
    # when 7 lots trade, then one of them is for us
    assert fills([*gone, at(40, ("sell", 9_999, 7)), at(99, ("bid", 9_990, 1, 9, "entered"))]) == [(40, 1)]


def test_an_order_that_changes_keeps_its_place() -> None:
    # given the first of 4 now 1, the one behind us now 90
    market = [BEFORE, BEHIND, at(20, ("bid", 9_999, 27, 1, "changed")), at(21, ("bid", 9_999, 97, 3, "changed"))]
    assert fills([*market, at(40, ("sell", 9_999, 8)), at(99, ("bid", 9_990, 1, 9, "entered"))]) == [(40, 1)]


def test_a_trade_and_the_orders_it_took_count_once() -> None:
    # given a trade of 5: the first order and one lot of the second, told afterwards
    echo = [at(41, ("bid", 9_999, 26, 1, "gone")), at(42, ("bid", 9_999, 25, 2, "changed"))]
    market = [BEFORE, BEHIND, at(40, ("sell", 9_999, 5)), *echo]
    # when 5 more trade they are those of the second order; the next one is ours
    market += [at(50, ("sell", 9_999, 5)), at(51, ("bid", 9_999, 20, 2, "gone")), at(60, ("sell", 9_999, 2))]
    assert fills([*market, at(99, ("bid", 9_990, 1, 9, "entered"))]) == [(60, 2)]


def test_after_a_lost_book_all_that_is_brought_back_stands_before_us() -> None:
    back = at(20, ("clear", 0, 0), ("bid", 9_999, 20, 3, "entered"))
    market = [BEFORE, BEHIND, back, at(30, ("bid", 9_999, 25, 4, "entered")), at(40, ("sell", 9_999, 21))]
    assert fills([*market, at(99, ("bid", 9_990, 1, 9, "entered"))]) == [(40, 1)]


# ---- the table -----------------------------------------------------------------------------------------------------
@pytest.mark.bounds
@pytest.mark.jit_off
@given(st.lists(st.tuples(st.sampled_from(["enter", "go", "forget"]), st.integers(0, 2), st.integers(0, 40))))
def test_the_table_knows_what_a_dictionary_knows(steps: list[tuple[str, int, int]]) -> None:
    entries, known = table(BOOK_ENTRY, 64), 0
    expected: dict[tuple[int, int], int] = {}
    for n, (what, instrument, order) in enumerate(steps, start=1):
        order *= 2**57 // 40
        if what == "enter" and (len(expected) < 32 or (instrument, order) in expected):
            known = enter_table(entries, known, instrument, order, n)
            expected[instrument, order] = n
        elif what == "go" and expected.pop((instrument, order), 0):
            leave_table(entries, place_of(entries, instrument, order))
            known -= 1
        elif what == "forget" and order == 0:
            known = forget_table(entries, known, instrument)
            expected = {key: when for key, when in expected.items() if key[0] != instrument}
        assert known == len(expected)
        kept = {(int(e.instrument), int(e.order)): int(e.entered) for e in entries if e.entered}
        assert kept == expected
        assert all(entries[place_of(entries, *key)].entered == when for key, when in expected.items())


def test_the_table_is_as_large_as_the_tape_needs() -> None:
    rows = [(ev.BOOK_ORDER, 9_999, who, ev.ORDER_ENTERED) for who in range(700)]
    tape = message_rows([(START, START, [row, (ev.BID_LEVEL, 9_999, n)]) for n, row in enumerate(rows, start=1)])
    assert order_places(tape.rows) == 2048
    assert order_places(tape.rows[:1000]) == 1024


ENTERS = (ev.BOOK_ORDER, 9_999, 7, ev.ORDER_ENTERED)
LEVEL = (ev.BID_LEVEL, 9_999, 1)
REFUSED = {
    "a level that no order moved at row 2": [[ENTERS, LEVEL], [LEVEL]],
    "an order that moved no level at row 1": [[ENTERS], [(ev.TRADE_BUY, 9_999, 1)]],
    "an order that moved no level at row 2": [[ENTERS, LEVEL, ENTERS]],
    "a tape without orders": [[(ev.TRADE_BUY, 9_999, 1)]],
}


@pytest.mark.parametrize("problem", REFUSED)
def test_a_feed_that_tells_levels_only_is_refused(problem: str) -> None:
    tape = message_rows([(START, START, rows) for rows in REFUSED[problem]])
    with pytest.raises(
        ConfigError, match=f"queue_model is fifo, found {problem}, expected a feed that tells each order"
    ):
        order_places(tape.rows)


def test_exact_queues_need_a_table_and_other_models_none() -> None:
    with pytest.raises(ConfigError, match="order_places 0; expected places in the table of orders"):
        new_world(Setup(instruments=(LINEAR_COIN,), execution=Execution(queue_model=FIFO)))
    with pytest.raises(ConfigError, match="order_places 64; expected places in the table of orders"):
        new_world(Setup(instruments=(LINEAR_COIN,), order_places=64))
