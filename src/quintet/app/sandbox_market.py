"""Which market a sandbox shows: the seeded generator or a tape, as ghost liquidity for the books it lists."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from quintet.app.messages import Complaint
from quintet.core.instrument import Instrument
from quintet.sandbox.candle_series import MINUTES_KEPT
from quintet.sandbox.commands import BeginAfter
from quintet.sandbox.instruments import default_catalogue
from quintet.sandbox.market_flow import Source, Target
from quintet.sandbox.money import QUANTUM, quanta

NS_PER_MS: Final = 1_000_000

SYNTHETIC: Final = {"BTC": ("50000", "2", "0.001"), "ETH": ("3000", "0.1", "0.01"), "SOL": ("150", "0.01", "0.1")}
"""Base coin to start price, tick and lot of its synthetic flow: a tick of about a third of a basis point."""


def targets_of(instrument: Instrument) -> list[Target]:
    """The books of the catalogue that an instrument can feed exactly; raises Complaint when there is none."""
    price_quanta = quanta(instrument.price_increment, "price increment")
    found = []
    for book in default_catalogue():
        if book.symbol != instrument.symbol:
            continue
        ratio = instrument.lot_size * book.lots_per_unit
        up, down = ratio.as_integer_ratio()
        tick = quanta(instrument.tick_size, "tick size")
        if tick % book.tick == 0:
            found.append(Target(book.category, book.symbol, price_quanta, up, down))
    if not found:
        listed = default_catalogue()
        here = sorted({f"{each.symbol} with ticks of {each.tick * QUANTUM}" for each in listed})
        raise Complaint(
            "an instrument that the sandbox does not list",
            where="--market",
            found=f"{instrument.symbol} with ticks of {instrument.tick_size}",
            expected=f"one of {', '.join(here)}, or multiples of them",
        )
    return found


def synthetic_sources(seed: int, start_ms: int) -> list[Source]:
    """A calm seeded market for each coin, the same in its spot and its linear book, a year long."""
    from quintet.research.tick_market import TickMarket
    from quintet.research.tick_model import TickModel

    calm = TickModel(levels=20, depth_per_s=4.0, depth_rows=5.0, trades_per_s=1.5, touch_quote=20_000)
    sources = []
    for number, (base, (price, tick, lot)) in enumerate(SYNTHETIC.items()):
        instrument = Instrument(
            symbol=f"{base}USDT",
            venue="synthetic",
            kind="linear",
            base_asset=base,
            quote_asset="USDT",
            price_increment=Decimal("0.01"),
            tick_size=Decimal(tick),
            lot_size=Decimal(lot),
        )
        market = TickMarket(
            seed + number,
            hours=24 * 365,
            instrument=instrument,
            start_ns=start_ms * NS_PER_MS,
            start_price=price,
            model=calm,
            chunk_rows=1 << 11,
        )
        pieces = (chunk.rows for chunk in market.chunks())
        sources.append(Source(f"synthetic {base} {seed}", pieces, {0: targets_of(instrument)}, 0))
    return sources


def synthetic_past(seed: int) -> list[BeginAfter]:
    """A week of minutes before the synthetic market of each coin begins, the same on spot and linear."""
    return [
        BeginAfter(category=category, symbol=f"{base}USDT", seed=seed, price=quanta(price), minutes=MINUTES_KEPT)
        for base, (price, _, _) in SYNTHETIC.items()
        for category in ("spot", "linear")
    ]


def tape_source(path: Path, start_ms: int) -> Source:
    """A market tape, its first event moved to `start_ms`."""
    from quintet.storage.tape_files import open_tape

    tape = open_tape(path)
    rows = tape.event_rows()
    if len(rows) == 0:
        raise Complaint("a tape without events", where="--market", found=str(path), expected="a market tape")
    targets = {number: targets_of(each) for number, each in enumerate(tape.instruments)}
    shift_ns = start_ms * NS_PER_MS - int(rows["ts_event"][0])
    return Source(f"tape {tape.hash}", _pieces(rows), targets, shift_ns)


def _pieces(rows: Any) -> Iterator[Any]:
    for begin in range(0, len(rows), 4096):
        yield rows[begin : begin + 4096]
