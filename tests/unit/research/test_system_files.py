"""`file.py:MySystem`: what is found there, and what is said when nothing is."""

from pathlib import Path

import pytest

from quintet.research.systems import KernelSystem, find, of_class
from quintet.systems.own import RefusedSystem, System
from tests.own_market import CROSSING, crossing_file


def refusal(written: str) -> RefusedSystem:
    with pytest.raises(RefusedSystem) as refused:
        find(written)
    return refused.value


def test_a_class_in_a_file_is_a_system_with_the_hash_of_its_file(tmp_path: Path) -> None:
    path = crossing_file(tmp_path)
    system = find(f"{path}:Crossing")
    assert (system.name, system.origin) == ("crossing", f"{path}:Crossing")
    assert len(system.sha256) == 64
    assert system.config().slow_bars == 24
    # and the same content is looked at once
    assert find(f"{path}:Crossing").decide is system.decide


def test_a_changed_file_is_another_system(tmp_path: Path) -> None:
    path = crossing_file(tmp_path)
    before = find(f"{path}:Crossing")
    path.write_text(CROSSING.replace("= 24", "= 48"))
    after = find(f"{path}:Crossing")
    assert after.config().slow_bars == 48
    assert after.sha256 != before.sha256


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused = refusal(f"{tmp_path / 'nothing.py'}:Crossing")
    assert (refused.what, refused.found) == ("no such file", str(tmp_path / "nothing.py"))
    assert refusal("crossing:Crossing").what == "no such file"


def test_a_name_that_is_not_in_the_file_shows_those_that_are(tmp_path: Path) -> None:
    refused = refusal(f"{crossing_file(tmp_path)}:Crosing")
    assert refused.hint == "did you mean Crossing?"
    assert "with Crossing for NAME" in refused.expected
    assert refusal(str(crossing_file(tmp_path))).what == "which system of the file?"


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("import quintet\n\nimport no_such_module\n", 3, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import quintet\nclass Broken(quintet.System:\n    pass\n", 2, "SyntaxError"),
        ("import quintet\n\n\n1 / 0\n", 4, "ZeroDivisionError"),
    ],
)
def test_a_file_that_does_not_run_is_told_with_its_line(tmp_path: Path, text: str, line: int, found: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    refused = refusal(f"{path}:Broken")
    assert refused.where == f"{path}, line {line}"
    assert refused.found.startswith(found)


def test_what_is_no_system_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.py"
    path.write_text("class Plain:\n    pass\n")
    assert refusal(f"{path}:Plain").expected == "a class made from quintet.System"


def test_a_system_of_kernels_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "kernels.py"
    path.write_text(
        "from quintet.research.systems import KernelSystem\n"
        "mine = KernelSystem('mine', object, None, 8, lambda *_: None, lambda *_: None)\n"
    )
    system = find(f"{path}:mine")
    assert isinstance(system, KernelSystem)
    assert system.origin == f"{path}:mine"
    assert system.sha256


def test_a_class_that_was_typed_in_has_the_hash_of_its_text() -> None:
    def made(depth: int) -> type[System]:
        room: dict[str, type[System]] = {"System": System}
        exec(f"class Typed(System):\n    def on_bar(self, view):\n        return [{depth}]\n", room)
        return room["Typed"]

    one, other = of_class(made(1)), of_class(made(2))
    assert one.origin == ""
    assert one.sha256 == of_class(made(1)).sha256 != other.sha256
