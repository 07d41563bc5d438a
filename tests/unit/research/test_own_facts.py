"""A system in plain Python that reads facts: when it hears of them, what it sees, and that no future is among it."""

from decimal import Decimal

import numpy as np
import pytest

from quintet.core.events import FACT
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Tape
from quintet.research.backtest_options import BacktestOptions
from quintet.research.desk_replay import read_desk_run, replay_desk_tape, replay_tape
from quintet.research.interruptions import random_stops, run_interrupted
from quintet.research.lookahead import Cutting, Pipeline, look_ahead_on_tape
from quintet.research.moments import Trader
from quintet.research.systems import of_class
from quintet.sim.config import ExecutionConfig
from quintet.storage.tape_files import open_tape
from quintet.systems.own import RefusedSystem, System
from quintet.systems.own.system import shape_of
from tests.fact_markets import FEAR, HOUR_NS, Fearful, fearful_market, four_days, said, with_facts
from tests.own_market import market, run_class


@pytest.fixture(scope="module")
def tape() -> Tape:
    return fearful_market()


def test_a_system_hears_each_thing_that_is_said(tape) -> None:
    memory = run_class(Fearful, tape).headline.world.state[0]
    assert (memory["heard"], memory["values"], memory["missing"], memory["restated"]) == (6, 5, 1, 2)
    # what was said last was of a day before the newest, whose value stays
    assert memory["newest"] == 40


def test_it_sees_only_what_was_known_then(tape) -> None:
    first = four_days(market())[0].about_ns
    memory = run_class(Fearful, tape).headline.world.state[0]
    before = (first + HOUR_NS - tape.census.first_ns) // 300_000_000_000
    # bars of five minutes: none knows a value before an hour past midnight; 18 is known from the fifth hour on
    assert abs(int(memory["blind_bars"]) - before) <= 1
    zeros = (24 - 6 + 1) * 12
    assert abs(int(memory["zeros"]) - zeros) <= 1
    assert abs(int(memory["fearful_bars"]) - ((24 + 6 - 5) * 12 + zeros)) <= 2
    assert int(memory["stale_bars"]) == int(memory["blind_bars"])


def test_it_trades_by_the_facts_and_the_books_balance(tape) -> None:
    result = run_class(Fearful, tape)
    assert result.metrics["fills"] > 0
    assert result.conservation == 0
    # and without them it never trades
    assert run_class(Fearful, market()).metrics["fills"] == 0


def test_the_desk_tape_replays_with_its_facts(tmp_path, tape) -> None:
    (tmp_path / "fearful.py").write_text(FEARFUL)
    from quintet.research.systems import find
    from tests.own_market import run_own

    result = run_own(find(f"{tmp_path / 'fearful.py'}:Fearful"), tape)
    assert result.metrics["fills"] > 0
    result.write_desk_tape(tmp_path / "desk.tape", 0, "test")
    desk = open_tape(tmp_path / "desk.tape")
    assert desk.census.kinds["FACT"] == 6
    assert replay_desk_tape(tmp_path / "desk.tape") == result.hashes["commands"]
    assert replay_tape(desk, read_desk_run(desk, "desk")).state_hash == result.hashes["state"]


FEARFUL = """
import quintet


class Fearful(quintet.System):
    facts = ("alternative.me/fear_greed",)

    class Memory(quintet.Memory):
        heard: int = 0

    def on_fact(self, view):
        self.memory.heard += 1
        if view.lots == 0 and view.bar.close:
            return [quintet.buy(view.lots_worth(0.5))]
        return [quintet.sell(view.lots)] if view.lots else None

    def on_bar(self, view):
        return None
"""


def trader() -> Trader:
    system = of_class(Fearful)
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(fill_policies=("olhc",)), RiskConfig(), "5m", "5m")
    return Trader(system, system.config(), options)


