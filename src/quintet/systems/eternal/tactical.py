"""TACTICAL: cash that waits for a crash, spends it by rule, and gives what it has bought to CORE.

    CASH -> WATCH -> TRIGGER -> DEPLOY -> WATCH
                                  `-> TARGET_REACHED -> RETURN -> CASH

A campaign begins with the first deployment after an all-time high; its cash then, and what flows in later, is what the
levels divide. Where the pseudo-code's one `deployed` flag would block the second level, the discipline rules stand:
each level has its own flag. Source: the specification's chapter 5 and its reading G25 to G29.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from quintet.systems.eternal.config import CORE, TacticalConfig
from quintet.systems.eternal.dates import a_year_after
from quintet.systems.eternal.machine import moved, table
from quintet.systems.eternal.said import MARKET, Decision, Note, Order, Transfer
from quintet.systems.eternal.seen import Quotes, share_of

NEVER: Final = -(10**9)

MOVES: Final = table(
    CASH="WATCH",
    WATCH="TRIGGER TARGET_REACHED CASH",
    TRIGGER="DEPLOY WATCH",
    DEPLOY="WATCH",
    TARGET_REACHED="RETURN",
    RETURN="CASH WATCH",
)


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What one trigger has bought: its day, cost in money, lots that are still here."""

    day: int
    trigger: str
    cost: int = 0
    lots: Mapping[str, int] = {}
    is_partly_out: bool = False
    wanted: Mapping[str, int] = {}
    """Lots that are still to be bought; empty once it is done."""
    attempts: int = 0


class TacticalState(msgspec.Struct, frozen=True, kw_only=True):
    """What TACTICAL remembers. Prices in increments of BTC; flags are of the campaign."""

    phase: str = "CASH"
    high: int = 0
    history: int = 0
    """Days of prices that the high is made of."""
    level_1: bool = False
    level_2: bool = False
    base: int = 0
    """Cash of the campaign: at its first deployment, and what has flowed in since."""
    soft_spent: int = 0
    last_day: int = NEVER
    fearful: int = 0
    volatile: int = 0
    negative: int = 0
    deployments: tuple[Deployment, ...] = ()


class TacticalView(msgspec.Struct, frozen=True, kw_only=True):
    """What TACTICAL is shown of a day. A missing fact is None and triggers nothing."""

    day: int
    quotes: Quotes
    cash: int
    btc_high: int
    """The day's high; `btc_close`: its close. Price increments."""
    btc_close: int
    fear_greed: int | None = None
    rates: tuple[int, ...] = ()
    """BTC funding settled since the cycle before, 1e-9 of eight hours, oldest first."""
    has_rates: bool = False
    volatility_index: float | None = None
    volatility: float | None = None
    """Realised, per year: stands for the index where there is none."""
    inflow: int = 0
    """Money that has come in since the cycle before."""
    refused: bool = False
    """A venue that could not take the order of the cycle before."""


def decide(state: TacticalState, view: TacticalView, config: TacticalConfig) -> Decision[TacticalState]:
    """One daily cycle of TACTICAL."""
    state, notes = _observe(state, view, config)
    if any(deployment.wanted for deployment in state.deployments):
        return _go_on_buying(state, view, notes)
    state, leaving, left = _leave(state, view, config)
    notes += left
    if leaving:
        return Decision(state=state, transfers=leaving, notes=notes)
    trigger = trigger_of(state, view, config)
    amount = amount_of(state, view, config, trigger) if trigger else 0
    if not trigger or amount <= 0:
        return Decision(state=state, notes=notes)
    if view.day - state.last_day < config.spacing_days:
        return Decision(state=state, notes=(*notes, Note(kind="waits", values={"trigger": trigger})))
    return _deploy(state, view, config, trigger, amount, notes)


def seeded(state: TacticalState, high: int, history_days: int) -> TacticalState:
    """The high of prices before the first cycle: an engine that starts in a bear market sees the crash (G28)."""
    return msgspec.structs.replace(state, high=max(state.high, high), history=state.history + history_days)


def on_fill(state: TacticalState, asset: str, filled: int, arrived: int, quanta: int) -> TacticalState:
    """Lots were bought, of which (after a fee in coins) some arrived, for money: they belong to the open deployment."""
    found = next((n for n, d in enumerate(state.deployments) if d.wanted.get(asset, 0) > 0), None)
    if found is None:
        return state
    old = state.deployments[found]
    rest = {**old.wanted, asset: max(old.wanted[asset] - filled, 0)}
    new = msgspec.structs.replace(
        old,
        cost=old.cost + quanta,
        lots={**old.lots, asset: old.lots.get(asset, 0) + arrived},
        wanted={name: wanted for name, wanted in rest.items() if wanted > 0},
    )
    return msgspec.structs.replace(
        state, deployments=(*state.deployments[:found], new, *state.deployments[found + 1 :])
    )


