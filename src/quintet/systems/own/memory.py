"""The memory of a system in plain Python: a struct of numbers, kept in the same record that every system has.

The record is the truth: it is what is hashed, written to a checkpoint and compared. A wake begins with a struct made
from it and ends with the struct written back, so that nothing else can be remembered and a resumed run sees what an
uninterrupted one sees. All numbers are eight bytes wide; a float in the place of a whole number is refused, not cut.
"""

import struct
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from quintet.systems.own.refusal import RefusedSystem

NUMBERS_MAX = 4096
"""Numbers in one memory: more is a database, not a state."""

_TYPES = "int, float, bool, or a tuple of one of them with a default of its full length"
_CODES: dict[Any, str] = {int: "q", float: "d", bool: "q"}


class Memory(msgspec.Struct):
    """All that a system of your own remembers from one wake to the next; every field has a type and a default."""


class Field(NamedTuple):
    """One field: its type, and the length of its tuple; `many`: it is one."""

    name: str
    of: Any
    length: int
    many: bool


class Layout:
    """How one kind of memory lies in a record."""

    def __init__(self, kind: type[Memory], where: str) -> None:
        """Raises RefusedSystem, naming the field, for what cannot be kept; `where` is the system's name."""
        self.kind = kind
        self.where = f"{where}.Memory"
        hints = get_type_hints(kind)
        defaults = _defaults(kind, self.where)
        self.fields = [_field(name, hints[name], value, self.where) for name, value in defaults.items()]
        if sum(field.length for field in self.fields) > NUMBERS_MAX:
            found = f"{sum(field.length for field in self.fields)} numbers"
            raise RefusedSystem("too large a memory", where=self.where, found=found, expected=f"at most {NUMBERS_MAX}")
        self._codes = struct.Struct("<" + "".join(_CODES[field.of] * field.length for field in self.fields))
        self._plain = all(not field.many and field.of is not bool for field in self.fields)

    def new_table(self) -> Any:
        """The record of a system that has seen nothing yet: one row with the defaults."""
        shapes = [(f.name, _number(f.of), (f.length,)) if f.many else (f.name, _number(f.of)) for f in self.fields]
        record = np.zeros(1, np.dtype(shapes or [("nothing", "<i8")]))
        self.store(self.kind(), bytes_of(record))
        return record.view(np.recarray)

    def load(self, place: memoryview) -> Memory:
        """The memory as the record has it."""
        numbers = self._codes.unpack_from(place)
        if self._plain:
            return self.kind(*numbers)
        values, at = [], 0
        for field in self.fields:
            part = numbers[at : at + field.length]
            if field.of is bool:
                part = tuple(map(bool, part))
            values.append(part if field.many else part[0])
            at += field.length
        return self.kind(*values)

    def store(self, memory: Memory, place: memoryview) -> None:
        """Write the memory into the record; raises RefusedSystem for a value that its field cannot hold."""
        values = msgspec.structs.astuple(memory)
        try:
            if self._plain:
                self._codes.pack_into(place, 0, *values)
            else:
                self._codes.pack_into(place, 0, *self._flat(values))
        except (struct.error, OverflowError, TypeError):
            raise self._misfit(values) from None

    def _flat(self, values: tuple[Any, ...]) -> list[Any]:
        numbers: list[Any] = []
        for field, value in zip(self.fields, values, strict=True):
            if not field.many:
                numbers.append(value)
            elif isinstance(value, tuple) and len(value) == field.length:
                numbers.extend(value)
            else:
                raise TypeError(field.name)
        return numbers

    def _misfit(self, values: tuple[Any, ...]) -> RefusedSystem:
        """The first field whose value does not fit."""
        for field, value in zip(self.fields, values, strict=True):
            one = struct.Struct("<" + _CODES[field.of])
            try:
                parts = value if field.many and isinstance(value, tuple) else (value,)
                for part in parts:
                    one.pack(part)
                if len(parts) == field.length:
                    continue
            except (struct.error, OverflowError):
                pass
            expected = f"{field.length} x {field.of.__name__}" if field.many else _in_words(field.of)
            return RefusedSystem(
                "a memory that cannot hold this", where=f"{self.where}.{field.name}", found=repr(value)[:80],
                expected=expected,
            )  # fmt: skip
        return RefusedSystem("a memory that cannot be kept", where=self.where, found=repr(values)[:80], expected=_TYPES)


def bytes_of(record: Any) -> memoryview:
    """The memory of a one-row table, to be read and written in place."""
    return memoryview(np.asarray(record).view(np.uint8).reshape(-1))  # type: ignore[arg-type]


def _defaults(kind: type[Memory], where: str) -> dict[str, Any]:
    """Field to default, in declared order; raises RefusedSystem when one has none."""
    found = {}
    for field in msgspec.structs.fields(kind):
        if field.default is msgspec.NODEFAULT:
            raise RefusedSystem(
                "a memory without its beginning", where=f"{where}.{field.name}", found="no default", expected=_TYPES
            )
        found[field.name] = field.default
    return found


def _field(name: str, hint: Any, default: Any, where: str) -> Field:
    arguments = get_args(hint)
    if hint in _CODES:
        return Field(name, hint, 1, many=False)
    if get_origin(hint) is tuple and arguments and arguments[0] in _CODES and isinstance(default, tuple) and default:
        if all(part in (arguments[0], Ellipsis) for part in arguments):
            return Field(name, arguments[0], len(default), many=True)
    found = getattr(hint, "__name__", str(hint)) if not arguments else str(hint)
    raise RefusedSystem(
        "a memory of something else than numbers", where=f"{where}.{name}", found=found, expected=_TYPES
    )


def _number(of: Any) -> str:
    return "<f8" if of is float else "<i8"


def _in_words(of: Any) -> str:
    return "a number" if of is float else "a whole number within 64 bits" if of is int else "true or false"
