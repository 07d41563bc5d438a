"""`quintet desk list | show | run | reload | tell`: the desks and portfolios of this workspace, alive or not.

Exit codes: 0 it is well; 1 `show` and `run` found a decision that does not come out the same; 2 usage, no such desk, a
configuration that is refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quintet.app.messages import BAD_INPUT, CalmGroup, Complaint, did_you_mean, fail, progress, say, say_json

if TYPE_CHECKING:
    from quintet.app.desk_runs import Standing

desk_app = typer.Typer(cls=CalmGroup, help="Look after desks.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
DeskName = Annotated[str, typer.Argument(metavar="DESK", help="paper-main, or main where only one world has it.")]


@desk_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the desks of this workspace, portfolios among them, and which of them are alive."""
    from quintet.app.desk_folder import CONDUCTOR, TAPE
    from quintet.app.desk_names import desk_folders, portfolio_folders
    from quintet.storage.tape_files import is_being_written, open_tape
    from quintet.storage.workspace import workspace

    place = workspace().desks
    tapes = [(folder, folder / TAPE) for folder in desk_folders(place)]
    tapes += [(folder, folder / CONDUCTOR / TAPE) for folder in portfolio_folders(place)]
    found = []
    for folder, tape in sorted(tapes):
        notes, alive = open_tape(tape).meta.notes, is_being_written(tape)
        found.append({"desk": folder.name, "alive": alive, "system": notes.get("system", ""), "folder": str(folder)})
    if as_json:
        say_json({"desks": found})
        return
    for one in found:
        say(f"{one['desk']:<20} {'alive' if one['alive'] else 'at rest':<8} {one['system']}")
    if not found:
        say(f"no desks in {workspace().desks}; begin one: quintet trade structure_mm --world paper")


@desk_app.command()
def show(desk: DeskName, as_json: AsJson = False) -> None:
    """Show what a desk has lived so far, also while it is alive: lives, orders, result, what the stages will ask.

    Of a portfolio: equity, status, and of each sub-account whether its engine runs, is paused or has failed, and why,
    the mode of its desk, what it noted last, and the words for whatever waits for a person.
    """
    from quintet.app.desk_runs import figures_of, standing_of

    folder = desk_folder(desk)
    if is_portfolio(folder):
        from quintet.app import eternal_show

        with progress("living the portfolio's tapes through"):
            shown = eternal_show.shown_on_tapes(folder)
        eternal_show.show(folder, shown, as_json)
        return
    with progress("living the desk's tape through"):
        standing = standing_of(folder)
        figures = figures_of(standing, folder)
    if as_json:
        say_json({"ok": standing.difference is None, "desk": folder.name, **figures})
    else:
        _say_standing(folder, standing, figures)
    if standing.difference is not None:
        fail()


@desk_app.command()
def run(desk: DeskName, as_json: AsJson = False) -> None:
    """Write the run of a desk, as its end does: evidence that the stages take, replayed from its tape."""
    from quintet.app.desk_runs import write_run
    from quintet.app.wiring import clock
    from quintet.storage.run_folders import METRICS, read_json
    from quintet.storage.workspace import workspace

    folder = desk_folder(desk)
    _require_single(folder, "a run is of one desk: the figures of a portfolio are its monthly reports and desk show")
    with progress("living the desk's tape through"):
        written = write_run(folder, workspace(), clock())
    figures = read_json(written / METRICS)
    if as_json:
        say_json({"run": written.name, "folder": str(written), **figures})
    else:
        say(f"run         {written}")
    if figures["desk"]["unexplained"]:
        fail()


@desk_app.command("reload")
def reload_(desk: DeskName, as_json: AsJson = False) -> None:
    """Let a living desk read its configuration again: judged whole, applied between two events, or refused."""
    import os
    import signal

    from quintet.app.reloading import ask

    folder = desk_folder(desk)
    _require_single(folder, "a portfolio keeps the configuration that it was begun with")
    answer = ask(folder, lambda pid: os.kill(pid, signal.SIGHUP))
    if as_json:
        say_json({"ok": answer.ok, "changed": answer.changed, "problem": answer.problem})
    elif answer.ok:
        for line in answer.changed or ("nothing that concerns this desk",):
            say(f"changed     {line}")
    else:
        say(f"refused     {answer.problem}")
    if not answer.ok:
        raise typer.Exit(BAD_INPUT)


