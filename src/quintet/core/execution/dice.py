"""Draws of an algorithm: a seed, a stream and a number give the same draw in every world.

What is remembered is the number of draws made, which is in the algorithm's state: a restored one draws on where the
other would have. SHA-256 rather than `core.random`: a draw is rare, needs no kernel, and keeps no generator's words.
"""

import hashlib


def drawn(seed: int, stream: str, number: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included; `number` counts the draws of a stream.

    64 bits scaled to the span: of two numbers none is likelier than the other by more than span / 2**64.
    """
    digest = hashlib.sha256(f"{stream}\n{seed}\n{number}".encode()).digest()
    return low + (int.from_bytes(digest[:8], "little") * (high - low + 1) >> 64)
