"""The venue cancels spot orders when the desk's line is gone, and touches nothing else."""

import asyncio
import time
from typing import Any

import pytest
import websockets

from quintet.core.errors import ConfigError
from quintet.venues.bybit.disconnection import SPOT_TOPIC, arm
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.private_stream import PrivateStream
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.sandbox_process import SandboxProcess, sandbox_process

WINDOW_S = 3


async def line_that_breaks(sandbox: SandboxProcess) -> None:
    """Arm, hold a private line for a moment, lose it."""
    key, clock = ApiKey(sandbox.key, sandbox.secret), VenueClock()
    rest = Rest(key, Pace(limits(("spot",))), clock, (sandbox.rest,))
    try:
        assert await rest.settle_clock(5.0)
        assert (await arm(rest, WINDOW_S)).meaning == "accepted"
        stream = PrivateStream(key, clock, time.monotonic_ns, sandbox.rest.replace("http", "ws"), (SPOT_TOPIC,))
        async with websockets.connect(stream.url) as socket:
            for text in stream.subscriptions().values():
                await socket.send(text)
                assert stream.answer(await _bytes(socket))
    finally:
        await rest.close()


async def _bytes(socket: Any) -> bytes:
    text = await socket.recv()
    return text.encode() if isinstance(text, str) else text


def test_spot_orders_go_with_the_line_and_the_stop_of_a_contract_stays():
    with sandbox_process() as sandbox:
        sandbox.book("linear", 50_000, 1_000)
        order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "40000"}
        sandbox.tell("order/create", category="spot", **order)
        sandbox.tell("order/create", category="linear", symbol="BTCUSDT", side="Sell", orderType="Market",
                     qty="0.001", triggerPrice="45000", triggerDirection=2)  # fmt: skip
        # when the line is gone for longer than the window
        asyncio.run(line_that_breaks(sandbox))
        until = time.monotonic() + WINDOW_S + 5
        while sandbox.ask("order/realtime", category="spot")["list"] and time.monotonic() < until:
            time.sleep(0.2)
        # then the quote is gone and the stop is there
        assert not sandbox.ask("order/realtime", category="spot")["list"]
        assert len(sandbox.ask("order/realtime", category="linear", settleCoin="USDT")["list"]) == 1


@pytest.mark.parametrize("window_s", [0, 2, 301])
def test_a_window_that_the_venue_does_not_have_is_refused(window_s: int):
    with pytest.raises(ConfigError, match="expected 3 to 300"):
        asyncio.run(arm(None, window_s))  # type: ignore[arg-type]
