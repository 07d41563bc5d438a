"""The synthetic tick market: the same for ever, lawful rows, the traits it claims, and its dial."""

import hashlib
import os
import subprocess
import sys
import time
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from quintet.core.errors import InputError
from quintet.core.events import ASK_LEVEL, TRADE_BUY, TRADE_SELL
from quintet.core.row_laws import Inspector
from quintet.core.tape import with_instruments
from quintet.research.synthetic import DEFAULT_START_NS
from quintet.research.tick_market import TickMarket, tape_notes
from quintet.research.tick_model import DEFAULT_TICK_MODEL, TICK_INSTRUMENT, TickModel
from tests.tick_records import Record, Touches, levels_of, recorded, touches_of, value_at

SECOND = 1_000_000_000
GOLDEN_SLICE = "f2decfb2"
SLICE_HOURS = Decimal("0.001")


def fingerprint(rows):
    """SHA-256 over the rows as they stand on a tape."""
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()


def sliced(seed=20260101, **named):
    return recorded(TickMarket(seed, hours=SLICE_HOURS, **named))


@pytest.fixture(scope="module")
def market():
    """An hour without informed flow."""
    return recorded(TickMarket(3, hours=1))


@pytest.fixture(scope="module")
def touches(market: Record) -> Touches:
    return touches_of(market.rows)


