"""An encrypted file of keys, opened with a passphrase.

    {"format":1,"scrypt":{"n":131072,"r":8,"p":1,"salt":...},"nonce":...,"sealed":...}

The keys are one JSON text, sealed with AES-256-GCM; the sealing key is made from the passphrase by scrypt (RFC 7914,
n = 2^17, r = 8, p = 1: 128 MB and about a third of a second for each guess). What stands before the sealed text is
authenticated with it, so nobody can make the file cheaper to guess. A new salt and nonce are drawn at every write. A
file that others may read or write is refused, as ssh refuses such a key.
"""

import base64
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec

from quintet.core.errors import ConfigError, DataError
from quintet.ports.key_store import Credential, Secret
from quintet.storage.workspace import write_whole

PASSPHRASE_MIN: Final = 12
_N_DEFAULT: Final = 2**17
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12

Passphrase = Callable[[], Secret]
"""Asks for the passphrase: a person, the keyring of the operating system, a file."""


class Scrypt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How dear a guess is; bounded, so that no file can ask for all the memory there is."""

    n: Annotated[int, msgspec.Meta(ge=2**14, le=2**20)]
    r: Annotated[int, msgspec.Meta(ge=8, le=16)]
    p: Annotated[int, msgspec.Meta(ge=1, le=4)]
    salt: bytes


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    scrypt: Scrypt
    nonce: bytes
    sealed: bytes


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key as it is sealed."""

    venue: str
    key: str
    secret: str
    at: str = ""

    def __repr__(self) -> str:
        return "_Kept(not shown)"


_Keys = dict[str, _Kept]


class KeyFile:
    """Fills `ports.key_store.KeyStore`. The passphrase is asked for once, when it is first needed."""

    def __init__(self, path: Path, passphrase: Passphrase, *, scrypt_n: int = _N_DEFAULT) -> None:
        self.path = path
        self._ask = passphrase
        self._scrypt_n = scrypt_n
        self._known: Secret | None = None

    def names(self) -> list[str]:
        """Fills `KeyStore.names`."""
        return sorted(self._keys())

    def read(self, name: str) -> Credential:
        """Fills `KeyStore.read`."""
        keys = self._keys()
        if name not in keys:
            raise _unknown(name, keys, self.path)
        kept = keys[name]
        return Credential(name, kept.venue, kept.at, Secret(kept.key), Secret(kept.secret))

    def add(self, credential: Credential) -> None:
        """Fills `KeyStore.add`; the file is made when there is none."""
        name, venue, at, key, secret = credential
        with self._only_writer():
            keys = self._keys()
            if name in keys:
                raise ConfigError(f"{self.path}: a key named {name} is there, expected a free name; remove it first")
            self._write({**keys, name: _Kept(venue, key.reveal(), secret.reveal(), at)})

    def remove(self, name: str) -> None:
        """Fills `KeyStore.remove`."""
        with self._only_writer():
            keys = self._keys()
            if name not in keys:
                raise _unknown(name, keys, self.path)
            self._write({other: kept for other, kept in keys.items() if other != name})

    # ---- the file ----------------------------------------------------------------------------------------------

    def _keys(self) -> _Keys:
        """What the file holds; raises ConfigError for a wrong passphrase, DataError for another file."""
        try:
            data = self._bytes()
        except FileNotFoundError:
            return {}
        try:
            sealed = msgspec.json.decode(data, type=_Sealed)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{self.path}: found {error}, expected an encrypted file of keys") from None
        if sealed.format != 1:
            raise DataError(f"{self.path}: found format {sealed.format}, expected 1")
        return msgspec.json.decode(self._opened(sealed), type=_Keys)

    def _bytes(self) -> bytes:
        with self.path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise ConfigError(
                    f"{self.path}: others may use it (mode {mode:03o}), expected 600; chmod 600 {self.path}"
                )
            return file.read()

    def _opened(self, sealed: _Sealed) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher = AESGCM(_sealing_key(self.passphrase(), sealed.scrypt))
        try:
            return cipher.decrypt(sealed.nonce, sealed.sealed, _before(sealed.scrypt))
        except (InvalidTag, ValueError):
            self._known = None
            raise ConfigError(
                f"{self.path}: it does not open: the passphrase is another one, or the file was changed"
            ) from None

    def _write(self, keys: _Keys) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        scrypt = Scrypt(self._scrypt_n, 8, 1, secrets.token_bytes(_SALT_BYTES))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AESGCM(_sealing_key(self.passphrase(), scrypt))
        text = cipher.encrypt(nonce, msgspec.json.encode(keys), _before(scrypt))
        write_whole(self.path, msgspec.json.encode(_Sealed(1, scrypt, nonce, text)), mode=0o600)

    def passphrase(self) -> Secret:
        """What opens the file; asked for once. Raises ConfigError for one that is too short."""
        if self._known is None:
            said = self._ask()
            if len(said.reveal()) < PASSPHRASE_MIN:
                raise ConfigError(f"passphrase: it is too short, expected {PASSPHRASE_MIN} characters or more")
            self._known = said
        return self._known

    @contextmanager
    def _only_writer(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f".{self.path.name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _sealing_key(passphrase: Secret, scrypt: Scrypt) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as Derivation

    made = Derivation(salt=scrypt.salt, length=_KEY_BYTES, n=scrypt.n, r=scrypt.r, p=scrypt.p)
    return made.derive(passphrase.reveal().encode())


def _before(scrypt: Scrypt) -> bytes:
    """What is authenticated and not encrypted."""
    return b"quintet keys 1 " + base64.b64encode(msgspec.json.encode(scrypt))


def _unknown(name: str, keys: _Keys, path: Path) -> ConfigError:
    return ConfigError(f"{path}: found no key named {name}, expected one of {', '.join(sorted(keys)) or 'none yet'}")