def drawdown_of(price: int, high: int) -> float:
    """(price - high) / high; 0 before any high is known."""
    return (price - high) / high if high > 0 else 0.0


def trigger_of(state: TacticalState, view: TacticalView, config: TacticalConfig) -> str:
    """The confirmed trigger of today that has not been used in this campaign; empty: none."""
    if state.history < config.history_days:
        return ""
    drawdown = drawdown_of(view.btc_close, state.high)
    if drawdown <= config.level_1_frac and not state.level_1:
        return "level_1"
    if drawdown <= config.level_2_frac and not state.level_2:
        return "level_2"
    if drawdown > config.soft_below_frac:
        return ""
    if state.fearful >= config.confirm_days:
        return "fear"
    if state.negative >= config.funding_periods:
        return "funding"
    return "volatility" if state.volatile >= config.confirm_days else ""


def amount_of(state: TacticalState, view: TacticalView, config: TacticalConfig, trigger: str) -> int:
    """Money of a deployment: a level half of what soft triggers leave of the campaign's cash, these a quarter in all.

    Never more than half of the cash in one event while the other level is to come; the second level is the rest.
    """
    base = state.base if _is_campaign(state) else view.cash
    if trigger in ("level_1", "level_2"):
        return min(share_of(base - state.soft_spent, config.level_share_frac), view.cash)
    return min(share_of(base, config.soft_share_frac) - state.soft_spent, share_of(view.cash, config.level_share_frac))


def _is_campaign(state: TacticalState) -> bool:
    return state.level_1 or state.level_2 or state.soft_spent > 0


def _observe(
    state: TacticalState, view: TacticalView, config: TacticalConfig
) -> tuple[TacticalState, tuple[Note, ...]]:
    """Follow the high, count the days of fear, volatility and negative funding, start over after a new high."""
    notes: tuple[Note, ...] = ()
    new_high = view.btc_close > state.high > 0
    if new_high and _is_campaign(state):
        state = msgspec.structs.replace(state, level_1=False, level_2=False, base=0, soft_spent=0)
        notes = (Note(kind="new_high", values={"close": view.btc_close}),)
    fearful = state.fearful + 1 if view.fear_greed is not None and view.fear_greed < config.fear_below else 0
    index = view.volatility_index
    if index is None and view.volatility is not None:
        index = 100 * view.volatility
    volatile = state.volatile + 1 if index is not None and index > config.volatility_above else 0
    negative = state.negative if view.has_rates else 0
    for rate in view.rates:
        negative = negative + 1 if rate < config.funding_below_e9 else 0
    return msgspec.structs.replace(
        state,
        phase=moved(MOVES, state.phase, "WATCH") if state.phase in ("CASH", "RETURN", "DEPLOY") else state.phase,
        high=max(state.high, view.btc_high, view.btc_close),
        history=state.history + 1,
        base=state.base + (view.inflow if _is_campaign(state) else 0),
        fearful=fearful,
        volatile=volatile,
        negative=negative,
    ), notes


def _deploy(
    state: TacticalState, view: TacticalView, config: TacticalConfig, trigger: str, amount: int, notes: tuple[Note, ...]
) -> Decision[TacticalState]:
    """Buy at market, at once."""
    shares = {"BTC": share_of(amount, config.btc_frac)}
    shares["ETH"] = amount - shares["BTC"]
    orders = _purchases({asset: _affordable(view, asset, quanta) for asset, quanta in shares.items()}, view, trigger)
    if not orders:
        return Decision(state=state, notes=(*notes, Note(kind="too_small", values={"trigger": trigger})))
    wanted = {order.instrument: order.lots for order in orders}
    is_level = trigger in ("level_1", "level_2")
    deployment = Deployment(day=view.day, trigger=trigger, wanted=wanted)
    base = state.base if _is_campaign(state) else view.cash
    deployed = msgspec.structs.replace(
        state,
        phase=moved(MOVES, state.phase, "TRIGGER", "DEPLOY"),
        level_1=state.level_1 or trigger == "level_1",
        level_2=state.level_2 or trigger == "level_2",
        base=base,
        soft_spent=state.soft_spent + (0 if is_level else amount),
        last_day=view.day,
        deployments=(*state.deployments, deployment),
    )
    said = Note(
        kind="deployed",
        values={"trigger": trigger, "quanta": amount, "BTC": shares["BTC"], "ETH": shares["ETH"],
                "drawdown": round(drawdown_of(view.btc_close, state.high), 4)},
        alert=True,
    )  # fmt: skip
    return Decision(state=deployed, orders=orders, notes=(*notes, said))


