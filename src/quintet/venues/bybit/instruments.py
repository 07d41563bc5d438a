"""What Bybit says of an instrument: tick, lot, assets, smallest order. Pure: an answer in, facts out."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from quintet.core.errors import DataError, InputError
from quintet.core.units import decimal
from quintet.venues.bybit.wire import Reply

_UNKNOWN_SYMBOL: Final = 10001


class _Prices(msgspec.Struct, frozen=True):
    tickSize: str  # noqa: N815  the venue's own spelling


class _Lots(msgspec.Struct, frozen=True):
    """Spot says `basePrecision` and `minOrderAmt`, contracts `qtyStep` and `minNotionalValue`."""

    basePrecision: str = ""  # noqa: N815
    qtyStep: str = ""  # noqa: N815
    minOrderQty: str = "0"  # noqa: N815
    minOrderAmt: str = "0"  # noqa: N815
    minNotionalValue: str = "0"  # noqa: N815


class _Listed(msgspec.Struct, frozen=True):
    symbol: str
    baseCoin: str  # noqa: N815
    quoteCoin: str  # noqa: N815
    priceFilter: _Prices  # noqa: N815
    lotSizeFilter: _Lots  # noqa: N815


class _Listing(msgspec.Struct, frozen=True):
    list: tuple[_Listed, ...] = ()


def instruments_url(base_url: str, category: str, symbol: str) -> str:
    """Where the venue tells of an instrument."""
    return f"{base_url}/v5/market/instruments-info?category={category}&symbol={symbol}"


def instrument_facts(category: str, symbol: str, body: bytes) -> dict[str, Any]:
    """Facts of an instrument under the names of `core.instrument.Instrument`.

    Raises InputError for a symbol that the venue does not list, DataError for an answer that is not what it should be.
    """
    reply = _shaped(body, Reply)
    if reply.retCode not in (0, _UNKNOWN_SYMBOL):
        raise DataError(f"bybit instruments: retCode is {reply.retCode} ({reply.retMsg}), expected 0")
    listed = _shaped(reply.result, _Listing).list if reply.retCode == 0 else ()
    for found in listed:
        if found.symbol == symbol:
            return _facts(category, found)
    said = f" ({reply.retMsg})" if reply.retCode else ""
    raise InputError(f"symbol is {symbol}, expected one that bybit lists in {category}{said}")


def _facts(category: str, listed: _Listed) -> dict[str, Any]:
    lots = listed.lotSizeFilter
    facts: dict[str, Any] = {
        "symbol": listed.symbol,
        "venue": "bybit",
        "kind": category,
        "base_asset": listed.baseCoin,
        "quote_asset": listed.quoteCoin,
        "tick_size": _amount("tickSize", listed.priceFilter.tickSize),
        "lot_size": _amount("qtyStep or basePrecision", lots.qtyStep or lots.basePrecision),
        "min_quantity": _amount("minOrderQty", lots.minOrderQty, least=Decimal(0)),
    }
    if category == "inverse":
        return facts | {"contract_value": Decimal(1)}
    smallest = ("minOrderAmt", lots.minOrderAmt) if category == "spot" else ("minNotionalValue", lots.minNotionalValue)
    return facts | {"min_notional": _amount(*smallest, least=Decimal(0))}


def _amount(field: str, text: str, least: Decimal = Decimal("1e-18")) -> Decimal:
    value = decimal(text, f"bybit instruments: {field}")
    if value < least:
        raise DataError(f"bybit instruments: {field} is {text}, expected {'0 or more' if not least else 'more than 0'}")
    return value


def _shaped(data: bytes | msgspec.Raw, shape: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"bybit instruments: {error}") from None
