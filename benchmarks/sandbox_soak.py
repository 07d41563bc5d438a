"""A day of market at speed through `quintet sandbox` with a client attached: does anything grow that should not?

    python -m benchmarks.sandbox_soak                   24 hours of market as fast as the machine plays them
    python -m benchmarks.sandbox_soak --hours 1 --speed 60

The exchange is a process of its own with a folder. The client listens to books, trades, tickers, candles and its
account, trades a little, asks over REST, and every so often hangs up without a word and comes back. Memory is what it
holds by itself (RssAnon), its slope a least-squares line without the first fifth; files, tasks, sessions and topics are
counted when the client of a round is gone. The exit code is 1 when memory grows or something is left over.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from benchmarks.sandbox_load import Door, Load, memory_kib, sandbox, slope

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
LOTS = {"BTCUSDT": "0.001", "ETHUSDT": "0.01", "SOLUSDT": "0.1"}
TOPICS = ("orderbook.1", "orderbook.50", "publicTrade", "tickers", "kline.1")
READS = (
    ("account/wallet-balance", "accountType=UNIFIED"),
    ("position/list", "category=linear&settleCoin=USDT"),
    ("order/history", "category=linear"),
    ("execution/list", "category=linear"),
)
ROUNDS = 24
PAUSE_S = 1.0
"""Between two times the client trades; what it costs slows the market down."""

FLAT_KIB_PER_HOUR = 64
"""What a slope may be: over a day 1.5 MB. Prices of the last week are kept, which is most of it."""


class Sample(NamedTuple):
    """The exchange between two rounds. `hour` of its market."""

    hour: float
    own_kib: int
    files: int
    sizes: dict[str, int]


class Guest(Load):
    """A client that uses everything a little, and leaves."""

    async def call(self, method: str, path: str, fields: dict[str, Any] | str = "") -> dict[str, Any]:
        """One signed request."""
        payload = fields if isinstance(fields, str) else json.dumps(fields)
        stamp = str(int(time.time() * 1000))
        headers = {
            "X-BAPI-API-KEY": self.door.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "60000",
            "X-BAPI-SIGN": self.sign(f"{stamp}{self.door.key}60000{payload}"),
        }
        url = f"{self.door.rest}/v5/{path}" + (f"?{payload}" if method == "GET" and payload else "")
        body = payload if method == "POST" else None
        async with self.http.request(method, url, data=body, headers=headers) as response:
            found: dict[str, Any] = await response.json()
            return found

    async def stay(self, until_ms: int, dice: random.Random) -> int:
        """Be there until the exchange's time has come; returns how many frames were heard."""
        async with contextlib.AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(self._public(product)) for product in ("linear", "spot")]
            private = await stack.enter_async_context(self.socket("/v5/private"))
            await private.send_str('{"op":"subscribe","args":["order","execution","position","wallet"]}')
            heard = [asyncio.create_task(_count(each)) for each in (*sockets, private)]
            while await now_ms(self) < until_ms:
                await self._trade(dice)
                await asyncio.sleep(PAUSE_S)
            for socket in (*sockets, private):
                if dice.random() < 0.5:  # some hang up without a word
                    response = socket._response
                    if response.connection is not None and response.connection.transport is not None:
                        response.connection.transport.abort()
        return sum(await asyncio.gather(*heard))

    @contextlib.asynccontextmanager
    async def _public(self, product: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self.http.ws_connect(f"{self.door.ws}/v5/public/{product}") as socket:
            for topic in TOPICS:
                args = [f"{topic}.{symbol}" for symbol in SYMBOLS]
                await socket.send_str(json.dumps({"op": "subscribe", "args": args}))
            yield socket

    async def _trade(self, dice: random.Random) -> None:
        symbol = dice.choice(SYMBOLS)
        order = {"category": "linear", "symbol": symbol, "side": dice.choice(("Buy", "Sell")), "qty": LOTS[symbol]}
        await self.call("POST", "order/create", order | {"orderType": "Market"})
        best = (await self.call("GET", "market/tickers", f"category=linear&symbol={symbol}"))["result"]["list"][0]
        limit = {"orderType": "Limit", "side": "Buy", "price": best["bid1Price"], "timeInForce": "PostOnly"}
        await self.call("POST", "order/create", order | limit)
        await self.call("POST", "position/trading-stop", {"category": "linear", "symbol": symbol, "trailingStop": "50"})
        for path, query in READS:
            await self.call("GET", path, query)
        await self.call("POST", "order/cancel-all", {"category": "linear", "symbol": symbol})


async def _count(socket: aiohttp.ClientWebSocketResponse) -> int:
    count = 0
    async for _ in socket:
        count += 1
    return count


async def now_ms(guest: Guest) -> int:
    """The exchange's time."""
    async with guest.http.get(f"{guest.door.rest}/sandbox/time") as response:
        return int((await response.json())["now_ms"])


async def sample(guest: Guest, pid: int, begun_ms: int) -> Sample:
    """What there is when nobody is connected."""
    await asyncio.sleep(1.0)
    async with guest.http.get(f"{guest.door.rest}/sandbox/sizes", headers={"Connection": "close"}) as response:
        sizes = await response.json()
    hour = (await now_ms(guest) - begun_ms) / 3.6e6
    return Sample(hour, memory_kib(pid), sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), sizes)


