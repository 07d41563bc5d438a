"""What makes a class a system, and what is refused before and while it runs."""

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.state import WAKE_BAR, WAKE_FILL, WAKE_TIMER
from quintet.systems.own import Memory, Parameters, RefusedSystem, System
from quintet.systems.own.system import instance_of, shape_of


class MyQuietSystem(System):
    class Parameters(Parameters):
        depth: int = 3

    class Memory(Memory):
        seen: int = 0

    def on_bar(self, view):
        self.memory.seen += 1

    def on_fill(self, view):
        return []


def test_handlers_are_subscriptions_and_the_class_gives_the_section() -> None:
    shape = shape_of(MyQuietSystem)
    assert shape.name == "my_quiet_system"
    assert shape.wakes == WAKE_BAR | WAKE_FILL
    assert shape.handlers == ("on_bar", "on_fill")


def test_a_timer_is_a_handler_with_seconds() -> None:
    class Ticking(System):
        timer_s = 60

        def on_timer(self, view):
            return None

    shape = shape_of(Ticking)
    assert shape.wakes == WAKE_TIMER
    assert shape.timer_every_ns == 60_000_000_000


def test_parameters_are_taken_by_name_and_do_not_change() -> None:
    system = MyQuietSystem(depth=5)
    assert system.parameters.depth == 5
    with pytest.raises(AttributeError):
        system.parameters.depth = 6
    with pytest.raises(TypeError):
        MyQuietSystem(width=5)


def test_anything_remembered_beside_the_memory_is_refused() -> None:
    # given a system that is about to run
    system = instance_of(shape_of(MyQuietSystem), Parameters(), (DEFAULT_SPOT,))
    # when it keeps a number for itself
    with pytest.raises(RefusedSystem) as refused:
        system.last_close = 5
    # then the place and the remedy are named
    assert refused.value.where == "MyQuietSystem.last_close"
    assert "Memory" in refused.value.expected
    with pytest.raises(RefusedSystem, match="not a memory"):
        system.memory = 5
    system.memory = MyQuietSystem.Memory(seen=9)
    assert system.memory.seen == 9


def refusal(**body: object) -> RefusedSystem:
    """Why a class with this body cannot run."""
    body.setdefault("on_bar", lambda self, view: None)
    with pytest.raises(RefusedSystem) as refused:
        instance_of(shape_of(type("Own", (System,), body)), Parameters(), (DEFAULT_SPOT,))
    return refused.value


def hoarding(self, **parameters):
    System.__init__(self, **parameters)
    self.closes = []


@pytest.mark.parametrize(
    ("body", "what", "where"),
    [
        ({"on_bar": None}, "a system that hears nothing", "Own"),
        ({"on_bars": lambda self, view: None}, "unknown handler", "Own.on_bars"),
        ({"closes": []}, "a memory beside the memory", "Own.closes"),
        ({"__init__": hoarding}, "a memory beside the memory", "Own.closes"),
        ({"Memory": dict}, "no memory", "Own.Memory"),
        ({"Parameters": 5}, "no parameters", "Own.Parameters"),
        ({"timer_s": 5}, "a timer that cannot be", "Own.timer_s"),
        ({"on_timer": lambda self, view: None}, "a timer that cannot be", "Own.timer_s"),
    ],
)
def test_a_class_that_cannot_be_a_system_is_refused(body: dict[str, object], what: str, where: str) -> None:
    refused = refusal(**body)
    assert (refused.what, refused.where) == (what, where)


@pytest.mark.parametrize("thing", [5, dict, MyQuietSystem()])
def test_what_is_no_class_made_from_system_is_refused(thing: object) -> None:
    with pytest.raises(RefusedSystem, match="a class made from quintet.System"):
        shape_of(thing)


def test_constants_made_in_init_are_welcome() -> None:
    class Scaled(MyQuietSystem):
        def __init__(self, **parameters):
            super().__init__(**parameters)
            self.factor = 2 / (self.parameters.depth + 1)
            self.steps = (1, 2, 3)

    assert instance_of(shape_of(Scaled), Scaled.Parameters(depth=3), (DEFAULT_SPOT,)).factor == 0.5
