"""The class that a system of your own is made from, and what is checked before it may run."""

from collections.abc import Mapping
from types import FunctionType
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from quintet.core.errors import DataError
from quintet.core.facts import require_name
from quintet.core.instrument import Instrument
from quintet.core.state import (
    FACTS,
    INSTRUMENTS,
    LEVELS_SHOWN,
    WAKE_BAR,
    WAKE_BOOK,
    WAKE_CONTROL,
    WAKE_FACT,
    WAKE_FILL,
    WAKE_FUNDING,
    WAKE_ORDER,
    WAKE_TIMER,
    WAKE_TOUCH,
    WAKE_TRADE,
)
from quintet.systems.own.memory import Layout, Memory
from quintet.systems.own.refusal import RefusedSystem

HANDLERS: Final[Mapping[str, int]] = {
    "on_bar": WAKE_BAR,
    "on_lower_bar": WAKE_BAR,
    "on_fill": WAKE_FILL,
    "on_order_over": WAKE_ORDER,
    "on_timer": WAKE_TIMER,
    "on_control": WAKE_CONTROL,
    "on_trade": WAKE_TRADE,
    "on_touch": WAKE_TOUCH,
    "on_book": WAKE_BOOK,
    "on_funding": WAKE_FUNDING,
    "on_fact": WAKE_FACT,
}
"""Handler to the wake that it subscribes to."""

_CHANGING: Final = (list, dict, set, bytearray)
_ATTRIBUTES: Final = frozenset(("parameters", "memory", "instrument", "instruments"))


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a system of your own is told; each field is a key of its section, `[system.NAME]`."""


class System:
    """A system in plain Python: give it one handler or more; each is shown a `View` and returns `Wants`.

        on_bar         each closed bar of the timeframe of structure
        on_lower_bar   each closed bar of the lower timeframe, in a run on two
        on_fill        each fill of ours
        on_order_over  an order that has ended without being filled
        on_timer       every `timer_s` seconds, on whole multiples of it UTC
        on_control     an operator or the desk itself has stopped or released new risk
        on_trade       on order books: each trade of the market, as it reaches us
        on_touch       on order books: the best bid or ask is another price
        on_book        on order books: any level has been reported, unless on_touch is called for it
        on_funding     on order books: we have paid or received the funding of a perpetual
        on_fact        a source has said something of a fact that is named in `facts`, or was due and said nothing

    All that it remembers is in `self.memory`; `self.parameters`, `self.instrument` (the first) and `self.instruments`
    do not change. Setting anything else after `__init__` is refused. It must be a function of its views and its memory:
    no clock, file, network, dice.
    """

    name: ClassVar[str] = ""
    """Of its section in a configuration; empty: the class's name, `my_system` for `MySystem`."""

    timer_s: ClassVar[float] = 0
    """Whole milliseconds: 0.1 is ten times a second."""

    book_levels: ClassVar[int] = 0
    """How many levels of each side of an order book it is shown, with its own orders' places in their queues."""

    instruments_max: ClassVar[int] = 1
    """How many instruments of a tape it trades, at most; a tape with more is refused."""
    queue_places: ClassVar[bool] = False
    """On order books it is shown its own orders' places in their queues, also without levels."""

    facts: ClassVar[tuple[str, ...]] = ()
    """Names of the outside facts that it is shown, such as `alternative.me/fear_greed`; at most 16."""

    own_orders: ClassVar[bool] = False
    """It is shown its orders that are not over; so is every system whose memory holds an execution algorithm."""

    Parameters: ClassVar[Any] = Parameters
    Memory: ClassVar[Any] = Memory

    parameters: Any
    memory: Any
    instrument: Instrument
    instruments: tuple[Instrument, ...]

    def __init__(self, **parameters: Any) -> None:
        self.parameters = self.Parameters(**parameters)
        self.memory = self.Memory()

    def __setattr__(self, name: str, value: object) -> None:
        if self.__dict__.get("_sealed") and name != "memory":
            raise RefusedSystem(
                "a memory beside the memory",
                where=f"{type(self).__name__}.{name}",
                found=f"{name} = {repr(value)[:60]} after __init__",
                expected="a field of its Memory, as only that is hashed, kept and restored",
            )
        if name == "memory" and not isinstance(value, self.Memory):
            raise _refused(
                "not a memory", f"{type(self).__name__}.memory", repr(value)[:60], "an instance of its Memory"
            )
        super().__setattr__(name, value)


class Shape(NamedTuple):
    """What a runner must know of a system's class. `wakes`: mask of WAKE_*; `handlers`: those that it has."""

    name: str
    kind: type[System]
    parameters: type[msgspec.Struct]
    layout: Layout
    wakes: int
    handlers: tuple[str, ...]
    timer_every_ns: int
    levels: int
    instruments_max: int
    minds_queue: bool
    facts: tuple[str, ...]
    sees_orders: bool


