"""A portfolio's tapes once more, from their files alone: the same commands, the same words, or an error."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from quintet.app import desk_folder
from quintet.app.eternal_desk import relived_books
from quintet.app.eternal_trading import CONDUCTOR, conducted, instruments_of
from quintet.app.messages import say, say_json
from quintet.core.digest import command_hash
from quintet.core.errors import Damaged, DataError
from quintet.research.conductor_tape import Conducting
from quintet.research.eternal_conductor import Conductor
from quintet.research.eternal_run import Costs
from quintet.research.sub_accounts import SubAccountBooks
from quintet.storage.tape_files import open_tape
from quintet.systems.eternal.config import ACCOUNTS, EternalConfig


class Relived(NamedTuple):
    """What the tapes say: the conductor at their end, and the books of each sub-account."""

    conducting: Conducting
    books: dict[str, SubAccountBooks]

    @property
    def command_hashes(self) -> dict[str, str]:
        """Of every sub-account's approved commands."""
        return {name: command_hash(books.world.desk[0]) for name, books in self.books.items()}


def portfolio_folder(name: str, desks: Path) -> Path | None:
    """The folder of a portfolio by its name, with or without its world, or by its path; None where there is none."""
    places = (desks / name, *sorted(desks.glob(f"*-{name}")), Path(name))
    return next((place for place in places if (place / CONDUCTOR / desk_folder.TAPE).exists()), None)


def say_parity(folder: Path, as_json: bool) -> None:
    """Live a portfolio's tapes once more and print what they gave; raises what `replay_portfolio` raises."""
    relived = replay_portfolio(folder)
    told = {"ok": True, "desk": folder.name, "words": relived.conducting.count, "commands": relived.command_hashes}
    if as_json:
        say_json(told)
        return
    say(f"{folder.name}: {relived.conducting.count} events of the conductor are answered as they were")
    for name, found in relived.command_hashes.items():
        say(f"  {name:<9} equal    commands {found}")


class Written(NamedTuple):
    """What stands on a tape now, read without holding up whoever writes it."""

    notes: Mapping[str, str]
    rows: Any


def written_in(folder: Path) -> Written:
    """The same as a desk's past, for those who only look; raises TapeError for a tape that is damaged."""
    path = folder / desk_folder.TAPE
    try:
        tape = open_tape(path)
    except Damaged:  # what became durable while it was mapped is no damage
        tape = open_tape(path)
    return Written(tape.meta.notes, tape.event_rows())


Reads = Callable[[Path], Any]
"""Reads the tape of a folder: its `notes`, and its `rows`."""


def replay_portfolio(folder: Path, costs: Costs | None = None, reads: Reads = desk_folder.required_past) -> Relived:
    """Live all tapes of a portfolio again, without its checkpoints; raises TapeError where one says otherwise."""
    past = reads(folder / CONDUCTOR)
    instruments = instruments_of(past.notes)
    try:
        config = msgspec.json.decode(past.notes["parameters"], type=EternalConfig)
    except msgspec.MsgspecError as error:
        raise DataError(f"{folder / CONDUCTOR}: parameters: {error}, expected those of a portfolio") from None
    assets = tuple(one.base_asset for one in instruments if one.kind == "spot")
    conducting = Conducting(Conductor(config, instruments, tuple(ACCOUNTS), assets))
    conducted(conducting, past.rows, folder / CONDUCTOR)
    books = {name: relived_books(name, instruments, costs or Costs(), reads(folder / name).rows) for name in ACCOUNTS}
    return Relived(conducting, books)
