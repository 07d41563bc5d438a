"""The books of Binance that lie beside the maintainers' checkout: imported, and walked as tapes by our loop.

Their recorder's clock was a second behind the venue's, so no latency can be read from them: every message reaches both
engines `FEED_NS` after it happened. A spot book is traded as if it were a linear contract: the peer knows no holdings.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.oracle.grids import Grid
from benchmarks.oracle.market import Market, facts_of, recorded_orders
from benchmarks.w1_ticks import PARAMS, STATE, run
from quintet.app.tick_import import TickRequest, import_ticks
from quintet.core import state as s
from quintet.core.engine.world import Execution, Latencies, Setup, begin_at, new_world
from quintet.core.events import ASK_LEVEL, BOOK_CLEAR, TRADE_SELL
from quintet.core.instrument import Instrument
from quintet.core.records import table
from quintet.core.tape import Tape
from quintet.sim.latency import LATENCY_MODEL_NAMES
from quintet.sim.loop import hear_the_rest
from quintet.sim.queue import QUEUE_MODEL_NAMES
from quintet.storage.tape_files import open_tape

FEED_NS: Final = 5_000_123
ENTRY_ODD_NS: Final = 311
RESPONSE_ODD_NS: Final = 217
"""Binance stamps whole milliseconds, so a look, a message, an answer and an order would often meet in one nanosecond.
What then comes first is nobody's assumption; a few ns more on each way keep them apart.
"""

FOLDER: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "l2"

BOOKS: Final = {
    "usdm": ("binance_usdm_btcusdt_20240808.txt.gz",),
    "spot": ("binance_spot_btcusdt_20240808.txt.gz", "binance_spot_btcusdt_20240809.txt.gz"),
    "coinm": ("binance_coinm_btcusd_perp_20240808.txt.gz", "binance_coinm_btcusd_perp_20240809.txt.gz"),
}
"""Files of one connection make one book: the second one begins where the first ends, without a snapshot."""

EVENT: Final = np.dtype(
    [("ts_exch", "<i8"), ("ts_local", "<i8"), ("tick", "<i4"), ("lots", "<i8"), ("kind", "u1"), ("last", "u1")]
)
FEES: Final = {"maker_fee_e9": 100_000, "taker_fee_e9": 550_000}
MARGIN_TICKS: Final = 500
BUFFER_ROWS: Final = 1 << 20


def books(folder: Path, names: Sequence[str]) -> Iterator[Market]:
    """Each book as a market, its tape written into `folder`; those whose recordings are not here are left out."""
    for name in names:
        paths = tuple(FOLDER / file for file in BOOKS[name])
        if not all(path.is_file() for path in paths):
            print(f"skipped: {name}: the recordings are not here ({FOLDER})")
            continue
        imported = import_ticks(TickRequest(paths), folder / f"{name}.tape", created_ns=0)
        yield market_of(name, open_tape(imported.path))


def market_of(name: str, tape: Tape) -> Market:
    """A recorded tape as a market for both."""
    instrument = fine(tape.instruments[0])
    first = first_book(tape.rows)
    events = events_of(tape.rows[first:])
    orders = recorded_orders(int(events["ts_exch"][0]), int(events["ts_local"][-1]))
    quantum = instrument.base_quantum if instrument.kind == "inverse" else instrument.quote_quantum
    walk = partial(walked, tape.rows, first, instrument, events, orders)
    return Market(name, events, facts_of(instrument), walk, quantum, orders, apart)


def fine(instrument: Instrument) -> Instrument:
    """The instrument as both can trade it, counted so finely that no fee is rounded: the peer does not round."""
    if instrument.kind == "inverse":
        return msgspec.structs.replace(instrument, base_quantum=Decimal("1e-10"), **FEES)
    quantum = Decimal("1e-12")
    return msgspec.structs.replace(instrument, kind="linear", quote_quantum=quantum, **FEES)


def first_book(rows: Any) -> int:
    """The row where the book begins, never to be lost again: before it nobody can trade, and the peer has no word for
    a book that is lost.
    """
    kinds = np.asarray(rows)["kind"]
    cleared = np.flatnonzero(kinds == BOOK_CLEAR)
    assert len(cleared) == 1, f"the book is lost {len(cleared) - 1} times on the way, expected never"
    assert cleared[0] < np.flatnonzero(kinds <= ASK_LEVEL)[0]
    return int(cleared[0])


def events_of(rows: Any) -> NDArray[Any]:
    """Depth and trades in the columns of W1."""
    plain = np.asarray(rows)
    plain = plain[plain["kind"] <= TRADE_SELL]
    events = np.zeros(len(plain), EVENT)
    events["ts_exch"] = plain["ts_event"]
    events["ts_local"] = plain["ts_event"] + FEED_NS
    events["tick"], events["lots"], events["kind"] = plain["price"], plain["quantity"], plain["kind"]
    events["last"] = plain["bits"] & 1
    return events


def walked(
    tape_rows: Any, first: int, instrument: Instrument, events: NDArray[Any], orders: NDArray[Any], grid: Grid
) -> s.World:
    """One set through the ordinary loop, over the tape itself from its first book on."""
    rows = tape_rows if grid.market_factor == 1 else multiplied(tape_rows, grid.market_factor)
    setup = Setup(
        instruments=(instrument,),
        execution=Execution(
            latency_model=LATENCY_MODEL_NAMES.index(grid.latency),
            entry_ns=grid.entry_ns,
            response_ns=grid.response_ns,
            feed_ns=FEED_NS,
            queue_model=QUEUE_MODEL_NAMES.index(grid.queue),
            queue_exponent=grid.exponent,
            partial_fills=int(grid.fills == "partial"),
        ),
        latencies=Latencies(recorded=orders),
        timer_first_ns=int(events["ts_exch"][0]) + grid.step_ns,
        timer_every_ns=grid.step_ns,
        price_window=(int(events["tick"].min()) - MARGIN_TICKS, int(events["tick"].max()) + MARGIN_TICKS),
        messages_in_flight=5_000,
        buffer_rows=BUFFER_ROWS,
        wakes=s.WAKE_TIMER,
    )
    params = table(PARAMS, 1)
    params[0] = (grid.lots, grid.levels, grid.gap, grid.max_position)
    world = new_world(setup, table(STATE, 1), params)
    begin_at(world, first)
    market = s.Tape(rows)
    with np.errstate(over="ignore"):  # with compilation off, the mixing of the command hash is NumPy's arithmetic
        why = run(market, world, len(rows))
        assert why == s.END, s.WHY_NAMES.get(why, why)
        hear_the_rest(run, market, world)
    return world


def apart(grid: Grid) -> Grid:
    """The set with latencies that are no whole milliseconds."""
    return grid._replace(entry_ns=grid.entry_ns + ENTRY_ODD_NS, response_ns=grid.response_ns + RESPONSE_ODD_NS)


def multiplied(rows: Any, factor: int) -> Any:
    """The rows, every quantity of the market times `factor`."""
    more = np.array(rows)
    more["quantity"][more["kind"] <= TRADE_SELL] *= factor
    more.flags.writeable = False
    return more.view(np.recarray)
