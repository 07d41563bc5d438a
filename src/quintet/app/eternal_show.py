"""`quintet desk show` of a portfolio: how it stands by its tapes, alive or at rest, and what waits for a person."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from quintet.app import desk_folder
from quintet.app.eternal_earn import PREFIX
from quintet.app.eternal_operator import state_of, waits_of
from quintet.app.eternal_parity import Relived, replay_portfolio, written_in
from quintet.app.eternal_standing import Standing, SubAccountPlace, standing_of
from quintet.app.eternal_trading import CONDUCTOR, instruments_of
from quintet.app.eternal_words import Units, counted, note_words, percent
from quintet.app.messages import say, say_json
from quintet.app.wiring import clock
from quintet.research.eternal_run import seen_of, with_earn
from quintet.research.told_desk import Moved, words_on
from quintet.storage.tape_files import is_being_written
from quintet.systems.eternal.config import CORE
from quintet.systems.eternal.core_hodl import STAKED
from quintet.systems.eternal.dates import date_of
from quintet.venues.bybit.listing import Listing

OF_A_LIFE: Final = ("joined", "compared")
"""What of a sub-account no tape knows."""


class Shown(NamedTuple):
    """How a portfolio stands, and of each sub-account what it noted last, with the day it is of."""

    standing: Standing
    noted: Mapping[str, str]


def show(folder: Path, shown: Shown, as_json: bool) -> None:
    """Print how a portfolio stands."""
    is_alive = is_being_written(folder / CONDUCTOR / desk_folder.TAPE)
    if as_json:
        say_json({"ok": True, "desk": folder.name, "alive": is_alive, "portfolio": _told(shown)})
        return
    for line in lines_of(folder.name, shown, is_alive):
        say(line)


def shown_on_tapes(folder: Path) -> Shown:
    """After the last event on its tapes; one that is alive may go on meanwhile. Raises as `replay_portfolio` does."""
    notes = written_in(folder / CONDUCTOR).notes
    relived = replay_portfolio(folder, reads=written_in)
    conductor = relived.conducting.conductor
    places = {name: _place(relived, folder, name, notes["desk"]) for name in relived.books}
    units = Units(conductor.names, Listing(instruments_of(notes)))
    noted = {said.account: f"{date_of(day)}: {note_words(said, units)}" for day, said in conductor.log if said.account}
    now_ns = int(clock().timestamp() * 1e9)
    return Shown(standing_of(notes["desk"], notes["world"], now_ns, relived.conducting, places), noted)


def _place(relived: Relived, folder: Path, name: str, desk: str) -> SubAccountPlace:
    rows, books = written_in(folder / name).rows, relived.books[name]
    seen, away = seen_of(relived.conducting.conductor, books), 0
    if name == CORE:
        moved = [word for word in words_on(rows) if isinstance(word, Moved) and word.key.startswith(PREFIX)]
        away = max(-sum(word.quanta for word in moved), 0)
        seen = with_earn(seen, STAKED, away)
    return SubAccountPlace(books, seen, False, 0, desk_folder.ids_of(desk, rows), away)


def lines_of(name: str, shown: Shown, is_alive: bool) -> list[str]:
    """What a person reads."""
    standing, decided = shown.standing, shown.standing.last_decision
    lines = [
        f"portfolio   {name}, {'alive' if is_alive else 'at rest'}",
        f"equity      {Decimal(standing.equity_usdt):,.2f} USDT, {percent(standing.drawdown_frac)} below its high",
        f"market      {standing.regime}, status {standing.status}",
        f"decided     {decided.time if decided else 'nothing yet'}, {counted(standing.cycles, 'daily cycle')}",
    ]
    for account, one in standing.sub_accounts.items():
        orders = counted(len(one.open_orders), "order")
        lines.append(f"{account:<11} {Decimal(one.equity_usdt):>14,.2f} USDT, {state_of(one)}, {orders} open")
        lines.append(f"{'':<11} noted {shown.noted.get(account, 'nothing yet')}")
    return [*lines, *(f"waits       {line}" for line in waits_of(standing))]


def _told(shown: Shown) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(shown.standing)
    for name, one in told["sub_accounts"].items():
        one["noted"] = shown.noted.get(name)
        for unknown in OF_A_LIFE:
            del one[unknown]
    return told
