"""A configuration of tick mode in the venue's integers, and in the sentences that stand on a report."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from quintet.core.engine.world import Execution, Latencies, Venue
from quintet.core.errors import ConfigError
from quintet.core.orders.lifecycle import VENUE_REASON_NAMES
from quintet.core.state import World
from quintet.core.units import E9
from quintet.sim.config import TickExecutionConfig
from quintet.sim.latency import LATENCY_MODEL_NAMES
from quintet.sim.queue import QUEUE_MODEL_NAMES
from quintet.sim.taking import SELF_TRADE_NAMES
from quintet.sim.tick_account import account_sentences

MILLISECOND_NS: Final = 1_000_000
HOUR_NS: Final = 3_600_000_000_000

QUEUE_SENTENCES: Final = {
    "risk_averse": "Only trades at our price bring our order forward in its queue; nobody before it cancels.",
    "power": "Cancellations happen behind our order, the more surely the smaller its share of the level before it.",
    "power_ratio": "Cancellations before and behind our order are in the ratio of powers of what is there.",
    "power_share": "Cancellations happen behind our order with the power of the share of the level that is behind it.",
    "log_ratio": "Cancellations before and behind our order are in the ratio of logarithms of what is there.",
    "log_share": "Cancellations happen behind our order with the share of the logarithm of what is behind it.",
    "fifo": "The feed tells each order: those that entered before ours stand before it, and no other.",
}


def tick_execution_of(config: TickExecutionConfig, recorded: Any = None) -> tuple[Execution, Latencies]:
    """Two parts of a `Setup`; its fees and margin are in `sim.tick_account`.

    `recorded`: the table of recorded orders, for latencies of that kind.

    Raises ConfigError when recorded latencies are asked for and none are given.
    """
    if config.latency_model == "recorded" and recorded is None:
        raise ConfigError("latency_model is recorded, found no recorded orders, expected a table of them")
    execution = Execution(
        latency_model=LATENCY_MODEL_NAMES.index(config.latency_model),
        entry_ns=whole(config.entry_ms, MILLISECOND_NS),
        response_ns=whole(config.response_ms, MILLISECOND_NS),
        feed_ns=-1 if config.feed_ms is None else whole(config.feed_ms, MILLISECOND_NS),
        spike_every_ns=whole(config.spike_every_s, E9),
        spike_ns=whole(config.spike_ms, MILLISECOND_NS),
        spike_factor_e9=whole(config.spike_factor, E9),
        queue_model=QUEUE_MODEL_NAMES.index(config.queue_model),
        queue_exponent=config.queue_exponent,
        partial_fills=int(config.partial_fills),
        own_impact=int(config.own_impact),
        self_trade=SELF_TRADE_NAMES.index(config.self_trade),
        orders_per_second=config.orders_per_second,
        market_bound_e9=whole(config.market_bound_bps, E9 // 10_000),
        amends=int(config.amends),
        amend_keeps_place=int(config.amend_keeps_place),
        funding_every_ns=whole(config.funding_every_h, HOUR_NS),
    )
    latencies = Latencies(
        seed=config.latency_seed,
        entry_p99_ns=whole(config.entry_p99_ms, MILLISECOND_NS),
        response_p99_ns=whole(config.response_p99_ms, MILLISECOND_NS),
        least_ns=whole(config.least_ms, MILLISECOND_NS),
        recorded=recorded,
    )
    return execution, latencies


def venues_of(config: TickExecutionConfig, recorded: Mapping[str, Any]) -> dict[str, Venue]:
    """The trading venues that differ from the rest, by name. `recorded`: their tables of recorded orders.

    Raises ConfigError as `tick_execution_of` does, with the venue's name.
    """
    found = {}
    for name in config.venues:
        try:
            execution, latencies = tick_execution_of(config.at(name), recorded.get(name))
        except ConfigError as error:
            raise ConfigError(f"tick_execution.venues.{name}: {error}") from None
        found[name] = Venue(execution=execution, latencies=latencies)
    return found


def whole(value: float, unit: int) -> int:
    """A float of a configuration as a whole number of smaller units, through its shortest decimal text."""
    return int(Decimal(repr(float(value))) * unit)


def tick_assumptions(config: TickExecutionConfig) -> list[str]:
    """One sentence for every model a run was made with."""
    queue = QUEUE_SENTENCES[config.queue_model]
    venues = [f"At {name}: {line}" for name in config.venues for line in venue_sentences(config, name)]
    return [*latency_sentences(config), *venues, queue, *fill_sentences(config), *account_sentences(config)]


def venue_sentences(config: TickExecutionConfig, venue: str) -> list[str]:
    """What is another at one venue."""
    here, own = config.at(venue), config.venues[venue]
    lines = latency_sentences(here)
    if own.orders_per_second is not None:
        limit = f"at most {here.orders_per_second} orders in a second" if here.orders_per_second else ""
        lines.append(f"The exchange allows {limit}." if limit else "The exchange sets no limit on orders.")
    if own.self_trade is not None:
        lines.append(f"Where our orders would meet, it does this: {here.self_trade}.")
    return lines


def latency_sentences(config: TickExecutionConfig) -> list[str]:
    """How long things travel."""
    way = {
        "constant": f"An order takes {config.entry_ms:g} ms to the exchange, an answer {config.response_ms:g} ms back.",
        "drawn": f"An order takes {config.entry_ms:g} ms to the exchange at the median and longer than "
        f"{config.entry_p99_ms:g} ms once in a hundred times, an answer {config.response_ms:g} and "
        f"{config.response_p99_ms:g} ms.",
        "recorded": "Orders and answers travel as long as recorded ones did at that time.",
    }[config.latency_model]
    feed = (
        "The feed reaches us when its data say."
        if config.feed_ms is None
        else (f"The feed reaches us {config.feed_ms:g} ms late; its own clocks are not believed.")
    )
    if not config.spike_every_s:
        return [way, feed]
    length, times = f"{config.spike_ms:g} ms", f"{config.spike_factor:g} times"
    spikes = f"Once in every {config.spike_every_s:g} s, for {length}, both ways of an order take {times} as long."
    return [way, feed, spikes]


def fill_sentences(config: TickExecutionConfig) -> list[str]:
    """What a trade does to our orders, and ours to the market."""
    if not config.partial_fills:
        return [
            "A resting order fills whole as soon as a trade reaches it.",
            "A taking order fills whole at the best price, whatever is there.",
            "Our orders change nothing in the market.",
        ]
    taken = "stays gone until the feed reports its level again" if config.own_impact else "is there again at once"
    return [
        "A trade fills as much of a resting order as the queue before it leaves of that trade.",
        f"A taking order walks the book, a market order at most {config.market_bound_bps:g} bp; what it took {taken}.",
        "Resting orders of ours change nothing in the market.",
    ]


def ends_by_reason(world: World) -> dict[str, int]:
    """How many orders the exchange has ended without our asking, by reason; reasons that did not occur are left out."""
    counts = world.venue[0].ended
    return {name: int(counts[n]) for n, name in enumerate(VENUE_REASON_NAMES) if counts[n]}
