"""The exchange: time and a command in, an answer and happenings out. The same commands give the same exchange.

It has no clock, no dice and no socket: every moment is told to it, and its numbers follow from its history. After each
command it settles down: prices are formed, triggers fire, stops follow positions, what must be liquidated is.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from quintet.core.errors import InputError, InvariantError
from quintet.core.units import decimal
from quintet.sandbox import account_settings, earn
from quintet.sandbox import checks as judge
from quintet.sandbox.candle_series import MINUTE_MS, MINUTES_KEPT, CandleSeries
from quintet.sandbox.clockwork import INTEREST_8H, reprice, sample
from quintet.sandbox.commands import (
    AddMargin,
    Amend,
    AnyCommand,
    BeginAfter,
    Cancel,
    CancelAll,
    Cancelled,
    ChangeInstrument,
    Deleverage,
    Done,
    Earn,
    FlowStep,
    Ghosts,
    GhostTrade,
    MoveCoins,
    OpenAccount,
    Pass,
    Place,
    Placed,
    SetDisconnectWindow,
    SetEarn,
    SetFunding,
    SetInsurance,
    SetLeverage,
    SetMarginMode,
    SetPriceAction,
    SetPrices,
    SetStops,
    SetWithdrawals,
    SwitchMode,
)
from quintet.sandbox.happenings import Happening, PriceChanged
from quintet.sandbox.instruments import BUY, SELL, Instrument, default_catalogue
from quintet.sandbox.ledger import deposit
from quintet.sandbox.liquidation import check_account, deleverage
from quintet.sandbox.money import quanta
from quintet.sandbox.order_changes import amend, cancel, cancel_all
from quintet.sandbox.past_market import past_minutes
from quintet.sandbox.refusal import Refusal, Refused
from quintet.sandbox.retention import Past, retire
from quintet.sandbox.spot_stops import place_spot_stops
from quintet.sandbox.state import CLEARING, FEES, INSURANCE, MARKET, OUTSIDE, Account, Funding, Market, State, key_of
from quintet.sandbox.stops import apply_plan, follow_position
from quintet.sandbox.trading import execute, ghost_trade, set_ghosts
from quintet.sandbox.triggers import fire_all
from quintet.sandbox.venue import Venue

Answer = Placed | Cancelled | Done | Refusal

SECOND_MS = 1000
FINE_STEPS_MAX_MS = 3_600_000
"""A longer silence is sampled once a minute instead of once a second."""

SETTLING_ROUNDS_MAX = 1000


def new_state(instruments: Sequence[Instrument] = ()) -> State:
    """An exchange before its first command: what it lists, and the accounts of the house."""
    state = State()
    for instrument in instruments or default_catalogue():
        state.markets[key_of(instrument.category, instrument.symbol)] = Market(instrument=instrument)
    for uid, name in ((MARKET, "market"), (FEES, "fees"), (INSURANCE, "insurance"), (OUTSIDE, "outside"),
                      (CLEARING, "clearing")):  # fmt: skip
        state.accounts[uid] = Account(uid=uid, name=name)
    state.earn_products = earn.products_of(list(state.markets.values()))
    return state


class Exchange:
    """The whole exchange in memory."""

    def __init__(self, state: State | None = None) -> None:
        self.venue = Venue(state if state is not None else new_state())
        self._past: list[Past] = []

    @property
    def state(self) -> State:
        """What it remembers."""
        return self.venue.state

    def do(self, now_ms: int, command: AnyCommand) -> Answer:
        """Let time pass to `now_ms`, then do what is asked. A refusal leaves nothing behind but the time.

        Time never goes back: an earlier `now_ms` means now.
        """
        self._pass_time(now_ms)
        try:
            answer = _DO[type(command)](self.venue, command)
        except Refused as refused:
            answer = refused.refusal
        except InputError as error:  # an operator's figure that no exchange can have
            answer = Refusal(10001, str(error))
        self._settle_down()
        return answer

    def drain(self) -> list[Happening]:
        """What has happened since it was last asked."""
        happened, self.venue.outbox = self.venue.outbox, []
        return happened

    def retired(self) -> list[Past]:
        """What has left its memory since it was last asked."""
        past, self._past = self._past, []
        return past

    def image(self) -> bytes:
        """Everything as bytes, for a snapshot."""
        self.state.books = {key: book.image() for key, book in self.venue.books.items()}
        return msgspec.msgpack.encode(self.state)

    @classmethod
    def of(cls, image: bytes) -> "Exchange":
        """The exchange of a snapshot; raises msgspec.DecodeError when it is none."""
        return cls(msgspec.msgpack.decode(image, type=State))

    def _pass_time(self, now_ms: int) -> None:
        state = self.state
        if now_ms <= state.now_ms:
            return
        if not state.now_ms:
            state.now_ms = state.sampled_ms = now_ms - now_ms % SECOND_MS
        step = SECOND_MS if now_ms - state.sampled_ms <= FINE_STEPS_MAX_MS else 60 * SECOND_MS
        while state.sampled_ms + step <= now_ms:
            state.sampled_ms += step - state.sampled_ms % step
            state.now_ms = max(state.now_ms, min(state.sampled_ms, now_ms))
            for key in state.markets:
                sample(self.venue, key)
            earn.pass_time(self.venue)
            self._settle_down()
            self._past += retire(state)
        state.now_ms = now_ms

    def _settle_down(self) -> None:
        """Look at everything a change can set off, until nothing more happens."""
        venue = self.venue
        for _ in range(SETTLING_ROUNDS_MAX):
            if not (venue.touched or venue.moved or venue.filled or venue.exposed):
                return
            touched, venue.touched = self._with_contracts(venue.touched), {}
            for key in touched:
                reprice(venue, key)
                self._expose_holders(key)
            self._follow_fills()
            for key in touched:
                fire_all(venue, key)
            exposed, venue.exposed = venue.exposed, {}
            for uid in exposed:
                if uid > CLEARING:
                    check_account(venue, venue.account(uid))
        raise InvariantError("the exchange does not come to rest: triggers keep setting each other off")

    def _with_contracts(self, touched: dict[str, None]) -> dict[str, None]:
        """The spot book is the index of the contract of the same symbol."""
        contracts = (key.replace("spot:", "linear:") for key in touched)
        return touched | {key: None for key in contracts if key in self.state.markets}

    def _expose_holders(self, key: str) -> None:
        for account in self.state.accounts.values():
            if account.uid > CLEARING and any(position.lots for position in account.positions_of(key)):
                self.venue.exposed[account.uid] = None

    def _follow_fills(self) -> None:
        venue = self.venue
        filled, venue.filled = venue.filled, {}
        moved, venue.moved = venue.moved, {}
        for uid, key, index in moved:
            if uid > CLEARING:
                follow_position(venue, venue.position(uid, key, index))
        for order_id in filled:
            order = self.state.orders[order_id]
            if not order.key.startswith("spot"):
                apply_plan(venue, order)
            elif not order.is_open:
                place_spot_stops(venue, order)


def _place(venue: Venue, request: Place) -> Answer:
    account = venue.account(request.uid)
    market = venue.market(request.category, request.symbol)
    order = judge.build(venue, account, market, request)
    if not order.is_waiting or order.stop_kind == "tpslOrder":
        judge.check_funds(venue, account, market, order)
    order.order_id = venue.new_id(market.instrument.is_spot)
    if order.link_id:
        account.links.setdefault(request.category, {})[order.link_id] = order.order_id
    venue.add_order(order)
    if order.is_waiting:
        venue.tell_order(order)
    else:
        execute(venue, order)
    return Placed(order.order_id, order.link_id)


def _cancel(venue: Venue, request: Cancel) -> Answer:
    order = cancel(venue, request)
    return Placed(order.order_id, order.link_id)


def _amend(venue: Venue, request: Amend) -> Answer:
    order = amend(venue, request)
    return Placed(order.order_id, order.link_id)


def _cancel_all(venue: Venue, request: CancelAll) -> Answer:
    return Cancelled([Placed(order.order_id, order.link_id) for order in cancel_all(venue, request)])


def _open_account(venue: Venue, request: OpenAccount) -> Answer:
    if request.uid in venue.state.accounts:
        raise Refused(10001, f"account {request.uid} exists")
    venue.state.accounts[request.uid] = Account(
        uid=request.uid, name=request.name, parent=request.parent, created_ms=venue.now_ms
    )
    for coin, amount in request.coins.items():
        deposit(venue.state, request.uid, coin, quanta(amount, f"deposit of {coin}"))
    return Done()


def _ghosts(venue: Venue, request: Ghosts) -> Answer:
    market = venue.market(request.category, request.symbol)
    levels = list(request.levels)
    if not all(sign in (BUY, SELL) and price > 0 and lots >= 0 for sign, price, lots in levels):
        raise Refused(10001, "ghosts: expected (1 or -1, a price above 0, lots of 0 or more)")
    if request.snapshot:
        book = venue.books[key_of(request.category, request.symbol)]
        named = {(sign, price) for sign, price, _ in levels}
        levels += [
            (sign, price, 0) for sign in (BUY, SELL) for price in book.side(sign).prices() if (sign, price) not in named
        ]
    set_ghosts(venue, market, levels)
    venue.touched[key_of(request.category, request.symbol)] = None
    return Done()


def _ghost_trade(venue: Venue, request: GhostTrade) -> Answer:
    if request.sign not in (BUY, SELL) or request.price <= 0 or request.lots <= 0:
        raise Refused(10001, "ghost trade: expected a sign of 1 or -1, a price and lots above 0")
    ghost_trade(venue, venue.market(request.category, request.symbol), request.sign, request.price, request.lots)
    return Done()


def _flow_step(venue: Venue, request: FlowStep) -> Answer:
    if request.number > venue.state.flows.get(request.source, 0):
        venue.state.flows[request.source] = request.number
        for step in request.steps:
            _DO[type(step)](venue, step)
    return Done()


def _set_prices(venue: Venue, request: SetPrices) -> Answer:
    if (request.index or 0) < 0 or (request.mark or 0) < 0:
        raise Refused(10001, "prices: expected 0 or more")
    for category in ("spot", "linear"):
        market = venue.state.markets.get(key_of(category, request.symbol))
        if market is not None:
            market.index_given = market.index_given if request.index is None else request.index
            market.mark_given = market.mark_given if request.mark is None else request.mark
            venue.touched[key_of(category, request.symbol)] = None
    return Done()


def _set_funding(venue: Venue, request: SetFunding) -> Answer:
    market = venue.market("linear", request.symbol)
    market.funding_given = market.funding_rate = request.rate
    venue.tell(PriceChanged(key_of("linear", request.symbol)))
    return Done()


def _set_withdrawals(venue: Venue, request: SetWithdrawals) -> Answer:
    closed = venue.state.closed_withdrawals
    closed.pop(_listed_coin(venue, request.coin), None)
    if not request.is_open:
        closed[request.coin] = None
    return Done()


def _set_insurance(venue: Venue, request: SetInsurance) -> Answer:
    coin, amount = _listed_coin(venue, request.coin), quanta(request.amount, "insurance: amount")
    held = venue.state.accounts[INSURANCE].coins.get(coin, 0)
    deposit(venue.state, INSURANCE, coin, amount - held)
    return Done()


def _listed_coin(venue: Venue, coin: str) -> str:
    if coin not in venue.state.coins:
        raise Refused(10001, f"coin: expected one of {', '.join(venue.state.coins)}, found {coin!r}")
    return coin


def _begin_after(venue: Venue, request: BeginAfter) -> Answer:
    market = venue.market(request.category, request.symbol)
    if not 0 < request.minutes <= MINUTES_KEPT or request.price < market.instrument.tick:
        raise Refused(10001, f"past: expected 1 to {MINUTES_KEPT} minutes and a price of a tick or more")
    if market.last or market.candles.all():
        return Done()  # it has a past
    minutes = past_minutes(market.instrument, request.seed, request.price, venue.now_ms, request.minutes)
    # mark and index went with it; nobody is shown what their candles traded
    market.candles, market.mark_candles, market.index_candles = (CandleSeries.of(minutes) for _ in range(3))
    market.last = minutes[-1][4]
    if not market.instrument.is_spot:
        interval = market.instrument.funding_minutes * MINUTE_MS
        first = minutes[0][0] - minutes[0][0] % interval + interval
        market.fundings = [Funding(ms, INTEREST_8H) for ms in range(first, venue.now_ms, interval)]
    return Done()


def _deleverage(venue: Venue, request: Deleverage) -> Answer:
    market = venue.market("linear", request.symbol)
    deleverage(venue, market, judge.lots_of(market.instrument, request.quantity, market=False))
    return Done()


def _change_instrument(venue: Venue, request: ChangeInstrument) -> Answer:
    market = venue.market(request.category, request.symbol)
    if request.tick:
        market.instrument = market.instrument.with_tick(decimal(request.tick, "tick"))
    if request.status:
        market.instrument.status = request.status
    market.instrument.delivery_ms = request.delivery_ms
    return Done()


def _pass(venue: Venue, request: Pass) -> Answer:
    return Done()


_DO: dict[type, Callable[[Venue, Any], Answer]] = {
    Place: _place,
    Amend: _amend,
    Cancel: _cancel,
    CancelAll: _cancel_all,
    SetLeverage: account_settings.set_leverage,
    SwitchMode: account_settings.switch_mode,
    SetMarginMode: account_settings.set_margin_mode,
    SetStops: account_settings.set_stops,
    AddMargin: account_settings.add_margin,
    SetPriceAction: account_settings.set_price_action,
    SetDisconnectWindow: account_settings.set_disconnect_window,
    MoveCoins: account_settings.move_coins,
    Earn: earn.earn,
    SetEarn: earn.set_earn,
    OpenAccount: _open_account,
    Ghosts: _ghosts,
    GhostTrade: _ghost_trade,
    FlowStep: _flow_step,
    SetPrices: _set_prices,
    SetFunding: _set_funding,
    SetWithdrawals: _set_withdrawals,
    SetInsurance: _set_insurance,
    BeginAfter: _begin_after,
    Deleverage: _deleverage,
    ChangeInstrument: _change_instrument,
    Pass: _pass,
}
