"""What the page of the eternal engine says: every note that is shown is a sentence in both languages; counts agree."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from quintet.app.eternal_command import run
from quintet.research.eternal_doings import DOINGS, EVENTS, FIRED, core_measures, counted, fired, happenings, in_spans
from quintet.research.eternal_figures import Curve, lost_effect
from quintet.research.eternal_generated import generated_market
from quintet.research.eternal_page import reasons, render_eternal, stretches, told_event
from quintet.research.eternal_report import Study, report
from quintet.storage.workspace import Workspace
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import CoreConfig
from quintet.systems.eternal.cycle import Said
from quintet.systems.eternal.dates import DAY_NS, day_of
from quintet.systems.eternal.said import Note
from tests.page_words import words_of

MONEY = 1_000_000

NOTES = {
    "regime": {"from": "default", "to": "high_volatility"},
    "volatility_harvest": {"excess": 10_000 * MONEY},
    "deployed": {"trigger": "level_1", "quanta": 2_500 * MONEY, "BTC": 2_000 * MONEY, "ETH": 500 * MONEY,
                 "drawdown": -0.534},
    "target": {"trigger": "fear", "cost": 1_250 * MONEY, "BTC": 12_345, "ETH": 20_000},
    "partial": {"trigger": "volatility", "cost": 1_250 * MONEY, "BTC": 12_345},
    "year": {"trigger": "funding", "cost": 1_250 * MONEY, "ETH": 20_000},
    "new_high": {"close": 70_000},
    "status": {"to": "REDUCE", "drawdown": -0.26},
    "deep_drawdown": {"drawdown": -0.41},
    "engine_paused": {"account": "TREND-1", "drawdown": -0.2},
    "engine_failed": {"error": "ValueError: <b>"},
    "rebalancing_paused": {"BTC": -0.64, "ETH": -0.73},
    "rebalancing_resumed": {"BTC": -0.58, "ETH": -0.63},
    "withdrawals_closed": {},
    "negative_for_long": {"asset": "BTC", "closed": 1},
    "insurance_fund": {"asset": "", "closed": 2},
    "undone": {"asset": "BTC", "naked": 5, "attempts": 3},
    "deposit": {"quanta": 2_000 * MONEY, "CORE": 2_000 * MONEY},
}  # fmt: skip


def row(kind):
    return {"day": "2024-01-01", "account": "TACTICAL", "kind": kind, **NOTES[kind]}


@pytest.mark.req("E-82", "E-100")
@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_is_a_sentence_in_both_languages(kind):
    told = told_event(row(kind), 1e-6)
    for text in told:
        assert text.strip().endswith((".", "&gt;")) or kind == "engine_failed"
        assert "{" not in text and "_" not in text and "None" not in text and "quanta" not in text
    assert told.en != told.ru


def test_money_coins_and_shares_are_said_as_a_reader_wants_them():
    assert "2\u2009500" in told_event(row("deployed"), 1e-6).en and "53.4" in told_event(row("deployed"), 1e-6).en
    assert "0.1235 BTC, 2.0000 ETH" in told_event(row("target"), 1e-6).en  # lots of 0.00001 and 0.0001
    assert "BTC \u221264" in told_event(row("rebalancing_paused"), 1e-6).en
    assert "&lt;b&gt;" in told_event(row("engine_failed"), 1e-6).en


def test_months_in_a_row_are_one_stretch():
    months = ["2018-11", "2018-12", "2019-01", "2019-03", "2020-05", "2020-06"]
    assert stretches(months) == ["2018-11\u20132019-01", "2019-03", "2020-05\u20132020-06"]
    assert stretches([]) == []


def test_reasons_are_told_by_how_often_they_called():
    assert reasons({"quarter": 3, "cap": 80}) == ("the cap of one asset 80, a quarter's end 3",
                                                  "предел одного актива 80, конец квартала 3")  # fmt: skip
    assert reasons({}) == ("\u2014", "\u2014")


# ---- counting ----------------------------------------------------------------------------------------------------


def a_run(*lines, first=100, last=199):
    """A run of which only the log and the days are asked: day, sub-account, kind, values."""
    log = [(day, Said(stage="engines", account=account, note=Note(kind=kind, values=values)))
           for day, account, kind, values in lines]  # fmt: skip
    return SimpleNamespace(log=log, marks=[SimpleNamespace(day=day) for day in range(first, last + 1)])


RUN = a_run(
    (110, "CORE", "rebalanced", {"why": "cap", "drift_BTC": 0.08}),
    (120, "CORE", "rebalance_held_back", {"why": "drift", "drift_BTC": -0.12}),
    (130, "TREND-1", "entered", {"lots": 5}),
    (131, "TREND-2", "entered", {"lots": -5}),
    (132, "FUNDING", "entered", {"asset": "BTC"}),
    (133, "TREND-1", "exit", {"rule": "time"}),
    (134, "", "status", {"to": "REDUCE", "drawdown": -0.3}),
    (140, "", "status", {"to": "NORMAL", "drawdown": -0.1}),
    (150, "FUNDING", "negative_for_long", {"asset": "ETH", "closed": 0}),
    (151, "FUNDING", "negative_for_long", {"asset": "BTC", "closed": 1}),
    (160, "CORE", "cut", {"instrument": "BTC", "limit": "cash_buffer"}),
)


@pytest.mark.req("E-05", "E-28")
def test_deeds_are_counted_by_engine_and_span():
    found = counted(RUN, DOINGS)
    assert (found["trend_longs"], found["trend_shorts"], found["funding_pairs"], found["core_rebalances"]) == (1,) * 4
    spans = in_spans(RUN, {"inside": (110, 125), "before": (50, 120), "after": (150, 250)})
    assert spans["core_rebalances"] == {"inside": 1, "before": None, "after": None}  # no data, never 0
    measures = core_measures(RUN)
    assert measures["why"] == {"cap": 1} and measures["drift_max_frac"] == 0.12 and measures["held_back_days"] == 1
    assert measures["rebalances_yearly"] == pytest.approx(365.25 / 100)


def test_every_breaker_is_counted_and_one_without_its_fact_has_no_data():
    found = fired(RUN, [(0, "insurance_alarm", 0)])
    assert set(found) == set(FIRED)
    assert found["withdrawals"] is None and found["insurance"] == 0
    assert (found["core_cap"], found["cash_buffer"], found["trend_time"], found["reduce"]) == (1, 1, 1, 1)
    assert found["funding_negatives"] == 2


def test_a_breaker_that_found_nothing_to_close_is_no_event():
    assert [each["asset"] for each in happenings(RUN) if each["kind"] == "negative_for_long"] == ["BTC"]


# ---- effect ------------------------------------------------------------------------------------------------------


def a_curve(returns):
    first = day_of(2020, 1, 1)
    result = np.asarray(returns) * 1e6
    return Curve(np.arange(first, first + len(returns)), result, np.full(len(returns), 1e6), np.ones(len(returns)))


@pytest.mark.req("E-04")
def test_an_engine_is_flagged_when_a_year_of_it_has_lost_and_not_before():
    noise = np.tile([0.01, -0.01], 400)
    good, bad = noise + 0.001, noise - 0.001
    assert lost_effect(a_curve(good), 16, 0.02)["flagged"] == []
    found = lost_effect(a_curve(bad[:400]), 16, 0.02)
    assert found["flagged"] == ["2020-12", "2021-01"] and found["judged"] == 2  # 2020 is a year of 366 days
    assert lost_effect(a_curve(bad[:364]), 16, 0.02) == {"judged": 0, "flagged": []}  # too short to be judged


@pytest.mark.req("E-04")
def test_an_engine_that_comes_back_loses_its_flag():
    noise = np.tile([0.01, -0.01], 400)[:790]
    turned = np.concatenate([noise[:395] - 0.001, noise[395:] + 0.002])
    flagged = lost_effect(a_curve(turned), 1, None)["flagged"]
    assert flagged and flagged[-1] < "2021-12"


def test_an_engine_that_did_nothing_has_no_ratio_and_no_flag():
    assert lost_effect(a_curve(np.zeros(400)), 16, 0.02)["flagged"] == []


@pytest.fixture(scope="module")
def eternal_page(tmp_path_factory):
    now, root = datetime(2026, 1, 1, tzinfo=UTC), tmp_path_factory.mktemp("work")
    outcome = run((), None, "2020-01-01", "2020-02-29", None, True, Workspace(root), now)
    return Path(outcome["report"]).read_text(), outcome


def test_words_reach_the_page(eternal_page):
    page, said = eternal_page
    english, russian = words_of(page), words_of(page, "ru")
    for name in ("Circuit breakers", "What each engine did", "Which engines have lost their effect"):
        assert name in english
    assert "Аварийные выключатели" in russian and "Что делал каждый движок" in russian
    assert "No yield of the Earn product is recorded" in english
    assert json.dumps(said["fired"])  # plain values
    assert english.count("no data") >= 2


@pytest.mark.req("E-18", "E-28")
def test_what_idle_ether_has_brought_is_told_with_the_days_on_which_nobody_knew():
    first, days = day_of(2020, 1, 1), 40
    facts = [((first + n) * DAY_NS + DAY_NS // 2, "eth_yield", 36_500_000) for n in range(36)]
    core = CoreConfig(tranches=1, stable_volatility_frac=10.0, stable_drift_frac=1.0, redeem_drift_frac=1.0)
    study = Study(
        generated_market(first, days), facts, EternalConfig(core=core), 100_000 * MONEY, first, first + days - 1
    )
    said = report(study, quick=True) | {"synthetic": True, "trials": None, "effect": {}}
    earn = said["earn"]
    assert earn["days"] > 20 and 0 < earn["unpaid_days"] < 5 and earn["coins"] > 0 and earn["worth_quanta"] > 0
    page = render_eternal(said, "test")
    assert "In the Earn product idle Ether brought" in words_of(page)
    assert "В продукте Earn свободный эфир принёс" in words_of(page, "ru")
    assert "No yield of the Earn product" not in words_of(page)
