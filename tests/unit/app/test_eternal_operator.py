"""What a person tells a portfolio: words that it knows, one that hears them, an answer that says what came of it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from quintet.app import desk_folder, eternal_operator
from quintet.app.cli import app
from quintet.app.desk_folder import CONDUCTOR, TAPE, Identity
from quintet.app.eternal_operator import (
    ANSWERED,
    ASKED,
    Answer,
    NotHeardYet,
    Problem,
    Wish,
    answer,
    operated_words,
    require_sense,
    waiting,
    waits_of,
)
from quintet.app.eternal_standing import Standing, SubAccountPlace, standing_of
from quintet.app.messages import Complaint
from quintet.core import state as s
from quintet.core.engine.money_rules import MarginRules
from quintet.core.orders.client_ids import ClientIds
from quintet.core.risk import breaker
from quintet.research.conductor_tape import Conducting, Entered
from quintet.research.eternal_conductor import Action, Conductor, Operated
from quintet.research.eternal_run import seen_of
from quintet.research.sub_accounts import SubAccountBooks
from quintet.research.told_desk import told_world
from quintet.storage.audit_log import audit_path
from quintet.storage.tape_files import TapeWriter
from quintet.storage.workspace import workspace
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import ACCOUNTS, CORE, FUNDING
from tests.eternal_market import BTC, BTC_PERP, ETH, ETH_PERP, USDT

MARKETS = (BTC, ETH, BTC_PERP, ETH_PERP)
NOW_NS = 1_767_225_600_000_000_000


@pytest.fixture
def portfolio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one at rest: nobody writes its conductor's tape."""
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    folder = tmp_path / "desks" / "sandbox-main"
    who = Identity("main", "sandbox", "code", {"system": "eternal"}, True)
    desk_folder.write_birth(folder / CONDUCTOR, who, "1", {}, desk_folder.first_rows(MARKETS, NOW_NS, NOW_NS))
    return folder


@contextmanager
def alive(folder: Path, judge: Callable[[Wish], Answer] | None) -> Iterator[list[Wish]]:
    """Somebody writes its tape, and answers as `judge` says; None: it hangs."""
    heard: list[Wish] = []
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            wish = waiting(folder, lambda why: None)
            if wish is not None and judge is not None:
                heard.append(wish)
                answer(folder, judge(wish))
            time.sleep(0.01)

    with TapeWriter.resume(folder / CONDUCTOR / TAPE):
        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield heard
        finally:
            over.set()
            listener.join()


def done(wish: Wish) -> Answer:
    return Answer(wish.key, ("no order called back",))


def told(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["desk", "tell", *words])
    return result.exit_code, result.output


def deeds() -> list[dict[str, Any]]:
    path = audit_path(workspace().root)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# ---- the command -------------------------------------------------------------------------------------------------


def test_a_living_portfolio_is_told_what_it_hears_and_the_deed_is_written_down(portfolio: Path) -> None:
    with alive(portfolio, done) as heard:
        assert told("main", "halt", "--of", "CORE", "--why", "I look") == (
            0,
            "told        halt --of CORE\n            no order called back\n",
        )
    assert [(one.action, one.account) for one in heard] == [("halt", "CORE")]
    [deed] = deeds()
    assert (deed["what"], deed["target"], deed["why"]) == ("desk halt", "sandbox-main", "I look")
    assert deed["facts"] == {"of": "CORE"} and not (portfolio / ASKED).exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("pause",), ("an action of a single desk", "halt, resume, restart, reset", "halt stops new risk")),
        (("holt",), ("unknown action", "holt", "did you mean halt?")),
        (("halt", "--of", "trend-1"), ("unknown sub-account", "trend-1", "did you mean TREND-1?")),
        (("restart",), ("restart of what", "--of", "an engine that has failed")),
        (("halt",), ("no reason", "--why")),
    ],
)
def test_a_word_that_no_portfolio_knows_is_a_complaint_that_names_what_was_expected(
    words: tuple[str, ...], parts: tuple[str, ...], portfolio: Path
) -> None:
    why = () if words == ("halt",) else ("--why", "x")
    with alive(portfolio, done) as heard:
        code, text = told("main", *words, *why)
    assert code == 2 and all(part in text for part in parts), text
    assert heard == [] and deeds() == []


