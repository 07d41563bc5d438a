"""An hour side by side: structure_mm on an exchange with faults on, both real processes, both killed, then compared.

python -m tools.storm.hour [--minutes 60] [--seed 1] [--folder DIR]

Which faults strike when, and when who is killed, is drawn from the seed; what the processes make of it is theirs. At
the end all faults are off, the desk is told to stop, `quintet verify parity` has to find every decision equal, and the
checker of the storm reads the exchange's history and the tape.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from quintet.sandbox.faults import Fault
from tools.storm import processes
from tools.storm.checker import broken_laws
from tools.storm.evidence import Evidence
from tools.storm.outcome import Outcome
from tools.storm.processes import Life, Venue

SYSTEM: Final = "structure_mm"
BARS: Final = "1s"
EAGER: Final = (
    "atr_n=10", "atr_slow_n=24", "pivot_left=1", "pivot_right=1", "swing_min_atr=0.5", "leg_min_atr=0.5",
    "arm_on_choch=true", "gap_bars=2", "payable_steps=0", "turnover_frac=1", "v_shock=100", "cooldown_bars=1",
    "edge_bp=0", "as_prior_bp=0", "mm_ttl_bars=12", "exit_ttl_bars=2", "day_defensive=0.2", "day_loss=0.4",
    "drawdown_kill=0.9", "exit_cap_bp=30",
)  # fmt: skip
"""So that it trades many times in an hour of a calm market; as it is delivered it waits for days.

An exit gives way by less than the half percent beyond which the venue takes no price.
"""

DESK_DEATHS: Final = 3
EXCHANGE_DEATHS: Final = 2
FAULT_EVERY_S: Final = 20.0
FAULT_MAX_S: Final = 8.0
QUIET_S: Final = 45.0
"""With all faults off: what is unknown has half a minute to be known, and then a look is taken."""

ORDERS: Final = "/v5/order/*"
FAULTS: Final = (
    Fault(kind="disconnect", count=1),
    Fault(kind="half_open", where="execution*", count=1),
    Fault(kind="drop", where="order*", chance=0.5),
    Fault(kind="drop", where="execution*", chance=0.5),
    Fault(kind="duplicate", where="execution*"),
    Fault(kind="reorder", where="*", chance=0.2),
    Fault(kind="delay", where="order*", delay_ms=3_000),
    Fault(kind="truncate", where="publicTrade*", chance=0.2),
    Fault(kind="sequence_gap", where="orderbook*", chance=0.3),
    Fault(kind="stale_book", where="orderbook*"),
    Fault(kind="lose_request", where=ORDERS, chance=0.7),
    Fault(kind="lose_answer", where=ORDERS, chance=0.7),
    Fault(kind="repeat_request", where=ORDERS, chance=0.7),
    Fault(kind="slow_request", where=ORDERS, chance=0.7, delay_ms=700),
    Fault(kind="slow_answer", where=ORDERS, chance=0.7, delay_ms=2_000),
    Fault(kind="too_many_requests", where="/v5/*", chance=0.7),
    Fault(kind="rate_limited", where=ORDERS, chance=0.7),
    Fault(kind="server_error", where="/v5/*", chance=0.7),
    Fault(kind="internal_error", where=ORDERS, chance=0.7),
    Fault(kind="maintenance", where="/v5/*"),
    Fault(kind="truncate_answer", where="/v5/*", chance=0.7),
    Fault(kind="partial_fill_on_cancel", where="/v5/order/cancel"),
    Fault(kind="restart"),
    Fault(kind="clock_skew", value="700"),
    Fault(kind="clock_skew", value="-700"),
)

DUE_ALARMS: Final = (
    "nothing was heard of the market",
    "nothing was heard of the account",
    "account: the account cannot be asked: the venue's time is not",
)
"""A person is told of lines that are gone and of a venue whose clock jumps, and here they are and it does."""


class Deed(NamedTuple):
    """What is done to the two at a moment: a fault, or somebody's death."""

    at_s: float
    what: Fault | str


def deeds(seed: int, seconds: float) -> list[Deed]:
    """The whole of it, in order."""
    dice = random.Random(seed)
    found = []
    at_s = dice.uniform(0.0, FAULT_EVERY_S)
    while at_s < seconds:
        lasts_s = dice.uniform(1.0, FAULT_MAX_S)
        found.append(Deed(at_s, msgspec.structs.replace(dice.choice(FAULTS), until_s=lasts_s)))
        at_s += dice.uniform(0.5, 1.5) * FAULT_EVERY_S
    dying = ["desk"] * DESK_DEATHS + ["exchange"] * EXCHANGE_DEATHS
    found += [Deed(dice.uniform(0.05, 0.95) * seconds, who) for who in dying]
    return sorted(found, key=lambda deed: deed.at_s)


