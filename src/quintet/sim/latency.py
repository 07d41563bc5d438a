"""How long things travel between us and the venue. One sentence of assumption a model.

    CONSTANT   every order takes `entry_ns`, every answer `response_ns`
    DRAWN      a shifted log-normal time, with the given median and the given 99th percentile, drawn anew for each
    RECORDED   what recorded orders took, interpolated between the two that were sent before and after

Spikes multiply any of them: in every span of `spike_every_ns` one begins at a drawn moment, lasts `spike_ns`, and
lengthens what is sent inside it, to the venue and back, by `spike_factor_e9`. On one wire nothing overtakes: what is
sent later arrives later or at the same time. The feed has its own latency: as its rows say, or `feed_ns` for every
message where clocks cannot be believed. In a run with several trading venues each has its latencies and its wires.

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
def gateway_of(venue: Any, n: int) -> Any:
    """The trading venue of instrument `n` as we reach it."""
    return venue.gateways[venue.gateway_of[n]]


@kernel
def arrival_at_venue(gateway: Any, latencies: Any, ts: int) -> int:
    """When what we send at `ts` reaches the venue; below 0: it is refused, and we hear of it at minus that time."""
    travel = gateway.entry_ns
    if gateway.latency_model != CONSTANT:
        wire = gateway.entry
        if gateway.latency_model == DRAWN:
            travel = drawn_ns(wire)
        else:
            travel = recorded_entry_ns(wire, latencies, gateway.recorded_until - 1, ts)
            if travel < 0:
                return travel - ts
    return in_order(gateway.entry, ts + lengthened(gateway, ts, travel))


@kernel
def arrival_at_us(gateway: Any, latencies: Any, ts: int) -> int:
    """When what the venue answers at `ts` reaches us."""
    travel = gateway.response_ns
    if gateway.latency_model == DRAWN:
        travel = drawn_ns(gateway.response)
    elif gateway.latency_model == RECORDED:
        travel = recorded_response_ns(gateway.response, latencies, gateway.recorded_until - 1, ts)
    return in_order(gateway.response, ts + lengthened(gateway, ts, travel))


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
def recorded_entry_ns(wire: Any, latencies: Any, last: int, ts: int) -> int:
    """From us to the venue for what is sent at `ts`; minus the time to the answer where the venue was congested.

    `last`: the last row of this venue's orders.
    """
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
def recorded_response_ns(wire: Any, latencies: Any, last: int, ts: int) -> int:
    """From the venue to us for what is answered at `ts`; `last`: the last row of this venue's orders."""
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
def lengthened(gateway: Any, ts: int, travel: int) -> int:
    """The time something sent at `ts` travels, longer inside a spike."""
    if gateway.spike_every_ns == 0 or travel <= 0:
        return travel
    span = ts // gateway.spike_every_ns
    if span != gateway.spike_span:
        gateway.spike_span = span
        gateway.spike_from = span * gateway.spike_every_ns + spike_offset(gateway, span)
    if gateway.spike_from <= ts < gateway.spike_from + gateway.spike_ns:
        return mul_div(travel, gateway.spike_factor_e9, E9, DOWN)
    return travel


@kernel
def spike_offset(gateway: Any, span: int) -> int:
    """Where in a span its spike begins: the same whoever asks, and in whatever order spans are asked for."""
    dice, seed = gateway.spike_dice, gateway.spike_seed
    dice.word_0 = seed.word_0 ^ (span & _WORD)
    dice.word_1 = seed.word_1 ^ ((span >> 32) & _WORD)
    dice.word_2 = seed.word_2
    dice.word_3 = seed.word_3 | 1
    for _ in range(16):  # neighbouring spans begin with nearly the same words
        next_word(dice)
    return int(uniform(dice) * (gateway.spike_every_ns - gateway.spike_ns))


@kernel
def feed_arrival(gateway: Any, ts_event: int, ts_recv: int) -> int:
    """When a message of the feed reaches us."""
    if gateway.feed_ns < 0:
        return ts_recv
    return in_order(gateway.feed, ts_event + gateway.feed_ns)


@kernel
def send_answers(venue: Any, latencies: Any) -> None:
    """Give the answers that have not been sent yet the time at which they reach us; who is due earlier goes before."""
    mask = venue.responses.shape[0] - 1
    while venue.responses_sent < venue.response_tail:
        response = venue.responses[venue.responses_sent & mask]
        if response.ts == NEVER:
            response.ts = arrival_at_us(gateway_of(venue, response.instrument), latencies, response.ts_event)
        put_in_order(venue, venue.responses_sent)
        venue.responses_sent += 1


@kernel
def put_in_order(venue: Any, at: int) -> None:
    """Of several venues an answer of a near one goes before those of a far one that are still under way."""
    responses = venue.responses
    mask = responses.shape[0] - 1
    ts = responses[at & mask].ts
    if at == venue.response_head or responses[(at - 1) & mask].ts <= ts:
        return
    venue.moved[0] = responses[at & mask]
    while at > venue.response_head and responses[(at - 1) & mask].ts > ts:
        responses[at & mask] = responses[(at - 1) & mask]
        at -= 1
    responses[at & mask] = venue.moved[0]


@kernel
def place_on_wire(venue: Any, ts: int) -> Any:
    """The record for a request that arrives at `ts`, behind all that arrive no later."""
    requests = venue.requests
    mask = requests.shape[0] - 1
    at = venue.request_tail
    while at > venue.request_head and requests[(at - 1) & mask].ts > ts:
        requests[at & mask] = requests[(at - 1) & mask]
        at -= 1
    return requests[at & mask]
