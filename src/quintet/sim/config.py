"""What the simulated exchange is told: latency, liquidity, costs, and in which order a bar was walked."""

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

from quintet.core.parameters import ParameterError, parameter, text

FillPolicy = Literal["pessimistic", "optimistic", "ohlc", "olhc", "lower"]

FILL_POLICIES: Final[tuple[FillPolicy, ...]] = ("pessimistic", "optimistic", "ohlc", "olhc", "lower")
"""How a bar is read where it does not say what came first. `lower` walks the bars of the lower timeframe."""


class ExecutionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The simulated exchange and the account it opens. Maker and taker fees belong to the instrument."""

    initial_quote: Annotated[Decimal, text("quote asset", "what the account holds at the beginning")] = Decimal(10_000)
    initial_base: Annotated[Decimal, text("base asset", "what it holds besides")] = Decimal(0)
    latency_ms: Annotated[
        int,
        parameter(
            "ms",
            "from a decision to the exchange; above 0 an order misses the next bar's opening print",
            ge=0,
            le=60_000,
        ),
    ] = 250
    response_ms: Annotated[
        int,
        parameter(
            "ms", "from the exchange back to us: acknowledgements and fills are known this much later", ge=0, le=60_000
        ),
    ] = 250
    participation_frac: Annotated[
        float, parameter("fraction of the volume traded", "our share of what trades through our price", gt=0.0, le=1.0)
    ] = 0.10
    touch_fill_frac: Annotated[
        float,
        parameter(
            "fraction of that share", "filled when the price only touches; 0: it must trade through", ge=0.0, le=1.0
        ),
    ] = 0.0
    spread_bps: Annotated[
        float, parameter("bp", "assumed where candles show none; a taker pays half", ge=0.0, le=1000.0)
    ] = 1.0
    slippage_bps: Annotated[
        float, parameter("bp", "a taker's price is worse by this, besides the spread", ge=0.0, le=1000.0)
    ] = 2.0
    fill_policies: Annotated[
        tuple[FillPolicy, ...], text("names", "the result is an interval over these; the headline is its lower end")
    ] = ("pessimistic", "optimistic", "ohlc", "olhc")

    def __post_init__(self) -> None:
        if not self.fill_policies:
            raise ParameterError("fill_policies", "an empty list", f"one or more of {', '.join(FILL_POLICIES)}")
        if len(set(self.fill_policies)) < len(self.fill_policies):
            raise ParameterError("fill_policies", ", ".join(self.fill_policies), "each policy once")
        if not self.initial_quote.is_finite() or self.initial_quote <= 0:
            raise ParameterError("initial_quote", self.initial_quote, "an amount above 0, in the quote asset")
        if not self.initial_base.is_finite() or self.initial_base < 0:
            raise ParameterError("initial_base", self.initial_base, "0 or an amount above it, in the base asset")
