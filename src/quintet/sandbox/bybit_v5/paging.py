"""Pages of a list, newest first, and the cursor to the next one; which times a list is asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from quintet.sandbox.bybit_v5.call import Call
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
    end = _cursor(params, len(rows))
    begin = max(0, end - limit)
    return {
        "list": [row(found) for found in reversed(rows[begin:end])],
        "nextPageCursor": str(begin) if begin else "",
    }


def _cursor(params: Params, end: int) -> int:
    """The number below which a page begins."""
    cursor = params.text("cursor")
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise Refused(10001, "params error: cursor invalid")
    return min(int(cursor), end) if cursor else end


class Series(NamedTuple):
    """A list of an account that grows for ever: what memory has of it, oldest first; and what a request asks of it."""

    name: str
    recent: Sequence[Any]
    key: str = ""
    order_id: str = ""
    link_id: str = ""


def history_page(
    call: Call,
    series: Series,
    sizes: tuple[int, int],
    is_too_old: Callable[[Any], bool],
    is_meant: Callable[[Any], bool],
    row: Callable[[Any], Any],
) -> dict[str, Any]:
    """One page of a series, newest first, out of memory and then out of the archive. `sizes`: default and highest.

    The cursor is the number of the last record shown. Records are looked at until the first that is too old.
    """
    limit = call.params.limit(*sizes)
    rows: list[Any] = []
    last = 0
    for number, record in _newest_first(call, series):
        if is_too_old(record):
            break
        if is_meant(record):
            if len(rows) == limit:
                return {"list": rows, "nextPageCursor": str(last)}
            rows.append(row(record))
            last = number
    return {"list": rows, "nextPageCursor": ""}


def _newest_first(call: Call, series: Series) -> Iterator[tuple[int, Any]]:
    gone = call.account.archived.get(series.name, 0)
    end = _cursor(call.params, gone + len(series.recent))
    for number in range(end - 1, gone - 1, -1):
        yield number, series.recent[number - gone]
    if gone:
        yield from call.service.archive.newest_first(
            call.uid, series.name, min(end, gone), key=series.key, order_id=series.order_id, link_id=series.link_id
        )
