"""The line that `quintet sandbox --json` prints first: where the exchange is, and the key of its account."""

from pathlib import Path

import msgspec

from quintet.ports.key_store import Credential, Secret


class _Line(msgspec.Struct):
    rest: str
    key: str
    secret: str


def sandbox_credential(path: Path) -> Credential:
    """The key in a file that begins with that line; raises OSError, or ValueError for another line."""
    told = msgspec.json.decode(path.read_bytes().partition(b"\n")[0], type=_Line)
    return Credential("sandbox", "bybit", told.rest, Secret(told.key), Secret(told.secret))
