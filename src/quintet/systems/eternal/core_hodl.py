"""CORE-HODL: Bitcoin and Ether held at two to one, bought by instalments, brought back when they drift.

    INIT -> ACCUMULATION -> REBALANCE -> EARN -> ACCUMULATION

A pause (an asset far below its high) holds back rebalancing and nothing else; trouble with withdrawals stops everything
until a person resumes. Source: the specification's chapter 2 and its reading G1 to G10.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from quintet.systems.eternal.config import CoreConfig
from quintet.systems.eternal.dates import is_quarter_end
from quintet.systems.eternal.machine import moved, table
from quintet.systems.eternal.said import MAKER, MARKET, Decision, Note, Order, Stake
from quintet.systems.eternal.seen import Quote, Quotes, share_of

ASSETS: Final = ("BTC", "ETH")
STAKED: Final = "ETH"
NEVER: Final = -(10**9)

MOVES: Final = table(
    INIT="ACCUMULATION",
    ACCUMULATION="REBALANCE EARN",
    REBALANCE="EARN",
    EARN="ACCUMULATION",
)


class CoreState(msgspec.Struct, frozen=True, kw_only=True):
    """What CORE remembers. `why`: what called the rebalance that is under way, since the day `began`."""

    phase: str = "INIT"
    tranches: int = 0
    next_tranche: int = NEVER
    paused: bool = False
    halted: bool = False
    why: str = ""
    began: int = NEVER
    rebalanced: int = NEVER
    staked: int = 0
    """Lots of ETH in the venue's Earn product: they count for weights, not as available."""


class CoreView(msgspec.Struct, frozen=True, kw_only=True):
    """What CORE is shown of a day. An asset that does not exist yet has no quote: its share is cash."""

    day: int
    quotes: Quotes
    cash: int
    portfolio: int
    """Equity of all sub-accounts."""
    tactical: Mapping[str, int] = {}
    """Value of TACTICAL's coins: the cap of one asset counts them."""
    drawdowns: Mapping[str, float | None] = {}
    volatility: float | None = None
    eth_yield_frac: float | None = None
    earn_lots: int = 0
    """Of Ether in the venue's Earn product or on their way back: held, but not to be sold."""
    withdrawals_open: bool = True
    release: int = 0
    """Money that the orchestrator asks back."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Where CORE stands. `targets` and `values`: money by asset; `drift`: by asset, of what is invested."""

    equity: int
    targets: Mapping[str, int]
    values: Mapping[str, int]
    drift: Mapping[str, float]

    @property
    def largest(self) -> float:
        """The largest deviation of a weight, either way."""
        return max((abs(value) for value in self.drift.values()), default=0.0)


def decide(state: CoreState, view: CoreView, config: CoreConfig) -> Decision[CoreState]:
    """One daily cycle of CORE."""
    if state.halted:
        return Decision(state=state)
    if not view.withdrawals_open:
        stopped = msgspec.structs.replace(state, halted=True)
        return Decision(state=stopped, notes=(Note(kind="withdrawals_closed", alert=True),))
    state, notes = _watch_pause(state, view, config)
    weights = weights_of(view, config)
    if state.phase == "INIT":
        return _accumulate(state, view, config, weights, notes)
    if state.phase == "EARN":
        return _earn(state, view, config, weights, notes)
    if state.phase == "ACCUMULATION":
        why = _trigger(state, view, config, weights)
        if not why:
            return _hold(state, view, config, weights, notes)
        held_back = state.paused and not config.pauses_sales_only
        if held_back or _stands_for_the_quarter(state, view, config, weights, why):
            kind = "rebalance_held_back" if held_back else "rebalance_skipped"
            return Decision(state=state, notes=(*notes, _drift_note(kind, why, weights)))
        phase = moved(MOVES, state.phase, "REBALANCE")
        state = msgspec.structs.replace(state, phase=phase, why=why, began=view.day)
    return _rebalance(state, view, config, weights, notes)


def resume(state: CoreState) -> CoreState:
    """A person has looked: activity goes on."""
    return msgspec.structs.replace(state, halted=False)


