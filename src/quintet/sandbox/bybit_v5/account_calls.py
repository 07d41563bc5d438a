"""The account: balances, fees, its log and settings; keys, sub-accounts and transfers between them."""

import datetime as dt
import uuid
from typing import Any

from quintet.sandbox.bybit_v5 import shapes
from quintet.sandbox.bybit_v5.call import EMPTY_CATEGORIES, Call
from quintet.sandbox.bybit_v5.envelope import granted
from quintet.sandbox.bybit_v5.paging import DAY_MS, Series, history_page, page, span
from quintet.sandbox.commands import MoveCoins, OpenAccount, SetMarginMode, SetPriceAction
from quintet.sandbox.keys import ApiKey
from quintet.sandbox.margin import spendable
from quintet.sandbox.money import plain
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Account, LogEntry, Transfer

Result = dict[str, Any]


# ---- account ----


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
    """The rates of one instrument or of all of a product."""
    category, symbol = call.category(), call.params.text("symbol")
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


# ---- keys and sub-accounts ----


def query_key(call: Call) -> Result:
    """The key that asks, without its secret."""
    assert call.key is not None
    return _key_row(call.key, call.account)


def _key_row(key: ApiKey, account: Account, secret: str = "") -> Result:
    def date(ms: int) -> str:
        return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    return {
        "id": str(account.uid),
        "note": key.note,
        "apiKey": key.key,
        "readOnly": int(key.read_only),
        "secret": secret,
        "permissions": key.permissions,
        "ips": key.ips or ["*"],
        "type": 1,
        "deadlineDay": -2 if key.ips else 90,
        "expiredAt": date(key.expires_ms) if key.expires_ms else "1970-01-01T00:00:00Z",
        "createdAt": date(key.created_ms),
        "unified": 0,
        "uta": 1,
        "userID": account.uid,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": not account.parent,
        "parentUid": str(account.parent),
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
    }


def sub_members(call: Call) -> Result:
    """The sub-accounts of the account that asks."""
    return {"subMembers": [_member_row(each) for each in _subs(call)]}


def _subs(call: Call) -> list[Account]:
    return [account for account in call.service.state.accounts.values() if account.parent == call.uid]


def _member_row(account: Account) -> Result:
    return {
        "uid": str(account.uid),
        "username": account.name,
        "memberType": 1,
        "status": 1,
        "remark": "",
        "accountMode": 5,
    }


def create_sub_member(call: Call) -> Result:
    """A sub-account of a main account, empty."""
    if call.account.parent:
        raise Refused(10005, "Permission denied: a sub-account has no sub-accounts")
    name = call.params.required("username")
    if any(account.name == name for account in call.service.state.accounts.values()):
        raise Refused(31005, "The username exists")
    uid = max(call.service.state.accounts) + 1
    granted(call.service.do(OpenAccount(uid=uid, name=name, parent=call.uid)))
    return _member_row(call.service.state.accounts[uid])


def create_sub_key(call: Call) -> Result:
    """A key of a sub-account; its secret is told here and never again."""
    uid = call.params.integer("subuid")
    if uid not in [account.uid for account in _subs(call)]:
        raise Refused(10001, "params error: subuid invalid")
    key = call.service.keys.create(uid, call.service.clock.now_ms(), call.params.text("note"))
    key.read_only = call.params.integer("readOnly") == 1
    ips = call.params.text("ips")
    key.ips = [] if ips in ("", "*") else ips.split(",")
    wanted = call.params.fields.get("permissions")
    if isinstance(wanted, dict):
        key.permissions = {group: [str(right) for right in rights] for group, rights in wanted.items() if rights}
    call.service.keys.save()
    return _key_row(key, call.service.state.accounts[uid], key.secret)


# ---- coins and transfers ----


def coin_info(call: Call) -> Result:
    """A row for each coin, on a chain of the sandbox's own."""
    coins = dict.fromkeys(coin for market in call.service.state.markets.values()
                          for coin in (market.instrument.quote, market.instrument.base))  # fmt: skip
    wanted = call.params.text("coin")
    return {"rows": [_coin_row(coin) for coin in coins if coin == (wanted or coin)]}


