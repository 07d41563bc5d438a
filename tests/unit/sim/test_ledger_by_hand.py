"""Fifteen entries of a perpetual's account, computed by hand: fills, rebates, funding both ways, a liquidation.

LINEAR_COIN: one lot at one increment is 1,000 quanta; a lot at 100.00 is 0.1 USDT. The account begins with 100 USDT;
maker -1 bp, taker 5.5 bp; isolated margin, 10 % to open, 1 % to keep.
"""

from fractions import Fraction

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.engine.entry import new_progress
from quintet.core.engine.replay import take_in
from quintet.core.state import DESK_BOOK
from quintet.sim.loop import hear_the_rest
from tests.desk_worlds import LINEAR_COIN, START, USDT, run
from tests.players import run_left
from tests.tick_exchange import execution_of, message_rows, money_of, parts_of, send
from tests.tick_market import MILLISECOND, tick_world
from tests.twins.account_twin import MarginTable
from tests.twins.ticks_twin import Exchange, Message, Request, Row, Rules

pytestmark = pytest.mark.xdist_group("loop")

CAPITAL = 10_000_000_000

LEDGER = [
    # what, price, lots or position, gain before fees, fee or funding, balance after; in quanta
    ("fill", 10_001, 1_000, 0, 5_500_550, 9_994_499_450),  # 5.5 bp of 10,001,000,000
    ("funding", 10_010, 1_000, 0, 1_001_000, 9_993_498_450),  # 1 bp of 10,010,000,000
    ("fill", 10_020, -400, 7_600_000, -400_800, 10_001_499_250),  # 400 x 1,000 x (10,020 - 10,001)
    ("funding", 10_013, 600, 0, -225_292, 10_001_724_542),  # -225,292.5: what is received is rounded down
    ("fill", 9_990, -1_000, -6_600_000, 5_494_500, 9_989_630_042),  # closes 600, opens 400 short
    ("fill", 10_007, -7, 0, -7_004, 9_989_637_046),  # -7,004.9
    ("funding", 9_999, -407, 0, -406_959, 9_990_044_005),  # -406,959.3
    ("fill", 10_003, 3, -38_122, 16_505, 9_989_989_378),  # cost -4,066,049,000 x 3 / 407 = -29,970,877.1, fee 16,504.95
    # stake 403,607,813 + 2,219,843; the price (4,036,078,122 + 403,607,813) / 404,000 = 10,989.3
    ("liquidation", 10_989, 404, -403_477_878, 2_349_778, 9_584_161_722),
    ("fill", 9_999, -50, 0, 274_973, 9_583_886_749),  # 274,972.5
    ("funding", 10_000, -50, 0, 150_000, 9_583_736_749),  # the short pays at a negative rate
    ("fill", 9_990, 20, 180_000, -19_980, 9_583_936_729),
    ("fill", 9_980, 30, 570_000, -29_940, 9_584_536_669),
    ("fill", 10_001, 1, 0, 5_501, 9_584_531_168),  # 5,500.55
    ("fill", 9_999, -1, -2_000, 5_500, 9_584_523_668),  # 5,499.45
]

RULES = Rules(
    partial=True,
    funding_every=10 * MILLISECOND,
    worth=LINEAR_COIN.quanta_per_tick_lot,
    balance=CAPITAL,
    fee_tiers=[(0, Fraction(-1, 10_000), Fraction(55, 100_000))],
    margin=MarginTable("isolated", Fraction(1, 10), [(10**13, Fraction(0), Fraction(1, 100))]),
)


def at(ms: int, *rows: Row) -> Message:
    return Message(START + ms * MILLISECOND, START + ms * MILLISECOND, rows)


