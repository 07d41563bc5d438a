"""What a perpetual pays its holders, and they it, so that it stays near its index."""

from typing import Any

from quintet.core.accounting.fees import fill_value
from quintet.core.kernel import kernel
from quintet.core.state import DESK_BOOK, MARKET_BOOK
from quintet.core.units import E9, UP, mul_div


@kernel
def funding_quanta(inst: Any, lots: int, mark: int, rate_e9: int) -> int:
    """What a position pays at a funding time (- = receives): value at mark times rate; longs pay when that is positive.

    Assumption: the venue rounds against the trader at the quantum, as with fees: what is paid is rounded up, what is
    received is rounded down.
    """
    value = fill_value(inst, mark, abs(lots))
    return mul_div(value if lots > 0 else -value, rate_e9, E9, UP)


@kernel
def book_funding(account: Any, ledger: Any, quanta: int, asset: int) -> None:
    """Book funding that was paid (+) to the market or received (-) from it: no part of realised profit, nor of fees."""
    account.funding += quanta
    ledger[DESK_BOOK, asset] -= quanta
    ledger[MARKET_BOOK, asset] += quanta
