"""Everything off: whatever the venue answers, in the end nothing is open, or it is said that something is."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from quintet.venues.bybit.last_resort import LastResort, Outcome
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.sandbox_process import SandboxProcess, sandbox_process

BTC = {"category": "linear", "symbol": "BTCUSDT"}
SPOT = {"category": "spot", "symbol": "BTCUSDT"}


@pytest.fixture(scope="module")
def exchange() -> Iterator[SandboxProcess]:
    with sandbox_process("--rate-limits", "0") as running:
        running.book("linear", 50_000, 1_000)
        running.book("spot", 50_000, 100_000)
        yield running


@pytest.fixture
def sandbox(exchange: SandboxProcess) -> Iterator[SandboxProcess]:
    """A calm exchange whose account has nothing open and holds nothing."""
    exchange.book("linear", 50_000, 1_000)
    exchange.book("spot", 50_000, 100_000)
    yield exchange
    exchange.operate("calm")
    exchange.book("linear", 50_000, 1_000)
    assert at_rest(exchange, flatten=True, patience_s=20.0).done


def at_rest(
    sandbox: SandboxProcess, beside: Callable[[], Awaitable[None]] | None = None, secret: str = "", **options: Any
) -> Outcome:
    """Bring the account to rest, while `beside` goes on."""

    async def run() -> Outcome:
        key = ApiKey(sandbox.key, secret or sandbox.secret)
        rest = Rest(key, Pace(limits(("spot", "linear"))), VenueClock(), (sandbox.rest,), timeout_s=1.0)
        wanted = {"patience_s": 30.0, "under_way_s": 0.2} | options
        try:
            other = asyncio.create_task(beside()) if beside else None
            found = await LastResort(rest, **wanted).run()
            if other is not None:
                await other
            return found
        finally:
            await rest.close()

    return asyncio.run(run())


def quotes(sandbox: SandboxProcess, number: int, category: str = "linear") -> list[str]:
    """Orders far below the market; their ids."""
    order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001"}
    orders = [order | {"price": str(40_000 + n)} for n in range(number)]
    batches = [orders[n : n + 10] for n in range(0, number, 10)]
    made = [sandbox.tell("order/create-batch", category=category, request=some)["list"] for some in batches]
    return [each["orderId"] for some in made for each in some]


def open_orders(sandbox: SandboxProcess) -> list[Any]:
    return [each for each in sandbox.history()["orders"] if each["status"] in ("New", "PartiallyFilled", "Untriggered")]


def held_lots(sandbox: SandboxProcess) -> int:
    return sum(abs(held["lots"]) for account in sandbox.history()["accounts"] if account["uid"] >= 100
               for held in account["positions"])  # fmt: skip


def test_orders_of_every_kind_are_cancelled(sandbox: SandboxProcess):
    # given more plain orders than one page shows, a stop, and on spot a plain and a waiting order
    quotes(sandbox, 53)
    sandbox.tell("order/create", **BTC, side="Sell", orderType="Market", qty="0.001", triggerPrice="45000",
                 triggerDirection=2)  # fmt: skip
    quotes(sandbox, 2, "spot")
    sandbox.tell("order/create", **SPOT, side="Buy", orderType="Limit", qty="0.001", price="45000",
                 triggerPrice="55000", orderFilter="StopOrder")  # fmt: skip
    assert len(open_orders(sandbox)) == 57
    # when the account is brought to rest
    found = at_rest(sandbox)
    # then nothing is open, by the exchange's own history
    assert found.done
    assert found.orders == ()
    assert not open_orders(sandbox)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limited", "where": "/v5/order/cancel-all", "count": 4},
        {"kind": "too_many_requests", "where": "/v5/order/*", "count": 2},
        {"kind": "server_error", "where": "/v5/order/*", "count": 6},
        {"kind": "internal_error", "where": "/v5/order/cancel-all", "count": 5},
        {"kind": "lose_request", "where": "/v5/order/cancel-all", "count": 5},
        {"kind": "lose_answer", "where": "/v5/order/*", "count": 6},
        {"kind": "truncate_answer", "where": "/v5/order/*", "count": 6},
        {"kind": "server_error", "where": "/v5/*", "chance": 0.4},
    ],
    ids=lambda fault: f"{fault['kind']} {fault['where']}",
)
def test_a_venue_in_trouble_is_told_until_it_has_listened(sandbox: SandboxProcess, fault: dict[str, Any]):
    quotes(sandbox, 3)
    sandbox.operate("fault", fault)
    found = at_rest(sandbox)
    assert found.done, found.problems
    assert not open_orders(sandbox)


def test_half_of_the_orders_are_gone_already(sandbox: SandboxProcess):
    for order_id in quotes(sandbox, 10)[::2]:
        sandbox.tell("order/cancel", **BTC, orderId=order_id)
    found = at_rest(sandbox)
    assert found.done
    assert not open_orders(sandbox)


def test_an_order_that_was_still_under_way_is_caught_by_the_second_look(sandbox: SandboxProcess):
    # given an order of the desk that arrives half a second after everything was cancelled
    quotes(sandbox, 2)

    async def late() -> None:
        await asyncio.sleep(1.0)
        await asyncio.to_thread(quotes, sandbox, 1)

    # when it could arrive for two seconds
    found = at_rest(sandbox, late, under_way_s=2.0)
    # then it is cancelled too
    assert found.done
    assert found.rounds == 2
    assert not open_orders(sandbox)


def test_positions_are_left_alone_unless_they_shall_be_closed(sandbox: SandboxProcess):
    sandbox.tell("order/create", **BTC, side="Buy", orderType="Market", qty="0.005")
    found = at_rest(sandbox)
    assert found.done
    assert found.positions is not None
    assert [(held.symbol, held.side) for held in found.positions] == [("BTCUSDT", "Buy")]
    assert held_lots(sandbox) == 5


@pytest.mark.parametrize("side", ["Buy", "Sell"])
def test_a_position_is_closed_and_never_turned_around(sandbox: SandboxProcess, side: str):
    # given a position and an exchange that loses every second answer to an order
    sandbox.tell("order/create", **BTC, side=side, orderType="Market", qty="0.005")
    sandbox.operate("fault", {"kind": "lose_answer", "where": "/v5/order/create", "count": 2})
    # when it shall be closed
    found = at_rest(sandbox, flatten=True)
    # then it is flat, however often the close was told
    assert found.done, found.problems
    assert found.positions == ()
    assert held_lots(sandbox) == 0


def test_a_close_pays_no_more_than_the_slippage_and_says_what_is_left(sandbox: SandboxProcess):
    # given a long position whose way out is far below the best bid
    sandbox.tell("order/create", **BTC, side="Buy", orderType="Market", qty="0.010")
    thin = [(1, 50_000 * 10**8, 2), (1, 48_000 * 10**8, 1_000), (-1, 50_010 * 10**8, 1_000)]
    sandbox.operate("command", {"do": "ghosts", "levels": thin, "snapshot": True, **BTC})
    # when half a percent is the most it may cost
    found = at_rest(sandbox, flatten=True, patience_s=4.0)
    # then only what can be sold so is sold, and the rest is told
    assert not found.done
    assert found.positions is not None
    assert [held.size for held in found.positions] == ["0.008"]
    lowest = min(each["price"] for account in sandbox.history()["accounts"] for each in account["executions"])
    assert lowest >= 49_500 * 10**8


def test_a_venue_that_says_nothing_is_told_as_such(sandbox: SandboxProcess):
    quotes(sandbox, 1)
    sandbox.operate("fault", {"kind": "server_error", "where": "/v5/*"})
    found = at_rest(sandbox, patience_s=2.0)
    assert not found.done
    assert found.orders is None
    assert found.problems[-1] == "not at rest after 2 s"


def test_a_wrong_secret_is_told_and_not_shown(sandbox: SandboxProcess):
    found = at_rest(sandbox, secret="CANARYSECRET9q4", patience_s=2.0)
    assert not found.done
    assert any("10004" in problem for problem in found.problems)
    assert "CANARY" not in " ".join(found.problems)
