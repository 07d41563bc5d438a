"""Paths drawn from a record: the same for a seed, right where the answer is known, and never quieter than the truth."""

import math
import time

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length

from quintet.core.errors import InputError
from quintet.core.random import seeded
from quintet.core.records import table
from quintet.research.monte_carlo import (
    FRICTIONS,
    REORDERED,
    Frictions,
    bootstrap,
    delay_deviation_bp,
    hindered,
    shuffled,
    stationary_block_length,
)
from quintet.research.resampling import PATH, resample
from quintet.research.round_trips import Trade
from tests.noise import normals

CAPITAL = 1_000_000


def trades(*profits, entry=100_000):
    return [Trade(n, 0, 1, n, entry_quanta=entry, profit_quanta=each, closed_ns=n) for n, each in enumerate(profits)]


def wandering(keep, count, stream):
    """An autoregression of order one."""
    noise = normals(stream, count)
    out = np.zeros(count)
    for n in range(1, count):
        out[n] = keep * out[n - 1] + noise[n]
    return out


@pytest.fixture(scope="module")
def returns():
    return 0.001 + 0.02 * normals("days", 500)


# ---- the block bootstrap -----------------------------------------------------------------------------------------


@pytest.mark.jit_off
@pytest.mark.bounds
def test_equal_seeds_give_the_same_paths_for_ever():
    days = bootstrap([0.01, -0.02, 0.03, 0.0, -0.01], steps=7, block_length=2.0, paths=40, seed=5)
    assert days.return_frac.q05.hex() == "-0x1.02df6c9cb6cb9p-5"
    assert days.drawdown_frac.q95.hex() == "0x1.97b6ace8ec682p-5"
    worse = hindered(trades(5_000, -3_000, 2_000), CAPITAL, paths=30, seed=5)
    assert worse.return_frac.q95.hex() == "0x1.018b58ddb24b3p-8"


def test_another_seed_gives_other_paths(returns):
    assert bootstrap(returns, paths=200, seed=1).return_frac != bootstrap(returns, paths=200, seed=2).return_frac


def test_single_days_drawn_often_give_the_mean_and_deviation_of_the_record(returns):
    # given paths of one hundred days drawn one by one: the logarithm of the end is a sum of independent numbers
    walked, seen = table(PATH, 20_000), np.empty((20_000, 1))
    resample(returns, 2**32, np.array([100]), seeded(3, "x"), walked, seen)
    logs, ends = np.log1p(returns), np.log(walked["equity"])
    assert ends.mean() == pytest.approx(100 * logs.mean(), abs=4 * ends.std() / math.sqrt(20_000))
    assert ends.std() == pytest.approx(10 * logs.std(), rel=0.03)
    assert (seen[:, 0] == walked["equity"]).all()


def test_blocks_keep_what_follows_what():
    # given losses that come in weeks, as they do
    clustered = np.where(np.arange(400) % 40 < 8, -0.02, 0.006)
    alone = bootstrap(clustered, block_length=1.0, paths=2_000)
    in_blocks = bootstrap(clustered, block_length=20.0, paths=2_000)
    assert in_blocks.drawdown_frac.q50 > alone.drawdown_frac.q50


