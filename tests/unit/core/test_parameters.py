"""Documented parameters: bounds in the type, words in one place."""

from decimal import Decimal
from typing import Annotated

import msgspec
import pytest

from quintet.core.parameters import Parameter, ParameterError, bounds, describe, parameter, text


class Kettle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    temperature_c: Annotated[int, parameter("degrees C", "tea wants it hot", ge=70, lt=100)] = 95
    name: Annotated[str, text("name", "so that it can be called")] = "kettle"
    price: Annotated[Decimal, text("euro", "what it cost")] = Decimal("19.90")
    notes: list[str] = []


def test_a_field_tells_its_unit_default_bounds_and_reason() -> None:
    assert describe(Kettle) == [
        Parameter("temperature_c", "degrees C", 95, ">= 70 and < 100", "tea wants it hot"),
        Parameter("name", "name", "kettle", "", "so that it can be called"),
        Parameter("price", "euro", Decimal("19.90"), "", "what it cost"),
    ]


def test_bounds_are_checked_when_a_value_is_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="temperature_c"):
        msgspec.convert({"temperature_c": 100}, Kettle)


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        (parameter("x", "y"), ""),
        (parameter("x", "y", gt=0), "> 0"),
        (parameter("x", "y", le=0.5), "<= 0.5"),
        (parameter("x", "y", gt=0, lt=1), "> 0 and < 1"),
    ],
)
def test_bounds_are_told_in_words(meta: msgspec.Meta, told: str) -> None:
    assert bounds(meta) == told


def test_a_refusal_names_key_found_and_expected() -> None:
    error = ParameterError("temperature_c", 120, "below boiling")
    assert str(error) == "temperature_c is 120, expected below boiling"
    assert (error.key, error.found, error.expected) == ("temperature_c", 120, "below boiling")
