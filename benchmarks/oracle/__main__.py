"""Run the published list on both engines and compare every fill. Exits with 1 when anything differs."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import data, peers
from benchmarks.oracle import recorded
from benchmarks.oracle.grids import GRIDS, Grid
from benchmarks.oracle.market import Market, w1

MONEY_TOLERANCE = 1e-9
"""Relative: the peer adds floats, we add quanta."""

Answer = tuple[NDArray[np.int64], dict[str, Any]]
"""What was filled (time at the exchange, side, ticks, lots) by time, side and price; and the totals."""


def ours(market: Market, grid: Grid) -> Answer:
    """One set through the ordinary loop."""
    world = market.walk(market.as_walked(grid))
    found = world.fills[: world.venue[0].n_fills]
    fills = of_one_moment(np.stack([found[name] for name in ("ts_event", "side", "price", "lots")], axis=1))
    desk, account = world.desk[0], world.desk[0].shown.account[0]
    totals = {
        "trades": int(account.n_fills),
        "position_lots": int(account.lots),
        "balance": float(int(account.realized - account.cost) * market.quantum),
        "fee": float(int(account.fees) * market.quantum),
        "submits": int(desk.n_places),
        "cancels": int(desk.n_cancels),
    }
    return fills, totals


def of_one_moment(fills: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fills in order of time, side and price, those of one order at one moment added up: the peer shows their sum."""
    if not len(fills):
        return fills
    moments, where = np.unique(fills[:, :3], axis=0, return_inverse=True)
    lots = np.zeros(len(moments), np.int64)
    np.add.at(lots, where.reshape(-1), fills[:, 3])
    return np.column_stack([moments, lots])


def theirs(market: Market, grids: tuple[Grid, ...]) -> list[Answer]:
    """Every set on the peer, in one process of its own."""
    with tempfile.TemporaryDirectory() as out:
        folder = Path(out)
        (folder / "sets.json").write_text(json.dumps([market.as_walked(grid)._asdict() for grid in grids]))
        (folder / "market.json").write_text(json.dumps(market.facts))
        np.save(folder / "latencies.npy", peer_latencies(market.orders))
        np.save(folder / "ticks.npy", market.events)
        script = str(Path(__file__).with_name("reference.py"))
        files = [str(folder / name) for name in ("sets.json", "latencies.npy", "market.json")]
        peers.run_script("hbt", script, str(folder / "ticks.npy"), str(len(market.events)), *files, out)
        totals = json.loads((folder / "results.json").read_text())
        return [(np.load(folder / f"{k}.npy"), totals[k]) for k in range(len(grids))]


def peer_latencies(orders: NDArray[Any]) -> NDArray[Any]:
    """Recorded orders in the peer's record."""
    found = np.zeros(len(orders), [(name, "<i8") for name in ("req_ts", "exch_ts", "resp_ts", "_padding")])
    found["req_ts"], found["exch_ts"], found["resp_ts"] = orders["sent"], orders["arrived"], orders["heard"]
    return found


def differences(mine: Answer, other: Answer, quantum: float) -> list[str]:
    """What is not equal, in words; the first fill that differs stands for those behind it.

    Money may also differ by the quantum at each fill: a share of an inverse contract is never whole.
    """
    (fills, totals), (peer_fills, peer_totals) = mine, other
    found = []
    if not np.array_equal(fills, peer_fills):
        shorter = min(len(fills), len(peer_fills))
        where = np.flatnonzero((fills[:shorter] != peer_fills[:shorter]).any(axis=1))
        first = int(where[0]) if len(where) else shorter
        pair = [x[first : first + 1].tolist() for x in (fills, peer_fills)]
        found.append(f"fill {first} of {len(fills)} and {len(peer_fills)}: {pair[0]} and {pair[1]}")
    for name in totals.keys() & peer_totals.keys():
        value = totals[name]
        allowed = max(MONEY_TOLERANCE * max(1.0, abs(peer_totals[name])), quantum * len(fills))
        close = abs(value - peer_totals[name]) <= allowed
        if not (close if name in ("balance", "fee") else value == peer_totals[name]):
            found.append(f"{name}: {value} and {peer_totals[name]}")
    return found


def until_breakdown(mine: Answer, other: Answer) -> tuple[Answer, Answer]:
    """Both answers up to the last moment the peer has told of, without that moment; the totals say nothing then."""
    last = other[0][-1, 0] if len(other[0]) else 0
    before = [fills[fills[:, 0] < last] for fills in (mine[0], other[0])]
    return (before[0], {}), (before[1], {})


def main() -> int:
    """The exit code: 1 when a set differs, else 0, also where the peer or the data are not here."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.oracle", description="fill by fill against hftbacktest")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--fills", choices=("whole", "partial"), help="only the sets with such fills")
    parser.add_argument("--latency", choices=("constant", "recorded"), help="only the sets with such latencies")
    parser.add_argument("--recorded", action="store_true", help="the recorded books of Binance instead of W1")
    parser.add_argument("--book", choices=tuple(recorded.BOOKS), help="only this recorded book")
    asked = parser.parse_args()
    if peers.python_of("hbt") is None or (not asked.recorded and data.folder() is None):
        print("skipped: hftbacktest or the data are not here (python -m benchmarks --peers fetches the peer)")
        return 0
    chosen = tuple(
        grid for grid in GRIDS if asked.fills in (None, grid.fills) and asked.latency in (None, grid.latency)
    )
    if not asked.recorded:
        return compared([w1(asked.rows)], chosen)
    with tempfile.TemporaryDirectory() as folder:
        names = [asked.book] if asked.book else list(recorded.BOOKS)
        return compared(recorded.books(Path(folder), names), chosen)


def compared(markets: Iterable[Market], grids: tuple[Grid, ...]) -> int:
    """Every set on every market, told as it goes; the exit code."""
    failed = 0
    for market in markets:
        wrong = sum(
            not is_equal(market, grid, answer) for grid, answer in zip(grids, theirs(market, grids), strict=True)
        )
        print(f"{market.name}: {len(grids) - wrong} of {len(grids)} sets equal on {len(market.events):,} rows")
        failed += wrong
    return 1 if failed else 0


def is_equal(market: Market, grid: Grid, answer: Answer) -> bool:
    """One set on both, told in a line or more."""
    mine = ours(market, grid)
    note = ""
    if answer[1].pop("broke_down"):
        mine, answer = until_breakdown(mine, answer)
        note = f" (up to the peer's breakdown: {len(mine[0]):,})"
    found = differences(mine, answer, float(market.quantum))
    print(f"{'DIFFERS' if found else 'equal':<8}{len(mine[0]):>7,} fills  {describe(grid)}{note}", flush=True)
    for line in found:
        print(f"          ours and theirs: {line}")
    return not found


def describe(grid: Grid) -> str:
    """What of a set is not as W1 has it."""
    usual = Grid()
    named = [f"{name}={value}" for name, value in grid._asdict().items() if value != getattr(usual, name)]
    return ", ".join(named) or "as W1"


if __name__ == "__main__":
    sys.exit(main())
