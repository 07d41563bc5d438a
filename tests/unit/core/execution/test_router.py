"""The table that says which algorithm: one test for each row, and the numbers at their edges."""

import pytest

from quintet.core.execution.parent import ALGORITHM_NAMES
from quintet.core.execution.router import Router, Size
from tests.execution_market import Moment, a_book

SMALL = Size("normal", lots=10, value=1_000.0, depth_lots=1_000, cost_bp=1.0, gain_bp=40.0)


@pytest.mark.req("I-233")
@pytest.mark.parametrize(
    ("changes", "algorithm", "takes"),
    [
        ({}, "maker", False),
        ({"urgency": "low"}, "maker", False),
        ({"urgency": "exit"}, "bounded", True),
        ({"urgency": "exit", "lots": 900}, "bounded", True),
        ({"urgency": "high"}, "bounded", True),
        ({"urgency": "high", "cost_bp": 10.0}, "bounded", True),  # a quarter of 40 is what it may cost
        ({"urgency": "high", "cost_bp": 10.1}, "maker", False),
        ({"urgency": "high", "cost_bp": float("inf")}, "maker", False),
        ({"lots": 200}, "maker", False),  # a fifth of the depth is not more than a fifth
        ({"lots": 201}, "iceberg", False),
        ({"lots": 201, "urgency": "high"}, "iceberg", True),
        ({"lots": 201, "urgency": "low"}, "twap", False),
        ({"value": 50_000.0}, "maker", False),
        ({"value": 50_000.01}, "iceberg", False),
        ({"lots": 10**9, "depth_lots": 0}, "maker", False),  # the depth is not known
    ],
)
def test_the_table(changes, algorithm, takes):
    choice = Router().of(SMALL._replace(**changes))
    assert (ALGORITHM_NAMES[choice.algorithm], choice.takes) == (algorithm, takes)
    assert choice.reason


@pytest.mark.req("I-233")
def test_it_reads_depth_and_cost_off_the_book_and_says_why():
    book = Moment(**a_book(100))
    told = {"value": 1_000.0, "gain_bp": 40.0, "urgency": "high"}
    assert Router().choose(book, 1, 50, **told).reason == "urgent, and the gain pays for taking"
    assert Router().choose(book, 1, 50, **told | {"gain_bp": 3.0}).reason == "urgent, but taking costs too much"
    assert Router().choose(book, 1, 101, **told).reason == "large for what is offered, and urgent"
    # without levels, half the spread is what taking costs
    assert Router().choose(Moment(bid=9_990, ask=10_010), 1, 50, **told).takes
    assert not Router().choose(Moment(bid=9_980, ask=10_020), 1, 50, **told).takes
