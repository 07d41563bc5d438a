"""What an account changes about itself: leverage, modes, stops of a position, margin, transfers."""

from quintet.core.errors import NotExact
from quintet.sandbox import checks as judge
from quintet.sandbox.commands import (
    AddMargin,
    Done,
    MoveCoins,
    SetDisconnectWindow,
    SetLeverage,
    SetMarginMode,
    SetPriceAction,
    SetStops,
    SwitchMode,
)
from quintet.sandbox.happenings import PositionChanged
from quintet.sandbox.ledger import move, move_to_funding
from quintet.sandbox.margin import account_margin, position_margin, sign_of, spendable
from quintet.sandbox.money import quanta
from quintet.sandbox.orders import StopPlan
from quintet.sandbox.prices import reference
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Account, LogEntry, Market, Position, Transfer
from quintet.sandbox.stops import add_partial, check_side, set_full
from quintet.sandbox.venue import Venue


def _linear(venue: Venue, category: str, symbol: str) -> Market:
    if category != "linear":
        raise Refused(10001, "params error: category invalid")
    return venue.market(category, symbol)


def set_leverage(venue: Venue, request: SetLeverage) -> Done:
    """Another leverage, when the risk tier and the margin allow it."""
    market = _linear(venue, request.category, request.symbol)
    account, key = venue.account(request.uid), f"linear:{request.symbol}"
    hundredths = judge.number(request.leverage, "leverage") * 100
    if hundredths != int(hundredths) or not 100 <= hundredths <= market.instrument.leverage_max:
        raise Refused(10001, f"leverage must be from 1 to {market.instrument.leverage_max // 100}")
    before, after = account.leverage_of(key), int(hundredths)
    if after == before:
        raise Refused(110043, "leverage not modified")
    value = sum(abs(position_margin(account, market, position).value) for position in account.positions_of(key))
    if market.instrument.tier_of(value).leverage_max < after:
        raise Refused(110013, "leverage not possible at this risk tier")
    account.leverage[key] = after
    if after < before and account_margin(venue, account, market.instrument.quote).available < 0:
        account.leverage[key] = before
        raise Refused(110007, "ab not enough for the margin at this leverage")
    for position in account.positions_of(key):
        venue.tell(PositionChanged(account.uid, key, position.index))
    return Done()


def switch_mode(venue: Venue, request: SwitchMode) -> Done:
    """One-way or hedge, while nothing is open."""
    if request.category != "linear" or not (request.symbol or request.coin):
        raise Refused(10001, "params error: symbol or coin is required")
    if request.symbol:
        venue.market("linear", request.symbol)
    account = venue.account(request.uid)
    keys = [
        key
        for key, market in venue.state.markets.items()
        if market.instrument.category == "linear"
        and (market.instrument.symbol == request.symbol if request.symbol else market.instrument.quote == request.coin)
    ]
    if all(account.hedge.get(key, False) == request.hedge for key in keys):
        raise Refused(110025, "Position mode is not modified")
    for key in keys:
        if any(position.lots for position in account.positions_of(key)):
            raise Refused(110024, "You have an existing position, so position mode cannot be switched")
        if account.open_orders.get(key):
            raise Refused(110028, "You have existing orders, so position mode cannot be switched")
    for key in keys:
        account.hedge[key] = request.hedge
        account.positions.pop(key, None)
    return Done()


def set_margin_mode(venue: Venue, request: SetMarginMode) -> Done:
    """Cross or isolated, when the margin is there for it."""
    account = venue.account(request.uid)
    if account.isolated == request.isolated:
        raise Refused(110026, "Margin mode is not modified")
    account.isolated = request.isolated
    if account_margin(venue, account, "USDT").available < 0:
        account.isolated = not request.isolated
        raise Refused(3400045, "Set margin mode failed: not enough margin")
    venue.exposed[account.uid] = None
    return Done()


def _open_position(account: Account, key: str, index: int) -> Position:
    position = account.positions.get(key, {}).get(index)
    if position is None or not position.lots:
        raise Refused(10001, "can not set tp/sl/ts for zero position")
    return position


def set_stops(venue: Venue, request: SetStops) -> Done:
    """Make, change or take away the stops of a position."""
    market = _linear(venue, request.category, request.symbol)
    instrument = market.instrument
    position = _open_position(venue.account(request.uid), f"linear:{request.symbol}", request.position_index)
    sign = sign_of(position.lots)
    plan = judge.stop_plan(instrument, request.stops, StopPlan(partial=request.stops.mode == "Partial"))
    check_side(
        sign,
        plan.take_profit,
        plan.stop_loss,
        reference(market, plan.take_profit_by),
        reference(market, plan.stop_loss_by),
    )
    if plan.partial:
        _add_partial(venue, market, position, plan, request)
        return Done()
    changed = False
    if request.stops.take_profit:
        changed |= set_full(venue, position, "TakeProfit", plan.take_profit, plan.take_profit_by)
    if request.stops.stop_loss:
        changed |= set_full(venue, position, "StopLoss", plan.stop_loss, plan.stop_loss_by)
    if request.trailing:
        changed |= _set_trailing(venue, market, position, request)
    if not changed:
        raise Refused(34040, "not modified")
    venue.touched[position.key] = None
    return Done()


