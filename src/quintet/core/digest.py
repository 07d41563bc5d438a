"""Hashes of what was decided and of what is remembered.

The command hash is a 128-bit mix over every approved command's numbers, kept inside the compiled loop (two lanes of
multiply and xor-shift, odd constants of the golden ratio and of Knuth's MMIX generator). It detects difference, it
does not resist an attacker; files are sealed with SHA-256. The state hash is SHA-256 field by field.
"""

import hashlib
from typing import Any

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.state import FACTS_HEARD, RESTRAINT

_A = np.uint64(0x9E3779B97F4A7C15)
_B = np.uint64(0x5851F42D4C957F2D)
_SHIFT_A = np.uint64(29)
_SHIFT_B = np.uint64(32)


@kernel
def mix_in(desk: Any, value: int) -> None:
    """Take one non-negative number into the command hash."""
    word = np.uint64(value)
    a = (desk.hash_a ^ word) * _A
    desk.hash_a = a ^ (a >> _SHIFT_A)
    b = (desk.hash_b + word) * _B
    desk.hash_b = b ^ (b >> _SHIFT_B)


def command_hash(desk: Any) -> str:
    """32 hex digits of the commands so far."""
    return f"{int(desk.hash_a):016x}{int(desk.hash_b):016x}"


def canonical_bytes(records: np.ndarray[Any, Any]) -> bytes:
    """Fields in declared order, nested ones in place, little-endian, no padding bytes, one NaN, one zero."""
    plain = np.asarray(records)
    names = plain.dtype.names
    if names is None:
        return _canonical_column(plain)
    kept = (name for name in names if not is_absent(name, plain))
    return b"".join(name.encode() + b"\0" + canonical_bytes(plain[name]) for name in kept)


def _canonical_column(column: np.ndarray[Any, Any]) -> bytes:
    little = np.ascontiguousarray(column, column.dtype.newbyteorder("<"))
    if little.dtype.kind == "f":
        little = little.copy()
        little[np.isnan(little)] = np.nan
        little[little == 0.0] = 0.0
    return little.tobytes()


UNHASHED = ("executions", "outbox", "filled", "n_outbox", "n_filled", "ladders")
"""Parts of a desk that no decision depends on: what has left it, the memory of execution ids, and how far the shown
book is filled: what it shows is in the view."""


def is_absent(name: str, records: np.ndarray[Any, Any]) -> bool:
    """Rules and facts that nobody has asked for are no part of what is remembered."""
    part = records.dtype[name]
    if part == RESTRAINT:
        return not records[name]["active"].any()
    return bool(part == FACTS_HEARD and not records[name]["n"].any())


def state_hash(desk: np.ndarray[Any, Any], state: np.ndarray[Any, Any]) -> str:
    """SHA-256 over the desk and the system's own state, field by field: refusals included, the simulator not."""
    digest = hashlib.sha256(b"quintet-state-1")
    plain = np.asarray(desk)
    for name in plain.dtype.names or ():
        if name not in UNHASHED and not is_absent(name, plain):
            digest.update(name.encode() + b"\0")
            digest.update(canonical_bytes(plain[name]))
    digest.update(b"system\0")
    digest.update(canonical_bytes(state))
    return digest.hexdigest()
