"""The reference of the command line, on a command line made for the test."""

from typing import Annotated

import typer

from tools import command_line_page

application = typer.Typer(name="quintet")
tapes = typer.Typer(help="Look into tapes.")
application.add_typer(tapes, name="tape")


@application.callback()
def root() -> None:
    """A small one."""


@application.command()
def backtest(
    system: Annotated[str, typer.Argument(help="Which system.")],
    policy: Annotated[str, typer.Option("--policy", help="This one | that one.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One object.")] = False,
) -> None:
    """Run a system
    over candles.
    """


@tapes.command()
def verify() -> None:
    """Check the chain."""


def test_every_command_has_its_sentence_and_its_table():
    page = command_line_page.page(application)
    assert "## quintet backtest\n\nRun a system over candles.\n" in page
    assert "| Which system." in page
    assert "`--policy" in page
    assert "| `--json` | One object. |" in page


def test_a_bar_in_a_help_text_does_not_end_a_cell():
    assert "This one \\| that one." in command_line_page.page(application)


def test_commands_of_a_group_follow_the_group():
    page = command_line_page.page(application)
    assert "## quintet tape\n\nLook into tapes.\n\n### quintet tape verify\n\nCheck the chain.\n" in page


def test_help_itself_is_left_out():
    assert "--help`" not in command_line_page.page(application).partition("## ")[2]
