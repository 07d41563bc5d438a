"""Liquidation: an account (cross) or a position (isolated) whose margin is gone is taken over by the insurance fund.

Assumption: takeover is at once and whole, at the bankruptcy price; the fund passes the position on to the market at
mark and keeps or carries the difference. Real venues go step by step through the risk tiers first.
"""

from typing import NamedTuple

from quintet.sandbox.happenings import Liquidated
from quintet.sandbox.ledger import move
from quintet.sandbox.margin import account_margin, bankruptcy_price, position_margin, sign_of
from quintet.sandbox.money import ONE, div_up
from quintet.sandbox.settlement import Closing, Fill, book_execution, book_position, log_execution, note_closed
from quintet.sandbox.state import CLEARING, FEES, INSURANCE, MARKET, Account, Execution, LogEntry, Market, Position
from quintet.sandbox.trading import keep_reduce_only
from quintet.sandbox.venue import Venue


def check_account(venue: Venue, account: Account) -> None:
    """Liquidate what must be, then let the fund pay what is owed by an account without positions."""
    coins = dict.fromkeys(
        venue.state.markets[key].instrument.quote
        for key, held in account.positions.items()
        if any(position.lots for position in held.values())
    )
    for coin in coins:
        if account.isolated:
            _check_isolated(venue, account)
        else:
            _check_cross(venue, account, coin)
    for coin, amount in list(account.coins.items()):
        if amount < 0 and not any(position.lots for key in account.positions for position in account.positions_of(key)):
            _pay_debt(venue, account, coin)


def _check_isolated(venue: Venue, account: Account) -> None:
    for key in list(account.positions):
        market = venue.state.markets[key]
        for position in account.positions_of(key):
            found = position_margin(account, market, position)
            if position.lots and found.balance + found.unrealised <= found.maintenance:
                _cancel_open(venue, account, key, "CancelByPrepareLiq")
                _take_over(venue, account, market, position, bankruptcy_price(account, market, position))


def _check_cross(venue: Venue, account: Account, coin: str) -> None:
    if not _is_short(venue, account, coin):
        return
    for key in list(account.open_orders):
        _cancel_open(venue, account, key, "CancelAllBeforeLiq")
    if not _is_short(venue, account, coin):
        return
    whole = account_margin(venue, account, coin)
    held = [
        (venue.state.markets[key], position)
        for key in account.positions
        for position in account.positions_of(key)
        if position.lots and venue.state.markets[key].instrument.quote == coin
    ]
    for market, position in held:
        found = position_margin(account, market, position)
        share = whole.equity * found.maintenance // max(1, whole.maintenance)
        fee = div_up(found.value * market.instrument.taker_rate, ONE)
        sign, lots = sign_of(position.lots), abs(position.lots)
        price = (found.value - sign * (share - fee)) * market.instrument.lots_per_unit // lots
        price += -price % market.instrument.tick if sign > 0 else -(price % market.instrument.tick)
        _take_over(venue, account, market, position, max(market.instrument.tick, price))


def _is_short(venue: Venue, account: Account, coin: str) -> bool:
    whole = account_margin(venue, account, coin)
    return whole.maintenance > 0 and whole.equity <= whole.maintenance


def _cancel_open(venue: Venue, account: Account, key: str, reason: str) -> None:
    for order in venue.open_orders(account.uid, key):
        venue.cancel_order(order, reason, "EC_NoError")


def _take_over(venue: Venue, account: Account, market: Market, position: Position, price: int) -> None:
    instrument = market.instrument
    sign, lots = sign_of(position.lots), abs(position.lots)
    value = instrument.value(price, lots)
    fee = div_up(value * instrument.taker_rate, ONE)
    seq = venue.next_seq()
    closing = book_position(venue, market, position, -sign, lots, value, fee, seq)
    move(venue.state, instrument.quote, account.uid, FEES, fee)
    fund = venue.position(INSURANCE, position.key, 0)
    house = venue.position(MARKET, position.key, 0)
    book_position(venue, market, fund, sign, lots, value, 0, seq)
    at_mark = instrument.value(market.mark, lots)
    book_position(venue, market, fund, -sign, lots, at_mark, 0, seq)
    book_position(venue, market, house, sign, lots, at_mark, 0, seq)
    how = _Forced("BustTrade", "CreateByTakeOver_PassThrough", "LIQUIDATION", price, fee, instrument.taker_rate)
    _tell_closed(venue, market, position, how, Fill(None, account.uid, -sign, price, lots, False, seq), closing)
    venue.tell(Liquidated(position.key, sign, lots, price, venue.now_ms))


