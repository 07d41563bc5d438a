"""How many messages wait for us at one moment: never more than there is room for."""

from hypothesis import given
from hypothesis import strategies as st

from quintet.core.events import ASK_LEVEL, BID_LEVEL
from quintet.sim.in_flight import most_in_flight
from tests.tick_market import message_rows


def waiting(times: list[tuple[int, int]], every: int) -> int:
    """The slow way: at each message, those that had not arrived when somebody last looked."""
    arrivals = [max(arrived for _, arrived in times[: n + 1]) for n in range(len(times))]
    return max(sum(arrivals[k] > happened - every - 1 for k in range(n + 1)) for n, (happened, _) in enumerate(times))


@given(
    steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=30), every=st.integers(1, 50)
)
def test_as_many_as_counted_one_by_one(steps: list[tuple[int, int]], every: int) -> None:
    # given messages of two rows that travel for a while
    at, times = 1_000, []
    for step, travel in steps:
        at += step
        times.append((at, at + travel))
    tape = message_rows([(e, r, [(BID_LEVEL, 10, 1), (ASK_LEVEL, 11, 1)]) for e, r in times])
    # then the count is that of the slow way; with a constant latency too
    assert most_in_flight(tape.rows, every, -1) == waiting(times, every)
    assert most_in_flight(tape.rows, every, 7) == waiting([(e, e + 7) for e, _ in times], every)
