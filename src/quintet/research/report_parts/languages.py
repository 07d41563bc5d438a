"""The page in two languages: each sentence is whole in each of them, none is glued together.

The words stand in `languages/en.toml` and `languages/ru.toml` under the same keys. A text names what is filled in
(`{count}`) and may hold plain markup; a text that counts is a table of plural forms chosen by `{count}`. Both are put
into the page, the one that is not read is hidden; without a script the page is English.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from html import unescape
from importlib.resources import files
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from quintet.core.errors import DefinitionError
from quintet.research.report_parts.wording import THIN, whole

LANGUAGES: Final = ("en", "ru")

_NUMBER_MAX: Final = 24
"""What is longer than this and holds a thin space is a list of numbers, which may be broken."""

_TAG = re.compile(r"<[^>]*>")
_PLACE = re.compile(r"\{(\w+)\}")


class Both(NamedTuple):
    """One thing said in both languages, markup allowed."""

    en: str
    ru: str

    def __html__(self) -> str:
        """Both, each in its element; words that are alike stand once."""
        if self.en == self.ru:
            return self.en
        return f'<span lang="en">{self.en}</span><span lang="ru">{self.ru}</span>'


def both(key: str, **filled: Any) -> Both:
    """The text of a key, filled in; raises DefinitionError for an unknown key or a place left open.

    A whole number is written with its thousands apart, text is escaped, a `Both` is taken in the language it fills.
    """
    return Both(*(_fill(key, language, filled) for language in LANGUAGES))


def say(key: str, **filled: Any) -> Markup:
    """The same as markup of the page."""
    return Markup(both(key, **filled).__html__())


def as_text(said: Both) -> Both:
    """Without markup, for attributes."""
    return Both(*(unescape(_TAG.sub("", text)) for text in said))


def _fill(key: str, language: str, filled: Mapping[str, Any]) -> str:
    text = _form(key, language, filled)
    return _PLACE.sub(lambda match: _filled(match[1], key, language, filled), text)


def _form(key: str, language: str, filled: Mapping[str, Any]) -> str:
    """The text of a key, in the plural form that its count asks for."""
    text = texts(language).get(key)
    if text is None:
        raise DefinitionError(f"{language}.toml: {key} not found, expected a text")
    if isinstance(text, str):
        return text
    return str(text[plural(language, int(filled["count"]))])


def _filled(name: str, key: str, language: str, filled: Mapping[str, Any]) -> str:
    if name not in filled:
        raise DefinitionError(f"{language}.toml: {key} names {{{name}}}, expected one of {', '.join(filled) or 'none'}")
    value = filled[name]
    if isinstance(value, Both):
        return str(getattr(value, language))
    text = whole(value) if isinstance(value, int) and not isinstance(value, bool) else str(escape(value))
    # A number is not broken where its thousands or its unit stand apart.
    return f'<span class="nw">{text}</span>' if THIN in text and len(text) < _NUMBER_MAX else text


def plural(language: str, count: int) -> str:
    """The plural form of a whole number: `one`, `few` (Russian 2 to 4, not 12 to 14) or `many`."""
    if language == "en":
        return "one" if count == 1 else "many"
    tens, ones = abs(count) % 100, abs(count) % 10
    if ones == 1 and tens != 11:
        return "one"
    return "few" if 2 <= ones <= 4 and not 12 <= tens <= 14 else "many"


# ---- dictionaries --------------------------------------------------------------------------------------------


@cache
def texts(language: str) -> Mapping[str, str | Mapping[str, str]]:
    """All texts of a language by dotted key, plural forms as tables."""
    return dict(_leaves(_file(f"{language}.toml"), ""))


def _file(name: str) -> dict[str, Any]:
    return tomllib.loads(files("quintet.research").joinpath("languages", name).read_text(encoding="utf-8"))


def _leaves(tree: Mapping[str, Any], prefix: str) -> Any:
    for name, value in tree.items():
        if isinstance(value, Mapping) and "many" not in value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


# ---- sentences that come from elsewhere ----------------------------------------------------------------------


class _Pair(NamedTuple):
    pattern: re.Pattern[str]
    en: str
    ru: str


@cache
def _pairs() -> tuple[tuple[_Pair, ...], Mapping[str, str]]:
    """What other rooms say in English, with its Russian; and single words that may fill it."""
    file = _file("said.toml")
    pairs = [_Pair(_matcher(each["en"]), each["en"], each["ru"]) for each in file["sentence"]]
    return tuple(pairs), file["words"]


def _matcher(text: str) -> re.Pattern[str]:
    """The sentence as a pattern, each place matching whatever stands there."""
    parts = _PLACE.split(text)
    pieces = [re.escape(part) if n % 2 == 0 else f"(?P<{part}>.+?)" for n, part in enumerate(parts)]
    return re.compile("".join(pieces), re.DOTALL)


def said(sentence: str) -> Both:
    """An English sentence of another room, and its Russian; a sentence that is not known stays English in both."""
    return Both(str(escape(sentence)), str(escape(_russian(sentence))))


def _russian(sentence: str) -> str:
    pairs, words = _pairs()
    for pair in pairs:
        match = pair.pattern.fullmatch(sentence)
        if match:
            filled = {name: _translated(value, words) for name, value in match.groupdict().items()}
            return _PLACE.sub(lambda place: filled[place[1]], pair.ru)  # noqa: B023
    return sentence


def is_known(sentence: str) -> bool:
    """True when a sentence of another room has its Russian."""
    return any(pair.pattern.fullmatch(sentence) for pair in _pairs()[0])


def _translated(filling: str, words: Mapping[str, str]) -> str:
    """What filled a place: sentences, single words and lists of them have their Russian, everything else stays."""
    if filling.endswith("."):
        return _russian(filling)
    return ", ".join(words.get(word, word) for word in filling.split(", "))
