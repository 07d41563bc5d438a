"""A fact from outside enters the step: what is known of it changes, and a system that reads it is woken.

Both values of a fact that is restated are on the tape, each at the time it was known; the view shows the newest. A
value about an older time than the newest one is told to the system, and does not take its place.
"""

from typing import Any

from quintet.core.events import FACT_KEY, LAST
from quintet.core.facts import MISSING
from quintet.core.kernel import kernel
from quintet.core.state import WAKE_FACT

_MISSING = MISSING


@kernel
def on_fact(desk: Any, rows: Any, i: int) -> int:
    """The FACT message that begins at row `i`; returns the wake it deserves, 0 for a fact that nobody reads."""
    if int(rows[i].bits) & LAST != 0 or int(rows[i + 1].kind) != FACT_KEY:
        return 0
    heard, key = desk.shown.facts, rows[i + 1].quantity
    for n in range(heard.n):
        if heard.facts[n].key == key:
            heard.heard = n
            hear_said(heard.said, rows, i)
            take_said(heard.facts[n], heard.said)
            desk.shown.why = WAKE_FACT
            desk.shown.instrument = 0
            return WAKE_FACT
    return 0


@kernel
def hear_said(said: Any, rows: Any, i: int) -> None:
    """The observation in the rows from `i` on."""
    said.about = rows[i].ts_event
    said.known = rows[i].ts_recv
    said.value = rows[i].quantity
    said.decimals = int(rows[i + 1].price)
    said.revision = int(rows[i].price)
    said.quality = int(rows[i].bits) >> 1


@kernel
def take_said(fact: Any, said: Any) -> None:
    """What is known of a fact after this was said of it."""
    if said.quality == _MISSING:
        if said.about >= fact.missing_about:
            fact.missing_about = said.about
            fact.missing_known = said.known
        return
    fact.values += 1
    if fact.values > 1 and said.about < fact.newest.about:
        return
    fact.newest.about = said.about
    fact.newest.known = said.known
    fact.newest.value = said.value
    fact.newest.decimals = said.decimals
    fact.newest.revision = said.revision
    fact.newest.quality = said.quality
