"""Desks as `quintet trade` runs them, against a sandbox in the same process: perpetuals, and two on one account."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quintet.app import desk_folder, reloading, trading
from quintet.app.bybit_desk import Address
from quintet.app.config import find_system, load
from quintet.app.messages import Complaint
from quintet.app.trading import Ended, Tell, TradeRequest, rehearse, trade
from quintet.core import events as ev
from quintet.core.risk import breaker, restraint
from quintet.research.desk_replay import replay_desk_tape
from quintet.sandbox.commands import ChangeInstrument, Ghosts, GhostTrade, SetPrices
from quintet.sandbox.faults import Fault, Scenario
from quintet.sandbox.money import quanta
from quintet.storage.account_books import AccountFolder
from quintet.storage.audit_log import audit_path, read
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

    def __init__(
        self, client: Client, desk: str, lots: int, account: str = "", *sets: str, address: str = HOLDER,
        config: Path | None = None, bars: str = "1m", keep_orders: bool = False, lots_set: bool = True,
    ) -> None:  # fmt: skip
        self.kinds: dict[int, int] = {}
        self.said: list[str] = []
        self.causes: list[int] = []
        self.stop = asyncio.Event()
        system = find_system(address)
        given = [] if config is not None else ["execution.initial_quote=20000"]
        given += [f"system.{system.name}.lots={lots}"] if lots_set and config is None else []
        given += sets
        self.request = TradeRequest(
            system, load(config, given, [], system), "sandbox", desk, Address("linear", "BTCUSDT", client.rest, 20_000),
            bars, bars, workspace().desks / f"sandbox-{desk}", account=account, stop=self.stop,
            keep_orders=keep_orders, read_again=lambda: load(config, given, [], system),
        )  # fmt: skip
        self.key = ApiKey(client.key, client.secret)
        self.task: asyncio.Task[Ended] | None = None

    def begin(self) -> "Running":
        self.task = asyncio.create_task(trade(self.request, self.key, self._tell()))
        return self

    def _tell(self) -> Tell:
        def happened(one: Any, instrument: Any) -> None:
            for kind in [*one.rows["kind"].tolist(), *one.commands["kind"].tolist()]:
                self.kinds[kind] = self.kinds.get(kind, 0) + 1
            self.causes += [int(note["b"]) for note in one.notes if note["code"] == breaker.RESTRAINT_CHANGED]

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


def market(client: Client, mid: int) -> None:
    """A deep book around a price, index and mark at it, and a trade."""
    service, deep = client.sandbox.service, 10**7
    levels = [(sign, quanta(str(mid - sign * n * 10)), deep) for sign in (1, -1) for n in range(1, 6)]
    service.do(Ghosts(category="linear", symbol="BTCUSDT", levels=levels, snapshot=True))
    service.do(SetPrices(symbol="BTCUSDT", index=quanta(str(mid)), mark=quanta(str(mid))))
    trade_at(client, mid)


def trade_at(client: Client, price: int) -> None:
    command = GhostTrade(category="linear", symbol="BTCUSDT", sign=1, price=quanta(str(price)), lots=1)
    client.sandbox.service.do(command)


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
            for account in ("", "both"):
                with pytest.raises(Complaint, match="an account that another desk trades on"):
                    await trade(Running(client, "other", -10, account).request, long.key, long._tell())
            await long.end()
            # and what it has left there is not the other's either
            with pytest.raises(Complaint, match="a position that no desk knows"):
                await trade(Running(client, "other", -10).request, long.key, long._tell())

    asyncio.run(live())


FAR_SELLER = """
from quintet.systems.own import System, Want, sell
from quintet.systems.own.view import View


