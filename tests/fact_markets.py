"""Facts beside a small market, and a system that reads them."""

from collections.abc import Sequence

import numpy as np

from quintet.core.facts import LATE, MISSING, OK, RESTATED, Observation, observation_rows
from quintet.core.tape import Tape, memory_tape
from quintet.core.tape_splice import merge_rows
from quintet.systems.own import Memory, System, buy, sell
from tests.own_market import market

FEAR = "alternative.me/fear_greed"
HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS


def said(
    about_ns: int, known_ns: int, value: int = 0, quality: int = OK, revision: int = 0, **more: object
) -> Observation:
    """One observation of the fear and greed index, unless `more` names another fact."""
    told = {"name": FEAR, "decimals": 0} | more
    return Observation(about_ns=about_ns, known_ns=known_ns, value=value, quality=quality, revision=revision, **told)  # type: ignore[arg-type]


def tape_of(observations: Sequence[Observation]) -> Tape:
    return memory_tape(np.concatenate([np.asarray(observation_rows(each)) for each in observations]))


def with_facts(tape: Tape, observations: Sequence[Observation]) -> Tape:
    return memory_tape(merge_rows([tape, tape_of(observations)]), (), tape.meta, tape.name)


def four_days(tape: Tape) -> list[Observation]:
    """In time, restated, missing and late, restated long after: each of the ways in which a fact comes."""
    first = -(-tape.census.first_ns // DAY_NS) * DAY_NS
    return [
        said(first, first + HOUR_NS, 30),
        said(first, first + 5 * HOUR_NS, 18, RESTATED, 1),
        said(first + DAY_NS, first + DAY_NS + 3 * HOUR_NS, 0, MISSING),
        said(first + DAY_NS, first + DAY_NS + 6 * HOUR_NS, 0, LATE),
        said(first + 2 * DAY_NS, first + 2 * DAY_NS + HOUR_NS, 40),
        said(first, first + 2 * DAY_NS + 2 * HOUR_NS, 17, RESTATED, 2),
    ]


class Fearful(System):
    """In the market while the last index is below 20 and not older than 36 hours; it counts all it hears."""

    facts = (FEAR,)

    class Memory(Memory):
        heard: int = 0
        values: int = 0
        missing: int = 0
        restated: int = 0
        blind_bars: int = 0
        stale_bars: int = 0
        fearful_bars: int = 0
        zeros: int = 0
        newest: int = -1

    def on_fact(self, view):
        known, fact = self.memory, view.fact
        known.heard += 1
        known.values += fact.value is not None
        known.missing += fact.quality == "missing"
        known.restated += fact.quality == "restated"
        known.newest = -1 if view.facts[0].value is None else view.facts[0].value
        return self.wanted(view)

    def on_bar(self, view):
        [fear] = view.facts
        self.memory.blind_bars += fear.value is None
        self.memory.zeros += fear.value == 0
        self.memory.stale_bars += fear.is_older_than(36 * HOUR_NS)
        self.memory.fearful_bars += fear.value is not None and fear.value < 20
        return self.wanted(view)

    def wanted(self, view):
        [fear] = view.facts
        afraid = fear.value is not None and fear.value < 20 and not fear.is_older_than(36 * HOUR_NS)
        if afraid and view.lots == 0 and view.bar.close:
            return [buy(view.lots_worth(0.5))]
        return [sell(view.lots)] if view.lots and not afraid else None


def fearful_market() -> Tape:
    """Four days of bars of five minutes with four days of facts."""
    tape = market()
    return with_facts(tape, four_days(tape))
