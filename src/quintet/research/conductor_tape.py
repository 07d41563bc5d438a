"""The tape of a conductor: every event that it heard, and after each what it said. Lived again, it says the same.

An event is a FACT message whose text is the event, its number in `quantity`; what was said is the CONFIG_CHANGED
message after it. An event that came from a sub-account names the desk and the position on that desk's tape, so that
none is heard twice.
"""

from typing import Any, NamedTuple

import msgspec
import numpy as np

from quintet.core import events as ev
from quintet.core.errors import TapeError
from quintet.core.row_laws import Rows, text_of
from quintet.core.tape import message_with_text
from quintet.research.eternal_conductor import (
    Action,
    Conductor,
    Cycle,
    Event,
    Movement,
    NotMoved,
    NotStaked,
    Operated,
    Reply,
    Settled,
)
from quintet.systems.eternal.said import Order


class Entered(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event, and where it came from: a sub-account's desk and a position on its tape."""

    event: Event
    account: str = ""
    position: int = -1


class Staking(NamedTuple):
    """Lots to the Earn product, or (below zero) back. `key` never comes twice; `everything`: what was earned, too."""

    key: str
    account: str
    asset: str
    lots: int
    everything: bool = False


class Conducting:
    """A conductor whose events are numbered and written down.

    `heard`: the last position of each desk that was heard; `orders`: of each sub-account the last word, and the number
    of the event that it answers; `said_movements`, `said_stakings`: everything that was to be moved, or staked;
    `decided_ns`: the moment of the last daily cycle or settlement; `cycled_day`: the day of the last cycle, -1: none.
    `operated`: keys of what people have said; `operations`: what each desk was told by it, and the event's number.
    """

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor
        self.heard: dict[str, int] = {}
        self.orders: dict[str, tuple[int, tuple[Order, ...]]] = {}
        self.said_movements: list[Movement] = []
        self.said_stakings: list[Staking] = []
        self.decided_ns = 0
        self.cycled_day = -1
        self.count = 0
        self.not_moved: set[str] = set()
        self.operated: set[str] = set()
        self.operations: dict[str, list[tuple[int, Action]]] = {}

    def enter(self, entered: Entered) -> Reply:
        """The next event; returns what is said."""
        self.count += 1
        event = entered.event
        if entered.account:
            self.heard[entered.account] = entered.position
        if isinstance(event, (Cycle, Settled)):
            self.decided_ns = event.now_ns
            self.cycled_day = event.day if isinstance(event, Cycle) else self.cycled_day
        elif isinstance(event, (NotMoved, NotStaked)):
            self.not_moved.add(event.key)
        elif isinstance(event, Operated):
            self.operated.add(event.key)
            for name in event.desks:
                self.operations.setdefault(name, []).append((self.count, event.action))
        reply = self.conductor.hear(event)
        self.orders |= {name: (self.count, orders) for name, orders in reply.orders.items()}
        self.said_movements += reply.movements
        for n, (account, stake) in enumerate(reply.stakes):
            key = f"earn {self.count}.{n}"
            everything = stake.lots < 0 and self.conductor.portfolio.core.staked == 0
            self.said_stakings.append(Staking(key, account, stake.asset, stake.lots, everything))
        return reply

    @property
    def movements(self) -> list[Movement]:
        """Everything that was to be moved, and was not refused, oldest first."""
        return [movement for movement in self.said_movements if movement.key not in self.not_moved]

    @property
    def stakings(self) -> list[Staking]:
        """The same of what was to be staked or called back."""
        return [staking for staking in self.said_stakings if staking.key not in self.not_moved]


def entered_rows(entered: Entered, number: int, ts_ns: int) -> Rows:
    """The message of an event; time in ns UTC."""
    return message_with_text((ts_ns, ts_ns, number, 0, 0, ev.FACT, 0), msgspec.json.encode(entered))


def said_rows(reply: Reply, ts_ns: int) -> Rows:
    """The message of what was said."""
    return message_with_text((ts_ns, ts_ns, 0, 0, 0, ev.CONFIG_CHANGED, 0), msgspec.json.encode(reply))


def relive(conducting: Conducting, rows: Any, name: str) -> Reply | None:
    """Let the events of a tape be heard again; raises TapeError at the first answer that is not the same.

    Returns the answer to the last event where it is not on the tape: it was never carried out.
    """
    plain = np.asarray(rows)
    ends = np.flatnonzero(plain["bits"] & ev.LAST) + 1
    missing = None
    for first, end in zip([0, *ends.tolist()], ends.tolist(), strict=False):
        kind, text = int(plain["kind"][first]), text_of(plain[first + 1 : end])
        if kind == ev.FACT:
            if missing is not None:
                raise TapeError(f"{name}: row {first}: found an event, expected the answer to the one before")
            missing = conducting.enter(_decoded(text, Entered, name, first))
        elif kind == ev.CONFIG_CHANGED:
            if missing is None or msgspec.json.encode(missing) != text:
                raise TapeError(f"{name}: row {first}: the event before it is answered otherwise now")
            missing = None
    return missing


def _decoded(text: bytes, shape: Any, name: str, row: int) -> Any:
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.MsgspecError as error:
        raise TapeError(f"{name}: row {row}: {error}, expected an event of a conductor") from None
