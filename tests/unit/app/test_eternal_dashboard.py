"""What a board may ask of a portfolio, through a real socket: the picture, the lines, the months."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from quintet.app import eternal_dashboard
from quintet.app.eternal_dashboard import KEPT_LINES, LINES_MAX, Dashboard
from quintet.app.eternal_lines import MAIN, Told, Watched
from quintet.app.eternal_standing import Standing, SubAccountPlace, standing_of
from quintet.core import state as s
from quintet.core.engine.money_rules import MarginRules
from quintet.core.errors import ConfigError
from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.research.conductor_tape import Conducting
from quintet.research.eternal_conductor import Conductor
from quintet.research.eternal_run import seen_of, with_earn
from quintet.research.sub_accounts import SubAccountBooks
from quintet.research.told_desk import told_world
from quintet.runtime.bus import Bus
from quintet.runtime.live_desk import ALARM, NOTICE, Said
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import CORE, FUNDING
from quintet.systems.eternal.said import Order
from tests.eternal_market import BTC, BTC_PERP, ETH, ETH_PERP, USDT

MARKETS = (BTC, ETH, BTC_PERP, ETH_PERP)
PRICES = (30_000, 20_000, 30_010, 20_000)
IDS = ClientIds("main", 5)
LIFE_NS = 1_767_225_600_000_000_000


def books(name: str, cash: int) -> SubAccountBooks:
    found = SubAccountBooks(name, MARKETS, told_world(MARKETS, MarginRules(), 5_000_000))
    desk: Any = found.world.desk[0]
    desk.ledger[s.DESK_BOOK, found.asset_number("USDT")] = cash * USDT
    for n, price in enumerate(PRICES):
        market = desk.shown.market[n]
        market.bid, market.ask, market.last = price - 1, price + 1, price
    return found


def picture() -> Standing:
    """CORE holds a coin, has two in the Earn product and an order that rests; FUNDING is paused, and short."""
    conducting = Conducting(Conductor(EternalConfig(), MARKETS, (CORE, FUNDING), ("BTC",)))
    conductor = conducting.conductor
    conducting.decided_ns = LIFE_NS
    core, funding = books(CORE, 1_000), books(FUNDING, 6_000)
    held: Any = core.world.desk[0].shown.account[0]
    held.lots, held.held, held.cost = 100_000, 10**8, 29_000 * USDT
    short: Any = funding.world.desk[0].shown.account[2]
    short.lots, short.cost = -10_000, -3_000 * USDT
    desk: Any = core.world.desk[0]
    desk.slots_used = 2
    order = desk.orders[1]
    order.status, order.instrument, order.side, order.style = lifecycle.OPEN, 1, -1, lifecycle.POST_ONLY
    order.price, order.lots, order.filled, order.number = 20_500, 5_000, 1_000, 77 * 256
    sale = Order(instrument="ETH", side=-1, lots=5_000, style="maker", rule="rebalance", price=20_500)
    conductor.working[CORE] = (sale,)
    risk = conductor.portfolio.risk
    paused = type(risk)(paused=frozenset((FUNDING,)), high=50_000 * USDT)
    conductor._change(risk=paused)
    away = 2 * 10**8
    places = {
        CORE: SubAccountPlace(core, with_earn(seen_of(conductor, core), "ETH", away), True, 3, IDS, away),
        FUNDING: SubAccountPlace(funding, seen_of(conductor, funding), False, 0, IDS),
    }
    return standing_of("main", "sandbox", LIFE_NS + 1, conducting, places)


class Asked:
    """A board on a port, its bus, and a client."""

    def __init__(self, board: Dashboard, watched: Watched, bus: Bus[Told], client: httpx.AsyncClient, port: int):
        self.board, self.watched, self.bus, self.client, self.port = board, watched, bus, client, port

    async def json(self, path: str) -> Any:
        return (await self.client.get(path)).raise_for_status().json()

    async def tell(self, *told: Told) -> None:
        for one in told:
            self.bus.publish(one)
        await asyncio.sleep(0.01)


def asked(folder: Path, story: Callable[[Asked], Awaitable[None]]) -> None:
    async def whole() -> None:
        watched = Watched()
        board = Dashboard(watched, folder, LIFE_NS)
        async with Bus[Told](lambda text: Told(MAIN, Said(0, NOTICE, text))) as bus, board.serving(0) as port:
            bus.subscribe(board.hear)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await story(Asked(board, watched, bus, client, port))

    asyncio.run(whole())


def line(n: int, kind: str = NOTICE) -> Told:
    return Told(CORE, Said(LIFE_NS + n, kind, f"line {n}"))


@pytest.mark.req("E-119")
def test_the_state_is_the_portfolio_as_it_stands_in_exact_decimals(tmp_path: Path) -> None:
    async def story(of: Asked) -> None:
        of.watched.look = picture
        await of.tell(line(1), line(2, ALARM))
        state = await of.json("/state")
        assert (state["life_ns"], state["alarm_count"]) == (LIFE_NS, 1)
        assert [one["text"] for one in state["alarms"]] == ["line 2"]
        told = state["portfolio"]
        assert (told["desk"], told["world"], told["status"], told["equity_usdt"]) == (
            "main", "sandbox", "NORMAL", "40999.000000",
        )  # fmt: skip
        assert told["drawdown_frac"] == pytest.approx(-0.18002)
        assert told["last_decision"] == {"ts_ns": LIFE_NS, "time": "2026-01-01T00:00:00Z", "day": None}
        core, funding = told["sub_accounts"][CORE], told["sub_accounts"][FUNDING]
        assert (core["equity_usdt"], core["cash_usdt"]) == ("35000.000000", "1000.000000")
        assert core["weight_frac"] == pytest.approx(35_000 / 40_999)
        assert core["positions"] == [
            {"instrument": "BTC", "place": "account", "quantity": "1.00000000", "last_price": "30000",
             "value_usdt": "30000.000000"},
            {"instrument": "ETH", "place": "earn", "quantity": "2.00000000", "last_price": "2000.0",
             "value_usdt": "4000.000000"},
        ]  # fmt: skip
        assert core["open_orders"] == [
            {"client_id": IDS.of(77 * 256), "instrument": "ETH", "side": "sell", "style": "post-only",
             "price": "2050.0", "quantity": "0.5000", "filled": "0.1000", "reduce_only": False, "status": "open"}
        ]  # fmt: skip
        assert core["wanted"] == [
            {"instrument": "ETH", "side": "sell", "style": "maker", "price": "2050.0", "quantity": "0.5000",
             "rule": "rebalance"}
        ]  # fmt: skip
        assert (core["engine"], core["joined"], core["compared"]) == ("running", True, 3)
        assert (funding["engine"], funding["mode"], funding["joined"]) == ("paused", "normal", False)
        [short] = funding["positions"]
        assert (short["quantity"], short["value_usdt"]) == ("-0.10000", "-3001.000000")
        assert funding["equity_usdt"] == "5999.000000"

    asked(tmp_path, story)


def test_a_portfolio_that_waits_for_its_venue_has_no_picture_but_its_alarms(tmp_path: Path) -> None:
    async def story(of: Asked) -> None:
        await of.tell(line(1, ALARM))
        state = await of.json("/state")
        assert (state["portfolio"], state["alarm_count"]) == (None, 1)

    asked(tmp_path, story)


@pytest.mark.req("E-119")
def test_lines_are_asked_for_from_a_number_on_and_each_is_told_once(tmp_path: Path) -> None:
    async def story(of: Asked) -> None:
        await of.tell(line(1), line(2)._replace(note="tranche"))
        first = await of.json("/lines")
        assert first["lines"][0]["note"] == ""
        assert first["lines"][1] == {
            "number": 2, "ts_ns": LIFE_NS + 2, "time": "2026-01-01T00:00:00Z", "kind": "notice",
            "sub_account": CORE, "note": "tranche", "text": "line 2",
        }  # fmt: skip
        assert (first["next"], first["lost"]) == (2, 0)
        await of.tell(line(3))
        [new] = (await of.json(f"/lines?after={first['next']}"))["lines"]
        assert new["text"] == "line 3"
        nothing = await of.json("/lines?after=3")
        assert (nothing["lines"], nothing["next"]) == ([], 3)

    asked(tmp_path, story)


def test_long_answers_are_cut_and_what_is_kept_no_more_is_counted(tmp_path: Path) -> None:
    async def story(of: Asked) -> None:
        for n in range(1, KEPT_LINES + 6):
            await of.board.hear(line(n))
        told = await of.json("/lines?after=2")
        assert (len(told["lines"]), told["lost"]) == (LINES_MAX, 3)
        assert (told["lines"][0]["number"], told["next"]) == (6, LINES_MAX + 5)

    asked(tmp_path, story)


@pytest.mark.req("E-119")
def test_months_are_the_reports_in_the_folder_oldest_first(tmp_path: Path) -> None:
    async def story(of: Asked) -> None:
        assert await of.json("/months") == {"months": []}
        (tmp_path / "reports").mkdir()
        for month in ("2026-02", "2026-01"):
            (tmp_path / "reports" / f"{month}.txt").write_text(f"{month}: 31 daily cycles\n")
        (tmp_path / "reports" / "2026-01.mailed").touch()
        assert await of.json("/months") == {
            "months": [
                {"month": "2026-01", "report": "2026-01: 31 daily cycles\n"},
                {"month": "2026-02", "report": "2026-02: 31 daily cycles\n"},
            ]
        }

    asked(tmp_path, story)


@pytest.mark.req("E-119")
def test_a_reader_that_hangs_holds_up_neither_the_bus_nor_another_reader(tmp_path: Path) -> None:
    async def story(of: Asked) -> None:
        for n in range(1, LINES_MAX + 1):
            await of.board.hear(Told(CORE, Said(n, NOTICE, "long " * 1_000)))
        hanging = []
        for _ in range(5):  # they ask for megabytes and read nothing of it
            reader, writer = await asyncio.open_connection("127.0.0.1", of.port)
            writer.write(b"GET /lines HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 3)
            await writer.drain()
            hanging.append((reader, writer))
        half, half_writer = await asyncio.open_connection("127.0.0.1", of.port)
        half_writer.write(b"GET /state HT")
        async with asyncio.timeout(2.0):
            for n in range(100):
                of.bus.publish(line(n))
            while (await of.json("/lines?after=1000"))["next"] != LINES_MAX + 100:
                await asyncio.sleep(0.01)
        for _, writer in (*hanging, (half, half_writer)):
            writer.transport.abort()

    asked(tmp_path, story)


def test_the_end_does_not_wait_for_a_reader_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eternal_dashboard, "GOODBYE_S", 0.1)

    async def whole() -> None:
        board = Dashboard(Watched(), tmp_path, LIFE_NS)
        for n in range(1, LINES_MAX + 1):
            await board.hear(Told(CORE, Said(n, NOTICE, "long " * 1_000)))
        async with asyncio.timeout(5.0):
            async with board.serving(0) as port:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /lines HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                await asyncio.sleep(0.1)
            writer.transport.abort()
            await asyncio.sleep(0.01)

    asyncio.run(whole())


def test_whoever_asks_all_the_time_is_shown_the_same_picture_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eternal_dashboard, "LOOKED_S", 600.0)
    made = []

    def look() -> Standing:
        made.append(1)
        return picture()

    async def story(of: Asked) -> None:
        of.watched.look = look
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(of.json("/state"))

    asked(tmp_path, story)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("POST", "/state", {}, 405),
        ("PUT", "/lines", {}, 405),
        ("DELETE", "/months", {}, 405),
        ("GET", "/orders", {}, 404),
        ("GET", "/lines?after=-1", {}, 400),
        ("GET", "/lines?after=many", {}, 400),
        ("GET", "/lines?after=99999999999999999999", {}, 400),
        ("GET", "/state", {"Host": "evil.example.com"}, 403),
        ("GET", "/state", {"Host": "127.0.0.1.example.com:80"}, 403),
        ("GET", "/state", {"Host": "localhost:1"}, 200),
    ],
)
def test_nothing_can_be_set_and_only_this_machine_s_name_is_answered(
    method: str, path: str, headers: dict[str, str], expected: int, tmp_path: Path
) -> None:
    async def story(of: Asked) -> None:
        answer = await of.client.request(method, path, headers=headers)
        assert answer.status_code == expected
        assert answer.headers["content-type"].startswith("application/json")
        assert "access-control-allow-origin" not in answer.headers
        assert ("error" in json.loads(answer.content)) == (expected != 200)

    asked(tmp_path, story)


def test_it_listens_on_this_machine_alone_and_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async def story(of: Asked) -> None:
        again = Dashboard(Watched(), tmp_path, LIFE_NS)
        with pytest.raises(ConfigError, match=f"--api {of.port}: expected a free port on 127.0.0.1"):
            async with again.serving(of.port):
                raise AssertionError("nobody may listen")
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.2", of.port)

    asked(tmp_path, story)
