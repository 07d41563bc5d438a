"""The Earn product: coins that an account has given away for a yield, and that come back when they are called.

Flexible saving only. Yield accrues by the hour on what is in, and is added to it each day at 00:30 UTC; with a
redemption of everything what has accrued since comes along. A stake is done at once, a redemption takes as long as the
product says. Coins leave to outside and yield comes from there, so that every coin has two sides here too.

Assumption: what is paid at 00:30 stays in the product. Assumption: the numbers of the refusals.
"""

from typing import Final

from quintet.core.errors import NotExact
from quintet.sandbox.commands import Done, Earn, SetEarn
from quintet.sandbox.ledger import deposit, move_to_funding
from quintet.sandbox.margin import spendable
from quintet.sandbox.money import ONE, plain, quanta
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Account, EarnOrder, EarnPosition, EarnProduct, LogEntry, Market
from quintet.sandbox.venue import Venue

FLEXIBLE: Final = "FlexibleSaving"
STAKE, REDEEM = "Stake", "Redeem"
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
PAID_AT_MS: Final = HOUR_MS // 2
HOURS_A_YEAR: Final = 365 * 24
NAME_KEPT_MS: Final = HOUR_MS // 2
"""So long the name of an order is good for one."""

ORDERS_KEPT: Final = 500
APRS: Final = {"ETH": 3_000_000, "BTC": 500_000, "SOL": 4_000_000, "USDT": 4_000_000}
"""What the products of a new exchange yield a year, parts of 1e8."""


def products_of(markets: list[Market]) -> dict[str, EarnProduct]:
    """A product for each coin that is listed and has a yield."""
    coins = dict.fromkeys(coin for one in markets for coin in (one.instrument.base, one.instrument.quote))
    listed = [coin for coin in coins if coin in APRS]
    return {str(430 + n): EarnProduct(str(430 + n), coin, APRS[coin]) for n, coin in enumerate(listed)}


def set_earn(venue: Venue, request: SetEarn) -> Done:
    """Another yield, time of redemption or status of a coin's product; a coin that has none gets one."""
    state = venue.state
    found = next((one for one in state.earn_products.values() if one.coin == request.coin), None)
    if found is None:
        number = str(max(map(int, state.earn_products), default=429) + 1)
        found = state.earn_products[number] = EarnProduct(number, request.coin, 0)
    found.apr = found.apr if request.apr is None else request.apr
    found.redeem_ms = found.redeem_ms if request.redeem_ms is None else request.redeem_ms
    found.is_open = found.is_open if request.is_open is None else request.is_open
    return Done()


def earn(venue: Venue, request: Earn) -> Done:
    """Stake coins, or call them back. A stake is done with the answer, a redemption later."""
    account, product = venue.account(request.uid), _product(venue, request)
    if any(one.link_id == request.link_id and venue.now_ms - one.ms < NAME_KEPT_MS for one in account.earn_orders):
        raise Refused(180025, "The order already exists")
    order = EarnOrder(
        order_id="", link_id=request.link_id, kind=request.kind, wallet=request.wallet, coin=product.coin,
        product_id=product.product_id, amount=_amount(request, product), ms=venue.now_ms, updated_ms=venue.now_ms,
        due_ms=venue.now_ms,
    )  # fmt: skip
    if request.kind == STAKE:
        _stake(venue, account, order)
    else:
        _call_back(venue, account, product, order)
    order.order_id = venue.new_id()
    account.earn_orders.append(order)
    del account.earn_orders[:-ORDERS_KEPT]
    return Done()


def _product(venue: Venue, request: Earn) -> EarnProduct:
    found = venue.state.earn_products.get(request.product_id)
    if request.category != FLEXIBLE or request.kind not in (STAKE, REDEEM) or request.wallet not in ("FUND", "UNIFIED"):
        raise Refused(180001, "Invalid parameter")
    if found is None or found.coin != request.coin:
        raise Refused(180002, "Invalid coin or product")
    if request.kind == STAKE and not found.is_open:
        raise Refused(180008, "The product is not available")
    return found


def _amount(request: Earn, product: EarnProduct) -> int:
    try:
        amount = quanta(request.amount, "amount")
    except NotExact:
        raise Refused(180001, "Invalid parameter: amount has too many decimals") from None
    least = product.least if request.kind == STAKE else 1
    if amount < least or amount % 10 ** (8 - product.decimals):
        raise Refused(180001, f"Invalid parameter: amount, at least {plain(least)} of {product.decimals} decimals")
    return amount


def _stake(venue: Venue, account: Account, order: EarnOrder) -> None:
    coin, amount = order.coin, order.amount
    unified = order.wallet == "UNIFIED"
    held = spendable(venue, account, coin) if unified else account.funding_coins.get(coin, 0)
    if amount > held:
        raise Refused(180013, "Insufficient balance")
    if not unified:
        move_to_funding(account, coin, -amount)
    deposit(venue.state, account.uid, coin, -amount)
    account.earn.setdefault(order.product_id, EarnPosition(since_ms=venue.now_ms)).amount += amount
    _log(venue, account, order, -amount if unified else 0)


def _call_back(venue: Venue, account: Account, product: EarnProduct, order: EarnOrder) -> None:
    position = account.earn.get(order.product_id)
    if position is None or order.amount > position.amount:
        raise Refused(180012, "Insufficient staked amount")
    position.amount -= order.amount
    if not position.amount:
        order.amount += position.yielded
        position.earned, position.yielded = position.earned + position.yielded, 0
    order.due_ms, order.status = venue.now_ms + product.redeem_ms, "Pending"


def pass_time(venue: Venue) -> None:
    """Yield accrues and is paid, and what was called back arrives when it is due."""
    for account in venue.state.accounts.values():
        if account.earn:
            _accrue(venue, account)
        for order in account.earn_orders:
            if order.status == "Pending" and order.due_ms <= venue.now_ms:
                _arrive(venue, account, order)


def _accrue(venue: Venue, account: Account) -> None:
    """Hour after hour, and at half past midnight into the product."""
    for product_id, position in account.earn.items():
        apr = venue.state.earn_products[product_id].apr
        while position.since_ms + HOUR_MS <= venue.now_ms:
            paid_ms = (position.since_ms - PAID_AT_MS) // DAY_MS
            position.since_ms += HOUR_MS
            position.yielded += position.amount * apr // (HOURS_A_YEAR * ONE)
            if (position.since_ms - PAID_AT_MS) // DAY_MS > paid_ms:
                position.amount += position.yielded
                position.earned += position.yielded
                position.yielded = 0


def _arrive(venue: Venue, account: Account, order: EarnOrder) -> None:
    order.status, order.updated_ms = "Success", venue.now_ms
    deposit(venue.state, account.uid, order.coin, order.amount)
    if order.wallet == "FUND":
        move_to_funding(account, order.coin, order.amount)
    _log(venue, account, order, order.amount if order.wallet == "UNIFIED" else 0)


def _log(venue: Venue, account: Account, order: EarnOrder, change: int) -> None:
    if not change:
        return
    kind = "FLEXIBLE_STAKING_SUBSCRIPTION" if change < 0 else "FLEXIBLE_STAKING_REDEMPTION"
    account.log.append(
        LogEntry(
            entry_id=str(venue.number()), uid=account.uid, key="", sign=0, ms=venue.now_ms, kind=kind, coin=order.coin,
            change=change, balance=account.coins.get(order.coin, 0), cash_flow=change,
        )
    )  # fmt: skip
    venue.tell_wallet(account.uid)
