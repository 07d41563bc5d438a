"""Where the passphrase of the key file comes from when no person types it: a private file, or the keyring.

The keyring of the operating system is asked through the library `keyring`, an extra (`pip install 'quintet[keyring]'`)
that is imported only when it is asked for. A file is for services: systemd and container secrets hand one over.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Final

from quintet.core.errors import ConfigError
from quintet.ports.key_store import Secret

SERVICE: Final = "quintet"
FILE_MAX: Final = 4_096


def passphrase_of_file(path: Path) -> Secret:
    """The first line of a file that only its owner may use; raises ConfigError."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"passphrase file {path}: {error.strerror}, expected a file that can be read") from None
    if mode & 0o077:
        raise ConfigError(f"passphrase file {path}: others may use it (mode {mode:03o}), expected 600 or 400")
    line = text[:FILE_MAX].split(b"\n")[0].strip()
    try:
        return Secret(line.decode())
    except UnicodeDecodeError:
        raise ConfigError(f"passphrase file {path}: its first line is no text, expected a passphrase") from None


def passphrase_of_keyring(account: str) -> Secret | None:
    """What the keyring holds for the key file `account`; None when it has nothing. Raises ConfigError."""
    found = _asked("get_password", SERVICE, account)
    return None if found is None else Secret(str(found))


def keep_in_keyring(account: str, passphrase: Secret) -> None:
    """Let the keyring open the key file `account` from now on; raises ConfigError."""
    _asked("set_password", SERVICE, account, passphrase.reveal())


def forget_in_keyring(account: str) -> None:
    """Take it out of the keyring; raises ConfigError, also when there was none."""
    _asked("delete_password", SERVICE, account)


def keyring_is_installed() -> bool:
    """Is the extra there?"""
    return importlib.util.find_spec("keyring") is not None


def _asked(function: str, *arguments: str) -> Any:
    """One call of the library. Its errors are told by their kind alone: their text is not ours."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise ConfigError("keyring: not installed, expected the extra: pip install 'quintet[keyring]'") from None
    try:
        return getattr(keyring, function)(*arguments)
    except Exception as error:
        raise ConfigError(f"keyring: {function} failed ({type(error).__name__}), expected an open keyring") from None
