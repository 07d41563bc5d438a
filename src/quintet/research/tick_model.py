"""The numbers behind a synthetic tick market, each with its unit, bounds and reason."""

from decimal import Decimal
from typing import Annotated, Final

import msgspec

from quintet.core.errors import InputError
from quintet.core.instrument import Instrument
from quintet.core.parameters import describe, parameter
from quintet.research.tick_events import LEVELS_MAX

SWEEP_LEVELS_MAX: Final = 10
BRANCHING_MAX: Final = 0.95
"""Orders that an order calls forth, at most: near 1 the flow takes for ever to forget how it began."""


class TickModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a synthetic order book moves and who trades in it."""

    toxicity: Annotated[
        float,
        parameter(
            "share of taking orders",
            "sent by somebody who knows where the fair value will be; 0: a trade says nothing about the future",
            ge=0.0,
            le=1.0,
        ),
    ] = 0.0
    lead_ms: Annotated[
        float, parameter("ms", "how long before everybody the informed know a move", ge=1.0, le=60_000.0)
    ] = 5_000.0

    trades_per_s: Annotated[
        float, parameter("taking orders per second", "long-run mean, both sides together", gt=0.0, le=2_000.0)
    ] = 20.0
    self_excitation: Annotated[
        float, parameter("orders", "that a taking order calls forth on its own side, on average", ge=0.0, lt=1.0)
    ] = 0.5
    cross_excitation: Annotated[
        float, parameter("orders", "that it calls forth on the other side; both together below 1", ge=0.0, lt=1.0)
    ] = 0.1
    excitation_half_life_ms: Annotated[
        float, parameter("ms", "how fast the excitement halves", ge=1.0, le=600_000.0)
    ] = 70.0

    moves_per_s: Annotated[
        float, parameter("moves per second", "half a tick up or down while the spread is one tick", gt=0.0, le=100.0)
    ] = 1.5
    wide_haste: Annotated[
        float, parameter("factor", "how much faster it moves on while the spread is two ticks", ge=0.1, le=100.0)
    ] = 4.0
    move_gap_ms: Annotated[
        float, parameter("ms", "no two moves are closer: who is faster is never run over", ge=0.001, le=1_000.0)
    ] = 20.0
    log_volatility: Annotated[
        float, parameter("log", "standard deviation of the logarithm of the pace of moves", ge=0.0, le=2.0)
    ] = 0.8
    volatility_half_life_s: Annotated[
        float, parameter("s", "how fast a hasty or a calm time is forgotten", ge=1.0, le=1e6)
    ] = 600.0

    levels: Annotated[int, parameter("levels", "prices shown on each side", ge=2 * SWEEP_LEVELS_MAX, le=LEVELS_MAX)] = (
        100
    )
    touch_quote: Annotated[
        int, parameter("quote asset", "resting at the best price of a side, on average", ge=1, le=10**9)
    ] = 8_000
    hump: Annotated[
        float, parameter("factor", "how much more rests at the fullest level than at the touch", ge=1.0, le=100.0)
    ] = 3.0
    hump_levels: Annotated[float, parameter("levels", "from the touch to the fullest level", ge=1.0, le=200.0)] = 8.0

    depth_per_s: Annotated[
        float, parameter("messages per second", "in which levels are added to and cancelled", gt=0.0, le=2_000.0)
    ] = 50.0
    depth_rows: Annotated[float, parameter("levels", "changed by such a message, on average", ge=1.0, le=50.0)] = 20.0
    depth_reach: Annotated[
        float, parameter("levels", "half of the changes are nearer to the touch than this", ge=0.5, le=100.0)
    ] = 4.0
    deletion_share: Annotated[
        float, parameter("share of changes", "that empty a level behind the touch", ge=0.0, le=0.5)
    ] = 0.18

    order_quote: Annotated[int, parameter("quote asset", "taken by an ordinary order, on average", ge=1, le=10**9)] = (
        1_500
    )
    sweep_share: Annotated[
        float, parameter("share of taking orders", "that walk through several levels", ge=0.0, le=1.0)
    ] = 0.02
    sweep_levels: Annotated[int, parameter("levels", "the longest such walk", ge=2, le=SWEEP_LEVELS_MAX)] = 5
    refill_ms: Annotated[
        float, parameter("ms", "until others fill what was swept away, on average", ge=0.01, le=10_000.0)
    ] = 15.0

    latency_min_ms: Annotated[float, parameter("ms", "no message reaches us sooner", ge=0.0, le=10_000.0)] = 2.0
    latency_more_ms: Annotated[
        float, parameter("ms", "mean of the exponential time on top of it", ge=0.0, le=10_000.0)
    ] = 1.0


DEFAULT_TICK_MODEL: Final = TickModel()

TICK_INSTRUMENT: Final = Instrument(
    symbol="ETHUSDT",
    venue="synthetic",
    kind="linear",
    base_asset="ETH",
    quote_asset="USDT",
    price_increment=Decimal("0.01"),
    tick_size=Decimal("0.10"),
    lot_size=Decimal("0.001"),
    maker_fee_e9=200_000,
    taker_fee_e9=550_000,
)
"""A perpetual whose tick is a third of a basis point, at 2 and 5.5 bp: the size of movement is set for such a tick."""


def checked(model: TickModel) -> TickModel:
    """The model itself; raises InputError naming the first number out of its bounds, or a flow that never dies out."""
    try:
        msgspec.convert(msgspec.structs.asdict(model), TickModel)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        limits = {entry.name: entry.bounds for entry in describe(TickModel)}
        found = getattr(model, name, problem)
        raise InputError(f"tick model: {name} is {found!r}, expected {limits.get(name, problem)}") from None
    branching = model.self_excitation + model.cross_excitation
    if not branching <= BRANCHING_MAX:
        raise InputError(
            f"tick model: self_excitation plus cross_excitation is {branching:g}, expected at most {BRANCHING_MAX}: "
            "from 1 on, the orders that orders call forth never end"
        )
    return model
