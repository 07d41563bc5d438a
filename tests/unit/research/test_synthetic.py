"""The synthetic market: the same for ever, honest candles, and the traits it claims."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from quintet.core.errors import InputError
from quintet.core.events import MINUTE_NS
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.market.resample import resample
from quintet.research.synthetic import (
    DEFAULT_DAYS,
    DEFAULT_MODEL,
    DEFAULT_START_NS,
    REGIMES,
    SYNTHETIC_LABEL,
    MarketModel,
    Regime,
    default_market,
    synthesize,
)

COLUMNS = ("ts_open", "open", "high", "low", "close", "volume", "turnover")

GOLDEN_DEFAULT = "2a792f58c24cbc8fb5f2d817df68afcf0a9bbf089f7632597b480324f9f3f348"
GOLDEN_SLICE = "ecf2ff0dc1e6a9a73015be0074cf6bcfc4b8eb01425a98918cd2e80096f0846b"


def fingerprint(bars):
    """SHA-256 over the little-endian columns."""
    digest = hashlib.sha256()
    for name in COLUMNS:
        digest.update(getattr(bars, name).astype("<i8").tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def default():
    return default_market()


@pytest.fixture(scope="module", params=[1, 2], ids=["seed 1", "seed 2"])
def market(request):
    """Two more markets than the default one: traits must not hang on a lucky seed."""
    return synthesize(request.param, days=DEFAULT_DAYS)


def returns(bars, minutes=1):
    return np.diff(np.log(bars.close[::minutes].astype(float)))


def correlation_at_lag(values, lag):
    return np.corrcoef(values[lag:], values[:-lag])[0, 1]


def excess_kurtosis(values):
    centred = values - values.mean()
    return (centred**4).mean() / (centred**2).mean() ** 2 - 3.0


# ---- the same for ever ---------------------------------------------------------------------------------------


def test_the_default_market_is_the_one_it_has_always_been(default):
    assert len(default) == 120 * 1440
    assert (default.timeframe, int(default.ts_open[0]), int(default.open[0])) == ("1m", DEFAULT_START_NS, 300_000)
    assert fingerprint(default) == GOLDEN_DEFAULT


@pytest.mark.jit_off
def test_a_slice_of_it_has_the_same_bits_compiled_and_interpreted():
    assert fingerprint(synthesize(20260101, bars=300)) == GOLDEN_SLICE


@pytest.mark.parametrize("jit_off", ["0", "1"], ids=["compiled", "interpreted"])
def test_another_process_under_another_hash_seed_makes_the_same_market(jit_off):
    # given another order of sets, with and without compilation
    environment = os.environ | {"NUMBA_DISABLE_JIT": jit_off, "PYTHONHASHSEED": "42"}
    script = (
        f"import runpy; t = runpy.run_path({__file__!r}); print(t['fingerprint'](t['synthesize'](20260101, bars=300)))"
    )
    # when it makes the first five hours
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    # then they are the same
    assert answer.stdout.strip() == GOLDEN_SLICE


def test_other_seeds_make_other_markets():
    assert len({fingerprint(synthesize(seed, bars=200)) for seed in (0, 1, 2, -1, 20260101)}) == 5


def test_a_longer_market_begins_with_the_shorter_one(default):
    short = synthesize(20260101, days=2)
    for name in COLUMNS:
        assert np.array_equal(getattr(default, name)[: len(short)], getattr(short, name))


@pytest.mark.parametrize("timeframe", ["5m", "1h", "1d"])
def test_coarser_bars_are_the_sums_of_finer_ones(timeframe):
    summed = resample(synthesize(5, days=3), timeframe).bars
    made = synthesize(5, days=3, timeframe=timeframe)
    for name in COLUMNS:
        assert np.array_equal(getattr(made, name), getattr(summed, name)), name


def test_the_label_says_that_it_is_synthetic():
    assert SYNTHETIC_LABEL.startswith("synthetic")


# ---- honest candles ------------------------------------------------------------------------------------------


def test_every_candle_is_possible(default):
    assert default.low.min() > 0
    assert np.all(default.high >= np.maximum(default.open, default.close))
    assert np.all(default.low <= np.minimum(default.open, default.close))
    assert np.array_equal(default.open[1:], default.close[:-1])
    assert np.all(np.diff(default.ts_open) == MINUTE_NS)
    assert all(getattr(default, name).dtype == np.int64 for name in COLUMNS)
    assert len(bar_rows(default)) == 3 * len(default)


def test_turnover_is_what_the_volume_cost(default):
    # given the quanta of one lot at one tick, volume times any price of the bar bounds the turnover
    value = DEFAULT_SPOT.quanta_per_tick_lot
    assert np.all(default.turnover >= default.volume * default.low * value)
    assert np.all(default.turnover <= default.volume * default.high * value)


def test_a_price_that_moved_was_traded(default):
    assert np.all(default.volume[default.high > default.low] > 0)


def test_prices_lie_on_the_ticks_of_a_coarser_instrument():
    # given ticks of half a unit on increments of a cent, and a start between two of them
    coarse = msgspec.structs.replace(DEFAULT_SPOT, tick_size=Decimal("0.50"))
    bars = synthesize(1, bars=500, instrument=coarse, start_price="3000.30")
    # then every price is a multiple of fifty cents
    for name in ("open", "high", "low", "close"):
        assert not np.any(getattr(bars, name) % 50), name
    assert bars.open[0] == 300_050


def test_a_market_where_hardly_anything_trades_still_has_a_lot_for_each_move():
    quiet = dataclasses.replace(DEFAULT_MODEL, turnover_per_minute=Decimal(0))
    bars = synthesize(1, bars=500, model=quiet)
    moved = bars.high > bars.low
    assert np.all(bars.volume[moved] >= 1)
    assert bars.volume.max() <= 12


# ---- traits --------------------------------------------------------------------------------------------------


def test_returns_do_not_foretell_returns(market):
    correlations = [correlation_at_lag(returns(market), lag) for lag in range(1, 6)]
    assert max(np.abs(correlations)) < 0.03


def test_volatility_clusters_and_is_slowly_forgotten(market):
    size = np.abs(returns(market))
    memory = [correlation_at_lag(size, lag) for lag in (1, 20, 240, 2880)]
    assert memory[0] > 0.15
    assert memory[1] > 0.12
    assert memory == sorted(memory, reverse=True)


def test_tails_are_fat_and_thin_out_with_aggregation(market):
    minute, quarter, four_hours = (excess_kurtosis(returns(market, minutes)) for minutes in (1, 15, 240))
    assert minute > 5.0
    assert minute > quarter > four_hours
    assert minute > 1.0


def test_there_are_jumps_both_ways(market):
    changes = returns(market) / returns(market).std()
    assert np.sum(changes > 6.0) >= 10
    assert np.sum(changes < -6.0) >= 10


def test_volume_swells_with_movement(market):
    assert np.corrcoef(market.volume[1:], np.abs(returns(market)))[0, 1] > 0.3


def test_some_hours_are_busier(market):
    size, volume = np.abs(returns(market)), market.volume[1:]
    hour = market.ts_open[1:] // (60 * MINUTE_NS) % 24
    assert size[hour == 14].mean() > 1.3 * size[hour == 5].mean()
    assert volume[hour == 14].mean() > 1.3 * volume[hour == 5].mean()


def swings(bars, in_true_ranges):
    """How often the close turned by that many mean true ranges."""
    close = bars.close.astype(float)
    reach = in_true_ranges * np.mean(np.maximum(bars.high[1:], close[:-1]) - np.minimum(bars.low[1:], close[:-1]))
    count, direction, extreme = 0, 1, close[0]
    for price in close.tolist():
        if direction * (price - extreme) > 0:
            extreme = price
        elif direction * (extreme - price) > reach:
            count, direction, extreme = count + 1, -direction, price
    return count


def test_there_is_structure_to_trade_on(market):
    # ETHUSDT on five minutes turns by three true ranges about fifteen times a day
    assert 5 <= swings(resample(market, "5m").bars, 3.0) / DEFAULT_DAYS <= 30


@pytest.mark.parametrize("minutes", [15, 60, 240])
def test_following_the_last_hours_does_not_pay_two_fees(market, minutes):
    # given the move that follows, taken in the direction of the move before
    before, after = returns(market, minutes)[:-1], returns(market, minutes)[1:]
    gain_bps = 1e4 * np.mean(np.sign(before) * after)
    # then neither going along nor going against earns a round trip at 10 bps a side
    assert abs(gain_bps) < 20.0


def test_no_direction_is_favoured():
    drifts = {regime.name: regime.drift_bps for regime in REGIMES}
    assert sum(drifts.values()) == 0.0
    up, down = (next(regime for regime in REGIMES if regime.name == name) for name in ("trend up", "trend down"))
    mirror = {"trend up": "trend down", "trend down": "trend up"}
    assert {mirror.get(name, name): weight for name, weight in up.followed_by.items()} == down.followed_by
    for regime in REGIMES:
        if regime not in (up, down):
            assert regime.followed_by["trend up"] == regime.followed_by["trend down"]


def test_a_regime_of_pure_drift_goes_where_it_says():
    # given one regime that only ever rises
    rising = Regime("up", 1.0, 600.0, {"up": 1.0}, drift_bps=3.0)
    bars = synthesize(1, days=5, model=MarketModel(regimes=(rising,), pullback_strength=0.0))
    # then five days later the price is far above
    assert bars.close[-1] > 2 * bars.open[0]


# ---- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either days or bars, found days None and bars None"),
        ({"days": 1, "bars": 1}, "either days or bars, found days 1 and bars 1"),
        ({"days": 0}, "length: expected at least 1"),
        ({"bars": -5}, "length: expected at least 1"),
        ({"bars": 1, "timeframe": "7m"}, "timeframe: expected one of 1m, 3m, 5m"),
        ({"bars": 1, "start_ns": 1}, "start: expected a UTC boundary of 1m"),
        ({"bars": 1, "start_ns": -MINUTE_NS}, "start: expected a UTC boundary of 1m"),
        ({"bars": 1, "timeframe": "1h", "start_ns": MINUTE_NS}, "start: expected a UTC boundary of 1h"),
        ({"bars": 1, "start_price": "3000.001"}, "start price: expected a whole multiple of 0.01"),
        ({"bars": 1, "start_price": "0"}, "start price: 0 is 0 increments"),
        ({"bars": 1, "instrument": msgspec.structs.replace(DEFAULT_SPOT, kind="inverse")}, "found inverse"),
        ({"bars": 50_000, "start_price": "0.01", "model": MarketModel(volatility_bps=200.0)}, "the price left 0.01 to"),
        ({"bars": 9, "model": MarketModel(turnover_per_minute=Decimal(10) ** 12)}, "or the turnover"),
        ({"bars": 1, "model": MarketModel(volatility_bps=0.0)}, "volatility_bps is 0.0, expected 0.01 to 200.0"),
        ({"bars": 1, "model": MarketModel(half_degrees=1)}, "half_degrees is 1, expected 2 to 50"),
        ({"bars": 1, "model": MarketModel(jumps_per_day=float("nan"))}, "jumps_per_day is nan"),
        ({"bars": 1, "model": MarketModel(regimes=())}, "regimes: expected at least one"),
        ({"bars": 1, "model": MarketModel(regimes=(REGIMES[0], REGIMES[0]))}, "each name once, found ['calm', 'calm']"),
        ({"bars": 1, "model": MarketModel(regimes=(REGIMES[0],))}, "regime 'calm': followed_by expects weights"),
        ({"bars": 1, "model": MarketModel(regimes=(Regime("a", 1.0, 60.0, {"a": 0.0}),))}, "regime 'a': followed_by"),
        ({"bars": 1, "model": MarketModel(regimes=(Regime("a", 1.0, 60.0, {"a": -1.0}),))}, "regime 'a': followed_by"),
        ({"bars": 1, "model": MarketModel(regimes=(Regime("a", 0.0, 60.0, {"a": 1.0}),))}, "volatility in (0, 10]"),
        ({"bars": 1, "model": MarketModel(regimes=(Regime("a", 1.0, 0.5, {"a": 1.0}),))}, "mean_minutes from 1"),
        ({"bars": 1, "model": MarketModel(regimes=(Regime("a", 1.0, 60.0, {"a": 1.0}, 0.0, -1.0),))}, "half_life"),
        (
            {"bars": 1, "model": MarketModel(regimes=(Regime("a", 1.0, 60.0, {"a": np.nan}),))},
            "regime 'a': followed_by",
        ),
    ],
)
def test_a_market_that_cannot_be_is_refused_with_what_was_found(arguments, message):
    with pytest.raises(InputError) as refusal:
        synthesize(1, **arguments)
    assert message in str(refusal.value)
