"""The page of a sweep: how many first, the middle beside the best, drawings without a script, nothing unescaped."""

import re
from typing import Any

import pytest

from quintet.research.sweep_page import render_sweep
from quintet.research.sweep_pictures import Scale, heat_maps, parallel, scale_of

SETS = [{"step_atr": step, "atr_slow_n": slow} for step in (0.6, 0.8, 1.0) for slow in (48, 96)]
RESULTS = [0.05, 0.04, 0.03, -0.01, -0.02, -0.05]


def rows(sets: list[dict[str, Any]] = SETS, results: list[float] = RESULTS) -> list[dict[str, Any]]:
    return [
        {
            "values": values, "low_frac": result, "high_frac": result + 0.01, "low_quote": 1.0, "policy": "pessimistic",
            "max_drawdown_frac": 0.1, "fills": 12, "sharpe_annualised": None, "trial": "ab" * 32, "hashes": {},
        }
        for values, result in zip(sets, results, strict=True)
    ]  # fmt: skip


def said(**changed: Any) -> dict[str, Any]:
    found = {
        "door": "sweep", "system": "structure_mm", "synthetic": True, "market": "synthetic",
        "policies": ["pessimistic"],
        "tried": 6, "refused": 0, "varying": ["step_atr", "atr_slow_n"], "sets": rows(), "assumptions": [],
        "best": {
            "values": SETS[0], "low_frac": 0.05, "median_frac": 0.01, "worst_frac": -0.05, "positive_share": 0.5,
            "neighbours": 2, "neighbours_median_frac": 0.02, "neighbours_share": 0.25, "is_isolated": True,
            "at_the_edge_of": ["step_atr"],
        },
        "luck": {"sharpe_annualised": 1.0, "best_by_luck_annualised": 2.0, "trials": 400},
        "evidence": {
            "sentence": "no evidence of edge",
            "conditions": [{"met": None, "text": "probability of overfitting", "seen": "not measured"}],
        },
        "trials": {"new": 6, "total": 400, "on_data": 400},
    }  # fmt: skip
    return found | changed


def test_the_page_says_how_many_were_tried_before_it_says_which_was_best():
    page = render_sweep(said(), "1.0")
    assert page.index("6 sets tried here, 400 trials in all") < page.index("No evidence of edge.")
    assert page.index("No evidence of edge.") < page.index("The best of 6 ended at")
    assert "the middle one at" in page
    assert "The best is an isolated peak" in page
    assert "edge of what was tried in step_atr" in page
    assert "SYNTHETIC" in page


def test_the_page_needs_nothing_but_itself():
    page = render_sweep(said(), "1.0")
    assert not re.search(r"<script|https?://|<link|@import|url\(", page)
    assert page.count("<rect") == 6
    assert page.count('<path class="ln') == 6


def test_a_heat_map_shows_the_median_over_what_is_not_drawn():
    sets = [{"a": 1, "b": 1, "c": c} for c in (1, 2, 3)] + [{"a": 2, "b": 1, "c": 1}]
    maps = heat_maps(rows(sets, [0.9, 0.01, 0.0, -0.1]), ["a", "b"])
    assert len(maps) == 1
    assert "a 1, b 1: +1.00\u2009%, median of 3" in maps[0].drawing
    assert maps[0].drawing.count("<rect") == 2
    assert maps[0].drawing.count(" best") == 1


def test_many_values_share_cells():
    sets = [{"a": n / 100, "b": n % 2} for n in range(100)]
    drawing = heat_maps(rows(sets, [0.01] * 100), ["a", "b"])[0].drawing
    assert drawing.count("<rect") == 20


def test_words_are_escaped_and_keep_their_order():
    sets = [{"a": "<b>", "b": 1}, {"a": "x", "b": 2}]
    found = rows(sets, [0.1, 0.0])
    page = heat_maps(found, ["a", "b"])[0].drawing + parallel(found, ["a", "b"])
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("results", "shades"),
    [
        ([0.1, -0.05, 0.0], ["u5", "d2", "o"]),
        ([-0.1, -0.2], ["d1", "d5"]),
        ([0.3, 0.3], ["u5", "u5"]),
        ([0.0, 0.0], ["o", "o"]),
    ],
)
def test_shades_are_measured_from_zero_or_from_the_nearest_to_it(results, shades):
    scale = scale_of(results)
    assert isinstance(scale, Scale)
    assert [scale.shade(value) for value in results] == shades


def test_of_very_many_sets_the_best_and_an_even_choice_are_drawn():
    sets = [{"a": n} for n in range(1_000)]
    drawing = parallel(rows(sets, [1.0 - n / 1_000 for n in range(1_000)]), ["a"])
    assert drawing.count('<path class="ln') == 400
    assert drawing.count("ln best") == 1


def test_a_single_parameter_has_no_map_and_nothing_that_varies_no_lines():
    assert heat_maps(rows([{"a": 1}, {"a": 2}], [0.1, 0.2]), ["a"]) == []
    assert parallel(rows([{}], [0.1]), []) == ""
