"""The limits of a desk and of an account, over and above those that each system brings itself: the stricter wins.

The self-trade rule is not here: it is always on. What has stopped the desk is taken away by an operator's reset only.
"""

from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from quintet.core.parameters import ParameterError, parameter, text
from quintet.core.risk.restraint_config import RestraintConfig, strictest


class RiskConfig(RestraintConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of the desk scope; a quantity of 0 means that the limit is off."""

    order_quantity_max: Annotated[Decimal, text("base asset", "largest single order; 0: off")] = Decimal(0)
    position_quantity_max: Annotated[Decimal, text("base asset", "largest position, open orders included; 0: off")] = (
        Decimal(0)
    )
    open_orders_max: Annotated[int, parameter("orders", "64 is what the engine has room for", ge=1, le=64)] = 64
    order_rate_max: Annotated[int, parameter("orders per second", "well below what venues allow", ge=1, le=1000)] = 50
    stale_after_ms: Annotated[
        int,
        parameter(
            "ms", "no new risk on market data older than this; 0: off, as a candle is always old", ge=0, le=86_400_000
        ),
    ] = 0

    drawdown_halt_frac: Annotated[
        float,
        parameter("fraction of the high-water mark", "so far below it the desk stops itself; 0: off", ge=0.0, lt=1.0),
    ] = 0.0
    day_loss_halt_frac: Annotated[
        float,
        parameter(
            "fraction of the day's opening equity",
            "lost since 00:00 UTC, the desk stops itself; 0: off",
            ge=0.0,
            lt=1.0,
        ),
    ] = 0.0
    alarms_halt: Annotated[
        int,
        parameter(
            "alarms", "so many impossible messages stop the desk; 0: off, each stops new risk", ge=0, le=1_000_000
        ),
    ] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("order_quantity_max", "position_quantity_max"):
            value: Decimal = getattr(self, name)
            if not value.is_finite() or value < 0:
                raise ParameterError(name, value, "0 (off) or a quantity above it, in the base asset")


class AccountConfig(RiskConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same limits in the account scope: they hold for every desk that trades on the account."""


OFF_AT_0: Final = (
    "order_quantity_max", "position_quantity_max", "stale_after_ms", "drawdown_halt_frac", "day_loss_halt_frac",
    "alarms_halt",
)  # fmt: skip
"""Limits of which 0 means none; of two scopes the smaller one that is on is the stricter."""

ALWAYS_ON: Final = ("open_orders_max", "order_rate_max")
"""Of these the smaller is the stricter."""


def limits_in_force(*scopes: RiskConfig) -> RiskConfig:
    """What holds where several scopes apply (account, desk): of each limit the stricter number."""
    held: dict[str, Any] = {name: min(getattr(each, name) for each in scopes) for name in ALWAYS_ON}
    for name in OFF_AT_0:
        on = [getattr(each, name) for each in scopes if getattr(each, name) > 0]
        held[name] = min(on, default=getattr(scopes[0], name))
    return RiskConfig(**msgspec.structs.asdict(strictest(*scopes)), **held)
