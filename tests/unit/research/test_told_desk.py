"""A desk that wants what it is told: words on its tape, what is left of a want, capital that comes and goes."""

from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core import state as s
from quintet.core.engine.entry import new_progress
from quintet.core.engine.money_rules import MarginRules
from quintet.core.errors import TapeError
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import MARKET, POST_ONLY, STOP
from quintet.core.row_laws import frozen
from quintet.core.tape import message_with_text
from quintet.research.sub_accounts import SubAccountBooks, Woken
from quintet.research.told_desk import (
    Moved,
    ToldEntrance,
    Wanted,
    cost_of,
    told_world,
    what_is_left,
    word_rows,
    words_on,
)
from quintet.venues.bybit.daily_facts import Touch
from quintet.venues.bybit.daily_market import touch_rows
from tests.eternal_market import BTC, BTC_PERP, USDT

NOW = 1_700_000_000_000_000_000
BUY = Want(1, 100_000, 29_000, POST_ONLY, 0, False, 0)
SPOT, PERPETUAL = 0, 1


class Desk:
    """A told desk in memory: what enters, and the commands that come out."""

    def __init__(self) -> None:
        self.now = NOW
        self.books = SubAccountBooks("CORE", (BTC, BTC_PERP), told_world((BTC, BTC_PERP), MarginRules(), 5_000_000))
        self.heard: list[int] = []
        self._enter = ToldEntrance(self.books, self.heard.append)

    def enter(self, rows: Any) -> list[tuple[int, int, int, int]]:
        self._enter(frozen(rows), self.books.world, new_progress())
        desk = self.books.world.desk[0]
        found = [(int(one.kind), int(one.instrument), int(one.side), int(one.lots))
                 for one in desk.outbox[: int(desk.n_outbox)]]  # fmt: skip
        desk.n_outbox = desk.n_filled = desk.shown.n_notes = 0
        return found

    def market(self, n: int = SPOT, price: int = 30_000) -> None:
        self.now += 1
        self.enter(touch_rows(n, Touch(price - 1, 10**6, price + 1, 10**6, price), self.now, self.now))

    def tell(self, word: Any) -> list[tuple[int, int, int, int]]:
        self.now += 1
        return self.enter(word_rows(word, self.now))


@pytest.fixture
def desk() -> Desk:
    found = Desk()
    found.market()
    found.market(PERPETUAL)
    return found


def test_what_it_is_told_to_want_is_sent_and_what_is_wanted_no_more_is_not_sent_again(desk: Desk) -> None:
    desk.tell(Moved("opening CORE", "USDT", 100_000 * USDT))
    assert desk.tell(Wanted(1, (BUY,))) == [(ev.PLACE, SPOT, 1, 100_000)]
    assert desk.tell(Wanted(2, (BUY,))) == []


def test_without_capital_the_gate_lets_nothing_through(desk: Desk) -> None:
    assert desk.tell(Wanted(1, (BUY,))) == []
    assert int(desk.books.world.desk[0].n_refused) == 1


def test_capital_is_neither_gain_nor_loss_and_every_asset_balances(desk: Desk) -> None:
    desk.tell(Moved("opening CORE", "USDT", 1_000 * USDT))
    desk.tell(Moved("transfer 1", "USDT", -300 * USDT))
    desk.tell(Moved("transfer 2", "BTC", 5 * 10**7, 15_000 * USDT))
    assert desk.books.money("USDT") == 700 * USDT
    assert desk.books.holding(SPOT) == (50_000, 5 * 10**7, 15_000 * USDT)
    assert cost_of(desk.books, "BTC", 10**7) == 3_000 * USDT and cost_of(desk.books, "USDT", 7) == 0
    desk.tell(Moved("transfer 3", "BTC", -(10**7), 3_000 * USDT))
    assert desk.books.holding(SPOT) == (40_000, 4 * 10**7, 12_000 * USDT)
    assert desk.books.imbalance() == 0
    assert int(np.asarray(desk.books.world.desk[0].ledger)[s.CAPITAL_BOOK].sum()) == -(700 * USDT + 4 * 10**7)


def test_words_are_found_on_a_tape_in_their_order() -> None:
    words = [Wanted(3, (BUY, BUY._replace(side=-1))), Moved("transfer 1", "USDT", -5), Wanted(4, ())]
    rows = np.concatenate([np.asarray(word_rows(word, NOW)) for word in words])
    assert words_on(rows) == words


def test_a_word_that_is_none_is_named() -> None:
    rows = message_with_text((NOW, NOW, 0, 0, 0, ev.CONFIG_CHANGED, 0), b'{"params":"x"}')
    with pytest.raises(TapeError, match="row 0: .*expected what a desk is told"):
        words_on(rows)


def woken(**fields: Any) -> Woken:
    return Woken(**(dict.fromkeys(Woken._fields, 0) | {"side": -1} | fields))


CLOSE, STOP_LOSS = Want(-1, 7, 0, MARKET, 0, True, 1), Want(-1, 10, 27_000, STOP, 0, True, 1)


@pytest.mark.parametrize(
    ("why", "event", "left"),
    [
        (s.WAKE_FILL, woken(instrument=1, lots=3), [CLOSE._replace(lots=4), STOP_LOSS]),
        (s.WAKE_FILL, woken(instrument=1, lots=7), [STOP_LOSS]),
        (s.WAKE_FILL, woken(instrument=0, lots=7), [CLOSE, STOP_LOSS]),
        (s.WAKE_FILL, woken(instrument=1, side=1, lots=7), [CLOSE, STOP_LOSS]),
        (s.WAKE_ORDER, woken(instrument=1, kind=ev.ORDER_EXPIRED, price=26_000), [STOP_LOSS]),
        (s.WAKE_ORDER, woken(instrument=1, kind=ev.ORDER_REJECTED, price=27_000), []),
        (s.WAKE_ORDER, woken(instrument=1, kind=ev.ORDER_CANCELED), [CLOSE, STOP_LOSS]),
        (s.WAKE_FUNDING, woken(instrument=1), [CLOSE, STOP_LOSS]),
    ],
)
def test_what_was_filled_or_is_over_is_wanted_no_more(why: int, event: Woken, left: list[Want]) -> None:
    assert what_is_left([CLOSE, STOP_LOSS], event, why) == left
