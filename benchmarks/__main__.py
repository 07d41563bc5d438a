"""Run the workloads: results first, ratios after, one JSON line last. Exits with 1 when results differ."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data, goals, latency, peers, tick_goals, w1_ticks, w2_bars, w3_indicators, w4_sweep
from benchmarks.report import Report

INTERPRETED_ROWS = 100_000
LEAVING_ROWS = 1_000_000
IMPORTS = 9


def ticks(report: Report, rounds: int) -> None:
    """W1: equal to hftbacktest with both queue models; compiled, interpreted, left at every wake alike; then speed."""
    print("W1 tick market making, 5,000,000 rows")
    report.goal = "G1"
    tape = w1_ticks.tape_of(data.ticks())
    found = peers.python_of("hbt") is not None
    for queue, expected in w1_ticks.EXPECTED.items():
        ours = w1_ticks.results(w1_ticks.cpu_seconds(tape, queue, 1)[1])
        theirs: dict[str, Any] = peers.hftbacktest(queue, 1)[1] if found else dict(expected)
        source = "hftbacktest" if found else "recorded results of hftbacktest 2.4.4"
        for name in expected:
            report.compare(f"{queue} queue: {name} = {ours[name]} ({source})", ours[name], theirs[name])
    same_run_three_ways(report)
    mine, theirs_seconds = [], []
    for _ in range(rounds):
        if found:
            theirs_seconds.append(peers.hftbacktest("power", 3)[0])
        mine += w1_ticks.cpu_seconds(tape, "power", 3)[0]
    if found:
        report.ratio("w1", "rows, hftbacktest (ROIVector, power)", len(tape.rows), mine, theirs_seconds, 5, "ratio")
        report.keep(rows_per_cpu_second=len(tape.rows) / statistics.median(mine))
    else:
        report.alone("w1", "rows", len(tape.rows), mine)
    tick_goals.nautilus(report, mine, len(tape.rows))


def same_run_three_ways(report: Report) -> None:
    """Compiled, with compilation off, and left at every wake: commands, fills and state have equal hashes."""
    tape = w1_ticks.tape_of(data.ticks(LEAVING_ROWS))
    inside, outside = w1_ticks.world_for(tape, "power"), w1_ticks.world_for(tape, "power")
    w1_ticks.drive(tape, inside)
    w1_ticks.drive_leaving(tape, outside)
    report.compare(
        f"left at every wake, {LEAVING_ROWS:,} rows: three hashes", w1_ticks.hashes(outside), w1_ticks.hashes(inside)
    )
    tape = w1_ticks.tape_of(data.ticks(INTERPRETED_ROWS))
    world = w1_ticks.world_for(tape, "power")
    w1_ticks.drive(tape, world)
    command = [sys.executable, "-m", "benchmarks.w1_ticks", "--rows", str(INTERPRETED_ROWS)]
    ran = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}
    )
    compiled = {**w1_ticks.results(world), **w1_ticks.hashes(world)}
    report.compare(
        f"compilation off, {INTERPRETED_ROWS:,} rows: results and three hashes", json.loads(ran.stdout), compiled
    )


def bars(report: Report, rounds: int) -> None:
    """W2: the entry list of backtesting.py; then speed against it and against vectorbt."""
    report.goal = "W2"
    print("W2 crossing averages with ADX and a stop, 1,000,000 bars")
    tape = w2_bars.tape_of(data.bars())
    rows = len(data.bars())
    ours = w2_bars.cpu_seconds(tape, 1)[1]
    slow: list[float] = []
    if peers.python_of("bt") is not None:
        with tempfile.TemporaryDirectory() as folder:
            seconds, theirs = peers.backtesting_py(1, Path(folder) / "entries.npy")
        slow.append(seconds)
        report.compare(f"entries = {len(ours):,}, each with its time and side (backtesting.py)", *same(ours, theirs))
    else:
        report.compare(
            f"entries = {len(ours):,}, each with its time and side (recorded list of backtesting.py 0.6.6)",
            (len(ours), w2_bars.fingerprint(ours)),
            (w2_bars.ENTRIES, w2_bars.ENTRIES_SHA256),
        )
    mine, fast = [], []
    for _ in range(rounds):
        if peers.python_of("vbt") is not None:
            fast.append(peers.vectorbt(3)[0])
        mine += w2_bars.cpu_seconds(tape, 5)[0]
    if slow:
        report.ratio("w2_backtesting", "bars, backtesting.py", rows, mine, slow, 600)
    if fast:
        report.ratio("w2_vectorbt", "bars, vectorbt", rows, mine, fast, 25)
    if not slow and not fast:
        report.alone("w2", "bars", rows, mine)


def imports(report: Report, rounds: int) -> None:
    """W5: how long `import quintet` keeps a process waiting, beside hftbacktest's import; median of nine, in turn."""
    report.goal = "import"
    print("W5 import, a new process each time")
    ours, theirs, bare = [], [], []
    found = peers.python_of("hbt")
    for _ in range(IMPORTS):
        ours.append(peers.import_seconds(Path(sys.executable), "quintet"))
        bare.append(peers.import_seconds(Path(sys.executable), "sys"))
        if found is not None:
            theirs.append(peers.import_seconds(found, "hftbacktest"))
    mine, empty = statistics.median(ours), statistics.median(bare)
    figures = {"ours": mine, "bare": empty}
    said = f"import quintet: {mine * 1e3:.0f} ms in a process that lives {empty * 1e3:.0f} ms without it"
    if theirs:
        other = statistics.median(theirs)
        figures |= {"theirs": other, "ratio": other / mine, "goal": 4}
        said += f"; import hftbacktest: {other * 1e3:.0f} ms, {other / mine:.1f} times as long (goal 4)"
    report.figures["w5_import"] = figures
    print(f"  {said}")


