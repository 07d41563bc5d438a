"""A desk that is alive is told something: to read its configuration again, or what an operator wants of it.

    quintet desk reload main       or       kill -HUP the process of `quintet trade`
    quintet desk tell main pause

A configuration is judged whole, applied between two events, or refused.

What may change: the parameters of the system, and the limits of desk and account. What makes the desk this desk (its
name, its instrument, its timeframes, its capital) may not. The answer lies beside the tape:

    desks/sandbox-main/alive.json         which process it is
    desks/sandbox-main/asked.json         what an operator wants, while nobody has read it
    desks/sandbox-main/reloaded.json      what became of the last request
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.app import auditing
from quintet.app.config import Config
from quintet.app.config_text import as_tree
from quintet.app.messages import Complaint
from quintet.core.errors import ConfigError, DataError
from quintet.core.events import TIMEFRAME_NUMBER
from quintet.core.instrument import Instrument
from quintet.core.risk import breaker
from quintet.research.systems import KernelSystem
from quintet.storage.workspace import write_whole

ALIVE: Final = "alive.json"
ANSWER: Final = "reloaded.json"
WISH: Final = "asked.json"

ACTIONS: Final = {
    "pause": breaker.PAUSE,
    "resume": breaker.RESUME,
    "reduce": breaker.REDUCE,
    "reset": breaker.RESET,
}
"""What an operator can say to a living desk. Killing is `quintet kill`: it works when a desk hangs."""

FIXED: Final = ("instrument", "execution", "tick_execution")
"""Sections that make a desk this desk."""

LIMITS: Final = ("risk", "account")

RELOADED: Final = "config reloaded"
REFUSED: Final = "config refused"


class Alive(msgspec.Struct, frozen=True):
    """Which process a desk lives in."""

    pid: int


class Wish(msgspec.Struct, frozen=True):
    """What an operator wants: a name of ACTIONS."""

    action: str


class Answer(msgspec.Struct, frozen=True):
    """What became of a request to reload. `asked`: a count, one more with each; `changed`: `key: before -> now`."""

    asked: int
    ok: bool
    changed: tuple[str, ...] = ()
    problem: str = ""


class Change(NamedTuple):
    """What would change: dotted key, before, and now."""

    key: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.key}: {self.before} -> {self.now}"


def changes(held: Config, wanted: Config, system: KernelSystem) -> list[Change]:
    """What a desk would take over, in order; raises Complaint for what cannot change while it is alive."""
    before, now = as_tree(held), as_tree(wanted)
    for section in FIXED:
        for change in _differences(section, before[section], now[section]):
            raise _fixed(change)
    name = f"system.{system.name}"
    own = list(_differences(name, before["system"].get(system.name, {}), now["system"].get(system.name, {})))
    limits = [one for section in LIMITS for one in _differences(section, before[section], now[section])]
    return own + limits


def require_same_shape(
    held: Config, wanted: Config, system: KernelSystem, instrument: Instrument, structure: str, fills: str
) -> None:
    """Raise Complaint for a parameter on which the shape of a system's memory depends, naming it."""
    if system.is_python:
        return
    numbers = (TIMEFRAME_NUMBER[structure], TIMEFRAME_NUMBER[fills])
    old, new = (getattr(config.system, system.name) for config in (held, wanted))

    def shape(params: Any) -> tuple[Any, ...]:
        told = system.params(params, instrument, *numbers, held.execution.spread_bps)
        memory = system.state(params, instrument, *numbers)
        return tuple((np.asarray(each).dtype, len(each)) for each in (told, memory))

    if shape(old) == shape(new):
        return
    for name in old.__struct_fields__:
        one = msgspec.structs.replace(old, **{name: getattr(new, name)})
        if shape(one) != shape(old):
            raise _fixed(Change(f"system.{system.name}.{name}", getattr(old, name), getattr(new, name)))
    raise _fixed(Change(f"system.{system.name}", "one shape of memory", "another"))


def _fixed(change: Change) -> Complaint:
    return Complaint(
        "cannot change while a desk is alive", where=change.key, found=str(change.now), expected=str(change.before),
        hint="another desk can be begun with it: --desk NAME",
    )  # fmt: skip


def _differences(section: str, before: Any, now: Any) -> Iterator[Change]:
    for key in dict.fromkeys((*before, *now)):
        one, other = before.get(key), now.get(key)
        if isinstance(one, dict) or isinstance(other, dict):
            yield from _differences(f"{section}.{key}", one or {}, other or {})
        elif one != other:
            yield Change(f"{section}.{key}", one, other)