def taking_orders(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Time and side (+1 buys) of each: the trades of one message are one order."""
    trades = record.rows[record.rows.kind >= TRADE_BUY]
    first = np.diff(trades.ts_event, prepend=-1) > 0
    return trades.ts_event[first], np.where(trades.kind[first] == TRADE_BUY, 1, -1)


def shares_of_time(ts: np.ndarray, condition: np.ndarray) -> float:
    spans = np.diff(ts)
    return float(spans[condition[:-1]].sum() / spans.sum())


# ---- the same for ever -----------------------------------------------------------------------------------------


@pytest.mark.jit_off
def test_a_slice_has_the_same_bits_compiled_and_interpreted():
    assert fingerprint(sliced().rows)[:8] == GOLDEN_SLICE


def test_another_process_under_another_hash_seed_makes_the_same_market():
    environment = os.environ | {"PYTHONHASHSEED": "42"}
    script = f"import runpy; t = runpy.run_path({__file__!r}); print(t['fingerprint'](t['sliced']().rows))"
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip()[:8] == GOLDEN_SLICE


def test_other_seeds_make_other_markets():
    assert len({fingerprint(sliced(seed).rows) for seed in (0, 1, 2, -1, 20260101)}) == 5


@pytest.mark.bounds
def test_where_a_chunk_ends_changes_nothing():
    # given a market of several small chunks, and the same in one
    small = list(TickMarket(5, hours=Decimal("0.01"), chunk_rows=2_000).chunks())
    assert len(small) > 3
    in_pieces = recorded(TickMarket(5, hours=Decimal("0.01"), chunk_rows=2_000))
    whole = recorded(TickMarket(5, hours=Decimal("0.01")))
    # then rows and fair values are equal
    assert fingerprint(in_pieces.rows) == fingerprint(whole.rows)
    assert np.array_equal(in_pieces.fair, whole.fair)


def test_a_longer_market_begins_with_the_shorter_one(market):
    short = recorded(TickMarket(3, hours=Decimal("0.05"))).rows
    assert fingerprint(market.rows[: len(short)]) == fingerprint(short)


def test_the_dial_turns_the_sides_of_orders_and_leaves_the_value_alone(market):
    # given the same seed with half of the orders informed
    turned = recorded(TickMarket(3, hours=1, model=TickModel(toxicity=0.5)))
    # then the fair value takes the same way and orders come at the same moments
    assert np.array_equal(turned.fair, market.fair)
    assert np.array_equal(turned.fair_ts, market.fair_ts)
    assert np.array_equal(taking_orders(turned)[0], taking_orders(market)[0])


# ---- lawful rows -------------------------------------------------------------------------------------------------


def test_the_rows_obey_every_law_of_a_market_tape(market):
    inspector = Inspector("made", "market")
    inspector.take(with_instruments(market.rows, [TICK_INSTRUMENT]))
    census = inspector.census()
    assert census.market_only
    assert set(census.kinds) == {"INSTRUMENT", "TEXT", "BID_LEVEL", "ASK_LEVEL", "TRADE_BUY", "TRADE_SELL"}
    assert not np.any(market.rows.price % TICK_INSTRUMENT.ticks_per_tick_size)


def test_the_book_is_never_crossed_locked_or_empty_at_the_end_of_a_message(touches):
    assert np.all(touches.bid > 0)
    assert np.all(touches.ask - touches.bid >= TICK_INSTRUMENT.ticks_per_tick_size)


def test_a_trade_takes_what_is_there_and_the_next_message_shows_it():
    # given a market replayed row by row in plain Python
    rows = np.asarray(recorded(TickMarket(8, hours=Decimal("0.02"))).rows).tolist()
    sides: list[dict[int, int]] = [{}, {}]
    taken: dict[tuple[int, int], int] = {}
    trades = 0
    for ts_event, _, quantity, price, _, kind, _ in rows:
        if kind >= TRADE_BUY:
            book = ASK_LEVEL if kind == TRADE_BUY else 1 - ASK_LEVEL
            best = (min if book == ASK_LEVEL else max)(sides[book])
            # then a trade is at a price that rests there, not better than the touch, and not larger than the level
            assert (price - best) * (1 if book == ASK_LEVEL else -1) >= 0
            assert 0 < quantity <= sides[book][price]
            taken[book, price] = sides[book][price] - quantity
            traded_at = ts_event
            trades += 1
            continue
        if taken:
            # and the rows that follow a microsecond later are its effect
            assert ts_event == traded_at + 1_000
            assert quantity == taken.pop((kind, price), 0)
        sides[kind][price] = quantity
        if not quantity:
            del sides[kind][price]
    assert trades > 500


def test_nothing_reaches_us_before_it_happened(market):
    travel = market.rows.ts_recv - market.rows.ts_event
    assert travel.min() >= 2_000_000
    assert 2.9e6 < travel.mean() < 3.2e6
    assert np.percentile(travel, 99) > 6e6


def test_prices_lie_on_the_ticks_of_any_instrument_and_start_where_they_are_told():
    coarse = msgspec.structs.replace(TICK_INSTRUMENT, tick_size=Decimal("0.50"))
    rows = sliced(instrument=coarse, start_price="3000.30").rows
    assert not np.any(rows.price % 50)
    assert rows.price[0] == 300_000
    assert rows.price[1] == 300_050


# ---- traits ------------------------------------------------------------------------------------------------------


def test_orders_come_at_the_rate_and_in_the_bursts_that_were_asked_for(market):
    ts, _ = taking_orders(market)
    assert len(ts) / 3600 == pytest.approx(20.0, rel=0.03)
    # the variance of a Hawkes count over its mean is 1 / (1 - branching)^2 in the long run
    counts = np.bincount((ts - DEFAULT_START_NS) // (5 * SECOND))
    branching = 1.0 - 1.0 / np.sqrt(counts.var() / counts.mean())
    assert branching == pytest.approx(0.6, abs=0.04)


def test_a_flow_without_excitement_is_a_poisson_process():
    calm = recorded(TickMarket(4, hours=1, model=TickModel(self_excitation=0.0, cross_excitation=0.0, depth_per_s=1.0)))
    ts, side = taking_orders(calm)
    gaps = np.diff(ts) / SECOND
    assert gaps.mean() == pytest.approx(0.05, rel=0.03)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)
    assert abs(np.mean(side[1:] * side[:-1])) < 0.015


def test_orders_repeat_their_side_and_forget_it_slowly(market):
    _, side = taking_orders(market)
    memory = [float(np.mean(side[lag:] * side[:-lag])) for lag in (1, 3, 10, 50)]
    assert memory[0] > 0.1
    assert memory == sorted(memory, reverse=True)
    assert abs(memory[-1]) < 0.02


def test_the_spread_is_one_tick_most_of_the_time_and_wider_after_sweeps(touches):
    spread = (touches.ask - touches.bid) // TICK_INSTRUMENT.ticks_per_tick_size
    shares = [shares_of_time(touches.ts, spread == ticks) for ticks in (1, 2, 3, 4, 5)]
    assert 0.70 < shares[0] < 0.82
    assert 0.15 < shares[1] < 0.28
    assert shares == sorted(shares, reverse=True)
    assert 0.0 < 1.0 - sum(shares) < 0.01


def test_the_mid_is_the_fair_value_but_for_the_moments_after_a_sweep(market, touches):
    fair = value_at(market.fair_ts, market.fair, touches.ts)
    mid = (touches.bid + touches.ask) // TICK_INSTRUMENT.ticks_per_tick_size
    assert 0.95 < shares_of_time(touches.ts, mid == fair) < 1.0


def test_depth_has_a_hump_behind_the_touch(market):
    # given the book at twelve moments
    ends = np.flatnonzero(market.rows.bits & 1) + 1
    profile = np.zeros(60)
    for end in ends[500:4_100:300]:
        bids, asks = levels_of(market.rows[:end])
        for side, sign in ((bids, -1), (asks, 1)):
            best = min(side, key=lambda price, sign=sign: sign * price)
            profile += [side.get(best + sign * 10 * away, 0) for away in range(60)]
    # then the level eight ticks away holds more than the touch, and the far ones less again
    near, hump, far = profile[0:2].mean(), profile[7:12].mean(), profile[50:].mean()
    assert hump > 1.5 * near
    assert hump > 1.5 * far


def test_some_rows_empty_a_level_and_most_are_near_the_touch(market):
    depth = market.rows[market.rows.kind <= ASK_LEVEL]
    assert 0.08 < np.mean(depth.quantity == 0) < 0.20
    mid = float(np.median(depth.price[:5_000]))
    assert np.mean(np.abs(depth.price[:5_000] - mid) <= 200) > 0.7


def test_returns_have_fat_tails_and_their_size_clusters(touches):
    every = np.arange(touches.ts[0], touches.ts[-1], SECOND)
    returns = np.diff(value_at(touches.ts, touches.bid + touches.ask, every)).astype(float)
    assert np.mean(returns**4) / np.mean(returns**2) ** 2 - 3.0 > 1.0
    size = np.abs(returns)
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1


def test_the_fair_value_does_not_remember_where_it_came_from(market):
    every = np.arange(market.fair_ts[0], market.fair_ts[-1], SECOND)
    moves = np.diff(value_at(market.fair_ts, market.fair, every)).astype(float)
    assert abs(moves.mean()) < 3.0 * moves.std() / np.sqrt(len(moves))
    for lag in (1, 2, 5):
        assert abs(np.mean(moves[lag:] * moves[:-lag])) < 3.0 * moves.var() / np.sqrt(len(moves))


def test_some_orders_sweep_several_levels(market):
    trades = market.rows[market.rows.kind >= TRADE_BUY]
    _, prints = np.unique(trades.ts_event, return_counts=True)
    assert 0.01 < np.mean(prints > 1) < 0.03
    assert prints.max() == DEFAULT_TICK_MODEL.sweep_levels


# ---- information ---------------------------------------------------------------------------------------------------


def foreknowledge(record: Record, horizon_ns: int = 5 * SECOND) -> tuple[float, float]:
    """How far the fair value then moves with the side of an order, in ticks: mean, and its error from minutes."""
    ts, side = taking_orders(record)
    kept = ts < record.fair_ts[-1] - horizon_ns
    ts, side = ts[kept], side[kept]
    after = value_at(record.fair_ts, record.fair, ts + horizon_ns) - value_at(record.fair_ts, record.fair, ts)
    minute = (ts - ts[0]) // (60 * SECOND)
    sums, counts = np.bincount(minute, side * after / 2.0), np.bincount(minute)
    mean = sums.sum() / counts.sum()
    return float(mean), float(np.sqrt(np.sum((sums - mean * counts) ** 2)) / counts.sum())


def test_without_toxicity_a_trade_says_nothing_about_the_future(market):
    mean, error = foreknowledge(market)
    assert abs(mean) < 3.0 * error
    assert error < 0.03


def test_the_more_toxic_the_more_a_trade_foretells():
    thin = {"depth_per_s": 1.0}
    told = [
        foreknowledge(recorded(TickMarket(3, hours=1, model=TickModel(toxicity=toxicity, **thin))))[0]
        for toxicity in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert np.all(np.diff(told) > 0.1)


def test_a_fully_informed_flow_knows_exactly_the_way_from_public_to_hidden_value():
    record = recorded(TickMarket(3, hours=1, model=TickModel(toxicity=1.0, depth_per_s=1.0)))
    lead_ns = int(DEFAULT_TICK_MODEL.lead_ms * 1e6)
    ts, side = taking_orders(record)
    kept = ts < record.fair_ts[-1] - lead_ns
    gap = value_at(record.fair_ts, record.fair, ts + lead_ns) - value_at(record.fair_ts, record.fair, ts)
    assert np.all((side * gap)[kept] >= 0)
    assert np.mean(gap[kept] != 0) > 0.6


# ---- speed ---------------------------------------------------------------------------------------------------------


def test_it_is_made_at_a_million_rows_a_second_and_more(market):
    begun = time.process_time()
    rows = sum(len(chunk.rows) for chunk in TickMarket(3, hours=1).chunks())
    # sixteen times as fast where it was written: the margin is for slow machines
    assert rows > 1_000_000 * (time.process_time() - begun)


# ---- what is told, what is refused ---------------------------------------------------------------------------------


def test_the_notes_of_a_tape_say_that_it_is_synthetic_and_how_it_was_made():
    notes = tape_notes(TickMarket(7, model=TickModel(toxicity=0.3, levels=50)))
    assert notes["label"].startswith("synthetic")
    assert (notes["seed"], notes["toxicity"], notes["levels"]) == ("7", "0.3", "50")
    assert "refill_ms" not in notes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hours": 0}, "length: expected more than 0"),
        ({"hours": -1}, "length: expected more than 0"),
        ({"hours": float("nan")}, "length: expected more than 0"),
        ({"hours": 1e9}, "at most 87600 hours"),
        ({"start_ns": -1}, "start: expected a UTC time from 1970"),
        ({"start_ns": 7_258_118_399 * SECOND}, "the end before 2200"),
        ({"chunk_rows": 10}, "chunk: expected at least"),
        ({"start_price": "3000.001"}, "start price: expected a whole multiple of 0.01"),
        ({"start_price": "0"}, "start price: 0 is 0 increments"),
        ({"start_price": "5.00"}, "expected room for 100 levels"),
        ({"start_price": "0.01"}, "expected room for 100 levels"),
        ({"instrument": msgspec.structs.replace(TICK_INSTRUMENT, kind="inverse")}, "found inverse"),
        ({"model": TickModel(toxicity=1.5)}, "toxicity is 1.5, expected >= 0 and <= 1"),
        ({"model": TickModel(toxicity=-0.1)}, "toxicity is -0.1"),
        ({"model": TickModel(toxicity=float("nan"))}, "toxicity is nan"),
        ({"model": TickModel(lead_ms=0.0)}, "lead_ms is 0.0, expected >= 1"),
        ({"model": TickModel(trades_per_s=0.0)}, "trades_per_s is 0.0, expected > 0"),
        ({"model": TickModel(self_excitation=0.6, cross_excitation=0.4)}, "never end"),
        ({"model": TickModel(levels=5)}, "levels is 5, expected >= 20 and <= 256"),
        ({"model": TickModel(levels=2.5)}, "levels is 2.5"),
        ({"model": TickModel(sweep_levels=1)}, "sweep_levels is 1, expected >= 2 and <= 10"),
        ({"model": TickModel(touch_quote=10**9), "start_price": "100.00", "instrument": msgspec.structs.replace(
            TICK_INSTRUMENT, lot_size=Decimal("1e-9"), quote_quantum=Decimal("1e-12"))}, "lots, expected at most"),
    ],
)  # fmt: skip
def test_a_market_that_cannot_be_is_refused_with_what_was_found(arguments, message):
    with pytest.raises(InputError) as refusal:
        next(TickMarket(1, **{"hours": Decimal("0.001"), **arguments}).chunks())
    assert message in str(refusal.value)


def test_a_value_that_wanders_out_of_range_is_told_where_it_was():
    # given a start just above the lowest price that has room for its levels, and a market in a hurry
    hasty = TickModel(moves_per_s=100.0, levels=20, move_gap_ms=0.001)
    with pytest.raises(InputError, match="the fair value reached 2[0-9]"):
        for _ in TickMarket(1, hours=1, start_price="2.50", model=hasty).chunks():
            pass


@pytest.mark.jit_off
@pytest.mark.bounds
@pytest.mark.parametrize("seed", range(3))
def test_a_wild_market_stays_lawful(seed):
    # given every dial near its end
    wild = TickModel(
        toxicity=1.0, lead_ms=1_000.0, trades_per_s=400.0, self_excitation=0.6, cross_excitation=0.3, moves_per_s=100.0,
        wide_haste=50.0, move_gap_ms=0.001, log_volatility=1.5, levels=20, touch_quote=1, hump=1.0, depth_per_s=50.0,
        deletion_share=0.5, order_quote=100_000, sweep_share=0.9, sweep_levels=10, refill_ms=50.0, latency_min_ms=0.0,
    )  # fmt: skip
    record = recorded(TickMarket(seed, hours=Decimal("0.0005"), model=wild))
    Inspector("wild", "market").take(with_instruments(record.rows, [TICK_INSTRUMENT]))
    touches = touches_of(record.rows)
    assert np.all(touches.ask > touches.bid)
    assert np.all(touches.bid > 0)
    assert np.sum(record.rows.kind == TRADE_SELL) > 50
