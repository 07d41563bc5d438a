"""Where two runs differ, and how it is told."""

import numpy as np
import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.records import record, table
from quintet.research.lookahead import with_noise_after
from quintet.research.moments import differences, first_different, known_at, travel
from quintet.research.synthetic import synthesize
from quintet.storage.candle_cuts import draw_noise
from quintet.storage.candle_sources import from_bars
from tests.leaks import tape_of
from tests.python_traders import FILLS, STRUCTURE, Rule, trader

BARS = synthesize(8, days=1, timeframe="5m")
TAPE = tape_of(from_bars({FILLS: BARS}, STRUCTURE, FILLS))
NOON_NS = int(BARS.ts_open[144])
EVENING_NS = int(BARS.ts_open[240])
PAIR = record(left="i8", right="f8")


def pairs(*rights: float) -> np.ndarray:
    made = table(PAIR, len(rights))
    made.right[:] = rights
    return made


@pytest.mark.parametrize(
    ("other", "at"),
    [((1.0, 2.0), -1), ((1.0, 2.5), 1), ((0.5, 2.5), 0), ((1.0,), 1), ((1.0, 2.0, 3.0), 2)],
)
def test_the_first_record_that_differs_in_any_bit(other: tuple[float, ...], at: int):
    assert first_different(pairs(1.0, 2.0), pairs(*other)) == at


def test_a_zero_of_the_other_sign_is_another_bit():
    assert first_different(pairs(0.0), pairs(-0.0)) == 0


def test_text_is_known_with_the_row_it_belongs_to():
    rows = TAPE.event_rows()
    known = known_at(rows)
    assert (np.diff(known) >= 0).all()
    assert known[0] == known[1] == TAPE.census.first_ns


def test_a_moment_has_seen_what_was_known_and_nothing_else():
    journey = travel(TAPE, trader(), "pessimistic", [NOON_NS, EVENING_NS])
    noon, evening = journey.moments[NOON_NS], journey.moments[EVENING_NS]
    assert known_at(journey.rows)[noon.events - 1] == NOON_NS < known_at(journey.rows)[noon.events]
    assert (int(noon.state[0].bars), int(evening.state[0].bars)) == (48, 80)
    assert (noon.counts["samples"], evening.counts["samples"]) == (48, 80)
    assert 0 < noon.counts["commands"] < len(travel(TAPE, trader(), "pessimistic", (), to_end=True).parts["commands"])
    assert journey.until("samples", noon)["ts"].max() == NOON_NS


def test_markets_that_part_at_noon_are_equal_until_noon_and_no_longer():
    other = with_noise_after(TAPE, NOON_NS, draw_noise(1), DEFAULT_SPOT)
    one, two = (travel(tape, trader(), "pessimistic", [NOON_NS, EVENING_NS]) for tape in (TAPE, other))
    assert list(differences(one, two, NOON_NS)) == []
    found = list(differences(one, two, EVENING_NS))
    assert found[0].what == "bars seen"
    assert found[0].how.startswith("number ")
    assert "at 2026-01-01 12:05" in found[0].how
    assert {"decisions", "state"} <= {each.what for each in found}


def test_another_parameter_is_told_by_its_name():
    one, two = (travel(TAPE, trader(rule=Rule(keep=keep)), "pessimistic", [NOON_NS]) for keep in (0.9, 0.8))
    first = next(differences(one, two, NOON_NS))
    assert first == ("parameters", "keep is 0.9 in the one run, 0.8 in the other")