def _add_partial(venue: Venue, market: Market, position: Position, plan: StopPlan, request: SetStops) -> None:
    sizes = [size for size in (request.take_profit_size, request.stop_loss_size) if size]
    if len({judge.number(size, "tpSize") for size in sizes}) > 1:
        raise Refused(10001, "params error: tpSize and slSize must be equal")
    if plan.is_empty:
        raise Refused(10001, "params error: takeProfit or stopLoss is missing")
    lots = judge.lots_of(market.instrument, sizes[0], market=False) if sizes else abs(position.lots)
    add_partial(venue, position, plan, min(lots, abs(position.lots)))


def _set_trailing(venue: Venue, market: Market, position: Position, request: SetStops) -> bool:
    distance = 0
    if judge.number(request.trailing, "trailingStop"):
        distance = judge.price_of(market.instrument, request.trailing, "trailingStop")
    if not distance:
        return set_full(venue, position, "TrailingStop", 0, "LastPrice")
    sign = sign_of(position.lots)
    begin = judge.price_of(market.instrument, request.active_price, "activePrice") if request.active_price else 0
    if begin and sign * (begin - market.last) > 0:
        return set_full(venue, position, "TrailingStop", 0, "LastPrice", distance, begin)
    return set_full(venue, position, "TrailingStop", market.last - sign * distance, "LastPrice", distance)


def add_margin(venue: Venue, request: AddMargin) -> Done:
    """Put margin to an isolated position, or take back what was put."""
    market = _linear(venue, request.category, request.symbol)
    account = venue.account(request.uid)
    if not account.isolated:
        raise Refused(10001, "params error: margin is added to isolated positions only")
    position = _open_position(account, f"linear:{request.symbol}", request.position_index)
    try:
        amount = quanta(request.amount, "margin")
    except NotExact:
        raise Refused(10001, "params error: margin invalid") from None
    if not amount:
        raise Refused(110027, "Margin is not modified")
    if amount > account_margin(venue, account, market.instrument.quote).available or position.added + amount < 0:
        raise Refused(110007, "ab not enough for the margin")
    position.added += amount
    venue.tell(PositionChanged(account.uid, position.key, position.index))
    venue.exposed[account.uid] = None
    return Done()


def set_price_action(venue: Venue, request: SetPriceAction) -> Done:
    """What happens to an order beyond the price limit."""
    venue.account(request.uid).moves_price[request.category] = request.moves
    return Done()


def set_disconnect_window(venue: Venue, request: SetDisconnectWindow) -> Done:
    """How long a product's orders outlive the last private connection."""
    if not 3 <= request.window_s <= 300:
        raise Refused(10001, "params error: timeWindow must be 3 to 300")
    venue.account(request.uid).disconnect_windows[request.product] = request.window_s
    return Done()


def move_coins(venue: Venue, request: MoveCoins) -> Done:
    """A transfer between wallets or accounts; its id is good for one."""
    state = venue.state
    if request.transfer_id in state.transfer_ids:
        raise Refused(131214, "The transferId already exists")
    wallets = ("UNIFIED", "FUND")
    if request.from_wallet not in wallets or request.to_wallet not in wallets:
        raise Refused(131203, "The account type is not available")
    if request.from_uid == request.to_uid and request.from_wallet == request.to_wallet:
        raise Refused(131211, "The source and the target are the same account type")
    giver, taker = venue.account(request.from_uid), state.accounts.get(request.to_uid)
    if taker is None or taker.uid < 10 or _family(giver) != _family(taker):
        raise Refused(131200, "There is no such account")
    try:
        amount = quanta(request.amount, "amount")
    except NotExact:
        raise Refused(131210, "The amount has too many decimals") from None
    if amount <= 0:
        raise Refused(131210, "The amount must be above zero")
    held = (
        spendable(venue, giver, request.coin)
        if request.from_wallet == "UNIFIED"
        else giver.funding_coins.get(request.coin, 0)
    )
    if amount > held:
        raise Refused(131212, "Insufficient balance")
    if request.from_wallet == "FUND":
        move_to_funding(giver, request.coin, -amount)
    move(state, request.coin, giver.uid, taker.uid, amount)
    if request.to_wallet == "FUND":
        move_to_funding(taker, request.coin, amount)
    transfer = Transfer(
        transfer_id=request.transfer_id,
        coin=request.coin,
        amount=amount,
        from_uid=giver.uid,
        to_uid=taker.uid,
        from_wallet=request.from_wallet,
        to_wallet=request.to_wallet,
        ms=venue.now_ms,
    )
    state.transfer_ids[request.transfer_id] = None
    for account in {giver.uid: giver, taker.uid: taker}.values():
        account.transfers.append(transfer)
    _log(venue, giver, "TRANSFER_OUT", request, -amount if request.from_wallet == "UNIFIED" else 0)
    _log(venue, taker, "TRANSFER_IN", request, amount if request.to_wallet == "UNIFIED" else 0)
    return Done()


def _family(account: Account) -> int:
    return account.parent or account.uid


def _log(venue: Venue, account: Account, kind: str, request: MoveCoins, change: int) -> None:
    if not change:
        return
    account.log.append(
        LogEntry(
            entry_id=str(venue.number()),
            uid=account.uid,
            key="",
            sign=0,
            ms=venue.now_ms,
            kind=kind,
            coin=request.coin,
            change=change,
            balance=account.coins.get(request.coin, 0),
            cash_flow=change,
        )
    )
    venue.tell_wallet(account.uid)
