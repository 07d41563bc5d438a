"""Two venues of different distance and candles in one run: each exchange is its own twin, one desk hears them all."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.engine.world import Execution, Setup, Venue, new_world
from quintet.core.events import ROW
from quintet.core.state import Tape, World
from quintet.core.units import E9
from quintet.sim.exchange_order import in_exchange_order
from quintet.sim.latency import arrival_at_venue
from quintet.sim.loop import hear_the_rest
from tests.desk_worlds import LINEAR_COIN, START, run, tape_of
from tests.players import run_left
from tests.property.test_ticks_twin import markets, request_lists, rules, steps
from tests.tick_exchange import FIRST_TIMER, TIMER_EVERY, answers_of, execution_of, parts_of, write_request
from tests.tick_market import MILLISECOND, WINDOW
from tests.twins.ticks_twin import Answer, Exchange, MarginTable, Message, Request, Rules, Travel

pytestmark = pytest.mark.xdist_group("loop")

FAR_COIN = msgspec.structs.replace(
    LINEAR_COIN, symbol="FARUSDT", base_asset="FAR", venue="far", tick_size=Decimal("0.02")
)
BAR = (ev.BAR_OPEN, 10_000, 7, 2), (ev.BAR_CLOSE, 10_001, 10_002 << ev.HIGH_SHIFT | 9_999, 2)
"""A candle of one minute; what it says does not matter here."""


class Told(NamedTuple):
    """A message of the tape: a candle, or what an exchange tells. Even times are of one venue, odd ones of another."""

    happened: int
    heard: int
    instrument: int
    rows: tuple[tuple[int, ...], ...]

    @property
    def candle(self) -> bool:
        return self.rows == BAR

    @property
    def moment(self) -> tuple[int, bool]:
        """Where it stands among what happens; what only we see comes first."""
        return (self.heard, False) if self.candle else (self.happened, True)


def doubled(ts: int, odd: int) -> int:
    return START + 2 * (ts - START) + odd


def far(messages: list[Message], odd: int, delay: int) -> list[Message]:
    return [Message(doubled(m.happened, odd), doubled(m.heard + delay, odd), m.rows) for m in messages]


def sent_by(requests: list[Request], odd: int) -> list[Request]:
    return [r._replace(sent=doubled(r.sent, odd), number=r.number + 256 * odd) for r in requests]


@st.composite
def candles(draw: st.DrawFn) -> list[Told]:
    found, heard = [], START
    for _ in range(draw(st.integers(0, 5))):
        heard += 2 * (draw(steps) + draw(steps))
        found.append(Told(heard - 2 * draw(steps), heard, draw(st.integers(0, 1)), BAR))
    return found


ways = st.sampled_from([0, 2, 70 * MILLISECOND])
constant = st.builds(Travel, entry=ways, response=ways)


def without_perpetuals(messages: list[Message]) -> list[Message]:
    """Without marks and rates: they wait for what stands before them, which the order expected here does not."""
    kept = [m._replace(rows=tuple(row for row in m.rows if row[0] not in ("mark", "rate"))) for m in messages]
    return [m for m in kept if m.rows]


feeds = markets().map(without_perpetuals).filter(bool)

FEES = [(0, Fraction(LINEAR_COIN.maker_fee_e9, E9), Fraction(LINEAR_COIN.taker_fee_e9, E9))]
NO_ACCOUNT: Any = {
    "fee_tiers": FEES,
    "turnover_before": 0,
    "funding_every": 0,
    "balance": 10**12,
    "margin": MarginTable(),
}
"""Tiers, funding and margin are of one account, which two exchanges do not share: each takes its instrument's fees."""


@st.composite
def two_rules(draw: st.DrawFn) -> tuple[Rules, Rules]:
    """What a run has for all its venues, and what each has for itself."""
    near = replace(draw(rules), travel=draw(constant), **NO_ACCOUNT)
    other = draw(rules)
    own = {"self_trade": other.self_trade, "orders_per_second": other.orders_per_second, "travel": draw(constant)}
    return near, replace(near, **own)


def tape_in_order_of_hearing(told: list[Told]) -> Tape:
    rows = []
    for message in sorted(told, key=lambda m: m.heard):
        for n, (kind, price, lots, *bits) in enumerate(message.rows):
            last = ev.LAST if n + 1 == len(message.rows) else 0
            rows.append((message.happened, message.heard, lots, price, message.instrument, kind, sum(bits) + last))
    return tape_of(np.array(rows, ROW))


def two_venues(near: Rules, other: Rules) -> World:
    world = new_world(
        Setup(
            instruments=(LINEAR_COIN, FAR_COIN),
            execution=Execution(**execution_of(near)),
            venues={"far": Venue(execution=Execution(**execution_of(other)))},
            timer_first_ns=FIRST_TIMER,
            timer_every_ns=TIMER_EVERY,
            price_windows=(WINDOW, WINDOW),
            messages_in_flight=128,
            desk_rows=1 << 13,
        )
    )
    world.venue[0].recording = 1
    return world


