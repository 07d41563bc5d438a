"""The eternal engine on recorded days: what stands in for what, and a spring that everybody remembers."""

from pathlib import Path

import pytest

from quintet.app.eternal_command import read_file, read_market
from quintet.research.eternal_figures import curves
from quintet.research.eternal_market import market_of, recorded_pairs
from quintet.research.eternal_report import Study
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.dates import day_of

EXAMPLE = Path("config/eternal.toml")
DAY_NS = 86_400_000_000_000
SPRING = (day_of(2020, 1, 20), day_of(2020, 4, 20))


@pytest.fixture
def recorded(shared_data):
    return read_market(read_file(EXAMPLE), shared_data)


def test_funding_trades_where_rate_and_basis_are_recorded_and_nowhere_else(recorded):
    market, _ = recorded
    assert recorded_pairs(market) == ("BTC",)
    notes = dict(market_of(market, *SPRING).notes)
    assert notes["spot_before"] == {"asset": "BTC", "day": "2019-09-09"}
    assert notes["spot_throughout"] == {"asset": "ETH"}


def test_a_rate_that_ends_is_no_data_afterwards(recorded):
    market, _ = recorded
    late = market_of(market, day_of(2023, 12, 1), day_of(2024, 1, 31))
    ether = next(one for one in late.markets if one.instrument.name == "bybit:linear:ETHUSDT")
    values = [rate for ts, rate in sorted(ether.rates.items()) if ts > day_of(2024, 1, 2) * 86_400_000_000_000]
    assert values and set(values) == {None}


def test_an_index_of_a_day_is_known_an_hour_after_the_day_has_begun(recorded):
    _, facts = recorded
    assert {name for _, name, _ in facts} == {"fear_greed"}
    assert {ts % DAY_NS for ts, _, _ in facts} == {3_600_000_000_000}  # after the cycle of 00:05, before the next


def test_a_yield_of_a_day_is_known_when_the_day_is_over(tmp_path):
    (tmp_path / "yields.csv").write_text("date,yield\n2024-01-01,0.021\n2024-01-02,0.019\n")
    (tmp_path / "eternal.toml").write_text('eth_yield = "yields.csv"\n')
    _, facts = read_market(read_file(tmp_path / "eternal.toml"), tmp_path)
    first = day_of(2024, 1, 2) * DAY_NS
    assert facts == [(first, "eth_yield", 21_000_000), (first + DAY_NS, "eth_yield", 19_000_000)]


def test_march_2020_is_lived_through_with_every_book_in_balance(recorded):
    market, facts = recorded
    run = Study(market, facts, EternalConfig(), 100_000_000_000, *SPRING).run(0)
    assert run.imbalance == 0 and not run.portfolio.failed
    assert run.portfolio.tactical.history > 1_461 and run.portfolio.tactical.high > 19_000
    assert [said.note.values["trigger"] for _, said in run.log if said.note.kind == "deployed"][:1] != []
    whole = curves(run)["whole"]
    assert 0.7 < whole.index[-1] < 1.1
