"""`quintet keys` and `quintet audit`: a key is kept, asked about and forgotten, and never seen."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from quintet.app import keys_commands
from quintet.app.cli import app
from quintet.storage import key_file
from tests.fakes.command_line import Said
from tests.sandbox_process import SandboxProcess, sandbox_process

KEY, SECRET, PASSPHRASE = "CANARYKEY7h2", "CANARYSECRET9q4", "CANARY horse battery"
Typed = Callable[..., Said]


@pytest.fixture
def typed(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """`typed("keys", "add", "main", lines=(KEY, SECRET))`; afterwards no canary stands in anything said or written."""
    passphrase = place / "passphrase"
    passphrase.write_text(PASSPHRASE)
    passphrase.chmod(0o600)
    monkeypatch.setenv("QUINTET_KEYS", str(place / "keys.json"))
    monkeypatch.setenv("QUINTET_PASSPHRASE_FILE", str(passphrase))
    monkeypatch.setattr(key_file.KeyFile.__init__, "__kwdefaults__", {"scrypt_n": 2**14})
    said: list[Said] = []

    def run(*words: object, lines: tuple[str, ...] = ()) -> Said:
        result = CliRunner().invoke(app, [str(word) for word in words], input="\n".join(lines))
        said.append(Said(result.exit_code, result.stdout, result.stderr))
        return said[-1]

    yield run
    passphrase.unlink()
    for each in said:
        assert "CANARY" not in each.out + each.err
    for path in place.rglob("*"):
        assert not path.is_file() or b"CANARY" not in path.read_bytes(), path


def added(typed: Typed, name: str = "main", *words: str, lines: tuple[str, ...] = (KEY, SECRET)) -> Said:
    said = typed("keys", "add", name, *words, lines=lines)
    assert said.code == 0, said.err
    return said


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process() as running:
        yield running


def test_a_key_is_kept_listed_and_forgotten_and_the_audit_log_knows(typed: Typed):
    # when two keys are kept and one of them is forgotten
    added(typed)
    added(typed, "night", "--at", "http://127.0.0.1:8290")
    assert typed("keys", "remove", "main").code == 0
    # then the list has the other
    listed = typed("keys", "list", "--json").json["keys"]
    assert listed == [{"name": "night", "venue": "bybit", "at": "http://127.0.0.1:8290"}]
    # and the audit log says who did what
    records = typed("audit", "show", "--json").json["records"]
    assert [(each["what"], each["target"]) for each in records] == [
        ("keys add", "main"), ("keys add", "night"), ("keys remove", "main"),
    ]  # fmt: skip
    assert all("@" in each["who"] for each in records)
    assert typed("audit", "verify").code == 0


@pytest.mark.parametrize(
    "lines", [(), (KEY,), (KEY, ""), (KEY, "two words CANARY"), ("CANARY\x07", SECRET), ("ключ CANARY", SECRET)]
)
def test_what_is_no_key_is_refused_without_repeating_it(typed: Typed, lines: tuple[str, ...]):
    said = typed("keys", "add", "main", lines=lines)
    assert said.code == 2
    assert "expected" in said.err or "no key has" in said.err or "no secret has" in said.err
    assert "no key is kept yet" in typed("keys", "list").out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("add", "CANARYKEY7h2 pasted"), "a name that cannot be"),
        (("add", "main", "--venue", "bibyt"), "did you mean bybit?"),
        (("add", "main", "--at", "http://user:CANARY@host"), "an address that cannot be"),
        (("remove", "main"), "expected one of none yet"),
        (("check", "main"), "expected one of none yet"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(typed: Typed, words: tuple[str, ...], found: str):
    said = typed("keys", *words, lines=(KEY, SECRET))
    assert said.code == 2
    assert found in said.err


def test_a_wrong_passphrase_opens_nothing(typed: Typed, place: Path):
    added(typed)
    (place / "passphrase").write_text("CANARY of another mine")
    said = typed("keys", "list")
    assert said.code == 2
    assert "does not open" in said.err


def test_the_keyring_opens_the_file_when_it_was_told_to(typed: Typed, monkeypatch: pytest.MonkeyPatch):
    # given a keyring of the operating system, and nobody who types
    kept: dict[str, str] = {}
    fake = SimpleNamespace(
        get_password=lambda service, account: kept.get(account),
        set_password=lambda service, account, text: kept.update({account: text}),
        __spec__=SimpleNamespace(),
    )
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.delenv("QUINTET_PASSPHRASE_FILE")
    # when a key is added with a passphrase that shall be remembered
    added(typed, "main", "--remember", lines=(KEY, SECRET, PASSPHRASE))
    # then nobody is asked any more
    assert "main" in typed("keys", "list").out


def test_the_venue_says_what_a_key_may_do(typed: Typed, sandbox: SandboxProcess):
    added(typed, "main", "--at", sandbox.rest, lines=(sandbox.key, sandbox.secret))
    said = typed("keys", "check", "main", "--json")
    assert said.code == 0, said.err
    assert said.json["ok"]
    assert "Spot.SpotTrade" in said.json["granted"]
    assert sandbox.secret not in said.out + said.err
    assert sandbox.key not in said.out + said.err


def test_a_key_that_may_withdraw_is_refused(typed: Typed, sandbox: SandboxProcess):
    rich = sandbox.sub_key(Spot=["SpotTrade"], Wallet=["AccountTransfer", "Withdraw"])
    added(typed, "rich", "--at", sandbox.rest, lines=rich)
    said = typed("keys", "check", "rich")
    assert said.code == 1
    assert "it may withdraw (Wallet.Withdraw)" in said.err
    assert rich[1] not in said.out + said.err


def test_a_venue_that_does_not_answer_is_told(typed: Typed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keys_commands, "PATIENCE_S", 0.2)
    added(typed, "main", "--at", "http://127.0.0.1:9")
    said = typed("keys", "check", "main")
    assert said.code == 2
    assert "internal error" not in said.err


def test_a_changed_audit_log_is_found_by_its_check(typed: Typed, place: Path):
    added(typed)
    log = place / "workspace" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"keys add", b"keys ask"))
    assert typed("audit", "show").code == 2
    said = typed("audit", "verify", "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert "line 1" in said.json["problem"]


def test_a_seal_that_was_kept_elsewhere_proves_that_nothing_was_written_anew(typed: Typed, place: Path):
    added(typed)
    seal = typed("audit", "show", "--json").json["head"]
    assert typed("audit", "verify", "--seal", seal[:16]).code == 0
    (place / "workspace" / "audit.jsonl").unlink()
    (place / "workspace" / "audit.jsonl.newest").unlink()
    added(typed, "second")
    said = typed("audit", "verify", "--seal", seal[:16])
    assert said.code == 1
    assert "expected the one that was kept" in said.err


def test_a_key_of_a_source_of_facts_is_one_text_and_opens_no_venue(typed: Typed):
    # when the key of a source is kept: one line, no secret beside it
    said = added(typed, "chain", "--venue", "glassnode", lines=(KEY,))
    assert said.out == "kept  chain, a key of glassnode\n"
    # then it is listed, cannot be asked about, and is shown to no venue
    assert "glassnode" in typed("keys", "list").out
    assert "a key that cannot be checked" in typed("keys", "check", "chain").err
    refused = typed("kill", "--key", "chain")
    assert refused.code != 0
    assert "CANARY" not in refused.err


def test_a_key_of_a_mail_server_is_a_user_and_a_password_and_opens_no_venue(typed: Typed):
    # when the login of a mail server is kept: two lines, and no address, which stands where it is used
    said = added(typed, "post", "--venue", "smtp", lines=("CANARY@example.com", SECRET))
    assert said.out == "kept  post, a key of smtp\n"
    # then it cannot be asked about, and is shown to no venue
    assert "a key that cannot be checked" in typed("keys", "check", "post").err
    assert typed("kill", "--key", "post").code != 0
    refused = typed("keys", "add", "other", "--venue", "smtp", "--at", "http://127.0.0.1:25", lines=(KEY, SECRET))
    assert refused.code == 2 and "mail_server in [alerts]" in refused.err
