"""The eternal engine on the sandbox in time-lapse: a bad month, cut lines, deaths; books exact, legs even, parity."""

import asyncio
import hashlib
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quintet.app import desk_folder, eternal_listing, eternal_operator, eternal_trading
from quintet.app.eternal_capital import CapitalMoves
from quintet.app.eternal_lines import MAIN, Told
from quintet.app.eternal_parity import replay_portfolio
from quintet.core import events as ev
from quintet.core.risk import breaker
from quintet.research.told_desk import Moved
from quintet.runtime.live_desk import ALARM, NOTICE
from quintet.sandbox.commands import MoveCoins
from quintet.systems.eternal import trend
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING
from quintet.systems.eternal.dates import date_of
from tools.storm.disk import Killed
from tools.storm.lapse_laws import broken_laws, naked_times
from tools.storm.lapse_scripts import (
    QUICK,
    at,
    calm,
    cut_between_legs,
    deleveraged,
    dies_and_finds_nobody,
    dies_between_cycles,
    earning,
    month,
    other_tick,
    says,
    trouble,
    withdrawals,
)
from tools.storm.time_lapse import DAY_MS, START_MS, Script, TimeLapse, tell_lapse

GIFT = "00000000-0000-4000-8000-000000000001"


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
    async def stuck(told: Told) -> None:
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
    monkeypatch.setattr(eternal_listing, "LISTING_EVERY_S", 1.0)
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


# ---- what a person says ------------------------------------------------------------------------------------------


def open_orders(lapse: TimeLapse, name: str) -> list[Any]:
    account = lapse.service.state.accounts[lapse.uids[name]]
    return [lapse.service.state.orders[one] for ids in account.open_orders.values() for one in ids]


def said_by_people(lapse: TimeLapse) -> list[dict[str, str]]:
    """By the tapes alone, lived once more; what is on them twice was done twice."""
    log = replay_portfolio(lapse.folder).conducting.conductor.log
    return [dict(one.note.values) for _, one in log if one.note.kind == "operator"]


def test_a_halted_portfolio_places_nothing_new_keeps_its_stops_and_goes_on_after_a_death_when_it_is_resumed(
    tmp_path: Path,
) -> None:
    seen: dict[float, dict[str, list[Any]]] = {}

    def looks(day: float) -> Any:
        def look(lapse: TimeLapse) -> None:
            seen[day] = {name: open_orders(lapse, name) for name in lapse.uids}

        return at(START_MS + int(day * DAY_MS), look)

    faults = (
        *map(looks, (2.3, 2.8, 7.3, 7.8)), says(2, "halt", CORE), says(3, "resume", CORE),
        says(7, "halt"), dies_between_cycles(8), says(9, "resume", dies=True),
    )  # fmt: skip
    lapse = told(replace(calm(12), faults=faults), tmp_path)
    assert (lapse.struck, lapse.life, broken_laws(lapse)) == (5, 2, [])
    assert said_by_people(lapse) == [
        {"action": "halt", "account": CORE}, {"action": "resume", "account": CORE},
        {"action": "halt", "account": ""}, {"action": "resume", "account": ""},
    ]  # fmt: skip

    assert [one.sign for one in seen[2.3][CORE]] == [1, 1] and seen[2.8][CORE] == []
    stops = [(one.order_id, one.trigger_price) for one in seen[7.3]["TREND-1"]]
    assert len(stops) == 2 and [(one.order_id, one.trigger_price) for one in seen[7.8]["TREND-1"]] == stops

    halted_ms, resumed_ms = START_MS + 7 * DAY_MS + DAY_MS * 3 // 4, START_MS + 9 * DAY_MS + DAY_MS // 2
    placed = [one for one in lapse.service.state.orders.values() if halted_ms < one.created_ms < resumed_ms]
    assert placed and all(one.reduce_only for one in placed)
    later = [one for one in lapse.service.state.orders.values() if one.created_ms > resumed_ms and not one.reduce_only]
    assert {lapse.service.state.accounts[one.uid].name for one in later} >= {"TREND-1", "TREND-2"}


def test_an_engine_that_failed_is_asked_again_when_a_person_says_so_to_one_that_dies_before_it_hears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = trend.decide

    def fails_on_a_day(state: Any, view: Any, config: Any) -> Any:
        if view.day == START_MS // DAY_MS + 1 and config == QUICK.trend_1:
            raise ZeroDivisionError("division by zero")
        return decide(state, view, config)

    monkeypatch.setattr(trend, "decide", fails_on_a_day)
    lapse = told(replace(calm(8), faults=(says(3, "restart", "TREND-1", dies=True),)), tmp_path)
    assert (lapse.struck, lapse.life, broken_laws(lapse)) == (1, 1, [])
    assert said_by_people(lapse) == [{"action": "restart", "account": "TREND-1"}]
    [failed] = [line for name, line in lapse.said if name == "TREND-1" and line.kind == ALARM]
    assert failed.text.startswith("failed, and set aside")
    assert [one.kind for one in lapse.service.state.accounts[lapse.uids["TREND-1"]].executions].count("Trade") >= 2


