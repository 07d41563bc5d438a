"""Facts as they come, onto a tape: which sources, which watches, and when it ends."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from quintet import __version__
from quintet.app.fact_sources import opened_sources
from quintet.app.until_stopped import until_stopped
from quintet.core.facts import Observation, observations_on
from quintet.core.market.fact_families import family_of
from quintet.core.market.fact_watch import FactWatch
from quintet.core.tape import TapeMeta
from quintet.ports.key_store import Credential
from quintet.runtime.fact_keeping import FactKeeper, keep
from quintet.storage.fact_rows import FactRecorder
from quintet.storage.tape_files import TapeWriter, durable_path, open_tape
from quintet.venues.fact_line import LinePatience

SYNC_S: Final = 1.0


@dataclass(frozen=True)
class FactRecordRequest:
    """What is to be recorded. `seconds`: None until it is stopped; 0: each source is asked once."""

    names: tuple[str, ...]
    out: Path
    keys: Mapping[str, Credential] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    patience: LinePatience | None = None


class FactsRecorded(msgspec.Struct, frozen=True):
    """What became of it. `unanswered`: questions without an answer; `latest`: what was said of the last of them."""

    path: str
    observations: int
    answers: int
    unanswered: int
    latest: str


def watches_of(names: Iterable[str], begin_ns: int, past: Sequence[Observation] = ()) -> dict[str, FactWatch]:
    """A watch for each of these facts, which quintet knows, from `begin_ns` on (UTC).

    `past`: what is on the tape that is gone on with. It is no news; and a fact is waited for from where it was left, so
    that what did not come while nobody listened is missing too.
    """
    found = {}
    for name in names:
        family = family_of(name)
        assert family is not None, "require_asked has been called"
        said = [each for each in past if each.name == name]
        left_ns = max((each.known_ns if family.rhythm.forecast else each.about_ns for each in said), default=-1)
        found[name] = FactWatch(name, family.rhythm, family.decimals, left_ns + 1 if said else begin_ns)
        for each in said:
            found[name].recall(each)
    return found


def record_facts(request: FactRecordRequest, clock: Callable[[], int] = time.time_ns) -> FactsRecorded:
    """Record until the time is over or somebody says stop; a tape that is there is gone on with.

    Raises TapeError for a file that is no tape or a disk that takes no more: what stood on the tape stays there.
    """
    writer, last_ns, past = _writer(request.out, clock())
    watches = watches_of(request.names, clock(), past)
    recorder = FactRecorder(writer, last_ns)
    try:
        keepers = asyncio.run(_recorded(request, watches, recorder.take, writer, clock))
    finally:
        writer.close()
        if not writer.position:
            request.out.unlink(missing_ok=True)
            durable_path(request.out).unlink(missing_ok=True)
    return FactsRecorded(
        path=str(request.out),
        observations=recorder.count,
        answers=sum(each.answers for each in keepers),
        unanswered=sum(each.unanswered for each in keepers),
        latest=next((each.latest for each in reversed(keepers) if each.latest), ""),
    )


def _writer(out: Path, now_ns: int) -> tuple[TapeWriter, int, list[Observation]]:
    """A new tape, or one that is gone on with: its last time, and what it has."""
    if not out.exists():
        meta = TapeMeta(
            synthetic=False, created_ns=now_ns, tool_version=__version__, notes={"format": "recorded facts"}
        )
        return TapeWriter.record(out, meta), 0, []
    tape = open_tape(out)
    return TapeWriter.resume(out), tape.census.last_ns, observations_on(tape)


async def _recorded(
    request: FactRecordRequest,
    watches: Mapping[str, FactWatch],
    heard: Callable[[Observation], None],
    writer: TapeWriter,
    clock: Callable[[], int],
) -> Sequence[FactKeeper]:
    async with opened_sources(request.names, request.keys, request.hosts, request.patience, clock) as sources:
        keepers = [
            FactKeeper(source, {name: watches[name] for name in source.facts if name in watches}, heard, clock)
            for source in sources
        ]
        if request.seconds == 0:
            for keeper in keepers:
                await keeper.turn()
            return keepers
        await until_stopped(keep(keepers), request.seconds, SYNC_S, lambda: _sync(writer))
    return keepers


def _sync(writer: TapeWriter) -> None:
    if writer.position > writer.durable_upto:
        writer.sync()
