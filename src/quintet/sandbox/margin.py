"""Margin of linear positions and orders: what they need, what is left, and where they would be liquidated.

Assumption: only the coin in which a contract settles is collateral for it; other coins count as equity, not as margin.
Assumption: open orders need margin for the worse side only, and what of them would close a position needs none.
"""

from typing import NamedTuple

from quintet.sandbox.instruments import Instrument
from quintet.sandbox.money import ONE, div_up
from quintet.sandbox.order_index import NOTHING, Demand
from quintet.sandbox.orders import Order
from quintet.sandbox.state import Account, Market, Position
from quintet.sandbox.venue import Venue


class PositionMargin(NamedTuple):
    """What a position is worth and needs, in quanta of its settle coin."""

    value: int
    unrealised: int
    initial: int
    maintenance: int
    balance: int


class AccountMargin(NamedTuple):
    """An account's linear side in one settle coin."""

    wallet: int
    locked: int
    unrealised: int
    position_initial: int
    order_initial: int
    maintenance: int
    isolated_balance: int | None

    @property
    def equity(self) -> int:
        """Wallet and what the open positions would bring at mark."""
        return self.wallet + self.unrealised

    @property
    def available(self) -> int:
        """What a new order may need: in isolated mode open profit carries nothing."""
        if self.isolated_balance is not None:
            return self.wallet - self.locked - self.isolated_balance - self.order_initial
        return self.equity - self.locked - self.position_initial - self.order_initial

    @property
    def spendable(self) -> int:
        """What may leave the wallet: open profit may not."""
        return max(0, min(self.wallet - self.locked, self.available))


def close_fee(instrument: Instrument, value: int, sign: int, leverage: int) -> int:
    """The estimated fee of closing at the bankruptcy price, kept aside with the margin."""
    return div_up(value * (leverage - sign * 100) * instrument.taker_rate, leverage * ONE)


def entry_margin(instrument: Instrument, value: int, sign: int, leverage: int) -> int:
    """Initial margin of `value` quanta at a leverage in hundredths, with the fee of closing it."""
    return div_up(value * 100, leverage) + close_fee(instrument, value, sign, leverage)


def sign_of(lots: int) -> int:
    """1 for long, -1 for short, 0 for flat."""
    return (lots > 0) - (lots < 0)


def position_margin(account: Account, market: Market, position: Position) -> PositionMargin:
    """A position at the mark price."""
    instrument = market.instrument
    lots, sign = position.lots, sign_of(position.lots)
    if not lots:
        return PositionMargin(0, 0, 0, 0, 0)
    leverage = account.leverage_of(position.key)
    value = instrument.value(market.mark, abs(lots))
    fee = close_fee(instrument, value, sign, leverage)
    tier = instrument.tier_of(value)
    maintenance = max(0, div_up(value * tier.maintenance_rate, ONE) - tier.deduction) + fee
    initial = max(entry_margin(instrument, value, sign, leverage), maintenance)
    balance = entry_margin(instrument, abs(position.cost), sign, leverage) + position.added
    return PositionMargin(value, sign * value - position.cost, initial, maintenance, balance)


def order_margin(venue: Venue, account: Account, key: str, extra: Order | None = None) -> int:
    """Margin of the open orders on an instrument, with one more when it is given."""
    market = venue.state.markets[key]
    leverage = account.leverage_of(key)
    sides = venue.index.demand(account.uid, key)
    if extra is not None and not extra.reduce_only:
        side = (extra.position_index, extra.sign)
        lots, value = sides.get(side, NOTHING)
        sides = sides | {side: Demand(lots + extra.left, value + market.instrument.value(extra.price, extra.left))}
    needs: dict[int, int] = {}
    for (index, sign), wanted in sides.items():
        position = account.positions.get(key, {}).get(index)
        closing = max(0, -sign * position.lots) if position is not None else 0
        opening = max(0, wanted.lots - closing)
        value = wanted.value * opening // wanted.lots if wanted.lots else 0
        needs[index] = max(needs.get(index, 0), entry_margin(market.instrument, value, sign, leverage))
    return sum(needs.values())


def account_margin(venue: Venue, account: Account, coin: str, extra: Order | None = None) -> AccountMargin:
    """The account's margin in one settle coin; with `extra`, as if that order were open too."""
    unrealised = initial = maintenance = balance = orders = 0
    keys = dict.fromkeys([*account.positions, *(key for key in account.open_orders if key.startswith("linear"))])
    if extra is not None:
        keys[extra.key] = None
    for key in keys:
        market = venue.state.markets[key]
        if market.instrument.quote != coin:
            continue
        for position in account.positions_of(key):
            found = position_margin(account, market, position)
            unrealised += found.unrealised
            initial += found.initial
            maintenance += found.maintenance
            balance += found.balance
        orders += order_margin(venue, account, key, extra if extra is not None and extra.key == key else None)
    return AccountMargin(
        account.coins.get(coin, 0),
        account.locked.get(coin, 0),
        unrealised,
        initial,
        orders,
        maintenance,
        balance if account.isolated else None,
    )


def spendable(venue: Venue, account: Account, coin: str) -> int:
    """How much of a coin may be spent on spot or leave the account."""
    return account_margin(venue, account, coin).spendable


def liquidation_price(venue: Venue, account: Account, position: Position) -> int:
    """The mark at which this position alone would be liquidated, an estimate in cross mode; 0 when there is none."""
    market = venue.state.markets[position.key]
    instrument = market.instrument
    sign, lots = sign_of(position.lots), abs(position.lots)
    if not lots:
        return 0
    here = position_margin(account, market, position)
    tier = instrument.tier_of(here.value)
    leverage = account.leverage_of(position.key)
    fees = div_up((leverage - sign * 100) * instrument.taker_rate, leverage)
    if account.isolated:
        cushion = here.balance
        others = 0
    else:
        whole = account_margin(venue, account, instrument.quote)
        cushion = whole.wallet - whole.locked + whole.unrealised - here.unrealised
        others = whole.maintenance - here.maintenance
    # cushion + sign * (P * q) - cost = P * q * (mmr + fees) - deduction + others, solved for P * q
    rate = sign * ONE - tier.maintenance_rate - fees
    value = (position.cost - cushion - tier.deduction + others) * ONE // rate
    price = value * instrument.lots_per_unit // lots
    if not instrument.price_min <= price <= instrument.price_max:
        return 0
    return price - price % instrument.tick


def bankruptcy_price(account: Account, market: Market, position: Position) -> int:
    """Where an isolated position has eaten the margin it was opened with."""
    instrument = market.instrument
    lots, sign = abs(position.lots), sign_of(position.lots)
    margin = div_up(abs(position.cost) * 100, account.leverage_of(position.key)) + position.added
    price = (abs(position.cost) - sign * margin) * instrument.lots_per_unit // lots
    return max(instrument.tick, price - price % instrument.tick)
