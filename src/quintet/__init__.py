"""quintet: five trading systems, one deterministic engine, four worlds.

    import quintet

    run = quintet.backtest("structure_mm", data="eth_5m.csv")
    run.verdict, run.interval, run.fills

Importing it is light: what a name needs is imported when it is first used.
"""

from typing import TYPE_CHECKING, Final

from quintet import _kernel_cache

if TYPE_CHECKING:
    from quintet.app.finished_run import Backtest
    from quintet.app.library import backtest
    from quintet.core.execution.bounded import Bounded
    from quintet.core.execution.iceberg import Iceberg
    from quintet.core.execution.ladder import Ladder
    from quintet.core.execution.maker import Maker
    from quintet.core.execution.parent import Parent
    from quintet.core.execution.position import Position
    from quintet.core.execution.router import Router
    from quintet.core.execution.twap import Twap
    from quintet.core.market.bars import Bars
    from quintet.features import catalogue as indicators
    from quintet.systems.own import (
        Bar,
        Fact,
        Fill,
        Level,
        Memory,
        Parameters,
        Resting,
        System,
        Trade,
        View,
        Want,
        Wants,
        buy,
        sell,
        stop,
    )

__version__ = "0.1.0"

__all__ = [
    "Backtest",
    "Bar",
    "Bars",
    "Bounded",
    "Fact",
    "Fill",
    "Iceberg",
    "Ladder",
    "Level",
    "Maker",
    "Memory",
    "Parameters",
    "Parent",
    "Position",
    "Resting",
    "Router",
    "System",
    "Trade",
    "Twap",
    "View",
    "Want",
    "Wants",
    "backtest",
    "buy",
    "indicators",
    "sell",
    "stop",
]

_EXECUTION: Final = ("Bounded", "Iceberg", "Ladder", "Maker", "Parent", "Position", "Router", "Twap")

_HOMES: Final = {
    "Backtest": "quintet.app.finished_run",
    "backtest": "quintet.app.library",
    "Bars": "quintet.core.market.bars",
    **{name: f"quintet.core.execution.{name.lower()}" for name in _EXECUTION},
    "indicators": "quintet.features.catalogue",
}
"""Where a public name lives (`indicators` is that module); all others are of `quintet.systems.own`."""

_kernel_cache.use()


def __getattr__(name: str) -> object:
    """The public names, each imported at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'quintet' has no attribute {name!r}")
    from importlib import import_module

    home = import_module(_HOMES.get(name, "quintet.systems.own"))
    value: object = home if name == "indicators" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, used or not."""
    return sorted({*globals(), *__all__})
