"""From a file of facts to a tape: a table of somebody's, or answers of a source as they were recorded."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from quintet import __version__
from quintet.app.messages import Complaint
from quintet.core.errors import DataError
from quintet.core.facts import DECIMALS_MAX, MISSING, Observation, Said, require_name
from quintet.core.market.fact_families import UNKNOWN_DECIMALS, Family, family_of, subject_of
from quintet.core.market.fact_watch import Rhythm
from quintet.core.tape import Source, Tape, TapeMeta
from quintet.storage.fact_files import FactReading, read_facts
from quintet.storage.fact_rows import Known, archived, fact_rows
from quintet.storage.tape_files import write_tape
from quintet.venues.alternative_me import fear_greed
from quintet.venues.bybit import outside_facts as bybit
from quintet.venues.bybit.shapes import MS_NS, shaped
from quintet.venues.bybit.wire import Reply
from quintet.venues.glassnode import metrics
from quintet.venues.lunarcrush import coins

FAR_FUTURE_NS: Final = 7_258_118_400 * 1_000_000_000 - 1
"""Of a recorded answer every day counts as over: whoever recorded it had waited for it."""


@dataclass(frozen=True)
class FactRequest:
    """What is to be brought in. What is None comes from the family of the fact. Times in ns."""

    path: Path
    fact: str
    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    time_unit: str | None = None
    shift_ns: int = 0
    known_after_ns: int | None = None
    every_ns: int | None = None
    within_ns: int | None = None
    decimals: int | None = None
    rounded: bool = False


class Imported(NamedTuple):
    """The observations of a file, its SHA-256, and what has to be said of them."""

    observations: list[Observation]
    sha256: str
    notes: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many times have no value."""
        return sum(each.quality == MISSING for each in self.observations)


def import_facts(request: FactRequest) -> Imported:
    """Read a file whole; raises DataError naming file, row and column, Complaint for flags that cannot be meant."""
    require_name(request.fact, "--fact")
    family = family_of(request.fact)
    decimals = _decimals(request, family)
    rhythm = _rhythm(request, family)
    known_after_ns = request.known_after_ns
    if known_after_ns is None:
        known_after_ns = family.known_after_ns if family is not None else 0
    if request.path.name.endswith((".json", ".json.gz")):
        known, sha256, notes = _answers(request, known_after_ns)
    else:
        table = read_facts(
            request.path,
            FactReading(
                request.fact, decimals, known_after_ns, request.columns, request.where, request.time_unit,
                request.shift_ns, request.rounded,
            ),
        )  # fmt: skip
        known, sha256, notes = list(table.known), table.sha256, table.notes
        if not any(each.startswith("columns: ") and "known=" in each for each in notes):
            notes = (*notes, f"known {known_after_ns / 1e9:g} s after the time that each value is of")
    if request.rounded:
        notes = (*notes, f"values were taken to the nearest of {decimals} decimals")
    return Imported(archived(known, request.fact, rhythm, decimals), sha256, notes)


def write_facts(imported: Imported, request: FactRequest, out: Path, created_ns: int, *, replace: bool) -> Tape:
    """A market tape of what was read; raises DataError when there is nothing, TapeError when the file exists."""
    if not imported.observations:
        raise DataError(f"{request.path}: found no value of {request.fact}, expected one or more")
    meta = TapeMeta(
        synthetic=False,
        created_ns=created_ns,
        tool_version=__version__,
        sources=(Source(request.path.name, imported.sha256),),
        notes={"fact": request.fact} | {f"facts {n}": note for n, note in enumerate(imported.notes, start=1)},
    )
    return write_tape(out, meta, fact_rows(imported.observations), replace=replace)


def _decimals(request: FactRequest, family: Family | None) -> int:
    if request.decimals is None:
        return family.decimals if family is not None else UNKNOWN_DECIMALS
    if not 0 <= request.decimals <= DECIMALS_MAX:
        raise Complaint("decimals that cannot be", where="--decimals", found=request.decimals, expected="0 to 18")
    return request.decimals


def _rhythm(request: FactRequest, family: Family | None) -> Rhythm:
    known = family.rhythm if family is not None else Rhythm()
    every_ns = known.every_ns if request.every_ns is None else request.every_ns
    within_ns = known.within_ns if request.within_ns is None else request.within_ns
    if within_ns and not every_ns:
        raise Complaint("when, but not how often", where="--within", found="no --every", expected="both: 1d within 3h")
    # A value that is known later than it is due would be late each time, which says nothing.
    late_ns = request.known_after_ns if request.known_after_ns is not None else 0
    return Rhythm(every_ns, max(within_ns, late_ns), known.forecast)


# ---- answers as they were recorded -------------------------------------------------------------------------------


def _answers(request: FactRequest, known_after_ns: int) -> tuple[list[Known], str, tuple[str, ...]]:
    """What a recorded answer of the fact's source says."""
    body, sha256 = _body(request.path)
    decode = _decoder(request.fact)
    try:
        said = decode(body)
    except DataError as error:
        raise DataError(f"{request.path}: {error}") from None
    told = [each for each in said if each.name == request.fact]
    if request.fact.startswith("bybit/") and not request.fact.startswith("bybit/deposit/"):
        answered_ns = shaped(body, Reply, str(request.path)).time * MS_NS
        return [Known(each, answered_ns) for each in told], sha256, ("known when the venue answered",)
    note = f"known {known_after_ns / 1e9:g} s after the time that each value is of"
    return [Known(each, each.about_ns + known_after_ns) for each in told], sha256, (note,)


def _decoder(fact: str) -> Callable[[bytes], list[Said]]:
    """What makes observations of the answers of this fact's source; raises Complaint for one without answers."""
    source, what, of = fact.split("/")[0], fact.split("/")[1], subject_of(fact)
    decoders: dict[str, Callable[[bytes], list[Said]]] = {
        "alternative.me/fear_greed": lambda body: fear_greed.decode(body, FAR_FUTURE_NS),
        "bybit/predicted_funding": lambda body: bybit.decode_predicted(body, 0, of),
        "bybit/earn_yield": lambda body: bybit.decode_yield(body, 0, what, of),
        "bybit/onchain_yield": lambda body: bybit.decode_yield(body, 0, what, of),
        "bybit/deposit": lambda body: bybit.decode_deposits(shaped(body, Reply, "deposit").result)[0],
    }
    if source == "glassnode":
        return lambda body: metrics.decode(body, FAR_FUTURE_NS, fact)
    if source == "lunarcrush":
        return lambda body: coins.decode(body, FAR_FUTURE_NS, of)
    if f"{source}/{what}" not in decoders:
        raise Complaint(
            "a fact whose answers are not known", where="--fact", found=f"{fact} in a JSON file",
            expected="a table (CSV, Parquet, Feather), or one of a source that quintet asks: quintet facts list",
        )  # fmt: skip
    return decoders[f"{source}/{what}"]


def _body(path: Path) -> tuple[bytes, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    body: Any = data
    if path.name.endswith(".gz"):
        try:
            body = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: is not whole gzip ({error})") from None
    return body, hashlib.sha256(data).hexdigest()
