"""The loop of a desk: the next event, the step, and what comes of it.

`Session` is the shape of a live desk. Every message goes through the sequencer (numbered, on the desk tape) and the
step; commands are on the tape before its gateway gets them, which lets them go when they are on the disk
(`runtime.dispatcher`). Where no gateway is given, nothing can leave this
process: each order is answered by COMMAND_SUPPRESSED before the next message enters, so the system learns that it was
not sent.

`PaperSession` is the same desk with the simulated exchange behind it: the compiled loop of a backtest, moved forward
one message at a time. It makes its own timers and numbers, by the same rules. No order leaves this process either.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from quintet.core import state as s
from quintet.core.engine.checkpoint import Place, desk_parts, encode
from quintet.core.engine.entry import new_progress
from quintet.core.errors import InvariantError
from quintet.core.events import LAST, ROW, TEXT
from quintet.core.row_laws import Rows, frozen
from quintet.ports.checkpoints import Checkpoints
from quintet.ports.command_rows import ROWS_OF_COMMAND, command_rows
from quintet.ports.gateway import Gateway
from quintet.ports.tape import DeskTape
from quintet.runtime.dispatcher import NOT_SENT
from quintet.runtime.sequencer import Entry, Sequencer, in_time, messages_of

_FIRST_ROOM: Final = 4_096
_AHEAD: Final = 1
"""Rows that a growing market always has beyond its end: a loop that sees the end would not wait for more."""


class Happened(NamedTuple):
    """What one message has brought about. `sent`: how many of the commands were given to a gateway."""

    position: int
    rows: Rows
    notes: Any
    commands: Any
    fills: Any
    sent: int


class Desk(Protocol):
    """Anything that hears messages and tells what they brought about."""

    def hear(self, rows: Any) -> Iterator[Happened]:
        """Let whole messages enter, one after the other; `rows` bear our receive time."""

    def end(self) -> Iterator[Happened]:
        """The feed has ended: whatever is still under way."""


class Keeping(NamedTuple):
    """Where checkpoints are kept, and the hashes of code and configuration they belong to.

    `config`: asked at each of them, since parameters may change while a desk is alive.
    """

    store: Checkpoints
    code: str
    config: Callable[[], str]


class Session:
    """A live desk: sequencer, step, gateway. One thread; what it remembers is in its world and on its tape."""

    def __init__(
        self,
        world: s.World,
        enter: Callable[..., int],
        tape: DeskTape | None = None,
        gateway: Gateway | None = None,
        keeping: Keeping | None = None,
        tape_rows: int = 0,
        last_ns: int = 0,
    ) -> None:
        """`enter`: `core.engine.entry.enter_for` the system. Without a gateway no order leaves.

        Of a tape that is gone on with: `tape_rows`, its rows, commands included, and `last_ns`, the receive time of the
        last one.
        """
        self.world = world
        self.tape_rows = tape_rows
        self._keeping = keeping
        self.sequencer = Sequencer(world.desk[0], tape, last_ns)
        self._enter = enter
        self._tape = tape
        self._gateway = gateway
        self._progress = new_progress()
        self._unsent: list[tuple[int, int]] = []
        self._left = _lists_of(world)

    def hear(self, rows: Any) -> Iterator[Happened]:
        """Let whole messages enter, each after the timers and answers that are due before it."""
        for message in messages_of(rows):
            yield from self._answer_unsent(int(message[0]["ts_recv"]))
            for entry in self.sequencer.place(message):
                yield self._step(entry)

    def silence(self, now_ns: int) -> Iterator[Happened]:
        """Nothing was heard until `now_ns`: timers come due all the same."""
        yield from self._answer_unsent(now_ns)
        for entry in self.sequencer.advance_clock(now_ns):
            yield self._step(entry)

    def end(self) -> Iterator[Happened]:
        """Answer what was not sent, and keep a last checkpoint; nothing else is under way."""
        yield from self._answer_unsent(self.sequencer.last_ns)
        if self._keeping is not None:
            self._keep(self._keeping)

    def _step(self, entry: Entry) -> Happened:
        """One event through the step; its commands on the tape, on the disk, and only then away."""
        with np.errstate(over="ignore"):
            self._enter(entry.rows, self.world, self._progress)
        commands, fills, notes = (part.take() for part in self._left)
        if len(notes):
            _stamp(notes, self.world.desk[0])
        happened = Happened(entry.position, entry.rows, notes, commands, fills, self._send(commands))
        self.tape_rows += len(entry.rows) + ROWS_OF_COMMAND * len(commands)
        if self._keeping is not None and self._keeping.store.is_due(int(self.world.desk[0]["position"])):
            self._keep(self._keeping)
        return happened

    def _keep(self, keeping: Keeping) -> None:
        """Write down everything the desk remembers between two events."""
        position = int(self.world.desk[0].position)
        place = Place(position=position, tape_rows=self.tape_rows, code=keeping.code, config=keeping.config())
        keeping.store.write(position, encode(desk_parts(self.world), place))

    def _send(self, commands: Any) -> int:
        if len(commands) == 0:
            return 0
        if self._tape is not None:
            self._tape.append(command_rows(commands))
        if self._gateway is None:
            unsent = zip(commands["number"].tolist(), commands["kind"].tolist(), strict=True)
            self._unsent += [(number, NOT_SENT[kind]) for number, kind in unsent if kind in NOT_SENT]
            return 0
        self._gateway.send(commands)
        return len(commands)

    def _answer_unsent(self, now_ns: int) -> Iterator[Happened]:
        """Tell the desk of orders and changes that nobody sent. What it wants instead waits for the next message."""
        unsent, self._unsent = self._unsent, []
        ts = max(now_ns, self.sequencer.last_ns)
        for number, answer in unsent:
            row = np.array([(ts, ts, number, 0, 0, answer, LAST)], ROW)
            for entry in self.sequencer.take(row):
                yield self._step(entry)


class _Left:
    """One of the lists that a step leaves in a desk's record: what is taken out is not there any more."""

    def __init__(self, record: Any, name: str, count: str) -> None:
        self._rows, self._count = record[name][0], record[count]
        self._nothing = self._rows[:0].copy()

    def take(self) -> Any:
        """A copy of what is there."""
        count = self._count.item()
        if not count:
            return self._nothing
        self._count[0] = 0
        return self._rows[:count].copy()


