"""A system that is never at rest: it moves its quotes every tenth of a second, takes now and then, and gives back."""

from quintet.systems.own import Memory, Parameters, System, Want, buy, sell
from quintet.systems.own.view import View


class BusyMaker(System):
    """Two quotes at the touch that move with the clock, and every so often an order that takes."""

    timer_s = 0.1

    class Parameters(Parameters):
        """`lots` of each order; every `takes_every` timers one that takes."""

        lots: int = 1_000
        takes_every: int = 7

    class Memory(Memory):
        """How many timers were heard."""

        timers: int = 0

    def on_timer(self, view: View) -> list[Want] | None:
        """Quote, and take; nothing while the desk is halted or the book is unknown."""
        self.memory.timers += 1
        if view.halted or not view.bid or not view.ask:
            return []
        lots, away = self.parameters.lots, self.memory.timers % 3 * view.tick
        wants = [buy(lots, view.bid - away, tag=1)]
        if view.lots >= lots:
            wants.append(sell(lots, view.ask + away, tag=2))
        if self.memory.timers % self.parameters.takes_every == 0:
            if view.lots >= 2 * lots:
                wants = [sell(lots, view.bid - 20 * view.tick, style="ioc", tag=3)]
            else:
                wants = [buy(lots, view.ask + 20 * view.tick, style="ioc", tag=4)]
        return wants
