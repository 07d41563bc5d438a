"""What else could have been done with the same money in the same market: nothing, holding, entering at random.

Random entries keep the run's stays (from the first mark at which something worth an order is held to the last), their
sizes bar by bar, and the fees of the whole run; only the times are drawn, uniformly among all ways in which the stays
fit into the run without touching. They pay no spread and no slippage. Seeded with quintet's own dice: equal runs give
equal draws.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.random import below, seeded

SEED: Final = 7
DRAWS: Final = 1_000


# ---- holding -------------------------------------------------------------------------------------------------


def held_worth(prices: Any, share: float) -> Any:
    """Worth over time of a share of 1 put into the asset at the first price and left there, the rest in cash."""
    values = np.asarray(prices, np.float64)
    return 1.0 + share * (values / values[0] - 1.0)


# ---- random entries ------------------------------------------------------------------------------------------


class RandomEntries(NamedTuple):
    """Net results of `draws` runs with random times, plain fractions: the middle 90 % and the median.

    `beaten_frac`: the share of draws that ended below the run itself.
    """

    draws: int
    stays: int
    bars: int
    low_frac: float
    median_frac: float
    high_frac: float
    beaten_frac: float


def stays(worth: Any, smallest: float) -> list[tuple[int, int]]:
    """Stretches of marks at which at least `smallest` is held: first mark, and the mark after the last."""
    inside = np.abs(np.asarray(worth, np.float64)) >= max(smallest, 1e-12)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def random_entries(
    share: Any, prices: Any, spans: list[tuple[int, int]], net_frac: float, fees_frac: float, draws: int = DRAWS
) -> RandomEntries | None:
    """Draw the times of the stays anew, `draws` times; None when there is no stay, or no room to move one.

    `share`: what is held as a fraction of equity at every mark; `net_frac` and `fees_frac`: of the run itself.
    """
    moves = np.diff(np.asarray(prices, np.float64)) / np.asarray(prices, np.float64)[:-1]
    # What is held at a mark earns the move to the next one; the last mark has none.
    spans = [(first, min(last, len(moves))) for first, last in spans if first < len(moves)]
    lengths = np.array([last - first for first, last in spans], np.int64)
    room = len(moves) - int(lengths.sum()) - max(len(spans) - 1, 0)
    if not spans or room < 1:
        return None
    profiles = [np.asarray(share, np.float64)[first:last] for first, last in spans]
    dice = seeded(SEED, "random entries")
    order, offsets = np.empty(len(spans), np.int64), np.empty(len(spans), np.int64)
    results = np.empty(draws)
    for n in range(draws):
        draw_stays(dice[0], order, offsets, room)
        earned = _earned(moves, profiles, lengths, order, np.sort(offsets))
        results[n] = np.prod(1.0 + earned) - 1.0 - fees_frac
    low, middle, high = (float(each) for each in np.quantile(results, (0.05, 0.5, 0.95)))
    beaten = float((results < net_frac).mean())
    return RandomEntries(draws, len(spans), int(lengths.sum()), low, middle, high, beaten)


def _earned(moves: Any, profiles: list[Any], lengths: Any, order: Any, offsets: Any) -> Any:
    """What each bar in the market earned, a fraction of equity, with the stays in this order at these free places."""
    own = lengths[order]
    # Each stay is followed by one free bar at least, else two would be one.
    firsts = offsets + np.concatenate(([0], np.cumsum(own + 1)[:-1]))
    held = np.concatenate([profiles[n] for n in order])
    within = np.arange(len(held)) - np.repeat(np.cumsum(own) - own, own)
    return held * moves[np.repeat(firsts, own) + within]


@kernel
def draw_stays(random: Any, order: Any, offsets: Any, room: int) -> None:
    """A random order of the stays, and for each a number of free bars before it, from 0 to `room`."""
    for n in range(len(order)):
        order[n] = n
        offsets[n] = below(random, room + 1)
    for n in range(len(order) - 1, 0, -1):
        other = below(random, n + 1)
        order[n], order[other] = order[other], order[n]
