"""One message into the step, for a desk that hears the world message by message.

The same functions as in a replay of a desk tape, without a tape to compare with. `enter_body` is compiled for a system
like the loop of a run (`core.kernel.bind`).
"""

from typing import Any

from quintet.core.engine.feed import tell
from quintet.core.engine.replay import PROGRESS, take_in
from quintet.core.engine.step import finish
from quintet.core.kernel import bind
from quintet.core.records import table


def decide(state: Any, params: Any, view: Any) -> None:
    """Stands where a system's kernel stands; another one is put here by `bind`."""


def enter_body(rows: Any, world: Any, progress: Any) -> int:
    """Let the rows of one message enter the step, the system decide, and the planner find commands; returns the wakes.

    What leaves is in the desk's outbox, its list of fills, and the notes of the view.
    """
    desk, at = world.desk[0], progress[0]
    state, params = world.state[0], world.params[0]
    at.row = 0
    wakes = 0
    while at.row < rows.shape[0] or desk.telling.until != 0:
        wake = tell(desk, rows) if desk.telling.until != 0 else take_in(desk, world.shown, rows, at)
        if wake > 0:
            wakes |= wake
            if wake & desk.wakes != 0:
                decide(state, params, desk.shown)
        finish(desk)
    return wakes


def enter_for(name: str, decide: Any) -> Any:
    """`enter_body` with a system inside: `enter(rows, world, progress) -> wakes`."""
    return bind(enter_body, f"enter_{name}", decide=decide)


def new_progress() -> Any:
    """What `enter` needs besides the world; it remembers nothing between messages."""
    return table(PROGRESS, 1)
