"""Order names that were used by orders nobody remembers: eight bytes each, so that a name is good for one order only.

A set is a list of sorted runs of 64-bit fingerprints; a new run is merged with the last ones while they are not much
longer. Two different names share a fingerprint once in 2^64: then a fresh name is refused as a duplicate.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b

RUN_MAX = 1 << 20
"""Fingerprints in a run that is not merged any more: 8 MB."""


def fingerprint(name: str) -> int:
    """64 bits of a name, the same on every machine."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def add_names(runs: list[bytes], names: Iterable[str]) -> None:
    """Put names into a set."""
    run = sorted(map(fingerprint, names))
    if not run:
        return
    while runs and len(runs[-1]) // 8 <= 2 * len(run) and len(run) < RUN_MAX:
        run = sorted([*_numbers(runs.pop()), *run])
    runs.append(array("Q", run).tobytes())


def has_name(runs: list[bytes], name: str) -> bool:
    """Was it used?"""
    wanted = fingerprint(name)
    for run in runs:
        numbers = _numbers(run)
        place = bisect_left(numbers, wanted)
        if place < len(numbers) and numbers[place] == wanted:
            return True
    return False


def _numbers(run: bytes) -> memoryview:
    return memoryview(run).cast("Q")
