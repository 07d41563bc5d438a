"""What the account's part of a configuration must be like: fees by turnover, funding, margin."""

from itertools import pairwise
from typing import Any, Final

from quintet.core.parameters import ParameterError
from quintet.core.state import TIERS

Tier = tuple[float, float, float]

LEVERAGE_TIERS: Final[tuple[Tier, ...]] = (
    (300_000.0, 0.0066, 0.0033),
    (2_000_000.0, 0.01, 0.005),
    (4_000_000.0, 0.0125, 0.0063),
    (8_000_000.0, 0.0185, 0.0093),
    (16_000_000.0, 0.035, 0.0175),
    (40_000_000.0, 0.07, 0.035),
)
"""Value up to, and fractions of it to open and to keep a position. The first two are BTCUSDT's on Bybit in September
2026; those above are rougher, and stricter the larger the position."""


def check_account(config: Any) -> None:
    """Raise ParameterError for tables that no venue could mean."""
    _check_fee_tiers(config.fee_tiers)
    if not config.fee_tiers and config.turnover_30d:
        raise ParameterError("turnover_30d", config.turnover_30d, "0 where there are no fee_tiers")
    if config.margin != "none":
        _check_margin_tiers(config.margin_tiers, config.leverage)


def _check_fee_tiers(tiers: tuple[Tier, ...]) -> None:
    _check_rows("fee_tiers", tiers, 0)
    for n, (turnover, maker, taker) in enumerate(tiers, start=1):
        if n == 1 and turnover != 0:
            raise ParameterError("fee_tiers", f"a first tier from a turnover of {turnover:g}", "one from 0")
        if not -100.0 <= maker <= 1000.0 or not 0.0 <= taker <= 1000.0:
            raise ParameterError(
                "fee_tiers",
                f"{maker:g} and {taker:g} bp in tier {n}",
                "a maker fee of -100 to 1000 bp and a taker fee of 0 to 1000 bp",
            )
    for n, (before, after) in enumerate(pairwise(tiers), start=2):
        if after[1] > before[1] or after[2] > before[2]:
            raise ParameterError("fee_tiers", f"higher fees in tier {n} than before", "fees that fall with turnover")


def _check_margin_tiers(tiers: tuple[Tier, ...], leverage: float) -> None:
    _check_rows("margin_tiers", tiers, 1)
    for n, (value, initial, maintenance) in enumerate(tiers, start=1):
        opens = max(initial, 1.0 / leverage)
        if value <= 0.0 or not 0.0 <= initial <= 1.0:
            raise ParameterError(
                "margin_tiers", f"{value:g}, {initial:g} in tier {n}", "a value above 0 and a fraction of 0 to 1"
            )
        if not 0.0 < maintenance < opens:
            raise ParameterError(
                "margin_tiers",
                f"a maintenance of {maintenance:g} in tier {n}",
                f"above 0 and below what opening binds there ({opens:g})",
            )
    for n, (before, after) in enumerate(pairwise(tiers), start=2):
        if after[2] <= before[2]:
            raise ParameterError("margin_tiers", f"a maintenance of {after[2]:g} in tier {n}", f"above {before[2]:g}")


def _check_rows(name: str, tiers: tuple[Tier, ...], fewest: int) -> None:
    if not fewest <= len(tiers) <= TIERS:
        raise ParameterError(name, f"{len(tiers)} tiers", f"{fewest} to {TIERS}")
    for n, (before, after) in enumerate(pairwise(tiers), start=2):
        if after[0] <= before[0]:
            raise ParameterError(name, f"{after[0]:g} as the bound of tier {n}", f"above {before[0]:g}")
