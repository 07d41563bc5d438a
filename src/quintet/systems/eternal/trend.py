"""TREND: long above the long average and short below it, with stops that live at the venue.

    SCAN -> SIGNAL -> ENTRY -> IN_POSITION -> EXIT -> SCAN
              |         |          |-> STOPPED -> SCAN
              |         |          `-> TRAILING_STOP -> SCAN
              `---------`-> NO_TRADE -> SCAN

One sub-account, a position in each of two markets at most. Source: the specification's chapter 3 and its reading G11 to
G18; the averages are those of Wilder (1978) for ADX and ATR.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from quintet.systems.eternal.config import TrendConfig
from quintet.systems.eternal.machine import moved, table
from quintet.systems.eternal.said import MARKET, STOP, Decision, Note, Order
from quintet.systems.eternal.seen import E9, Picture, Quote, Quotes, share_of

MARKETS: Final = ("BTC-PERP", "ETH-PERP")
NEVER: Final = -(10**9)

MOVES: Final = table(
    SCAN="SIGNAL",
    SIGNAL="ENTRY NO_TRADE",
    NO_TRADE="SCAN",
    ENTRY="IN_POSITION NO_TRADE",
    IN_POSITION="EXIT STOPPED TRAILING_STOP",
    EXIT="SCAN",
    STOPPED="SCAN",
    TRAILING_STOP="SCAN",
)


class TrendMarket(msgspec.Struct, frozen=True, kw_only=True):
    """What TREND remembers of one market. Prices in increments; `atr` is frozen at the entry."""

    phase: str = "SCAN"
    side: int = 0
    entry: int = 0
    atr: float = 0.0
    best: int = 0
    """The best close since the entry."""
    hard: int = 0
    stop: int = 0
    """The stop at the entry, and the one of now."""
    entered: int = NEVER
    left: int = NEVER
    quiet: int = 0
    """Closes in a row without a trend."""
    asks: int = 0
    """Closes above the entry's ADX that are still asked for after a pause."""
    dear: int = 0
    """Periods of dear funding in a row."""
    barred: int = 0
    """The side that funding has closed; 0 none."""
    halved: bool = False


class TrendState(msgspec.Struct, frozen=True, kw_only=True):
    """What one TREND sub-account remembers."""

    day: int = NEVER
    correlated: bool = False
    markets: Mapping[str, TrendMarket] = {}

    def of(self, market: str) -> TrendMarket:
        """One market, as it is."""
        return self.markets.get(market, TrendMarket())


class TrendView(msgspec.Struct, frozen=True, kw_only=True):
    """What TREND is shown of a day. `quotes` are of perpetuals; `rates`: settled since the last cycle, oldest first."""

    day: int
    equity: int
    quotes: Quotes
    pictures: Mapping[str, Picture]
    rates: Mapping[str, tuple[int, ...]] = {}
    correlation: float | None = None
    may_enter: bool = True
    release: int = 0


def decide(state: TrendState, view: TrendView, config: TrendConfig) -> Decision[TrendState]:
    """One daily cycle; a second one of the same day changes nothing."""
    if view.day <= state.day:
        return Decision(state=state, orders=None)
    state = msgspec.structs.replace(state, day=view.day, correlated=_correlated(state, view, config))
    orders: list[Order] = []
    notes: list[Note] = []
    markets = dict(state.markets)
    for name in MARKETS:
        if name not in view.quotes or name not in view.pictures:
            continue
        one = _watch(state.of(name), view.pictures[name], view.rates.get(name, ()), config)
        if view.quotes[name].lots != 0:
            one = _in_position(one, view, name, state.correlated, config, orders, notes)
        else:
            one = _flat(one, view, name, state.correlated, markets, config, orders, notes)
        markets[name] = one
    orders += _released(markets, view)
    return Decision(state=msgspec.structs.replace(state, markets=markets), orders=tuple(orders), notes=tuple(notes))


def on_fill(
    state: TrendState, name: str, quote: Quote, price: int, picture: Picture, config: TrendConfig
) -> Decision[TrendState]:
    """A fill in one market; `quote` has the position after it. The orders are of this market alone: its stop."""
    one = state.of(name)
    if quote.lots == 0:
        closed, notes = _left(one, state.day, quote, price)
    elif one.phase == "ENTRY":
        closed, notes = _entered(one, state.day, name, quote, price, picture.atr or 0.0, config)
    else:
        closed, notes = one, ()
    changed = msgspec.structs.replace(state, markets={**state.markets, name: closed})
    stops = (_stop_order(name, closed, quote.lots),) if quote.lots and closed.phase == "IN_POSITION" else ()
    return Decision(state=changed, orders=stops, notes=notes)


