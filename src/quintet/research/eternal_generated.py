"""Days that a seed draws, for the eternal engine without data: two coins that move together, with funding.

A market of years in two moods (calm and wild), each lasting some months; Ether follows Bitcoin and adds its own.
Spot and perpetual differ by a small basis, and funding follows it. Nothing in it is of a real market, and a page made
from it says so. Kernels are not needed: ten years are seven thousand draws.
"""

from typing import Any, Final

import numpy as np

from quintet.core.random import normal, seeded, uniform
from quintet.research.daily_tape import DAY_NS
from quintet.research.eternal_market import PERIOD_NS, Recorded

MOODS: Final = ((0.0014, 0.014), (-0.0016, 0.027))
"""Drift of a day and deviation of eight hours, of a calm rise and of a wild fall."""

HISTORY_DAYS: Final = 1_500
"""Closes before the first bar, so that averages and the all-time high are known."""

_COLUMNS: Final = [("start", "i8"), ("open", "f8"), ("high", "f8"), ("low", "f8"), ("close", "f8")]


def generated_market(first_day: int, days: int, seed: int = 1) -> list[Recorded]:
    """So many days of BTC and ETH from `first_day` on, with their history before it."""
    dice = seeded(seed, "days of the eternal engine")[0]
    periods = 3 * (days + HISTORY_DAYS + 2)
    moves = _moves(dice, periods)
    found = []
    begin = first_day - HISTORY_DAYS
    for asset, price, beta, own in (("BTC", 9_000.0, 1.0, 0.002), ("ETH", 500.0, 1.15, 0.009)):
        eights = _bars(dice, begin, price, [beta * move + own * float(normal(dice)) for move in moves])
        basis, rates = 0.0, {}
        perpetual = eights.copy()
        for n in range(len(eights)):
            basis = 0.9 * basis + 0.0004 * float(normal(dice)) + 0.00002
            for name in ("open", "high", "low", "close"):
                perpetual[name][n] *= 1.0 + basis
            ts = int(eights["start"][n]) + PERIOD_NS
            rates[ts] = round(1e9 * min(max(0.0001 + basis / 8, -0.003), 0.003))
        _repair(perpetual)
        traded = eights["start"] >= first_day * DAY_NS
        daily = _days(eights)
        found.append(
            Recorded(
                asset=asset,
                days=daily[daily["start"] >= first_day * DAY_NS],
                earlier=daily[daily["start"] < first_day * DAY_NS],
                spot_8h=eights[traded],
                perpetual_8h=perpetual[traded],
                rates={ts: rate for ts, rate in rates.items() if ts > first_day * DAY_NS},
            )
        )
    return found


def _moves(dice: Any, periods: int) -> list[float]:
    """Moves of eight hours, fractions; the mood changes after a hundred days in the mean."""
    mood, found = 0, []
    for _ in range(periods):
        if float(uniform(dice)) < 1 / 300:
            mood = 1 - mood
        drift, deviation = MOODS[mood]
        found.append(drift / 3 + deviation * float(normal(dice)))
    return found


def _bars(dice: Any, begin: int, price: float, moves: list[float]) -> Any:
    table = np.zeros(len(moves), _COLUMNS)
    for n, move in enumerate(moves):
        close = max(price * (1.0 + max(move, -0.9)), 1.0)
        reach = 0.4 * abs(float(normal(dice))) * abs(move) + 0.001
        table[n] = (
            begin * DAY_NS + n * PERIOD_NS, price, max(price, close) * (1 + reach), min(price, close) * (1 - reach),
            close,
        )  # fmt: skip
        price = close
    return table


def _days(eights: Any) -> Any:
    table = np.zeros(len(eights) // 3, _COLUMNS)
    for name in ("start", "open"):
        table[name] = eights[name][0::3][: len(table)]
    table["close"] = eights["close"][2::3]
    parts = [eights[n::3][: len(table)] for n in range(3)]
    table["high"] = np.maximum.reduce([part["high"] for part in parts])
    table["low"] = np.minimum.reduce([part["low"] for part in parts])
    return table


def _repair(table: Any) -> None:
    """A basis that moves within a bar may push a price beyond its extremes: these follow."""
    table["high"] = np.maximum(table["high"], np.maximum(table["open"], table["close"]))
    table["low"] = np.minimum(table["low"], np.minimum(table["open"], table["close"]))
