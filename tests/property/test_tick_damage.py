"""Damaged tick files: whatever happens to their bytes, they are read or refused by name, and nothing else."""

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.app.tick_import import TickRequest, import_ticks
from quintet.core.errors import InputError
from quintet.storage.tape_files import open_tape
from tests.tick_files import START_MS, START_NS, good_frames, line

US = START_MS * 1000
TEXTS = {
    "binance": "\n".join(line(frame, n) for n, frame in enumerate(good_frames())),
    "bybit": "\n".join(
        json.dumps(
            {
                "topic": "orderbook.50.XRPUSDT", "type": "snapshot" if n == 0 else "delta", "ts": START_MS + n,
                "data": {"s": "XRPUSDT", "b": [["1.9", str(n)]], "a": [["2.0", "3"]], "u": 5 + n, "seq": n},
            }
        )
        for n in range(5)
    ),
    "tardis": "\n".join(
        ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
        + [f"b,X,{US + n},{US + n + 5},{str(n < 2).lower()},{('ask', 'bid')[n % 2]},1.{n},{n}" for n in range(6)]
    ),
    "bitstamp-l3": "\n".join(
        ["id,timestamp,exchange.timestamp,price,volume,action,direction"]
        + [f"{n},{START_MS + n},{START_MS},236.4,{n}00000,created,bid" for n in range(1, 6)]
    ),
    "hyperliquid": "\n".join(
        f"{START_NS + n} "
        + json.dumps(
            {
                "channel": "l2Book",
                "data": {"coin": "BTC", "time": START_MS + n, "levels": [[{"px": "1", "sz": "2", "n": 1}], []]},
            }
        )
        for n in range(3)
    ),
}  # fmt: skip


def import_bytes(data: bytes, name: str, format_name: str) -> None:
    """Import; afterwards there is a whole tape, or an error with a name and no tape."""
    with TemporaryDirectory() as folder:
        file, tape = Path(folder) / name, Path(folder) / "made.tape"
        file.write_bytes(data)
        try:
            import_ticks(TickRequest((file,), format_name), tape, created_ns=1)
        except InputError as error:
            assert str(error)
            assert not list(Path(folder).glob("made.tape*"))
        else:
            assert open_tape(tape).n_positions > 0


@pytest.mark.parametrize("format_name", list(TEXTS))
@given(data=st.data())
def test_text_with_changed_bytes_is_read_or_refused(format_name: str, data: st.DataObject) -> None:
    text = bytearray(TEXTS[format_name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"9", b"-", b'"', b"[", b"\xff", b"\n"])
        )

    import_bytes(bytes(text), "feed.txt", format_name)


@given(cut=st.integers(0, 400), flipped=st.integers(0, 399))
def test_packed_files_that_are_cut_or_changed_are_read_or_refused(cut: int, flipped: int) -> None:
    data = bytearray(gzip.compress(TEXTS["binance"].encode()))
    data[flipped % len(data)] ^= 0x55

    import_bytes(bytes(data[: len(data) - cut % len(data)]), "feed.txt.gz", "binance")


# NumPy reads the header of an array as Python, and warns of what a changed byte makes of it.
@pytest.mark.filterwarnings("ignore")
@given(data=st.data())
def test_arrays_with_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    rows = np.zeros(4, [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8")])
    rows["ev"], rows["exch_ts"], rows["local_ts"], rows["px"], rows["qty"] = 1 | 7 << 29, START_NS, START_NS, 10.5, 2.0
    with TemporaryDirectory() as folder:
        np.save(Path(folder) / "ticks.npy", rows)
        whole = bytearray((Path(folder) / "ticks.npy").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))

    import_bytes(bytes(whole), "ticks.npy", "hftbacktest")
