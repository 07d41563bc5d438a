"""Leaving a position: targets, a stop that only tightens, and never more than is held."""

import pytest

from quintet.core.errors import DefinitionError
from quintet.core.execution.ladder import Ladder
from quintet.core.execution.parent import CLOSING, DONE, SHORT, WORKING
from quintet.core.execution.position import AT_MARKET, STOP_TAGS, TAGS, Position
from quintet.core.execution.ratchet import distance_behind, share_kept, tightened
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import LIMIT, MARKET, STOP
from quintet.core.parameters import ParameterError
from tests.execution_market import Moment, Runner

STOPS = range(1, 1 + STOP_TAGS)
"""Tags of the stop of a ladder that begins at tag 1."""


def a_long(rules: Ladder = Ladder(), lots: int = 100, **moment: object) -> Runner:  # noqa: B008
    """Bought at 150.00, with an ATR of 2.00; the market stands a little higher."""
    told = {"bid": 15_009, "ask": 15_011, "last": 15_010, "lots": lots} | moment
    return Runner(rules, **told).begin(1, lots, entry=15_000, unit=200.0)


def stops_in(wants: list[Want]) -> list[tuple[int, int]]:
    return [(want.lots, want.price) for want in wants if want.style == STOP]


def targets_in(wants: list[Want]) -> list[tuple[int, int]]:
    return [(want.lots, want.price) for want in wants if want.style == LIMIT]


@pytest.mark.req("I-190")
def test_forty_thirty_and_twenty_percent_rest_at_their_targets_and_the_rest_runs():
    runner = a_long()
    assert targets_in(runner.wants) == [(40, 15_200), (30, 15_300), (20, 15_500)]
    assert stops_in(runner.wants) == [(100, 14_800)]
    assert all(want.side == -1 and want.reduce_only for want in runner.wants)


@pytest.mark.req("I-190")
def test_parts_are_whole_lots_rounded_down_and_the_remainder_runs():
    assert targets_in(a_long(lots=7).wants) == [(2, 15_200), (2, 15_300), (1, 15_500)]


@pytest.mark.req("I-190")
def test_a_short_is_mirrored():
    runner = Runner(Ladder(), last=14_990, lots=-100).begin(-1, 100, entry=15_000, unit=200.0)
    assert targets_in(runner.wants) == [(40, 14_800), (30, 14_700), (20, 14_500)]
    assert stops_in(runner.wants) == [(100, 15_200)]
    assert all(want.side == 1 for want in runner.wants)


def test_targets_below_the_least_order_go_to_the_runner():
    runner = Runner(Ladder(), last=15_010, lots=10).begin(1, 10, entry=15_000, unit=200.0, least_lots=3)
    assert targets_in(runner.wants) == [(4, 15_200), (3, 15_300)]


@pytest.mark.req("I-197")
def test_after_each_exit_stop_and_targets_are_for_what_is_left():
    runner = a_long()
    runner.venue.answer_all()
    runner.filled(40, n=1)
    assert runner.state.closed == 40
    assert stops_in(runner.wants)[0][0] == 60
    assert targets_in(runner.wants) == [(30, 15_300), (20, 15_500)]
    runner.later(0.0)
    runner.filled(10, n=1)
    assert stops_in(runner.wants)[0][0] == 50
    assert targets_in(runner.wants) == [(20, 15_300), (20, 15_500)]


@pytest.mark.req("I-197")
def test_when_the_stop_has_sold_everything_the_targets_go():
    runner = a_long()
    runner.venue.answer_all()
    assert runner.filled(100) == []
    runner.later(0.0)
    assert (runner.state.phase, runner.venue.orders) == (DONE, [])


@pytest.mark.req("I-193")
def test_from_the_first_target_on_seventy_percent_of_the_greatest_profit_is_kept():
    runner = a_long()
    assert stops_in(runner.later(1.0, last=15_190)) == [(100, 14_800)]  # no target is filled yet
    runner.filled(40, n=1)
    assert stops_in(runner.wants) == [(60, 15_133)]
    assert stops_in(runner.later(1.0, last=15_290)) == [(60, 15_203)]
    assert stops_in(runner.later(1.0, last=15_210)) == [(60, 15_203)]  # and never loosened
    assert runner.venue.sent.count("place") == 4


