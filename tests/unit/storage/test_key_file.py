"""The encrypted file gives keys to whoever knows the passphrase, and nothing to anybody else."""

import copy
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quintet.core.errors import ConfigError, DataError
from quintet.ports.key_store import Credential, Secret
from quintet.storage.key_file import KeyFile

KEY, SECRET, PASSPHRASE = "CANARYKEY7h2", "CANARYSECRET9q4", "correct horse battery"


def a_key(name: str = "main") -> Credential:
    return Credential(name, "bybit", "", Secret(KEY), Secret(SECRET))


def opened(path: Path, passphrase: str = PASSPHRASE) -> KeyFile:
    return KeyFile(path, lambda: Secret(passphrase), scrypt_n=2**14)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one key."""
    found = tmp_path / "keys.json"
    opened(found).add(a_key())
    return found


def test_a_key_comes_back_as_it_was_given(path: Path):
    found = opened(path).read("main")
    assert (found.name, found.venue, found.at) == ("main", "bybit", "")
    assert (found.key.reveal(), found.secret.reveal()) == (KEY, SECRET)


def test_the_file_shows_neither_key_nor_secret_nor_name(path: Path):
    data = path.read_bytes()
    for canary in (KEY, SECRET, "main", "bybit", PASSPHRASE):
        assert canary.encode() not in data


def test_a_wrong_passphrase_opens_nothing(path: Path):
    with pytest.raises(ConfigError, match="does not open"):
        opened(path, "incorrect horse battery").names()


def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(ConfigError, match="too short"):
        opened(tmp_path / "keys.json", "short").add(a_key())
    assert not (tmp_path / "keys.json").exists()


def test_the_passphrase_is_asked_for_once_and_again_after_a_wrong_one(path: Path):
    asked: list[str] = []
    answers = iter(["incorrect horse battery", PASSPHRASE])

    def ask() -> Secret:
        asked.append("asked")
        return Secret(next(answers))

    file = KeyFile(path, ask)
    with pytest.raises(ConfigError):
        file.names()
    assert file.names() == ["main"]
    assert file.read("main").venue == "bybit"
    assert len(asked) == 2


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_others_may_use_is_refused(path: Path, mode: int):
    path.chmod(mode)
    with pytest.raises(ConfigError, match="others may use it"):
        opened(path).names()


def test_the_file_is_private_from_its_first_moment(path: Path):
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("field", ["nonce", "sealed"])
def test_a_changed_byte_is_noticed(path: Path, field: str):
    said = json.loads(path.read_bytes())
    said[field] = ("B" if said[field][0] == "A" else "A") + said[field][1:]
    path.write_bytes(json.dumps(said).encode())
    with pytest.raises(ConfigError, match="does not open"):
        opened(path).names()


@pytest.mark.parametrize(("n", "error"), [(2**15, "does not open"), (2**30, "expected an encrypted file")])
def test_nobody_makes_the_file_cheaper_to_guess_or_too_dear_to_open(path: Path, n: int, error: str):
    said = json.loads(path.read_bytes())
    said["scrypt"]["n"] = n
    path.write_bytes(json.dumps(said).encode())
    with pytest.raises((ConfigError, DataError), match=error):
        opened(path).names()


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"not json"])
def test_another_file_is_named(path: Path, data: bytes):
    path.write_bytes(data)
    with pytest.raises(DataError, match="expected an encrypted file of keys"):
        opened(path).names()


def test_a_name_is_taken_once_and_an_unknown_one_is_told_the_known(path: Path):
    file = opened(path)
    with pytest.raises(ConfigError, match="expected a free name"):
        file.add(a_key())
    with pytest.raises(ConfigError, match="expected one of main"):
        file.read("other")
    with pytest.raises(ConfigError, match="expected one of main"):
        file.remove("other")


def test_a_removed_key_is_gone(path: Path):
    opened(path).add(a_key("second"))
    opened(path).remove("main")
    assert opened(path).names() == ["second"]


def test_every_write_draws_a_new_salt_and_a_new_nonce(path: Path):
    before = json.loads(path.read_bytes())
    opened(path).add(a_key("second"))
    after = json.loads(path.read_bytes())
    assert before["nonce"] != after["nonce"]
    assert before["scrypt"]["salt"] != after["scrypt"]["salt"]


def _as_text(credential: Credential) -> list[str]:
    return [repr(credential), str(credential), f"{credential}", f"{credential.key}{credential.secret!r}"]


def test_a_secret_stands_in_no_text():
    for text in _as_text(a_key()):
        assert KEY not in text
        assert SECRET not in text


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy, msgspec.json.encode, msgspec.to_builtins, json.dumps])
def test_a_secret_is_not_written_down_by_accident(write: Any):
    with pytest.raises((TypeError, ValueError)) as error:
        write(a_key())
    assert SECRET not in "".join(traceback.format_exception(error.value))
