"""Everything the exchange remembers, as plain records: what a snapshot holds and a restart brings back."""

from typing import Final

import msgspec

from quintet.sandbox.candle_series import CandleSeries
from quintet.sandbox.instruments import Instrument
from quintet.sandbox.orders import Order

MARKET, FEES, INSURANCE, OUTSIDE, CLEARING = 0, 1, 2, 3, 4
"""Accounts of the house: the ghosts' side of every trade, fees, the insurance fund, deposits and withdrawals, and what
positions have realised against those still open. With them every movement of a coin has two sides."""

LEVERAGE_DEFAULT: Final = 1000


class Execution(msgspec.Struct, kw_only=True):
    """One fill of one account, or a funding payment, or a takeover in liquidation."""

    exec_id: str
    order_id: str
    link_id: str
    uid: int
    key: str
    sign: int
    price: int
    lots: int
    value: int
    fee: int
    fee_coin: str
    rate: int
    is_maker: bool
    ms: int
    kind: str
    seq: int
    left: int = 0
    order_price: int = 0
    order_lots: int = 0
    order_type: str = "UNKNOWN"
    stop_kind: str = ""
    create_type: str = ""
    closed_lots: int = 0
    pnl: int = 0
    mark: int = 0
    index: int = 0


class LogEntry(msgspec.Struct, kw_only=True):
    """One line of the transaction log: change = cash flow + funding - fee, and the balance after it."""

    entry_id: str
    uid: int
    key: str
    sign: int
    ms: int
    kind: str
    coin: str
    change: int
    balance: int
    cash_flow: int = 0
    funding: int = 0
    fee: int = 0
    rate: int = 0
    lots: int = 0
    position_lots: int = 0
    price: int = 0
    trade_id: str = ""
    order_id: str = ""
    link_id: str = ""


class ClosedPnl(msgspec.Struct, kw_only=True):
    """One closing fill: what it cost to enter, what the exit brought; `pnl` is net of both fees."""

    uid: int
    key: str
    order_id: str
    sign: int
    order_lots: int
    order_price: int
    is_market: bool
    exec_kind: str
    lots: int
    entry_value: int
    exit_value: int
    pnl: int
    leverage: int
    open_fee: int
    close_fee: int
    created_ms: int
    updated_ms: int


class Position(msgspec.Struct, kw_only=True):
    """Signed lots and what was paid for them; `added` is margin put to an isolated position by hand."""

    uid: int
    key: str
    index: int
    lots: int = 0
    cost: int = 0
    open_fees: int = 0
    realised: int = 0
    realised_ever: int = 0
    added: int = 0
    created_ms: int = 0
    updated_ms: int = 0
    opened_ms: int = 0
    seq: int = 0


class Account(msgspec.Struct, kw_only=True):
    """A main or sub-account: its coins, its settings, and where its orders and positions are.

    `archived` counts what has left each list for the archive, `used_links` are the names of orders that have.
    """

    uid: int
    name: str
    parent: int = 0
    created_ms: int = 0
    coins: dict[str, int] = {}
    funding_coins: dict[str, int] = {}
    locked: dict[str, int] = {}
    realised_ever: dict[str, int] = {}
    isolated: bool = False
    hedge: dict[str, bool] = {}
    leverage: dict[str, int] = {}
    positions: dict[str, dict[int, Position]] = {}
    open_orders: dict[str, dict[str, None]] = {}
    closed_orders: dict[str, list[str]] = {}
    links: dict[str, dict[str, str]] = {}
    used_links: dict[str, list[bytes]] = {}
    archived: dict[str, int] = {}
    executions: list[Execution] = []
    log: list[LogEntry] = []
    closed_pnl: list[ClosedPnl] = []
    transfers: list["Transfer"] = []
    earn: dict[str, "EarnPosition"] = {}
    earn_orders: list["EarnOrder"] = []
    disconnect_windows: dict[str, int] = {}
    moves_price: dict[str, bool] = {}

    def leverage_of(self, key: str) -> int:
        """Hundredths of leverage on an instrument."""
        return self.leverage.get(key, LEVERAGE_DEFAULT)

    def positions_of(self, key: str) -> list[Position]:
        """Its positions on an instrument, one or two."""
        return list(self.positions.get(key, {}).values())


