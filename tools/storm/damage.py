"""A desk tape that was cut, scratched, zeroed, shuffled: what is left is known exactly, or it is refused aloud."""

import random
import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from quintet.core.errors import QuintetError
from quintet.core.tape import FORMAT_VERSION, DurableMark, read_tape, scan_blocks
from tools.storm import plans
from tools.storm.outcome import Outcome
from tools.storm.story import tell_story

LAST_BYTES: Final = 64 * 1024
PIECES: Final = 4
"""One seed of the cuts takes so large a part of these bytes."""

FLIPS: Final = 2_500
SECTOR: Final = 512


@cache
def desk_tape() -> bytes:
    """A tape that a desk has written, longer than the bytes that are cut."""
    from tools.storm.parts import a_folder

    with a_folder() as folder:
        return tell_story(plans.long(1), folder / "desk").tape


def block_ends(data: bytes) -> list[int]:
    """Where whole blocks end, read by the shape of a header alone."""
    ends, at = [], 0
    while at < len(data):
        (count,) = struct.unpack_from("<i", data, at + 24)
        at += 64 + 32 * count
        ends.append(at)
    return ends


def cut_everywhere(seed: int, outcome: Outcome) -> None:
    """R1: cut at each byte of a piece of the end: every whole block is kept, nothing else is, and nothing raises."""
    data = desk_tape()
    length = min(LAST_BYTES, len(data)) // PIECES
    first = len(data) - (PIECES - seed % PIECES) * length
    cuts(data, range(first, first + length), outcome)


def cuts(data: bytes, at: range, outcome: Outcome) -> None:
    """The same at these bytes."""
    ends = block_ends(data)
    view = memoryview(data)
    for cut in at:
        kept = max((end for end in ends if end <= cut), default=0)
        outcome.count("cuts")
        try:
            scan = read_tape(view[:cut], "cut", None)[1]
        except QuintetError as error:
            outcome.find(f"cut at {cut}", [] if kept == 0 else [f"refused: {error}"])
            continue
        if scan.length != kept:
            outcome.find(f"cut at {cut}", [f"{scan.length} bytes kept, expected {kept}"])


def flip_bits(seed: int, outcome: Outcome) -> None:
    """R2: whatever changed in what was durable is refused."""
    flips(desk_tape(), random.Random(seed), FLIPS, outcome)


def flips(data: bytes, dice: random.Random, count: int, outcome: Outcome) -> None:
    """So many changes, one at a time."""
    scan = scan_blocks(memoryview(data))
    mark = DurableMark(FORMAT_VERSION, scan.positions, scan.length, scan.chain.hex())
    ends = block_ends(data)
    for number in range(count):
        change = _CHANGES[number % len(_CHANGES)]
        changed = change(bytearray(data), dice, ends)
        if changed == data:
            continue
        outcome.count("changes")
        try:
            read_tape(memoryview(changed), "changed", mark)
        except QuintetError:
            continue
        except Exception as error:
            outcome.find(f"{change.__name__} {number}", [f"{type(error).__name__}: {error}"])
            continue
        outcome.find(f"{change.__name__} {number}", ["was not noticed"])


def _bit(data: bytearray, dice: random.Random, ends: list[int]) -> bytes:
    at = dice.randrange(len(data))
    data[at] ^= 1 << dice.randrange(8)
    return bytes(data)


def _sector(data: bytearray, dice: random.Random, ends: list[int]) -> bytes:
    at = dice.randrange(len(data) // SECTOR) * SECTOR
    data[at : at + SECTOR] = bytes(SECTOR)
    return bytes(data)


def _swapped(data: bytearray, dice: random.Random, ends: list[int]) -> bytes:
    n = dice.randrange(1, len(ends) - 2)
    one, other = bytes(data[ends[n] : ends[n + 1]]), bytes(data[ends[n - 1] : ends[n]])
    return bytes(data[: ends[n - 1]]) + one + other + bytes(data[ends[n + 1] :])


def _repeated(data: bytearray, dice: random.Random, ends: list[int]) -> bytes:
    n = dice.randrange(1, len(ends) - 1)
    return bytes(data[: ends[n]]) + bytes(data[ends[n - 1] : ends[n]]) + bytes(data[ends[n] :])


def _left_out(data: bytearray, dice: random.Random, ends: list[int]) -> bytes:
    n = dice.randrange(1, len(ends) - 1)
    return bytes(data[: ends[n - 1]]) + bytes(data[ends[n] :])


_CHANGES: Final[tuple[Callable[[bytearray, random.Random, list[int]], Any], ...]] = (
    _bit, _bit, _bit, _bit, _bit, _bit, _sector, _swapped, _repeated, _left_out,
)  # fmt: skip
