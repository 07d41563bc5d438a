"""Recorded orders are read from CSV and NumPy files, or refused by line and field."""

from pathlib import Path

import numpy as np
import pytest

from quintet.core.errors import DataError
from quintet.storage.latency_files import read_latencies

PEER = np.dtype([("req_ts", "i8"), ("exch_ts", "i8"), ("resp_ts", "i8"), ("_padding", "i8")])


def test_a_csv_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("heard,sent,arrived\n30,10,20\n\n60,40,50\n")
    orders = read_latencies(path)
    assert orders.sent.tolist() == [10, 40]
    assert orders.arrived.tolist() == [20, 50]
    assert orders.heard.tolist() == [30, 60]


@pytest.mark.parametrize("name", ["orders.npy", "orders.npz"])
def test_the_peers_array_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    array = np.array([(10, 20, 30, 0), (40, 0, 60, 0)], PEER)
    np.save(path, array) if name.endswith("npy") else np.savez(path, data=array)
    assert read_latencies(path).arrived.tolist() == [20, 0]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("none.csv", None, "no such file"),
        ("a.csv", "sent,heard\n1,2\n", "arrived"),
        ("a.csv", "sent,arrived,heard\n1,2\n", "line 2"),
        ("a.csv", "sent,arrived,heard\n1,2,soon\n", "line 2"),
        ("a.csv", "sent,arrived,heard\n1,2,99999999999999999999\n", "62 bits"),
        ("a.npy", "no array", "cannot be read as an array"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, text: str | None, words: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=words) as refused:
        read_latencies(path)
    assert str(path) in str(refused.value)


def test_an_array_of_floats_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.npy"
    np.save(path, np.zeros(2, [(name, "f8") for name in ("sent", "arrived", "heard")]))
    with pytest.raises(DataError, match="'sent' holds float64"):
        read_latencies(path)
