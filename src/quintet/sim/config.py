"""What the simulated exchange is told: latency, liquidity, costs, and in which order a bar was walked.

`ExecutionConfig` for bars, `TickExecutionConfig` for order books.
"""

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

from quintet.core.parameters import ParameterError, parameter, text
from quintet.sim.account_config import LEVERAGE_TIERS, Tier, check_account

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


QueueModel = Literal["risk_averse", "power", "power_ratio", "power_share", "log_ratio", "log_share", "fifo"]
LatencyModel = Literal["constant", "drawn", "recorded"]
Margin = Literal["none", "isolated", "cross"]
SelfTrade = Literal["cancel taker", "cancel maker", "cancel both"]


class VenueConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What of the simulated exchange is another at one trading venue; what is left out is as for all."""

    latency_model: LatencyModel | None = None
    entry_ms: float | None = None
    response_ms: float | None = None
    entry_p99_ms: float | None = None
    response_p99_ms: float | None = None
    least_ms: float | None = None
    latency_seed: int | None = None
    feed_ms: float | None = None
    spike_every_s: float | None = None
    spike_ms: float | None = None
    spike_factor: float | None = None
    self_trade: SelfTrade | None = None
    orders_per_second: int | None = None
    latencies: str = ""
    """A file of recorded orders of this venue, for its latency_model = recorded."""


class TickExecutionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The simulated exchange where order books are traded."""

    latency_model: Annotated[
        LatencyModel, text("name", "constant; drawn with a median and a 99th percentile; as recorded orders travelled")
    ] = "constant"
    entry_ms: Annotated[
        float, parameter("ms", "from a decision to the exchange; the median where it is drawn", ge=0.0, le=60_000.0)
    ] = 5.0
    response_ms: Annotated[
        float, parameter("ms", "from the exchange back to us; the median where it is drawn", ge=0.0, le=60_000.0)
    ] = 3.0
    entry_p99_ms: Annotated[
        float, parameter("ms", "drawn: one order in a hundred takes longer", ge=0.0, le=600_000.0)
    ] = 50.0
    response_p99_ms: Annotated[
        float, parameter("ms", "drawn: one answer in a hundred takes longer", ge=0.0, le=600_000.0)
    ] = 50.0
    least_ms: Annotated[float, parameter("ms", "drawn: nothing is quicker", ge=0.0, le=60_000.0)] = 0.0
    latency_seed: Annotated[int, parameter("seed", "of what is drawn, spikes included", ge=0)] = 1
    feed_ms: Annotated[float | None, text("ms", "from the exchange to us for every message; none: as the data say")] = (
        None
    )
    spike_every_s: Annotated[
        float, parameter("s", "one spike in every span of this length; 0: none", ge=0.0, le=86_400.0)
    ] = 0.0
    spike_ms: Annotated[float, parameter("ms", "how long a spike lasts", ge=0.0, le=600_000.0)] = 500.0
    spike_factor: Annotated[
        float, parameter("factor", "orders and answers take so many times longer in it", ge=1.0, le=1000.0)
    ] = 10.0
    queue_model: Annotated[
        QueueModel,
        text(
            "name",
            "who cancels when a level shrinks; risk_averse: nobody before us; fifo: as an order-level feed tells",
        ),
    ] = "risk_averse"
    queue_exponent: Annotated[int, parameter("exponent", "of the power models", ge=1, le=20)] = 3
    partial_fills: Annotated[
        bool,
        text("switch", "a trade fills what the queue leaves of it, and takers walk the book; off: whole or nothing"),
    ] = True
    own_impact: Annotated[bool, text("switch", "what we took is gone until the feed reports its level again")] = True
    market_bound_bps: Annotated[
        float, parameter("bp", "a market order goes no further beyond the touch", gt=0.0, le=10_000.0)
    ] = 500.0
    self_trade: Annotated[
        SelfTrade, text("name", "what the exchange ends where our orders would meet; the gate prevents it before")
    ] = "cancel taker"
    orders_per_second: Annotated[
        int, parameter("orders per second", "the exchange refuses more; 0: no limit", ge=0, le=100_000)
    ] = 10
    amends: Annotated[
        bool, text("switch", "the exchange changes price and size of a working order: one command instead of two")
    ] = False
    amend_keeps_place: Annotated[
        bool, text("switch", "an order that only becomes smaller keeps its place; off: amended, it goes to the end")
    ] = True
    fee_tiers: Annotated[
        tuple[Tier, ...],
        text("turnover, bp, bp", "maker and taker fee from a turnover of 30 days on; none: the instrument's own fees"),
    ] = ()
    turnover_30d: Annotated[
        float, parameter("quote asset", "what the account has turned over in the 30 days before", ge=0.0, le=1e12)
    ] = 0.0
    funding_every_h: Annotated[
        float, parameter("h", "funding of perpetuals, at whole multiples of this, UTC; 0: none", ge=0.0, le=24.0)
    ] = 0.0
    margin: Annotated[
        Margin,
        text("name", "what stands for a linear perpetual: nothing is asked, its own margin, or the whole account"),
    ] = "none"
    leverage: Annotated[
        float, parameter("times", "with margin: a position binds its value over this", ge=1.0, le=200.0)
    ] = 10.0
    margin_tiers: Annotated[
        tuple[Tier, ...],
        text("quote asset, fraction, fraction", "up to which value what is needed at least to open, and to keep it"),
    ] = LEVERAGE_TIERS
    venues: Annotated[
        dict[str, VenueConfig],
        text("sections", "in a run of several venues, what is another at one: [tick_execution.venues.NAME]"),
    ] = {}

    def at(self, venue: str) -> "TickExecutionConfig":
        """The exchange as one venue has it; raises ParameterError for values that cannot stand together there."""
        if venue not in self.venues:
            return self if not self.venues else msgspec.structs.replace(self, venues={})
        own = {name: value for name, value in msgspec.structs.asdict(self.venues[venue]).items() if value is not None}
        del own["latencies"]
        common = msgspec.structs.asdict(self) | {"venues": {}}
        try:
            return msgspec.convert(common | own, TickExecutionConfig)
        except ParameterError as error:
            raise ParameterError(f"venues.{venue}.{error.key}", error.found, error.expected) from None
        except msgspec.ValidationError as error:
            raise ParameterError(
                f"venues.{venue}", str(error), "values within the bounds of [tick_execution]"
            ) from None

    def everywhere(self, both_ways_ms: float) -> "TickExecutionConfig":
        """The same with one constant latency both ways, at every venue."""
        latency = {"latency_model": "constant", "entry_ms": both_ways_ms, "response_ms": both_ways_ms}
        own = {name: msgspec.structs.replace(venue, **latency, latencies="") for name, venue in self.venues.items()}
        made: TickExecutionConfig = msgspec.structs.replace(self, **latency, venues=own)
        return made

    def __post_init__(self) -> None:
        for venue in self.venues:
            self.at(venue)
        check_account(self)
        if self.own_impact and not self.partial_fills:
            raise ParameterError(
                "own_impact", "on", "off where partial_fills is off: what is taken whole is not counted"
            )
        if self.feed_ms is not None and not 0.0 <= self.feed_ms <= 60_000.0:
            raise ParameterError("feed_ms", self.feed_ms, "none, or 0 to 60000 ms")
        if self.latency_model == "drawn":
            for name in ("entry", "response"):
                median, p99 = getattr(self, f"{name}_ms"), getattr(self, f"{name}_p99_ms")
                if not self.least_ms < median <= p99:
                    raise ParameterError(
                        f"{name}_ms", median, f"above least_ms ({self.least_ms}), at most {name}_p99_ms ({p99})"
                    )
        if self.spike_every_s and not 0.0 < self.spike_ms <= 1000.0 * self.spike_every_s:
            raise ParameterError(
                "spike_ms", self.spike_ms, f"above 0, at most {1000.0 * self.spike_every_s}: one fits into its span"
            )
