"""One wake of a system in plain Python: view in, wants out, memory kept."""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

import msgspec

from quintet.core.instrument import Instrument
from quintet.core.records import offset_of
from quintet.core.state import (
    DESK,
    VIEW,
    WAKE_BOOK,
    WAKE_CONTROL,
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
from quintet.systems.own.wants import Want, checked

_BY_WAKE = {
    WAKE_FILL: "on_fill",
    WAKE_ORDER: "on_order_over",
    WAKE_TIMER: "on_timer",
    WAKE_CONTROL: "on_control",
    WAKE_TRADE: "on_trade",
    WAKE_TOUCH: "on_touch",
    WAKE_BOOK: "on_book",
    WAKE_FUNDING: "on_funding",
}

_ONE = Struct("<q")
_WANT = Struct("<8q")


_AT = {name: offset_of(DESK, "shown") + offset_of(VIEW, name) for name in ("dirty", "n", "wants")}


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
        reader = Reader(desk, self.shape.minds_queue, self._instruments)
        layout = self.shape.layout
        held: dict[str, Any] = vars(self._system)

        def wake() -> None:
            why, view = reader.read()
            name = _BY_WAKE.get(why) or ("on_bar" if view.bar.timeframe == self._structure else "on_lower_bar")
            handler = self._handlers.get(name)
            if handler is None:
                return
            held["memory"] = layout.load(place)
            try:
                wants = handler(view)
            except RefusedSystem:
                raise
            except Exception as error:
                raise _failed(self._system, name, view, error) from error
            layout.store(held["memory"], place)
            if wants is not None:
                self._want(desk, wants, name)

        return wake

    def _want(self, desk: memoryview, wants: Any, handler: str) -> None:
        """Write what is wanted where the planner looks for it."""
        write_wants(desk, checked(wants, f"{self.shape.kind.__name__}.{handler}", self._instruments), handler)


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