class Transfer(msgspec.Struct, kw_only=True):
    """Coins that went from one wallet or account to another."""

    transfer_id: str
    coin: str
    amount: int
    from_uid: int
    to_uid: int
    from_wallet: str
    to_wallet: str
    ms: int


class EarnProduct(msgspec.Struct):
    """What may be staked: `apr` parts of 1e8 a year, `least` quanta of a stake."""

    product_id: str
    coin: str
    apr: int
    redeem_ms: int = 60_000
    is_open: bool = True
    least: int = 10_000
    decimals: int = 8


class EarnPosition(msgspec.Struct, kw_only=True):
    """Of an account in one product, quanta: what is in it, what accrued since the last payment, what was ever paid.

    `since_ms`: the hour up to which it has accrued.
    """

    since_ms: int
    amount: int = 0
    yielded: int = 0
    earned: int = 0


class EarnOrder(msgspec.Struct, kw_only=True):
    """A stake or a redemption."""

    order_id: str
    link_id: str
    kind: str
    wallet: str
    coin: str
    product_id: str
    amount: int
    ms: int
    updated_ms: int
    due_ms: int
    status: str = "Success"


class Trade(msgspec.Struct):
    """A print of the public tape."""

    trade_id: str
    ms: int
    sign: int
    price: int
    lots: int
    seq: int
    tick_direction: str


class Funding(msgspec.Struct):
    """A rate as it was charged."""

    ms: int
    rate: int


class Market(msgspec.Struct, kw_only=True):
    """What the world sees of one instrument besides its book, and what the mark and the funding rate are made of.

    `index_given` is the index price that a market flow has set; while it is 0 the book's mid stands for it.
    """

    instrument: Instrument
    last: int = 0
    mark: int = 0
    index: int = 0
    index_given: int = 0
    mark_given: int = 0
    tick_direction: str = "PlusTick"
    trades: list[Trade] = []
    candles: CandleSeries = msgspec.field(default_factory=CandleSeries)
    mark_candles: CandleSeries = msgspec.field(default_factory=CandleSeries)
    index_candles: CandleSeries = msgspec.field(default_factory=CandleSeries)
    premium_candles: CandleSeries = msgspec.field(default_factory=CandleSeries)
    basis: list[int] = []
    premium: list[int] = []
    premium_sum: int = 0
    premium_weight: int = 0
    funding_rate: int = 10_000
    funding_given: int | None = None
    next_funding_ms: int = 0
    fundings: list[Funding] = []
    interest: list[tuple[int, int]] = []


class State(msgspec.Struct, kw_only=True):
    """The exchange at one moment."""

    now_ms: int = 0
    sampled_ms: int = 0
    seq: int = 1_000_000
    ids: int = 0
    insurance_paid: int = 0
    accounts: dict[int, Account] = {}
    orders: dict[str, Order] = {}
    markets: dict[str, Market] = {}
    transfer_ids: dict[str, None] = {}
    earn_products: dict[str, EarnProduct] = {}
    closed_withdrawals: dict[str, None] = {}
    flows: dict[str, int] = {}
    books: dict[str, list[tuple[int, int, list[tuple[str, int]]]]] = {}

    @property
    def coins(self) -> list[str]:
        """What is listed, each once."""
        listed = (market.instrument for market in self.markets.values())
        return list(dict.fromkeys(coin for each in listed for coin in (each.quote, each.base)))


def key_of(category: str, symbol: str) -> str:
    """The name under which the exchange keeps an instrument: two products may share a symbol."""
    return f"{category}:{symbol}"
