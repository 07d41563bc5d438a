"""Prices by the minute keep their figures when they are packed, and go after a week or two."""

import msgspec

from quintet.sandbox.candle_series import MINUTE_MS, MINUTES_KEPT, RECENT_MAX, Candle, CandleSeries

START_MS = 1_750_000_020_000 // MINUTE_MS * MINUTE_MS


def filled(minutes: int) -> CandleSeries:
    series = CandleSeries()
    for n in range(minutes):
        for price in (100 + n, 110 + n, -90 + n, 105 + n):
            series.add(START_MS + n * MINUTE_MS + 5, price, 2, 7)
    return series


def candle(n: int) -> Candle:
    return Candle(START_MS + n * MINUTE_MS, 100 + n, 110 + n, -90 + n, 105 + n, 8, 28)


def test_a_packed_minute_is_what_it_was() -> None:
    minutes = 3 * RECENT_MAX
    series = filled(minutes)
    assert series.older and series.all() == [candle(n) for n in range(minutes)]
    for count in (0, 1, RECENT_MAX, 2 * RECENT_MAX + 7, minutes + 5):
        assert series.newest(count) == [candle(n) for n in range(max(0, minutes - count), minutes)]


def test_it_survives_a_snapshot() -> None:
    series = filled(2 * RECENT_MAX + 9)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(series), type=CandleSeries) == series


def test_a_figure_beyond_all_markets_is_cut_and_not_refused() -> None:
    series = CandleSeries()
    for n in range(2 * RECENT_MAX + 1):
        series.add(START_MS + n * MINUTE_MS, 1, 1, 2**70)
    assert series.all()[0].value == 2**63 - 1


def test_older_weeks_go() -> None:
    series = filled(2 * MINUTES_KEPT + 2 * RECENT_MAX + 1)
    kept = series.all()
    assert MINUTES_KEPT <= len(kept) < 2 * MINUTES_KEPT
    assert kept[-1].start_ms - kept[0].start_ms == (len(kept) - 1) * MINUTE_MS
