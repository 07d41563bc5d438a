"""The rules as tables and a diagram for people, written from the same data that the kernels read."""

from quintet.systems.structure_mm.machine import (
    ACTION_NAMES,
    ANY,
    FACT_NAMES,
    OCCASION_NAMES,
    REASON_NAMES,
    TRANSITIONS,
    Row,
)
from quintet.systems.structure_mm.policy import POLICY_ROWS
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES


def policy_table() -> str:
    """The policy table in Markdown: the first row that holds decides."""
    lines = ["| # | condition | policy |", "|---|---|---|"]
    lines += [f"| {row.number} | {row.text} | {POLICY_NAMES[row.policy]} |" for row in POLICY_ROWS]
    return "\n".join(lines)


def transition_table() -> str:
    """The transition table in Markdown: of the rows of a state the first that applies is taken."""
    lines = ["| state | on | when | next | what is done | reason |", "|---|---|---|---|---|---|"]
    for row in TRANSITIONS:
        lines.append(
            f"| {STATE_NAMES[row.state]} | {occasions(row)} | {condition(row)} | {STATE_NAMES[row.to]} "
            f"| {ACTION_NAMES[row.action]} | `{REASON_NAMES[row.reason]}` |"
        )
    return "\n".join(lines)


def state_diagram() -> str:
    """The states and what leads from one to another, as Mermaid text."""
    arrows: dict[tuple[int, int], list[str]] = {}
    for row in TRANSITIONS:
        if row.state != row.to:
            reasons = arrows.setdefault((row.state, row.to), [])
            if REASON_NAMES[row.reason] not in reasons:
                reasons.append(REASON_NAMES[row.reason])
    lines = ["stateDiagram-v2", f"    [*] --> {STATE_NAMES[0]}"]
    for (state, to), reasons in arrows.items():
        lines.append(f"    {STATE_NAMES[state]} --> {STATE_NAMES[to]}: {', '.join(reasons)}")
    return "\n".join(lines)


def occasions(row: Row) -> str:
    """On which occasions a row is looked at."""
    if row.occasions == ANY:
        return "any event"
    return ", ".join(name for bit, name in OCCASION_NAMES.items() if row.occasions & bit)


def condition(row: Row) -> str:
    """What must hold and what must not, in words."""
    words = [name for bit, name in FACT_NAMES.items() if row.needs & bit]
    words += [f"not {name}" for bit, name in FACT_NAMES.items() if row.forbids & bit]
    return ", ".join(words) if words else "always"
