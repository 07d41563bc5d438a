"""Rows of people and of reconciliation, put into a market where they belong."""

from dataclasses import fields
from typing import Any

import numpy as np

from quintet.core.engine.world import BreakerRules
from quintet.core.events import LAST, OPERATOR, RECONCILED, ROW
from quintet.core.state import Tape, World
from tests.desk_worlds import tape_of


def operator_row(ts: int, action: int) -> Any:
    """An operator's action at `ts`, our clock."""
    return np.array([(ts, ts, action, 0, 0, OPERATOR, LAST)], ROW)


def reconciled_row(ts: int, asset: int, quanta: int) -> Any:
    """A difference of `quanta` of an asset that nobody can explain."""
    return np.array([(ts, ts, quanta, asset, 0, RECONCILED, LAST)], ROW)


def with_rows(tape: Tape, *messages: Any) -> Tape:
    """The tape with these messages in their places; at equal times they come after the market."""
    rows = np.asarray(tape.rows)
    for message in messages:
        at = int(np.searchsorted(rows["ts_recv"], message["ts_recv"][0], side="right"))
        rows = np.concatenate([rows[:at], message, rows[at:]])
    return tape_of(rows)


def with_rules(world: World, rules: BreakerRules) -> World:
    """The world with these rules of the breaker."""
    for item in fields(rules):
        world.desk[0].breaker[item.name] = getattr(rules, item.name)
    return world
