"""A venue that counts in a rolling window never counts too much, however its answers come; cancels go first."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import ConfigError
from quintet.venues.pacing import Cost, Limit, Pace, Pacer
from tests.fakes.virtual_time import run

MS = 1_000_000


class CountingVenue:
    """Counts what reaches it in any rolling window of a second, per limit."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.limits = limits
        self.reached: dict[str, list[tuple[float, int]]] = {name: [] for name in limits}

    def reach(self, costs: list[Cost]) -> None:
        now = asyncio.get_running_loop().time()
        for name, units in costs:
            self.reached[name].append((now, units))
            recent = sum(n for at, n in self.reached[name] if at > now - 1.0)
            assert recent <= self.limits[name], f"{name}: {recent} in one second"


requests = st.lists(
    st.tuples(
        st.integers(0, 3_000),  # ms after the start
        st.sampled_from(["create", "cancel"]),
        st.integers(1, 3),
        st.integers(0, 900),  # ms to the venue
        st.integers(0, 900),  # ms back
        st.booleans(),  # answered at all?
    ),
    max_size=60,
)


@pytest.mark.req("E-118")
@given(requests)
def test_the_venue_never_counts_more_than_its_limit(some: list[tuple[int, str, int, int, int, bool]]) -> None:
    limits = {"create": 5, "cancel": 4, "address": 7}
    venue = CountingVenue(limits)
    pace = Pace({name: Limit(units, for_urgent=2 if name == "address" else 0) for name, units in limits.items()})
    served = 0

    async def one(at: int, kind: str, units: int, there: int, back: int, answered: bool) -> None:
        nonlocal served
        await asyncio.sleep(at / 1_000)
        costs = [Cost(kind, units), Cost("address")]
        async with pace.turn(costs, urgent=kind == "cancel") as turn:
            if answered:
                await asyncio.sleep(there / 1_000)
                venue.reach(costs)
                await asyncio.sleep(back / 1_000)
            else:  # given up at once, and on its way for as long as it can be
                turn.linger(there / 1_000)
        if not answered:
            await asyncio.sleep(there / 1_000)
            venue.reach(costs)
        served += 1

    async def all_of_them() -> None:
        await asyncio.gather(*(one(*request) for request in some))

    run(all_of_them())
    assert served == len(some)


def test_what_waits_leaves_in_order_and_cancels_first() -> None:
    pacer = Pacer({"address": Limit(2)})
    first, second = (pacer.queue([Cost("address")]) for _ in range(2))
    third, cancel = pacer.queue([Cost("address")]), pacer.queue([Cost("address")], urgent=True)
    assert pacer.grant(0) == [cancel, first]
    assert pacer.grant(10 * MS) == []
    pacer.answered(cancel, 50 * MS)
    assert pacer.next_ns(50 * MS) == 1_050 * MS
    assert pacer.grant(1_049 * MS) == []
    assert pacer.grant(1_050 * MS) == [second]
    pacer.answered(first, 1_060 * MS)
    assert pacer.grant(2_060 * MS) == [third]


def test_a_part_of_a_shared_limit_is_kept_for_cancels() -> None:
    pacer = Pacer({"address": Limit(3, for_urgent=1)})
    orders = [pacer.queue([Cost("address")]) for _ in range(3)]
    assert pacer.grant(0) == orders[:2]
    cancel = pacer.queue([Cost("address")], urgent=True)
    assert pacer.grant(0) == [cancel]


def test_a_small_request_does_not_overtake_a_large_one() -> None:
    pacer = Pacer({"create": Limit(3)})
    flying, large, small = (pacer.queue([Cost("create", units)]) for units in (2, 2, 1))
    assert pacer.grant(0) == [flying]
    pacer.answered(flying, 0)
    assert pacer.grant(1_000 * MS) == [large, small]


def test_what_somebody_else_spends_is_believed() -> None:
    pacer = Pacer({"create": Limit(10)})
    [first] = [pacer.queue([Cost("create")])]
    pacer.grant(0)
    pacer.answered(first, 100 * MS)
    pacer.hear("create", 10, 2, 100 * MS)
    later = [pacer.queue([Cost("create")]) for _ in range(4)]
    assert pacer.grant(110 * MS) == later[:2]
    assert pacer.grant(1_100 * MS) == later[2:]


def test_a_limit_that_the_venue_says_is_taken_over() -> None:
    pacer = Pacer({"create": Limit(10)})
    pacer.hear("create", 2, 2, 0)
    some = [pacer.queue([Cost("create")]) for _ in range(3)]
    assert pacer.grant(0) == some[:2]


def test_a_venue_that_wants_to_be_left_alone_is() -> None:
    pacer = Pacer({"create": Limit(10)})
    pacer.close("create", 700 * MS)
    ticket = pacer.queue([Cost("create")])
    assert pacer.grant(699 * MS) == []
    assert pacer.next_ns(0) == 700 * MS
    assert pacer.grant(700 * MS) == [ticket]


def test_a_request_that_no_limit_lets_through_is_refused() -> None:
    with pytest.raises(ConfigError, match="create: a request of 11 units, expected at most 10"):
        Pacer({"create": Limit(10)}).queue([Cost("create", 11)])


def test_who_stops_waiting_takes_nobodys_turn() -> None:
    async def story() -> float:
        pace = Pace({"create": Limit(1)})

        async def one() -> None:
            async with pace.turn([Cost("create")]):
                await asyncio.sleep(0.1)

        tasks = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return asyncio.get_running_loop().time()

    assert run(story()) == pytest.approx(1.2, abs=0.001)


def test_a_thousand_requests_leave_at_nearly_the_limits_speed() -> None:
    rng = random.Random(5)

    async def story() -> float:
        pace = Pace({"create": Limit(10)})

        async def one() -> None:
            async with pace.turn([Cost("create")]):
                await asyncio.sleep(rng.uniform(0.005, 0.02))

        await asyncio.gather(*(one() for _ in range(200)))
        return asyncio.get_running_loop().time()

    assert 19.0 < run(story()) < 20.0


def test_what_the_venue_says_of_a_limit_that_nobody_keeps_changes_nothing() -> None:
    pacer = Pacer({"address": Limit(2)})
    pacer.hear("/v5/new/path", 50, 49, 0)
    pacer.close("/v5/new/path", 10**12)
    pacer.queue([Cost("address")], False)
    assert len(pacer.grant(0)) == 1
