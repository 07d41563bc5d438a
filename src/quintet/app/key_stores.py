"""Where the keys of the venues are kept, and the one way to read them.

The environment variable QUINTET_KEYS says where: the path of an encrypted file (the default is one beside the user's
configuration), or a vault as `https://HOST:8200/MOUNT/PREFIX` (KV version 2; plain http on this machine only), whose
token is read from VAULT_TOKEN or from the file `~/.vault-token`, as the tools of Vault do.

The passphrase of the file comes from the file that QUINTET_PASSPHRASE_FILE names, else from the keyring of the
operating system where it was kept there, else from a person.
"""

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from quintet.app.messages import Complaint, note
from quintet.core.errors import ConfigError
from quintet.ports.key_store import Credential, KeyStore, Secret

if TYPE_CHECKING:
    from quintet.storage.key_file import KeyFile

KEYS_ENVIRONMENT_NAME: Final = "QUINTET_KEYS"
PASSPHRASE_ENVIRONMENT_NAME: Final = "QUINTET_PASSPHRASE_FILE"
_VAULT: Final = ("https://", "http://")


def key_store() -> KeyStore:
    """The store of this user; nothing is opened yet. Raises ConfigError for a vault without an address or a token."""
    where = os.environ.get(KEYS_ENVIRONMENT_NAME, "")
    if where.startswith(_VAULT):
        return _vault(where)
    return key_file(Path(where) if where else Path(platformdirs.user_config_dir("quintet")) / "keys.json")


def read_key(name: str) -> Credential:
    """The key `name` of this user's store: what every command that speaks with a venue reads. Raises ConfigError."""
    return key_store().read(name)


def key_file(path: Path) -> "KeyFile":
    """The encrypted file, opened when it is first used."""
    from quintet.storage.key_file import KeyFile

    return KeyFile(path, lambda: _passphrase(path))


def _vault(where: str) -> KeyStore:
    from quintet.storage.vault import Vault

    scheme, _, rest = where.partition("://")
    host, _, path = rest.partition("/")
    if "/" not in path.strip("/"):
        raise Complaint(
            "a vault without a path", where=KEYS_ENVIRONMENT_NAME, found=f"{scheme}://{_shown(host)}/{path}",
            expected="https://HOST:8200/MOUNT/PREFIX, as in https://vault.example:8200/secret/quintet",
        )  # fmt: skip
    return Vault(f"{scheme}://{host}", path, _vault_token, namespace=os.environ.get("VAULT_NAMESPACE", ""))


def _shown(host: str) -> str:
    """The host without a user and a password that somebody wrote before it."""
    return host.rpartition("@")[2]


def _vault_token() -> Secret:
    token = os.environ.get("VAULT_TOKEN", "")
    file = Path.home() / ".vault-token"
    if not token and file.is_file():
        token = file.read_text(encoding="utf-8", errors="replace").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("vault: found no usable token, expected one in VAULT_TOKEN or in ~/.vault-token")
    return Secret(token)


def _passphrase(path: Path) -> Secret:
    from quintet.storage.passphrase import keyring_is_installed, passphrase_of_file, passphrase_of_keyring

    named = os.environ.get(PASSPHRASE_ENVIRONMENT_NAME)
    if named:
        return passphrase_of_file(Path(named))
    if keyring_is_installed():
        try:
            kept = passphrase_of_keyring(str(path.absolute()))
        except ConfigError as error:
            note(f"{error}; the passphrase is asked for instead")
        else:
            if kept is not None:
                return kept
    if path.exists():
        return ask_hidden("passphrase of the keys")
    said = ask_hidden("passphrase for the new file of keys, 12 characters or more")
    if sys.stdin.isatty() and ask_hidden("once more").reveal() != said.reveal():
        raise Complaint("two passphrases", where="the prompt", found="two that differ", expected="the same one twice")
    return said


def ask_hidden(label: str) -> Secret:
    """What a person types without an echo; a line of standard input where there is no terminal. Raises Complaint."""
    if sys.stdin.isatty():
        return Secret(getpass.getpass(f"{label}: ").strip())
    line = sys.stdin.readline()
    if not line.strip():
        raise Complaint(
            "nothing to read", where="standard input", found="its end, or an empty line", expected=f"a line: {label}"
        )
    return Secret(line.strip())
