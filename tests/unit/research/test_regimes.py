"""In which market a result was made: one good spell cannot hide in the whole."""

import numpy as np
import pytest

from quintet.core.errors import InputError
from quintet.research.regimes import THIRDS, TREND, VOLATILITY, YEAR, regimes
from quintet.research.returns import DAY_NS
from tests.noise import normals

HOUR_NS = DAY_NS // 24
DAYS = 600
START_NS = 18_262 * DAY_NS  # 2020-01-01


@pytest.fixture(scope="module")
def market():
    """Hourly prices; the second half of the days moves four times as far, and drifts down where the first drifts up."""
    wild = np.repeat(np.arange(DAYS) >= DAYS // 2, 24)
    moves = np.where(wild, 0.008, 0.002) * normals("market", DAYS * 24) + np.where(wild, -0.0004, 0.0004)
    return START_NS + HOUR_NS * np.arange(1, DAYS * 24 + 1), 3_000.0 * np.exp(np.cumsum(moves))


def rows_of(market, daily):
    """Regimes of an account with these returns, one a day."""
    stamps, prices = market
    equity = np.repeat(10_000.0 * np.cumprod(1.0 + np.asarray(daily)), 24)
    return {(row.kind, row.name): row for row in regimes(stamps, equity, prices, 10_000.0)}


def test_every_day_is_in_one_row_of_each_kind(market):
    rows = rows_of(market, 0.001 * normals("own", DAYS))
    for kind in (YEAR, VOLATILITY):
        assert sum(row.days for (of, _), row in rows.items() if of == kind) == DAYS
    assert sum(row.days for (of, _), row in rows.items() if of == TREND) == DAYS - 19
    assert {name for kind, name in rows if kind == YEAR} == {"2020", "2021"}
    assert {name for kind, name in rows if kind == VOLATILITY} == set(THIRDS)
    assert rows[YEAR, "2020"].days == 366


def test_the_shares_of_each_kind_are_the_whole(market):
    rows = rows_of(market, 0.001 + 0.001 * normals("own", DAYS))
    for kind in (YEAR, VOLATILITY):
        assert sum(row.log_share for (of, _), row in rows.items() if of == kind) == pytest.approx(1.0)


def test_an_edge_of_one_market_alone_is_seen(market):
    # given an account that earns while the market is quiet and loses a little when it is wild
    wild = np.arange(DAYS) >= DAYS // 2
    rows = rows_of(market, np.where(wild, -0.0002, 0.002) + 0.001 * normals("own", DAYS))
    assert rows[VOLATILITY, "quiet"].net_frac > 0.2
    assert rows[VOLATILITY, "wild"].net_frac < 0.0
    assert rows[VOLATILITY, "quiet"].log_share > 0.6
    assert rows[TREND, "rising"].sharpe_annualised > 5.0 > rows[TREND, "falling"].sharpe_annualised
    assert rows[TREND, "rising"].market_frac > rows[TREND, "falling"].market_frac


def test_an_account_that_did_nothing_has_no_share_and_no_ratio(market):
    rows = rows_of(market, np.zeros(DAYS))
    assert {row.net_frac for row in rows.values()} == {0.0}
    assert {row.log_share for row in rows.values()} == {None}
    assert {row.sharpe_annualised for row in rows.values()} == {None}


def test_a_short_record_has_no_trend(market):
    stamps, prices = market
    rows = regimes(stamps[: 24 * 5], np.full(24 * 5, 1.0), prices[: 24 * 5], 1.0)
    assert TREND not in {row.kind for row in rows}


def test_an_account_that_is_gone_is_refused(market):
    stamps, prices = market
    with pytest.raises(InputError, match="equity: reaches zero after 2 days, expected an account that lasts"):
        regimes(stamps[:96], np.repeat([1.0, 0.0, 0.0, 0.0], 24), prices[:96], 1.0)
