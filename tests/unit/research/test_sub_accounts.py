"""Sub-accounts: each by itself, together only in transfers; and thirty days of money added up by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import state as s
from quintet.core.engine.money_rules import MarginRules, MarginTier
from quintet.core.engine.world import Execution, Setup
from quintet.core.errors import InvariantError
from quintet.core.orders.lifecycle import MARKET, POST_ONLY
from quintet.core.risk.margin import CROSS
from quintet.research.daily_tape import DAY_NS
from quintet.research.sub_accounts import SubAccount, deposit, total_of, transfer
from quintet.sim.in_flight import most_in_flight
from quintet.sim.windows import price_windows
from quintet.systems.own.wants import Want
from tests.eternal_market import BTC, BTC_PERP, PERIOD_NS, USDT, market, tape

FIRST = 19_000
COIN = 100_000_000
"""Smallest units of one Bitcoin; a lot is a thousand of them."""
SPOT, PERPETUAL = 0, 1


def days_of(prices, rate=None):
    """Flat days at these prices, spot and perpetual, one more than is decided on."""
    made = []
    for of, each_rate in ((BTC, None), (BTC_PERP, rate)):
        one = market(of, FIRST, [*prices, prices[-1]], rate=each_rate, wick=0.0)
        for n, price in enumerate(prices):
            one.bars[n] = (one.bars["start"][n], one.bars["end"][n], price, price, price, price)
        made.append(one)
    return tape(made)


def accounts_on(made, **capital):
    """Sub-accounts with so many USDT, woken at five past midnight."""
    rows = s.Tape(made.rows).rows
    found = {}
    for name, amount in capital.items():
        setup = Setup(
            instruments=tuple(made.instruments), capital={"USDT": amount * USDT},
            execution=Execution(entry_ns=10**8, response_ns=10**8, feed_ns=0, funding_every_ns=PERIOD_NS),
            margin=MarginRules(mode=CROSS, initial_e9=500_000_000,
                               tiers=(MarginTier(value_max=1 << 60, initial_e9=500_000_000,
                                                 maintenance_e9=5_000_000),)),
            wakes=s.WAKE_TIMER | s.WAKE_FILL | s.WAKE_FUNDING, price_windows=price_windows(made.rows, 2),
            messages_in_flight=int(most_in_flight(rows, DAY_NS, 0)),
            timer_first_ns=(FIRST + 1) * DAY_NS + 300_000_000_000, timer_every_ns=DAY_NS,
        )  # fmt: skip
        found[name] = SubAccount(name, setup, made)
    return found


def live(accounts, days, deeds):
    """So many daily wakes; `deeds[day]` is done to the accounts at one, else all wants end there."""
    for day in range(1, days + 1):
        for account in accounts.values():
            assert account.advance(lambda woken, why: woken.want([]) if why == s.WAKE_FILL else None)
        for account in accounts.values():
            account.want([])
        deeds.get(day, lambda: None)()
        for account in accounts.values():
            account.go()


def buy(lots, n=SPOT, price=0):
    return Want(1, lots, price, POST_ONLY if price else MARKET, 0, False, n)


def sell(lots, n=SPOT, price=0, reduce_only=False):
    return Want(-1, lots, price, POST_ONLY if price else MARKET, 0, reduce_only, n)


def test_thirty_days_add_up_by_hand_to_the_quantum():
    prices = [50_000] * 10 + [60_000] * 11 + [61_000] * 11
    rates = {10: 100_000, 21: -135_790}

    def rate(ts):
        day = (ts - 1) // DAY_NS - FIRST
        return next((value for until, value in rates.items() if day < until), 0)

    made = days_of(prices, rate)
    accounts = accounts_on(made, A=10_000, B=5_000)
    a, b = accounts["A"], accounts["B"]

    def both_legs():
        a.want([sell(5_000, PERPETUAL), buy(5_000)])  # 0.05 each

    def moves():
        transfer(a, b, "USDT", 1_000 * USDT)
        transfer(a, b, "BTC", COIN // 100)

    deeds = {
        1: both_legs,
        12: moves,
        15: lambda: deposit(a, "USDT", 500 * USDT),
        20: lambda: a.want([sell(3_000, SPOT, price=60_030)]),  # rests at the ask, is reached on day 21
        25: lambda: a.want([Want(1, 5_000, 0, MARKET, 0, True, PERPETUAL)]),
    }  # fmt: skip
    live(accounts, 30, deeds)

    money = 10_000_000_000
    # day 1, at 50,000 with half a spread of 25 to either side
    money -= 2_501_250_000  # 0.05 at 50,025; the fee of 10 bp is taken in coins: 0.00005
    money -= 1_374_313  # 5.5 bp of 2,498.75, the perpetual's value at 49,975: 1.3743125, against us
    # day 1 from 08:00 to the end of day 9: 9 x 3 settlements at 0.01 % of 0.05 x 50,000 = 2,500
    money += 27 * 250_000
    # day 10 opens at 60,000: days 10 to 20 are 33 settlements at -0.013579 % of 3,000: the short pays 0.40737
    money -= 33 * 407_370
    money -= 1_000_000_000  # day 12, to B
    money += 500_000_000  # day 15, from outside
    # day 21 opens at 61,000: 0.03 that rested at 60,030 are 1,800.90, less 10 bp of it
    money += 1_800_900_000 - 1_800_900
    # day 25, at 61,000 with half a spread of 31: the short closes at 61,031 and has lost 11,056 x 0.05
    money -= 552_800_000
    money -= 1_678_353  # 5.5 bp of 3,051.55: 1.6783525, against us
    assert a.money("USDT") == money
    coins = 5_000_000 - 5_000 - 1_000_000 - 3_000_000  # bought, fee, given, sold
    assert a.money("BTC") == coins == a.holding(SPOT)[1]
    assert (b.money("USDT"), b.money("BTC")) == (6_000_000_000, 1_000_000)
    held = a.shown.account[PERPETUAL]
    assert (int(held.lots), int(held.realized)) == (0, -552_800_000)
    assert int(held.funding) == 33 * 407_370 - 27 * 250_000
    assert int(held.fees) == 1_374_313 + 1_678_353
    # every coin has cost 50,025: what was given keeps that, what was sold has gained 10,005 a coin
    spot = a.shown.account[SPOT]
    assert int(b.shown.account[SPOT].cost) == 500_250_000
    assert (int(spot.cost), int(spot.realized)) == (497_748_750, 300_150_000)
    assert a.imbalance() == b.imbalance() == 0
    assert a.world.venue[0].ledger[s.DESK_BOOK].tolist() == a.world.desk[0].ledger[s.DESK_BOOK].tolist()


@pytest.mark.req("E-134")
def test_one_that_loses_everything_takes_nothing_from_another():
    made = days_of([50_000, 50_000, 50_000, 24_000, 24_000, 24_000])
    accounts = accounts_on(made, TREND=1_000, CORE=5_000)
    untouched = accounts_on(made, CORE=5_000)
    live(accounts, 5, {1: lambda: accounts["TREND"].want([buy(3_900, PERPETUAL)])})
    live(untouched, 5, {})
    lost = accounts["TREND"]
    assert int(lost.world.desk[0].n_liquidations) == 1
    assert lost.equity() < 30 * USDT
    core, alone = accounts["CORE"].world, untouched["CORE"].world
    assert core.desk.tobytes() == alone.desk.tobytes()


def test_nothing_can_be_taken_that_is_not_there():
    made = days_of([50_000] * 3)
    accounts = accounts_on(made, A=1_000, B=1_000)
    for asset, quanta in (("USDT", 1_000 * USDT + 1), ("USDT", 0), ("USDT", -5), ("BTC", 1)):
        with pytest.raises(InvariantError, match="expected 1 to"):
            transfer(accounts["A"], accounts["B"], asset, quanta)
    assert accounts["A"].money("USDT") == accounts["B"].money("USDT") == 1_000 * USDT


steps = st.lists(
    st.tuples(
        st.sampled_from(["move", "coins", "deposit", "trade"]), st.integers(0, 2), st.integers(0, 2),
        st.integers(1, 4_000),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(deadline=None, max_examples=15)
@given(steps)
def test_over_all_sub_accounts_every_asset_is_conserved_at_every_step(acts):
    made = days_of([50_000, 52_000, 47_000, 50_000, 58_000, 44_000, 50_000, 50_000], rate=130_000)
    accounts = accounts_on(made, A=9_000, B=9_000, C=9_000)
    names = list(accounts)
    outside = 0

    def act(kind, one, other, amount):
        nonlocal outside
        source, to = accounts[names[one]], accounts[names[other]]
        if kind == "trade":
            source.want([buy(amount), sell(amount, PERPETUAL)])
        elif kind == "deposit":
            deposit(source, "USDT", amount)
            outside += amount
        elif source is not to:
            asset, least = ("USDT", 0) if kind == "move" else ("BTC", 1)
            if source.money(asset) >= amount > 0 and (least == 0 or source.holding(SPOT)[1] >= amount):
                transfer(source, to, asset, amount)

    def check():
        for asset in ("USDT", "BTC"):
            assert sum(total_of(accounts, asset, book) for book in range(len(s.BOOKS))) == 0
        assert -total_of(accounts, "USDT", s.CAPITAL_BOOK) == 27_000 * USDT + outside
        assert total_of(accounts, "BTC", s.CAPITAL_BOOK) == 0
        assert all(account.imbalance() == 0 for account in accounts.values())

    def deed(number):
        def done():
            act(*acts[number])
            check()

        return done

    live(accounts, 6, {day + 1: deed(day) for day in range(len(acts))})
    check()
