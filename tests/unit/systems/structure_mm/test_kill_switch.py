"""An operator pulls the kill switch while structure_mm makes its market."""

from typing import Any

import numpy as np
import pytest

from quintet.core.events import CANCEL, PLACE
from quintet.core.risk import breaker as b
from quintet.core.risk.config import RiskConfig
from quintet.research.backtest import PolicyRun
from quintet.storage.candle_sources import MarketBars
from quintet.storage.candle_tapes import market_rows
from quintet.systems.structure_mm.records import EXIT, IDLE, MM, REBALANCE
from tests.control_rows import operator_row
from tests.structure_mm_worlds import FIVE_MINUTES, RISE, START, WARM, bars_of, notes_of, path, run_market

EPISODE = (*WARM, *RISE, (2985, 12), (3060, 14), (3040, 6), (3032, 4), (3120, 40), (3000, 30))
"""A break, a pullback, market making from bar 99 on; later everything once more."""

KILLED_AT = START + 102 * FIVE_MINUTES + 120_000_000_000
SECOND = 1_000_000_000


def lived(*actions: tuple[int, int]) -> PolicyRun:
    """The episode with an operator's actions, each at its moment."""
    market = MarketBars(bars_of(path(*EPISODE)), None, ())
    rows = np.asarray(market_rows(market))
    for ts, action in actions:
        at = int(np.searchsorted(rows["ts_recv"], ts, side="right"))
        rows = np.concatenate([rows[:at], operator_row(ts, action), rows[at:]])
    return run_market(market, rows=rows)


def state_at(run: PolicyRun, ts: int) -> int:
    """The state after the last transition up to a moment."""
    after = [to for when, kind, _, to, _, _ in notes_of(run) if kind == "transition" and when <= ts]
    return after[-1] if after else IDLE


def sent(run: PolicyRun, kind: int, since: int, until: int = 1 << 62) -> Any:
    commands = run.commands
    return commands[(commands["kind"] == kind) & (commands["ts"] >= since) & (commands["ts"] < until)]


@pytest.mark.req("S-64")
def test_every_order_is_cancelled_none_that_adds_risk_follows_and_the_state_is_exit():
    run = lived((KILLED_AT, b.KILL))
    assert state_at(run, KILLED_AT - 1) == MM
    working = working_at(lived(), KILLED_AT)
    assert working
    assert state_at(run, KILLED_AT) == EXIT
    assert {int(number) for number in sent(run, CANCEL, KILLED_AT, KILLED_AT + 1)["number"]} == working
    later = sent(run, PLACE, KILLED_AT)
    assert (later["side"] < 0).all()
    assert run.desk.shown.account[0].lots == 0
    assert state_at(run, 1 << 62) == IDLE


def working_at(run: PolicyRun, ts: int) -> set[int]:
    """Numbers of the orders that rest at a moment: placed, and neither filled nor cancelled by then."""
    placed = {int(c["number"]): int(c["lots"]) for c in run.commands if c["kind"] == PLACE and c["ts"] < ts}
    for fill in run.fills:
        if fill["ts_recv"] < ts and int(fill["number"]) in placed:
            placed[int(fill["number"])] -= int(fill["lots"])
    cancelled = {int(c["number"]) for c in run.commands if c["kind"] == CANCEL and c["ts"] < ts}
    return {number for number, lots in placed.items() if lots > 0} - cancelled


def test_killed_it_arms_no_more_and_after_a_reset_it_does():
    killed = lived((KILLED_AT, b.KILL))
    assert len(sent(killed, PLACE, KILLED_AT + 20 * FIVE_MINUTES)) == 0
    states = [to for when, kind, _, to, _, _ in notes_of(killed) if kind == "transition" and when >= KILLED_AT]
    assert states == [EXIT, IDLE]
    reset = lived((KILLED_AT, b.KILL), (KILLED_AT + 60 * SECOND, b.RESET))
    kinds = [kind for when, kind, *_ in notes_of(reset) if when == KILLED_AT + 60 * SECOND]
    assert "kill_switch_released" in kinds


def test_the_books_balance_all_the_same():
    run = lived((KILLED_AT, b.KILL))
    assert run.imbalance_quanta == 0
    assert run.desk.alarms == 0


def test_a_rule_of_the_desk_that_trips_at_a_bar_ends_the_episode_like_a_kill():
    market = MarketBars(bars_of(path(*EPISODE)), None, ())
    run = run_market(market, risk=RiskConfig(drawdown_halt_frac=1e-6))
    halted = [when for when, kind, *_ in notes_of(run) if kind == "kill_switch"]
    assert len(halted) == 1
    assert state_at(run, halted[0] - 1) in (REBALANCE, MM)
    assert run.desk.breaker.causes == b.BY_DRAWDOWN
    assert (sent(run, PLACE, halted[0])["side"] < 0).all()
    assert state_at(run, 1 << 62) == IDLE
