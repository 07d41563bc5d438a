"""A day of a generated market with a maker in it: does memory stay flat, and does everything come out the same twice?

    python -m benchmarks.endurance                 24 hours of about 1,000 rows a second, twice; minutes, 3 GB of disk
    python -m benchmarks.endurance --hours 1

Each time the market is made and written to a tape, read back and checked, and walked by the grid maker of W1, who looks
at it every 100 ms. Memory is what the process holds by itself (RssAnon); pages of the tape that have been walked are
given back. Its slope is a least-squares line through samples after the first tenth. The exit code is 1 when memory
grows or a hash differs.
"""

import argparse
import hashlib
import json
import mmap
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.oracle.grids import Grid
from benchmarks.w1_ticks import PARAMS, STATE, run
from quintet.core.digest import canonical_bytes, command_hash, state_hash
from quintet.core.engine.world import Execution, Setup, begin_at, new_world
from quintet.core.events import TRADE_SELL
from quintet.core.records import table
from quintet.core.state import WAKE_TIMER, World
from quintet.core.tape import Tape, TapeMeta, with_instruments
from quintet.research.backtest import drive
from quintet.research.tick_market import TickMarket, tape_notes
from quintet.sim.queue import QUEUE_MODEL_NAMES
from quintet.storage.tape_files import TapeWriter, open_tape

GRID = Grid(lots=100, gap=10)
"""Ten orders of 0.1 ETH, a tick apart: the market's tick is ten price increments."""

SAMPLES = 200
FLAT_BYTES_PER_HOUR = 64 << 10
"""What a slope may be: over a day less than two megabytes."""

MARGIN = 500
MESSAGES_IN_FLIGHT = 5_000


class Sample(NamedTuple):
    """Memory after so many rows. Bytes: ours alone, and everything that is mapped now."""

    rows: int
    own: int
    resident: int


class Walked(NamedTuple):
    """One run over a tape. `samples` from its beginning to its end."""

    hashes: dict[str, str]
    fills: int
    submits: int
    cancels: int
    looks: int
    cpu_s: float
    samples: list[Sample]


class Fills:
    """Empties the buffers of a run: fills are hashed and forgotten. Stands where a backtest keeps them."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.count = 0

    def take(self, world: World) -> None:
        venue = world.venue[0]
        self.digest.update(canonical_bytes(world.fills[: int(venue.n_fills)]))
        self.count += int(venue.n_fills)
        venue.n_fills = venue.n_commands = venue.n_notes = venue.n_samples = 0

    def end_of_tape(self) -> None:
        """Nothing is kept of it."""


def memory() -> tuple[int, int]:
    """Bytes that this process holds by itself, and with what is mapped of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(status[name].split()[0]) << 10 for name in ("RssAnon", "VmRSS"))  # type: ignore[return-value]


def made(market: TickMarket, path: Path) -> tuple[Tape, tuple[int, int]]:
    """The market on a tape, verified, and the prices that its book has to hold."""
    low, high = 1 << 62, 0
    meta = TapeMeta(synthetic=True, created_ns=0, tool_version="endurance", notes=tape_notes(market))
    with TapeWriter(path, meta) as writer:
        for chunk in market.chunks():
            priced = chunk.rows.price[chunk.rows.kind <= TRADE_SELL]
            low, high = min(low, int(priced.min())), max(high, int(priced.max()))
            rows = chunk.rows if writer.position else with_instruments(chunk.rows, [market.instrument])
            writer.append(rows)
    return open_tape(path), (low - MARGIN, high + MARGIN)