def _coin_row(coin: str) -> Result:
    return {
        "name": coin,
        "coin": coin,
        "remainAmount": "0",
        "chains": [
            {
                "chainType": "Sandbox",
                "confirmation": "1",
                "withdrawFee": "",
                "depositMin": "0",
                "withdrawMin": "0",
                "chain": "SANDBOX",
                "chainDeposit": "0",
                "chainWithdraw": "0",
                "minAccuracy": "8",
                "withdrawPercentageFee": "0",
                "contractAddress": "",
                "safeConfirmNumber": "1",
                "withdrawMax": "0",
            }
        ],
    }


def inter_transfer(call: Call) -> Result:
    """Between the wallets of one account."""
    return _transfer(call, call.uid, call.uid)


def universal_transfer(call: Call) -> Result:
    """Between accounts of one owner; a sub-account may only give its own."""
    giver, taker = call.params.integer("fromMemberId"), call.params.integer("toMemberId")
    family = {call.uid, *(account.uid for account in _subs(call))}
    if giver not in family:
        raise Refused(131200, "fromMemberId is not an account of yours")
    return _transfer(call, giver, taker)


def _transfer(call: Call, giver: int, taker: int) -> Result:
    params = call.params
    transfer_id = params.required("transferId")
    try:
        uuid.UUID(transfer_id)
    except ValueError:
        raise Refused(10001, "params error: transferId must be a UUID") from None
    request = MoveCoins(
        transfer_id=transfer_id,
        coin=params.required("coin"),
        amount=params.required("amount"),
        from_uid=giver,
        to_uid=taker,
        from_wallet=params.required("fromAccountType"),
        to_wallet=params.required("toAccountType"),
    )
    granted(call.service.do(request))
    return {"transferId": transfer_id, "status": "SUCCESS"}


def inter_transfers(call: Call) -> Result:
    """Transfers between own wallets."""
    return _transfers(call, [each for each in call.account.transfers if each.from_uid == each.to_uid])


def universal_transfers(call: Call) -> Result:
    """Transfers between accounts."""
    return _transfers(call, [each for each in call.account.transfers if each.from_uid != each.to_uid])


def _transfers(call: Call, found: list[Transfer]) -> Result:
    wanted = call.params.text("transferId")
    return page(
        [each for each in found if each.transfer_id == (wanted or each.transfer_id)], call.params, 20, 50, _transfer_row
    )


def _transfer_row(found: Transfer) -> Result:
    return {
        "transferId": found.transfer_id,
        "coin": found.coin,
        "amount": plain(found.amount),
        "fromMemberId": str(found.from_uid),
        "toMemberId": str(found.to_uid),
        "fromAccountType": found.from_wallet,
        "toAccountType": found.to_wallet,
        "timestamp": str(found.ms),
        "status": "SUCCESS",
    }


def _asked_account(call: Call) -> Account:
    member = call.params.integer("memberId", call.uid)
    if member not in {call.uid, *(account.uid for account in _subs(call))}:
        raise Refused(131200, "memberId is not an account of yours")
    return call.service.state.accounts[member]


def _balance(call: Call, account: Account, coin: str) -> Result:
    unified = call.params.text("accountType") == "UNIFIED"
    held = account.coins.get(coin, 0) if unified else account.funding_coins.get(coin, 0)
    free = spendable(call.service.venue, account, coin) if unified else held
    return {"coin": coin, "walletBalance": plain(held), "transferBalance": plain(free), "bonus": ""}


def coin_balance(call: Call) -> Result:
    """One coin in one wallet."""
    account = _asked_account(call)
    kind = call.params.one_of("accountType", ("UNIFIED", "FUND"))
    balance = _balance(call, account, call.params.required("coin"))
    return {
        "accountType": kind,
        "bizType": 1,
        "accountId": str(account.uid),
        "memberId": str(account.uid),
        "balance": balance | {"transferSafeAmount": "", "ltvTransferSafeAmount": ""},
    }


def coin_balances(call: Call) -> Result:
    """Several coins in one wallet; the unified one wants them named."""
    account = _asked_account(call)
    kind = call.params.one_of("accountType", ("UNIFIED", "FUND"))
    coins = [coin for coin in call.params.text("coin").split(",") if coin]
    if kind == "UNIFIED" and not 1 <= len(coins) <= 10:
        raise Refused(10001, "params error: coin must name 1 to 10 coins")
    return {
        "memberId": str(account.uid),
        "accountType": kind,
        "balance": [_balance(call, account, coin) for coin in coins or account.funding_coins],
    }
