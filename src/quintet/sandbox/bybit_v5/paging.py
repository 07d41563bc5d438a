"""Pages of a list, newest first, and the cursor to the next one; which times a list is asked for."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from quintet.sandbox.bybit_v5.params import Params
from quintet.sandbox.refusal import Refused

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS

T = TypeVar("T")


def span(params: Params, now_ms: int, default_ms: int = WEEK_MS) -> tuple[int, int]:
    """The times of a list: neither given means the last days, one means a week from it, both at most a week."""
    start, end = params.integer("startTime"), params.integer("endTime")
    if start and end:
        if not 0 <= end - start <= WEEK_MS:
            raise Refused(10001, "The time range between startTime and endTime cannot exceed 7 days")
        return start, end
    if start:
        return start, start + WEEK_MS
    if end:
        return end - WEEK_MS, end
    return now_ms - default_ms, now_ms


def page(rows: Sequence[T], params: Params, default: int, highest: int, row: Callable[[T], Any]) -> dict[str, Any]:
    """One page of rows that are oldest first. A cursor counts from the beginning, so new rows do not shift it."""
    limit = params.limit(default, highest)
    cursor = params.text("cursor")
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise Refused(10001, "params error: cursor invalid")
    end = min(int(cursor), len(rows)) if cursor else len(rows)
    begin = max(0, end - limit)
    return {
        "list": [row(found) for found in reversed(rows[begin:end])],
        "nextPageCursor": str(begin) if begin else "",
    }
