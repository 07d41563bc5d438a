"""The instruments and assets of a desk, by the names that the venue has for them."""

from decimal import Decimal
from typing import Final, NamedTuple

from quintet.core.engine.world import asset_numbers
from quintet.core.errors import ConfigError
from quintet.core.instrument import Instrument


class Asset(NamedTuple):
    """An asset's number in the ledger and its smallest amount."""

    number: int
    quantum: Decimal


class Listing:
    """What a desk trades: `instruments` in the order of its tape."""

    def __init__(self, instruments: tuple[Instrument, ...]) -> None:
        self.instruments: Final = instruments
        self._index: dict[tuple[str, str], int] = {(one.kind, one.symbol): n for n, one in enumerate(instruments)}
        if len(self._index) != len(instruments):
            raise ConfigError("instruments: one of them stands there twice, expected each once")
        self.assets: Final = _assets(instruments)

    @property
    def categories(self) -> tuple[str, ...]:
        """The venue's product categories that are traded, each once, in the order of the instruments."""
        return tuple(dict.fromkeys(one.kind for one in self.instruments))

    def index(self, category: str, symbol: str) -> int | None:
        """The instrument's number; None for one that this desk does not trade."""
        return self._index.get((category, symbol))


def _assets(instruments: tuple[Instrument, ...]) -> dict[str, Asset]:
    """Raises ConfigError when two instruments count one asset in different quanta."""
    quanta: dict[str, Decimal] = {}
    for one in instruments:
        for name, quantum in ((one.quote_asset, one.quote_quantum), (one.base_asset, one.base_quantum)):
            if quanta.setdefault(name, quantum) != quantum:
                raise ConfigError(
                    f"instrument {one.symbol}: quantum of {name} is {quantum}, expected {quanta[name]} as before"
                )
    return {name: Asset(number, quanta[name]) for name, number in asset_numbers(instruments).items()}
