"""Two instruments, a desk that hears everything, and a system of dice that writes down what it was told."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from quintet.core.engine import replay as replaying
from quintet.core.engine.entry import enter_for
from quintet.core.engine.world import BuiltBars, Execution, Setup, new_world
from quintet.core.events import LAST, ROW, TIMEFRAME_NUMBER
from quintet.core.kernel import bind, kernel
from quintet.core.market.trade_bars import BY_COUNT
from quintet.core.random import RANDOM, below, seeded
from quintet.core.records import record, table
from quintet.core.state import END, FULL, NO_ASK, NO_BID, WAKES, Tape, World
from quintet.sim.loop import after_wake, for_python, for_system
from tests.desk_worlds import LINEAR_COIN, START, tape_of
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

TOLD = record(ts="i8", why="i8", instrument="i8", a="i8", b="i8", c="i8", bid="i8", ask="i8", last="i8")
LISTENER = record(random=RANDOM, n="i8", told=(TOLD, 512), mixed="i8")
TALKS = record(in_ten="i8")
"""How often, in ten wakes, the dice say that something else is wanted."""


@kernel
def listener(state: Any, params: Any, view: Any) -> None:
    """Write down what was told, and now and then want two post-only orders near the touch."""
    n = view.instrument
    market = view.market[n]
    row = state.told[state.n % 512]
    state.n += 1
    row.ts, row.why, row.instrument = view.now, view.why, n
    row.bid, row.ask, row.last = market.bid, market.ask, market.last
    row.a, row.b, row.c = view.side, view.price, view.lots
    if view.why == 8:
        row.a, row.b, row.c = market.bar_end, market.close, market.volume
    depth = view.depth[n]
    for side in range(2):
        for k in range(depth.levels[side]):
            state.mixed = (state.mixed * 31 + depth.price[side, k] * 7 + depth.lots[side, k]) % 1_000_000_007
    if below(state.random, 10) >= params.in_ten or market.bid == NO_BID or market.ask == NO_ASK:
        return
    view.dirty = 1
    view.n = 2
    for k in range(2):
        want = view.wants[k]
        want.instrument = n
        want.style = 0
        want.tag = 0
        want.lots = 1 + below(state.random, 20)
        want.side = 1 - 2 * k
        away = below(state.random, 3) * view.instruments[n].tick
        touch = market.bid if k == 0 else market.ask
        want.price = (touch - want.side * away) // view.instruments[n].tick * view.instruments[n].tick


run_listener = for_system("listener", listener)
run_left = for_python()
replay_listener = bind(replaying.advance_body, "replay_listener", decide=listener, LEAVES=False)
enter_listener = enter_for("listener", listener)


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
    state, params = table(LISTENER, 1), table(TALKS, 1)
    state[0].random = seeded(seed, "listener")[0]
    params[0].in_ten = in_ten
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


def told_of(world: World) -> list[tuple[int, ...]]:
    """What the system wrote down, oldest first; at most the last 512."""
    state = world.state[0]
    rows = np.asarray(state.told)[: min(int(state.n), 512)]
    return [tuple(int(x) for x in row) for row in rows.tolist()]


def run_to_the_end(tape: Tape, world: World) -> Any:
    """With the system inside; returns the rows of the desk tape."""
    drained, venue = [], world.venue[0]
    with np.errstate(over="ignore"):
        while True:
            why = run_listener(tape, world, 1 << 60)
            drained.append(np.asarray(world.rows_out)[: int(venue.n_rows)].copy())
            venue.n_rows = venue.n_commands = venue.n_fills = venue.n_notes = venue.n_samples = 0
            if why == END:
                return tape_of(np.concatenate(drained)).rows
            assert why == FULL, why


def run_leaving(tape: Tape, world: World) -> None:
    """Left at every wake."""
    venue = world.venue[0]
    with np.errstate(over="ignore"):
        while (why := run_left(tape, world, 1 << 60)) != END:
            if why == FULL:
                venue.n_commands = venue.n_fills = venue.n_notes = venue.n_samples = 0
                continue
            listener(world.state[0], world.params[0], world.desk[0].shown)
            after_wake(world)
