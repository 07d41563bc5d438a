"""What a portfolio hears from outside its venue: asked in each source's rhythm, every answer an event of its conductor.

What should have come and has not is an event too, under a name that no rule reads: the rules see the last value until
it is too old, and then none.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from quintet.app.desk_facts import FactAccess, keep_facts
from quintet.core.events import ROW
from quintet.core.facts import MISSING, Observation, observations_in
from quintet.research.daily_tape import Told

NAMES: Final = {"alternative.me/fear_greed": "fear_greed"}
"""Facts by their family's name, and what the conductor calls them."""

DECIMALS: Final = 9


def told_of(said: Observation) -> Told:
    """The conductor's form of an observation: its value in 1e-9, known from when we had it."""
    name = NAMES[said.name]
    if said.quality == MISSING:
        return Told(said.known_ns, f"no_{name}", 0, said.about_ns, (0,))
    return Told(said.known_ns, name, 0, said.about_ns, (said.value * 10 ** (DECIMALS - said.decimals),))


async def hear_facts(
    names: tuple[str, ...],
    hosts: Mapping[str, str],
    hear: Callable[[Told], None],
    unanswered: Callable[[str], None],
    clock: Callable[[], int] = time.time_ns,
) -> None:
    """For ever; `hosts`: others that speak for a source, `unanswered`: told once for each reason of a silence."""

    def enter(rows: Any) -> None:
        for said in observations_in(np.asarray(rows).view(np.recarray), "facts"):
            hear(told_of(said))

    await keep_facts(names, FactAccess({}, hosts), np.zeros(0, ROW), enter, unanswered, clock)
