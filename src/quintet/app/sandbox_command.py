"""`quintet sandbox`: an exchange of one's own on a port, speaking Bybit V5."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from quintet.app.messages import Complaint, note, say, say_json_line

if TYPE_CHECKING:
    from quintet.sandbox.faults import Scenario
    from quintet.sandbox.journal import Folder
    from quintet.sandbox.market_flow import Source
    from quintet.sandbox.server import Sandbox
    from quintet.sandbox.service import Service

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port for REST and all sockets; 0: any free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on; the operator's paths answer this machine only.")]
Market = Annotated[
    str,
    typer.Option(
        metavar="synthetic|none|TAPE", help="Where the market comes from: the seeded generator, nobody, or a tape."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the synthetic market.")]
Speed = Annotated[
    int, typer.Option(min=0, max=1000, help="How much faster than the wall; 0: the clock is advanced by the operator.")
]
StateFolder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="Keep the exchange here; a restart, or kill -9, goes on from it."),
]
ScenarioFile = Annotated[
    Path | None, typer.Option("--scenario", metavar="TOML", help="Faults to begin with: what, where, how often.")
]
Limits = Annotated[float, typer.Option(min=0, help="The venue's rate limits times this; 0 lifts them.")]
Coins = Annotated[
    str,
    typer.Option(
        metavar="COIN=AMOUNT,...", help="What a new default account holds, e.g. USDT=10000; else a bit of everything."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="First line: one JSON object with rest, ws, key and secret.")]

SESSION: Final = "session.json"


class Session(NamedTuple):
    """What a folder's exchange was begun with: a restart must be told the same market."""

    start_ms: int
    market: str
    seed: int


def sandbox(
    port: Port = 8290,
    host: Host = "127.0.0.1",
    market: Market = "synthetic",
    seed: Seed = 1,
    speed: Speed = 1,
    folder: StateFolder = None,
    scenario: ScenarioFile = None,
    rate_limits: Limits = 1.0,
    coins: Coins = "",
    as_json: AsJson = False,
) -> None:
    """Run an exchange that speaks Bybit V5: REST and sockets on one port, a funded account, a market.

    Ends with Ctrl-C. With --folder everything is there again at the next start, after kill -9 too.
    """
    import asyncio

    from quintet.sandbox.faults import Faults, Scenario, scenario_of

    funded = _coins(coins)
    found = Scenario() if scenario is None else scenario_of(_bytes(scenario), scenario.name)
    with kept_service(folder, speed) as (service, keeper):
        sources = _sources(market, seed, _session(folder, service, market, seed))
        from quintet.app.sandbox_market import synthetic_past
        from quintet.sandbox.market_flow import MarketFlow
        from quintet.sandbox.server import Sandbox

        for command in synthetic_past(seed) if market == "synthetic" else ():
            service.do(command)
        served = Sandbox(service, Faults(), rate_limits)
        served.flow = MarketFlow(service, sources) if sources else None
        if served.flow is not None:
            served.operator.flow_has_ended = lambda: served.flow is None or served.flow.has_ended
        if keeper is not None:
            served.keep = lambda: keeper.snapshot() if keeper.wants_snapshot() else None
        asyncio.run(_serve(served, host, port, found, funded, as_json))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Complaint("a file that cannot be read", where="--scenario", found=f"{path}: {error.strerror}",
                        expected="a scenario in TOML") from None  # fmt: skip


@contextlib.contextmanager
def kept_service(folder: Path | None, speed: int) -> "Iterator[tuple[Service, Folder | None]]":
    """The exchange, new or as the folder has it; its clock goes on where it stood unless it is the wall's."""
    from quintet.sandbox.clock import Clock
    from quintet.sandbox.exchange import Exchange
    from quintet.sandbox.journal import Folder
    from quintet.sandbox.keys import KeyRing
    from quintet.sandbox.service import Service

    if folder is None:
        yield Service(Exchange(), Clock(speed=speed), KeyRing()), None
        return
    keeper = Folder(folder)
    try:
        for line in keeper.told:
            note(line)
        start_ms = 0 if speed == 1 else keeper.exchange.state.now_ms
        keys = KeyRing(folder / "keys.json")
        yield Service(keeper.exchange, Clock(start_ms, speed), keys, keeper, keeper.archive), keeper
        keeper.snapshot()
    finally:
        keeper.close()


def _session(folder: Path | None, service: "Service", market: str, seed: int) -> int:
    """When the market began; raises Complaint when a folder was begun with another one."""
    import msgspec

    told = Session(service.clock.now_ms(), market, seed)
    if folder is None:
        return told.start_ms
    path = folder / SESSION
    if not path.exists():
        path.write_bytes(msgspec.json.encode(told))
        return told.start_ms
    begun = msgspec.json.decode(path.read_bytes(), type=Session)
    if (begun.market, begun.seed) != (market, seed):
        raise Complaint(
            "another market than this folder's exchange has",
            where="--market, --seed",
            found=f"{market}, {seed}",
            expected=f"{begun.market}, {begun.seed}, or another --folder",
        )
    return begun.start_ms


def _sources(market: str, seed: int, start_ms: int) -> "list[Source]":
    from quintet.app.sandbox_market import synthetic_sources, tape_source

    if market == "none":
        return []
    if market == "synthetic":
        return synthetic_sources(seed, start_ms)
    return [tape_source(Path(market), start_ms)]


def _coins(written: str) -> dict[str, str]:
    """Coin to amount; empty when nothing was said. Raises Complaint."""
    from decimal import Decimal, InvalidOperation

    found = {}
    for part in filter(None, written.split(",")):
        coin, _, amount = part.strip().partition("=")
        try:
            good = (
                coin.isalnum() and Decimal(amount) >= 0 and Decimal(amount) == Decimal(amount).quantize(Decimal("1e-8"))
            )
        except InvalidOperation:
            good = False
        if not good:
            raise Complaint(
                "not an amount of a coin", where="--coins", found=part, expected="COIN=AMOUNT, 8 decimals at most"
            )
        found[coin] = amount
    return found


async def _serve(
    served: "Sandbox", host: str, port: int, scenario: "Scenario", coins: dict[str, str], as_json: bool
) -> None:
    """Serve until somebody says stop."""
    import asyncio
    import signal

    from quintet.sandbox.service import DEFAULT_COINS

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    key = served.service.default_key(coins=coins or DEFAULT_COINS)
    served.faults.load(scenario, loop.time())
    async with served.serving(host, port) as found:
        name = f"{host}:{found}"
        told = {"rest": f"http://{name}", "ws": f"ws://{name}", "key": key.key, "secret": key.secret}
        if as_json:
            say_json_line(told)
        else:
            for word, value in told.items():
                say(f"{word:<8} {value}")
            say(f"{'operator':<8} http://{name}/sandbox/time")
        await stop.wait()
