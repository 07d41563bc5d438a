"""The life of orders under everything that can be heard of them, in any order, against a model that keeps only facts.

`STORM_EXAMPLES` asks for more examples than a test run has time for.
"""

import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from quintet.core import events as ev
from tests.desk_driver import LIMIT, POST_ONLY, Desk, Sent

ENDS = (ev.ORDER_REJECTED, ev.ORDER_CANCELED, ev.ORDER_EXPIRED, ev.COMMAND_LOST, ev.COMMAND_SUPPRESSED)
SAYINGS = (*ENDS, ev.ORDER_ACCEPTED, ev.CANCEL_REJECTED, ev.COMMAND_UNANSWERED)
BEFORE_LOTS = 40
STYLES = st.sampled_from((POST_ONLY, LIMIT))
WANT = st.tuples(st.sampled_from((1, -1)), st.integers(9_950, 10_050), st.integers(1, 9), STYLES, st.integers(0, 2))


class Orders(RuleBasedStateMachine):
    """A desk that wants, hears and is filled; the model knows what was ordered, what was filled, and what is over."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(lots=BEFORE_LOTS)
        self.ordered: dict[int, Any] = {}
        self.filled: dict[int, int] = {}
        self.position = BEFORE_LOTS
        self.booked: list[dict[str, int]] = []
        self.last_execution = 1_000
        self.sold_late = 0
        """Lots sold by orders of which the desk had heard before that they were over."""

    @rule(wants=st.lists(WANT, max_size=4))
    def wants(self, wants: list[tuple[int, ...]]) -> None:
        self.take(self.desk.want(*wants))

    def take(self, commands: list[Sent]) -> None:
        """What one event has sent: a cancel that waited for its order's acceptance leaves with that."""
        for sent in commands:
            if sent.kind == "place":
                assert sent.number not in self.ordered, "a number was given twice"
                self.ordered[sent.number] = sent
                self.filled[sent.number] = 0
            else:
                assert sent.number in self.live, f"a {sent.kind} of an order that is over"

    @precondition(lambda self: self.ordered)
    @rule(pick=st.integers(0, 99), kind=st.sampled_from(SAYINGS))
    def is_told(self, pick: int, kind: int) -> None:
        number = sorted(self.ordered)[pick % len(self.ordered)]
        was_live = number in self.live
        self.desk.hear(kind, number)
        self.take(self.desk.sent())
        assert was_live or number not in self.live, "an order that was over lives again"

    @precondition(lambda self: self.ordered)
    @rule(pick=st.integers(0, 99), lots=st.integers(1, 9))
    def is_filled(self, pick: int, lots: int) -> None:
        number = sorted(self.ordered)[pick % len(self.ordered)]
        lots = min(lots, self.ordered[number].lots - self.filled[number])
        if lots <= 0 or (self.ordered[number].side < 0 and self.position < lots):
            return
        self.last_execution += 1
        order = self.ordered[number]
        if order.side < 0 and number not in self.live:
            self.sold_late += lots
        fill = {"lots": lots, "price": order.price, "side": order.side, "execution": self.last_execution}
        self.desk.fill(number, **fill)
        self.take(self.desk.sent())
        self.booked.append({"number": number, **fill})
        self.filled[number] += lots
        self.position += order.side * lots
        if self.filled[number] == order.lots:
            assert number not in self.live, "an order of which nothing is left lives"

    @precondition(lambda self: self.booked)
    @rule(pick=st.integers(0, 99))
    def is_told_of_a_fill_again(self, pick: int) -> None:
        again = {**self.booked[pick % len(self.booked)]}
        self.desk.fill(again.pop("number"), **again)

    @rule(seconds=st.integers(0, 3))
    def waits(self, seconds: int) -> None:
        self.desk.later(seconds)

    @property
    def live(self) -> set[int]:
        return {int(order.number) for order in self.desk.orders}

    @invariant()
    def the_position_is_what_was_filled(self) -> None:
        assert int(self.desk.account.lots) == self.position

    @invariant()
    def what_lives_was_ordered_and_is_not_filled(self) -> None:
        for order in self.desk.orders:
            number = int(order.number)
            assert number in self.ordered
            assert 0 <= int(order.filled) == self.filled[number] < int(order.lots)

    @invariant()
    def nothing_of_ours_meets_our_own(self) -> None:
        bids = [int(order.price) for order in self.desk.orders if int(order.side) > 0]
        asks = [int(order.price) for order in self.desk.orders if int(order.side) < 0]
        assert not bids or not asks or max(bids) < min(asks)

    @invariant()
    def coins_that_are_offered_were_held_as_far_as_was_heard(self) -> None:
        offered = sum(int(one.lots) - int(one.filled) for one in self.desk.orders if int(one.side) < 0)
        assert offered <= self.position + self.sold_late


TestOrders = Orders.TestCase
TestOrders.settings = settings(
    max_examples=int(os.environ.get("STORM_EXAMPLES", "15")), stateful_step_count=25, deadline=None
)
