"""`quintet sandbox` as a process: its first line, its account, and what a kill -9 leaves of it."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quintet.app.cli import app


def start(*words: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [str(Path(sys.executable).with_name("quintet")), "sandbox", "--port", "0", "--json", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    return process, json.loads(line)


def client(told: dict[str, Any]) -> Any:
    from pybit.unified_trading import HTTP

    http = HTTP(testnet=False, api_key=told["key"], api_secret=told["secret"])
    http.endpoint = told["rest"]
    return http


@pytest.mark.filterwarnings("default")
def test_an_order_outlives_kill_9(tmp_path: Path) -> None:
    words = ("--market", "none", "--folder", str(tmp_path / "exchange"))
    process, told = start(*words)
    assert told["ws"] == told["rest"].replace("http", "ws")
    btc = {"category": "linear", "symbol": "BTCUSDT"}
    placed = client(told).place_order(**btc, side="Buy", orderType="Limit", qty="0.01", price="49000", orderLinkId="a")
    process.send_signal(signal.SIGKILL)
    process.communicate()

    process, again = start(*words)
    assert (again["key"], again["secret"]) == (told["key"], told["secret"])
    (order,) = client(again).get_open_orders(**btc)["result"]["list"]
    assert (order["orderId"], order["orderLinkId"]) == (placed["result"]["orderId"], "a")
    assert (
        client(again).get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"][0]["walletBalance"]
        == "100000"
    )
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert told["secret"] not in rest + errors
    assert [path.name for path in (tmp_path / "exchange").glob("snapshot-*")] == ["snapshot-000001"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--speed", "1001"], "less than or equal to 1000"),
        (["--market", "nowhere.tape"], "nowhere.tape"),
        (["--scenario", "nowhere.toml"], "a scenario in TOML"),
        (["--port", "70000"], "less than or equal to 65535"),
    ],
)
def test_a_mistake_is_named_before_anything_runs(words: list[str], expected: str) -> None:
    result = CliRunner().invoke(app, ["sandbox", *words])
    assert result.exit_code != 0
    told = result.output + str(result.exception) + str(getattr(result.exception, "expected", ""))
    assert expected in told
    assert '"key"' not in told


def test_a_folder_keeps_to_its_market(tmp_path: Path) -> None:
    (tmp_path / "session.json").write_text('[1,"none",1]')
    result = CliRunner().invoke(app, ["sandbox", "--market", "synthetic", "--folder", str(tmp_path)])
    assert "another market than this folder's exchange has" in result.output
