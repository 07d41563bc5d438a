"""A venue that halts an instrument, and a feed that has lost messages."""

import pytest

from quintet.core.state import ASK, BID, END, NO_ASK, NO_BID, World
from tests.desk_worlds import START
from tests.players import run_left
from tests.tick_exchange import exchange_hears, parts_of
from tests.tick_market import message_rows, tick_world
from tests.twins.ticks_twin import Answer, Message, Request, Row, Rules, Style

HALT: Row = ("status", 0, 0)
RESUME: Row = ("status", 0, 1)
BOOK: tuple[Row, ...] = (("bid", 9_999, 4), ("ask", 10_001, 4))


def at(moment: int, *rows: Row) -> Message:
    return Message(START + moment, START + moment, rows)


def told(messages: list[Message], requests: list[Request]) -> list[tuple[int, str, str]]:
    """What the venue answers: when, what, and why."""
    heard, _ = exchange_hears([*messages, at(1_000, *BOOK)], requests, Rules(partial=True))
    return [(a.happened - START, a.kind, a.reason) for a in heard if isinstance(a, Answer)]


def order(sent: int, style: Style = "post-only", price: int = 9_999, side: int = 1, number: int = 256) -> Request:
    return Request(START + sent, number, side, style, price, 1)


def test_a_halted_venue_refuses_orders_and_lets_cancels_pass() -> None:
    early, cancel = order(1), Request(START + 30, 256, cancel=True)
    late = order(30, number=257)
    assert told([at(0, *BOOK), at(20, HALT)], [early, cancel, late]) == [
        (1, "accepted", "none"), (30, "canceled", "none"), (30, "rejected", "not trading"),
    ]  # fmt: skip


def test_what_trades_in_a_halt_is_not_ours_and_what_was_reached_fills_when_it_ends() -> None:
    # given a bid of ours and a halt, in which a seller goes through it and the best ask comes down to it
    market = [at(0, *BOOK), at(20, HALT), at(30, ("sell", 9_998, 50)), at(40, ("bid", 9_999, 0), ("ask", 9_999, 3))]
    assert told(market, [order(1)]) == [(1, "accepted", "none")]
    # when trading goes on, then it is filled
    assert told([*market, at(50, RESUME)], [order(1)]) == [(1, "accepted", "none"), (50, "fill", "none")]


def test_a_trade_in_a_halt_triggers_nothing() -> None:
    stop = order(1, "stop", 9_990, side=-1)
    market = [at(0, *BOOK), at(20, HALT), at(30, ("sell", 9_980, 1)), at(40, RESUME)]
    assert told(market, [stop]) == [(1, "accepted", "none")]
    assert told([*market, at(50, ("sell", 9_989, 1))], [stop]) == [
        (1, "accepted", "none"), (50, "expired", "nothing to close"),
    ]  # fmt: skip


def known(messages: list[Message]) -> World:
    """A world after a second of timers, each of which shows what has reached us before it."""
    world = tick_world(wakes=0)
    later = Message(START + 10**9, START + 10**9 + 1, (("sell", 9_000, 1),))
    rows = [(m.happened, m.heard, [part for row in m.rows for part in parts_of(row)]) for m in [*messages, later]]
    assert run_left(message_rows(rows), world, 1 << 60) == END
    return world


@pytest.mark.jit_off
def test_we_know_of_a_halt_when_the_feed_tells_us() -> None:
    halted = at(20, HALT)
    assert known([at(0, *BOOK), halted]).desk[0].shown.instruments[0].trading == 0
    late = Message(halted.happened, START + 10**9 + 1, halted.rows)
    world = known([at(0, *BOOK), late])
    assert (world.venue[0].instruments[0].trading, world.desk[0].shown.instruments[0].trading) == (0, 1)


@pytest.mark.jit_off
def test_after_a_gap_nothing_of_the_book_is_believed() -> None:
    world = known([at(0, *BOOK), at(20, ("gap", 0, 7))])
    best, market = world.venue[0].book[0].best, world.desk[0].shown.market[0]
    assert (best[BID], best[ASK]) == (market.bid, market.ask) == (NO_BID, NO_ASK)
    assert told([at(0, *BOOK), at(20, ("gap", 0, 7))], [order(30, "ioc", 10_001)]) == [
        (30, "expired", "nothing left within its limit")
    ]
