"""Why an order was given, or refused: what was known, what the system made of it, what the gate said, what came of it.

The desk's tape is lived once more up to the event that decided. Before it and after it the desk is looked at; nothing
is told that is not in its memory or on its tape.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.engine.checkpoint import Checkpoint
from quintet.core.errors import DataError
from quintet.core.orders.client_ids import COMMANDS_OF_AN_EVENT
from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.risk.breaker import CAUSE_NAMES
from quintet.core.risk.gate import MODE_NAMES, REASON_NAMES
from quintet.core.state import NO_ASK, NO_BID, World
from quintet.core.tape import Tape
from quintet.research.desk_market import market_rows, without_us
from quintet.research.desk_orders import DeskOrder, read_orders
from quintet.research.desk_parity import Begun, Entering, begun, ids_on
from quintet.research.desk_replay import DeskRun
from quintet.research.desk_words import event_words, given_words, placed

NUMBERS_SHOWN: Final = 40
"""An array of the memory with more numbers than this is told in the file only."""


class Refusal(NamedTuple):
    """A want that the gate would not let through. `asked`: how often it was asked for."""

    position: int
    ts_ns: int
    want: str
    reason: str
    asked: int


class QueueSeen(NamedTuple):
    """Of a resting order: lots of others at its price when it came, and what traded there until its last fill."""

    ahead: int
    traded: int


@dataclass(slots=True)
class Why:
    """One event of a desk, and what it decided there."""

    position: int
    ts_ns: int
    event: str
    market: dict[str, str | float | None]
    gate: dict[str, str]
    wants: list[str]
    commands: list[str]
    refused: list[Refusal]
    shrunk: list[str]
    notes: list[tuple[str, str]]
    changed: dict[str, tuple[float, float]]
    memory: dict[str, Any] = field(default_factory=dict)
    order: DeskOrder | None = None
    queue: QueueSeen | None = None


def position_of(number: int) -> int:
    """The position of the event that has decided an order."""
    return number // COMMANDS_OF_AN_EVENT


class Inquest:
    """One desk tape, to be asked about. `checkpoints` of this version save living through what came before."""

    def __init__(self, tape: Tape, run: DeskRun, checkpoints: Sequence[Checkpoint] = (), code: str = "") -> None:
        self._tape, self._run, self._code = tape, run, code
        self._rows = np.asarray(tape.event_rows())
        outputs = (self._rows["kind"] >= ev.PLACE) & (self._rows["kind"] <= ev.REFUSED)
        self._places = np.flatnonzero(~outputs)
        self._checkpoints = [one for one in checkpoints if one.place.code == code]
        self._ids = ids_on(tape)

    @property
    def positions(self) -> int:
        """Events of the tape, as the desk counts."""
        return len(self._places)

    def orders(self) -> dict[int, DeskOrder]:
        """Every order by number."""
        return read_orders(self._rows)

    def position_at(self, ts_ns: int) -> int:
        """The last event that had been heard at a moment; raises DataError before the first one."""
        stamps = self._rows["ts_recv"][self._places]
        told = self._rows["kind"][self._places] != ev.TEXT
        known = np.flatnonzero(told & (stamps <= ts_ns))
        if not len(known):
            raise DataError("nothing had been heard by then: the tape begins later")
        return int(known[-1])

    def refusals(self) -> list[Refusal]:
        """Everything that the gate refused, from the first event on."""
        world, notes, at = begun(self._tape, self._run)
        desk, entering = world.desk[0], Entering(self._run.system, world, notes)
        found: list[Refusal] = []
        for first, end in self._messages(at):
            before = int(desk.n_refused)
            known = _remembered(world)
            entering.take(self._rows[first:end])
            if int(desk.n_refused) != before:
                found += self._refused(world, known)
            entering.clear()
        return found

    def ask(self, position: int, number: int | None = None) -> Why:
        """What happened at an event, and to the order of this number; raises DataError for no event of this tape."""
        if not 0 <= position < self.positions:
            raise DataError(f"position {position}, expected 0 to {self.positions - 1}: the tape ends there")
        row = int(self._places[position])
        world, notes, at = self._begun_before(row)
        entering = Entering(self._run.system, world, notes)
        for first, end in self._messages(at):
            if end > row:
                return self._look(world, entering, first, end, number)
            entering.take(self._rows[first:end])
            entering.clear()
        raise DataError(f"position {position} is a command, expected an event")

    # ---- living up to it ---------------------------------------------------------------------------------------

    def _begun_before(self, row: int) -> Begun:
        """The desk at the newest checkpoint before a row, or at its beginning."""
        before = [one for one in self._checkpoints if one.place.tape_rows <= row]
        return begun(self._tape, self._run, before[-1] if before else None, self._code)

    def _messages(self, at: int) -> Iterator[tuple[int, int]]:
        """First and end of every message that enters, from a row on; what the desk gave is stepped over."""
        ends = np.flatnonzero(self._rows["bits"][at:] & ev.LAST) + 1 + at
        for end in ends.tolist():
            kind = int(self._rows["kind"][at])
            if not ev.PLACE <= kind <= ev.REFUSED:
                yield at, end
            at = end

    # ---- looking -----------------------------------------------------------------------------------------------

    def _look(self, world: World, entering: "Entering", first: int, end: int, number: int | None) -> Why:
        desk, instruments = world.desk[0], self._run.options.instruments
        told = self._run.told_rows
        if told is not None and first >= told:
            desk.wakes = 0
        before, known = _numbers(np.asarray(world.state)[0]), _remembered(world)
        wants_before = int(desk.shown.n)
        entering.take(self._rows[first:end])
        after = _numbers(np.asarray(world.state)[0])
        notes = np.asarray(desk.shown.notes)[: int(desk.shown.n_notes)].copy()
        commands = np.asarray(desk.outbox)[: int(desk.n_outbox)].copy()
        system, one = self._run.system, instruments[0]
        wants = self._wants(world) if len(commands) or len(notes) or int(desk.shown.n) != wants_before else []
        why = Why(
            position=int(desk.event),
            ts_ns=int(self._rows["ts_recv"][first]),
            event=event_words(self._rows[first:end], instruments, self._ids),
            market=self._market(world, int(self._rows["ts_recv"][first])),
            gate=self._gate(world),
            wants=wants,
            commands=given_words(commands, instruments, self._ids),
            refused=self._refused(world, known),
            shrunk=self._shrunk(world, commands),
            notes=[(system.note_kind(int(note["code"])), system.explain(note, one)) for note in notes],
            changed={name: (before[name], value) for name, value in after.items() if _is_other(before[name], value)},
            memory=after,
        )
        if number is not None:
            why.order = self.orders().get(number)
            why.queue = self._queue(why.order) if why.order is not None else None
        return why

    def _market(self, world: World, now_ns: int) -> dict[str, str | float | None]:
        shown, one = world.desk[0].shown.market[0], self._run.options.instrument
        bid, ask, last = int(shown.bid), int(shown.ask), int(shown.last)
        heard, happened = int(shown.ts), int(shown.happened)
        return {
            "bid": f"{one.price(bid):f}" if bid != NO_BID else None,
            "ask": f"{one.price(ask):f}" if ask != NO_ASK else None,
            "last": f"{one.price(last):f}" if last else None,
            "heard_ago_ms": (now_ns - heard) / 1e6 if heard else None,
            "happened_ago_ms": (now_ns - happened) / 1e6 if happened else None,
        }

    def _gate(self, world: World) -> dict[str, str]:
        desk, one = world.desk[0], self._run.options.instrument
        causes = int(desk.breaker.causes)
        account = desk.shown.account[0]
        return {
            "mode": MODE_NAMES[int(desk.limits.mode)],
            "stopped_by": ", ".join(name for bit, name in CAUSE_NAMES.items() if causes & bit) or "nothing",
            "position": f"{one.quantity(int(account.lots)):f} {one.base_asset}",
            "working": f"{int(desk.live)} orders",
        }

    def _wants(self, world: World) -> list[str]:
        view, instruments = world.desk[0].shown, self._run.options.instruments
        return [
            self._want(want, instruments) for want in np.asarray(view.wants)[: int(view.n)] if int(want["lots"]) > 0
        ]

    @staticmethod
    def _want(want: Any, instruments: Sequence[Any]) -> str:
        side = "sell" if int(want["side"]) < 0 else "buy"
        one = instruments[int(want["instrument"])]
        said = placed(side, int(want["style"]), int(want["lots"]), int(want["price"]), one)
        return f"{said}, tag {int(want['tag'])}{', reduce-only' if int(want['reduce_only']) else ''}"

    def _refused(self, world: World, known: dict[tuple[int, ...], int]) -> list[Refusal]:
        """What the gate has refused since then, for the first time or once more."""
        desk, instruments = world.desk[0], self._run.options.instruments
        found = []
        for row in np.asarray(desk.refusals)[: int(desk.remembered)]:
            if known.get(_key(row)) == int(row["count"]):
                continue
            reason = REASON_NAMES[int(row["reason"])]
            found.append(
                Refusal(int(desk.event), int(desk.shown.now), self._want(row, instruments), reason, int(row["count"]))
            )
        return found

    def _shrunk(self, world: World, commands: Any) -> list[str]:
        """Orders that the gate let through smaller than they were wanted."""
        found = []
        for command in commands:
            order = world.desk[0].orders[int(command["slot"])]
            if int(command["kind"]) == ev.PLACE and int(order.wanted) > int(order.lots):
                one = self._run.options.instruments[int(command["instrument"])]
                wanted, left = one.quantity(int(order.wanted)), one.quantity(int(order.lots))
                found.append(f"{wanted:f} {one.base_asset} wanted, {left:f} let through")
        return found

    def _queue(self, order: DeskOrder) -> QueueSeen | None:
        """What the tape shows of an order's queue; None for one that never rested in a book."""
        if order.taken_ns is None or STYLE_NAMES[order.style] not in ("post-only", "limit"):
            return None
        market = without_us(market_rows(self._rows), [order])
        kind = ev.BID_LEVEL if order.side > 0 else ev.ASK_LEVEL
        here = (market["price"] == order.price) & (market["instrument"] == order.instrument)
        levels = market[here & (market["kind"] == kind) & (market["ts_event"] <= order.taken_ns)]
        if not len(levels):
            return None
        until = order.fills[-1].happened_ns if order.fills else order.ended_ns or ev.QUANTITY_MAX
        taker = ev.TRADE_SELL if order.side > 0 else ev.TRADE_BUY
        span = (market["ts_event"] >= order.taken_ns) & (market["ts_event"] <= until)
        traded = market[here & (market["kind"] == taker) & span]
        return QueueSeen(int(levels["quantity"][-1]), int(traded["quantity"].sum()))


def _key(row: Any) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in ("instrument", "side", "style", "price", "lots", "tag", "reduce_only"))


def _remembered(world: World) -> dict[tuple[int, ...], int]:
    """Refused wants that the desk remembers, and how often each was asked for."""
    desk = world.desk[0]
    return {_key(row): int(row["count"]) for row in np.asarray(desk.refusals)[: int(desk.remembered)].copy()}


def _is_other(before: float, after: float) -> bool:
    """Is a number another now? What is no number, before and after, is the same."""
    return before != after and not (before != before and after != after)


def _numbers(record: Any, prefix: str = "") -> dict[str, Any]:
    """The numbers of a system's memory by name; of long arrays none."""
    found: dict[str, Any] = {}
    for name in record.dtype.names or ():
        value = record[name]
        if value.dtype.names is not None:
            if value.ndim == 0:
                found |= _numbers(value, f"{prefix}{name}.")
            continue
        if value.ndim == 0:
            found[prefix + name] = value.item()
        elif value.size <= NUMBERS_SHOWN:
            for n, each in enumerate(value.ravel().tolist()):
                found[f"{prefix}{name}[{n}]"] = each
    return found
