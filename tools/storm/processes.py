"""Parts of the storm that need real processes: kills, replays, load, and a day in one."""

import asyncio
import gc
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tools.storm import plans
from tools.storm.checker import broken_laws
from tools.storm.evidence import Evidence
from tools.storm.outcome import Outcome
from tools.storm.story import LIMITS, Story, tell_story

ROOT: Final = Path(__file__).parents[2]
CLI: Final = (sys.executable, "-m", "quintet.app.cli")
PLAYER: Final = f"{Path(__file__).with_name('player.py')}:Player"
SANDBOX_USDT: Final = 20_000
LAST_LIFE_S: Final = 3
HOUR_S: Final = 3_600
HOURS: Final = 24
SLOPE_MAX_KIB: Final = 1_024
WARM_HOURS: Final = 2
EXAMPLES: Final = 2_000


# ---- kill -9 ----------------------------------------------------------------------------------------------------


class Venue(NamedTuple):
    """A `quintet sandbox` as a process: where it is, the file with what it said of itself, and the process."""

    rest: str
    said: Path
    process: subprocess.Popen[str]


@contextmanager
def a_sandbox(folder: Path, seed: int, *words: str, port: int = 0) -> Iterator[Venue]:
    """An exchange that is there until the block ends, or until it is killed."""
    command = [*CLI, "sandbox", "--port", str(port), "--json", "--seed", str(seed),
               "--coins", f"USDT={SANDBOX_USDT}", *words]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(folder))
    assert process.stdout is not None
    line = process.stdout.readline()
    said = folder / "sandbox.json"
    said.write_text(line)
    try:
        yield Venue(json.loads(line)["rest"], said, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def environment(folder: Path) -> dict[str, str]:
    """Of a process of this source whose workspace is the folder."""
    return os.environ | {
        "QUINTET_WORKSPACE": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT))),
    }


class Life(NamedTuple):
    """One life of a `quintet trade` as a process, and the file with all that it has said."""

    process: subprocess.Popen[str]
    output: Path

    def said(self) -> list[dict[str, Any]]:
        """Its lines so far; one that was cut by a death is left out."""
        lines = self.output.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def words(self) -> str:
        """How it ended, and what it said last."""
        return f"exit {self.process.poll()}: {self.output.read_text()[-500:]}"

    def stopped_well(self) -> bool:
        """Did it end as it was told to, with nothing left for a person?"""
        lines = self.said()
        return self.process.returncode == 0 and bool(lines) and lines[-1]["kind"] == "end"


def come_to_life(folder: Path, said: Path, system: str, *words: str) -> Life:
    """A desk that has said its first line; raises RuntimeError when it ends instead."""
    command = [*CLI, "trade", system, "--world", "sandbox", "--sandbox", str(said), "--json",
               "--recv-window-ms", "1000", *words]  # fmt: skip
    output = folder / f"life-{len([*folder.glob('life-*')])}.jsonl"
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, text=True, env=environment(folder))
    life = Life(process, output)
    while not any(line["kind"] == "opened" for line in life.said()):
        if process.poll() is not None:
            raise RuntimeError(life.words())
        time.sleep(0.05)
    return life


def settings(*named: str) -> list[str]:
    """Settings as words of a command line."""
    return [word for one in named for word in ("--set", one)]


def kills(seed: int, outcome: Outcome) -> None:
    """R3: a desk on an exchange, both real processes, is killed at a random moment, comes back, and is stopped."""
    from tools.storm.parts import a_folder

    dice = random.Random(seed)
    words = [PLAYER, "--interval", "1m", *settings(*LIMITS, "system.player.busy=1000")]
    with a_folder() as folder, a_sandbox(folder, seed) as venue:
        first = come_to_life(folder, venue.said, *words)
        time.sleep(dice.uniform(0.0, 4.0))
        first.process.kill()
        first.process.wait()
        last = come_to_life(folder, venue.said, *words, "--for", f"{LAST_LIFE_S}s")
        last.process.wait(timeout=120)
        outcome.stories += 1
        evidence = _evidence_of(folder, venue.rest)
        broken = [] if last.stopped_well() else [last.words()]
    outcome.count("orders", len(evidence.history["orders"]))
    outcome.find(f"kill {seed}", [*broken, *broken_laws(evidence)])


def _evidence_of(folder: Path, rest: str) -> Evidence:
    tape, history = tape_of(folder), history_of(rest)
    shaken = [(0, 1 << 60)]
    return Evidence(tape, history, tape, history, {"USDT": str(SANDBOX_USDT)}, [], 0, shaken)


