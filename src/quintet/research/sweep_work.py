"""The work on a sweep: take from the journal what is finished, run the rest, keep each set the moment it is finished.

The ledger of trials is told of a whole batch in one transaction. What was kept and not yet counted (somebody pulled the
plug) is counted when the sweep goes on; counted twice it would be a repeat, which counts as none.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from quintet.research.significance import Luck, luck
from quintet.research.sweep import Finished, Run, SetResult, Stop, finished, never, performance, ranked
from quintet.research.sweep_landscape import Landscape, landscape
from quintet.research.trials import another_trial, count_trials, deflating_deviation
from quintet.research.walk_forward import ParameterSet
from quintet.storage.sweep_journal import SweepJournal
from quintet.storage.trial_records import Counted, Trial


class SweepWork:
    """One sweep at work. `base`: what the ledger says of all its sets alike; `journal` is open as long as it works."""

    def __init__(self, base: Trial, journal: SweepJournal, run: Run, stop: Stop = never) -> None:
        self._base = base
        self._journal = journal
        self._run = run
        self.stop = stop
        self._known = {row.id: msgspec.json.decode(row.record, type=SetResult) for row in journal.rows()}

    def id_of(self, each: ParameterSet) -> str:
        """The id by which journal and ledger know a set."""
        return another_trial(self._base, each.params, np.empty(0)).id

    def evaluate(
        self, sets: Sequence[ParameterSet], tell: Callable[[int], None] = lambda done: None
    ) -> list[Finished | None]:
        """The result of each set, from the journal where it is finished; None where a stop came first.

        `tell` is told how many of the sets are finished, whenever one is.
        """
        ids = [self.id_of(each) for each in sets]
        todo = {id: each for id, each in zip(ids, sets, strict=True) if id not in self._known}
        names, missing = list(todo), len(todo)
        tell(len(sets) - missing)
        for number, result in self._run(list(todo.values()), self.stop):
            self._journal.add(names[number], msgspec.json.encode(result))
            self._known[names[number]] = result
            missing -= 1
            tell(len(sets) - missing)
        return [
            finished(self._base, each, self._known[id]) if id in self._known else None
            for id, each in zip(ids, sets, strict=True)
        ]

    def count(self, ledger: Path, found: Sequence[Finished], now: datetime) -> list[Counted]:
        """Tell the ledger of every set that it does not know of yet, all or none; the best once more if it knows all.

        Looking again is a repeat: it adds a row, and no trial.
        """
        uncounted = {row.id for row in self._journal.rows() if not row.counted}
        new = [each.trial for each in distinct(found) if each.trial.id in uncounted]
        counted = count_trials(ledger, new or [each.trial for each in ranked(found)[:1]], now)
        self._journal.mark_counted(trial.id for trial in new)
        return counted


def distinct(found: Sequence[Finished]) -> list[Finished]:
    """Each set once: a search may ask for the same one again."""
    return list({each.trial.id: each for each in found}.values())


class Worth(NamedTuple):
    """What the best of a sweep is worth: where it stands among the others, and how much luck alone would show."""

    landscape: Landscape
    luck: Luck


def worth(found: Sequence[Finished], counted: Counted, on_grid: bool) -> Worth:
    """Of distinct sets and what the ledger answered to the last of them."""
    land = landscape([each.set.values for each in found], [each.result.low_frac for each in found], on_grid)
    daily = performance(found)[:, land.best]
    return Worth(land, luck(daily, counted.total, deflating_deviation(counted, len(daily))))
