"""The Earn product of the sandbox: what goes in earns by the hour, comes back when it is due, and no coin is made."""

import asyncio
from typing import Any

import pytest

from quintet.sandbox.commands import Done, Earn, Pass, SetEarn
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.ledger import totals
from quintet.sandbox.refusal import Refusal
from quintet.sandbox.service import DEFAULT_UID
from tests.sandbox_client import Client, sandbox_client

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ONE_MS = 20_454 * DAY_MS + HOUR_MS
"""One o'clock: the next payment is in 23 and a half hours."""
ETH = 10**8
APR = 8_760_000
"""8.76 % a year: a thousandth of a per cent an hour."""


def exchange(begins_ms: int = ONE_MS, redeem_ms: int = 60_000) -> Exchange:
    """With an account that has ten Ether."""
    from quintet.sandbox.commands import OpenAccount

    made = Exchange()
    made.do(begins_ms, OpenAccount(uid=DEFAULT_UID, name="main", coins={"ETH": "10"}))
    made.do(begins_ms, SetEarn(coin="ETH", apr=APR, redeem_ms=redeem_ms))
    return made


def asked(made: Exchange, kind: str, amount: str, name: str = "a", **fields: Any) -> Any:
    product = next(one for one in made.state.earn_products.values() if one.coin == "ETH")
    values: dict[str, Any] = {
        "uid": DEFAULT_UID, "category": "FlexibleSaving", "kind": kind, "wallet": "UNIFIED", "amount": amount,
        "coin": "ETH", "product_id": product.product_id, "link_id": name,
    }  # fmt: skip
    return made.do(made.state.now_ms, Earn(**values | fields))


def held(made: Exchange) -> int:
    return made.state.accounts[DEFAULT_UID].coins["ETH"]


def position(made: Exchange) -> Any:
    [found] = made.state.accounts[DEFAULT_UID].earn.values()
    return found


def test_what_is_staked_leaves_the_wallet_and_earns_each_hour_and_is_paid_at_half_past_midnight() -> None:
    made = exchange()
    assert asked(made, "Stake", "9") == Done()
    assert (held(made), position(made).amount) == (1 * ETH, 9 * ETH)
    made.do(ONE_MS + 5 * HOUR_MS, Pass())
    assert (position(made).amount, position(made).yielded) == (9 * ETH, 5 * 9_000)
    made.do(ONE_MS + 25 * HOUR_MS, Pass())
    assert (position(made).amount, position(made).yielded) == (9 * ETH + 24 * 9_000, 9_002)
    assert set(totals(made.state).values()) == {0}


def test_what_is_called_back_arrives_when_it_is_due_and_earns_nothing_meanwhile() -> None:
    made = exchange(redeem_ms=DAY_MS)
    asked(made, "Stake", "9")
    asked(made, "Redeem", "4", "b")
    made.do(ONE_MS + DAY_MS - 60_000, Pass())
    assert (held(made), position(made).amount // ETH) == (1 * ETH, 5)
    made.do(ONE_MS + DAY_MS, Pass())
    assert held(made) == 5 * ETH
    assert [one.status for one in made.state.accounts[DEFAULT_UID].earn_orders] == ["Success", "Success"]
    assert set(totals(made.state).values()) == {0}


def test_everything_brings_what_has_accrued_along() -> None:
    made = exchange()
    asked(made, "Stake", "9")
    made.do(ONE_MS + 3 * HOUR_MS, Pass())
    asked(made, "Redeem", "9", "b")
    made.do(ONE_MS + 4 * HOUR_MS, Pass())
    assert held(made) == 10 * ETH + 3 * 9_000
    assert (position(made).amount, position(made).yielded) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "amount", "fields", "code"),
    [
        ("Stake", "10.5", {}, 180013),
        ("Stake", "0.00001", {}, 180001),
        ("Stake", "1", {"coin": "BTC"}, 180002),
        ("Stake", "1", {"product_id": "1"}, 180002),
        ("Stake", "1", {"category": "OnChain"}, 180001),
        ("Redeem", "1", {}, 180012),
        ("Stake", "1.123456789", {}, 180001),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    kind: str, amount: str, fields: dict[str, str], code: int
) -> None:
    made = exchange()
    before = made.image()
    refusal = asked(made, kind, amount, **fields)
    assert isinstance(refusal, Refusal) and refusal.code == code
    assert made.image() == before


def test_the_name_of_an_order_is_good_for_one_within_half_an_hour() -> None:
    made = exchange()
    asked(made, "Stake", "1")
    refusal = asked(made, "Stake", "1")
    assert isinstance(refusal, Refusal) and refusal.code == 180025
    made.do(ONE_MS + HOUR_MS, Pass())
    assert asked(made, "Stake", "1") == Done()


def test_a_closed_product_takes_nothing_and_gives_back() -> None:
    made = exchange()
    asked(made, "Stake", "1")
    made.do(ONE_MS, SetEarn(coin="ETH", is_open=False))
    assert asked(made, "Stake", "1", "b").code == 180008
    assert asked(made, "Redeem", "1", "c") == Done()


def test_an_exchange_that_is_brought_back_from_its_image_pays_the_same() -> None:
    made = exchange()
    asked(made, "Stake", "9")
    asked(made, "Redeem", "2", "b")
    again = Exchange.of(made.image())
    for one in (made, again):
        one.do(ONE_MS + 30 * HOUR_MS, Pass())
    assert made.image() == again.image()


def served(story: Any) -> Any:
    async def whole() -> Any:
        async with sandbox_client() as client:
            return await story(client)

    return asyncio.run(whole())


def test_over_the_protocol_it_has_the_venues_shapes() -> None:
    async def story(client: Client) -> None:
        [product] = (await client.get("/v5/earn/product", False, category="FlexibleSaving", coin="ETH"))["result"][
            "list"
        ]
        assert (product["estimateApr"], product["status"]) == ("3.00%", "Available")
        key = client.sandbox.service.keys.keys[client.key]
        wanted = {"category": "FlexibleSaving", "orderType": "Stake", "accountType": "UNIFIED", "amount": "2",
                  "coin": "ETH", "productId": product["productId"], "orderLinkId": "one"}  # fmt: skip
        assert (await client.post("/v5/earn/place-order", **wanted))["retCode"] == 10005
        key.permissions["Earn"] = ["Earn"]
        placed = await client.post("/v5/earn/place-order", **wanted)
        assert placed["result"]["orderLinkId"] == "one"
        orders = await client.get("/v5/earn/order", category="FlexibleSaving", orderLinkId="one")
        [order] = orders["result"]["list"]
        assert (order["orderValue"], order["status"], order["orderId"]) == ("2", "Success", placed["result"]["orderId"])
        held = await client.get("/v5/earn/position", category="FlexibleSaving", coin="ETH")
        assert [row["amount"] for row in held["result"]["list"]] == ["2"]
        assert (await client.get("/v5/earn/order", category="Nothing"))["retCode"] == 180001

    served(story)
