"""Evidence that somebody made up: a small honest story, line by line, for a test to break."""

import copy
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tools.storm.evidence import Evidence, Left
from tools.storm.witness import key_of

T0_MS = 1_700_000_000_000
EPOCH = 7
ONE = 10**8
Message = list[tuple[int, ...]]


def link(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    assert number < 36 * 256
    return f"made-7-{digits[number // 256]}-0"


class MadeUp:
    """A tape that grows message by message; `ms` since the beginning. Prices in ticks of 0.1, lots of 0.001.

    `kind`: of its instrument, spot or linear.
    """

    def __init__(self, kind: str = "spot") -> None:
        self.kind = kind
        self.rows: list[tuple[int, ...]] = []
        self.add(0, (EPOCH, 0, 18, 1))

    def add(self, ms: int, *rows: tuple[int, int, int, int]) -> int:
        """(quantity, price, kind, bits) of each row; returns the first one's position."""
        at = len(self.rows)
        ns = (T0_MS + ms) * 10**6
        self.rows += [(ns, ns, quantity, price, 0, kind, bits) for quantity, price, kind, bits in rows]
        return at

    def book(self, ms: int) -> int:
        return self.add(ms, (5, 1_000, 0, 0), (5, 1_010, 1, 1))

    def place(
        self, ms: int, number: int, sign: int = 1, price: int = 1_000, lots: int = 2, style: int = 0,
        reduces: bool = False,
    ) -> int:  # fmt: skip
        bits = (4 if sign < 0 else 0) | style << 3 | (64 if reduces else 0)
        return self.add(ms, (lots, price, 64, bits), (number, 0, 68, 1))

    def cancel(self, ms: int, number: int) -> int:
        return self.add(ms, (0, 0, 65, 0), (number, 0, 68, 1))

    def hear(self, ms: int, kind: int, number: int) -> int:
        return self.add(ms, (number, 0, kind, 1))

    def fill(
        self, ms: int, number: int, exec_id: str, sign: int = 1, price: int = 1_000, lots: int = 2, fee: int = 3
    ) -> int:
        bits = 4 if sign < 0 else 0
        return self.add(
            ms, (lots, price, 48, bits), (number, 0, 49, 0), (fee, 0, 50, 0), (key_of(exec_id), 0, 51, 1)
        )  # fmt: skip

    def funding(self, ms: int, exec_id: str, paid: int) -> int:
        return self.add(ms, (paid, 1_000, 54, 0), (key_of(exec_id), 0, 55, 1))

    def operator(self, ms: int, action: int) -> int:
        return self.add(ms, (action, 0, 60, 1))

    @property
    def bytes(self) -> bytes:
        notes = {
            "desk": "made", "instrument": json.dumps({
                "kind": self.kind, "lot_size": "0.001", "price_increment": "0.1", "quote_asset": "USDT",
                "base_asset": "BTC",
            }),
            "risk": json.dumps({
                "stale_after_ms": 2_000, "open_orders_max": 3, "order_rate_max": 4, "order_quantity_max": "0.005",
                "position_quantity_max": "0.008", "leverage_max": 0.08 if self.kind == "linear" else 0,
            }),
            "execution": json.dumps({"initial_quote": "10"}),
            "tick_execution": json.dumps({"margin": "isolated", "leverage": 0.07}),
        }  # fmt: skip
        text = json.dumps({"notes": notes}).encode()
        cells = [text[n : n + 30] for n in range(0, len(text), 30)]
        meta = b"".join(cell.ljust(30, b"\0") + bytes((254, len(cell) << 1)) for cell in cells)
        body = b"".join(struct.pack("<qqqiHBB", *row) for row in self.rows)
        return _header(1, 0, len(cells)) + meta + _header(0, 0, len(self.rows)) + body


def _header(block_type: int, first: int, count: int) -> bytes:
    return struct.pack("<6sBBqqi", b"\x89QTAPE", 1, block_type, first, 0, count) + bytes(36)


def order(number: int, status: str = "Filled", ms: int = 110, ended: int = 200, **more: Any) -> dict[str, Any]:
    found = {
        "order_id": f"v{number}", "link_id": link(number), "sign": 1, "status": status, "lots": 2, "filled": 0,
        "price": 100 * ONE, "trigger_price": 0, "is_market": False, "created_ms": T0_MS + ms,
        "updated_ms": T0_MS + ended,
    }  # fmt: skip
    return found | more


def execution(exec_id: str, number: int, sign: int = 1, lots: int = 2, **more: Any) -> dict[str, Any]:
    found = {"exec_id": exec_id, "link_id": link(number), "sign": sign, "lots": lots, "ms": T0_MS + 200}
    return found | {"kind": "Trade"} | more


def logged(fee: int = 0, funding: int = 0) -> dict[str, Any]:
    return {"coin": "USDT", "fee": fee, "funding": funding}


def honest() -> tuple[MadeUp, dict[str, Any], list[Left]]:
    """Order 256 is filled, 512 is called back, 768 is refused and never gets there."""
    tape = MadeUp()
    tape.book(50)
    first = tape.place(100, 256)
    tape.hear(120, 40, 256)
    tape.fill(200, 256, "e1")
    second = tape.place(300, 512)
    tape.hear(320, 40, 512)
    third = tape.place(330, 768)
    tape.hear(350, 41, 768)
    back = tape.cancel(400, 512)
    tape.hear(420, 42, 512)
    tape.add(5_000, (0, 0, 33, 1))
    value = 100 * 2 * ONE // 1_000
    history = {
        "now_ms": T0_MS + 5_000,
        "orders": [order(256, filled=2), order(512, "Cancelled", 310, 410)],
        "accounts": [{"name": "main", "executions": [execution("e1", 256)], "positions": [], "log": [logged(3)],
                      "coins": {"USDT": 1_000 * ONE - value - 3, "BTC": 2 * ONE // 1_000}}],
    }  # fmt: skip
    said = [("create", 256, first), ("create", 512, second), ("create", 768, third), ("cancel", 512, back)]
    left = [Left(T0_MS + 105, action, (link(number),), at + 2) for action, number, at in said]
    return tape, history, left


Change = Callable[[MadeUp, dict[str, Any]], object]


def perpetual(change: Change = lambda tape, history: None, **more: Any) -> Evidence:
    """2 lots are bought and paid funding for, with a stop behind them, until the desk stands down; `change`: before."""
    tape = MadeUp("linear")
    tape.book(50)
    bought = tape.place(100, 256)
    tape.hear(120, 40, 256)
    tape.fill(200, 256, "e1")
    stop = tape.place(300, 512, -1, 900, style=4)
    tape.hear(320, 40, 512)
    tape.funding(400, "f1", 5)
    waiting = order(
        512, "Untriggered", 310, 310, sign=-1, price=0, trigger_price=90 * ONE, is_market=True, reduce_only=True
    )
    history = {
        "now_ms": T0_MS + 9_000,
        "orders": [order(256, filled=2, reduce_only=False), waiting],
        "accounts": [{
            "name": "main", "coins": {"USDT": 1_000 * ONE - 3 - 5},
            "executions": [execution("e1", 256), execution("f1", 0, ms=T0_MS + 400, kind="Funding", link_id="")],
            "positions": [{"lots": 2, "cost": 100 * 2 * ONE // 1_000}], "log": [logged(3), logged(0, -5)],
        }],
    }  # fmt: skip
    said = [("create", 256, bought), ("create", 512, stop)]
    change(tape, history)
    settled, settled_tape = copy.deepcopy(history), tape.bytes
    tape.operator(9_100, 6)
    said.append(("cancel", 512, tape.cancel(9_100, 512)))
    tape.hear(9_120, 42, 512)
    waiting |= {"status": "Deactivated", "updated_ms": T0_MS + 9_110} if waiting["status"] == "Untriggered" else {}
    left = [Left(T0_MS + 105, action, (link(number),), at + 2) for action, number, at in said]
    found = evidence(tape, history, left, settled=settled, settled_tape=settled_tape, promises_stops=True)
    return replace(found, **more)


def evidence(tape: MadeUp, history: dict[str, Any], left: list[Left], **more: Any) -> Evidence:
    """It was calm all the time, and settled at the end."""
    data = tape.bytes
    made = Evidence(data, history, data, copy.deepcopy(history), {"USDT": "1000"}, left, T0_MS, [])
    return replace(made, **more)
