"""What execution algorithms cost: their parent orders against the mid they began at, and the market of their time.

Read from a run's notes (`core.execution.journal`), its fills and its tape, for each algorithm:

    filled         lots filled over lots asked for
    shortfall      what was paid beyond the mid at the beginning, over it, in bp, + = cost, fees apart; weighted by what
                   was filled. What was not filled has no price, so filled and shortfall are read together. None for a
                   ladder, whose prices are its purpose
    participation  lots filled over lots that traded in the market between beginning and end, ours included where the
                   tape has them; None where it tells no volume
    time           from the beginning to the last fill, the median of those that had one, seconds
    maker share    lots filled while resting over lots filled
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from quintet.core.events import BAR_OPEN, TIMEFRAME_NUMBER, TRADE_BUY, TRADE_SELL
from quintet.core.execution.journal import BEGAN, GREW, OVER
from quintet.core.execution.parent import ALGORITHM_NAMES, DONE, LADDER
from quintet.core.execution.position import TAGS
from quintet.core.tape import Tape


class Execution(NamedTuple):
    """One parent order from its beginning to its end: positions on the desk tape, our clock in ns UTC, lots asked.

    `phase` in which it ended, -1 where the run did first.
    """

    algorithm: int
    tag: int
    instrument: int
    side: int
    lots: int
    twice_mid: int
    began: int
    began_ns: int
    over: int
    over_ns: int
    phase: int


def executions_of(notes: Any, last_ns: int) -> list[Execution]:
    """The parent orders that a run's notes tell of, in the order in which they began."""
    found: list[Execution] = []
    open_ones: dict[tuple[int, int, int], int] = {}
    for note in notes:
        code, tag = int(note["code"]), int(note["a"])
        what = next((what for what in (GREW, OVER, BEGAN) if 0 < code - what < len(ALGORITHM_NAMES)), 0)
        if not what:
            continue
        key = code - what, tag, int(note["b"])
        if what == BEGAN:
            open_ones[key] = len(found)
            side = 1 if note["c"] > 0 else -1
            began = int(note["position"]), int(note["ts"])
            found.append(Execution(*key, side, abs(int(note["c"])), int(note["d"]), *began, 2**62, last_ns, -1))
        elif key in open_ones and what == GREW:
            n = open_ones[key]
            found[n] = found[n]._replace(lots=int(note["c"]))
        elif key in open_ones:
            n = open_ones.pop(key)
            ended = {"over": int(note["position"]), "over_ns": int(note["ts"]), "phase": int(note["d"])}
            found[n] = found[n]._replace(**ended)
    return found


def told_executions(tape: Tape, notes: Any, fills: Any, timeframe: str) -> list[dict[str, Any]]:
    """A row for each algorithm that was used, as plain values for `metrics.json` and the report.

    `timeframe`: of the bars that tell the volume where the tape has no trades.
    """
    found = executions_of(notes, tape.census.last_ns)
    if not found:
        return []
    traded = {n: _Traded(tape, n, timeframe) for n in {each.instrument for each in found}}
    names = {each.algorithm: ALGORITHM_NAMES[each.algorithm] for each in found}
    return [
        {"algorithm": name, **_row([each for each in found if each.algorithm == number], fills, traded)}
        for number, name in sorted(names.items())
    ]


def fills_of(each: Execution, fills: Any) -> Any:
    """Its own fills: those of its tags and its side, from its beginning to its end."""
    tags = TAGS if each.algorithm == LADDER else 1
    mask = (fills["instrument"] == each.instrument) & (fills["side"] == each.side)
    mask &= (fills["tag"] >= each.tag) & (fills["tag"] < each.tag + tags)
    return fills[mask & (fills["position"] >= each.began) & (fills["position"] <= each.over)]


def _row(group: Sequence[Execution], fills: Any, traded: dict[int, "_Traded"]) -> dict[str, Any]:
    """The figures of one algorithm's parent orders."""
    asked = filled = maker = market = 0
    paid = base = 0.0
    seconds = []
    for each in group:
        own = fills_of(each, fills)
        lots = own["lots"].astype(np.int64)
        asked += each.lots
        filled += int(lots.sum())
        maker += int(lots[own["maker"] != 0].sum())
        market += traded[each.instrument].between(each.began_ns, each.over_ns)
        paid += each.side * float((lots * (2 * own["price"].astype(np.int64) - each.twice_mid)).sum())
        base += float(lots.sum()) * each.twice_mid
        if len(own):
            seconds.append((int(own["ts_recv"][-1]) - each.began_ns) / 1e9)
    is_priced = base > 0 and group[0].algorithm != LADDER
    return {
        "orders": len(group),
        "done": sum(each.phase == DONE for each in group),
        "filled_frac": filled / asked,
        "shortfall_bp": paid / base * 10_000.0 if is_priced else None,
        "participation_frac": filled / market if market else None,
        "fill_s": float(np.median(seconds)) if seconds else None,
        "maker_share_frac": maker / filled if filled else None,
    }


class _Traded:
    """Volume of one instrument as it became known, summed up along the tape."""

    def __init__(self, tape: Tape, instrument: int, timeframe: str) -> None:
        rows = np.asarray(tape.event_rows())
        rows = rows[rows["instrument"] == instrument]
        trades = rows[(rows["kind"] == TRADE_BUY) | (rows["kind"] == TRADE_SELL)]
        if len(trades) == 0:
            of_timeframe = rows["bits"] >> 1 == TIMEFRAME_NUMBER.get(timeframe, -1)
            trades = rows[of_timeframe & (rows["kind"] == BAR_OPEN)]
        self._known = trades["ts_recv"].astype(np.int64)
        self._sums = np.concatenate([[0], np.cumsum(trades["quantity"].astype(np.int64))])

    def between(self, first_ns: int, last_ns: int) -> int:
        """Lots traded after the first time until the last."""
        begin, end = np.searchsorted(self._known, [first_ns, last_ns], side="right")
        return int(self._sums[end] - self._sums[begin])