def _entered(
    one: TrendMarket, day: int, name: str, quote: Quote, price: int, atr: float, config: TrendConfig
) -> tuple[TrendMarket, tuple[Note, ...]]:
    """The entry is filled: the stop is set from it, with the average true range of its day."""
    hard = _stop_at(one.side, price, price, atr, quote.tick, config)
    entered = msgspec.structs.replace(
        one, phase=moved(MOVES, one.phase, "IN_POSITION"), entry=price, atr=atr, best=price, hard=hard, stop=hard,
        entered=day, halved=False,
    )  # fmt: skip
    return entered, (Note(kind="entered", values={"market": name, "lots": quote.lots, "price": price, "stop": hard}),)


def signal_of(picture: Picture, config: TrendConfig) -> int:
    """+1 long, -1 short, 0 flat: where price and averages stand, and whether the trend is strong."""
    if picture.fast_average is None or picture.slow_average is None or picture.adx is None:
        return 0
    if not picture.adx > config.adx_min:
        return 0
    if picture.close > picture.slow_average and picture.fast_average > picture.slow_average:
        return 1
    if picture.close < picture.slow_average and picture.fast_average < picture.slow_average:
        return -1
    return 0


def size_of(quote: Quote, atr: float, equity: int, open_value: int, config: TrendConfig) -> int:
    """Lots whose stop loses the risk of a trade, not above the cap of one market nor the leverage (G13)."""
    if atr <= 0 or equity <= 0:
        return 0
    risk = int(share_of(equity, config.risk_frac) / (config.stop_atr * atr * quote.quanta))
    capped = quote.lots_for(share_of(equity, config.position_max_frac))
    geared = quote.lots_for(share_of(equity, config.leverage_max) - open_value)
    return max(min(risk, capped, geared), 0)


