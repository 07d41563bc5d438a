"""The import contracts hold where they should break: violations are planted in a copy, and each is found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTED = {
    "river": ("quintet.core.planted", "quintet.app"),
    "core": ("quintet.core.units", "quintet.core.risk"),
    "pure": ("quintet.features.planted", "time"),
    "systems": ("quintet.systems.planted_one", "quintet.systems.planted_two"),
    "venues": ("quintet.venues.planted_one", "quintet.venues.planted_two"),
    "runtime": ("quintet.runtime.planted", "quintet.storage.tape_files"),
    "sandbox": ("quintet.sandbox.planted", "quintet.systems.planted_one"),
    "sandbox-engine": ("quintet.sandbox.exchange", "quintet.sandbox.clock"),
    "strategy": ("quintet.venues.planted_one", "quintet.systems.planted_one"),
}
"""Contract to one import that breaks it: who imports whom."""

CIRCLE = [
    ("quintet.research.planted_one", "quintet.research.planted_two"),
    ("quintet.research.planted_two", "quintet.research.planted_one"),
]

TARGETS = [("quintet.systems.planted_two", ""), ("quintet.venues.planted_two", "")]
"""Modules that the planted imports need, themselves innocent."""


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the contracts say about a copy of the source with all violations planted at once."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for importer, imported in [*PLANTED.values(), *CIRCLE, *TARGETS]:
        plant(copy / "src", importer, imported)
    (copy / "src/quintet/attic").mkdir()
    (copy / "src/quintet/attic/__init__.py").touch()
    return judge(copy)


def plant(source: Path, importer: str, imported: str) -> None:
    """Add one import to a module, which is made if it does not exist."""
    with (source / importer.replace(".", "/")).with_suffix(".py").open("a") as file:
        file.write(f"\nimport {imported}\n" if imported else "\n")


def judge(project: Path) -> str:
    """The report of the contracts on a project, on lines as long as they need."""
    environment = os.environ | {"PYTHONPATH": str(project / "src"), "COLUMNS": "400"}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False).stdout


@pytest.mark.req("S-09", "E-06")
@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_is_found_and_both_modules_are_named(verdict: str, contract: str):
    importer, imported = PLANTED[contract]
    names = [line for line in verdict.splitlines() if importer in line and imported in line]
    assert names, verdict


def test_a_circle_inside_one_room_is_found(verdict: str):
    assert "No cycles are allowed in quintet.research." in verdict


def test_no_contract_is_left_without_a_violation_that_it_finds(verdict: str):
    assert f"Contracts: 0 kept, {len(PLANTED) + 1} broken." in verdict


def test_a_room_without_a_place_in_the_river_is_refused(verdict: str):
    assert "- quintet.attic" in verdict
