"""A resting order: its price, its time, what becomes of a part."""

import pytest

from quintet.core.errors import DefinitionError
from quintet.core.execution.bounded import Bounded
from quintet.core.execution.maker import Maker
from quintet.core.execution.parent import CLOSING, DONE, ENDING, PHASE_NAMES, SHORT, TAKING, UNDONE, WORKING, Parent
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import IOC, MARKET, POST_ONLY
from quintet.core.parameters import ParameterError
from tests.execution_market import Moment, Runner

TOUCH = Maker(at="touch", requote_s=1.0)


@pytest.mark.req("I-230")
def test_unfilled_after_thirty_seconds_it_is_cancelled():
    runner = Runner(Maker(), bid=0, ask=0, last=15_000).begin(1, 10)
    assert runner.wants == [Want(1, 10, 14_992, POST_ONLY, tag=1)]
    runner.later(29.9)
    assert runner.state.phase == WORKING
    assert runner.later(0.1) == []
    assert (runner.state.phase, runner.venue.sent) == (ENDING, ["place", "cancel"])
    runner.later(0.1)
    assert (runner.state.phase, runner.state.filled, runner.venue.orders) == (SHORT, 0, [])


@pytest.mark.req("I-231")
@pytest.mark.parametrize(("filled", "phase"), [(50, SHORT), (49, CLOSING), (0, SHORT)])
def test_half_of_it_is_enough_to_go_on_with_and_less_is_closed(filled, phase):
    runner = Runner(Maker()).begin(1, 100)
    runner.venue.answer_all()
    if filled:
        runner.filled(filled)
    runner.later(30.0)
    runner.later(0.0)
    assert PHASE_NAMES[runner.state.phase] == PHASE_NAMES[phase]


@pytest.mark.req("I-231")
def test_a_part_that_is_too_little_is_closed_at_market_and_nothing_is_held():
    runner = Runner(Maker()).begin(-1, 100)
    runner.venue.answer_all()
    runner.filled(30)
    runner.later(30.0)
    assert runner.later(0.0) == [Want(1, 30, 0, MARKET, tag=1, reduce_only=True)]
    assert runner.filled(20) == [Want(1, 10, 0, MARKET, tag=1, reduce_only=True)]
    runner.filled(10)
    assert (runner.state.phase, runner.state.undone, runner.venue.moment.lots) == (UNDONE, 30, 0)


@pytest.mark.req("I-231")
def test_it_can_be_told_to_keep_a_part_that_is_too_little():
    runner = Runner(Maker(too_little="keep")).begin(1, 100)
    runner.venue.answer_all()
    runner.filled(1)
    runner.later(30.0)
    runner.later(0.0)
    assert (runner.state.phase, runner.state.filled) == (SHORT, 1)


def test_what_closes_a_part_on_spot_is_no_more_than_can_be_sold():
    runner = Runner(Maker(), is_spot=True).begin(1, 100)
    runner.venue.answer_all()
    runner.filled(30)
    runner.later(30.0, lots=29)  # the fee was taken out of what was bought
    assert runner.later(0.0) == [Want(-1, 29, 0, MARKET, tag=1)]
    runner.filled(29)
    assert runner.state.phase == UNDONE


def test_filled_whole_it_is_done():
    runner = Runner(Maker()).begin(1, 10)
    runner.venue.answer_all()
    assert runner.filled(4) == [Want(1, 6, 9_995, POST_ONLY, tag=1)]
    assert runner.filled(6) == []
    assert runner.state.phase == DONE and runner.state.is_over


def test_the_rest_can_be_taken_within_a_bound_when_the_time_is_over():
    """structure_mm's calm exit: post-only at the best ask, then an IOC within 50 bp."""
    runner = Runner(Maker(at="touch", then="take", bound_bp=50.0)).begin(-1, 100)
    runner.venue.answer_all()
    runner.filled(60)
    runner.later(30.0)
    assert runner.later(0.0, bid=10_000, ask=10_002) == [Want(-1, 40, 9_950, IOC, tag=1)]
    assert runner.state.phase == TAKING
    runner.venue.fill(runner.venue.orders[0], 25)
    runner.later(0.0)
    assert (runner.state.phase, runner.state.filled) == (SHORT, 85)


# ---- following the market --------------------------------------------------------------------------------------


def test_it_follows_the_touch_by_one_amendment_where_the_venue_amends():
    """eternal-engine, G1: repriced when the best price has moved by a tick, not more often than the rule says."""
    runner = Runner(TOUCH).begin(1, 10)
    assert runner.later(0.5, bid=10_004, ask=10_006)[0].price == 9_999
    assert runner.later(0.5, bid=10_004, ask=10_006)[0].price == 10_004
    assert runner.venue.sent == ["place", "amend"]


