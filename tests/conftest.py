"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded market data beside the checkout; absent in a stranger's clone."""
    if not (SHARED / "data").is_dir():
        pytest.skip("recorded data (../shared/data) is not beside this checkout")
    return SHARED / "data"
