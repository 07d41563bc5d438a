"""The view of a system in plain Python is what the records say, field for field."""

import pytest

from quintet.core.errors import DefinitionError
from quintet.core.execution.seen import Order
from quintet.core.orders.lifecycle import MARKET, POST_ONLY, STOP
from quintet.core.records import record
from quintet.core.state import WAKE_BAR, WAKE_FILL, WAKE_FUNDING, WAKE_TRADE
from quintet.systems.own.memory import bytes_of
from quintet.systems.own.view import Bar, Fill, Funding, Reader, Trade, _numbers
from tests.desk_driver import Desk
from tests.desk_worlds import FIVE_MINUTES, SPOT_COIN


def a_desk() -> Desk:
    """A desk with a bar of five minutes in its view, and a position."""
    desk = Desk(SPOT_COIN, lots=1_500)
    market = desk.view.market[0]
    market.open, market.high, market.low, market.close, market.volume = 10_000, 10_050, 9_950, 10_020, 77
    market.timeframe, market.bar_end = FIVE_MINUTES, 123_000
    desk.view.why = WAKE_BAR
    return desk


def test_the_view_is_what_the_records_say() -> None:
    desk = a_desk()
    why, view = Reader(bytes_of(desk.world.desk)).read()
    assert why == WAKE_BAR
    assert view.bar == Bar(10_000, 10_050, 9_950, 10_020, 77, 123_000, "5m")
    assert (view.now_ns, view.lots) == (int(desk.view.now), int(desk.account.lots))
    assert view.equity_quanta == int(desk.view.equity.quanta)
    assert (view.tick, view.quanta) == (1, int(desk.view.instruments[0].quanta))
    assert view.fill is None
    assert view.halted is False


def test_a_fill_is_shown_when_it_is_what_woke_us() -> None:
    desk = a_desk()
    [number] = desk.working((1, 9_990, 40, 0, 6))
    desk.fill(number, lots=40)
    why, view = Reader(bytes_of(desk.world.desk)).read()
    assert why == WAKE_FILL
    assert view.fill == Fill(1, 9_990, 40, True, 6)


def test_a_trade_and_funding_are_shown_when_they_woke_us() -> None:
    desk = a_desk()
    view = desk.view
    view.side, view.price, view.lots, view.fee = -1, 9_990, 40, -6
    view.why = WAKE_TRADE
    assert Reader(bytes_of(desk.world.desk)).read()[1].trade == Trade(-1, 9_990, 40)
    view.why = WAKE_FUNDING
    shown = Reader(bytes_of(desk.world.desk)).read()[1]
    assert (shown.funding, shown.trade, shown.fill) == (Funding(-6, 9_990), None, None)


def test_the_book_is_shown_as_the_records_say() -> None:
    desk = a_desk()
    market, view = desk.view.market[0], desk.view
    market.bid, market.ask, market.last = 9_990, 10_010, 10_000
    view.n_places = 2
    place = view.places[1]
    place.side, place.price, place.lots, place.tag, place.ahead = -1, 10_030, 8, 5, 70
    shown = Reader(bytes_of(desk.world.desk), reads_book=True).read()[1]
    assert (shown.bid, shown.ask, shown.last) == (9_990, 10_010, 10_000)
    assert [tuple(each) for each in shown.resting] == [(-1, 10_030, 8, 70, 5)]


def test_numbers_of_a_record_are_read_by_name() -> None:
    pair = record(a="i8", between="f8", b="i8")
    assert _numbers(pair, "a", "b").unpack((7).to_bytes(8, "little") + bytes(8) + (9).to_bytes(8, "little")) == (7, 9)
    for names in (("b", "a"), ("a", "between")):
        with pytest.raises(DefinitionError, match="expected a whole number from"):
            _numbers(pair, *names)


def test_a_share_of_equity_becomes_whole_lots() -> None:
    desk = a_desk()
    _, view = Reader(bytes_of(desk.world.desk)).read()
    lots = view.lots_worth(0.25)
    assert lots * view.bar.close * view.quanta <= view.equity_quanta * 0.25 < (lots + 1) * view.bar.close * view.quanta
    assert view.lots_worth(-1.0) == 0
    # and before the first bar there is no price to count with
    assert view._replace(bar=view.bar._replace(close=0)).lots_worth(0.5) == 0


def test_prices_are_brought_to_the_tick_away_from_the_market() -> None:
    _, view = Reader(bytes_of(a_desk().world.desk)).read()
    coarse = view._replace(tick=10)
    assert (coarse.at_or_below(1_019.9), coarse.at_or_above(1_010.1)) == (1_010, 1_020)
    assert (coarse.at_or_below(1_010), coarse.at_or_above(1_010)) == (1_010, 1_010)


def test_our_orders_are_shown_in_every_state() -> None:
    desk = Desk(SPOT_COIN, lots=1_500, amends=True)
    [resting, stop] = desk.working((1, 9_990, 40, POST_ONLY, 6), (-1, 9_500, 100, STOP, 7, 1))
    desk.fill(resting, lots=15)

    def shown() -> tuple[Order, ...]:
        return Reader(bytes_of(desk.world.desk), reads_orders=True).read()[1].orders

    bid = Order(1, 25, 9_990, POST_ONLY, 6, False, 0, 25, True, False)
    exit_ = Order(-1, 100, 9_500, STOP, 7, True, 0, 100, True, False)
    assert shown() == (bid, exit_)
    assert (bid.kept().lots, bid.kept().price) == (25, 9_990)
    # amended to more at another price: it is what it shall be, and may fill the larger of the two
    desk.want((1, 9_980, 30, POST_ONLY, 6), (-1, 9_500, 100, STOP, 7, 1))
    assert shown()[0] == bid._replace(price=9_980, lots=30, wanted=30, is_open=False)
    # not wanted: on its way out
    desk.want((1, 9_980, 30, POST_ONLY, 6))
    assert shown()[1] == exit_._replace(is_open=False, is_ending=True)
    # and on its way in, without a price where it has none
    desk.want((1, 9_980, 30, POST_ONLY, 6), (1, 0, 5, MARKET, 9))
    assert shown()[-1] == Order(1, 5, 0, MARKET, 9, False, 0, 5, False, False)
    assert stop and Reader(bytes_of(desk.world.desk)).read()[1].orders == ()


def test_the_view_says_what_its_instrument_is() -> None:
    _, view = Reader(bytes_of(Desk(SPOT_COIN, amends=True).world.desk)).read()
    assert (view.is_spot, view.amends) == (True, True)
    assert view.of(0) is view
    _, both = Reader(bytes_of(Desk(SPOT_COIN).world.desk), instruments=2).read()
    there = both.of(1)
    assert (there.instrument, there.tick, there.bid, there.resting) == (
        1,
        both.markets[1].tick,
        both.markets[1].bid,
        (),
    )
