"""What a backtest is told besides its tape and the system's parameters."""

from typing import NamedTuple

from quintet.core.instrument import Instrument
from quintet.core.risk.config import RiskConfig
from quintet.sim.config import ExecutionConfig


class BacktestOptions(NamedTuple):
    """`structure` and `fills` name the timeframes of decisions and of matching; equal for a single-timeframe run.

    Every policy of `execution.fill_policies` is run.
    """

    instrument: Instrument
    execution: ExecutionConfig
    risk: RiskConfig
    structure: str
    fills: str
