"""How large a lot is: the example of section 3.8, and each cap."""

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.records import table
from quintet.core.state import INSTRUMENT
from quintet.systems.structure_mm import sizing as s
from quintet.systems.structure_mm.config import StructureMmConfig
from quintet.systems.structure_mm.grid import rate_e9
from quintet.systems.structure_mm.records import DEFENSIVE, NORMAL, params_record

PARAMS = params_record(StructureMmConfig(), DEFAULT_SPOT)[0]
QUANTA = 100_000_000  # of a USDT
EQUITY = 10_000 * QUANTA


def venue():
    inst = table(INSTRUMENT, 1)[0]
    inst.quanta = DEFAULT_SPOT.quanta_per_tick_lot
    inst.min_lots = DEFAULT_SPOT.min_lots
    inst.min_notional = DEFAULT_SPOT.min_notional_quanta
    return inst


def loss_of_the_example():
    # given close 2999, O 2970, ATR 6.6: guard 2971.65, S 2963.40, step 24.20 bp
    return s.loss_of_all(PARAMS, 299_900, 297_165, 296_340, rate_e9(24.20), 0.002)


def test_the_loss_of_everything_bought_and_stopped():
    assert loss_of_the_example() == pytest.approx(0.054922, abs=2e-6)


def test_the_example_is_bound_by_the_hard_band():
    quanta, cap = s.lot_quanta(PARAMS, EQUITY, loss_of_the_example(), 0)
    assert quanta / QUANTA == pytest.approx(666.67, abs=0.01)
    assert cap == s.BY_HARD_BAND
    # and everything bought and stopped costs 0.37 % of equity
    assert quanta / QUANTA * loss_of_the_example() == pytest.approx(36.61, abs=0.01)
    assert s.lots_at(quanta, NORMAL, 0.5, 299_900, venue()) == 22_229


def test_each_cap_of_the_example():
    assert PARAMS.risk_episode * 10_000 / loss_of_the_example() == pytest.approx(910.37, abs=0.03)
    assert s.lot_quanta(PARAMS, EQUITY, 0.1, 0) == (500 * QUANTA, s.BY_RISK)
    wide = params_record(StructureMmConfig(w_target=0.10), DEFAULT_SPOT)[0]
    assert s.lot_quanta(wide, EQUITY, 0.01, 0) == (500 * QUANTA, s.BY_TARGET)
    assert s.lot_quanta(PARAMS, EQUITY, 0.01, 20_000 * QUANTA) == (200 * QUANTA, s.BY_TURNOVER)


def test_an_unknown_turnover_caps_nothing():
    assert s.lot_quanta(PARAMS, EQUITY, 0.01, 0)[1] == s.BY_HARD_BAND


def test_defensive_halves_the_lot_and_the_levels():
    quanta = 600 * QUANTA
    assert s.lots_at(quanta, NORMAL, 0.5, 300_000, venue()) == 20_000
    assert s.lots_at(quanta, DEFENSIVE, 0.5, 300_000, venue()) == 10_000
    assert [s.levels(n, DEFENSIVE, 0.5) for n in (4, 2, 1, 5)] == [2, 1, 1, 2]
    assert s.levels(4, NORMAL, 0.5) == 4


def test_a_level_below_the_minimum_order_is_dropped():
    assert s.lots_at(9 * QUANTA, NORMAL, 0.5, 300_000, venue()) == 0
    assert s.lots_at(11 * QUANTA, NORMAL, 0.5, 300_000, venue()) == 366
    # 0.001 ETH is the least quantity, however dear
    assert s.lots_at(11 * QUANTA, NORMAL, 0.5, 30_000_000, venue()) == 0


def test_no_lot_has_a_price_of_nothing():
    assert s.lots_at(QUANTA, NORMAL, 0.5, 0, venue()) == 0
