"""What the eternal engine's conclusion names has its counterpart in the record of decisions, and it is there."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "adr" / "0061-what-stands-for-what.md"


def rows() -> dict[str, str]:
    """What is named, and the cell that says what stands for it."""
    table = [line.split("|")[1:-1] for line in RECORD.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {cells[0].strip(): cells[2].strip() for cells in table if cells[0].strip() != "named"}


@pytest.mark.req("E-135")
def test_every_language_and_store_of_the_conclusion_has_its_counterpart() -> None:
    texts = tomllib.loads((ROOT / "docs" / "requirements.toml").read_text(encoding="utf-8"))["eternal"]["texts"]
    named = re.findall(r"[A-Z]\w+", texts["E-135"].partition(":")[2])
    assert named == ["Python", "Go", "SQL", "PostgreSQL", "InfluxDB", "CloudWatch", "Grafana", "PagerDuty"]
    assert list(rows()) == named


@pytest.mark.req("E-135")
@pytest.mark.parametrize("name", rows())
def test_what_stands_for_it_is_in_the_house(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", rows()[name])
    assert links
    assert all((RECORD.parent / link).exists() for link in links)
