"""Our own laws as a check: what no linter on the shelf can know.

Each law is a function from a file to findings; `LAWS` is the list of them. Run with `python -m tools.tidy`: findings
go to standard output as `path:line: law: what was found`, the exit code is 1 when there are any. The sizes printed at
the end are a mirror, not a law.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles

FOLDERS = ("src", "tests", "tools", "benchmarks", "docs", "config", ".ci")
TEXT_SUFFIXES = frozenset({".py", ".md", ".toml", ".html", ".j2", ".css", ".js", ".sh"})
TEXT_NAMES = frozenset({"Makefile", "run"})

KERNEL_HOME = Path("src/quintet/core/kernel.py")
PEER_SCRIPTS = frozenset(map(Path, ("benchmarks/oracle/reference.py", "benchmarks/peer_first_run.py")))
"""Run under a peer's Python, where our decorator is not."""

PURE_ROOMS = frozenset(("src", "quintet", room) for room in ("core", "features", "systems", "sim"))

DRAWERS = frozenset({"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "stuff"})

COMPILERS = frozenset(
    {"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil", "generated_jit", "jit_module", "prange"}
)

KERNEL_MATH = frozenset(
    {"sqrt", "floor", "ceil", "trunc", "fabs", "copysign", "frexp", "ldexp", "isnan", "isinf", "isfinite", "inf", "nan"}
)
KERNEL_NUMPY = frozenset({"zeros", "empty", "ones", "full", "int64", "float64", "uint64", "bool_", "nan", "inf"})
REDUCTIONS = frozenset({"sum", "prod", "mean", "std", "var", "dot", "cumsum", "cumprod", "trace", "ptp"})
UNSTEADY_BUILTINS = frozenset({"sum", "pow", "hash", "set", "frozenset"})

# The words are cut in two so that this file does not find itself.
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~/])/(?:home|root|work|Users|mnt)/\w|[A-Z]:\\Users\\")
PROMISE = re.compile(
    r"guaranteed (?:profit|return|income|yield)s?|risk[- ]free(?! rate)|passive income|easy money|get rich|"
    r"sure profit|cannot lose|can't lose|always profitable|гарантированн\w+ (?:прибыл|доход)\w*|без риска",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """One breach: where it is and which law it breaks."""

    path: Path
    line: int
    law: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.law}: {self.found}"


@dataclass(frozen=True)
class Source:
    """A file of the project: its path from the root, and its text."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module; only asked of Python files."""
        return ast.parse(self.text, filename=str(self.path))

    @property
    def is_python(self) -> bool:
        """True for a Python file."""
        return self.path.suffix == ".py"

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
        """Line number and text of each match."""
        for number, line in enumerate(self.text.splitlines(), start=1):
            for match in pattern.finditer(line):
                yield number, match.group()


# ---- laws ---------------------------------------------------------------------------------------------------


def no_drawers(source: Source) -> Iterator[Finding]:
    """No file or folder for odds and ends: a function looking for a home has a concept without a name."""
    for part in source.path.parts:
        for word in re.split(r"[_.\-]", part.lower()):
            if word in DRAWERS:
                yield Finding(source.path, 1, "no drawers", f"{part!r} names no concept")


def no_leftovers(source: Source) -> Iterator[Finding]:
    """Unfinished work is an issue, not a comment."""
    for line, found in source.matches(LEFTOVER):
        yield Finding(source.path, line, "no leftovers", f"{found} belongs in the issue list")


def no_machine_paths(source: Source) -> Iterator[Finding]:
    """No path of one particular machine."""
    for line, found in source.matches(MACHINE_PATH):
        yield Finding(source.path, line, "no machine paths", f"{found!r} exists on one machine only")


def no_promises(source: Source) -> Iterator[Finding]:
    """Nothing a user reads promises profit."""
    if source.path.parts[0] in ("tests", "tools"):
        return
    for line, found in source.matches(PROMISE):
        yield Finding(source.path, line, "no promises", f"{found!r}")


def one_compile_decorator(source: Source) -> Iterator[Finding]:
    """The compiler's own decorators, and fast-math, stay in core/kernel.py: options are decided once."""
    if not source.is_python or source.path in {KERNEL_HOME, *PEER_SCRIPTS}:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numba":
            for alias in node.names:
                if alias.name in COMPILERS:
                    yield Finding(source.path, node.lineno, "one compile decorator", f"numba.{alias.name}")
        if isinstance(node, ast.Attribute) and dotted(node) in {f"numba.{name}" for name in COMPILERS}:
            yield Finding(source.path, node.lineno, "one compile decorator", dotted(node))
        if isinstance(node, ast.keyword) and node.arg == "fastmath":
            yield Finding(source.path, node.value.lineno, "one compile decorator", "fastmath reorders sums")


def same_bits(source: Source) -> Iterator[Finding]:
    """Kernels use only what has the same bits compiled, interpreted and on any machine."""
    if not source.is_python:
        return
    names = imported_names(source.tree)
    for function in kernels(source.tree):
        for line, found in unsteady(function, names):
            yield Finding(source.path, line, "same bits", f"{found} in kernel {function.name}")


