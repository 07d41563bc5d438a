"""A market and orders sent straight to the exchange of tick mode, and all that enters the step because of them."""

from fractions import Fraction
from typing import Any

from quintet.core import events as ev
from quintet.core.engine.money_rules import FeeSchedule, FeeTier, MarginRules, MarginTier
from quintet.core.engine.world import Latencies
from quintet.core.orders.lifecycle import STYLE_NAMES, VENUE_REASON_NAMES
from quintet.core.records import table
from quintet.core.risk.margin import MARGIN_MODE_NAMES
from quintet.core.state import LATENCY, World
from quintet.sim.latency import LATENCY_MODEL_NAMES, arrival_at_venue
from quintet.sim.loop import hear_the_rest
from quintet.sim.order_queue import order_places
from quintet.sim.queue import QUEUE_MODEL_NAMES
from quintet.sim.taking import SELF_TRADE_NAMES
from tests.bar_exchange import NAMES
from tests.desk_worlds import LINEAR_COIN, START, run
from tests.players import run_left
from tests.tick_market import MILLISECOND, WINDOW, message_rows, tick_world
from tests.twins.ticks_twin import Answer, Message, Request, Row, Rules, Travel

E9 = 10**9
TIMER_EVERY = 50 * MILLISECOND
ROW_KINDS = {
    "bid": ev.BID_LEVEL,
    "ask": ev.ASK_LEVEL,
    "buy": ev.TRADE_BUY,
    "sell": ev.TRADE_SELL,
    "clear": ev.BOOK_CLEAR,
    "mark": ev.MARK_PRICE,
    "rate": ev.FUNDING_RATE,
    "gap": ev.FEED_GAP,
    "status": ev.VENUE_STATUS,
}
CHANGES = {ev.ORDER_AMENDED: "amended", ev.ORDER_REDUCED: "reduced"}


FEED = range(ev.FACT)
"""Kinds of what the market tells."""
ORDER_BITS = {"entered": ev.ORDER_ENTERED, "changed": ev.ORDER_CHANGED, "gone": ev.ORDER_GONE}


def parts_of(row: Row) -> list[tuple[int, ...]]:
    """One row of the twin's market as the rows of a tape: kind, price, quantity, bits."""
    kind, price, lots = row[:3]
    level = (ROW_KINDS[kind], price, lots)
    return [level] if len(row) == 3 else [(ev.BOOK_ORDER, price, row[3], ORDER_BITS[row[4]]), level]


def heard_of(rows: Any) -> list[object]:
    """What has entered the step, from the rows of a desk tape: feed messages by number, timers, answers."""
    heard: list[object] = []
    messages = 0
    for i, row in enumerate(rows):
        kind, at = int(row.kind), int(row.ts_recv)
        if kind in FEED and row.bits & ev.LAST:
            heard.append(("feed", messages))
            messages += 1
        elif kind == ev.TIMER:
            heard.append(("timer", at))
        else:
            heard += answers_of(rows, i)
    return heard


def answers_of(rows: Any, i: int) -> list[Answer]:
    """The answer to an order that begins at a row, if one does."""
    row, kind = rows[i], int(rows[i].kind)
    happened, at = int(row.ts_event), int(row.ts_recv)
    if kind == ev.FILL:
        maker, number, fee = bool(row.bits & ev.MAKER), int(rows[i + 1].quantity), int(rows[i + 2].quantity)
        what = "liquidation" if row.bits & ev.LIQUIDATION else "fill"
        return [Answer(happened, at, what, number, int(row.price), int(row.quantity), maker, fee=fee)]
    if kind in CHANGES:
        lots = int(rows[i + 1].quantity)
        return [Answer(happened, at, CHANGES[kind], int(row.quantity), int(row.price), lots)]
    if kind == ev.FUNDING:
        return [Answer(happened, at, "funding", 0, int(row.price), fee=int(row.quantity))]
    if kind == ev.AMEND_REJECTED:
        reason = VENUE_REASON_NAMES[int(row.price)]
        return [Answer(happened, at, "amend rejected", int(row.quantity), reason=reason)]
    if kind in NAMES:
        return [Answer(happened, at, NAMES[kind], int(row.quantity), reason=VENUE_REASON_NAMES[int(row.price)])]
    return []


