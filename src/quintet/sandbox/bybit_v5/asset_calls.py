"""Coins: what is listed, what is held where, and transfers between wallets and accounts."""

import uuid
from typing import Any

from quintet.sandbox.bybit_v5.call import Call
from quintet.sandbox.bybit_v5.envelope import granted
from quintet.sandbox.bybit_v5.key_calls import subs
from quintet.sandbox.bybit_v5.paging import page
from quintet.sandbox.commands import MoveCoins
from quintet.sandbox.margin import spendable
from quintet.sandbox.money import plain
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Account, Transfer

Result = dict[str, Any]


def coin_info(call: Call) -> Result:
    """A row for each coin, on a chain of the sandbox's own; withdrawals are as open as the operator says."""
    wanted, state = call.params.text("coin"), call.service.state
    rows = (_coin_row(coin, coin not in state.closed_withdrawals) for coin in state.coins)
    return {"rows": [row for row in rows if row["coin"] == (wanted or row["coin"])]}


def _coin_row(coin: str, may_leave: bool) -> Result:
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
                "chainWithdraw": str(int(may_leave)),
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
    family = {call.uid, *(account.uid for account in subs(call))}
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
    """Transfers between accounts: a main account sees those of its sub-accounts too."""
    family = (call.account, *subs(call))
    found = {each.transfer_id: each for account in family for each in account.transfers}
    between = [each for each in found.values() if each.from_uid != each.to_uid]
    return _transfers(call, sorted(between, key=lambda each: each.ms))


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
    if member not in {call.uid, *(account.uid for account in subs(call))}:
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


def transfer_coins(call: Call) -> Result:
    """What may be transferred between the two wallets: everything that is listed."""
    for name in ("fromAccountType", "toAccountType"):
        call.params.one_of(name, ("UNIFIED", "FUND"))
    return {"list": call.service.state.coins}


def transfer_members(call: Call) -> Result:
    """Accounts that coins may be sent to."""
    names = [str(account.uid) for account in subs(call)]
    return {"subMemberIds": names, "transferableSubMemberIds": names}


def no_rows(call: Call) -> Result:
    """Deposits and withdrawals: nothing comes from outside but what the operator gives, nothing leaves."""
    return {"rows": [], "nextPageCursor": ""}


def deposit_address(call: Call) -> Result:
    """An address that nobody can send to."""
    coin = call.params.required("coin")
    chain = {"chainType": "Sandbox", "addressDeposit": f"sandbox-{call.uid}", "tagDeposit": "", "chain": "SANDBOX",
             "batchReleaseLimit": "-1", "contractAddress": ""}  # fmt: skip
    return {"coin": coin, "chains": [chain]}


def withdrawable_amount(call: Call) -> Result:
    """What each wallet could give."""
    coin = call.params.required("coin")
    unified = plain(spendable(call.service.venue, call.account, coin))
    held = plain(call.account.funding_coins.get(coin, 0))
    return {
        "limitAmountUsd": "0",
        "withdrawableAmount": {
            "UTA": {"coin": coin, "withdrawableAmount": unified, "availableBalance": unified},
            "FUND": {"coin": coin, "withdrawableAmount": held, "availableBalance": held},
        },
    }


def withdraw(call: Call) -> Result:
    """Nothing leaves: no key has the right."""
    raise Refused(10005, "Permission denied: no key of this exchange may withdraw.")
