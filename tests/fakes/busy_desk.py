"""A desk as a process of its own that only quotes: an order every 50 ms through the real gateway, until it is killed.

`python -m tests.fakes.busy_desk WORKSPACE REST`, key and secret as two lines of standard input. It prints what became
of each order: `accepted`, `suppressed`, or the name of another outcome.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.ports.order_entry import Place
from quintet.storage.kill_file import KillFile
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.order_gateway import OrderGateway
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.bybit_account import LISTING

BTC_LINEAR = 1


async def quote(workspace: Path, rest_url: str, key: ApiKey) -> None:
    rest = Rest(key, Pace(limits(("linear",))), VenueClock(), (rest_url,), recv_window_ms=1_000)
    ids = ClientIds("busy", 1)
    gateway = OrderGateway(rest, LISTING, ids, kill_switch=KillFile(workspace))
    await gateway.begin()

    async def tell() -> None:
        async for outcome in gateway.outcomes():
            print(type(outcome).__name__.lower(), flush=True)

    telling = asyncio.create_task(tell())
    for number in count(1):
        gateway.send_one(Place(ids.of(number * 256), BTC_LINEAR, 1, lifecycle.POST_ONLY, 400_000 + number % 500, 1))
        await asyncio.sleep(0.05)
    await telling


if __name__ == "__main__":
    asyncio.run(
        quote(Path(sys.argv[1]), sys.argv[2], ApiKey(sys.stdin.readline().strip(), sys.stdin.readline().strip()))
    )
