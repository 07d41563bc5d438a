"""One message into the step, for a desk that hears the world message by message.

The same functions as in a replay of a desk tape, without a tape to compare with. `enter_body` is compiled for a system
like the loop of a run (`core.kernel.bind`), or once for all systems in plain Python, which it is left for.
"""

from typing import Any

from quintet.core.engine.feed import tell
from quintet.core.engine.replay import PROGRESS, take_in
from quintet.core.engine.step import finish
from quintet.core.kernel import bind
from quintet.core.records import table


def decide(state: Any, params: Any, view: Any) -> None:
    """Stands where a system's kernel stands; another one is put here by `bind`."""


LEAVES = False
"""Bound to true: the message is left at every wake, and gone on with at the next call."""


def enter_body(rows: Any, world: Any, progress: Any) -> int:
    """Let the rows of one message enter the step, the system decide, and the planner find commands.

    Returns the wakes; where it `LEAVES`, the wake it is left for, and 0 when the message is over. What goes out is in
    the desk's outbox, its list of fills, and the notes of the view.
    """
    desk, at = world.desk[0], progress[0]
    state, params = world.state[0], world.params[0]
    wakes = 0
    if at.owed == 0:
        at.row = 0
    while True:
        if at.owed != 0:
            at.owed = 0
            finish(desk)
        if desk.telling.until != 0:
            wake = tell(desk, rows)
        elif at.row < rows.shape[0]:
            wake = take_in(desk, world.shown, rows, at)
        else:
            return wakes
        if wake > 0 and wake & desk.wakes != 0:
            at.owed = 1
            if LEAVES:
                return wake
            wakes |= wake
            decide(state, params, desk.shown)


def enter_for(name: str, decide: Any) -> Any:
    """`enter_body` with a system inside: `enter(rows, world, progress) -> wakes`."""
    return bind(enter_body, f"enter_{name}", decide=decide)


def enter_and_leave() -> Any:
    """`enter_body` that is left at every wake: `enter(rows, world, progress) -> wake`, 0 at the end of the message."""
    return bind(enter_body, "enter", LEAVES=True)


def new_progress() -> Any:
    """What `enter` needs besides the world; it remembers nothing between messages."""
    return table(PROGRESS, 1)