def shape_of(kind: Any) -> Shape:
    """Look at a class before it runs; raises RefusedSystem for one that cannot be a system."""
    if not (isinstance(kind, type) and issubclass(kind, System)):
        raise _refused("not a system", _name_of(kind), f"a {type(kind).__name__}", "a class made from quintet.System")
    name = kind.__name__
    handlers = tuple(handler for handler in HANDLERS if callable(getattr(kind, handler, None)))
    if not handlers:
        raise _refused("a system that hears nothing", name, "no handler", f"one or more of {', '.join(HANDLERS)}")
    _refuse_strange_handlers(kind)
    if not (isinstance(kind.Parameters, type) and issubclass(kind.Parameters, msgspec.Struct)):
        raise _refused("no parameters", f"{name}.Parameters", repr(kind.Parameters), "a class made from Parameters")
    if not (isinstance(kind.Memory, type) and issubclass(kind.Memory, Memory)):
        raise _refused("no memory", f"{name}.Memory", repr(kind.Memory), "a class made from Memory")
    every_ms = round(kind.timer_s * 1000)
    if kind.timer_s < 0 or every_ms / 1000 != kind.timer_s or (every_ms == 0) == ("on_timer" in handlers):
        expected = "seconds, whole milliseconds, with on_timer"
        raise _refused("a timer that cannot be", f"{name}.timer_s", repr(kind.timer_s), expected)
    if kind.book_levels not in range(LEVELS_SHOWN + 1):
        raise _refused("levels that cannot be", f"{name}.book_levels", repr(kind.book_levels), f"0 to {LEVELS_SHOWN}")
    if kind.instruments_max not in range(1, INSTRUMENTS + 1):
        found = repr(kind.instruments_max)
        raise _refused("instruments that cannot be", f"{name}.instruments_max", found, f"1 to {INSTRUMENTS}")
    for switch, what in (("queue_places", "places"), ("own_orders", "orders")):
        if not isinstance(getattr(kind, switch), bool):
            found = repr(getattr(kind, switch))
            raise _refused(f"{what} that cannot be", f"{name}.{switch}", found, "True or False")
    _require_facts(kind.facts, name, hears="on_fact" in handlers)
    _refuse_changing(vars(kind), name)
    wakes = 0
    for handler in handlers:
        wakes |= HANDLERS[handler]
    section = kind.name or _snake(name)
    layout = Layout(kind.Memory, name)
    if layout.executions:
        wakes |= WAKE_FILL | WAKE_ORDER  # its algorithms hear of their orders, whether it asks or not
    sees_orders = kind.own_orders or bool(layout.executions)
    every_ns, minds_queue = every_ms * 1_000_000, kind.queue_places or kind.book_levels > 0
    shown = (kind.book_levels, kind.instruments_max, minds_queue, kind.facts, sees_orders)
    parts = (layout, wakes, handlers, every_ns, *shown)
    return Shape(section, kind, kind.Parameters, *parts)


def instance_of(shape: Shape, parameters: msgspec.Struct, instruments: tuple[Instrument, ...]) -> System:
    """A sealed instance before its first wake; raises RefusedSystem when it holds what can change unseen."""
    instance = shape.kind(**{name: getattr(parameters, name) for name in parameters.__struct_fields__})
    instance.instrument, instance.instruments = instruments[0], instruments
    kept = {name: value for name, value in vars(instance).items() if name not in _ATTRIBUTES}
    _refuse_changing(kept, shape.kind.__name__)
    instance.__dict__["_sealed"] = True
    return instance


def _require_facts(facts: Any, where: str, *, hears: bool) -> None:
    """A tuple of names, each once; one or more of them where `on_fact` shall hear of it."""
    expected = f"a tuple of at most {FACTS} names of facts, each once" + (", one or more for on_fact" if hears else "")
    whole = isinstance(facts, tuple) and all(isinstance(each, str) for each in facts)
    if not whole or len(set(facts)) < len(facts) or not int(hears) <= len(facts) <= FACTS:
        raise _refused("facts that cannot be", f"{where}.facts", repr(facts)[:80], expected)
    for each in facts:
        try:
            require_name(each, "facts")
        except DataError:
            expected = "source/what or source/what/of, such as alternative.me/fear_greed"
            raise _refused("facts that cannot be", f"{where}.facts", repr(each)[:80], expected) from None


def _refuse_strange_handlers(kind: type[System]) -> None:
    """A method called `on_something` that nobody calls is a spelling mistake."""
    for base in kind.__mro__:
        for name, value in vars(base).items():
            if name.startswith("on_") and isinstance(value, FunctionType) and name not in HANDLERS:
                raise _refused("unknown handler", f"{kind.__name__}.{name}", name, f"one of {', '.join(HANDLERS)}")


def _refuse_changing(held: Mapping[str, Any], where: str) -> None:
    """Lists and their like can be changed in place, past every check."""
    for name, value in held.items():
        if isinstance(value, _CHANGING) and not name.startswith("__"):
            raise _refused(
                "a memory beside the memory", f"{where}.{name}", f"a {type(value).__name__}",
                "a tuple, if it never changes; a field of its Memory, if it does",
            )  # fmt: skip


def _refused(what: str, where: str, found: str, expected: str) -> RefusedSystem:
    return RefusedSystem(what, where=where, found=found, expected=expected)


def _name_of(thing: object) -> str:
    return str(getattr(thing, "__name__", type(thing).__name__))


def _snake(name: str) -> str:
    """`MySystem` as `my_system`."""
    return "".join(f"_{c.lower()}" if c.isupper() and n else c.lower() for n, c in enumerate(name))
