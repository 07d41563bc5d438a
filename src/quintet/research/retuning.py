"""Other parameters and limits for a desk that is alive: an event on its tape, applied where it stands.

A CONFIG_CHANGED event carries, as JSON, the notes of the meta block that are another from here on. Whoever lives the
tape, now or again, applies them when the event enters, before the next one. Positions, orders, books and what a system
remembers stay as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

import msgspec
import numpy as np

from quintet.core.engine.checkpoint import config_hash
from quintet.core.engine.world import BreakerRules, Limits
from quintet.core.errors import InvariantError, TapeError
from quintet.core.events import CONFIG_CHANGED, TEXT
from quintet.core.row_laws import Rows, text_of
from quintet.core.state import World
from quintet.core.tape import message_with_text
from quintet.research.backtest import fresh_world
from quintet.research.desk_run import DeskRun, desk_run_of
from quintet.research.systems import KernelSystem, entrance

CHANGEABLE: Final = ("params", "risk")
"""Notes that may change while a desk is alive."""


def change_rows(notes: Mapping[str, str], ts_ns: int) -> Rows:
    """The message that says that these notes are another from here on; times in ns UTC."""
    return message_with_text((ts_ns, ts_ns, 0, 0, 0, CONFIG_CHANGED, 0), msgspec.json.encode(notes))


def changes_on(rows: Any) -> list[int]:
    """Where CONFIG_CHANGED messages begin among the rows of a desk tape."""
    found: list[int] = np.flatnonzero(np.asarray(rows)["kind"] == CONFIG_CHANGED).tolist()
    return found


def notes_at(rows: Any, at: int) -> dict[str, str]:
    """The notes that the CONFIG_CHANGED message at row `at` carries; raises TapeError for others than may change."""
    plain = np.asarray(rows)
    end = at + 1
    while end < len(plain) and int(plain["kind"][end]) == TEXT:
        end += 1
    try:
        found = msgspec.json.decode(text_of(plain[at + 1 : end]), type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise TapeError(f"desk tape: row {at}, config changed: {error}, expected notes as JSON") from None
    strangers = sorted(found.keys() - set(CHANGEABLE))
    if strangers:
        raise TapeError(f"desk tape: row {at}, config changed: {strangers[0]}, expected {' or '.join(CHANGEABLE)}")
    return found


def in_force(notes: Mapping[str, str], rows: Any) -> dict[str, str]:
    """The notes of a desk after all that was changed on these rows of its tape."""
    held = dict(notes)
    for at in changes_on(rows):
        held |= notes_at(rows, at)
    return held


def retune(system: KernelSystem, world: World, run: DeskRun) -> World:
    """Put parameters and limits in force, in place; returns the world with them.

    What was measured stays: counters, high-water marks, causes that stand. A restraint that is turned off lets go.
    """
    fresh = fresh_world(system, run.params, run.options, run.policy)
    desk, new = world.desk[0], fresh.desk[0]
    for item in fields(Limits):
        desk.limits[item.name] = new.limits[item.name]
    for item in fields(BreakerRules):
        desk.breaker[item.name] = new.breaker[item.name]
    held = np.asarray(world.desk)["restraint"]
    held["rules"][0] = np.asarray(fresh.desk)["restraint"]["rules"][0]
    held["active"][0] = int(new.restraint.active)
    if not int(new.restraint.active):
        held["causes"][0] = held["closing"][0] = 0
    desk.room_version += 1
    if system.is_python:
        return world._replace(params=fresh.params)
    if np.asarray(fresh.params).dtype != np.asarray(world.params).dtype:
        raise InvariantError(f"parameters of {system.name}: another layout, expected one that was refused before")
    np.asarray(world.params)[:] = np.asarray(fresh.params)
    return world


class TunedEntrance:
    """How messages enter the step of a desk whose configuration may change: `enter(rows, world, progress)`."""

    def __init__(self, system: KernelSystem, world: World, notes: Mapping[str, str]) -> None:
        """`notes`: of the meta block, as they are in force when the first message enters."""
        self._system = system
        self._world = world
        self.notes: dict[str, str] = dict(notes)
        self._enter: Callable[..., int] = entrance(system, world)

    def __call__(self, rows: Any, world: World, progress: Any) -> int:
        """Let one message enter; a change of the configuration is applied as it does."""
        if int(rows[0]["kind"]) == CONFIG_CHANGED:
            self.apply(notes_at(rows, 0))
        return self._enter(rows, world, progress)

    def apply(self, changed: Mapping[str, str]) -> None:
        """Put changed notes in force."""
        self.notes |= changed
        run = desk_run_of(self.notes, "desk tape", self._system)
        self._world = retune(self._system, self._world, run)
        self._enter = entrance(self._system, self._world)

    def config(self) -> str:
        """The hash of the parameters in force, which a checkpoint bears."""
        return config_hash(self._world.params)
