"""Keys in a vault: the documented answers of its HTTP API, the good ones and the bad."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from quintet.core.errors import ConfigError, DataError
from quintet.ports.key_store import Credential, Secret
from quintet.storage.vault import PAUSES_S, Vault

TOKEN, KEY, SECRET = "hvs.CANARYTOKEN1", "CANARYKEY7h2", "CANARYSECRET9q4"
Answer = Callable[[httpx.Request], httpx.Response]


class FakeVault:
    """A KV version 2 engine at `secret`, as the API documentation shows it. `ill`: answers to give first."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = {}
        self.ill: list[Answer] = []
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        assert TOKEN not in str(request.url)
        if self.ill:
            return self.ill.pop(0)(request)
        if request.headers["X-Vault-Token"] != TOKEN:
            return httpx.Response(403, json={"errors": ["permission denied"]})
        name = request.url.path.rpartition("/")[2]
        return getattr(self, f"_{request.method.lower()}")(request, name)

    def _get(self, request: httpx.Request, name: str) -> httpx.Response:
        if name not in self.kept:
            return httpx.Response(404, json={"errors": []})
        metadata = {"created_time": "2026-03-22T02:24:06.945319214Z", "deletion_time": "", "version": 1}
        return httpx.Response(200, json={"request_id": "x", "data": {"data": self.kept[name], "metadata": metadata}})

    def _post(self, request: httpx.Request, name: str) -> httpx.Response:
        said = json.loads(request.content)
        if said["options"] == {"cas": 0} and name in self.kept:
            text = "check-and-set parameter did not match the current version"
            return httpx.Response(400, json={"errors": [text]})
        self.kept[name] = said["data"]
        return httpx.Response(200, json={"data": {"version": 1}})

    def _list(self, request: httpx.Request, name: str) -> httpx.Response:
        if not self.kept:
            return httpx.Response(404, json={"errors": []})
        return httpx.Response(200, json={"data": {"keys": [*self.kept, "folder/"]}})

    def _delete(self, request: httpx.Request, name: str) -> httpx.Response:
        del self.kept[name]
        return httpx.Response(204)


def a_key(name: str = "main", secret: str = SECRET) -> Credential:
    return Credential(name, "bybit", "", Secret(KEY), Secret(secret))


def opened(fake: Answer, token: str = TOKEN) -> Vault:
    transport = httpx.MockTransport(fake)
    return Vault(
        "https://vault.example:8200", "secret/quintet", lambda: Secret(token), transport=transport, sleep=lambda _: None
    )


def says(status: int, **fields: Any) -> Answer:
    return lambda request: httpx.Response(status, json=fields or {"errors": []})


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing came back")


def test_keys_are_added_listed_read_and_removed():
    fake = FakeVault()
    vault = opened(fake)
    assert vault.names() == []
    vault.add(a_key())
    vault.add(a_key("kill"))
    assert vault.names() == ["kill", "main"]
    found = vault.read("main")
    assert (found.venue, found.key.reveal(), found.secret.reveal()) == ("bybit", KEY, SECRET)
    vault.remove("main")
    assert vault.names() == ["kill"]
    assert fake.asked[:2] == ["LIST /v1/secret/metadata/quintet", "POST /v1/secret/data/quintet/main"]


def test_a_name_is_taken_once():
    vault = opened(FakeVault())
    vault.add(a_key())
    with pytest.raises(ConfigError, match="expected a free name"):
        vault.add(a_key(secret="another"))


def test_a_write_whose_answer_was_lost_is_known_to_have_landed():
    # given a vault that takes the key and whose answer does not come back
    fake = FakeVault()

    def landed(request: httpx.Request) -> httpx.Response:
        fake._post(request, "main")
        raise httpx.ReadTimeout("nothing came back")

    fake.ill = [landed]
    # when the write is tried again and finds it there, then that is no error
    opened(fake).add(a_key())
    assert fake.kept["main"]["secret"] == SECRET


def test_an_unknown_name_is_told_the_known_ones():
    vault = opened(FakeVault())
    vault.add(a_key())
    with pytest.raises(ConfigError, match="expected one of main"):
        vault.read("other")
    with pytest.raises(ConfigError, match="expected one of main"):
        vault.remove("other")


@pytest.mark.parametrize("ill", [says(503), says(429), says(473), says(412), says(502), silent])
def test_what_passes_is_asked_again(ill: Answer):
    fake = FakeVault()
    opened(fake).add(a_key())
    fake.ill = [ill, ill]
    assert opened(fake).read("main").key.reveal() == KEY


@pytest.mark.parametrize(
    ("ill", "words"), [(says(503), "is sealed"), (says(472), "recovery"), (silent, "did not answer")]
)
def test_what_does_not_pass_is_told_as_what_it_is(ill: Answer, words: str):
    fake = FakeVault()
    fake.ill = [ill] * len(PAUSES_S)
    with pytest.raises(DataError, match=words):
        opened(fake).read("main")


def test_a_refused_token_is_not_tried_again_and_not_shown():
    fake = FakeVault()
    with pytest.raises(ConfigError, match="refuses this token") as error:
        opened(fake, "hvs.ANOTHERTOKEN").read("main")
    assert len(fake.asked) == 1
    assert "ANOTHERTOKEN" not in str(error.value)


def test_a_redirect_is_not_followed_because_the_token_would_go_with_it():
    fake = FakeVault()
    fake.ill = [lambda request: httpx.Response(307, headers={"Location": "https://elsewhere.example/"})]
    with pytest.raises(DataError, match="HTTP 307"):
        opened(fake).read("main")
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"\xff\xfe",
        json.dumps({"data": {"data": {"venue": "bybit", "key": KEY, "secret": [SECRET]}}}).encode(),
        json.dumps({"data": {"data": {"password": SECRET}}}).encode(),
        json.dumps({"data": {"data": SECRET}}).encode(),
    ],
)
def test_an_answer_that_is_no_key_is_told_without_its_words(body: bytes):
    fake = FakeVault()
    fake.ill = [lambda request: httpx.Response(200, content=body)]
    with pytest.raises(DataError, match="expected a key of quintet") as error:
        opened(fake).read("main")
    assert "CANARY" not in str(error.value)


@pytest.mark.parametrize(
    "address",
    ["http://vault.example:8200", "https://user:CANARY@vault.example", "vault.example", "", "ftp://x", "http://"],
)
def test_an_address_that_would_show_the_token_is_refused_and_not_repeated(address: str):
    with pytest.raises(ConfigError, match="not safe for a token") as error:
        Vault(address, "secret/quintet", lambda: Secret(TOKEN))
    assert "CANARY" not in str(error.value)
