"""Laws of execution algorithms, whatever market and venue do: never too much, nothing left behind, one way only.

Each law is tried on drawn days of trouble; a day's number is in the message when one is broken.
"""

import random
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quintet.core.execution.bounded import Bounded
from quintet.core.execution.iceberg import Iceberg
from quintet.core.execution.ladder import Ladder
from quintet.core.execution.maker import Maker
from quintet.core.execution.parent import DONE, WORKING, Parent
from quintet.core.execution.position import STOP_TAGS, Position
from quintet.core.execution.twap import Twap
from quintet.core.orders.lifecycle import POST_ONLY, STOP
from tests.execution_market import Runner, a_book

DAYS = 400
DEEDS = 30
LADDERS: tuple[dict[str, Any], ...] = (
    {}, {"trail_from": 0, "trail_units": 3.0}, {"keep_frac": 0.0}, {"step_ticks": 4},
)  # fmt: skip

Deed = tuple[Any, ...]


def some_rules(dice: random.Random) -> Any:
    ends = {"then": dice.choice(["cancel", "take"]), "too_little": dice.choice(["close", "keep"])}
    rests = {"at": dice.choice(["touch", "offset"]), "requote_s": dice.choice([0.0, 1.0, 5.0])}
    style = dice.choice(["rest", "take"])
    return dice.choice(
        [
            Maker(timeout_s=30.0, **ends, **rests),
            Twap(over_s=30.0, slices=dice.randint(1, 9), style=style, **ends, **rests),
            Iceberg(timeout_s=30.0, style=style, **ends, **rests),
            Bounded(attempts=dice.randint(1, 4), then=dice.choice(["drop", "market"])),
        ]
    )


def a_day(dice: random.Random, side: int = 0) -> tuple[Runner, int, int]:
    """An algorithm at its beginning, its side and its lots."""
    side, lots = side or dice.choice([1, -1]), dice.randint(1, 400)
    held = 0 if side > 0 else 10_000
    amends, is_spot = dice.random() < 0.5, dice.random() < 0.5
    runner = Runner(some_rules(dice), amends=amends, is_spot=is_spot, lots=held, **a_book(60)).begin(side, lots)
    return runner, side, lots


def deeds(dice: random.Random) -> Iterator[Deed]:
    """What happens on a day."""
    for _ in range(DEEDS):
        word = dice.choice(["answer", "fill", "move", "wait", "lost", "wake"])
        yield word, dice.randint(0, 3), dice.randint(1, 60), dice.randint(-12, 12), dice.choice([0.0, 0.3, 2.0, 7.0])


def do(runner: Runner, deed: Deed) -> None:
    """One thing happens: at the venue, in the market, or that we are woken."""
    venue, (word, n, lots, by, seconds) = runner.venue, deed
    now = venue.moment
    if word == "wake":
        runner.wake()
    elif word in ("wait", "move"):
        venue.later(seconds if word == "wait" else 0.0, bid=now.bid + by, ask=now.ask + by, last=now.last + by)
        if word == "wait":
            runner.wake()
    elif n < len(venue.orders):
        order = venue.orders[n]
        if word == "fill":
            held = max(-order.want.side * now.lots, 0)  # of a reduce-only order the venue fills no more than that
            venue.fill(order, min(lots, held) if order.want.reduce_only else lots)
        elif word == "answer":
            venue.answer(order)
        elif order.status == "in flight":
            venue.orders.remove(order)  # refused by the gate or by the venue


def in_market(runner: Runner, side: int) -> int:
    return sum(order.shown().lots for order in runner.venue.orders if order.want.side == side)


def test_what_is_filled_and_what_may_fill_is_never_more_than_was_asked() -> None:
    for day in range(DAYS):
        dice = random.Random(day)
        runner, side, lots = a_day(dice)
        for deed in deeds(dice):
            do(runner, deed)
            assert runner.state.filled + in_market(runner, side) <= lots, day
            assert runner.state.undone + in_market(runner, -side) <= runner.state.filled, day