def test_blocks_have_the_mean_length_that_was_asked_for():
    # given returns that tell their own number: a block goes on where the next return is the next number
    count = 1_000
    numbered = np.arange(count) / count
    walked, seen = table(PATH, 200), np.empty((200, 100))
    resample(numbered, 2**32 // 10, np.arange(1, 101), seeded(9, "x"), walked, seen)
    drawn = np.rint((seen[:, 1:] / seen[:, :-1] - 1.0) * count).astype(int)
    goes_on = (np.diff(drawn, axis=1) % count == 1).mean()
    assert goes_on == pytest.approx(0.9, abs=0.01)


def test_the_fan_begins_near_the_start_and_ends_at_the_quantiles_of_the_end(returns):
    found = bootstrap(returns, paths=500)
    assert found.fan.steps[0] == 1
    assert found.fan.steps[-1] == len(returns)
    assert found.fan.levels[-1] - 1.0 == pytest.approx(list(found.return_frac))
    assert (np.diff(found.fan.levels, axis=1) >= 0.0).all()


def test_a_record_that_only_loses_is_ruin_and_what_is_lost_stays_lost():
    found = bootstrap([-0.3, -0.3, -1.0, 9.0], block_length=1.0, steps=200, paths=100)
    assert found.ruin_chance == found.loss_chance == 1.0
    assert found.return_frac.q95 == -1.0
    assert found.drawdown_frac.q05 == 1.0


def test_a_record_without_a_loss_has_no_ruin_and_no_drawdown():
    found = bootstrap([0.01, 0.02], paths=50)
    assert found.ruin_chance == found.loss_chance == found.drawdown_frac.q95 == 0.0


def test_ten_thousand_paths_of_five_hundred_days_take_less_than_half_a_second(returns):
    bootstrap(returns, paths=10)
    took = []
    for _ in range(3):
        began = time.process_time()
        bootstrap(returns)
        took.append(time.process_time() - began)
    assert min(took) < 0.5


# ---- the length of a block ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.5, 0.8, 0.95])
def test_the_block_length_is_near_that_of_another_library(keep):
    values = wandering(keep, 2_000, f"wandering {keep}")
    theirs = float(optimal_block_length(values).stationary.iloc[0])
    assert stationary_block_length(values) == pytest.approx(max(theirs, 1.0), rel=0.35, abs=1.0)


def test_what_hangs_together_longer_is_drawn_in_longer_blocks():
    lengths = [stationary_block_length(wandering(keep, 3_000, "hangs together")) for keep in (0.0, 0.5, 0.9)]
    assert lengths == sorted(lengths)
    assert lengths[0] < 3.0


@pytest.mark.parametrize("values", [[], [0.1] * 100, [0.1, 0.2, 0.3]])
def test_too_little_to_tell_is_a_block_of_one(values):
    assert stationary_block_length(values) == 1.0


# ---- trades ------------------------------------------------------------------------------------------------------


@pytest.mark.jit_off
@pytest.mark.bounds
def test_shuffled_trades_end_where_they_ended():
    found = shuffled(trades(50_000, -30_000, 20_000, -60_000), CAPITAL, paths=60, seed=2)
    assert list(found.return_frac) == pytest.approx([-0.02] * 5)
    # then the worst order loses all losses in a row from the highest high
    assert found.drawdown_frac.q95 == pytest.approx(0.09 / 1.07, abs=0.01)
    assert found.says == REORDERED


def test_every_order_is_equally_likely():
    # given three trades of which only the order loss, loss, gain falls by 0.3 from the start
    found = shuffled(trades(-100_000, -200_000, 400_000), CAPITAL, paths=6_000, ruin_frac=0.29)
    assert found.ruin_chance == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_no_hindrance_changes_nothing():
    found = hindered(trades(50_000, -30_000), CAPITAL, Frictions(0.0, 0.0, 0.0, 0.0), paths=20)
    assert list(found.return_frac) == pytest.approx([0.02] * 5)
    assert list(found.drawdown_frac) == pytest.approx([0.03 / 1.05] * 5)


def test_slippage_costs_what_it_says_on_both_sides():
    # given 400 trades of a tenth of the capital each, and a mean of 5 bp a side
    found = hindered(trades(*[0] * 400), CAPITAL, Frictions(5.0, 0.0, 0.0, 0.0), paths=2_000)
    assert found.return_frac.q50 == pytest.approx(-400 * 0.1 * 2 * 5e-4, rel=0.02)


def test_delay_widens_and_does_not_move():
    found = hindered(trades(*[0] * 400), CAPITAL, Frictions(0.0, 10.0, 0.0, 0.0), paths=4_000)
    deviation = 0.1 * 10e-4 * math.sqrt(2 * 400)
    assert found.return_frac.q50 == pytest.approx(0.0, abs=0.1 * deviation)
    assert found.return_frac.q95 == pytest.approx(1.645 * deviation, rel=0.08)


def test_partial_fills_take_from_winners_and_leave_losers_whole():
    found = hindered(trades(*[1_000] * 100, *[-1_000] * 100), CAPITAL, Frictions(0.0, 0.0, 1.0, 0.0), paths=2_000)
    assert found.return_frac.q50 == pytest.approx(0.1 * 0.5 - 0.1, rel=0.02)


def test_the_deviation_of_a_delay_is_that_of_a_bar_shrunk_by_the_root_of_time():
    closes = 100.0 * np.exp(np.cumsum(0.001 * normals("bars", 20_000)))
    assert delay_deviation_bp(closes, 60_000, 15_000) == pytest.approx(5.0, rel=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap([0.1]), "returns: found 1, expected at least 2"),
        (lambda: bootstrap([0.1, -1.5]), r"returns: number 1 is -1.5, expected -1 \(all lost\) or more"),
        (lambda: bootstrap([0.1, math.nan]), "returns: number 1 is nan"),
        (lambda: bootstrap([0.1, 0.2], paths=0), "paths: found 0, expected a whole number from 1"),
        (lambda: bootstrap([0.1, 0.2], steps=0), "steps: found 0"),
        (lambda: bootstrap([0.1, 0.2], block_length=0.5), "block_length: found 0.5, expected 1 or more periods"),
        (lambda: bootstrap([0.1, 0.2], ruin_frac=0.0), "ruin_frac: found 0.0"),
        (lambda: shuffled([], CAPITAL), "trades: found 0, none of them closed"),
        (lambda: shuffled(trades(1), 0), "start_quanta: found 0, expected a capital above 0"),
        (lambda: hindered(trades(1), CAPITAL, FRICTIONS._replace(partial_chance=2.0)), "partial_chance: found 2.0"),
        (lambda: delay_deviation_bp([1.0, 0.0, 1.0], 1, 1), "closes: expected three or more prices above 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
