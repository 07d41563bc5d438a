"""An amount spread evenly over time."""

from typing import Annotated, Literal

from quintet.core.execution.parent import TWAP, WAITING, WORKING, Parent, refuse_another
from quintet.core.execution.prices import bound_price
from quintet.core.execution.rules import SECOND_NS, Resting, Worked, beginning, mine_of, one_order, timed_out
from quintet.core.execution.seen import Seen
from quintet.core.orders.lifecycle import IOC, POST_ONLY
from quintet.core.parameters import parameter, text


class Twap(Resting, frozen=True, kw_only=True):
    """Equal slices at equal times: a time-weighted average price.

        phase    event                                next
        WORKING  the slice is filled                  WAITING, for the next one's time
        WAITING  the next slice's time has come       WORKING
        WORKING  the same                             WORKING: what is unfilled is worked with the next slice
        either   all is filled                        DONE
        either   `over_s` over, or called off         ENDING, see `Timed`; by default the rest is taken

    By the end of slice k of n, lots * k // n shall be filled: the slices differ by a lot at most and sum to the amount.
    Slices smaller than the venue's least order are made fewer. A slice rests, priced anew at its beginning, or is taken
    at once, within `bound_bp`.
    Assumption: who trades evenly pays the average price of the time, whatever the volume does.
    """

    over_s: Annotated[float, parameter("s", "from the first slice to the end of the last", gt=0.0, le=1e7)] = 3_600.0
    slices: Annotated[int, parameter("slices", "of equal length and size", ge=1, le=10_000)] = 12
    style: Annotated[Literal["rest", "take"], text("rest or take", "how a slice is done")] = "rest"
    then: Annotated[
        Literal["cancel", "take"], text("cancel or take", "what becomes of what is unfilled when the time is over")
    ] = "take"
    too_little: Annotated[
        Literal["close", "keep"], text("close or keep", "what becomes of a filled part that is too little")
    ] = "keep"

    def begin(
        self,
        seen: Seen,
        side: int,
        lots: int,
        *,
        tag: int,
        instrument: int = 0,
        reduce_only: bool = False,
        least_lots: int = 1,
    ) -> Parent:
        """Buy (+1) or sell (-1) `lots`, in slices of at least `least_lots`."""
        parent = beginning(TWAP, seen, side, lots, tag, instrument, reduce_only, self.over_s)
        return parent._replace(parts=max(min(self.slices, lots // max(least_lots, 1)), 1))

    def work(self, parent: Parent, seen: Seen) -> Worked:
        """To be asked at every wake: what is remembered, and what should be working."""
        refuse_another(parent, TWAP)
        if not parent.is_active:
            return parent, []
        seen = seen.of(parent.instrument)
        parent = timed_out(parent, seen)
        if parent.phase not in (WORKING, WAITING):
            return self.wind_up(parent, seen)
        begins = self._slice_at(parent, seen.now_ns) != parent.part
        if begins:
            part = self._slice_at(parent, seen.now_ns)
            parent = parent._replace(part=part, target=parent.lots * part // parent.parts, attempts=0)
        lots = parent.target - parent.filled
        parent = parent._replace(phase=WORKING if lots > 0 else WAITING)
        if self.style == "take":
            return self._taken(parent, seen, lots)
        parent = self.priced(parent, seen, anew=begins)
        return parent, one_order(parent, seen, lots, parent.price, POST_ONLY)

    def _slice_at(self, parent: Parent, now_ns: int) -> int:
        """Number of the slice that this moment is in, from 1."""
        over_ns = round(self.over_s * SECOND_NS)
        return min((now_ns - parent.began_ns) * parent.parts // over_ns + 1, parent.parts)

    def _taken(self, parent: Parent, seen: Seen, lots: int) -> Worked:
        """One attempt for each slice."""
        price = bound_price(seen, parent.side, self.bound_bp)
        if parent.attempts > 0 or price <= 0 or lots <= 0 or mine_of(parent, seen):
            return parent, [order.kept() for order in mine_of(parent, seen) if not order.is_ending]
        return parent._replace(attempts=1, price=price), one_order(parent, seen, lots, price, IOC)
