"""One event in: positions, timers, bars, wakes; what the system is shown of it."""

from quintet.core import events as ev
from quintet.core.engine.step import begin, is_new_execution, on_bar, on_timer, slot_of
from quintet.core.orders.lifecycle import STOP
from quintet.core.state import WAKE_BAR, WAKE_FILL, WAKE_ORDER, WAKE_TIMER
from tests.desk_driver import Desk
from tests.desk_worlds import COIN, ONE_MINUTE, START, USDT, a_world

QUARTER_HOUR = ONE_MINUTE + 3


def test_an_event_takes_its_rows_positions_and_numbers_commands_by_the_last() -> None:
    desk = a_world().desk[0]
    begin(desk, 4, START)
    assert (desk.position, desk.event, desk.shown.now) == (4, 3, START)
    desk.command_index = 9
    begin(desk, 1, START + 1)
    assert (desk.position, desk.event, desk.command_index) == (5, 4, 0)


def test_a_timer_is_set_from_the_one_before_so_that_none_drifts() -> None:
    desk = a_world(timer_every_ns=100).desk[0]
    begin(desk, 1, START + 180)  # late
    assert on_timer(desk) == WAKE_TIMER
    assert (desk.timer_next, desk.n_timers, desk.shown.why) == (START + 200, 1, WAKE_TIMER)


def test_a_bar_wakes_only_who_asked_for_its_timeframe() -> None:
    desk = a_world().desk[0]
    market = desk.shown.market[0]
    market.close = 10_050
    begin(desk, 2, START)
    assert on_bar(desk, 0, QUARTER_HOUR, START) == 0
    assert on_bar(desk, 0, ONE_MINUTE, START) == WAKE_BAR
    assert (market.last, market.bar_end, market.ts, market.timeframe, desk.n_bars) == (
        10_050,
        START,
        START,
        ONE_MINUTE,
        2,
    )


def test_equity_is_marked_at_one_timeframe() -> None:
    desk = Desk(lots=10)
    market = desk.view.market[0]
    market.close = 10_100
    before = int(desk.view.equity.quanta)
    on_bar(desk.record, 0, QUARTER_HOUR, START)
    assert desk.view.equity.quanta == before
    on_bar(desk.record, 0, ONE_MINUTE, START)
    assert desk.view.equity.quanta == before + 10 * 100 * desk.view.instruments[0].quanta


def test_a_fill_shows_the_system_what_was_traded_and_lists_it() -> None:
    desk = Desk()
    (number,) = desk.working((1, 9_900, 10, 0, 5))
    assert desk.fill(number, 4, fee=321, fee_asset=COIN, maker=1) == WAKE_FILL
    view = desk.view
    assert (view.why, view.kind, view.tag, view.side, view.price, view.lots) == (WAKE_FILL, ev.FILL, 5, 1, 9_900, 4)
    assert (view.maker, view.fee, view.fee_asset) == (1, 321, COIN)
    row = desk.record.filled[0]
    assert (row.number, row.lots, row.lots_after, row.position) == (number, 4, 3, desk.record.event)
    assert row.twice_mid == 20_000


def test_the_end_of_an_order_shows_what_was_left_of_it() -> None:
    desk = Desk()
    (number,) = desk.working((1, 9_900, 10, 0, 5))
    desk.fill(number, 4)
    assert desk.hear(ev.ORDER_EXPIRED, number) == WAKE_ORDER
    view = desk.view
    assert (view.kind, view.tag, view.side, view.price, view.lots) == (ev.ORDER_EXPIRED, 5, 1, 9_900, 6)


def test_a_slot_is_found_by_hint_or_by_number() -> None:
    desk = Desk()
    first, second = desk.working((1, 9_900, 10), (1, 9_800, 10))
    assert [slot_of(desk.record, second, hint) for hint in (1, 0, -1, 99)] == [1, 1, 1, 1]
    assert slot_of(desk.record, second + 1, 0) == -1
    assert first != second


def test_a_slot_is_used_again_and_the_old_number_finds_nothing() -> None:
    desk = Desk()
    (old,) = desk.working((1, 9_900, 10))
    desk.want()
    desk.canceled(old)
    (new,) = desk.working((1, 9_800, 10))
    assert desk.record.slots_used == 1
    assert (slot_of(desk.record, old, 0), slot_of(desk.record, new, 0)) == (-1, 0)


def test_executions_far_apart_in_number_may_share_a_place() -> None:
    desk = a_world().desk[0]
    assert [is_new_execution(desk, key) for key in (5, 5 + 4096, 5 + 4096)] == [True, True, False]


def test_a_stop_holds_no_room_and_gives_none_back() -> None:
    desk = Desk(lots=10)
    (number,) = desk.working((-1, 9_500, 10, STOP))
    desk.want()
    desk.canceled(number)
    assert (desk.account.open_sell_lots, desk.record.live) == (0, 0)


def test_a_fee_in_quote_leaves_the_money_column() -> None:
    desk = Desk(lots=10)
    (number,) = desk.working((-1, 10_100, 10))
    before = int(desk.record.ledger[0, USDT])
    desk.fill(number, 10, fee=1_000, fee_asset=USDT)
    assert desk.record.ledger[0, USDT] == before + 10 * 10_100 * desk.view.instruments[0].quanta - 1_000
