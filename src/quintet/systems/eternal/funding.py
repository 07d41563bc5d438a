"""FUNDING: long spot and short perpetual of one size, for what longs pay shorts.

    MONITOR -> OPPORTUNITY -> ENTRY -> COLLECT -> EXIT -> MONITOR
                                 |        |-> MAX_DAYS -> EXIT
                                 |        `-> NEGATIVE -> EXIT
                                 `-> UNDO -> MONITOR

Every wake compares the two legs with what they shall be and says the orders that are missing: first the perpetual, then
spot for what was filled. A leg that stays alone too long, or whose other half is refused too often, is undone; one that
is filled after its pair was over is closed. Source:
the specification's chapter 4 and its reading G19 to G24.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from quintet.systems.eternal.config import TACTICAL, FundingConfig
from quintet.systems.eternal.dates import DAY_NS
from quintet.systems.eternal.machine import moved, table
from quintet.systems.eternal.said import MARKET, Decision, Note, Order, Transfer
from quintet.systems.eternal.seen import E9, Quote, share_of

MOVES: Final = table(
    MONITOR="OPPORTUNITY",
    OPPORTUNITY="ENTRY MONITOR",
    ENTRY="COLLECT UNDO",
    UNDO="MONITOR",
    COLLECT="MAX_DAYS NEGATIVE EXIT",
    MAX_DAYS="EXIT",
    NEGATIVE="EXIT",
    EXIT="MONITOR",
)

SECOND_NS: Final = 1_000_000_000
PERIOD_H: Final = 8
PERIODS_OF_HOLD: Final = 42


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What FUNDING remembers of one asset. `target`: base quanta that each leg shall have."""

    phase: str = "MONITOR"
    target: int = 0
    since_ns: int = 0
    naked_since_ns: int = 0
    attempts: int = 0
    positives: int = 0
    negatives: int = 0
    barred: bool = False
    """All pairs were closed: entries wait for positive periods again."""


class FundingState(msgspec.Struct, frozen=True, kw_only=True):
    """What FUNDING remembers. `compound`: income that waits to be invested; `base`: what pairs were opened with."""

    pairs: Mapping[str, Pair] = {}
    compound: int = 0
    received: int = 0
    given: int = 0

    def of(self, asset: str) -> Pair:
        """One asset, as it is."""
        return self.pairs.get(asset, Pair())


class FundingAsset(msgspec.Struct, frozen=True, kw_only=True):
    """What FUNDING is shown of one asset. A leg without a recorded price has no quote: then nothing is entered.

    `settled_e9`: the rate settled since the wake before, of `hours`; `predicted_e9`: of the next settlement.
    """

    spot: Quote | None = None
    perpetual: Quote | None = None
    settled_e9: int | None = None
    predicted_e9: int | None = None
    hours: int = PERIOD_H
    received: int = 0
    """Money received since the wake before, - = paid."""
    refused: bool = False
    """The order of a leg is over without its fill."""


class FundingView(msgspec.Struct, frozen=True, kw_only=True):
    """What FUNDING is shown at a wake: after a settlement, a fill, or an order that is over."""

    now_ns: int
    equity: int
    cash: int
    assets: Mapping[str, FundingAsset]
    insurance_alarm: bool = False
    may_enter: bool = True
    release: int = 0


def basis_of(spot: int, perpetual: int) -> float:
    """What a perpetual costs above spot, as a fraction of spot."""
    return (perpetual - spot) / spot


def decide(state: FundingState, view: FundingView, config: FundingConfig) -> Decision[FundingState]:
    """One wake of FUNDING."""
    notes: list[Note] = []
    pairs = {asset: _count(state.of(asset), seen, config) for asset, seen in view.assets.items()}
    state, transfers = _take_income(state, view, config, notes)
    pairs = _watch_all(pairs, view, config, notes)
    orders: list[Order] = []
    free = view.cash
    for asset in config.assets:
        if asset not in view.assets:
            continue
        seen = view.assets[asset]
        pair, wanted = _step(asset, pairs[asset], seen, view, free, config, notes)
        if seen.spot is not None:
            free -= sum(seen.spot.worth(o.lots) * (2 if o.side < 0 else 1) for o in wanted if not o.reduce_only)
        pairs[asset] = pair
        orders += wanted
    state = msgspec.structs.replace(state, pairs={**state.pairs, **pairs})
    return Decision(state=state, orders=tuple(orders), transfers=transfers, notes=tuple(notes))


