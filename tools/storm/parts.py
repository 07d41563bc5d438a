"""The parts of the storm: what each does with a seed, and how many seeds the whole of it has."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from tools.storm import damage, lapse_laws, lapse_scripts, plans, processes
from tools.storm.bugs import BUGS, planted
from tools.storm.checker import broken_laws
from tools.storm.evidence import Evidence
from tools.storm.faults import FAULTS, LINEAR_FAULTS, MOMENTS, Trouble
from tools.storm.outcome import Outcome
from tools.storm.story import Category, Plan, tell_story
from tools.storm.time_lapse import Script, tell_lapse
from tools.storm.witness import TornTape

IN_MEMORY: Final = Path("/dev/shm")
AGAIN_EVERY: Final = 10
"""Each so many seeds a story is told twice: the bytes must be the same."""

STORIES_OF_A_BUG: Final = 12
POINTS_OF_A_DOUBLE: Final = 6
PORTFOLIO_POINTS: Final = 3_100
PORTFOLIO_STRIDE: Final = 50
"""A seed dies at every so many-th of the points, from its own number on."""


class Part(NamedTuple):
    """`seeds`: of the whole storm. `ids`: of the test plan."""

    ids: str
    what: str
    seeds: int
    run: Callable[[int, Outcome], None]


@contextmanager
def a_folder() -> Iterator[Path]:
    """An empty folder, in memory where there is one."""
    with tempfile.TemporaryDirectory(prefix="storm-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as name:
        yield Path(name)


def told(plan: Plan) -> Evidence:
    """The evidence of a story."""
    with a_folder() as folder:
        return tell_story(plan, folder / "desk")


def judged(plan: Plan, what: str, outcome: Outcome) -> Evidence:
    """Tell a story, and note every law that was broken in it."""
    evidence = told(plan)
    outcome.stories += 1
    outcome.count("orders", len(evidence.history["orders"]))
    outcome.count("virtual s", round(evidence.seconds))
    outcome.count("deaths", evidence.lives - 1)
    outcome.find(what, broken_laws(evidence))
    return evidence


def _kind(name: str) -> Callable[[int, Outcome], None]:
    def run(seed: int, outcome: Outcome) -> None:
        evidence = judged(plans.STORIES[name](seed), f"{name} {seed}", outcome)
        if seed % AGAIN_EVERY == 0:
            again = told(plans.STORIES[name](seed))
            outcome.stories += 1
            if again.digest != evidence.digest:
                outcome.find(f"{name} {seed}", [f"told again it is another story: {evidence.digest}, {again.digest}"])

    return run


def _every_fault(faults: Mapping[str, Trouble], category: Category) -> Callable[[int, Outcome], None]:
    """Each of the faults at each of the 7 moments."""

    def run(seed: int, outcome: Outcome) -> None:
        for fault in faults:
            for moment in MOMENTS:
                plan = plans.alone(seed, fault, moment, category)
                judged(plan, f"{category}: {fault} at {moment}, seed {seed}", outcome)
                outcome.count("struck", int(getattr(plan.sees, "struck", 0)))

    return run


def every_boundary(seed: int, outcome: Outcome) -> None:
    """A death at every point of a scenario's life: each write, sync, message, answer and checkpoint."""
    scenario = plans.scenario(seed)
    scenario.watch_points = True
    points = judged(scenario, f"scenario {seed}", outcome).passed
    for number, point in enumerate(points):
        plan = plans.scenario(seed)
        plan.dies_at = (number,)
        judged(plan, f"scenario {seed}, dead at {number} ({point})", outcome)
        outcome.count(point.partition(": ")[2])


def double_deaths(seed: int, outcome: Outcome) -> None:
    """A death, and others while it comes back."""
    dice = random.Random(seed)
    first = dice.randint(20, plans.POINTS)
    for _ in range(POINTS_OF_A_DOUBLE):
        again = tuple(dice.randint(0, 30) for _ in range(dice.randint(1, 2)))
        plan = plans.scenario(seed % 20)
        plan.dies_at = (first, *again)
        judged(plan, f"scenario {seed % 20}, dead at {plan.dies_at}", outcome)


def planted_bugs(seed: int, outcome: Outcome) -> None:
    """One of the bugs: it has to be found."""
    name = sorted(BUGS)[seed]
    bug = BUGS[name]
    for number in range(STORIES_OF_A_BUG):
        kind = bug.stories[number % len(bug.stories)]
        plan = plans.STORIES[kind](number)
        outcome.stories += 1
        with planted(bug):
            try:
                found = broken_laws(told(plan))
            except TornTape as torn:
                found = [f"the tape is torn: {torn}"]
        if found:
            outcome.counts[f"{name}|{bug.what}|{kind} {number}: {found[0]}"] = 1
            return
    outcome.find(name, [f"not found in {STORIES_OF_A_BUG} stories"])


