"""What a living desk can say to a person stands in the guide for the night."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "at-night.md"
SPEAKERS = (
    "runtime/live_desk.py", "app/trading.py", "app/waiting_for_venue.py", "app/eternal_trading.py",
    "app/eternal_facts.py", "app/eternal_mail.py",
)  # fmt: skip
TELLING = ("_say", "_say_once", "_alarm", "_notice", "Said")
LETTERS_MIN = 9
"""A shorter piece of a sentence could stand anywhere."""


def sentences() -> Iterator[str]:
    """The longest unchanging piece of each line."""
    for name in SPEAKERS:
        for call in ast.walk(ast.parse((ROOT / "src/quintet" / name).read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in TELLING:
                pieces = [one.value for part in call.args for one in ast.walk(part) if isinstance(one, ast.Constant)]
                found = max((one.strip(" :,;") for one in pieces if isinstance(one, str)), key=len, default="")
                if len(found) >= LETTERS_MIN:
                    yield found


@pytest.mark.parametrize("sentence", sorted(set(sentences())))
def test_a_line_is_explained(sentence: str) -> None:
    assert sentence in GUIDE.read_text(encoding="utf-8")
