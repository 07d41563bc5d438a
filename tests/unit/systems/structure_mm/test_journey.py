"""Whole episodes on hand-drawn candles, through the real loop: what is logged, bought, quoted and sold, in order."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from quintet.core.orders.lifecycle import IOC, POST_ONLY, STOP
from quintet.core.risk.config import RiskConfig
from quintet.core.risk.gate import ORDER_SIZE
from quintet.systems.structure_mm.machine import (
    BOS_CONFIRMED,
    COMPLETED,
    FLAT,
    GIVE_WAY,
    HARD_STOP,
    NOT_FILLED,
    PULLBACK_READY,
    START_FILLED,
    STRUCTURE,
    TIME,
    UNPAYABLE,
)
from quintet.systems.structure_mm.records import BOS, EXIT, IDLE, MM, REBALANCE, TAGS_PER_EPISODE
from tests.structure_mm_worlds import (
    FIVE_MINUTES,
    SMALL,
    START,
    WARM,
    cents,
    notes_of,
    path,
    run_candles,
    spot,
    told,
    transitions,
)

# The first run of a session may compile the whole engine with the system inside.
pytestmark = pytest.mark.timeout(400)

ROOT = Path(__file__).resolve().parents[4]

BREAK = ((2960, 10), (3005, 8), (2975, 6), (3040, 10), (3005, 5), (3060, 10))
"""A low, a change of character above 3007, a higher low at 3003, and a break of the high at 3042 in bar 76."""

PULLBACK = ((3044, 3),)
"""Back to 3044, a good quarter of the leg: ready at the close of bar 82."""

ENTRY = ((0, 1), (1, 2), (2, 3))


def run(*legs, **named):
    return run_candles(path(*WARM, *BREAK, *legs), **named)


def at_bar(ts):
    return (ts - START) / FIVE_MINUTES


@pytest.fixture(scope="module")
def exit_by_structure():
    """Entered, filled further down, and left because the protected low is broken at a close."""
    return run(*PULLBACK, (3038, 4), (3001.5, 12), (3000, 3))


@pytest.fixture(scope="module")
def completed():
    return run(*PULLBACK, (3040, 2), (3066, 8), (3080, 6))


@pytest.mark.req("S-23", "S-32")
def test_an_episode_goes_through_all_states_in_order(exit_by_structure):
    assert transitions(exit_by_structure) == [
        (IDLE, BOS, BOS_CONFIRMED),
        (BOS, REBALANCE, PULLBACK_READY),
        (REBALANCE, MM, START_FILLED),
        (MM, EXIT, STRUCTURE),
        (EXIT, IDLE, FLAT),
    ]
    times = [ts for ts, kind, *_ in notes_of(exit_by_structure) if kind == "transition"]
    assert times == sorted(times)


@pytest.mark.req("S-01")
def test_the_chain_of_a_bar_is_logged_in_one_order_from_bar_to_grid(exit_by_structure):
    order = ["bar", "atr", "structure", "bos", "pullback", "policy", "transition", "sized", "bid", "no_bid"]
    told_at = {}
    for ts, kind, *_ in notes_of(exit_by_structure):
        told_at.setdefault(ts, []).append(kind)
    chains = [kinds for kinds in told_at.values() if "bar" in kinds]
    # given every bar on which something happened, the entry among them
    assert any("sized" in kinds for kinds in chains)
    for kinds in chains:
        # then its log is in the order of the chain, nothing skipped on the way to a transition
        places = [order.index(kind) for kind in kinds if kind in order]
        assert places == sorted(places)
        assert kinds[:3] == ["bar", "atr", "structure"]
        assert "policy" in kinds


@pytest.mark.req("S-06", "S-29")
def test_no_buy_is_decided_before_the_confirmed_break(exit_by_structure):
    confirmed = next(ts for ts, kind, _, b, *_ in notes_of(exit_by_structure) if kind == "transition" and b == BOS)
    buys = exit_by_structure.commands[exit_by_structure.commands["side"] > 0]
    assert len(buys) > 4
    assert int(buys["ts"].min()) > confirmed


@pytest.mark.req("S-29")
def test_wicks_above_the_level_buy_nothing():
    # given a level at 3042 that is only pierced, never closed above
    candles = path(*WARM, *BREAK[:5], (3035, 5))
    for _ in range(40):
        candles.append((cents(3035), cents(3050), cents(3033), cents(3035)))
    run_of_wicks = run_candles(candles)
    # then a potential break is seen, nothing is confirmed, and nothing is bought
    assert any("bos_potential" in line for line in told(run_of_wicks))
    assert transitions(run_of_wicks) == []
    assert len(run_of_wicks.commands) == 0


@pytest.mark.req("S-30")
def test_a_break_without_a_pullback_never_makes_a_market():
    # given a confirmed break and then 200 bars straight up
    straight = run((3460, 200))
    assert (IDLE, BOS, BOS_CONFIRMED) in transitions(straight)
    assert all(to not in (REBALANCE, MM) for _, to, _ in transitions(straight))
    assert len(straight.fills) == 0


@pytest.mark.req("S-07")
def test_after_entry_both_sides_are_quoted_at_the_next_close(completed):
    filled = next(ts for ts, kind, _, b, *_ in notes_of(completed) if kind == "transition" and b == MM)
    placed = completed.commands[(completed.commands["kind"] == 64) & (completed.commands["style"] == POST_ONLY)]
    soon = placed[(placed["ts"] >= filled) & (placed["ts"] <= filled + FIVE_MINUTES)]
    assert (soon["side"] > 0).sum() >= 1
    assert (soon["side"] < 0).sum() >= 1
    # and what is not quoted has its reason
    assert any("under the guard" in line for line in told(completed))


def test_an_episode_is_completed_flat_at_the_old_top(completed):
    assert transitions(completed)[-1] == (MM, IDLE, COMPLETED)
    assert completed.fills["side"].sum() == 0
    assert completed.desk.shown.account[0].lots <= 1


def test_takes_are_one_and_two_steps_above_the_start_lots(completed):
    starts = completed.fills[completed.fills["side"] > 0][:2]
    takes = completed.fills[completed.fills["side"] < 0][:2]
    assert starts["price"].tolist() == [cents(3044), cents(3044)]
    step = 25.12 / 10_000
    assert takes["price"].tolist() == [int(np.ceil(304_400 * (1 + k * step))) for k in (1, 2)]
    assert takes["tag"].tolist() == starts["tag"].tolist()


@pytest.mark.req("S-53")
def test_what_arrives_after_a_fee_in_base_is_what_is_sold(completed):
    bought = completed.fills[completed.fills["side"] > 0]
    sold = completed.fills[completed.fills["side"] < 0]
    # given 18,960 lots bought at 10 bp: 18,941.04 arrive, and the parts of a lot join the next lot
    assert bought["lots"].tolist() == [18_960, 18_960]
    assert sold["lots"].tolist() == [18_941, 18_941]
    account = completed.desk.shown.account[0]
    assert account.held == 2 * 18_960 * 1_000 - 2 * 18_960 - 2 * 18_941 * 1_000


def test_the_hard_stop_sells_everything_and_the_episode_is_over():
    # given an entry and a fall through S = 2993.51 that opens above it
    stopped = run(*PULLBACK, (3040, 2), (2960, 5), (2960, 4))
    assert transitions(stopped)[-1] == (MM, IDLE, HARD_STOP)
    last = stopped.fills[-1]
    # then the stop itself was filled, as a taker, at S less half the spread and the slippage
    assert (int(last["maker"]), int(last["tag"]) % TAGS_PER_EPISODE) == (0, 0)
    assert int(last["price"]) == int(np.floor(299_351 * (1 - 2.5 / 10_000)))
    assert stopped.desk.shown.account[0].lots <= 1


def test_a_stop_that_opens_below_is_filled_at_the_open():
    # given S 2993.51 and a bar that opens at 2991
    candles = path(*WARM, *BREAK, *PULLBACK, (3040, 2))
    candles.append((cents(2991), cents(2992), cents(2985), cents(2990)))
    candles += path((2988, 3), start=2990)
    stopped = run_candles(candles)
    last = stopped.fills[-1]
    assert int(last["price"]) == int(np.floor(299_100 * (1 - 2.5 / 10_000)))
    assert transitions(stopped)[-1][1:] in ((IDLE, HARD_STOP), (IDLE, FLAT))


def test_the_stop_stands_from_the_first_start_bid_on(completed):
    stops = completed.commands[(completed.commands["style"] == STOP) & (completed.commands["kind"] == 64)]
    entry = next(ts for ts, kind, _, b, *_ in notes_of(completed) if kind == "transition" and b == REBALANCE)
    assert int(stops["ts"][0]) == entry
    # and it is only ever raised
    assert stops["price"].tolist() == sorted(stops["price"].tolist())


def test_an_urgent_exit_waits_for_its_asks_and_gives_way_by_50_bp(exit_by_structure):
    sent = exit_by_structure.commands[exit_by_structure.commands["style"] == IOC]
    assert len(sent) == 1
    # the close of the bar that broke O was 3001.5; the cap is 50 bp below it
    assert int(sent["price"][0]) == cents(3001.5) * 995 // 1_000
    left = next(ts for ts, kind, _, b, *_ in notes_of(exit_by_structure) if kind == "transition" and b == EXIT)
    assert int(sent["ts"][0]) > left


def test_a_calm_exit_sells_at_the_best_ask_as_maker():
    # given a market that goes nowhere for 20 bars
    config = msgspec.structs.replace(SMALL, mm_ttl_bars=20)
    slow = run(*PULLBACK, (3040, 2), (3041, 60), config=config)
    assert transitions(slow)[-2:] == [(MM, EXIT, TIME), (EXIT, IDLE, FLAT)]
    assert int(slow.fills[-1]["maker"]) == 1


def test_a_calm_exit_follows_the_market_down_and_becomes_urgent_after_its_time():
    # given the same market, but sinking a little at every bar
    config = msgspec.structs.replace(SMALL, mm_ttl_bars=20)
    slow = run(*PULLBACK, (3040, 2), (3039, 60), config=config)
    assert transitions(slow)[-3:] == [(MM, EXIT, TIME), (EXIT, EXIT, GIVE_WAY), (EXIT, IDLE, FLAT)]
    assert len([line for line in told(slow) if "calm exit" in line]) == config.exit_ttl_bars
    assert int(slow.fills[-1]["maker"]) == 0


def test_start_bids_that_nobody_sells_into_are_given_up():
    # given a market that never comes back to 3044 after the decision
    config = msgspec.structs.replace(SMALL, rebalance_ttl_bars=3)
    candles = path(*WARM, *BREAK, *PULLBACK)
    candles += [(cents(3046 + k), cents(3049 + k), cents(3045 + k), cents(3047 + k)) for k in range(12)]
    gone = run_candles(candles, config)
    assert transitions(gone)[-1] == (REBALANCE, IDLE, NOT_FILLED)
    assert len(gone.fills) == 0
    # and the bids were called back before the episode was over
    assert gone.desk.shown.account[0].open_buy_lots == 0


def test_a_leg_that_cannot_pay_its_fees_is_not_entered():
    # given the same leg at a maker fee of 40 bp: three steps are wider than the leg
    dear = run(*PULLBACK, (3040, 2), instrument=spot(40.0, 40.0))
    assert transitions(dear)[-1] == (BOS, IDLE, UNPAYABLE)
    assert len(dear.commands) == 0


def test_after_an_episode_a_break_does_not_arm_for_an_hour():
    # given an episode completed at about bar 91 and another break within 12 bars
    again = run(*PULLBACK, (3040, 2), (3066, 8), (3050, 3), (3085, 6))
    skipped = [line for line in told(again) if "cool_down" in line]
    assert len(skipped) >= 1
    assert again.world.state[0].n_armed == 1


@pytest.mark.req("S-72")
def test_a_fill_is_traced_to_level_lot_episode_break_and_bars(exit_by_structure):
    # given the last fill of a grid bid
    notes = notes_of(exit_by_structure)
    buys = exit_by_structure.fills[exit_by_structure.fills["side"] > 0]
    fill = buys[-1]
    tag, episode = int(fill["tag"]), int(fill["tag"]) // TAGS_PER_EPISODE
    # then its tag names the bid: price, lots and level
    _, _, _, price, lots, level = next(note for note in notes if note[1] == "bid" and note[2] == tag)
    assert (price, level > 0) == (int(fill["price"]), True)
    assert lots >= int(fill["lots"])
    # and its episode names the bar of the entry, the leg, and the bar and level of the break
    entered = next(n for n in notes if n[1] == "transition" and n[3] == REBALANCE and n[5] == episode)
    armed = next(n for n in notes if n[1] == "transition" and n[3] == BOS and n[5] == episode)
    broke = next(n for n in notes if n[1] == "bos" and n[0] == armed[0])
    assert (at_bar(armed[0]), broke[3]) == (76.0, cents(3042))
    assert at_bar(entered[0]) == 82.0
    leg = next(n for n in notes if n[1] == "pullback" and n[0] == entered[0])
    assert (leg[3], leg[4]) == (cents(3003), cents(3062))


@pytest.mark.req("S-31")
def test_the_log_speaks_of_candles_breaks_policy_and_market_making(exit_by_structure):
    text = "\n".join(told(exit_by_structure))
    for word in ("bar 76 closed", "bos_confirmed at 3042.00", "pullback ready", "policy Disabled becomes Normal",
                 "Rebalance to MM: start_filled"):  # fmt: skip
        assert word in text


@pytest.mark.req("S-02", "S-03")
def test_money_and_base_are_never_promised_twice(exit_by_structure, completed):
    for done in (exit_by_structure, completed):
        assert done.desk.alarms == 0
        assert done.imbalance_quanta == 0
        assert done.samples["held"].min() >= 0


@pytest.mark.req("S-11")
def test_what_the_gate_refuses_does_not_leave_and_is_written_down():
    # given a policy that says quote, and a gate that lets no order of the venue's minimum through
    refused = run(*PULLBACK, (3040, 2), risk=RiskConfig(order_quantity_max=Decimal("0.00001")))
    assert (BOS, REBALANCE, PULLBACK_READY) in transitions(refused)
    # then no order has left but the stop, which is no order at the venue
    assert set(refused.commands["style"].tolist()) == {STOP}
    # and the refusal names its limit
    assert refused.desk.n_refused > 0
    assert int(refused.desk.refusals[0].reason) == ORDER_SIZE


@pytest.mark.req("S-08")
def test_the_same_market_gives_the_same_run_compiled_or_not_at_any_hash_seed(exit_by_structure):
    # given the run of this process
    here = f"{exit_by_structure.command_hash} {exit_by_structure.state_hash}"
    # when another process, interpreted and with another hash seed, runs the same market
    script = "from tests.unit.systems.structure_mm.test_journey import run, PULLBACK\n"
    script += "r = run(*PULLBACK, (3038, 4), (3001.5, 12), (3000, 3)); print(r.command_hash, r.state_hash)"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    # then commands and state have the same bits
    assert done.stdout.strip() == here, done.stderr[-2000:]
