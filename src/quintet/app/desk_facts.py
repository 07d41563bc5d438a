"""The outside facts that a desk's system reads, asked for while the desk lives."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from quintet.app.fact_recording import watches_of
from quintet.app.fact_sources import ASKED, opened_sources, require_asked
from quintet.core.events import HEADER
from quintet.core.facts import Observation, observation_rows, observations_in
from quintet.core.market.fact_families import family_of
from quintet.ports.key_store import Credential
from quintet.runtime.fact_keeping import FactKeeper, keep


class FactAccess(NamedTuple):
    """What a desk needs to ask for facts: keys by source, and other hosts that speak for a source."""

    keys: Mapping[str, Credential] = {}
    hosts: Mapping[str, str] = {}


def asked_of(names: Iterable[str]) -> tuple[str, ...]:
    """Those of these facts that a source is asked for; the others have no data on a desk that lives."""
    families = {name: family_of(name) for name in names}
    return tuple(name for name, family in families.items() if family is not None and family.name in ASKED)


def require_access(names: Iterable[str], access: FactAccess) -> None:
    """Raise Complaint when a fact is asked for whose source needs a key that was not named."""
    require_asked(asked_of(names), dict.fromkeys(access.keys, ""))


async def keep_facts(
    names: Sequence[str],
    access: FactAccess,
    past: Any,
    enter: Callable[[Any], None],
    unanswered: Callable[[str], None],
    clock: Callable[[], int] = time.time_ns,
) -> None:
    """Ask for these facts in their rhythm, for ever, and let each observation enter as rows.

    `past`: rows of the tape so far: what was said there is no news. `unanswered`: told once for each reason why a
    source had no answer.
    """
    asked = asked_of(names)
    if not asked:
        return
    rows = np.asarray(past)
    said = observations_in(rows[rows["kind"] != HEADER].view(np.recarray), "past") if len(rows) else ()
    watches = watches_of(asked, clock(), tuple(said))

    def heard(said: Observation) -> None:
        enter(observation_rows(said))

    async with opened_sources(asked, access.keys, access.hosts, clock=clock) as sources:
        await keep(
            [
                FactKeeper(
                    source, {name: watches[name] for name in source.facts if name in watches}, heard, clock,
                    unanswered=unanswered,
                )
                for source in sources
            ]
        )  # fmt: skip