def test_what_a_person_said_is_done_once_by_a_portfolio_that_dies_before_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, alive = eternal_operator.answer, list[TimeLapse]()

    def dies_once(folder: Path, said: eternal_operator.Answer) -> None:
        if alive[0].life == 0:
            alive[0].kill()
            raise Killed
        answer(folder, said)

    monkeypatch.setattr(eternal_operator, "answer", dies_once)
    lapse = told(replace(calm(3), faults=(says(1, "halt"), alive.append)), tmp_path)
    assert (lapse.struck, lapse.life, broken_laws(lapse)) == (1, 1, [])
    assert said_by_people(lapse) == [{"action": "halt", "account": ""}]
    assert not (lapse.folder / eternal_operator.ASKED).exists()
    answered = (lapse.folder / eternal_operator.ANSWERED).read_text()
    assert '"halt  1"' in answered and "the portfolio is halted" in answered


@pytest.mark.req("E-27")
def test_core_buys_again_after_closed_withdrawals_when_a_person_resumes_it(tmp_path: Path) -> None:
    lapse = told(replace(calm(6), faults=(withdrawals(1, "BTC", 24), says(3, "resume", CORE))), tmp_path)
    assert broken_laws(lapse) == [] and said_by_people(lapse) == [{"action": "resume", "account": CORE}]
    conductor = replay_portfolio(lapse.folder).conducting.conductor
    stopped, *bought = [
        day for kind in ("withdrawals_closed", "tranche") for day, said in conductor.log if said.note.kind == kind
    ]
    assert bought[0] < stopped < START_MS // DAY_MS + 3 <= bought[1] and not conductor.portfolio.core.halted


def test_desks_that_an_alarm_has_paused_go_on_when_a_person_says_so_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eternal_listing, "LISTING_EVERY_S", 1.0)
    faults = (other_tick(1, "1"), says(2, "resume", dies=True), dies_between_cycles(3))
    lapse = told(replace(calm(4), faults=faults), tmp_path)
    assert (lapse.struck, lapse.life, broken_laws(lapse)) == (2, 2, [])
    resumed = {
        name: [(int(one["quantity"]), int(one["price"])) for one in desk_folder.required_past(lapse.folder / name).rows
               if int(one["kind"]) == ev.OPERATOR and int(one["price"])]
        for name in ACCOUNTS
    }  # fmt: skip
    [(action, number)] = resumed[CORE]
    assert action == breaker.RESUME and resumed == dict.fromkeys(ACCOUNTS, [(action, number)])


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_desk_that_an_unexplained_difference_has_stopped_buys_again_after_a_reset(
    is_reset: bool, tmp_path: Path
) -> None:
    def somebody_gives_core_money(lapse: TimeLapse) -> None:
        main = lapse.service.state.accounts[lapse.uids[CORE]].parent
        gift = MoveCoins(transfer_id=GIFT, from_uid=main, to_uid=lapse.uids[CORE], coin="USDT", amount="10")
        lapse.service.do(gift)
        lapse.until_s = asyncio.get_running_loop().time() + 30.0  # it is looked at four times before it is no delay

    gives = at(START_MS + DAY_MS + DAY_MS // 2, somebody_gives_core_money)
    faults = (gives, *([says(3, "reset", CORE)] if is_reset else []))
    lapse = told(replace(calm(6), faults=faults), tmp_path)
    assert any("suspense" in line.text for name, line in lapse.said if (name, line.kind) == (CORE, ALARM))
    relived = replay_portfolio(lapse.folder)
    assert lapse.ended is not None and relived.command_hashes == dict(lapse.ended.command_hashes)
    assert int(relived.books[CORE].world.desk[0].paused) == int(not is_reset)
    later = [one for one in lapse.service.state.orders.values() if one.uid == lapse.uids[CORE]
             and one.created_ms > START_MS + 4 * DAY_MS]  # fmt: skip
    assert bool(later) is is_reset


def test_a_word_that_makes_no_sense_is_refused_and_stands_on_no_tape(tmp_path: Path) -> None:
    lapse = told(replace(calm(2), faults=(says(1, "restart", "FUNDING"),)), tmp_path)
    assert broken_laws(lapse) == [] and said_by_people(lapse) == []
    [line] = [line.text for name, line in lapse.said if "refused" in line.text]
    assert line.startswith(
        "a person has asked for restart, which is refused: nothing to restart: FUNDING: found engine"
    )


def test_a_movement_that_is_booked_on_one_side_only_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moves: Any = CapitalMoves
    sides = moves._sides
    monkeypatch.setattr(moves, "_book", lambda self, one: self._desks[one.to].tell(_came(one)))
    monkeypatch.setattr(moves, "_sides", lambda self, one: sides(self, one)[-1:])
    found = broken_laws(told(calm(2), tmp_path))
    assert any(law.startswith("FUNDING: ") and "quanta of USDT in the books" in law for law in found)


def _came(one: Any) -> Any:
    return Moved(one.key, one.asset, one.quanta)


def test_it_has_a_tape_for_each_sub_account_and_one_for_the_conductor(bad: TimeLapse) -> None:
    assert {path.parent.name for path in bad.folder.glob("*/desk.tape")} == {*ACCOUNTS, eternal_trading.CONDUCTOR}
