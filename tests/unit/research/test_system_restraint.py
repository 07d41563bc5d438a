"""A system's own limits hold beside the desk's: of each pair the stricter."""

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.risk.config import RiskConfig
from quintet.core.risk.restraint_config import INTRADAY
from quintet.research.backtest import setup_of
from quintet.research.backtest_options import BacktestOptions
from quintet.research.systems import find
from quintet.sim.config import ExecutionConfig


@pytest.mark.parametrize(("risk", "losses"), [({}, 3), ({"losses_in_row_max": 2}, 2), ({"losses_in_row_max": 9}, 3)])
def test_the_stricter_of_system_and_desk_holds(risk: dict[str, int], losses: int):
    system = find("structure_mm")._replace(restraint=INTRADAY)
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(**risk), "5m", "5m")
    rules = setup_of(system, options, options.policies[0]).restraint
    assert (rules["losses_in_row"], rules["half_e9"]) == (losses, 50_000_000)


def test_where_neither_has_any_it_is_off():
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(), "5m", "5m")
    assert setup_of(find("structure_mm"), options, options.policies[0]).restraint == {}
