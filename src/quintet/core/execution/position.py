"""A position that is to be left by a ladder of targets and a stop, and all that is remembered of it.

    phase     means                                                goes to
    IDLE      nothing is held                                      WORKING, by `begin`
    WORKING   targets and a stop stand at the venue                CLOSING, DONE, SHORT
    CLOSING   called off, or the market has jumped past where      DONE, SHORT
              the stop was to go: the rest is sold at market
    DONE      over: all of it is closed
    SHORT     over: what was left is not there any more; something else closed it

Its orders bear `TAGS` tags from its own on: two for the stop, which changes its order in turn where the venue does not
amend; one for each target; one for what is closed at market.
"""

from typing import Final, NamedTuple

from quintet.core.execution.parent import CLOSING, DONE, IDLE, LADDER, SHORT, WORKING

TARGETS: Final = 5
"""Targets of a ladder, at most."""

STOP_TAGS: Final = 2
AT_MARKET: Final = STOP_TAGS + TARGETS
TAGS: Final = AT_MARKET + 1

_NONE: Final = (0,) * TARGETS


class Position(NamedTuple):
    """All numbers, so that a system's record holds it. `side`: +1 long, -1 short; prices in increments.

    `lots` of it in all, `closed` of them; `unit`: what the rules' distances are counted in, in increments (an ATR);
    `best`: the best price seen since it began; `stop`: where the stop stands, 0 none; `turn`: which of its two tags the
    stop has; of each target the price, its lots, and those filled.
    """

    phase: int = IDLE
    algorithm: int = LADDER
    side: int = 0
    lots: int = 0
    closed: int = 0
    tag: int = 0
    instrument: int = 0
    twice_mid: int = 0
    began_ns: int = 0
    entry: int = 0
    unit: float = 0.0
    best: int = 0
    stop: int = 0
    turn: int = 0
    prices: tuple[int, ...] = _NONE
    parts: tuple[int, ...] = _NONE
    done: tuple[int, ...] = _NONE

    @property
    def filled(self) -> int:
        """Lots closed so far, under the name that a parent order has for it."""
        return self.closed

    @property
    def left(self) -> int:
        """Lots that are still to be closed."""
        return max(self.lots - self.closed, 0)

    @property
    def is_active(self) -> bool:
        """Begun, and not over."""
        return self.phase in (WORKING, CLOSING)

    @property
    def is_over(self) -> bool:
        """Ended; a system looks at it once and begins the next."""
        return self.phase in (DONE, SHORT)

    @property
    def targets_met(self) -> int:
        """How many targets are filled whole."""
        met = 0
        for part, done in zip(self.parts, self.done, strict=True):
            met += 0 < part <= done
        return met

    def owns(self, tag: int, instrument: int) -> bool:
        """Are orders of this tag its own?"""
        return self.phase != IDLE and self.tag <= tag < self.tag + TAGS and instrument == self.instrument

    def heard(self, side: int, lots: int, tag: int, instrument: int) -> "Position":
        """A fill has come: counted once, whatever the phase; one of another's orders changes nothing."""
        if not self.owns(tag, instrument) or side == self.side:
            return self
        target = tag - self.tag - STOP_TAGS
        done = tuple(d + lots if n == target else d for n, d in enumerate(self.done))
        return self._replace(closed=self.closed + lots, done=done)

    def called_off(self) -> "Position":
        """It is to be closed now, at market: a time stop, a signal that is gone."""
        return self._replace(phase=CLOSING) if self.phase == WORKING else self
