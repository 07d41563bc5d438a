"""A desk that lives through its past once more writes the same, and then goes on."""

import numpy as np
import pytest

from quintet.core.errors import TapeError
from quintet.core.events import LAST, ROW, TIMER
from quintet.runtime.continued_tape import ContinuedTape
from tests.unit.runtime.test_sequencer import Paper


def timers(first: int, count: int) -> np.ndarray:
    return np.array([(n, n, 0, 0, 0, TIMER, LAST) for n in range(first, first + count)], ROW)


def test_what_was_written_is_not_written_again_and_what_is_new_is_appended() -> None:
    tape = Paper()
    continued = ContinuedTape(tape, timers(1, 5))
    for first, count in ((1, 3), (4, 4), (8, 1)):
        continued.append(timers(first, count))
    assert tape.rows.tobytes() == timers(6, 3).tobytes()
    assert continued.position == 8


def test_a_past_that_comes_out_otherwise_is_refused() -> None:
    tape = Paper()
    continued = ContinuedTape(tape, timers(1, 5))
    continued.append(timers(1, 2))
    with pytest.raises(TapeError, match="rows from position 2 on come out otherwise"):
        continued.append(timers(9, 2))
    assert tape.written == []