MARKET = [
    at(0, ("bid", 9_999, 5_000), ("ask", 10_001, 5_000), ("mark", 10_010, 0), ("rate", 0, 100_000)),
    at(12, ("buy", 10_021, 1)),
    at(13, ("mark", 10_013, 0), ("rate", 0, -37_500)),
    at(21, ("bid", 9_999, 0), ("bid", 9_990, 5_000)),
    at(24, ("buy", 10_008, 1)),
    at(25, ("mark", 9_999, 0), ("rate", 0, 100_000)),
    at(31, ("ask", 10_001, 0), ("ask", 10_003, 5_000)),
    at(33, ("mark", 11_500, 0)),
    at(34, ("mark", 10_000, 0), ("bid", 9_999, 5_000), ("rate", 0, -300_000)),
    at(42, ("sell", 9_989, 1)),
    at(43, ("sell", 9_979, 1)),
    at(44, ("ask", 10_001, 5_000)),
    at(60, ("bid", 9_000, 1)),
]


def order(ms: int, side: int, lots: int, price: int = 0) -> Request:
    style = "post-only" if price else "market"
    return Request(START + ms * MILLISECOND, 256 + ms, side, style, price, lots)  # type: ignore[arg-type]


ORDERS = [
    order(1, 1, 1_000),
    order(11, -1, 400, 10_020),
    order(22, -1, 1_000),
    order(23, -1, 7, 10_007),
    order(32, 1, 3),
    order(35, -1, 50),
    order(41, 1, 20, 9_990),
    order(41, 1, 30, 9_980)._replace(number=1_000),
    order(45, 1, 1),
    order(46, -1, 1),
]


def entries_of(rows: np.ndarray) -> list[tuple]:
    """Every entry and the balance after it, from the rows of a desk tape that enter the step one by one."""
    world = tick_world(wakes=0, **execution_of(RULES), **money_of(RULES))
    desk, at, entries = world.desk[0], new_progress()[0], []
    account, before = desk.shown.account[0], 0
    at.row = 0
    while at.row < rows.shape[0]:
        row = rows[at.row]
        take_in(desk, world.shown, rows, at)
        kind, side = int(row.kind), -1 if int(row.bits) & ev.SELL_BIT else 1
        balance = int(desk.ledger[DESK_BOOK, USDT])
        assert not np.asarray(desk.ledger).sum(axis=0).any()
        if kind == ev.FILL:
            what = "liquidation" if int(row.bits) & ev.LIQUIDATION else "fill"
            fee, gain = int(desk.filled[int(desk.n_filled) - 1].fee), int(account.realized) - before
            entries.append((what, int(row.price), side * int(row.quantity), gain, fee, balance))
        elif kind == ev.FUNDING:
            entries.append(("funding", int(row.price), int(account.lots), 0, int(row.quantity), balance))
        before = int(account.realized)
    return entries


@pytest.mark.jit_off
@pytest.mark.bounds
def test_fifteen_entries_agree_to_the_quantum() -> None:
    world = tick_world(wakes=0, recording=True, **execution_of(RULES), **money_of(RULES))
    send(world, ORDERS)
    tape = message_rows([(m.happened, m.heard, [part for row in m.rows for part in parts_of(row)]) for m in MARKET])
    run(run_left, tape, world)
    hear_the_rest(run_left, tape, world)
    rows = world.rows_out[: int(world.venue[0].n_rows)]
    assert entries_of(rows) == LEDGER
    assert int(world.desk[0].ledger[DESK_BOOK, USDT]) == LEDGER[-1][-1]
    assert (int(world.desk[0].n_fundings), int(world.desk[0].n_liquidations)) == (4, 1)
    account = world.desk[0].shown.account[0]
    assert CAPITAL + int(account.realized) - int(account.fees) - int(account.funding) == LEDGER[-1][-1]


def test_the_twin_keeps_the_same_ledger() -> None:
    answers = Exchange(RULES).run(MARKET, ORDERS)
    paid = [(a.kind, a.price, a.fee) for a in answers if a.kind in ("fill", "funding", "liquidation")]
    assert paid == [(what, price, fee) for what, price, _, _, fee, _ in LEDGER]
