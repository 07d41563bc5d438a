"""An account is one desk's alone, or that of several that know of each other."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from quintet.storage.account_lock import AccountTaken, held


@pytest.mark.parametrize(("first", "second"), [(False, False), (False, True), (True, False)])
def test_who_has_it_alone_is_alone_and_is_named(tmp_path: Path, first: bool, second: bool) -> None:
    with held(tmp_path, "1 at bybit", "sandbox-a", together=first):
        with pytest.raises(AccountTaken, match="sandbox-a"), held(tmp_path, "1 at bybit", "sandbox-b", together=second):
            pass
        with held(tmp_path, "2 at bybit", "sandbox-b", together=second):
            pass
    with held(tmp_path, "1 at bybit", "sandbox-b", together=second):
        pass


def test_those_who_share_it_are_as_many_as_they_like(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for name in "abc":
            stack.enter_context(held(tmp_path, "1 at bybit", name, together=True))
