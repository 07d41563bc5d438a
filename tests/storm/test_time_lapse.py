"""The eternal engine on the sandbox in time-lapse: a bad month, cut lines, deaths; books exact, legs even, parity."""

import asyncio
import hashlib
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quintet.app import eternal_trading
from quintet.app.eternal_parity import replay_portfolio
from quintet.app.eternal_trading import MAIN
from quintet.runtime.live_desk import ALARM, NOTICE
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING
from quintet.systems.eternal.dates import date_of
from tools.storm.lapse_laws import broken_laws, naked_times
from tools.storm.lapse_scripts import (
    calm,
    cut_between_legs,
    deleveraged,
    dies_and_finds_nobody,
    dies_between_cycles,
    earning,
    month,
    other_tick,
    trouble,
)
from tools.storm.time_lapse import DAY_MS, START_MS, Script, TimeLapse, tell_lapse


def told(script: Script, folder: Path) -> TimeLapse:
    return tell_lapse(script, folder / "portfolio")


def digest(lapse: TimeLapse) -> str:
    tapes = sorted(lapse.folder.glob("*/desk.tape"))
    return hashlib.sha256(b"".join(tape.read_bytes() for tape in tapes)).hexdigest()


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> TimeLapse:
    return told(month(), tmp_path_factory.mktemp("month"))


@pytest.mark.req("E-03", "E-58")
def test_a_bad_month_breaks_no_law(bad: TimeLapse) -> None:
    assert bad.struck == len(bad.script.faults) and bad.life == 1
    assert broken_laws(bad) == []
    assert bad.ended is not None and min(bad.ended.compared.values()) > 5


def test_every_engine_has_traded_in_it_and_money_has_moved_between_all(bad: TimeLapse) -> None:
    traded = {name: {one.kind for one in bad.service.state.accounts[uid].executions} for name, uid in bad.uids.items()}
    assert all("Trade" in kinds for kinds in traded.values())
    assert all("Funding" in traded[name] for name in ("TREND-1", "TREND-2", "FUNDING"))
    said = {line.note.kind for _, line in replay_portfolio(bad.folder).conducting.conductor.log}
    assert said >= {"built", "rebalance", "entered", "closed", "negative_for_long", "deployed", "move", "transfer"}


def test_a_line_that_is_cut_between_two_legs_leaves_no_leg_alone_once_it_is_back(tmp_path: Path) -> None:
    lapse = told(replace(calm(3), faults=(cut_between_legs(0),)), tmp_path)
    assert lapse.struck == 1
    assert broken_laws(lapse) == []
    [longest, *_] = sorted(naked_times(lapse), key=lambda one: one.from_ms - one.to_ms)
    assert longest.to_ms - longest.from_ms > 10_000 and longest.ms == 0


@pytest.mark.parametrize(
    ("dies_at", "power"),
    [((30,), None), ((118, 93), 0.7), ((640, 40), None), ((1_240,), 0.4)],
)
def test_a_portfolio_that_died_carries_out_what_was_said_and_nothing_twice(
    dies_at: tuple[int, ...], power: float | None, tmp_path: Path
) -> None:
    lapse = told(replace(calm(3), dies_at=dies_at, power=power), tmp_path)
    assert lapse.life == len(dies_at)
    assert broken_laws(lapse) == []


def test_a_portfolio_that_comes_back_and_finds_no_venue_waits_for_it_and_tells_each_wait(tmp_path: Path) -> None:
    lapse = told(replace(calm(3), faults=(dies_and_finds_nobody(0, 30.0),)), tmp_path)
    assert (lapse.struck, lapse.life, broken_laws(lapse)) == (1, 1, [])
    waits = [line for name, line in lapse.said if name == MAIN and "trying again" in line.text]
    assert [line.text.rpartition(": ")[2] for line in waits] == ["trying again in 1 s", "trying again in 5 s"]
    assert {line.kind for line in waits} == {ALARM}


@pytest.mark.req("E-119")
def test_an_alarm_of_an_engine_is_told_once_and_a_month_that_is_over_has_one_report(bad: TimeLapse) -> None:
    log = replay_portfolio(bad.folder).conducting.conductor.log
    alerts = Counter((one.account, one.note.kind) for _, one in log if one.note.alert)
    told_of = Counter((one.name, one.note) for one in bad.told if one.line.kind == ALARM)
    assert alerts and {key: told_of[key] for key in alerts} == dict(alerts)
    assert [path.name for path in sorted((bad.folder / "reports").iterdir())] == ["2026-01.txt"]
    assert sum(line.text.startswith("report of 2026-01: ") for _, line in bad.said) == 1
    page = (bad.folder / "reports" / "2026-01.txt").read_text()
    assert page.startswith("2026-01: 31 daily cycles") and "alarms: " in page


