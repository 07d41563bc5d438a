"""Which instruments can be, and what follows from their numbers."""

from decimal import Decimal

import msgspec
import pytest

from quintet.core.errors import ConfigError, InputError, NotExact
from quintet.core.events import PRICE_MAX
from quintet.core.instrument import DEFAULT_SPOT, decode, encode

LINEAR = msgspec.structs.replace(
    DEFAULT_SPOT, kind="linear", lot_size=Decimal("0.01"), min_quantity=Decimal("0.01"), fee_in_base=False
)
INVERSE = msgspec.structs.replace(
    DEFAULT_SPOT, symbol="ETHUSD", kind="inverse", lot_size=Decimal(1), contract_value=Decimal(1), fee_in_base=False
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"price_increment": Decimal(0)}, "price_increment is 0, expected a positive number"),
        ({"tick_size": Decimal("-0.01")}, "tick_size is -0.01, expected a positive number"),
        ({"lot_size": Decimal("NaN")}, "lot_size is NaN, expected a positive number"),
        ({"quote_quantum": Decimal("Infinity")}, "quote_quantum is Infinity, expected a positive number"),
        ({"price_increment": Decimal("1E+999")}, "price_increment is 1E+999, expected 18 digits at most"),
        ({"lot_size": Decimal("1E-19")}, "lot_size is 1E-19, expected 18 digits at most"),
        ({"contract_value": Decimal("1.0000000000000000001")}, "expected 18 digits at most"),
        ({"min_quantity": Decimal("-1")}, "min_quantity is -1, expected zero or a positive number"),
        ({"min_notional": Decimal("NaN")}, "min_notional is NaN, expected zero or a positive number"),
        ({"max_quantity": Decimal("1E+30")}, "max_quantity is 1E+30, expected 0, or 18 digits at most"),
        ({"max_quantity": Decimal("0.0001")}, "max_quantity is 0.0001, expected 0 (no limit) or at least min_quantity"),
        ({"symbol": ""}, "symbol is empty, expected a name"),
        ({"quote_asset": ""}, "quote_asset is empty, expected a name"),
        ({"kind": "option"}, "kind is option, expected one of spot, linear, inverse"),
        ({"maker_fee_e9": -10_000_001}, "maker_fee_e9 is -10000001, expected a rate"),
        ({"maker_fee_e9": 100_000_001}, "maker_fee_e9 is 100000001, expected a rate"),
        ({"taker_fee_e9": -1}, "taker_fee_e9 is -1, expected a rate from 0"),
        ({"price_increment": Decimal("0.02")}, "price_increment is 0.02, expected a power of ten"),
        ({"base_quantum": Decimal("0.5")}, "base_quantum is 0.5, expected a power of ten"),
        ({"tick_size": Decimal("0.015")}, "tick_size is 0.015, expected a multiple of the price increment 0.01"),
        ({"quote_quantum": Decimal("0.01")}, "expected a quantum that divides one tick of one lot"),
        ({"base_quantum": Decimal("0.0001")}, "lot_size is 0.00001, expected a multiple of the base quantum"),
        ({"contract_value": Decimal(2)}, "contract_value is 2, expected 1 for spot"),
    ],
)
def test_a_definition_that_cannot_be_is_refused_by_field(changes, message):
    with pytest.raises(ConfigError) as refusal:
        msgspec.structs.replace(DEFAULT_SPOT, **changes)
    assert message in str(refusal.value)
    assert str(refusal.value).startswith(f"instrument {changes.get('symbol', 'ETHUSDT')}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "truncated"),
        (b"\xff", "malformed"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `symbol`"),
        (encode(DEFAULT_SPOT).replace(b'"spot"', b'"option"'), "Invalid enum value 'option'"),
        (encode(DEFAULT_SPOT).replace(b'"venue"', b'"exchange"'), "unknown field `exchange`"),
        (encode(DEFAULT_SPOT).replace(b'"0.00001"', b'"tiny"'), "lot_size"),
        (encode(DEFAULT_SPOT).replace(b'"taker_fee_e9":1000000', b'"taker_fee_e9":-1'), "taker_fee_e9"),
        (encode(DEFAULT_SPOT).replace(b'"tick_size":"0.01"', b'"tick_size":"0"'), "tick_size is 0"),
    ],
)
def test_a_text_that_is_not_a_definition_is_refused(text, message):
    with pytest.raises(ConfigError, match="instrument") as refusal:
        decode(text)
    assert message in str(refusal.value)


@pytest.mark.parametrize("instrument", [DEFAULT_SPOT, LINEAR, INVERSE], ids=["spot", "linear", "inverse"])
def test_a_definition_survives_encoding(instrument):
    assert decode(encode(instrument)) == instrument


def test_equal_definitions_have_equal_bytes():
    # given the same instrument, its numbers written in other ways
    other = msgspec.structs.replace(
        DEFAULT_SPOT, tick_size=Decimal("0.010"), min_notional=Decimal("1E+1"), max_quantity=Decimal("-0.0")
    )
    # then nobody can tell them apart
    assert other == DEFAULT_SPOT
    assert encode(other) == encode(DEFAULT_SPOT)


def test_the_factors_that_follow_from_a_spot_definition():
    assert DEFAULT_SPOT.quanta_per_tick_lot == 10  # 0.01 x 0.00001 = 1e-7 USDT, ten quanta of 1e-8
    assert DEFAULT_SPOT.ticks_per_tick_size == 1
    assert DEFAULT_SPOT.base_quanta_per_lot == 1000
    assert DEFAULT_SPOT.min_lots == 100
    assert DEFAULT_SPOT.min_notional_quanta == 1_000_000_000
    assert DEFAULT_SPOT.settle_asset == "USDT"


def test_an_inverse_instrument_settles_in_base_and_is_not_linear_in_price():
    assert INVERSE.settle_asset == "ETH"
    assert INVERSE.quanta_per_tick_lot == 0


def test_a_smallest_order_between_two_lots_rounds_up():
    odd = msgspec.structs.replace(DEFAULT_SPOT, min_quantity=Decimal("0.000015"))
    assert odd.min_lots == 2
    assert msgspec.structs.replace(DEFAULT_SPOT, min_quantity=Decimal(0)).min_lots == 1


def test_prices_and_quantities_go_to_whole_numbers_and_back():
    assert DEFAULT_SPOT.ticks("3012.37") == 301237
    assert DEFAULT_SPOT.price(301237) == Decimal("3012.37")
    assert DEFAULT_SPOT.lots("0.0025") == 250
    assert DEFAULT_SPOT.quantity(250) == Decimal("0.0025")


@pytest.mark.parametrize("price", ["0", "-1", str(Decimal("0.01") * (PRICE_MAX + 1))])
def test_a_price_that_no_row_can_hold_is_refused(price):
    with pytest.raises(ConfigError, match="a row holds 1 to"):
        DEFAULT_SPOT.ticks(price)


def test_a_price_between_two_increments_is_refused():
    with pytest.raises(NotExact, match="whole multiple of 0.01, found 3012.375"):
        DEFAULT_SPOT.ticks("3012.375")


def test_a_capital_that_leaves_no_room_for_turnover_is_refused():
    DEFAULT_SPOT.proves_capital(2**50 - 1)
    with pytest.raises(InputError, match="choose a larger quote_quantum"):
        DEFAULT_SPOT.proves_capital(2**50)
