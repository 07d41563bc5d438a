"""Which engine gives and which gets: rebalancing between engines, deposits, and the split of TREND's two sub-accounts.

An engine that has grown to one and a half times its target (CORE: ten points above it) gives what it has too much, its
free cash first. Of TREND's excess CORE gets half, FUNDING 30 % and TACTICAL 20 %; of the others' excess each engine
below its target gets in proportion to what it lacks. Source: the specification's 6.3 and its reading G31 to G33.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from quintet.systems.eternal.config import (
    ACCOUNTS,
    CORE,
    ENGINES,
    FUNDING,
    TACTICAL,
    TREND,
    TREND_1,
    TREND_2,
    OrchestratorConfig,
)

HARVEST_PERCENT: Final[Mapping[str, int]] = {CORE: 50, FUNDING: 30, TACTICAL: 20}
TREND_PARTS: Final[Mapping[str, int]] = {TREND_1: 3, TREND_2: 1}
"""15 % and 5 % of the portfolio."""

FULL_BP: Final = 10_000


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Money from one sub-account to another."""

    source: str
    to: str
    quanta: int
    rule: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What moves today, and what accounts are asked to free for it: `release`, sub-account to money."""

    moves: tuple[Move, ...] = ()
    release: Mapping[str, int] = {}
    harvest: int = 0
    """Of TREND's excess: the event "volatility harvest"."""


def by_engine(amounts: Mapping[str, int]) -> dict[str, int]:
    """Amounts by sub-account, summed by engine."""
    return {engine: sum(q for account, q in amounts.items() if ACCOUNTS[account] == engine) for engine in ENGINES}


def opening(quanta: int) -> dict[str, int]:
    """The first split of the money over the sub-accounts: 60, 15 and 5, 15, 5 per cent, the remainder to CORE."""
    split = {"TREND-1": quanta * 15 // 100, "TREND-2": quanta * 5 // 100, FUNDING: quanta * 15 // 100,
             TACTICAL: quanta * 5 // 100}  # fmt: skip
    return {CORE: quanta - sum(split.values()), **split}


def rebalance(
    equity: Mapping[str, int], free: Mapping[str, int], weights_bp: Mapping[str, int], config: OrchestratorConfig
) -> Plan:
    """Moves and requests of one day. `equity` and `free` cash are by sub-account."""
    held = by_engine(equity)
    whole = sum(held.values())
    target = {engine: whole * weights_bp[engine] // FULL_BP for engine in ENGINES}
    moves: list[Move] = []
    release: dict[str, int] = {}
    harvest = 0
    for engine in ENGINES:
        if not _is_in_excess(engine, held[engine], target[engine], whole, config):
            continue
        excess = held[engine] - target[engine]
        if excess < config.transfer_min_quanta:
            continue
        shares = _shares(engine, excess, held, target)
        moved, asked = _give(engine, shares, equity, free)
        moves += [move for move in moved if move.quanta >= config.transfer_min_quanta]
        release.update(asked)
        harvest += excess if engine == TREND else 0
    return Plan(moves=tuple(moves), release=release, harvest=harvest)


def deposit(quanta: int, equity: Mapping[str, int], weights_bp: Mapping[str, int]) -> dict[str, int]:
    """A deposit by sub-account: the largest shortfall is filled to its target, then the next; the rest by weights."""
    held = by_engine(equity)
    whole = sum(held.values()) + quanta
    target = {engine: whole * weights_bp[engine] // FULL_BP for engine in ENGINES}
    missing = {engine: target[engine] - held[engine] for engine in ENGINES}
    given = dict.fromkeys(ENGINES, 0)
    left = quanta
    for engine in sorted(ENGINES, key=lambda name: (-missing[name], ENGINES.index(name))):
        given[engine] = min(max(missing[engine], 0), left)
        left -= given[engine]
    for engine in ENGINES[1:]:
        given[engine] += left * weights_bp[engine] // FULL_BP
    given[CORE] += quanta - sum(given.values())
    return {account: quanta for engine in ENGINES for account, quanta in _split(engine, given[engine]).items()}


def _is_in_excess(engine: str, held: int, target: int, whole: int, config: OrchestratorConfig) -> bool:
    if engine == CORE:
        return held >= target + whole * config.core_excess_bp // FULL_BP
    return held >= int(target * config.excess_ratio)


def _shares(engine: str, excess: int, held: Mapping[str, int], target: Mapping[str, int]) -> dict[str, int]:
    """Engine that gets to money."""
    if engine == TREND:
        shares = {other: excess * percent // 100 for other, percent in HARVEST_PERCENT.items()}
        shares[CORE] = excess - shares[FUNDING] - shares[TACTICAL]
        return shares
    missing = {other: max(target[other] - held[other], 0) for other in ENGINES if other != engine}
    whole = sum(missing.values())
    return {other: excess * quanta // whole for other, quanta in missing.items() if quanta} if whole else {}


def _give(
    engine: str, shares: Mapping[str, int], equity: Mapping[str, int], free: Mapping[str, int]
) -> tuple[list[Move], dict[str, int]]:
    """Free cash moves now, each sub-account its part; what it lacks it is asked to free."""
    moves, release = [], {}
    owners = [account for account, owner in ACCOUNTS.items() if owner == engine]
    held = sum(equity[account] for account in owners)
    rule = "volatility_harvest" if engine == TREND else "excess"
    for account in owners:
        wanted = {to: quanta * equity[account] // held for to, quanta in shares.items()} if held > 0 else {}
        whole = sum(wanted.values())
        now = min(whole, max(free.get(account, 0), 0))
        if whole > now:
            release[account] = whole - now
        for to, quanta in wanted.items():
            part = quanta * now // whole if whole else 0
            moves += [Move(source=account, to=a, quanta=q, rule=rule) for a, q in _split(to, part).items() if q]
    return moves, release


def _split(engine: str, quanta: int) -> dict[str, int]:
    """An engine's money over its sub-accounts; all of it, to the quantum."""
    if engine != TREND:
        return {engine: quanta}
    parts = sum(TREND_PARTS.values())
    second = quanta * TREND_PARTS[TREND_2] // parts
    return {TREND_1: quanta - second, TREND_2: second}
