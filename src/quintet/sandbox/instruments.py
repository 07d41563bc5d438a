"""What the exchange lists: filters, limits, risk tiers and fees of each instrument, and the catalogue it starts with.

Prices are quanta of the quote coin, so the tick is only a filter and may change; quantities are whole lots.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from quintet.core.errors import ConfigError
from quintet.sandbox.money import ONE, decimals_of, padded, plain, quanta

Category = Literal["spot", "linear"]
BUY, SELL = 1, -1


class Tier(msgspec.Struct, frozen=True):
    """One step of the risk limit: positions up to `value_max` quanta pay these margin rates (of 1e8)."""

    number: int
    value_max: int
    initial_rate: int
    maintenance_rate: int
    leverage_max: int
    deduction: int


class Instrument(msgspec.Struct, kw_only=True):
    """One listed instrument. `leverage` counts hundredths, rates parts of 1e8, times milliseconds."""

    category: Category
    symbol: str
    number: int
    base: str
    quote: str
    tick: int
    price_decimals: int
    lot_decimals: int
    min_lots: int
    max_limit_lots: int
    max_market_lots: int
    min_value: int
    price_min: int
    price_max: int
    price_ratio_x: int
    price_ratio_y: int
    maker_rate: int
    taker_rate: int
    status: str = "Trading"
    delivery_ms: int = 0
    launch_ms: int = 1585526400000
    quote_decimals: int = 8
    funding_minutes: int = 480
    funding_cap: int = 375_000
    tiers: tuple[Tier, ...] = ()

    @property
    def is_spot(self) -> bool:
        """True on spot, where coins change hands; linear contracts settle in the quote coin."""
        return self.category == "spot"

    @property
    def lots_per_unit(self) -> int:
        """Lots in one base coin."""
        return int(10**self.lot_decimals)

    @property
    def leverage_max(self) -> int:
        """The highest leverage of any tier, in hundredths."""
        return self.tiers[0].leverage_max if self.tiers else 100

    def value(self, price: int, lots: int) -> int:
        """Quote quanta of `lots` at `price`; exact on the grid, rounded towards zero off it."""
        sign = -1 if lots < 0 else 1
        return sign * (price * abs(lots) // self.lots_per_unit)

    def base_quanta(self, lots: int) -> int:
        """Quanta of the base coin in `lots`."""
        return lots * (ONE // self.lots_per_unit)

    def price_text(self, price: int) -> str:
        """A price as the venue writes it, padded to the tick's decimals; one from a finer grid keeps its own."""
        steps, rest = divmod(price, 10 ** (8 - self.price_decimals))
        return plain(price) if rest else padded(steps, self.price_decimals)

    def lots_text(self, lots: int) -> str:
        """A quantity padded to the lot step's decimals."""
        return padded(lots, self.lot_decimals)

    def tier_of(self, value: int) -> Tier:
        """The risk tier of a position of that value; the last one above all limits."""
        for tier in self.tiers:
            if value <= tier.value_max:
                return tier
        return self.tiers[-1]

    def with_tick(self, tick: Decimal) -> "Instrument":
        """The same instrument on another price grid; raises ConfigError when a lot on it would not be whole quanta."""
        changed = msgspec.structs.replace(self, tick=quanta(tick, "tick size"), price_decimals=decimals_of(tick))
        _check_grid(changed)
        return changed


def _check_grid(instrument: Instrument) -> None:
    if instrument.tick <= 0 or instrument.tick % instrument.lots_per_unit:
        raise ConfigError(
            f"tick size of {instrument.symbol}: expected one that makes a lot whole quanta of 1e-8, "
            f"found {padded(instrument.tick, 8)} with lots of 1e-{instrument.lot_decimals}"
        )


def marginal_tiers(*steps: tuple[str, str, int]) -> tuple[Tier, ...]:
    """Tiers from (value limit, maintenance rate, highest leverage); each deduction makes the margin continuous."""
    tiers: list[Tier] = []
    for number, (limit, maintenance, leverage) in enumerate(steps, 1):
        rate = quanta(maintenance)
        deduction = 0
        if tiers:
            last = tiers[-1]
            deduction = last.deduction + last.value_max * (rate - last.maintenance_rate) // ONE
        tiers.append(Tier(number, quanta(limit), -(-ONE // leverage), rate, leverage * 100, deduction))
    return tuple(tiers)


MAJOR_TIERS = marginal_tiers(
    ("300000", "0.0033", 150), ("2000000", "0.005", 100), ("10000000", "0.01", 50), ("50000000", "0.025", 20)
)
MINOR_TIERS = marginal_tiers(("200000", "0.005", 100), ("1000000", "0.01", 50), ("10000000", "0.025", 20))


def _spot(number: int, base: str, tick: str, lot: str, limit: str, market: str) -> Instrument:
    lot_decimals = decimals_of(Decimal(lot))
    per_unit = Decimal(10) ** lot_decimals
    found = Instrument(
        category="spot",
        symbol=f"{base}USDT",
        number=number,
        base=base,
        quote="USDT",
        tick=quanta(tick),
        price_decimals=decimals_of(Decimal(tick)),
        lot_decimals=lot_decimals,
        min_lots=1,
        max_limit_lots=int(Decimal(limit) * per_unit),
        max_market_lots=int(Decimal(market) * per_unit),
        min_value=5 * ONE,
        price_min=quanta(tick),
        price_max=quanta("1999999.8"),
        price_ratio_x=quanta("0.005"),
        price_ratio_y=quanta("0.01"),
        maker_rate=quanta("0.001"),
        taker_rate=quanta("0.001"),
        quote_decimals=7,
    )
    _check_grid(found)
    return found


def _linear(
    number: int, base: str, tick: str, lot: str, limit: str, market: str, tiers: tuple[Tier, ...]
) -> Instrument:
    spot = _spot(number, base, tick, lot, limit, market)
    return msgspec.structs.replace(
        spot,
        category="linear",
        price_ratio_x=quanta("0.01"),
        price_ratio_y=quanta("0.02"),
        maker_rate=quanta("0.0002"),
        taker_rate=quanta("0.00055"),
        tiers=tiers,
    )


def default_catalogue() -> tuple[Instrument, ...]:
    """BTC, ETH and SOL against USDT, spot and perpetual, with the venue's sizes and its fees without a VIP level."""
    return (
        _spot(9, "BTC", "0.1", "0.000001", "83", "41.5"),
        _spot(10, "ETH", "0.01", "0.00001", "1500", "750"),
        _spot(11, "SOL", "0.01", "0.001", "40000", "15000"),
        _linear(5, "BTC", "0.1", "0.001", "1190", "500", MAJOR_TIERS),
        _linear(6, "ETH", "0.01", "0.01", "7000", "1700", MAJOR_TIERS),
        _linear(7, "SOL", "0.01", "0.1", "80000", "15000", MINOR_TIERS),
    )
