"""An order's whole life in one record, and the words that the venue uses for its stations."""

from typing import Final, Literal

import msgspec

Status = Literal[
    "New", "PartiallyFilled", "Untriggered", "Triggered", "Filled", "Cancelled", "PartiallyFilledCanceled", "Rejected",
    "Deactivated",
]  # fmt: skip
OPEN: Final = frozenset({"New", "PartiallyFilled", "Untriggered"})
"""States in which an order can still trade."""

TimeInForce = Literal["GTC", "IOC", "FOK", "PostOnly"]
PriceKind = Literal["LastPrice", "MarkPrice", "IndexPrice"]
StopKind = Literal[
    "",
    "Stop",
    "TakeProfit",
    "StopLoss",
    "PartialTakeProfit",
    "PartialStopLoss",
    "TrailingStop",
    "tpslOrder",
    "OcoOrder",
]
SelfMatch = Literal["None", "CancelMaker", "CancelTaker", "CancelBoth"]
POSITION_STOPS: Final = frozenset({"TakeProfit", "StopLoss", "PartialTakeProfit", "PartialStopLoss", "TrailingStop"})

RISE, FALL = 1, 2


class StopPlan(msgspec.Struct, frozen=True):
    """A take-profit and a stop-loss as they were asked for; a trigger of 0 is none, a limit of 0 means market."""

    take_profit: int = 0
    stop_loss: int = 0
    take_profit_by: PriceKind = "LastPrice"
    stop_loss_by: PriceKind = "LastPrice"
    take_profit_limit: int = 0
    stop_loss_limit: int = 0
    partial: bool = False

    @property
    def is_empty(self) -> bool:
        """True when nothing was asked for."""
        return not (self.take_profit or self.stop_loss)


class Order(msgspec.Struct, kw_only=True):
    """Prices in quanta, quantities in lots, times in milliseconds.

    `budget` is the quote money of a spot market order that was given in quote coin; its lots are then what it traded.
    `activation` is the price at which a trailing stop begins to follow; 0 once it does.
    `is_resting`: it stands in a queue. `locked` is what a spot order has reserved: quote to buy, base to sell.
    """

    order_id: str
    link_id: str
    uid: int
    key: str
    sign: int
    is_market: bool
    lots: int
    price: int
    time_in_force: TimeInForce
    created_ms: int
    updated_ms: int
    status: Status = "New"
    filled: int = 0
    value: int = 0
    fees: dict[str, int] = {}
    closed_pnl: int = 0
    budget: int = 0
    locked: int = 0
    position_index: int = 0
    reduce_only: bool = False
    close_on_trigger: bool = False
    trigger_price: int = 0
    trigger_direction: int = 0
    trigger_by: PriceKind = "LastPrice"
    trail: int = 0
    activation: int = 0
    stop_kind: StopKind = ""
    stops: StopPlan = StopPlan()
    sibling: str = ""
    parent_link: str = ""
    self_match: SelfMatch = "None"
    self_match_order: str = ""
    create_type: str = "CreateByUser"
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    last_price_on_created: int = 0
    is_resting: bool = False

    @property
    def is_open(self) -> bool:
        """True while it can still trade."""
        return self.status in OPEN

    @property
    def is_waiting(self) -> bool:
        """True while it waits for its trigger."""
        return self.status == "Untriggered"

    @property
    def left(self) -> int:
        """Lots that have not traded; 0 once it is closed."""
        return self.lots - self.filled if self.is_open or self.status == "Triggered" else 0

    @property
    def follows_position(self) -> bool:
        """True for a stop that closes the whole position, whatever its size is by then."""
        return self.stop_kind in ("TakeProfit", "StopLoss", "TrailingStop")
