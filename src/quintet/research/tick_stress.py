"""Bad days of a market of order books: the same backtest through a gap, a halt, a sweep, a feed that is cut.

As on candles, what happens at one moment happens when it hurts most: right after the mark at which the run held most,
and against what it held.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import numpy as np

from quintet.core.errors import InputError
from quintet.core.row_laws import frozen
from quintet.core.tape import Tape, memory_tape
from quintet.research import tick_shocks
from quintet.research.backtest import BacktestResult
from quintet.research.robustness import Change, Outcome, Variant, run_variant
from quintet.research.stress import STRESS, worst_moment_ns
from quintet.research.tick_setup import tick_book
from quintet.sim.config import TickExecutionConfig

SECOND_NS: Final = 1_000_000_000
SPIKES: Final = {"spike_every_s": 60.0, "spike_ms": 5_000.0, "spike_factor": 20.0}

Shock = Callable[[Any, int, int, int], Any]
"""Rows, the moment (ns UTC), the sign of what was held (+1, -1) and the tick to other rows."""


def _gap(rows: Any, at_ns: int, held: int, tick: int) -> Any:
    return tick_shocks.gapped(rows, at_ns, -held * 0.05, tick)


def _halt(rows: Any, at_ns: int, held: int, tick: int) -> Any:
    return tick_shocks.halted(rows, at_ns, 300 * SECOND_NS)


def _spread(rows: Any, at_ns: int, held: int, tick: int) -> Any:
    return tick_shocks.hollowed(rows, at_ns, 60 * SECOND_NS, 0.005)


def _sweep(rows: Any, at_ns: int, held: int, tick: int) -> Any:
    return tick_shocks.swept(rows, at_ns, -held, 0.005, 2 * SECOND_NS)


def _feed(rows: Any, at_ns: int, held: int, tick: int) -> Any:
    return tick_shocks.unheard(rows, at_ns, 30 * SECOND_NS)


BAD_DAYS: Final[tuple[tuple[str, str, Shock], ...]] = (
    ("gap", "gap of 5 % against the position", _gap),
    ("halt", "trading halted for 5 minutes", _halt),
    ("spread", "nobody within 0.5 % of the mid for a minute", _spread),
    ("sweep", "one order takes 0.5 % of the book, against the position", _sweep),
    ("feed", "the feed cut for 30 s", _feed),
)


def stressed_book(result: BacktestResult) -> Iterator[Outcome]:
    """One row a bad day, of a run on one instrument.

    A day that the market does not allow is left out: one whose book is not whole at the moment, a feed that is cut
    where its own clocks are not believed; and all of a feed of orders, whose queue cannot be told anew.
    """
    book = result.options.book
    assert book is not None
    if result.options.others or book.order_places:
        return
    at_ns, held = worst_moment_ns(result), _held(result)
    for key, name, shock in BAD_DAYS:
        if key == "feed" and book.execution.feed_ms is not None:
            continue
        try:
            tape = _changed(result, shock, at_ns, held)
        except InputError:
            continue
        yield _run(result, key, name, tape, book.execution)
    spiked = msgspec.structs.replace(book.execution, **SPIKES)
    yield _run(result, "spikes", "latency x20 for 5 s of every minute", result.tape, spiked)


def _held(result: BacktestResult) -> int:
    """The sign of what the headline held at the moment that hurts most; + where it held nothing."""
    lots = np.asarray(result.headline.samples["lots"])
    return -1 if len(lots) and lots[int(np.abs(lots).argmax())] < 0 else 1


def _changed(result: BacktestResult, shock: Shock, at_ns: int, held: int) -> Tape:
    rows = np.asarray(result.tape.event_rows())
    changed = shock(rows, at_ns, held, result.instrument.ticks_per_tick_size)
    return memory_tape(frozen(changed), (), result.tape.meta, result.tape.name)


def _run(result: BacktestResult, key: str, name: str, tape: Tape, execution: TickExecutionConfig) -> Outcome:
    book = result.options.book
    assert book is not None
    room = tick_book(tape, result.system, execution, book.recorded, book.recorded_at)
    variant = Variant(Change(STRESS, key, name), tape, result.params, result.options._replace(book=room))
    return run_variant(result.system, variant, (result.headline.policy,))
