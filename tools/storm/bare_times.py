"""When a position stood without a stop at the venue for all of it, from the venue's history and the tape's sizes."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

from tools.storm.witness import Tape

FUNDING: Final = "Funding"
"""The kind of an execution that is no trade."""

Span = tuple[int, int]
"""From when to when, ms UTC."""


class Stop(NamedTuple):
    """One that waited at the venue: from when to when, and (ms, lots) as the desk came to know its sizes."""

    sign: int
    from_ms: int
    to_ms: int
    sizes: tuple[Span, ...]

    def lots_at(self, ms: int) -> int:
        """What it would close at that moment; 0 while it does not wait."""
        if not self.from_ms <= ms < self.to_ms:
            return 0
        return next((lots for since_ms, lots in reversed(self.sizes) if since_ms <= ms), self.sizes[0][1])


def bare_times(tape: Tape, history: dict[str, Any], account: dict[str, Any]) -> list[Span]:
    """All of them, however short, up to the moment of the history."""
    end_ms = history["now_ms"]
    trades = sorted((one["ms"], one["sign"] * one["lots"]) for one in account["executions"] if one["kind"] != FUNDING)
    held_since = [ms for ms, _ in trades]
    held = [0, *accumulate(lots for _, lots in trades)]
    stops = _stops(tape, history["orders"], end_ms)
    edges = {ms for one in stops for ms in (one.from_ms, one.to_ms, *(ms for ms, _ in one.sizes))}
    found: list[Span] = []
    for first, last in pairwise(sorted({*held_since, *edges, end_ms})):
        lots = held[bisect_right(held_since, first)]
        covered = sum(one.lots_at(first) for one in stops if one.sign * lots < 0)
        if covered >= abs(lots) or last > end_ms:
            continue
        begun = found.pop()[0] if found and found[-1][1] == first else first
        found.append((begun, last))
    return found


def less(span: Span, excuses: Iterable[Span]) -> list[Span]:
    """What is left of a span without the times that excuse it."""
    left = [span]
    for begin, end in excuses:
        left = [
            part
            for first, last in left
            for part in ((first, min(last, begin)), (max(first, end), last))
            if part[0] < part[1]
        ]
    return left


def _stops(tape: Tape, orders: list[dict[str, Any]], end_ms: int) -> list[Stop]:
    times = [row.ms for row in tape.rows]
    found = []
    for there in orders:
        life = tape.orders.get(tape.number_of(there["link_id"]) or 0)
        if there["trigger_price"] and life is not None:
            to_ms = end_ms + 1 if there["status"] == "Untriggered" else there["updated_ms"]
            changes = [(times[at], lots) for at, lots in life.changes]
            sizes = ((there["created_ms"], life.placed.quantity), *changes)
            found.append(Stop(there["sign"], there["created_ms"], to_ms, sizes))
    return found
