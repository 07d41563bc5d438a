"""Requirements and their proofs: what is listed, what is marked, what is missing."""

from pathlib import Path

import pytest

from tools import trace

TOML = """
[structure_mm]
covered = ["S-01"]
due = ["S-01..S-02"]
[structure_mm.texts]
S-01 = "The first."
S-02 = "The second."
"""


def a_specification() -> list[trace.Specification]:
    return trace.read_specifications(TOML)


def test_a_range_of_ids_is_spelled_out():
    assert trace.spelled_out(["S-08..S-11", "S-70"]) == ["S-08", "S-09", "S-10", "S-11", "S-70"]


@pytest.mark.parametrize("entry", ["S-01..", "S-01..T-02", "..S-02"])
def test_a_range_that_is_none_is_refused(entry: str):
    with pytest.raises(ValueError, match="expected a range"):
        trace.ids_of_range(entry)


def test_marks_are_found_on_functions_parameters_classes_and_modules():
    text = """
import pytest
pytestmark = pytest.mark.req("S-01")
@pytest.mark.req("S-02", "S-03")
def test_one(): ...
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.req("S-04"))])
def test_two(x): ...
class TestThree:
    @pytest.mark.req("S-05")
    def test_four(self): ...
"""
    assert sorted(trace.proofs_in(Path("tests/test_a.py"), text)) == [
        ("S-01", "tests/test_a.py"),
        ("S-02", "tests/test_a.py::test_one"),
        ("S-03", "tests/test_a.py::test_one"),
        ("S-04", "tests/test_a.py::test_two"),
        ("S-05", "tests/test_a.py::TestThree"),
    ]


def test_a_covered_requirement_without_a_test_is_a_complaint():
    assert list(trace.complaints(a_specification(), {"S-02": ["tests/test_a.py::test_one"]})) == [
        "structure_mm: S-01 is listed as covered but no test proves it: The first."
    ]


def test_a_test_for_a_requirement_nobody_has_is_a_complaint():
    proofs = {"S-01": ["tests/test_a.py::test_one"], "S-99": ["tests/test_a.py::test_two"]}
    assert list(trace.complaints(a_specification(), proofs)) == [
        "tests/test_a.py::test_two proves S-99, which no specification has"
    ]


def test_the_picture_shows_each_requirement_with_its_tests_and_what_is_missing():
    text = trace.picture(a_specification()[0], {"S-01": ["tests/test_a.py::test_one"]})
    assert "S-01  covered  The first." in text
    assert "tests/test_a.py::test_one" in text
    assert text.endswith("due and without a test: S-02")
