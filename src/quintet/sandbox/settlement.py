"""What a trade does to the two who made it: coins on spot, positions and realised profit on linear, fees on both.

A fee is rounded up to a quantum, a rebate down, so the exchange never pays a fraction.
"""

from typing import NamedTuple

from quintet.sandbox.happenings import Executed, PositionChanged
from quintet.sandbox.instruments import BUY, Instrument
from quintet.sandbox.ledger import move
from quintet.sandbox.margin import sign_of
from quintet.sandbox.money import ONE, div_up
from quintet.sandbox.orders import Order
from quintet.sandbox.state import CLEARING, FEES, ClosedPnl, Execution, LogEntry, Market, Position
from quintet.sandbox.venue import Venue


class Fill(NamedTuple):
    """One side of a trade; `order` is None for the market's ghosts."""

    order: Order | None
    uid: int
    sign: int
    price: int
    lots: int
    is_maker: bool
    seq: int


class Closing(NamedTuple):
    """What a fill closed of a position: lots, what they had cost, what they brought, and the entry fees on them."""

    lots: int
    cost: int
    value: int
    pnl: int
    open_fee: int


NOTHING_CLOSED = Closing(0, 0, 0, 0, 0)


def settle(venue: Venue, market: Market, fill: Fill) -> None:
    """Book one side of a trade. The other side is booked by another call with the opposite sign."""
    if market.instrument.is_spot:
        _settle_spot(venue, market, fill)
    else:
        _settle_linear(venue, market, fill)


def fee_rate(instrument: Instrument, fill: Fill) -> int:
    """Maker or taker rate in parts of 1e8."""
    return instrument.maker_rate if fill.is_maker else instrument.taker_rate


def _settle_spot(venue: Venue, market: Market, fill: Fill) -> None:
    instrument, state = market.instrument, venue.state
    value, coins = instrument.value(fill.price, fill.lots), instrument.base_quanta(fill.lots)
    move(state, instrument.quote, fill.uid, CLEARING, fill.sign * value)
    move(state, instrument.base, CLEARING, fill.uid, fill.sign * coins)
    if fill.order is None:
        return
    rate = fee_rate(instrument, fill)
    in_base = (fill.sign == BUY) == (rate >= 0)  # the received coin pays; a rebate comes in the other
    coin = instrument.base if in_base else instrument.quote
    fee = div_up((coins if in_base else value) * rate, ONE)
    move(state, coin, fill.uid, FEES, fee)
    execution = _execution(venue, market, fill, value, fee, coin, rate, NOTHING_CLOSED)
    for moved, flow in ((instrument.quote, -fill.sign * value), (instrument.base, fill.sign * coins)):
        _log_trade(venue, execution, moved, flow, fee if moved == coin else 0)


def _settle_linear(venue: Venue, market: Market, fill: Fill) -> None:
    instrument = market.instrument
    index = fill.order.position_index if fill.order is not None else 0
    position = venue.position(fill.uid, f"linear:{instrument.symbol}", index)
    value = instrument.value(fill.price, fill.lots)
    rate = fee_rate(instrument, fill) if fill.order is not None else 0
    fee = div_up(value * rate, ONE)
    closing = book_position(venue, market, position, fill.sign, fill.lots, value, fee, fill.seq)
    move(venue.state, instrument.quote, fill.uid, FEES, fee)
    if fill.order is None:
        return
    execution = _execution(venue, market, fill, value, fee, instrument.quote, rate, closing)
    _log_trade(venue, execution, instrument.quote, closing.pnl, fee)
    note_closed(venue, fill, closing, execution)


def book_position(
    venue: Venue, market: Market, position: Position, sign: int, lots: int, value: int, fee: int, seq: int
) -> Closing:
    """Change a position by a fill: the opposite part closes at cost, the rest opens. Returns what it closed.

    Realised profit comes out of the clearing account, which holds what positions have realised against each other:
    it is always minus the cost of all open positions.
    """
    account, coin = venue.account(position.uid), market.instrument.quote
    held = abs(position.lots)
    closed = min(held, lots) if sign_of(position.lots) == -sign else 0
    closing = _close(position, sign, lots, value, closed) if closed else NOTHING_CLOSED
    close_fee = fee * closed // lots
    gained = closing.pnl - close_fee
    move(venue.state, coin, CLEARING, position.uid, closing.pnl)
    if lots > closed:
        if closed == held:
            position.opened_ms, position.realised = venue.now_ms, 0
        position.cost += sign * (value - closing.value)
        position.open_fees += fee - close_fee
        gained -= fee - close_fee
    position.lots += sign * lots
    position.realised += gained
    position.realised_ever += gained
    account.realised_ever[coin] = account.realised_ever.get(coin, 0) + gained
    if not position.lots:
        position.added = position.realised = position.opened_ms = 0
    position.updated_ms = venue.now_ms
    position.seq = seq
    venue.tell(PositionChanged(position.uid, position.key, position.index))
    venue.exposed[position.uid] = None
    venue.moved[position.uid, position.key, position.index] = None
    return closing


