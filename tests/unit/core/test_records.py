"""What a record of state may be made of."""

import numpy as np
import pytest

from quintet.core.errors import DefinitionError
from quintet.core.kernel import kernel
from quintet.core.records import fill, record, table

POSITION = record(lots="i8", average="f8", window=("f8", 3), grid=("i8", (2, 2)), mask="u8")
ONE = table(POSITION, 1)


@pytest.mark.parametrize(
    "name", ["base", "var", "size", "flags", "mean", "std", "data", "shape", "dtype", "T", "field"]
)
def test_a_name_that_an_array_already_has_is_refused(name):
    with pytest.raises(DefinitionError, match=f"'{name}' is an attribute"):
        record(**{name: "i8"})


@pytest.mark.parametrize("kind", ["i4", "u1", "f4", "S3", "O", "int64", "", ("i4", 3)])
def test_a_type_that_wraps_or_rounds_is_refused(kind):
    with pytest.raises(DefinitionError, match="state is one of i8, f8, u8"):
        record(lots=kind)


def test_fields_keep_their_order_and_are_little_endian_without_holes():
    assert POSITION.names == ("lots", "average", "window", "grid", "mask")
    assert POSITION["lots"].str == "<i8"
    assert POSITION.itemsize == 8 * (1 + 1 + 3 + 4 + 1)


def test_a_table_starts_at_zero():
    rows = table(POSITION, 4)
    assert len(rows) == 4
    assert not np.any(rows.view("i8"))


@kernel
def add_lot(rows, index):
    row = rows[index]
    row.lots = row.lots + 1
    row.window[2] = row.average
    row.grid[1, 0] = row.lots
    return row.lots


@pytest.mark.jit_off
def test_a_kernel_changes_a_record_in_place():
    # given a table with one field set
    rows = table(POSITION, 2)
    rows[1].average = 2.5
    # when a kernel works on its second record
    add_lot(rows, 1)
    # then the caller sees it there, and nowhere else
    assert (rows[1].lots, rows[1].window[2], rows[1].grid[1, 0], rows[0].lots) == (1, 2.5, 1, 0)


def test_filling_by_name_sets_fields():
    rows = table(POSITION, 1)
    fill(rows[0], {"lots": 7, "window": (1.0, 2.0, 3.0)})
    assert rows[0].lots == 7
    assert rows[0].window.tolist() == [1.0, 2.0, 3.0]


def test_filling_an_unknown_name_says_which_names_there_are():
    with pytest.raises(DefinitionError, match="no field 'lot'; it has lots, average"):
        fill(ONE[0], {"lot": 1})
