"""Every path of the protocol that is served: who may call it, how often, and what answers."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from quintet.sandbox.bybit_v5 import (
    account_calls,
    asset_calls,
    earn_calls,
    key_calls,
    market_calls,
    order_calls,
    position_calls,
)
from quintet.sandbox.bybit_v5.access import check_right
from quintet.sandbox.bybit_v5.call import Call
from quintet.sandbox.bybit_v5.envelope import Reply
from quintet.sandbox.bybit_v5.pacing import Pacing
from quintet.sandbox.bybit_v5.params import Params
from quintet.sandbox.keys import ApiKey
from quintet.sandbox.refusal import Refused
from quintet.sandbox.service import Service

Answering = Callable[[Call], dict[str, Any] | Reply]


class Route(NamedTuple):
    """`right` "" is public. Limits are per second for linear and spot; a batch spends a unit for each order itself."""

    answer: Answering
    right: str = ""
    linear: int = 50
    spot: int = 50
    window_ms: int = 1000
    is_batch: bool = False


_GET: Final[dict[str, Route]] = {
    "market/time": Route(market_calls.time),
    "market/kline": Route(market_calls.klines),
    "market/mark-price-kline": Route(market_calls.mark_klines),
    "market/index-price-kline": Route(market_calls.index_klines),
    "market/premium-index-price-kline": Route(market_calls.premium_klines),
    "market/instruments-info": Route(market_calls.instruments),
    "market/orderbook": Route(market_calls.orderbook),
    "market/tickers": Route(market_calls.tickers),
    "market/recent-trade": Route(market_calls.recent_trades),
    "market/funding/history": Route(market_calls.funding_history),
    "market/open-interest": Route(market_calls.open_interest),
    "market/account-ratio": Route(market_calls.account_ratio),
    "market/risk-limit": Route(market_calls.risk_limit),
    "market/price-limit": Route(market_calls.price_limit),
    "market/insurance": Route(market_calls.insurance),
    "market/adlAlert": Route(market_calls.deleveraging_alerts),
    "market/delivery-price": Route(market_calls.no_rows),
    "market/historical-volatility": Route(market_calls.no_rows),
    "system/status": Route(market_calls.system_status),
    "announcements/index": Route(market_calls.announcements),
    "order/realtime": Route(order_calls.realtime, "read"),
    "order/history": Route(order_calls.history, "read"),
    "order/spot-borrow-check": Route(order_calls.borrow_check, "read"),
    "execution/list": Route(order_calls.executions, "read"),
    "position/list": Route(position_calls.positions, "read"),
    "position/closed-pnl": Route(position_calls.closed_pnl, "read"),
    "account/wallet-balance": Route(account_calls.wallet_balance, "read"),
    "account/info": Route(account_calls.info, "read"),
    "account/query-dcp-info": Route(account_calls.disconnect_info, "read"),
    "account/smp-group": Route(account_calls.self_match_group, "read"),
    "account/borrow-history": Route(account_calls.nothing, "read"),
    "account/fee-rate": Route(account_calls.fee_rates, "read", 5, 5),
    "account/transaction-log": Route(account_calls.transaction_log, "read", 25, 25),
    "account/collateral-info": Route(account_calls.collateral_info, "read"),
    "account/withdrawal": Route(account_calls.withdrawable, "read"),
    "user/query-api": Route(key_calls.query_key, "read", 10, 10),
    "user/query-sub-members": Route(key_calls.sub_members, "read", 10, 10),
    "user/submembers": Route(key_calls.sub_members_paged, "read", 10, 10),
    "user/escrow_sub_members": Route(key_calls.no_members, "read", 10, 10),
    "user/get-member-type": Route(key_calls.member_types, "read", 10, 10),
    "user/sub-apikeys": Route(key_calls.sub_keys, "read", 10, 10),
    "asset/deposit/query-record": Route(asset_calls.no_rows, "read"),
    "asset/deposit/query-sub-member-record": Route(asset_calls.no_rows, "read"),
    "asset/deposit/query-internal-record": Route(asset_calls.no_rows, "read"),
    "asset/deposit/query-address": Route(asset_calls.deposit_address, "read"),
    "asset/withdraw/query-record": Route(asset_calls.no_rows, "read"),
    "asset/withdraw/withdrawable-amount": Route(asset_calls.withdrawable_amount, "read"),
    "asset/delivery-record": Route(account_calls.nothing, "read"),
    "asset/settlement-record": Route(account_calls.nothing, "read"),
    "asset/transfer/query-transfer-coin-list": Route(asset_calls.transfer_coins, "read", 60, 60, 60_000),
    "asset/transfer/query-sub-member-list": Route(asset_calls.transfer_members, "read", 60, 60, 60_000),
    "asset/coin/query-info": Route(asset_calls.coin_info, "read", 5, 5),
    "asset/transfer/query-inter-transfer-list": Route(asset_calls.inter_transfers, "read", 60, 60),
    "asset/transfer/query-universal-transfer-list": Route(asset_calls.universal_transfers, "read", 5, 5),
    "asset/transfer/query-account-coin-balance": Route(asset_calls.coin_balance, "read", 5, 5),
    "asset/transfer/query-account-coins-balance": Route(asset_calls.coin_balances, "read", 5, 5),
    "earn/product": Route(earn_calls.products),
    "earn/order": Route(earn_calls.orders, "earn", 5, 5),
    "earn/position": Route(earn_calls.positions, "earn", 5, 5),
}
_POST: Final[dict[str, Route]] = {
    "order/create": Route(order_calls.create, "trade", 10, 20),
    "order/amend": Route(order_calls.amend, "trade", 10, 10),
    "order/cancel": Route(order_calls.cancel, "trade", 10, 20),
    "order/cancel-all": Route(order_calls.cancel_all, "trade", 10, 20),
    "order/create-batch": Route(order_calls.create_batch, "trade", 10, 20, is_batch=True),
    "order/amend-batch": Route(order_calls.amend_batch, "trade", 10, 20, is_batch=True),
    "order/cancel-batch": Route(order_calls.cancel_batch, "trade", 10, 20, is_batch=True),
    "order/disconnected-cancel-all": Route(order_calls.disconnected_cancel_all, "trade", 5, 5),
    "order/pre-check": Route(order_calls.pre_check, "trade", 10, 20),
    "position/set-leverage": Route(position_calls.set_leverage, "position", 10, 10),
    "position/switch-mode": Route(position_calls.switch_mode, "position", 10, 10),
    "position/trading-stop": Route(position_calls.trading_stop, "position", 10, 10),
    "position/add-margin": Route(position_calls.add_margin, "position", 10, 10),
    "position/set-auto-add-margin": Route(position_calls.auto_add_margin, "position", 10, 10),
    "position/switch-isolated": Route(position_calls.switch_isolated, "position", 10, 10),
    "account/set-margin-mode": Route(account_calls.set_margin_mode, "position", 5, 5),
    "account/set-limit-px-action": Route(account_calls.set_price_action, "position", 5, 5),
    "user/create-sub-member": Route(key_calls.create_sub_member, "master", 1, 1),
    "user/create-sub-api": Route(key_calls.create_sub_key, "master", 1, 1),
    "user/update-api": Route(key_calls.update_key, "master", 5, 5),
    "user/update-sub-api": Route(key_calls.update_sub_key, "master", 5, 5),
    "user/delete-api": Route(key_calls.delete_key, "master", 5, 5),
    "user/delete-sub-api": Route(key_calls.delete_sub_key, "master", 5, 5),
    "asset/withdraw/create": Route(asset_calls.withdraw, "read", 5, 5),
    "asset/transfer/inter-transfer": Route(asset_calls.inter_transfer, "transfer", 60, 60, 60_000),
    "asset/transfer/universal-transfer": Route(asset_calls.universal_transfer, "master", 5, 5),
    "earn/place-order": Route(earn_calls.place, "earn", 5, 5),
}
ROUTES: Final = {"GET": _GET, "POST": _POST}

SOCKET_OPS: Final = {
    "order.create": "order/create",
    "order.amend": "order/amend",
    "order.cancel": "order/cancel",
    "order.create-batch": "order/create-batch",
    "order.amend-batch": "order/amend-batch",
    "order.cancel-batch": "order/cancel-batch",
}
"""Order entry on the trade socket: the same calls, out of the same buckets."""


def answer(service: Service, pacing: Pacing, path: str, route: Route, params: Params, key: ApiKey | None) -> Reply:
    """Check the right, spend the rate, call, and put what comes back into a Reply."""
    if key is None:
        return _called(route, Call(service, params))
    category = params.text("category", "linear")
    now_ms = service.clock.wall_ms()
    limit = route.spot if category == "spot" else route.linear
    rate = pacing.rate(limit, route.window_ms, key.uid, path, category if path.startswith("order/") else "")
    try:
        check_right(key, route.right, category)
        if not route.is_batch and not rate.spend(now_ms, 1):
            raise Refused(10006, "Too many visits. Exceeded the API Rate Limit.")
    except Refused as refused:
        found = Reply(refused.refusal.code, refused.refusal.message)
    else:
        found = _called(route, Call(service, params, key, rate))
    found.headers |= pacing.headers(rate, now_ms)
    return found


def _called(route: Route, call: Call) -> Reply:
    try:
        found = route.answer(call)
    except Refused as refused:
        return Reply(refused.refusal.code, refused.refusal.message)
    return found if isinstance(found, Reply) else Reply(result=found)