def test_each_execution_and_payment_of_funding_is_a_line_and_no_note_is_told_as_it_is_written_down(
    tmp_path: Path,
) -> None:
    lapse = told(calm(12), tmp_path)
    done = [one for uid in lapse.uids.values() for one in lapse.service.state.accounts[uid].executions]
    lines = Counter(one.line.kind for one in lapse.told)
    assert lines["fill"] == sum(one.kind == "Trade" for one in done) > 10
    assert lines["funding"] == sum(one.kind == "Funding" for one in done) > 10
    assert [one.line.text for one in lapse.told if one.note and one.line.text.startswith(f"{one.note}: ")] == []
    assert max(Counter(line.ts_ns // DAY_MS for name, line in lapse.said if line.kind == "order").values()) < 20


@pytest.mark.req("E-116")
def test_a_listener_that_never_answers_changes_no_byte_of_what_is_done(tmp_path: Path) -> None:
    async def stuck(told: eternal_trading.Told) -> None:
        await asyncio.Event().wait()

    heard, deaf = told(calm(2), tmp_path / "heard"), told(replace(calm(2), listeners=(stuck,)), tmp_path / "deaf")
    assert digest(deaf) == digest(heard)
    assert [line.text for _, line in deaf.said] == [line.text for _, line in heard.said]


@pytest.mark.req("E-130", "E-107")
def test_an_instance_that_has_only_the_tapes_gives_the_next_commands_that_the_dead_one_would_have_given(
    tmp_path: Path,
) -> None:
    def traded(lapse: TimeLapse) -> dict[tuple[str, str], list[tuple[int, int, int, str]]]:
        """By sub-account and instrument: which of two orders of one moment arrives first is the line's affair."""
        found = defaultdict(list)
        for name, uid in lapse.uids.items():
            for one in lapse.service.state.accounts[uid].executions:
                found[name, one.key].append((one.sign, one.lots, one.price, one.kind))
        return found

    lived = told(calm(4), tmp_path / "lived")
    moved = told(replace(calm(4), faults=(dies_between_cycles(2),), moves_house=True), tmp_path / "moved")
    assert (moved.struck, moved.life, broken_laws(moved)) == (1, 1, [])
    assert moved.folder != tmp_path / "moved" / "portfolio" and not (tmp_path / "moved" / "portfolio").exists()
    assert traded(moved) == traded(lived)


def test_a_portfolio_that_is_stopped_before_its_desks_live_ends_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portfolio: Any = eternal_trading._Portfolio
    begin = portfolio.begin

    async def begin_and_be_stopped(self: Any) -> None:
        await begin(self)
        self._request.stop.set()

    monkeypatch.setattr(portfolio, "begin", begin_and_be_stopped)
    lapse = told(calm(1), tmp_path)
    assert lapse.ended is not None and lapse.ended.cycles == 0


def test_told_again_it_is_the_same_to_the_last_byte(tmp_path: Path) -> None:
    once, again = (told(calm(2), tmp_path / name) for name in ("once", "again"))
    assert digest(once) == digest(again)


@pytest.mark.req("E-18", "E-19", "E-23")
def test_idle_ether_goes_to_the_earn_product_once_and_is_back_with_what_it_earned(tmp_path: Path) -> None:
    lapse = told(earning(), tmp_path)
    assert (lapse.struck, lapse.life, broken_laws(lapse)) == (1, 1, [])
    core = lapse.service.state.accounts[lapse.uids[CORE]]
    kinds = [one.kind for one in core.earn_orders]
    assert kinds[0] == "Stake" and kinds[-1] == "Redeem"
    staked = sum(one.amount for one in core.earn_orders if one.kind == "Stake")
    back = sum(one.amount for one in core.earn_orders if one.kind == "Redeem" and one.status == "Success")
    [position] = core.earn.values()
    assert position.earned > 0 and back + position.amount == staked + position.earned
    assert [line.text for name, line in lapse.said if line.kind == ALARM] == []
    asked = replay_portfolio(lapse.folder).conducting.stakings
    assert [one.lots > 0 for one in asked] == [kind == "Stake" for kind in kinds]


def test_a_tick_that_changes_stops_new_risk_of_the_whole_portfolio_and_is_one_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eternal_trading, "LISTING_EVERY_S", 1.0)
    lapse = told(replace(calm(3), faults=(other_tick(1, "1"),)), tmp_path)
    assert broken_laws(lapse) == []
    alarms = [line.text for name, line in lapse.said if line.kind == ALARM and name == MAIN]
    [alarm] = [text for text in alarms if "tick_size" in text]
    assert alarm.startswith("spot tick_size of BTCUSDT is 1") and "no new risk" in alarm
    later_ms = START_MS + 2 * DAY_MS
    accounts = [lapse.service.state.accounts[uid] for uid in lapse.uids.values()]
    assert not [one for each in accounts for one in each.executions if one.ms > later_ms and one.kind == "Trade"]


@pytest.mark.req("E-27", "E-66")
def test_a_venue_in_trouble_stops_core_until_a_person_resumes_it_and_makes_funding_leave_at_once(
    tmp_path: Path,
) -> None:
    # given withdrawals of Bitcoin that are closed from noon of a day to the next, when the insurance fund halves
    lapse = told(trouble(), tmp_path)
    assert broken_laws(lapse) == []
    # then people are told once when each begins, before any engine acts, and once when it is over
    noon_ns = (START_MS + DAY_MS + DAY_MS // 2) * 10**6
    venue = [line for name, line in lapse.said if name == MAIN and ("withdrawals" in line.text or "fund" in line.text)]
    assert [(line.kind, line.text.partition(" at the venue")[0].partition(":")[0]) for line in venue] == [
        (ALARM, "withdrawals of BTC are closed"), (NOTICE, "withdrawals are open again"),
        (ALARM, "the insurance fund has fallen within a day"), (NOTICE, "the insurance fund falls no more"),
    ]  # fmt: skip
    assert noon_ns + 3_600 * 10**9 <= venue[0].ts_ns < noon_ns + DAY_MS // 2 * 10**6
    # CORE stops with the next cycle, which was to buy, says so once, and does not begin again by itself
    conductor = replay_portfolio(lapse.folder).conducting.conductor
    assert conductor.portfolio.core.halted and not conductor.portfolio.failed
    [stopped] = [line for name, line in lapse.said if name == CORE and "withdrawals are closed" in line.text]
    bought = {date_of(day).day for day, said in conductor.log if said.note.kind == "tranche"}
    core = [one for one in lapse.service.state.orders.values() if one.uid == lapse.uids[CORE]]
    assert stopped.kind == ALARM and bought == {31} and not any(one.is_open for one in core)
    assert core and max(one.created_ms for one in core) < START_MS + DAY_MS
    # FUNDING leaves before the settlement at which it would have looked, and comes back only when the day is over
    noon_ms = START_MS + 2 * DAY_MS + DAY_MS // 2
    traded = [one for one in lapse.service.state.accounts[lapse.uids[FUNDING]].executions if one.kind == "Trade"]
    left = [one for one in traded if noon_ms < one.ms < noon_ms + 60_000]
    assert {(one.key, one.sign) for one in left} == {
        (f"{kind}:{asset}USDT", sign) for kind, sign in (("spot", -1), ("linear", 1)) for asset in ("BTC", "ETH")
    }
    assert not [one for one in traded if max(each.ms for each in left) < one.ms < venue[-1].ts_ns // 10**6]
    closed = [dict(said.note.values)["closed"] for _, said in conductor.log if said.note.kind == "insurance_fund"]
    assert closed[0] == 2 and not any(closed[1:])


@pytest.mark.req("E-66")
def test_a_leg_that_the_venue_closes_by_itself_makes_funding_leave_every_pair_and_stay_away_for_a_day(
    tmp_path: Path,
) -> None:
    # given two pairs since the first day, when at noon of the second the exchange closes a part of one of the shorts
    lapse = told(replace(calm(4), faults=(deleveraged(1, "BTCUSDT", "0.005"),)), tmp_path)
    assert broken_laws(lapse) == []
    # then nothing of either pair is left within a second, and nothing is bought anew before a whole day is over
    noon_ms = START_MS + DAY_MS + DAY_MS // 2
    executions = [one for one in lapse.service.state.accounts[lapse.uids[FUNDING]].executions if one.kind != "Funding"]
    [forced] = [one for one in executions if one.kind == "AdlTrade"]
    left = [one for one in executions if noon_ms < one.ms < noon_ms + 2_000 and one is not forced]
    assert {(one.key, one.sign) for one in left} == {
        (f"{kind}:{asset}USDT", sign) for kind, sign in (("spot", -1), ("linear", 1)) for asset in ("BTC", "ETH")
    }
    assert not [one for one in executions if noon_ms + 2_000 < one.ms < noon_ms + DAY_MS]
    assert [one for one in executions if one.ms > noon_ms + DAY_MS]
    # and a person hears what the venue did, and what came of it
    alarms = [line.text for name, line in lapse.said if line.kind == ALARM and name == FUNDING]
    assert alarms[:2] == [
        "the venue has closed BTC-PERP, in part or whole, by itself: deleveraging",
        "the venue's insurance fund runs dry: 2 pairs to close",
    ]


def test_a_movement_that_is_booked_on_one_side_only_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portfolio: Any = eternal_trading._Portfolio
    books = portfolio._sides
    monkeypatch.setattr(portfolio, "_book", lambda self, one: self.desks[one.to].tell(_came(one)))
    monkeypatch.setattr(portfolio, "_sides", lambda self, one: books(self, one)[-1:])
    found = broken_laws(told(calm(2), tmp_path))
    assert any(law.startswith("FUNDING: ") and "quanta of USDT in the books" in law for law in found)


def _came(one: Any) -> Any:
    return eternal_trading.Moved(one.key, one.asset, one.quanta)


def test_it_has_a_tape_for_each_sub_account_and_one_for_the_conductor(bad: TimeLapse) -> None:
    assert {path.parent.name for path in bad.folder.glob("*/desk.tape")} == {*ACCOUNTS, eternal_trading.CONDUCTOR}
