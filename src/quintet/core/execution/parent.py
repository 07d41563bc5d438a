"""A parent order: an amount to be done, and all that an algorithm remembers of doing it.

    phase     means                                             goes to
    IDLE      nothing is asked                                  WORKING, by `begin`
    WORKING   its orders may be in the market                   WAITING, ENDING, TAKING, DONE, SHORT
    WAITING   between two parts                                 WORKING, ENDING, DONE
    ENDING    time is over: its orders are cancelled, nothing   TAKING, CLOSING, DONE, SHORT
              is wanted until their end is known
    CALLED    called off by the system, from WORKING or         CLOSING, DONE, SHORT
    _OFF      WAITING: the same, and no more is taken
    TAKING    the rest is taken                                 CLOSING, DONE, SHORT
    CLOSING   too little was filled: it is closed again         UNDONE
    DONE      over: all was filled
    SHORT     over: less was filled, perhaps nothing
    UNDONE    over: what was filled is closed again

Over it stays until the system begins a new one in its place. A fill is counted in whatever phase it comes.
"""

from typing import Final, NamedTuple

from quintet.core.errors import DefinitionError

IDLE: Final = 0
WORKING: Final = 1
WAITING: Final = 2
ENDING: Final = 3
CALLED_OFF: Final = 4
TAKING: Final = 5
CLOSING: Final = 6
DONE: Final = 7
SHORT: Final = 8
UNDONE: Final = 9
PHASE_NAMES: Final = (
    "idle", "working", "waiting", "ending", "called off", "taking", "closing", "done", "short", "undone",
)  # fmt: skip

MAKER: Final = 1
BOUNDED: Final = 2
TWAP: Final = 3
ICEBERG: Final = 4
LADDER: Final = 5
ALGORITHM_NAMES: Final = ("none", "maker", "bounded", "twap", "iceberg", "ladder")


class Parent(NamedTuple):
    """All numbers, so that a system's record holds it; times in ns UTC, quantities in lots, prices in increments.

    `lots` asked, `filled` of them, `undone` of those closed again; `reduce_only`: 1 if its orders may only reduce;
    `twice_mid`: the mid when it began, doubled; `target`: what shall be filled in all when the part now worked on is
    done; `least`: lots of the smallest order; `draws`: dice thrown so far.
    """

    phase: int = IDLE
    algorithm: int = 0
    side: int = 0
    lots: int = 0
    filled: int = 0
    undone: int = 0
    tag: int = 0
    instrument: int = 0
    reduce_only: int = 0
    twice_mid: int = 0
    began_ns: int = 0
    ends_ns: int = 0
    due_ns: int = 0
    priced_ns: int = 0
    price: int = 0
    parts: int = 0
    part: int = 0
    target: int = 0
    least: int = 1
    attempts: int = 0
    draws: int = 0
    seed: int = 0

    @property
    def left(self) -> int:
        """Lots of the amount that are not filled."""
        return max(self.lots - self.filled, 0)

    @property
    def is_active(self) -> bool:
        """Begun, and not over."""
        return WORKING <= self.phase <= CLOSING

    @property
    def is_over(self) -> bool:
        """Ended, in one way or another; a system looks at it once and begins the next."""
        return self.phase >= DONE

    def owns(self, tag: int, instrument: int) -> bool:
        """Are orders of this tag its own?"""
        return self.phase != IDLE and tag == self.tag and instrument == self.instrument

    def heard(self, side: int, lots: int, tag: int, instrument: int) -> "Parent":
        """A fill has come: counted once, whatever the phase; one of another's orders changes nothing."""
        if not self.owns(tag, instrument):
            return self
        if side == self.side:
            return self._replace(filled=self.filled + lots)
        return self._replace(undone=self.undone + lots)

    def called_off(self) -> "Parent":
        """No more of it: its orders are cancelled, and what is filled stands or falls by the rules' partial minimum."""
        return self._replace(phase=CALLED_OFF) if self.phase in (WORKING, WAITING) else self


def begun(algorithm: int, side: int, lots: int) -> Parent:
    """A parent at its beginning; raises DefinitionError for an amount that cannot be done."""
    if side not in (1, -1):
        raise DefinitionError(f"side of a parent order is {side!r}, expected 1 to buy or -1 to sell")
    if type(lots) is not int or lots < 1:
        raise DefinitionError(f"lots of a parent order are {lots!r}, expected a whole number, 1 or more")
    return Parent(WORKING, algorithm, side, lots)


def refuse_another(parent: Parent, algorithm: int) -> None:
    """Raise DefinitionError when a parent was begun by rules of another kind."""
    if parent.phase != IDLE and parent.algorithm != algorithm:
        found, expected = ALGORITHM_NAMES[parent.algorithm], ALGORITHM_NAMES[algorithm]
        raise DefinitionError(f"a parent order begun by {found} is worked by {expected}")
