"""What is traded: increments, fees, limits, and the integer factors that follow from them.

An instrument's facts come from its venue or from a config, never from a candle file. Tick and lot may change in
time: a change is an INSTRUMENT event on the tape, with a whole new definition; the price increment never changes.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from quintet.core.errors import ConfigError
from quintet.core.events import PRICE_MAX
from quintet.core.units import SAFE_MAX, exact_units, is_power_of_ten, units_up

Kind = Literal["spot", "linear", "inverse"]

SPOT, LINEAR, INVERSE = 0, 1, 2
KIND_NUMBER: dict[str, int] = {"spot": SPOT, "linear": LINEAR, "inverse": INVERSE}

TURNOVERS = 2**12
"""So many times its capital an account can turn over before its sums reach 2^62."""

_SMALLEST, _LARGEST, _DIGITS = Decimal("1e-18"), Decimal("1e18"), 18
"""No venue counts finer or coarser; a slip such as 1E+999 ends here, with a name, and no product below is rounded."""


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One instrument as of one moment. Amounts are decimal text, so that they are exact.

    `fee_in_base`: on a spot venue that takes the buyer's fee out of what was bought (Bybit does).
    `contract_value`: base units of one lot-unit for linear (usually 1), quote units of one contract for inverse.
    """

    symbol: str
    venue: str
    kind: Kind
    base_asset: str
    quote_asset: str
    price_increment: Decimal
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    max_quantity: Decimal = Decimal(0)
    maker_fee_e9: Annotated[int, msgspec.Meta(ge=-10_000_000, le=100_000_000)] = 1_000_000
    taker_fee_e9: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)] = 1_000_000
    fee_in_base: bool = False
    contract_value: Decimal = Decimal(1)
    base_quantum: Decimal = Decimal("0.00000001")
    quote_quantum: Decimal = Decimal("0.00000001")

    def __post_init__(self) -> None:
        def refuse(field: str, found: object, expected: str) -> None:
            raise ConfigError(f"instrument {self.symbol}: {field} is {found}, expected {expected}")

        for field in ("price_increment", "tick_size", "lot_size", "base_quantum", "quote_quantum", "contract_value"):
            if not getattr(self, field).is_finite() or getattr(self, field) <= 0:
                refuse(field, getattr(self, field), "a positive number")
            if not _is_countable(getattr(self, field)):
                refuse(field, getattr(self, field), f"{_DIGITS} digits at most, from {_SMALLEST} to {_LARGEST}")
        for field in ("min_quantity", "min_notional", "max_quantity"):
            if not getattr(self, field).is_finite() or getattr(self, field) < 0:
                refuse(field, getattr(self, field), "zero or a positive number")
            if getattr(self, field) != 0 and not _is_countable(getattr(self, field)):
                refuse(field, getattr(self, field), f"0, or {_DIGITS} digits at most, from {_SMALLEST} to {_LARGEST}")
        if self.kind not in KIND_NUMBER:
            refuse("kind", self.kind, f"one of {', '.join(KIND_NUMBER)}")
        for field in ("symbol", "venue", "base_asset", "quote_asset"):
            if not getattr(self, field):
                refuse(field, "empty", "a name")
        # msgspec checks these ranges when it decodes, not when Python code builds an instrument.
        if not -10_000_000 <= self.maker_fee_e9 <= 100_000_000:
            refuse("maker_fee_e9", self.maker_fee_e9, "a rate from -10000000 to 100000000 (-1 % to 10 %)")
        if not 0 <= self.taker_fee_e9 <= 100_000_000:
            refuse("taker_fee_e9", self.taker_fee_e9, "a rate from 0 to 100000000 (0 % to 10 %)")
        if 0 < self.max_quantity < self.min_quantity:
            refuse("max_quantity", self.max_quantity, f"0 (no limit) or at least min_quantity {self.min_quantity}")
        for field in ("price_increment", "base_quantum", "quote_quantum"):
            if not is_power_of_ten(getattr(self, field)):
                refuse(field, getattr(self, field), "a power of ten")
        if self.tick_size % self.price_increment != 0:
            refuse("tick_size", self.tick_size, f"a multiple of the price increment {self.price_increment}")
        if self.kind != "inverse" and self.quanta_exact() is None:
            refuse(
                "quote_quantum",
                self.quote_quantum,
                f"a quantum that divides one tick of one lot ({self.price_increment * self.lot_size})",
            )
        if self.kind == "spot" and self.lot_size % self.base_quantum != 0:
            refuse("lot_size", self.lot_size, f"a multiple of the base quantum {self.base_quantum}")
        if self.kind == "spot" and self.contract_value != 1:
            refuse("contract_value", self.contract_value, "1 for spot")

    @property
    def identity(self) -> tuple[str, str, str]:
        """Venue, symbol and product: a venue may give one symbol to a spot pair and to its perpetual."""
        return self.venue, self.symbol, self.kind

    @property
    def name(self) -> str:
        """The identity in words: `bybit:linear:BTCUSDT`."""
        return f"{self.venue}:{self.kind}:{self.symbol}"

    @property
    def settle_asset(self) -> str:
        """The asset in which profit is paid: quote for spot and linear, base for inverse."""
        return self.base_asset if self.kind == "inverse" else self.quote_asset

    def quanta_exact(self) -> int | None:
        """Quote quanta of one price increment times one lot, None when that is not whole."""
        value = self.price_increment * self.lot_size * self.contract_value / self.quote_quantum
        return int(value) if value == int(value) and value >= 1 else None

    @property
    def quanta_per_tick_lot(self) -> int:
        """Quote quanta of (one price increment) x (one lot). For inverse: 0, its value is not linear in price."""
        return 0 if self.kind == "inverse" else self.quanta_exact() or 0

    @property
    def ticks_per_tick_size(self) -> int:
        """Price increments in one tick."""
        return int(self.tick_size / self.price_increment)

    @property
    def base_quanta_per_lot(self) -> int:
        """Base quanta in one lot."""
        return int(self.lot_size / self.base_quantum)

    @property
    def min_lots(self) -> int:
        """Smallest order in lots, at least 1."""
        return max(1, units_up(self.min_quantity, self.lot_size))

    @property
    def min_notional_quanta(self) -> int:
        """Smallest order value in quote quanta."""
        return exact_units(self.min_notional, self.quote_quantum, f"{self.symbol} min_notional")

    def ticks(self, price: str | Decimal, what: str = "price") -> int:
        """Exact price increments; raises NotExact, or ConfigError when the value does not fit a row."""
        found = exact_units(price, self.price_increment, what)
        if not 0 < found <= PRICE_MAX:
            raise ConfigError(
                f"{what}: {price} is {found} increments of {self.price_increment}; a row holds 1 to {PRICE_MAX}"
            )
        return found

    def lots(self, quantity: str | Decimal, what: str = "quantity") -> int:
        """Exact lots; raises NotExact."""
        return exact_units(quantity, self.lot_size, what)

    def price(self, ticks: int) -> Decimal:
        """Ticks back to a price."""
        return self.price_increment * ticks

    def quantity(self, lots: int) -> Decimal:
        """Lots back to a quantity."""
        return self.lot_size * lots

    @property
    def value_of_contract(self) -> int:
        """Inverse: base quanta times price increments of one lot, so that a fill's value is lots times this over price.

        It is rounded down to a whole number, as a fill's value is.
        """
        value = self.contract_value * self.lot_size / self.price_increment / self.base_quantum
        return int(value)

    def proves_capital(self, capital_quanta: int) -> None:
        """Raise ConfigError unless a turnover of 4,096 times `capital_quanta` of the settle asset stays below 2^62."""
        if capital_quanta >= SAFE_MAX // TURNOVERS:
            quantum = "base_quantum" if self.kind == "inverse" else "quote_quantum"
            raise ConfigError(
                f"instrument {self.symbol}: capital of {capital_quanta} quanta of {getattr(self, quantum)} "
                f"{self.settle_asset} leaves less than {TURNOVERS:,} times itself below 2^62; choose a larger {quantum}"
            )

    @property
    def countable_lots(self) -> int:
        """Inverse: the largest position that is counted without passing 2^62, at any price.

        One order may turn such a position over, so twice as many lots still fit.
        """
        return (SAFE_MAX - 1) // (2 * max(self.value_of_contract, 1))

    def proves_lots(self, lots: int, what: str) -> None:
        """Raise ConfigError unless an inverse position of so many lots can be counted. `what` names the limit.

        Its value is lots times `value_of_contract` over the price: the finer the base quantum, the larger that product.
        """
        if lots > self.countable_lots:
            raise ConfigError(
                f"instrument {self.symbol}: {what} is {lots} lots, expected at most {self.countable_lots}: with a "
                f"base_quantum of {self.base_quantum} more do not fit 2^62; choose a larger base_quantum, or less"
            )


