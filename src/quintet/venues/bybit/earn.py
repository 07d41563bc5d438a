"""Coins into Bybit's Earn product and back (Bybit V5, Earn: Stake / Redeem, orders, position). Flexible saving only.

Each order bears a name that the venue knows it by. It is looked for before it is sent, every time: one that landed and
was not answered is found, and is sent no second time. Source: Bybit V5 documentation, Earn (Get Product Info, Stake /
Redeem, Get Stake/Redeem Order History, Get Staked Position).
"""

from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, NamedTuple

import msgspec

from quintet.core.errors import DataError
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.shapes import shaped

CATEGORY: Final = "FlexibleSaving"
WALLET: Final = "UNIFIED"
_NOT_TAKEN: Final = frozenset((10005, *range(180000, 181000)))
"""The key may not, or what the Earn product refuses: one of them says that the name is used, and the order is there."""

Became = Literal["done", "under way", "refused"]


class EarnOrder(NamedTuple):
    """So much of a coin in (`stakes`) or back; `name`: at most 36 letters, never used for another."""

    name: str
    coin: str
    amount: Decimal
    stakes: bool


class EarnState(NamedTuple):
    """What became of an order, and of how much; `why` it was refused."""

    became: Became
    amount: Decimal = Decimal(0)
    why: str = ""


class _Product(msgspec.Struct, frozen=True, rename="camel"):
    coin: str
    product_id: str
    status: str


class _Products(msgspec.Struct, frozen=True):
    list: tuple[_Product, ...] = ()


class _Order(msgspec.Struct, frozen=True, rename="camel"):
    order_link_id: str
    order_value: str
    order_type: str
    status: str


class _Orders(msgspec.Struct, frozen=True):
    list: tuple[_Order, ...] = ()


class _Position(msgspec.Struct, frozen=True):
    coin: str
    amount: str


class _Positions(msgspec.Struct, frozen=True):
    list: tuple[_Position, ...] = ()


async def staked(rest: Rest, coin: str) -> Decimal:
    """What of a coin is in the product; raises as `Rest.ask` does."""
    answer = await rest.ask("/v5/earn/position", {"category": CATEGORY, "coin": coin})
    rows = shaped(answer.result, _Positions, "earn position").list
    return sum((_amount(row.amount, "earn position: amount") for row in rows if row.coin == coin), Decimal(0))


async def carry_out(rest: Rest, order: EarnOrder) -> EarnState:
    """See to it that an order is with the venue; returns what became of it, to be asked again while it is under way.

    `rest`: of the account whose coins they are. Raises VenueUnreachable, ClockUnsure or DataError while nobody knows:
    then it is to be called again, with the same order.
    """
    found = await _found(rest, order)
    if found is not None:
        return found
    refused = await _sent(rest, order)
    found = await _found(rest, order)
    if found is not None:
        return found
    if refused:
        return EarnState("refused", why=refused)
    raise VenueUnreachable(f"bybit earn: order {order.name} is not listed yet")


async def _found(rest: Rest, order: EarnOrder) -> EarnState | None:
    query = {"category": CATEGORY, "orderLinkId": order.name}
    answer = await rest.ask("/v5/earn/order", query, _NOT_TAKEN)
    if answer.ret_code:
        return EarnState("refused", why=f"retCode {answer.ret_code}: {answer.ret_msg[:200]}")
    rows = shaped(answer.result, _Orders, "earn orders").list
    row = next((row for row in rows if row.order_link_id == order.name), None)
    if row is None:
        return None
    if row.status == "Fail":
        return EarnState("refused", why="the venue says that it failed")
    amount = _amount(row.order_value, "earn orders: orderValue")
    if row.status == "Success":
        return EarnState("done", amount)
    if row.status == "Pending":
        return EarnState("under way", amount)
    raise DataError(f"earn orders: status: found {row.status[:40]!r}, expected Success, Fail or Pending")


async def _sent(rest: Rest, order: EarnOrder) -> str:
    """Send it; returns why it was not taken, if the venue said so."""
    payload: dict[str, Any] = {
        "category": CATEGORY,
        "orderType": "Stake" if order.stakes else "Redeem",
        "accountType": WALLET,
        "amount": f"{order.amount:f}",
        "coin": order.coin,
        "productId": await _product_id(rest, order.coin),
        "orderLinkId": order.name,
    }
    answer = await rest.repeat("/v5/earn/place-order", payload, _NOT_TAKEN)
    return "" if answer.ret_code == 0 else f"retCode {answer.ret_code}: {answer.ret_msg[:200]}"


async def _product_id(rest: Rest, coin: str) -> str:
    """The product of a coin, an open one before others; raises VenueUnreachable where there is none."""
    answer = await rest.ask("/v5/earn/product", {"category": CATEGORY, "coin": coin})
    products = [one for one in shaped(answer.result, _Products, "earn products").list if one.coin == coin]
    products.sort(key=lambda one: one.status != "Available")
    if not products:
        raise VenueUnreachable(f"bybit earn: no product for {coin} is listed")
    return products[0].product_id


def _amount(text: str, where: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise DataError(f"{where}: found {text[:40]!r}, expected a number") from None
