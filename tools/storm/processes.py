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
from typing import Any, Final

from tools.storm import plans
from tools.storm.checker import broken_laws
from tools.storm.evidence import Evidence
from tools.storm.outcome import Outcome
from tools.storm.story import LIMITS, Story, tell_story

ROOT: Final = Path(__file__).parents[2]
QUINTET: Final = str(Path(sys.executable).with_name("quintet"))
PLAYER: Final = f"{Path(__file__).with_name('player.py')}:Player"
SANDBOX_USDT: Final = 20_000
LAST_LIFE_S: Final = 3
HOUR_S: Final = 3_600
HOURS: Final = 24
SLOPE_MAX_KIB: Final = 1_024
WARM_HOURS: Final = 2
EXAMPLES: Final = 2_000


# ---- kill -9 ----------------------------------------------------------------------------------------------------


@contextmanager
def a_sandbox(folder: Path, seed: int) -> Iterator[dict[str, Any]]:
    """`quintet sandbox` as a process; what it says of itself, and where that stands in a file (`said`)."""
    command = [sys.executable, "-m", "quintet.app.cli", "sandbox", "--port", "0", "--json", "--seed", str(seed),
               "--coins", f"USDT={SANDBOX_USDT}"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment(folder))
    assert process.stdout is not None
    line = process.stdout.readline()
    said = folder / "sandbox.json"
    said.write_text(line)
    try:
        yield {**json.loads(line), "said": said}
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "QUINTET_WORKSPACE": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT))),
    }


def _trade(folder: Path, said: Path, *words: str) -> subprocess.Popen[str]:
    """A desk that has come to life: its first line is read."""
    sets = [word for one in LIMITS for word in ("--set", one)]
    command = [sys.executable, "-m", "quintet.app.cli", "trade", PLAYER, "--world", "sandbox", "--sandbox", str(said),
               "--json", "--recv-window-ms", "1000", "--interval", "1m", *sets, "--set", "system.player.busy=1000",
               *words]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(folder)
    )
    assert process.stdout is not None
    if '"opened"' not in process.stdout.readline():
        assert process.stderr is not None
        raise RuntimeError(process.stderr.read()[-500:])
    return process


def kills(seed: int, outcome: Outcome) -> None:
    """R3: a desk on an exchange, both real processes, is killed at a random moment, comes back, and is stopped."""
    from tools.storm.parts import a_folder

    dice = random.Random(seed)
    with a_folder() as folder, a_sandbox(folder, seed) as sandbox:
        process = _trade(folder, sandbox["said"])
        time.sleep(dice.uniform(0.0, 4.0))
        process.kill()
        process.communicate()
        last = _trade(folder, sandbox["said"], "--for", f"{LAST_LIFE_S}s")
        output, errors = last.communicate(timeout=120)
        outcome.stories += 1
        evidence = _evidence_of(folder, sandbox["rest"])
    end = json.loads(output.splitlines()[-1])
    broken = [] if (last.returncode, end["kind"]) == (0, "end") else [f"exit {last.returncode}: {errors[-300:]}"]
    outcome.count("orders", len(evidence.history["orders"]))
    outcome.find(f"kill {seed}", [*broken, *broken_laws(evidence)])


def _evidence_of(folder: Path, rest: str) -> Evidence:
    tape = (folder / "desks" / "sandbox-main" / "desk.tape").read_bytes()
    with urllib.request.urlopen(f"{rest}/sandbox/history") as answer:
        history = json.load(answer)
    shaken = [(0, 1 << 60)]
    return Evidence(tape, history, tape, history, {"USDT": str(SANDBOX_USDT)}, [], 0, shaken)


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


def _run(words: list[str], **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=ROOT, env=_environment(ROOT) | environment
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
    outcome.count("KiB an hour", round(slope))
    outcome.count("MiB at most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
    if slope > SLOPE_MAX_KIB:
        outcome.find(f"day {seed}", [f"memory grows by {slope:.0f} KiB an hour, {SLOPE_MAX_KIB} allowed"])
    for name, at in (("tasks", 1), ("files", 2)):
        if warm[-1][at] > warm[0][at] + 2:
            outcome.find(f"day {seed}", [f"{name}: {warm[0][at]} at first, {warm[-1][at]} at the end"])


def _resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 10
