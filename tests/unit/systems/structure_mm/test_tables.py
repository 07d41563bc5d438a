"""The tables for people say what the kernels read."""

from quintet.systems.structure_mm import tables
from quintet.systems.structure_mm.machine import TRANSITIONS
from quintet.systems.structure_mm.policy import POLICY_ROWS


def test_every_row_stands_in_its_table():
    assert len(tables.transition_table().splitlines()) == len(TRANSITIONS) + 2
    assert len(tables.policy_table().splitlines()) == len(POLICY_ROWS) + 2
    assert "| 4 | bias is not up | Disabled |" in tables.policy_table()


def test_a_row_is_written_in_words():
    text = tables.transition_table()
    assert "| MM | bar | time is up | Exit | call back everything, sell at the best ask | `time` |" in text
    assert "| Exit | any event | not holding what can be sold, not bids working | Idle |" in text
    assert "| MM | bar | always | MM | rebuild the grid | `rebuilt` |" in text


def test_the_diagram_has_an_arrow_for_each_pair_of_states():
    arrows = [line.split(":")[0].strip() for line in tables.state_diagram().splitlines() if "-->" in line]
    assert len(arrows) == len(set(arrows)) == 12
    assert "Rebalance --> MM" in arrows
