"""A person tells a living portfolio something, and hears what became of it: from one process to another, by two files.

    quintet desk tell main halt                  no new risk anywhere; exits, stops and the repair of legs go on
    quintet desk tell main resume --of TREND-1

    desks/sandbox-main/asked.json        what was said, until it is answered
    desks/sandbox-main/answered.json     what became of what was said last

What was said is judged by the portfolio, which alone knows how it stands, and is an event of the conductor's tape with
the key it was said under. So it is done once: a portfolio that died with an unanswered word finds it, and on its tape
whether it has been heard.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from quintet.app.desk_folder import CONDUCTOR, TAPE
from quintet.app.eternal_standing import Standing, SubAccount
from quintet.app.eternal_words import counted
from quintet.app.messages import Complaint, did_you_mean
from quintet.app.reloading import read_written
from quintet.core.errors import DataError
from quintet.research.eternal_conductor import Action
from quintet.storage.tape_files import is_being_written
from quintet.storage.workspace import write_whole
from quintet.systems.eternal.config import ACCOUNTS
from quintet.systems.eternal.risk import HALT

ASKED: Final = "asked.json"
ANSWERED: Final = "answered.json"
LOOK_S: Final = 0.5
"""So often a portfolio looks whether somebody has said something."""

PATIENCE_S: Final = 10.0
ACTIONS: Final[tuple[str, ...]] = get_args(Action)

OF_ONE_DESK: Final[Mapping[str, str]] = {
    "pause": "halt stops new risk, and leaves exits, stops and the repair of legs alone",
    "reduce": "halt lets only out what reduces",
}
"""What a single desk is told, and what a portfolio is told instead."""


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person has said: an action, of a sub-account or (empty) of all. `key`: never comes twice."""

    key: str
    action: Action
    account: str = ""

    def __str__(self) -> str:
        return f"{self.action} --of {self.account}" if self.account else self.action


