"""Facts as rows: what is written is what is read, and a message that is none is refused by its place."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.errors import DataError, TapeError
from quintet.core.facts import (
    DECIMALS_MAX,
    MISSING,
    RESTATED,
    Observation,
    exact_value,
    fact_key,
    observation_rows,
    observations_in,
    observations_on,
    require_name,
)
from quintet.core.tape import memory_tape
from tests.fact_markets import DAY_NS, FEAR, HOUR_NS, said, tape_of
from tests.tape_rows import fact

NAMES = st.from_regex(r"[a-z][a-z0-9._-]{0,20}/[A-Za-z0-9._-]{1,20}(/[A-Z0-9-]{1,10})?", fullmatch=True)
TIMES = st.integers(0, 2_000_000_000_000_000_000)
OBSERVATIONS = st.builds(
    Observation,
    name=NAMES,
    about_ns=TIMES,
    known_ns=TIMES,
    value=st.integers(-ev.QUANTITY_MAX, ev.QUANTITY_MAX),
    decimals=st.integers(0, DECIMALS_MAX),
    revision=st.integers(0, 1000),
    quality=st.integers(0, 3),
    reference=st.from_regex(r"[0-9a-fA-Fx-]{0,64}", fullmatch=True),
)


@given(st.lists(OBSERVATIONS, min_size=1, max_size=8))
def test_what_is_written_is_what_is_read(observations: list[Observation]) -> None:
    ordered = sorted(observations, key=lambda each: each.known_ns)
    tape = tape_of(ordered)
    assert observations_on(tape) == ordered
    assert tape.census.market_only


def test_both_values_of_a_restated_fact_stay_with_both_times() -> None:
    first, second = said(0, HOUR_NS, 30), said(0, DAY_NS, 18, RESTATED, 1)
    assert [(each.value, each.known_ns) for each in observations_on(tape_of([first, second]))] == [
        (30, HOUR_NS),
        (18, DAY_NS),
    ]


def test_no_value_is_not_zero() -> None:
    assert said(0, 0, 0, MISSING).amount is None
    assert said(0, 0, 0).amount == 0
    assert said(0, 0, -123, decimals=2).amount == Decimal("-1.23")


@pytest.mark.parametrize("name", ["fear", "/fear", "a/b/c/d", "A/b", "a b/c", "a/b#c", "a/" + "b" * 90, "а/b", "a/b\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=r"^here: found .*expected the name of a fact"):
        require_name(name, "here")


def test_values_are_exact_or_refused() -> None:
    assert exact_value("0.000100", 9, "rate") == 100_000
    assert exact_value("1E-4", 9, "rate") == 100_000
    for text, expected in (
        ("0.0000000001", "whole multiple"),
        ("1e30", "beyond 2"),
        ("nan", "finite"),
        ("x", "decimal"),
    ):
        with pytest.raises(DataError, match=f"rate: .*{expected}"):
            exact_value(text, 9, "rate")


def test_a_key_fits_its_row_and_is_never_nothing() -> None:
    assert 0 < fact_key(FEAR) <= ev.QUANTITY_MAX
    assert fact_key(FEAR) != fact_key(FEAR + "x")


@pytest.mark.parametrize(
    ("field", "value"), [("decimals", 19), ("revision", -1), ("reference", "two words"), ("reference", "x" * 201)]
)
def test_what_no_row_holds_is_refused(field: str, value: object) -> None:
    with pytest.raises(DataError, match=f"^{field}: found"):
        observation_rows(said(0, 0, **{field: value}) if field != "revision" else said(0, 0, revision=-1))


def test_a_damaged_message_is_refused_by_its_place() -> None:
    for change, what in (
        (("quantity", 1, 7), "the key is 7"),
        (("price", 1, 40), "40 decimals"),
        (("bits", 0, 30), "quality 15"),
    ):
        rows = np.array(np.asarray(observation_rows(said(0, 0, 30))))
        rows[change[0]][change[1]] = change[2]
        with pytest.raises(TapeError, match=f"there: position 0, FACT: .*{what}"):
            list(observations_in(rows.view(np.recarray), "there"))


def test_a_note_of_a_desk_is_no_observation() -> None:
    tape = memory_tape(fact(0))
    assert observations_on(tape) == []
