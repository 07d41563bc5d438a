"""Latency and queue parameters come back from the orders they have made."""

from typing import Any

import numpy as np
import pytest

from quintet.core.row_laws import frozen
from quintet.research.backtest import run_policy
from quintet.research.backtest_options import BOOK_POLICY
from quintet.research.calibration import CANDIDATES, Candidate, calibrate, drawn_places, fitted_execution
from quintet.research.systems import of_class
from quintet.research.tick_model import TICK_INSTRUMENT
from quintet.sim.config import TickExecutionConfig
from tests.sandbox_desk import ENTRY_MS, RESPONSE_MS, SandboxDesk
from tests.tick_makers import maker_class, options_on, tick_tape

KNOWN = {
    "latency_model": "drawn", "entry_ms": 8.0, "entry_p99_ms": 30.0, "response_ms": 5.0, "response_p99_ms": 20.0,
    "least_ms": 2.0, "queue_model": "power_ratio", "queue_exponent": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def lived() -> Any:
    """The desk tape of a maker whose exchange is known."""
    tape = tick_tape(0.1)
    system = of_class(maker_class())
    options = options_on(tape, maker_class(), **KNOWN)
    _, rows = run_policy(tape, system, system.config(), options, BOOK_POLICY, record=True)
    return frozen(np.concatenate(rows))


def test_known_latencies_and_a_known_queue_come_back_inside_their_bands(lived: Any):
    found = calibrate(lived, [TICK_INSTRUMENT], TickExecutionConfig(), is_simulated=True)
    for travel, name in ((found.entry, "entry"), (found.response, "response")):
        assert travel.median.low <= KNOWN[f"{name}_ms"] <= travel.median.high, (name, travel)
        assert travel.p99.low <= KNOWN[f"{name}_p99_ms"] <= travel.p99.high, (name, travel)
        assert travel.least >= KNOWN["least_ms"]
    assert found.queue is not None
    assert found.queue.best.model == "power_ratio"
    assert found.queue.exponent.low <= 3 <= found.queue.exponent.high
    assert found.queue.missed_lots == 0  # the very model: it fills what was filled
    assert max(missed for _, missed in found.queue.table) > 0  # and another one does not
    told = fitted_execution(found, TickExecutionConfig())
    assert (told.latency_model, told.queue_model, told.queue_exponent) == ("drawn", "power_ratio", 3)


def test_the_sandboxs_line_comes_back_as_a_constant(lived: Any):
    desk = SandboxDesk()
    desk.levels(100, {500_000: 10, 499_990: 50}, {500_010: 10})
    for n in range(30):
        number = desk.place(1_000 + 200 * n, 1, 499_990, 1)
        desk.cancel(1_100 + 200 * n, number)
    from tests.sandbox_desk import LINEAR

    found = calibrate(desk.rows(10_000), [LINEAR], TickExecutionConfig())
    assert (
        found.entry.median.low <= ENTRY_MS + 0.5 <= found.entry.median.high
    )  # stamps in whole ms are half of one early
    assert found.response.median.low <= RESPONSE_MS - 0.5 <= found.response.median.high
    assert found.queue is None  # nothing was filled where it rested
    told = fitted_execution(found, TickExecutionConfig())
    assert (told.latency_model, told.queue_model) == ("constant", "risk_averse")


def test_draws_are_the_same_for_a_seed_and_cover_everything():
    places = drawn_places(7, 200, 10)
    assert places.shape == (200, 10)
    assert np.array_equal(places, drawn_places(7, 200, 10))
    assert not np.array_equal(places, drawn_places(8, 200, 10))
    counts = np.bincount(places.ravel(), minlength=10)
    assert counts.min() > 140
    assert counts.max() < 260
    assert places.min() == 0


def test_every_candidate_is_a_model_of_the_simulator():
    for one in CANDIDATES:
        TickExecutionConfig(queue_model=one.model, queue_exponent=one.exponent)
    assert CANDIDATES[0] == Candidate("risk_averse")
    assert len(set(CANDIDATES)) == len(CANDIDATES)
