"""Rows where they stand in the file are the rows of the tape, and each is found by its position."""

import numpy as np
import pytest

from quintet.core.tape import meta_length
from quintet.storage import written_rows
from quintet.storage.tape_files import TapeWriter, open_tape
from quintet.storage.written_rows import index_of, without_headers
from tests.tape_rows import DESK_ORIGIN, a_day


@pytest.mark.parametrize("piece", [1, 3, 1 << 16])
@pytest.mark.parametrize("rows_per_block", [1, 4, 4096])
def test_each_row_is_found_by_its_position_and_none_is_a_header(tmp_path, monkeypatch, rows_per_block, piece):
    # given a tape in blocks of several sizes, looked at in pieces that end anywhere
    monkeypatch.setattr(written_rows, "_PIECE_ROWS", piece)
    path = tmp_path / "desk.tape"
    with TapeWriter.record(path, DESK_ORIGIN) as writer:
        writer.append(a_day(12), rows_per_block)
        written = writer.written()
    tape = open_tape(path)
    expected = np.asarray(tape.event_rows())
    # then what is copied out from any position on is the rest of the tape
    assert len(written) == len(tape.rows) - meta_length(tape.rows)
    for position in range(len(expected) + 1):
        assert without_headers(written[index_of(written, position) :]).tobytes() == expected[position:].tobytes()
        assert without_headers(written[: index_of(written, position)]).tobytes() == expected[:position].tobytes()


def test_a_tape_without_events_has_no_rows(tmp_path):
    with TapeWriter.record(tmp_path / "desk.tape", DESK_ORIGIN) as writer:
        written = writer.written()
    assert (len(without_headers(written)), index_of(written, 0)) == (0, 0)
