"""The eternal engine: four engines over five sub-accounts, an orchestrator, a risk manager that trusts none of them.

    core_hodl   Bitcoin and Ether, held          trend     long and short perpetuals along the averages
    funding     spot against perpetual           tactical  cash for a crash

Each engine is a pure function of its state and its view, and knows no other. `cycle` runs a day. See
`docs/systems/eternal.md`.
"""

from quintet.systems.eternal.config import NAME, EternalConfig
from quintet.systems.eternal.cycle import Outcome, run_cycle
from quintet.systems.eternal.portfolio import Day, Portfolio

__all__ = ["NAME", "Day", "EternalConfig", "Outcome", "Portfolio", "run_cycle"]
