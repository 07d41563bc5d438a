"""Two instruments, a desk that hears everything, and a system of dice that writes down what it was told."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from quintet.core.engine.world import BuiltBars, Execution, Setup, new_world
from quintet.core.events import LAST, ROW, TIMEFRAME_NUMBER
from quintet.core.market.trade_bars import BY_COUNT
from quintet.core.state import END, FULL, WAKES, Tape, World
from tests.desk_worlds import LINEAR_COIN, START, tape_of
from tests.players import LISTENING, player_params, player_state, run_inside
from tests.tick_market import MILLISECOND, Market, Message

OTHER_COIN = msgspec.structs.replace(LINEAR_COIN, symbol="OTHERUSDT", base_asset="OTHER", tick_size=Decimal("0.02"))
SHIFT = 40_000
"""The second instrument trades so much higher."""

ONE_SECOND, FIVE_TRADES = TIMEFRAME_NUMBER["1s"], 40
BARS = (
    BuiltBars(timeframe=ONE_SECOND),
    BuiltBars(timeframe=FIVE_TRADES, rule=BY_COUNT, size=5),
    BuiltBars(timeframe=ONE_SECOND, instrument=1),
)


def rows_of(messages: list[Message], instrument: int = 0, shift: int = 0) -> list[tuple[int, ...]]:
    rows = []
    for event, recv, parts in messages:
        for n, (kind, price, lots) in enumerate(parts):
            last = LAST if n + 1 == len(parts) else 0
            rows.append((event, recv, lots, price + shift, instrument, kind, last))
    return rows


def together(*markets: list[tuple[int, ...]]) -> Tape:
    """Rows in the order in which they reach us; a message stays whole."""
    return tape_of(np.array(sorted((row for rows in markets for row in rows), key=lambda row: (row[1], row[4])), ROW))


def two_markets(seed: int, count: int) -> Tape:
    return together(rows_of(Market(seed).messages(count)), rows_of(Market(seed + 1).messages(count), 1, SHIFT))


def a_listener(
    seed: int = 1, *, in_ten: int = 3, wakes: int = WAKES, bars: tuple[BuiltBars, ...] = BARS, depth_levels: int = 5,
    timer_ns: int = 50 * MILLISECOND, recording: bool = False, keeps_shown_book: bool = False, levels_kept: int = 512,
    keeps_places: bool = False,
    **execution: Any,
) -> World:  # fmt: skip
    state, params = player_state(seed, "listener"), player_params(plays=LISTENING, wants_in_ten=in_ten)
    setup = Setup(
        instruments=(LINEAR_COIN, OTHER_COIN),
        capital={"USDT": 10**12},
        execution=Execution(**{"entry_ns": 5 * MILLISECOND, "response_ns": 3 * MILLISECOND, **execution}),
        wakes=wakes,
        wake_timeframes=tuple({built.timeframe for built in bars}),
        mark_timeframe=ONE_SECOND,
        built_bars=bars,
        depth_levels=depth_levels,
        keeps_shown_book=keeps_shown_book,
        keeps_places=keeps_places,
        levels_kept=levels_kept,
        timer_first_ns=START + timer_ns,
        timer_every_ns=timer_ns,
        price_windows=((9_000, 11_000), (9_000 + SHIFT, 11_000 + SHIFT)),
        messages_in_flight=256,
        desk_rows=1 << 15 if recording else 1,
    )
    world = new_world(setup, state, params)
    world.venue[0].recording = int(recording)
    world.venue[0].sampling = 1
    return world


def run_to_the_end(tape: Tape, world: World, advance: Any = run_inside) -> Any:
    """With the system inside unless another loop is given; returns the rows of the desk tape."""
    drained, venue = [], world.venue[0]
    with np.errstate(over="ignore"):
        while True:
            why = advance(tape, world, 1 << 60)
            drained.append(np.asarray(world.rows_out)[: int(venue.n_rows)].copy())
            venue.n_rows = venue.n_commands = venue.n_fills = venue.n_notes = venue.n_samples = 0
            if why == END:
                return tape_of(np.concatenate(drained)).rows
            assert why == FULL, why
