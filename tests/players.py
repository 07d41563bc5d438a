"""Systems of the tests, and the loops they run in: a loop takes long to compile, so there is one of each for all.

`player` is one kernel; its params say what it plays. `run_inside` has it compiled into the loop, `replay_inside` into
the replay of a desk tape, `enter_inside` into the entry of single messages. `run_left` and `replay_left` are left at
every wake, and whoever calls them decides; `deciding` does so with any kernel. They never see a system's memory, so
that one compiled loop serves every system, as it does for systems in plain Python.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import config

from quintet.core.engine import replay as replaying
from quintet.core.engine.entry import enter_for
from quintet.core.engine.world import without_memory
from quintet.core.kernel import bind, kernel
from quintet.core.orders.lifecycle import IOC, LIMIT, MARKET, POST_ONLY
from quintet.core.random import RANDOM, below, seeded
from quintet.core.records import record, table
from quintet.core.state import NO_ASK, NO_BID, WAKES, Tape, World
from quintet.sim import loop

DICE, CHANGING, AT_THE_TOUCH, LISTENING = 0, 1, 2, 3
"""What can be played."""

TOLD = record(ts="i8", why="i8", instrument="i8", a="i8", b="i8", c="i8", bid="i8", ask="i8", last="i8")
STATE = record(random=RANDOM, wakes="i8", told=(TOLD, 512), mixed="i8")
PARAMS = record(
    plays="i8",
    wants_max="i8",
    spread="i8",
    lots_max="i8",
    styles="i8",  # how many of post-only, limit, IOC, market, stop, FOK, take-profit may be drawn
    keep_in_ten="i8",  # of the dice: how often, in ten wakes, nothing changes
    wants_in_ten="i8",  # of who listens: how often, in ten wakes, something else is wanted
)


@kernel
def roll_dice(state: Any, params: Any, view: Any) -> None:
    """At each wake keep the wants, or draw new ones: any side, style and price near the last close or the mid."""
    dice = state.random
    close = view.market[0].last
    if view.market[0].bid != NO_BID and view.market[0].ask != NO_ASK:
        close = (view.market[0].bid + view.market[0].ask) // 2
    roll = below(dice, 10)
    if close == 0 or roll < params.keep_in_ten:
        view.dirty = roll % 2  # silent, or the same once more
        return
    view.dirty = 1
    view.n = below(dice, params.wants_max + 1)
    for k in range(view.n):
        want = view.wants[k]
        want.instrument = 0
        want.style = below(dice, params.styles)
        want.side = 1 - 2 * below(dice, 2)
        want.lots = 1 + below(dice, params.lots_max)
        want.tag = below(dice, 3)
        want.price = max(1, close + below(dice, 2 * params.spread + 1) - params.spread)
        if want.style == MARKET:
            want.price = 0


@kernel
def change_quotes(state: Any, view: Any) -> None:
    """Quote both sides in sizes and at prices that change, with an exit that may only reduce."""
    dice, market = state.random, view.market[0]
    if market.bid == NO_BID or market.ask == NO_ASK:
        return
    view.dirty = 1
    view.n = 0
    for side in (1, -1):
        for rung in range(1 + below(dice, 2)):
            want = view.wants[view.n]
            view.n += 1
            want.side = side
            want.style = POST_ONLY if below(dice, 4) != 0 else LIMIT
            want.lots = 1 + below(dice, 12)
            want.price = (market.bid if side > 0 else market.ask) - side * (2 * rung + below(dice, 3))
            want.tag = rung
            want.instrument = want.reduce_only = 0
    lots = view.account[0].lots
    if lots != 0 and below(dice, 3) != 0:
        want = view.wants[view.n]
        view.n += 1
        want.side = -1 if lots > 0 else 1
        want.style = IOC if below(dice, 6) == 0 else LIMIT
        want.lots = 1 + below(dice, 2 * abs(lots))
        want.price = (market.bid if lots > 0 else market.ask) - want.side * below(dice, 3)
        want.tag = 9
        want.instrument = 0
        want.reduce_only = 1


@kernel
def rest_at_the_touch(params: Any, view: Any) -> None:
    """Rest one order of `lots_max` at the best bid and one at the best ask, whatever the position."""
    market = view.market[0]
    view.dirty = 1
    view.n = 0
    if market.bid == NO_BID or market.ask == NO_ASK:
        return
    for k in range(2):
        want = view.wants[k]
        want.instrument = 0
        want.side = 1 - 2 * k
        want.style = POST_ONLY
        want.price = market.bid if k == 0 else market.ask
        want.lots = params.lots_max
        want.tag = 0
    view.n = 2


@kernel
def listen(state: Any, params: Any, view: Any) -> None:
    """Write down what was told, and now and then want two post-only orders near the touch."""
    n = view.instrument
    market = view.market[n]
    row = state.told[(state.wakes - 1) % 512]
    row.ts, row.why, row.instrument = view.now, view.why, n
    row.bid, row.ask, row.last = market.bid, market.ask, market.last
    row.a, row.b, row.c = view.side, view.price, view.lots
    if view.why == 8:
        row.a, row.b, row.c = market.bar_end, market.close, market.volume
    depth = view.depth[n]
    for side in range(2):
        for k in range(depth.levels[side]):
            state.mixed = (state.mixed * 31 + depth.price[side, k] * 7 + depth.lots[side, k]) % 1_000_000_007
    if below(state.random, 10) >= params.wants_in_ten or market.bid == NO_BID or market.ask == NO_ASK:
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


@kernel
def player(state: Any, params: Any, view: Any) -> None:
    """Play what the params say."""
    state.wakes += 1
    if params.plays == DICE:
        roll_dice(state, params, view)
    elif params.plays == CHANGING:
        change_quotes(state, view)
    elif params.plays == AT_THE_TOUCH:
        rest_at_the_touch(params, view)
    else:
        listen(state, params, view)


def player_state(seed: int, name: str = "dice maker") -> Any:
    """A player's memory before its first event."""
    state = table(STATE, 1)
    state[0].random = seeded(seed, name)[0]
    return state


