"""Which systems can be run, and what a runner must know of each. The one place that joins a system to the loop."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec
import numpy as np

from quintet.core.engine.world import without_memory
from quintet.core.errors import DefinitionError
from quintet.core.events import TIMEFRAME_NAMES
from quintet.core.execution import journal
from quintet.core.instrument import Instrument
from quintet.core.records import quick
from quintet.core.risk.restraint_config import RestraintConfig
from quintet.core.state import WAKE_BAR, WAKE_CONTROL, WAKE_FILL, WAKE_ORDER, WAKES, Tape, World
from quintet.research.system_files import Loaded, load, names_a_file, origin_of
from quintet.systems.own.refusal import RefusedSystem
from quintet.systems.own.system import shape_of
from quintet.systems.own.waking import Mind


class KernelSystem(NamedTuple):
    """A system as a runner knows it. `decide`: its kernel, or the class of a system in plain Python (`is_python`).

    `config` is the type of its parameters; `state` and `params` make its one-row tables from config, instrument and
    the two timeframe numbers (structure, fills), `params` also from the assumed spread in bp; `statistics` reads
    figures from its state at the end; `explain` puts one of its notes into words, `note_kind` names a note's code. Who
    watches it live is told notes of the kinds in `headlines` (empty: of all), and the note for which `begins_quoting`
    is true as a line of its own. A timer wakes it every `timer_every_ns` (0: never); bars of the lower timeframe, in a
    run on two, when it `hears_fill_bars`. On an order book it is shown `depth_levels` of each side, and the places of
    its orders in their queues when it `minds_queue`. It trades `instruments_max` instruments of a tape; `state` and
    `params` are given the first. It is shown what is known of the outside `facts` of these names, in this order.
    `origin` says where somebody's own system was found, `file.py:MySystem`, and `sha256` is that file's; both are
    empty for those of quintet. `restraint`: limits of its own specification, over and above those of the desk.
    """

    name: str
    config: Any
    decide: Any
    wakes: int
    state: Callable[[Any, Instrument, int, int], Any]
    params: Callable[[Any, Instrument, int, int, float], Any]
    statistics: Callable[[Any], Mapping[str, int | float]] = lambda state: {}
    explain: Callable[[Any, Instrument], str] = lambda note, instrument: ""
    note_kind: Callable[[int], str] = str
    headlines: frozenset[str] = frozenset()
    begins_quoting: Callable[[Any], bool] = lambda note: False
    timer_every_ns: int = 0
    depth_levels: int = 0
    minds_queue: bool = False
    hears_fill_bars: bool = True
    instruments_max: int = 1
    facts: tuple[str, ...] = ()
    origin: str = ""
    sha256: str = ""
    restraint: RestraintConfig = RestraintConfig()

    @property
    def is_python(self) -> bool:
        """True when it is woken outside the compiled loop."""
        return isinstance(self.decide, type)

    @property
    def address(self) -> str:
        """What `find` finds it by: its origin, or its name for those of quintet."""
        return self.origin or self.name


NAMES = ("structure_mm",)


def find(name: str) -> KernelSystem:
    """The system of this name, or the one in a file (`file.py:MySystem`).

    Raises DefinitionError when quintet has none of this name, RefusedSystem for a file that gives none.
    """
    return _from_file(load(name)) if names_a_file(name) else _built_in(name)


def _from_file(loaded: Loaded) -> KernelSystem:
    """A class of plain Python, or a `KernelSystem` with kernels of somebody's own."""
    if isinstance(loaded.thing, KernelSystem):
        return loaded.thing._replace(origin=loaded.origin, sha256=loaded.sha256)
    return of_class(loaded.thing, loaded.origin, loaded.sha256)


def of_class(kind: Any, origin: str = "", sha256: str = "") -> KernelSystem:
    """A system in plain Python, made from a class; raises RefusedSystem for one that cannot be a system.

    `origin` and `sha256`: the file it was found in. Without them its own file is looked for; a class that was typed in
    has no origin, and its own text is hashed.
    """
    if not origin and isinstance(kind, type):
        origin, sha256 = origin_of(kind)
    shape = shape_of(kind)
    if shape.name in NAMES:
        raise RefusedSystem(
            "a name that is taken", where=f"{kind.__name__}.name", found=shape.name, expected="a name of its own"
        )

    def state(parameters: Any, instrument: Instrument, structure: int, fills: int) -> Any:
        return shape.layout.new_table()

    def params(parameters: Any, instrument: Instrument, structure: int, fills: int, spread_bp: float) -> Any:
        return _told_table(Told(msgspec.to_builtins(parameters), instrument, TIMEFRAME_NAMES[structure]))

    return KernelSystem(
        name=shape.name,
        config=shape.parameters,
        decide=kind,
        wakes=shape.wakes,
        state=state,
        params=params,
        timer_every_ns=shape.timer_every_ns,
        depth_levels=shape.levels,
        minds_queue=shape.minds_queue,
        hears_fill_bars="on_lower_bar" in shape.handlers,
        instruments_max=shape.instruments_max,
        facts=shape.facts,
        explain=journal.explained,
        note_kind=journal.kind_of,
        origin=origin,
        sha256=sha256,
    )


