"""A large amount of which only a part is ever shown."""

from typing import Annotated, Literal

from quintet.core.execution.child import left_alone
from quintet.core.execution.depth import lots_within
from quintet.core.execution.dice import drawn
from quintet.core.execution.parent import ICEBERG, WAITING, WORKING, Parent, refuse_another
from quintet.core.execution.prices import bound_price
from quintet.core.execution.rules import SECOND_NS, Resting, Worked, beginning, mine_of, one_order, timed_out
from quintet.core.execution.seen import Seen
from quintet.core.orders.lifecycle import IOC, POST_ONLY
from quintet.core.parameters import parameter, text
from quintet.core.units import E9


class Iceberg(Resting, frozen=True, kw_only=True):
    """Parts of drawn size, at drawn times; each shown when the one before it is done. Defaults: intraday-sol, 7.2.

        phase    event                                next
        WAITING  the next part's time has come        WORKING, with the next part
        WORKING  the part is filled, or was taken     WAITING, a drawn gap
        either   all is filled                        DONE
        either   `timeout_s` over, or called off      ENDING, see `Timed`

    How many parts: enough that even the largest is not above `depth_frac` of what is offered within `depth_bp`, nor
    `lots_max`, but `parts_min` to `parts_max`. Part k ends where lots * k / n is filled, moved by a draw of up to half
    of `size_frac` of a part: so each is within `size_frac` of an even one, and all sum to the amount. A part is also
    never more than `depth_frac` of what is offered when it begins; what is left of it comes as a part of its own.
    The same seed, tag and beginning give the same draws in every world; their count is in the parent.
    Assumption: who watches the book does not add up our parts.
    """

    parts_min: Annotated[int, parameter("parts", "at least", ge=1, le=1_000)] = 3
    parts_max: Annotated[int, parameter("parts", "at most, while the depth lasts", ge=1, le=1_000)] = 10
    size_frac: Annotated[
        float, parameter("fraction", "by which a part may differ from an even one", ge=0.0, le=0.9)
    ] = 0.2
    gap_min_s: Annotated[float, parameter("s", "from one part to the next, at least", ge=0.0, le=3_600.0)] = 0.5
    gap_max_s: Annotated[float, parameter("s", "from one part to the next, at most", ge=0.0, le=3_600.0)] = 5.0
    depth_frac: Annotated[float, parameter("fraction", "of the depth that a part may be", gt=0.0, le=1.0)] = 0.2
    depth_bp: Annotated[float, parameter("bp", "of the mid: so far the depth is counted", gt=0.0, le=1_000.0)] = 10.0
    style: Annotated[Literal["rest", "take"], text("rest or take", "how a part is done")] = "rest"
    timeout_s: Annotated[float, parameter("s", "from its beginning until the rest is cancelled", gt=0.0, le=1e7)] = (
        600.0
    )

    def begin(
        self,
        seen: Seen,
        side: int,
        lots: int,
        *,
        tag: int,
        seed: int = 1,
        instrument: int = 0,
        reduce_only: bool = False,
        least_lots: int = 1,
        lots_max: int = 0,
    ) -> Parent:
        """Buy (+1) or sell (-1) `lots`, in parts of at least `least_lots` and at most `lots_max` (0: no such bound)."""
        parent = beginning(ICEBERG, seen, side, lots, tag, instrument, reduce_only, self.timeout_s)
        depth = self._depth_lots(seen.of(instrument), side)
        largest = (
            lots * (E9 + round(self.size_frac * E9)) // E9
        )  # of the amount, if all parts were as large as any may be
        parts = max(self.parts_min, _times(largest, depth), _times(largest, lots_max))
        smallest = max(least_lots, 1) * E9 // (E9 - round(self.size_frac * E9)) + 1
        parts = max(min(parts, self.parts_max, lots // smallest), 1)
        return parent._replace(phase=WAITING, parts=parts, least=max(least_lots, 1), seed=seed, due_ns=parent.began_ns)

    def work(self, parent: Parent, seen: Seen) -> Worked:
        """To be asked at every wake: what is remembered, and what should be working."""
        refuse_another(parent, ICEBERG)
        if not parent.is_active:
            return parent, []
        seen = seen.of(parent.instrument)
        parent = timed_out(parent, seen)
        if parent.phase not in (WORKING, WAITING):
            return self.wind_up(parent, seen)
        mine = mine_of(parent, seen)
        is_taken = self.style == "take" and parent.attempts > 0 and not mine
        if parent.phase == WORKING and (parent.filled >= parent.target or is_taken):
            parent = self._pausing(parent, seen.now_ns)
        if parent.phase == WAITING:
            if seen.now_ns < parent.due_ns or mine:
                return parent, left_alone(mine)
            parent = self._next_part(parent, seen)
        lots = parent.target - parent.filled
        if self.style == "rest":
            parent = self.priced(parent, seen)
            return parent, one_order(parent, seen, lots, parent.price, POST_ONLY)
        price = bound_price(seen, parent.side, self.bound_bp)
        if mine or price <= 0:
            return parent, left_alone(mine)
        return parent._replace(attempts=1, price=price), one_order(parent, seen, lots, price, IOC)

    def end_of(self, parent: Parent, part: int) -> int:
        """Lots that shall be filled when part `part` (from 1) is done; the last ends with the amount."""
        if part >= parent.parts:
            return parent.lots
        half_e9 = round(self.size_frac * E9) // 2
        moved = drawn(parent.seed, f"{parent.tag} {parent.began_ns} size", part, -half_e9, half_e9)
        return parent.lots * (part * E9 + moved) // (parent.parts * E9)

    def _next_part(self, parent: Parent, seen: Seen) -> Parent:
        """The part now due, no more of it than the depth allows."""
        part = max(parent.part, 1)
        while part < parent.parts and self.end_of(parent, part) <= parent.filled:
            part += 1
        target = self.end_of(parent, part)
        allowed = self._depth_lots(seen, parent.side)
        if allowed > 0:
            target = min(target, parent.filled + max(allowed, parent.least))
        return parent._replace(phase=WORKING, part=part, target=target, attempts=0, price=0)

    def _pausing(self, parent: Parent, now_ns: int) -> Parent:
        """The part is done: the next one comes after a drawn gap."""
        low, high = round(self.gap_min_s * SECOND_NS), round(self.gap_max_s * SECOND_NS)
        gap_ns = drawn(parent.seed, f"{parent.tag} {parent.began_ns} gap", parent.draws, low, max(low, high))
        return parent._replace(phase=WAITING, due_ns=now_ns + gap_ns, draws=parent.draws + 1)

    def _depth_lots(self, seen: Seen, side: int) -> int:
        """What a part may be at most by what is offered; 0 where no levels are shown."""
        return round(self.depth_frac * E9) * lots_within(seen, side, self.depth_bp) // E9


def _times(lots: int, most: int) -> int:
    """How many parts of at most `most` lots that takes; 1 where there is no bound."""
    return -(-lots // most) if most > 0 else 1
