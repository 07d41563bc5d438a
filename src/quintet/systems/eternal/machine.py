"""The life of an engine as a table: what may follow what. Anything else is refused, with both names."""

from collections.abc import Mapping
from typing import TypeAlias

from quintet.core.errors import InvariantError

Table: TypeAlias = Mapping[str, frozenset[str]]
"""State to the states that may follow it."""


def table(**moves: str) -> Table:
    """`table(SCAN="SIGNAL", SIGNAL="ENTRY NO_TRADE", ...)`; raises InvariantError for a state that leads nowhere."""
    made = {state: frozenset(to.split()) for state, to in moves.items()}
    for state, following in made.items():
        for to in sorted(following - set(made)):
            raise InvariantError(f"state {to}, which follows {state}: found no moves of its own, expected one or more")
    return made


def moved(moves: Table, state: str, *to: str) -> str:
    """The last of the states gone through from `state`; raises InvariantError for a move the table does not have."""
    for following in to:
        if following not in moves[state]:
            allowed = ", ".join(sorted(moves[state]))
            raise InvariantError(f"state: found a move from {state} to {following}, expected one to {allowed}")
        state = following
    return state
