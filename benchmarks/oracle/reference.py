"""The grid of W1 on hftbacktest, run by that peer's own Python: every fill of every set into a folder.

    python reference.py TICKS.npy ROWS SETS.json FOLDER

`SETS.json` is a list of sets, see `grids.py`; for set number k the folder gets `k.npy` (time at the exchange in ns,
side, ticks, lots: one row a fill, in order of time) and, at the end, `results.json`. An order is filled whole, so the
peer's own records of its orders, read after every look and before they are cleared, hold every fill.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import BUY, FILLED, GTX, LIMIT, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.types import BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT, event_dtype
from numba import njit

TICK, LOT = 0.01, 0.001
MARGIN_TICKS = 500


@njit
def run_grid(hbt, lots, levels, gap, max_position, step_ns, until, fills):
    """Look at the market up to `until`, hear what comes after; returns how many fills, submits and cancels there were.

    Left alone, the peer goes on looking at a market that has ended as long as an order travels. We do not.
    """
    n_fills = submits = cancels = 0
    going = True
    while going:
        going = hbt.elapse(step_ns) == 0
        orders = hbt.orders(0)
        known = orders.values()
        while known.has_next():
            order = known.get()
            if order.status == FILLED:
                fills[n_fills, 0] = order.exch_timestamp
                fills[n_fills, 1] = 1 if order.side == BUY else -1
                fills[n_fills, 2] = order.exec_price_tick
                fills[n_fills, 3] = np.int64(np.round(order.exec_qty / LOT))
                n_fills += 1
        hbt.clear_inactive_orders(0)
        if not going or hbt.current_timestamp > until:
            continue
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        position = np.int64(np.round(hbt.position(0) / LOT))
        fair = (bid + ask) * 0.5 - np.round(position / lots) * 0.5
        first_bid = np.int64(np.floor(min(np.floor(fair - 0.5), bid) / gap)) * gap
        first_ask = np.int64(np.ceil(max(np.ceil(fair + 0.5), ask) / gap)) * gap
        bids = levels if position < max_position else 0
        asks = levels if position > -max_position else 0
        there_bid = there_ask = 0
        known = orders.values()
        while known.has_next():
            order = known.get()
            away = first_bid - order.price_tick if order.side == BUY else order.price_tick - first_ask
            place = away // gap
            wanted = bids if order.side == BUY else asks
            if away >= 0 and away % gap == 0 and place < wanted:
                if order.side == BUY:
                    there_bid |= 1 << place
                else:
                    there_ask |= 1 << place
            elif order.cancellable:
                hbt.cancel(0, order.order_id, False)
                cancels += 1
        for k in range(bids):
            if not (there_bid >> k) & 1:
                tick = first_bid - gap * k
                hbt.submit_buy_order(0, np.uint64(2 * tick), tick * TICK, lots * LOT, GTX, LIMIT, False)
                submits += 1
        for k in range(asks):
            if not (there_ask >> k) & 1:
                tick = first_ask + gap * k
                hbt.submit_sell_order(0, np.uint64(2 * tick + 1), tick * TICK, lots * LOT, GTX, LIMIT, False)
                submits += 1
    return n_fills, submits, cancels


def events_of(ticks: Any) -> Any:
    """The benchmark's rows as the peer's events."""
    events = np.zeros(len(ticks), event_dtype)
    kind = ticks["kind"]
    what = np.where(kind < 2, DEPTH_EVENT, TRADE_EVENT)
    side = np.where((kind == 0) | (kind == 2), BUY_EVENT, SELL_EVENT)
    events["ev"] = what | side | EXCH_EVENT | LOCAL_EVENT
    events["exch_ts"], events["local_ts"] = ticks["ts_exch"], ticks["ts_local"]
    events["px"], events["qty"] = ticks["tick"] * TICK, ticks["lots"] * LOT
    return events


def asset_of(events: Any, wanted: dict[str, Any], low: int, high: int) -> Any:
    """The peer's market under one set's assumptions."""
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(wanted["entry_ns"], wanted["response_ns"])
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0001, 0.00055)
        .tick_size(TICK)
        .lot_size(LOT)
        .last_trades_capacity(0)
        .roi_lb(low * TICK)
        .roi_ub(high * TICK)
    )
    exponent = float(wanted["exponent"])
    models = {
        "risk_averse": lambda: asset.risk_adverse_queue_model(),
        "power": lambda: asset.power_prob_queue_model3(exponent),
        "power_ratio": lambda: asset.power_prob_queue_model(exponent),
        "power_share": lambda: asset.power_prob_queue_model2(exponent),
        "log_ratio": lambda: asset.log_prob_queue_model(),
        "log_share": lambda: asset.log_prob_queue_model2(),
    }
    return models[wanted["queue"]]()


def main() -> None:
    """Every set, one after the other."""
    source, rows, sets, folder = sys.argv[1:5]
    ticks = np.load(source)[: int(rows)]
    events = events_of(ticks)
    low, high = int(ticks["tick"].min()) - MARGIN_TICKS, int(ticks["tick"].max()) + MARGIN_TICKS
    results = []
    for k, wanted in enumerate(json.loads(Path(sets).read_text())):
        market = ROIVectorMarketDepthBacktest([asset_of(events, wanted, low, high)])
        fills = np.zeros((len(ticks), 4), np.int64)
        shape = [wanted[name] for name in ("lots", "levels", "gap", "max_position", "step_ns")]
        n_fills, submits, cancels = run_grid(market, *shape, int(ticks["ts_local"][-1]), fills)
        values = market.state_values(0)
        results.append(
            {
                "trades": int(values.num_trades),
                "position_lots": round(float(values.position) / LOT),
                "balance": float(values.balance),
                "fee": float(values.fee),
                "submits": int(submits),
                "cancels": int(cancels),
            }
        )
        found = fills[:n_fills]
        np.save(Path(folder) / f"{k}.npy", found[np.lexsort((found[:, 2], found[:, 1], found[:, 0]))])
        market.close()
    (Path(folder) / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
