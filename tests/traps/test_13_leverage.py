"""Trap 13: borrowed money and no margin call. On spot nothing is borrowed: what is not held is not sold, what is not
there is not spent, whatever a system wants (S-02, S-03).

Margin, liquidation by mark price and ruin come with perpetuals; until then the gate refuses them a leveraged account,
and the same check shows what a perpetual would do here.
"""

from typing import Any

import numpy as np

from quintet.core.engine.world import Execution
from quintet.core.instrument import Instrument
from quintet.core.state import DESK_BOOK
from tests.desk_worlds import LINEAR_COIN, ONE_MINUTE, SPOT_COIN, USDT, bar_tape, dice_world, run, walking_bars
from tests.players import player_params, run_inside

CAPITAL = {"USDT": 1_000_000_000}
"""Ten dollars, in quanta: a hundred lots at the first price."""


def with_a_wick(seed: int) -> list[Any]:
    """Eighty bars; in the middle one the price falls by a third and comes back."""
    bars = walking_bars(seed, 80)
    first, high, low, close, volume = bars[40]
    bars[40] = (first, high, low * 2 // 3, close, volume)
    return bars


def check(instrument: Instrument) -> list[str]:
    """Positions larger than the money behind them, or below nothing."""
    found, filled = [], 0
    for seed in range(12):
        world = dice_world(
            seed, instrument, capital=CAPITAL, params=player_params(), execution=Execution(fill_timeframe=ONE_MINUTE)
        )
        run(run_inside, bar_tape(with_a_wick(seed)), world)
        desk, fills = world.desk[0], world.fills[: int(world.venue[0].n_fills)]
        filled += len(fills)
        if not len(fills):
            continue
        equity = int(desk.shown.equity.start)
        notional = np.abs(fills["lots_after"]) * fills["price"] * int(desk.shown.instruments[0].quanta)
        if fills["lots_after"].min() < 0:
            found.append(f"seed {seed}: short of coins")
        if notional.max() > 1.5 * equity:
            found.append(f"seed {seed}: more than its money")
        if instrument.kind == "spot" and desk.ledger[DESK_BOOK, USDT] < 0:
            found.append(f"seed {seed}: in debt")
    assert filled > 50
    return found


def test_spot_cannot_borrow_whatever_is_wanted():
    assert check(SPOT_COIN) == []


def test_leverage_is_found_where_it_is_possible():
    found = check(LINEAR_COIN)
    assert any("short of coins" in line for line in found)
    assert any("more than its money" in line for line in found)
