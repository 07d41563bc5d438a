"""A run's rows as columns for files: whole numbers as they are, and beside them the same in units for people.

In a run of several instruments orders and fills also say of which one they are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from quintet.core.engine.world import asset_numbers
from quintet.core.events import AMEND, CANCEL, PLACE
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.risk import breaker

Columns = dict[str, Any]

_COMMAND_NAMES = {PLACE: "place", CANCEL: "cancel", AMEND: "amend"}


def _scaled(column: Any, unit: Any) -> Any:
    """Whole numbers times a decimal unit, as floats that print well."""
    return np.asarray(column, np.float64) * float(unit)


def _half(column: Any) -> Any:
    """Half of whole numbers: whole where all are even, as they are where only last prices are known."""
    return column // 2 if np.all(column % 2 == 0) else column / 2


def _units(rows: Any, instruments: Sequence[Instrument], name: str) -> Any:
    """A decimal unit of each row's instrument."""
    return np.array([float(getattr(each, name)) for each in instruments])[np.asarray(rows["instrument"])]


def _named(rows: Any, instruments: Sequence[Instrument]) -> Columns:
    """The column that names instruments, where there are several."""
    if len(instruments) == 1:
        return {}
    return {"instrument": [instruments[n].name for n in np.asarray(rows["instrument"]).tolist()]}


def order_table(commands: Any, *instruments: Instrument) -> Columns:
    """Every command after the gate, in order."""
    return _named(commands, instruments) | {
        "ts_ns": np.asarray(commands["ts"]),
        "position": np.asarray(commands["position"]),
        "index": np.asarray(commands["index"]),
        "order": np.asarray(commands["number"]),
        "command": [_COMMAND_NAMES.get(int(kind), str(kind)) for kind in commands["kind"]],
        "side": np.where(commands["side"] > 0, "buy", "sell").tolist(),
        "style": [STYLE_NAMES[int(style)] for style in commands["style"]],
        "price_ticks": np.asarray(commands["price"]),
        "price": commands["price"] * _units(commands, instruments, "price_increment"),
        "lots": np.asarray(commands["lots"]),
        "quantity": commands["lots"] * _units(commands, instruments, "lot_size"),
        "tag": np.asarray(commands["tag"]),
    }


def fill_table(fills: Any, *instruments: Instrument) -> Columns:
    """Every fill of ours, in the order it became known."""
    quotes = np.array([asset_numbers(instruments)[each.quote_asset] for each in instruments])
    in_base = np.asarray(fills["fee_asset"]) != quotes[np.asarray(fills["instrument"])]
    quanta = np.where(in_base, *(_units(fills, instruments, f"{side}_quantum") for side in ("base", "quote")))
    lot_sizes = _units(fills, instruments, "lot_size")
    assets = np.array([(each.quote_asset, each.base_asset) for each in instruments])
    return _named(fills, instruments) | {
        "ts_event_ns": np.asarray(fills["ts_event"]),
        "ts_recv_ns": np.asarray(fills["ts_recv"]),
        "position": np.asarray(fills["position"]),
        "order": np.asarray(fills["number"]),
        "tag": np.asarray(fills["tag"]),
        "side": np.where(fills["side"] > 0, "buy", "sell").tolist(),
        "price_ticks": np.asarray(fills["price"]),
        "price": fills["price"] * _units(fills, instruments, "price_increment"),
        "lots": np.asarray(fills["lots"]),
        "quantity": fills["lots"] * lot_sizes,
        "maker": (np.asarray(fills["maker"]) != 0).tolist(),
        "fee_quanta": np.asarray(fills["fee"]),
        "fee": fills["fee"] * quanta,
        "fee_asset": assets[np.asarray(fills["instrument"]), in_base.astype(np.int64)].tolist(),
        "position_after": fills["lots_after"] * lot_sizes,
        # The mid, or the last price, known before the fill; before the first one, the fill's own price.
        "reference_ticks": _half(np.where(fills["twice_mid"] > 0, fills["twice_mid"], 2 * fills["price"])),
    }


def equity_table(samples: Any, instrument: Instrument) -> Columns:
    """Equity at every structure bar."""
    quote = instrument.quote_quantum
    held = instrument.base_quantum if instrument.kind == "spot" else instrument.lot_size
    return {
        "ts_ns": np.asarray(samples["ts"]),
        "equity_quanta": np.asarray(samples["equity"]),
        "equity": _scaled(samples["equity"], quote),
        "drawdown_frac": np.asarray(samples["drawdown"]),
        "price_ticks": np.asarray(samples["price"]),
        "price": _scaled(samples["price"], instrument.price_increment),
        "held_quanta": np.asarray(samples["held"]),
        "held": _scaled(samples["held"], held),
        "realized": _scaled(samples["realized"], quote),
        "fees": _scaled(samples["fees"], quote),
        "cost": _scaled(samples["cost"], quote),
    }


def curve_table(samples: Mapping[str, Any]) -> Columns:
    """Equity at every structure bar under each fill policy, quote quanta; one column a policy."""
    first = next(iter(samples.values()))
    curves = {policy: np.asarray(rows["equity"]) for policy, rows in samples.items()}
    return {"ts_ns": np.asarray(first["ts"]), **curves}


def event_table(
    notes: Any, instrument: Instrument, kind_of: Callable[[int], str], explain: Callable[[Any, Instrument], str]
) -> Columns:
    """What the system and the desk noted: transitions, policy changes, breaks, grids; numbers and words."""
    return {
        "ts_ns": np.asarray(notes["ts"]),
        "position": np.asarray(notes["position"]),
        "kind": [breaker.NOTE_NAMES.get(int(code)) or kind_of(int(code)) for code in notes["code"]],
        "text": [
            breaker.explain(note) if note["code"] >= breaker.DESK_NOTES else explain(note, instrument) for note in notes
        ],
        "code": np.asarray(notes["code"]),
        "a": np.asarray(notes["a"]),
        "b": np.asarray(notes["b"]),
        "c": np.asarray(notes["c"]),
        "d": np.asarray(notes["d"]),
    }
