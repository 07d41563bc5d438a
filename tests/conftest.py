"""Fixtures and settings shared by all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.storage.workspace import ENVIRONMENT_NAME, LEDGER_ENVIRONMENT_NAME

SHARED = Path(__file__).resolve().parents[2] / "shared"

# The first call of a kernel compiles, which takes longer than any deadline worth having. Where nobody can look at a
# new failing example, examples are the same every time.
hypothesis.settings.register_profile("quintet", deadline=None, max_examples=60, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("quintet")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded market data beside the checkout; absent in a stranger's clone."""
    if not (SHARED / "data").is_dir():
        pytest.skip("recorded data (../shared/data) is not beside this checkout")
    return SHARED / "data"


@pytest.fixture(scope="session", autouse=True)
def throw_away_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test, and no process started by one, is ever counted as a trial of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LEDGER_ENVIRONMENT_NAME, str(tmp_path_factory.mktemp("ledger") / "trials.sqlite"))
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a month on the synthetic market, run by the command line and the real engine. Not to be changed."""
    workspace = tmp_path_factory.mktemp("a-run")
    words = ("backtest", "structure_mm", "--end", "2026-02-01", "--out", str(workspace / "runs" / "a-run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_NAME, str(workspace))
        patch.setattr("sys.argv", ["quintet", *words])
        result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return workspace / "runs" / "a-run"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for the recorded data is marked `shared`, so that it can be chosen or left out.

    Where groups are spread over processes (`--dist loadgroup`), each file is one, but for those that say to which they
    belong: files of one group need the same loop compiled. Those come first, for they take longest.
    """
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
