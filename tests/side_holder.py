"""A system for perpetuals that takes a position of a size, of either side, and holds it; it counts what it was paid."""

from quintet.systems.own import Memory, Parameters, System, Want, buy, sell
from quintet.systems.own.view import View


class SideHolder(System):
    """Every tenth of a second: what is missing to the position that was asked for, by an order that takes."""

    timer_s = 0.1

    class Parameters(Parameters):
        """`lots` to be held, below 0 for a short position."""

        lots: int = 30

    class Memory(Memory):
        """How often funding was paid or received."""

        fundings: int = 0

    def on_funding(self, view: View) -> None:
        """Count it."""
        self.memory.fundings += 1

    def on_timer(self, view: View) -> list[Want] | None:
        """Take what is missing."""
        missing = self.parameters.lots - view.lots
        if view.halted or not view.bid or not view.ask or not missing:
            return []
        if missing > 0:
            return [buy(missing, view.ask + 20 * view.tick, style="ioc")]
        return [sell(-missing, view.bid - 20 * view.tick, style="ioc")]
