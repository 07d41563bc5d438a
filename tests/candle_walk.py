"""A walk in ticks with moods, dead bars and empty ones, from a generator written out: the same on every machine."""

import numpy as np

DAY_NS = 86_400_000_000_000
BAR_NS = 300_000_000_000
MIDNIGHT_NS = 1_704_067_200_000_000_000
"""2024-01-01 00:00 UTC."""

Columns = dict[str, np.ndarray]


def walk(bars: int, seed: int = 20_240_501, begin_ns: int = MIDNIGHT_NS) -> Columns:
    """Five-minute bars as the columns of the catalogue: `end_ns`, `high`, `low`, `close`, `volume`."""
    draws = draw(5 * bars, seed).reshape(bars, 5)
    rows, close = [], 300_000
    for i, (step, above, below, traded, mood) in enumerate(draws.tolist()):
        width = 20 + 150 * ((i // 97) % 5)
        if mood % 31 == 0:
            rows.append((close, close, close, 0))
            continue
        before, close = close, max(close + step % (2 * width + 1) - width, 1_000)
        volume = 0 if mood % 29 == 0 else traded % 5_000
        rows.append((max(before, close) + above % 90, min(before, close) - below % 90, close, volume))
    high, low, close_column, volume_column = (np.array(column, "i8") for column in zip(*rows, strict=True))
    end_ns = begin_ns + BAR_NS * np.arange(1, bars + 1)
    return {"end_ns": end_ns, "high": high, "low": low, "close": close_column, "volume": volume_column}


def draw(count: int, seed: int) -> np.ndarray:
    """Whole numbers below 2^24 from a congruential generator (Knuth's MMIX), its upper bits."""
    found = []
    for _ in range(count):
        seed = (seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        found.append(seed >> 40)
    return np.array(found, "i8")