def quanta_of_assets(instruments: Sequence[Instrument]) -> dict[str, tuple[Decimal, str]]:
    """What each asset of one ledger is counted in: the finest quantum that an instrument gives it, and which one does.

    A linear contract moves no base, an inverse one no quote.
    """
    found: dict[str, tuple[Decimal, str]] = {}
    for each in instruments:
        counted = {"spot": ("base", "quote"), "linear": ("quote",), "inverse": ("base",)}[each.kind]
        for side in counted:
            asset, quantum = getattr(each, f"{side}_asset"), getattr(each, f"{side}_quantum")
            if asset not in found or quantum < found[asset][0]:
                found[asset] = quantum, each.name
    return found


def in_common_quanta(instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """The same instruments, each asset counted in one quantum, the finest; rows hold ticks and lots and stay right."""
    quanta = quanta_of_assets(instruments)

    def counted(each: Instrument) -> Instrument:
        base, _ = quanta.get(each.base_asset, (each.base_quantum, ""))
        quote, _ = quanta.get(each.quote_asset, (each.quote_quantum, ""))
        made: Instrument = msgspec.structs.replace(each, base_quantum=base, quote_quantum=quote)
        return made

    return tuple(map(counted, instruments))


def _is_countable(value: Decimal) -> bool:
    """True for a positive decimal of at most 18 digits between 1e-18 and 1e18."""
    return _SMALLEST <= value <= _LARGEST and len(value.as_tuple().digits) <= _DIGITS


def encode(instrument: Instrument) -> bytes:
    """Canonical JSON, keys in declared order: what an INSTRUMENT event carries and a tape hash covers.

    Equal instruments have equal bytes: 0.10 is written 0.1, and 1e-8 as 0.00000001.
    """
    fields = msgspec.structs.asdict(instrument)
    plain = {name: _plain(value) if isinstance(value, Decimal) else value for name, value in fields.items()}
    return msgspec.json.encode(plain)


def _plain(value: Decimal) -> str:
    """The shortest text without an exponent; zero has no sign."""
    return f"{value.normalize() + 0:f}"


def decode(text: bytes) -> Instrument:
    """The inverse of `encode`; raises ConfigError naming the field."""
    try:
        return msgspec.json.decode(text, type=Instrument)
    except msgspec.DecodeError as error:
        raise ConfigError(f"instrument definition: {error}") from None


DEFAULT_SPOT = Instrument(
    symbol="ETHUSDT",
    venue="bybit",
    kind="spot",
    base_asset="ETH",
    quote_asset="USDT",
    price_increment=Decimal("0.01"),
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal("10"),
    maker_fee_e9=1_000_000,
    taker_fee_e9=1_000_000,
    fee_in_base=True,
)
"""ETHUSDT on Bybit spot for a non-VIP account: 10 bp maker and taker, the buyer's fee in base."""
