"""Systems of somebody's own in plain Python: the same loop, planner, gate and exchange as for every other."""

import re

import numpy as np
import pytest

from quintet.core.engine.world import begin_at
from quintet.core.errors import TapeError
from quintet.core.events import MINUTE_NS
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.risk.config import RiskConfig
from quintet.core.state import END, PAUSE
from quintet.core.state import Tape as Rows
from quintet.core.tape import Tape, memory_tape
from quintet.research.backtest import fresh_world, run_policy, world_before
from quintet.research.backtest_options import BacktestOptions
from quintet.research.desk_replay import read_desk_run, replay_desk_tape, replay_tape
from quintet.research.interruptions import random_stops, run_interrupted
from quintet.research.lookahead import Cutting, Lookahead, Pipeline, look_ahead_on_tape
from quintet.research.moments import Trader
from quintet.research.synthetic import synthesize
from quintet.research.systems import find, loop, of_class
from quintet.sim.config import ExecutionConfig
from quintet.storage.candle_sources import from_bars
from quintet.storage.candle_tapes import build_tape
from quintet.storage.tape_files import open_tape
from quintet.systems.own import Memory, RefusedSystem, System, buy, sell, stop
from tests.own_market import crossing_file, market, run_class, run_own


@pytest.fixture(scope="module")
def tape() -> Tape:
    return market()


class Laddered(System):
    """Bids under the market, asks over what was bought, a stop below; it counts whatever it hears."""

    class Memory(Memory):
        bars: int = 0
        bought_lots: int = 0
        sold_lots: int = 0
        ended: int = 0
        last_tag: int = 0
        closes: tuple[int, ...] = (0,) * 3

    def on_bar(self, view):
        self.memory.bars += 1
        self.memory.closes = (*self.memory.closes[1:], view.bar.close)
        if self.memory.bars % 3:
            return None
        wants = [buy(20_000, view.bar.close - 400 * n, tag=n) for n in (1, 2)]
        if view.lots:
            wants += [sell(view.lots, view.bar.close + 500, tag=9), stop(view.lots, view.bar.close - 3_000, tag=8)]
        return wants

    def on_fill(self, view):
        self.memory.last_tag = view.fill.tag
        if view.fill.side > 0:
            self.memory.bought_lots += view.fill.lots
        else:
            self.memory.sold_lots += view.fill.lots

    def on_order_over(self, view):
        self.memory.ended += 1


def test_a_system_hears_its_fills_and_the_books_balance(tape) -> None:
    result = run_class(Laddered, tape)
    run = result.headline
    memory, fills = run.world.state[0], run.fills
    assert int(memory["bars"]) == tape.census.kinds["BAR_CLOSE"]
    assert int(memory["bought_lots"]) == fills["lots"][fills["side"] > 0].sum() > 0
    assert int(memory["sold_lots"]) == fills["lots"][fills["side"] < 0].sum() > 0
    assert int(memory["last_tag"]) == fills["tag"][-1]
    assert int(memory["ended"]) > 0
    assert result.conservation == 0
    assert run.desk.alarms == 0


def test_the_same_run_gives_the_same_hashes_and_another_parameter_gives_others(tmp_path, tape) -> None:
    system = find(f"{crossing_file(tmp_path)}:Crossing")
    first = run_own(system, tape)
    assert run_own(system, tape).hashes == first.hashes
    assert run_own(system, tape, fast_bars=7).hashes["commands"] != first.hashes["commands"]


def test_a_run_that_is_stopped_and_goes_on_is_the_same_run(tape) -> None:
    # given a run from end to end, and one that is stopped after every hundred rows
    whole = run_class(Laddered, tape)
    system, options = whole.system, whole.options
    world = fresh_world(system, system.config(), options, "pessimistic")
    begin_at(world, tape.first_row)
    world.venue[0].defined = len(tape.rows)  # there is one definition, and the world knows it
    rows, end = Rows(tape.rows), len(tape.rows)
    for stop_at in range(100, end, 100):
        assert loop(system)(rows, world, stop_at) == PAUSE
        # a new instance, which has nothing but the world
        world = world._replace(params=system.params(system.config(), options.instrument, 3, 3, 0.0))
    assert loop(system)(rows, world, end) == END
    # then desk and memory are the same to the bit
    assert world.desk.tobytes() == whole.headline.world.desk.tobytes()
    assert world.state.tobytes() == whole.headline.world.state.tobytes()


def test_the_desk_tape_of_a_file_replays_until_the_file_changes(tmp_path, tape) -> None:
    path = crossing_file(tmp_path)
    result = run_own(find(f"{path}:Crossing"), tape)
    result.write_desk_tape(tmp_path / "desk.tape", 0, "test")
    assert replay_desk_tape(tmp_path / "desk.tape") == result.hashes["commands"]
    # and the replay remembers what the run remembered
    desk = open_tape(tmp_path / "desk.tape")
    assert replay_tape(desk, read_desk_run(desk, "desk")).state_hash == result.hashes["state"]
    # when one number of the file is another
    path.write_text(path.read_text().replace("4 * told", "5 * told"))
    with pytest.raises(TapeError, match="the file has changed since the run"):
        replay_desk_tape(tmp_path / "desk.tape")


