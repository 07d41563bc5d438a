"""Taking within a bound, and an exit that must happen."""

import pytest

from quintet.core.execution.bounded import Bounded
from quintet.core.execution.parent import DONE, SHORT, TAKING, WORKING
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import IOC, MARKET
from tests.execution_market import Runner

EXIT = Bounded(bound_bp=100.0, attempts=5, within_s=10.0, then="market")


@pytest.mark.req("I-232")
def test_a_market_entry_is_an_ioc_at_a_tenth_of_a_percent_and_the_rest_is_dropped():
    runner = Runner(Bounded(), bid=14_999, ask=15_000).begin(1, 10)
    assert runner.wants == [Want(1, 10, 15_015, IOC, tag=1)]
    assert runner.filled(4) == [Want(1, 6, 15_015, IOC, tag=1)]  # the same order, left alone
    assert runner.later(0.0) == []
    assert (runner.state.phase, runner.state.filled) == (SHORT, 4)
    assert runner.venue.sent == ["place"]


def test_filled_at_once_it_is_done():
    runner = Runner(Bounded()).begin(-1, 10)
    runner.filled(10)
    assert (runner.state.phase, runner.wants) == (DONE, [])


@pytest.mark.req("I-207")
def test_an_exit_reprices_five_times_in_ten_seconds_and_then_goes_at_market():
    runner = Runner(EXIT, lots=10, bid=10_000, ask=10_001).begin(-1, 10, reduce_only=True)
    assert runner.wants == [Want(-1, 10, 9_900, IOC, tag=1, reduce_only=True)]
    for n in range(1, 5):
        assert runner.later(1.0) == []  # the next attempt is not due
        assert runner.later(1.0, bid=10_000 - 100 * n) == [Want(-1, 10, 9_900 - 99 * n, IOC, tag=1, reduce_only=True)]
    assert runner.state.attempts == 5
    assert runner.later(0.1) == [Want(-1, 10, 0, MARKET, tag=1, reduce_only=True)]
    assert runner.state.phase == TAKING
    runner.filled(7)
    assert runner.later(0.1) == [Want(-1, 3, 0, MARKET, tag=1, reduce_only=True)]
    runner.filled(3)
    assert runner.state.phase == DONE


def test_without_a_price_no_attempt_is_spent():
    runner = Runner(Bounded(), bid=0, ask=0, last=0).begin(1, 10)
    assert (runner.wants, runner.state.attempts) == ([], 0)
    assert runner.later(1.0, last=10_000)[0].price == 10_010


def test_called_off_it_makes_no_further_attempt():
    runner = Runner(EXIT).begin(1, 10)
    runner.state = runner.state.called_off()
    assert runner.wake() == [Want(1, 10, 10_101, IOC, tag=1)]  # nothing can be changed about what takes
    assert runner.later(5.0) == []
    assert runner.state.phase == SHORT


def test_one_attempt_at_a_time():
    runner = Runner(Bounded(attempts=3)).begin(1, 10)
    assert runner.state.phase == WORKING
    runner.wake()
    runner.wake()
    assert (runner.state.attempts, runner.venue.at_risk(1)) == (1, 10)