def tape_of(folder: Path) -> bytes:
    """The desk's tape as it stands on the disk."""
    return (folder / "desks" / "sandbox-main" / "desk.tape").read_bytes()


def history_of(rest: str) -> Any:
    """The exchange's own account of everything."""
    with urllib.request.urlopen(f"{rest}/sandbox/history") as answer:
        return json.load(answer)


# ---- the same again ---------------------------------------------------------------------------------------------


def replays(seed: int, outcome: Outcome) -> None:
    """R8: in other processes, with other hash seeds, the same seed is the same story."""
    from tools.storm.parts import told

    kind = ("calm", "pair", "deaths")[seed % 3]
    here = told(plans.STORIES[kind](seed)).digest
    for hash_seed in ("0", "1", "4711"):
        found = _run(["-m", "tools.storm", "digest", kind, str(seed)], PYTHONHASHSEED=hash_seed).strip()
        outcome.count("replays")
        if found != here:
            outcome.find(f"{kind} {seed}, hash seed {hash_seed}", [f"{found}, expected {here}"])


def _run(words: list[str], **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=ROOT, env=environment(ROOT) | variables
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}: {(done.stdout + done.stderr)[-600:]}")
    return done.stdout


# ---- what tests do, more of it ----------------------------------------------------------------------------------


def order_machine(seed: int, outcome: Outcome) -> None:
    """R12: rules in an order that is drawn, against a model."""
    _property("test_order_machine.py", seed, outcome)


def decoders(seed: int, outcome: Outcome) -> None:
    """R13: bytes that nobody sends into everything that reads bytes."""
    _property("test_hostile_bytes.py", seed, outcome)


def _property(name: str, seed: int, outcome: Outcome) -> None:
    words = ["-m", "pytest", "-q", f"tests/property/{name}", f"--hypothesis-seed={seed}", "-p", "no:cacheprovider"]
    _run(words, STORM_EXAMPLES=str(EXAMPLES))
    outcome.count("examples of each", EXAMPLES)


# ---- much of it -------------------------------------------------------------------------------------------------


def load(seed: int, outcome: Outcome) -> None:
    """R10: 100 orders a second for ten minutes."""
    _run(["-m", "benchmarks.sandbox_load", "--rate", "100", "--seconds", "600"])
    outcome.count("orders", 60_000)


def burst(seed: int, outcome: Outcome) -> None:
    """R11: 1,000 orders a second for ten seconds."""
    _run(["-m", "benchmarks.sandbox_load", "--rate", "1000", "--seconds", "10"])
    outcome.count("orders", 10_000)


def a_day(seed: int, outcome: Outcome) -> None:
    """R9: a day of market through the live path: memory grows no more, nothing is left open."""
    from tools.storm.parts import a_folder

    with a_folder() as folder:
        days(seed, HOURS, outcome, folder)


def days(seed: int, hours: int, outcome: Outcome, folder: Path) -> None:
    """So many hours of it."""
    samples: list[tuple[int, int, int]] = []

    def look(story: Story) -> None:
        gc.collect()
        samples.append((_resident_kib(), len(asyncio.all_tasks()), len([*Path("/proc/self/fd").iterdir()])))
        story.loop.call_later(HOUR_S, look, story)

    evidence = tell_story(plans.hours(seed, hours, look), folder / "desk")
    outcome.stories += 1
    outcome.count("virtual h", hours)
    outcome.count("MiB of tape", len(evidence.tape) >> 20)
    outcome.find(f"day {seed}", broken_laws(evidence))
    warm = samples[WARM_HOURS:]
    if len(warm) < 2:
        return
    slope = (warm[-1][0] - warm[0][0]) / (len(warm) - 1)
    later = warm[len(warm) // 2 :]
    outcome.count("KiB an hour", round(slope))
    outcome.count("KiB an hour in the second half", round((later[-1][0] - later[0][0]) / max(len(later) - 1, 1)))
    outcome.count("MiB at most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
    if slope > SLOPE_MAX_KIB:
        outcome.find(f"day {seed}", [f"memory grows by {slope:.0f} KiB an hour, {SLOPE_MAX_KIB} allowed"])
    for name, at in (("tasks", 1), ("files", 2)):
        if warm[-1][at] > warm[0][at] + 2:
            outcome.find(f"day {seed}", [f"{name}: {warm[0][at]} at first, {warm[-1][at]} at the end"])


def _resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 10
