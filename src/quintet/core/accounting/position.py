"""A fill changes position, cost, realised profit and the books; every asset is conserved.

Double entry: whatever leaves one account enters another, so the sum over accounts of every asset stays zero.
The cost of a position is what was paid for it; closing a part releases that part of the cost, rounded down,
and what stays is exactly the rest. Profit before fees = realised + (value now - cost).
"""

from typing import Any

from quintet.core.accounting.fees import fill_value
from quintet.core.kernel import kernel
from quintet.core.state import DESK_BOOK, FEE_BOOK, MARKET_BOOK
from quintet.core.units import DOWN, mul_div


@kernel
def book_fill(inst: Any, account: Any, ledger: Any, fill: Any) -> None:
    """Book one fill of ours: `fill.side` +1 bought, -1 sold; `fill.fee` in quanta of `fill.fee_asset`, + = paid."""
    if inst.kind == 0:
        _book_spot(inst, account, ledger, fill.side, fill.price, fill.lots, fill.fee, fill.fee_asset)
    else:
        _book_contract(inst, account, ledger, fill.side, fill.price, fill.lots)
        account.fees += fill.fee
    ledger[DESK_BOOK, fill.fee_asset] -= fill.fee
    ledger[FEE_BOOK, fill.fee_asset] += fill.fee
    account.n_fills += 1
    account.turnover += fill_value(inst, fill.price, fill.lots)
    if fill.maker != 0:
        account.maker_lots += fill.lots
    else:
        account.taker_lots += fill.lots


@kernel
def _book_spot(
    inst: Any, account: Any, ledger: Any, side: int, price: int, lots: int, fee: int, fee_asset: int
) -> None:
    """Base against quote. A fee taken in base is base that never arrives, priced at the fill."""
    base = lots * inst.base_quanta
    value = price * lots * inst.quanta
    ledger[DESK_BOOK, inst.base_asset] += side * base
    ledger[MARKET_BOOK, inst.base_asset] -= side * base
    ledger[DESK_BOOK, inst.quote_asset] -= side * value
    ledger[MARKET_BOOK, inst.quote_asset] += side * value
    if side > 0:
        account.cost += value
        account.held += base
    else:
        released = mul_div(account.cost, base, account.held, DOWN) if account.held > 0 else 0
        account.cost -= released
        account.held -= base
        account.realized += value - released
    if fee_asset == inst.base_asset:
        fee_value = mul_div(fee, value, base, DOWN)
        account.cost -= fee_value
        account.held -= fee
        account.fee_base += fee
        account.fees += fee_value
    else:
        account.fees += fee
    account.lots = account.held // inst.base_quanta


@kernel
def _book_contract(inst: Any, account: Any, ledger: Any, side: int, price: int, lots: int) -> None:
    """Close against the open position first, then open; only realised profit moves money."""
    sign = -1 if inst.kind == 2 else 1
    held = account.lots
    closed = 0
    if held * side < 0:
        closed = min(lots, abs(held))
        flow = sign * side * fill_value(inst, price, closed)
        released = mul_div(account.cost, closed, abs(held), DOWN)
        gain = -flow - released
        account.cost -= released
        account.realized += gain
        asset = inst.base_asset if inst.kind == 2 else inst.quote_asset
        ledger[DESK_BOOK, asset] += gain
        ledger[MARKET_BOOK, asset] -= gain
    if lots > closed:
        account.cost += sign * side * fill_value(inst, price, lots - closed)
    account.lots = held + side * lots


@kernel
def position_value(inst: Any, account: Any, price: int) -> int:
    """What the open position is worth at `price`, signed so that `position_value - cost` is unrealised profit.

    Spot: quote quanta, dust included, rounded down. Linear: quote quanta. Inverse: base quanta, negative when long.
    """
    if inst.kind == 0:
        return mul_div(account.held, price * inst.quanta, inst.base_quanta, DOWN) if account.held != 0 else 0
    if inst.kind == 2:
        magnitude = fill_value(inst, price, abs(account.lots))
        return -magnitude if account.lots > 0 else magnitude
    return price * account.lots * inst.quanta