def portfolio(seed: int, outcome: Outcome) -> None:
    """A quarter and a year of five sub-accounts in time-lapse, with all that happens in them."""
    script = (lapse_scripts.quarter, lapse_scripts.year)[seed]()
    _lapse(script, f"{script.days} days", outcome)


def portfolio_deaths(seed: int, outcome: Outcome) -> None:
    """Dead at points of five days, some twice, some by a power loss."""
    dice = random.Random(seed)
    for first in range(seed, PORTFOLIO_POINTS, PORTFOLIO_STRIDE):
        dies_at = (first, dice.randrange(400)) if dice.random() < 0.4 else (first,)
        power = dice.random() if dice.random() < 0.5 else None
        script = replace(lapse_scripts.calm(5), dies_at=dies_at, power=power)
        _lapse(script, f"dead at {dies_at}, power {power}", outcome)


def _lapse(script: Script, what: str, outcome: Outcome) -> None:
    with a_folder() as folder:
        lapse = tell_lapse(script, folder / "portfolio")
        outcome.stories += 1
        outcome.count("days", script.days)
        outcome.count("deaths", lapse.life)
        outcome.count("struck", lapse.struck)
        outcome.find(what, lapse_laws.broken_laws(lapse))


PARTS: Final[dict[str, Part]] = {
    "faults": Part("R6", "each of 18 faults at each of 7 states of an order", 5, _every_fault(FAULTS, "spot")),
    "pairs": Part("R6", "two faults together", 500, _kind("pair")),
    "mixed": Part("R7", "a bad minute: everything may happen, death too", 100, _kind("mixed")),
    "boundaries": Part("R4", "dead at every point of 20 scenarios", 20, every_boundary),
    "double": Part("R4", "dead again while coming back", 40, double_deaths),
    "deaths": Part("R4", "dead at a random point, with checkpoints", 100, _kind("deaths")),
    "faulty-deaths": Part("R4, R6", "dead while a fault lasts", 100, _kind("deaths_among_faults")),
    "power": Part("R5", "the power fails", 200, _kind("power")),
    "disk": Part("R5", "the disk is full, or errs, or does not sync", 60, _kind("bad_disk")),
    "brake": Part("R6", "the kill switch in the middle, and while orders wait", 40, _kind("braked_in_a_queue")),
    "linear": Part("R6", "a perpetual: two of 20 faults together, a death in a third", 200, _kind("linear")),
    "linear-faults": Part(
        "R6", "a perpetual: each of 20 faults at each of 7 states", 5, _every_fault(LINEAR_FAULTS, "linear")
    ),
    "linear-mixed": Part("R7", "a perpetual: a bad minute, death too", 60, _kind("linear_mixed")),
    "linear-deaths": Part("R4", "a perpetual: dead at a random point, with checkpoints", 60, _kind("linear_deaths")),
    "linear-brake": Part("R6", "a perpetual: the kill switch in the middle", 20, _kind("linear_brakes")),
    "bugs": Part("mutation", "planted bugs that must be found", len(BUGS), planted_bugs),
    "cuts": Part("R1", "a desk tape cut at every byte of its last 64 KiB", 4, damage.cut_everywhere),
    "flips": Part("R2", "bits flipped, sectors zeroed, blocks swapped and repeated", 20, damage.flip_bits),
    "replays": Part("R8", "the same tape lived through again, in other processes", 3, processes.replays),
    "orders": Part("R12", "the order machine of the property tests, more examples", 5, processes.order_machine),
    "decoders": Part("R13", "every decoder fed with what nobody sends", 5, processes.decoders),
    "portfolio": Part("E6", "a quarter and a year of the eternal engine, in time-lapse", 2, portfolio),
    "portfolio-deaths": Part("E6", "its five desks and conductor dead at 62 points", 6, portfolio_deaths),
    "kills": Part("R3", "the real process killed at a random moment", 200, processes.kills),
    "load": Part("R10", "100 orders a second for ten minutes", 1, processes.load),
    "burst": Part("R11", "1,000 orders a second for ten seconds", 1, processes.burst),
    "day": Part("R9", "24 hours of market through the live path", 1, processes.a_day),
}


def run_one(part: str, seed: int) -> Outcome:
    """One seed of one part."""
    outcome = Outcome(part, seed)
    began_s = time.perf_counter()
    try:
        PARTS[part].run(seed, outcome)
    except Exception as error:
        outcome.find(f"{part} {seed}", [f"{type(error).__name__}: {error}"])
    outcome.seconds = round(time.perf_counter() - began_s, 2)
    return outcome
