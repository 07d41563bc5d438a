"""Hashes of what was decided and of what is remembered.

The command hash is a 128-bit mix over every approved command's numbers, kept inside the compiled loop (two lanes of
multiply and xor-shift, odd constants of the golden ratio and of Knuth's MMIX generator). It detects difference, it
does not resist an attacker; files are sealed with SHA-256. The state hash is SHA-256 field by field.
"""

import hashlib
from typing import Any

import numpy as np

from quintet.core.kernel import kernel

_A = np.uint64(0x9E3779B97F4A7C15)
_B = np.uint64(0x5851F42D4C957F2D)
_SHIFT_A = np.uint64(29)
_SHIFT_B = np.uint64(32)


@kernel
def mix_in(clock: Any, value: int) -> None:
    """Take one non-negative number into the command hash."""
    word = np.uint64(value)
    a = (clock.hash_a ^ word) * _A
    clock.hash_a = a ^ (a >> _SHIFT_A)
    b = (clock.hash_b + word) * _B
    clock.hash_b = b ^ (b >> _SHIFT_B)


def command_hash(clock: Any) -> str:
    """32 hex digits of the commands so far."""
    return f"{int(clock.hash_a):016x}{int(clock.hash_b):016x}"


def canonical_bytes(records: np.ndarray[Any, Any]) -> bytes:
    """Fields in declared order, little-endian, no padding, one NaN."""
    plain = np.asarray(records)
    if plain.dtype.names is None:
        return _canonical_column(plain)
    parts = []
    for name in plain.dtype.names:
        parts.append(name.encode() + b"\0" + _canonical_column(plain[name]))
    return b"".join(parts)


def _canonical_column(column: np.ndarray[Any, Any]) -> bytes:
    little = np.ascontiguousarray(column, column.dtype.newbyteorder("<"))
    if little.dtype.kind == "f":
        little = little.copy()
        little[np.isnan(little)] = np.nan
        little[little == 0.0] = 0.0
    return little.tobytes()


STATE_PARTS = ("limits", "market", "orders", "refusals", "account", "ledger", "equity", "state")
"""What a state hash covers: all that a decision may depend on, refusals included; not the simulator, not buffers."""


def state_hash(world: Any) -> str:
    """SHA-256 over the desk's state, field by field in declared order."""
    digest = hashlib.sha256(b"quintet-state-1")
    for part in STATE_PARTS:
        digest.update(part.encode() + b"\0")
        digest.update(canonical_bytes(getattr(world, part)))
    clock = world.clock[0]
    for name in ("now", "position", "timer_next", "n_commands", "n_fills", "n_ignored", "alarms", "paused"):
        digest.update(f"{name}={int(clock[name])};".encode())
    digest.update(command_hash(clock).encode())
    return digest.hexdigest()
