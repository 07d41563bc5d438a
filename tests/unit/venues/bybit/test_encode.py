"""Approved commands become the venue's payloads; signatures are the documented ones; a key does not show itself."""

import copy
import json
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import ConfigError
from quintet.core.orders import lifecycle
from quintet.ports.order_entry import Amend, Cancel, CancelAll, Place
from quintet.venues.bybit import errors
from quintet.venues.bybit.encode import batched, encoded, request, requests, socket_text
from quintet.venues.bybit.sign import ApiKey
from tests.bybit_account import IDS, LISTING

SPOT, LINEAR = 0, 1
LIMIT = {"orderType": "Limit", "price": "30000.5"}


def placed(style: int, instrument: int = LINEAR, side: int = 1, **changed: Any) -> dict[str, Any]:
    place = Place(IDS.of(256), instrument, side, style, 300_005, 40)._replace(**changed)
    return request(place, LISTING.instruments).payload


@pytest.mark.parametrize(
    ("style", "in_force"),
    [(lifecycle.POST_ONLY, "PostOnly"), (lifecycle.LIMIT, "GTC"), (lifecycle.IOC, "IOC"), (lifecycle.FOK, "FOK")],
)
def test_a_limit_order_of_each_style(style: int, in_force: str) -> None:
    assert placed(style) == LIMIT | {
        "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "qty": "0.040", "orderLinkId": IDS.of(256),
        "timeInForce": in_force, "smpType": "CancelTaker", "positionIdx": 0, "reduceOnly": False,
    }  # fmt: skip


def test_a_market_order_on_spot_counts_in_base_and_names_no_price() -> None:
    payload = placed(lifecycle.MARKET, SPOT, side=-1)
    assert payload == {
        "category": "spot", "symbol": "ETHUSDT", "side": "Sell", "qty": "0.00040", "orderLinkId": IDS.of(256),
        "orderType": "Market", "timeInForce": "IOC", "marketUnit": "baseCoin", "smpType": "CancelTaker",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("style", "side", "direction"),
    [
        (lifecycle.STOP, -1, 2),
        (lifecycle.STOP, 1, 1),
        (lifecycle.TAKE_PROFIT, -1, 1),
        (lifecycle.TAKE_PROFIT, 1, 2),
    ],
)
def test_what_waits_for_a_price_says_from_which_side_it_comes_and_only_closes(
    style: int, side: int, direction: int
) -> None:
    payload = placed(style, side=side)
    assert (payload["triggerPrice"], payload["triggerDirection"], payload["reduceOnly"]) == ("30000.5", direction, True)
    assert "price" not in payload


def test_a_stop_on_spot_reserves_nothing() -> None:
    payload = placed(lifecycle.STOP, SPOT, side=-1)
    assert (payload["orderFilter"], payload["triggerPrice"]) == ("StopOrder", "3000.05")
    assert "triggerDirection" not in payload


def test_amend_cancel_and_cancel_all() -> None:
    names = {"category": "linear", "symbol": "BTCUSDT"}
    amend = request(Amend("x", LINEAR, 299_999, 50), LISTING.instruments)
    assert (amend.action, amend.payload) == ("amend", names | {"orderLinkId": "x", "price": "29999.9", "qty": "0.050"})
    cancel = request(Cancel("x", LINEAR), LISTING.instruments)
    assert (cancel.action, cancel.payload) == ("cancel", names | {"orderLinkId": "x"})
    everything = request(CancelAll(LINEAR), LISTING.instruments)
    assert (everything.action, everything.payload) == ("cancel-all", names)


def test_spot_keeps_orders_that_wait_apart() -> None:
    stop = request(Cancel("x", SPOT, waits=True), LISTING.instruments)
    assert stop.payload == {"category": "spot", "symbol": "ETHUSDT", "orderLinkId": "x", "orderFilter": "StopOrder"}
    assert "orderFilter" not in request(Cancel("x", LINEAR, waits=True), LISTING.instruments).payload
    everything = requests(CancelAll(SPOT), LISTING.instruments)
    assert [one.payload["orderFilter"] for one in everything] == ["Order", "StopOrder", "tpslOrder"]
    assert len(requests(CancelAll(LINEAR), LISTING.instruments)) == 1


def test_a_style_that_the_venue_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="order style is 99"):
        placed(99)


