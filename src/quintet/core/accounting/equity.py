"""Equity, its high-water mark, drawdown, and the day's opening value."""

from typing import Any

from quintet.core.accounting.position import position_value
from quintet.core.kernel import kernel
from quintet.core.state import DESK_BOOK

DAY_NS = 86_400_000_000_000


@kernel
def equity_quanta(inst: Any, account: Any, ledger: Any, price: int) -> int:
    """Money plus what the position would bring at `price`, in quanta of the settlement asset, before exit costs."""
    if inst.kind == 0:
        return ledger[DESK_BOOK, inst.quote_asset] + position_value(inst, account, price)
    asset = inst.base_asset if inst.kind == 2 else inst.quote_asset
    return ledger[DESK_BOOK, asset] + position_value(inst, account, price) - account.cost


@kernel
def value_opening(inst: Any, account: Any, equity: Any, price: int) -> None:
    """Coins brought in at the beginning cost what they are worth at the first mark: owning them is no profit."""
    value = position_value(inst, account, price)
    account.cost = value
    equity.quanta += value
    equity.start = equity.high_water = equity.day_open = equity.quanta


@kernel
def mark_equity(equity: Any, quanta: int, ts: int) -> None:
    """Take note of equity at a moment; a new UTC day opens with its value at 00:00.

    Drawdown is a fraction of the high-water mark: a signal, so a float.
    """
    if ts >= equity.day_end:
        # A mark at midnight itself opens the day, else the last one before it.
        equity.day_open = quanta if ts % DAY_NS == 0 else equity.quanta
        equity.day_end = (ts // DAY_NS + 1) * DAY_NS
    elif quanta == equity.quanta:
        return  # an account that holds nothing: everything below stands from the mark before
    equity.quanta = quanta
    if quanta >= equity.high_water:
        equity.high_water = quanta
        equity.drawdown = 0.0
        return
    equity.drawdown = (equity.high_water - quanta) / equity.high_water
    if equity.drawdown > equity.max_drawdown:
        equity.max_drawdown = equity.drawdown
