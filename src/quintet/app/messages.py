"""How the command line speaks: results on stdout, everything else on stderr, one calm block for an error.

    error: unknown key
      where     config/backtest.toml, [execution]
      found     latencyms
      expected  one of latency_ms, participation_frac, ...
      did you mean latency_ms?

Exit codes: 0 it is well; 1 a check or verification found something; 2 usage or bad input; 3 our own fault.
"""

import contextlib
import difflib
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from quintet.core.errors import ConfigError, DefinitionError, InvariantError, QuintetError

OK: Final = 0
CHECK_FAILED: Final = 1
BAD_INPUT: Final = 2
OUR_FAULT: Final = 3
INTERRUPTED: Final = 130

PATIENCE_S: Final = 0.8
"""Work shorter than this passes without a word."""

_working: "list[_Bar]" = []
"""The display of the work that is being done, if any."""

Report = Callable[[float, float], None]
"""Tells how far work has come: (done, total) in any unit."""


class Complaint(ConfigError):
    """Bad input, in the parts that every error names: what, where, found, expected, and a hint."""

    def __init__(self, what: str, *, where: str, found: object, expected: str, hint: str = "") -> None:
        super().__init__(f"{what}: {where}: found {found}, expected {expected}")
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.hint = hint

    def block(self) -> str:
        """The block as it is printed, without the leading `error:`."""
        lines = [
            self.what,
            f"  where     {self.where}",
            f"  found     {self.found}",
            f"  expected  {self.expected}",
        ]
        return "\n".join([*lines, f"  {self.hint}"] if self.hint else lines)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean X?` for the nearest known word, empty when nothing is near."""
    nearest = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {nearest[0]}?" if nearest else ""


def say(text: str = "") -> None:
    """One line of the result, to stdout."""
    typer.echo(text)


def note(text: str) -> None:
    """One line beside the result, to stderr."""
    typer.echo(text, err=True)


def say_json(value: Mapping[str, Any]) -> None:
    """The one object of `--json`, to stdout: keys as given, no NaN, dates and decimals as text."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def say_json_line(value: Mapping[str, Any]) -> None:
    """One object on one line, to stdout: for a command that speaks while things happen."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def fail(code: int = CHECK_FAILED) -> NoReturn:
    """End with `code` after the result was printed: the answer is no, and it is not an error."""
    raise typer.Exit(code)


def _plain(value: Any) -> Any:
    """The value with what JSON cannot say replaced: no infinities, plain numbers, text for the rest."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0.0 else None
    if hasattr(value, "tolist"):  # NumPy numbers and arrays, without importing NumPy here
        return _plain(value.tolist())
    return str(value)


def colored(text: str, code: str) -> str:
    """`text` in an ANSI colour when stderr is a terminal and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def show_error(error: BaseException) -> int:
    """Print one error to stderr and return the exit code it stands for."""
    usage = getattr(error, "format_message", None)  # errors of the argument parser
    if usage is not None:
        return _show_usage_error(error, usage())
    if isinstance(error, ConfigError):
        note(f"{colored('error:', '1;31')} {_as_complaint(error)}")
        return BAD_INPUT
    if isinstance(error, QuintetError) and not isinstance(error, (DefinitionError, InvariantError)):
        note(f"{colored('error:', '1;31')} {error}")
        return BAD_INPUT
    if isinstance(error, OSError) and error.filename is not None:
        note(f"{colored('error:', '1;31')} {error.strerror or error}\n  where     {error.filename}")
        return BAD_INPUT
    return _show_our_fault(error)


def _as_complaint(error: ConfigError) -> str:
    """The block of a complaint; a parameter's or system's refusal has the same parts, any other is a sentence."""
    from quintet.core.parameters import ParameterError
    from quintet.systems.own.refusal import RefusedSystem

    if isinstance(error, ParameterError):
        error = Complaint("a value that is refused", where=error.key, found=error.found, expected=error.expected)
    elif isinstance(error, RefusedSystem):
        parts = {"where": error.where, "found": error.found, "expected": error.expected}
        error = Complaint(error.what, **parts, hint=error.hint)  # type: ignore[arg-type]
    return error.block() if isinstance(error, Complaint) else str(error)


def _show_usage_error(error: BaseException, message: str) -> int:
    if not message:  # a bare group: the help page has been printed
        return BAD_INPUT
    note(f"{colored('error:', '1;31')} {message}")
    context = getattr(error, "ctx", None)
    if context is not None:
        note(f"  see       {context.command_path} --help")
    return BAD_INPUT


def _show_our_fault(error: BaseException) -> int:
    if os.environ.get("QUINTET_DEBUG"):
        note("".join(traceback.format_exception(error)).rstrip())
    note(f"{colored('internal error:', '1;31')} {type(error).__name__}: {error}")
    note("  This is a fault of quintet, not of your input.")
    note(
        "  Please report it: run the command again with QUINTET_DEBUG=1 and send what it prints, with `quintet doctor`."
    )
    return OUR_FAULT


class CalmGroup(TyperGroup):
    """A command group that turns every exception into one calm block and a stable exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, then exit; with `standalone_mode=False` return instead, as the parser's own `main` does."""

        def run() -> Any:
            return super(CalmGroup, self).main(args, prog_name, complete_var, False, windows_expand_args, **extra)

        return run() if not standalone_mode else sys.exit(exit_code_of(run))


def exit_code_of(run: Callable[[], Any]) -> int:
    """Run and say what the exit code is; every exception is shown on stderr and none escapes."""
    try:
        code = run()
    except (typer.Abort, KeyboardInterrupt):
        note("interrupted; what was being written is not kept")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`quintet ... | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        return show_error(error)
    return code if isinstance(code, int) else OK