def _close(position: Position, sign: int, lots: int, value: int, closed: int) -> Closing:
    """Take `closed` lots and their share of cost and fees out of a position."""
    held = abs(position.lots)
    cost = position.cost * closed // held
    open_fee = position.open_fees * closed // held
    closed_value = value * closed // lots
    position.cost -= cost
    position.open_fees -= open_fee
    return Closing(closed, cost, closed_value, -sign * closed_value - cost, open_fee)


def _execution(
    venue: Venue, market: Market, fill: Fill, value: int, fee: int, coin: str, rate: int, closing: Closing
) -> Execution:
    order = fill.order
    assert order is not None
    order.filled += fill.lots
    if order.budget:
        order.lots = order.filled
    order.value += value
    order.fees[coin] = order.fees.get(coin, 0) + fee
    order.closed_pnl += closing.pnl
    if not order.stops.is_empty:
        venue.filled[order.order_id] = None
    execution = Execution(
        exec_id=venue.new_id(market.instrument.is_spot),
        order_id=order.order_id,
        link_id=order.link_id,
        uid=fill.uid,
        key=order.key,
        sign=fill.sign,
        price=fill.price,
        lots=fill.lots,
        value=value,
        fee=fee,
        fee_coin=coin,
        rate=rate,
        is_maker=fill.is_maker,
        ms=venue.now_ms,
        kind="Trade",
        seq=fill.seq,
        left=max(0, order.lots - order.filled),
        order_price=order.price,
        order_lots=order.lots,
        order_type="Market" if order.is_market else "Limit",
        stop_kind=order.stop_kind,
        create_type=order.create_type,
        closed_lots=closing.lots,
        pnl=closing.pnl,
        mark=market.mark,
        index=market.index,
    )
    book_execution(venue, execution)
    return execution


def book_execution(venue: Venue, execution: Execution) -> None:
    """Keep an execution in its account's history, and tell it."""
    venue.account(execution.uid).executions.append(execution)
    venue.tell(Executed(execution))
    venue.tell_wallet(execution.uid)


def _log_trade(venue: Venue, execution: Execution, coin: str, flow: int, fee: int) -> None:
    held = sum(position.lots for position in venue.account(execution.uid).positions_of(execution.key))
    log_execution(venue, execution, "TRADE", coin, flow, fee, held)


def log_execution(
    venue: Venue, execution: Execution, kind: str, coin: str, flow: int, fee: int, position_lots: int = 0
) -> None:
    """Keep what an execution has moved of a coin in its account's transaction log."""
    account = venue.account(execution.uid)
    account.log.append(
        LogEntry(
            entry_id=str(venue.number()),
            uid=execution.uid,
            key=execution.key,
            sign=execution.sign,
            ms=venue.now_ms,
            kind=kind,
            coin=coin,
            change=flow - fee,
            balance=account.coins.get(coin, 0),
            cash_flow=flow,
            fee=fee,
            rate=execution.rate,
            lots=execution.sign * execution.lots,
            position_lots=position_lots,
            price=execution.price,
            trade_id=execution.exec_id,
            order_id=execution.order_id,
            link_id=execution.link_id,
        )
    )


def note_closed(venue: Venue, fill: Fill, closing: Closing, execution: Execution) -> None:
    """Keep a closing fill for the closed profit and loss list."""
    if not closing.lots:
        return
    account = venue.account(fill.uid)
    close_fee = execution.fee * closing.lots // execution.lots
    account.closed_pnl.append(
        ClosedPnl(
            uid=fill.uid,
            key=execution.key,
            order_id=execution.order_id,
            sign=fill.sign,
            order_lots=execution.order_lots,
            order_price=execution.order_price,
            is_market=execution.order_type == "Market",
            exec_kind=execution.kind,
            lots=closing.lots,
            entry_value=abs(closing.cost),
            exit_value=closing.value,
            pnl=closing.pnl - closing.open_fee - close_fee,
            leverage=account.leverage_of(execution.key),
            open_fee=closing.open_fee,
            close_fee=close_fee,
            created_ms=fill.order.created_ms if fill.order is not None else venue.now_ms,
            updated_ms=venue.now_ms,
        )
    )
