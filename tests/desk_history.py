"""A checker that believes neither desk nor adapter: the exchange's own history against the bytes of the desk tape."""

import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from quintet.core import events as ev
from quintet.core.orders.client_ids import ClientIds
from quintet.storage.tape_files import open_tape

ONE = 10**8
"""Quanta of the exchange in one coin."""


def history(rest: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{rest}/sandbox/history") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def check_desk(rest: str, path: Path, coins_before: dict[str, int], symbol: str = "BTCUSDT") -> dict[str, int]:
    """No order lost, none doubled, books equal to the venue's; returns how much of what there was to check."""
    tape = open_tape(path)
    rows = tape.event_rows()
    ids = ClientIds(tape.meta.notes["desk"], int(rows[0]["quantity"]))
    told = history(rest)
    account = next(found for found in told["accounts"] if found["name"] == "main")
    kinds, quantities = rows["kind"], rows["quantity"]
    places = [int(quantities[n + 1]) for n in (kinds == ev.PLACE).nonzero()[0]]
    assert len(places) == len(set(places)), "a number was given twice"

    at_venue = Counter(order["link_id"] for order in told["orders"] if order["link_id"])
    assert max(at_venue.values(), default=1) == 1, "an order is there twice"
    ours = {link for link in at_venue if ids.number(link) is not None}
    assert len(ours) == len(at_venue), "an order that the desk's tape did not issue"
    assert ours <= {ids.of(number) for number in places}, "an order at the venue that is not on the tape"

    never = {ev.COMMAND_LOST, ev.COMMAND_SUPPRESSED, ev.ORDER_REJECTED}
    ended = {ids.of(int(row["quantity"])) for row in rows if int(row["kind"]) in never}
    absent = {ids.of(number) for number in places} - ours
    assert absent <= ended, f"orders that nobody knows anything of: {absent - ended}"
    assert not [order for order in told["orders"] if order["status"] in ("New", "PartiallyFilled", "Untriggered")]

    executions = [one for one in account["executions"] if ids.number(one["link_id"]) is not None]
    fills = rows[kinds == ev.FILL]
    assert len(fills) == len(executions), "a fill was lost, or booked twice"
    lots = [(int(row["ts_event"]) // 10**6, int(row["quantity"])) for row in fills]
    assert sorted(lots) == sorted((one["ms"], one["lots"]) for one in executions)

    paid = Counter({"USDT": 0, symbol.removesuffix("USDT"): 0})
    for n in (kinds == ev.FILL).nonzero()[0]:
        sign = -1 if int(rows["bits"][n]) & ev.SELL_BIT else 1
        one = tape.instruments[0]
        base = one.quantity(int(quantities[n])) * ONE
        paid[one.base_asset] += sign * int(base)
        paid[one.quote_asset] -= sign * int(base * one.price(int(rows["price"][n])))
        asset = (one.quote_asset, one.base_asset)[int(rows["price"][n + 2])]
        paid[asset] -= int(quantities[n + 2])
    for coin, moved in paid.items():
        assert account["coins"].get(coin, 0) - coins_before[coin] == moved, coin
    return {"orders": len(places), "at_venue": len(ours), "fills": len(executions)}
