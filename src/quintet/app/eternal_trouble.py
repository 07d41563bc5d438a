"""Trouble at the venue, measured over time: withdrawals that stay closed (G10), an insurance fund that falls.

Pure: what was seen before and one more answer in, what is to be told out. Of a time that nobody looked at nothing is
known, so what was seen is not kept either: whoever comes back measures anew.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from quintet.research.daily_tape import DAY_NS

MINUTE_NS: Final = 60_000_000_000
CLOSED_NS: Final = 60 * MINUTE_NS
"""So long withdrawals are closed without a break before anybody is told."""

UNSEEN_NS: Final = 20 * MINUTE_NS
"""After so long without an answer it is not known that they were closed all the while: the hour begins anew."""

WINDOW_NS: Final = DAY_NS
LEFT_FRAC: Final = Decimal("0.7")
"""What is left of a pool that has fallen by 30 %."""


class Withdrawals(NamedTuple):
    """Since when each coin that is closed is seen to be, ns UTC, and when that was answered last."""

    closed_ns: Mapping[str, int] = {}
    seen_ns: int = 0

    def closed(self) -> tuple[str, ...]:
        """Coins that have been closed for as long as it takes."""
        return tuple(coin for coin, since_ns in self.closed_ns.items() if self.seen_ns - since_ns >= CLOSED_NS)


def after_withdrawals(
    before: Withdrawals, now_ns: int, is_open: Mapping[str, bool | None]
) -> tuple[Withdrawals, bool | None]:
    """One more answer, None for a coin of which it says nothing. Are withdrawals open? None: nobody can say yet.

    Closed: one coin at least, for an hour. Open: all of them.
    """
    known = before.closed_ns if now_ns - before.seen_ns <= UNSEEN_NS else {}
    now = Withdrawals({coin: known.get(coin, now_ns) for coin, opened in is_open.items() if opened is False}, now_ns)
    if now.closed():
        return now, False
    return now, True if is_open and all(is_open.values()) else None


class Insurance(NamedTuple):
    """What each pool held within the last day: (ns UTC, amount), each less than the one before; the last is of now.

    `calm_ns`: before this time nobody says that it has not fallen: an alarm of another life may still be true, or the
    venue has deleveraged us.
    """

    held: Mapping[str, tuple[tuple[int, Decimal], ...]] = {}
    calm_ns: int = 0

    def fallen(self) -> dict[str, int]:
        """Pools that have fallen by too much, and by how many per cent of the most that they held."""
        found = {}
        for pool, held in self.held.items():
            most, left = held[0][1], held[-1][1]
            if most > 0 and left <= most * LEFT_FRAC:
                found[pool] = int((1 - left / most) * 100)
        return found


def after_insurance(before: Insurance, now_ns: int, pools: Mapping[str, Decimal]) -> tuple[Insurance, bool | None]:
    """One more answer: what each pool holds. Is it an alarm? None: nobody can say."""
    if not pools:
        return before, None
    held = {}
    for pool in dict.fromkeys((*before.held, *pools)):
        kept = tuple(one for one in before.held.get(pool, ()) if now_ns - one[0] <= WINDOW_NS)
        if pool in pools:  # what was less than it is now can never be the most again
            kept = (*(one for one in kept if one[1] > pools[pool]), (now_ns, pools[pool]))
        if kept:
            held[pool] = kept
    now = before._replace(held=held)
    if now.fallen():
        return now, True
    return now, False if now_ns >= before.calm_ns else None