async def soaked(process: subprocess.Popen[str], door: Door, hours: float, seed: int) -> list[Sample]:
    """Rounds of a client that comes and goes until the market is over."""
    dice = random.Random(seed)
    samples: list[Sample] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
        first = Guest(door, http)
        begun_ms = await now_ms(first)
        for number in range(1, ROUNDS + 1):
            frames = await Guest(door, http).stay(begun_ms + int(hours * 3.6e6 * number / ROUNDS), dice)
            samples.append(await sample(first, process.pid, begun_ms))
            found = samples[-1]
            print(f"{found.hour:5.2f} h  {found.own_kib / 1024:6.1f} MiB  {found.files} files  "
                  f"{frames:,} frames  {found.sizes}", flush=True)  # fmt: skip
    return samples


def left_over(samples: list[Sample]) -> list[str]:
    """What there is more of at the end than at the beginning."""
    quarter = max(1, len(samples) // 4)

    def grown(count: Callable[[Sample], int]) -> tuple[int, int]:
        """The most there was in the first quarter, the least there is in the last: a connection may just be closing."""
        return max(map(count, samples[:quarter])), min(map(count, samples[-quarter:]))

    counts = {"files": grown(lambda each: each.files)} | {
        name: grown(lambda each, name=name: each.sizes[name])  # type: ignore[misc]
        for name in ("tasks", "sessions", "topics")
    }
    return [f"{name}: {first}, then {last}" for name, (first, last) in counts.items() if last > first]


def main() -> int:
    """The exit code: 1 when memory grows or something is left over."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox_soak", description="a day at speed")
    parser.add_argument("--hours", type=float, default=24.0, help="hours of market")
    parser.add_argument("--speed", type=int, default=1000, help="at most so much faster than the wall")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    options = ("--market", "synthetic", "--seed", str(asked.seed), "--speed", str(asked.speed))
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="quintet-soak-") as folder, sandbox(folder, *options) as (process, door):
        samples = asyncio.run(soaked(process, door, asked.hours, asked.seed))
    settled = samples[len(samples) // 10 :]  # with what `slope` leaves out the first fifth
    grown = slope([(each.hour, float(each.own_kib)) for each in settled])
    left = left_over(samples)
    print(
        f"{samples[-1].hour:.1f} hours of market in {(time.monotonic() - began_s) / 60:.0f} minutes; memory slope "
        f"{grown:.1f} KiB an hour; left over: {left or 'nothing'}"
    )
    return 1 if left or grown > FLAT_KIB_PER_HOUR else 0


if __name__ == "__main__":
    sys.exit(main())