@pytest.mark.req("I-193")
def test_a_level_of_the_systems_own_tightens_it_too_and_one_beyond_the_market_does_not():
    runner = a_long(Ladder(trail_from=0, keep_frac=0.0))
    runner.venue.answer_all()
    assert stops_in(runner.wake(level=14_900)) == [(100, 14_900)]
    runner.venue.answer_all()
    assert stops_in(runner.wake(level=14_850)) == [(100, 14_900)]
    assert stops_in(runner.wake(level=15_400)) == [(100, 14_900)]


@pytest.mark.req("I-193")
def test_the_ratchets_proposals_are_the_specifications():
    assert share_kept(1, 100, 110, 0.7, 1) == 107
    assert share_kept(-1, 100, 90, 0.7, 1) == 93
    assert share_kept(1, 100, 100, 0.7, 1) == 0
    assert share_kept(1, 1_000, 1_015, 0.7, 5) == 1_015  # 1,010.5: rounded to the side of the market
    assert tightened(1, 100, (0, 105, 103), 1) == 105
    assert tightened(-1, 100, (0, 95, 103), 1) == 95
    assert tightened(1, 100, (104,), 5) == 100
    assert tightened(1, 0, (90,), 1) == 90


def test_a_distance_behind_the_best_price_is_the_other_way_to_trail():
    """E-35: a long that has seen 21,000 with an ATR of 500 is stopped at 19,500."""
    assert distance_behind(1, 21_000, 3 * 500.0, 1) == 19_500
    rules = Ladder(share_fracs=(), at_units=(), stop_units=2.0, trail_from=0, keep_frac=0.0, trail_units=3.0)
    runner = Runner(rules, last=20_010, bid=0, ask=0, lots=5).begin(1, 5, entry=20_000, unit=500.0)
    assert stops_in(runner.wants) == [(5, 19_000)]
    assert stops_in(runner.later(1.0, last=20_400)) == [(5, 19_000)]
    assert stops_in(runner.later(1.0, last=21_000)) == [(5, 19_500)]


def test_steps_too_small_for_a_command_are_not_taken():
    runner = a_long(Ladder(trail_from=0, keep_frac=0.5, stop_units=0.1, step_ticks=50), last=15_000)
    before = runner.state.stop
    runner.later(1.0, last=15_150)
    assert runner.state.stop == 15_075 and before == 14_980
    runner.later(1.0, last=15_240)
    assert runner.state.stop == 15_075
    runner.later(1.0, last=15_250)
    assert runner.state.stop == 15_125


def test_where_the_venue_does_not_amend_the_new_stop_stands_before_the_old_one_goes():
    runner = a_long(Ladder(trail_from=0), last=15_000, amends=False)
    runner.venue.answer_all()
    wants = runner.later(1.0, last=15_100)
    assert stops_in(wants) == [(100, 14_800), (100, 15_070)]
    assert {want.tag for want in wants if want.style == STOP} == set(STOPS)
    assert stops_in(runner.wake()) == [(100, 15_070), (100, 14_800)]  # the new one is on its way
    assert stops_in(runner.later(0.0)) == [(100, 15_070)]
    runner.later(0.0)
    assert [order.want.price for order in runner.venue.orders if order.want.tag in STOPS] == [15_070]


