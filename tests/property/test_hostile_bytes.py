"""Bytes that nobody sends, into everything that reads what others have written: refused by name, or read; no third.

Examples grow out of frames as the venue sends them: cut, repeated, with other numbers, other types, other nesting.
`STORM_EXAMPLES` asks for more of them than a test run has time for.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.errors import QuintetError
from quintet.core.events import ROW
from quintet.core.market.tick_feed import Frame
from quintet.core.orders.client_ids import ClientIds
from quintet.core.tape import TapeMeta, encode_tape, read_tape
from quintet.sandbox.faults import scenario_of
from quintet.venues.bybit import decode_account, decode_ticks
from quintet.venues.bybit.account_wire import RestAnswer, SocketAnswer
from quintet.venues.bybit.private_stream import PrivateStream
from quintet.venues.bybit.shapes import shaped
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.venue_clock import VenueClock
from tests.bybit_account import LISTING, execution_row, frame, order_row

EXAMPLES = int(os.environ.get("STORM_EXAMPLES", "25"))
BOOK = {"topic": "orderbook.200.ETHUSDT", "type": "delta", "ts": 1, "cts": 1,
        "data": {"s": "ETHUSDT", "b": [["1", "1"]], "a": [["2", "1"]], "u": 1, "seq": 1}}  # fmt: skip
ANSWER = {"retCode": 0, "retMsg": "OK", "result": {"list": []}, "retExtInfo": {}, "time": 1}
STREAM = PrivateStream(ApiKey("k", "s"), VenueClock(), lambda: 0, "wss://nowhere")
TAPE = encode_tape(np.zeros(0, ROW), TapeMeta(synthetic=True, created_ns=1, tool_version="0"))

SEEDS = [
    frame("order", order_row()), frame("execution", execution_row()), json.dumps(BOOK).encode(),
    json.dumps(ANSWER).encode(), b'seed = 1\n[[fault]]\nkind = "drop"\n', TAPE,
]  # fmt: skip
READERS: dict[str, Callable[[bytes], Any]] = {
    "account frame": lambda data: decode_account.reports(data, LISTING),
    "account page": lambda data: decode_account.page("order", shaped(data, RestAnswer, "x").result, "linear", LISTING),
    "market frame": lambda data: list(decode_ticks.facts([Frame((0, 0), 1, data)])),
    "REST answer": lambda data: shaped(data, RestAnswer, "answer"),
    "socket answer": lambda data: shaped(data, SocketAnswer, "answer"),
    "private stream": lambda data: STREAM.answer(data),
    "scenario": lambda data: scenario_of(data, "scenario"),
    "tape": lambda data: read_tape(data, "tape"),
    "client id": lambda data: ClientIds("main", 7).number(data.decode(errors="replace")),
}
STRANGE = [
    b"null",
    b"-1",
    b"1e400",
    b"NaN",
    b'""',
    b"[[[[[[",
    b"{}",
    b"[]",
    b"true",
    b"\xff",
    b"9" * 400,
    b"\x00",
    b'"0x1"',
]


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """A good frame, or two of them, changed in up to six places."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        first = draw(st.integers(0, len(data)))
        last = min(len(data), first + draw(st.integers(0, 12)))
        data[first:last] = draw(st.sampled_from(STRANGE) | st.binary(max_size=8))
    return bytes(data)


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=hostile())
def test_it_is_read_or_refused_by_name(reader: str, data: bytes) -> None:
    try:
        READERS[reader](data)
    except QuintetError as refused:
        assert str(refused)
