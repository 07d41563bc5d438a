"""Laws of structure_mm on any market, under any reading of a bar and any latency."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.random import below, seeded
from quintet.research import systems
from quintet.systems.structure_mm import statistics
from quintet.systems.structure_mm.machine import TRANSITIONS
from tests.players import CHECKS_BOUNDS, deciding
from tests.structure_mm_worlds import SMALL, WARM, cents, notes_of, path, run_candles, spot, transitions

# The first run of a session may compile the whole engine with the system inside.
pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("structure_mm")]


@pytest.fixture(autouse=True, scope="module")
def one_loop_for_all() -> Iterator[None]:
    """Where bounds are checked, the system decides outside the loop, as `tests.players` do."""
    with pytest.MonkeyPatch.context() as patch:
        if CHECKS_BOUNDS:
            patch.setattr(systems, "_compiled", lambda system: deciding(system.decide))
        yield


LEGS = ((2960, 10), (3005, 8), (2975, 6), (3040, 10), (3005, 5), (3060, 10), (3044, 3))
"""Ends on the pullback of a confirmed break, so that what follows meets an episode."""


def rough(seed: int, size: int, bars: int = 160) -> list[tuple[int, int, int, int]]:
    """After the pullback a price that staggers, with gaps between bars and legs of its own."""
    dice = seeded(seed, "rough market")[0]
    candles = path(*WARM, *LEGS)
    here = cents(3044)
    lean = 0
    for k in range(bars):
        if k % 12 == 0:
            lean = below(dice, 2 * size // 3 + 1) - size // 3
        first = here + (below(dice, size) - size // 2 if below(dice, 6) == 0 else 0)
        close = max(first + lean + below(dice, 2 * size + 1) - size, 100_000)
        high = max(first, close) + below(dice, size)
        low = min(first, close) - below(dice, size)
        candles.append((first, high, low, close))
        here = close
    return candles


@pytest.mark.bounds
@pytest.mark.req("S-02", "S-03", "S-22", "S-23", "S-25")
@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(50, 1_200),
    policy=st.sampled_from(["pessimistic", "optimistic", "ohlc", "olhc"]),
    latency_ms=st.sampled_from([0, 250, 20_000]),
    maker_bp=st.sampled_from([0.0, 1.0, 10.0]),
    participation=st.sampled_from([1.0, 0.1, 0.0001]),
)
def test_what_holds_on_any_market(seed, size, policy, latency_ms, maker_bp, participation):
    # given any market after a break and a pullback
    done = run_candles(
        rough(seed, size),
        policy=policy,
        instrument=spot(maker_bp, 10.0),
        latency_ms=latency_ms,
        response_ms=latency_ms,
        participation_frac=participation,
    )
    state = done.world.state[0]
    # then books balance, nothing impossible was seen, and nothing is owed
    assert (done.imbalance_quanta, int(done.desk.alarms)) == (0, 0)
    assert done.samples["held"].min() >= 0
    assert (done.samples["equity"] - done.samples["held"] * done.samples["price"] // 100).min() >= 0
    # and every bar has one policy and one state
    assert state.bars_in_policy.sum() == state.bars_in_state.sum() == state.bars
    # and states follow each other as the table says
    found = transitions(done)
    assert {(a, b) for a, b, _ in found} <= {(row.state, row.to) for row in TRANSITIONS}
    assert all(one[1] == two[0] for one, two in zip(found, found[1:], strict=False))
    # and our own fills never cross the hard band: 40 % of equity at the last close before the fill
    equity_at = dict(zip(done.samples["ts"].tolist(), done.samples["equity"].tolist(), strict=True))
    for fill in done.fills[done.fills["side"] > 0]:
        before = max(ts for ts in equity_at if ts <= int(fill["ts_event"]))
        assert int(fill["lots_after"]) * int(fill["price"]) * 10 <= 0.40 * equity_at[before] * 1.0001
    # and lots are accounted for: what can be sold belongs to lots, or is dust
    held_in_lots = sum(int(lot.lots) for lot in state.lots if lot.tag)
    assert held_in_lots <= int(done.desk.shown.account[0].lots)
    # and what was told fits what was counted
    entered = sum(1 for _, kind, _, to, *_ in notes_of(done) if kind == "transition" and to == 2)
    assert entered == statistics(state)["state_rebalance_entries"]


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_the_same_market_gives_the_same_run(seed):
    candles = rough(seed, 400)
    one, two = run_candles(candles, SMALL), run_candles(candles, SMALL)
    assert (one.command_hash, one.state_hash) == (two.command_hash, two.state_hash)
