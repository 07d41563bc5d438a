"""Every path that clients of the venue call is there and answers in its shape."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from quintet.core.errors import ConfigError
from quintet.sandbox.rsa_signature import is_signature, public_key_of
from tests.sandbox_client import Client, sandbox_client

BTC = {"category": "linear", "symbol": "BTCUSDT"}

ANSWERS: list[tuple[str, dict[str, str], list[str]]] = [
    ("market/premium-index-price-kline", BTC | {"interval": "1"}, ["category", "symbol", "list"]),
    ("market/insurance", {"coin": "USDT"}, ["updatedTime", "list"]),
    ("market/adlAlert", {"symbol": "BTCUSDT"}, ["updatedTime", "list"]),
    ("market/delivery-price", {"category": "linear"}, ["category", "list"]),
    ("market/historical-volatility", {"category": "option"}, ["list"]),
    ("market/open-interest", BTC | {"intervalTime": "5min", "startTime": "1"}, ["category", "symbol", "list"]),
    ("system/status", {}, ["list"]),
    ("announcements/index", {"locale": "en-US"}, ["total", "list"]),
    ("order/spot-borrow-check", {"category": "spot", "symbol": "BTCUSDT", "side": "Buy"}, ["maxTradeQty"]),
    ("account/smp-group", {}, ["smpGroup"]),
    ("account/borrow-history", {}, ["list", "nextPageCursor"]),
    ("account/query-dcp-info", {}, ["dcpInfos"]),
    ("user/submembers", {}, ["subMembers", "nextCursor"]),
    ("user/escrow_sub_members", {}, ["subMembers"]),
    ("user/get-member-type", {}, ["accounts"]),
    ("user/sub-apikeys", {"subMemberId": "1"}, ["result"]),
    ("asset/deposit/query-record", {}, ["rows", "nextPageCursor"]),
    ("asset/deposit/query-address", {"coin": "USDT"}, ["coin", "chains"]),
    ("asset/withdraw/query-record", {}, ["rows", "nextPageCursor"]),
    ("asset/withdraw/withdrawable-amount", {"coin": "USDT"}, ["withdrawableAmount"]),
    ("asset/delivery-record", {"category": "linear"}, ["list"]),
    ("asset/transfer/query-transfer-coin-list", {"fromAccountType": "UNIFIED", "toAccountType": "FUND"}, ["list"]),
    ("asset/transfer/query-sub-member-list", {}, ["subMemberIds", "transferableSubMemberIds"]),
]  # fmt: skip


def run(story: Callable[[Client], Awaitable[None]], rate_scale: float = 0) -> None:
    async def told() -> None:
        async with sandbox_client(rate_scale) as client:
            await story(client)

    asyncio.run(told())


def test_every_path_answers_in_its_shape() -> None:
    async def story(client: Client) -> None:
        for path, params, keys in ANSWERS:
            answer = await client.get(f"/v5/{path}", **params)
            assert answer["retCode"] == 0, (path, answer)
            assert set(keys) <= set(answer["result"]), (path, answer)

    run(story)


def test_what_is_not_possible_is_refused_with_the_venues_number() -> None:
    async def story(client: Client) -> None:
        nothing = await client.get("/v5/no/such/path")
        assert (client.status, nothing["retCode"], nothing["result"]) == (200, 10017, {})
        assert (await client.post("/v5/asset/withdraw/create", coin="USDT"))["retCode"] == 10005
        assert (await client.post("/v5/position/switch-isolated", **BTC, tradeMode=1))["retCode"] == 100028
        assert (await client.post("/v5/position/set-auto-add-margin", **BTC, autoAddMargin=1))["retCode"] == 10001
        assert (await client.post("/v5/position/set-auto-add-margin", **BTC, autoAddMargin=0))["retCode"] == 0
        partial = {"takeProfit": "52000", "tpslMode": "Partial", "tpOrderType": "Limit"}
        limit = BTC | {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "49000"}
        assert (await client.post("/v5/order/create", **limit, **partial))["retMsg"].endswith("tpLimitPrice is missing")

    run(story)


def test_an_order_may_ask_for_a_level_of_the_book() -> None:
    async def story(client: Client) -> None:
        order = BTC | {"side": "Buy", "orderType": "Limit", "qty": "0.01", "bboSideType": "Queue", "bboLevel": "3"}
        placed = (await client.post("/v5/order/create", **order))["result"]["orderId"]
        (row,) = (await client.get("/v5/order/realtime", category="linear", orderId=placed))["result"]["list"]
        assert row["price"] == "49999.7"
        deeper = order | {"bboSideType": "Counterparty", "bboLevel": "6"}
        assert (await client.post("/v5/order/create", **deeper))["retCode"] == 10001

    run(story)


def test_keys_are_changed_and_deleted() -> None:
    async def story(client: Client) -> None:
        master = client.key, client.secret
        member = (await client.post("/v5/user/create-sub-member", username="desk-1"))["result"]["uid"]
        made = (await client.post("/v5/user/create-sub-api", subuid=member, readOnly=0))["result"]
        (row,) = (await client.get("/v5/user/sub-apikeys", subMemberId=member))["result"]["result"]
        assert (row["apiKey"], row["secret"], row["flag"]) == (made["apiKey"], "******", "hmac")
        # when its rights become fewer and its address another one
        await client.post("/v5/user/update-sub-api", apikey=made["apiKey"], readOnly=1)
        client.key, client.secret = made["apiKey"], made["secret"]
        assert (await client.post("/v5/order/create", **BTC, side="Buy", orderType="Market", qty="1"))[
            "retCode"
        ] == 10005
        client.key, client.secret = master
        await client.post("/v5/user/update-sub-api", apikey=made["apiKey"], ips="10.0.0.1,10.0.0.2")
        client.key, client.secret = made["apiKey"], made["secret"]
        assert (await client.get("/v5/user/query-api"))["retCode"] == 10010
        # when it is deleted
        client.key, client.secret = master
        assert (await client.post("/v5/user/delete-sub-api", apikey=made["apiKey"]))["retCode"] == 0
        client.key, client.secret = made["apiKey"], made["secret"]
        assert (await client.get("/v5/user/query-api"))["retCode"] == 10003
        # a key may end itself, and no other account's
        client.key, client.secret = master
        assert (await client.post("/v5/user/delete-sub-api", apikey=client.key))["retCode"] == 10001
        assert (await client.post("/v5/user/delete-api"))["retCode"] == 0
        assert (await client.get("/v5/user/query-api"))["retCode"] == 10003

    run(story)


# ---- keys that are a pair ----


class Pair:
    """An RSA pair made for a test, by somebody else's arithmetic."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        self.pem = self._private.public_key().public_bytes(encoding, form).decode()
        self.short_form = self._private.public_key().public_bytes(encoding, serialization.PublicFormat.PKCS1).decode()

    @property
    def private_pem(self) -> str:
        form, secrecy = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self._private.private_bytes(serialization.Encoding.PEM, form, secrecy).decode()

    def sign(self, text: str) -> str:
        return base64.b64encode(self._private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair()


def test_a_signature_of_the_pair_is_known_and_another_one_is_not(pair: Pair) -> None:
    key = public_key_of(pair.pem)
    assert public_key_of(pair.short_form) == key
    signature = pair.sign("hello")
    assert is_signature(key, "hello", signature)
    assert not is_signature(key, "hullo", signature)
    assert not is_signature(key, "hello", ("B" if signature[0] == "A" else "A") + signature[1:])
    assert not is_signature(key, "hello", "no base64!")


@pytest.mark.parametrize("text", ["", "-----BEGIN-----\nAAAA\n-----END-----", "MAA=", "not base64 at all!"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="public key: expected an RSA public key in PEM"):
        public_key_of(text)


def test_a_client_signs_with_its_half_of_a_pair(pair: Pair) -> None:
    async def story(client: Client) -> None:
        made = await client.operate("key", {"public_key": pair.pem, "note": "pair"})
        assert made["secret"] == ""

        def signed(payload: str) -> dict[str, str]:
            stamp = str(int(time.time() * 1000))
            return {
                "X-BAPI-API-KEY": made["key"],
                "X-BAPI-TIMESTAMP": stamp,
                "X-BAPI-RECV-WINDOW": "5000",
                "X-BAPI-SIGN": pair.sign(f"{stamp}{made['key']}5000{payload}"),
            }

        client._signed = signed  # type: ignore[method-assign]
        about = (await client.get("/v5/user/query-api"))["result"]
        assert about["rsaPublicKey"] == pair.pem
        order = BTC | {"side": "Buy", "orderType": "Market", "qty": "0.01"}
        assert (await client.post("/v5/order/create", **order))["retCode"] == 0
        async with client.socket("/v5/private") as socket:
            expires = int(time.time() * 1000) + 5000
            await socket.send(op="auth", args=[made["key"], expires, pair.sign(f"GET/realtime{expires}")])
            assert (await socket.next())["success"] is True
        from pybit.unified_trading import HTTP

        http = HTTP(testnet=False, api_key=made["key"], api_secret=pair.private_pem, rsa_authentication=True)
        http.endpoint = client.rest
        found = await asyncio.to_thread(http.get_wallet_balance, accountType="UNIFIED")
        assert found["retCode"] == 0
        wrong: Any = await client.operate("key", {"public_key": "short"})
        assert client.status == 400 and "public key" in wrong["error"]
        assert "uid: expected an account" in (await client.operate("key", {"uid": 5_000}))["error"]

    run(story)