def _affordable(view: TacticalView, asset: str, quanta: int) -> int:
    """Lots at the ask; a fee that comes on top is paid out of the amount. Nothing of an asset that does not exist."""
    if asset not in view.quotes:
        return 0
    quote = view.quotes[asset]
    spend = quanta if quote.fee_in_base else quanta * 1_000_000_000 // (1_000_000_000 + quote.taker_fee_e9)
    return quote.lots_for(spend, quote.ask)


def _purchases(lots: Mapping[str, int], view: TacticalView, rule: str) -> tuple[Order, ...]:
    return tuple(
        Order(instrument=asset, side=1, lots=wanted, style=MARKET, rule=rule)
        for asset, wanted in lots.items()
        if wanted > 0 and view.quotes[asset].is_tradable(wanted)
    )


ATTEMPTS_MAX: Final = 3


def _go_on_buying(state: TacticalState, view: TacticalView, notes: tuple[Note, ...]) -> Decision[TacticalState]:
    """The venue did not take all of it: again, no more than is missing, and given up after three cycles."""
    deployments: list[Deployment] = []
    orders: list[Order] = []
    for deployment in state.deployments:
        if not deployment.wanted:
            deployments.append(deployment)
        elif deployment.attempts + 1 >= ATTEMPTS_MAX:
            deployments.append(msgspec.structs.replace(deployment, wanted={}))
            notes = (*notes, Note(kind="given_up", values={"trigger": deployment.trigger}, alert=True))
        else:
            deployments.append(msgspec.structs.replace(deployment, attempts=deployment.attempts + 1))
            affordable = {a: min(lots, _affordable(view, a, view.cash)) for a, lots in deployment.wanted.items()}
            orders += _purchases(affordable, view, "again")
    return Decision(
        state=msgspec.structs.replace(state, deployments=tuple(deployments)), orders=tuple(orders), notes=notes
    )


def _leave(
    state: TacticalState, view: TacticalView, config: TacticalConfig
) -> tuple[TacticalState, tuple[Transfer, ...], tuple[Note, ...]]:
    """Deployments that are done go to CORE in kind: at their target, in part when it came fast, or after a year."""
    transfers: list[Transfer] = []
    notes: list[Note] = []
    kept = []
    for deployment in state.deployments:
        parts, rule = _part_out(deployment, view, config)
        out = {asset: lots if parts == 1 else lots // parts for asset, lots in deployment.lots.items()} if parts else {}
        if any(out.values()):
            transfers += [Transfer(to=CORE, asset=a, amount=lots, rule=rule) for a, lots in out.items() if lots]
            notes.append(Note(kind=rule, values={"trigger": deployment.trigger, "cost": deployment.cost, **out}))
        if parts == 1:
            continue
        if parts:
            rest = {asset: lots - out[asset] for asset, lots in deployment.lots.items()}
            cost = deployment.cost - deployment.cost // parts
            deployment = msgspec.structs.replace(deployment, lots=rest, cost=cost, is_partly_out=True)
        kept.append(deployment)
    if transfers:
        through = ("TARGET_REACHED", "RETURN", "WATCH" if kept else "CASH")
        state = msgspec.structs.replace(state, phase=moved(MOVES, state.phase, *through), deployments=tuple(kept))
    return state, tuple(transfers), tuple(notes)


def _part_out(deployment: Deployment, view: TacticalView, config: TacticalConfig) -> tuple[int, str]:
    """One of how many parts leaves today, and by which rule; 0: none. A loss never makes it leave."""
    worth = sum(view.quotes[a].worth(lots) for a, lots in deployment.lots.items() if a in view.quotes)
    gain = worth - deployment.cost
    if view.day >= a_year_after(deployment.day):
        return 1, "year"
    if gain >= share_of(deployment.cost, config.target_frac) and deployment.cost > 0:
        return 1, "target"
    fast = view.day - deployment.day <= config.partial_days and not deployment.is_partly_out
    if fast and gain >= share_of(deployment.cost, config.partial_frac) and deployment.cost > 0:
        return config.partial_parts, "partial"
    return 0, ""
