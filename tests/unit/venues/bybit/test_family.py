"""Sub-accounts, their keys, and transfers between them, at the sandbox: made once, moved once, told when refused."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from quintet.sandbox.faults import Fault, Scenario
from quintet.sandbox.service import DEFAULT_UID
from quintet.venues.bybit.decode_account import account_id, key_rights
from quintet.venues.bybit.family import keys_of
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.bybit.transfers import PATH, Transfer, move
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.sandbox_client import Client, sandbox_client

NAMES = ("maincore0", "maintrend1")


def at_sandbox(story: Callable[[Client, Rest], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        async with sandbox_client() as client:
            rest = of_key(client, ApiKey(client.key, client.secret))
            try:
                assert await rest.settle_clock(5.0)
                return await story(client, rest)
            finally:
                await rest.close()

    return asyncio.run(whole())


def of_key(client: Client, key: ApiKey) -> Rest:
    return Rest(key, Pace(limits(("spot", "linear"))), VenueClock(), (client.rest,), timeout_s=0.5)


def a_transfer(client: Client, taker: str, amount: str = "100", **changed: Any) -> Transfer:
    made = Transfer(str(uuid.uuid5(uuid.NAMESPACE_OID, "main-1-transfer 3")), "USDT", Decimal(amount), str(DEFAULT_UID),
                    taker)  # fmt: skip
    return made._replace(**changed)


def usdt(client: Client, taker: str) -> int:
    return client.sandbox.service.state.accounts[int(taker)].coins.get("USDT", 0) // 10**8


async def sub_account(client: Client, rest: Rest) -> str:
    await keys_of(rest, NAMES[:1], "mine")
    return str(max(client.sandbox.service.state.accounts))


def test_sub_accounts_are_made_once_and_each_time_have_a_new_key_that_can_only_trade() -> None:
    async def story(client: Client, rest: Rest) -> None:
        await keys_of(rest, NAMES, "mine")
        keys = await keys_of(rest, NAMES, "mine")
        accounts = client.sandbox.service.state.accounts.values()
        assert sorted(one.name for one in accounts if one.parent == DEFAULT_UID) == sorted(NAMES)
        assert len([one for one in client.sandbox.service.keys.keys.values() if one.note == "mine"]) == len(NAMES)
        sub = of_key(client, keys[NAMES[0]])
        assert await sub.settle_clock(5.0)
        told = (await sub.ask("/v5/user/query-api")).result
        assert account_id(told) != str(DEFAULT_UID)
        rights = key_rights(told)
        assert not rights.withdrawing and not [right for right in rights.granted if "Transfer" in right]
        await sub.close()

    at_sandbox(story)


def test_a_transfer_that_is_asked_for_twice_is_made_once() -> None:
    async def story(client: Client, rest: Rest) -> None:
        taker = await sub_account(client, rest)
        assert [await move(rest, a_transfer(client, taker)) for _ in range(2)] == ["", ""]
        assert usdt(client, taker) == 100

    at_sandbox(story)


@pytest.mark.parametrize("kind", ["lose_answer", "lose_request", "server_error", "internal_error"])
def test_a_transfer_whose_answer_is_lost_is_asked_for_under_its_id_until_it_is_known(kind: Any) -> None:
    async def story(client: Client, rest: Rest) -> None:
        taker = await sub_account(client, rest)
        client.sandbox.faults.load(
            Scenario(fault=[Fault(kind=kind, where=PATH, count=2)]), asyncio.get_running_loop().time()
        )
        assert await move(rest, a_transfer(client, taker)) == ""
        assert usdt(client, taker) == 100

    at_sandbox(story)


def test_a_transfer_between_two_sub_accounts_is_known_again_to_the_main_one() -> None:
    async def story(client: Client, rest: Rest) -> None:
        await keys_of(rest, NAMES, "mine")
        giver, taker = (str(uid) for uid in sorted(client.sandbox.service.state.accounts)[-2:])
        assert await move(rest, a_transfer(client, giver)) == ""
        between = a_transfer(client, taker, "40", giver=giver, transfer_id=str(uuid.uuid4()))
        assert [await move(rest, between) for _ in range(2)] == ["", ""]
        assert (usdt(client, giver), usdt(client, taker)) == (60, 40)

    at_sandbox(story)


def test_nobody_knows_while_nobody_answers() -> None:
    async def story(client: Client, rest: Rest) -> None:
        taker = await sub_account(client, rest)
        client.sandbox.faults.load(
            Scenario(fault=[Fault(kind="server_error", where=PATH)]), asyncio.get_running_loop().time()
        )
        with pytest.raises(VenueUnreachable, match="no usable answer after 4 attempts"):
            await move(rest, a_transfer(client, taker))
        client.sandbox.faults.clear()
        assert await move(rest, a_transfer(client, taker)) == ""

    at_sandbox(story)


def test_more_than_there_is_is_refused_in_the_venues_words() -> None:
    async def story(client: Client, rest: Rest) -> None:
        taker = await sub_account(client, rest)
        assert await move(rest, a_transfer(client, taker, "999999999")) == "retCode 131212: Insufficient balance"
        assert "131200" in await move(
            rest, a_transfer(client, taker)._replace(taker="77", transfer_id=str(uuid.uuid4()))
        )
        assert usdt(client, taker) == 0

    at_sandbox(story)