def world_before(tape: Tape, window: tuple[int, int]) -> World:
    """The maker's world before the first event."""
    step = GRID.step_ns
    setup = Setup(
        instruments=tuple(tape.instruments),
        capital={"USDT": 10**15},
        execution=Execution(
            entry_ns=GRID.entry_ns, response_ns=GRID.response_ns, queue_model=QUEUE_MODEL_NAMES.index(GRID.queue)
        ),
        timer_first_ns=-(-tape.census.first_ns // step) * step,
        timer_every_ns=step,
        price_window=window,
        messages_in_flight=MESSAGES_IN_FLIGHT,
        wakes=WAKE_TIMER,
    )
    params = table(PARAMS, 1)
    params[0] = (GRID.lots, GRID.levels, GRID.gap, GRID.max_position)
    world = new_world(setup, table(STATE, 1), params)
    begin_at(world, tape.first_row)
    return world


def walked(tape: Tape, window: tuple[int, int]) -> Walked:
    """The maker from the first row to the last, memory looked at on the way."""
    world, fills = world_before(tape, window), Fills()
    mapped = mapping_of(tape.rows)
    samples = []
    begun = time.process_time()
    ends = np.linspace(0, len(tape.rows), SAMPLES + 1).astype(int)[1:].tolist()
    for end in ends:
        drive(run, tape, world, fills, end)  # type: ignore[arg-type]
        if mapped is not None:
            mapped.madvise(mmap.MADV_DONTNEED)
        samples.append(Sample(end, *memory()))
    desk = world.desk[0]
    return Walked(
        hashes={
            "tape": tape.hash,
            "commands": command_hash(desk),
            "state": state_hash(world.desk, world.state),
            "fills": fills.digest.hexdigest(),
        },
        fills=fills.count,
        submits=int(desk.n_places),
        cancels=int(desk.n_cancels),
        looks=int(world.state[0].steps),
        cpu_s=time.process_time() - begun,
        samples=samples,
    )


def mapping_of(rows: Any) -> mmap.mmap | None:
    """The mapped file under the rows of a tape, None when it is no file."""
    under = rows
    while under is not None and not isinstance(under, mmap.mmap):
        under = under.obj if isinstance(under, memoryview) else getattr(under, "base", None)
    return under


def slope_per_row(samples: list[Sample]) -> float:
    """Bytes of our own that a row costs: a least-squares line, the first tenth left out."""
    settled = samples[len(samples) // 10 :]
    rows, own = (np.array([sample[k] for sample in settled], float) for k in (0, 1))
    away = rows - rows.mean()
    return float((away * own).sum() / (away * away).sum())


def told(market: TickMarket, folder: Path) -> Iterator[dict[str, Any]]:
    """Two times the same, each as what is printed of it."""
    for number in (1, 2):
        path = folder / f"endurance-{number}.tape"
        begun = time.process_time()
        tape, window = made(TickMarket(market.seed, hours=hours_of(market)), path)
        made_s = time.process_time() - begun
        found = walked(tape, window)
        per_hour = slope_per_row(found.samples) * tape.n_positions / hours_of(market)
        yield {
            "run": number,
            "rows": tape.n_positions,
            "rows per second of market": round(tape.n_positions / (hours_of(market) * 3600)),
            "made, CPU-s": round(made_s, 1),
            "walked, CPU-s": round(found.cpu_s, 1),
            "looks": found.looks,
            "submits": found.submits,
            "cancels": found.cancels,
            "fills": found.fills,
            "own memory, MiB: first, least, most, last": [
                round(value / (1 << 20), 1)
                for value in (
                    found.samples[0].own,
                    min(sample.own for sample in found.samples),
                    max(sample.own for sample in found.samples),
                    found.samples[-1].own,
                )
            ],
            "most resident, MiB": round(max(sample.resident for sample in found.samples) / (1 << 20), 1),
            "slope, KiB per hour of market": round(per_hour / 1024, 3),
            "flat": per_hour <= FLAT_BYTES_PER_HOUR,
            "hashes": found.hashes,
        }
        for side in folder.glob(f"{path.name}*"):
            side.unlink()


def hours_of(market: TickMarket) -> float:
    """Length of a market."""
    return (market.end_ns - market.start_ns) / 3.6e12


def main() -> int:
    """The exit code: 1 when memory grows or the two differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description="a day of ticks, twice")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--folder", type=Path, help="where the tapes are written; else a temporary one")
    asked = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="quintet-endurance-") as folder:
        for each in told(TickMarket(asked.seed, hours=asked.hours), Path(folder)):
            print(json.dumps(each, indent=2), flush=True)
            found.append(each)
    same = found[0]["hashes"] == found[1]["hashes"]
    flat = all(each["flat"] for each in found)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"the same hashes twice: {same}; flat memory: {flat}; peak resident with the mapped tape: {peak_mib} MiB")
    return 0 if same and flat else 1


if __name__ == "__main__":
    sys.exit(main())
