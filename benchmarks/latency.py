"""Frame in, order out: beside NautilusTrader's Bybit adapter and ccxt.pro, on the same exchange and the same market.

Each client runs as a process of its own on a `quintet sandbox` of its own, whose book is moved by the same script: a
step changes the best bid and twenty levels behind it, and the client amends its one order (`touch_rule`). First the
commands of all must be equal. Then, of each step:

    encoded   from the frame's bytes leaving the socket's library to the order being text
    written   until the write of that text has returned
    wire      from the last byte of the frame written to the client's line until the first of the order on its way
              back, seen from outside by a relay that every client is connected through

Ours is on the disk before it is written; what that took stands beside it (`fdatasync`).
"""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp

from benchmarks import peers
from benchmarks.report import Report
from benchmarks.sandbox_load import Door, cpu_s, sandbox
from benchmarks.touch_rule import DEPTH, SYMBOL, Order

ROOT: Final = Path(__file__).parents[1]
STEPS: Final = 150
WARM_STEPS: Final = 20
"""Not counted: caches fill, branches are learnt."""

PACE_S: Final = 0.2
"""From an order to the next step: the book is pushed every tenth of a second, and the order has its answer by then."""

PATIENCE_S: Final = 5.0

BEGIN_S: Final = 180.0
SETTLE_S: Final = 2.0
"""From the first word on the line of orders, a login perhaps, until the order is there."""

BID, ASK, WANDERS = 500_000, 500_300, 60
"""Best prices of the first book in ticks, and how far the bid goes from there."""

LEVELS_CHANGED: Final = 20
TICK_QUANTA: Final = 10**7
PEERS: Final = {"nautilus": "benchmarks.peer_latency_nautilus", "ccxt": "benchmarks.peer_latency_ccxt"}
GOAL: Final = 2.0

Levels = list[tuple[int, int, int]]


def script(seed: int = 1) -> Iterator[Levels]:
    """Changes of the book (sign, price, lots), the first of them the whole book; prices in quanta of the exchange."""
    dice = random.Random(seed)
    bid = BID
    yield [(sign, (best - sign * n) * TICK_QUANTA, dice.randint(100, 9_000)) for sign, best in ((1, BID), (-1, ASK))
           for n in range(DEPTH)]  # fmt: skip
    for _ in range(STEPS):
        before = bid
        bid = min(max(bid + dice.choice((-3, -2, -1, 1, 2, 3)), BID - WANDERS), BID + WANDERS)
        bid += int(bid == before)
        gone = [(1, price * TICK_QUANTA, 0) for price in range(bid + 1, before + 1)]
        come = [(1, price * TICK_QUANTA, dice.randint(100, 9_000)) for price in range(before + 1, bid + 1)]
        behind = dice.sample(range(1, DEPTH - 2 * WANDERS), LEVELS_CHANGED)
        yield gone + come + [(1, (bid - n) * TICK_QUANTA, dice.randint(100, 9_000)) for n in behind]


# ---- seen from outside ------------------------------------------------------------------------------------------


class Relay:
    """Passes bytes on between a client and the exchange, and notes when a frame went and when an order came."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._frame_ns = 0
        self.wire_ns: list[int] = []
        self.has_ordered = asyncio.Event()

    async def has_seen(self, orders: int) -> None:
        """Wait until so many have come, or too long: a client may leave a step out."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while len(self.wire_ns) < orders:
                    await asyncio.sleep(0.02)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        there, back = await asyncio.open_connection(self._host, self._port)
        line = _Line()
        passing = [asyncio.create_task(one) for one in (self._up(reader, back, line), self._down(there, writer, line))]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for task in passing:
            task.cancel()
        writer.close()
        back.close()

    async def _up(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, line: "_Line") -> None:
        while data := await reader.read(1 << 16):
            now_ns = time.perf_counter_ns()
            if line.topic == b"trade" and len(data) > PING_BYTES_MAX and self._frame_ns:
                self.wire_ns.append(now_ns - self._frame_ns)
                self._frame_ns = 0
                self.has_ordered.set()
            back.write(line.hear(data))

    async def _down(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, line: "_Line") -> None:
        while data := await there.read(1 << 16):
            writer.write(data)
            if line.topic == b"public":
                self._frame_ns = time.perf_counter_ns()


