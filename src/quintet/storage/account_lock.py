"""Who trades on an account of a venue, as long as it lives: one desk alone, or several that share a register.

    desks/.accounts/3f9a1c2b7d5e4f60    a lock of the operating system; its text names who took it last

The lock goes with the process that holds it, however it ends. Desks of other workspaces hold others.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = ".accounts"


class AccountTaken(Exception):
    """Somebody trades on it whose books would not add up with ours; the text is the desk's name."""


@contextlib.contextmanager
def held(desks: Path, account: str, desk: str, *, together: bool) -> Iterator[None]:
    """Inside, nobody else of these desks trades on the account; `together`: nobody but who says so as well.

    Raises AccountTaken.
    """
    path = desks / FOLDER / hashlib.sha256(account.encode()).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if together else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            raise AccountTaken(path.read_text(encoding="utf-8")) from None
        path.write_text(desk, encoding="utf-8")
        yield
