"""The three ways the suite is run are really three ways."""

import os
import subprocess
import sys
from types import FunctionType

import pytest

from quintet.core.kernel import kernel
from quintet.core.records import record, table

ROW = record(price_ticks="i8")
ONE_ROW = table(ROW, 1)


@kernel
def price_at(rows, index):
    return rows[index].price_ticks


@pytest.mark.jit_off
def test_with_compilation_off_a_kernel_is_the_function_it_was_written_as():
    interpreted = os.environ.get("NUMBA_DISABLE_JIT") == "1"
    assert isinstance(price_at, FunctionType) == interpreted
    assert price_at(ONE_ROW, 0) == 0


@pytest.mark.bounds
def test_with_bounds_checked_an_index_outside_a_table_raises():
    if os.environ.get("NUMBA_BOUNDSCHECK") != "1":
        pytest.skip("compiled code checks no bounds unless asked to")
    with pytest.raises(IndexError):
        price_at(ONE_ROW, 1)


def test_the_keyed_folder_is_used_even_when_the_compiler_was_imported_first():
    # given a process that imports numba before quintet
    script = "import numba, quintet, os; print(numba.config.CACHE_DIR == os.environ['NUMBA_CACHE_DIR'])"
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    # when it looks where kernels are kept
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    # then it is the keyed folder, not __pycache__ beside the source
    assert answer.stdout.strip() == "True"