def test_where_the_venue_does_not_amend_it_is_placed_anew_only_when_the_old_order_is_over():
    runner = Runner(TOUCH, amends=False).begin(1, 10)
    assert runner.later(1.0, bid=10_004, ask=10_006) == []
    assert runner.venue.at_risk(1) == 10
    assert runner.wake() == []  # its end is not known yet
    assert runner.later(0.0) == [Want(1, 10, 10_004, POST_ONLY, tag=1)]
    assert runner.venue.sent == ["place", "cancel", "place"]


def test_a_dearer_purchase_on_spot_waits_for_the_money_of_the_old_order():
    runner = Runner(TOUCH, is_spot=True).begin(1, 10)
    assert runner.later(1.0, bid=10_004, ask=10_006) == []
    runner = Runner(TOUCH, is_spot=True).begin(1, 10)
    assert runner.later(1.0, bid=9_990, ask=9_992) == [Want(1, 10, 9_990, POST_ONLY, tag=1)]


def test_a_move_smaller_than_its_rule_is_not_followed():
    runner = Runner(Maker(at="touch", requote_s=1.0, requote_ticks=5)).begin(1, 10)
    assert runner.later(1.0, bid=10_003, ask=10_005)[0].price == 9_999
    assert runner.later(1.0, bid=10_004, ask=10_006)[0].price == 10_004


def test_refused_as_it_would_have_taken_it_is_priced_anew():
    runner = Runner(Maker(at="touch")).begin(1, 10)
    runner.venue.orders.clear()
    runner.venue.moment = runner.venue.moment._replace(bid=9_980, ask=9_982)
    assert runner.wake() == [Want(1, 10, 9_980, POST_ONLY, tag=1)]


def test_an_order_on_its_way_is_left_alone():
    runner = Runner(TOUCH).begin(1, 10)
    runner.venue.later(5.0, bid=10_004, ask=10_006)
    assert runner.wake() == [Want(1, 10, 9_999, POST_ONLY, tag=1)]
    assert runner.venue.sent == ["place"]


def test_without_a_price_it_waits():
    runner = Runner(Maker(), bid=0, ask=0, last=0).begin(1, 10)
    assert runner.wants == []
    assert runner.later(1.0, last=15_000) == [Want(1, 10, 14_992, POST_ONLY, tag=1)]


# ---- what it is told ---------------------------------------------------------------------------------------------


def test_called_off_it_cancels_and_keeps_what_is_enough():
    runner = Runner(Maker()).begin(1, 10)
    runner.venue.answer_all()
    runner.filled(7)
    runner.state = runner.state.called_off()
    assert runner.wake() == []
    runner.later(0.0)
    assert (runner.state.phase, runner.state.filled) == (SHORT, 7)


def test_called_off_it_takes_nothing_even_if_it_would_at_its_time():
    runner = Runner(Maker(then="take", too_little="keep")).begin(1, 10)
    runner.venue.answer_all()
    runner.state = runner.state.called_off()
    runner.wake()
    assert runner.later(60.0) == []
    assert (runner.state.phase, runner.venue.sent) == (SHORT, ["place", "cancel"])


def test_a_fill_of_another_tag_or_instrument_is_not_its_own():
    parent = Maker().begin(Moment(), 1, 10, tag=3)
    assert parent.heard(1, 4, 2, 0) == parent.heard(1, 4, 3, 1) == parent
    assert parent.heard(1, 4, 3, 0).filled == 4
    assert Parent().heard(1, 4, 0, 0) == Parent()


def test_an_idle_parent_wants_nothing():
    assert Maker().work(Parent(), Moment()) == (Parent(), [])


def test_a_parent_begun_by_other_rules_is_refused():
    parent = Maker().begin(Moment(), 1, 10, tag=1)
    with pytest.raises(DefinitionError, match="begun by maker is worked by bounded"):
        Bounded().work(parent, Moment())


@pytest.mark.parametrize(("side", "lots"), [(0, 10), (2, 10), (1, 0), (1, -5), (1, 1.5)])
def test_an_amount_that_cannot_be_done_is_refused(side, lots):
    with pytest.raises(DefinitionError, match="parent order"):
        Maker().begin(Moment(), side, lots, tag=1)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"timeout_s": 0}, "Maker.timeout_s is 0, expected > 0 and <= 1e+07"),
        ({"offset_bp": -1.0}, "Maker.offset_bp is -1"),
        ({"partial_min_frac": 1.5}, "Maker.partial_min_frac is 1.5, expected >= 0 and <= 1"),
        ({"at": "mid"}, "Maker.at is mid, expected offset or touch"),
        ({"bound_bp": float("nan")}, "Maker.bound_bp is nan"),
        ({"requote_ticks": True}, "Maker.requote_ticks is True"),
    ],
)
def test_parameters_outside_their_bounds_are_refused_with_their_names(rules, message):
    with pytest.raises(ParameterError) as refused:
        Maker(**rules)
    assert message in str(refused.value)
