"""Several instruments in one run: each has a book of its own, and none hears of the others' orders."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.engine.world import Execution, Setup, new_world
from quintet.core.errors import ConfigError
from quintet.core.events import ROW
from quintet.core.state import END, Tape, World
from quintet.sim.windows import price_windows
from tests.desk_worlds import LINEAR_COIN, START, tape_of
from tests.players import run_left
from tests.tick_market import MILLISECOND, Market

OTHER_COIN = msgspec.structs.replace(LINEAR_COIN, symbol="OTHERUSDT", base_asset="OTHER", tick_size=Decimal("0.02"))
SHIFT = 40_000
"""The second instrument trades so much higher."""


def market_rows(seed: int, instrument: int, shift: int) -> list[tuple[int, ...]]:
    rows = []
    for event, recv, parts in Market(seed).messages(120):
        for n, (kind, price, lots) in enumerate(parts):
            last = ev.LAST if n + 1 == len(parts) else 0
            rows.append((event, recv, lots, price + shift, instrument, kind, last))
    return rows


def together(*markets: list[tuple[int, ...]]) -> Tape:
    """Rows in the order in which they reach us; a message stays whole."""
    return tape_of(np.array(sorted((row for rows in markets for row in rows), key=lambda row: (row[1], row[4])), ROW))


def answers(tape: Tape, only: int | None = None) -> list[tuple[int, ...]]:
    """What the venue answers to bids and asks near the start, of one instrument or of both."""
    windows = price_windows(tape.rows, 2)
    setup = Setup(
        instruments=(LINEAR_COIN, OTHER_COIN),
        execution=Execution(partial_fills=1, response_ns=MILLISECOND),
        price_windows=windows,
        messages_in_flight=256,
    )
    world = new_world(setup)
    orders = [
        (ms, n, side, 10_000 - 2 * side * away + SHIFT * n)
        for ms, away in ((20, 1), (200, 2), (500, 3)) for n in (0, 1) for side in (1, -1)
    ]  # fmt: skip
    for slot, (ms, n, side, price) in enumerate(orders):
        if only is None or n == only:
            send(world, START + ms * MILLISECOND, slot, n, side, price)
    while run_left(tape, world, 1 << 60) != END:
        pass
    venue = world.venue[0]
    found = venue.responses[: int(venue.response_tail)]
    return [(int(a.kind), int(a.slot), int(a.price), int(a.lots), int(a.ts_event)) for a in found]


def send(world: World, ts: int, slot: int, n: int, side: int, price: int) -> None:
    row = world.venue[0].requests[int(world.venue[0].request_tail)]
    row.ts, row.kind, row.slot, row.number = ts, ev.PLACE, slot, 256 + slot
    row.instrument, row.side, row.price, row.lots = n, side, price, 9
    world.venue[0].request_tail += 1


def test_two_instruments_in_one_run_are_answered_as_each_alone() -> None:
    one, two = market_rows(1, 0, 0), market_rows(2, 1, SHIFT)
    both = answers(together(one, two))
    fills = [a for a in both if a[0] == ev.FILL]
    assert {slot // 2 % 2 for _, slot, *_ in fills} == {0, 1}
    for n in (0, 1):
        alone = answers(together(one, two), only=n)
        assert [a for a in both if a[1] // 2 % 2 == n] == alone


def test_each_book_holds_the_prices_of_its_own_rows() -> None:
    tape = together(market_rows(1, 0, 0), market_rows(2, 1, SHIFT))
    (low, high), (other_low, other_high) = price_windows(tape.rows, 2, margin=10)
    assert high < other_low
    prices = tape.rows.price[tape.rows.instrument == 0]
    assert (low, high) == (prices.min() - 10, prices.max() + 10)
    assert price_windows(tape.rows[:0], 1) == ((0, 0),)
    assert other_high - other_low < 1_000


def test_a_row_of_an_instrument_that_is_not_there_is_refused() -> None:
    tape = together(market_rows(2, 1, SHIFT))
    with pytest.raises(ConfigError, match="instrument 1, expected 1 instruments"):
        price_windows(tape.rows, 1)


def test_books_that_memory_cannot_hold_are_refused() -> None:
    tape = tape_of(np.array([(START, START, 1, price, 0, ev.BID_LEVEL, 1) for price in (1, 2**30)], ROW))
    with pytest.raises(ConfigError, match="cut the tape where the price jumps"):
        price_windows(tape.rows, 1)


def test_a_window_is_needed_for_each_instrument() -> None:
    with pytest.raises(ConfigError, match="1 price windows for 2 instruments"):
        new_world(Setup(instruments=(LINEAR_COIN, OTHER_COIN), price_windows=((1, 2),)))
