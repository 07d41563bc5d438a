"""The policy table: the first row that holds decides."""

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.records import table
from quintet.core.state import INSTRUMENT
from quintet.features.structure import BIAS_DOWN, BIAS_UP
from quintet.systems.structure_mm import policy as p
from quintet.systems.structure_mm.config import StructureMmConfig
from quintet.systems.structure_mm.records import BOS, DEFENSIVE, DISABLED, NORMAL, POLICY_NAMES, STATE, params_record

E9 = 1_000_000_000
EQUITY = 1_000_000_000_000
PARAMS = params_record(StructureMmConfig(), DEFAULT_SPOT)[0]


def calm_market(**fields):
    """Everything speaks for Normal, except what is named."""
    state = table(STATE, 1)[0]
    state.ready = 1
    state.unbroken_bars = 12
    state.lost_day = -1
    state.equity = EQUITY
    state.fast_units = state.slow_units = 1_000
    state.structure.bias = BIAS_UP
    for name, value in fields.items():
        setattr(state, name, value)
    return state


def venue(trading=1):
    inst = table(INSTRUMENT, 1)[0]
    inst.trading = trading
    return inst


def decided(state, inst=None, day_open=EQUITY, day=20_000):
    inst = venue() if inst is None else inst
    row = p.policy_row(p.conditions(state, PARAMS, inst, day_open, day))
    return p.POLICY_ROWS[row]


def at_ratio(v, **fields):
    return calm_market(fast_units=round(v * 1_000), **fields)


@pytest.mark.req("S-10", "S-22")
@pytest.mark.parametrize(
    ("number", "policy", "state", "inst", "day_open"),
    [
        (1, DISABLED, calm_market(ready=0), venue(), EQUITY),
        (1, DISABLED, calm_market(unbroken_bars=11), venue(), EQUITY),
        (1, DISABLED, calm_market(), venue(trading=0), EQUITY),
        (1, DISABLED, calm_market(killed=1), venue(), EQUITY),
        (2, DISABLED, calm_market(equity=EQUITY * 99 // 100), venue(), EQUITY),
        (3, DISABLED, at_ratio(3.001), venue(), EQUITY),
        (5, DEFENSIVE, at_ratio(3.0), venue(), EQUITY),
        (5, DEFENSIVE, at_ratio(1.501), venue(), EQUITY),
        (9, NORMAL, at_ratio(1.5), venue(), EQUITY),
        (6, DEFENSIVE, calm_market(machine=BOS, origin=297_000, top=301_200, close=298_600), venue(), EQUITY),
        (9, NORMAL, calm_market(machine=BOS, origin=297_000, top=301_200, close=298_700), venue(), EQUITY),
        (7, DEFENSIVE, calm_market(share_e9=250_000_001), venue(), EQUITY),
        (9, NORMAL, calm_market(share_e9=250_000_000), venue(), EQUITY),
        (8, DEFENSIVE, calm_market(equity=EQUITY * 995 // 1000 - 1), venue(), EQUITY),
        (9, NORMAL, calm_market(equity=EQUITY * 995 // 1000), venue(), EQUITY),
    ],
)
def test_each_row_of_the_table_has_its_example(number, policy, state, inst, day_open):
    row = decided(state, inst, day_open)
    assert (row.number, row.policy) == (number, policy)


def test_a_bias_that_is_not_up_disables():
    # given a calm market whose bias is down, or not known yet
    for bias in (BIAS_DOWN, 0):
        state = calm_market()
        state.structure.bias = bias
        # then nothing may be bought
        assert decided(state).number == 4


@pytest.mark.req("S-22")
def test_the_example_of_the_specification_has_hysteresis():
    # given v going 1.4, 1.6, 1.3, 1.2
    state = calm_market()
    seen = []
    for v in (1.4, 1.6, 1.3, 1.2):
        state.fast_units = round(v * 1_000)
        seen.append(POLICY_NAMES[decided(state).policy])
    # then Defensive begins above 1.5 and lasts until 1.25
    assert seen == ["Normal", "Defensive", "Defensive", "Normal"]


def test_a_lost_day_stays_disabled_until_the_next_one():
    # given a day that has lost 1 %
    state = calm_market(equity=EQUITY * 99 // 100)
    assert decided(state, day=20_000).number == 2
    # when equity recovers on the same day
    state.equity = EQUITY
    # then it is still disabled, and the next day is free
    assert decided(state, day=20_000).number == 2
    assert decided(state, day=20_001).number == 9


def test_the_shock_comes_before_the_bias_and_the_bias_before_restlessness():
    # given several conditions at once
    every = p.SHOCK | p.NOT_UP | p.RESTLESS
    # then the first row of the table decides
    assert p.POLICY_ROWS[p.policy_row(every)].condition == p.SHOCK
    assert p.POLICY_ROWS[p.policy_row(every & ~p.SHOCK)].condition == p.NOT_UP
    assert p.POLICY_ROWS[p.policy_row(0)].policy == NORMAL


def test_losses_are_counted_to_the_last_quantum():
    assert p.has_fallen_to(990, 1_000, 10_000_000)
    assert not p.has_fallen_to(991, 1_000, 10_000_000)
    assert not p.has_fallen_below(995, 1_000, 5_000_000)
    assert p.has_fallen_below(994, 1_000, 5_000_000)


def test_rows_are_in_the_order_of_the_specification_and_the_last_holds_always():
    numbers = [row.number for row in p.POLICY_ROWS]
    assert numbers == sorted(numbers)
    assert p.POLICY_ROWS[-1].condition == p.OTHERWISE
    assert {row.number for row in p.POLICY_ROWS} == set(range(1, 10))
