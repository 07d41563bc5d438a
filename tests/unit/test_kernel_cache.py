"""Compiled kernels are found again, and never found stale."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

import quintet
from quintet import _kernel_cache

SETTINGS = ["NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_DEBUGINFO"]


@pytest.fixture
def small_tree(tmp_path, monkeypatch):
    """A package of two files that the key is asked to describe."""
    (tmp_path / "room").mkdir()
    (tmp_path / "callee.py").write_text("one = 1\n")
    (tmp_path / "room" / "caller.py").write_text("two = 2\n")
    monkeypatch.setattr(_kernel_cache, "__file__", str(tmp_path / "_kernel_cache.py"))
    return tmp_path


def test_a_changed_source_anywhere_is_another_key_and_undoing_it_is_the_old_one(small_tree):
    before = _kernel_cache.cache_key()
    (small_tree / "callee.py").write_text("one = 10\n")
    changed = _kernel_cache.cache_key()
    (small_tree / "callee.py").write_text("one = 1\n")
    assert changed != before
    assert _kernel_cache.cache_key() == before


def test_a_room_without_kernels_changes_nothing(small_tree):
    before = _kernel_cache.cache_key()
    (small_tree / "app").mkdir()
    (small_tree / "app" / "help.py").write_text("words = 1\n")
    assert _kernel_cache.cache_key() == before


@pytest.mark.parametrize("room", _kernel_cache.ROOMS_WITHOUT_KERNELS)
def test_the_rooms_left_out_hold_no_kernel(room):
    for path in (Path(quintet.__file__).parent / room).rglob("*.py"):
        text = path.read_text()
        assert "@kernel" not in text
        assert "import bind" not in text


def test_a_file_of_research_counts_when_it_holds_a_kernel(small_tree):
    before = _kernel_cache.cache_key()
    (small_tree / "research").mkdir()
    (small_tree / "research" / "report.py").write_text("words = 1\n")
    assert _kernel_cache.cache_key() == before
    (small_tree / "research" / "market.py").write_text("from quintet.core.kernel import kernel\n")
    assert _kernel_cache.cache_key() != before


def test_kernels_of_research_take_nothing_from_their_neighbours():
    for path in (Path(quintet.__file__).parent / _kernel_cache.ROOM_WITH_FEW_KERNELS).rglob("*.py"):
        text = path.read_text()
        if "@kernel" in text:
            assert "from quintet.core.kernel import" in text
            assert "quintet.research" not in text


def test_a_moved_or_renamed_source_is_another_key(small_tree):
    before = _kernel_cache.cache_key()
    (small_tree / "callee.py").rename(small_tree / "room" / "callee.py")
    assert _kernel_cache.cache_key() != before


def test_a_file_that_is_not_source_changes_nothing(small_tree):
    before = _kernel_cache.cache_key()
    (small_tree / "README.md").write_text("words")
    assert _kernel_cache.cache_key() == before


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_reaches_the_machine_code_is_another_key(small_tree, monkeypatch, name):
    monkeypatch.delenv(name, raising=False)
    before = _kernel_cache.cache_key()
    monkeypatch.setenv(name, "1")
    assert _kernel_cache.cache_key() != before


def test_the_parent_folder_can_be_moved(small_tree, monkeypatch, tmp_path):
    monkeypatch.setenv("QUINTET_CACHE_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "restored after this test")
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    folder = _kernel_cache.use()
    assert folder.parent == tmp_path / "elsewhere"
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder)


# ---- across processes ----------------------------------------------------------------------------------------

CALLEE = "from quintet.core.kernel import kernel\n@kernel\ndef step(x):\n    return x + {step}\n"
CALLER = """
from quintet.core.kernel import kernel
from quintet.core.callee import step
@kernel
def climb(x):
    return step(step(x))
def climb_by(x):
    return way(x)
def way(x):
    return x
"""
REPORT = """
import sys
from quintet.core.caller import climb
print(climb(0), sum(climb.stats.cache_hits.values()), sum(climb.stats.cache_misses.values()))
print(int("numba.np.linalg" in sys.modules))
"""
REPORT_OF_BOUND = """
import sys
import numpy as np
from quintet.core.caller import climb, climb_by
from quintet.core.kernel import bind, kernel
within = bind(climb_by, "within", is_called_by_kernels=True, way=climb)
around = bind(climb_by, "around", way=within)
print(around(0), sum(around.stats.cache_hits.values()), sum(around.stats.cache_misses.values()))
print(int("numba.np.linalg" in sys.modules))
if len(sys.argv) > 1:
    # Another kernel that is compiled now calls one that was found on disk, whatever calls it usually.
    print(bind(climb_by, "again", way=within)(1), bind(climb_by, "once_more", way=around)(2))
"""


def answer_of_new_process(folder: Path, script: str = REPORT, *words: str) -> list[int]:
    """Numbers that a process says which runs the package lying in `folder`.

    climb(0), cache hits and misses, and whether the compiler was woken.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment |= {"PYTHONPATH": str(folder), "QUINTET_CACHE_DIR": str(folder / "cache")}
    run = subprocess.run(
        [sys.executable, "-c", script, *words], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    return [int(word) for word in run.stdout.split()]


def package_with_kernels(folder: Path) -> Path:
    """The package copied to `folder`, with a kernel that calls one of another file; the path of the called one."""
    copytree(Path(quintet.__file__).parent, folder / "quintet", ignore=ignore_patterns("__pycache__"))
    callee = folder / "quintet" / "core" / "callee.py"
    callee.write_text(CALLEE.format(step=1))
    (folder / "quintet" / "core" / "caller.py").write_text(CALLER)
    return callee


def test_the_second_process_compiles_nothing_and_a_changed_callee_is_noticed(tmp_path):
    # given the package in a place of its own, with a kernel that calls one of another file
    callee = package_with_kernels(tmp_path)
    # when one process after another runs it: the first compiles, the second finds everything on disk
    assert answer_of_new_process(tmp_path) == [2, 0, 1, 1]
    assert answer_of_new_process(tmp_path) == [2, 1, 0, 0]
    # then a change in the called file, which numba itself does not notice, is in the next answer
    callee.write_text(CALLEE.format(step=5))
    assert answer_of_new_process(tmp_path) == [10, 0, 1, 1]


def test_a_process_that_finds_its_bound_kernels_on_disk_does_not_wake_the_compiler_and_can_still_compile(tmp_path):
    package_with_kernels(tmp_path)
    assert answer_of_new_process(tmp_path, REPORT_OF_BOUND) == [2, 0, 1, 1]
    assert answer_of_new_process(tmp_path, REPORT_OF_BOUND) == [2, 1, 0, 0]
    assert answer_of_new_process(tmp_path, REPORT_OF_BOUND, "compile") == [2, 1, 0, 0, 3, 4]
