"""Who trades in a storm: never at rest, on both sides, with amendments, orders that take, and a stop at the venue."""

from quintet.systems import own
from quintet.systems.own import System, Want, buy, sell, stop
from quintet.systems.own.view import View

LOTS = 1_000
STOP_AWAY_TICKS = 3_000


class Player(System):
    """Quotes that move and change size, now and then an order that takes; what is held and not offered has a stop."""

    timer_s = 0.5

    class Parameters(own.Parameters):  # type: ignore[misc]
        """`lots` of a full order; every `takes_every` timers one that takes; after `busy` timers it moves seldom."""

        lots: int = LOTS
        takes_every: int = 5
        busy: int = 16
        seldom: int = 11

    class Memory(own.Memory):
        """How many timers were heard, and where the stop stands."""

        timers: int = 0
        stop_at: int = 0

    def on_timer(self, view: View) -> list[Want] | None:
        """Nothing while the desk is halted or the book is unknown."""
        memory, tick = self.memory, view.tick
        memory.timers += 1
        if view.halted or not view.bid or not view.ask:
            return []
        if memory.timers > self.parameters.busy and memory.timers % self.parameters.seldom:
            return None
        lots = self.parameters.lots * (3 + memory.timers % 2) // 4
        away = memory.timers // 2 % 3 * tick
        if memory.timers % self.parameters.takes_every == 0:
            if view.lots >= 4 * lots:
                return [sell(lots, view.bid - 20 * tick, style="ioc", tag=3)]
            return [buy(lots, view.ask + 20 * tick, style="ioc", tag=4), *self._stop(view, 0)]
        wants = [buy(lots, view.bid - away, tag=1)]
        offered = lots if view.lots >= lots else 0
        if offered:
            wants.append(sell(offered, view.ask + away, tag=2))
        return wants + self._stop(view, offered)

    def _stop(self, view: View, offered: int) -> list[Want]:
        """What is held beyond what is offered, sold when the price has fallen a long way."""
        held = view.lots - offered
        if held < self.parameters.lots:
            return []
        memory = self.memory
        if not memory.stop_at or abs(view.bid - memory.stop_at) > 2 * STOP_AWAY_TICKS * view.tick:
            memory.stop_at = view.bid - STOP_AWAY_TICKS * view.tick
        return [stop(self.parameters.lots, memory.stop_at, tag=5)]
