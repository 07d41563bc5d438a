"""The conductor and its tape: heard again it says the same, and what did not move is taken back."""

from typing import Any, cast

import msgspec
import numpy as np
import pytest

from quintet.core.errors import TapeError
from quintet.core.row_laws import frozen
from quintet.research.conductor_tape import Conducting, Entered, Staking, entered_rows, relive, said_rows
from quintet.research.daily_tape import DAY_NS, Told
from quintet.research.eternal_conductor import (
    Begins,
    Conductor,
    Cycle,
    Filled,
    Heard,
    NotMoved,
    NotStaked,
    Opens,
    Operated,
    Over,
    Reply,
    Settled,
)
from quintet.research.eternal_run import seen_of
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import ACCOUNTS, CoreConfig
from quintet.systems.eternal.said import Order, Stake
from tests.eternal_market import BTC, BTC_PERP, ETH, ETH_PERP, USDT

DAY = 19_000
NOW = (DAY + 1) * DAY_NS + 300_000_000_000
MARKETS = (BTC, ETH, BTC_PERP, ETH_PERP)
PRICES = (30_000, 20_000, 30_000, 20_000)
STOP_ORDER = Order(instrument="BTC-PERP", side=-1, lots=5, style="stop", rule="stop", price=27_000, reduce_only=True)
SALE = Order(instrument="ETH-PERP", side=-1, lots=5, style="market", rule="exit", reduce_only=True)


def conducting(tranches: int = 2) -> Conducting:
    config = EternalConfig(core=CoreConfig(tranches=tranches, tranche_days=1))
    return Conducting(Conductor(config, MARKETS, tuple(ACCOUNTS), ("BTC", "ETH")))


def told(day: int) -> tuple[Told, ...]:
    at = (day + 1) * DAY_NS
    return tuple(Told(at, "bar", n, at, (price, price, price, price)) for n, price in enumerate(PRICES))


class Books:
    """A sub-account that holds money and sees these markets; a price of 0 is no price."""

    def __init__(self, name: str, prices: tuple[int, ...] = PRICES) -> None:
        self.name, self._prices = name, prices

    def market(self, n: int) -> tuple[int, int, int]:
        price = self._prices[n]
        return (price - 1, price + 1, price) if price else (0, 0, 0)

    def holding(self, n: int) -> tuple[int, int, int]:
        return 0, 0, 0

    def money(self, asset: str) -> int:
        return 10_000 * USDT

    def equity(self) -> int:
        return 10_000 * USDT


def seen(of: Conducting, **asked: Any) -> dict[str, Any]:
    return {name: seen_of(of.conductor, cast(Any, Books(name, **asked))) for name in ACCOUNTS}


def a_day(of: Conducting) -> list[Entered]:
    accounts = seen(of)
    fill = Filled("CORE", "BTC", NOW + 1, 1, 29_999, 5, 0, 5)
    return [
        Entered(Opens(50_000 * USDT)), Entered(Heard(told(DAY))), Entered(Begins()),
        Entered(Cycle(DAY, NOW, accounts, deposit=1_000 * USDT)), Entered(fill, "CORE", 17),
        Entered(Over("CORE", "ETH", NOW + 2), "CORE", 19), Entered(Settled(DAY, NOW + 5, accounts["FUNDING"])),
    ]  # fmt: skip


def written(of: Conducting, events: list[Entered]) -> Any:
    rows = []
    for n, one in enumerate(events, start=1):
        rows += [entered_rows(one, n, NOW + n), said_rows(of.enter(one), NOW + n)]
    return frozen(np.concatenate([np.asarray(part) for part in rows]))


@pytest.mark.req("E-03", "E-05")
def test_heard_again_it_says_the_same_and_remembers_the_same() -> None:
    once, again = conducting(), conducting()
    rows = written(once, a_day(once))
    assert relive(again, rows, "tape") is None
    assert msgspec.json.encode(again.conductor.portfolio) == msgspec.json.encode(once.conductor.portfolio)
    assert (again.heard, again.orders, again.movements) == (once.heard, once.orders, once.movements)
    assert again.heard == {"CORE": 19} and again.decided_ns == NOW + 5


def test_an_answer_that_was_not_written_is_given_back_to_be_carried_out() -> None:
    once, again = conducting(), conducting()
    rows = written(once, a_day(once)[:4])
    missing = relive(again, rows[: len(rows) - _last_message(rows)], "tape")
    assert missing is not None and missing.movements and missing.orders["CORE"]


def _last_message(rows: Any) -> int:
    ends = np.flatnonzero(np.asarray(rows)["bits"] & 1) + 1
    return int(ends[-1] - ends[-2])


def test_another_answer_than_was_given_is_named() -> None:
    once, again = conducting(), conducting(tranches=3)
    rows = written(once, a_day(once))
    with pytest.raises(TapeError, match="tape: row [0-9]+: the event before it is answered otherwise now"):
        relive(again, rows, "tape")


