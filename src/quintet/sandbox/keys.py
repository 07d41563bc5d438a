"""API keys: who they belong to, what they may do, from where, until when. Secrets live here and in one private file."""

import os
import secrets
from pathlib import Path

import msgspec

from quintet.core.errors import DataError

PERMISSIONS: dict[str, list[str]] = {
    "ContractTrade": ["Order", "Position"],
    "Spot": ["SpotTrade"],
    "Wallet": ["AccountTransfer", "SubMemberTransfer"],
    "Options": [],
    "Derivatives": ["DerivativesTrade"],
    "CopyTrading": [],
    "BlockTrade": [],
    "Exchange": [],
    "NFT": [],
    "Affiliate": [],
    "Earn": [],
}
"""What a key may do unless it is told otherwise: trade and move coins within the family; withdraw, never."""


class ApiKey(msgspec.Struct, kw_only=True):
    """One key. With a public key (RSA, PEM) requests are signed with its other half, and there is no secret."""

    key: str
    secret: str
    uid: int
    note: str = ""
    public_key: str = ""
    read_only: bool = False
    permissions: dict[str, list[str]] = msgspec.field(
        default_factory=lambda: {k: list(v) for k, v in PERMISSIONS.items()}
    )
    ips: list[str] = []
    expires_ms: int = 0
    created_ms: int = 0

    def __repr__(self) -> str:
        return f"ApiKey(key={self.key!r}, uid={self.uid})"

    def may(self, group: str, right: str) -> bool:
        """Does it have that right?"""
        return right in self.permissions.get(group, ())


class KeyRing:
    """All keys, kept in a file of their own that only its owner may read; without a path in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.keys: dict[str, ApiKey] = {}
        if path is not None and path.exists():
            try:
                found = msgspec.json.decode(path.read_bytes(), type=list[ApiKey])
            except msgspec.DecodeError as error:
                raise DataError(f"{path.name}: expected the key file of a sandbox, found {error}") from None
            self.keys = {key.key: key for key in found}

    def create(self, uid: int, now_ms: int, note: str = "", key: str = "", secret: str = "") -> ApiKey:
        """A new key of an account, drawn from the machine's randomness unless it is named."""
        made = ApiKey(
            key=key or secrets.token_hex(9),
            secret=secret or secrets.token_hex(18),
            uid=uid,
            note=note,
            created_ms=now_ms,
        )
        self.keys[made.key] = made
        self.save()
        return made

    def keep(self, key: ApiKey) -> None:
        """A new key that was made elsewhere, or a changed one."""
        self.keys[key.key] = key
        self.save()

    def delete(self, key: ApiKey) -> None:
        """Nothing is signed with it any more."""
        self.keys.pop(key.key, None)
        self.save()

    def of(self, uid: int) -> list[ApiKey]:
        """The keys of an account."""
        return [key for key in self.keys.values() if key.uid == uid]

    def save(self) -> None:
        """Write the file anew, whole or not at all."""
        if self._path is None:
            return
        draft = self._path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(list(self.keys.values())))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
