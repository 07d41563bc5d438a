"""The rule of `touch_rule` by `quintet trade`, as it is delivered, with its seams stamped, until SIGTERM.

python -m benchmarks.latency_desk SANDBOX.json STAMPS.json

A frame is heard where it leaves the library of the socket, as with the peers. An order is encoded when its body is
bytes; while it waits for the disk nothing but the sending time is missing around them.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection

from benchmarks.touch_rule import SYMBOL, Stamps
from quintet.app.cli import main
from quintet.venues.bybit.order_gateway import OrderGateway

SYSTEM: Final = f"{Path(__file__).with_name('touch_follower.py')}:TouchFollower"


def stamp(stamps: Stamps) -> None:
    """Lay the stamps around receiving, sending and syncing."""
    receive, send, ready = ClientConnection.recv, ClientConnection.send, OrderGateway.ready
    fdatasync = os.fdatasync

    async def stamped_receive(socket: Any, decode: bool | None = None) -> Any:
        body = await receive(socket, decode=decode)
        if "/public/" in socket.request.path:
            stamps.heard()
        return body

    async def stamped_send(socket: Any, text: Any, *words: Any) -> None:
        await send(socket, text, *words)
        if '"order.' in text:
            stamps.written(text)

    def stamped_ready(gateway: OrderGateway, commands: Any) -> Callable[[], None]:
        encoded = ready(gateway, commands)
        stamps.encoded()
        return encoded

    def stamped_fdatasync(file: int) -> None:
        began_ns = time.perf_counter_ns()
        fdatasync(file)
        stamps.syncs_ns.append(time.perf_counter_ns() - began_ns)

    ClientConnection.recv, ClientConnection.send = stamped_receive, stamped_send  # type: ignore[method-assign, assignment]
    OrderGateway.ready, os.fdatasync = stamped_ready, stamped_fdatasync  # type: ignore[method-assign, assignment]


def trade(sandbox: str, stamps_file: str) -> None:
    """`quintet trade` on this machine's exchange; raises SystemExit with its exit code."""
    stamps = Stamps()
    stamp(stamps)
    words = ["--world", "sandbox", "--sandbox", sandbox, "--symbol", SYMBOL, "--category", "linear"]
    sets = ["--set", "tick_execution.amends=true", "--interval", "1m", "--json"]
    sys.argv = ["quintet", "trade", SYSTEM, *words, *sets]
    try:
        main()
    finally:
        stamps.save(stamps_file)


if __name__ == "__main__":
    trade(*sys.argv[1:3])
