"""How fast the synthetic tick market is made, in memory and as a tape, and what a trade costs each feature.

python -m benchmarks.tick_market --hours 2
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from quintet.core.market import trade_bars
from quintet.core.market.trades import Trades, trades_of
from quintet.core.records import table
from quintet.core.tape import TapeMeta, with_instruments
from quintet.features import order_flow, profile
from quintet.research.tick_market import TickMarket, tape_notes
from quintet.research.tick_model import TickModel
from quintet.storage.tape_files import TapeWriter

TRADES = 1_000_000


def made(hours: float) -> int:
    """Rows of a market that nobody keeps."""
    return sum(len(chunk.rows) for chunk in TickMarket(hours=hours).chunks())


def written(hours: float, folder: Path) -> int:
    """Rows of a market on a tape."""
    market = TickMarket(hours=hours)
    meta = TapeMeta(synthetic=True, created_ns=0, tool_version="bench", notes=tape_notes(market))
    with TapeWriter(folder / "ticks.tape", meta, replace=True) as writer:
        for chunk in market.chunks():
            rows = with_instruments(chunk.rows, [market.instrument]) if writer.position == 0 else chunk.rows
            writer.append(rows)
        return writer.position


def first_trades(count: int) -> Trades:
    """The first trades of a market that is little else."""
    parts: list[Trades] = []
    for chunk in TickMarket(hours=24 * 365, model=TickModel(trades_per_s=500.0, depth_per_s=1.0)).chunks():
        parts.append(trades_of(chunk.rows))
        if sum(len(part.ts) for part in parts) >= count:
            break
    return Trades(*(np.concatenate(columns)[:count] for columns in zip(*parts, strict=True)))


def features() -> dict[str, Callable[[Trades], None]]:
    """Each feature over whole columns of trades."""

    def cvd(c: Trades) -> None:
        state = table(order_flow.CVD, 1)[0]
        order_flow.start_cvd(state)
        order_flow.cvd_batch(state, c.side, c.lots, np.empty(len(c.ts), np.int64))

    def delta(c: Trades) -> None:
        state = table(order_flow.DELTA, 1)[0]
        order_flow.start_delta(state, 1_000_000_000, 60)
        order_flow.delta_batch(state, c.ts, c.side, c.lots, np.empty(len(c.ts), np.int64))

    def footprint(c: Trades) -> None:
        state = table(order_flow.FOOTPRINT, 1)[0]
        order_flow.start_footprint(state, 10)
        order_flow.footprint_batch(state, c.side, c.price, c.lots, np.empty(len(c.ts), np.int64))

    def large(c: Trades) -> None:
        state = table(order_flow.LARGE, 1)[0]
        order_flow.start_large(state, 50_000 * 10**8, 1_000)
        order_flow.large_batch(state, c.ts, c.side, c.price, c.lots, np.empty(len(c.ts), np.int64))

    def bars(c: Trades) -> None:
        state = table(trade_bars.TRADE_BARS, 1)[0]
        trade_bars.start_trade_bars(state, trade_bars.BY_TIME, 1_000_000_000, 1_000)
        room = table(trade_bars.TRADE_BAR, len(c.ts))
        trade_bars.trade_bars_batch(state, c.ts, c.price, c.lots, c.side, room)

    def profiled(c: Trades) -> None:
        state = table(profile.PROFILE, 1)[0]
        profile.start_profile(state, 10)
        profile.profile_feed(state, c.price, c.lots)

    return {"cvd": cvd, "delta": delta, "footprint": footprint, "large": large, "bars": bars, "profile": profiled}


def cpu_seconds(action: Callable[[], int | None]) -> tuple[float, int | None]:
    """CPU seconds of one call after a first one that compiles."""
    action()
    begun = time.process_time()
    answer = action()
    return time.process_time() - begun, answer


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description="speed of the synthetic tick market and of order flow")
    parser.add_argument("--hours", type=float, default=2.0)
    hours = parser.parse_args().hours
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, action in (("made", lambda: made(hours)), ("on a tape", lambda: written(hours, Path(folder)))):
            seconds, rows = cpu_seconds(action)
            found[f"rows per CPU-s, {name}"] = round((rows or 0) / seconds)
    found["peak MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    columns = first_trades(TRADES)
    for name, feature in features().items():
        seconds, _ = cpu_seconds(lambda feature=feature: feature(columns))
        found[f"ns per trade, {name}"] = round(seconds / len(columns.ts) * 1e9, 1)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
