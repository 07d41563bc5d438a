"""Pages that follow from the code are written by it; every link leads somewhere; every page can be reached.

A generated page is one function here that returns the page's whole text, and one line in `GENERATED`.
`python -m tools.docs` writes them; with `--check` it writes nothing and complains about a page that is no longer what
its function returns. Both check the links: the exit code is 1 when there are complaints.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from quintet.app.cli import app
from quintet.core.parameters import describe
from quintet.research import tick_quality
from quintet.research.metrics import NAMES, UNITS, Named
from quintet.research.tick_model import TickModel
from quintet.systems.structure_mm import tables
from tools import command_line_page, configuration_page, indicators_page, sandbox_page, trace

FRONT_DOORS = (Path("README.md"), Path("docs/index.md"))
TOP_PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")

FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)>\s]+)>?[^)]*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

# ---- generated pages ----------------------------------------------------------------------------------------


def decision_index() -> str:
    """The list of decisions, from the first heading of each."""
    lines = [
        generated_from("the decisions in this folder"),
        "# Decisions",
        "",
        "One page for each decision that would surprise a newcomer: context, decision, consequences, and what would",
        "make us change our mind. A new one starts from [the template](template.md).",
        "",
    ]
    for page in sorted(Path("docs/adr").glob("[0-9]*.md")):
        lines.append(f"- [{title(page.read_text(encoding='utf-8'))}]({page.name})")
    return "\n".join(lines) + "\n"


def requirement_page() -> str:
    """What the specifications ask for and where each of it stands, from docs/requirements.toml."""
    lines = [
        generated_from("docs/requirements.toml"),
        "# Requirements",
        "",
        "*Covered*: at least one test marked with the id proves it, and `make check` fails when that test disappears.",
        "*Due*: belongs to the current milestone. *Later*: does not. `make trace` names the tests.",
    ]
    for specification in trace.read_specifications(trace.REQUIREMENTS.read_text(encoding="utf-8")):
        lines += ["", f"## {specification.name}", "", "| id | requirement | standing |", "|---|---|---|"]
        lines += [
            f"| {requirement} | {text} | {trace.promised(specification, requirement)} |"
            for requirement, text in specification.texts.items()
        ]
    return "\n".join(lines) + "\n"


def command_line() -> str:
    """Every command with its arguments and options, from the commands themselves."""
    return f"{generated_from('the commands')}\n{command_line_page.page(app)}"


def configuration() -> str:
    """Every key of a configuration file, from the typed sections."""
    return f"{generated_from('the typed sections of the configuration')}\n{configuration_page.page()}"


def sandbox_protocol() -> str:
    """Paths and topics of the sandbox exchange, from the tables it serves them by."""
    return generated_from("the paths and topics of the sandbox") + "\n" + sandbox_page.page()


def indicators() -> str:
    """Every indicator with its inputs, lines, units and conventions, from their catalogue."""
    return f"{generated_from('the catalogue of indicators')}\n{indicators_page.page()}"


def structure_mm_rules() -> str:
    """The policy table, the state machine and its diagram, from the data that the system decides by."""
    lines = [
        generated_from("the tables of structure_mm"),
        "# structure_mm: the rules as tables",
        "",
        "What the [system](structure_mm.md) decides by, from the same data. Of each table the first row that applies",
        "is taken.",
        "",
        "## Policy",
        "",
        "Evaluated at the close of every structure bar.",
        "",
        tables.policy_table(),
        "",
        "## States",
        "",
        "```mermaid",
        tables.state_diagram(),
        "```",
        "",
        "## Transitions",
        "",
        "A row that raises O goes on with the rows below it; entering Exit goes on with the rows of Exit.",
        "",
        tables.transition_table(),
    ]
    return "\n".join(lines) + "\n"


def figures() -> str:
    """Every figure of metrics.json that has a name in the field, from quintet.research.metrics."""
    lines = [
        generated_from("quintet.research.metrics"),
        "# Figures of a run",
        "",
        "What `metrics.json` of a run holds, under the names that other reports use. How they are meant is told in",
        "[the guide](guides/statistics.md). A figure that has no meaning is absent.",
        "",
        "| name | key | unit | meaning |",
        "|---|---|---|---|",
    ]
    lines += figure_rows(NAMES)
    lines += [
        "",
        "## On order books",
        "",
        "Measured against the exchange's own mid, after the run. `venue_ended_...` counts the orders that the exchange",
        "ended without being asked, by reason; `ticks` in `metrics.json` holds every horizon, distance and quantile.",
        "",
        "| name | key | unit | meaning |",
        "|---|---|---|---|",
        *figure_rows(tick_quality.NAMES),
    ]
    return "\n".join(lines) + "\n"


def figure_rows(names: Mapping[str, Named]) -> list[str]:
    """One row of a table for each figure."""
    return [f"| {each.name} | `{key}` | {UNITS[each.unit]} | {each.meaning} |" for key, each in names.items()]


def tick_model() -> str:
    """Every number of the synthetic tick market with its default, unit and bounds, from its typed model."""
    lines = [
        generated_from("quintet.research.tick_model"),
        "# Numbers of the synthetic tick market",
        "",
        "What `quintet data synth --kind ticks --flow KEY=VALUE` can set. What they do together is told in",
        "[the guide](guides/synthetic-market.md#ticks).",
        "",
        "| key | default | unit | bounds | reason |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(configuration_page.row, describe(TickModel)), ""])


def page_index() -> str:
    """Every page of docs by folder, each with its title; the decisions have an index of their own."""
    lines = [generated_from("the pages in docs"), "# Documentation", ""]
    lines += [f"- [{heading}]({name})" for name, heading in FIRST_TO_READ.items()]
    for folder in ("", *sorted(path.name for path in Path("docs").iterdir() if path.is_dir() and path.name != "adr")):
        entries = [index_entry(page) for page in sorted(Path("docs", folder).glob("*.md")) if page.name != "index.md"]
        if entries:
            lines += ["", f"## {folder.capitalize() or 'Reference'}", "", *entries]
    return "\n".join([*lines, "", "## Decisions", "", "- [The list of decisions](adr/README.md)", ""])


def index_entry(page: Path) -> str:
    """One line of the index: the page's title as a link from docs/index.md."""
    return f"- [{title(page.read_text(encoding='utf-8'))}]({page.relative_to('docs')})"


