"""A report as one reader sees it: the words of one language, no tags, no styles, every space a plain one."""

import re
from html.parser import HTMLParser

VOID = frozenset({"br", "meta", "input", "hr", "img", "link"})


class _Reader(HTMLParser):
    """Collects text outside scripts, styles and elements of the other language."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.other = {"en": "ru", "ru": "en"}[language]
        self.hidden: list[bool] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            hides = tag in ("script", "style") or (tag != "html" and dict(attrs).get("lang") == self.other)
            self.hidden.append(hides or (bool(self.hidden) and self.hidden[-1]))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.hidden:
            self.hidden.pop()

    def handle_data(self, data: str) -> None:
        if not (self.hidden and self.hidden[-1]):
            self.words.append(data)


def words_of(page: str, language: str = "en") -> str:
    """Everything that is read below `<body>`."""
    reader = _Reader(language)
    reader.feed(page[page.index("<body") :].partition(">")[2])
    return re.sub(r"\s+", " ", " ".join(reader.words))
