"""`quintet verify parity RUN`: a desk's tape lived once more; the same decisions, or the first one that is not.

Exit codes: 0 everything is equal; 1 something differs, and is explained; 2 no such desk, or a damaged tape.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from quintet.app.backtest_command import ConfigFile, Sets
from quintet.app.messages import fail, progress, say, say_json

if TYPE_CHECKING:
    from quintet.app.desk_names import DeskPlace
    from quintet.research.desk_parity import Departure, Lived
    from quintet.research.desk_replay import DeskRun

DeskName = Annotated[
    str, typer.Argument(metavar="RUN", help="A desk by its name, a run by its id, or a folder with a desk tape.")
]
Fills = Annotated[
    bool, typer.Option("--fills", help="Also compare its fills with simulated ones, order by order, cause by cause.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

_SHORT: Final = 16
_SAID: Final = {True: "equal", False: "DIFFERS", None: "untried"}


class Compared(NamedTuple):
    """One thing that was compared; `ok` is None for one that could not be tried."""

    name: str
    ok: bool | None
    detail: str


def parity(
    run: DeskName,
    fills: Fills = False,
    config: ConfigFile = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Live a desk's tape once more, offline: every command and the memory at every checkpoint must be the same.

    A paper desk is also run as a backtest of its market tape. The first difference is explained. With --fills also what
    it was really filled against what the simulator would have filled, every difference on its cause.
    """
    from quintet.app.desk_names import described, find_desk
    from quintet.app.eternal_parity import portfolio_folder, say_parity
    from quintet.app.fill_table import fill_lines, fills_of, told_fills
    from quintet.research.desk_replay import read_desk_run
    from quintet.storage.desk_parity import Parity, write_parity
    from quintet.storage.workspace import workspace

    portfolio = portfolio_folder(run, workspace().desks)
    if portfolio is not None:
        with progress(f"living through {portfolio.name} once more"):
            say_parity(portfolio, as_json)
        return
    place = find_desk(run, workspace())
    desk_run = read_desk_run(place.tape, str(place.path))
    with progress(f"living through {place.name} once more"):
        lived, compared = _compare(place, desk_run)
    ok = all(one.ok is not False for one in compared)
    comparison = None
    if fills:
        with progress("simulating the same decisions"):
            comparison = fills_of(place, desk_run, config, sets or ())
    if place.world != "backtest":
        differing = sum(one.ok is False for one in compared)
        residual = comparison.residual_bps if comparison is not None else None
        found = Parity(rows=place.tape.n_positions, unexplained=differing, residual_bps=residual)
        write_parity(place.folder, found)
    if as_json:
        told: dict[str, Any] = {"ok": ok, **described(place), "events": lived.positions, "commands": lived.commands}
        told |= {"hashes": {"commands": lived.command_hash, "state": lived.state_hash}}
        told["checks"] = [one._asdict() for one in compared]
        told["difference"] = lived.departure._asdict() if lived.departure is not None else None
        say_json(told | ({"fills": told_fills(comparison)} if comparison is not None else {}))
    else:
        _tell(place, lived, compared, ok)
        for line in fill_lines(comparison) if comparison is not None else ():
            say(line)
    if not ok:
        fail()


def _compare(place: "DeskPlace", run: "DeskRun") -> "tuple[Lived, list[Compared]]":
    """Everything that can be compared, one line each."""
    from quintet.app.trading import code_of
    from quintet.research.desk_parity import lived_again

    lived = lived_again(place.tape, run, place.checkpoints)
    code = code_of(run.system)
    compared = [_whole(place, lived), *_marks(lived)]
    compared += [Compared(f"checkpoint {name}", False, "cannot be read: it is damaged") for name in place.damaged]
    if lived.departure is None:
        compared += _from_checkpoints(place, run, lived, code)
        compared += _market(place, run, lived)
    recorded = place.tape.meta.notes.get("code", code)
    if recorded != code:
        compared.append(Compared("version", None, f"this desk was begun with {recorded}, this is {code}"))
    return lived, compared