def test_a_portfolio_at_rest_cannot_be_told_anything(portfolio: Path) -> None:
    code, text = told("sandbox-main", "halt", "--why", "x")
    assert code == 2 and "a portfolio at rest" in text and "one that is alive" in text
    assert not (portfolio / ASKED).exists() and deeds() == []


def test_what_a_portfolio_refuses_is_its_complaint_and_no_deed(portfolio: Path) -> None:
    problem = Problem("nothing to resume", "CORE", "engine running, desk normal", "one that is paused")
    with alive(portfolio, lambda wish: Answer(wish.key, problem=problem)):
        code, text = told("main", "resume", "--of", "CORE", "--why", "x")
    assert code == 2 and all(part in text for part in ("nothing to resume", "engine running", "one that is paused"))
    assert deeds() == []


def test_a_word_that_nobody_answers_stays_said_is_a_deed_and_another_has_to_wait(
    portfolio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eternal_operator, "PATIENCE_S", 0.1)
    with alive(portfolio, None):
        code, text = told("main", "halt", "--why", "x")
        assert code == 2 and "no answer within 0.1 s" in text and "`halt` stays said" in text
        code, text = told("main", "resume", "--why", "y")
        assert code == 2 and "an earlier word is not heard yet" in text and "`halt` waits" in text
    assert [(one["what"], one["facts"]) for one in deeds()] == [("desk halt", {"answer": "none yet"})]
    waits = waiting(portfolio, lambda why: None)
    assert waits is not None and waits.action == "halt"