class Ticking(System):
    timer_s = 600

    class Memory(Memory):
        ticks: int = 0
        off: int = 0

    def on_timer(self, view):
        self.memory.ticks += 1
        self.memory.off += view.now_ns % (10 * MINUTE_NS)
        return [buy(10_000, view.bar.close - 500)] if view.bar.close else None


def test_a_timer_wakes_at_whole_multiples_of_its_length(tape) -> None:
    result = run_class(Ticking, tape)
    memory = result.headline.world.state[0]
    span_ns = tape.census.last_ns - tape.census.first_ns
    assert abs(int(memory["ticks"]) - span_ns // (10 * MINUTE_NS)) <= 1
    assert int(memory["off"]) == 0
    assert result.metrics["orders"] > 0


class Hidden(System):
    """It changes its mind by what it keeps beside its memory, in a place no check can see."""

    shared = (np.zeros(1),)

    def on_bar(self, view):
        self.shared[0][0] += 1
        return [buy(10_000, view.bar.close - 100 * int(self.shared[0][0] % 7 + 1))]


def test_what_is_hidden_from_every_check_still_shows_in_the_hashes(tape) -> None:
    # a second run in one process goes on with what the first left behind
    assert run_class(Hidden, tape).hashes["commands"] != run_class(Hidden, tape).hashes["commands"]


def checked_for_the_future(kind: type[System], tape: Tape) -> Lookahead:
    system = of_class(kind)
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(fill_policies=("olhc",)), RiskConfig(), "5m", "5m")
    trader = Trader(system, system.config(), options)
    return look_ahead_on_tape(Pipeline(lambda _: tape, lambda _: trader), tape, Cutting(DEFAULT_SPOT, cuts=4))


def test_the_same_checks_are_made_of_it_as_of_every_system(tape) -> None:
    assert checked_for_the_future(Laddered, tape).ok
    hidden = checked_for_the_future(Hidden, tape)
    assert not hidden.ok
    assert "decisions" in hidden.found


def test_interrupted_written_to_bytes_and_resumed_it_is_the_same_run(tape) -> None:
    whole = run_class(Laddered, tape)
    trader = Trader(whole.system, whole.params, whole.options)
    resumed = run_interrupted(tape, trader, "pessimistic", random_stops(tape, 7, 1))
    assert (resumed.command_hash, resumed.state_hash) == (whole.hashes["commands"], whole.hashes["state"])


def test_one_loop_moves_a_world_message_by_message(tape) -> None:
    whole = run_class(Laddered, tape)
    world = world_before(tape, whole.system, whole.params, whole.options, "pessimistic")
    world.venue[0].defined = len(tape.rows)
    run, rows = loop(whole.system), Rows(tape.rows)
    for stop_at in range(tape.first_row + 2, len(tape.rows) - 10, 2):
        assert run(rows, world, stop_at) == PAUSE
    assert run(rows, world, len(tape.rows)) == END
    assert world.state.tobytes() == whole.headline.world.state.tobytes()


class Failing(System):
    def on_bar(self, view):
        return [buy(1 // (view.bar.close - view.bar.close))]


def test_a_system_that_fails_is_told_with_its_line(tape) -> None:
    with pytest.raises(RefusedSystem) as refused:
        run_class(Failing, tape)
    assert re.search(r"test_own_systems\.py, line \d+, called by Failing\.on_bar at \d+ ns UTC", refused.value.where)
    assert refused.value.found.startswith("ZeroDivisionError")


def test_a_position_may_not_be_larger_than_the_account(tape) -> None:
    class Greedy(System):
        def on_bar(self, view):
            return [buy(view.lots_worth(50.0))]

    result = run_class(Greedy, tape)
    # then the gate has shrunk or refused, and equity never bought more than it had
    assert result.metrics["shrunk"] + result.metrics["refused"] > 0
    assert result.metrics["base_share_max_frac"] < 1.1
    assert result.conservation == 0


def test_a_name_of_quintet_cannot_be_taken() -> None:
    class StructureMm(System):
        def on_bar(self, view):
            return None

    with pytest.raises(RefusedSystem, match="a name that is taken"):
        of_class(StructureMm)


def test_lower_bars_are_heard_by_who_asks_for_them() -> None:
    class Both(System):
        class Memory(Memory):
            high: int = 0
            low: int = 0

        def on_bar(self, view):
            self.memory.high += view.bar.timeframe == "5m"

        def on_lower_bar(self, view):
            self.memory.low += view.bar.timeframe == "1m"

    class HighOnly(System):
        class Memory(Memory):
            high: int = 0

        def on_bar(self, view):
            self.memory.high += view.bar.timeframe == "5m"

    made = synthesize(11, days=1, timeframe="1m")
    _, rows = build_tape(
        from_bars({"1m": made}, "5m", "1m"), DEFAULT_SPOT, synthetic=True, created_ns=0, tool_version="test"
    )
    tape = memory_tape(rows, ())
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(), "5m", "1m")
    both, high = (of_class(kind) for kind in (Both, HighOnly))
    seen = run_policy(tape, both, both.config(), options, "pessimistic")[0].world.state[0]
    assert (int(seen["high"]), int(seen["low"])) == (288, 1440)
    assert int(run_policy(tape, high, high.config(), options, "pessimistic")[0].world.state[0]["high"]) == 288
