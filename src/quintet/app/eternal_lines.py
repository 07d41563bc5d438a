"""A line of a living portfolio, and those who listen to it."""

from collections.abc import Callable
from typing import Final, NamedTuple

from quintet.app.eternal_standing import Standing
from quintet.runtime.live_desk import ALARM, Said

MAIN: Final = ""
"""The account that capital comes from; of a line: the whole."""


class Told(NamedTuple):
    """A line, and the sub-account it is of; empty: the whole.

    `page`: a report that the line speaks of; `note`: the kind of an engine's note that the line puts into words.
    """

    name: str
    line: Said
    page: str = ""
    note: str = ""


Hears = Callable[[Told], None]


class Watched:
    """A portfolio, to those who listen to it. `alarms`: of what they have said themselves."""

    def __init__(self) -> None:
        self.alarms = 0
        self.tell: Callable[[Told], None] = lambda told: None
        self.look: Callable[[], Standing] | None = None
        """How it stands now; None while it is not alive."""

    def say(self, said: Said) -> None:
        """A line of a listener, to everybody who listens."""
        self.alarms += said.kind == ALARM
        self.tell(Told(MAIN, said))