def _count(pair: Pair, seen: FundingAsset, config: FundingConfig) -> Pair:
    """Positive and negative periods in a row; a period without a rate ends neither and counts for none."""
    if seen.settled_e9 is None:
        return pair
    positives = pair.positives + 1 if seen.settled_e9 > 0 else 0
    negatives = pair.negatives + 1 if seen.settled_e9 < 0 else 0
    barred = pair.barred and positives < config.periods_min
    return msgspec.structs.replace(pair, positives=positives, negatives=negatives, barred=barred)


def _take_income(
    state: FundingState, view: FundingView, config: FundingConfig, notes: list[Note]
) -> tuple[FundingState, tuple[Transfer, ...]]:
    """Half of every payment received waits to be invested, half goes to TACTICAL; what is paid falls on the engine."""
    transfers = []
    for asset, seen in view.assets.items():
        if seen.received == 0:
            continue
        kept = share_of(max(seen.received, 0), config.compound_frac)
        given = max(seen.received, 0) - kept
        state = msgspec.structs.replace(
            state, compound=state.compound + kept, given=state.given + given, received=state.received + seen.received
        )
        notes.append(Note(kind="funding", values={"asset": asset, "quanta": seen.received, "tactical": given}))
        if given > 0:
            transfers.append(Transfer(to=TACTICAL, asset="USDT", amount=given, rule="funding"))
    return state, tuple(transfers)


def _watch_all(pairs: dict[str, Pair], view: FundingView, config: FundingConfig, notes: list[Note]) -> dict[str, Pair]:
    """Negative for long in any asset, or the insurance fund in trouble: all pairs close."""
    settled = [asset for asset, seen in view.assets.items() if seen.settled_e9 is not None]
    worst = next((a for a in settled if pairs[a].negatives == config.negatives_close_all), "")
    if not worst and not view.insurance_alarm:
        return pairs
    kind = "insurance_fund" if view.insurance_alarm else "negative_for_long"
    open_pairs = [asset for asset, pair in pairs.items() if pair.phase in ("COLLECT", "ENTRY")]
    notes.append(Note(kind=kind, values={"asset": worst, "closed": len(open_pairs)}, alert=view.insurance_alarm))
    return {asset: _leaving(pair, barred=True) for asset, pair in pairs.items()}


def _leaving(pair: Pair, through: str = "EXIT", barred: bool = False) -> Pair:
    """The same pair on its way out, if it is in."""
    pair = msgspec.structs.replace(pair, barred=pair.barred or barred)
    if pair.phase == "ENTRY":
        return msgspec.structs.replace(pair, phase=moved(MOVES, pair.phase, "UNDO"), target=0)
    if pair.phase != "COLLECT":
        return pair
    states = (through,) if through == "EXIT" else (through, "EXIT")
    return msgspec.structs.replace(pair, phase=moved(MOVES, pair.phase, *states), target=0)


def _step(
    asset: str, pair: Pair, seen: FundingAsset, view: FundingView, cash: int, config: FundingConfig, notes: list[Note]
) -> tuple[Pair, list[Order]]:
    """One asset: enter, hold or leave, and the orders that its legs lack."""
    if seen.spot is None or seen.perpetual is None:
        # A market without a price cannot be judged: what stands in it waits, nothing is entered.
        return pair, []
    if pair.phase == "MONITOR":
        pair = _look(asset, pair, seen, view, cash, config, notes)
    elif pair.phase == "COLLECT":
        pair = _hold(asset, pair, seen, view, config, notes)
    return _legs(asset, pair, seen, view.now_ns, config, notes)


