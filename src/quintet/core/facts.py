"""Facts from outside: a number that a source says about a time, and the rows it is on a tape.

A *fact* has a name, `source/what` or `source/what/of`, such as `alternative.me/fear_greed` or `bybit/earn_yield/ETH`.
An *observation* is one thing that was said of it: a value about a time, known at another, or that none has come. A
value that is said anew is a further observation with a higher revision; the earlier one stays where it was, so that
whoever walks the tape knows at each moment what was known then.

| row      | field    | meaning |
|----------|----------|---------|
| FACT     | ts_event | ns UTC: the time it speaks of |
|          | ts_recv  | ns UTC: when we knew it |
|          | quantity | the value in 10 to the power of minus the decimals; 0 of a missing one |
|          | price    | revision, 0 = the first that was said of that time |
|          | bits     | quality, from bit 1 on |
| FACT_KEY | quantity | the first 62 bits of SHA-256 of the name |
|          | price    | decimals of the value |
| TEXT     |          | the name; `#` and a reference (of a deposit: its transaction) where there is one |
"""

import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
import numpy as np

from quintet.core import events as ev
from quintet.core.errors import DataError, NotExact, TapeError
from quintet.core.row_laws import Rows, text_of
from quintet.core.tape import Tape, text_rows
from quintet.core.units import exact_units

OK: Final = 0
LATE: Final = 1
RESTATED: Final = 2
MISSING: Final = 3
QUALITY_NAMES: Final = ("ok", "late", "restated", "missing")
"""By number. OK: in time. LATE: it had been called missing. RESTATED: another value was said of the same time before.
MISSING: it was due, and nothing has come."""

DECIMALS_MAX: Final = 18
REVISION_MAX: Final = ev.PRICE_MAX
NAME_CHARACTERS_MAX: Final = 90
REFERENCE_CHARACTERS_MAX: Final = 200

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?")
_REFERENCE: Final = re.compile(r"[!-~]+")


class Said(NamedTuple):
    """What a source says, before anybody has looked whether it is news. `value` in 10 ** -decimals; `about_ns` UTC."""

    name: str
    about_ns: int
    value: int
    decimals: int
    reference: str = ""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said of a fact, or that nothing was; times in ns UTC, `value` in 10 ** -decimals."""

    name: str
    about_ns: int
    known_ns: int
    value: int
    decimals: int
    revision: int = 0
    quality: int = OK
    reference: str = ""

    @property
    def amount(self) -> Decimal | None:
        """The value as a number for people, exact; None of a missing one."""
        return None if self.quality == MISSING else Decimal(self.value).scaleb(-self.decimals)


def require_name(name: str, where: str) -> str:
    """The name; raises DataError when it is not one."""
    if len(name) > NAME_CHARACTERS_MAX or not _NAME.fullmatch(name):
        raise DataError(
            f"{where}: found {name[: NAME_CHARACTERS_MAX + 1]!r}, expected the name of a fact, source/what or "
            f"source/what/of, in letters, digits, dots and dashes, such as alternative.me/fear_greed"
        )
    return name


def fact_key(name: str) -> int:
    """The number that stands for a name in rows and records: the first 62 bits of its SHA-256, never 0."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2 or 1


def exact_value(text: str | Decimal, decimals: int, where: str) -> int:
    """A decimal number as a whole one of 10 ** -decimals.

    Raises DataError naming `where`, what was found and what was expected, also for a value beyond what a row holds.
    """
    try:
        return exact_units(text, Decimal(1).scaleb(-decimals), where)
    except NotExact as error:
        raise DataError(str(error)) from None


def observation_rows(said: Observation) -> Rows:
    """The message of an observation; raises DataError for a name, a reference or a number that no row holds."""
    require_name(said.name, "name")
    _require("decimals", said.decimals, DECIMALS_MAX)
    _require("revision", said.revision, REVISION_MAX)
    if said.reference and not (
        len(said.reference) <= REFERENCE_CHARACTERS_MAX and _REFERENCE.fullmatch(said.reference)
    ):
        raise DataError(f"reference: found {said.reference[:40]!r}, expected printable letters without blanks")
    head = np.zeros(2, ev.ROW)
    head["ts_event"], head["ts_recv"] = said.about_ns, said.known_ns
    head["quantity"] = said.value, fact_key(said.name)
    head["price"] = said.revision, said.decimals
    head["kind"] = ev.FACT, ev.FACT_KEY
    head["bits"] = said.quality << 1, 0
    text = f"{said.name}#{said.reference}" if said.reference else said.name
    return np.concatenate([head, text_rows(text.encode())]).view(np.recarray)


def _require(field: str, found: int, most: int) -> None:
    if not 0 <= found <= most:
        raise DataError(f"{field}: found {found}, expected 0 to {most}")


def observations_in(rows: Rows, name: str, first_position: int = 0) -> Iterator[Observation]:
    """All observations in rows without headers; a FACT without a key (a note of a desk) is none.

    Raises TapeError naming the tape `name` and the position for a message that is not one of `observation_rows`.
    """
    plain = np.asarray(rows)
    kinds = plain["kind"]
    for i in np.flatnonzero((kinds[:-1] == ev.FACT) & (kinds[1:] == ev.FACT_KEY)).tolist():
        end = i + 2
        while end < len(plain) and kinds[end] == ev.TEXT:
            end += 1
        yield _observation(plain[i : i + 2], rows[i + 2 : end], f"{name}: position {first_position + i}, FACT")


def _observation(head: Rows, text: Rows, where: str) -> Observation:
    said = text_of(text).decode(errors="replace") if len(text) else ""
    fact, _, reference = said.partition("#")
    quality, decimals = int(head[0]["bits"]) >> 1, int(head[1]["price"])
    if fact_key(fact) != int(head[1]["quantity"]):
        raise TapeError(f"{where}: the key is {head[1]['quantity']}, expected that of the name {fact!r}")
    if quality >= len(QUALITY_NAMES) or not 0 <= decimals <= DECIMALS_MAX:
        raise TapeError(
            f"{where}: quality {quality} and {decimals} decimals, expected a quality below {len(QUALITY_NAMES)} and at "
            f"most {DECIMALS_MAX} decimals"
        )
    return Observation(
        name=fact,
        about_ns=int(head[0]["ts_event"]),
        known_ns=int(head[0]["ts_recv"]),
        value=int(head[0]["quantity"]),
        decimals=decimals,
        revision=int(head[0]["price"]),
        quality=quality,
        reference=reference,
    )


def observations_on(tape: Tape) -> list[Observation]:
    """All observations on a tape, in order. Raises TapeError like `observations_in`."""
    if not tape.census.kinds.get("FACT_KEY", 0):
        return []
    return list(observations_in(tape.event_rows(), tape.name))