@cache
def _built_in(name: str) -> KernelSystem:
    if name == "structure_mm":
        from quintet.systems import structure_mm as system
        from quintet.systems.structure_mm.notes import TRANSITION
        from quintet.systems.structure_mm.records import MM

        return KernelSystem(
            name=name,
            config=system.StructureMmConfig,
            decide=system.decide,
            wakes=WAKE_BAR | WAKE_FILL | WAKE_ORDER | WAKE_CONTROL,
            state=system.new_state,
            params=system.params_record,
            minds_queue=True,
            statistics=system.statistics,
            explain=system.explain_note,
            note_kind=system.note_kind,
            headlines=frozenset(
                ("bos", "pullback", "policy", "transition", "skipped", "episode", "gap", "kill_switch")
            ),
            begins_quoting=lambda note: bool(note["code"] == TRANSITION and note["b"] == MM),
        )
    raise DefinitionError(f"no system is named {name!r}; there are {', '.join(NAMES)}")


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a system in plain Python is told: its parameters, what is traded, and the timeframe of structure."""

    parameters: dict[str, Any]
    instrument: Instrument
    structure: str
    others: tuple[Instrument, ...] = ()


def _told_table(told: Told) -> Any:
    """The same as a one-row table, for a world is made of memory and nothing else."""
    text = np.frombuffer(msgspec.json.encode(told, order="sorted"), np.uint8)
    made = np.zeros(1, [("told", "u1", (len(text),))])
    made["told"][0] = text
    return made.view(np.recarray)


def told_of_all(params: Any, others: tuple[Instrument, ...]) -> Any:
    """The params of a system in plain Python, told of the instruments after the first too."""
    told = msgspec.json.decode(np.asarray(params)["told"].tobytes(), type=Told)
    return _told_table(msgspec.structs.replace(told, others=others))


def mind_of(system: KernelSystem, params: Any) -> Mind:
    """The system in plain Python that a world's params tell of."""
    told = msgspec.json.decode(np.asarray(params)["told"].tobytes(), type=Told)
    parameters = msgspec.convert(told.parameters, system.config)
    return Mind(shape_of(system.decide), parameters, (told.instrument, *told.others), told.structure)


def loop(system: KernelSystem) -> Any:
    """The loop with the system inside: `run(tape, world, stop) -> why`, compiled or loaded once in a process."""
    return LeftLoop(system) if system.is_python else _compiled(system)


@cache
def _compiled(system: KernelSystem) -> Any:
    from quintet.sim.loop import for_system

    return for_system(system.name, system.decide)


@cache
def _leaving() -> Any:
    from quintet.sim.loop import for_python

    return for_python()


def left_loop_kernels() -> tuple[Any, Any]:
    """The loop that is left at every wake, and what follows a wake: `run(rows, world, stop) -> why`, `after(world)`.

    Both take rows and worlds of `quick` arrays, without a system's memory.
    """
    from quintet.sim.loop import after_wake

    return _leaving(), after_wake


def left_loop(world: World) -> tuple[Callable[[Any, int], int], World]:
    """The loop that is left at every wake, in a world in which somebody else decides: `run(tape, stop) -> why`.

    Beside it the world as the loop sees it, which `sim.loop.after_wake` takes after each wake.
    """
    advance, inside = _leaving(), without_memory(world)
    return lambda tape, stop: int(advance(Tape(quick(tape.rows)), inside, stop)), inside


def entrance(system: KernelSystem, world: World) -> Callable[..., int]:
    """How a message enters the step of a desk with this system: `enter(rows, world, progress)`, of this world alone."""
    if not system.is_python:
        whole, entered = World(*map(quick, world)), _entered(system)
        return lambda rows, world, progress: int(entered(quick(rows), whole, quick(progress)))
    wake = mind_of(system, world.params).enter(world)
    inside, entered_and_left = without_memory(world), _entered_and_left()

    def enter(rows: Any, world: World, progress: Any) -> int:
        wakes, seen, at = 0, quick(rows), quick(progress)
        while woken := int(entered_and_left(seen, inside, at)):
            wakes |= woken
            wake()
        return wakes

    return enter


@cache
def _entered(system: KernelSystem) -> Any:
    from quintet.core.engine.entry import enter_for

    return enter_for(system.name, system.decide)


@cache
def _entered_and_left() -> Any:
    from quintet.core.engine.entry import enter_and_leave

    return enter_and_leave()


class LeftLoop:
    """The loop for systems in plain Python: it is left at every wake, and returns for any other reason.

    The system's memory stays outside the compiled code, which would be compiled anew for each kind of it. What is known
    of the last world is kept, for a world that is moved on message by message.
    """

    def __init__(self, system: KernelSystem) -> None:
        self._system = system
        self._world: World | None = None

    def __call__(self, tape: Any, world: World, stop: int) -> int:
        """Move along the tape until row `stop`, a full buffer, the end or a definition; returns why."""
        from quintet.sim.loop import after_wake

        if world is not self._world:
            self._enter(world)
        advance, wake, inside, rows = _leaving(), self._wake, self._inside, Tape(quick(tape.rows))
        while (why := int(advance(rows, inside, stop))) > 0 and why & WAKES:
            wake()
            after_wake(inside)
        return why

    def _enter(self, world: World) -> None:
        self._world = world
        self._wake = mind_of(self._system, world.params).enter(world)
        self._inside = without_memory(world)
