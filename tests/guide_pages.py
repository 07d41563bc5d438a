"""Guides as tests: files are written, commands and Python are run, and what they print is compared.

```console            every line after `$ ` is a command; the lines below it are what it prints, `...` for anything
```console fails      the same, of a command that ends with an error
```console no-run     only shown: it needs a network or a machine of one's own
```python             a dialogue with `>>>`
```python title=NAME  a file
"""

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from quintet.app.cli import app

FENCE = re.compile(r"^```(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """One fenced block: language, the other words of its fence, its text, and its line on the page."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def title(self) -> str:
        return next((word.partition("=")[2] for word in self.words if word.startswith("title=")), "")


def blocks_of(page: str) -> Iterator[Block]:
    for found in FENCE.finditer(page):
        language, *words = found["words"].split() or [""]
        yield Block(language, tuple(words), found["text"], page.count("\n", 0, found.start()) + 1)


def follow(page: Path) -> int:
    """Do what a page says, in the folder we stand in; returns how many blocks were done."""
    names: dict[str, object] = {}
    done = 0
    for block in blocks_of(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{block.line}"
        if "no-run" in block.words:
            continue
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            type_in(block, where)
        elif block.language == "python":
            converse(block, names, where)
        else:
            continue
        done += 1
    return done


def type_in(block: Block, where: str) -> None:
    for command, expected in dialogue(block.text):
        words = shlex.split(command)
        assert words[0] == "quintet", f"{where}: only quintet is run here, found {words[0]}"
        said = CliRunner().invoke(app, words[1:])
        printed = said.stderr if "fails" in block.words else said.stdout
        assert (said.exit_code != 0) == ("fails" in block.words), f"{where}: {command}\n{said.stdout}{said.stderr}"
        fits = doctest.OutputChecker().check_output(expected, printed, LENIENT) if expected.strip() else True
        assert fits, f"{where}: {command}\n--- the page says\n{expected}\n--- it printed\n{printed}"


def dialogue(text: str) -> Iterator[tuple[str, str]]:
    """Each command and what the page says it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def converse(block: Block, names: dict[str, object], where: str) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, names, where, where, 0)
    assert test.examples, f"{where}: no `>>>` in it"
    told: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=LENIENT).run(test, out=told.append, clear_globs=False)
    names.update(test.globs)
    assert failed == 0, f"{where}\n{''.join(told)}"
