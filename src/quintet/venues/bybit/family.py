"""Sub-accounts of a main account, and keys for them (Bybit V5, User). Made where they are missing, found where not.

A key's secret is told once, when it is made, and is kept by nobody: who comes back makes another, and the one before
is deleted. Source: Bybit V5 documentation, User (Create Sub UID, Create Sub UID API Key, Get Sub UID List).
"""

from collections.abc import Container, Sequence
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.shapes import shaped
from quintet.venues.bybit.sign import ApiKey

EXISTS: Final = 31005
RIGHTS: Final = {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"]}
"""To trade, and nothing else: not even to move what it holds."""

EARNS: Final = {"Earn": ["Earn"]}
"""More, for whoever brings coins to the Earn product and back."""


class _Member(msgspec.Struct, frozen=True):
    uid: str
    username: str


class _Members(msgspec.Struct, frozen=True, rename="camel"):
    sub_members: tuple[_Member, ...] = ()


class _Key(msgspec.Struct, frozen=True, rename="camel"):
    api_key: str
    secret: str = ""
    note: str = ""


class _Keys(msgspec.Struct, frozen=True):
    result: tuple[_Key, ...] = ()


async def keys_of(rest: Rest, usernames: Sequence[str], note: str, earning: Container[str] = ()) -> dict[str, ApiKey]:
    """A new key for each sub-account of these names, which are made where there are none. `note`: marks our keys.

    `rest`: of the main account; `earning`: whose key may stake. Raises VenueUnreachable, ClockUnsure or DataError.
    """
    there = await _members(rest)
    for name in usernames:
        if name not in there:
            await rest.repeat("/v5/user/create-sub-member", {"username": name, "memberType": 1}, (EXISTS,))
    there = await _members(rest)
    missing = [name for name in usernames if name not in there]
    if missing:
        raise DataError(f"sub-accounts: found none of {', '.join(missing)}, expected those that were made")
    return {name: await _new_key(rest, there[name], note, name in earning) for name in usernames}


async def _members(rest: Rest) -> dict[str, str]:
    answer = await rest.ask("/v5/user/query-sub-members")
    return {one.username: one.uid for one in shaped(answer.result, _Members, "sub-accounts").sub_members}


async def _new_key(rest: Rest, uid: str, note: str, earns: bool) -> ApiKey:
    listed = await rest.ask("/v5/user/sub-apikeys", {"subMemberId": uid})
    for old in shaped(listed.result, _Keys, "keys of a sub-account").result:
        if old.note == note:
            await rest.repeat("/v5/user/delete-sub-api", {"apikey": old.api_key})
    wanted = {"subuid": int(uid), "note": note, "readOnly": 0, "permissions": RIGHTS | (EARNS if earns else {})}
    made = shaped((await rest.repeat("/v5/user/create-sub-api", wanted)).result, _Key, "new key")
    return ApiKey(made.api_key, made.secret)
