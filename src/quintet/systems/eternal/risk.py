"""The portfolio's risk manager: what it lets through, what it makes smaller, and how far everything is from its high.

Every order of every engine passes `approve`, which knows nothing of the engine's own rules: an engine that is wrong is
stopped here. Orders that can only reduce always pass. Source: the specification's 3.5, 6.2 and 9.1, and the reading's
G7, G13, G17 and G40.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING, TACTICAL, TREND, EternalConfig
from quintet.systems.eternal.said import STOP, Note, Order
from quintet.systems.eternal.seen import Quote, Quotes, share_of

NORMAL, REDUCE, HALT = "NORMAL", "REDUCE", "HALT"
"""All goes; TREND and FUNDING take no new risk; nothing does. Exits, stops and leg repair run in all three."""

SMALLEST_BUFFER: Final = 0.5
MAINTENANCE_FRAC: Final = 0.005
"""Of the venue's first tier."""

NO_VOLUMES: Final[Mapping[str, int]] = {}
HEDGES: Final = frozenset(("long leg", "delta", "undo", "close"))
"""Orders of FUNDING that bring its legs together."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One sub-account at a cycle: equity and cash in money, what it holds by instrument.

    `free`: cash that no position needs.
    """

    equity: int
    cash: int
    free: int
    quotes: Quotes


class RiskState(msgspec.Struct, frozen=True, kw_only=True):
    """Highs of equity, moved with every deposit and transfer so that these are neither gain nor loss."""

    status: str = NORMAL
    high: int = 0
    highs: Mapping[str, int] = {}
    equity: Mapping[str, int] = {}
    paused: frozenset[str] = frozenset()
    is_halted: bool = False
    is_reduced: bool = False
    is_alerted: bool = False
    """Both end higher than they begin, so that they do not flap."""

    def drawdown(self, equity: int) -> float:
        """Of the portfolio from its high, 0 or below."""
        return (equity - self.high) / self.high if self.high > 0 else 0.0


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may be sent, perhaps smaller than it was wanted, and then the limit that cut it."""

    order: Order
    limit: str = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is not sent, and the limit that stopped it."""

    order: Order
    limit: str


Answer = Approved | Refused


def assess(
    state: RiskState, accounts: Mapping[str, Account], flows: Mapping[str, int], config: EternalConfig
) -> tuple[RiskState, tuple[Note, ...]]:
    """The status of today. `flows`: money and coins that came in (+) since the cycle before, by sub-account.

    A sub-account that cannot be seen today counts as it was seen last.
    """
    equity = {**state.equity, **{name: account.equity for name, account in accounts.items()}}
    whole, before = sum(equity.values()), sum(state.equity.values())
    high = max(_moved_high(state.high, before, sum(flows.values())), whole)
    highs = {
        name: max(_moved_high(state.highs.get(name, 0), state.equity.get(name, 0), flows.get(name, 0)), equity[name])
        for name in equity
    }
    notes: list[Note] = []
    paused = set(state.paused)
    bounds = {TREND: config.risk.trend_pause_frac, FUNDING: config.risk.funding_pause_frac}
    for name, engine in ACCOUNTS.items():
        bound = bounds.get(engine)
        if bound is None or name in paused or name not in equity or highs[name] == 0:
            continue
        drawdown = (equity[name] - highs[name]) / highs[name]
        if drawdown <= bound:
            paused.add(name)
            notes.append(
                Note(kind="engine_paused", values={"account": name, "drawdown": round(drawdown, 4)}, alert=True)
            )
    down = (whole - high) / high if high > 0 else 0.0
    risk = config.risk
    is_reduced = down <= (risk.reduce_until_frac if state.is_reduced else risk.reduce_at_frac)
    is_alerted = down <= (risk.alert_until_frac if state.is_alerted else risk.alert_at_frac)
    status = HALT if state.is_halted else REDUCE if is_reduced else NORMAL
    if status != state.status:
        notes.append(Note(kind="status", values={"to": status, "drawdown": round(down, 4)}, alert=status != NORMAL))
    if is_alerted and not state.is_alerted:
        notes.append(Note(kind="deep_drawdown", values={"drawdown": round(down, 4)}, alert=True))
    return RiskState(
        status=status, high=high, highs=highs, equity=equity, paused=frozenset(paused), is_halted=state.is_halted,
        is_reduced=is_reduced, is_alerted=is_alerted,
    ), tuple(notes)  # fmt: skip


def may_enter(state: RiskState, account: str) -> bool:
    """May this sub-account take new risk today?"""
    if state.status == HALT or account in state.paused:
        return False
    return state.status == NORMAL or ACCOUNTS[account] not in (TREND, FUNDING)


def resumed(state: RiskState, account: str) -> RiskState:
    """A person has looked: a paused sub-account goes on, its drawdown counted from now."""
    return msgspec.structs.replace(
        state,
        paused=state.paused - {account},
        highs={**state.highs, account: state.equity.get(account, 0)},
    )


