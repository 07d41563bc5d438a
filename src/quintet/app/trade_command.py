"""`quintet trade SYSTEM --world paper|sandbox|live`: the flags, the first screen, a line for each event, the summary.

Exit codes: 0 it was stopped and nothing is open or unknown; 1 it was stopped, and something is left for a person to
look at (an alarm, an order that is not known to be over); 2 it could not begin; 3 our own fault.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from quintet.app.backtest_command import MARKET, RUN, AsJson, ConfigFile, Sets, SystemName
from quintet.app.messages import Complaint, did_you_mean, fail, note, progress

if TYPE_CHECKING:
    from quintet.app.config import Config
    from quintet.app.desk_facts import FactAccess
    from quintet.ports.key_store import Credential
    from quintet.research.systems import KernelSystem

WORLDS: Final = ("paper", "sandbox", "live")
CATEGORIES: Final = ("spot", "linear")
World = Annotated[
    str,
    typer.Option(
        "--world", metavar="NAME", help="paper, sandbox (an exchange of one's own) or live.", rich_help_panel=RUN
    ),
]
Desk = Annotated[
    str,
    typer.Option("--desk", metavar="NAME", help="Its name, 1 to 8 small letters and digits.", rich_help_panel=RUN),
]
Symbol = Annotated[str, typer.Option(help="Instrument, e.g. BTCUSDT.", rich_help_panel=MARKET)]
Category = Annotated[str, typer.Option(metavar="NAME", help="spot or linear.", rich_help_panel=MARKET)]
Interval = Annotated[str, typer.Option(help="Bars of decisions, made from trades: 1s to 12h.", rich_help_panel=MARKET)]
LtfInterval = Annotated[str, typer.Option(help="Bars of upkeep and measures, else the same.", rich_help_panel=MARKET)]
KeyName = Annotated[
    str, typer.Option("--key", metavar="NAME", help="Which key to trade with; see quintet keys.", rich_help_panel=RUN)
]
SandboxFile = Annotated[
    Path | None,
    typer.Option(
        "--sandbox",
        metavar="FILE",
        help="The line that quintet sandbox --json has printed: where it is and its key.",
        rich_help_panel=RUN,
    ),
]
For = Annotated[
    str,
    typer.Option("--for", metavar="TIME", help="How long: 90s, 30m, 1h ...; else until Ctrl-C.", rich_help_panel=RUN),
]
KeepOrders = Annotated[
    bool, typer.Option("--keep-orders", help="Leave working orders at the venue when it stops.", rich_help_panel=RUN)
]
Account = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Share the key's account with other desks, under the same name for each; else it is this desk's alone.",
        rich_help_panel=RUN,
    ),
]
RecvWindow = Annotated[
    int,
    typer.Option(min=500, max=60_000, help="ms after which the venue takes a request no more.", rich_help_panel=RUN),
]
FactKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--fact-key",
        metavar="SOURCE=NAME",
        help="A key for facts that the system reads, e.g. glassnode=chain.",
        rich_help_panel=RUN,
    ),
]
ApiPort = Annotated[
    int | None,
    typer.Option(
        "--api",
        metavar="PORT",
        min=0,
        max=65_535,
        help="eternal: answer a board of this machine on a port of 127.0.0.1, read-only; 0: any free one.",
        rich_help_panel=RUN,
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="Every note of the system, not its headlines alone.")]


def trade(
    system: SystemName,
    world: World,
    symbol: Symbol = "BTCUSDT",
    category: Category = "spot",
    interval: Interval = "5m",
    ltf_interval: LtfInterval = "",
    desk: Desk = "main",
    key: KeyName = "",
    sandbox: SandboxFile = None,
    fact_keys: FactKeys = None,
    how_long: For = "",
    keep_orders: KeepOrders = False,
    account: Account = "",
    recv_window_ms: RecvWindow = 5_000,
    config: ConfigFile = None,
    sets: Sets = None,
    everything: Everything = False,
    api: ApiPort = None,
    as_json: AsJson = False,
) -> None:
    """Trade: the system that was backtested, on a venue.

    What it hears and decides is on its desk tape. Stopped or killed, it comes back as it was, asks the venue what it
    missed, and goes on; nothing is sent twice. Ctrl-C takes back its orders and stops.
    """
    import asyncio
    import gc
    from typing import cast

    if system == "eternal":
        given: dict[str, object] = {
            "--category": category != "spot",
            "--symbol": symbol != "BTCUSDT",
            "--interval": interval != "5m",
        }
        given |= {"--ltf-interval": ltf_interval, "--fact-key": fact_keys, "--keep-orders": keep_orders}
        given |= {"--account": account, "--set": sets, "--all": everything, "--key": key if world == "paper" else ""}
        refused = [name for name, value in given.items() if value]
        _trade_eternal(world, desk, key, sandbox, how_long, config, recv_window_ms, as_json, refused, api)
        return
    if api is not None:
        raise Complaint("a board of one desk", where="--api", found=system, expected="eternal; else quintet desk show")

    from quintet.app.bybit_desk import Address
    from quintet.app.config import find_system, load
    from quintet.app.flags import duration_s
    from quintet.app.paper_trading import paper
    from quintet.app.paper_trading import rehearse as rehearse_paper
    from quintet.app.shared_account import require_held_together
    from quintet.app.trade_lines import Teller
    from quintet.app.trading import TradeRequest, WorldName, rehearse
    from quintet.app.trading import trade as bring_to_life
    from quintet.core.orders.client_ids import ClientIds
    from quintet.storage.kill_file import KillFile
    from quintet.storage.workspace import workspace
    from quintet.venues.bybit.sign import ApiKey

    found = find_system(system)
    loaded = load(config, sets or (), [], found)
    require_held_together(loaded.account, account)
    _one_of(world, WORLDS, "--world")
    _one_of(category, CATEGORIES, "--category")
    _require_tradable(found, category)
    ClientIds(desk, 0)
    structure, fills = _timeframes(interval, ltf_interval)
    if world == "live":
        _require_permit(found.name, loaded)
    credential = _credential(world, key, sandbox) if world != "paper" else None
    url = credential.at if credential is not None else _of_sandbox(sandbox).at if sandbox is not None else ""

    def read_again() -> "Config":
        wanted = load(config, sets or (), [], found)
        require_held_together(wanted.account, account)
        if world == "live":
            _require_permit(found.name, wanted)
        return wanted

    request = TradeRequest(
        system=found,
        config=loaded,
        world=cast(WorldName, world),
        desk=desk,
        address=Address(category, symbol, url, recv_window_ms),
        structure=structure,
        fills=fills,
        folder=workspace().desks / f"{world}-{desk}",
        seconds=duration_s(how_long, "--for") if how_long else None,
        keep_orders=keep_orders,
        account=account,
        read_again=read_again,
        facts=_fact_access(found, fact_keys or (), credential, url),
    )
    teller = Teller(request, everything, as_json)
    if credential is None:
        with progress("compiling the desk (once)"):
            rehearse_paper(request)
        ended = asyncio.run(paper(request, teller.tell()))
    else:
        with progress("compiling the desk (once)"):
            rehearse(request)
        gc.freeze()  # to look for garbage among all that the compiler keeps takes a third of a second
        api_key = ApiKey(credential.key.reveal(), credential.secret.reveal())
        ended = asyncio.run(bring_to_life(request, api_key, teller.tell(), KillFile(workspace().root).engaged))
    ended.run = _write_run(request.folder)
    teller.end(ended)
    if ended.alarms or (ended.still_open and credential is not None and not keep_orders):
        fail()


def _trade_eternal(
    world: str, desk: str, key: str, sandbox: Path | None, how_long: str, config: Path | None, recv_window_ms: int,
    as_json: bool, refused: Sequence[str], api_port: int | None,
) -> None:  # fmt: skip
    """The eternal engine is five desks: it has a command of its own behind this one."""
    from quintet.app import eternal_command, eternal_trade_command
    from quintet.app.flags import duration_s
    from quintet.core.orders.client_ids import ClientIds
    from quintet.storage.kill_file import KillFile
    from quintet.storage.workspace import workspace

    _one_of(world, WORLDS, "--world")
    if world == "live":
        raise Complaint(
            "a world that eternal does not trade in", where="--world", found=world, expected="paper or sandbox"
        )
    ClientIds(desk, 0)
    told = eternal_command.read_file(config)
    credential = _credential(world, key, sandbox) if world == "sandbox" else None
    market_url = _of_sandbox(sandbox).at if credential is None and sandbox is not None else ""
    eternal_trade_command.run(
        told, credential, market_url, desk,
        workspace().desks / f"{world}-{desk}", duration_s(how_long, "--for") if how_long else None, recv_window_ms,
        KillFile(workspace().root).engaged, as_json, refused, api_port,
    )  # fmt: skip


def _write_run(folder: Path) -> str:
    """Write the run of what was lived so far, for the register of stages; returns its id, empty when there is none."""
    from quintet.app.desk_runs import write_run
    from quintet.app.wiring import clock
    from quintet.core.errors import QuintetError
    from quintet.storage.workspace import workspace

    try:
        with progress("writing the run of this desk"):
            return write_run(folder, workspace(), clock()).name
    except QuintetError as error:
        note(f"no run was written: {error}")
        return ""


def _fact_access(
    system: "KernelSystem", written: Sequence[str], credential: "Credential | None", url: str
) -> "FactAccess":
    """How facts of a system are asked for; a sandbox speaks for the venue. Raises Complaint where a key is missing."""
    from quintet.app.desk_facts import FactAccess, asked_of, require_access
    from quintet.app.flags import named_pairs
    from quintet.app.key_stores import read_key

    keys = {source: read_key(name) for source, name in named_pairs("--fact-key", written).items()}
    if credential is not None:
        keys.setdefault("bybit", credential)
    access = FactAccess(keys, {"bybit": url} if url else {})
    require_access(system.facts, access)
    for name in sorted({*system.facts} - {*asked_of(system.facts)}):
        note(f"no source is asked for {name}: there will be no data of it")
    return access


def _require_tradable(system: "KernelSystem", category: str) -> None:
    """Raise Complaint for what is not traded here."""
    if system.name == "structure_mm" and category != "spot":
        raise Complaint(
            "a system for spot", where="--category", found=category, expected="spot: structure_mm is never short"
        )


def _require_permit(system: str, config: "Config") -> None:
    """Raise Complaint unless the stages before live are proven for this code and these parameters."""
    from quintet.app.stages_commands import live_permit

    permit = live_permit(system, config)
    if not permit.allowed:
        raise Complaint(
            "no permit to trade live", where="--world", found=f"live; {'; '.join(permit.missing)}",
            expected="every stage before it proven, for this code and these parameters: quintet stages permit",
        )  # fmt: skip
    capital = config.execution.initial_quote
    if permit.capital_max is not None and capital > permit.capital_max:
        raise Complaint(
            "more capital than is proven", where="execution.initial_quote", found=f"{capital:f}",
            expected=f"{permit.capital_max:f} at most",
        )  # fmt: skip
    for reason in permit.missing:
        note(f"not proven, and let pass by {permit.override}: {reason}")


def _credential(world: str, name: str, sandbox: Path | None) -> "Credential":
    """The key to trade with and where; raises Complaint for one that is not of this world."""
    from quintet.app.key_stores import read_key
    from quintet.app.venue_access import require_key_of

    if (sandbox is None) == (not name):
        raise Complaint(
            "which key?", where="--key, --sandbox", found="both" if name else "none",
            expected="--key NAME, or in the world sandbox --sandbox FILE",
        )  # fmt: skip
    credential = read_key(name) if sandbox is None else _of_sandbox(sandbox)
    require_key_of(credential, "bybit")
    if (world == "sandbox") != bool(credential.at):
        raise Complaint(
            "a key of another world", where="--key, --sandbox", found=f"one of {credential.at or 'the venue itself'}",
            expected="a key of a sandbox" if world == "sandbox" else "a key of the venue itself",
        )  # fmt: skip
    return credential


def _of_sandbox(path: Path) -> "Credential":
    """Where a sandbox is and its key, from the line it has printed; raises Complaint."""
    from quintet.app.sandbox_line import sandbox_credential

    try:
        return sandbox_credential(path)
    except (OSError, ValueError):
        raise Complaint(
            "not what a sandbox says", where=str(path), found="something else",
            expected="the first line of quintet sandbox --json",
        ) from None  # fmt: skip


def _one_of(found: str, known: tuple[str, ...], where: str) -> None:
    if found not in known:
        raise Complaint(
            "unknown name",
            where=where,
            found=found,
            expected=f"one of {', '.join(known)}",
            hint=did_you_mean(found, known),
        )


def _timeframes(interval: str, lower: str) -> tuple[str, str]:
    """Names of the two timeframes; raises Complaint."""
    from quintet.app.flags import timeframe
    from quintet.core.events import SECOND_TIMEFRAMES

    def named(written: str, where: str) -> str:
        return written if written in SECOND_TIMEFRAMES else timeframe(written, where) or ""

    structure = named(interval, "--interval")
    return structure, named(lower, "--ltf-interval") or structure