def test_a_stop_that_the_market_has_passed_before_it_stands_is_an_exit_now():
    runner = a_long(Ladder(trail_from=0), last=15_000)
    runner.venue.answer_all()
    runner.state = runner.state._replace(best=15_500)  # 70 % of 500: 15,350
    wants = runner.wake()
    assert runner.state.phase == CLOSING
    assert targets_in(wants) == [] and stops_in(wants) == [(100, 14_800)]
    wants = runner.later(0.0)
    assert [want for want in wants if want.style == MARKET] == [Want(-1, 100, 0, MARKET, 1 + AT_MARKET, True)]
    assert stops_in(wants) == [(100, 14_800)]  # it stands until the position is closed
    market = next(n for n, order in enumerate(runner.venue.orders) if order.want.style == MARKET)
    runner.filled(100, n=market)
    runner.later(0.0)
    assert (runner.state.phase, runner.venue.orders) == (DONE, [])


def test_called_off_on_spot_everything_goes_before_the_rest_is_sold():
    runner = a_long(is_spot=True)
    runner.venue.answer_all()
    runner.state = runner.state.called_off()
    assert runner.wake() == []
    assert runner.later(0.0) == [Want(-1, 100, 0, MARKET, 1 + AT_MARKET)]


@pytest.mark.req("I-231")
def test_more_that_is_bought_is_split_anew_until_a_target_is_filled():
    runner = a_long(lots=50)
    runner.venue.answer_all()
    runner.venue.moment = runner.venue.moment._replace(lots=100)
    runner.state = runner.rules.covering(runner.state, 100)
    assert targets_in(runner.wake()) == [(40, 15_200), (30, 15_300), (20, 15_500)]
    assert stops_in(runner.wants) == [(100, 14_800)]
    runner.venue.answer_all()
    runner.filled(40, n=1)
    runner.venue.moment = runner.venue.moment._replace(lots=80)
    runner.state = runner.rules.covering(runner.state, 120)
    runner.later(0.0)
    assert targets_in(runner.wants) == [(30, 15_300), (20, 15_500)]
    assert stops_in(runner.wants)[0][0] == 80
    assert runner.rules.covering(runner.state, 10) == runner.state


def test_it_closes_no_more_than_is_held():
    runner = a_long()
    runner.venue.answer_all()
    runner.venue.moment = runner.venue.moment._replace(lots=60)  # a fee in base, or somebody else
    wants = runner.wake()
    assert stops_in(wants)[0][0] == 60
    assert sum(lots for lots, _ in targets_in(wants)) <= 60
    runner.later(0.0, lots=0)
    runner.later(0.0)
    assert (runner.state.phase, runner.venue.orders) == (SHORT, [])


def test_fills_are_counted_by_tag():
    position = a_long().state
    assert position.heard(-1, 5, position.tag + TAGS, 0) == position
    assert position.heard(1, 5, position.tag, 0) == position
    met = position.heard(-1, 40, position.tag + STOP_TAGS, 0)
    assert (met.closed, met.done[0], met.targets_met, met.left) == (40, 40, 1, 60)
    assert Position().heard(-1, 1, 0, 0) == Position()
    assert (position.phase, position.filled) == (WORKING, 0)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"share_fracs": (0.5,)}, "Ladder.share_fracs is 1 shares at 3 distances, expected as many of each"),
        ({"share_fracs": (0.5, 0.4, 0.2)}, "Ladder.share_fracs is 1.1 together, expected at most 1"),
        ({"share_fracs": (0.5, -0.1, 0.2)}, "Ladder.share_fracs is -0.1, expected > 0 and <= 1"),
        ({"keep_frac": 2.0}, "Ladder.keep_frac is 2"),
    ],
)
def test_a_ladder_that_cannot_be_is_refused(told, message):
    with pytest.raises(ParameterError) as refused:
        Ladder(**told)
    assert message in str(refused.value)


@pytest.mark.parametrize("told", [{"side": 0}, {"lots": 0}, {"entry": 0}, {"unit": 0.0}, {"unit": float("nan")}])
def test_a_position_that_cannot_be_left_is_refused(told):
    whole = {"side": 1, "lots": 10, "entry": 100, "unit": 2.0} | told
    with pytest.raises(DefinitionError, match="a position to be left"):
        Ladder().begin(Moment(), whole.pop("side"), whole.pop("lots"), tag=1, **whole)
