"""Our own laws, each shown catching what it forbids and leaving alone what it allows."""

from pathlib import Path

import pytest

from tools import tidy

KERNEL = "import math\nimport numpy as np\nfrom math import exp\n\n@kernel\ndef f(x, state):\n    {line}\n"


def breaches(text: str, path: str = "src/quintet/core/example.py") -> list[str]:
    source = tidy.Source(Path(path), text)
    return [f"{finding.law}: {finding.found}" for law in tidy.LAWS for finding in law(source)]


def laws_broken(text: str, path: str = "src/quintet/core/example.py") -> set[str]:
    return {breach.partition(":")[0] for breach in breaches(text, path)}


@pytest.mark.parametrize(
    "line",
    [
        "return x ** 2",
        "x **= 3",
        "return state @ state",
        "return np.exp(x)",
        "return np.sum(state)",
        "return np.sqrt(x)",
        "return math.log(x)",
        "return math.hypot(x, x)",
        "return exp(x)",
        "return state.sum()",
        "return state.window.mean()",
        "return sum(state)",
        "return pow(x, 2)",
        "return np.random.rand()",
        "return hash(x)",
    ],
)
def test_a_kernel_may_not_use_what_has_other_bits_elsewhere(line: str):
    assert laws_broken(KERNEL.format(line=line), "src/quintet/research/example.py") == {"same bits"}


@pytest.mark.parametrize(
    "line",
    [
        "return x * x / 2.0",
        "return math.sqrt(x)",
        "return math.floor(x)",
        "return min(x, state.sum_ticks)",
        "state.mean_bps = x",
        "return np.zeros(4, np.int64)",
        "return np.uint64(x)",
    ],
)
def test_a_kernel_may_use_what_is_exact_everywhere(line: str):
    assert breaches(KERNEL.format(line=line)) == []


def test_outside_the_pure_rooms_ordinary_python_may_raise_to_a_power():
    assert breaches("def f(x):\n    return x ** 2\n", "src/quintet/research/example.py") == []


@pytest.mark.parametrize("room", ["core", "features", "systems", "sim"])
def test_in_a_pure_room_only_whole_literals_are_raised_to_a_power(room: str):
    path = f"src/quintet/{room}/example.py"
    assert laws_broken("def f(x):\n    return x ** 2\n", path) == {"powers are literal"}
    assert breaches("LIMIT = 2 ** 62\n", path) == []


@pytest.mark.parametrize("decorator", ["kernel", "kernel_body", "kernel_for(SIG)", "core.kernel.kernel"])
def test_every_form_of_the_kernel_decorator_is_known(decorator: str):
    assert "same bits" in laws_broken(f"@{decorator}\ndef f(x):\n    return x ** 2\n")


@pytest.mark.parametrize(
    "text",
    [
        "from numba import njit\n",
        "from numba import types, vectorize\n",
        "import numba\n\n@numba.njit\ndef f(x):\n    return x\n",
        "compiled = wrap(f, fastmath=True)\n",
    ],
)
def test_the_compiler_is_named_in_one_file_only(text: str):
    assert laws_broken(text) == {"one compile decorator"}
    assert laws_broken(text, "src/quintet/core/kernel.py") == set()
    assert laws_broken(text, "benchmarks/oracle/reference.py") == set()


def test_the_types_of_the_compiler_may_be_named_anywhere():
    assert breaches("from numba import types\n") == []


@pytest.mark.parametrize("name", ["utils.py", "order_helpers.py", "common/book.py", "risk_manager.py"])
def test_a_file_for_odds_and_ends_is_refused(name: str):
    assert "no drawers" in laws_broken("", f"docs/{name}")


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME"])
def test_unfinished_work_is_not_left_in_the_text(word: str):
    assert laws_broken(f"# {word} later\n") == {"no leftovers"}


@pytest.mark.parametrize("path", ["/ho" + "me/me/tape", "/ro" + "ot/quintet", "C:" + "\\Users\\me"])
def test_a_path_of_one_machine_is_refused(path: str):
    assert laws_broken(f"data = r'{path}'\n") == {"no machine paths"}


@pytest.mark.parametrize("path", ["https://example.org/ho" + "me/page", "~/.cache/quintet", "../shared/data"])
def test_an_address_or_a_relative_path_is_no_path_of_a_machine(path: str):
    assert breaches(f"data = '{path}'\n") == []


@pytest.mark.parametrize("words", ["Guaranteed profit!", "a risk-free trade", "гарантированная прибыль"])
def test_nothing_promises_profit(words: str):
    assert laws_broken(words, "docs/page.md") == {"no promises"}


def test_the_risk_free_rate_is_a_term_and_no_promise():
    assert breaches("The risk-free rate is zero.", "docs/page.md") == []


def test_a_source_folder_without_its_door_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # given a folder of source without __init__.py
    room = tmp_path / "src/quintet/attic"
    room.mkdir(parents=True)
    (room / "box.py").write_text('"""A box."""\n')
    monkeypatch.chdir(tmp_path)
    # when the project is read
    found = tidy.findings(list(tidy.project_files(Path())))
    # then the law names the file
    assert [(each.path, each.law) for each in found] == [(Path("src/quintet/attic/box.py"), "packages are whole")]


def test_the_mirror_counts_code_without_its_docstring():
    function = tidy.ast.parse('def f():\n    """Two\n    lines."""\n    a = 1\n    return a\n').body[0]
    assert tidy.code_lines(function) == 2