def powers_are_literal(source: Source) -> Iterator[Finding]:
    """In the pure rooms `**` joins whole literals (2**62); between values it is a float whose bits are not ours."""
    if not source.is_python or source.path.parts[:3] not in PURE_ROOMS:
        return
    for node in ast.walk(source.tree):
        if unsteady_operator(node) == "`**`" and not is_literal_power(node):
            yield Finding(source.path, getattr(node, "lineno", 1), "powers are literal", ast.unparse(node))


def packages_are_whole(source: Source) -> Iterator[Finding]:
    """A folder of source without __init__.py is invisible to the import contracts."""
    if source.is_python and source.path.parts[0] == "src" and not (source.path.parent / "__init__.py").exists():
        yield Finding(source.path, 1, "packages are whole", f"{source.path.parent} has no __init__.py")


LAWS: tuple[Callable[[Source], Iterator[Finding]], ...] = (
    no_drawers,
    no_leftovers,
    no_machine_paths,
    no_promises,
    one_compile_decorator,
    same_bits,
    powers_are_literal,
    packages_are_whole,
)


# ---- reading kernels ----------------------------------------------------------------------------------------


def dotted(node: ast.expr) -> str:
    """`np.random.rand` as written; empty when it is no plain chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `{"np": "numpy", "exp": "math.exp"}`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def kernels(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions under `@kernel` or one of its relatives (`@kernel_body`, `@kernel_for(...)`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(is_kernel_decorator(each) for each in node.decorator_list):
            yield node


def is_kernel_decorator(node: ast.expr) -> bool:
    """True for `kernel`, `kernel_*`, called or not, with or without its module in front."""
    name = dotted(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]
    return name == "kernel" or name.startswith("kernel_")


def unsteady(function: ast.FunctionDef, names: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Line and name of each thing in a kernel whose bits may differ."""
    for statement in function.body:
        for node in ast.walk(statement):
            found = unsteady_operator(node) or unsteady_name(node, names) or unsteady_call(node)
            if found:
                yield getattr(node, "lineno", function.lineno), found


def unsteady_operator(node: ast.AST) -> str:
    """`**` and `@`, also as `**=` and `@=`; empty for anything else."""
    if isinstance(node, ast.BinOp | ast.AugAssign):
        if isinstance(node.op, ast.Pow):
            return "`**`"
        if isinstance(node.op, ast.MatMult):
            return "`@`"
    return ""


def is_literal_power(node: ast.AST) -> bool:
    """True for a power of two whole literals."""
    return isinstance(node, ast.BinOp) and all(
        isinstance(side, ast.Constant) and isinstance(side.value, int) for side in (node.left, node.right)
    )


def unsteady_name(node: ast.AST, names: dict[str, str]) -> str:
    """A function of `math` or NumPy beyond the few that are exact; empty for anything else."""
    if not isinstance(node, ast.Name | ast.Attribute):
        return ""
    head, dot, rest = dotted(node).partition(".")
    full = names.get(head, head) + dot + rest
    package, _, member = full.partition(".")
    if package == "math" and member and member not in KERNEL_MATH:
        return full
    if package == "numpy" and member and member not in KERNEL_NUMPY:
        return full
    return ""


def unsteady_call(node: ast.AST) -> str:
    """A reduction (`x.sum()`) or a builtin whose order or precision is not ours; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS:
        return f".{node.func.attr}()"
    if isinstance(node.func, ast.Name) and node.func.id in UNSTEADY_BUILTINS:
        return f"{node.func.id}()"
    return ""


# ---- the mirror ---------------------------------------------------------------------------------------------


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, docstring left out."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return sum((statement.end_lineno or statement.lineno) - statement.lineno + 1 for statement in body)


def spread(values: list[int]) -> str:
    """Median, 95th percentile and largest of some sizes."""
    if len(values) < 2:
        return f"{values[0] if values else 0}"
    return f"median {median(values):.0f}, p95 {quantiles(values, n=20)[-1]:.0f}, most {max(values)}"


def sizes(sources: list[Source]) -> str:
    """How long files, functions and argument lists of `src` are, beside what we aim at."""
    ours = [source for source in sources if source.is_python and source.path.parts[0] == "src"]
    functions = [
        node
        for source in ours
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    arguments = [len(function.args.args) for source in ours for function in kernels(source.tree)]
    return "\n".join(
        [
            f"file lines        {spread([source.text.count(chr(10)) for source in ours])} (aim: 150, 500)",
            f"function lines    {spread([code_lines(function) for function in functions])} (aim: 10, 50)",
            f"kernel arguments  {spread(arguments)} (aim: at most 8)",
        ]
    )


# ---- running ------------------------------------------------------------------------------------------------


def project_files(root: Path) -> Iterator[Source]:
    """Every text file of the project, paths from `root`; top-level pages and tool settings included."""
    found = [path for path in root.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found += [path for path in (root / folder).rglob("*") if path.is_file()]
    for path in sorted(found):
        if path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES:
            yield Source(path.relative_to(root), path.read_text(encoding="utf-8"))


def findings(sources: list[Source]) -> list[Finding]:
    """All breaches of all laws, in file order."""
    return [finding for source in sources for law in LAWS for finding in law(source)]


def main() -> int:
    """Check the project in the working folder; 0 when all laws hold, else 1."""
    sources = list(project_files(Path()))
    breaches = findings(sources)
    for breach in breaches:
        print(breach)
    print(f"tidy: {len(sources)} files, {len(LAWS)} laws, {len(breaches)} findings")
    print(sizes(sources))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