def same(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> tuple[str, str]:
    """Both lists as what a reader wants to see: equal text when equal, else the first difference."""
    if np.array_equal(ours, theirs):
        return w2_bars.fingerprint(ours), w2_bars.fingerprint(theirs)
    shorter = min(len(ours), len(theirs))
    where = np.flatnonzero((ours[:shorter] != theirs[:shorter]).any(axis=1))
    first = int(where[0]) if len(where) else shorter
    return tuple(f"{len(x):,} entries, number {first}: {x[first : first + 1].tolist()}" for x in (ours, theirs))  # type: ignore[return-value]


COMPARED_ROWS = 20_000
SEEDS_FORGOTTEN = 2_000
"""Bars compared with the peers that are Python, and those at the beginning where seeds differ."""


def indicators(report: Report, rounds: int) -> None:
    """W3: lines equal to each peer's, three uses with equal bits; then one pass over columns, and bar by bar."""
    report.goal = "G4"
    print("W3 indicators, 1,000,000 bars in one pass; 200,000 bar by bar, ours one call a bar for the whole set")
    fed = w3_indicators.columns()
    lines_of_peers(report, fed)
    lines_three_ways(report)
    indicators_in_one_pass(report, fed, rounds)
    indicators_bar_by_bar(report, rounds)


def lines_of_peers(report: Report, fed: w3_indicators.Columns) -> None:
    """Within 1e-9 of every peer that is at hand, relative to the larger value, once seeds are forgotten."""
    few = {name: column[:COMPARED_ROWS] for name, column in fed.items()}
    for peer, ours in w3_indicators.LINES_OF_PEERS.items():
        if peers.python_of(peer) is None:
            print(f"  skipped lines of {peers.PACKAGES[peer]}")
            continue
        bars = fed if peer == "talib" else few
        theirs = peers.indicator_lines(peer, len(bars["close"]))
        mine = ours(bars)
        for name, line in theirs.items():
            apart = w3_indicators.apart(mine[name][SEEDS_FORGOTTEN:], line[SEEDS_FORGOTTEN:])
            what = (
                f"{name}: {len(line) - SEEDS_FORGOTTEN:,} values of {peers.PACKAGES[peer]}, at most {apart:.1e} apart"
            )
            report.compare(what, apart <= 1e-9, True)


def lines_three_ways(report: Report) -> None:
    """One call a bar, one pass over columns, and a state that went through bytes half-way: equal bits."""
    few = w3_indicators.columns(COMPARED_ROWS)
    for peer, chosen in w3_indicators.STREAM_SETS.items():
        one_by_one = w3_indicators.streamed(chosen, few)
        resumed = w3_indicators.streamed(chosen, few, cut=COMPARED_ROWS // 2 + 1)
        at_once = {name: w3_indicators.lines_as_in(peer, name, few) for name in chosen.lines}
        for what, other in (("one pass", at_once), ("restored half-way", resumed)):
            same_bits = all(one_by_one[name].tobytes() == other[name].tobytes() for name in chosen.lines)
            report.compare(f"{len(chosen.lines)} lines bar by bar and {what}: every bit", same_bits, True)
    drawn = w3_indicators.batch(few, w3_indicators.empty_lines(few))
    alone = {name: w3_indicators.lines_as_in("talib", name, few) for name in drawn}
    same_bits = all(drawn[name].tobytes() == alone[name].tobytes() for name in drawn)
    report.compare(f"{len(drawn)} lines in one pass and each alone: every bit", same_bits, True)


def indicators_in_one_pass(report: Report, fed: w3_indicators.Columns, rounds: int) -> None:
    """Values a CPU second of TA-Lib's eight: into lines that we hand in, and with lines allocated as TA-Lib's are."""
    rows, values = len(fed["close"]), len(fed["close"]) * len(w3_indicators.BATCH_LINES)
    mine: list[float] = []
    allocating: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        mine += w3_indicators.batch_cpu_seconds(fed, 5)
        allocating += w3_indicators.allocating_cpu_seconds(fed, 3)
        if peers.python_of("talib") is not None:
            theirs.append(peers.indicator_seconds("talib", 5)[0] * rows)
    ways = (("w3_talib", "values in one pass", mine), ("w3_talib_allocating", "the same into new memory", allocating))
    for name, what, ours in ways:
        if theirs:
            report.ratio(name, f"{what}, {peers.PACKAGES['talib']}", values, ours, theirs, 1)
        else:
            report.alone(name, what, values, ours)


def indicators_bar_by_bar(report: Report, rounds: int) -> None:
    """Values a CPU second of the peers' sets: their objects one after the other, ours one call for the set."""
    few = w3_indicators.columns(STREAMED_ROWS)
    for peer, chosen in w3_indicators.STREAM_SETS.items():
        values = STREAMED_ROWS * len(chosen.lines)
        mine: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            mine += w3_indicators.stream_cpu_seconds(chosen, few, 2)
            if peers.python_of(peer) is not None:
                seconds, counted = peers.indicator_seconds(peer, 1)
                assert counted == len(chosen.lines), (peer, counted)
                theirs.append(seconds * STREAMED_ROWS)
        if theirs:
            goal = {"talipp": 50, "nautilus": 20}[peer]
            part = {"talipp": "ratio", "nautilus": "nautilus"}[peer]
            report.ratio(f"w3_{peer}", f"values bar by bar, {peers.PACKAGES[peer]}", values, mine, theirs, goal, part)
        else:
            report.alone(f"w3_{peer}", f"values bar by bar, the set of {peer}", values, mine)


STREAMED_ROWS = 200_000


PEER_COLUMNS = 100
"""Pairs that vectorbt works on at a time: its fastest, at the price of memory."""

W4_BEST = -0.259535
"""vectorbt 1.2.0: the best return of all thousand pairs. The reference without a peer."""


def sweeps(report: Report, rounds: int) -> None:
    """W4: the return of every pair to six decimals, then speed and memory; each pair is an ordinary backtest."""
    report.goal = "G3"
    print("W4 sweep of 1,000 pairs of averages, 100,000 bars")
    bars, chosen = data.bars(w4_sweep.BARS), w4_sweep.sets()
    tape = w4_sweep.tape_of(bars)
    w4_sweep.measure(tape, chosen[:1])
    mine, theirs, peak_mib = [], [], 0.0
    for _ in range(rounds):
        ours = w4_sweep.Measured(**tick_goals.json_of(tick_goals.own_process("w4_sweep")))
        mine.append(ours.seconds)
        if peers.python_of("vbt") is not None:
            seconds, peak_mib, returns = peers.vectorbt_returns(1, PEER_COLUMNS)
            theirs += seconds
    engine = w4_sweep.engine_seconds(tape, chosen[::10]) * 10.0
    if not theirs:
        report.compare("best return, to six decimals (recorded)", round(max(ours.returns), 6), W4_BEST)
        report.alone("w4", "sets times bars", len(chosen) * w4_sweep.BARS, mine)
        return
    apart = np.abs(np.array(ours.returns) - returns) > 5e-7
    tied = w4_sweep.ties(bars, chosen)
    what = f"{int((~tied).sum())} sets whose averages are never equal: return to six decimals (vectorbt)"
    report.compare(what, int((apart & ~tied).sum()), 0)
    print(f"  apart   {int((apart & tied).sum())} of {int(tied.sum())} sets with an exact tie of their averages")
    report.compare("memory at most a tenth of the peer's", ours.peak_mib <= peak_mib / 10.0, True)
    print(f"          {ours.peak_mib:,.0f} MiB against {peak_mib:,.0f} MiB")
    cells = len(chosen) * w4_sweep.BARS
    report.ratio("w4", "sets times bars, vectorbt", cells, mine, theirs, 100, "ratio")
    report.ratio("w4_engine", "the loop alone, without marks of equity", cells, [engine], theirs, 100, "loop_alone")
    report.keep(peak_mib=ours.peak_mib, peer_peak_mib=peak_mib)


WORKLOADS = {
    "w1": ticks, "w1_sets": tick_goals.sets, "w1_start": tick_goals.first_run, "w1_plain": tick_goals.plain,
    "tape": tick_goals.tape_read, "w2": bars, "w3": indicators, "w4": sweeps, "import": imports,
    "latency": latency.latency,
}  # fmt: skip


def main() -> int:
    """The exit code: 1 when a result differs, else 0, also where the data cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="the hot paths against their peers")
    parser.add_argument("--peers", action="store_true", help="fetch the peers that are missing")
    parser.add_argument("--rounds", type=int, default=3, help="how often the peers and we are measured in turn")
    parser.add_argument("--only", choices=sorted(WORKLOADS))
    asked = parser.parse_args()
    chosen = {name: run for name, run in WORKLOADS.items() if asked.only in (None, name)}
    needing = [name for name in chosen if name not in ("import", "latency")]
    if needing and data.folder() is None:
        print(f"skipped: {', '.join(needing)}; their data need {data.SCRIPTS}, which is not here")
        chosen = {name: run for name, run in chosen.items() if name not in needing}
    if asked.peers:
        peers.install()
    missing = [package for peer, package in peers.PACKAGES.items() if peers.python_of(peer) is None]
    if missing:
        print(f"no {', '.join(missing)} in {peers.root()}: compared with recorded results (--peers fetches them)")
    report = Report()
    for run in chosen.values():
        run(report, asked.rounds)
    print("Goals, ratios of CPU seconds", *goals.table(report.found), sep="\n")
    print(f"  kept in {goals.save(report.found)}")
    print(json.dumps({"checks": report.checks, "differences": report.differences, **report.figures}))
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
