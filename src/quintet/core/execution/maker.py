"""One resting order at a maker's price, which may follow the market and has until a time."""

from typing import Annotated

from quintet.core.execution.parent import MAKER, WORKING, Parent, refuse_another
from quintet.core.execution.rules import Resting, Worked, beginning, one_order, timed_out
from quintet.core.execution.seen import Seen
from quintet.core.orders.lifecycle import POST_ONLY
from quintet.core.parameters import parameter


class Maker(Resting, frozen=True, kw_only=True):
    """A post-only limit order: it never takes. Defaults: intraday-sol, 7.1.

        phase    event                                     next
        WORKING  filled                                    DONE
        WORKING  refused by the venue, as it would take    WORKING, priced anew
        WORKING  `requote_s` over, market moved            WORKING, amended, or cancelled and then placed anew
        WORKING  `timeout_s` over, or called off           ENDING, see `Timed`

    Assumption: a fill at our price is good news. It is not when the price goes on through it; the report says what the
    mid did afterwards.
    """

    timeout_s: Annotated[float, parameter("s", "from its beginning until the rest is cancelled", gt=0.0, le=1e7)] = 30.0

    def begin(
        self, seen: Seen, side: int, lots: int, *, tag: int, instrument: int = 0, reduce_only: bool = False
    ) -> Parent:
        """Buy (+1) or sell (-1) `lots`; `tag` is of this parent alone while it lives."""
        return beginning(MAKER, seen, side, lots, tag, instrument, reduce_only, self.timeout_s)

    def work(self, parent: Parent, seen: Seen) -> Worked:
        """To be asked at every wake: what is remembered, and what should be working."""
        refuse_another(parent, MAKER)
        if not parent.is_active:
            return parent, []
        seen = seen.of(parent.instrument)
        parent = timed_out(parent, seen)
        if parent.phase != WORKING:
            return self.wind_up(parent, seen)
        parent = self.priced(parent, seen)
        return parent, one_order(parent, seen, parent.left, parent.price, POST_ONLY)
