"""Who trades a perpetual in a storm: long and short in turn, out by orders that only reduce, a stop behind it all."""

from quintet.systems import own
from quintet.systems.own import System, Want, buy, sell
from quintet.systems.own.view import View

LOTS = 4
STOP_AWAY_TICKS = 3_000
ENTER, LEAVE, TAKE_OUT, TAKE_IN, STOP = 1, 2, 3, 4, 5
"""Tags of its wants."""


class PerpetualPlayer(System):
    """Quotes that move and change size, now and then an order that takes. Whatever is held has a stop at the venue.

    None would be as before, which is not enough where the venue has ended the stop: it looks for it at every timer.
    """

    timer_s = 0.5
    own_orders = True

    class Parameters(own.Parameters):  # type: ignore[misc]
        """`lots` of a full order; `turns_every`, `takes_every`: timers; after `busy` of them it moves seldom."""

        lots: int = LOTS
        takes_every: int = 5
        turns_every: int = 6
        busy: int = 16
        seldom: int = 11

    class Memory(own.Memory):
        """How many timers were heard, and where the stop stands, for how many lots."""

        timers: int = 0
        stop_at: int = 0
        stopped: int = 0

    def on_timer(self, view: View) -> list[Want] | None:
        """While the desk is halted or the book is unknown: nothing but the stop."""
        memory, given, tick = self.memory, self.parameters, view.tick
        memory.timers += 1
        if view.halted or not view.bid or not view.ask:
            return self._stop(view)
        if memory.timers > given.busy and memory.timers % given.seldom and self._is_stopped(view):
            return None
        side = 1 if memory.timers // given.turns_every % 2 else -1
        lots = given.lots * (3 + memory.timers % 2) // 4
        away = memory.timers // 2 % 3 * tick
        takes = memory.timers % given.takes_every == 0
        if view.lots * side < 0:
            return [self._leave(view, -side, away, takes), *self._stop(view)]
        if takes:
            return [self._order(side, lots, view, -20 * tick, TAKE_IN), *self._stop(view)]
        wants = [self._order(side, lots, view, away, ENTER)]
        if abs(view.lots) >= lots:
            wants.append(self._leave(view, side, away, takes=False))
        return wants + self._stop(view)

    def _leave(self, view: View, held_side: int, away: int, takes: bool) -> Want:
        """Out of what is held, by no more than a full order."""
        lots = min(abs(view.lots), self.parameters.lots)
        if takes:
            return self._order(-held_side, lots, view, -20 * view.tick, TAKE_OUT)
        return self._order(-held_side, lots, view, away, LEAVE)

    @staticmethod
    def _order(side: int, lots: int, view: View, away: int, tag: int) -> Want:
        """`away`: increments behind the best price of its own side; below 0 it takes, beyond the other side's."""
        touch = view.bid if side > 0 else view.ask
        if away < 0:
            touch = view.ask if side > 0 else view.bid
        give = buy if side > 0 else sell
        style = "ioc" if away < 0 else "post_only"
        return give(lots, touch - side * away, style=style, tag=tag, reduce_only=tag in (LEAVE, TAKE_OUT))

    def _is_stopped(self, view: View) -> bool:
        """Does a stop for all that is held wait, or is it on its way?"""
        there = sum(order.lots for order in view.orders if order.tag == STOP)
        return view.lots == self.memory.stopped and there >= abs(view.lots)

    def _stop(self, view: View) -> list[Want]:
        """All that is held, closed when the price has gone a long way against it."""
        memory, held, price = self.memory, view.lots, view.last or view.bid
        side = 1 if held > 0 else -1
        turned = held * memory.stopped <= 0
        memory.stopped = held
        if not held or not price:
            return []
        away = STOP_AWAY_TICKS * view.tick
        if turned or not away // 2 < side * (price - memory.stop_at) < 2 * away:
            memory.stop_at = price - side * away
        give = sell if side > 0 else buy
        return [give(abs(held), memory.stop_at, style="stop", tag=STOP)]
