"""A system of your own in plain Python: a class with handlers, a memory of numbers, and a light view.

    class Crossing(System):
        class Memory(Memory):
            fast: float = 0.0

        def on_bar(self, view: View) -> Wants: ...

It is woken by what it has handlers for, sees only its view, and says what it wants; planner, gate and exchange are
those of every other system.
"""

from quintet.core.execution.want import Want
from quintet.systems.own.fact_view import Fact
from quintet.systems.own.memory import Memory
from quintet.systems.own.refusal import RefusedSystem
from quintet.systems.own.system import Parameters, System
from quintet.systems.own.view import Bar, Fill, Funding, Level, Resting, Trade, View
from quintet.systems.own.wants import Wants, buy, sell, stop

__all__ = [
    "Bar",
    "Fact",
    "Fill",
    "Funding",
    "Level",
    "Memory",
    "Parameters",
    "RefusedSystem",
    "Resting",
    "System",
    "Trade",
    "View",
    "Want",
    "Wants",
    "buy",
    "sell",
    "stop",
]
