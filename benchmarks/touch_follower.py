"""The rule of `touch_rule` as a system in plain Python, for `quintet trade`."""

from benchmarks.touch_rule import AWAY_TICKS
from quintet.systems.own import System, Want, buy
from quintet.systems.own.view import View

LOTS = 10
"""`touch_rule.QUANTITY`, in lots of 0.001."""


class TouchFollower(System):
    """One bid below the touch, wherever that goes."""

    def on_touch(self, view: View) -> list[Want]:
        """Nothing while the desk is halted or the book is unknown."""
        if view.halted or not view.bid or not view.ask:
            return []
        return [buy(LOTS, view.bid - AWAY_TICKS * view.tick)]
