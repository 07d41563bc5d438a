"""Money and coins that go from one account to another: out of the books of one, into those of the other.

To each account a transfer is capital: the desk has more, the capital book less (or the other way round), so each asset
sums to zero in each account by itself, and what leaves one is what enters the other, to the quantum. It is neither
profit nor loss of either. Nothing can be taken that is not there.
"""

from typing import Any

from quintet.core.errors import InvariantError
from quintet.core.state import CAPITAL_BOOK, DESK_BOOK


def transfer_money(source: Any, to: Any, asset: int, quanta: int) -> None:
    """Move quanta of an asset from one ledger to another; raises InvariantError for more than the first has."""
    held = int(source[DESK_BOOK, asset])
    if not 0 < quanta <= held:
        raise InvariantError(f"transfer: found {quanta} quanta of {held}, expected 1 to {max(held, 0)}")
    for ledger, sign in ((source, -1), (to, 1)):
        ledger[DESK_BOOK, asset] += sign * quanta
        ledger[CAPITAL_BOOK, asset] -= sign * quanta


def release_coins(account: Any, base_quanta: int, quanta: int) -> int:
    """Take coins out of a spot account, with their part of the cost, rounded down; returns that part.

    `base_quanta`: of one lot; raises InvariantError for more than is held.
    """
    held = int(account.held)
    if not 0 < quanta <= held:
        raise InvariantError(f"transfer: found {quanta} quanta of a coin of {held}, expected 1 to {max(held, 0)}")
    cost = int(account.cost) * quanta // held
    account.held = held - quanta
    account.cost = int(account.cost) - cost
    account.lots = account.held // base_quanta
    return cost


def receive_coins(account: Any, base_quanta: int, quanta: int, cost: int) -> None:
    """Bring coins into a spot account at the cost that they had in the other: nothing is realised on the way."""
    account.held = int(account.held) + quanta
    account.cost = int(account.cost) + cost
    account.lots = account.held // base_quanta
