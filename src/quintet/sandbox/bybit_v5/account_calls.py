"""The account: balances, fees, its log and settings."""

from typing import Any

from quintet.sandbox.bybit_v5 import shapes
from quintet.sandbox.bybit_v5.call import EMPTY_CATEGORIES, Call
from quintet.sandbox.bybit_v5.envelope import granted
from quintet.sandbox.bybit_v5.paging import DAY_MS, Series, history_page, span
from quintet.sandbox.commands import SetMarginMode, SetPriceAction
from quintet.sandbox.margin import spendable
from quintet.sandbox.money import plain
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import LogEntry

Result = dict[str, Any]


def wallet_balance(call: Call) -> Result:
    """The unified wallet."""
    if call.params.text("accountType", "UNIFIED") != "UNIFIED":
        raise Refused(10001, "params error: accountType only supports UNIFIED")
    coins = [coin for coin in call.params.text("coin").split(",") if coin]
    return {"list": [shapes.wallet_row(call.service.venue, call.account, coins)]}


def info(call: Call) -> Result:
    """A unified account, in cross or isolated margin."""
    account = call.account
    window = max(account.disconnect_windows.values(), default=0)
    return {
        "unifiedMarginStatus": 5,
        "marginMode": "ISOLATED_MARGIN" if account.isolated else "REGULAR_MARGIN",
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
        "updatedTime": str(account.created_ms),
        "dcpStatus": "ON" if account.disconnect_windows else "OFF",
        "timeWindow": window,
        "smpGroup": 0,
    }


def disconnect_info(call: Call) -> Result:
    """Which products are cancelled on disconnect, and after how long."""
    names = {"spot": "SPOT", "linear": "DERIVATIVES", "option": "OPTIONS"}
    return {
        "dcpInfos": [
            {"product": names[product], "dcpStatus": "ON", "timeWindow": str(window)}
            for product, window in call.account.disconnect_windows.items()
        ]
    }


def fee_rates(call: Call) -> Result:
    """The rates of one instrument or of all of a product; a product that is not named is linear."""
    category, symbol = call.category("linear"), call.params.text("symbol")
    if symbol and category not in EMPTY_CATEGORIES:
        call.service.venue.market(category, symbol)
    return {
        "category": category,
        "list": [
            {
                "symbol": market.instrument.symbol,
                "takerFeeRate": plain(market.instrument.taker_rate),
                "makerFeeRate": plain(market.instrument.maker_rate),
                "baseCoin": "",
            }
            for market in call.service.state.markets.values()
            if market.instrument.category == category
            and market.instrument.symbol == (symbol or market.instrument.symbol)
        ],
    }


def transaction_log(call: Call) -> Result:
    """Every change of a balance, newest first."""
    params, state = call.params, call.service.state
    first, last = span(params, state.now_ms, DAY_MS)
    category, base = params.text("category"), params.text("baseCoin")

    def is_meant(entry: LogEntry) -> bool:
        market = state.markets.get(entry.key)
        return (
            entry.ms <= last
            and params.text("currency", entry.coin) == entry.coin
            and params.text("type", entry.kind) == entry.kind
            and (not category or entry.key.startswith(f"{category}:"))
            and (not base or market is not None and market.instrument.base == base)
        )

    return history_page(
        call,
        Series("log", call.account.log),
        (20, 50),
        lambda entry: entry.ms < first,
        is_meant,
        lambda entry: shapes.log_row(state.markets.get(entry.key), entry),
    )


def collateral_info(call: Call) -> Result:
    """Which coins carry margin: the settle coin alone."""
    coins = dict.fromkeys(coin for market in call.service.state.markets.values()
                          for coin in (market.instrument.quote, market.instrument.base))  # fmt: skip
    wanted = call.params.text("currency")
    return {
        "list": [
            {
                "currency": coin,
                "hourlyBorrowRate": "0",
                "maxBorrowingAmount": "0",
                "freeBorrowingLimit": "0",
                "freeBorrowAmount": "0",
                "borrowAmount": "0",
                "otherBorrowAmount": "0",
                "availableToBorrow": "0",
                "borrowable": False,
                "borrowUsageRate": "0",
                "marginCollateral": coin == "USDT",
                "collateralSwitch": coin == "USDT",
                "collateralRatio": "1" if coin == "USDT" else "0",
            }
            for coin in coins
            if coin == (wanted or coin)
        ]
    }


def withdrawable(call: Call) -> Result:
    """What could leave the account."""
    amounts = {
        coin: plain(spendable(call.service.venue, call.account, coin))
        for coin in call.params.required("coinName").split(",")
    }
    return {"availableWithdrawal": next(iter(amounts.values())), "availableWithdrawalMap": amounts}


def set_margin_mode(call: Call) -> Result:
    """Cross or isolated; portfolio margin is not offered."""
    mode = call.params.one_of("setMarginMode", ("REGULAR_MARGIN", "ISOLATED_MARGIN"))
    granted(call.service.do(SetMarginMode(uid=call.uid, isolated=mode == "ISOLATED_MARGIN")))
    return {"reasons": []}


def set_price_action(call: Call) -> Result:
    """Move an order beyond the price limit to it, or refuse it."""
    category = call.traded_category()
    granted(call.service.do(SetPriceAction(uid=call.uid, category=category, moves=call.params.flag("modifyEnable"))))
    return {}


def self_match_group(call: Call) -> Result:
    """Accounts that never trade with each other: only with itself, each."""
    return {"smpGroup": 0}


def nothing(call: Call) -> Result:
    """A list of what does not happen here: interest, deliveries, settlements of sessions."""
    return {"list": [], "nextPageCursor": ""}
