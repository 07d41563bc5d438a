"""Days that are not all there: what begins late, what has holes, what is missing, and what is said of it."""

import numpy as np
import pytest

from quintet.core.errors import ConfigError, DataError
from quintet.research.daily_tape import DAY_NS
from quintet.research.eternal_generated import generated_market
from quintet.research.eternal_market import market_of
from quintet.research.eternal_report import Study, report
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.dates import day_of

FIRST, DAYS = day_of(2020, 1, 1), 60
LAST = FIRST + DAYS - 1
CAPITAL = 100_000_000_000


@pytest.fixture(scope="module")
def days():
    """Bitcoin and Ether, days alone."""
    return [one._replace(spot_8h=None, perpetual_8h=None, rates=None) for one in generated_market(FIRST, DAYS)]


def without(one, first, last):
    """The same without the days from `first` on and before `last`."""
    inside = (one.days["start"] >= first * DAY_NS) & (one.days["start"] < last * DAY_NS)
    return one._replace(days=one.days[~inside], earlier=one.earlier[one.earlier["start"] < one.days["start"][0]])


def study(recorded, first=FIRST, last=LAST):
    return Study(recorded, [], EternalConfig(), CAPITAL, first, last)


def notes(recorded):
    return {note for note, told in market_of(recorded, FIRST, LAST).notes}


@pytest.mark.req("E-105")
def test_an_asset_that_begins_late_is_money_until_then(days):
    btc, eth = days
    late = without(eth, FIRST - 10_000, FIRST + 20)._replace(earlier=None)
    assert ("begins", {"asset": "ETH", "day": "2020-01-21"}) in market_of([btc, late], FIRST, LAST).notes
    said = report(study([btc, late]), quick=True)
    assert said["conservation"] == 0 and not said["failed"]
    assert set(said["benchmarks"]) == {"hold_btc"}  # of both there is no data from the first day on
    shares = said["allocation"]["shares"]["CORE"]
    assert len(shares) == DAYS


def test_a_hole_is_counted_told_and_decides_nothing(days):
    btc, eth = days
    holed = without(btc, FIRST + 30, FIRST + 33)
    assert ("no_prices", {"asset": "BTC", "count": 3}) in market_of([holed, eth], FIRST, LAST).notes
    run = study([holed, eth]).run(0)
    silent = [day for day, said in run.log if said.note.kind == "no_data"]
    assert silent == [FIRST + 30, FIRST + 31, FIRST + 32]
    assert {day for day, said in run.log if said.account == "TACTICAL" and day in silent} == set()
    assert run.imbalance == 0 and not run.portfolio.failed and len(run.marks) == DAYS


def test_a_benchmark_stands_still_where_its_price_is_missing(days):
    btc, eth = days
    said = report(study([without(btc, FIRST + 30, FIRST + 33), eth]), quick=True)
    index = said["curves"]["index"]
    assert len({len(line) for line in index.values()}) == 1 and len(index["hold_btc"]) == DAYS - 1
    assert index["hold_btc"][29] == pytest.approx(index["hold_btc"][30])


def test_bitcoin_alone_is_a_portfolio(days):
    said = report(study(days[:1]), quick=True)
    assert said["conservation"] == 0 and set(said["benchmarks"]) == {"hold_btc"}
    assert said["unheard"] == ["fear_greed", "volatility_index"]


def test_without_bitcoin_there_is_no_run(days):
    with pytest.raises(ConfigError, match="expected BTC among them"):
        study(days[1:]).run(0)


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [
        (
            FIRST - 5,
            LAST,
            "bybit:spot:BTCUSDT: found bars of 2020-01-01 to 2020-03-02, expected every day from 2019-12-27",
        ),
        (FIRST, LAST + 5, "to 2020-03-05"),
    ],
)
def test_a_span_that_the_days_of_bitcoin_do_not_have_is_refused(days, first, last, what):
    with pytest.raises(DataError) as refused:
        study([one._replace(earlier=None) for one in days], first, last).run(0)
    assert what in str(refused.value)


def test_an_asset_that_ends_early_does_not_vanish(days):
    btc, eth = days
    gone = eth._replace(days=eth.days[:40])
    with pytest.raises(DataError, match="ETHUSDT: found bars of .* to 2020-02-09, expected every day"):
        study([btc, gone]).run(0)


def test_history_is_told_and_never_traded(days):
    btc, _ = days
    market = market_of([btc], FIRST, LAST).markets[0]
    assert market.bars["start"][0] == FIRST * DAY_NS and market.days["start"][0] < FIRST * DAY_NS
    assert np.all(np.diff(market.days["start"]) == DAY_NS)
