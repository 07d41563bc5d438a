"""Desks as `quintet trade` runs them, against a sandbox in the same process: perpetuals, and two on one account."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quintet.app import trading
from quintet.app.bybit_desk import Address
from quintet.app.config import find_system, load
from quintet.app.messages import Complaint
from quintet.app.trading import Ended, Tell, TradeRequest, rehearse, trade
from quintet.core import events as ev
from quintet.core.risk import breaker
from quintet.research.desk_replay import replay_desk_tape
from quintet.sandbox.commands import ChangeInstrument
from quintet.storage.account_books import AccountFolder
from quintet.storage.tape_files import open_tape
from quintet.storage.workspace import workspace
from quintet.venues.bybit.sign import ApiKey
from tests.sandbox_client import Client, sandbox_client

HOLDER = f"{Path(__file__).parents[2] / 'side_holder.py'}:SideHolder"
BTC = "linear:BTCUSDT"
PATIENCE_S = 180.0
"""Far more than it takes: the machine may be busy."""


class Running:
    """A desk at work: what it said, how many messages of each kind entered, and how to stop it."""

    def __init__(self, client: Client, desk: str, lots: int, account: str = "", **more: str) -> None:
        self.kinds: dict[int, int] = {}
        self.said: list[str] = []
        self.stop = asyncio.Event()
        system = find_system(HOLDER)
        sets = [f"system.{system.name}.lots={lots}", "execution.initial_quote=20000"]
        sets += [f"{key}={value}" for key, value in more.items()]
        self.request = TradeRequest(
            system, load(None, sets, [], system), "sandbox", desk, Address("linear", "BTCUSDT", client.rest, 20_000),
            "1m", "1m", workspace().desks / f"sandbox-{desk}", account=account, stop=self.stop,
        )  # fmt: skip
        self.key = ApiKey(client.key, client.secret)
        self.task: asyncio.Task[Ended] | None = None

    def begin(self) -> "Running":
        self.task = asyncio.create_task(trade(self.request, self.key, self._tell()))
        return self

    def _tell(self) -> Tell:
        def happened(one: Any, instrument: Any) -> None:
            for kind in one.rows["kind"].tolist():
                self.kinds[kind] = self.kinds.get(kind, 0) + 1

        return Tell(lambda opened: None, happened, lambda said: self.said.append(f"{said.kind} {said.text}"))

    async def end(self) -> Ended:
        self.stop.set()
        assert self.task is not None
        return await self.task

    @property
    def tape(self) -> Path:
        return self.request.folder / "desk.tape"

    def fundings(self) -> list[int]:
        rows = open_tape(self.tape).event_rows()
        found: list[int] = rows["quantity"][rows["kind"] == ev.FUNDING].tolist()
        return found


async def until(ready: Callable[[], Any], *running: Running) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not ready():
            for one in running:
                if one.task is not None and one.task.done():
                    one.task.result()
            await asyncio.sleep(0.05)


def held(client: Client) -> int:
    positions = client.sandbox.service.state.accounts[client.uid].positions.get(BTC, {})
    return sum(position.lots for position in positions.values())


def pay_funding(client: Client) -> None:
    """The venue's time for it has come."""
    market = client.sandbox.service.state.markets[BTC]
    market.next_funding_ms = client.sandbox.service.clock.now_ms()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    return tmp_path


def test_a_perpetual_is_held_paid_for_reconciled_and_held_again_after_a_restart(place: Path) -> None:
    async def live() -> None:
        async with sandbox_client() as client:
            first = Running(client, "perp", -30)
            rehearse(first.request)
            first.begin()
            await until(lambda: held(client) == -30, first)
            await until(lambda: client.sandbox.service.state.markets[BTC].next_funding_ms, first)
            pay_funding(client)
            await until(lambda: first.kinds.get(ev.FUNDING), first)
            ended = await first.end()
            assert (ended.alarms, ended.still_open) == (0, 0), first.said
            [paid] = first.fundings()
            told = client.sandbox.service.state.accounts[client.uid].executions
            assert [one.fee for one in told if one.kind == "Funding"] == [paid]

            second = Running(client, "perp", -30).begin()
            await until(lambda: any("books" in line for line in second.said) or second.kinds.get(ev.OPERATOR), second)
            await asyncio.sleep(0.5)
            ended = await second.end()
            assert (ended.alarms, held(client)) == (0, -30), second.said
            assert ended.books_compared >= 1
            assert replay_desk_tape(second.tape) == ended.command_hash

    asyncio.run(live())