def _look(
    asset: str, pair: Pair, seen: FundingAsset, view: FundingView, cash: int, config: FundingConfig, notes: list[Note]
) -> Pair:
    """Is it worth entering, and with how much?"""
    if seen.spot is None or seen.perpetual is None or not _is_opportunity(pair, seen, config):
        return pair
    pair = msgspec.structs.replace(pair, phase=moved(MOVES, pair.phase, "OPPORTUNITY"))
    value = min(share_of(view.equity - view.release, config.position_max_frac), cash // 2)
    target = _common(seen.spot, seen.perpetual, value)
    enough = target > 0 and seen.perpetual.is_tradable(target // seen.perpetual.base_quanta)
    if not view.may_enter or not enough or not seen.spot.is_tradable(target // seen.spot.base_quanta):
        notes.append(Note(kind="not_entered", values={"asset": asset, "rule": "small" if view.may_enter else "risk"}))
        return msgspec.structs.replace(pair, phase=moved(MOVES, pair.phase, "MONITOR"))
    notes.append(Note(kind="opportunity", values={"asset": asset, "rate_e9": seen.predicted_e9, "target": target}))
    return msgspec.structs.replace(
        pair, phase=moved(MOVES, pair.phase, "ENTRY"), target=target, since_ns=view.now_ns, naked_since_ns=0, attempts=0
    )


def _is_opportunity(pair: Pair, seen: FundingAsset, config: FundingConfig) -> bool:
    if pair.barred or seen.predicted_e9 is None or seen.spot is None or seen.perpetual is None:
        return False
    rate = seen.predicted_e9 * PERIOD_H // seen.hours
    if not rate > config.rate_min_e9 or pair.positives < config.periods_min:
        return False
    fees = 2 * (seen.spot.taker_fee_e9 + seen.perpetual.taker_fee_e9)
    if config.round_trip_multiple > 0 and rate * PERIODS_OF_HOLD < config.round_trip_multiple * fees:
        return False
    return basis_of(seen.spot.last, seen.perpetual.last) < config.basis_max_frac


def _common(spot: Quote, perpetual: Quote, value: int) -> int:
    """The largest amount of base that this money pays in both legs, on the coarser lot (G21)."""
    coarser = max(spot.base_quanta, perpetual.base_quanta)
    base = min(leg.lots_for(value, max(leg.last, leg.ask)) * leg.base_quanta for leg in (spot, perpetual))
    return base // coarser * coarser


def _hold(
    asset: str, pair: Pair, seen: FundingAsset, view: FundingView, config: FundingConfig, notes: list[Note]
) -> Pair:
    """Stay, or leave by one of the exits; grow by what has been earned once both legs can take it."""
    if seen.spot is None or seen.perpetual is None:
        return pair
    basis = basis_of(seen.spot.last, seen.perpetual.last)
    settled = seen.settled_e9 is not None
    negative = (seen.settled_e9 or 0) < 0 or (seen.predicted_e9 or 0) < 0
    if negative:
        notes.append(Note(kind="left", values={"asset": asset, "rule": "negative", "rate_e9": seen.settled_e9}))
        return _leaving(pair, "NEGATIVE")
    if abs(basis) > config.basis_max_frac:
        notes.append(Note(kind="left", values={"asset": asset, "rule": "basis", "basis": round(basis, 5)}))
        return _leaving(pair)
    if settled and view.now_ns - pair.since_ns >= config.hold_days * DAY_NS:
        notes.append(Note(kind="left", values={"asset": asset, "rule": "days"}))
        return _leaving(pair, "MAX_DAYS")
    if view.release > 0 and view.cash < view.release:
        notes.append(Note(kind="left", values={"asset": asset, "rule": "release"}))
        return _leaving(pair)
    return _grown(pair, seen, view, config) if settled else pair


def _grown(pair: Pair, seen: FundingAsset, view: FundingView, config: FundingConfig) -> Pair:
    """The same pair, larger where equity has grown by what an order of each leg needs at least."""
    if seen.spot is None or seen.perpetual is None or not view.may_enter:
        return pair
    value = share_of(view.equity, config.position_max_frac)
    target = _common(seen.spot, seen.perpetual, value)
    more = target - pair.target
    tradable = seen.spot.is_tradable(more // seen.spot.base_quanta) and seen.perpetual.is_tradable(
        more // seen.perpetual.base_quanta
    )
    earned = more > 0 and tradable and view.cash >= 2 * seen.perpetual.worth(more // seen.perpetual.base_quanta)
    return msgspec.structs.replace(pair, target=target) if earned else pair


def _legs(
    asset: str, pair: Pair, seen: FundingAsset, now_ns: int, config: FundingConfig, notes: list[Note]
) -> tuple[Pair, list[Order]]:
    """Compare both legs with the target; the perpetual goes first, spot follows what was filled (G22)."""
    spot, perpetual = seen.spot, seen.perpetual
    if spot is None or perpetual is None:
        return pair, []
    long, short = spot.lots * spot.base_quanta, -perpetual.lots * perpetual.base_quanta
    if pair.phase in ("EXIT", "UNDO"):
        if long < spot.base_quanta and short == 0:
            notes.append(Note(kind="closed", values={"asset": asset}))
            return msgspec.structs.replace(pair, phase=moved(MOVES, pair.phase, "MONITOR"), target=0), []
        return pair, _close_both(asset, spot, perpetual)
    if pair.phase == "MONITOR" and (short != 0 or spot.is_tradable(spot.lots)):
        notes.append(Note(kind="stray", values={"asset": asset, "long": long, "short": short}, alert=True))
        return pair, _close_both(asset, spot, perpetual)
    if pair.phase not in ("ENTRY", "COLLECT") or pair.target == 0:
        return pair, []
    if seen.refused and short < pair.target:
        pair = _settled_for(pair, short)
        if pair.phase == "UNDO":
            return pair, _close_both(asset, spot, perpetual)
    if short < pair.target:
        lots = (pair.target - short) // perpetual.base_quanta
        return _naked(pair, long, short, now_ns, config), [
            Order(instrument=f"{asset}-PERP", side=-1, lots=lots, style=MARKET, rule="short leg")
        ]
    gap = short - long
    if gap > share_of(short, config.delta_max_frac) and gap >= spot.base_quanta:
        return _second_leg(asset, pair, seen, gap, now_ns, config, notes)
    if -gap > share_of(short, config.delta_max_frac) and spot.is_tradable(-gap // spot.base_quanta):
        return pair, [Order(instrument=asset, side=-1, lots=-gap // spot.base_quanta, style=MARKET, rule="delta")]
    if pair.phase == "ENTRY":
        notes.append(Note(kind="entered", values={"asset": asset, "long": long, "short": short}))
        return msgspec.structs.replace(
            pair, phase=moved(MOVES, pair.phase, "COLLECT"), attempts=0, naked_since_ns=0, target=short
        ), []
    return msgspec.structs.replace(pair, attempts=0, naked_since_ns=0), []


def _settled_for(pair: Pair, short: int) -> Pair:
    """The first leg is over with less than was wanted: the pair is what it has, nothing is no pair."""
    if short == 0 and pair.phase == "ENTRY":
        return _leaving(pair)
    return msgspec.structs.replace(pair, target=short)


def _naked(pair: Pair, long: int, short: int, now_ns: int, config: FundingConfig) -> Pair:
    """Since when a leg has stood alone."""
    return pair if pair.naked_since_ns or short <= long else msgspec.structs.replace(pair, naked_since_ns=now_ns)


def _second_leg(
    asset: str, pair: Pair, seen: FundingAsset, gap: int, now_ns: int, config: FundingConfig, notes: list[Note]
) -> tuple[Pair, list[Order]]:
    """Spot for what the short has more; undone when it is refused too often or takes too long."""
    if seen.spot is None or seen.perpetual is None:
        return pair, []
    attempts = pair.attempts + int(seen.refused or pair.attempts == 0)
    since = pair.naked_since_ns or now_ns
    late = now_ns - since > config.naked_s_max * SECOND_NS
    pair = msgspec.structs.replace(pair, attempts=attempts, naked_since_ns=since)
    if attempts > config.attempts_max or late:
        notes.append(Note(kind="undone", values={"asset": asset, "naked": gap, "attempts": attempts - 1}, alert=True))
        if pair.phase == "ENTRY":
            return _leaving(pair), _close_both(asset, seen.spot, seen.perpetual)
        lots = gap // seen.perpetual.base_quanta
        matched = msgspec.structs.replace(pair, target=pair.target - gap, attempts=0, naked_since_ns=0)
        return matched, [
            Order(instrument=f"{asset}-PERP", side=1, lots=lots, style=MARKET, rule="undo", reduce_only=True)
        ]
    with_fee = -(-gap * E9 // (E9 - seen.spot.taker_fee_e9)) if seen.spot.fee_in_base else gap
    lots = -(-with_fee // seen.spot.base_quanta)
    return pair, [Order(instrument=asset, side=1, lots=lots, style=MARKET, rule="long leg")]


def _close_both(asset: str, spot: Quote, perpetual: Quote) -> list[Order]:
    """Both legs at once."""
    orders = []
    if spot.lots > 0:
        orders.append(Order(instrument=asset, side=-1, lots=spot.lots, style=MARKET, rule="close"))
    if perpetual.lots < 0:
        orders.append(
            Order(
                instrument=f"{asset}-PERP", side=1, lots=-perpetual.lots, style=MARKET, rule="close", reduce_only=True
            )
        )
    return orders
