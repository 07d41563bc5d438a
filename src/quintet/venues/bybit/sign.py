"""Signatures, and a key that does not show itself. Pure."""

import hashlib
import hmac
from typing import Final, NoReturn

from quintet.core.errors import ConfigError


class ApiKey:
    """A key and its secret. Neither stands in its text, and it cannot be pickled or put into a message by accident."""

    __slots__ = ("_key", "_secret")

    def __init__(self, key: str, secret: str) -> None:
        for name, text in (("key", key), ("secret", secret)):
            if not text or not text.isascii() or not text.isprintable() or " " in text:
                raise ConfigError(f"api {name}: it is empty or has characters that no {name} has")
        self._key: Final = key
        self._secret: Final = secret.encode()

    def __repr__(self) -> str:
        return "ApiKey(not shown)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an api key is not written down")

    def headers(self, timestamp_ms: int, recv_window_ms: int, payload: bytes) -> dict[str, str]:
        """What a private request bears; `payload` is the query string as sent, or the body."""
        said = f"{timestamp_ms}{self._key}{recv_window_ms}".encode() + payload
        return {
            "X-BAPI-API-KEY": self._key,
            "X-BAPI-TIMESTAMP": str(timestamp_ms),
            "X-BAPI-RECV-WINDOW": str(recv_window_ms),
            "X-BAPI-SIGN": self._signed(said),
        }

    def login(self, expires_ms: int) -> list[str | int]:
        """Arguments of `auth` on the private and the trade socket."""
        return [self._key, expires_ms, self._signed(f"GET/realtime{expires_ms}".encode())]

    def _signed(self, text: bytes) -> str:
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
