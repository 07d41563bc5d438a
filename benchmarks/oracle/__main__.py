"""Run the published list on both engines and compare every fill. Exits with 1 when anything differs."""

import argparse
import json
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import data, peers, w1_ticks
from benchmarks.oracle.grids import GRIDS, MILLISECOND, Grid
from quintet.core.random import below, seeded
from quintet.core.records import table
from quintet.core.state import LATENCY, Tape
from quintet.sim.loop import hear_the_rest

FINE = msgspec.structs.replace(w1_ticks.INSTRUMENT, quote_quantum=Decimal("1e-12"))
"""The instrument with so small a quantum that no fee is rounded: the peer does not round."""

MONEY_TOLERANCE = 1e-9
"""Relative: the peer adds floats, we add quanta."""

Answer = tuple[NDArray[np.int64], dict[str, Any]]
"""What was filled (time at the exchange, side, ticks, lots) by time, side and price; and the totals."""


def ours(tape: Tape, grid: Grid) -> Answer:
    """One set through the ordinary loop."""
    world = w1_ticks.world_of(tape, grid, FINE, buffer_rows=1 << 20, recorded=recorded_orders(tape))
    w1_ticks.drive(tape, world)
    hear_the_rest(w1_ticks.run, tape, world)
    found = world.fills[: world.venue[0].n_fills]
    fills = of_one_moment(np.stack([found[name] for name in ("ts_event", "side", "price", "lots")], axis=1))
    desk, account = world.desk[0], world.desk[0].shown.account[0]
    totals = {
        "trades": int(account.n_fills),
        "position_lots": int(account.lots),
        "balance": float(int(account.realized - account.cost) * FINE.quote_quantum),
        "fee": float(int(account.fees) * FINE.quote_quantum),
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


def recorded_orders(tape: Tape) -> NDArray[Any]:
    """Orders as they might have been recorded beside this market: one every 150 ms, 1 to 40 ms each way."""
    first, last = int(tape.rows.ts_event[0]), int(tape.rows.ts_recv[-1])
    orders = table(LATENCY, (last - first) // (150 * MILLISECOND) + 1)
    dice = seeded(1, "recorded orders")[0]
    for n in range(len(orders)):
        sent = first + n * 150 * MILLISECOND
        arrived = sent + MILLISECOND + below(dice, 39 * MILLISECOND)
        orders[n] = (sent, arrived, arrived + MILLISECOND + below(dice, 39 * MILLISECOND))
    return orders


def theirs(rows: int, grids: tuple[Grid, ...]) -> list[Answer]:
    """Every set on the peer, in one process of its own."""
    python, folder = peers.python_of("hbt"), data.folder()
    assert python is not None
    assert folder is not None
    with tempfile.TemporaryDirectory() as out:
        sets = Path(out) / "sets.json"
        sets.write_text(json.dumps([grid._asdict() for grid in grids]))
        script = str(Path(__file__).with_name("reference.py"))
        np.save(Path(out) / "latencies.npy", peer_latencies(recorded_orders(tape_of(rows, 1))))
        latencies = str(Path(out) / "latencies.npy")
        peers.run_script("hbt", script, str(folder / "ticks.npy"), str(rows), str(sets), latencies, out)
        totals = json.loads((Path(out) / "results.json").read_text())
        return [(np.load(Path(out) / f"{k}.npy"), totals[k]) for k in range(len(grids))]


def peer_latencies(orders: NDArray[Any]) -> NDArray[Any]:
    """Recorded orders in the peer's record."""
    found = np.zeros(len(orders), [(name, "<i8") for name in ("req_ts", "exch_ts", "resp_ts", "_padding")])
    found["req_ts"], found["exch_ts"], found["resp_ts"] = orders["sent"], orders["arrived"], orders["heard"]
    return found


def differences(mine: Answer, other: Answer) -> list[str]:
    """What is not equal, in words; the first fill that differs stands for those behind it."""
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
        close = abs(value - peer_totals[name]) <= MONEY_TOLERANCE * max(1.0, abs(peer_totals[name]))
        if not (close if name in ("balance", "fee") else value == peer_totals[name]):
            found.append(f"{name}: {value} and {peer_totals[name]}")
    return found


def tape_of(rows: int, factor: int) -> Tape:
    """The market of W1, every quantity times `factor`."""
    ticks = data.ticks(rows)
    if factor != 1:
        ticks = ticks.copy()
        ticks["lots"] *= factor
    return w1_ticks.tape_of(ticks)


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
    asked = parser.parse_args()
    if data.folder() is None or peers.python_of("hbt") is None:
        print("skipped: hftbacktest or the data are not here (python -m benchmarks --peers fetches the peer)")
        return 0
    tapes = {factor: tape_of(asked.rows, factor) for factor in {grid.market_factor for grid in GRIDS}}
    chosen = tuple(
        grid for grid in GRIDS if asked.fills in (None, grid.fills) and asked.latency in (None, grid.latency)
    )
    failed = 0
    for grid, answer in zip(chosen, theirs(asked.rows, chosen), strict=True):
        mine = ours(tapes[grid.market_factor], grid)
        note = ""
        if answer[1].pop("broke_down"):
            mine, answer = until_breakdown(mine, answer)
            note = f" (up to the peer's breakdown: {len(mine[0]):,})"
        found = differences(mine, answer)
        failed += bool(found)
        print(f"{'DIFFERS' if found else 'equal':<8}{len(mine[0]):>7,} fills  {describe(grid)}{note}", flush=True)
        for line in found:
            print(f"          ours and theirs: {line}")
    print(f"{len(chosen) - failed} of {len(chosen)} sets equal on {asked.rows:,} rows")
    return 1 if failed else 0


def describe(grid: Grid) -> str:
    """What of a set is not as W1 has it."""
    usual = Grid()
    named = [f"{name}={value}" for name, value in grid._asdict().items() if value != getattr(usual, name)]
    return ", ".join(named) or "as W1"


if __name__ == "__main__":
    sys.exit(main())
