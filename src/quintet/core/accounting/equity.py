"""Equity, its high-water mark, drawdown, and the day's opening value."""

from typing import Any

from quintet.core.accounting.position import position_value
from quintet.core.kernel import kernel
from quintet.core.state import DESK_BOOK
from quintet.core.units import E9, UP, mul_div

DAY_NS = 86_400_000_000_000


@kernel
def equity_quanta(inst: Any, account: Any, ledger: Any, price: int) -> int:
    """Money plus what the position would bring at `price`, in quanta of the settlement asset, before exit costs."""
    if inst.kind == 0:
        return ledger[DESK_BOOK, inst.quote_asset] + position_value(inst, account, price)
    asset = inst.base_asset if inst.kind == 2 else inst.quote_asset
    return ledger[DESK_BOOK, asset] + position_value(inst, account, price) - account.cost


@kernel
def mark_equity(equity: Any, quanta: int, ts: int) -> None:
    """Take note of equity at a moment; a new UTC day keeps the last value before it as its opening value."""
    day = ts // DAY_NS
    if equity.day != day:
        equity.day_open = equity.quanta
        equity.day = day
    equity.quanta = quanta
    if quanta > equity.high_water:
        equity.high_water = quanta
    fallen = equity.high_water - quanta
    if fallen > 0 and equity.high_water > 0:
        equity.drawdown_e9 = mul_div(fallen, E9, equity.high_water, UP)
        if equity.drawdown_e9 > equity.max_drawdown_e9:
            equity.max_drawdown_e9 = equity.drawdown_e9
    else:
        equity.drawdown_e9 = 0