class Problem(msgspec.Struct, frozen=True):
    """A complaint, in its parts."""

    what: str
    where: str
    found: str
    expected: str
    hint: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a wish: lines for a person, or why nothing was done."""

    key: str
    lines: tuple[str, ...] = ()
    problem: Problem | None = None


class NotHeardYet(DataError):
    """A portfolio that does not answer. What was said stays, and is done when it does."""


# ---- whoever says something ----------------------------------------------------------------------------------------


def require_known(action: str, account: str) -> None:
    """Raise Complaint for what no portfolio can be told."""
    if action in OF_ONE_DESK:
        raise Complaint(
            "an action of a single desk", where="ACTION", found=action,
            expected=f"one of {', '.join(ACTIONS)}, of a portfolio", hint=OF_ONE_DESK[action],
        )  # fmt: skip
    if action not in ACTIONS:
        raise Complaint(
            "unknown action", where="ACTION", found=action, expected=f"one of {', '.join(ACTIONS)}, of a portfolio",
            hint=did_you_mean(action, ACTIONS),
        )  # fmt: skip
    if account and account not in ACCOUNTS:
        raise Complaint(
            "unknown sub-account", where="--of", found=account, expected=f"one of {', '.join(ACCOUNTS)}",
            hint=did_you_mean(account.upper(), ACCOUNTS),
        )  # fmt: skip
    if action == "restart" and not account:
        raise Complaint(
            "restart of what", where="--of", found="nothing", expected="the sub-account of an engine that has failed"
        )


def require_alive(folder: Path) -> None:
    """Raise Complaint unless somebody could hear it."""
    if not is_being_written(folder / CONDUCTOR / TAPE):
        raise Complaint(
            "a portfolio at rest", where=str(folder), found="nobody who could be told", expected="one that is alive",
            hint="one that waits for its venue sends nothing; `quintet kill` lets nothing but cancels leave any desk",
        )  # fmt: skip


def tell(folder: Path, wish: Wish, patience_s: float | None = None) -> tuple[str, ...]:
    """Say it and wait for what became of it: lines for a person.

    Raises Complaint, also where the portfolio refuses it; NotHeardYet when it does not answer: then it stays said.
    """
    require_alive(folder)
    waits = _read(folder / ASKED, Wish)
    if waits is not None:
        raise Complaint(
            "an earlier word is not heard yet", where=str(folder / ASKED), found=f"`{waits}` waits for its answer",
            expected="none: the portfolio hears one after the other, within a second when nothing holds it up",
        )  # fmt: skip
    leave(folder, wish)
    patience_s = PATIENCE_S if patience_s is None else patience_s
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s:
        found = _read(folder / ANSWERED, Answer)
        if found is not None and found.key == wish.key:
            if found.problem is not None:
                problem = found.problem
                raise Complaint(
                    problem.what, where=problem.where, found=problem.found, expected=problem.expected, hint=problem.hint
                )
            return tuple(found.lines)
        time.sleep(0.02)
    raise NotHeardYet(
        f"{folder}: no answer within {patience_s:g} s, expected one in {ANSWERED}: `{wish}` stays said, and is done "
        "once, as soon as the portfolio hears it; look at its lines"
    )


def new_wish(action: Any, account: str) -> Wish:
    """The same words under a key of its own."""
    return Wish(secrets.token_hex(8), action, account)


def leave(folder: Path, wish: Wish) -> None:
    """Leave it where a portfolio looks."""
    write_whole(folder / ASKED, msgspec.json.encode(wish))


# ---- the portfolio -------------------------------------------------------------------------------------------------


def waiting(folder: Path, say: Callable[[str], None]) -> Wish | None:
    """What was said and is not answered yet. Bytes that nobody can read are taken away, and `say` is told."""
    try:
        wish: Wish | None = _read(folder / ASKED, Wish)
        answer: Answer | None = None if wish is None else _read(folder / ANSWERED, Answer)
    except DataError as error:
        say(f"nobody can be heard: {error}")
        (folder / ASKED).unlink(missing_ok=True)
        return None
    if wish is not None and answer is not None and answer.key == wish.key:
        (folder / ASKED).unlink(missing_ok=True)
        return None
    return wish


def answer(folder: Path, told: Answer) -> None:
    """Say what became of it; from then on nothing waits."""
    write_whole(folder / ANSWERED, msgspec.json.encode(told))
    (folder / ASKED).unlink(missing_ok=True)


def problem_of(complaint: Complaint) -> Problem:
    """A complaint on its way to whoever asked."""
    return Problem(complaint.what, complaint.where, str(complaint.found), complaint.expected, complaint.hint)


def require_sense(wish: Wish, standing: Standing) -> None:
    """Raise Complaint for what a portfolio that stands like this has no use for. To halt it always makes sense."""
    require_known(wish.action, wish.account)
    one = standing.sub_accounts[wish.account] if wish.account else None
    if wish.action == "halt" or wish.action in (standing if one is None else one).waits_for:
        return
    if one is None:
        found = f"status {standing.status}, no desk below that waits for it"
    else:
        found = state_of(one)
    raise Complaint(
        f"nothing to {wish.action}", where=wish.account or "the portfolio", found=found,
        hint="; ".join(f"waits for a person: {line}" for line in waits_of(standing)),
        expected={
            "restart": "an engine that has failed",
            "resume": "one that was halted or paused" if one is None else "one that is paused, or whose desk is",
            "reset": "a desk that was stopped by an alarm",
        }[wish.action],
    )  # fmt: skip


def operated_words(wish: Wish, called_back: int, desks: Sequence[str]) -> tuple[str, ...]:
    """What a word has done, in lines. `called_back`: so many orders; `desks`: whose desks were told the same."""
    whose = wish.account or "the portfolio"
    told = {
        "halt": f"no new risk {f'of {wish.account}' if wish.account else 'anywhere'} from now on; exits, stops and the "
        f"repair of legs go on; {counted(called_back, 'order')} called back",
        "resume": f"{whose} goes on; it decides at its next wake (the daily cycle is at 00:05 UTC)",
        "restart": f"the engine of {wish.account} is asked again at its next wake (the daily cycle is at 00:05 UTC)",
        "reset": "what stopped them is taken away, and measured anew",
    }[wish.action]
    return (told, *((f"desks told {wish.action}: {', '.join(desks)}",) if desks else ()))


def waits_of(standing: Standing) -> list[str]:
    """A line for everything that waits for a person, with the words that let it go on."""
    lines = []
    if standing.status == HALT:
        lines.append("the portfolio is halted: no new risk anywhere (resume)")
    for name, one in standing.sub_accounts.items():
        if one.waits_for:
            words = ", ".join(f"{word} --of {name}" for word in one.waits_for)
            lines.append(f"{name}: {state_of(one)} ({words})")
    return lines


def state_of(one: SubAccount) -> str:
    """Its engine and the desk below it, each with the reason where it does not run."""
    engine = f"engine {one.engine}{f' ({one.why})' if one.why else ''}"
    return f"{engine}, desk {one.mode}{f' ({one.stopped_by})' if one.stopped_by else ''}"


def _read(path: Path, kind: Any) -> Any:
    return read_written(path, kind, "`quintet desk tell` or a portfolio")
