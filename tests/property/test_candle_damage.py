"""Damaged input is refused or read right, never something else: one family of errors, whatever the bytes."""

import contextlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.errors import InputError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.storage.candle_files import read_candles
from quintet.venues.bybit.decode import kline_rows, merge_ticker, read_push, ticker_rows

NOON = 1_767_268_800
LINES = [f"{NOON + n * 300},3000.10,3001.00,2999.50,3000.55,1.25" for n in range(12)]
TABLE = "\n".join(["time,open,high,low,close,volume", *LINES]).encode()
KLINE = {"start": NOON * 1000, "end": NOON * 1000 + 299_999, "interval": "5", "open": "3000", "close": "3001"}
KLINE |= {"high": "3003", "low": "2998.01", "volume": "2.081", "turnover": "6245.4005", "confirm": True}
KLINE_FRAME = json.dumps({"topic": "kline.5.ETHUSDT", "data": [KLINE], "ts": 1, "type": "snapshot"}).encode()
FACTS = {"symbol": "ETHUSDT", "lastPrice": "3000", "bid1Price": "2999.99", "bid1Size": "5", "ask1Price": "3000.01"}
TICKER_FRAME = json.dumps({"topic": "tickers.ETHUSDT", "type": "snapshot", "data": FACTS, "cs": 1, "ts": 2}).encode()

PIECES = [
    b"",
    b",",
    b"\n",
    b"\r",
    b'"',
    b"NaN",
    b"inf",
    b"-",
    b"1e400",
    b"9" * 30,
    b"\x00",
    b"\xff",
    b";",
    b"null",
    b"{",
]
piece = st.sampled_from(PIECES) | st.binary(min_size=1, max_size=2)
changes = st.lists(st.tuples(st.integers(0, 700), st.integers(0, 12), piece), min_size=1, max_size=5)


def damaged(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for at, removed, put in edits:
        at %= len(data) + 1
        data = data[:at] + put + data[at + removed :]
    return data


@given(changes)
@settings(max_examples=150, deadline=None)
def test_a_damaged_table_is_refused_or_gives_bars_that_obey_every_rule(edits: list[tuple[int, int, bytes]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "candles.csv"
        path.write_bytes(damaged(TABLE, edits))
        try:
            bars = read_candles(path, DEFAULT_SPOT).bars
        except InputError as error:
            assert str(path) in str(error)
            return
    assert np.all(np.diff(bars.ts_open) > 0)
    assert np.all((bars.low > 0) & (bars.low <= bars.open) & (bars.low <= bars.close))
    assert np.all((bars.high >= bars.open) & (bars.high >= bars.close) & (bars.volume >= 0))


@given(changes, st.sampled_from([KLINE_FRAME, TICKER_FRAME]))
@settings(max_examples=300, deadline=None)
def test_a_damaged_frame_is_refused_or_decoded(edits: list[tuple[int, int, bytes]], frame: bytes) -> None:
    with contextlib.suppress(InputError):
        push = read_push(damaged(frame, edits))
        if frame is KLINE_FRAME:
            kline_rows(push, DEFAULT_SPOT, 1)
        else:
            ticker_rows(None, merge_ticker(None, push), DEFAULT_SPOT, 1)
