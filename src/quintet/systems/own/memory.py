"""The memory of a system in plain Python: a struct of numbers, kept in the same record that every system has.

A field may also be a tuple with names, such as what an execution algorithm remembers: its numbers lie side by side.
The record is the truth: it is what is hashed, written to a checkpoint and compared. A wake begins with a struct made
from it and ends with the struct written back, so that nothing else can be remembered and a resumed run sees what an
uninterrupted one sees. All numbers are eight bytes wide; a float in the place of a whole number is refused, not cut.
"""

import struct
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from quintet.core.execution.parent import Parent
from quintet.core.execution.position import Position
from quintet.systems.own.refusal import RefusedSystem

NUMBERS_MAX = 4096
"""Numbers in one memory: more is a database, not a state."""

_TYPES = "int, float, bool, a tuple of one of them with a default of its full length, or a named tuple of such"
_CODES: dict[Any, str] = {int: "q", float: "d", bool: "q"}


class Memory(msgspec.Struct):
    """All that a system of your own remembers from one wake to the next; every field has a type and a default."""


class Field(NamedTuple):
    """One field: its type, and the length of its tuple; `many`: it is one. `parts`: those of a tuple with names."""

    name: str
    of: Any
    length: int
    many: bool
    parts: "tuple[Field, ...]" = ()
    flat: bool = False
    """A tuple with names that are all single numbers: it is its numbers."""

    @property
    def codes(self) -> str:
        """Of its numbers, as `struct` has them."""
        return "".join(part.codes for part in self.parts) or _CODES[self.of] * self.length

    @property
    def shape(self) -> tuple[Any, ...]:
        """Of its place in a record, as NumPy has it."""
        if self.parts:
            return self.name, [part.shape for part in self.parts]
        return (self.name, _number(self.of), (self.length,)) if self.many else (self.name, _number(self.of))

    def taken(self, numbers: tuple[Any, ...], at: int) -> Any:
        """Its value, from its numbers at a place among all."""
        if self.flat:
            return self.of._make(numbers[at : at + self.length])
        if self.parts:
            values = []
            for part in self.parts:
                length = part.length
                simple = part.of is not bool
                values.append(
                    (numbers[at : at + length] if part.many else numbers[at]) if simple else part.taken(numbers, at)
                )
                at += length
            return self.of._make(values)
        found = numbers[at : at + self.length]
        if self.of is bool:
            found = tuple(map(bool, found))
        return found if self.many else found[0]

    def given(self, value: Any) -> list[Any]:
        """The numbers of a value; raises TypeError with the name of what it does not fit."""
        if self.parts:
            if type(value) is not self.of:
                raise TypeError(self.name)
            if self.flat:
                return list(value)
            return [number for part, each in zip(self.parts, value, strict=True) for number in part.given(each)]
        if not self.many:
            return [value]
        if isinstance(value, tuple) and len(value) == self.length:
            return list(value)
        raise TypeError(self.name)


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
        self._codes = struct.Struct("<" + "".join(field.codes for field in self.fields))
        self._plain = all(not field.many and not field.parts and field.of is not bool for field in self.fields)
        self.executions = tuple(field.name for field in self.fields if field.of in (Parent, Position))
        """Fields that hold what an execution algorithm remembers."""

    def new_table(self) -> Any:
        """The record of a system that has seen nothing yet: one row with the defaults."""
        shapes: list[Any] = [field.shape for field in self.fields]
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
            values.append(field.taken(numbers, at))
            at += field.length
        return self.kind(*values)

    def store(self, memory: Memory, place: memoryview) -> None:
        """Write the memory into the record; raises RefusedSystem for a value that its field cannot hold."""
        values = msgspec.structs.astuple(memory)
        try:
            if self._plain:
                self._codes.pack_into(place, 0, *values)
            else:
                numbers: list[Any] = []
                for field, value in zip(self.fields, values, strict=True):
                    numbers += field.given(value)
                self._codes.pack_into(place, 0, *numbers)
        except (struct.error, OverflowError, TypeError):
            raise self._misfit(values) from None

    def _misfit(self, values: tuple[Any, ...]) -> RefusedSystem:
        """The first field whose value does not fit."""
        where, fields = self.where, self.fields
        for field, value in zip(fields, values, strict=True):
            if field.parts and type(value) is field.of:
                inner = next(((f, v) for f, v in zip(field.parts, value, strict=True) if not _fits(f, v)), None)
                if inner is not None:
                    return _unfit(f"{where}.{field.name}.{inner[0].name}", *inner)
            elif not _fits(field, value):
                return _unfit(f"{where}.{field.name}", field, value)
        return RefusedSystem("a memory that cannot be kept", where=where, found=repr(values)[:80], expected=_TYPES)


def _fits(field: Field, value: Any) -> bool:
    """Can the field's place in the record hold it?"""
    try:
        struct.pack(f"<{field.codes}", *field.given(value))
    except (struct.error, OverflowError, TypeError):
        return False
    return True


def _unfit(where: str, field: Field, value: Any) -> RefusedSystem:
    many = f"{field.length} x {getattr(field.of, '__name__', field.of)}"
    expected = field.of.__name__ if field.parts else many if field.many else _in_words(field.of)
    return RefusedSystem("a memory that cannot hold this", where=where, found=repr(value)[:80], expected=expected)


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


def _named(name: str, kind: Any, default: Any, where: str) -> Field:
    """A field that is a tuple with names; each of its own has a type and a default, as those of a memory."""
    if type(default) is not kind:
        raise RefusedSystem(
            "a memory without its beginning", where=f"{where}.{name}", found=repr(default)[:80],
            expected=f"{kind.__name__}() as its default",
        )  # fmt: skip
    hints = get_type_hints(kind)
    parts = tuple(
        _field(part, hints[part], value, f"{where}.{name}", within=True)
        for part, value in zip(kind._fields, default, strict=True)
    )
    flat = all(not part.many and part.of is not bool for part in parts)
    return Field(name, kind, sum(part.length for part in parts), False, parts, flat)


def _field(name: str, hint: Any, default: Any, where: str, within: bool = False) -> Field:
    arguments = get_args(hint)
    if hint in _CODES:
        return Field(name, hint, 1, many=False)
    if get_origin(hint) is tuple and arguments and arguments[0] in _CODES and isinstance(default, tuple) and default:
        if all(part in (arguments[0], Ellipsis) for part in arguments):
            return Field(name, arguments[0], len(default), many=True)
    if not within and isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_field_defaults"):
        return _named(name, hint, default, where)
    found = getattr(hint, "__name__", str(hint)) if not arguments else str(hint)
    raise RefusedSystem(
        "a memory of something else than numbers", where=f"{where}.{name}", found=found, expected=_TYPES
    )


def _number(of: Any) -> str:
    return "<f8" if of is float else "<i8"


def _in_words(of: Any) -> str:
    return "a number" if of is float else "a whole number within 64 bits" if of is int else "true or false"