# ---- from one process to another -------------------------------------------------------------------------------


@contextmanager
def found_by_others(folder: Path) -> Iterator[None]:
    """While a desk is ready to be told something, its folder says where."""
    write_whole(folder / ALIVE, msgspec.json.encode(Alive(os.getpid())))
    try:
        yield
    finally:
        (folder / ALIVE).unlink(missing_ok=True)


@contextmanager
def asked_by_others(
    folder: Path,
    read_again: Callable[[], Config] | None,
    take_over: Callable[[Config], tuple[str, ...]],
    operate: Callable[[int], None],
    say: Callable[[str], None],
) -> Iterator[None]:
    """While inside, SIGHUP lets a desk read its configuration again: `take_over` judges it whole and returns what has
    changed, or raises and has changed nothing. Either is told, answered beside the tape, and audited. Where an operator
    has left a wish, that is what is done: `operate` lets it enter.
    """

    def read() -> None:
        wish = read_written(folder / WISH, Wish)
        if wish is not None:
            (folder / WISH).unlink()
            operate(ACTIONS[wish.action])
            answer(folder, True, (wish.action,))
            return
        try:
            if read_again is None:
                raise Complaint("no configuration", where=folder.name, found="none", expected="one to be read again")
            changed = take_over(read_again())
        except (ConfigError, OSError) as error:
            say(f"the configuration is refused, nothing has changed: {error}")
            auditing.record(REFUSED, folder.name, problem=error)
            answer(folder, False, problem=str(error))
            return
        say(f"the configuration has changed: {'; '.join(changed) or 'in nothing that concerns this desk'}")
        auditing.record(RELOADED, folder.name, changed="; ".join(changed))
        answer(folder, True, changed)

    with _listening(folder, read):
        yield


@contextmanager
def _listening(folder: Path, read: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, read)
    try:
        with found_by_others(folder):
            yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


@contextmanager
def refused_on_paper(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """A paper desk comes back by running its market once more, so it has one configuration for all of its life."""
    problem = "a desk on paper is a backtest of its market: it hears of nothing else, and keeps its configuration"

    def refuse() -> None:
        (folder / WISH).unlink(missing_ok=True)
        say(f"the configuration is refused, nothing has changed: {problem}")
        answer(folder, False, problem=problem)

    with _listening(folder, refuse):
        yield


def answer(folder: Path, ok: bool, changed: tuple[str, ...] = (), problem: str = "") -> None:
    """Say what became of a request."""
    before = read_answer(folder)
    told = Answer(before.asked + 1 if before is not None else 1, ok, changed, problem)
    write_whole(folder / ANSWER, msgspec.json.encode(told))


def read_answer(folder: Path) -> Answer | None:
    """The last answer, None where nobody has asked yet."""
    found: Answer | None = read_written(folder / ANSWER, Answer)
    return found


def alive_in(folder: Path) -> int:
    """The process of a desk; raises Complaint when it is not alive."""
    from quintet.storage.tape_files import is_being_written

    found = read_written(folder / ALIVE, Alive)
    if found is None or not is_being_written(folder / "desk.tape"):
        raise Complaint(
            "a desk at rest", where=str(folder), found="nobody who could be told",
            expected="a desk that is alive; one at rest is started with the configuration it had",
        )  # fmt: skip
    return int(found.pid)


def ask(folder: Path, tell: Callable[[int], None], patience_s: float = 10.0) -> Answer:
    """Tell a living desk and wait for what became of it; raises Complaint, or DataError when it does not answer."""
    before = read_answer(folder)
    count = before.asked if before is not None else 0
    tell(alive_in(folder))
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s:
        found = read_answer(folder)
        if found is not None and found.asked > count:
            return found
        time.sleep(0.02)
    raise DataError(f"{folder}: no answer within {patience_s:g} s, expected one in {ANSWER}: look at the desk itself")


def tell(folder: Path, action: str, signalled: Callable[[int], None], patience_s: float = 10.0) -> Answer:
    """Say what an operator wants, a name of ACTIONS, and wait until it was done; raises as `ask` does."""
    alive_in(folder)
    write_whole(folder / WISH, msgspec.json.encode(Wish(action)))
    try:
        return ask(folder, signalled, patience_s)
    finally:
        (folder / WISH).unlink(missing_ok=True)


def read_written(path: Path, kind: Any, by: str = "a desk") -> Any:
    """A small file beside a tape, None where there is none; raises DataError for one that is not of this `kind`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise DataError(f"{path}: {error}, expected what {by} has written") from None
