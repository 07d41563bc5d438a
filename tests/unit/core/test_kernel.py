"""exp and log: as close as the C library's, and the same bits everywhere."""

import hashlib
import math
import os
import struct
import subprocess
import sys

import pytest

from quintet.core.kernel import bind, compiler_is_off, entry, exp, fingerprint, kernel, log
from quintet.core.random import normal, seeded, uniform
from quintet.core.units import mul_div

INFINITY = float("inf")


def bits(value):
    """The 64 bits of a float as an integer that grows with the float, so that neighbours differ by one."""
    number = struct.unpack("<q", struct.pack("<d", value))[0]
    return number if number >= 0 else -(number + 2**63)


@pytest.mark.jit_off
@pytest.mark.parametrize("x", [0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e-9, 709.78, -707.9, 0.6931471805599453, 88.72])
def test_exp_is_a_neighbour_of_the_c_librarys(x):
    assert abs(bits(exp(x)) - bits(math.exp(x))) <= 1


@pytest.mark.jit_off
@pytest.mark.parametrize(
    "x", [1.0, 2.0, 0.5, 1e-320, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e-9, 3.0]
)
def test_log_is_a_neighbour_of_the_c_librarys(x):
    assert abs(bits(log(x)) - bits(math.log(x))) <= 1


@pytest.mark.jit_off
def test_beyond_their_range_exp_and_log_say_what_the_limits_are():
    assert exp(709.79) == INFINITY
    assert exp(INFINITY) == INFINITY
    assert exp(-708.1) == 0.0
    assert exp(-INFINITY) == 0.0
    assert log(0.0) == -INFINITY
    assert log(INFINITY) == INFINITY
    assert math.isnan(log(-1.0))
    assert math.isnan(exp(math.nan))
    assert math.isnan(log(math.nan))


# ---- one text, several machines ------------------------------------------------------------------------------


@kernel
def decide(x):
    return x


@kernel
def double(x):
    return 2 * x


@kernel
def square(x):
    return x * x


def decide_twice(x):
    return decide(decide(x))


@pytest.mark.jit_off
def test_one_body_is_bound_to_a_kernel_of_each_system():
    assert bind(decide_twice, "doubling", decide=double)(3) == 12
    assert bind(decide_twice, "squaring", decide=square)(3) == 81
    assert decide_twice(3) == 3


@pytest.mark.jit_off
def test_a_bound_body_is_named_after_what_was_bound_so_that_no_old_file_answers_for_it():
    names = {bind(decide_twice, "loop", decide=one).__name__ for one in (double, square)}
    assert len(names) == 2
    assert all(name.startswith("loop_") for name in names)
    assert bind(decide_twice, "loop", decide=double).__name__ in names


@pytest.mark.jit_off
def test_an_entry_is_the_kernel_for_the_types_it_was_shown():
    inside = entry(exp, 1.0)
    assert inside(0.5) == exp(0.5)
    # No look at types: what is not a float becomes one.
    assert inside(2) == exp(2.0)


@pytest.mark.jit_off
def test_a_fingerprint_sees_through_to_the_kernels_that_are_called():
    @kernel
    def calls_double(x):
        return double(x)

    before = fingerprint(calls_double)
    assert before == fingerprint(calls_double)
    assert before != fingerprint(double)


# ---- the same bits, compiled and interpreted, in any process -------------------------------------------------


def digest_of_many():
    """SHA-256 over the bits of 4,000 results: exp and log across their ranges, dice, and exact products."""
    digest = hashlib.sha256()
    dice = seeded(1, "bits")[0]
    for _ in range(1000):
        x = 1400.0 * uniform(dice) - 700.0
        digest.update(struct.pack("<dd", exp(x), log(exp(x) + uniform(dice))))
        digest.update(struct.pack("<d", normal(dice)))
        product = mul_div(int(uniform(dice) * 2.0e18) - 10**18, int(uniform(dice) * 1.0e18), 10**18 + 7, 2)
        digest.update(struct.pack("<q", product))
    return digest.hexdigest()


GOLDEN = "8d7d59b1d45823f6ef1cc5f6fd05314a2c609a2d5470dcac477bf62ce19e7183"


@pytest.mark.jit_off
def test_results_have_the_bits_they_had_when_this_was_written():
    assert digest_of_many() == GOLDEN


def test_an_interpreted_process_under_another_hash_seed_finds_the_same_bits():
    # given a process without compilation and with another order of sets
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "42"}
    script = f"import runpy; print(runpy.run_path({__file__!r})['digest_of_many']())"
    # when it computes the same numbers
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    # then not one bit differs
    assert answer.stdout.strip() == GOLDEN


def test_what_the_compiler_keeps_of_a_kernel_is_made_when_it_is_first_asked_for():
    if compiler_is_off():
        pytest.skip("with compilation off a kernel is its function")

    @kernel
    def asked_for_late(x):
        return decide(x) + 1

    assert asked_for_late.__name__ == "asked_for_late"
    assert "dispatcher" not in vars(asked_for_late)
    assert asked_for_late(3) == decide(3) + 1
    assert "dispatcher" in vars(asked_for_late)
    assert len(asked_for_late.signatures) == 1
