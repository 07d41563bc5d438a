"""The instruments of a tick feed: what its symbols and numbers let one guess, and what the user says instead.

A guess is shown and can be overridden in [instrument]. Tick and lot are the finest decimals seen: never coarser than
what was quoted, perhaps finer than what the venue accepts.
"""

import re
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from quintet.app.instruments import E9_PER_BP, InstrumentConfig
from quintet.core.errors import ConfigError, DataError
from quintet.core.instrument import Instrument
from quintet.core.market.level_text import guessed_unit

_QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "GBP", "BTC", "ETH", "BNB")
_COIN_MARGINED: Final = re.compile(r"_(PERP|\d{6})$")
_HUNDRED_DOLLARS: Final = "BTCUSD"


class SeenMarket(NamedTuple):
    """What was seen of one symbol: the feed's format and venue, the decimals, the beginning of its first file."""

    symbol: str
    venue: str
    price_places: int
    lot_places: int
    sample: bytes


def guessed_instrument(seen: SeenMarket, given: InstrumentConfig | None = None) -> Instrument:
    """The instrument of a feed's symbol. What [instrument] gives wins; raises ConfigError when the two cannot be."""
    increment, lot = guessed_unit(max(0, seen.price_places)), guessed_unit(max(0, seen.lot_places))
    facts: dict[str, Any] = {"symbol": seen.symbol, "venue": seen.venue, **_kind_and_assets(seen)}
    facts |= {"price_increment": increment, "tick_size": increment, "lot_size": lot}
    facts |= _said(given)
    if given is not None and given.price_increment is not None and given.tick_size is None:
        facts["tick_size"] = given.price_increment
    smallest = Decimal("1e-8")
    facts.setdefault("base_quantum", min(smallest, _power_of_ten_in(facts["lot_size"])))
    value = facts["price_increment"] * facts["lot_size"] * facts.get("contract_value", Decimal(1))
    facts.setdefault("quote_quantum", min(smallest, _power_of_ten_in(value)))
    try:
        return Instrument(**facts)
    except ConfigError as error:
        raise DataError(f"{error}; give the instrument in [instrument] or with --set") from None


def described(instrument: Instrument) -> str:
    """One line on what prices and quantities are counted in."""
    return (
        f"{instrument.symbol} of {instrument.venue or 'an unnamed venue'}, {instrument.kind}: prices in "
        f"{instrument.price_increment:f}, lots of {instrument.lot_size:f}"
    )


def _said(given: InstrumentConfig | None) -> dict[str, Any]:
    """What a configuration says of the instrument, in the instrument's own words."""
    if given is None:
        return {}
    facts = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    facts.pop("symbol", None)
    for side in ("maker", "taker"):
        if f"{side}_fee_bps" in facts:
            facts[f"{side}_fee_e9"] = int(facts.pop(f"{side}_fee_bps") * E9_PER_BP)
    return facts


def _kind_and_assets(seen: SeenMarket) -> dict[str, Any]:
    """Kind and assets as far as symbol and frames tell; an option has its own name as base."""
    symbol = seen.symbol
    if seen.venue == "deribit":
        return _of_deribit(symbol)
    if _COIN_MARGINED.search(symbol):
        pair = _COIN_MARGINED.sub("", symbol)
        value = Decimal(100 if pair == _HUNDRED_DOLLARS else 10)
        return {"kind": "inverse", **_assets(pair), "contract_value": value}
    assets = _assets(symbol)
    if seen.venue == "bybit" and assets["quote_asset"] == "USD":
        return {"kind": "inverse", **assets, "contract_value": Decimal(1)}
    derivative = seen.venue in ("bybit", "hyperliquid", "bench") or b'"pu":' in seen.sample or b"fstream" in seen.sample
    return {"kind": "linear" if derivative and b"/spot" not in seen.sample else "spot", **assets}


def _of_deribit(symbol: str) -> dict[str, Any]:
    base = symbol.partition("-")[0]
    if symbol.endswith(("-C", "-P")):
        return {"kind": "linear", "base_asset": symbol, "quote_asset": base}
    return {"kind": "inverse", "base_asset": base, "quote_asset": "USD", "contract_value": Decimal(1)}


def _assets(symbol: str) -> dict[str, str]:
    """Base and quote of a symbol; one that names no quote is priced in USD."""
    base, dash, quote = symbol.partition("-")
    if dash and base and quote:
        return {"base_asset": base, "quote_asset": quote}
    for known in _QUOTES:
        if symbol.endswith(known) and len(symbol) > len(known):
            return {"base_asset": symbol.removesuffix(known), "quote_asset": known}
    return {"base_asset": symbol, "quote_asset": "USD"}


def _power_of_ten_in(value: Decimal) -> Decimal:
    """The largest power of ten of which `value` is a whole multiple."""
    return Decimal(1).scaleb(int(value.normalize().as_tuple().exponent))
