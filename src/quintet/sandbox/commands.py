"""Everything that can be asked of the exchange, as values: what is journalled, and the whole of its input.

Prices and quantities are the decimal text that was asked for; "" is absent. The exchange judges them.
"""

from typing import Literal

import msgspec

from quintet.sandbox.orders import PriceKind, SelfMatch, TimeInForce


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="do"):
    """A request."""


class StopRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Take-profit and stop-loss as text; "" leaves them as they are, "0" takes them away."""

    take_profit: str = ""
    stop_loss: str = ""
    take_profit_by: PriceKind = "LastPrice"
    stop_loss_by: PriceKind = "LastPrice"
    take_profit_limit: str = ""
    stop_loss_limit: str = ""
    mode: Literal["", "Full", "Partial"] = ""


class Place(Command, tag="place", frozen=True):
    """A new order."""

    uid: int
    category: str
    symbol: str
    side: str
    order_type: str
    quantity: str
    price: str = ""
    time_in_force: TimeInForce = "GTC"
    link_id: str = ""
    position_index: int = 0
    reduce_only: bool = False
    close_on_trigger: bool = False
    trigger_price: str = ""
    trigger_direction: int = 0
    trigger_by: PriceKind = "LastPrice"
    stops: StopRequest = StopRequest()
    market_unit: Literal["", "baseCoin", "quoteCoin"] = ""
    order_filter: Literal["", "Order", "tpslOrder", "StopOrder"] = ""
    self_match: SelfMatch = "None"
    slippage_kind: Literal["", "TickSize", "Percent"] = ""
    slippage: str = ""


class Amend(Command, tag="amend", frozen=True):
    """A change of an open order; "" leaves a field as it is."""

    uid: int
    category: str
    symbol: str
    order_id: str = ""
    link_id: str = ""
    quantity: str = ""
    price: str = ""
    trigger_price: str = ""
    stops: StopRequest = StopRequest()


class Cancel(Command, tag="cancel", frozen=True):
    """End one order."""

    uid: int
    category: str
    symbol: str
    order_id: str = ""
    link_id: str = ""


class CancelAll(Command, tag="cancel-all", frozen=True):
    """End all orders of a product; empty fields do not narrow. `reason` is the cancel type that the orders show."""

    uid: int
    category: str
    symbol: str = ""
    base: str = ""
    settle: str = ""
    order_filter: str = ""
    stop_kind: str = ""
    reason: str = "CancelByUser"


class SetLeverage(Command, tag="leverage", frozen=True):
    """Leverage on one contract, as text."""

    uid: int
    category: str
    symbol: str
    leverage: str


class SwitchMode(Command, tag="position-mode", frozen=True):
    """One-way or hedge, on one contract or on all that settle in a coin."""

    uid: int
    category: str
    hedge: bool
    symbol: str = ""
    coin: str = ""


class SetMarginMode(Command, tag="margin-mode", frozen=True):
    """Cross or isolated, the whole account."""

    uid: int
    isolated: bool


class SetStops(Command, tag="stops", frozen=True):
    """Stops of an open position."""

    uid: int
    category: str
    symbol: str
    position_index: int
    stops: StopRequest
    trailing: str = ""
    active_price: str = ""
    take_profit_size: str = ""
    stop_loss_size: str = ""


class AddMargin(Command, tag="add-margin", frozen=True):
    """Margin to (or, negative, from) an isolated position."""

    uid: int
    category: str
    symbol: str
    position_index: int
    amount: str


class SetPriceAction(Command, tag="price-action", frozen=True):
    """Does a price beyond the limit move to it (True), or is the order refused?"""

    uid: int
    category: str
    moves: bool


class SetDisconnectWindow(Command, tag="disconnect-window", frozen=True):
    """Seconds without a private connection after which a product's orders are cancelled."""

    uid: int
    product: str
    window_s: int


class MoveCoins(Command, tag="transfer", frozen=True):
    """Between the wallets of an account, or between accounts of one owner."""

    transfer_id: str
    coin: str
    amount: str
    from_uid: int
    to_uid: int
    from_wallet: str = "UNIFIED"
    to_wallet: str = "UNIFIED"