FIRST_TO_READ = {
    "../README.md": "What quintet is, and a first backtest",
    "../ARCHITECTURE.md": "The map: rooms, laws, the way of an event",
    "../CONTRIBUTING.md": "How to change it",
    "../CHANGELOG.md": "What has changed",
}

# In order: the index comes last, since it reads the titles of the others.
GENERATED: Mapping[Path, Callable[[], str]] = {
    Path("docs/adr/README.md"): decision_index,
    Path("docs/requirements.md"): requirement_page,
    Path("docs/systems/structure_mm_rules.md"): structure_mm_rules,
    Path("docs/command-line.md"): command_line,
    Path("docs/configuration.md"): configuration,
    Path("docs/figures.md"): figures,
    Path("docs/indicators.md"): indicators,
    Path("docs/tick-model.md"): tick_model,
    Path("docs/sandbox-protocol.md"): sandbox_protocol,
    Path("docs/config.schema.json"): configuration_page.schema_text,
    Path("docs/index.md"): page_index,
}


def generated_from(source: str) -> str:
    """The line at the head of a generated Markdown page."""
    return f"<!-- Written by `make docs` from {source}. Change the source, not this page. -->"


def title(text: str) -> str:
    """The first heading of a page."""
    found = HEADING.search(text)
    return found[1] if found else "(no title)"


def write_generated() -> None:
    """Write every generated page that has changed."""
    for path, page in GENERATED.items():
        text = page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"docs: wrote {path}")


def stale_pages() -> Iterator[str]:
    """A complaint for every generated page that is not what its function returns."""
    for path, page in GENERATED.items():
        if not path.exists() or path.read_text(encoding="utf-8") != page():
            yield f"{path} is stale: run `make docs` and commit it"


# ---- links --------------------------------------------------------------------------------------------------


def pages(root: Path) -> list[Path]:
    """Every Markdown page of the project, from `root`."""
    inside = sorted((root / "docs").rglob("*.md")) + sorted((root / "src").rglob("*.md"))
    return [root / name for name in TOP_PAGES if (root / name).exists()] + inside


def links(text: str) -> Iterator[str]:
    """Targets of the links and pictures of a page, those in code left out."""
    for match in LINK.finditer(INLINE_CODE.sub("", FENCED.sub("", text))):
        if not ELSEWHERE.match(match[1]):
            yield unquote(match[1])


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings make, as the common hosts spell them."""
    found: dict[str, int] = {}
    names = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = found.get(name, 0)
        found[name] = count + 1
        names.add(f"{name}-{count}" if count else name)
    return names


def broken_links(page: Path) -> Iterator[str]:
    """A complaint for every link of a page that leads nowhere."""
    text = page.read_text(encoding="utf-8")
    for link in links(text):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            yield f"{page}: {link} leads nowhere"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{page}: {link} names a heading that is not there"


def reached(doors: list[Path]) -> set[Path]:
    """Every page that can be reached from the doors by links."""
    seen: set[Path] = set()
    waiting = [door.resolve() for door in doors if door.exists()]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in links(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                waiting.append(target)
    return seen


def lost_pages(root: Path) -> Iterator[str]:
    """A complaint for every page that no link leads to."""
    found = reached([root / door for door in FRONT_DOORS])
    for page in pages(root):
        if page.resolve() not in found:
            yield f"{page} cannot be reached from {' or '.join(str(door) for door in FRONT_DOORS)}"


def main(arguments: list[str]) -> int:
    """Write the generated pages, or with `--check` compare them; then check links. 1 when there are complaints."""
    complaints: list[str] = []
    if "--check" in arguments:
        complaints += stale_pages()
    else:
        write_generated()
    everything = pages(Path())
    for page in everything:
        complaints += broken_links(page)
    complaints += lost_pages(Path())
    for complaint in complaints:
        print(f"docs: {complaint}")
    print(f"docs: {len(everything)} pages, {len(GENERATED)} generated, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
