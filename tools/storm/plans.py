"""Kinds of stories: each makes a plan from a seed and nothing else."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from quintet.sandbox.commands import CancelAll
from quintet.sandbox.faults import Fault
from quintet.sandbox.service import DEFAULT_UID
from tools.storm.faults import (
    FAULTS,
    LINEAR_FAULTS,
    MOMENTS,
    ORDERS,
    PRIVATE,
    Strikes,
    Trouble,
    provoke_unknowns,
    seeded_strikes,
    take_half,
)
from tools.storm.market import SYMBOL
from tools.storm.story import Category, Plan, Story

LATE_MS: Final = 900
"""Within the receive window: a request that is so late is still taken."""

MIXED_BUSY_S: Final = 60.0
POINTS: Final = 160
"""A life passes more points at which it can end than this; see `Story.point`."""

CUTS: Final = 24
RESTS_AT_S: Final = 20.0

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


def alone(seed: int, fault: str, moment: str, category: Category = "spot") -> Plan:
    """One fault, at one moment of an order's life."""
    nth = 1 if moment in ("unknown", "partly filled") else 1 + seed % 4
    strikes = Strikes((fault, moment, nth))
    return Plan(seed, sees=strikes, prepare=_prepared(moment == "unknown"), category=category)


def pair(seed: int) -> Plan:
    """Two faults at moments that the seed draws."""
    return Plan(seed, sees=seeded_strikes(seed, 2), prepare=_prepared(seed % 3 == 0))


def mixed(seed: int, faults: Mapping[str, Trouble] = FAULTS) -> Plan:
    """A bad minute: every fault may begin at any moment, and the desk may die."""
    dice = random.Random(seed)
    rates = {name: dice.uniform(0.0, 0.01) for name in faults}
    deaths = tuple(dice.randint(200, 3_000) for _ in range(dice.randint(0, 2)))

    def sees(story: Story, moment: str) -> None:
        for name, rate in rates.items():
            if story.loop.time() < MIXED_BUSY_S and story.dice.random() < rate:
                story.strike(faults[name])

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


# ---- on a perpetual -----------------------------------------------------------------------------------------------


def linear(seed: int) -> Plan:
    """Two of all twenty faults, and each third time a death."""
    plan = _on_a_perpetual(deaths(seed) if seed % 3 == 2 else Plan(seed))
    plan.sees = seeded_strikes(seed, 2, LINEAR_FAULTS)
    plan.prepare = _prepared(seed % 4 == 0)
    return plan


def linear_calm(seed: int) -> Plan:
    """Nothing is wrong."""
    return _on_a_perpetual(calm(seed))


def linear_mixed(seed: int) -> Plan:
    """A bad minute: all twenty faults, and deaths."""
    return _on_a_perpetual(mixed(seed, LINEAR_FAULTS))


def linear_forced(seed: int) -> Plan:
    """The position is taken by the venue, and funding is far from the usual."""
    strikes = Strikes(("funding_spike", "accepted", 4 + seed % 3), ("liquidation", "accepted", 7 + seed % 3))
    return _on_a_perpetual(Plan(seed, sees=strikes))


def linear_deaths(seed: int) -> Plan:
    """Killed at some point, and perhaps again while it comes back."""
    return _on_a_perpetual(deaths(seed))


def linear_torn(seed: int) -> Plan:
    """Dead with an order on the tape that never leaves."""
    return _on_a_perpetual(Plan(seed, dies_named=("before create leaves", 2 + seed % 12), dies_at=(-1, 60)))


def linear_brakes(seed: int) -> Plan:
    """The kill switch is pulled in the middle."""
    return _on_a_perpetual(brakes(seed))


def linear_drops(seed: int) -> Plan:
    """Fills get lost and are heard in another order, and then the system rests with what it holds."""
    plan = _on_a_perpetual(drops(seed))
    plan.player = "resting"
    return plan


def linear_rests(seed: int) -> Plan:
    """The stop is lost at the venue while nobody hears it, and of a system that rests nothing is asked any more."""

    def lose(story: Story) -> float:
        story.lines.reachable = False
        story.lines.cut()
        story.service.do(CancelAll(uid=DEFAULT_UID, category="linear", symbol=SYMBOL, reason="UNKNOWN"))
        story.loop.call_later(2.0, lambda: setattr(story.lines, "reachable", True))
        return 2.0

    def prepare(story: Story) -> None:
        story.loop.call_later(RESTS_AT_S, story.strike, lose)

    return _on_a_perpetual(Plan(seed, busy_s=RESTS_AT_S + 1.0, prepare=prepare, player="resting"))


def linear_cut(seed: int) -> Plan:
    """Again and again half of the position is taken to close another's, and orders that only reduce are cut to it."""

    def prepare(story: Story) -> None:
        for n in range(CUTS):
            story.loop.call_later(2.0 + 0.7 * n, take_half, story)
        story.shake(2.0 + 0.7 * CUTS)

    return _on_a_perpetual(Plan(seed, prepare=prepare, player="busy"))


def _on_a_perpetual(plan: Plan) -> Plan:
    plan.category = "linear"
    return plan


STORIES: Final[dict[str, Callable[[int], Plan]]] = {
    kind.__name__: kind
    for kind in (
        calm, quiet, torn, pair, mixed, timeouts, late, repeats, errors, duplicates, drops, restarts, stale, brakes,
        braked_in_a_queue, deaths, deaths_among_faults, power, bad_disk, linear, linear_calm, linear_mixed,
        linear_forced, linear_deaths, linear_torn, linear_brakes, linear_drops, linear_cut,
        linear_rests,
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
