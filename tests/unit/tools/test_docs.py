"""Generated pages, links and reachability."""

from pathlib import Path

import pytest

from tools import docs


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with a README and one page that it links to."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Home\n\n[the page](docs/page.md#second-part)\n")
    (tmp_path / "docs/page.md").write_text("# Page\n\n## Second part\n\n[home](../README.md)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(docs, "GENERATED", {Path("docs/made.md"): lambda: "# Made\n\n[page](page.md)\n"})
    return tmp_path


def test_a_generated_page_is_written_once_and_then_found_fresh(project: Path):
    # given a page that links to the generated one
    with (project / "docs/page.md").open("a") as page:
        page.write("[made](made.md)\n")
    # when pages are written, then checked
    # then both are content
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    assert (project / "docs/made.md").read_text() == "# Made\n\n[page](page.md)\n"


def test_a_generated_page_changed_by_hand_is_stale(project: Path, capsys: pytest.CaptureFixture[str]):
    (project / "docs/made.md").write_text("# Made up\n")
    assert docs.main(["--check"]) == 1
    assert "docs/made.md is stale" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("nowhere.md", "leads nowhere"),
        ("page.md#third-part", "names a heading that is not there"),
        ("picture.png", "leads nowhere"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(project: Path, link: str, complaint: str):
    page = project / "docs/other.md"
    page.write_text(f"[there]({link})\n")
    assert [found.endswith(complaint) for found in docs.broken_links(page)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "[out](https://example.org/page)",
        "[write](mailto:someone@example.org)",
        "`[code](nowhere.md)`",
        "```\n[fenced](nowhere.md)\n```\n",
        "[here](#a-heading)\n\n# A heading\n",
        "[by `name`](page.md)",
    ],
)
def test_addresses_elsewhere_code_and_good_links_are_left_alone(project: Path, text: str):
    page = project / "docs/other.md"
    page.write_text(text)
    assert list(docs.broken_links(page)) == []


def test_a_page_that_no_link_leads_to_is_found(project: Path):
    (project / "docs/lost.md").write_text("# Lost\n")
    assert [str(found).partition(" ")[0].rpartition("/")[2] for found in docs.lost_pages(project)] == ["lost.md"]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("The `step`, once", "the-step-once"), ("Why? Because!", "why-because"), ("A-b c", "a-b-c")],
)
def test_headings_become_anchors_as_the_common_hosts_spell_them(heading: str, anchor: str):
    assert docs.anchors(f"## {heading}\n") == {anchor}


def test_equal_headings_are_numbered():
    assert docs.anchors("# Same\n# Same\n") == {"same", "same-1"}


def test_the_index_leads_to_every_page_by_folder(project: Path):
    (project / "docs/guides").mkdir()
    (project / "docs/guides/first.md").write_text("# First steps\n")
    assert docs.page_index().splitlines()[-10:] == [
        "",
        "- [Page](page.md)",
        "",
        "## Guides",
        "",
        "- [First steps](guides/first.md)",
        "",
        "## Decisions",
        "",
        "- [The list of decisions](adr/README.md)",
    ]
