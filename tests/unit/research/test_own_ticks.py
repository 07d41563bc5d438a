"""Systems in plain Python on order books: what wakes them, what they are shown, and that their desk tapes replay."""

from pathlib import Path

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.errors import ConfigError
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Tape
from quintet.research.attribution import attribute
from quintet.research.backtest import BacktestResult, run_backtest, setup_of
from quintet.research.backtest_options import BacktestOptions
from quintet.research.desk_replay import replay_desk_tape
from quintet.research.report_parts.tick_pictures import split_bars
from quintet.research.run_record import record_of
from quintet.research.systems import of_class
from quintet.research.tick_model import TICK_INSTRUMENT
from quintet.sim.config import ExecutionConfig
from quintet.systems.own import Memory, RefusedSystem, System, View, Wants, buy, sell
from quintet.systems.own.system import shape_of
from tests.tick_makers import SECOND, START, book, options_on, tape_of, tick_tape


class Listener(System):
    """Counts what it is told, and looks whether the view can be right."""

    book_levels = 3

    class Memory(Memory):
        trades: int = 0
        bought: int = 0
        touches: int = 0
        books: int = 0
        bars: int = 0
        wrong: int = 0
        bar_volume: int = 0

    def on_trade(self, view: View) -> Wants:
        self.look(view)
        assert view.trade is not None
        self.memory.trades += 1
        self.memory.bought += view.trade.lots if view.trade.side > 0 else 0
        self.memory.wrong += view.last != view.trade.price
        return None

    def on_touch(self, view: View) -> Wants:
        self.look(view)
        self.memory.touches += 1
        return None

    def on_book(self, view: View) -> Wants:
        self.look(view)
        self.memory.books += 1
        return None

    def on_bar(self, view: View) -> Wants:
        self.memory.bars += 1
        self.memory.bar_volume += view.bar.volume
        self.memory.wrong += view.bar.timeframe != "1s" or view.bar.end_ns > view.now_ns
        return None

    def look(self, view: View) -> None:
        for side, levels, best in ((1, view.bids, view.bid), (-1, view.asks, view.ask)):
            prices = [level.price for level in levels]
            falls = all(side * (a - b) > 0 for a, b in zip(prices, prices[1:], strict=False))
            self.memory.wrong += len(levels) > 3 or not falls or prices[:1] != ([best] if best else [])
            self.memory.wrong += any(level.lots <= 0 for level in levels)


class Joiner(System):
    """Joins the touch on both sides, and adds up what it is told stands before it; it asks for places alone."""

    queue_places = True

    class Memory(Memory):
        seen: int = 0
        ahead: int = 0
        negative: int = 0

    def on_touch(self, view: View) -> Wants:
        for order in view.resting:
            self.memory.seen += 1
            self.memory.ahead += order.ahead
            self.memory.negative += order.ahead < 0 or order.lots <= 0
        return [buy(5, view.bid), sell(5, view.ask)] if view.bid and view.ask else []

    def on_fill(self, view: View) -> Wants:
        return None


class JoinerWithLevel(Joiner):
    book_levels = 1


@pytest.fixture(scope="module")
def market() -> Tape:
    return tick_tape(0.01)


def run_on_seconds(tape: Tape, kind: type[System]) -> BacktestResult:
    options = options_on(tape, kind)._replace(structure="1s", fills="1s")
    system = of_class(kind)
    return run_backtest(tape, system, system.config(), options)


def test_every_trade_touch_level_and_bar_is_told_and_shown(market: Tape) -> None:
    result = run_on_seconds(market, Listener)
    told = result.headline.world.state[0]
    rows = np.asarray(market.event_rows())
    trades = rows[np.isin(rows["kind"], (ev.TRADE_BUY, ev.TRADE_SELL))]
    assert told.trades == len(trades) > 100
    assert told.bought == trades["quantity"][trades["kind"] == ev.TRADE_BUY].sum()
    assert told.touches > 5 and told.books > 100 and told.bars > 20
    assert told.wrong == 0
    closed = trades["ts_event"] < rows["ts_event"][-1] // SECOND * SECOND
    assert told.bar_volume == trades["quantity"][closed].sum()


@pytest.mark.parametrize("kind", [Listener, Joiner])
def test_its_desk_tape_replays(market: Tape, kind: type[System], tmp_path: Path) -> None:
    result = run_on_seconds(market, kind)
    result.write_desk_tape(tmp_path / "desk.tape", created_ns=0, tool_version="test")
    assert replay_desk_tape(tmp_path / "desk.tape") == result.headline.command_hash


def test_it_is_shown_its_orders_and_what_stands_before_them(market: Tape) -> None:
    result = run_on_seconds(market, Joiner)
    told = result.headline.world.state[0]
    assert told.seen > 20 and told.ahead > 0 and told.negative == 0
    assert result.headline.desk.n_fills > 0 and result.conservation == 0
    # and with a level as well it is shown the same places
    with_level = run_on_seconds(market, JoinerWithLevel)
    assert with_level.headline.world.state[0].ahead == told.ahead
    assert with_level.headline.command_hash == result.headline.command_hash


