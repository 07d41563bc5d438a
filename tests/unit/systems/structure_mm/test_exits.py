"""When an episode ends, and at which price: section 3.9."""

from quintet.core.records import table
from quintet.core.state import ACCOUNT, INSTRUMENT
from quintet.systems.structure_mm import exits as x

E9 = 1_000_000_000
QUANTA = 100_000_000


def an_instrument():
    inst = table(INSTRUMENT, 1)[0]
    inst.quanta = 10
    inst.base_quanta = 1_000
    inst.taker_fee_e9 = 1_000_000
    return inst


def holding(lots, cost=0):
    account = table(ACCOUNT, 1)[0]
    account.lots = lots
    account.held = lots * 1_000
    account.cost = cost
    return account


def test_the_hard_stop_stands_one_atr_below_the_protected_low():
    # given O 2970 and ATR 6.6
    assert x.hard_stop(297_000, 10_000, 660 * 1024, 1) == 296_340
    # and it is rounded down to the tick, and stays above nothing
    assert x.hard_stop(297_000, 10_000, 660 * 1024, 100) == 296_300
    assert x.hard_stop(500, 10_000, 660 * 1024, 1) == 1


def test_the_loss_of_an_episode_counts_what_selling_would_cost():
    # given 10,000 USDT of equity at the beginning and a limit of 0.5 %
    equity = 10_000 * QUANTA
    assert not x.is_lost(-49 * QUANTA, 0, equity, 5_000_000)
    assert x.is_lost(-49 * QUANTA, QUANTA, equity, 5_000_000)


def test_liquidation_costs_the_taker_fee_and_half_the_spread():
    # given 1 ETH at 3000
    cost = x.liquidation_cost(an_instrument(), holding(100_000), 300_000, 50_000)
    # then 10 bp and half a basis point of 3000 USDT
    assert cost == 315_000_000


def test_what_was_gained_is_profit_less_fees():
    account = holding(100_000, cost=2_990 * QUANTA)
    account.realized = 5 * QUANTA
    account.fees = 2 * QUANTA
    assert x.net_quanta(an_instrument(), account, 300_000) == 13 * QUANTA


def test_an_urgent_exit_gives_way_by_at_most_50_bp():
    assert x.capped_price(300_000, 5_000_000, 1) == 298_500
    assert x.capped_price(300_000, 5_000_000, 1_000) == 298_000


def test_the_excess_over_the_hard_band_is_rounded_up_to_lots():
    # given 2 ETH at 3000 and 10,000 of equity: 2,000 USDT above the band of 4,000
    lots = x.excess_lots(an_instrument(), holding(200_000), 300_000, 10_000 * QUANTA, 400_000_000)
    assert lots == 66_667
    assert x.excess_lots(an_instrument(), holding(100_000), 300_000, 10_000 * QUANTA, 400_000_000) == 0
