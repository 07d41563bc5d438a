"""Kinds of stories: each makes a plan from a seed and nothing else."""

import random
from collections.abc import Callable
from typing import Any, Final

from quintet.sandbox.faults import Fault
from tools.storm.faults import FAULTS, MOMENTS, ORDERS, PRIVATE, Strikes, provoke_unknowns, seeded_strikes
from tools.storm.story import Plan, Story

LATE_MS: Final = 900
"""Within the receive window: a request that is so late is still taken."""

MIXED_BUSY_S: Final = 60.0
POINTS: Final = 160
"""A life passes more points at which it can end than this; see `Story.point`."""

SCENARIO_BUSY_S: Final = 3.0
SCENARIO_FAULTS: Final = ("", *FAULTS, "brake")
"""What goes wrong in each of the 20 scenarios besides the death."""


def calm(seed: int) -> Plan:
    """Nothing is wrong."""
    return Plan(seed)


def long(seed: int) -> Plan:
    """Nothing is wrong, and there is much of it."""
    return Plan(seed, busy_s=30.0, player="busy")


def hours(seed: int, count: int, look: Callable[[Story], None]) -> Plan:
    """A quiet market for so many hours; `look` is called when it begins."""

    def prepare(story: Story) -> None:
        story.market.step_s = 1.0
        story.loop.call_soon(look, story)

    return Plan(seed, busy_s=count * 3_600.0, prepare=prepare, checkpoint_every=20_000)


def alone(seed: int, fault: str, moment: str) -> Plan:
    """One fault, at one moment of an order's life."""
    nth = 1 if moment in ("unknown", "partly filled") else 1 + seed % 4
    return Plan(seed, sees=Strikes((fault, moment, nth)), prepare=_prepared(moment == "unknown"))


def pair(seed: int) -> Plan:
    """Two faults at moments that the seed draws."""
    return Plan(seed, sees=seeded_strikes(seed, 2), prepare=_prepared(seed % 3 == 0))


def mixed(seed: int) -> Plan:
    """A bad minute: every fault may begin at any moment, and the desk may die."""
    dice = random.Random(seed)
    rates = {name: dice.uniform(0.0, 0.01) for name in FAULTS}
    deaths = tuple(dice.randint(200, 3_000) for _ in range(dice.randint(0, 2)))

    def sees(story: Story, moment: str) -> None:
        for name, rate in rates.items():
            if story.loop.time() < MIXED_BUSY_S and story.dice.random() < rate:
                story.strike(FAULTS[name])

    return Plan(seed, busy_s=MIXED_BUSY_S, sees=sees, dies_at=deaths, player="busy", checkpoint_every=400)


def timeouts(seed: int) -> Plan:
    """Answers get lost."""
    fault = Fault(kind="lose_answer", where=ORDERS, from_s=1.0, until_s=5.0, chance=0.5)
    return Plan(seed, prepare=_with(fault))


def late(seed: int) -> Plan:
    """The line breaks under each request, which arrives later all the same."""

    def begin(story: Story) -> None:
        story.lines.late_s = LATE_MS / 1_000
        _by_rest(story)

    return Plan(seed, prepare=_soon(begin, 6.0))


def repeats(seed: int) -> Plan:
    """Requests arrive twice."""
    return Plan(seed, prepare=_with(Fault(kind="repeat_request", where="/v5/order/create", until_s=5.0, chance=0.5)))


def errors(seed: int) -> Plan:
    """What was done is called an error of the server."""

    def begin(story: Story) -> None:
        story.sandbox.faults.add(Fault(kind="internal_error", where=ORDERS, until_s=5.0, chance=0.5), 0.0)
        _by_rest(story)

    return Plan(seed, prepare=_soon(begin, 6.0))


def duplicates(seed: int) -> Plan:
    """Private frames come twice."""
    return Plan(seed, prepare=_with(*(Fault(kind="duplicate", where=topic, until_s=6.0) for topic in PRIVATE)))


def drops(seed: int) -> Plan:
    """Private frames get lost, and then the line."""
    lost = [Fault(kind="drop", where=topic, from_s=1.0, until_s=5.0, chance=0.6) for topic in PRIVATE]
    return Plan(seed, prepare=_with(*lost, Fault(kind="disconnect", where="order", from_s=5.0, until_s=6.0)))


def restarts(seed: int) -> Plan:
    """The venue is gone for two seconds, and its orders with it."""
    return Plan(seed, sees=Strikes(("venue_restart", "accepted", 3 + seed % 4)))


