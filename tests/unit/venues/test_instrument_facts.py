"""What venues say of their instruments, as recorded: tick, lot, assets, and what is no answer."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from quintet.core.errors import DataError, InputError
from quintet.venues.binance import instruments as binance
from quintet.venues.bybit import instruments as bybit
from tests.fakes.stream_server import BINANCE_LISTED, listed


@pytest.mark.parametrize(
    ("category", "tick", "lot", "least"),
    [("spot", "0.1", "0.0001", "10"), ("linear", "0.5", "0.001", "5")],
)
def test_bybit_as_recorded(shared_data: Path, category: str, tick: str, lot: str, least: str) -> None:
    body = (shared_data / "api" / "bybit" / f"http_get_instruments_{category}.json").read_bytes()
    facts = bybit.instrument_facts(category, "BTCUSDT", body)
    assert (facts["base_asset"], facts["quote_asset"], facts["kind"]) == ("BTC", "USDT", category)
    assert (facts["tick_size"], facts["lot_size"]) == (Decimal(tick), Decimal(lot))
    assert facts["min_notional"] == Decimal(least)


def test_binance_as_listed() -> None:
    facts = binance.instrument_facts("spot", "BTCUSDT", json.dumps({"symbols": [BINANCE_LISTED]}).encode())
    assert (facts["base_asset"], facts["quote_asset"]) == ("BTC", "USDT")
    assert (facts["tick_size"], facts["lot_size"], facts["min_notional"]) == (Decimal("0.01"), Decimal("0.001"), 5)


def bybit_reply(**changed: Any) -> bytes:
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [listed()]}, "time": 1} | changed).encode()


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        pytest.param(b"<html>", DataError, "bybit instruments: JSON is malformed", id="no JSON"),
        pytest.param(
            bybit_reply(retCode=10001, retMsg="Not supported symbols"), InputError, "Not supported", id="code"
        ),
        pytest.param(bybit_reply(retCode=10016, retMsg="busy"), DataError, "retCode is 10016", id="server"),
        pytest.param(bybit_reply(result={"list": []}), InputError, "expected one that bybit lists", id="nothing"),
        pytest.param(bybit_reply(result={"list": [listed(tick="0")]}), DataError, "tickSize is 0", id="no tick"),
        pytest.param(bybit_reply(result={"list": [{"symbol": "BTCUSDT"}]}), DataError, "baseCoin", id="half"),
    ],
)
def test_what_bybit_may_answer(body: bytes, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        bybit.instrument_facts("linear", "BTCUSDT", body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b'{"code":-1003,"msg":"Too much"}', "code is -1003", id="code"),
        pytest.param(json.dumps({"symbols": [BINANCE_LISTED | {"filters": []}]}).encode(), "LOT_SIZE", id="no filter"),
        pytest.param(b"[]", "binance instruments: Expected `object`", id="shape"),
    ],
)
def test_what_binance_may_answer(body: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        binance.instrument_facts("spot", "BTCUSDT", body)