@desk_app.command()
def tell(
    desk: DeskName,
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION", help="pause, resume, reduce or reset; of a portfolio: halt, resume, restart or reset."
        ),
    ],
    of: Annotated[
        str,
        typer.Option("--of", metavar="SUB_ACCOUNT", help="Of a portfolio: CORE, TREND-1, ... alone; without it, all."),
    ] = "",
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the audit log.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell a living desk to pause, to resume, to reduce only, or that somebody has looked (reset).

    A reset takes away what stopped it and measures anew. It is an event on the desk's tape, and a deed of yours.

    A portfolio is told to halt (no new risk; exits and stops go on), to resume what was halted or paused, to restart
    an engine that has failed, or to reset its desks; without --of: all of it.
    """
    folder = desk_folder(desk)
    if is_portfolio(folder):
        _tell_portfolio(folder, action, of, why, as_json)
        return
    if of:
        raise Complaint(
            "a desk without sub-accounts", where="--of", found=of, expected=f"nothing: {folder.name} is no portfolio"
        )
    _tell_desk(folder, action, why, as_json)


def _tell_desk(folder: Path, action: str, why: str, as_json: bool) -> None:
    import os
    import signal

    from quintet.app import auditing, reloading

    if action not in reloading.ACTIONS:
        raise Complaint(
            "unknown action", where="ACTION", found=action, expected=f"one of {', '.join(reloading.ACTIONS)}",
            hint=did_you_mean(action, reloading.ACTIONS),
        )  # fmt: skip
    reloading.alive_in(folder)
    reason = _reason(why, action)
    answer = reloading.tell(folder, action, lambda pid: os.kill(pid, signal.SIGHUP))
    if answer.ok:
        auditing.record(f"desk {action}", folder.name, reason)
    if as_json:
        say_json({"ok": answer.ok, "action": action, "problem": answer.problem})
    else:
        say(f"told        {action}" if answer.ok else f"refused     {answer.problem}")
    if not answer.ok:
        raise typer.Exit(BAD_INPUT)


def _tell_portfolio(folder: Path, action: str, account: str, why: str, as_json: bool) -> None:
    from quintet.app import auditing, eternal_operator

    eternal_operator.require_known(action, account)
    eternal_operator.require_alive(folder)
    reason, wish = _reason(why, action), eternal_operator.new_wish(action, account)
    of = {"of": account} if account else {}
    try:
        lines = eternal_operator.tell(folder, wish)
    except eternal_operator.NotHeardYet:
        auditing.record(f"desk {action}", folder.name, reason, **of, answer="none yet")
        raise
    auditing.record(f"desk {action}", folder.name, reason, **of)
    if as_json:
        say_json({"ok": True, "action": action, "of": account, "lines": lines})
        return
    say(f"told        {wish}")
    for line in lines:
        say(f"            {line}")


def _reason(why: str, action: str) -> str:
    from quintet.app.kill_command import asked_reason

    reason = why.strip() or asked_reason(f"why {action}?")
    if not reason:
        raise Complaint("no reason", where="--why", found="nothing", expected="a sentence, for the audit log")
    return reason


def is_portfolio(folder: Path) -> bool:
    """Is it a conductor and its desks?"""
    from quintet.app.desk_folder import CONDUCTOR, TAPE

    return (folder / CONDUCTOR / TAPE).is_file()


def _require_single(folder: Path, hint: str) -> None:
    """Raise Complaint for a portfolio."""
    if is_portfolio(folder):
        raise Complaint("not of a portfolio", where="DESK", found=folder.name, expected="a single desk", hint=hint)


def desk_folder(name: str) -> Path:
    """The folder of a desk or portfolio by its name; raises Complaint when none or several fit."""
    from quintet.app.desk_names import desk_folders, fitting, portfolio_folders
    from quintet.storage.workspace import workspace

    place = workspace().desks
    desks = sorted({*desk_folders(place), *portfolio_folders(place)})
    fits, known = fitting(name, desks), [folder.name for folder in desks]
    if len(fits) == 1:
        return fits[0]
    raise Complaint(
        "no such desk" if not fits else "several desks of this name", where=str(place), found=name,
        expected=f"one of {', '.join(known)}" if known else "a desk that was begun", hint=did_you_mean(name, known),
    )  # fmt: skip


def _counted(some: Sequence[object], one: str, several: str) -> str:
    return f"{len(some)} {one if len(some) == 1 else several}"


def _say_standing(folder: Path, standing: "Standing", figures: dict[str, Any]) -> None:
    from quintet.research.desk_lives import days_of

    one, facts = standing.instrument, figures["metrics"]
    say(f"desk        {folder.name}, {standing.run.system.address} on {one.symbol} {one.kind}")
    lives, heard = standing.lives, standing.heard
    say(f"alive       {days_of(heard):.2f} days in {_counted(lives, 'life', 'lives')} with this configuration")
    say(f"heard       its market in {_counted(heard, 'stretch', 'stretches')} without a gap")
    say(f"orders      {facts['orders']}, cancels {facts['cancels']}, fills {facts['fills']}")
    say(f"closed      {standing.closed_trades} positions")
    say(
        f"result      {facts['net_quanta'] * one.quote_quantum:f} {one.quote_asset}, "
        f"drawdown {facts['max_drawdown_frac']:.2%}"
    )
    say(f"alarms      {facts['alarms']}")
    residual = figures["desk"]["residual_bps"]
    say(f"residual    {'nobody looked' if residual is None else f'{residual:+.2f} bp'}")
    say(f"replay      {'the same to the last command' if standing.difference is None else standing.difference}")