def _stop_at(side: int, entry: int, best: int, atr: float, tick: int, config: TrendConfig) -> int:
    """The nearer of the hard stop and the trailing one, on a tick, rounded away from the price (G11)."""
    if side > 0:
        return max(int(max(entry - config.stop_atr * atr, best - config.trail_atr * atr) // tick) * tick, tick)
    return -int(-min(entry + config.stop_atr * atr, best + config.trail_atr * atr) // tick) * tick


def _watch(one: TrendMarket, picture: Picture, rates: tuple[int, ...], config: TrendConfig) -> TrendMarket:
    """Count quiet closes and dear periods, held or not."""
    quiet = one.quiet + 1 if picture.adx is not None and picture.adx < config.quiet_adx else 0
    asks = one.asks
    if quiet >= config.quiet_days:
        asks = config.confirm_days
    elif asks > 0:
        strong = picture.adx is not None and picture.adx > config.adx_min
        asks = asks - 1 if strong else config.confirm_days
    dear, barred = one.dear, one.barred
    for rate in rates:
        dear = dear + 1 if one.side * rate > config.funding_dear_e9 else 0
        if barred * rate <= config.funding_again_e9:
            barred = 0
    return msgspec.structs.replace(one, quiet=quiet, asks=asks, dear=dear, barred=barred)


def _correlated(state: TrendState, view: TrendView, config: TrendConfig) -> bool:
    """Are the two markets one? On above one bound, off below another; unknown: no."""
    if view.correlation is None:
        return False
    return view.correlation > (config.correlation_off if state.correlated else config.correlation_on)


def _in_position(
    one: TrendMarket, view: TrendView, name: str, correlated: bool, config: TrendConfig,
    orders: list[Order], notes: list[Note],
) -> TrendMarket:  # fmt: skip
    quote, picture = view.quotes[name], view.pictures[name]
    rule = _exit_rule(one, view.day, picture, config)
    if rule:
        notes.append(Note(kind="exit", values={"market": name, "rule": rule}))
        barred = one.side if rule == "funding" else one.barred
        orders.append(_close_order(name, quote.lots, rule))
        if one.phase == "IN_POSITION":
            one = msgspec.structs.replace(one, phase=moved(MOVES, one.phase, "EXIT"))
        return msgspec.structs.replace(one, barred=barred)
    best = max(one.best, picture.close) if one.side > 0 else min(one.best, picture.close)
    nearer = _stop_at(one.side, one.entry, best, one.atr, quote.tick, config)
    stop = max(one.stop, nearer) if one.side > 0 else min(one.stop, nearer)
    one = msgspec.structs.replace(one, best=best, stop=stop)
    lots = quote.lots
    if correlated and not one.halved and _points_with(name, one.side, view):
        cut = abs(lots) // 2
        one = msgspec.structs.replace(one, halved=True)
        if quote.is_tradable(cut):
            orders.append(_close_order(name, one.side * cut, "correlation"))
            notes.append(Note(kind="halved", values={"market": name, "lots": cut}))
            lots -= one.side * cut
    orders.append(_stop_order(name, one, lots))
    return one


def _exit_rule(one: TrendMarket, day: int, picture: Picture, config: TrendConfig) -> str:
    """Why a position leaves today; empty: it stays. ADX alone closes nothing (G12)."""
    if one.phase == "EXIT":
        return "again"
    if picture.slow_average is not None and one.side * (picture.close - picture.slow_average) < 0:
        return "average"
    if day - one.entered >= config.time_stop_days:
        return "time"
    return "funding" if one.dear >= config.funding_dear_periods else ""


def _flat(
    one: TrendMarket, view: TrendView, name: str, correlated: bool, markets: Mapping[str, TrendMarket],
    config: TrendConfig, orders: list[Order], notes: list[Note],
) -> TrendMarket:  # fmt: skip
    if one.phase == "ENTRY":  # yesterday's order has found nobody
        one = msgspec.structs.replace(one, phase=moved(MOVES, one.phase, "NO_TRADE", "SCAN"), side=0)
    elif one.phase != "SCAN":
        one, _ = _left(one, view.day, view.quotes[name], one.stop)
    side = signal_of(view.pictures[name], config)
    if side == 0:
        return one
    refused = _refusal(one, side, view, config)
    lots = 0
    if not refused:
        lots = size_of(
            view.quotes[name], view.pictures[name].atr or 0.0, view.equity, _open_value(view, orders), config
        )
        other_side = max((o.side for n, o in markets.items() if n != name and o.phase == "ENTRY"), default=0)
        if correlated and (_points_with(name, side, view) or other_side == side):
            lots //= 2
        if not view.quotes[name].is_tradable(lots):
            refused = "too small"
    if refused:
        notes.append(Note(kind="no_trade", values={"market": name, "side": side, "rule": refused}))
        return msgspec.structs.replace(one, phase=moved(MOVES, one.phase, "SIGNAL", "NO_TRADE", "SCAN"))
    orders.append(Order(instrument=name, side=side, lots=lots, style=MARKET, rule="trend"))
    return msgspec.structs.replace(one, phase=moved(MOVES, one.phase, "SIGNAL", "ENTRY"), side=side, dear=0)


def _refusal(one: TrendMarket, side: int, view: TrendView, config: TrendConfig) -> str:
    """Why a signal is not traded; empty: it is."""
    if not view.may_enter:
        return "risk"
    if one.quiet >= config.quiet_days or one.asks > 0:
        return "quiet"
    if one.barred == side:
        return "funding"
    return "today" if one.left >= view.day else ""


def _open_value(view: TrendView, orders: list[Order]) -> int:
    """Value of what is held and of what is being entered, shorts counted as positive."""
    held = sum(abs(quote.value) for quote in view.quotes.values())
    return held + sum(
        view.quotes[o.instrument].worth(o.lots) for o in orders if o.style == MARKET and not o.reduce_only
    )


def _points_with(name: str, side: int, view: TrendView) -> bool:
    """Does another market's position point the same way?"""
    return any(quote.lots * side > 0 for other, quote in view.quotes.items() if other != name)


def _left(one: TrendMarket, day: int, quote: Quote, price: int) -> tuple[TrendMarket, tuple[Note, ...]]:
    """The position is gone: by our exit, by the hard stop, or by the trailing one."""
    through: tuple[str, ...]
    if one.phase == "EXIT":
        through = ("SCAN",)
    elif one.phase == "IN_POSITION":
        through = ("STOPPED" if one.stop == one.hard else "TRAILING_STOP", "SCAN")
    else:
        return one, ()
    gain = one.side * (price - one.entry)
    note = Note(kind=through[0].lower() if len(through) > 1 else "left", values={"gain_increments": gain})
    phase = moved(MOVES, one.phase, *through)
    kept = TrendMarket(phase=phase, left=day, quiet=one.quiet, asks=one.asks, barred=one.barred)
    return kept, (note,)


def _released(markets: Mapping[str, TrendMarket], view: TrendView) -> list[Order]:
    """Cut positions in proportion, so that margin comes free for the orchestrator."""
    held = sum(abs(quote.value) for quote in view.quotes.values())
    if view.release <= 0 or held == 0:
        return []
    orders = []
    for name, quote in view.quotes.items():
        lots = min(abs(quote.lots), -(-abs(quote.lots) * view.release // held))
        if lots and markets[name].phase == "IN_POSITION":
            orders.append(_close_order(name, lots if quote.lots > 0 else -lots, "release"))
    return orders


def _close_order(name: str, lots: int, rule: str) -> Order:
    return Order(instrument=name, side=-1 if lots > 0 else 1, lots=abs(lots), style=MARKET, rule=rule, reduce_only=True)


def _stop_order(name: str, one: TrendMarket, lots: int) -> Order:
    return Order(
        instrument=name, side=-one.side, lots=abs(lots), style=STOP, price=one.stop, rule="stop", reduce_only=True
    )


def liquidation_buffer(equity: int, quotes: Quotes, maintenance_e9: int) -> float:
    """How far the market may move against all positions before they are taken over, as a fraction of their value.

    At a leverage of L and a maintenance rate m it is 1/L - m. Infinite without a position.
    """
    held = sum(abs(quote.value) for quote in quotes.values())
    return equity / held - maintenance_e9 / E9 if held else float("inf")
