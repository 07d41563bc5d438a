"""The grid of W1 on hftbacktest, run by that peer's own Python: every fill of every set into a folder.

    python reference.py TICKS.npy ROWS SETS.json LATENCIES.npy MARKET.json FOLDER

`LATENCIES.npy` holds recorded orders: when they were sent, at the exchange, and answered. `MARKET.json` says what is
traded: tick, lot, fees, and what an inverse contract is worth (0: it is linear). `SETS.json` is a list of
sets, see `grids.py`; for set number k the folder gets `k.npy` (time at the exchange in ns, side, ticks, lots: one row
for what an order got at one moment, in order of time) and, at the end, `results.json`. After every answer that reaches
it the peer's own records of its orders are read: what has become less of one is a fill.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import BUY, GTX, LIMIT, NONE, SELL, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.types import BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT, event_dtype
from numba import njit
from numba.typed.typedobjectutils import _nonoptional

MARGIN_TICKS = 500
ENDED, ANSWERED = 1, 3
"""Why the peer's wait is over: the data have ended, an answer to an order has come."""


@njit
def note_fills(hbt, lot, known_lots, fills, n_fills):
    """Keep what has been filled since the last time; returns how many fills are kept, and the lots they add to us."""
    bought = 0
    known = hbt.orders(0).values()
    while known.has_next():
        order = known.get()
        lots = np.int64(np.round(order.leaves_qty / lot))
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
def in_the_way(hbt, is_buy, tick, bid, ask):
    """Could an order of ours on the other side trade with this one? The rule of our gate, which the peer has not.

    One that the market has traded through since the exchange answered it rests no more; one that still travels, or was
    answered after what is known of the market, counts wherever the market is.
    """
    happened, _ = _nonoptional(hbt.feed_latency(0))  # it is asked where both sides of the book are known
    known = hbt.orders(0).values()
    while known.has_next():
        order = known.get()
        travels = order.status == NONE or order.exch_timestamp >= happened
        if is_buy and order.side == SELL and order.price_tick <= tick and (travels or order.price_tick > bid):
            return True
        if not is_buy and order.side == BUY and order.price_tick >= tick and (travels or order.price_tick < ask):
            return True
    return False


@njit
def run_grid(hbt, tick_size, lot, lots, levels, gap, max_position, step_ns, until, known_lots, fills):
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
            n_fills, bought = note_fills(hbt, lot, known_lots, fills, n_fills)
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
            tick = first_bid - gap * k
            if not (there_bid >> k) & 1 and not in_the_way(hbt, True, tick, bid, ask):
                known_lots[2 * tick] = lots
                hbt.submit_buy_order(0, np.uint64(2 * tick), tick * tick_size, lots * lot, GTX, LIMIT, False)
                submits += 1
        for k in range(asks):
            tick = first_ask + gap * k
            if not (there_ask >> k) & 1 and not in_the_way(hbt, False, tick, bid, ask):
                known_lots[2 * tick + 1] = lots
                hbt.submit_sell_order(0, np.uint64(2 * tick + 1), tick * tick_size, lots * lot, GTX, LIMIT, False)
                submits += 1
    return n_fills, submits, cancels, answer


def events_of(ticks: Any, market: dict[str, float], factor: int) -> Any:
    """The benchmark's rows as the peer's events, every quantity times `factor`."""
    events = np.zeros(len(ticks), event_dtype)
    kind = ticks["kind"]
    what = np.where(kind < 2, DEPTH_EVENT, TRADE_EVENT)
    side = np.where((kind == 0) | (kind == 2), BUY_EVENT, SELL_EVENT)
    events["ev"] = what | side | EXCH_EVENT | LOCAL_EVENT
    events["exch_ts"], events["local_ts"] = ticks["ts_exch"], ticks["ts_local"]
    events["px"], events["qty"] = ticks["tick"] * market["tick"], ticks["lots"] * factor * market["lot"]
    return events


def asset_of(events: Any, latencies: Any, market: dict[str, float], wanted: dict[str, Any], low: int, high: int) -> Any:
    """The peer's market under one set's assumptions."""
    asset = BacktestAsset().data([events])
    asset = asset.inverse_asset(market["contract"]) if market["contract"] else asset.linear_asset(1.0)
    asset = (
        asset.trading_value_fee_model(market["maker_fee"], market["taker_fee"])
        .tick_size(market["tick"])
        .lot_size(market["lot"])
        .last_trades_capacity(0)
        .roi_lb(low * market["tick"])
        .roi_ub(high * market["tick"])
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


def own_totals(values: Any, market: dict[str, float]) -> dict[str, float]:
    """What the peer says of itself; of an inverse contract its balance has the other sign than ours."""
    return {
        "trades": int(values.num_trades),
        "position_lots": round(float(values.position) / market["lot"]),
        "balance": -float(values.balance) if market["contract"] else float(values.balance),
        "fee": float(values.fee),
    }


def totals_of(fills: Any, market: dict[str, float]) -> dict[str, float]:
    """The same from its fills, for orders filled in parts; how many trades that were nobody can see."""
    side, price, quantity = fills[:, 1], fills[:, 2] * market["tick"], fills[:, 3] * market["lot"]
    value = market["contract"] * quantity / price if market["contract"] else price * quantity
    return {
        "position_lots": int((side * fills[:, 3]).sum()),
        "balance": float((side * value).sum() if market["contract"] else -(side * value).sum()),
        "fee": float(value.sum() * market["maker_fee"]),
    }


def main() -> None:
    """Every set, one after the other."""
    source, rows, sets_file, latencies_file, market_file, folder = sys.argv[1:7]
    market = json.loads(Path(market_file).read_text())
    latencies = np.load(latencies_file)
    sets = json.loads(Path(sets_file).read_text())
    ticks = np.load(source)[: int(rows)]
    all_events = {factor: events_of(ticks, market, factor) for factor in {wanted["market_factor"] for wanted in sets}}
    low, high = int(ticks["tick"].min()) - MARGIN_TICKS, int(ticks["tick"].max()) + MARGIN_TICKS
    results = []
    for k, wanted in enumerate(sets):
        peer = ROIVectorMarketDepthBacktest(
            [asset_of(all_events[wanted["market_factor"]], latencies, market, wanted, low, high)]
        )
        fills = np.zeros((len(ticks), 4), np.int64)
        known_lots = np.zeros(2 * high + 2, np.int64)
        shape = [wanted[name] for name in ("lots", "levels", "gap", "max_position", "step_ns")]
        n_fills, submits, cancels, why = run_grid(
            peer, market["tick"], market["lot"], *shape, int(ticks["ts_local"][-1]), known_lots, fills
        )
        found = fills[:n_fills]
        results.append(
            {
                **(
                    totals_of(found, market)
                    if wanted["fills"] == "partial"
                    else own_totals(peer.state_values(0), market)
                ),
                "submits": int(submits),
                "cancels": int(cancels),
                "broke_down": why != ENDED,
            }
        )
        np.save(Path(folder) / f"{k}.npy", found[np.lexsort((found[:, 2], found[:, 1], found[:, 0]))])
        peer.close()
    (Path(folder) / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
