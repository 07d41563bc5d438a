"""Record types: the named rows that kernels read and change in place.

State is `i8` and `f8` (bit masks `u8`): narrow and unsigned integers wrap with the JIT off and widen with
it on. A field may not bear the name of an ndarray attribute (`base`, `var`, `size`, `flags`), because such a
field works compiled and breaks interpreted. `record` refuses both.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from quintet.core.errors import DefinitionError

_STATE_TYPES = ("i8", "f8", "u8")
_TAKEN = frozenset(dir(np.recarray)) | frozenset(dir(np.record))


Field = str | np.dtype[Any] | tuple[str | np.dtype[Any], int | tuple[int, ...]]


def record(**fields: Field) -> np.dtype[Any]:
    """A record type for state, fields in declared order; a field is a number, another record, or an array of either.

    `record(last_mid="f8", window=("f8", 50), orders=(ORDER, 64), limits=LIMITS)`: nested records are part of their
    parent's memory, so one pointer carries a whole world. Raises DefinitionError for a name an ndarray already has,
    or a number type other than i8, f8, u8.
    """
    parts: list[Any] = []
    for name, field in fields.items():
        base, shape = field if isinstance(field, tuple) else (field, None)
        check_field_name(name)
        if isinstance(base, str):
            if base not in _STATE_TYPES:
                raise DefinitionError(f"field {name!r} has type {base!r}; state is one of {', '.join(_STATE_TYPES)}")
            base = np.dtype(f"<{base}")
        parts.append((name, base) if shape is None else (name, base, shape))
    return np.dtype(parts, align=True)


def check_field_name(name: str) -> None:
    """Raise DefinitionError for a name that `recarray` or `record` already uses."""
    if name in _TAKEN:
        raise DefinitionError(f"field name {name!r} is an attribute of NumPy arrays; with the JIT off it would be read")


def offset_of(dtype: np.dtype[Any], name: str) -> int:
    """Where a field of a record begins, in bytes; raises DefinitionError for a name the record does not have."""
    if dtype.fields is None or name not in dtype.fields:
        raise DefinitionError(f"record has no field {name!r}; it has {', '.join(dtype.names or ())}")
    return int(dtype.fields[name][1])


def table(dtype: np.dtype[Any], rows: int) -> np.recarray[Any, Any]:
    """`rows` zeroed records; the same `table[i].field` works compiled and interpreted."""
    return np.zeros(rows, dtype).view(np.recarray)


def fill(row: np.record, values: Mapping[str, Any]) -> None:
    """Set fields by name; raises DefinitionError for a name the record does not have."""
    names = row.dtype.names or ()
    for name, value in values.items():
        if name not in names:
            raise DefinitionError(f"record has no field {name!r}; it has {', '.join(names)}")
        row[name] = value


def quick(array: Any) -> Any:
    """The same memory as an array that compiled code takes in ten times as fast: no record array, and a known type.

    Types that are equal but not the same object are compared field by field at every call.
    """
    plain = np.asarray(array)
    return plain.view(_known_type(plain.dtype))


@cache
def _known_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The first of all equal types that was asked for."""
    return dtype