class FarSeller(System):
    \"\"\"Sells all but a part of its coins, at whatever price, by an order that takes.\"\"\"

    timer_s = 0.1

    def on_timer(self, view: View) -> list[Want] | None:
        \"\"\"Five per cent below the market, where the venue of spot takes no price.\"\"\"
        if view.halted or not view.bid or view.lots <= 900_000:
            return []
        return [sell(view.lots - 900_000, view.bid * 95 // 100, style="ioc")]
"""


def test_an_exit_far_beyond_the_price_limit_of_spot_leaves_a_desk_at_the_limit(place: Path) -> None:
    file = place / "far_seller.py"
    file.write_text(FAR_SELLER)

    async def live() -> None:
        async with sandbox_client() as client:
            desk = Running(
                client, "far", 0, "", "execution.initial_base=1", address=f"{file}:FarSeller", lots_set=False
            )
            desk.request = replace(desk.request, address=replace(desk.request.address, category="spot"))
            rehearse(desk.request)
            account = client.sandbox.service.state.accounts[client.uid]
            before = account.coins["BTC"]
            desk.begin()
            await until(lambda: account.coins["BTC"] < before, desk)
            assert account.moves_price == {"spot": True}
            ended = await desk.end()
            assert ended.alarms == 0
            assert ended.fills > 0

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
            # an operator who lets it go on is told again, and so is whoever starts it again
            answer = await asyncio.to_thread(
                reloading.tell, desk.request.folder, "resume", lambda pid: os.kill(pid, signal.SIGHUP), PATIENCE_S
            )
            assert answer.ok
            await until(lambda: sum("tick_size" in line for line in desk.said) == 2, desk)
            ended = await desk.end()
            assert ended.alarms == 2
            rows = open_tape(desk.tape).event_rows()
            spoken = rows["quantity"][rows["kind"] == ev.OPERATOR].tolist()
            assert spoken == [breaker.PAUSE, breaker.RESUME, breaker.PAUSE, breaker.STAND_DOWN]
            monkeypatch.setattr(trading, "LISTING_EVERY_S", 60.0)
            again = Running(client, "tick", 30).begin()
            await until(lambda: any("begin another --desk" in line for line in again.said), again)
            await again.end()

    asyncio.run(live())


def test_an_order_that_the_venue_refuses_is_a_reason_to_look_at_the_instrument(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trading, "LISTING_PAUSE_S", 0.2)
    monkeypatch.setattr(trading, "LISTING_EVERY_S", 3_600.0)
    file = place / "desk.toml"

    def wants(lots: int) -> None:
        name = find_system(HOLDER).name
        file.write_text(f"[execution]\ninitial_quote = 20000\n[system.{name}]\nlots = {lots}\n")

    async def live() -> None:
        async with sandbox_client() as client:
            # given a tick that changes when the desk has looked, an hour before it looks again
            wants(30)
            desk = Running(client, "refused", 30, config=file)
            rehearse(desk.request)
            desk.begin()
            await until(lambda: held(client) == 30, desk)
            await asyncio.sleep(1.0)
            client.sandbox.service.do(ChangeInstrument(category="linear", symbol="BTCUSDT", tick="0.5"))
            await asyncio.sleep(1.0)
            assert not any("tick_size" in line for line in desk.said)
            # when it sends an order that is off the new tick
            wants(31)
            assert (await reloaded(desk)).ok
            # then the refusal is the reason to look, and nothing follows the first few orders
            await until(lambda: any("tick_size of BTCUSDT is 0.5 now" in line for line in desk.said), desk)
            assert any("refused" in line for line in desk.said)
            await desk.end()

    asyncio.run(live())


async def reloaded(desk: Running) -> reloading.Answer:
    return await asyncio.to_thread(
        reloading.ask, desk.request.folder, lambda pid: os.kill(pid, signal.SIGHUP), PATIENCE_S
    )


def test_a_living_desk_takes_over_what_its_file_says_now_and_refuses_what_it_may_not(place: Path) -> None:
    file = place / "desk.toml"

    def write(lots: int, capital: int = 20_000, more: str = "") -> None:
        text = f'[execution]\ninitial_quote = "{capital}"\n[system.SideHolder]\nlots = {lots}\n{more}'
        file.write_text(text.replace("SideHolder", find_system(HOLDER).name))

    async def live() -> None:
        async with sandbox_client() as client:
            write(20)
            desk = Running(client, "told", 0, config=file)
            rehearse(desk.request)
            desk.begin()
            await until(lambda: held(client) == 20, desk)
            write(50)
            answer = await reloaded(desk)
            assert (answer.ok, [line.partition(".lots")[2] for line in answer.changed]) == (True, [": 20 -> 50"])
            await until(lambda: held(client) == 50, desk)
            write(70, capital=10_000)
            refused = await reloaded(desk)
            assert (refused.ok, "execution.initial_quote" in refused.problem) == (False, True)
            file.write_text("[risk]\nopen_orders_max = 900\n")
            assert not (await reloaded(desk)).ok
            write(50, more="[account]\nopen_orders_max = 1\n")
            assert (await reloaded(desk)).changed == ("account.open_orders_max: 64 -> 1",)
            for action in ("pause", "resume"):
                told = await asyncio.to_thread(
                    reloading.tell, desk.request.folder, action, lambda pid: os.kill(pid, signal.SIGHUP), PATIENCE_S
                )
                assert (told.ok, told.changed) == (True, (action,))
            ended = await desk.end()
            spoken = open_tape(desk.tape).event_rows()
            spoken = spoken["quantity"][spoken["kind"] == ev.OPERATOR].tolist()
            assert spoken == [breaker.PAUSE, breaker.RESUME, breaker.STAND_DOWN]
            assert (ended.alarms, held(client)) == (0, 50), desk.said
            assert replay_desk_tape(desk.tape) == ended.command_hash
            with pytest.raises(Complaint, match="a desk at rest"):
                reloading.alive_in(desk.request.folder)

    asyncio.run(live())
    deeds = [(deed.what, deed.target) for deed in read(audit_path(place)).records]
    assert deeds == [(f"config {word}", "sandbox-told") for word in ("reloaded", "refused", "refused", "reloaded")]


def test_new_code_takes_over_working_orders_and_none_is_lost_or_doubled(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "busy_maker.py"
    shutil.copy(Path(__file__).parents[2] / "busy_maker.py", file)
    address = f"{file}:BusyMaker"

    async def live() -> None:
        async with sandbox_client() as client:

            def orders() -> list[Any]:
                return [order for order in client.sandbox.service.state.orders.values() if order.link_id]

            old = Running(client, "busy", 10, address=address, keep_orders=True)
            rehearse(old.request)
            old.begin()
            await until(lambda: old.kinds.get(ev.FILL) and any(order.is_resting for order in orders()), old)
            await old.end()
            left = {order.link_id for order in orders() if order.is_open}
            assert left

            file.write_text(file.read_text().replace("self.memory.timers % 3", "self.memory.timers % 4"))
            new = Running(client, "busy", 10, address=address).begin()
            await until(lambda: new.kinds.get(ev.PLACE), new)
            ended = await new.end()
            assert (ended.alarms, ended.still_open) == (0, 0), new.said
            names = [order.link_id for order in orders()]
            assert len(names) == len(set(names))
            assert not any(order.is_open for order in orders())
            placed = set()
            ids = desk_folder.ids_of("busy", open_tape(new.tape).event_rows())
            for tape in (new.request.folder / "earlier" / "1" / "desk.tape", new.tape):
                rows = open_tape(tape).event_rows()
                numbers = rows["quantity"][1:][rows["kind"][:-1] == ev.PLACE].tolist()
                assert not placed & set(numbers)
                placed |= set(numbers)
            assert {ids.number(name) for name in names} <= placed
            assert replay_desk_tape(new.tape) == ended.command_hash

    asyncio.run(live())


def test_limits_of_the_account_act_at_a_venue_one_phantom_tick_does_not(place: Path) -> None:
    limits = ("account.move_max_frac=0.05", "account.day_loss_pause_frac=0.001", "account.drawdown_half_frac=0.001")

    async def live() -> None:
        async with sandbox_client() as client:
            market(client, 50_000)
            desk = Running(client, "limits", 30, "", *limits, bars="1s")
            rehearse(desk.request)
            desk.begin()
            await until(lambda: held(client) == 30, desk)
            for _ in range(3):
                await asyncio.sleep(1.1)
                trade_at(client, 50_010)
            trade_at(client, 40_000)  # a print that no book knows
            trade_at(client, 50_010)
            await asyncio.sleep(1.5)
            assert desk.causes == []
            market(client, 46_000)

            def fallen() -> bool:
                trade_at(client, 46_000)
                causes = 0
                for one in desk.causes:
                    causes |= one
                return bool(
                    causes & restraint.BY_EXTREME and causes & restraint.BY_DAY_LOSS and causes & restraint.BY_HALF
                )

            await until(fallen, desk)
            before = desk.kinds[ev.PLACE]
            await asyncio.sleep(0.5)
            ended = await desk.end()
            assert desk.kinds[ev.PLACE] == before  # nothing that adds risk left
            assert held(client) == 30
            assert replay_desk_tape(desk.tape) == ended.command_hash

    asyncio.run(live())


def test_answers_that_come_late_stop_new_risk_and_are_noted(place: Path) -> None:
    limits = ("account.latency_slow_ms=500", "account.latency_late_ms=1000")
    busy = f"{Path(__file__).parents[2] / 'busy_maker.py'}:BusyMaker"

    async def live() -> None:
        async with sandbox_client() as client:
            late = Fault(kind="delay", where="order", delay_ms=1_500)
            client.sandbox.faults.load(Scenario(seed=1, fault=[late]), asyncio.get_running_loop().time())
            desk = Running(client, "late", 10, "", *limits, address=busy)
            rehearse(desk.request)
            desk.begin()
            await until(lambda: any(one & restraint.BY_LATE for one in desk.causes), desk)
            client.sandbox.faults.load(Scenario(), asyncio.get_running_loop().time())
            ended = await desk.end()
            assert ended.alarms == 0, desk.said
            assert replay_desk_tape(desk.tape) == ended.command_hash

    asyncio.run(live())
