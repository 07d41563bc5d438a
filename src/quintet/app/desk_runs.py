"""What a desk has lived, as a run: the record that the register of stages takes as evidence. Made from its tape alone.

    runs/20260101T120000Z-3f9a1c2b/     manifest.json, metrics.json, desk.tape as it was then

The tape is replayed for it, so a desk that was killed has its run as well, and a decision that does not come out the
same is told as one without a cause. A run covers all lives of a desk under its code and its parameters of now; a later
one of the same desk says all that the earlier said.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet._kernel_cache import cache_key
from quintet.app.backtests import stamp, versions
from quintet.app.config import Config, root_for
from quintet.app.config_text import as_tree
from quintet.app.messages import Complaint
from quintet.app.stage_identity import identity_of
from quintet.core.digest import command_hash
from quintet.core.engine.replay import Difference
from quintet.core.errors import DataError
from quintet.core.events import LAST, ROW
from quintet.core.instrument import Instrument
from quintet.core.row_laws import frozen
from quintet.core.state import World
from quintet.core.tape import Tape, encode_tape, read_tape
from quintet.research.capital_ramp import step_of
from quintet.research.desk_lives import Life, heard_of, lives_of, positions_closed
from quintet.research.desk_replay import live_through, replayer_inside, replayer_left
from quintet.research.desk_result import net_quanta
from quintet.research.desk_run import DeskRun, desk_run_of, read_desk_run
from quintet.research.retuning import changes_on, in_force
from quintet.research.systems import KernelSystem
from quintet.storage import run_folders
from quintet.storage.desk_parity import read_parity
from quintet.storage.tape_files import open_tape
from quintet.storage.workspace import Workspace

DESK_TAPE: Final = "desk.tape"


class Standing(NamedTuple):
    """What a desk's tape says of it. `lives`, and `heard`, the stretches in which it heard its market: under the
    configuration of now; `difference`: the first decision that does not come out the same, None when all do.
    """

    tape: Tape
    notes: Mapping[str, str]
    run: DeskRun
    world: World
    lives: tuple[Life, ...]
    heard: tuple[Life, ...]
    closed_trades: int
    state_hash: str
    difference: Difference | None

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self.run.options.instrument

    @property
    def net_quanta(self) -> int:
        """Won or lost since its beginning, at the last price, quote quanta: fees and all."""
        return net_quanta(self.world, self.instrument)

    @property
    def config(self) -> Config:
        """The configuration that its notes describe: parameters, limits, capital."""
        system = self.run.system
        sections = {
            "system": {system.name: msgspec.to_builtins(self.run.params)},
            "risk": msgspec.to_builtins(self.run.options.risk),
            "execution": msgspec.to_builtins(self.run.options.execution),
        }
        return msgspec.convert(sections, root_for(system), strict=False)


def standing_of(folder: Path) -> Standing:
    """Live a desk's tape through and say what it was; a desk that is alive may go on meanwhile.

    Raises TapeError for a tape that cannot be read, Complaint for one of another version of quintet.
    """
    path = folder / DESK_TAPE
    if not path.exists():
        raise Complaint("no such desk", where=str(folder), found="no desk.tape", expected="the folder of a desk")
    tape = open_tape(path)
    _require_own_version(tape, folder)
    first = read_desk_run(tape, str(path))
    replayed, world = live_through(tape, first)
    if replayed.difference is not None and replayed.difference.row >= tape.n_positions:
        tape = _without_last_event(tape)
        replayed, world = live_through(tape, first)
    rows = tape.event_rows()
    notes = in_force(tape.meta.notes, rows)
    run = desk_run_of(notes, str(path), first.system)
    since = (changes_on(rows) or [0])[-1]
    lives, heard = lives_of(rows[since:]), heard_of(rows[since:])
    account = world.desk[0].shown.account[0]
    held = int(account.held if run.options.instrument.kind == "spot" else account.lots)
    closed = positions_closed(rows, run.options.instrument, held)
    began_ns = lives[0].begin_ns if lives else 0
    return Standing(
        tape, notes, run, world, lives, heard, sum(ts >= began_ns for ts in closed), replayed.state_hash,
        replayed.difference,
    )  # fmt: skip


def _without_last_event(tape: Tape) -> Tape:
    """A desk that lives, or was killed, has written down an event and not yet what it decided: that is left out."""
    rows = np.asarray(tape.event_rows())
    ends = np.flatnonzero(rows["bits"] & LAST)
    return read_tape(encode_tape(frozen(rows[: int(ends[-2]) + 1]), tape.meta), tape.name)[0]


def _require_own_version(tape: Tape, folder: Path) -> None:
    code = tape.meta.notes.get("code", "")[: len(cache_key())]
    if code != cache_key():
        raise Complaint(
            "a desk of another version", where=str(folder), found=code or "no code", expected=cache_key(),
            hint="a tape is replayed by the version it was lived with",
        )  # fmt: skip


def rehearse_replay(system: KernelSystem, world: World) -> None:
    """Compile what a run is replayed by: nothing is lived through."""
    replay = replayer_left(system, world) if system.is_python else replayer_inside(system, world)
    with np.errstate(over="ignore"):
        replay(frozen(np.zeros(0, ROW)))


def figures_of(standing: Standing, folder: Path) -> dict[str, Any]:
    """What `metrics.json` says of a desk; raises DataError for a desk that never heard a market."""
    if not standing.lives:
        raise DataError(f"{folder / DESK_TAPE}: no market was heard, expected a desk that was alive")
    record, options = standing.world.desk[0], standing.run.options
    start = int(record.shown.equity.start) or 1
    low = standing.net_quanta / start
    return {
        "metrics": {
            "start_quanta": start,
            "net_quanta": standing.net_quanta,
            "max_drawdown_frac": float(record.shown.equity.max_drawdown),
            "alarms": int(record.alarms),
            "orders": int(record.n_places),
            "cancels": int(record.n_cancels),
            "fills": int(record.n_fills),
            "fees_quanta": int(record.shown.account[0].fees),
        },
        "interval": {"low_frac": low, "high_frac": low, "policies": {}},
        "conservation": int(np.abs(np.asarray(record.ledger).sum(axis=0)).sum()),
        "synthetic": standing.tape.meta.synthetic,
        "desk": _desk_facts(standing, folder)
        | {"step": step_of(standing.run.system.name, options.execution.initial_quote)},
    }


def _desk_facts(standing: Standing, folder: Path) -> dict[str, Any]:
    """How it differed from its replay, and from its simulation where somebody has looked or there is nothing to see."""
    parity = read_parity(folder)
    if parity is not None and parity.rows < standing.tape.n_positions:
        parity = None
    simulated = standing.notes["world"] == "paper" and standing.difference is None
    residual = 0.0 if simulated else None  # on paper the simulator is the exchange
    return {
        "begin_ns": standing.lives[0].begin_ns,
        "end_ns": standing.lives[-1].end_ns,
        "lives": [list(life) for life in standing.lives],
        "heard": [list(stretch) for stretch in standing.heard],
        "unexplained": int(standing.difference is not None) + (parity.unexplained if parity else 0),
        "residual_bps": parity.residual_bps if parity and parity.residual_bps is not None else residual,
        "inside_band": parity.inside_band if parity else None,
        "closed_trades": standing.closed_trades,
        "desk": f"{standing.notes['world']}-{standing.notes['desk']}-{int(standing.tape.event_rows()[0]['quantity'])}",
    }


def write_run(folder: Path, place: Workspace, now: datetime) -> Path:
    """Write the run of the desk in a folder; returns its folder. Raises what `standing_of` and `figures_of` raise."""
    standing = standing_of(folder)
    figures = figures_of(standing, folder)
    config, notes = standing.config, standing.notes
    hashes = {
        "tape": standing.tape.hash,
        "commands": command_hash(standing.world.desk[0]),
        "state": standing.state_hash,
    }
    run = run_folders.run_id(stamp(now), notes["desk"], *hashes.values())
    manifest = {
        "system": standing.run.system.name,
        "world": notes["world"],
        "desk": notes["desk"],
        "synthetic": standing.tape.meta.synthetic,
        "hashes": hashes,
        "interval": figures["interval"],
        "conservation": figures["conservation"],
        "assumptions": [],
        "created_utc": now.astimezone(UTC).isoformat(timespec="seconds"),
        "command": f"quintet desk run {notes['world']}-{notes['desk']}",
        "config": as_tree(config),
        "identity": identity_of(config, standing.run.system.name)._asdict(),
        "instrument": notes["instrument"],
        "market": {
            "label": f"{notes['world']} desk {notes['desk']}, {standing.instrument.symbol}",
            "structure_timeframe": standing.run.options.structure,
            "fill_timeframe": standing.run.options.fills,
            "is_book": True,
            "first_ns": standing.tape.census.first_ns,
            "last_ns": standing.tape.census.last_ns,
            "positions": standing.tape.n_positions,
            "sources": [],
        },
        "versions": versions(),
    }
    writers: dict[str, run_folders.Writer] = {
        run_folders.METRICS: lambda path: run_folders.write_json(path, {"hashes": hashes} | figures),
        run_folders.DESK_TAPE: lambda path: np.asarray(standing.tape.rows).tofile(path),
    }
    return run_folders.write_run(run_folders.free_folder(place.runs, run), run, manifest, writers)