def _whole(place: "DeskPlace", lived: "Lived") -> Compared:
    name = "every command from the first event on"
    if lived.departure is not None:
        return Compared(name, False, f"the event at position {lived.departure.position} decides differently")
    detail = f"{lived.commands:,} commands of {lived.positions:,} events, {_hashes(lived)}"
    if lived.unwritten:
        detail += f"; {lived.unwritten} more of the last event were never written, and so have never left"
    expected = place.recorded
    if expected and (expected["commands"], expected["state"]) != (lived.command_hash, lived.state_hash):
        return Compared(name, False, f"{detail}; the run wrote down commands {expected['commands'][:_SHORT]}")
    return Compared(name, True, detail)


def _marks(lived: "Lived") -> list[Compared]:
    found = []
    for mark in lived.marks:
        said = f"state {mark.state_now[:_SHORT]}"
        if not mark.is_equal:
            said += f", written down {mark.state_then[:_SHORT]}"
        if mark.commands_then != mark.commands_now:
            said += f"; commands {mark.commands_now[:_SHORT]}, written down {mark.commands_then[:_SHORT]}"
        found.append(Compared(f"memory at the checkpoint of position {mark.position:,}", mark.is_equal, said))
    return found


def _from_checkpoints(place: "DeskPlace", run: "DeskRun", whole: "Lived", code: str) -> list[Compared]:
    """The rest of the tape from each checkpoint on ends where the whole ends."""
    from quintet.core.errors import CheckpointError
    from quintet.research.desk_parity import lived_from

    found = []
    for one in place.checkpoints:
        name = f"the rest of the tape from position {one.place.position:,} on"
        try:
            rest = lived_from(place.tape, run, one, code)
        except CheckpointError as error:
            found.append(Compared(name, None, str(error)))
            continue
        same = (rest.command_hash, rest.state_hash) == (whole.command_hash, whole.state_hash)
        same = same and rest.departure is None
        found.append(Compared(name, same, f"{rest.commands:,} commands, {_hashes(rest)}"))
    return found


def _market(place: "DeskPlace", run: "DeskRun", lived: "Lived") -> list[Compared]:
    """A paper desk is a backtest of the market that it has heard."""
    from quintet.app.paper_again import MARKET_TAPE, backtest_again

    path = Path(place.folder) / MARKET_TAPE
    if place.world != "paper" or not path.exists():
        return []
    name = "a backtest of the market tape"
    again = backtest_again(path, place.tape, run)
    if again.differs_at is not None:
        return [Compared(name, False, f"command {again.differs_at + 1} is another: {again.found}, {again.expected}")]
    detail = f"{again.commands:,} commands, commands {again.command_hash[:_SHORT]}"
    if again.ahead:
        detail += f"; {again.ahead} of them are not on the desk tape yet"
    return [Compared(name, bool(again.ahead) or again.command_hash == lived.command_hash, detail)]


def _hashes(lived: "Lived") -> str:
    return f"commands {lived.command_hash[:_SHORT]}, state {lived.state_hash[:_SHORT]}"


def _tell(place: "DeskPlace", lived: "Lived", compared: list[Compared], ok: bool) -> None:
    from quintet.app.desk_names import described

    for word, value in described(place).items():
        say(f"{word:<9}{value}")
    for one in compared:
        say(f"{_SAID[one.ok]:<9}{one.name}: {one.detail}")
    if lived.departure is not None:
        for line in departure_lines(lived.departure, place):
            say(line)
    say("parity: lived through again it decides the same" if ok else "NO parity: keep the folder and report it")


def departure_lines(departure: "Departure", place: "DeskPlace") -> list[str]:
    """The first difference, in the parts that every error names."""
    from quintet.research.desk_words import utc_words

    when = utc_words(departure.ts_ns)
    lines = [
        "the first difference",
        f"  where     {place.path}, position {departure.position:,}, row {departure.row:,}, {when}",
        f"  event     {departure.event}",
        f"  then      {'; '.join(departure.then) or 'nothing'}",
        f"  now       {'; '.join(departure.now) or 'nothing'}",
    ]
    return [*lines, f"  quintet why --run {place.name} --at {departure.position} tells what was known at that event"]
