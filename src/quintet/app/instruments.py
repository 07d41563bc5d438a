"""Instruments known by name, and how a config's [instrument] becomes one.

A candle file gives prices, never the instrument. The definitions here are those of Bybit spot for a non-VIP account
(10 bp maker and taker, the buyer's fee in base); a venue changes tick, lot and minimum over time, so for money read
them from the venue. Any of them can be overridden, or given whole, in [instrument].
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from quintet.app.messages import Complaint, did_you_mean
from quintet.core.errors import ConfigError, NotExact
from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.parameters import text
from quintet.core.units import exact_units

E9_PER_BP: Final = 100_000

FEE_RANGE_BPS: Final = {"maker": (-100, 1000), "taker": (0, 1000)}
"""What an instrument accepts."""

KNOWN: Final[dict[str, Instrument]] = {
    instrument.symbol: instrument
    for instrument in (
        DEFAULT_SPOT,
        msgspec.structs.replace(
            DEFAULT_SPOT,
            symbol="BTCUSDT",
            base_asset="BTC",
            # Candle files quote cents, the venue trades in tenths.
            tick_size=Decimal("0.1"),
            lot_size=Decimal("0.000001"),
            min_quantity=Decimal("0.000011"),
            min_notional=Decimal(5),
        ),
        msgspec.structs.replace(
            DEFAULT_SPOT,
            symbol="SOLUSDT",
            base_asset="SOL",
            # Candle files quote as fine as a hundredth of a cent, the venue trades in cents.
            price_increment=Decimal("0.0001"),
            lot_size=Decimal("0.001"),
            min_quantity=Decimal("0.01"),
            min_notional=Decimal(5),
        ),
    )
}

_REFUSAL: Final = re.compile(r"instrument \S+: (?P<key>\w+) is (?P<found>.+?), expected (?P<expected>.+)", re.DOTALL)
_REQUIRED: Final = ("base_asset", "quote_asset", "price_increment", "tick_size", "lot_size")


class InstrumentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What is traded. A known symbol needs nothing else; what is given replaces the known value."""

    symbol: Annotated[str, text("name", "as the venue writes it; ETHUSDT, BTCUSDT and SOLUSDT are known by name")] = (
        "ETHUSDT"
    )
    venue: Annotated[str | None, text("name", "where it is traded; known: bybit")] = None
    kind: Annotated[
        Literal["spot", "linear", "inverse"] | None, text("name", "spot, or a linear or inverse perpetual; known: spot")
    ] = None
    base_asset: Annotated[str | None, text("asset", "what is bought")] = None
    quote_asset: Annotated[str | None, text("asset", "what it is paid in")] = None
    price_increment: Annotated[
        Decimal | None, text("quote per base", "prices are whole multiples of it for ever; a power of ten")
    ] = None
    tick_size: Annotated[
        Decimal | None, text("quote per base", "orders are whole multiples of it; a multiple of price_increment")
    ] = None
    lot_size: Annotated[Decimal | None, text("base asset", "quantities are whole multiples of it")] = None
    min_quantity: Annotated[Decimal | None, text("base asset", "smallest order; 0: one lot")] = None
    min_notional: Annotated[Decimal | None, text("quote asset", "smallest order by value; 0: none")] = None
    max_quantity: Annotated[Decimal | None, text("base asset", "largest order; 0: none")] = None
    maker_fee_bps: Annotated[Decimal | None, text("bp", "paid when resting; negative: a rebate")] = None
    taker_fee_bps: Annotated[Decimal | None, text("bp", "paid when taking")] = None
    fee_in_base: Annotated[bool | None, text("switch", "the buyer's fee is taken out of what was bought")] = None
    contract_value: Annotated[
        Decimal | None, text("units", "1 for spot and linear; quote units of an inverse contract")
    ] = None
    base_quantum: Annotated[Decimal | None, text("base asset", "smallest amount the books count; a power of ten")] = (
        None
    )
    quote_quantum: Annotated[Decimal | None, text("quote asset", "smallest amount the books count; a power of ten")] = (
        None
    )


