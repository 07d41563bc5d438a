"""Noise for tests, from quintet's own dice, so that it is the same under every version of NumPy."""

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.random import normal, seeded


@kernel
def _fill(random, out):
    for n in range(len(out)):
        out[n] = normal(random[0])


def normals(stream: str, count: int, seed: int = 0) -> np.ndarray:
    """`count` standard normal numbers."""
    out = np.empty(count)
    _fill(seeded(seed, stream), out)
    return out
