"""A system for a market of one trade an hour: it buys at one bar and gives back at the next."""

from quintet.systems.own import Memory, Parameters, System, Want, buy, sell
from quintet.systems.own.view import View


class DailyHolder(System):
    """Long for an hour, flat for an hour, always by orders that take."""

    class Parameters(Parameters):
        """`lots` of each order."""

        lots: int = 1_000

    class Memory(Memory):
        """How many bars were heard."""

        bars: int = 0

    def on_bar(self, view: View) -> list[Want] | None:
        """Take, or give back."""
        self.memory.bars += 1
        lots = self.parameters.lots
        if view.halted or not view.bid or not view.ask:
            return []
        if view.lots > 0:
            return [sell(view.lots, view.bid - 20 * view.tick, style="ioc")]
        return [buy(lots, view.ask + 20 * view.tick, style="ioc")]
