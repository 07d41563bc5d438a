"""The report of a month by mail: once, tried again, an alarm in the end; and nobody waits for it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from quintet.app import eternal_mail
from quintet.app.eternal_alerts import listening, mail_of
from quintet.app.eternal_command import Alerts
from quintet.app.eternal_lines import MAIN, Told, Watched
from quintet.app.eternal_mail import MonthlyMail
from quintet.app.machine import Machine
from quintet.ports.key_store import Credential, Secret
from quintet.runtime.bus import Bus
from quintet.runtime.live_desk import ALARM, NOTICE, Said
from quintet.venues.smtp import Letter, Outcome, PostOffice, Server
from tests.fakes.mail_server import MailServer
from tests.fakes.virtual_time import run

PAGE = "2026-01: 31 daily cycles\n"
REPORT = Told(MAIN, Said(3, NOTICE, "report of 2026-01: there"), PAGE)
LATER = Outcome("the server answered 451 later", again=True)


class Office:
    """`becomes`: of one letter after the other, then all are taken; None: it hangs."""

    def __init__(self, becomes: Sequence[Outcome | None] = ()) -> None:
        self.becomes, self.letters = [*becomes], list[Letter]()
        self.at_s: list[float] = []

    async def send(self, letter: Letter) -> Outcome:
        became = self.becomes.pop(0) if self.becomes else Outcome()
        self.at_s.append(asyncio.get_running_loop().time())
        if became is None:
            await asyncio.Event().wait()
            raise AssertionError("nobody answers")
        self.letters.append(letter)
        return became


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    return tmp_path


def write(folder: Path, month: str = "2026-01") -> None:
    (folder / "reports" / f"{month}.txt").write_text(PAGE)


def mailed(folder: Path, office: Office, *told: Told, wait_s: float = 60.0) -> tuple[list[Told], int]:
    """What everybody hears while these lines are told, and how many alarms the mail has said."""
    heard: list[Told] = []
    watched = Watched()

    async def screen(one: Told) -> None:
        heard.append(one)

    async def at_once(work: Callable[[], Any]) -> Any:
        return work()

    async def story() -> None:
        machine = Machine(wall_ns=lambda: 7, in_thread=at_once)
        mail = MonthlyMail(
            cast(Any, office), "desk@b.c", ("a@b.c",), "main", folder, watched.say, machine
        )  # fmt: skip
        async with Bus[Told](lambda text: Told(MAIN, Said(0, NOTICE, text))) as bus:
            watched.tell = bus.publish
            bus.subscribe(screen)
            bus.subscribe(mail.hear)
            for one in told:
                bus.publish(one)
            await asyncio.sleep(wait_s)

    run(story())
    return heard, watched.alarms


@pytest.mark.req("E-119")
def test_a_month_that_is_over_is_one_letter_with_its_report(folder: Path) -> None:
    office = Office()
    quiet = Told("FUNDING", Said(1, ALARM, "engine_paused: drawdown -0.031"))
    write(folder)
    heard, alarms = mailed(folder, office, quiet, REPORT, quiet)
    [letter] = office.letters
    assert letter[:4] == ("desk@b.c", ("a@b.c",), "main: report of 2026-01", PAGE)
    assert [one.line.text for one in heard if one.line.ts_ns == 7] == ["the report of 2026-01 is mailed to a@b.c"]
    assert alarms == 0


def test_it_is_tried_again_after_1_5_and_15_s_each_a_notice(folder: Path) -> None:
    office = Office([LATER, LATER, LATER])
    write(folder)
    heard, alarms = mailed(folder, office, REPORT)
    pauses = [second - first for first, second in zip(office.at_s, office.at_s[1:], strict=False)]
    assert pauses == pytest.approx([1.0, 5.0, 15.0], abs=0.2)
    said = [one.line for one in heard if one.line.ts_ns == 7]
    assert [line.kind for line in said] == [NOTICE] * 4 and alarms == 0
    assert said[1].text == (
        "the mail server does not take the report of 2026-01, trying again in 5 s: the server answered 451 later"
    )
    assert len({letter.ident for letter in office.letters}) == 1


def test_after_the_last_attempt_it_is_an_alarm_and_the_next_life_tries_again(folder: Path) -> None:
    write(folder)
    heard, alarms = mailed(folder, Office([LATER] * 4), REPORT)
    [alarm] = [one.line.text for one in heard if one.line.kind == ALARM]
    assert alarm == "the report of 2026-01 was not mailed: the server answered 451 later"
    assert alarms == 1
    office = Office()
    mailed(folder, office, Told(MAIN, Said(1, NOTICE, "back: 5,120 events of 5 desks lived again, no order open")))
    assert [letter.subject for letter in office.letters] == ["main: report of 2026-01"]


def test_what_no_attempt_can_change_is_an_alarm_at_once(folder: Path) -> None:
    office = Office([Outcome("the server answered 535 to the login")])
    write(folder)
    _, alarms = mailed(folder, office, REPORT)
    assert (len(office.letters), alarms) == (1, 1)


def test_what_reached_some_is_an_alarm_and_not_mailed_again(folder: Path) -> None:
    write(folder)
    heard, alarms = mailed(folder, Office([Outcome("d@b.c: 550 nobody", in_part=True)]), REPORT)
    [alarm] = [one.line.text for one in heard if one.line.kind == ALARM]
    assert (alarm, alarms) == ("the report of 2026-01 did not reach everybody: d@b.c: 550 nobody", 1)
    office = Office()
    mailed(folder, office, REPORT)
    assert office.letters == []


def test_a_report_that_was_mailed_is_not_mailed_by_the_next_life(folder: Path) -> None:
    write(folder)
    mailed(folder, Office(), REPORT)
    office = Office()
    write(folder, "2026-02")
    mailed(folder, office, Told(MAIN, Said(1, NOTICE, "back")), REPORT)
    assert [letter.subject for letter in office.letters] == ["main: report of 2026-02"]


def test_a_server_that_hangs_holds_up_nobody_else(folder: Path) -> None:
    write(folder)
    line = Told("CORE", Said(1, NOTICE, "entered: asset BTC"))
    heard, _ = mailed(folder, Office([None]), REPORT, *[line] * 50, wait_s=0.1)
    assert heard == [REPORT, *[line] * 50]


@pytest.mark.req("E-119")
def test_through_a_socket_it_is_tried_again_and_taken_while_nobody_waits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eternal_mail, "PAUSES_S", (0.01, 0.01, 0.01))
    write(folder)
    server, heard = MailServer(hello="", mail="451 later", letter="452 no room"), list[str]()

    async def screen(told: Told) -> None:
        heard.append(told.line.text)

    async def story() -> None:
        listening_at = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        office = PostOffice(Server("127.0.0.1", listening_at.sockets[0].getsockname()[1], "plain"), letter_s=0.5)
        watched = Watched()
        mail = MonthlyMail(office, "desk@b.c", ("a@b.c",), "main", folder, watched.say)
        async with Bus[Told](lambda text: Told(MAIN, Said(0, NOTICE, text))) as bus:
            watched.tell = bus.publish
            bus.subscribe(mail.hear)
            bus.subscribe(screen)
            bus.publish(REPORT)
            bus.publish(Told("CORE", Said(4, NOTICE, "entered: asset BTC")))
            await asyncio.sleep(0.05)
            assert heard == [REPORT.line.text, "entered: asset BTC"]  # the server hangs at its first word
            async with asyncio.timeout(20.0):
                while not heard[-1].startswith("the report of 2026-01 is mailed"):
                    await asyncio.sleep(0.02)
        listening_at.close()
        while server.ended < 4:
            await asyncio.sleep(0.01)

    asyncio.run(story())
    assert [text.rpartition(": ")[2] for text in heard[2:-1]] == [
        "no end within 0.5 s", "the server answered 451 later", "the server answered 452 no room",
    ]  # fmt: skip
    [letter] = server.letters
    assert letter.endswith(f"\r\n\r\n{PAGE.strip()}\r\n.\r\n")


def test_the_password_is_read_from_the_store_and_shown_nowhere(folder: Path) -> None:
    def key_of(name: str) -> Credential:
        return Credential(name, "smtp", "", Secret("desk"), Secret("CANARY"))

    async def story() -> None:
        alerts = Alerts(mail_server="smtp.b.c", mail_from="desk@b.c", mail_to=("a@b.c",), mail_key="post")
        async with listening(alerts, "main", folder, key_of, Watched()) as listeners:
            assert len(listeners) == 1
        mail: Any = mail_of(alerts, "main", folder, key_of, Watched())
        server = mail._office._server
        assert server.login.password.reveal() == "CANARY" and "CANARY" not in f"{server}{vars(mail)}"

    asyncio.run(story())
