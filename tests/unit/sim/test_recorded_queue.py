"""Exact queues against the record: what the model says of a recorded order's place is what the record says of it."""

from collections import defaultdict
from pathlib import Path

import pytest

from quintet.core.engine.world import Execution, Setup, new_world
from quintet.core.state import END, SLOTS, Tape
from quintet.sim.order_queue import order_places
from quintet.sim.queue import FIFO, RISK_AVERSE
from tests.desk_worlds import LINEAR_COIN
from tests.players import run_left
from tests.recorded_orders import BAND, Feed, Fill, Rested, read_lines, with_trades
from tests.tick_exchange import parts_of, send
from tests.tick_market import message_rows


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> tuple[Tape, Feed]:
    feed = with_trades(read_lines(shared_data / "l2" / "bitstamp_btcusd_l3_orders_20150501.csv.xz"))
    rows = [(m.happened, m.heard, [part for row in m.rows for part in parts_of(row)]) for m in feed.messages]
    return message_rows(rows), feed


def in_turns(orders: list[Rested]) -> list[list[Rested]]:
    """Orders by runs: as many as a desk may have, and never two at one price at one time."""
    turns: list[list[Rested]] = []
    for order in orders:
        for turn in turns:
            apart = all(other.price != order.price or 0 < other.gone_ns + 1 < order.entered_ns - 1 for other in turn)
            if apart and len(turn) < SLOTS:
                turn.append(order)
                break
        else:
            turns.append([order])
    return turns


def as_ours(tape: Tape, places: int, orders: list[Rested], queue_model: int) -> list[tuple[float, list[Fill]]]:
    """Recorded orders as if each were ours, just before it came: lots ahead of it, and its fills."""
    setup = Setup(
        instruments=(LINEAR_COIN,),
        execution=Execution(queue_model=queue_model, partial_fills=1),
        price_window=BAND,
        order_places=places,
    )
    world = new_world(setup)
    requests = sorted((r for n, order in enumerate(orders) for r in order.requests(256 + n)), key=lambda r: r.sent)
    send(world, requests)
    ahead: list[float] = [-1.0] * len(orders)
    for order, slot in sorted((order.entered_ns, slot) for slot, order in enumerate(orders)):
        run_left(tape, world, int(tape.rows.ts_event.searchsorted(order)) + 1)
        resting = world.venue[0].resting[slot]
        ahead[slot] = float(resting.ahead) if resting.alive else -1.0
    assert run_left(tape, world, len(tape.rows)) == END
    fills: dict[int, list[Fill]] = defaultdict(list)
    for fill in world.fills[: int(world.venue[0].n_fills)]:
        assert fill.maker
        fills[int(fill.number) - 256].append(Fill(int(fill.ts_event), int(fill.lots)))
    return [(ahead[n], fills[n]) for n in range(len(orders))]


def as_found(tape: Tape, orders: list[Rested], queue_model: int = FIFO) -> list[tuple[float, list[Fill]]]:
    places = order_places(tape.rows) if queue_model == FIFO else 0
    return [found for turn in in_turns(orders) for found in as_ours(tape, places, turn, queue_model)]


def as_recorded(orders: list[Rested]) -> list[tuple[float, list[Fill]]]:
    return [(float(order.ahead), order.fills) for turn in in_turns(orders) for order in turn]


def test_recorded_orders_as_ours_are_filled_when_the_record_says_and_by_as_much(recorded: tuple[Tape, Feed]) -> None:
    # given all 477 fills of the record, and the resting orders behind them that met nothing from before it
    tape, feed = recorded
    filled = [order for order in feed.rested if order.fills and not order.shrank_alone]
    assert (feed.counted["fills"], len(filled), sum(order.ahead > 0 for order in filled)) == (477, 351, 32)
    assert as_found(tape, filled) == as_recorded(filled)


def test_recorded_orders_that_waited_behind_a_trade_wait_as_ours(recorded: tuple[Tape, Feed]) -> None:
    tape, feed = recorded
    traded = [(order.price, fill.ns) for order in feed.rested for fill in order.fills]
    waited = [
        order for order in feed.rested
        if not order.fills and not order.shrank_alone
        and any(price == order.price and order.entered_ns < ns < order.gone_ns for price, ns in traded)
    ]  # fmt: skip
    assert len(waited) == 17
    assert as_found(tape, waited) == as_recorded(waited)


def test_a_model_that_guesses_the_queue_is_wrong_about_some_of_them(recorded: tuple[Tape, Feed]) -> None:
    tape, feed = recorded
    filled = [order for order in feed.rested if order.fills and not order.shrank_alone]
    guessed = zip(as_found(tape, filled, RISK_AVERSE), as_recorded(filled), strict=True)
    assert sum(found == expected for found, expected in guessed) == 337