class _Line:
    """What a connection is for; some clients make a socket of one that served requests before."""

    def __init__(self) -> None:
        self.topic = b""

    def hear(self, data: bytes) -> bytes:
        """What its client says, without the offer to compress: some make it and some do not."""
        if not data.startswith(b"GET /v5/"):
            return data
        self.topic = data.split(b"/", 3)[2].partition(b" ")[0]
        return _OFFER.sub(b"", data)


_OFFER: Final = re.compile(rb"(?im)^sec-websocket-extensions:.*\r\n")
PING_BYTES_MAX: Final = 100


@asynccontextmanager
async def relayed(door: Door) -> AsyncIterator[tuple[Relay, Door]]:
    """A door to the same exchange that leads through a relay."""
    host, _, port = door.rest.removeprefix("http://").rpartition(":")
    relay = Relay(host, int(port))
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    name = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay, Door(f"http://{name}", f"ws://{name}", door.key, door.secret)
    finally:
        server.close()


# ---- one client -------------------------------------------------------------------------------------------------


class Lived(NamedTuple):
    """What a client did: its commands, and ns of each that counts. `cpu_us`: of the process, for each step."""

    commands: list[tuple[str, str]]
    encoded_ns: list[int]
    written_ns: list[int]
    wire_ns: list[int]
    syncs_ns: list[int]
    cpu_us: float


def lived(client: str, seed: int) -> Lived:
    """A client on a new exchange; raises RuntimeError with its last words when it does not trade."""
    with (
        tempfile.TemporaryDirectory(prefix="quintet-latency-") as folder,
        sandbox(f"{folder}/exchange", "--market", "none") as (_, door),
    ):
        return asyncio.run(_followed(client, door, Path(folder), seed))


async def _followed(client: str, door: Door, folder: Path, seed: int) -> Lived:
    steps = script(seed)
    async with relayed(door) as (relay, through), aiohttp.ClientSession() as http:
        await _move(http, door, next(steps), snapshot=True)
        process = _begun(client, through, folder)
        try:
            await _has_ordered(relay, process, folder)
            relay.wire_ns.clear()
            began_s = cpu_s(process.pid)
            for step, levels in enumerate(steps, start=1):
                await _move(http, door, levels)
                await relay.has_seen(step)
                await asyncio.sleep(PACE_S)
            await asyncio.sleep(SETTLE_S)
            cpu_us = (cpu_s(process.pid) - began_s) / STEPS * 1e6
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, 60)
        return _read(folder, relay.wire_ns, cpu_us)


async def _move(http: aiohttp.ClientSession, door: Door, levels: Levels, *, snapshot: bool = False) -> None:
    command = {"do": "ghosts", "category": "linear", "symbol": SYMBOL, "levels": levels, "snapshot": snapshot}
    async with http.post(f"{door.rest}/sandbox/command", json=command) as response:
        assert "done" in await response.json()


def _begun(client: str, door: Door, folder: Path) -> subprocess.Popen[bytes]:
    """The client's process; what it says is kept."""
    if client == "quintet":
        said = folder / "sandbox.json"
        said.write_text(json.dumps(door._asdict()))
        command, around = [sys.executable, "-m", "benchmarks.latency_desk", str(said)], dict(os.environ)
    else:
        around = peers.own_environment()
        command = [str(peers.python_of(client)), "-m", PEERS[client], door.rest.removeprefix("http://")]
        command += [door.key, door.secret]
    environment = around | {"QUINTET_WORKSPACE": str(folder)}
    with (folder / "said").open("wb") as file:
        stamps = str(folder / "stamps.json")
        return subprocess.Popen([*command, stamps], cwd=ROOT, stdout=file, stderr=file, env=environment)


async def _has_ordered(relay: Relay, process: subprocess.Popen[bytes], folder: Path) -> None:
    until_s = time.monotonic() + BEGIN_S
    while not relay.has_ordered.is_set():
        if process.poll() is not None or time.monotonic() > until_s:
            raise RuntimeError(f"no order was sent:\n{(folder / 'said').read_text()[-3000:]}")
        await asyncio.sleep(0.05)
    await asyncio.sleep(SETTLE_S)