class Pair:
    """A desk and an exchange, each a process in a folder of its own."""

    def __init__(self, folder: Path, seed: int, stack: ExitStack) -> None:
        self._folder, self._seed, self._stack = folder, seed, stack
        self.lives: list[Life] = []
        self.venue = self._opened(0)
        self.live()

    def _opened(self, port: int) -> Venue:
        words = ("--folder", str(self._folder / "exchange"))
        return self._stack.enter_context(processes.a_sandbox(self._folder, self._seed, *words, port=port))

    def live(self) -> None:
        """The desk comes to life, or comes back."""
        sets = processes.settings("execution.initial_quote=10000", *(f"system.{SYSTEM}.{one}" for one in EAGER))
        self.lives.append(
            processes.come_to_life(self._folder, self.venue.said, SYSTEM, "--interval", BARS, "--all", *sets)
        )

    def do(self, what: Fault | str) -> None:
        """A fault, or a death and what follows it; raises RuntimeError for a desk that has ended by itself."""
        if self.lives[-1].process.poll() is not None:
            raise RuntimeError(f"the desk ended: {self.lives[-1].words()}")
        if isinstance(what, Fault):
            self._tell("fault", msgspec.json.encode(what))
        elif what == "desk":
            self._kill(self.lives[-1].process)
            self.live()
        else:
            self._kill(self.venue.process)
            self.venue = self._opened(int(self.venue.rest.rpartition(":")[2]))

    def calm(self) -> None:
        """Nothing is wrong any more."""
        self._tell("calm", b"")

    @staticmethod
    def _kill(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()

    def _tell(self, path: str, body: bytes) -> None:
        with urllib.request.urlopen(f"{self.venue.rest}/sandbox/{path}", data=body) as answer:
            answer.read()

    def evidence(self, settled: tuple[bytes, Any], calm_ms: int) -> Evidence:
        """What both have left behind."""
        coins = {"USDT": str(processes.SANDBOX_USDT)}
        tape, history = self.look()
        return Evidence(tape, history, *settled, coins, [], calm_ms, [(0, calm_ms)], lives=len(self.lives))

    def look(self) -> tuple[bytes, Any]:
        """Tape and history as they are now."""
        return processes.tape_of(self._folder), processes.history_of(self.venue.rest)


def side_by_side(seed: int, seconds: float, outcome: Outcome, folder: Path) -> None:
    """So many seconds of it."""
    with ExitStack() as stack:
        pair = Pair(folder, seed, stack)
        began_s = time.monotonic()
        for deed in deeds(seed, seconds):
            time.sleep(max(0.0, began_s + deed.at_s - time.monotonic()))
            outcome.count(deed.what if isinstance(deed.what, str) else deed.what.kind)
            pair.do(deed.what)
        time.sleep(max(0.0, began_s + seconds - time.monotonic()))
        pair.calm()
        calm_ms = time.time_ns() // 1_000_000
        time.sleep(QUIET_S)
        settled = pair.look()
        last = pair.lives[-1]
        last.process.terminate()
        last.process.wait(timeout=180)
        evidence = pair.evidence(settled, calm_ms)
    outcome.stories += 1
    outcome.find("end", _ended_badly(last))
    outcome.find("alarm", _alarms(pair.lives))
    outcome.find("parity", _parity(folder, outcome))
    outcome.count("orders", len(evidence.history["orders"]))
    outcome.count("fills", sum(len(one["executions"]) for one in evidence.history["accounts"]))
    outcome.find("law", broken_laws(evidence))


def _ended_badly(last: Life) -> list[str]:
    """An alarm makes its exit code 1; alarms are looked at by themselves."""
    said = last.said()
    ended = said[-1] if said else {"kind": ""}
    if ended["kind"] != "end" or ended["still_open"] or last.process.returncode not in (0, 1):
        return [last.words()]
    return []


def _alarms(lives: list[Life]) -> list[str]:
    said = [line for life in lives for line in life.said() if line["kind"] == "alarm"]
    return [f"{line['time']} {line['text']}" for line in said if not line["text"].startswith(DUE_ALARMS)]


def _parity(folder: Path, outcome: Outcome) -> list[str]:
    """Every decision of all lives, once more."""
    command = [*processes.CLI, "verify", "parity", "sandbox-main", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=processes.environment(folder))
    if not done.stdout.startswith("{"):
        return [f"exit {done.returncode}: {done.stderr[-500:]}"]
    told = json.loads(done.stdout)
    outcome.count("events", told["events"])
    outcome.count("commands", told["commands"])
    return [f"{one['name']}: {one['detail']}" for one in told["checks"] if one["ok"] is not True]


def main() -> int:
    """The exit code is 1 when anything was found; the folder is kept then."""
    parser = argparse.ArgumentParser(prog="python -m tools.storm.hour", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="an empty one; else a new one")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="quintet-hour-"))
    outcome = Outcome("hour", asked.seed)
    side_by_side(asked.seed, 60 * asked.minutes, outcome, folder)
    print(f"{asked.minutes:g} minutes in {folder}: " + ", ".join(f"{n:g} {what}" for what, n in outcome.counts.items()))
    for finding in outcome.findings:
        print(f"    {finding}")
    print("every decision is the same, and no law is broken" if not outcome.findings else "NOT well")
    return int(bool(outcome.findings))


if __name__ == "__main__":
    sys.exit(main())