def weights_of(view: CoreView, config: CoreConfig) -> Weights:
    """Values, targets under the cap of one asset, and how far the weights of what is invested are from them (G2-G4)."""
    values = {asset: quote.value for asset, quote in view.quotes.items()}
    equity = view.cash + sum(values.values())
    target_of = max(equity - view.release, 0)
    cap = share_of(view.portfolio, config.asset_cap_frac)
    parts = {"BTC": config.btc_parts, "ETH": config.eth_parts}
    whole = sum(parts.values())
    targets = {
        asset: min(target_of * parts[asset] // whole, max(cap - view.tactical.get(asset, 0), 0))
        for asset in view.quotes
    }
    invested, aimed = sum(values.values()), sum(targets.values())
    drift = {
        asset: values[asset] / invested - targets[asset] / aimed if invested > 0 and aimed > 0 else 0.0
        for asset in values
    }
    return Weights(equity=equity, targets=targets, values=values, drift=drift)


def _watch_pause(state: CoreState, view: CoreView, config: CoreConfig) -> tuple[CoreState, tuple[Note, ...]]:
    known = [frac for frac in view.drawdowns.values() if frac is not None]
    if not state.paused and any(frac < config.pause_below_frac for frac in known):
        return msgspec.structs.replace(state, paused=True), (Note(kind="rebalancing_paused", values=_percent(view)),)
    if state.paused and known and all(frac >= config.resume_above_frac for frac in known):
        return msgspec.structs.replace(state, paused=False), (Note(kind="rebalancing_resumed", values=_percent(view)),)
    return state, ()


def _percent(view: CoreView) -> dict[str, float]:
    return {asset: round(frac, 4) for asset, frac in view.drawdowns.items() if frac is not None}


def _accumulate(
    state: CoreState, view: CoreView, config: CoreConfig, weights: Weights, notes: tuple[Note, ...]
) -> Decision[CoreState]:
    """Buy one instalment of what is missing when it is due: shortfall over the instalments that are left (G8)."""
    missing = {asset: max(weights.targets[asset] - weights.values[asset], 0) for asset in weights.targets}
    if state.tranches > 0 and (
        sum(missing.values()) < share_of(weights.equity, config.drift_done_frac) or state.tranches >= config.tranches
    ):
        built = msgspec.structs.replace(state, phase=moved(MOVES, state.phase, "ACCUMULATION"))
        return Decision(state=built, notes=(*notes, Note(kind="built", values={"tranches": state.tranches})))
    if view.day < state.next_tranche:
        return Decision(state=state, notes=notes)
    left = config.tranches - state.tranches
    orders = _purchases(view, {asset: quanta // left for asset, quanta in missing.items()}, view.cash, MAKER, "dca", 1)
    bought = msgspec.structs.replace(state, tranches=state.tranches + 1, next_tranche=view.day + config.tranche_days)
    said = Note(kind="tranche", values={"number": bought.tranches, "orders": len(orders)})
    return Decision(state=bought, orders=orders, notes=(*notes, said))


def _trigger(state: CoreState, view: CoreView, config: CoreConfig, weights: Weights) -> str:
    """Why CORE has to rebalance today; empty: it has not."""
    cap = share_of(view.portfolio, config.asset_cap_frac)
    if any(value + view.tactical.get(asset, 0) > cap for asset, value in weights.values.items() if value > 0):
        return "cap"
    if weights.largest > config.drift_max_frac:
        return "drift"
    if view.release >= _trade_min(weights, config):
        return "release"
    unspent = view.cash - (weights.equity - sum(weights.targets.values()))
    if unspent > share_of(weights.equity, config.drift_max_frac):
        return "cash"
    return "quarter" if is_quarter_end(view.day) else ""


def _stands_for_the_quarter(state: CoreState, view: CoreView, config: CoreConfig, weights: Weights, why: str) -> bool:
    recent = view.day - state.rebalanced <= config.calendar_skip_days
    return why == "quarter" and recent and weights.largest < config.drift_done_frac


def _hold(
    state: CoreState, view: CoreView, config: CoreConfig, weights: Weights, notes: tuple[Note, ...]
) -> Decision[CoreState]:
    """No order. Staked coins come back when they will be needed or earn too little; idle ones go when it is calm."""
    if state.staked > 0 and _calls_back(view, config, weights):
        back = Stake(asset=STAKED, lots=-state.staked, rule="redeem")
        return Decision(state=msgspec.structs.replace(state, staked=0), stakes=(back,), notes=notes)
    if _can_stake(state, view, config, weights):
        state = msgspec.structs.replace(state, phase=moved(MOVES, state.phase, "EARN"))
        return _earn(state, view, config, weights, notes)
    return Decision(state=state, notes=notes)


def _calls_back(view: CoreView, config: CoreConfig, weights: Weights) -> bool:
    """Needed soon, or earning too little; that no yield is known calls nothing back."""
    too_little = view.eth_yield_frac is not None and view.eth_yield_frac < config.yield_min_frac
    return weights.largest > config.redeem_drift_frac or too_little


def _idle_lots(state: CoreState, view: CoreView, config: CoreConfig) -> int:
    quote = view.quotes.get(STAKED)
    return max(share_of(quote.lots, config.stake_frac) - max(state.staked, view.earn_lots), 0) if quote else 0


def _can_stake(state: CoreState, view: CoreView, config: CoreConfig, weights: Weights) -> bool:
    calm = view.volatility is not None and view.volatility < config.stable_volatility_frac
    enough = view.eth_yield_frac is not None and view.eth_yield_frac >= config.yield_min_frac
    return calm and enough and weights.largest < config.stable_drift_frac and _idle_lots(state, view, config) > 0


def _earn(
    state: CoreState, view: CoreView, config: CoreConfig, weights: Weights, notes: tuple[Note, ...]
) -> Decision[CoreState]:
    """Bring idle Ether to the Earn product if the period is stable, then go on accumulating."""
    after = msgspec.structs.replace(state, phase=moved(MOVES, state.phase, "ACCUMULATION"))
    if not _can_stake(state, view, config, weights):
        return Decision(state=after, notes=notes)
    lots = _idle_lots(state, view, config)
    staked = msgspec.structs.replace(after, staked=after.staked + lots)
    return Decision(state=staked, stakes=(Stake(asset=STAKED, lots=lots, rule="earn"),), notes=notes)


def _rebalance(
    state: CoreState, view: CoreView, config: CoreConfig, weights: Weights, notes: tuple[Note, ...]
) -> Decision[CoreState]:
    """Sales first, purchases from the money that is there; over when the weights stand, or after some days."""
    least = _trade_min(weights, config)
    unspent = view.cash - (weights.equity - sum(weights.targets.values()))
    stands = weights.largest < config.drift_done_frac and abs(unspent) < max(
        least, share_of(weights.equity, config.drift_done_frac)
    )
    if stands or view.day - state.began >= config.rebalance_days:
        return _rebalanced(state, view, weights, notes)
    style = MARKET if weights.largest > config.drift_urgent_frac else MAKER
    surplus = {a: weights.values[a] - weights.targets[a] for a in weights.values if _may_sell(state, view, config, a)}
    sales, back = _sales(state, view, surplus, style, least)
    missing = {asset: weights.targets[asset] - weights.values[asset] for asset in weights.targets}
    orders = sales + _purchases(view, missing, view.cash - view.release, style, state.why, least)
    note = _drift_note("rebalance", state.why, weights, orders)
    recalled = sum(-stake.lots for stake in back)
    return Decision(
        state=msgspec.structs.replace(state, staked=state.staked - recalled),
        orders=orders,
        stakes=back,
        notes=(*notes, note),
    )


def _may_sell(state: CoreState, view: CoreView, config: CoreConfig, asset: str) -> bool:
    """The variant of the pause: only the fallen asset is not sold."""
    frac = view.drawdowns.get(asset)
    fallen = state.paused and frac is not None and frac < config.resume_above_frac
    return not (config.pauses_sales_only and fallen)


def _rebalanced(state: CoreState, view: CoreView, weights: Weights, notes: tuple[Note, ...]) -> Decision[CoreState]:
    over = msgspec.structs.replace(
        state, phase=moved(MOVES, state.phase, "EARN"), why="", rebalanced=view.day, began=NEVER
    )
    return Decision(state=over, notes=(*notes, _drift_note("rebalanced", state.why, weights)))


def _trade_min(weights: Weights, config: CoreConfig) -> int:
    return max(config.trade_min_quanta, share_of(weights.equity, config.trade_min_frac))


def _sales(
    state: CoreState, view: CoreView, surplus: Mapping[str, int], style: str, least: int
) -> tuple[tuple[Order, ...], tuple[Stake, ...]]:
    """Exactly the surplus; of coins in the Earn product no more than is free now, what is not yet called back is."""
    orders, back = [], []
    for asset, quanta in surplus.items():
        quote = view.quotes[asset]
        price = quote.sells_at if style == MAKER else 0
        lots, staked = quote.lots_for(quanta, price), state.staked if asset == STAKED else 0
        away = max(view.earn_lots, staked) if asset == STAKED else 0
        free = max(quote.lots - away, 0)
        if quanta < least or lots == 0:
            continue
        missing = min(lots - free - (away - staked), staked)
        if missing > 0:
            back.append(Stake(asset=asset, lots=-missing, rule=state.why))
        if quote.is_tradable(min(lots, free)):
            orders.append(
                Order(instrument=asset, side=-1, lots=min(lots, free), style=style, price=price, rule=state.why)
            )
    return tuple(orders), tuple(back)


def _purchases(
    view: CoreView, missing: Mapping[str, int], cash: int, style: str, rule: str, least: int
) -> tuple[Order, ...]:
    """What is missing, in proportion where the money does not reach; fees are paid out of it."""
    wanted = sum(quanta for quanta in missing.values() if quanta > 0)
    if wanted <= 0 or cash <= 0:
        return ()
    orders = []
    for asset, quanta in missing.items():
        quote = view.quotes[asset]
        price = quote.buys_at if style == MAKER else 0
        spend = _before_fee(quote, max(quanta, 0) if wanted <= cash else max(quanta, 0) * cash // wanted)
        lots = quote.lots_for(spend, price or quote.ask)
        if spend >= least and quote.is_tradable(lots):
            orders.append(Order(instrument=asset, side=1, lots=lots, style=style, price=price, rule=rule))
    return tuple(orders)


def _before_fee(quote: Quote, spend: int) -> int:
    """What may be bought for an amount when the fee comes on top of it."""
    return spend if quote.fee_in_base else spend * 1_000_000_000 // (1_000_000_000 + quote.taker_fee_e9)


def _drift_note(kind: str, why: str, weights: Weights, orders: tuple[Order, ...] = ()) -> Note:
    """Drift in points by asset, and the trades."""
    drift = {f"drift_{asset}": round(value, 4) for asset, value in weights.drift.items()}
    trades = {f"lots_{order.instrument}": order.side * order.lots for order in orders}
    return Note(kind=kind, values={"why": why, **drift, **trades})