commands = st.lists(
    st.builds(
        Place, st.uuids().map(str), st.integers(0, 2), st.sampled_from([-1, 1]), st.just(0), st.just(1), st.just(1)
    )
    | st.builds(Cancel, st.uuids().map(str), st.integers(0, 2))
    | st.builds(Amend, st.uuids().map(str), st.integers(0, 2), st.just(5), st.just(5)),
    max_size=60,
)


@given(commands)
def test_batches_send_every_command_once_and_cancels_first(some: list[Any]) -> None:
    requests = list(batched(some, LISTING.instruments))
    sent = [command for one in requests for command in one.commands]
    assert sorted(sent) == sorted(some)
    cancels = [one.action.startswith("cancel") for one in requests]
    assert cancels == sorted(cancels, reverse=True)
    for one in requests:
        assert one.units <= (10 if one.category == "spot" else 20)
        rows = one.payload.get("request", [one.payload])
        assert [row["orderLinkId"] for row in rows] == [command.client_id for command in one.commands]


def test_a_socket_message_bears_its_time() -> None:
    made = encoded("create", "linear", {"category": "linear"}, ())
    text = socket_text(made, "t-5", 1_711_001_595_207, 5_000)
    assert json.loads(text) == {
        "reqId": "t-5",
        "header": {"X-BAPI-TIMESTAMP": "1711001595207", "X-BAPI-RECV-WINDOW": "5000"},
        "op": "order.create",
        "args": [{"category": "linear"}],
    }
    assert made.body == b'{"category":"linear"}'


# ---- signatures --------------------------------------------------------------------------------------------------

CANARY, SECRET_CANARY = "CANARYKEY7h2", "CANARYSECRET9q4"


def test_the_documented_example_is_signed_as_documented() -> None:
    headers = ApiKey("abc", "def").headers(1_700_000_000_000, 5_000, b"category=linear&symbol=BTCUSDT")
    assert headers["X-BAPI-SIGN"] == "5804374564b3cd5fd56de9eab0084d7ea01eb302eaca179ed33827a68161579b"


def test_a_login_signs_its_expiry() -> None:
    import hashlib
    import hmac

    key, expires, signature = ApiKey("abc", "def").login(1_700_000_000_000)
    assert (key, expires) == ("abc", 1_700_000_000_000)
    assert signature == hmac.new(b"def", b"GET/realtime1700000000000", hashlib.sha256).hexdigest()


def test_a_key_does_not_show_itself() -> None:
    key = ApiKey(CANARY, SECRET_CANARY)
    shown = [repr(key), str(key), f"{key}", repr([key]), repr({"key": key})]
    for attempt in (pickle.dumps, copy.deepcopy, json.dumps):
        try:
            attempt(key)
        except TypeError:
            shown.append(traceback.format_exc())
    for bad in ("", "with space", "emoji \N{GRINNING FACE}"):
        with pytest.raises(ConfigError) as error:
            ApiKey(CANARY, bad)
        shown.append(str(error.value))
    assert not [text for text in shown if CANARY in text or SECRET_CANARY in text]


# ---- codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (0, "accepted"), (110072, "accepted"), (170141, "accepted"),
        (10002, "again"), (10006, "again"), (170222, "again"),
        (10000, "unknown"), (10016, "unknown"), (170007, "unknown"), (110079, "unknown"), (987_654, "unknown"),
        (110001, "gone"), (170213, "gone"),
        (10001, "refused"), (110007, "refused"), (170131, "refused"), (110017, "refused"), (110094, "refused"),
        (10003, "fatal"), (10004, "fatal"), (10005, "fatal"), (33004, "fatal"),
    ],
)  # fmt: skip
def test_what_a_code_means(code: int, meaning: str) -> None:
    assert errors.verdict(code, "words").meaning == meaning


def test_a_refusal_has_a_reason_and_the_venues_words() -> None:
    found = errors.verdict(110017, "ReduceOnly rule not satisfied")
    assert found.reason == lifecycle.NOTHING_TO_CLOSE
    assert found.text == "retCode 110017: ReduceOnly rule not satisfied"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(403, "again"), (429, "again"), (400, "refused"), (401, "fatal"), (500, "unknown"), (502, "unknown")],
)
def test_what_an_http_status_means_for_what_changes_something(status: int, meaning: str) -> None:
    assert errors.http_verdict(status).meaning == meaning


def test_an_amended_stop_says_where_it_triggers() -> None:
    amend = request(Amend("x", LINEAR, 299_999, 50, waits=True), LISTING.instruments)
    assert amend.payload["triggerPrice"] == "29999.9"
    assert "price" not in amend.payload
