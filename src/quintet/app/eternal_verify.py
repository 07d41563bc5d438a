"""`quintet verify determinism eternal` and `lookahead eternal`: the same promises, of five sub-accounts on days."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from quintet.app import eternal_command
from quintet.app.messages import Report, progress
from quintet.app.verified_runs import INTERRUPTION_SEED, INTERRUPTIONS, Check, child, compare
from quintet.systems.eternal.config import NAME
from quintet.systems.eternal.dates import date_of

if TYPE_CHECKING:
    from quintet.research.eternal_report import Study
    from quintet.research.eternal_run import EternalRun
    from quintet.research.lookahead import Lookahead

SLICE_DAYS: Final = 31
"""Of the slice that is also run without compilation; a run is no shorter."""

HEADLINE_ALONE: Final = ("--bars", "1")


class Asked(NamedTuple):
    """Which days are run, and with which numbers."""

    data: Sequence[Path]
    sets: Sequence[str]
    config: Path | None
    start: str
    end: str

    def words(self, end: str = "") -> list[str]:
        """The same backtest as words of a command line, perhaps with an earlier end."""
        told = [("--data", str(path)) for path in self.data]
        told += [("--config", str(self.config))] if self.config else []
        told += [(flag, value) for flag, value in (("--start", self.start), ("--end", end or self.end)) if value]
        told += [("--set", word) for word in self.sets]
        return ["backtest", NAME, *(word for pair in told for word in pair)]

    def study(self) -> "tuple[Study, bool]":
        """The market and the span, and whether a generator made it."""
        told = eternal_command.read_file(self.config, self.sets)
        return eternal_command.study_of(told, self.data, self.start, self.end)


def asked_for(
    values: Mapping[str, Any], data: Sequence[Path] | None, more: Sequence[Path] | None, sets: Sequence[str] | None
) -> Asked:
    """What was typed; `values`: flags of a market by name. Raises Complaint for those that mean nothing here."""
    known = {"config": None, "start": "", "end": ""}
    given = known | {name: value for name, value in values.items() if name in known and value}
    others = {f"--{name.replace('_', '-')}": value for name, value in values.items() if name not in known}
    eternal_command.refuse(others | {"FILE": more}, eternal_command.FLAGS)
    return Asked(data=data or (), sets=sets or (), **given)


def determinism(asked: Asked, slice_days: int | None) -> list[Check]:
    """Two processes, memory that went through bytes, a slice without compilation: all hashes must be equal."""
    study, _ = asked.study()
    last = min(study.first_day + max(slice_days or 0, SLICE_DAYS) - 1, study.last_day)
    with tempfile.TemporaryDirectory(prefix="quintet-verify-") as folder:
        runs = Path(folder)
        with progress("running in two processes with different hash seeds"):
            first = child(asked.words(), runs / "first", {"PYTHONHASHSEED": "1"}, HEADLINE_ALONE)
            second = child(asked.words(), runs / "second", {"PYTHONHASHSEED": "4242"}, HEADLINE_ALONE)
        checks = [compare("two processes, hash seeds 1 and 4242", first, second), _through_bytes(study, first)]
        part = asked.words(date_of(last).isoformat())
        with progress(f"running {last - study.first_day + 1} days compiled and interpreted"):
            compiled = child(part, runs / "compiled", {"NUMBA_DISABLE_JIT": "0"}, HEADLINE_ALONE)
            interpreted = child(part, runs / "interpreted", {"NUMBA_DISABLE_JIT": "1"}, HEADLINE_ALONE)
    until = f"until {date_of(last)}, compiled and interpreted"
    return [*checks, compare(until, compiled, interpreted)]


def _through_bytes(study: "Study", recorded: dict[str, Any]) -> Check:
    """The headline once more in this process, its memory written to bytes and read back on some days."""
    from quintet.research.eternal_futures import choose_days
    from quintet.research.eternal_report import PATHS
    from quintet.systems.eternal import Portfolio

    days = choose_days(study, INTERRUPTIONS, INTERRUPTION_SEED)

    def forget(day: int, run: "EternalRun") -> None:
        if day in days:
            run.portfolio = msgspec.json.decode(msgspec.json.encode(run.portfolio), type=Portfolio)

    with progress("running with its memory written to bytes and read back"):
        run = study.run(PATHS[recorded["path"]], watch=forget)
    name = f"all that it remembers written to bytes and read back on {len(days)} days ({recorded['path']})"
    return compare(name, {"hashes": recorded["hashes"]}, {"hashes": run.hashes})


def lookahead(asked: Asked, cuts: int, seed: int, report: Report) -> "tuple[Lookahead, bool, str]":
    """The verdict, whether the market is synthetic, and the hash of its tape."""
    from quintet.research.eternal_futures import look_ahead

    study, synthetic = asked.study()
    verdict = look_ahead(study, cuts, seed, report)
    return verdict, synthetic, study.market(0).tape.hash