def test_a_bar_is_marked_and_the_breaker_watches(market: Tape) -> None:
    options = options_on(market, Joiner)._replace(risk=RiskConfig(drawdown_halt_frac=0.05), structure="1s", fills="1s")
    setup = setup_of(of_class(Joiner), options, "book")
    assert [built.timeframe for built in setup.built_bars] == [setup.mark_timeframe] and setup.wake_timeframes == ()


class Holder(System):
    """Buys once, and writes down what funding it pays."""

    class Memory(Memory):
        fundings: int = 0
        paid_quanta: int = 0
        mark: int = 0
        shown_otherwise: int = 0

    def on_touch(self, view: View) -> Wants:
        self.memory.shown_otherwise += view.funding is not None
        return [buy(5, view.ask, style="ioc")] if view.lots == 0 and view.ask else None

    def on_funding(self, view: View) -> Wants:
        assert view.funding is not None
        self.memory.fundings += 1
        self.memory.paid_quanta += view.funding.paid_quanta
        self.memory.mark = view.funding.mark
        return None


FUNDING_EVERY_H = 0.005
"""18 s, and the market of this page begins at a whole multiple of them."""


def test_who_holds_a_perpetual_hears_of_its_funding_and_the_report_tells_it_apart() -> None:
    # given a mark price of 10,100 and a rate of 0.01 %, five lots bought at 10,010, and two times of funding
    tape = tape_of(
        [
            (1, book(10_000, 10_010)),
            (2, [(ev.MARK_PRICE, 10_100, 0), (ev.FUNDING_RATE, 0, 100_000)]),
            (3, [(ev.BID_LEVEL, 10_001, 100)]),
            (40, [(ev.BID_LEVEL, 10_002, 100)]),
        ]
    )
    options = options_on(tape, Holder, funding_every_h=FUNDING_EVERY_H)._replace(structure="1s", fills="1s")
    system = of_class(Holder)
    result = run_backtest(tape, system, system.config(), options)
    # then both are told with their mark price and what was paid
    told, account = result.headline.world.state[0], result.headline.desk.shown.account[0]
    due = -(-5 * 10_100 * TICK_INSTRUMENT.quanta_per_tick_lot * 100_000 // 10**9)
    assert (told.fundings, told.mark, told.shown_otherwise) == (2, 10_100, 0)
    assert told.paid_quanta == account.funding == 2 * due > 0
    # and the net result is split with funding by itself, to the quantum
    assert result.ticks is not None
    split = result.ticks["split"]
    assert split["funding"] == -2 * due
    assert sum(value for name, value in split.items() if name != "net") == split["net"] == result.headline.net_quanta
    record = record_of(result)
    parts = attribute(record.fills, record.equity, record.instrument, record.opening_held, record.funding_paid)
    assert parts is not None and parts.funding == -2 * due and parts.total == record.net_quanta
    names = [bar.step.name for bar in split_bars(split, record.instrument)]
    assert names == ["spread", "adverse", "taken", "inventory", "fees", "funding", "net"]


class Quoter(System):
    def on_touch(self, view: View) -> Wants:
        return None


class Deep(System):
    book_levels = 4

    def on_bar(self, view: View) -> Wants:
        return None


@pytest.mark.parametrize(
    ("kind", "said"), [(Quoter, "on_touch"), (Deep, "book_levels"), (Holder, "on_touch, on_funding")]
)
def test_candles_cannot_serve_it(kind: type[System], said: str) -> None:
    options = BacktestOptions(TICK_INSTRUMENT, ExecutionConfig(), RiskConfig(), "1m", "1m")
    with pytest.raises(ConfigError, match=f"found {said}.*expected a tape of order books"):
        setup_of(of_class(kind), options, "pessimistic")


class OnlyFills(System):
    def on_fill(self, view: View) -> Wants:
        return None


def test_a_system_that_nothing_wakes_is_refused() -> None:
    tape = tape_of([(1, book(10_000, 10_010))])
    with pytest.raises(ConfigError, match="expected one of on_timer, on_bar, on_trade, on_touch, on_book"):
        options_on(tape, OnlyFills)


class Placed(System):
    queue_places = 3

    def on_book(self, view: View) -> Wants:
        return None


def test_places_are_asked_for_or_not() -> None:
    with pytest.raises(RefusedSystem, match="queue_places: found 3, expected True or False"):
        shape_of(Placed)


class TooDeep(System):
    book_levels = 21

    def on_book(self, view: View) -> Wants:
        return None


def test_more_levels_than_can_be_shown_are_refused() -> None:
    with pytest.raises(RefusedSystem, match="book_levels: found 21, expected 0 to 20"):
        shape_of(TooDeep)


def test_a_message_wakes_it_when_it_arrives() -> None:
    tape = tape_of([(1, book(10_000, 10_010)), (2, book(10_000, 10_010, 7)), (3, book(10_001, 10_010))])
    options = options_on(tape, Watcher, feed_ms=250.0)
    system = of_class(Watcher)
    told = run_backtest(tape, system, system.config(), options).headline.world.state[0]
    assert (told.n, told.at) == (2, START + 3 * SECOND + 250_000_000)


class Watcher(System):
    class Memory(Memory):
        n: int = 0
        at: int = 0

    def on_touch(self, view: View) -> Wants:
        self.memory.n += 1
        self.memory.at = view.now_ns
        return None