def test_the_capital_of_a_portfolio_is_split_to_the_quantum() -> None:
    reply = conducting().enter(Entered(Opens(99_999)))
    split = {one.to: one.quanta for one in reply.movements}
    assert split == {"CORE": 60_003, "TREND-1": 14_999, "TREND-2": 4_999, "FUNDING": 14_999, "TACTICAL": 4_999}
    assert {one.source for one in reply.movements} == {""} and len({one.key for one in reply.movements}) == 5


@pytest.mark.req("E-99")
def test_what_the_venue_refused_to_move_is_neither_gain_nor_loss() -> None:
    of = conducting()
    events = a_day(of)[:4]
    for one in events:
        reply = of.enter(one)
    before = dict(of.conductor.portfolio.flows)
    deposit = reply.movements[-1]
    refused = NotMoved(deposit.key, "", deposit.to, "USDT", deposit.quanta, deposit.value, "no")
    of.enter(Entered(refused))
    after = of.conductor.portfolio.flows
    assert after[deposit.to] == before[deposit.to] - deposit.value
    assert deposit.key not in {one.key for one in of.movements}


def staking(lots: int, staked_after: int) -> Conducting:
    """One that has just said a staking: its orders are the engine's own, the rest is written down here."""
    of = conducting()
    of.conductor._change(core=msgspec.structs.replace(of.conductor.portfolio.core, staked=staked_after))
    said = Reply(stakes=(("CORE", Stake(asset="ETH", lots=lots, rule="earn")),))
    of.conductor.hear = lambda event: said  # type: ignore[method-assign]
    of.enter(Entered(Begins()))
    del of.conductor.hear
    return of


def test_a_staking_has_a_name_of_its_own_and_everything_is_what_leaves_nothing_behind() -> None:
    assert staking(90, 90).stakings == [Staking("earn 1.0", "CORE", "ETH", 90)]
    assert staking(-90, 0).stakings == [Staking("earn 1.0", "CORE", "ETH", -90, everything=True)]
    assert staking(-40, 50).stakings == [Staking("earn 1.0", "CORE", "ETH", -40)]


@pytest.mark.parametrize(("lots", "staked_after", "before"), [(90, 90, 0), (-90, 0, 90), (-40, 50, 90)])
def test_what_the_venue_did_not_stake_or_give_back_is_where_it_was(lots: int, staked_after: int, before: int) -> None:
    of = staking(lots, staked_after)
    of.enter(Entered(NotStaked("earn 1.0", "ETH", lots, "retCode 180013: Insufficient balance")))
    assert of.conductor.portfolio.core.staked == before
    assert of.stakings == []


def test_a_fill_that_is_heard_before_the_market_is_heard_by_its_price() -> None:
    of = conducting()
    for one in a_day(of)[:4]:
        of.enter(one)
    blind = seen(of, prices=(0, 0, 0, 0))["TREND-1"]
    fill = Filled("TREND-1", "BTC-PERP", NOW + 9, 1, 30_000, 5, 0, 5, blind)
    assert of.enter(Entered(fill, "TREND-1", 3)).orders == {"TREND-1": ()}


@pytest.mark.req("E-01")
def test_an_engine_that_fails_at_a_fill_is_set_aside_and_its_stop_stays() -> None:
    of = conducting()
    for one in a_day(of)[:4]:
        of.enter(one)
    of.conductor.working["TREND-1"] = (STOP_ORDER, SALE)
    unknown = Filled("TREND-1", "SOL-PERP", NOW + 9, 1, 30_000, 5, 0, 5, seen(of)["TREND-1"])
    assert of.enter(Entered(unknown, "TREND-1", 3)).orders == {"TREND-1": (STOP_ORDER,)}
    assert list(of.conductor.portfolio.failed) == ["TREND-1"]
    assert of.conductor.log[-1][1].note.alert


@pytest.mark.req("E-14")
def test_an_order_that_rests_and_is_filled_in_part_is_wanted_with_the_rest_until_all_of_it_is() -> None:
    of = conducting()
    for one in a_day(of)[:4]:
        of.enter(one)
    bids = {one.instrument: one for one in of.conductor.working["CORE"]}
    assert {one.style for one in bids.values()} == {"maker"} and bids["BTC"].lots > 5

    def filled(lots: int, number: int) -> tuple[Order, ...]:
        fill = Filled("CORE", "BTC", NOW + number, 1, bids["BTC"].price, lots, 0, lots)
        return of.enter(Entered(fill, "CORE", number)).orders["CORE"]

    rest = msgspec.structs.replace(bids["BTC"], lots=bids["BTC"].lots - 2)
    assert filled(2, 3) == (rest, bids["ETH"])
    assert filled(3, 4) == (msgspec.structs.replace(rest, lots=rest.lots - 3), bids["ETH"])
    assert filled(bids["BTC"].lots - 5, 5) == (bids["ETH"],)


