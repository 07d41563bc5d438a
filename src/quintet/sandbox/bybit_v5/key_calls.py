"""Keys and the accounts that have them: what a key may do, sub-accounts and their keys."""

import datetime as dt
from typing import Any

from quintet.sandbox.bybit_v5.call import Call
from quintet.sandbox.bybit_v5.envelope import granted
from quintet.sandbox.commands import OpenAccount
from quintet.sandbox.keys import ApiKey
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Account

Result = dict[str, Any]


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
        "rsaPublicKey": key.public_key,
        "isMaster": not account.parent,
        "parentUid": str(account.parent),
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
    }


def sub_members(call: Call) -> Result:
    """The sub-accounts of the account that asks."""
    return {"subMembers": [_member_row(each) for each in subs(call)]}


def sub_members_paged(call: Call) -> Result:
    """The sub-accounts a page at a time; `nextCursor` "0" is the last page."""
    size = min(100, max(1, call.params.integer("pageSize", 100)))
    begin = call.params.integer("nextCursor")
    rows = [_member_row(each) for each in subs(call)]
    after = begin + size
    return {"subMembers": rows[begin:after], "nextCursor": str(after) if after < len(rows) else "0"}


def no_members(call: Call) -> Result:
    """Accounts of funds: there are none."""
    return {"subMembers": [], "nextCursor": "0"}


def member_types(call: Call) -> Result:
    """Which wallets each account of the family has."""
    members = [call.account, *subs(call)]
    return {"accounts": [{"uid": str(each.uid), "accountType": ["FUND", "UNIFIED"]} for each in members]}


def subs(call: Call) -> list[Account]:
    """The sub-accounts of the account that asks."""
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
    if uid not in [account.uid for account in subs(call)]:
        raise Refused(10001, "params error: subuid invalid")
    key = call.service.keys.create(uid, call.service.clock.now_ms(), call.params.text("note"))
    _change(call, key)
    return _key_row(key, call.service.state.accounts[uid], key.secret)


def _change(call: Call, key: ApiKey) -> None:
    """What a request says about a key; what it does not say stays."""
    if "readOnly" in call.params:
        key.read_only = call.params.integer("readOnly") == 1
    if "ips" in call.params:
        ips = call.params.text("ips")
        key.ips = [] if ips == "*" else ips.split(",")
    wanted = call.params.fields.get("permissions")
    if isinstance(wanted, dict):
        key.permissions = {group: [str(right) for right in rights] for group, rights in wanted.items() if rights}
    call.service.keys.keep(key)


def sub_keys(call: Call) -> Result:
    """The keys of a sub-account, without their secrets."""
    rows = [
        _key_row(key, account, "******") | {"readOnly": key.read_only, "status": 1, "flag": _flag(key)}
        for account in subs(call)
        if account.uid == call.params.integer("subMemberId")
        for key in call.service.keys.of(account.uid)
    ]
    return {"result": rows, "nextPageCursor": ""}


def _flag(key: ApiKey) -> str:
    return "rsa" if key.public_key else "hmac"


def update_key(call: Call) -> Result:
    """Other rights for the key that asks."""
    assert call.key is not None
    _change(call, call.key)
    return _key_row(call.key, call.account)


def update_sub_key(call: Call) -> Result:
    """Other rights for a key of a sub-account."""
    key = _sub_key(call)
    _change(call, key)
    return _key_row(key, call.service.state.accounts[key.uid])


def delete_key(call: Call) -> Result:
    """The key that asks ends with its answer."""
    assert call.key is not None
    call.service.keys.delete(call.key)
    return {}


def delete_sub_key(call: Call) -> Result:
    """A key of a sub-account ends."""
    call.service.keys.delete(_sub_key(call))
    return {}


def _sub_key(call: Call) -> ApiKey:
    found = call.service.keys.keys.get(call.params.required("apikey"))
    if found is None or found.uid not in [account.uid for account in subs(call)]:
        raise Refused(10001, "params error: apikey invalid")
    return found
