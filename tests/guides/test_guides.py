"""What the guides show is what happens: each page is followed from top to bottom in an empty folder."""

import re
from pathlib import Path

import pytest

import quintet
from tests.guide_pages import blocks_of, follow

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"

FOLLOWED = {
    "first-backtest.md": 6,
    "your-own-system.md": 7,
    "reading-the-report.md": 1,
    "a-grid-maker.md": 6,
    "fifteen-ways-to-fool-yourself.md": 6,
    "sandbox.md": 2,
    "keys-and-the-kill-switch.md": 2,
    "facts.md": 9,
    "execution.md": 3,
}
"""How many blocks of each are done."""


@pytest.mark.parametrize(("name", "blocks"), FOLLOWED.items())
def test_a_guide_can_be_followed(name: str, blocks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("QUINTET_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert follow(GUIDES / name) == blocks


def test_the_system_of_the_guide_is_one_short_file() -> None:
    page = (GUIDES / "your-own-system.md").read_text(encoding="utf-8")
    [system] = [block for block in blocks_of(page) if block.title == "crossing.py"]
    assert len(system.text.splitlines()) < 40


def test_the_system_of_the_execution_guide_is_one_short_file() -> None:
    page = (GUIDES / "execution.md").read_text(encoding="utf-8")
    [system] = [block for block in blocks_of(page) if block.title == "patient.py"]
    assert len(system.text.splitlines()) < 60


PAGE = """
```console
$ quintet --version
quintet {version}
```
```python
>>> 1 + 1
{sum}
```
"""


def test_a_page_that_says_what_does_not_happen_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.format(version="...", sum=2))
    assert follow(page) == 2
    page.write_text(PAGE.format(version="99.0", sum=2))
    with pytest.raises(AssertionError, match=re.compile(r"page\.md:2.*the page says\nquintet 99\.0", re.DOTALL)):
        follow(page)
    page.write_text(PAGE.format(version="...", sum=3))
    with pytest.raises(AssertionError, match=r"page\.md:6"):
        follow(page)


def test_the_system_on_the_first_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)
    page = (GUIDES.parents[1] / "README.md").read_text(encoding="utf-8")
    [system] = [block for block in blocks_of(page) if "class Dip" in block.text]
    (tmp_path / "dip.py").write_text(system.text)
    run = quintet.backtest("dip.py:Dip", bars=4000)
    assert run.metrics["fills"] > 0
    assert run.conservation == 0
