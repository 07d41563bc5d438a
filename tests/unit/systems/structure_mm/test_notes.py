"""Each note has a word and a sentence."""

import numpy as np
import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.records import table
from quintet.core.state import NOTE, NOTES, VIEW
from quintet.systems.structure_mm import NOTE_NAMES, explain_note, note_kind, statistics
from quintet.systems.structure_mm.notes import BID, TRANSITION, note
from quintet.systems.structure_mm.records import STATE


@pytest.mark.parametrize("code", range(1, len(NOTE_NAMES)))
def test_every_code_has_a_word_and_a_sentence(code):
    row = np.zeros(1, NOTE)[0]
    row["code"] = code
    assert note_kind(code) == NOTE_NAMES[code]
    assert "note" not in explain_note(row, DEFAULT_SPOT)


def test_sentences_speak_in_units_of_the_market():
    row = np.zeros(1, NOTE)[0]
    row["code"], row["a"], row["b"], row["c"], row["d"] = BID, 3 * 2**20 + 5, 299_174, 22_229, 1
    assert explain_note(row, DEFAULT_SPOT) == "bid 3145733 at 2991.74 for 0.22229, level 1 (episode 3)"
    row["code"], row["a"], row["b"], row["c"], row["d"] = TRANSITION, 3, 4, 11, 3
    assert explain_note(row, DEFAULT_SPOT) == "MM to Exit: hard_stop (episode 3)"


def test_an_unknown_code_is_shown_as_it_is():
    row = np.zeros(1, NOTE)[0]
    row["code"] = 99
    assert explain_note(row, DEFAULT_SPOT) == "note 99: 0 0 0 0"
    assert note_kind(99) == "note 99"


def test_more_notes_than_fit_do_no_harm():
    view = table(VIEW, 1)[0]
    for k in range(NOTES + 3):
        note(view, 1, k, 0, 0, 0)
    assert view.n_notes == NOTES
    assert view.notes[NOTES - 1].a == NOTES - 1


@pytest.mark.req("S-50", "S-51", "S-52")
def test_statistics_say_what_was_asked_for():
    # given 1,000 bars: 510 Disabled, 107 Defensive in 9 spells, 150 in MM
    state = table(STATE, 1)
    row = state[0]
    row.bars = 1_000
    row.bars_in_policy[:] = (510, 383, 107)
    row.entries_of_policy[:] = (4, 12, 9)
    row.bars_in_state[:] = (800, 20, 10, 150, 20)
    row.structure.n_potential, row.structure.n_confirmed = 41, 52
    row.n_episodes = 27
    # when they are asked for
    found = statistics(state)
    # then
    assert found["policy_disabled_pct"] == 51.0
    assert (found["policy_defensive_pct"], found["policy_defensive_entries"]) == (10.7, 9)
    assert (found["structure_potential"], found["structure_confirmed"], found["episodes"]) == (41, 52, 27)
    assert (found["bars_in_mm"], found["state_mm_pct"]) == (150, 15.0)


def test_statistics_of_nothing_are_zero():
    found = statistics(table(STATE, 1)[0])
    assert found["policy_disabled_pct"] == 0.0
    assert found["episode_mean_bp"] == 0.0
