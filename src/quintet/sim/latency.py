"""How long things travel between us and the venue. One sentence of assumption a model.

    CONSTANT   every order takes `entry_ns`, every answer `response_ns`
    DRAWN      a shifted log-normal time, with the given median and the given 99th percentile, drawn anew for each
    RECORDED   what recorded orders took, interpolated between the two that were sent before and after

Spikes multiply any of them: in every span of `spike_every_ns` one begins at a drawn moment, lasts `spike_ns`, and
lengthens what is sent inside it, to the venue and back, by `spike_factor_e9`. On one wire nothing overtakes: what is
sent later arrives later or at the same time. The feed has its own latency: as its rows say, or `feed_ns` for every
message where clocks cannot be believed.

A recorded order that the venue never handled (`arrived` 0 or less) stands for a congested venue: what we send between
it and its neighbours is refused, and we hear of it after the interpolated time of the whole way.
"""

from typing import Any, Final

from quintet.core.kernel import exp, kernel
from quintet.core.random import next_word, normal, uniform
from quintet.core.state import NEVER
from quintet.core.units import DOWN, E9, mul_div

CONSTANT: Final = 0
DRAWN: Final = 1
RECORDED: Final = 2
LATENCY_MODEL_NAMES: Final = ("constant", "drawn", "recorded")

_WORD = 0xFFFFFFFF


@kernel
def arrival_at_venue(venue: Any, latencies: Any, ts: int) -> int:
    """When what we send at `ts` reaches the venue; below 0: it is refused, and we hear of it at minus that time."""
    travel = venue.entry_ns
    if venue.latency_model != CONSTANT:
        wire = venue.entry
        if venue.latency_model == DRAWN:
            travel = drawn_ns(wire)
        else:
            travel = recorded_entry_ns(wire, latencies, ts)
            if travel < 0:
                return travel - ts
    return in_order(venue.entry, ts + lengthened(venue, ts, travel))


@kernel
def arrival_at_us(venue: Any, latencies: Any, ts: int) -> int:
    """When what the venue answers at `ts` reaches us."""
    travel = venue.response_ns
    if venue.latency_model == DRAWN:
        travel = drawn_ns(venue.response)
    elif venue.latency_model == RECORDED:
        travel = recorded_response_ns(venue.response, latencies, ts)
    return in_order(venue.response, ts + lengthened(venue, ts, travel))


@kernel
def in_order(wire: Any, ts: int) -> int:
    """An arrival that overtakes nothing sent before it on this wire."""
    wire.last = max(wire.last, ts)
    return wire.last


@kernel
def drawn_ns(wire: Any) -> int:
    """A shifted log-normal time: `least_ns` and, above it, exp of a normal number."""
    return wire.least_ns + int(wire.scale_ns * exp(wire.sigma * normal(wire.random)))


@kernel
def recorded_entry_ns(wire: Any, latencies: Any, ts: int) -> int:
    """From us to the venue for what is sent at `ts`; minus the time to the answer where the venue was congested."""
    last = latencies.shape[0] - 1
    while wire.row < last and latencies[wire.row + 1].sent <= ts:
        wire.row += 1
    one = latencies[wire.row]
    if ts < one.sent or wire.row == last:
        return one.arrived - one.sent
    other = latencies[wire.row + 1]
    if one.arrived <= 0 or other.arrived <= 0:
        return -between(ts, one.sent, one.heard - one.sent, other.sent, other.heard - other.sent)
    return between(ts, one.sent, one.arrived - one.sent, other.sent, other.arrived - other.sent)


@kernel
def recorded_response_ns(wire: Any, latencies: Any, ts: int) -> int:
    """From the venue to us for what is answered at `ts`."""
    last = latencies.shape[0] - 1
    while wire.row < last and latencies[wire.row + 1].arrived <= ts:
        wire.row += 1
    one = latencies[wire.row]
    if ts < one.arrived or wire.row == last:
        return one.heard - one.arrived
    other = latencies[wire.row + 1]
    return between(ts, one.arrived, one.heard - one.arrived, other.arrived, other.heard - other.arrived)


@kernel
def between(x: int, x_1: int, y_1: int, x_2: int, y_2: int) -> int:
    """On the straight line from (x_1, y_1) to (x_2, y_2), its distance from y_1 cut to a whole number."""
    return int(float(y_2 - y_1) / float(x_2 - x_1) * float(x - x_1)) + y_1


@kernel
def lengthened(venue: Any, ts: int, travel: int) -> int:
    """The time something sent at `ts` travels, longer inside a spike."""
    if venue.spike_every_ns == 0 or travel <= 0:
        return travel
    span = ts // venue.spike_every_ns
    if span != venue.spike_span:
        venue.spike_span = span
        venue.spike_from = span * venue.spike_every_ns + spike_offset(venue, span)
    if venue.spike_from <= ts < venue.spike_from + venue.spike_ns:
        return mul_div(travel, venue.spike_factor_e9, E9, DOWN)
    return travel


@kernel
def spike_offset(venue: Any, span: int) -> int:
    """Where in a span its spike begins: the same whoever asks, and in whatever order spans are asked for."""
    dice, seed = venue.spike_dice, venue.spike_seed
    dice.word_0 = seed.word_0 ^ (span & _WORD)
    dice.word_1 = seed.word_1 ^ ((span >> 32) & _WORD)
    dice.word_2 = seed.word_2
    dice.word_3 = seed.word_3 | 1
    for _ in range(16):  # neighbouring spans begin with nearly the same words
        next_word(dice)
    return int(uniform(dice) * (venue.spike_every_ns - venue.spike_ns))


@kernel
def feed_arrival(venue: Any, ts_event: int, ts_recv: int) -> int:
    """When a message of the feed reaches us."""
    if venue.feed_ns < 0:
        return ts_recv
    return in_order(venue.feed, ts_event + venue.feed_ns)


@kernel
def send_answers(venue: Any, latencies: Any) -> None:
    """Give the answers that the venue has not sent yet the time at which they reach us."""
    mask = venue.responses.shape[0] - 1
    while venue.responses_sent < venue.response_tail:
        response = venue.responses[venue.responses_sent & mask]
        if response.ts == NEVER:
            response.ts = arrival_at_us(venue, latencies, response.ts_event)
        venue.responses_sent += 1
