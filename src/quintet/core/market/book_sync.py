"""Which depth messages are the book: a small state machine that fits a snapshot into a stream of changes.

One rule for every venue that numbers its messages, once a decoder has said which number a change follows and which it
reaches (`previous_id`, `last_id`):

    spot of Binance      follows U - 1, reaches u      USD-M and COIN-M   follows pu, reaches u
    Bybit V5             follows u - 1, reaches u      Deribit            follows prev_change_id, reaches change_id

While no snapshot is there, changes wait. A snapshot of number L drops the waiting ones that reach no further than L;
the first that reaches further must follow L or something before it, and each later one exactly the one before it.
(Binance, "How to manage a local order book correctly"; Bybit V5, "Orderbook"; Deribit, "book.{instrument}.raw".)
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from quintet.core.market.tick_feed import UNKNOWN, BookChange

WAITING_MAX: Final = 10_000
"""So many changes wait for a snapshot; a venue's answer takes seconds, these are minutes of a busy book."""

Reason = Literal["", "waits", "stale", "repeated", "overtaken", "gap"]


class Step(NamedTuple):
    """What to do with one message: apply these in order (the first may be a snapshot), and why others are not.

    `lost`: the book is unknown from here on; `expected_id` and `found_id` say what broke the chain.
    """

    apply: tuple[BookChange, ...] = ()
    reason: Reason = ""
    stale: int = 0
    lost: bool = False
    expected_id: int = UNKNOWN
    found_id: int = UNKNOWN


@dataclass(slots=True)
class BookSync:
    """The book of one instrument as far as numbers go. `last_id`: the number it stands at, UNKNOWN while unknown."""

    last_id: int = UNKNOWN
    synchronised: bool = False
    snapshot: BookChange | None = None
    waiting: deque[BookChange] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))
    broken: str = ""
    """What stands between us and a book, in a sentence with the numbers; empty while nothing does."""

    def take(self, change: BookChange) -> Step:
        """One message in the order it was received."""
        if change.snapshot:
            return self._take_snapshot(change)
        if not self.synchronised:
            self.waiting.append(change)
            return self._join() if self.snapshot is not None else Step(reason="waits")
        return self._follow(change)

    def why_unknown(self) -> str:
        """Why there is no book, with the numbers; empty when there is one."""
        if self.synchronised:
            return ""
        if self.broken:
            return self.broken
        seen = f"changes {self.waiting[0].previous_id} to {self.waiting[-1].last_id}" if self.waiting else "no change"
        if self.snapshot is None:
            return f"no snapshot; {seen} wait for one" if self.waiting else "no snapshot and no change"
        return f"snapshot {self.snapshot.last_id} and {seen}: none follows it"

    def lose(self, why: str) -> None:
        """Forget the book: something of it could not be read. Changes wait for the next snapshot."""
        self.last_id, self.synchronised, self.snapshot, self.broken = UNKNOWN, False, None, why
        self.waiting.clear()

    def _take_snapshot(self, snapshot: BookChange) -> Step:
        if not snapshot.asked:
            # In the stream: it replaces whatever was known, at once.
            self.waiting.clear()
            self.last_id, self.synchronised, self.snapshot, self.broken = snapshot.last_id, True, None, ""
            return Step(apply=(snapshot,))
        if self.synchronised:
            return Step(reason="overtaken")
        self.snapshot = snapshot
        return self._join()

    def _join(self) -> Step:
        """Fit the snapshot before the waiting changes; nothing is applied until one of them follows it."""
        snapshot = self.snapshot
        assert snapshot is not None
        stale = 0
        stamp = snapshot.event_ns
        while self.waiting and self.waiting[0].last_id <= snapshot.last_id:
            # An answer without a time of its own is as old as the last change that it contains.
            stamp = max(stamp, self.waiting.popleft().event_ns)
            stale += 1
        if not self.waiting:
            self.snapshot = snapshot._replace(event_ns=stamp)
            return Step(reason="waits", stale=stale)
        first = self.waiting[0]
        if first.previous_id > snapshot.last_id:
            self.broken = (
                f"snapshot {snapshot.last_id} is older than the first change after it, which follows "
                f"{first.previous_id} and reaches {first.last_id}"
            )
            self.snapshot = None
            return Step(reason="waits", stale=stale, expected_id=snapshot.last_id, found_id=first.previous_id)
        return self._start(snapshot._replace(event_ns=stamp), stale)

    def _start(self, snapshot: BookChange, stale: int) -> Step:
        """Apply the snapshot and what waited behind it, as far as the chain holds."""
        waited = list(self.waiting)
        self.waiting.clear()
        self.last_id, self.synchronised, self.snapshot, self.broken = snapshot.last_id, True, None, ""
        if snapshot.event_ns == UNKNOWN:
            snapshot = snapshot._replace(event_ns=waited[0].event_ns)
        applied = [snapshot]
        self.last_id = waited[0].last_id
        applied.append(waited[0])
        for n, change in enumerate(waited[1:], start=1):
            step = self._follow(change)
            applied += step.apply
            if step.lost:
                self.waiting.extend(waited[n + 1 :])
                return step._replace(apply=tuple(applied), stale=stale)
        return Step(apply=tuple(applied), stale=stale)

    def _follow(self, change: BookChange) -> Step:
        """A change of a known book."""
        if change.last_id == UNKNOWN:
            return Step(apply=(change,))
        if change.last_id <= self.last_id:
            return Step(reason="repeated")
        if change.previous_id > self.last_id:
            step = Step(reason="gap", lost=True, expected_id=self.last_id, found_id=change.previous_id)
            self.broken = (
                f"the book stood at {self.last_id}, the next change follows {change.previous_id} "
                f"and reaches {change.last_id}"
            )
            self.synchronised = False
            self.last_id = UNKNOWN
            self.waiting.append(change)
            return step
        self.last_id = change.last_id
        return Step(apply=(change,))