def spoken_of(names: Iterable[str]) -> list[str]:
    """Known symbols that every one of these file names speaks of: `ethusdt_5m.csv`, `ETH_USDT-5m.feather`."""
    plain = [re.sub(r"[_\-/ ]", "", name).lower() for name in names]
    return [symbol for symbol in KNOWN if plain and all(symbol.lower() in name for name in plain)]


def define(section: InstrumentConfig, where: str) -> Instrument:
    """The instrument of a section; raises Complaint when facts are missing, ConfigError when they are wrong."""
    given = {name: value for name, value in msgspec.structs.asdict(section).items() if value is not None}
    facts = _known_facts(section, given) | given
    missing = [name for name in _REQUIRED if name not in facts]
    if missing:
        raise Complaint(
            "an instrument that is not known by name needs its facts",
            where=where,
            found=f"symbol {section.symbol!r} without {', '.join(missing)}",
            expected=f"those keys in [instrument], or one of {', '.join(KNOWN)}",
            hint=did_you_mean(section.symbol, KNOWN),
        )
    for side in ("maker", "taker"):
        if f"{side}_fee_bps" in facts:
            facts[f"{side}_fee_e9"] = _fee_e9(facts.pop(f"{side}_fee_bps"), side, where)
    try:
        return Instrument(**{"venue": "bybit", "kind": "spot", **facts})
    except ConfigError as error:
        raise _refused(error, where) from None


def _refused(error: ConfigError, where: str) -> ConfigError:
    """What an instrument says of itself, with the place that said it."""
    told = _REFUSAL.match(str(error))
    if told is None:
        return ConfigError(f"{where}, [instrument]: {error}")
    place = f"{where}, [instrument] {told['key']}"
    return Complaint("an instrument that cannot be", where=place, found=told["found"], expected=told["expected"])


def _known_facts(section: InstrumentConfig, given: dict[str, Any]) -> dict[str, Any]:
    """What is known of the symbol, nothing when another asset pair or venue was named."""
    known = KNOWN.get(section.symbol)
    if known is None or any(
        name in given and given[name] != getattr(known, name) for name in ("base_asset", "quote_asset")
    ):
        return {}
    return msgspec.structs.asdict(known)


def _fee_e9(fee_bps: Decimal, side: str, where: str) -> int:
    """Basis points as integers of 1e-9; raises Complaint for a fee beyond reason or one that would leave a rest."""
    lowest, highest = FEE_RANGE_BPS[side]
    if not (fee_bps.is_finite() and lowest <= fee_bps <= highest and fee_bps * E9_PER_BP == int(fee_bps * E9_PER_BP)):
        raise Complaint(
            "a fee that cannot be",
            where=f"{where}, [instrument] {side}_fee_bps",
            found=fee_bps,
            expected=f"{lowest} to {highest} bp, a multiple of 0.00001 bp",
        )
    return int(fee_bps * E9_PER_BP)


def capital_quanta(amount: Decimal, instrument: Instrument, where: str) -> int:
    """The opening balance in quanta of the quote asset; raises Complaint when it is not whole or too large."""
    try:
        quanta = exact_units(amount, instrument.quote_quantum, "initial_quote")
        instrument.proves_capital(quanta)
    except ConfigError as error:
        raise _capital(amount, instrument, where, "less, so that a run's turnover stays countable") from error
    except NotExact as error:
        raise _capital(amount, instrument, where, f"a multiple of {instrument.quote_quantum}, countable") from error
    return quanta


def _capital(amount: Decimal, instrument: Instrument, where: str, expected: str) -> Complaint:
    return Complaint(
        "an opening balance that the books cannot hold",
        where=f"{where}, [execution] initial_quote",
        found=f"{amount} {instrument.quote_asset}",
        expected=expected,
        hint="a larger instrument.quote_quantum leaves more room",
    )
