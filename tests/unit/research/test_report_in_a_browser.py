"""The page in a real browser: quiet, alone, accessible, fit for a phone. Skipped where no browser is installed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip

pytestmark = pytest.mark.skipif(not BROWSER, reason="no chromium on this machine")

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=SWITCHES)
        yield started
        started.close()


class Visit:
    """One look at the page: what the console said, and what it asked of the network."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).first.inner_text())


@pytest.fixture
def visit(browser: Any, run_folder: Path) -> Iterator[Any]:
    """`visit(viewport=PHONE, color_scheme="dark")` opens the page in a window of its own."""
    visits: list[Visit] = []

    def opened(**context: Any) -> Visit:
        visits.append(Visit(browser, run_folder / "report.html", **({"viewport": WIDE} | context)))
        return visits[-1]

    yield opened
    for each in visits:
        each.context.close()


@pytest.mark.parametrize("locale", ["en-GB", "ru-RU"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_page_is_quiet_asks_nothing_of_anybody_and_never_scrolls_sideways(
    visit: Any, viewport: dict[str, int], locale: str
):
    seen = visit(viewport=viewport, locale=locale)
    for button in ("[data-span='10080']", "[data-do=in]", "[data-do=earlier]", "[data-do=next]", "[data-do=theme]"):
        seen.page.click(button)
    seen.page.hover("[data-plot=market]")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("file:")] == []
    assert len(seen.requests) == 1


@pytest.mark.parametrize(("viewport", "theme"), [(PHONE, "light"), (WIDE, "dark")], ids=["phone-light", "wide-dark"])
def test_axe_finds_nothing_serious(visit: Any, viewport: dict[str, int], theme: str):
    from axe_playwright_python.sync_playwright import Axe

    seen = visit(viewport=viewport, color_scheme=theme)
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    # Rows are alike, and axe looks at each for a long time.
    seen.page.evaluate("document.querySelectorAll('.long tr:nth-child(n+6)').forEach(each => each.remove())")
    found = Axe().run(seen.page).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    serious = {each["id"]: [node["target"] for node in each["nodes"][:3]] for each in serious}
    assert serious == {}


def test_the_language_and_the_theme_change_at_a_click(visit: Any):
    seen = visit(locale="en-GB", color_scheme="light")
    assert "Assumptions" in seen.text("#assumptions")
    seen.page.click("[data-do=language]")
    assert seen.page.evaluate("document.documentElement.lang") == "ru"
    assert "Предположения" in seen.text("#assumptions")
    assert "Assumptions" not in seen.text("main")
    light = seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    seen.page.click("[data-do=theme]")
    assert seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light


def test_without_a_script_the_page_is_whole_and_english(visit: Any):
    seen = visit(java_script_enabled=False, locale="ru-RU")
    words = seen.text("main")
    for said in ("Assumptions", "Result as an interval", "Where it came from", "What breaks it", "Luck", "Reproduce"):
        assert said in words
    assert "Предположения" not in words
    # tables are there, tools that would do nothing are not
    assert seen.page.locator("[data-table=trades] tbody tr").count() > 10
    assert not seen.page.locator(".tools").is_visible()
    assert seen.page.locator("[data-plot=market] path").count() > 0


def test_what_the_script_draws_first_is_what_came_with_the_page(visit: Any):
    # given the equity line as it came, and as the script drew it over the whole run
    seen = visit()
    drawn = seen.page.evaluate("document.querySelector('[data-plot=equity] .main').getAttribute('d')")
    source = Path(seen.page.url.removeprefix("file://")).read_text()
    came = source[source.index('data-plot="equity"') :]
    came = came[came.index('class="main" d="') :].split('"')[3]
    # then both end at the same height of the same plot, to a pixel
    ends = [float(line.replace("V", " ").replace("L", " ").split()[-1]) for line in (drawn, came)]
    assert abs(ends[0] - ends[1]) < 1.0


def test_a_look_at_an_episode_shows_its_candles_fills_and_structure(visit: Any):
    seen = visit()
    seen.page.click("[data-do=next]")
    seen.page.wait_for_selector("[data-plot=market] .c.up", state="attached")
    marks = json.loads(
        seen.page.evaluate(
            "JSON.stringify(Object.fromEntries(['.c', '.fill', '.swing', '.bos', '.limit', '.field']"
            ".map(each => [each, document.querySelectorAll('[data-plot=market] ' + each).length])))"
        )
    )
    assert all(marks[each] > 0 for each in (".c", ".fill", ".swing", ".bos", ".limit", ".field")), marks


def test_the_pointer_is_read_out_in_the_margin_of_every_pane(visit: Any):
    seen = visit()
    last = seen.text("[data-read=market]")
    seen.page.hover("[data-plot=drawdown]", position={"x": 100, "y": 20})
    assert seen.text("[data-read=market]") != last
    assert seen.page.evaluate("[...document.querySelectorAll('.cross')].every(each => !each.hidden)")


def test_a_table_is_sorted_by_its_heads_and_filtered_by_its_box(visit: Any):
    seen = visit()
    head = seen.page.locator("[data-table=trades] th button").nth(6)
    head.click()
    cells = seen.page.locator("[data-table=trades] tbody td:nth-child(7)").all_inner_texts()
    values = [float(cell.replace("\N{MINUS SIGN}", "-").replace("\N{THIN SPACE}", "")) for cell in cells]
    assert values == sorted(values, reverse=True)
    seen.page.fill("[data-table=episodes] input", "completed")
    shown = seen.page.locator("[data-table=episodes] tbody tr:visible").all_inner_texts()
    assert shown and all("completed" in row for row in shown)


def test_it_prints_on_paper_in_light_colours_without_its_tools(visit: Any):
    seen = visit(color_scheme="dark")
    pdf = seen.page.pdf(format="A4", print_background=True)
    assert pdf.startswith(b"%PDF")
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert not seen.page.locator(".tools").is_visible()
