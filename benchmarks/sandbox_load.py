"""Orders at speed against `quintet sandbox`: is one lost, does one come out of turn, does memory stay flat?

    python -m benchmarks.sandbox_load                          1,000 a second for 10 s, then 100 a second for 10 minutes
    python -m benchmarks.sandbox_load --rate 1000 --seconds 10

The exchange is a process of its own with a folder of its own. One client sends orders over the trade socket, every
tenth over REST: market orders that fill at once, and post-only orders that it cancels when they are acknowledged. It
listens to orders and executions, and at the end reads the exchange's own history. Nothing is lost when every order was
answered once, told to its end, and stands once in the history with what it traded. The exit code is 1 when it is not.
"""

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

ENDS = {"market": ["Filled"], "resting": ["New", "Cancelled"]}
FLAT_KIB_PER_MINUTE = 1024
"""What memory may grow by: a day of it is less than what one burst needs."""

IN_FLIGHT_MAX = 200
"""Orders without an answer; a client that has more waits. The venue takes 500 open ones."""

QUIET_S = 20.0


class Door(NamedTuple):
    """Where an exchange is, and the key of its funded account."""

    rest: str
    ws: str
    key: str
    secret: str


class Sent(NamedTuple):
    """An order as it was asked for; `began_s` on the loop's clock."""

    kind: str
    began_s: float