def approve(
    order: Order,
    account: str,
    accounts: Mapping[str, Account],
    state: RiskState,
    config: EternalConfig,
    volumes: Mapping[str, int] = NO_VOLUMES,
) -> Answer:
    """One order of one sub-account: as it is, smaller, or not at all. `volumes`: lots of the last day that is over."""
    engine, seen = ACCOUNTS[account], accounts[account]
    if order.instrument not in seen.quotes:
        return Refused(order=order, limit="instrument")
    if engine in (CORE, TACTICAL) and order.instrument.endswith("-PERP"):
        return Refused(order=order, limit="spot_only")
    if engine == TREND and not order.instrument.endswith("-PERP"):
        return Refused(order=order, limit="perpetuals_only")
    most = _participation(order, engine, volumes, config)
    if _only_reduces(order, engine, seen.quotes[order.instrument]):
        if engine == CORE and most < order.lots:  # the rest is sold on another day
            return _smaller(order, seen.quotes[order.instrument], "participation", most)
        return Approved(order=order)
    if not may_enter(state, account):
        return Refused(order=order, limit="paused" if account in state.paused else "status")
    limit, lots = _room(order, account, accounts, config)
    if most < lots:
        limit, lots = "participation", most
    return _smaller(order, seen.quotes[order.instrument], limit, lots)


def _smaller(order: Order, quote: Quote, limit: str, lots: int) -> Answer:
    if lots >= order.lots:
        return Approved(order=order)
    if not quote.is_tradable(lots):
        return Refused(order=order, limit=limit)
    return Approved(order=msgspec.structs.replace(order, lots=lots), limit=limit)


def _participation(order: Order, engine: str, volumes: Mapping[str, int], config: EternalConfig) -> int:
    """So many lots of an order the market takes without our being it; CORE goes on tomorrow, an entry is smaller.

    What TACTICAL waits for does not come again: it is not cut, nor is what closes or hedges.
    """
    if not config.risk.participation_frac or engine == TACTICAL or order.instrument not in volumes:
        return order.lots
    return share_of(volumes[order.instrument], config.risk.participation_frac)


def _only_reduces(order: Order, engine: str, quote: Quote) -> bool:
    if order.reduce_only or order.style == STOP or (engine == FUNDING and order.rule in HEDGES):
        return True
    return not order.instrument.endswith("-PERP") and order.side < 0 and order.lots <= quote.lots


def _room(order: Order, account: str, accounts: Mapping[str, Account], config: EternalConfig) -> tuple[str, int]:
    """The strictest limit of an order, and the lots that it leaves."""
    engine, quote = ACCOUNTS[account], accounts[account].quotes[order.instrument]
    limits = {"cash_buffer": _cash_room(accounts, config)} if engine != TACTICAL else {}
    if engine == CORE:
        limits["asset_cap"] = _asset_room(order.instrument, accounts, config)
    if engine == TREND:
        limits.update(_trend_room(order.instrument, account, accounts, config))
    if engine == FUNDING:
        limits["pair_cap"] = share_of(accounts[account].equity, config.funding.position_max_frac) - abs(quote.value)
    limit = min(limits, key=lambda name: limits[name], default="")
    return limit, quote.lots_for(limits[limit], order.price) if limit else order.lots


def _cash_room(accounts: Mapping[str, Account], config: EternalConfig) -> int:
    """Money that may be bound before less than the buffer stays free."""
    whole = sum(account.equity for account in accounts.values())
    return sum(account.free for account in accounts.values()) - share_of(whole, config.risk.cash_min_frac)


def _asset_room(asset: str, accounts: Mapping[str, Account], config: EternalConfig) -> int:
    """Money in one coin before CORE and TACTICAL hold too much of it; FUNDING's spot is hedged."""
    whole = sum(account.equity for account in accounts.values())
    held = sum(
        accounts[name].quotes[asset].value
        for name, engine in ACCOUNTS.items()
        if engine in (CORE, TACTICAL) and name in accounts and asset in accounts[name].quotes
    )
    return share_of(whole, config.core.asset_cap_frac) - held


def _trend_room(
    instrument: str, account: str, accounts: Mapping[str, Account], config: EternalConfig
) -> dict[str, int]:
    """One market's cap, the leverage of all, and the buffer before a liquidation."""
    seen = accounts[account]
    parameters = config.trend_1 if account == "TREND-1" else config.trend_2
    held = sum(abs(quote.value) for quote in seen.quotes.values())
    buffered = int(seen.equity / (SMALLEST_BUFFER + MAINTENANCE_FRAC))
    return {
        "position_cap": share_of(seen.equity, parameters.position_max_frac) - abs(seen.quotes[instrument].value),
        "leverage": share_of(seen.equity, parameters.leverage_max) - held,
        "liquidation_buffer": buffered - held,
    }


def _moved_high(high: int, equity: int, flow: int) -> int:
    """A high after money came or went: the drawdown stays what it was."""
    return high * (equity + flow) // equity if equity > 0 and equity + flow > 0 else high + flow
