"""The rules behind a report: the verdict, words for numbers, what a log tells, tables."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from quintet.research.activity import read_activity
from quintet.research.charts import Axis
from quintet.research.market_bars import shown_bars
from quintet.research.report_parts import figures, wording
from quintet.research.report_parts.axes import decimals_between, time_marks
from quintet.research.report_parts.dates import span
from quintet.research.report_parts.episode_pictures import chosen
from quintet.research.report_parts.trade_rows import entries
from quintet.research.report_parts.verdict import MET, MISSED, UNKNOWN, Facts, facts_of, judge
from quintet.research.report_parts.wording import MINUS, THIN
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES
from tests.fakes.backtest_result import BAR_NS, START_NS, HandMadeResult

DAY_NS = wording.DAY_NS
MINUTE_NS = 60_000_000_000


def facts(**changes: Any) -> Facts:
    usual = Facts(
        low_frac=-0.02,
        high_frac=0.01,
        policies=4,
        fills=100,
        alarms=0,
        conservation=0,
        synthetic=False,
        testing_form="",
        quote_share_frac=0.96,
        hold_frac=0.1,
        trials=213,
        trials_on_data=3,
        deflated_sharpe=0.4,
    )
    return usual._replace(**changes)


# ---- the verdict ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Not proven. Do not trade it yet."),
        ({"low_frac": 0.5, "high_frac": 0.9}, "Not proven. Do not trade it yet."),
        ({"low_frac": -0.2, "high_frac": -0.1}, "It lost on every reading of the bars. Do not trade it."),
        ({"low_frac": -0.2, "high_frac": -0.2, "policies": 1}, "It lost. Do not trade it."),
        ({"testing_form": "testing form, not money: run without fees"}, "Testing form, not money."),
        ({"fills": 0}, "Nothing to judge. It did not trade."),
        ({"alarms": 1}, "Not valid. The desk met the impossible."),
        ({"conservation": 1, "fills": 0}, "Not valid. The books do not balance."),
    ],
)
def test_the_first_rule_that_holds_is_the_verdict(changes: dict[str, Any], sentence: str):
    assert judge(facts(**changes)).sentence == sentence


def state_of(what: str, **changes: Any) -> str:
    return next(check.state for check in judge(facts(**changes)).checks if what in check.text)


def check_of(what: str, **changes: Any) -> tuple[str, str]:
    return next((check.state, check.seen) for check in judge(facts(**changes)).checks if what in check.text)


def test_however_good_the_figures_queue_and_history_stay_open():
    best = {"low_frac": 9.0, "high_frac": 9.9, "hold_frac": 0.0, "deflated_sharpe": 1.0}
    assert [state_of(what, **best) for what in ("Queue", "history")] == [MISSED, MISSED]
    assert judge(facts(**best)).sentence == "Not proven. Do not trade it yet."


def test_the_number_of_trials_is_told_and_unknown_where_nobody_counted():
    assert check_of("Number of trials") == (MET, "213: 3 on this data")
    assert check_of("Number of trials", trials=12_345) == (MET, f"12{THIN}345: 3 on this data")
    told = check_of("Number of trials", trials_on_data=213, trials_earlier=212)
    assert told == (MET, "213: 1 on this data, 212 before the ledger")
    assert check_of("Number of trials", trials=None, trials_on_data=None) == (UNKNOWN, "not counted")


@pytest.mark.parametrize(
    ("deflated", "state", "seen"),
    [
        (0.95, MET, "deflated 0.950 / 0.950"),
        (0.94999, MISSED, "deflated 0.949 / 0.950"),
        (0.0, MISSED, "deflated 0.000 / 0.950"),
        (None, UNKNOWN, "no ratio to deflate"),
    ],
)
def test_the_ratio_must_be_more_than_the_luck_of_all_trials(deflated: float | None, state: str, seen: str):
    assert check_of("luck of so many", deflated_sharpe=deflated) == (state, seen)


def test_a_result_without_a_place_in_the_ledger_has_nothing_deflated():
    result = HandMadeResult({"pessimistic": 1})
    read = facts_of(result, {})
    assert (read.trials, read.trials_on_data, read.deflated_sharpe) == (None, None, None)
    assert check_of("luck of so many", trials=None, deflated_sharpe=None) == (UNKNOWN, "not counted")
    read = facts_of(result, {"trials": {"total": 213, "on_data": 3, "deflated_sharpe": 0.4}})
    assert (read.trials, read.trials_on_data, read.deflated_sharpe) == (213, 3, 0.4)


@pytest.mark.req("S-05")
@pytest.mark.parametrize(("share", "state"), [(0.96, MET), (0.46, MISSED), (0.5, MISSED), (None, UNKNOWN)])
def test_more_than_half_of_equity_must_stand_in_the_quote_asset(share: float | None, state: str):
    assert state_of("quote asset", quote_share_frac=share) == state


def test_a_synthetic_market_is_a_condition_missed():
    assert state_of("Recorded market", synthetic=True) == MISSED


# ---- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (wording.plain(1234567.891), f"1{THIN}234{THIN}567.89"),
        (wording.plain(-0.001), "0.00"),
        (wording.plain(Decimal("-41.2")), f"{MINUS}41.20"),
        (wording.signed(318.4), "+318.40"),
        (wording.signed(0.001), "0.00"),
        (wording.signed_percent(-0.0160), f"{MINUS}1.60{THIN}%"),
        (wording.utc(START_NS + 5 * BAR_NS), "01 Jan 2026 00:25"),
        (wording.iso(START_NS + 7), "2026-01-01T00:00:00.000000007Z"),
        (wording.stamp(START_NS + 5 * BAR_NS), "2026-01-01 00:25"),
        (span(START_NS, START_NS + 40 * DAY_NS).en, "1 Jan \u2013 10 Feb 2026"),
        (span(START_NS, START_NS + DAY_NS // 2).en, "1 Jan 2026"),
        (span(START_NS - DAY_NS, START_NS).ru, "31 дек 2025 \u2013 1 янв 2026"),
        (wording.counted(1, "fill", "fills"), "1 fill"),
        (wording.counted(1200, "fill", "fills"), f"1{THIN}200 fills"),
    ],
)
def test_numbers_and_times_read_calmly(text: str, expected: str):
    assert text == expected


@pytest.mark.parametrize(("value", "css"), [(1.0, "up"), (-1.0, "dn"), (0.001, ""), (0.0, "")])
def test_colour_is_only_for_what_can_be_seen(value: float, css: str):
    assert wording.direction(value) == css


@pytest.mark.parametrize(("unit", "decimals"), [("0.01", 2), ("0.00001", 5), ("1", 0), ("10", 0)])
def test_a_unit_decides_how_many_decimals_are_shown(unit: str, decimals: int):
    assert wording.decimals_of(Decimal(unit)) == decimals


# ---- the log -------------------------------------------------------------------------------------------------


def the_activity(episodes: int = 2):
    result = HandMadeResult({"pessimistic": -1}, episodes=episodes)
    return read_activity(result.tables["events"], result.tables["fills"], START_NS, START_NS + 1000 * BAR_NS)


def test_states_follow_each_other_without_a_hole():
    states = the_activity().states
    assert [each.name for each in states[:5]] == ["Idle", "BOS", "Rebalance", "MM", "Idle"]
    assert all(a.last_ns == b.first_ns for a, b in zip(states, states[1:], strict=False))
    assert (states[0].first_ns, states[-1].last_ns) == (START_NS, START_NS + 1000 * BAR_NS)


def test_an_episode_knows_its_fills_by_their_tags():
    first = the_activity().episodes[0]
    assert (first.number, first.fills, first.lots, first.bought, first.sold) == (1, 2, 1000, 3000.0, 3010.0)
    assert (first.entered_ns, first.ended_ns, first.reason) == (
        START_NS + 5 * BAR_NS,
        START_NS + 9 * BAR_NS,
        "completed",
    )


def test_the_hard_stop_and_the_break_are_read_with_their_levels():
    activity = the_activity(1)
    assert [stop.price for stop in activity.stops] == [299_500]
    assert [(each.name, each.level) for each in activity.breaks] == [("bos_confirmed", 300_500)]


def a_log(*rows: tuple[int, str, int, int, int, int]) -> dict[str, Any]:
    """Rows of minute, kind, a, b, c, d."""
    columns = {name: [row[n] for row in rows] for n, name in enumerate(("ts_ns", "kind", "a", "b", "c", "d"))}
    return columns | {"ts_ns": [minute * MINUTE_NS for minute in columns["ts_ns"]]}


NO_FILLS = {name: np.array([]) for name in ("tag", "lots", "price", "side")}


def test_market_making_is_told_apart_by_the_policy_under_which_it_quoted():
    # given quoting from minute 10 to 40, and a policy that turns defensive at 20
    mm, normal, defensive = STATE_NAMES.index("MM"), POLICY_NAMES.index("Normal"), POLICY_NAMES.index("Defensive")
    log = a_log(
        (5, "policy", 0, normal, 0, 0),
        (10, "transition", 0, mm, 0, 1),
        (20, "policy", normal, defensive, 0, 1),
        (40, "transition", mm, 0, 0, 1),
    )
    split = read_activity(log, NO_FILLS, 0, 60 * MINUTE_NS).states_by_policy
    assert [(each.name, each.first_ns // MINUTE_NS, each.last_ns // MINUTE_NS) for each in split] == [
        ("Idle", 0, 10),
        ("MM · Normal", 10, 20),
        ("MM · Defensive", 20, 40),
        ("Idle", 40, 60),
    ]


def test_a_leg_is_told_as_it_stood_when_its_wait_was_over():
    # given a leg armed at minute 5, raised at 10, entered at 15; and one given up without another word
    bos, rebalance = STATE_NAMES.index("BOS"), STATE_NAMES.index("Rebalance")
    log = a_log(
        (5, "transition", 0, bos, 0, 1),
        (10, "pullback", 0, 2900, 3100, 0),
        (15, "pullback", 1, 2950, 3150, 0),
        (15, "transition", bos, rebalance, 0, 1),
        (20, "transition", rebalance, 0, 0, 1),
        (30, "transition", 0, bos, 0, 2),
        (35, "transition", bos, 0, 0, 2),
    )
    assert read_activity(log, NO_FILLS, 0, 60 * MINUTE_NS).legs == ((5 * MINUTE_NS, 15 * MINUTE_NS, 2950, 3150),)


def test_the_episodes_shown_from_near_are_chosen_by_their_result():
    # given five episodes that traded and one that did not
    usual = the_activity(1).episodes[0]
    results = (30, -50, 10, 80, -5)
    episodes = [usual._replace(number=n, quanta=quanta) for n, quanta in enumerate(results)]
    untraded = usual._replace(number=9, quanta=-999, fills=0)
    # then the worst, the median and the best of those that traded are taken
    taken = chosen([*episodes, untraded])
    assert {name: each.quanta for name, each in taken.items()} == {"median": 10, "worst": -50, "best": 80}


def test_with_fewer_than_three_episodes_each_is_shown_once():
    assert [each.number for each in chosen(the_activity(2).episodes).values()] == [1, 2]


def test_bars_come_off_the_tape_as_they_were():
    bars = shown_bars(HandMadeResult({"pessimistic": 0}).tape, "5m")
    assert int(bars.end_ns[0]) == START_NS + BAR_NS
    assert (int(bars.open[0]), int(bars.high[0]), int(bars.low[0]), int(bars.close[0])) == (
        300_000,
        300_050,
        299_950,
        300_010,
    )


# ---- tables --------------------------------------------------------------------------------------------------


def test_a_month_is_measured_from_the_last_mark_before_it():
    # given marks at the ends of 31 January, 1 February and 28 February
    days = np.array([31, 32, 59])
    ts = START_NS + days * DAY_NS
    months = figures.months(ts, np.array([110.0, 105.0, 121.0]), np.array([10.0, 9.0, 5.0]), 100.0)
    # then the mark at midnight closes January, and February starts from it
    assert [(month.name, round(month.own_frac, 6)) for month in months] == [("2026-01", 0.1), ("2026-02", 0.1)]
    assert round(months[1].hold_frac, 6) == -0.5


def test_a_waterfall_begins_each_step_where_the_last_one_ended():
    steps = [figures.Step("spread", 50), figures.Step("maker_fees", -150), figures.Step("net", -100, True)]
    spread, fees, net = figures.waterfall(steps)
    assert fees.left + fees.width == pytest.approx(spread.left + spread.width)
    assert (net.left, net.left + net.width) == pytest.approx((fees.left, net.zero))


def test_what_one_order_was_filled_with_is_a_mean_over_its_lots():
    fills = {"order": [7, 8, 7], "lots": [1, 5, 3], "price": [100.0, 50.0, 104.0]}
    assert entries(fills) == {7: (4, 103.0), 8: (5, 50.0)}


def test_later_starts_and_moved_parameters_are_shown_as_ranges():
    def row(kind: str, key: str, name: str, low: float) -> dict[str, Any]:
        return {"kind": kind, "key": key, "name": name, "low_frac": low, "high_frac": low}

    rows = [row("", "reported", "as reported", -0.01), row("costs", "costs", "costs x2", -0.03)]
    rows += [row("start", "start_days", f"started {days} days later", days / 1000) for days in (30, 60)]
    rows += [row("parameters", "atr_n", f"atr_n 14 to {n}", -n / 1000) for n in (13, 15)]
    shown = figures.shaken({"rows": rows, "neighbours": 94})
    assert [(each.name.en, each.low_frac, each.high_frac) for each in shown] == [
        ("as reported", -0.01, -0.01),
        ("costs x2", -0.03, -0.03),
        ("started later, 2 runs", 0.03, 0.06),
        ("parameters ±10 %, 2 of 94", -0.015, -0.013),
    ]


def test_endings_are_counted_by_reason_the_commonest_first():
    usual = the_activity(1).episodes[0]
    episodes = [usual._replace(reason="time", quanta=-1), usual._replace(quanta=5), usual._replace(quanta=-2)]
    assert figures.endings(episodes) == [("completed", 2, 3, 1), ("time", 1, -1, 0)]


# ---- axes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0.5, "01 Jan 01:00"), (8, "02 Jan"), (300, "Feb"), (900, "Apr")],
)
def test_a_time_axis_names_round_moments(days: float, expected: str):
    marks = time_marks(Axis(float(START_NS), float(START_NS + int(days * DAY_NS))))
    assert expected in [text.en for _, text in marks]
    assert len(marks) <= 14


@pytest.mark.parametrize(("values", "decimals"), [([0.0, 0.05], 0), ([0.0, 0.025], 1), ([0.0, 0.0025], 2), ([], 2)])
def test_neighbouring_percents_can_be_told_apart(values: list[float], decimals: int):
    assert decimals_between(values, 100.0) == decimals