def send(world: World, requests: list[Request]) -> None:
    """Put requests on the wire to the venue, each order in a slot of its own."""
    orders = {r.number: (slot, r) for slot, r in enumerate(r for r in requests if not r.cancel and not r.amend)}
    for n, request in enumerate(requests):
        slot, order = orders[request.number]
        row = world.venue[0].requests[n]
        row.ts = arrival_at_venue(world.venue[0].gateways[0], world.latencies, request.sent)
        write_request(row, request, order, slot)
        world.venue[0].request_tail = n + 1


def write_request(row: Any, request: Request, order: Request, slot: int) -> None:
    """A request as it travels; `order` is the one that it places, changes or ends."""
    row.decided = request.sent
    row.kind = ev.CANCEL if request.cancel else ev.AMEND if request.amend else ev.PLACE
    row.slot, row.number, row.style = slot, request.number, STYLE_NAMES.index(order.style)
    row.side, row.reduce_only = order.side, int(order.reduce_only)
    row.price, row.lots = (request if request.amend else order).price, (request if request.amend else order).lots


def execution_of(rules: Rules) -> dict[str, Any]:
    """The rules as fields of an Execution."""
    return {
        "queue_model": QUEUE_MODEL_NAMES.index(rules.queue),
        "queue_exponent": rules.exponent,
        "partial_fills": int(rules.partial),
        "self_trade": SELF_TRADE_NAMES.index(rules.self_trade),
        "orders_per_second": rules.orders_per_second,
        "own_impact": int(rules.impact),
        "market_bound_e9": round(rules.market_bound * E9),
        "amends": int(rules.amends),
        "amend_keeps_place": int(rules.keeps_place),
        "funding_every_ns": rules.funding_every,
        "latency_model": LATENCY_MODEL_NAMES.index(rules.travel.model),
        "entry_ns": rules.travel.entry,
        "response_ns": rules.travel.response,
        "spike_every_ns": rules.travel.spike_every,
        "spike_ns": rules.travel.spike_length,
        "spike_factor_e9": rules.travel.spike_factor * E9,
    }


def latencies_of(travel: Travel) -> Latencies:
    """What latencies need that are not constant."""
    recorded = table(LATENCY, len(travel.recorded))
    for n, row in enumerate(travel.recorded):
        recorded[n] = row
    return Latencies(
        seed=travel.seed,
        entry_p99_ns=travel.p99,
        response_p99_ns=travel.p99,
        least_ns=travel.least,
        recorded=recorded if len(recorded) else None,
    )


def money_of(rules: Rules) -> dict[str, Any]:
    """The rules as the account's fees, margin and capital."""
    tiers = tuple(FeeTier(turnover=t, maker_e9=e9(maker), taker_e9=e9(taker)) for t, maker, taker in rules.fee_tiers)
    steps = tuple(
        MarginTier(value_max=value, initial_e9=e9(initial), maintenance_e9=e9(keep))
        for value, initial, keep in rules.margin.tiers
    )
    mode = MARGIN_MODE_NAMES.index(rules.margin.mode)
    return {
        "capital": rules.balance,
        "fees": FeeSchedule(tiers=tiers, turnover_before=rules.turnover_before),
        "margin": MarginRules(mode=mode, initial_e9=e9(rules.margin.initial), tiers=steps),
    }


def e9(rate: Fraction) -> int:
    """A rate that is whole in 1e-9."""
    assert rate * E9 == int(rate * E9)
    return int(rate * E9)


def exchange_hears(
    messages: list[Message], requests: list[Request], rules: Rules, window: tuple[int, int] = WINDOW
) -> tuple[list[object], World]:
    """The compiled exchange in the real loop, with a desk that wants nothing; all it hears, also after the tape."""
    tape = message_rows([(m.happened, m.heard, [part for row in m.rows for part in parts_of(row)]) for m in messages])
    places = order_places(tape.rows) if rules.queue == "fifo" else 0
    ways = {**execution_of(rules), **money_of(rules), "order_places": places, "window": window}
    world = tick_world(wakes=0, recording=True, latencies=latencies_of(rules.travel), **ways)
    send(world, requests)
    rows = list(run(run_left, tape, world))
    before = len(rows)
    hear_the_rest(run_left, tape, world)
    rows += list(world.rows_out[before : int(world.venue[0].n_rows)])
    return heard_of(rows), world


FIRST_TIMER = START + TIMER_EVERY
LOT_QUANTITY = float(LINEAR_COIN.lot_size)
