"""The trades of a run as rows: the trades that the metrics count, with the words of the log beside them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from quintet.research.activity import Activity
from quintet.research.attribution import fill_rows
from quintet.research.report_parts.wording import decimals_of, plain
from quintet.research.round_trips import Trade, round_trips
from quintet.research.run_record import RunRecord
from quintet.systems.structure_mm.records import TAGS_PER_EPISODE


class TradeRow(NamedTuple):
    """A trade as it is shown; `closed_ns` and `bp` None while it is open."""

    opened_ns: int
    closed_ns: int | None
    side: int
    quantity: str
    entry_price: float
    worth: float
    profit: float
    bp: float | None
    episode: int
    ending: str


class Trades(NamedTuple):
    """All rows, oldest first, and the sum of their profits so far in quote quanta."""

    rows: list[TradeRow]
    quanta: int


def trade_rows(record: RunRecord, activity: Activity | None) -> Trades | None:
    """Every trade of a run; None on inverse contracts, whose trades are not counted."""
    if record.instrument.kind == "inverse":
        return None
    trades = round_trips(_fill_records(record), record.instrument)
    entered = entries(record.fills)
    endings = {each.number: each.reason for each in activity.episodes} if activity else {}
    rows = [_row(record, trade, entered[trade.order], endings) for trade in trades]
    return Trades(rows, sum(trade.profit_quanta for trade in trades))


def _row(record: RunRecord, trade: Trade, entry: "Entry", endings: Mapping[int, str]) -> TradeRow:
    instrument = record.instrument
    episode = trade.tag // TAGS_PER_EPISODE
    return TradeRow(
        opened_ns=trade.opened_ns,
        closed_ns=trade.closed_ns,
        side=trade.side,
        quantity=plain(instrument.quantity(entry.lots), decimals_of(instrument.lot_size)),
        entry_price=entry.price,
        worth=record.money(trade.entry_quanta),
        profit=record.money(trade.profit_quanta),
        bp=trade.return_frac * 10_000 if trade.closed_ns is not None else None,
        episode=episode,
        ending=endings.get(episode, ""),
    )


def _fill_records(record: RunRecord) -> Sequence[Mapping[str, int]]:
    """The fills with the fields that `round_trips` reads."""
    return [
        {
            "ts_event": fill.happened_ns,
            "number": fill.order,
            "tag": fill.tag,
            "side": fill.side,
            "price": fill.price,
            "lots": fill.lots,
            "fee": fill.fee,
            "fee_asset": int(fill.fee_in_base),
        }
        for fill in fill_rows(record.fills, record.instrument)
    ]


class Entry(NamedTuple):
    """What one order was filled with: lots, and the mean price in the quote asset."""

    lots: int
    price: float


def entries(fills: Mapping[str, Any]) -> dict[int, Entry]:
    """By order number, from a run's `fills` table."""
    sums: dict[int, tuple[int, float]] = {}
    columns = (np.asarray(fills[name]).tolist() for name in ("order", "lots", "price"))
    for order, lots, price in zip(*columns, strict=True):
        had_lots, had_worth = sums.get(order, (0, 0.0))
        sums[order] = (had_lots + lots, had_worth + lots * price)
    return {order: Entry(lots, worth / lots) for order, (lots, worth) in sums.items()}
