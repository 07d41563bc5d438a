"""What is finished leaves memory, and nothing that was told is forgotten."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import Damaged
from quintet.sandbox.clock import Clock
from quintet.sandbox.commands import Cancel, Pass, Place, Placed
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.journal import Folder
from quintet.sandbox.keys import KeyRing
from quintet.sandbox.refusal import Refusal
from quintet.sandbox.retention import ORDERS_KEPT, RECORDS_KEPT, SLACK
from quintet.sandbox.service import DEFAULT_UID, Service
from quintet.sandbox.used_names import add_names, has_name
from tests.sandbox_client import Client, fill_books, sandbox_client

BTC = {"category": "linear", "symbol": "BTCUSDT", "uid": DEFAULT_UID}
START_MS = 1_750_000_000_000
MANY = ORDERS_KEPT + SLACK + 100


def trade(service: Service, number: int) -> None:
    """One order that fills, in turn bought and sold."""
    side = ("Buy", "Sell")[number % 2]
    answer = service.do(Place(side=side, order_type="Market", quantity="0.001", link_id=f"n{number}", **BTC))
    assert isinstance(answer, Placed), answer


def rest(service: Service, number: int) -> None:
    """One order that is cancelled."""
    order = service.do(Place(side="Buy", order_type="Limit", price="49500", quantity="0.001",
                             link_id=f"n{number}", **BTC))  # fmt: skip
    assert isinstance(order, Placed), order
    service.do(Cancel(order_id=order.order_id, **BTC))


def let_a_second_pass(service: Service) -> None:
    service.clock.advance(1000)
    service.do(Pass())


def test_what_is_finished_leaves_memory_and_stays_in_lists_and_history() -> None:
    async def story(client: Client) -> None:
        # given more orders than memory keeps
        service = client.sandbox.service
        for number in range(MANY):
            trade(service, number)
        # when a second passes
        let_a_second_pass(service)
        # then memory has the newest, and the lists have all of them, once each, newest first
        assert len(service.state.orders) == ORDERS_KEPT
        assert len(service.state.accounts[DEFAULT_UID].log) <= RECORDS_KEPT + SLACK
        names, cursor = [], ""
        while True:
            query = {"category": "linear", "limit": "50"} | ({"cursor": cursor} if cursor else {})
            result = (await client.get("/v5/order/history", **query))["result"]
            names += [row["orderLinkId"] for row in result["list"]]
            cursor = result["nextPageCursor"]
            if not cursor:
                break
        assert names == [f"n{number}" for number in reversed(range(MANY))]
        # and an old order is found by its name, and its fill by its id
        (old,) = (await client.get("/v5/order/history", category="linear", orderLinkId="n7"))["result"]["list"]
        (fill,) = (await client.get("/v5/execution/list", category="linear", orderId=old["orderId"]))["result"]["list"]
        assert (old["orderStatus"], fill["orderLinkId"], fill["execQty"]) == ("Filled", "n7", "0.001")
        # and its name is good for no other order
        again = await client.post("/v5/order/create", category="linear", symbol="BTCUSDT", side="Buy",
                                  orderType="Market", qty="0.001", orderLinkId="n7")  # fmt: skip
        assert again["retCode"] == 110072
        # and the exchange's own history is whole
        history = await client.operate("history", method="GET")
        assert [order["link_id"] for order in history["orders"]] == [f"n{number}" for number in range(MANY)]
        (account,) = [each for each in history["accounts"] if each["uid"] == DEFAULT_UID]
        assert [found["link_id"] for found in account["executions"]] == [f"n{number}" for number in range(MANY)]
        assert len(account["log"]) == MANY

    async def told() -> None:
        async with sandbox_client(clock=Clock(START_MS, speed=0)) as client:
            await story(client)

    asyncio.run(told())


def begin(folder: Folder) -> Service:
    clock = Clock(max(START_MS, folder.exchange.state.now_ms), speed=0)
    service = Service(folder.exchange, clock, KeyRing(folder.path / "keys.json"), folder, folder.archive)
    service.default_key()
    return service


def test_a_restart_has_the_same_archive(tmp_path: Path) -> None:
    # given an exchange that has retired orders before and after its snapshot, and died
    folder = Folder(tmp_path)
    service = begin(folder)
    fill_books(service)
    for number in range(MANY):
        rest(service, number)
    let_a_second_pass(service)
    folder.snapshot()
    for number in range(MANY, 2 * MANY):
        rest(service, number)
    let_a_second_pass(service)
    service.do(Place(side="Buy", order_type="Market", quantity="0.001", **BTC))
    image, kept = service.exchange.image(), archived(folder)
    folder.close()
    # when it begins again
    again = Folder(tmp_path)
    # then nothing is missing and nothing is there twice
    assert (again.exchange.image(), archived(again)) == (image, kept)
    assert kept == [f"n{number}" for number in range(len(kept))] and len(kept) >= MANY
    refused = begin(again).do(Place(side="Buy", order_type="Market", quantity="0.001", link_id="n0", **BTC))
    assert isinstance(refused, Refusal) and refused.code == 110072
    again.snapshot()
    again.close()
    # and an archive that has lost records is refused by name
    (tmp_path / "archive.db").unlink()
    with pytest.raises(Damaged, match=f"archive.db: orders:linear of account {DEFAULT_UID}: expected .* found 0"):
        Folder(tmp_path)


def archived(folder: Folder) -> list[str]:
    count = folder.exchange.state.accounts[DEFAULT_UID].archived["orders:linear"]
    return [order.link_id for order in folder.archive.oldest_first(DEFAULT_UID, "orders:linear", count)]  # type: ignore[union-attr]


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "archive.db").write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(Damaged, match="archive.db: expected the archive of a sandbox"):
        Folder(tmp_path)


def test_an_open_order_stays_however_old_it_is() -> None:
    service = Service(Exchange(), Clock(START_MS, speed=0), KeyRing())
    fill_books(service)
    service.default_key()
    old = service.do(Place(side="Buy", order_type="Limit", price="49500", quantity="0.001", **BTC))
    for number in range(MANY):
        rest(service, number)
    let_a_second_pass(service)
    assert isinstance(old, Placed)
    assert service.state.orders[old.order_id].is_open
    assert isinstance(service.do(Cancel(order_id=old.order_id, **BTC)), Placed)


@given(st.lists(st.lists(st.text("ab0-", min_size=1, max_size=6), max_size=8), max_size=8))
def test_used_names_are_a_set(batches: list[list[str]]) -> None:
    runs: list[bytes] = []
    seen: set[str] = set()
    for batch in batches:
        add_names(runs, batch)
        seen |= set(batch)
        assert all(has_name(runs, name) for name in seen)
        assert not has_name(runs, "never")
    assert sum(map(len, runs)) == 8 * sum(map(len, batches))