def test_after_its_time_nothing_of_it_is_left_in_the_market() -> None:
    for day in range(DAYS):
        dice = random.Random(day)
        runner, side, lots = a_day(dice)
        for deed in deeds(dice):
            do(runner, deed)
        for _ in range(8):
            runner.later(40.0)
            for order in list(runner.venue.orders):
                if order.want.price == 0:  # at market there is always somebody
                    runner.venue.fill(order, order.left)
        assert runner.state.is_over and runner.venue.orders == [], day
        assert (runner.state.phase == DONE) == (runner.state.filled == lots), day


def test_a_price_to_rest_at_is_never_chosen_where_it_would_take() -> None:
    for day in range(DAYS):
        dice = random.Random(day)
        runner, side, _ = a_day(dice)
        for deed in deeds(dice):
            before = runner.state.price
            do(runner, deed)
            now, price = runner.venue.moment, runner.state.price
            if price != before and any((want.style, want.price) == (POST_ONLY, price) for want in runner.wants):
                assert price < now.ask if side > 0 else price > now.bid, day


def test_a_ladder_closes_what_there_is_and_its_stop_is_never_loosened() -> None:
    for day in range(DAYS):
        dice = random.Random(day)
        side, lots = dice.choice([1, -1]), dice.randint(1, 300)
        runner = Runner(Ladder(**dice.choice(LADDERS)), amends=dice.random() < 0.5, lots=side * lots)
        runner.begin(side, lots, entry=10_000, unit=8.0)
        assert sum(runner.state.parts) <= lots
        for deed in deeds(dice):
            before, found = runner.state, runner.venue.moment.lots
            do(runner, deed)
            state: Position = runner.state
            assert side * (state.stop - before.stop) >= 0, day
            assert side * runner.venue.moment.lots >= 0, day  # never turned
            assert state.closed + side * runner.venue.moment.lots == lots, day
            wants = runner.wants if deed[0] in ("wake", "wait") else []
            resting = [want.lots for want in wants if want.tag >= state.tag + STOP_TAGS]
            assert sum(resting) <= side * found or not all(order.is_open for order in runner.venue.seen().orders), day
            if wants and state.phase == WORKING and state.left > 0:
                covered = [want.lots for want in wants if want.style == STOP]
                assert max(covered, default=0) >= state.left, day  # a stop stands, or is on its way, for all of it


def test_the_same_moments_give_the_same_orders_and_the_same_memory() -> None:
    """Nothing but what is shown and what is remembered decides: no clock, no dice but those with a seed."""
    for day in range(DAYS // 4):
        (one, *_), (two, *_) = a_day(random.Random(day)), a_day(random.Random(day))
        for deed in deeds(random.Random(day)):
            do(one, deed)
            do(two, deed)
            two.state = Parent(*tuple(two.state))  # restored from its numbers
        assert one.state == two.state and one.wants == two.wants and one.venue.sent == two.venue.sent, day


@given(st.integers(0, 10**6), st.integers(1, 5_000), st.integers(1, 30), st.integers(1, 200))
def test_parts_of_an_iceberg_and_slices_of_a_twap_sum_to_the_amount(seed, lots, least, depth):
    rules = Iceberg()
    parent = Runner(rules, **a_book(depth)).begin(1, lots, seed=seed, least_lots=least).state
    ends = [rules.end_of(parent, part) for part in range(1, parent.parts + 1)]
    sizes = [after - before for before, after in zip([0, *ends], ends, strict=False)]
    assert ends[-1] == sum(sizes) == lots
    assert parent.parts <= 10
    assert parent.parts == 1 or min(sizes) >= least
    even = lots / parent.parts
    assert parent.parts == 1 or all(0.8 * even - 1 <= size <= 1.2 * even + 1 for size in sizes)
    slices = Runner(Twap(slices=9)).begin(1, lots, least_lots=least).state.parts
    cut = [lots * (n + 1) // slices - lots * n // slices for n in range(slices)]
    assert sum(cut) == lots and max(cut) - min(cut) <= 1 and (slices == 1 or min(cut) >= least)
