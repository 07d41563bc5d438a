"""What a fill costs."""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.units import E9, UP, mul_div


@kernel
def fee_quanta(amount: int, rate_e9: int) -> int:
    """Fee on `amount` quanta, rounded up to the quantum: never less than the venue takes. A rebate is negative.

    Assumption: the venue rounds against the trader at the quantum of the asset the fee is taken in.
    """
    return mul_div(amount, rate_e9, E9, UP)


@kernel
def fill_value(inst: Any, price: int, lots: int) -> int:
    """Value of a fill in quanta of what it is counted in: quote for spot and linear, base for inverse.

    An inverse contract is worth `contract_value / price` of the base asset, rounded down to the quantum.
    """
    if inst.kind == 2:
        return lots * inst.inverse_value // price
    return price * lots * inst.quanta
