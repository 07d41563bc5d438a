"""Real fills beside simulated ones: which exchange is assumed, and the table by cause."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from quintet.app.desk_names import DeskPlace
    from quintet.core.instrument import Instrument
    from quintet.research.desk_replay import DeskRun
    from quintet.research.fill_causes import Comparison
    from quintet.sim.config import TickExecutionConfig

_WIDTHS: Final = (15, 8, 14, 16, 16, 12)


def fills_of(place: "DeskPlace", run: "DeskRun", config: Path | None, sets: Sequence[str]) -> "Comparison":
    """Compare a desk's fills with those of the exchange that its configuration assumes, or of the one given here.

    Raises Complaint for a tape of candles, DataError for a desk without orders.
    """
    from quintet.app.messages import Complaint
    from quintet.research.fill_causes import compare_fills

    if run.options.book is None:
        raise Complaint(
            "a desk on candles", where=str(place.path), found="bars",
            expected="a tape of order books: candles show neither a queue nor what was printed",
        )  # fmt: skip
    execution, recorded = assumed_exchange(place, run, config, sets)
    return compare_fills(
        place.tape.event_rows(),
        run.options.instruments,
        execution,
        is_simulated=place.world in ("paper", "backtest"),
        recorded=recorded,
    )


def assumed_exchange(
    place: "DeskPlace", run: "DeskRun", config: Path | None, sets: Sequence[str]
) -> "tuple[TickExecutionConfig, Any]":
    """The simulated exchange, and recorded latencies if it asks for them: of the flags, else the desk's own."""
    from quintet.app.config import load
    from quintet.sim.config import TickExecutionConfig
    from quintet.storage.latency_files import read_latencies

    if config is None and not sets:
        told = place.tape.meta.notes["tick_execution"]
        return msgspec.json.decode(told, type=TickExecutionConfig), None
    loaded = load(config, sets, [], run.system)
    path = loaded.data.latencies
    return loaded.tick_execution, read_latencies(Path(path)) if path else None


def fill_lines(found: "Comparison") -> Iterator[str]:
    """The table, as people read it."""
    from quintet.research.fill_causes import CAUSES

    one = found.instrument
    real, simulated = (_money(one, quanta) for quanta in (found.real, found.simulated))
    yield ""
    yield f"fills    {len(found.orders):,} orders: real {real}, simulated {simulated} {one.quote_asset}"
    yield f"         difference {_money(one, found.real - found.simulated)} {one.quote_asset}, real less simulated"
    heads = ("cause", "orders", one.base_asset, f"price {one.quote_asset}", f"P&L {one.quote_asset}", "time s")
    yield _row(heads)
    for cause in CAUSES:
        total = found.total(cause)
        cells = (f"{one.quantity(total.lots):+f}", _money(one, total.price), _money(one, total.quanta))
        yield _row((cause, f"{total.orders:,}", *cells, f"{total.time_ns / 1e9:+.3f}"))
    turned = _money(one, found.turnover).lstrip("+")
    yield f"residual {found.residual_bps:.3f} bp of {turned} {one.quote_asset} turned over, without a sign"


def told_fills(found: "Comparison") -> dict[str, Any]:
    """The same as one object, with every order that differs."""
    from quintet.research.fill_causes import CAUSES

    one = found.instrument
    orders = [
        {
            "order": each.order.number,
            "decided_ns": each.order.decided_ns,
            "real": each.real._asdict(),
            "simulated": each.simulated._asdict(),
            "causes": {cause: part._asdict() for cause, part in each.parts.items()},
        }
        for each in found.orders
        if each.parts
    ]
    return {
        "quote_quantum": f"{one.quote_quantum:f}",
        "orders_compared": len(found.orders),
        "real_quanta": found.real,
        "simulated_quanta": found.simulated,
        "turnover_quanta": found.turnover,
        "residual_bps": found.residual_bps,
        "causes": {cause: found.total(cause)._asdict() | {"share": found.share(cause)} for cause in CAUSES},
        "orders": orders,
    }


def _row(cells: Sequence[str]) -> str:
    first, *others = (f"{cell:<{width}}" if not n else f"{cell:>{width}}" for n, (cell, width) in
                      enumerate(zip(cells, _WIDTHS, strict=True)))  # fmt: skip
    return (first + "".join(others)).rstrip()


def _money(instrument: "Instrument", quanta: int) -> str:
    value: Decimal = quanta * instrument.quote_quantum
    return f"{value:+.4f}"
