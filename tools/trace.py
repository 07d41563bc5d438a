"""Which requirement is proven by which test.

Tests name what they prove with `@pytest.mark.req("S-17")`; `docs/requirements.toml` says what exists, what is covered
and what is due. `python -m tools.trace` prints the whole picture; with `--check` it prints only what is wrong, and the
exit code is 1 when a covered requirement has no test, or a test names a requirement that does not exist.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path("docs/requirements.toml")
TESTS = Path("tests")

Proofs = Mapping[str, list[str]]
"""Requirement to the tests that prove it, each as `file::name`."""


@dataclass(frozen=True)
class Specification:
    """One specification's requirements: their texts, and which of them are covered or due."""

    name: str
    texts: dict[str, str]
    covered: list[str]
    due: list[str]


def read_specifications(text: str) -> list[Specification]:
    """The specifications in the text of `requirements.toml`."""
    return [
        Specification(name, table["texts"], spelled_out(table["covered"]), spelled_out(table["due"]))
        for name, table in tomllib.loads(text).items()
    ]


def spelled_out(ids: list[str]) -> list[str]:
    """`["S-01..S-03"]` as `["S-01", "S-02", "S-03"]`; single ids stay as they are."""
    return [each for entry in ids for each in ids_of_range(entry)]


def ids_of_range(entry: str) -> list[str]:
    """One entry of an id list; raises ValueError for a range that is not one."""
    first, dots, last = entry.partition("..")
    if not dots:
        return [first]
    begin, end = re.fullmatch(r"(\D+)(\d+)", first), re.fullmatch(r"(\D+)(\d+)", last)
    if not begin or not end or begin[1] != end[1]:
        raise ValueError(f"expected a range such as S-01..S-09, found {entry!r}")
    return [f"{begin[1]}{number:0{len(begin[2])}d}" for number in range(int(begin[2]), int(end[2]) + 1)]


def marked_ids(node: ast.AST) -> Iterator[str]:
    """Ids in every `pytest.mark.req(...)` at or below `node`."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "req":
            for argument in call.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def proofs_in(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """Pairs of requirement and test in one file; a mark on a class or the module counts for it as a whole."""
    for node in ast.parse(text, filename=str(path)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from ((each, f"{path}::{node.name}") for each in marked_ids(node))
        else:
            yield from ((each, str(path)) for each in marked_ids(node))


def read_proofs(folder: Path) -> Proofs:
    """All proofs in the test files below `folder`."""
    proofs: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        for requirement, test in proofs_in(path, path.read_text(encoding="utf-8")):
            proofs[requirement].append(test)
    return proofs


def complaints(specifications: list[Specification], proofs: Proofs) -> Iterator[str]:
    """What makes the traceability untrue, one sentence each."""
    known = {each for specification in specifications for each in specification.texts}
    for specification in specifications:
        for each in [*specification.covered, *specification.due]:
            if each not in known:
                yield f"{specification.name}: {each} is listed but has no text"
        for each in specification.covered:
            if not proofs.get(each):
                text = specification.texts.get(each, "")
                yield f"{specification.name}: {each} is listed as covered but no test proves it: {text}"
    for each in sorted(set(proofs) - known):
        yield f"{proofs[each][0]} proves {each}, which no specification has"


def promised(specification: Specification, requirement: str) -> str:
    """What the list says about a requirement, in one word."""
    if requirement in specification.covered:
        return "covered"
    return "due" if requirement in specification.due else "later"


def standing(specification: Specification, proofs: Proofs, requirement: str) -> str:
    """What the list and the tests say about a requirement, in one word."""
    promise = promised(specification, requirement)
    if promise == "covered":
        return "covered" if proofs.get(requirement) else "MISSING"
    return "tested" if proofs.get(requirement) else promise


def picture(specification: Specification, proofs: Proofs) -> str:
    """Every requirement with its standing, text and tests, and the totals."""
    lines = [f"{specification.name}", ""]
    for requirement, text in specification.texts.items():
        lines.append(f"{requirement}  {standing(specification, proofs, requirement):8} {text}")
        lines += [f"{'':16}{test}" for test in proofs.get(requirement, [])]
    missing = [each for each in specification.due if not proofs.get(each)]
    unlisted = [each for each in specification.texts if proofs.get(each) and each not in specification.covered]
    tested = sum(1 for each in specification.texts if proofs.get(each))
    lines += ["", f"{len(specification.texts)} requirements, {tested} with tests, {len(specification.covered)} covered"]
    if unlisted:
        lines.append(f"tested but not yet listed as covered: {' '.join(unlisted)}")
    lines.append(f"due and without a test: {' '.join(missing) or 'none'}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print the picture, or with `--check` only the complaints; 1 when there are complaints."""
    specifications = read_specifications(REQUIREMENTS.read_text(encoding="utf-8"))
    proofs = read_proofs(TESTS)
    if "--check" not in arguments:
        print("\n\n".join(picture(specification, proofs) for specification in specifications))
    found = list(complaints(specifications, proofs))
    for complaint in found:
        print(f"trace: {complaint}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
