"""`quintet`: the command line. Here commands get their names; what they do stands in the modules beside this one.

Nothing heavy is imported for `--help`, `--version` or a typing mistake: groups load when they are entered, and
commands import what they need inside.
"""

import atexit
import gc
import importlib
from typing import Annotated, Any, Final

import typer
from typer.main import get_group

from quintet import __version__
from quintet.app.messages import CalmGroup, say

_LAZY: Final = {
    "data": (
        "quintet.app.data_commands",
        "data_app",
        "Bring in candles and ticks: import, download, record, check, synthesize, list.",
    ),
    "facts": (
        "quintet.app.facts_commands",
        "facts_app",
        "Numbers from outside the market: list, import, record.",
    ),
    "tape": ("quintet.app.tape_commands", "tape_app", "Look into tapes: info, verify, head, cut, merge, export."),
    "runs": ("quintet.app.runs_commands", "runs_app", "Find earlier runs: list, show, compare."),
    "ledger": ("quintet.app.ledger_commands", "ledger_app", "Count what was tried: show, verify."),
    "verify": ("quintet.app.verify_commands", "verify_app", "Prove what is promised: determinism, lookahead, parity."),
    "stages": ("quintet.app.stages_commands", "stages_app", "Prove a system stage by stage: show, record, check."),
    "desk": ("quintet.app.desk_commands", "desk_app", "Look after desks: list, show, run, reload, tell."),
    "keys": ("quintet.app.keys_commands", "keys_app", "Keep the keys of venues: add, list, check, remove."),
    "audit": ("quintet.app.audit_commands", "audit_app", "Who did what, when and why: show, verify."),
    "config": ("quintet.app.config_commands", "config_app", "Read the configuration: show, schema, validate."),
}
"""Group to module, attribute, and the line of help shown before the module is loaded."""


_ORDER: Final = (
    "backtest",
    "stress",
    "walk-forward",
    "sweep",
    "optimize",
    "watch",
    "trade",
    "desk",
    "why",
    "calibrate",
    "sandbox",
    "kill",
    "release",
    "report",
    "runs",
    "ledger",
    "data",
    "facts",
    "tape",
    "stages",
    "keys",
    "audit",
    "config",
    "verify",
    "doctor",
    "warm",
)


class LazyRoot(CalmGroup):
    """The root group: a sub-group is imported when its name is the one that was typed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order in which a newcomer needs them."""
        return [name for name in _ORDER if name in self.commands]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the group that was asked for, then resolve as usual."""
        if args and args[0] in _LAZY:
            module, attribute, _ = _LAZY[args[0]]
            command: Any = get_group(getattr(importlib.import_module(module), attribute))
            command.name = args[0]
            for shown in (command, *command.commands.values()):
                shown.rich_markup_mode = self.rich_markup_mode  # one look for every help page
            self.commands[args[0]] = command
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyRoot,
    name="quintet",
    help="Trading systems on one deterministic engine. First steps: quintet backtest structure_mm",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"quintet {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Trading systems on one deterministic engine. First steps: quintet backtest structure_mm."""


def _mount() -> None:
    """Give every command its name."""
    from quintet.app.backtest_command import backtest
    from quintet.app.calibrate_command import calibrate
    from quintet.app.doctor_command import doctor
    from quintet.app.kill_command import kill, release
    from quintet.app.optimize_command import optimize
    from quintet.app.report_command import report
    from quintet.app.sandbox_command import sandbox
    from quintet.app.stress_command import stress
    from quintet.app.sweep_command import sweep
    from quintet.app.trade_command import trade
    from quintet.app.walk_forward_command import walk_forward
    from quintet.app.warm_command import warm
    from quintet.app.watch_command import watch
    from quintet.app.why_command import why

    app.command(no_args_is_help=True)(backtest)
    app.command(no_args_is_help=True)(stress)
    app.command(no_args_is_help=True)(walk_forward)
    app.command(no_args_is_help=True)(sweep)
    app.command(no_args_is_help=True)(optimize)
    app.command(no_args_is_help=True)(watch)
    app.command(no_args_is_help=True)(trade)
    app.command(no_args_is_help=True)(why)
    app.command(no_args_is_help=True)(calibrate)
    app.command()(sandbox)
    app.command()(kill)
    app.command()(release)
    app.command(no_args_is_help=True)(report)
    for name, (_, _, line) in _LAZY.items():
        app.add_typer(typer.Typer(help=line), name=name, help=line)
    app.command()(doctor)
    app.command()(warm)


_mount()


def main() -> None:
    """The installed `quintet` command."""
    # At its end a process looks for garbage among all that the compiler keeps, for a third of a second, and finds none.
    atexit.register(gc.freeze)
    app(prog_name="quintet")


if __name__ == "__main__":
    main()
