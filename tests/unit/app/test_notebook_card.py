"""The card of a run in a notebook."""

from pathlib import Path

import polars as pl

from quintet.app.notebook_card import COLUMNS, HEIGHT, WIDTH, card, curve_path

OUTCOME = {
    "synthetic": False,
    "verdict": {"sentence": "Not proven. <Do not> trade it yet.", "reasons": ["One path & no other"]},
    "interval": {"low_frac": -0.02, "high_frac": 0.01, "headline_policy": "ohlc", "policies": {"ohlc": 1, "olhc": 2}},
    "metrics": {"fills": 1234, "max_drawdown_frac": 0.05, "days": 3.0},
    "conservation": 0,
    "hashes": {"tape": "a" * 64, "commands": "b" * 32, "state": "c" * 64},
    "assumptions": ["a resting order fills only when the price trades through it"],
}


def test_a_curve_keeps_its_lowest_and_highest_point() -> None:
    marks = [100.0 + n % 50 for n in range(5_000)]
    marks[777], marks[3_333] = 10.0, 900.0
    heights = [float(point.split()[1]) for point in curve_path(marks)[1:].split("L")]
    assert (min(heights), max(heights)) == (4.0, HEIGHT - 4.0)
    assert len(heights) <= 2 * (COLUMNS + COLUMNS)
    assert curve_path(marks).split("L")[-1].startswith(f"{WIDTH:.1f} ")


def test_a_curve_needs_two_marks_and_a_flat_one_is_drawn() -> None:
    assert curve_path([5.0]) == ""
    assert curve_path([5.0, 5.0]).count("L") == 1


def test_text_is_escaped_and_books_that_are_off_are_said() -> None:
    page = card(OUTCOME, pl.DataFrame({"equity": [1.0, 2.0]}), Path("runs/x"))
    assert "&lt;Do not&gt;" in page
    assert "One path &amp; no other" in page
    assert "1\u2009234" in page
    assert "Synthetic market" not in page
    assert "balance" in page
    off = card({**OUTCOME, "conservation": 3}, pl.DataFrame({"equity": []}), Path("runs/x"))
    assert "are off by 3 quanta" in off
