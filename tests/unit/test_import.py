"""`import quintet` is light, and its public names are what they say they are."""

import subprocess
import sys

import pytest

import quintet

HEAVY = ("numba", "llvmlite", "numpy", "polars", "httpx", "jinja2", "rich", "typer", "msgspec", "scipy", "arch")


def in_a_new_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_quintet_imports_nothing_heavy() -> None:
    loaded = in_a_new_process("import quintet, sys; print(*sys.modules)").split()
    assert not set(HEAVY) & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize("name", quintet.__all__)
def test_every_public_name_is_there_and_listed(name: str) -> None:
    assert getattr(quintet, name) is getattr(quintet, name)
    assert name in dir(quintet)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'backtests'"):
        quintet.backtests  # noqa: B018