class Earn(Command, tag="earn", frozen=True):
    """Coins into a product of Earn ("Stake"), or called back ("Redeem")."""

    uid: int
    category: str
    kind: str
    wallet: str
    amount: str
    coin: str
    product_id: str
    link_id: str


class SetEarn(Command, tag="earn-product", frozen=True):
    """What a coin's product yields a year, parts of 1e8, how long a redemption takes, is it open; None leaves it."""

    coin: str
    apr: int | None = None
    redeem_ms: int | None = None
    is_open: bool | None = None


class SetWithdrawals(Command, tag="withdrawals", frozen=True):
    """What the exchange says of withdrawals of a coin: open or closed. No key may withdraw either way."""

    coin: str
    is_open: bool


class SetInsurance(Command, tag="insurance", frozen=True):
    """What the insurance fund holds of a coin from now on: the difference comes from outside, or leaves."""

    coin: str
    amount: str


class OpenAccount(Command, tag="account", frozen=True):
    """A new account with what it is given; a sub-account names its parent."""

    uid: int
    name: str
    parent: int = 0
    coins: dict[str, str] = {}


class Ghosts(Command, tag="ghosts", frozen=True):
    """The market's quantities: (side sign, price in quanta, lots). A snapshot takes away what it does not name."""

    category: str
    symbol: str
    levels: list[tuple[int, int, int]]
    snapshot: bool = False


class GhostTrade(Command, tag="ghost-trade", frozen=True):
    """The market's taker: side sign, price in quanta, lots."""

    category: str
    symbol: str
    sign: int
    price: int
    lots: int


class SetPrices(Command, tag="prices", frozen=True):
    """Index and mark from outside, in quanta; 0 lets the exchange form one itself, None leaves it as it is."""

    symbol: str
    index: int | None = None
    mark: int | None = None


class SetFunding(Command, tag="funding", frozen=True):
    """The rate that the next funding will have, in parts of 1e8."""

    symbol: str
    rate: int


class FlowStep(Command, tag="flow", frozen=True):
    """One message of a market flow: what it changes, and its number, so that a restart goes on behind it."""

    source: str
    number: int
    steps: list[Ghosts | GhostTrade | SetPrices | SetFunding]


class BeginAfter(Command, tag="past", frozen=True):
    """A past for an instrument that has none: so many minutes from a seed, up to the price (in quanta) it begins at."""

    category: str
    symbol: str
    seed: int
    price: int
    minutes: int


class Deleverage(Command, tag="deleverage", frozen=True):
    """Auto-deleveraging: positions are closed against those who were liquidated, `quantity` of them in all."""

    symbol: str
    quantity: str


class ChangeInstrument(Command, tag="instrument", frozen=True):
    """Another tick size, or another status, of a listed instrument; "" leaves it."""

    category: str
    symbol: str
    tick: str = ""
    status: str = ""
    delivery_ms: int = 0


class Pass(Command, tag="pass", frozen=True):
    """Nothing but time."""


AnyCommand = (
    Place
    | Amend
    | Cancel
    | CancelAll
    | SetLeverage
    | SwitchMode
    | SetMarginMode
    | SetStops
    | AddMargin
    | SetPriceAction
    | SetDisconnectWindow
    | MoveCoins
    | Earn
    | SetEarn
    | SetWithdrawals
    | SetInsurance
    | OpenAccount
    | Ghosts
    | GhostTrade
    | FlowStep
    | SetPrices
    | SetFunding
    | BeginAfter
    | Deleverage
    | ChangeInstrument
    | Pass
)


class Placed(msgspec.Struct, frozen=True):
    """An order was accepted, amended or cancelled: its two names."""

    order_id: str
    link_id: str


class Cancelled(msgspec.Struct, frozen=True):
    """What a cancel-all ended."""

    orders: list[Placed]


class Done(msgspec.Struct, frozen=True):
    """It is done and there is nothing to tell."""
