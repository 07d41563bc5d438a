"""Trouble that the operator makes: withdrawals that are closed, an insurance fund of another size; no coin is made."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from quintet.sandbox.commands import AnyCommand, Done, Pass, SetInsurance, SetWithdrawals
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.journal import Folder
from quintet.sandbox.ledger import totals
from quintet.sandbox.refusal import Refusal
from quintet.sandbox.state import INSURANCE, OUTSIDE
from quintet.venues.bybit.daily_market import DailyMarket
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.outside_facts import withdrawals
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.connection import asked
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.eternal_market import BTC, BTC_PERP, ETH_PERP
from tests.sandbox_client import sandbox_client

ONE = 10**8


def test_what_the_fund_holds_is_what_the_operator_says_and_the_rest_is_outside() -> None:
    made = Exchange()
    for amount in ("1000.5", "400", "-3"):
        assert made.do(1_000, SetInsurance(coin="USDT", amount=amount)) == Done()
        held = made.state.accounts[INSURANCE].coins["USDT"]
        assert held == Decimal(amount) * ONE == -made.state.accounts[OUTSIDE].coins["USDT"]
        assert set(totals(made.state).values()) == {0}


@pytest.mark.parametrize(
    "command",
    [
        SetInsurance(coin="DOGE", amount="1"), SetInsurance(coin="USDT", amount="much"),
        SetInsurance(coin="USDT", amount=""), SetWithdrawals(coin="DOGE", is_open=False),
    ],
)  # fmt: skip
def test_a_coin_that_is_not_listed_and_an_amount_that_is_none_are_refused_and_change_nothing(
    command: AnyCommand,
) -> None:
    made = Exchange()
    made.do(1_000, Pass())
    image = made.image()
    assert isinstance(made.do(1_000, command), Refusal)
    assert made.image() == image


def test_both_outlive_a_restart_from_the_journal_and_from_a_snapshot(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for command in (SetWithdrawals(coin="BTC", is_open=False), SetInsurance(coin="USDT", amount="77")):
        folder.append(1_000, command)
        folder.exchange.do(1_000, command)
    for _ in range(2):
        folder.close()
        folder = Folder(tmp_path)
        assert list(folder.exchange.state.closed_withdrawals) == ["BTC"]
        assert folder.exchange.state.accounts[INSURANCE].coins == {"USDT": 77 * ONE}
        folder.snapshot()
    folder.close()


@pytest.mark.req("E-27", "E-66")
def test_a_desk_reads_both_as_it_reads_the_venue() -> None:
    async def story() -> None:
        async with sandbox_client() as client:
            key, pace = ApiKey(client.key, client.secret), Pace(limits(("spot",)))
            rest = Rest(key, pace, VenueClock(), (client.rest,))
            market = DailyMarket((BTC, BTC_PERP, ETH_PERP), client.rest, asked, lambda work: asyncio.to_thread(work))
            try:
                assert await rest.settle_clock(5.0)
                assert [await withdrawals(rest, coin) for coin in ("USDT", "BTC", "DOGE")] == [True, True, None]
                assert await market.insurance() == {"BTCUSDT": 0, "ETHUSDT": 0}
                for command in ({"do": "withdrawals", "coin": "BTC", "is_open": False},
                                {"do": "insurance", "coin": "USDT", "amount": "12345.678"}):  # fmt: skip
                    assert "done" in await client.operate("command", command)
                assert [await withdrawals(rest, coin) for coin in ("USDT", "BTC")] == [True, False]
                assert await market.insurance() == dict.fromkeys(("BTCUSDT", "ETHUSDT"), Decimal("12345.678"))
                await client.operate("command", {"do": "withdrawals", "coin": "BTC", "is_open": True})
                assert await withdrawals(rest, "BTC") is True
            finally:
                await rest.close()

    asyncio.run(story())