def player_params(
    *, plays: int = DICE, wants_max: int = 6, spread: int = 20, lots_max: int = 60, styles: int = 5,
    keep_in_ten: int = 3, wants_in_ten: int = 3,
) -> Any:  # fmt: skip
    params = table(PARAMS, 1)
    params[0] = (plays, wants_max, spread, lots_max, styles, keep_in_ten, wants_in_ten)
    return params


def told_of(world: World) -> list[tuple[int, ...]]:
    """What who listens wrote down, oldest first; at most the last 512."""
    state = world.state[0]
    rows = np.asarray(state.told)[: min(int(state.wakes), 512)]
    return [tuple(int(x) for x in row) for row in rows.tolist()]


# ---- the loops ----------------------------------------------------------------------------------------------------

CHECKS_BOUNDS = bool(config.BOUNDSCHECK)  # type: ignore[attr-defined]
"""Then all run in the loop that is left: it reaches for the same places, and is the one loop that is compiled."""

replay_inside = bind(replaying.advance_body, "replay_player", decide=player, LEAVES=False)
enter_inside = enter_for("player", player)

_run_left = loop.for_python()
_replay_left = bind(replaying.advance_body, "replay")

Decide = Callable[[Any, Any, Any], object]
"""State, params and view at a wake."""


def run_left(tape: Tape, world: World, stop: int) -> int:
    """The loop that is left at every wake."""
    return int(_run_left(tape, without_memory(world), stop))


def after_wake(world: World) -> None:
    """What follows a wake that left the loop."""
    loop.after_wake(without_memory(world))


def replay_left(rows: Any, world: World, progress: Any) -> int:
    """The replay that is left at every wake."""
    return int(_replay_left(rows, without_memory(world), progress))


def deciding(decide: Decide, after: Callable[[World], object] = lambda world: None) -> Callable[..., int]:
    """A loop like `run_inside` that is left at every wake to ask `decide`; after each wake `after` may look."""

    def advance(tape: Tape, world: World, stop: int) -> int:
        inside = without_memory(world)
        while (why := int(_run_left(tape, inside, stop))) > 0 and why & WAKES:
            decide(world.state[0], world.params[0], world.desk[0].shown)
            loop.after_wake(inside)
            after(world)
        return why

    return advance


run_inside = deciding(player) if CHECKS_BOUNDS else loop.for_system("player", player)


def asked(decide: Decide) -> Callable[[World], object]:
    """A kernel as `replay` asks it at each wake of a replay that is left."""
    return lambda world: decide(world.state[0], world.params[0], world.desk[0].shown)