def stale(seed: int) -> Plan:
    """The book stands still."""
    return Plan(seed, sees=Strikes(("stale_book", "accepted", 2)))


def brakes(seed: int) -> Plan:
    """The kill switch is pulled in the middle."""

    def prepare(story: Story) -> None:
        story.loop.call_later(2.0 + seed % 10 / 7, story.pull_brake, 6.0)

    return Plan(seed, busy_s=9.0, prepare=prepare)


def quiet(seed: int) -> Plan:
    """The kill switch is pulled for a long time, in which nothing moves."""

    def prepare(story: Story) -> None:
        story.loop.call_later(2.0 + seed % 10 / 7, story.pull_brake, 40.0)

    return Plan(seed, busy_s=45.0, prepare=prepare)


def braked_in_a_queue(seed: int) -> Plan:
    """The kill switch is pulled while orders wait for their turn at the venue's limits."""

    def begin(story: Story) -> None:
        full = Fault(kind="rate_limited", where="/v5/order/create", until_s=4.0, chance=0.7, delay_ms=400)
        story.sandbox.faults.add(full, 0.0)
        _by_rest(story)
        story.loop.call_later(1.0 + seed % 10 / 7, story.pull_brake, 6.0)

    return Plan(seed, busy_s=9.0, prepare=_soon(begin, 6.0))


def deaths(seed: int) -> Plan:
    """Killed at some point, and perhaps again while it comes back."""
    dice = random.Random(seed)
    first = dice.randint(20, POINTS)
    again = (dice.randint(0, 40),) if dice.random() < 0.5 else ()
    return Plan(seed, dies_at=(first, *again), checkpoint_every=dice.choice((0, 60, 150)))


def deaths_among_faults(seed: int) -> Plan:
    """Killed while a fault lasts."""
    plan = deaths(seed)
    plan.sees = seeded_strikes(seed, 1)
    return plan


def scenario(seed: int) -> Plan:
    """A short story to die in, each with another fault that lasts."""
    name = SCENARIO_FAULTS[seed % len(SCENARIO_FAULTS)]
    plan = Plan(seed, busy_s=SCENARIO_BUSY_S, checkpoint_every=70)
    if name == "brake":
        plan.prepare = _brake_soon
    elif name:
        plan.sees = Strikes((name, "accepted", 2))
    return plan


def torn(seed: int) -> Plan:
    """Dead between a decision and its record, and once more later: the tape has to be one that can be lived again."""
    return Plan(seed, dies_named=("before a command is written", 2 + seed % 12), dies_at=(-1, 60))


def power(seed: int) -> Plan:
    """The power fails: what was not synced is gone, or half of it."""
    plan = deaths(seed)
    plan.power = random.Random(seed * 3).choice((0.0, 0.0, 0.5, 0.97))
    return plan


def bad_disk(seed: int) -> Plan:
    """The disk is full, does not write, or does not sync; then it is another one."""
    dice = random.Random(seed)
    what = dice.choice(("full", "broken_writes", "broken_syncs"))

    def breaks(story: Story) -> None:
        setattr(story.disk, what, True)

    def prepare(story: Story) -> None:
        story.loop.call_later(dice.uniform(0.5, 5.0), breaks, story)

    return Plan(seed, prepare=prepare, lives_again=True)


STORIES: Final[dict[str, Callable[[int], Plan]]] = {
    kind.__name__: kind
    for kind in (
        calm, quiet, torn, pair, mixed, timeouts, late, repeats, errors, duplicates, drops, restarts, stale, brakes,
        braked_in_a_queue, deaths, deaths_among_faults, power, bad_disk,
    )
}  # fmt: skip


def _by_rest(story: Story) -> None:
    """The trade socket is shut: orders go over REST."""
    story.lines.trades_by_rest = True
    story.lines.cut()


def _soon(begin: Callable[[Story], None], seconds: float) -> Callable[[Story], None]:
    """When the desk has come to life, and for so long."""

    def prepare(story: Story) -> None:
        story.loop.call_later(1.0, begin, story)
        story.shake(seconds)

    return prepare


def _brake_soon(story: Story) -> None:
    story.loop.call_later(1.5, story.pull_brake, 4.0)


def _prepared(unknowns: bool) -> Callable[[Story], None]:
    return provoke_unknowns if unknowns else lambda story: None


def _with(*faults: Fault) -> Callable[[Story], Any]:
    def prepare(story: Story) -> None:
        for fault in faults:
            story.sandbox.faults.add(fault, 0.0)
        story.shake(max(fault.until_s for fault in faults))

    return prepare


__all__ = ["MOMENTS", "STORIES", "alone"]
