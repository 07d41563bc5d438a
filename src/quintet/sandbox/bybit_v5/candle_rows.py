"""Candles of any interval from the minutes that the exchange keeps; a minute without a trade repeats the last price."""

import datetime as dt
from bisect import bisect_left, bisect_right

from quintet.sandbox.candle_series import MINUTE_MS, Candle
from quintet.sandbox.refusal import Refused

MINUTES = {"1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720}
INTERVALS = (*MINUTES, "D", "W", "M")
DAY_MS = 1440 * MINUTE_MS


def bucket_start(ms: int, interval: str) -> int:
    """When the candle that holds `ms` begins; weeks begin on Monday, months on their first, UTC."""
    if interval in MINUTES:
        return ms - ms % (MINUTES[interval] * MINUTE_MS)
    if interval == "D":
        return ms - ms % DAY_MS
    if interval == "W":
        return ms - (ms - 4 * DAY_MS) % (7 * DAY_MS)
    if interval != "M":
        raise Refused(10001, "params error: interval invalid")
    day = dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
    return int(dt.datetime(day.year, day.month, 1, tzinfo=dt.UTC).timestamp() * 1000)


def bucket_end(start_ms: int, interval: str) -> int:
    """The last millisecond of the candle that begins at `start_ms`."""
    if interval in MINUTES:
        return start_ms + MINUTES[interval] * MINUTE_MS - 1
    if interval == "D":
        return start_ms + DAY_MS - 1
    if interval == "W":
        return start_ms + 7 * DAY_MS - 1
    return bucket_start(start_ms + 32 * DAY_MS, "M") - 1


def candles(minutes: list[Candle], interval: str, first_ms: int, last_ms: int, limit: int) -> list[Candle]:
    """Candles that begin within the two times, oldest first: with an end (or no start) the newest, else the first.

    A time of 0 is open.
    """
    wanted = _all(minutes, interval, first_ms, last_ms or _end_of(minutes))
    return wanted[:limit] if first_ms and not last_ms else wanted[-limit:]


def _all(minutes: list[Candle], interval: str, first_ms: int, last_ms: int) -> list[Candle]:
    found: list[Candle] = []
    for minute in _without_gaps(_around(minutes, first_ms, bucket_end(last_ms, interval))):
        start = bucket_start(minute.start_ms, interval)
        if not first_ms <= start <= last_ms:
            continue
        if not found or found[-1].start_ms != start:
            found.append(Candle(start, minute.open, minute.high, minute.low, minute.close, minute.lots, minute.value))
            continue
        candle = found[-1]
        candle.high, candle.low = max(candle.high, minute.high), min(candle.low, minute.low)
        candle.close = minute.close
        candle.lots += minute.lots
        candle.value += minute.value
    return found


def _around(minutes: list[Candle], first_ms: int, last_ms: int) -> list[Candle]:
    """The minutes within the two times, and one on each side: a price goes on until the next."""
    first = bisect_left(minutes, first_ms, key=_begin)
    return minutes[max(0, first - 1) : bisect_right(minutes, last_ms, key=_begin) + 1]


def _begin(minute: Candle) -> int:
    return minute.start_ms


def _end_of(minutes: list[Candle]) -> int:
    return minutes[-1].start_ms if minutes else 0


def _without_gaps(minutes: list[Candle]) -> list[Candle]:
    full: list[Candle] = []
    for minute in minutes:
        while full and minute.start_ms - full[-1].start_ms > MINUTE_MS:
            close = full[-1].close
            full.append(Candle(full[-1].start_ms + MINUTE_MS, close, close, close, close))
        full.append(minute)
    return full


def last_day(minutes: list[Candle], now_ms: int) -> tuple[int, int, int, int, int]:
    """(price 24 h ago, high, low, lots, value) of the last day; zeros when nothing traded."""
    day = [minute for minute in minutes if minute.start_ms > now_ms - DAY_MS]
    if not day:
        return 0, 0, 0, 0, 0
    return (
        day[0].open,
        max(minute.high for minute in day),
        min(minute.low for minute in day),
        sum(minute.lots for minute in day),
        sum(minute.value for minute in day),
    )