def test_what_is_of_a_single_desk_alone_says_so(portfolio: Path) -> None:
    for words in (["desk", "reload", "main"], ["desk", "run", "main"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 2 and "not of a portfolio" in result.output


def test_it_is_among_the_desks(portfolio: Path) -> None:
    with alive(portfolio, None):
        found = json.loads(CliRunner().invoke(app, ["desk", "list", "--json"]).stdout)["desks"]
    assert found == [{"desk": "sandbox-main", "alive": True, "system": "eternal", "folder": str(portfolio)}]


# ---- from one process to another ---------------------------------------------------------------------------------


def test_a_word_that_was_answered_waits_no_more_even_where_its_file_was_left_behind(tmp_path: Path) -> None:
    wish = Wish("7", "halt")
    eternal_operator.leave(tmp_path, wish)
    assert waiting(tmp_path, lambda why: None) == wish
    answer(tmp_path, Answer("7"))
    eternal_operator.leave(tmp_path, wish)
    assert waiting(tmp_path, lambda why: None) is None and not (tmp_path / ASKED).exists()


def test_bytes_that_nobody_can_read_are_said_once_and_end_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    for text in ("{", json.dumps({"key": "1", "action": "sell everything"})):
        (tmp_path / ASKED).write_text(text)
        assert waiting(tmp_path, said.append) is None and waiting(tmp_path, said.append) is None
    assert len(said) == 2 and all("asked.json" in line for line in said)


def test_the_answer_to_another_word_is_no_answer(portfolio: Path) -> None:
    (portfolio / ANSWERED).write_bytes(msgspec.json.encode(Answer("before")))
    with alive(portfolio, None), pytest.raises(NotHeardYet):
        eternal_operator.tell(portfolio, Wish("now", "halt"), 0.1)


# ---- what makes sense --------------------------------------------------------------------------------------------


def standing(
    said: tuple[tuple[Action, str], ...] = (), causes: int = 0, alarmed: bool = False, failed: str = "",
    **state: Any,
) -> Standing:  # fmt: skip
    """After these words; CORE's desk stopped by these causes, or an alarm."""
    conducting = Conducting(Conductor(EternalConfig(), MARKETS, tuple(ACCOUNTS), ("BTC",)))
    conductor = conducting.conductor
    if failed:
        conductor._change(failed={failed: "ZeroDivisionError: division by zero"})
    if state:
        conductor._change(**state)
    places = {}
    for name in ACCOUNTS:
        books = SubAccountBooks(name, MARKETS, told_world(MARKETS, MarginRules(), 5_000_000))
        desk: Any = books.world.desk[0]
        desk.ledger[s.DESK_BOOK, books.asset_number("USDT")] = 1_000 * USDT
        if name == CORE:
            desk.breaker.causes, desk.paused = causes, int(alarmed)
            desk.limits.mode = breaker.mode_of(causes)
        places[name] = SubAccountPlace(books, seen_of(conductor, books), True, 0, ClientIds("main", 5))
    seen = {name: place.seen for name, place in places.items()}
    for n, (action, account) in enumerate(said):
        conducting.enter(Entered(Operated(str(n), action, NOW_NS, account, seen)))
    return standing_of("main", "sandbox", NOW_NS, conducting, places)


SENSE: list[tuple[Action, str, dict[str, Any]]] = [
    ("halt", "", {}),
    ("halt", CORE, {"said": (("halt", ""),)}),
    ("resume", "", {"said": (("halt", ""),)}),
    ("resume", FUNDING, {"said": (("halt", FUNDING),)}),
    ("resume", CORE, {"causes": breaker.BY_PAUSE}),
    ("resume", "", {"causes": breaker.BY_PAUSE}),
    ("reset", CORE, {"alarmed": True}),
    ("reset", "", {"causes": breaker.BY_ALARMS}),
    ("restart", FUNDING, {"failed": FUNDING}),
]


@pytest.mark.parametrize(("action", "account", "how"), SENSE)
def test_a_word_makes_sense_to_what_waits_for_it(action: Action, account: str, how: dict[str, Any]) -> None:
    require_sense(Wish("1", action, account), standing(**how))


@pytest.mark.parametrize(
    ("action", "account", "how", "found"),
    [
        ("resume", "", {}, "status NORMAL"),
        ("resume", "", {"said": (("halt", CORE),)}, "status NORMAL"),
        ("resume", FUNDING, {"said": (("halt", ""),)}, "engine running, desk normal"),
        ("resume", FUNDING, {"failed": FUNDING}, "engine failed (ZeroDivisionError: division by zero), desk normal"),
        ("resume", CORE, {"alarmed": True}, "desk normal (an alarm that nobody has looked at)"),
        ("restart", FUNDING, {"failed": "TREND-1"}, "engine running"),
        ("reset", CORE, {"causes": breaker.BY_PAUSE}, "desk halted (paused by an operator)"),
        ("reset", "", {}, "status NORMAL"),
    ],
)
def test_a_word_that_nothing_waits_for_is_refused_with_how_it_stands(
    action: Action, account: str, how: dict[str, Any], found: str
) -> None:
    with pytest.raises(Complaint) as refused:
        require_sense(Wish("1", action, account), standing(**how))
    assert refused.value.what == f"nothing to {action}" and found in str(refused.value.found)


def test_everything_that_waits_is_a_line_with_the_words_that_let_it_go_on() -> None:
    how = standing((("halt", ""), ("halt", FUNDING)), causes=breaker.BY_PAUSE, alarmed=True, failed="TREND-2")
    assert waits_of(how) == [
        "the portfolio is halted: no new risk anywhere (resume)",
        "CORE: engine running, desk halted (paused by an operator) (reset --of CORE, resume --of CORE)",
        "TREND-2: engine failed (ZeroDivisionError: division by zero), desk normal (restart --of TREND-2)",
        "FUNDING: engine paused (halted by a person), desk normal (resume --of FUNDING)",
    ]
    assert waits_of(standing()) == []


def test_core_after_closed_withdrawals_says_why_it_waits() -> None:
    core = Conductor(EternalConfig(), MARKETS, tuple(ACCOUNTS), ("BTC",)).portfolio.core
    how = standing(core=msgspec.structs.replace(core, halted=True))
    assert waits_of(how) == [
        "CORE: engine paused (withdrawals were closed at the venue), desk normal (resume --of CORE)"
    ]
    require_sense(Wish("1", "resume", CORE), how)


def test_what_came_of_it_is_said_in_lines() -> None:
    assert operated_words(Wish("1", "halt"), 2, ()) == (
        "no new risk anywhere from now on; exits, stops and the repair of legs go on; 2 orders called back",
    )
    assert operated_words(Wish("1", "resume", CORE), 0, (CORE,)) == (
        "CORE goes on; it decides at its next wake (the daily cycle is at 00:05 UTC)", "desks told resume: CORE",
    )  # fmt: skip
