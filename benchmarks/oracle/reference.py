"""The grid of W1 on hftbacktest, run by that peer's own Python: every fill of every set into a folder.

    python reference.py TICKS.npy ROWS SETS.json LATENCIES.npy FOLDER

`LATENCIES.npy` holds recorded orders: when they were sent, at the exchange, and answered. `SETS.json` is a list of
sets, see `grids.py`; for set number k the folder gets `k.npy` (time at the exchange in ns, side, ticks, lots: one row
for what an order got at one moment, in order of time) and, at the end, `results.json`. After every answer that reaches
it the peer's own records of its orders are read: what has become less of one is a fill.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import BUY, GTX, LIMIT, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.types import BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT, event_dtype
from numba import njit

TICK, LOT = 0.01, 0.001
MAKER_FEE, TAKER_FEE = 0.0001, 0.00055
MARGIN_TICKS = 500
ENDED, ANSWERED = 1, 3
"""Why the peer's wait is over: the data have ended, an answer to an order has come."""


@njit
def note_fills(hbt, known_lots, fills, n_fills):
    """Keep what has been filled since the last time; returns how many fills are kept, and the lots they add to us."""
    bought = 0
    known = hbt.orders(0).values()
    while known.has_next():
        order = known.get()
        lots = np.int64(np.round(order.leaves_qty / LOT))
        if lots < known_lots[order.order_id]:
            fills[n_fills, 0] = order.exch_timestamp
            fills[n_fills, 1] = 1 if order.side == BUY else -1
            fills[n_fills, 2] = order.exec_price_tick
            fills[n_fills, 3] = known_lots[order.order_id] - lots
            known_lots[order.order_id] = lots
            bought += fills[n_fills, 1] * fills[n_fills, 3]
            n_fills += 1
    return n_fills, bought


@njit
def run_grid(hbt, lots, levels, gap, max_position, step_ns, until, known_lots, fills):
    """Look at the market up to `until`, hear what comes after: how many fills, submits and cancels, and why it ended.

    The position is counted here: of an order filled in parts the peer's own counts the last part only. Left alone, the
    peer goes on looking at a market that has ended as long as an order travels. We do not.
    """
    n_fills = submits = cancels = position = 0
    going = hbt.elapse(0) == 0  # before its first move the peer has no clock
    look = hbt.current_timestamp + step_ns
    while going:
        # ---- to the next look, with a halt at every answer ----
        answer = hbt.wait_next_feed(True, look - hbt.current_timestamp)
        if answer == ANSWERED or answer == ENDED:
            n_fills, bought = note_fills(hbt, known_lots, fills, n_fills)
            position += bought
        going = answer in (0, 2, ANSWERED)
        if going and hbt.current_timestamp < look:
            continue
        look += step_ns
        hbt.clear_inactive_orders(0)
        if not going or hbt.current_timestamp > until:
            continue
        depth = hbt.depth(0)
        orders = hbt.orders(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
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
            keeps_place = away >= 0 and away % gap == 0 and place < wanted
            if keeps_place:
                if order.side == BUY:
                    there_bid |= 1 << place
                else:
                    there_ask |= 1 << place
            # an order of which something is gone is no longer the order that is wanted
            if not (keeps_place and known_lots[order.order_id] == lots) and order.cancellable:
                hbt.cancel(0, order.order_id, False)
                cancels += 1
        for k in range(bids):
            if not (there_bid >> k) & 1:
                tick = first_bid - gap * k
                known_lots[2 * tick] = lots
                hbt.submit_buy_order(0, np.uint64(2 * tick), tick * TICK, lots * LOT, GTX, LIMIT, False)
                submits += 1
        for k in range(asks):
            if not (there_ask >> k) & 1:
                tick = first_ask + gap * k
                known_lots[2 * tick + 1] = lots
                hbt.submit_sell_order(0, np.uint64(2 * tick + 1), tick * TICK, lots * LOT, GTX, LIMIT, False)
                submits += 1
    return n_fills, submits, cancels, answer


def events_of(ticks: Any, factor: int) -> Any:
    """The benchmark's rows as the peer's events, every quantity times `factor`."""
    events = np.zeros(len(ticks), event_dtype)
    kind = ticks["kind"]
    what = np.where(kind < 2, DEPTH_EVENT, TRADE_EVENT)
    side = np.where((kind == 0) | (kind == 2), BUY_EVENT, SELL_EVENT)
    events["ev"] = what | side | EXCH_EVENT | LOCAL_EVENT
    events["exch_ts"], events["local_ts"] = ticks["ts_exch"], ticks["ts_local"]
    events["px"], events["qty"] = ticks["tick"] * TICK, ticks["lots"] * factor * LOT
    return events


def asset_of(events: Any, latencies: Any, wanted: dict[str, Any], low: int, high: int) -> Any:
    """The peer's market under one set's assumptions."""
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .trading_value_fee_model(MAKER_FEE, TAKER_FEE)
        .tick_size(TICK)
        .lot_size(LOT)
        .last_trades_capacity(0)
        .roi_lb(low * TICK)
        .roi_ub(high * TICK)
    )
    if wanted["latency"] == "recorded":
        asset = asset.intp_order_latency(latencies)
    else:
        asset = asset.constant_order_latency(wanted["entry_ns"], wanted["response_ns"])
    asset = asset.partial_fill_exchange() if wanted["fills"] == "partial" else asset.no_partial_fill_exchange()
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


def own_totals(values: Any) -> dict[str, float]:
    """What the peer says of itself."""
    return {
        "trades": int(values.num_trades),
        "position_lots": round(float(values.position) / LOT),
        "balance": float(values.balance),
        "fee": float(values.fee),
    }


def totals_of(fills: Any) -> dict[str, float]:
    """The same from its fills, for orders filled in parts; how many trades that were nobody can see."""
    side, value = fills[:, 1], fills[:, 2] * TICK * fills[:, 3] * LOT
    return {
        "position_lots": int((side * fills[:, 3]).sum()),
        "balance": float(-(side * value).sum()),
        "fee": float(value.sum() * MAKER_FEE),
    }


def main() -> None:
    """Every set, one after the other."""
    source, rows, sets_file, latencies_file, folder = sys.argv[1:6]
    latencies = np.load(latencies_file)
    sets = json.loads(Path(sets_file).read_text())
    ticks = np.load(source)[: int(rows)]
    all_events = {factor: events_of(ticks, factor) for factor in {wanted["market_factor"] for wanted in sets}}
    low, high = int(ticks["tick"].min()) - MARGIN_TICKS, int(ticks["tick"].max()) + MARGIN_TICKS
    results = []
    for k, wanted in enumerate(sets):
        market = ROIVectorMarketDepthBacktest(
            [asset_of(all_events[wanted["market_factor"]], latencies, wanted, low, high)]
        )
        fills = np.zeros((len(ticks), 4), np.int64)
        known_lots = np.zeros(2 * high + 2, np.int64)
        shape = [wanted[name] for name in ("lots", "levels", "gap", "max_position", "step_ns")]
        n_fills, submits, cancels, why = run_grid(market, *shape, int(ticks["ts_local"][-1]), known_lots, fills)
        found = fills[:n_fills]
        results.append(
            {
                **(totals_of(found) if wanted["fills"] == "partial" else own_totals(market.state_values(0))),
                "submits": int(submits),
                "cancels": int(cancels),
                "broke_down": why != ENDED,
            }
        )
        np.save(Path(folder) / f"{k}.npy", found[np.lexsort((found[:, 2], found[:, 1], found[:, 0]))])
        market.close()
    (Path(folder) / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
