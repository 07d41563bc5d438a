"""Facts from outside on their way to the conductor of a portfolio: what was said, and that nothing was."""

import asyncio
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from quintet.app.eternal_facts import VenueTrouble, hear_facts, told_of
from quintet.core.facts import MISSING, Observation
from quintet.research.daily_tape import DAY_NS, Told
from quintet.research.eternal_conductor import Conductor, Heard
from quintet.runtime.live_desk import Said
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import ACCOUNTS
from quintet.venues.bybit.daily_market import DailyMarket
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.connection import FeedUnreachable
from tests.eternal_market import BTC, BTC_PERP
from tests.fakes.fact_server import Asked, serving

NAME = "alternative.me/fear_greed"


def said(**changed: Any) -> Observation:
    fields = {"name": NAME, "about_ns": DAY_NS, "known_ns": DAY_NS + 7, "value": 19, "decimals": 0}
    return Observation(**fields | changed)


@pytest.mark.req("E-103")
def test_the_index_becomes_a_fact_of_the_conductor() -> None:
    conductor = Conductor(EternalConfig(), (BTC, BTC_PERP), tuple(ACCOUNTS), ("BTC",))
    conductor.hear(Heard((told_of(said()),)))
    assert conductor.fact_e9("fear_greed", DAY_NS + 8) == 19 * 10**9
    assert conductor.fact_e9("fear_greed", DAY_NS + 7 + 37 * DAY_NS // 24) is None


def test_one_that_is_missing_is_an_event_that_changes_no_value() -> None:
    conductor = Conductor(EternalConfig(), (BTC, BTC_PERP), tuple(ACCOUNTS), ("BTC",))
    conductor.hear(Heard((told_of(said()), told_of(said(known_ns=DAY_NS + 9, quality=MISSING, value=0)))))
    assert conductor.fact_e9("fear_greed", DAY_NS + 10) == 19 * 10**9
    assert told_of(said(quality=MISSING, value=0)) == Told(DAY_NS + 7, "no_fear_greed", 0, DAY_NS, (0,))


def heard_from(answer: Callable[[Asked], Any], faults: list[str]) -> tuple[list[Told], list[str]]:
    """What is heard of a source within a moment, and why it said nothing."""
    told: list[Told] = []
    silences: list[str] = []

    async def story() -> None:
        async with serving(answer, *faults) as server:
            asking = asyncio.create_task(
                hear_facts((NAME,), {"alternative.me": server.url}, told.append, silences.append)
            )
            for _ in range(100):
                await asyncio.sleep(0.05)
                if told or silences:
                    break
            asking.cancel()

    asyncio.run(story())
    return told, silences


@pytest.mark.req("E-103")
def test_it_is_asked_for_and_heard_while_the_portfolio_lives() -> None:
    midnight_s = int(time.time()) // 86_400 * 86_400

    def answer(asked: Asked) -> Any:
        row = {"value": "19", "value_classification": "Extreme Fear", "timestamp": str(midnight_s)}
        return {"name": "Fear and Greed Index", "data": [row], "metadata": {"error": None}}

    told, silences = heard_from(answer, [])
    assert [(one.what, one.values, one.event_ns) for one in told] == [("fear_greed", (19 * 10**9,), midnight_s * 10**9)]
    assert silences == []


# ---- trouble at the venue ------------------------------------------------------------------------------------------

MINUTE_NS = 60 * 10**9
OPEN, CLOSED = "1", "0"


class Venue:
    """A venue that is asked, its time, and a conductor that hears: what a test changes, and what became of it."""

    def __init__(self, has_rest: bool = True) -> None:
        self.now_ns = 400 * DAY_NS
        self.chains, self.pool, self.symbols = {"USDT": OPEN, "BTC": OPEN, "ETH": OPEN}, "1000", "BTCUSDT"
        self.answers = True
        self.said: list[Said] = []
        self.conductor = Conductor(EternalConfig(), (BTC, BTC_PERP), tuple(ACCOUNTS), ("BTC",))
        self.has_rest = has_rest
        self.trouble = self.new_life()

    def new_life(self) -> VenueTrouble:
        rest: Any = self if self.has_rest else None
        market = DailyMarket((BTC, BTC_PERP), "http://venue", self.fetch, self.at_once)
        self.trouble = VenueTrouble(market, rest, self.conductor, ("BTC", "ETH"), self.said.append, lambda: self.now_ns)
        return self.trouble

    async def at_once(self, work: Callable[[], Any]) -> Any:
        return work()

    def fetch(self, address: str) -> bytes:
        if not self.answers:
            raise FeedUnreachable("nobody there")
        pool = {"coin": "USDT", "symbols": self.symbols, "balance": self.pool, "value": "0"}
        return json.dumps({"retCode": 0, "retMsg": "", "result": {"list": [pool]}, "time": 1}).encode()

    async def ask(self, path: str, query: dict[str, str]) -> Any:
        if not self.answers:
            raise VenueUnreachable("nobody there")
        coin = query["coin"]
        chains = [{"chain": "X", "chainWithdraw": self.chains[coin]}] if coin in self.chains else []
        return SimpleNamespace(result=json.dumps({"rows": [{"coin": coin, "chains": chains}]}).encode())

    def looks(self, minutes: int) -> list[tuple[str, int]]:
        """Every five minutes; what the conductor heard of it, each time at once."""
        heard: list[tuple[str, int]] = []
        for _ in range(minutes // 5):
            self.now_ns += 5 * MINUTE_NS
            for told in asyncio.run(self.trouble.look()):
                self.conductor.hear(Heard((told,)))
                heard.append((told.what, told.values[0]))
        return heard

    def fact(self, name: str) -> int | None:
        return self.conductor.fact_e9(name, self.now_ns)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(line.kind, line.text) for line in self.said]


@pytest.mark.req("E-27")
def test_an_hour_of_closed_withdrawals_is_heard_once_and_told_people_and_so_is_its_end() -> None:
    venue = Venue()
    assert venue.looks(10) == [("withdrawals_open", 10**9), ("insurance_alarm", 0)] and venue.said == []
    venue.chains["BTC"] = CLOSED
    assert venue.looks(60) == []
    assert venue.looks(5) == [("withdrawals_open", 0)] and venue.looks(120) == []
    venue.chains["BTC"] = OPEN
    assert venue.looks(5) == [("withdrawals_open", 10**9)]
    assert venue.lines == [
        ("alarm", "withdrawals of BTC are closed at the venue for an hour: CORE stops with its next cycle"),
        ("notice", "withdrawals are open again at the venue"),
    ]


@pytest.mark.req("E-66")
def test_a_fund_that_falls_is_heard_once_makes_funding_look_and_is_told_people() -> None:
    venue = Venue()
    venue.looks(10)
    assert not venue.conductor.must_look
    venue.pool = "590"
    assert venue.looks(10) == [("insurance_alarm", 10**9)]
    assert venue.conductor.must_look
    assert venue.looks(23 * 60) == []
    assert venue.looks(60) == [("insurance_alarm", 0)] and not venue.conductor.must_look
    assert venue.lines == [
        ("alarm", "the insurance fund has fallen within a day: behind BTCUSDT by 41 %: FUNDING leaves all pairs"),
        ("notice", "the insurance fund falls no more at the venue"),
    ]


def test_a_venue_that_says_nothing_is_no_trouble_is_told_once_and_what_was_said_grows_old() -> None:
    venue = Venue()
    venue.looks(5)
    venue.answers = False
    assert venue.looks(36 * 60) == []
    assert (venue.fact("withdrawals_open"), venue.fact("insurance_alarm")) == (10**9, 0)
    venue.looks(5)
    assert (venue.fact("withdrawals_open"), venue.fact("insurance_alarm")) == (None, None)
    assert venue.lines == [
        ("notice", "nobody says anything of withdrawals: nobody there"),
        ("notice", "nobody says anything of the insurance fund: nobody there"),
    ]
    assert [told.recv_ns for told in venue.trouble.latest.values()] == [400 * DAY_NS + 5 * MINUTE_NS] * 2
    venue.answers = True
    assert venue.looks(5) == [("withdrawals_open", 10**9), ("insurance_alarm", 0)]


def test_a_coin_on_no_chain_and_a_contract_without_a_pool_are_no_data_and_hide_no_trouble_of_others() -> None:
    venue = Venue()
    del venue.chains["ETH"]
    venue.symbols = "DOGEUSDT"
    assert venue.looks(15) == []
    assert venue.lines == [
        ("notice", "nobody says anything of withdrawals: coin info: found no chain of ETH, expected one"),
        ("notice", "nobody says anything of the insurance fund: insurance: found no pool behind what is traded, "
                   "expected one"),
    ]  # fmt: skip
    venue.chains["BTC"] = CLOSED
    assert venue.looks(65) == [("withdrawals_open", 0)]


def test_on_paper_nobody_says_anything_of_withdrawals_and_the_fund_is_the_markets() -> None:
    venue = Venue(has_rest=False)
    venue.chains = dict.fromkeys(venue.chains, CLOSED)
    assert venue.looks(120) == [("insurance_alarm", 0)]
    assert venue.fact("withdrawals_open") is None and venue.said == []


@pytest.mark.req("E-27", "E-66")
def test_another_life_measures_anew_keeps_what_the_conductor_knows_and_alarms_no_second_time() -> None:
    venue = Venue()
    venue.looks(5)
    venue.chains["USDT"], venue.pool = CLOSED, "100"
    venue.looks(65)
    told = list(venue.lines)
    assert [kind for kind, _ in told] == ["alarm", "alarm"]
    # when it comes back, withdrawals are closed still and the fund is as low
    venue.new_life()
    assert venue.looks(120) == []
    assert (venue.fact("withdrawals_open"), venue.fact("insurance_alarm")) == (0, 10**9)
    # then a day has to be seen before the fund is calm, and only then it is said
    assert venue.looks(21 * 60 + 55) == [] and venue.looks(10) == [("insurance_alarm", 0)]
    assert venue.lines == [*told, ("notice", "the insurance fund falls no more at the venue")]


@pytest.mark.req("E-66")
def test_a_deleveraging_is_an_alarm_for_a_day_whatever_the_pools_hold() -> None:
    venue = Venue()
    venue.looks(10)
    venue.conductor.hear(Heard((venue.trouble.deleveraged(),)))
    assert venue.conductor.must_look and venue.fact("insurance_alarm") == 10**9
    assert venue.looks(24 * 60 - 5) == []
    assert venue.trouble.latest["insurance_alarm"].values == (10**9,)
    assert venue.looks(5) == [("insurance_alarm", 0)]