class Load:
    """A client that sends, and remembers everything it hears."""

    def __init__(self, door: Door, http: aiohttp.ClientSession) -> None:
        self.door, self.http = door, http
        self.sent: dict[str, Sent] = {}
        self.answered: Counter[str] = Counter()
        self.refused: list[str] = []
        self.latencies_s: list[float] = []
        self.stations: dict[str, list[str]] = {}
        self.executed: dict[str, str] = {}
        self.out_of_turn: list[str] = []
        self._newest: dict[str, int] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    def sign(self, text: str) -> str:
        return hmac.new(self.door.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    @contextlib.asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An authorised socket."""
        async with self.http.ws_connect(self.door.ws + path) as socket:
            expires = int(time.time() * 1000) + 5000
            auth = {"op": "auth", "args": [self.door.key, expires, self.sign(f"GET/realtime{expires}")]}
            await socket.send_str(json.dumps(auth))
            await socket.receive()
            yield socket

    async def hear_private(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Orders and executions as they are told."""
        async for message in socket:
            frame = json.loads(message.data)
            for row in frame["data"] if "topic" in frame else ():
                if frame["topic"] == "order":
                    self.stations.setdefault(row["orderLinkId"], []).append(row["orderStatus"])
                    self._in_turn("order", int(row["updatedTime"]))
                elif row["execId"] in self.executed:
                    self.out_of_turn.append(f"{row['execId']} twice")
                else:
                    self.executed[row["execId"]] = row["orderLinkId"]
                    self._in_turn("execution", row["seq"])

    def _in_turn(self, topic: str, number: int) -> None:
        if number < self._newest.get(topic, 0):
            self.out_of_turn.append(f"{topic} {number} after {self._newest[topic]}")
        self._newest[topic] = number

    async def ping(self, *sockets: aiohttp.ClientWebSocketResponse) -> None:
        """Every twenty seconds, as the venue advises."""
        while True:
            await asyncio.sleep(20.0)
            for socket in sockets:
                await socket.send_str('{"op":"ping"}')

    async def hear_answers(self, trade: aiohttp.ClientWebSocketResponse) -> None:
        """Acknowledgements on the trade socket; a resting order is cancelled with its own."""
        async for message in trade:
            frame = json.loads(message.data)
            if frame.get("op") == "pong":
                continue
            if frame["retCode"]:
                self.refused.append(message.data)
            elif frame["op"] == "order.create":
                await self._acknowledged(trade, frame["data"].get("orderLinkId", ""))

    async def _acknowledged(self, trade: aiohttp.ClientWebSocketResponse, link: str) -> None:
        self.answered[link] += 1
        self.latencies_s.append(time.perf_counter() - self.sent[link].began_s)
        if self.sent[link].kind == "resting":
            await self._request(trade, "order.cancel", {"orderLinkId": link}, f"end-{link}")

    async def _request(
        self, trade: aiohttp.ClientWebSocketResponse, op: str, fields: dict[str, str], name: str
    ) -> None:
        header = {"X-BAPI-TIMESTAMP": str(int(time.time() * 1000)), "X-BAPI-RECV-WINDOW": "60000"}
        args = [{"category": "linear", "symbol": "BTCUSDT"} | fields]
        await trade.send_str(json.dumps({"reqId": name, "header": header, "op": op, "args": args}))

    async def _post(self, trade: aiohttp.ClientWebSocketResponse, fields: dict[str, str]) -> None:
        body = json.dumps({"category": "linear", "symbol": "BTCUSDT"} | fields)
        stamp = str(int(time.time() * 1000))
        headers = {
            "X-BAPI-API-KEY": self.door.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "60000",
            "X-BAPI-SIGN": self.sign(f"{stamp}{self.door.key}60000{body}"),
        }
        async with self.http.post(f"{self.door.rest}/v5/order/create", data=body, headers=headers) as response:
            found = await response.json()
        if found["retCode"]:
            self.refused.append(json.dumps(found))
            return
        await self._acknowledged(trade, found["result"].get("orderLinkId", ""))

    async def run(self, trade: aiohttp.ClientWebSocketResponse, rate: float, seconds: float, prefix: str) -> None:
        """Send at a rate; a client that is late sends at once."""
        began_s = time.perf_counter()
        for number in range(int(rate * seconds)):
            ahead_s = began_s + number / rate - time.perf_counter()
            if ahead_s > 0 or number % 20 == 0:
                await asyncio.sleep(max(0.0, ahead_s))
            while len(self.sent) - len(self.answered) > IN_FLIGHT_MAX:
                await asyncio.sleep(0.001)
            link = f"{prefix}-{number}"
            fields = {"orderLinkId": link, "qty": "0.001", "side": ("Buy", "Sell")[number // 2 % 2]}
            kind = ("market", "resting")[number % 2]
            if kind == "market":
                fields |= {"orderType": "Market"}
            else:
                fields |= {"orderType": "Limit", "timeInForce": "PostOnly", "side": "Buy", "price": "49500"}
            self.sent[link] = Sent(kind, time.perf_counter())
            if number % 10 == 9:
                task = asyncio.create_task(self._post(trade, fields))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)
            else:
                await self._request(trade, "order.create", fields, link)

    async def settled(self) -> None:
        """Wait until every order has come to its end, or nothing more can be hoped for."""
        until_s = time.perf_counter() + QUIET_S
        while time.perf_counter() < until_s:
            ended = sum(self.stations.get(link, []) == ENDS[sent.kind] for link, sent in self.sent.items())
            if ended == len(self.sent) and len(self.executed) == sum(s.kind == "market" for s in self.sent.values()):
                return
            await asyncio.sleep(0.2)

    async def problems(self) -> Iterator[str]:
        """Everything that is not as it must be, with the exchange's own history as the judge."""
        async with self.http.get(f"{self.door.rest}/sandbox/history") as response:
            history = json.loads(await response.read())
        orders = Counter(order["link_id"] for order in history["orders"] if order["link_id"])
        traded = {found["exec_id"]: found["link_id"] for account in history["accounts"]
                  for found in account["executions"]}  # fmt: skip
        return self._problems(orders, traded)

    def _problems(self, orders: Counter[str], traded: dict[str, str]) -> Iterator[str]:
        yield from (f"refused: {found[:200]}" for found in self.refused)
        yield from self.out_of_turn
        for link, sent in self.sent.items():
            if self.answered[link] != 1:
                yield f"{link}: answered {self.answered[link]} times"
            if self.stations.get(link) != ENDS[sent.kind]:
                yield f"{link}: told {self.stations.get(link)}, expected {ENDS[sent.kind]}"
        if orders != Counter(dict.fromkeys(self.sent, 1)):
            yield f"history has {sum(orders.values())} orders, {len(self.sent)} were sent"
        if traded != self.executed:
            yield f"history has {len(traded)} executions, {len(self.executed)} were told"


async def books(door: Door, http: aiohttp.ClientSession) -> None:
    """A deep book around 50,000."""
    levels = [[sign, (50_000_00 - sign * n * 10) * 10**6, 10**9] for sign in (1, -1) for n in range(1, 6)]
    trade = {"do": "ghost-trade", "sign": 1, "price": 50_000_10 * 10**6, "lots": 1}
    for command in ({"do": "ghosts", "levels": levels, "snapshot": True}, trade):
        named = command | {"category": "linear", "symbol": "BTCUSDT"}
        async with http.post(f"{door.rest}/sandbox/command", json=named) as response:
            assert "done" in await response.json()


async def loaded(door: Door, phases: list[tuple[float, float]], tell: Any = print) -> list[str]:
    """Run phases of (orders a second, seconds); returns what went wrong."""
    async with aiohttp.ClientSession() as http:
        load = Load(door, http)
        await books(door, http)
        async with load.socket("/v5/private") as private, load.socket("/v5/trade") as trade:
            await private.send_str(json.dumps({"op": "subscribe", "args": ["order", "execution"]}))
            await private.receive()
            tasks = [asyncio.create_task(each) for each in (
                load.hear_private(private), load.hear_answers(trade), load.ping(private, trade)
            )]  # fmt: skip
            for number, (rate, seconds) in enumerate(phases):
                began_s, before = time.perf_counter(), len(load.latencies_s)
                await load.run(trade, rate, seconds, f"p{number}")
                sent_s = time.perf_counter() - began_s
                await load.settled()
                waits = sorted(load.latencies_s[before:])
                tell(
                    f"{rate:,.0f}/s for {seconds:,.0f} s: {len(waits):,} answered, "
                    f"sent at {len(waits) / sent_s:,.0f}/s; answered after "
                    f"{waits[len(waits) // 2] * 1e3:.1f} ms at the median, "
                    f"{waits[len(waits) * 99 // 100] * 1e3:.1f} ms at the 99th percentile"
                )
            for task in tasks:
                task.cancel()
        return list(await load.problems())


def memory_kib(pid: int) -> int:
    """What a process holds by itself."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1])


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slope(samples: list[tuple[float, float]]) -> float:
    """Least squares, the first tenth left out."""
    settled = samples[len(samples) // 10 :]
    middle_x, middle_y = (sum(sample[k] for sample in settled) / len(settled) for k in (0, 1))
    over = sum((x - middle_x) * (y - middle_y) for x, y in settled)
    return over / (sum((x - middle_x) ** 2 for x, _ in settled) or 1.0)


@contextlib.contextmanager
def sandbox(folder: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], Door]]:
    """`quintet sandbox` as a process of its own."""
    command = [Path(sys.executable).with_name("quintet"), "sandbox", "--port", "0", "--json", "--rate-limits", "0"]
    process = subprocess.Popen([*command, "--folder", folder, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, Door(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(20)


async def watched(process: subprocess.Popen[str], door: Door, phases: list[tuple[float, float]]) -> int:
    """The phases one after the other, with the exchange's memory looked at every second."""
    failures = 0
    samples: list[tuple[float, float]] = []

    async def look() -> None:
        while True:
            samples.append((time.perf_counter() / 60, memory_kib(process.pid)))
            await asyncio.sleep(1.0)

    task = asyncio.create_task(look())
    problems = await loaded(door, phases)
    task.cancel()
    for problem in problems[:20]:
        print("lost:", problem)
    failures += len(problems)
    grown = slope(samples)
    least, most = (pick(value for _, value in samples) / 1024 for pick in (min, max))
    orders = sum(int(rate * seconds) for rate, seconds in phases)
    print(f"the exchange used {cpu_s(process.pid) / orders * 1e6:,.0f} microseconds of CPU an order, cancels included")
    print(f"memory {least:.1f} to {most:.1f} MiB, slope {grown:.0f} KiB a minute; nothing lost: {not problems}")
    return failures + (grown > FLAT_KIB_PER_MINUTE and len(samples) > 120)


def main() -> int:
    """The exit code: 1 when an order was lost or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox_load", description="orders at speed")
    parser.add_argument("--rate", type=float, action="append", help="orders a second; may be given again")
    parser.add_argument("--seconds", type=float, action="append", help="for how long")
    asked = parser.parse_args()
    rates, seconds = asked.rate or [1000.0, 100.0], asked.seconds or [10.0, 600.0]
    phases = list(zip(rates, seconds, strict=True))
    with (
        tempfile.TemporaryDirectory(prefix="quintet-load-") as folder,
        sandbox(folder, "--market", "none") as (process, door),
    ):
        failures = asyncio.run(watched(process, door, phases))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
