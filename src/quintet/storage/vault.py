"""Keys in HashiCorp Vault, key/value engine version 2, over its HTTP API.

    GET    /v1/MOUNT/data/PREFIX/NAME        read       404: none, or the newest version was deleted
    POST   /v1/MOUNT/data/PREFIX/NAME        add        {"options":{"cas":0},...}: refused when there is one
    LIST   /v1/MOUNT/metadata/PREFIX         names      404: none
    DELETE /v1/MOUNT/metadata/PREFIX/NAME    remove     every version

The token goes in the header `X-Vault-Token` and nowhere else. Redirects are not followed: the token would go with them.
A sealed vault (503), a standby (429, 473), a vault in recovery (472) and a missing answer are told as what they are,
and asked again a few times; a refusal (403) is not. Source: Vault HTTP API, pages "KV secrets engine version 2" and
"HTTP API: status codes".
"""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import msgspec

from quintet.core.errors import ConfigError, DataError
from quintet.ports.key_store import Credential, Secret

TIMEOUT_S: Final = 5.0
PAUSES_S: Final = (0.0, 0.5, 2.0)
_PASSING: Final = {
    412: "has not heard of the newest write yet",
    429: "is a standby, or too many ask it",
    472: "is a secondary in recovery",
    473: "is a performance standby",
    500: "has an internal error",
    502: "cannot reach what it needs",
    503: "is sealed or under maintenance",
}
"""Statuses after which the same question may be answered."""


class _Kept(msgspec.Struct, frozen=True):
    """One key as the vault keeps it: fields of its own that other programs may read too."""

    venue: str
    key: Annotated[str, msgspec.Meta(min_length=1)]
    secret: Annotated[str, msgspec.Meta(min_length=1)]
    at: str = ""

    def __repr__(self) -> str:
        return "_Kept(not shown)"


class _Versioned(msgspec.Struct, frozen=True):
    data: _Kept


class _Read(msgspec.Struct, frozen=True):
    data: _Versioned


class _Listed(msgspec.Struct, frozen=True):
    data: dict[str, list[str]]


class Vault:
    """Fills `ports.key_store.KeyStore`."""

    def __init__(
        self,
        address: str,
        path: str,
        token: Callable[[], Secret],
        *,
        namespace: str = "",
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`path`: mount and prefix, `secret/quintet`; raises ConfigError for an address that would show the token."""
        self._address = _safe(address)
        self._mount, _, self._prefix = path.strip("/").partition("/")
        self._token = token
        self._namespace = namespace
        self._transport = transport
        self._sleep = sleep

    def names(self) -> list[str]:
        """Fills `KeyStore.names`."""
        answer = self._asked("LIST", self._path("metadata"))
        if answer.status_code == 404:
            return []
        return sorted(name for name in _decoded(answer, _Listed).data.get("keys", []) if not name.endswith("/"))

    def read(self, name: str) -> Credential:
        """Fills `KeyStore.read`."""
        answer = self._asked("GET", self._path("data", name))
        if answer.status_code == 404:
            raise self._unknown(name)
        kept = _decoded(answer, _Read).data.data
        return Credential(name, kept.venue, kept.at, Secret(kept.key), Secret(kept.secret))

    def add(self, credential: Credential) -> None:
        """Fills `KeyStore.add`; a name whose versions were deleted but not removed counts as taken.

        To add the same key again changes nothing: an answer that was lost may have belonged to a write that landed.
        """
        name, venue, at, key, secret = credential
        data = {"venue": venue, "key": key.reveal(), "secret": secret.reveal(), "at": at}
        answer = self._asked("POST", self._path("data", name), {"options": {"cas": 0}, "data": data})
        if answer.status_code == 400 and b"check-and-set" in answer.content:
            if self._holds(name, data):
                return
            raise ConfigError(f"vault: a key named {name} is there, expected a free name; remove it first")
        self._require(answer, 200)

    def remove(self, name: str) -> None:
        """Fills `KeyStore.remove`."""
        if name not in self.names():
            raise self._unknown(name)
        self._require(self._asked("DELETE", self._path("metadata", name)), 204)

    def _holds(self, name: str, data: dict[str, str]) -> bool:
        answer = self._asked("GET", self._path("data", name))
        return answer.status_code == 200 and _decoded(answer, _Read).data.data == _Kept(**data)

    # ---- one question ------------------------------------------------------------------------------------------

    def _asked(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The first answer that is not one of _PASSING; raises DataError without one, ConfigError for a refusal."""
        why = ""
        headers = {"X-Vault-Token": self._token().reveal(), "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        for pause_s in PAUSES_S:
            self._sleep(pause_s)
            try:
                with httpx.Client(timeout=TIMEOUT_S, transport=self._transport) as client:
                    answer = client.request(method, f"{self._address}{path}", headers=headers, json=body)
            except httpx.HTTPError as error:
                why = f"did not answer ({type(error).__name__})"
                continue
            if answer.status_code == 403:
                raise ConfigError(f"vault {self._address}: it refuses this token for {path}, expected one that may")
            if answer.status_code not in _PASSING:
                return answer
            why = f"{_PASSING[answer.status_code]} (HTTP {answer.status_code})"
        raise DataError(f"vault {self._address}: it {why}, expected an answer")

    def _require(self, answer: httpx.Response, status: int) -> None:
        if answer.status_code not in (status, 204):
            raise DataError(f"vault {self._address}: found HTTP {answer.status_code}, expected {status}")

    def _path(self, kind: str, name: str = "") -> str:
        parts = [self._mount, kind, *self._prefix.split("/"), name]
        return "/v1/" + "/".join(quote(part, safe="") for part in parts if part)

    def _unknown(self, name: str) -> ConfigError:
        return ConfigError(f"vault: found no key named {name}, expected one of {', '.join(self.names()) or 'none yet'}")


def _decoded(answer: httpx.Response, shape: Any) -> Any:
    """The answer in its shape. What does not fit is told without the answer's words: a secret may be among them."""
    if answer.status_code != 200:
        raise DataError(f"vault: found HTTP {answer.status_code}, expected 200")
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        where = str(error).rpartition(" - at ")[2] if isinstance(error, msgspec.ValidationError) else "the answer"
        raise DataError(f"vault: {where} is not what it should be, expected a key of quintet") from None


def _safe(address: str) -> str:
    """An address without a password in it; plain HTTP only on this machine."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    local = url.host in ("127.0.0.1", "localhost", "::1")
    if url.userinfo or not url.host or (url.scheme != "https" and not (url.scheme == "http" and local)):
        raise ConfigError("vault address: it is not safe for a token, expected https://HOST:PORT without a password")
    return str(url).rstrip("/")
