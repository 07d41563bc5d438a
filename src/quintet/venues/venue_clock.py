"""The venue's time by our clock: measured as NTP does, and never used when we are unsure of it. Pure.

A question that left at `sent`, was stamped `venue` by the venue and came back at `received` proves that the venue's
clock less ours lies between `venue - received` and `venue - sent`. The quickest of the last answers proves the most.
Our clock here is one that nobody sets (`time.monotonic_ns`), so that a stepped wall clock signs no wrong time.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from quintet.ports.live_feed import NotNow

_E6: Final = 1_000_000


class ClockUnsure(NotNow):
    """Nobody can say what time it is at the venue; says why. Nothing may be signed."""


class Sample(NamedTuple):
    """One question and its answer, ns: ours, ours, the venue's."""

    sent: int
    received: int
    venue: int

    @property
    def round_trip(self) -> int:
        """Ns between question and answer."""
        return self.received - self.sent

    @property
    def offset(self) -> int:
        """The venue's clock less ours, if both ways took the same time."""
        return self.venue - (self.sent + self.received) // 2


class Bounds(NamedTuple):
    """When we are sure, and what is worth an alarm."""

    kept: int = 16
    agreeing: int = 3
    """So many answers must agree before the first signature, and before a step is believed."""
    uncertain_ns: int = 400 * _E6
    stale_ns: int = 300_000 * _E6
    """An answer older than this proves nothing."""
    drift_ppm: int = 200
    drift_after_ns: int = 60_000 * _E6
    drift_within_ns: int = 3_600_000 * _E6
    """A drift is looked for between answers that are at least and at most so far apart."""


@dataclass(slots=True)
class VenueClock:
    """What the last answers prove together."""

    bounds: Bounds = Bounds()
    _agreed: deque[Sample] = field(default_factory=deque)
    _contrary: list[Sample] = field(default_factory=list)
    _anchor: Sample | None = None
    _alarms: list[str] = field(default_factory=list)

    def hear(self, sample: Sample) -> None:
        """One answer. One that contradicts the others makes us unsure until enough of them say the same."""
        if sample.round_trip < 0:
            self._alarms.append(f"our own clock went back by {-sample.round_trip} ns between a question and its answer")
            self._forget()
            return
        if not self._agreed or self._agree(self._best(self._agreed), sample):
            self._contrary.clear()
            self._keep(sample)
            return
        if self._contrary and not all(self._agree(other, sample) for other in self._contrary):
            self._contrary.clear()
        self._contrary.append(sample)
        if len(self._contrary) >= self.bounds.agreeing:
            self._step()

    def venue_ns(self, now_ns: int) -> int:
        """The venue's time when ours is `now_ns`; raises ClockUnsure."""
        why = self.why_unsure(now_ns)
        if why:
            raise ClockUnsure(f"the venue's time is not known: {why}")
        return now_ns + self._surest(now_ns).offset

    def why_unsure(self, now_ns: int) -> str:
        """Why nothing may be signed now, in words; empty when it may."""
        bounds = self.bounds
        fresh = [sample for sample in self._agreed if 0 <= now_ns - sample.received <= bounds.stale_ns]
        if len(fresh) < bounds.agreeing:
            return f"{len(fresh)} answers of the last {bounds.stale_ns // 10**9} s agree, expected {bounds.agreeing}"
        if self._contrary:
            return "the last answer contradicts the ones before it"
        unsure_ns = self.uncertainty_ns(now_ns)
        if unsure_ns > bounds.uncertain_ns:
            return f"it is known to {unsure_ns // _E6} ms, expected {bounds.uncertain_ns // _E6} ms or better"
        return ""

    def uncertainty_ns(self, now_ns: int) -> int:
        """Half a round trip, and what the clocks may have drifted apart since, of the answer that proves the most."""
        return self._doubt_ns(self._surest(now_ns), now_ns)

    def take_alarms(self) -> list[str]:
        """Steps and drifts noticed since the last time, as sentences for a person, oldest first."""
        taken, self._alarms = self._alarms, []
        return taken

    def _surest(self, now_ns: int) -> Sample:
        """A quick answer of long ago proves less than a slower one of now."""
        return min(self._agreed, key=lambda sample: self._doubt_ns(sample, now_ns))

    def _doubt_ns(self, sample: Sample, now_ns: int) -> int:
        return sample.round_trip // 2 + self._drift(sample, now_ns)

    def _best(self, samples: deque[Sample] | list[Sample]) -> Sample:
        return min(samples, key=lambda sample: sample.round_trip)

    def _drift(self, sample: Sample, now_ns: int) -> int:
        return abs(now_ns - sample.received) * self.bounds.drift_ppm // _E6

    def _agree(self, one: Sample, other: Sample) -> bool:
        """Can both be true, if the clocks drift no more than allowed?"""
        apart = abs(one.offset - other.offset)
        return apart <= (one.round_trip + other.round_trip) // 2 + 1 + self._drift(one, other.received)

    def _keep(self, sample: Sample) -> None:
        self._agreed.append(sample)
        while len(self._agreed) > self.bounds.kept:
            self._agreed.popleft()
        self._watch_drift()

    def _watch_drift(self) -> None:
        """Compare the quickest answer with the quickest of an earlier time; each stretch alarms once."""
        best = self._best(self._agreed)
        if self._anchor is None or best.round_trip < self._anchor.round_trip // 2:
            self._anchor = best
            return
        anchor = self._anchor
        elapsed = best.received - anchor.received
        if elapsed < self.bounds.drift_after_ns:
            return
        apart = abs(best.offset - anchor.offset)
        proven = apart - (best.round_trip + anchor.round_trip) // 2
        if proven * _E6 > self.bounds.drift_ppm // 2 * elapsed:
            ppm = apart * _E6 // elapsed
            self._alarms.append(f"the clocks drift apart by {ppm} ppm: {apart // _E6} ms in {elapsed // 10**9} s")
            self._anchor = best
        elif elapsed > self.bounds.drift_within_ns:
            self._anchor = best

    def _step(self) -> None:
        before, after = self._best(self._agreed).offset, self._best(self._contrary).offset
        self._alarms.append(f"the venue's clock stepped by {(after - before) // _E6} ms against ours")
        self._agreed = deque(self._contrary)
        self._contrary = []
        self._anchor = self._best(self._agreed)

    def _forget(self) -> None:
        self._agreed.clear()
        self._contrary.clear()
        self._anchor = None
