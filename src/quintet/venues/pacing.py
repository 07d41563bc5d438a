"""Requests within a venue's limits, whatever happens to them on the way.

A venue counts what has *reached* it in a rolling window. We know when a request left and when it was answered; it
reached the venue somewhere in between. So each counts from its leaving until a whole window after its answer (without
one: after it can no longer arrive), and the venue never counts more than its limit. What the venue says of a limit
(how much is left, when it opens again) is believed where it is worse than what we think: somebody else may spend it.

Cancels go first, and a part of a limit that everything shares is kept for them.
"""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from quintet.core.errors import ConfigError

SECOND_NS: Final = 1_000_000_000


class Limit(NamedTuple):
    """At most `units` in any window. `for_urgent`: of these, what only urgent requests may use."""

    units: int
    window_ns: int = SECOND_NS
    for_urgent: int = 0


class Cost(NamedTuple):
    """What a request spends at one limit."""

    limit: str
    units: int = 1


@dataclass(eq=False, slots=True)
class Ticket:
    """One request that waits for its turn, or has had it. `lingers_ns`: so long it may still arrive, once given up."""

    costs: tuple[Cost, ...]
    urgent: bool
    granted: bool = False
    lingers_ns: int = 0

    def linger(self, seconds: float) -> None:
        """Nobody answered it: it may arrive for so long from now on."""
        self.lingers_ns = int(seconds * SECOND_NS)


@dataclass(slots=True)
class _Spent:
    """One limit and what counts against it."""

    limit: Limit
    flying: int = 0
    landed: deque[tuple[int, int]] = field(default_factory=deque)
    """When it stops to count, and how much it is; in order of time."""
    closed_until_ns: int = 0

    def used(self, now_ns: int) -> int:
        while self.landed and self.landed[0][0] <= now_ns:
            self.landed.popleft()
        return self.flying + sum(units for _, units in self.landed)

    def has_room(self, units: int, urgent: bool, now_ns: int) -> bool:
        room = self.limit.units - (0 if urgent else self.limit.for_urgent)
        return now_ns >= self.closed_until_ns and self.used(now_ns) + units <= room

    def opens_ns(self) -> list[int]:
        """Moments at which there may be more room."""
        return [self.closed_until_ns, *(self.landed[0][:1] if self.landed else ())]


class Pacer:
    """The order in which requests may leave. Pure: the time is handed in, ns of a clock that only goes forward."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._spent = {name: _Spent(limit) for name, limit in limits.items()}
        self._waiting: list[Ticket] = []

    def queue(self, costs: Sequence[Cost], urgent: bool = False) -> Ticket:
        """Ask for a turn; raises ConfigError for what no limit will ever let through."""
        for cost in costs:
            limit = self._spent[cost.limit].limit
            room = limit.units - (0 if urgent else limit.for_urgent)
            if cost.units > room:
                raise ConfigError(f"{cost.limit}: a request of {cost.units} units, expected at most {room}")
        ticket = Ticket(tuple(costs), urgent)
        self._waiting.append(ticket)
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Somebody no longer waits."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)

    def grant(self, now_ns: int) -> list[Ticket]:
        """Whose turn it is, in this order: urgent ones first, none before an earlier one at the same limit."""
        granted = []
        taken: set[str] = set()
        for ticket in sorted(self._waiting, key=lambda one: not one.urgent):
            names = {cost.limit for cost in ticket.costs}
            if not taken & names and self._fits(ticket, now_ns):
                for cost in ticket.costs:
                    self._spent[cost.limit].flying += cost.units
                ticket.granted = True
                granted.append(ticket)
            else:
                taken |= names
        self._waiting = [ticket for ticket in self._waiting if not ticket.granted]
        return granted

    def _fits(self, ticket: Ticket, now_ns: int) -> bool:
        return all(self._spent[cost.limit].has_room(cost.units, ticket.urgent, now_ns) for cost in ticket.costs)

    def answered(self, ticket: Ticket, now_ns: int) -> None:
        """A granted request was answered, or given up: it counts for one window more."""
        for cost in ticket.costs:
            spent = self._spent[cost.limit]
            spent.flying -= cost.units
            insort(spent.landed, (now_ns + ticket.lingers_ns + spent.limit.window_ns, cost.units))

    def hear(self, name: str, units: int, left: int, now_ns: int) -> None:
        """What the venue says of a limit: how much it is, and how much of it is left. One that nobody keeps is not."""
        spent = self._spent.get(name)
        if spent is None:
            return
        if units > 0 and units != spent.limit.units:
            spent.limit = spent.limit._replace(units=units, for_urgent=min(spent.limit.for_urgent, units - 1))
        others = spent.limit.units - left - spent.used(now_ns)
        if others > 0:
            insort(spent.landed, (now_ns + spent.limit.window_ns, others))

    def close(self, name: str, until_ns: int) -> None:
        """Nothing that spends of it may leave before."""
        spent = self._spent.get(name)
        if spent is None:
            return
        spent.closed_until_ns = max(spent.closed_until_ns, until_ns)

    def next_ns(self, now_ns: int) -> int | None:
        """When time alone may make room for somebody who waits; None while nobody does or only an answer can."""
        names = {cost.limit for ticket in self._waiting for cost in ticket.costs}
        moments = [moment for name in names for moment in self._spent[name].opens_ns() if moment > now_ns]
        return min(moments, default=None)


class Pace:
    """A `Pacer` on the running loop's clock, shared by everything that sends to one account."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._pacer = Pacer(limits)
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, costs: Sequence[Cost], urgent: bool = False) -> AsyncIterator[Ticket]:
        """Wait for a turn; what is done inside is the request with its answer."""
        ticket = self._pacer.queue(costs, urgent)
        turn = self._turns[ticket] = asyncio.get_running_loop().create_future()
        try:
            self._look()
            await turn
            yield ticket
        finally:
            self._turns.pop(ticket, None)
            if ticket.granted:
                self._pacer.answered(ticket, _now_ns())
            else:
                self._pacer.withdraw(ticket)
            self._look()

    def hear(self, name: str, units: int, left: int) -> None:
        """What a header says."""
        self._pacer.hear(name, units, left, _now_ns())
        self._look()

    def close(self, name: str, seconds: float) -> None:
        """The venue wants to be left alone for so long."""
        self._pacer.close(name, _now_ns() + int(seconds * SECOND_NS))
        self._look()

    def _look(self) -> None:
        """Let go whose turn it is, and look again when time alone may have made room."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        now_ns = _now_ns()
        for ticket in self._pacer.grant(now_ns):
            turn = self._turns[ticket]
            if not turn.done():
                turn.set_result(None)
        next_ns = self._pacer.next_ns(now_ns)
        if next_ns is not None:
            # A microsecond late, so that a loop that rounds does not look too early for ever.
            delay_s = (next_ns - now_ns) / SECOND_NS + 1e-6
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._look)


def _now_ns() -> int:
    return int(asyncio.get_running_loop().time() * SECOND_NS)