def _lists_of(world: s.World) -> tuple[_Left, ...]:
    """Commands, fills and notes."""
    desk = np.asarray(world.desk)
    return (
        _Left(desk, "outbox", "n_outbox"),
        _Left(desk, "filled", "n_filled"),
        _Left(desk["shown"], "notes", "n_notes"),
    )


def _stamp(notes: Any, desk: Any) -> None:
    notes["ts"] = desk.shown.now
    notes["position"] = desk.event


class PaperSession:
    """A desk with the simulated exchange behind it, on a market that grows one message at a time."""

    def __init__(self, world: s.World, advance: Callable[..., int], tape: DeskTape | None = None) -> None:
        """`advance`: the compiled loop with the system inside. The world records its desk rows if there is a tape."""
        self.world = world
        self._advance = advance
        self._tape = tape
        self._market = np.zeros(_FIRST_ROOM, ROW)
        self._count = 0
        self._last_ns = 0
        world.venue[0].recording = int(tape is not None)

    def hear(self, rows: Any) -> Iterator[Happened]:
        """Append whole messages to the market, and let desk and exchange move up to each."""
        for message in messages_of(rows):
            for placed in in_time(message, self._last_ns):
                self._grow(placed)
                yield self._move(self._view(len(self._market)), frozen(placed))

    def catch_up(self, rows: Any) -> Happened:
        """A past that was heard before, all of it at once."""
        if len(rows):
            self._grow(rows)
            self._last_ns = int(rows["ts_recv"][rows["kind"] != TEXT][-1])
        return self._move(self._view(len(self._market)), frozen(rows))

    def end(self) -> Iterator[Happened]:
        """The market has ended: let everything that is under way arrive."""
        yield self._move(self._view(self._count), frozen(np.zeros(0, ROW)))

    def _grow(self, rows: Any) -> None:
        needed = self._count + len(rows) + _AHEAD
        if needed > len(self._market):
            room = np.zeros(max(needed, 2 * len(self._market)), ROW)
            room[: self._count] = self._market[: self._count]
            self._market = room
        self._market[self._count : self._count + len(rows)] = rows
        self._count += len(rows)
        self._last_ns = int(rows[0]["ts_recv"])

    def _view(self, rows: int) -> s.Tape:
        view = self._market[:rows]
        view.flags.writeable = False
        return s.Tape(view.view(np.recarray))

    def _move(self, market: s.Tape, rows: Rows) -> Happened:
        """Move until somebody must wait for the next message; empty the buffers on the way."""
        position = int(self.world.desk[0].position)
        parts: dict[str, list[Any]] = {"notes": [], "commands": [], "fills": []}
        why = s.FULL
        with np.errstate(over="ignore"):
            while why in (s.FULL, s.DEFINITION):
                why = self._advance(market, self.world, self._count)
                self._drain(parts)
                if why == s.DEFINITION:  # a world of this session knows its instrument from the beginning
                    self.world.venue[0].defined = int(self.world.venue[0].cursor) + 1
        if why not in (s.PAUSE, s.END):
            raise InvariantError(
                f"the loop stopped for {s.WHY_NAMES.get(why, why)}, expected to wait for the next message"
            )
        notes, commands, fills = (np.concatenate(part) for part in parts.values())
        return Happened(position, rows, notes, commands, fills, 0)

    def _drain(self, parts: dict[str, list[Any]]) -> None:
        venue = self.world.venue[0]
        for name, taken in parts.items():
            taken.append(np.asarray(getattr(self.world, name))[: int(venue[f"n_{name}"])].copy())
            venue[f"n_{name}"] = 0
        venue.n_samples = 0
        if self._tape is not None and venue.n_rows:
            self._tape.append(np.asarray(self.world.rows_out)[: int(venue.n_rows)].copy())
        venue.n_rows = 0