def test_two_desks_on_one_account_net_at_the_venue_and_add_up_to_it(place: Path) -> None:
    async def live() -> None:
        async with sandbox_client() as client:
            long, short = (Running(client, name, lots, "both") for name, lots in (("long", 30), ("short", -10)))
            rehearse(long.request)
            long.begin()
            await until(lambda: held(client) == 30, long)
            short.begin()
            await until(lambda: held(client) == 20, long, short)
            pay_funding(client)
            await until(lambda: long.kinds.get(ev.FUNDING) and short.kinds.get(ev.FUNDING), long, short)
            ends = [await one.end() for one in (long, short)]
            assert [one.alarms for one in ends] == [0, 0], long.said + short.said
            told = client.sandbox.service.state.accounts[client.uid].executions
            parts = [*long.fundings(), *short.fundings()]
            assert sum(parts) == sum(one.fee for one in told if one.kind == "Funding")
            assert parts[0] * parts[1] < 0  # one pays, the other is paid
            # a restart of one: its books are its own, together they are the venue's
            again = Running(client, "short", -10, "both").begin()
            await until(lambda: again.kinds.get(ev.OPERATOR), again)
            ended = await again.end()
            assert (ended.alarms, held(client)) == (0, 20), again.said
            books = AccountFolder(place / "accounts" / "both").books()
            assert {name: int(book.positions[BTC] * 1_000) for name, book in books.items()} == {
                "sandbox-long": 30, "sandbox-short": -10,
            }  # fmt: skip
            state = client.sandbox.service.state.accounts[client.uid]
            paid = sum(position.cost for position in state.positions[BTC].values())
            members = AccountFolder(place / "accounts" / "both").members()
            assert members is not None
            whole = sum(book.held["USDT"] - book.costs[BTC] for book in books.values()) + members.untouched["USDT"]
            assert int(whole * 10**8) == state.coins["USDT"] - paid

    asyncio.run(live())


def test_a_desk_with_an_account_of_its_own_does_not_begin_beside_another(place: Path) -> None:
    async def live() -> None:
        async with sandbox_client() as client:
            long = Running(client, "long", 30)
            rehearse(long.request)
            long.begin()
            await until(lambda: held(client) == 30, long)
            with pytest.raises(Complaint, match="a position that no desk knows"):
                await trade(Running(client, "other", -10).request, long.key, long._tell())
            await long.end()

    asyncio.run(live())


def test_a_tick_that_changes_in_mid_session_stops_new_risk_and_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trading, "LISTING_EVERY_S", 0.2)

    async def live() -> None:
        async with sandbox_client() as client:
            desk = Running(client, "tick", 30)
            rehearse(desk.request)
            desk.begin()
            await until(lambda: held(client) == 30, desk)
            command = ChangeInstrument(category="linear", symbol="BTCUSDT", tick="0.5")
            client.sandbox.service.do(command)
            await until(lambda: any("tick_size of BTCUSDT is 0.5 now" in line for line in desk.said), desk)
            assert sum("tick_size" in line for line in desk.said) == 1
            ended = await desk.end()
            assert ended.alarms == 1
            rows = open_tape(desk.tape).event_rows()
            spoken = rows["quantity"][rows["kind"] == ev.OPERATOR].tolist()
            assert spoken == [breaker.PAUSE, breaker.STAND_DOWN]

    asyncio.run(live())
