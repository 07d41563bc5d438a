"""The Earn product over the protocol: what is offered, stakes and redemptions, what is in it and has been paid."""

from typing import Any, Final

from quintet.sandbox.bybit_v5.call import Call
from quintet.sandbox.bybit_v5.envelope import granted
from quintet.sandbox.bybit_v5.paging import page
from quintet.sandbox.commands import Earn
from quintet.sandbox.earn import FLEXIBLE
from quintet.sandbox.money import ONE, plain
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import EarnOrder, EarnProduct

Result = dict[str, Any]

CATEGORIES: Final = (FLEXIBLE, "OnChain")
PER_CENT: Final = 100


def products(call: Call) -> Result:
    """What may be staked, of one coin or of all; on chain nothing is."""
    category, coin = _category(call), call.params.text("coin")
    found = call.service.state.earn_products.values()
    return {"list": [_product_row(one) for one in found if category == FLEXIBLE and one.coin == (coin or one.coin)]}


def _category(call: Call) -> str:
    category: str = call.params.text("category")
    if category not in CATEGORIES:
        raise Refused(180001, "Invalid parameter: category")
    return category


def _product_row(one: EarnProduct) -> Result:
    return {
        "category": FLEXIBLE,
        "estimateApr": f"{one.apr * PER_CENT / ONE:.2f}%",
        "coin": one.coin,
        "minStakeAmount": plain(one.least),
        "maxStakeAmount": "1000000",
        "precision": str(one.decimals),
        "productId": one.product_id,
        "status": "Available" if one.is_open else "NotAvailable",
        "bonusEvents": [],
        "minRedeemAmount": "",
        "maxRedeemAmount": "",
        "duration": "",
        "term": 0,
        "swapCoin": "",
        "swapCoinPrecision": "",
        "stakeExchangeRate": "",
        "redeemExchangeRate": "",
        "rewardDistributionType": "",
        "rewardIntervalMinute": 0,
        "redeemProcessingMinute": str(one.redeem_ms // 60_000),
        "stakeTime": "",
        "interestCalculationTime": "",
    }


def place(call: Call) -> Result:
    """Stake or redeem; the answer says that it was taken."""
    params, link_id = call.params, call.params.required("orderLinkId")
    request = Earn(
        uid=call.uid, category=params.required("category"), kind=params.required("orderType"),
        wallet=params.required("accountType"), amount=params.required("amount"), coin=params.required("coin"),
        product_id=params.required("productId"), link_id=link_id,
    )  # fmt: skip
    granted(call.service.do(request))
    return {"orderId": call.account.earn_orders[-1].order_id, "orderLinkId": link_id}


def orders(call: Call) -> Result:
    """Stakes and redemptions, newest first; of a name that was used again the latest."""
    _category(call)
    wanted = {name: call.params.text(field) for name, field in (("order_id", "orderId"), ("product_id", "productId"))}
    found = [
        one for one in call.account.earn_orders
        if all(not text or getattr(one, name) == text for name, text in wanted.items())
    ]  # fmt: skip
    if link_id := call.params.text("orderLinkId"):
        found = [one for one in found if one.link_id == link_id][-1:]
    return page(found, call.params, 50, 100, _order_row)


def _order_row(one: EarnOrder) -> Result:
    return {
        "coin": one.coin,
        "orderValue": plain(one.amount),
        "orderType": one.kind,
        "orderId": one.order_id,
        "orderLinkId": one.link_id,
        "status": one.status,
        "createdAt": str(one.ms),
        "productId": one.product_id,
        "updatedAt": str(one.updated_ms),
        "swapOrderValue": "",
        "estimateRedeemTime": "",
        "estimateStakeTime": "",
    }


def positions(call: Call) -> Result:
    """What is in each product; one that was emptied is shown too."""
    _category(call)
    coin, product_id = call.params.text("coin"), call.params.text("productId")
    rows = []
    for number, one in call.account.earn.items():
        product = call.service.state.earn_products[number]
        if product.coin == (coin or product.coin) and number == (product_id or number):
            rows.append({
                "coin": product.coin, "productId": number, "amount": plain(one.amount), "totalPnl": plain(one.earned),
                "claimableYield": plain(one.yielded), "id": "", "status": "", "orderId": "", "estimateRedeemTime": "",
                "estimateStakeTime": "", "estimateInterestCalculationTime": "", "settlementTime": "",
            })  # fmt: skip
    return {"list": rows}
