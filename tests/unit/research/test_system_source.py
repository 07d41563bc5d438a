"""The hash of a system's source changes with every file that decides, and with nothing else."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from quintet.core.kernel import bind
from quintet.research import system_source
from quintet.research.system_source import source_hash
from quintet.research.systems import KernelSystem, find

DECIDE = """
from quintet.core.kernel import kernel
from quintet.features import trend
import signals as s

@kernel
def decide(view, state, params):
    return s.signal(view)
"""
SIGNALS = """
import math
from levels import (
    FIRST as LEVEL,  # the one that matters
)

def signal(view):
    return math.sqrt(view) + LEVEL
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system of three files that a user wrote."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "my_system.py").write_text(DECIDE)
    (folder / "signals.py").write_text(SIGNALS)
    (folder / "levels.py").write_text("FIRST = 1.0\n")
    (folder / "other.py").write_text("UNUSED = 1\n")
    monkeypatch.syspath_prepend(folder)
    return folder


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("my_system", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("signals", "levels"):
        sys.modules.pop(name, None)
    return module


def hash_of(path: Path) -> str:
    return source_hash(with_decision(loaded(path).decide))


def with_decision(decide: object) -> KernelSystem:
    return KernelSystem("mine", dict, decide, 0, lambda *_: None, lambda *_: None, dict, str, str)


def files_of(system: KernelSystem) -> set[str]:
    parts = [system.decide, system.state, system.params, system.config]
    reached = list(system_source._reached(parts, {"quintet"}))
    return {system_source._place(path) for path in system_source._with_imports(reached, {"quintet"})}


def test_the_hash_is_the_same_every_time(folder: Path) -> None:
    assert hash_of(folder / "my_system.py") == hash_of(folder / "my_system.py")
    assert source_hash(find("structure_mm")) == source_hash(find("structure_mm"))
    assert len(source_hash(find("structure_mm"))) == 64


@pytest.mark.parametrize("name", ["my_system.py", "signals.py", "levels.py"])
def test_an_edit_in_any_file_that_is_used_is_another_system(folder: Path, name: str) -> None:
    before = hash_of(folder / "my_system.py")
    path = folder / name
    path.write_text(path.read_text() + "# another comment\n")
    assert hash_of(folder / "my_system.py") != before


def test_a_file_that_is_not_used_and_another_folder_change_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hash_of(folder / "my_system.py")
    (folder / "other.py").write_text("UNUSED = 2\n")
    assert hash_of(folder / "my_system.py") == before
    moved = folder.rename(folder.parent / "elsewhere")
    monkeypatch.syspath_prepend(moved)
    assert hash_of(moved / "my_system.py") == before


def test_a_built_in_system_stands_on_its_folder_and_on_what_it_uses_of_the_pure_rooms() -> None:
    files = files_of(find("structure_mm"))
    for name in ("systems/structure_mm/system.py", "systems/structure_mm/machine.py", "features/structure.py"):
        assert f"quintet/{name}" in files
    # a module that only constants are taken from counts as well
    assert "quintet/core/events.py" in files
    # and the world around it, features it does not use, other people's packages do not
    rooms = {name.split("/")[1] for name in files}
    assert rooms == {"core", "features", "systems"}
    assert "quintet/features/trend.py" not in files


def test_a_users_system_stands_on_the_features_it_names(folder: Path) -> None:
    files = files_of(with_decision(loaded(folder / "my_system.py").decide))
    assert {"my_system.py", "signals.py", "levels.py", "quintet/features/trend.py"} <= files
    assert not any("numba" in name or "math" in name for name in files)


def test_a_kernel_bound_into_another_is_found(folder: Path) -> None:
    inner = loaded(folder / "my_system.py").decide
    bound = bind(calls_the_bound_one, "calls_the_bound_one", _to_be_bound=inner)
    assert "my_system.py" in files_of(with_decision(bound))


def _to_be_bound(view, state, params):
    return 0


def calls_the_bound_one(view, state, params):
    return _to_be_bound(view, state, params)


def test_a_system_typed_into_a_notebook_is_told_by_its_code() -> None:
    def typed(text: str) -> KernelSystem:
        names: dict[str, object] = {"__name__": "__main__"}
        exec(compile(text, "<cell 1>", "exec"), names)
        return with_decision(names["decide"])

    one = source_hash(typed("def decide(view, state, params):\n    return 1\n"))
    assert one == source_hash(typed("def decide(view, state, params):\n    return 1\n"))
    assert one != source_hash(typed("def decide(view, state, params):\n    return 2\n"))
    called = "def helped():\n    return {}\ndef decide(view, state, params):\n    return helped()\n"
    assert source_hash(typed(called.format(1))) != source_hash(typed(called.format(2)))


CLASS = """
from quintet.features.window import sma_update
from levels import FIRST

class Base:
    def shared(self):
        return sma_update

class MySystem(Base):
    THRESHOLD = 5

    class Memory:
        seen = 0

    @property
    def level(self):
        return FIRST

    def on_bar(self, view):
        return self.THRESHOLD
"""


def test_a_class_stands_on_its_file_its_bases_and_what_they_name(folder: Path) -> None:
    path = folder / "my_class.py"
    path.write_text(CLASS)
    system = with_decision(loaded(path).MySystem)
    assert {"my_class.py", "levels.py", "quintet/features/window.py"} <= files_of(system)
    before = source_hash(system)
    path.write_text(CLASS.replace("THRESHOLD = 5", "THRESHOLD = 6"))
    assert source_hash(with_decision(loaded(path).MySystem)) != before


@pytest.mark.parametrize(
    ("written", "edited"),
    [
        ("THRESHOLD = 5", "THRESHOLD = 6"),
        ("seen = 0", "seen = 1"),
        ("return FIRST", "return -FIRST"),
        ("return sma_update", "return self"),
    ],
)
def test_a_class_typed_into_a_notebook_is_told_by_its_code_and_values(folder: Path, written: str, edited: str) -> None:
    def typed(text: str) -> str:
        names: dict[str, object] = {"__name__": "a_notebook"}
        exec(compile(text, "<cell 1>", "exec"), names)
        return source_hash(with_decision(names["MySystem"]))

    assert typed(CLASS) == typed(CLASS)
    assert typed(CLASS) != typed(CLASS.replace(written, edited))