def send_to_both(world: World, requests: list[tuple[int, Request]]) -> None:
    """Put requests of both instruments on the wires, each order in a slot of its own."""
    venue = world.venue[0]
    placed = {r.number: r for _, r in requests if not r.cancel and not r.amend}
    slots = {number: slot for slot, number in enumerate(placed)}
    gateways = [venue.gateways[venue.gateway_of[n]] for n in (0, 1)]
    wired = [(int(arrival_at_venue(gateways[n], world.latencies, r.sent)), n, r) for n, r in requests]
    for row, (arrives, n, r) in zip(venue.requests, sorted(wired, key=lambda w: w[0]), strict=False):
        row.ts, row.instrument = arrives, n
        write_request(row, r, placed[r.number], slots[r.number])
    venue.request_tail = len(requests)


def heard_by_the_desk(told: list[Told], world: World) -> list[Any]:
    """Feed by its number on the tape, candles, timers and answers, as the desk tape says."""
    tape = in_exchange_order(tape_in_order_of_hearing(told))
    rows = list(run(run_left, tape, world))
    before = len(rows)
    hear_the_rest(run_left, tape, world)
    rows += list(world.rows_out[before : int(world.venue[0].n_rows)])
    heard: list[Any] = []
    for i, row in enumerate(rows):
        kind = int(row.kind)
        if kind == ev.TIMER:
            heard.append(("timer", int(row.ts_recv)))
        elif kind < ev.FACT and row.bits & ev.LAST:
            what = "candle" if kind == ev.BAR_CLOSE else "feed"
            heard.append((what, int(row.instrument), int(row.ts_event), int(row.ts_recv), int(row.price)))
        else:
            heard += answers_of(rows, i)
    return heard


def expected_of(told: list[Told], answers: list[Answer]) -> list[Any]:
    last = max(m.heard for m in told)
    happens: list[tuple[int, int, Any, Any]] = []
    happens += [(ts, 0, 0, ("timer", ts)) for ts in range(FIRST_TIMER, last + 1, TIMER_EVERY)]
    for n, m in enumerate(sorted(told, key=lambda m: m.heard)):
        what = ("candle" if m.candle else "feed", m.instrument, m.happened, m.heard, m.rows[-1][1])
        happens.append((m.heard, 1, (m.moment, n), what))
    happens += [(a.heard, 2, n, a) for n, a in enumerate(sorted(answers, key=lambda a: a.heard))]
    heard = [what for *_, what in sorted(happens, key=lambda item: item[:3])]
    while heard[-1][0] == "feed":
        heard.pop()
    return heard


@pytest.mark.bounds
@pytest.mark.jit_off
@given(
    feeds,
    feeds,
    request_lists(),
    request_lists(),
    candles(),
    two_rules(),
    st.sampled_from([0, 0, 1, 70]),
)
@settings(max_examples=60)
def test_each_exchange_is_its_own_and_the_desk_hears_all_in_order(
    near: list[Message], other: list[Message], here: list[Request], there: list[Request], bars: list[Told],
    both_rules: tuple[Rules, Rules], delay_ms: int,
) -> None:  # fmt: skip
    books = [far(near, 0, 0), far(other, 1, delay_ms * MILLISECOND)]
    asked = [sent_by(here, 0), sent_by(there, 1)]
    told = bars + [
        Told(m.happened, m.heard, n, tuple(part for row in m.rows for part in parts_of(row)))
        for n, messages in enumerate(books) for m in messages
    ]  # fmt: skip
    twins = [Exchange(each) for each in both_rules]
    answers = [a for twin, book, requests in zip(twins, books, asked, strict=True) for a in twin.run(book, requests)]
    world = two_venues(*both_rules)
    send_to_both(world, [(n, r) for n, requests in enumerate(asked) for r in requests])
    assert heard_by_the_desk(told, world) == expected_of(told, answers)
    assert [int(book.held) for book in world.venue[0].book[:2]] == [twin.held for twin in twins]


def test_a_tape_in_the_exchanges_order_is_left_as_it_is() -> None:
    told = [Told(START + n, START + 2 * n, n % 2, ((ev.TRADE_BUY, 10_000, 1),)) for n in range(5)]
    tape = tape_in_order_of_hearing(told)
    assert in_exchange_order(tape) is tape


def test_marks_and_rates_do_not_put_a_tape_out_of_order() -> None:
    mark, trade = ((ev.MARK_PRICE, 10_000, 0),), ((ev.TRADE_BUY, 10_000, 1),)
    told = [Told(START + 5, START + 6, 0, trade), Told(START, START + 7, 0, mark), Told(START + 8, START + 9, 0, trade)]
    tape = tape_in_order_of_hearing(told)
    assert in_exchange_order(tape) is tape


def test_what_a_far_venue_did_first_stands_first_and_a_candle_where_we_see_it() -> None:
    trade = ((ev.TRADE_BUY, 10_000, 1),)
    told = [Told(START, START + 90, 1, trade), Told(START + 5, START + 6, 0, trade), Told(START, START + 50, 0, BAR)]
    ordered = in_exchange_order(tape_in_order_of_hearing([*told, Told(START + 50, START + 51, 0, trade)]))
    assert [(int(r.kind), int(r.ts_recv) - START) for r in ordered.rows] == [
        (ev.TRADE_BUY, 90), (ev.TRADE_BUY, 6), (ev.BAR_OPEN, 50), (ev.BAR_CLOSE, 50), (ev.TRADE_BUY, 51),
    ]  # fmt: skip
