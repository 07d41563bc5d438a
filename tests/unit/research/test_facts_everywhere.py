"""The same facts through a backtest, a paper desk and a desk that trades: heard at the same moments, decided alike."""

from typing import Any

import numpy as np
import pytest

from quintet.core.digest import command_hash, state_hash
from quintet.core.events import ASK_LEVEL, BID_LEVEL, TEXT, TRADE_BUY, TRADE_SELL
from quintet.core.facts import LATE, MISSING, OK, observation_rows, observations_in
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.risk.config import RiskConfig
from quintet.core.state import World
from quintet.core.tape import Tape
from quintet.research.backtest import fresh_world, run_backtest, run_policy, set_timer
from quintet.research.backtest_options import BOOK_POLICY, BacktestOptions
from quintet.research.desk_replay import replay_desk_tape
from quintet.research.interruptions import run_interrupted
from quintet.research.moments import Trader
from quintet.research.systems import entrance, loop, of_class
from quintet.runtime.sequencer import in_time
from quintet.runtime.session import PaperSession, Session
from quintet.sim.config import ExecutionConfig
from quintet.sim.exchange_order import whole_in_exchange_order
from quintet.storage.tape_files import open_tape
from quintet.systems.own import Memory, System, buy, sell
from tests.fact_markets import FEAR, Fearful, fearful_market, said, with_facts
from tests.tick_makers import SECOND, START, book, options_on, tape_of


class Afraid(System):
    """Bids at the touch after a fact below 20, takes everything back after another; counts what it hears."""

    facts = (FEAR,)

    class Memory(Memory):
        heard: int = 0
        missing: int = 0
        blind_touches: int = 0
        last_ns: int = 0

    def on_fact(self, view):
        self.memory.heard += 1
        self.memory.missing += view.fact.quality == "missing"
        self.memory.last_ns = view.now_ns
        fear = view.facts[0].value
        return [buy(5, view.bid), sell(5, view.ask)] if view.bid and fear is not None and fear < 20 else []

    def on_touch(self, view):
        self.memory.blind_touches += view.facts[0].value is None
        return


def books() -> Tape:
    """A book whose touch moves each second, with trades through it; facts between the messages and at their moments."""
    parts: list[Any] = []
    for n in range(30):
        low, before = 10_000 + 3 * (n % 5), 10_000 + 3 * ((n - 1) % 5)
        gone = [(BID_LEVEL, before, 0), (ASK_LEVEL, before + 4, 0)] if n else []
        parts.append((n, gone + book(low, low + 4)))
        parts.append((n + 0.5, [(TRADE_SELL if n % 2 else TRADE_BUY, low if n % 2 else low + 4, 300)]))
    at = [START + round(s * SECOND) for s in (3.2, 7.0, 9.7, 15.5, 15.5, 21.1)]
    return with_facts(
        tape_of(parts),
        [
            said(START - 90 * SECOND, at[0], 30),
            said(START - 80 * SECOND, at[1], 12),
            said(START - 70 * SECOND, at[2], 0, MISSING),
            said(START - 70 * SECOND, at[3], 14, LATE),
            # a forecast speaks of a time that has not come
            said(START + 900 * SECOND, at[4], 18, OK),
            said(START + 900 * SECOND, at[5], 40, OK, 1),
        ],
    )


def hashes_of(world: World) -> tuple[str, str]:
    return command_hash(world.desk[0]), state_hash(world.desk, world.state)


def on_books(tape: Tape) -> tuple[Any, Any]:
    system = of_class(Afraid)
    return system, options_on(tape, Afraid)._replace(structure="1s", fills="1s")


@pytest.fixture(scope="module")
def tape() -> Tape:
    return books()


def test_on_order_books_each_fact_is_heard_at_its_moment(tape: Tape) -> None:
    system, options = on_books(tape)
    result = run_backtest(whole_in_exchange_order(tape), system, system.config(), options)
    memory = result.headline.world.state[0]
    assert (memory["heard"], memory["missing"]) == (6, 1)
    assert int(memory["last_ns"]) == START + round(21.1 * SECOND)
    # touches of the first three seconds know nothing
    assert int(memory["blind_touches"]) == 4
    assert result.metrics["orders"] >= 1
    assert result.conservation == 0


def test_a_paper_desk_is_the_backtest_of_its_tape(tape: Tape) -> None:
    system, options = on_books(tape)
    run, _ = run_policy(whole_in_exchange_order(tape), system, system.config(), options, BOOK_POLICY)
    world = fresh_world(system, system.config(), options, BOOK_POLICY)
    session = PaperSession(world, loop(system))
    list(session.hear(tape.event_rows()))
    list(session.end())
    assert hashes_of(world)[0] == run.command_hash
    assert int(world.state[0]["heard"]) == 6


def test_what_a_desk_wrote_of_it_replays(tape: Tape, tmp_path: Any) -> None:
    system, options = on_books(tape)
    result = run_backtest(whole_in_exchange_order(tape), system, system.config(), options)
    result.write_desk_tape(tmp_path / "desk.tape", 0, "test")
    assert [each.value for each in observations_in(open_tape(tmp_path / "desk.tape").event_rows(), "desk")] == [
        30, 12, 0, 14, 18, 40,
    ]  # fmt: skip
    assert replay_desk_tape(tmp_path / "desk.tape") == result.hashes["commands"]


def test_a_desk_that_trades_hears_them_as_messages(tape: Tape) -> None:
    system, options = on_books(tape)
    book_options = options._replace(book=options.book.__class__(options.book.execution, is_replay=True))
    world = fresh_world(system, system.config(), book_options, BOOK_POLICY)
    set_timer(world, system, tape.census.first_ns)
    session = Session(world, entrance(system, world))
    sent = [command for happened in session.hear(tape.event_rows()) for command in happened.commands]
    assert int(world.state[0]["heard"]) == 6
    assert int(world.state[0]["blind_touches"]) == 4
    assert len(sent) >= 2


def test_on_candles_message_by_message_it_is_the_backtest() -> None:
    market = fearful_market()
    system = of_class(Fearful)
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(fill_policies=("pessimistic",)), RiskConfig(), "5m", "5m")
    whole = run_interrupted(market, Trader(system, system.config(), options), "pessimistic", ())
    world = fresh_world(system, system.config(), options, "pessimistic")
    session = PaperSession(world, loop(system))
    list(session.hear(market.event_rows()))
    list(session.end())
    assert hashes_of(world) == hashes_of(whole.world)


def test_a_fact_that_is_moved_to_a_later_time_keeps_its_name() -> None:
    rows = observation_rows(said(5, 10, 30))
    _, held = in_time(rows, 1_000)
    [moved] = observations_in(held.view(np.recarray), "moved")
    assert (moved.name, moved.about_ns, moved.known_ns, moved.value) == (FEAR, 5, 1_000, 30)
    assert held[held["kind"] == TEXT].tobytes() == np.asarray(rows)[np.asarray(rows)["kind"] == TEXT].tobytes()
