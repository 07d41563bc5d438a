"""Orders sent straight to the exchange of candle mode, and what it answers."""

from fractions import Fraction
from typing import Any

from quintet.core import events as ev
from quintet.core.engine.world import Execution
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.state import World
from quintet.sim.bars import POLICY_NAMES
from tests.desk_worlds import SECOND, a_world, bar_tape, run
from tests.players import run_left
from tests.twins.bars_twin import Answer, Bar, Request, Rules

MINUTE = 60 * SECOND
E9 = 10**9
NAMES = {
    ev.ORDER_ACCEPTED: "accepted",
    ev.ORDER_CANCELED: "canceled",
    ev.ORDER_EXPIRED: "expired",
    ev.CANCEL_REJECTED: "cancel rejected",
    ev.ORDER_REJECTED: "rejected",
}


def answers_of(rows: Any, base_asset: int) -> list[Answer]:
    """What the venue has answered, from the rows of a desk tape."""
    answers = []
    for i, row in enumerate(rows):
        kind, ts = int(row.kind), int(row.ts_event)
        if kind in NAMES:
            answers.append(Answer(ts, NAMES[kind], int(row.quantity)))
        elif kind == ev.FILL:
            fee = rows[i + 2]
            maker = bool(row.bits & ev.MAKER)
            number = int(rows[i + 1].quantity)
            in_base = int(fee.price) == base_asset
            answers.append(
                Answer(ts, "fill", number, int(row.price), int(row.quantity), maker, int(fee.quantity), in_base)
            )
    return answers


def send(world: World, requests: list[Request]) -> None:
    """Put requests on the wire to the venue, each order in a slot of its own."""
    slots: dict[int, int] = {}
    styles: dict[int, int] = {}
    for n, request in enumerate(sorted(requests, key=lambda r: r.ts)):
        if not request.cancel:
            slots[request.number] = len(slots)
            styles[request.number] = STYLE_NAMES.index(request.style)
        row = world.venue[0].requests[n]
        row.ts, row.decided, row.number = request.ts, request.decided, request.number
        row.kind = ev.CANCEL if request.cancel else ev.PLACE
        row.slot, row.style = slots[request.number], styles[request.number]
        row.side, row.price, row.lots = request.side, request.price, request.lots
        world.venue[0].request_tail = n + 1


def exchange_answers(
    bars: list[Bar], requests: list[Request], instrument: Instrument, execution: Execution, held: int
) -> list[Answer]:
    """The compiled exchange in the real loop, with a desk that wants nothing."""
    world = a_world(instrument, execution=execution, wakes=0, recording=True)
    world.venue[0].book[0].held = held
    send(world, requests)
    tape = bar_tape([bar[2:] for bar in bars])
    return answers_of(run(run_left, tape, world), int(world.desk[0].shown.instruments[0].base_asset))


def rules_of(instrument: Instrument, execution: Execution) -> Rules:
    return Rules(
        policy=POLICY_NAMES[execution.policy],  # type: ignore[arg-type]
        spot=instrument.kind == "spot",
        participation=Fraction(execution.participation_e9, E9),
        touch=Fraction(execution.touch_e9, E9),
        half_spread=Fraction(execution.half_spread_e9, E9),
        slippage=Fraction(execution.slippage_e9, E9),
        stop_cap=Fraction(execution.stop_cap_e9, E9),
        response=execution.response_ns,
        maker_fee=Fraction(instrument.maker_fee_e9, E9),
        taker_fee=Fraction(instrument.taker_fee_e9, E9),
        fee_in_base=instrument.fee_in_base,
        lot_value=instrument.quanta_per_tick_lot,
        base_of_lot=instrument.base_quanta_per_lot,
    )
