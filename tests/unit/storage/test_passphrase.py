"""The passphrase from a private file or the keyring of the operating system."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from quintet.core.errors import ConfigError
from quintet.ports.key_store import Secret
from quintet.storage import passphrase
from quintet.storage.passphrase import forget_in_keyring, keep_in_keyring, passphrase_of_file, passphrase_of_keyring


class FakeKeyring(SimpleNamespace):
    """What the library `keyring` offers, over a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, account: str) -> str | None:
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, password: str) -> None:
        self.kept[service, account] = password

    def delete_password(self, service: str, account: str) -> None:
        del self.kept[service, account]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    fake = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", fake)
    return fake


def test_the_first_line_of_a_private_file_is_the_passphrase(tmp_path: Path):
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery\nsecond line\n")
    path.chmod(0o400)
    assert passphrase_of_file(path).reveal() == "correct horse battery"


@pytest.mark.parametrize("mode", [0o644, 0o620])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int):
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="others may use it"):
        passphrase_of_file(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"passphrase file .*No such file"):
        passphrase_of_file(tmp_path / "nowhere")


def test_the_keyring_keeps_gives_and_forgets(keyring: FakeKeyring):
    assert passphrase_of_keyring("keys.json") is None
    keep_in_keyring("keys.json", Secret("correct horse battery"))
    found = passphrase_of_keyring("keys.json")
    assert found is not None
    assert found.reveal() == "correct horse battery"
    forget_in_keyring("keys.json")
    assert passphrase_of_keyring("keys.json") is None


def test_an_error_of_the_keyring_is_told_without_its_words(keyring: FakeKeyring):
    # given a backend whose error repeats what it was asked to keep
    def broken(service: str, account: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password}")

    keyring.set_password = broken  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="set_password failed") as error:
        keep_in_keyring("keys.json", Secret("CANARYPHRASE"))
    assert "CANARY" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_keyring_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"quintet\[keyring\]"):
        passphrase_of_keyring("keys.json")


def test_the_library_is_not_imported_before_it_is_asked_for():
    assert "keyring" not in vars(passphrase)
