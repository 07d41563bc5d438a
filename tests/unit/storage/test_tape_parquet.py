"""Parquet and back: the same rows, the same origin, the same hash."""

import polars as pl
import pytest

from quintet.core.errors import DataError, TapeError
from quintet.core.tape import memory_tape
from quintet.storage.parquet import export_tape, import_tape, tape_frame
from tests.tape_rows import ORIGIN, a_day, bar, defined, fact, joined

ROWS = joined(a_day(), bar(60), fact(70, b""), fact(71, b"x" * 30), fact(72, bytes(range(256))))


@pytest.fixture
def exported(tmp_path):
    path = tmp_path / "day.parquet"
    export_tape(memory_tape(ROWS, meta=ORIGIN), path)
    return path


def test_what_comes_back_has_the_same_hash_origin_and_rows(exported, tmp_path):
    back = import_tape(exported, tmp_path / "back.tape")
    assert back.event_rows().tobytes() == ROWS.tobytes()
    assert back.hash == memory_tape(ROWS).hash
    assert back.meta == ORIGIN


def test_a_row_is_a_line_and_its_text_a_column(exported):
    frame = pl.read_parquet(exported)
    assert frame["position"].is_sorted()
    assert frame["text"].null_count() == len(frame) - 1 - 2 - 3
    last = frame.row(-1, named=True)
    assert (last["ts_recv"], last["text"]) == (72, bytes(range(256)))


def test_an_empty_tape_survives(tmp_path):
    tape = memory_tape(ROWS[:0], meta=ORIGIN)
    export_tape(tape, tmp_path / "x.parquet")
    assert import_tape(tmp_path / "x.parquet", tmp_path / "x.tape").hash == tape.hash


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("no parquet"), "cannot read as Parquet"),
        (lambda path: pl.DataFrame({"a": [1]}).write_parquet(path), "no metadata quintet.tape.meta"),
        (
            lambda path: pl.DataFrame({"a": [1]}).write_parquet(
                path, metadata={"quintet.tape.meta": "{}", "quintet.tape.hash": ""}
            ),
            "column position is missing, expected Int64",
        ),
        (
            lambda path: tape_frame(memory_tape(defined())).write_parquet(
                path, metadata={"quintet.tape.meta": "{}", "quintet.tape.hash": ""}
            ),
            "metadata quintet.tape.meta: ",
        ),
    ],
)
def test_another_file_is_refused(tmp_path, make, message):
    make(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=message):
        import_tape(tmp_path / "x.parquet", tmp_path / "x.tape")
    assert not (tmp_path / "x.tape").exists()


def test_rows_that_were_changed_on_the_way_are_refused(exported, tmp_path):
    about = pl.read_parquet_metadata(exported)
    frame = pl.read_parquet(exported).with_columns(pl.col("price") + 1)
    frame.write_parquet(exported, metadata={key: about[key] for key in ("quintet.tape.meta", "quintet.tape.hash")})
    with pytest.raises(DataError, match=r"the rows have the tape hash \w+, expected"):
        import_tape(exported, tmp_path / "x.tape")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(TapeError, match="cannot write"):
        export_tape(memory_tape(ROWS), tmp_path / "no" / "day.parquet")
