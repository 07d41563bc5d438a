"""The goals beside W1 itself: many sets, the first run of a process, plain Python, NautilusTrader, reading a tape."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import data, peers, w1_first_run, w1_plain, w1_sets, w1_ticks
from benchmarks import tape_read as reading
from benchmarks.report import Report

NAUTILUS_ROWS = 200_000
COMPARED = ("fills", "position", "balance", "fee", "submits", "cancels")
FIRST_RUNS = 5
WITHOUT_SCIPY = "import sys; sys.modules['scipy'] = None"
"""Only our tests bring SciPy; where it is, numba loads all its linear algebra. Neither a user nor the peer has it."""
MEMORY_FACTOR, MEMORY_MIB = 1.5, 100


def nautilus(report: Report, ours: list[float], rows: int) -> None:
    """W1's rules on NautilusTrader, which knows no queue: its fills are others, so only its speed is compared."""
    if peers.python_of("nautilus") is None:
        return
    seconds = peers.nautilus(3, NAUTILUS_ROWS) / NAUTILUS_ROWS
    report.ratio("w1_nautilus", "rows, NautilusTrader", rows, ours, [seconds * rows], 300, "nautilus")


def sets(report: Report, rounds: int) -> None:
    """G2: every set equal to the peer's run of it; CPU seconds of all together, and the most memory we had."""
    print(f"W1, {len(w1_sets.SETS)} sets over one tape")
    report.goal = "G2"
    w1_sets.tape_file()
    json_of(own_process("w1_first_run"))  # compiles the loop, whose compiler's memory is not the sweep's
    ours = [json_of(own_process("w1_sets")) for _ in range(rounds)]
    size = (data.FOLDER / "ticks.npy").stat().st_size / 2**20
    allowed, peak = MEMORY_FACTOR * size + MEMORY_MIB, max(answer["peak_mib"] for answer in ours)
    report.compare(f"peak memory {peak:,.0f} MiB is below {allowed:,.0f} MiB", peak < allowed, True)
    report.keep(peak_mib=peak, allowed_mib=allowed)
    seconds = [sum(each["seconds"] for each in answer["sets"]) for answer in ours]
    cells = len(w1_sets.SETS) * len(data.ticks())
    if peers.python_of("hbt") is None:
        report.alone("w1_sets", "sets times rows", cells, seconds)
        return
    theirs = peers.hftbacktest_sets([grid._asdict() for grid in w1_sets.SETS], len(data.ticks()))
    for grid, mine, other in zip(w1_sets.SETS, ours[0]["sets"], theirs, strict=True):
        found = [{name: answer[name] for name in COMPARED} for answer in (mine, other)]
        report.compare(f"{grid.lots} lots, {grid.levels} levels, gap {grid.gap}: {mine['fills']:,} fills", *found)
    total = sum(each["seconds"] for each in theirs)
    report.ratio("w1_sets", "sets times rows, hftbacktest", cells, seconds, [total], 30, "ratio")


def first_run(report: Report, rounds: int) -> None:
    """G5: a whole process, from its start to the end of its first backtest, everything on disk that can be."""
    print(f"W1, the first {w1_first_run.ROWS:,} rows in a new process, caches warm; CPU seconds of the process")
    report.goal = "G5"
    w1_sets.tape_file()
    command = own_process("w1_first_run")
    peers.first_run(command)
    ours = [peers.first_run(command) for _ in range(FIRST_RUNS)]
    cpu, wall = [run.cpu_seconds for run in ours], statistics.median(run.wall_seconds for run in ours)
    report.keep(cpu_seconds=statistics.median(cpu), wall_seconds=wall)
    print(f"  ours: {statistics.median(cpu):.2f} CPU s, {wall:.2f} s on the wall")
    if peers.python_of("hbt") is None:
        return
    with tempfile.TemporaryDirectory() as cache:
        peers.hftbacktest_first_run(w1_first_run.ROWS, Path(cache))
        theirs = [peers.hftbacktest_first_run(w1_first_run.ROWS, Path(cache)) for _ in range(3)]
    found = [{name: run.answer[name] for name in COMPARED} for run in (ours[0], theirs[0])]
    report.compare(f"{ours[0].answer['fills']} fills, {ours[0].answer['submits']} submits", *found)
    other = [run.cpu_seconds for run in theirs]
    wall_ratio = statistics.median(run.wall_seconds for run in theirs) / wall
    ratio = statistics.median(other) / statistics.median(cpu)
    report.keep(ratio=ratio, wall_ratio=wall_ratio)
    print(
        f"  hftbacktest: {statistics.median(other):.2f} CPU s, {ratio:.1f} times (goal 8); wall {wall_ratio:.1f} times"
    )


def plain(report: Report, rounds: int) -> None:
    """G6: the grid in plain Python, equal to the compiled one by its hashes; NautilusTrader's is plain Python too."""
    print("W1, the grid in plain Python")
    report.goal = "G6"
    tape = w1_ticks.tape_of(data.ticks())
    seconds, world = w1_plain.cpu_seconds(tape, rounds)
    compiled = w1_ticks.cpu_seconds(tape, "power", 1)[1]
    report.compare("plain Python and compiled: three hashes", w1_ticks.hashes(world), w1_ticks.hashes(compiled))
    if peers.python_of("nautilus") is None:
        report.alone("w1_plain", "rows", len(tape.rows), seconds)
        return
    theirs = peers.nautilus(3, NAUTILUS_ROWS) / NAUTILUS_ROWS * len(tape.rows)
    report.ratio("w1_plain", "rows, NautilusTrader", len(tape.rows), seconds, [theirs], 10, "ratio")


def tape_read(report: Report, rounds: int) -> None:
    """The columns that W1 uses, out of a mapped tape file, beside NumPy's sum over the same bytes."""
    print("Reading a tape, its pages in the cache")
    report.goal = "tape"
    found = reading.measure(5 * rounds)
    report.compare("sum of all columns", found.total, found.expected)
    rows = len(data.ticks())
    report.ratio("tape", "rows, np.sum over the same bytes", rows, found.ours, found.theirs, 0.5, "ratio")


def own_process(benchmark: str) -> list[str]:
    """The command that runs a benchmark's `main` alone in a process, as a user would have it."""
    return [sys.executable, "-c", f"{WITHOUT_SCIPY}; from benchmarks.{benchmark} import main; main()"]


def json_of(command: list[str]) -> dict[str, Any]:
    """What a process says in its last line."""
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer
