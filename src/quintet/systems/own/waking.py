"""One wake of a system in plain Python: view in, wants out, memory kept."""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

import msgspec

from quintet.core.execution.journal import told
from quintet.core.execution.want import Want
from quintet.core.instrument import Instrument
from quintet.core.records import offset_of
from quintet.core.state import (
    DESK,
    NOTE,
    NOTES,
    VIEW,
    WAKE_BOOK,
    WAKE_CONTROL,
    WAKE_FACT,
    WAKE_FILL,
    WAKE_FUNDING,
    WAKE_ORDER,
    WAKE_TIMER,
    WAKE_TOUCH,
    WAKE_TRADE,
    WANT,
    World,
)
from quintet.systems.own.memory import bytes_of
from quintet.systems.own.refusal import RefusedSystem
from quintet.systems.own.system import Shape, System, instance_of
from quintet.systems.own.view import Reader, View
from quintet.systems.own.wants import checked

_BY_WAKE = {
    WAKE_FILL: "on_fill",
    WAKE_ORDER: "on_order_over",
    WAKE_TIMER: "on_timer",
    WAKE_CONTROL: "on_control",
    WAKE_TRADE: "on_trade",
    WAKE_TOUCH: "on_touch",
    WAKE_BOOK: "on_book",
    WAKE_FUNDING: "on_funding",
    WAKE_FACT: "on_fact",
}

_ONE = Struct("<q")
_NOTE = Struct("<5q")
_WANT = Struct("<8q")


_SHOWN = ("dirty", "n", "wants", "n_notes", "notes")
_AT = {name: offset_of(DESK, "shown") + offset_of(VIEW, name) for name in _SHOWN}


def write_wants(desk: memoryview, listed: Sequence[Want], where: str = "wants") -> None:
    """Put what is wanted where the planner looks for it; raises RefusedSystem for numbers beyond 64 bits."""
    at = _AT["wants"]
    for want in listed:
        try:
            _WANT.pack_into(
                desk, at, want.instrument, want.side, want.style, want.price, want.lots, want.tag, 0, want.reduce_only
            )
        except Exception as error:
            raise RefusedSystem(
                "a want that cannot be", where=where, found=repr(want), expected="numbers within 64 bits"
            ) from error
        at += WANT.itemsize
    _ONE.pack_into(desk, _AT["n"], len(listed))
    _ONE.pack_into(desk, _AT["dirty"], 1)


class Mind:
    """A system at work in one world. It holds nothing of its own: its memory is the world's."""

    def __init__(
        self, shape: Shape, parameters: msgspec.Struct, instruments: tuple[Instrument, ...], structure: str
    ) -> None:
        self.shape = shape
        self._instruments = len(instruments)
        self._system = instance_of(shape, parameters, instruments)
        self._structure = structure
        self._handlers = {name: getattr(self._system, name) for name in shape.handlers}

    def enter(self, world: World) -> Callable[[], None]:
        """How this system is woken in a world that has something new to show."""
        desk, place = bytes_of(world.desk), bytes_of(world.state)
        shape = self.shape
        reader = Reader(desk, shape.minds_queue, self._instruments, reads_orders=shape.sees_orders, facts=shape.facts)
        layout = self.shape.layout
        executions = layout.executions
        held: dict[str, Any] = vars(self._system)

        def wake() -> None:
            why, view = reader.read()
            name = _BY_WAKE.get(why) or ("on_bar" if view.bar.timeframe == self._structure else "on_lower_bar")
            handler = self._handlers.get(name)
            if handler is None and not (executions and why == WAKE_FILL):
                return
            held["memory"] = memory = layout.load(place)
            before = [getattr(memory, execution) for execution in executions]
            if view.fill is not None:
                for execution in executions:
                    _hear(memory, execution, view)
            try:
                wants = handler(view) if handler is not None else None
            except RefusedSystem:
                raise
            except Exception as error:
                raise _failed(self._system, name, view, error) from error
            if executions:
                self._tell(desk, before, [getattr(held["memory"], execution) for execution in executions])
            layout.store(held["memory"], place)
            if wants is not None:
                self._want(desk, wants, name)

        return wake

    def _tell(self, desk: memoryview, before: list[Any], after: list[Any]) -> None:
        """Note what has begun and what is over, for who reads the run. Raises RefusedSystem for two under one tag."""
        _refuse_one_tag_twice(after, self.shape.kind.__name__)
        (n,) = _ONE.unpack_from(desk, _AT["n_notes"])
        for old, new in zip(before, after, strict=True):
            for note in told(old, new):
                if n < NOTES:
                    # The time and the position of a note are known to whoever takes it out.
                    _NOTE.pack_into(desk, _AT["notes"] + n * NOTE.itemsize + offset_of(NOTE, "code"), *note)
                    n += 1
        _ONE.pack_into(desk, _AT["n_notes"], n)

    def _want(self, desk: memoryview, wants: Any, handler: str) -> None:
        """Write what is wanted where the planner looks for it."""
        write_wants(desk, checked(wants, f"{self.shape.kind.__name__}.{handler}", self._instruments), handler)


def _hear(memory: Any, execution: str, view: View) -> None:
    """A fill reaches the algorithm whose order it is of, before the handler and whatever that does."""
    fill = view.fill
    assert fill is not None
    state = getattr(memory, execution)
    if state.owns(fill.tag, view.instrument):
        setattr(memory, execution, state.heard(fill.side, fill.lots, fill.tag, view.instrument))


def _refuse_one_tag_twice(executions: list[Any], name: str) -> None:
    """A fill tells by its tag whose it is."""
    active = [state for state in executions if state.is_active]
    for n, state in enumerate(active):
        for other in active[:n]:
            if other.owns(state.tag, state.instrument) or state.owns(other.tag, other.instrument):
                raise RefusedSystem(
                    "one tag for two executions",
                    where=name,
                    found=f"tags {other.tag} and {state.tag} at once",
                    expected="tags of its own for each; a ladder uses eight from its tag on",
                )


def _failed(system: System, handler: str, view: View, error: Exception) -> RefusedSystem:
    """An exception of the system's own code, with the line where it came up."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    line = f"{place.tb_frame.f_code.co_filename}, line {place.tb_lineno}" if place is not None else "its code"
    return RefusedSystem(
        "a system that failed",
        where=f"{line}, called by {type(system).__name__}.{handler} at {view.now_ns} ns UTC",
        found=f"{type(error).__name__}: {error}",
        expected="wants, or None",
    )
