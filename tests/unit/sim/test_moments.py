"""What comes first where two things meet in one nanosecond."""

from quintet.core.orders import lifecycle as life
from quintet.core.state import WAKE_TIMER, World
from tests.players import after_wake, run_left
from tests.tick_market import MILLISECOND, message_rows, tick_world
from tests.unit.sim.test_tape_end import BOOK, at, want_a_bid

LOOK = 50 * MILLISECOND


def status_at_the_third_look(response_ns: int) -> int:
    """An order is sent at one look, and travels 50 ms to the exchange: how it stands two looks later."""
    world: World = tick_world(entry_ns=LOOK, response_ns=response_ns, wakes=WAKE_TIMER)
    tape = message_rows([at(0, BOOK), at(1_000, BOOK)])
    for look in range(3):
        assert run_left(tape, world, len(tape.rows)) == WAKE_TIMER
        if look == 0:
            want_a_bid(world)
        after_wake(world)
    return int(world.desk[0].orders[0].status)


def test_a_look_comes_before_an_answer_of_its_own_moment() -> None:
    # given an answer that arrives in the nanosecond of a look, then the look does not know of it
    assert status_at_the_third_look(LOOK) == life.IN_FLIGHT
    # a nanosecond sooner it does
    assert status_at_the_third_look(LOOK - 1) == life.OPEN
