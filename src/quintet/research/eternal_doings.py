"""What each engine of the eternal engine did, and which of its circuit breakers spoke: counted in the log of a run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from quintet.research.eternal_conductor import INSURANCE_ALARM, WITHDRAWALS_OPEN
from quintet.research.eternal_run import EternalRun
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING, TACTICAL, TREND
from quintet.systems.eternal.cycle import Said
from quintet.systems.eternal.dates import date_of

Does = Callable[[Said], bool]
"""Is it one of those that are counted?"""


def _of(engine: str, *kinds: str, **values: Any) -> Does:
    """Notes of an engine (empty: of any or of the whole) of some kinds, with these values."""

    def does(said: Said) -> bool:
        note = said.note
        is_its = not engine or ACCOUNTS.get(said.account) == engine
        return is_its and note.kind in kinds and all(note.values.get(name) == value for name, value in values.items())

    return does


def _entered(side: int) -> Does:
    return lambda said: _of(TREND, "entered")(said) and said.note.values["lots"] * side > 0


def _either(*ways: Does) -> Does:
    return lambda said: any(does(said) for does in ways)


DOINGS: Final[Mapping[str, Does]] = {
    "core_instalments": _of(CORE, "tranche"),
    "core_rebalances": _of(CORE, "rebalanced"),
    "core_held_back": _of(CORE, "rebalance_held_back"),
    "trend_longs": _entered(1),
    "trend_shorts": _entered(-1),
    "trend_stopped": _of(TREND, "stopped", "trailing_stop"),
    "trend_left": _of(TREND, "exit"),
    "funding_pairs": _of(FUNDING, "entered"),
    "funding_payments": _of(FUNDING, "funding"),
    "tactical_deployed": _of(TACTICAL, "deployed"),
    "tactical_returned": _of(TACTICAL, "target", "partial", "year"),
    "harvests": _of("", "volatility_harvest"),
}
"""What is counted, by engine."""

FIRED: Final[Mapping[str, Does]] = {
    "core_pause": _of(CORE, "rebalancing_paused"),
    "core_cap": _either(_of(CORE, "rebalanced", why="cap"), _of(CORE, "refused", "cut", limit="asset_cap")),
    "cash_buffer": _of("", "refused", "cut", limit="cash_buffer"),
    "withdrawals": _of(CORE, "withdrawals_closed"),
    "trend_quiet": _of(TREND, "no_trade", rule="quiet"),
    "trend_correlation": _of(TREND, "halved"),
    "trend_funding": _either(_of(TREND, "exit", rule="funding"), _of(TREND, "no_trade", rule="funding")),
    "trend_time": _of(TREND, "exit", rule="time"),
    "funding_negatives": _of(FUNDING, "negative_for_long"),
    "funding_legs": _of(FUNDING, "undone"),
    "insurance": _of(FUNDING, "insurance_fund"),
    "engine_pause": _of("", "engine_paused"),
    "reduce": _of("", "status", to="REDUCE"),
    "deep_drawdown": _of("", "deep_drawdown"),
    "engine_failed": _of("", "engine_failed"),
}
"""Circuit breaker to what it writes down when it speaks."""

ASKS_FACT: Final[Mapping[str, str]] = {"withdrawals": WITHDRAWALS_OPEN, "insurance": INSURANCE_ALARM}
"""Breakers that hear of their trouble by a fact: without one nobody can say that there was none."""

EVENTS: Final = (
    "regime", "volatility_harvest", "deployed", "target", "partial", "year", "new_high", "status", "deep_drawdown",
    "engine_paused", "engine_failed", "rebalancing_paused", "rebalancing_resumed", "withdrawals_closed",
    "negative_for_long", "insurance_fund", "undone", "deposit",
)  # fmt: skip
"""Kinds of notes that an investor reads one by one."""


def counted(run: EternalRun, what: Mapping[str, Does]) -> dict[str, int]:
    """How often each was written down."""
    return {name: sum(does(said) for _, said in run.log) for name, does in what.items()}


def in_spans(run: EternalRun, spans: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, int | None]]:
    """What was done in each span of days, first and last; None where the run was not there for all of it."""
    first, last = run.marks[0].day, run.marks[-1].day
    found: dict[str, dict[str, int | None]] = {name: {} for name in DOINGS}
    for span, (begin, end) in spans.items():
        lines = [said for day, said in run.log if begin <= day <= end]
        is_whole = first < begin and end <= last
        for name, does in DOINGS.items():
            found[name][span] = sum(map(does, lines)) if is_whole else None
    return found


def fired(run: EternalRun, facts: Iterable[tuple[int, str, int]]) -> dict[str, int | None]:
    """How often each breaker spoke; None for one whose fact nobody has told."""
    told = {name for _, name, _ in facts}
    silent = {name for name, fact in ASKS_FACT.items() if fact not in told}
    return {name: None if name in silent else n for name, n in counted(run, FIRED).items()}


def happenings(run: EternalRun, kinds: Sequence[str] = EVENTS) -> list[dict[str, Any]]:
    """Notes of some kinds: day, sub-account, kind, values. A breaker that found nothing to close is left out."""
    wanted = frozenset(kinds)
    return [
        {"day": date_of(day).isoformat(), "account": said.account, "kind": said.note.kind, **dict(said.note.values)}
        for day, said in run.log
        if said.note.kind in wanted and said.note.values.get("closed") != 0
    ]


def core_measures(run: EternalRun) -> dict[str, Any]:
    """CORE's own: rebalances a year and what called them, the largest drift seen, days on which it was held back."""
    notes = [said.note for _, said in run.log if said.account == CORE]
    why = [note.values["why"] for note in notes if note.kind == "rebalanced"]
    drift = [abs(v) for note in notes for name, v in note.values.items() if name.startswith("drift_")]
    years = len(run.marks) / 365.25
    return {
        "rebalances_yearly": len(why) / years,
        "why": {reason: why.count(reason) for reason in sorted(set(why))},
        "drift_max_frac": max(drift, default=None),
        "held_back_days": sum(note.kind == "rebalance_held_back" for note in notes),
    }
