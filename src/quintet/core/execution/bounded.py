"""Taking at once, never beyond a bound: a market order that says how far it may slip."""

from typing import Annotated, Literal

from quintet.core.execution.child import left_alone
from quintet.core.execution.parent import BOUNDED, CALLED_OFF, DONE, SHORT, TAKING, WORKING, Parent, refuse_another
from quintet.core.execution.prices import bound_price
from quintet.core.execution.rules import SECOND_NS, Rules, Worked, beginning, mine_of, one_order
from quintet.core.execution.seen import Seen
from quintet.core.orders.lifecycle import IOC, MARKET
from quintet.core.parameters import parameter, text


class Bounded(Rules, frozen=True, kw_only=True):
    """Immediate-or-cancel limits at a bound: what is not there within it is dropped. Defaults: intraday-sol, 7.1.

        phase    event                                  next
        WORKING  filled                                 DONE
        WORKING  an attempt is over, another is due     WORKING, at a bound from the best offer of then
        WORKING  no attempt is left, `then` is drop     SHORT
        WORKING  no attempt is left, `then` is market   TAKING: the rest at market, until it is done
        any      called off                             SHORT, when what is under way is over

    An exit that must happen has several attempts and ends at market (intraday-sol I-207: `Bounded(bound_bp=100,
    attempts=5, within_s=10, then="market")`, begun with `reduce_only`).
    Assumption: what is offered when we decide is still offered when we arrive; the bound is what we lose if it is not.
    """

    bound_bp: Annotated[float, parameter("bp", "how far beyond the best offer it may take", ge=0.0, le=1_000.0)] = 10.0
    attempts: Annotated[int, parameter("orders", "one after the other, each at a new bound", ge=1, le=100)] = 1
    within_s: Annotated[float, parameter("s", "over which the attempts are spread", ge=0.0, le=3_600.0)] = 0.0
    then: Annotated[Literal["drop", "market"], text("drop or market", "what becomes of the rest at last")] = "drop"

    def begin(
        self, seen: Seen, side: int, lots: int, *, tag: int, instrument: int = 0, reduce_only: bool = False
    ) -> Parent:
        """Buy (+1) or sell (-1) `lots` at once."""
        return beginning(BOUNDED, seen, side, lots, tag, instrument, reduce_only, self.within_s)

    def work(self, parent: Parent, seen: Seen) -> Worked:
        """To be asked at every wake: what is remembered, and what should be working."""
        refuse_another(parent, BOUNDED)
        if not parent.is_active:
            return parent, []
        seen = seen.of(parent.instrument)
        mine = mine_of(parent, seen)
        if parent.left == 0:
            return parent._replace(phase=DONE), []
        if mine:
            return parent, left_alone(mine)
        if parent.phase == CALLED_OFF:
            return parent._replace(phase=SHORT), []
        if parent.phase == WORKING and parent.attempts == self.attempts:
            parent = parent._replace(phase=TAKING if self.then == "market" else SHORT)
        if parent.phase == TAKING:
            return parent, one_order(parent, seen, parent.left, 0, MARKET)
        price = bound_price(seen, parent.side, self.bound_bp)
        if parent.phase != WORKING or seen.now_ns < parent.due_ns or price <= 0:
            return parent, []
        due_ns = seen.now_ns + round(self.within_s * SECOND_NS) // self.attempts
        parent = parent._replace(attempts=parent.attempts + 1, due_ns=due_ns, price=price)
        return parent, one_order(parent, seen, parent.left, price, IOC)