def test_what_was_to_be_met_at_once_is_not_wanted_again_with_the_rest() -> None:
    of = conducting()
    for one in a_day(of)[:4]:
        of.enter(one)
    at_market = Order(instrument="BTC", side=1, lots=9, style="market", rule="level_1")
    of.conductor.working["CORE"] = (at_market,)
    fill = Filled("CORE", "BTC", NOW + 3, 1, 30_000, 4, 0, 4)
    assert of.enter(Entered(fill, "CORE", 3)).orders["CORE"] == ()


# ---- what a person says ------------------------------------------------------------------------------------------

ENTRY = Order(instrument="ETH-PERP", side=1, lots=5, style="market", rule="trend")


def lived(tranches: int = 2) -> Conducting:
    of = conducting(tranches)
    for one in a_day(of)[:4]:
        of.enter(one)
    return of


def said(of: Conducting, key: str, action: Any, account: str = "", desks: tuple[str, ...] = ()) -> Reply:
    return of.enter(Entered(Operated(key, action, NOW + 9, account, seen(of) if action == "halt" else {}, desks)))


def test_halted_it_takes_back_what_adds_risk_and_leaves_stops_and_exits_even_where_no_market_is_known() -> None:
    of = lived()
    of.conductor.working["TREND-1"] = (STOP_ORDER, SALE, ENTRY)
    blind = {name: seen_of(of.conductor, cast(Any, Books(name, (0, 0, 0, 0)))) for name in ACCOUNTS}
    reply = of.enter(Entered(Operated("1", "halt", NOW + 9, "", blind)))
    assert reply.orders == {"CORE": (), "TREND-1": (STOP_ORDER, SALE)}
    assert of.conductor.portfolio.risk.status == "HALT"
    assert said(of, "2", "halt").orders == {}, "what is not there is not taken back"


def test_halted_it_asks_for_nothing_new_until_it_is_resumed() -> None:
    of = lived(tranches=3)
    said(of, "1", "halt")
    of.enter(Entered(Heard(told(DAY + 1))))
    assert of.enter(Entered(Cycle(DAY + 1, NOW + DAY_NS, seen(of)))).orders["CORE"] == ()
    said(of, "2", "resume")
    assert of.conductor.portfolio.risk.status == "NORMAL"
    of.enter(Entered(Heard(told(DAY + 2))))
    assert of.enter(Entered(Cycle(DAY + 2, NOW + 2 * DAY_NS, seen(of)))).orders["CORE"]


def test_one_that_is_halted_alone_stops_alone_and_its_drawdown_is_counted_anew_from_where_it_goes_on() -> None:
    of = lived()
    of.conductor.working["TREND-1"] = of.conductor.working["TREND-2"] = (STOP_ORDER, ENTRY)
    assert said(of, "1", "halt", "TREND-1").orders == {"TREND-1": (STOP_ORDER,)}
    assert of.conductor.portfolio.risk.paused == {"TREND-1"} and of.conductor.portfolio.risk.status == "NORMAL"
    risk = of.conductor.portfolio.risk
    of.conductor._change(risk=msgspec.structs.replace(risk, highs={**risk.highs, "TREND-1": 10**15}))
    said(of, "2", "resume", "TREND-1")
    assert of.conductor.portfolio.risk.paused == frozenset()
    assert of.conductor.portfolio.risk.highs["TREND-1"] == of.conductor.portfolio.risk.equity["TREND-1"]


def test_core_goes_on_after_closed_withdrawals_and_an_engine_that_failed_is_asked_again() -> None:
    of = lived()
    core = of.conductor.portfolio.core
    of.conductor._change(core=msgspec.structs.replace(core, halted=True), failed={"FUNDING": "x", "TREND-1": "y"})
    said(of, "1", "resume", "CORE")
    said(of, "2", "restart", "FUNDING")
    assert not of.conductor.portfolio.core.halted and of.conductor.portfolio.failed == {"TREND-1": "y"}


def test_a_portfolio_far_below_its_high_is_resumed_to_what_its_fall_lets_it_do() -> None:
    of = lived()
    risk = of.conductor.portfolio.risk
    of.conductor._change(risk=msgspec.structs.replace(risk, is_reduced=True))
    said(of, "1", "halt")
    said(of, "2", "resume")
    assert of.conductor.portfolio.risk.status == "REDUCE"


def test_what_people_have_said_is_heard_again_with_what_the_desks_were_told_by_it() -> None:
    once, again = conducting(), conducting()
    events = [*a_day(once), Entered(Operated("1", "halt", NOW + 9, "", seen(once)))]
    events += [Entered(Operated("2", "resume", NOW + 10, "", {}, ("CORE", "FUNDING")))]
    rows = written(once, events)
    assert relive(again, rows, "tape") is None
    assert msgspec.json.encode(again.conductor.portfolio) == msgspec.json.encode(once.conductor.portfolio)
    assert again.operated == {"1", "2"}
    assert again.operations == {"CORE": [(9, "resume")], "FUNDING": [(9, "resume")]} == once.operations
