"""How much Bybit lets one account and one address ask, before its own headers say otherwise."""

from collections.abc import Sequence
from typing import Final

from quintet.venues.bybit.encode import Request
from quintet.venues.pacing import SECOND_NS, Cost, Limit

ADDRESS: Final = "address"
"""600 requests of one address in 5 s, whatever they are; beyond, it is shut out for ten minutes."""

SHUT_OUT_S: Final = 600.0
_KEPT_FOR_CANCELS: Final = 100

_ORDERS: Final = {
    "create": (10, 20),
    "amend": (10, 10),
    "cancel": (10, 20),
    "cancel-all": (10, 20),
    "create-batch": (10, 20),
    "amend-batch": (10, 20),
    "cancel-batch": (10, 20),
    "disconnected-cancel-all": (5, 5),
}
"""Units a second of a contract's category and of spot; a batch spends one for each of its orders."""

_QUESTIONS: Final = {
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
    "/v5/position/list": 50,
    "/v5/account/wallet-balance": 50,
    "/v5/account/fee-rate": 5,
    "/v5/account/set-limit-px-action": 5,
    "/v5/user/query-api": 10,
    "/v5/user/query-sub-members": 10,
    "/v5/user/sub-apikeys": 10,
    "/v5/user/create-sub-member": 1,
    "/v5/user/create-sub-api": 1,
    "/v5/user/delete-sub-api": 5,
    "/v5/asset/transfer/universal-transfer": 5,
    "/v5/asset/transfer/query-universal-transfer-list": 5,
    "/v5/asset/deposit/query-record": 50,
    "/v5/earn/product": 50,
    "/v5/earn/order": 5,
    "/v5/earn/position": 5,
    "/v5/earn/place-order": 5,
}


def limits(categories: Sequence[str]) -> dict[str, Limit]:
    """Every limit of an account that trades these categories."""
    found = {ADDRESS: Limit(600, 5 * SECOND_NS, for_urgent=_KEPT_FOR_CANCELS)}
    for action, (contracts, spot) in _ORDERS.items():
        for category in categories:
            found[f"{action} {category}"] = Limit(spot if category == "spot" else contracts)
    return found | {path: Limit(units) for path, units in _QUESTIONS.items()}


def costs(request: Request) -> list[Cost]:
    """What a request spends of the account's limits, through whichever door."""
    return [Cost(f"{request.action} {request.category}", request.units)]


def question_costs(path: str) -> list[Cost]:
    """What a question spends; public ones count for the address alone."""
    return [*([Cost(path)] if path in _QUESTIONS else []), Cost(ADDRESS)]