def deleverage(venue: Venue, market: Market, lots: int) -> None:
    """Close `lots` of positions at mark without a fee, those with the most profit for their cost first.

    The market takes the other side, for whom the venue could not find one.
    """
    key = f"linear:{market.instrument.symbol}"
    held = [
        position
        for account in venue.state.accounts.values()
        if account.uid > CLEARING
        for position in account.positions_of(key)
        if position.lots
    ]
    for position in sorted(held, key=lambda each: _profit_rate(market, each), reverse=True):
        taken = min(lots, abs(position.lots))
        if taken:
            _close_against_market(venue, market, position, taken)
        lots -= taken


def _profit_rate(market: Market, position: Position) -> int:
    sign, lots = sign_of(position.lots), abs(position.lots)
    gain = sign * market.instrument.value(market.mark, lots) - position.cost
    return gain * ONE // abs(position.cost)


def _close_against_market(venue: Venue, market: Market, position: Position, lots: int) -> None:
    sign, seq = sign_of(position.lots), venue.next_seq()
    price, value = market.mark, market.instrument.value(market.mark, lots)
    closing = book_position(venue, market, position, -sign, lots, value, 0, seq)
    book_position(venue, market, venue.position(MARKET, position.key, 0), sign, lots, value, 0, seq)
    how = _Forced("AdlTrade", "CreateByAdl_PassThrough", "ADL")
    _tell_closed(venue, market, position, how, Fill(None, position.uid, -sign, price, lots, False, seq), closing)
    keep_reduce_only(venue, position.uid, position.key, position.index)


class _Forced(NamedTuple):
    """How a position was closed without its holder, in the venue's words; an order price of 0 is none."""

    kind: str
    create_type: str
    log_kind: str
    order_price: int = 0
    fee: int = 0
    rate: int = 0


def _tell_closed(venue: Venue, market: Market, position: Position, how: _Forced, fill: Fill, closing: Closing) -> None:
    """The holder's execution of a forced close, in the lists and in the log."""
    coin = market.instrument.quote
    execution = Execution(
        exec_id=venue.new_id(),
        order_id=venue.new_id(),
        link_id="",
        uid=fill.uid,
        key=position.key,
        sign=fill.sign,
        price=fill.price,
        lots=fill.lots,
        value=market.instrument.value(fill.price, fill.lots),
        fee=how.fee,
        fee_coin=coin,
        rate=how.rate,
        is_maker=False,
        ms=venue.now_ms,
        kind=how.kind,
        seq=fill.seq,
        order_price=how.order_price,
        order_lots=fill.lots,
        order_type="Market",
        create_type=how.create_type,
        closed_lots=fill.lots,
        pnl=closing.pnl,
        mark=market.mark,
        index=market.index,
    )
    book_execution(venue, execution)
    log_execution(venue, execution, how.log_kind, coin, closing.pnl, how.fee)
    note_closed(venue, fill, closing, execution)


def _pay_debt(venue: Venue, account: Account, coin: str) -> None:
    """The insurance fund pays what a liquidated account owes beyond its last quantum."""
    owed = -account.coins[coin]
    move(venue.state, coin, INSURANCE, account.uid, owed)
    venue.state.insurance_paid += owed
    account.log.append(
        LogEntry(
            entry_id=str(venue.number()),
            uid=account.uid,
            key="",
            sign=0,
            ms=venue.now_ms,
            kind="LIQUIDATION",
            coin=coin,
            change=owed,
            balance=account.coins[coin],
            cash_flow=owed,
        )
    )
    venue.tell_wallet(account.uid)
