"""Which systems can be run, and what a runner must know of each. The one place that joins a system to the loop."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from quintet.core.errors import DefinitionError
from quintet.core.instrument import Instrument
from quintet.core.state import WAKE_BAR, WAKE_CONTROL, WAKE_FILL, WAKE_ORDER


class KernelSystem(NamedTuple):
    """A system whose decision is a kernel.

    `config` is the type of its parameters; `state` and `params` make its one-row tables from config, instrument and
    the two timeframe numbers (structure, fills), `params` also from the assumed spread in bp; `statistics` reads
    figures from its state at the end; `explain` puts one of its notes into words, `note_kind` names a note's code. Who
    watches it live is told notes of the kinds in `headlines` (empty: of all), and the note for which `begins_quoting`
    is true as a line of its own.
    """

    name: str
    config: type
    decide: Any
    wakes: int
    state: Callable[[Any, Instrument, int, int], Any]
    params: Callable[[Any, Instrument, int, int, float], Any]
    statistics: Callable[[Any], Mapping[str, int | float]]
    explain: Callable[[Any, Instrument], str]
    note_kind: Callable[[int], str]
    headlines: frozenset[str] = frozenset()
    begins_quoting: Callable[[Any], bool] = lambda note: False


NAMES = ("structure_mm",)


@cache
def find(name: str) -> KernelSystem:
    """The system of this name; raises DefinitionError when there is none."""
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
            statistics=system.statistics,
            explain=system.explain_note,
            note_kind=system.note_kind,
            headlines=frozenset(
                ("bos", "pullback", "policy", "transition", "skipped", "episode", "gap", "kill_switch")
            ),
            begins_quoting=lambda note: bool(note["code"] == TRANSITION and note["b"] == MM),
        )
    raise DefinitionError(f"no system is named {name!r}; there are {', '.join(NAMES)}")


@cache
def loop(system: KernelSystem) -> Any:
    """The compiled loop with the system inside, compiled or loaded once in a process."""
    from quintet.sim.loop import for_system

    return for_system(system.name, system.decide)
