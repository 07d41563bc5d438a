"""What happens at the end of a tape: nothing that was due is left out, and what was under way arrives."""

import numpy as np

from quintet.core import events as ev
from quintet.core.state import END, WAKE_TIMER, World
from quintet.sim.loop import hear_the_rest
from tests.desk_worlds import START
from tests.players import after_wake, run_left
from tests.tick_market import MILLISECOND, Message, message_rows, tick_world

BOOK = [(ev.BID_LEVEL, 9_999, 10), (ev.ASK_LEVEL, 10_001, 10)]


def at(ms: int, parts: list[tuple[int, int, int]], feed_ms: int = 0) -> Message:
    return (START + ms * MILLISECOND, START + (ms + feed_ms) * MILLISECOND, parts)


def timers(world: World, messages: list[Message]) -> int:
    """How often the system was asked; it says nothing."""
    tape, asked = message_rows(messages), 0
    while run_left(tape, world, len(tape.rows)) != END:
        asked += 1
    return asked


def test_a_timer_is_due_before_feed_that_comes_after_it_also_when_that_is_the_last() -> None:
    # given a timer every 50 ms and a last message that happened before the second timer and reaches us after it
    world = tick_world(wakes=WAKE_TIMER)
    assert timers(world, [at(0, BOOK), at(99, [(ev.BID_LEVEL, 9_999, 11)], feed_ms=3)]) == 2
    # when it reaches us before the second, then that one is not due: nothing has happened after it
    world = tick_world(wakes=WAKE_TIMER)
    assert timers(world, [at(0, BOOK), at(90, [(ev.BID_LEVEL, 9_999, 11)], feed_ms=3)]) == 1


def test_a_fill_before_the_end_is_heard_after_it_and_nobody_is_asked() -> None:
    # given a bid that the last trade fills, and an answer that travels longer than the tape
    world = tick_world(response_ns=500 * MILLISECOND, entry_ns=MILLISECOND, wakes=WAKE_TIMER)
    tape = message_rows([at(0, BOOK), at(120, [(ev.TRADE_SELL, 9_990, 50)])])
    assert run_left(tape, world, len(tape.rows)) == WAKE_TIMER
    want_a_bid(world)
    while run_left(tape, world, len(tape.rows)) != END:
        pass
    assert world.desk[0].n_fills == 0
    # when the rest is heard
    assert hear_the_rest(run_left, tape, world) == END
    # then it is booked, the books balance, and the desk is as it was: its timer still to come
    assert world.desk[0].n_fills == 1
    assert world.desk[0].shown.account[0].lots == 3
    assert not np.asarray(world.desk[0].ledger).sum(axis=0).any()
    assert (world.desk[0].wakes, world.desk[0].timer_next) == (WAKE_TIMER, START + 150 * MILLISECOND)
    # and once heard there is nothing more
    assert hear_the_rest(run_left, tape, world) == END
    assert world.desk[0].n_fills == 1


def want_a_bid(world: World) -> None:
    view = world.desk[0].shown
    want = view.wants[0]
    want.instrument, want.side, want.style, want.price, want.lots, want.tag = 0, 1, 0, 9_995, 3, 0
    view.n, view.dirty = 1, 1
    with np.errstate(over="ignore"):
        after_wake(world)
