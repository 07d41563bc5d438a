"""`quintet trade eternal`: keys for its sub-accounts, a line for what happens, the summary."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from quintet.app.bybit_desk import opened
from quintet.app.eternal_alerts import listening
from quintet.app.eternal_command import Alerts, EternalFile
from quintet.app.eternal_dashboard import HOST, Dashboard
from quintet.app.eternal_facts import NAMES
from quintet.app.eternal_lines import MAIN, Hears, Told, Watched
from quintet.app.eternal_trading import Ended, EternalRequest, trade_eternal
from quintet.app.key_stores import read_key
from quintet.app.machine import MACHINE
from quintet.app.messages import Complaint, fail, say, say_json_line
from quintet.app.paper_exchange import paper_exchange, paper_instruments
from quintet.ports.gateway import Brake
from quintet.runtime.lines import clock_text
from quintet.runtime.live_desk import NOTICE, Said
from quintet.systems.eternal.config import CORE, FUNDING, NAME, TACTICAL, TREND_1, TREND_2
from quintet.venues.bybit.daily_market import DailyMarket
from quintet.venues.bybit.family import keys_of
from quintet.venues.bybit.sign import ApiKey

if TYPE_CHECKING:
    from quintet.ports.key_store import Credential

USERNAMES: Final = {CORE: "core0", TREND_1: "trend1", TREND_2: "trend2", FUNDING: "fund0", TACTICAL: "tactic0"}
"""Behind the desk's name: the venue wants letters and digits, 16 at most."""

NAME_WIDTH: Final = 9
KIND_WIDTH: Final = 7


def run(
    told: EternalFile, credential: "Credential | None", market_url: str, desk: str, folder: Path, seconds: float | None,
    recv_window_ms: int, brake: Brake, as_json: bool, refused: Sequence[str], api_port: int | None = None,
) -> None:  # fmt: skip
    """Trade on the exchange that the key is of, which is a sandbox; without one on paper, on the market of an address.

    Raises Complaint.
    """
    if refused:
        raise Complaint(
            f"not for {NAME}", where="arguments", found=", ".join(refused),
            expected="--world, --sandbox or --key, --desk, --for, --config, --recv-window-ms, --api, --json",
        )  # fmt: skip
    request = EternalRequest(
        config=told.parameters, capital=Decimal(told.capital_usdt), world="sandbox", desk=desk, folder=folder,
        recv_window_ms=recv_window_ms, seconds=seconds,
    )  # fmt: skip
    teller = _Teller(told.alerts, brake, _json_line if as_json else _line, api_port)
    if credential is None:
        facts = () if market_url else tuple(NAMES)  # who speaks for the market speaks for nobody else
        request = replace(request, world="paper", market_url=market_url, facts=facts)
        ended = asyncio.run(_on_paper(request, teller))
    else:
        key = ApiKey(credential.key.reveal(), credential.secret.reveal())
        ended = asyncio.run(_traded(replace(request, url=credential.at), key, teller))
    _end(ended, as_json)
    if ended.alarms:
        fail()


class _Teller(NamedTuple):
    """Who is told, and who may stop it. `api_port`: where a board may ask, None: nowhere, 0: on any free one."""

    alerts: Alerts
    brake: Brake
    said: Hears
    api_port: int | None


async def _traded(request: EternalRequest, key: ApiKey, teller: _Teller) -> Ended:
    async def keys() -> Mapping[str, ApiKey]:
        return {MAIN: key, **await _sub_keys(request, key)}

    watched = Watched()
    async with AsyncExitStack() as stack:
        listeners = await stack.enter_async_context(
            listening(teller.alerts, request.desk, request.folder, read_key, watched)
        )
        if teller.api_port is not None:
            board = Dashboard(watched, request.folder, MACHINE.wall_ns())
            port = await stack.enter_async_context(board.serving(teller.api_port))
            listeners = (*listeners, board.hear)
            line = Said(MACHINE.wall_ns(), NOTICE, f"a board may ask at http://{HOST}:{port}/state")
            teller.said(Told(MAIN, line))
        return await trade_eternal(
            request, keys, teller.said, teller.brake, listeners=listeners, watched=watched
        )  # fmt: skip


async def _on_paper(request: EternalRequest, teller: _Teller) -> Ended:
    """The same on an exchange of its own, in this process, that shows what the market shows."""
    instruments = paper_instruments(request.assets)
    market = DailyMarket(instruments, request.market_url or "", MACHINE.fetch, MACHINE.in_thread)
    async with paper_exchange(request.folder / "exchange", market, instruments, request.capital) as (url, key):
        return await _traded(replace(request, url=url), key, teller)


async def _sub_keys(request: EternalRequest, key: ApiKey) -> Mapping[str, ApiKey]:
    """A new key of each sub-account, which are made where there are none."""
    names = {name: f"{request.desk}{word}" for name, word in USERNAMES.items()}
    async with opened(request.address, key) as main:
        made = await keys_of(main.rest, list(names.values()), f"{NAME} {request.desk}", (names[CORE],))
    return {name: made[username] for name, username in names.items()}


def _line(told: Told) -> None:
    said = told.line
    say(f"{clock_text(said.ts_ns)}  {said.kind:<{KIND_WIDTH}} {told.name:<{NAME_WIDTH}} {said.text}")


def _json_line(told: Told) -> None:
    said = told.line
    say_json_line({"ts_ns": said.ts_ns, "time": clock_text(said.ts_ns), "kind": said.kind, "sub_account": told.name,
                   "note": told.note, "text": said.text})  # fmt: skip


def _end(ended: Ended, as_json: bool) -> None:
    if as_json:
        equity = {name: f"{amount:f}" for name, amount in ended.equity.items()}
        say_json_line({"kind": "end", **ended._asdict(), "equity": equity})
        return
    for name, amount in ended.equity.items():
        say(f"{name:<{NAME_WIDTH}} {amount:>16.2f} USDT  books equal {ended.compared[name]} times  "
            f"commands {ended.command_hashes[name]}")  # fmt: skip
    say(f"cycles {ended.cycles}, transfers {ended.transfers}, alarms {ended.alarms}; kept in {ended.folder}")