def _read(folder: Path, wire_ns: list[int], cpu_us: float) -> Lived:
    noted = json.loads((folder / "stamps.json").read_text())
    orders = [Order(*one) for one in noted["orders"]]
    found = [(command, order) for order in orders if (command := _command(order.text)) is not None]
    counted = [order for _, order in found[1 + WARM_STEPS :]]
    return Lived(
        [command for command, _ in found],
        [order.encoded_ns for order in counted],
        [order.written_ns for order in counted],
        wire_ns[WARM_STEPS:STEPS],
        noted["syncs_ns"],
        cpu_us,
    )


def _command(text: str) -> tuple[str, str] | None:
    """What an order asks for; None for a cancel, with which some stop."""
    message = json.loads(text)
    asked = message["args"][0]
    if message["op"] == "order.create":
        return message[
            "op"
        ], f"{asked['side']} {_plain(asked['qty'])} at {_plain(asked['price'])}, {asked['timeInForce']}"
    return (message["op"], _plain(asked["price"])) if message["op"] == "order.amend" else None


def _plain(number: str) -> str:
    """The same number, however many zeros end it."""
    return f"{Decimal(number).normalize():f}"


# ---- all of them ------------------------------------------------------------------------------------------------


def latency(report: Report, rounds: int) -> None:
    """The commands of all, then p50 and p99 of all; ours at most half of each peer's."""
    print(f"Frame in, order out: {STEPS} changes of the touch, {rounds} times, each client on an exchange of its own")
    report.goal = "latency"
    clients = ["quintet", *(peer for peer in PEERS if peers.python_of(peer) is not None)]
    found: dict[str, list[Lived]] = {client: [] for client in clients}
    for seed in range(1, rounds + 1):
        for client in clients:
            found[client].append(lived(client, seed))
            ours, theirs = found["quintet"][-1].commands, found[client][-1].commands
            if client != "quintet":
                what = f"{len(ours)} commands of seed {seed} ({peers.PACKAGES[client]})"
                report.compare(what, *_from_where_they_differ(ours, theirs))
    for client in clients:
        _tell(client, found[client])
    _tell_disk(found["quintet"])
    for peer in clients[1:]:
        _weigh(report, peer, found["quintet"], found[peer])


def _from_where_they_differ(ours: list[Any], theirs: list[Any]) -> tuple[Any, Any]:
    """How many, and the first three from where they are not the same."""
    at = next((n for n, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other), len(ours))
    return (len(ours), ours[at : at + 3]), (len(theirs), theirs[at : at + 3])


def _tell(client: str, runs: list[Lived]) -> None:
    said = ", ".join(f"{what} {_words(_all(runs, what))}" for what in ("encoded", "written", "wire"))
    print(f"  {client:<9} {said}; {statistics.median(run.cpu_us for run in runs):,.0f} us of CPU a step", flush=True)


def _tell_disk(runs: list[Lived]) -> None:
    print(f"  the disk under our tape: fdatasync {_words(_all(runs, 'syncs'))}")


def _weigh(report: Report, peer: str, ours: list[Lived], theirs: list[Lived]) -> None:
    """How many times ours theirs is, at the median and at the 99th percentile."""
    ratios = {}
    for what in ("encoded", "written", "wire"):
        for percent in (50, 99):
            mine, other = (_percentile(_all(runs, what), percent) for runs in (ours, theirs))
            ratios[f"{peer}_{what}_p{percent}"] = other / mine
            report.keep(**{f"{what}_p{percent}_us": mine, f"{peer}_{what}_p{percent}_us": other})
    least = min(ratios[f"{peer}_encoded_p50"], ratios[f"{peer}_encoded_p99"])
    said = ", ".join(f"{name.removeprefix(peer + '_')} {ratio:.1f}" for name, ratio in ratios.items())
    print(f"  {peers.PACKAGES[peer]} takes so many times as long: {said} (goal {GOAL:g})")
    report.keep(**ratios, **{peer: least})


def _all(runs: list[Lived], what: str) -> list[float]:
    return [ns / 1e3 for run in runs for ns in getattr(run, f"{what}_ns")]


def _percentile(found_us: list[float], percent: int) -> float:
    return statistics.quantiles(found_us, n=100, method="inclusive")[percent - 1]


def _words(found_us: list[float]) -> str:
    return f"p50 {_percentile(found_us, 50):,.0f} p99 {_percentile(found_us, 99):,.0f} us"
