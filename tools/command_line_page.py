"""The reference of the command line, read from the commands themselves."""

from collections.abc import Iterator
from typing import Any

from typer import Typer
from typer.main import get_group

from quintet.app.messages import BAD_INPUT, CHECK_FAILED, OK, OUR_FAULT

EXIT_CODES = {
    OK: "it is well",
    CHECK_FAILED: "a check or verification found something",
    BAD_INPUT: "wrong usage or bad input; the message says what was found and what was expected",
    OUR_FAULT: "our own fault; the message says how to report it",
}

EVERYWHERE = frozenset({"help", "install_completion", "show_completion"})
"""Options that every command has, or that concern the shell alone."""


def page(application: Typer) -> str:
    """The whole page: exit codes, then every command with its arguments and options."""
    root = get_group(application)
    context = root.make_context("quintet", [], resilient_parsing=True)
    lines = [
        "# Command line",
        "",
        "Results go to standard output, everything else to standard error. With `--json` a command prints one object",
        "and nothing else. `quintet COMMAND --help` shows the same as this page.",
        "",
        "| exit code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()),
    ]
    for name in root.list_commands(context):
        _, command, _ = root.resolve_command(context, [name])
        for path, each in commands_below(f"quintet {name}", command, context):
            lines += ["", *section(path, each, context)]
    return "\n".join(lines) + "\n"


def commands_below(path: str, command: Any, context: Any) -> Iterator[tuple[str, Any]]:
    """The command itself, then those inside it when it is a group, with what is typed to reach them."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands_below(f"{path} {name}", inner, context)


def section(path: str, command: Any, context: Any) -> list[str]:
    """One command: what it does, and a table of what it takes."""
    lines = [f"## {path}" if path.count(" ") == 1 else f"### {path}", "", paragraph(command.help)]
    if getattr(command, "commands", {}):
        return lines
    taken = [each.get_help_record(context) for each in command.params if each.name not in EVERYWHERE]
    rows = [f"| `{cell(spelling)}` | {cell(meaning)} |" for spelling, meaning in filter(None, taken)]
    return [*lines, "", "| argument or option | meaning |", "|---|---|", *rows] if rows else lines


def cell(text: str) -> str:
    """Text that does not end a table's cell."""
    return paragraph(text).replace("|", "\\|")


def paragraph(text: str | None) -> str:
    """Help text as one line."""
    return " ".join((text or "").replace("\b", "").split())
