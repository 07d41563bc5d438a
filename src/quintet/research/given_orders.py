"""The simulator with decisions that are given: real orders, at the moments they were decided, on a recorded market.

Nothing decides here and no gate is passed: each command goes to the simulated exchange as it stands, either with the
latencies of a configuration, or to arrive at a moment that is known. It is the loop of a backtest, left at a timer for
each command; its desk is a mere recipient of fills.

Assumptions besides the simulator's own: each order lives by itself, so one that was filled otherwise than in reality
refuses no other order (nothing is short of balance, and none is cut to a position); and an order that nobody has
called back rests until the market ends or `end_ns` of it has come.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import state as s
from quintet.core.engine.world import Setup, new_world
from quintet.core.errors import DataError, InvariantError
from quintet.core.events import INSTRUMENT, PLACE, TRADE_SELL
from quintet.core.instrument import Instrument
from quintet.core.row_laws import frozen
from quintet.research.systems import left_loop
from quintet.sim.config import TickExecutionConfig
from quintet.sim.loop import after_wake
from quintet.sim.tick_execution import tick_execution_of

PLENTY_LOTS: Final = 1 << 40
"""Held from the beginning, so that no sale is refused for what another order did not bring."""

BEYOND: Final = 500
"""Price increments by which a book reaches beyond its market."""

MESSAGES_IN_FLIGHT: Final = 1 << 14


class GivenCommand(NamedTuple):
    """One command. `arrives_ns`: when the venue has it; None: as the configuration says."""

    ts_ns: int
    kind: int
    number: int
    instrument: int
    side: int
    style: int
    price: int
    lots: int
    arrives_ns: int | None = None


class GivenFill(NamedTuple):
    """A fill that the simulator gave. `ahead_joined`: lots before the order when it came to rest."""

    happened_ns: int
    price: int
    lots: int
    maker: bool
    fee: int
    fee_asset: int
    ahead_joined: float
    ahead_reached: float


def run_given(
    market: Any,
    instruments: Sequence[Instrument],
    execution: TickExecutionConfig,
    commands: Sequence[GivenCommand],
    recorded: Any = None,
) -> dict[int, list[GivenFill]]:
    """Order number to its fills. `market`: whole messages of a market, as they were received, without definitions.

    `commands` in the order of their decision. Raises DataError where more orders work at once than a desk can have.
    """
    return _Venue(market, instruments, execution, commands, recorded).run()


class _Venue:
    """One simulated exchange and what is sent to it."""

    def __init__(
        self, market: Any, instruments: Sequence[Instrument], execution: TickExecutionConfig,
        commands: Sequence[GivenCommand], recorded: Any,
    ) -> None:  # fmt: skip
        rows = np.asarray(market)
        if (rows["kind"] == INSTRUMENT).any():
            raise DataError("a market with definitions, expected depth and trades alone")
        self._commands = sorted(commands, key=lambda one: one.ts_ns)
        self._rows = s.Tape(frozen(np.concatenate([rows, rows[:0]])))
        self._world = self._new_world(instruments, execution, recorded)
        self._advance, self._inside = left_loop(self._world)
        self._slots: dict[int, int] = {}
        self._fills: dict[int, list[GivenFill]] = {}

    def _new_world(self, instruments: Sequence[Instrument], execution: TickExecutionConfig, recorded: Any) -> Any:
        told, latencies = tick_execution_of(execution, recorded)
        setup = Setup(
            instruments=tuple(instruments),
            execution=told,
            latencies=latencies,
            wakes=s.WAKE_TIMER,
            price_windows=self._windows(len(instruments)),
            messages_in_flight=MESSAGES_IN_FLIGHT,
        )
        world = new_world(setup)
        venue = world.venue[0]
        for n in range(len(instruments)):
            venue.book[n].held = PLENTY_LOTS * max(1, int(venue.instruments[n].base_quanta))
        return world

    def _windows(self, count: int) -> tuple[tuple[int, int], ...]:
        """Prices of the market and of the orders, by instrument."""
        rows, found = np.asarray(self._rows.rows), []
        for n in range(count):
            prices = rows["price"][(rows["kind"] <= TRADE_SELL) & (rows["instrument"] == n)]
            ours = [one.price for one in self._commands if one.instrument == n and one.kind == PLACE and one.price]
            ends = [*([int(prices.min()), int(prices.max())] if len(prices) else []), *ours]
            found.append((max(1, min(ends) - BEYOND), max(ends) + BEYOND) if ends else (0, 0))
        return tuple(found)

    def run(self) -> dict[int, list[GivenFill]]:
        """To the end of the market, and until every answer has arrived."""
        desk, rows = self._world.desk[0], np.asarray(self._rows.rows)
        due = 0
        desk.timer_every = 0
        desk.timer_next = self._commands[0].ts_ns if self._commands else s.NEVER
        with np.errstate(over="ignore"):
            while True:
                why = int(self._advance(self._rows, len(rows)))
                if why == s.FULL:
                    self._take_fills()
                elif why == s.WAKE_TIMER:
                    due = self._give(due)
                    desk.timer_next = self._commands[due].ts_ns if due < len(self._commands) else s.NEVER
                elif why == s.END and due < len(self._commands):
                    desk.timer_next = s.NEVER  # decided after the market has ended: nothing comes of it
                    due = len(self._commands)
                elif why == s.END:
                    break
                else:
                    raise InvariantError(f"the loop stopped for {s.WHY_NAMES.get(why, why)}, expected its end")
        self._take_fills()
        return self._fills

    def _give(self, due: int) -> int:
        """Put the commands of this moment on the wire, one by one; returns the next one's place."""
        now = self._commands[due].ts_ns
        while due < len(self._commands) and self._commands[due].ts_ns == now:
            one = self._commands[due]
            due += 1
            slot = self._slot_of(one)
            if slot is not None:
                self._send(one, slot)
        return due

    def _slot_of(self, one: GivenCommand) -> int | None:
        """Where the exchange keeps the order; None for a change of one that it was never given."""
        if one.kind != PLACE:
            return self._slots.get(one.number)
        resting = self._world.venue[0].resting
        taken = set()
        for number, slot in list(self._slots.items()):
            if int(resting[slot].number) == number and int(resting[slot].alive) == 0 and self._has_come(number):
                del self._slots[number]
            else:
                taken.add(slot)
        free = next((slot for slot in range(s.SLOTS) if slot not in taken), None)
        if free is None:
            raise DataError(f"order {one.number}: {s.SLOTS} others are at work, expected room for one more")
        self._slots[one.number] = free
        return free

    def _has_come(self, number: int) -> bool:
        """Is nothing of this order under way to the exchange any more?"""
        venue = self._world.venue[0]
        head, tail, ring = int(venue.request_head), int(venue.request_tail), len(venue.requests)
        return all(int(venue.requests[at % ring].number) != number for at in range(head, tail))

    def _send(self, one: GivenCommand, slot: int) -> None:
        desk, gateway = self._world.desk[0], self._world.venue[0].gateways[0]
        command = desk.outbox[0]
        command.position = desk.event
        command.index, command.number, command.kind, command.slot = 0, one.number, one.kind, slot
        command.instrument, command.side, command.style = one.instrument, one.side, one.style
        command.price, command.lots, command.ts, command.reduce_only, command.tag = one.price, one.lots, one.ts_ns, 0, 0
        desk.n_outbox = 1
        if one.arrives_ns is None:
            after_wake(self._inside)
        else:
            # What is known of an order's way overrules the model, and it may have overtaken another one.
            kept = (
                int(gateway.latency_model),
                int(gateway.entry_ns),
                int(gateway.entry.last),
                int(gateway.spike_every_ns),
            )
            gateway.latency_model, gateway.entry_ns = 0, max(0, one.arrives_ns - one.ts_ns)
            gateway.entry.last = gateway.spike_every_ns = 0
            after_wake(self._inside)
            gateway.latency_model, gateway.entry_ns, gateway.entry.last, gateway.spike_every_ns = kept
        self._world.venue[0].n_commands = 0

    def _take_fills(self) -> None:
        venue = self._world.venue[0]
        for row in np.asarray(self._world.fills)[: int(venue.n_fills)]:
            self._fills.setdefault(int(row["number"]), []).append(
                GivenFill(
                    int(row["ts_event"]), int(row["price"]), int(row["lots"]), bool(row["maker"]), int(row["fee"]),
                    int(row["fee_asset"]), float(row["ahead_joined"]), float(row["ahead_reached"]),
                )
            )  # fmt: skip
        venue.n_fills = venue.n_notes = venue.n_samples = venue.n_commands = 0