def test_interrupted_and_resumed_it_is_the_same_run(tape) -> None:
    whole = run_class(Fearful, tape)
    told = Trader(whole.system, whole.params, whole.options)
    resumed = run_interrupted(tape, told, "pessimistic", random_stops(tape, 7, 1))
    assert (resumed.command_hash, resumed.state_hash) == (whole.hashes["commands"], whole.hashes["state"])


def test_the_look_ahead_check_takes_future_facts_away(tape) -> None:
    assert look_ahead_on_tape(Pipeline(lambda _: tape, lambda _: trader()), tape, Cutting(DEFAULT_SPOT, cuts=6)).ok


def test_and_finds_an_import_that_knows_later_values(tape) -> None:
    def imported(_):
        return tape

    def traded(given):
        # parameters that are fitted to what facts will be
        told = trader()
        values = np.asarray(given.rows)["quantity"][np.asarray(given.rows)["kind"] == FACT]
        future = int(values[-1]) if len(values) else 0
        options = told.options
        return told._replace(
            options=BacktestOptions(
                DEFAULT_SPOT,
                ExecutionConfig(fill_policies=("olhc",), initial_quote=Decimal(10_000 + future)),
                RiskConfig(),
                options.structure,
                options.fills,
            )
        )

    assert not look_ahead_on_tape(Pipeline(imported, traded), tape, Cutting(DEFAULT_SPOT, cuts=6)).ok


def test_a_fact_that_nobody_reads_changes_no_decision(tape) -> None:
    class Blind(System):
        def on_bar(self, view):
            return None

    plain = market()
    with_facts_run, without = run_class(Blind, with_facts(plain, four_days(plain))), run_class(Blind, plain)
    assert with_facts_run.hashes["commands"] == without.hashes["commands"]


def test_a_forecast_speaks_of_the_future_and_is_known_at_once() -> None:
    class Forecast(System):
        facts = ("bybit/predicted_funding/BTCUSDT",)

        class Memory(System.Memory):
            at_ns: int = 0
            about_ns: int = 0
            age_ns: int = -1
            bars_after: int = 0

        def on_fact(self, view):
            self.memory.at_ns, self.memory.about_ns = view.now_ns, view.fact.about_ns
            self.memory.age_ns = view.fact.age_ns

        def on_bar(self, view):
            self.memory.bars_after += view.facts[0].value is not None

    plain = market()
    known = plain.census.first_ns + 10 * HOUR_NS + 1
    forecast = said(known + 8 * HOUR_NS, known, 100_000, name="bybit/predicted_funding/BTCUSDT", decimals=9)
    memory = run_class(Forecast, with_facts(plain, [forecast])).headline.world.state[0]
    assert (memory["at_ns"], memory["about_ns"], memory["age_ns"]) == (known, known + 8 * HOUR_NS, 0)
    assert int(memory["bars_after"]) == plain.census.kinds["BAR_CLOSE"] - 10 * 12 - 1 + 0


@pytest.mark.parametrize(
    "facts", [[FEAR], ("fear",), (FEAR, FEAR), tuple(f"a/b{n}" for n in range(17)), (), FEAR],
    ids=["list", "no name", "twice", "too many", "none", "text"],
)  # fmt: skip
def test_facts_that_cannot_be_are_refused(facts) -> None:
    class Reads(System):
        def on_fact(self, view):
            return None

    Reads.facts = facts
    with pytest.raises(RefusedSystem, match="facts that cannot be"):
        shape_of(Reads)


def test_what_is_missing_is_told_until_a_later_value_comes() -> None:
    class Waits(System):
        facts = (FEAR, "glassnode/market.mvrv/BTC")

        class Memory(System.Memory):
            waiting_bars: int = 0
            never: int = 0

        def on_bar(self, view):
            self.memory.waiting_bars += view.facts[0].missing_ns is not None
            self.memory.never += view.facts[1].value is None and view.facts[1].missing_ns is None

    plain = market()
    memory = run_class(Waits, with_facts(plain, four_days(plain))).headline.world.state[0]
    assert abs(int(memory["waiting_bars"]) - 3 * 12) <= 1
    assert int(memory["never"]) == plain.census.kinds["BAR_CLOSE"]
