"""What Binance says of an instrument, spot or USD-M futures. Pure: an answer in, facts out."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from quintet.core.errors import DataError, InputError
from quintet.core.units import decimal
from quintet.venues.binance.public_stream import REST_PATH

_INVALID_SYMBOL: Final = -1121


class _Filter(msgspec.Struct, frozen=True):
    """One of the rules of a symbol; spot says `minNotional`, futures `notional`."""

    filterType: str  # noqa: N815  the venue's own spelling
    tickSize: str = "0"  # noqa: N815
    stepSize: str = "0"  # noqa: N815
    minQty: str = "0"  # noqa: N815
    minNotional: str = "0"  # noqa: N815
    notional: str = "0"


class _Listed(msgspec.Struct, frozen=True):
    symbol: str
    baseAsset: str  # noqa: N815
    quoteAsset: str  # noqa: N815
    filters: tuple[_Filter, ...]


class _Reply(msgspec.Struct, frozen=True):
    """The list, or an error."""

    symbols: tuple[_Listed, ...] = ()
    code: int = 0
    msg: str = ""


def instruments_url(base_url: str, category: str, symbol: str) -> str:
    """Where the venue tells of an instrument; futures list all, whatever is asked."""
    return f"{base_url}{REST_PATH[category]}/exchangeInfo?symbol={symbol}"


def instrument_facts(category: str, symbol: str, body: bytes) -> dict[str, Any]:
    """Facts of an instrument under the names of `core.instrument.Instrument`.

    Raises InputError for a symbol that the venue does not list, DataError for an answer that is not what it should be.
    """
    try:
        reply = msgspec.json.decode(body, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"binance instruments: {error}") from None
    if reply.code not in (0, _INVALID_SYMBOL):
        raise DataError(f"binance instruments: code is {reply.code} ({reply.msg}), expected a list")
    for found in reply.symbols:
        if found.symbol == symbol:
            return _facts(category, found)
    raise InputError(f"symbol is {symbol}, expected one that binance lists in {category}")


def _facts(category: str, listed: _Listed) -> dict[str, Any]:
    rules = {rule.filterType: rule for rule in listed.filters}
    lots = _rule(rules, "LOT_SIZE")
    smallest = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL") or _Filter("")
    least = smallest.notional if category == "linear" else smallest.minNotional
    return {
        "symbol": listed.symbol,
        "venue": "binance",
        "kind": category,
        "base_asset": listed.baseAsset,
        "quote_asset": listed.quoteAsset,
        "tick_size": _unit("tickSize", _rule(rules, "PRICE_FILTER").tickSize),
        "lot_size": _unit("stepSize", lots.stepSize),
        "min_quantity": decimal(lots.minQty, "binance instruments: minQty"),
        "min_notional": decimal(least, "binance instruments: smallest order by value"),
    }


def _rule(rules: dict[str, _Filter], name: str) -> _Filter:
    if name not in rules:
        raise DataError(f"binance instruments: filter {name} is missing, expected it as the venue documents")
    return rules[name]


def _unit(field: str, text: str) -> Decimal:
    value = decimal(text, f"binance instruments: {field}")
    if value <= 0:
        raise DataError(f"binance instruments: {field} is {text}, expected more than 0")
    return value