@contextlib.contextmanager
def progress(label: str) -> Iterator[Report]:
    """Show `label` on stderr when the block takes longer than a moment; the yielded function reports how far it is.

    On a terminal a bar or spinner, elsewhere one plain line, so that a log stays readable. Inside another `progress`
    it shows nothing: whoever asked for the whole is told of the whole.
    """
    if _working:
        yield lambda done, total: None
        return
    bar = _Bar(label)
    _working.append(bar)
    timer = threading.Timer(PATIENCE_S, bar.show)
    timer.daemon = True
    timer.start()
    try:
        yield bar.report
    finally:
        timer.cancel()
        bar.close()
        _working.clear()


class _Bar:
    """A progress display that appears late and only once."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.done = 0.0
        self.total: float | None = None
        self.display: Any = None
        self.task: Any = None
        self.lock = threading.Lock()
        self.closed = False

    def report(self, done: float, total: float) -> None:
        self.done, self.total = done, total
        with self.lock:
            if self.display is not None:
                self.display.update(self.task, completed=done, total=total)

    def show(self) -> None:
        with self.lock:
            if self.closed:
                return
            if not sys.stderr.isatty():
                note(f"quintet: {self.label} ...")
                return
            from rich.console import Console
            from rich.progress import Progress, ProgressColumn, Task, TimeElapsedColumn, TimeRemainingColumn
            from rich.text import Text

            class Left(ProgressColumn):
                """What is left, where it is known how much there is."""

                def render(self, task: Task) -> Text:
                    left = TimeRemainingColumn().render(task)
                    return Text.assemble(left, " left") if task.total else Text()

            columns = [*Progress.get_default_columns()[:2], TimeElapsedColumn(), Left()]
            self.display = Progress(*columns, console=Console(stderr=True), transient=True)
            self.task = self.display.add_task(self.label, total=self.total, completed=self.done)
            self.display.start()

    def close(self) -> None:
        with self.lock:
            self.closed = True
            if self.display is not None:
                self.display.stop()
