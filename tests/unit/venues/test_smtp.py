"""Letters through a mail server that is well, that refuses, that hangs; no password in any word of it."""

import asyncio
import base64
import contextlib
import datetime
import ipaddress
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quintet.core.errors import ConfigError
from quintet.ports.key_store import Secret
from quintet.venues.smtp import Letter, Login, Outcome, PostOffice, Server, addresses, server_of
from tests.fakes.mail_server import MailServer

PASSWORD = "CANARY-password"
LOGIN = Login(Secret("desk"), Secret(PASSWORD))
TO = ("a@example.com", "b@example.com")
LETTER = Letter("desk@example.com", TO, "main 2026-01", "31 days\n.\nthe end\n", "main.1")


class Certificate:
    """One that this machine signed for itself, and who believes it."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin.replace(year=2090))
        signed = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
        pem, secret = folder / "certificate.pem", folder / "key.pem"
        pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(pem, secret)
        self.trust = ssl.create_default_context(cafile=str(pem))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"))


def told(server: MailServer, story: Callable[[int], Awaitable[Any]], secure: ssl.SSLContext | None = None) -> Any:
    async def whole() -> Any:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=secure)
        try:
            return await story(listening.sockets[0].getsockname()[1])
        finally:
            listening.close()
            for _ in range(200):
                if server.ended:
                    break
                await asyncio.sleep(0.01)

    return asyncio.run(whole())


def sent(server: MailServer, login: Login | None = LOGIN, letter: Letter = LETTER, **bounds: float) -> Outcome:
    async def story(port: int) -> Outcome:
        return await PostOffice(Server("127.0.0.1", port, "plain", login), **bounds).send(letter)

    return told(server, story)


@pytest.mark.req("E-119")
def test_a_letter_reaches_everybody_it_is_to_as_it_was_written() -> None:
    server = MailServer()
    assert sent(server) == Outcome()
    [letter] = server.letters
    assert "From: desk@example.com\r\n" in letter and "To: a@example.com, b@example.com\r\n" in letter
    assert "Subject: main 2026-01\r\n" in letter and "Message-ID: <main.1@example.com>\r\n" in letter
    assert letter.endswith("\r\n\r\n31 days\r\n..\r\nthe end\r\n.\r\n")
    assert [line for line in server.said if line.startswith("rcpt")] == [
        "rcpt TO:<a@example.com>", "rcpt TO:<b@example.com>",
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["starttls", "tls"])
def test_the_password_and_the_letter_are_encrypted_on_the_way(certificate: Certificate, line: Any) -> None:
    server = MailServer(certificate.server)

    async def story(port: int) -> Outcome:
        return await PostOffice(Server("127.0.0.1", port, line, LOGIN), certificate.trust).send(LETTER)

    assert told(server, story, certificate.server if line == "tls" else None) == Outcome()
    assert (len(server.letters), server.encrypted) == (1, [True])


@pytest.mark.parametrize("line", ["starttls", "tls"])
def test_a_certificate_that_nobody_believes_is_told_nothing(certificate: Certificate, line: Any) -> None:
    server = MailServer(certificate.server)

    async def story(port: int) -> Outcome:
        return await PostOffice(Server("127.0.0.1", port, line, LOGIN)).send(LETTER)

    became = told(server, story, certificate.server if line == "tls" else None)
    assert "CERTIFICATE_VERIFY_FAILED" in became.why and became.again
    assert server.letters == [] and not any("auth" in said.lower() for said in server.said)


def test_a_server_that_cannot_encrypt_is_told_nothing() -> None:
    server = MailServer()

    async def story(port: int) -> Outcome:
        return await PostOffice(Server("127.0.0.1", port, "starttls", LOGIN)).send(LETTER)

    assert told(server, story) == Outcome("STARTTLS extension not supported by server.")
    assert not any("AUTH" in said or "mail" in said for said in server.said)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"hello": "421 not now"}, Outcome("the server answered 421 not now", again=True)),
        ({"mail": "451 later"}, Outcome("the server answered 451 later", again=True)),
        ({"letter": "452 no room"}, Outcome("the server answered 452 no room", again=True)),
        ({"letter": "554 spam"}, Outcome("the server answered 554 spam")),
        ({"auth": "535 no"}, Outcome("the server answered 535 to the login")),
        ({"auth": "454 later"}, Outcome("the server answered 454 to the login", again=True)),
        ({"rcpt": "550 nobody"}, Outcome("a@example.com: 550 nobody")),
        ({"rcpt": "450 grey"}, Outcome("a@example.com: 450 grey", again=True)),
    ],
)  # fmt: skip
def test_what_a_server_refuses_is_told_and_whether_another_attempt_may_help(
    answers: dict[str, str], expected: Outcome
) -> None:
    server = MailServer(**answers)
    assert sent(server, letter=LETTER._replace(to=("a@example.com",))) == expected
    assert server.letters == []


def test_a_letter_that_somebody_has_is_not_sent_again_for_the_other() -> None:
    server = MailServer(rcpt="450 grey")
    assert sent(server) == Outcome("a@example.com: 450 grey", in_part=True)
    assert len(server.letters) == 1


@pytest.mark.parametrize("where", ["hello", "ehlo", "auth", "data", "letter"])
def test_a_server_that_hangs_is_left(where: str) -> None:
    began = time.monotonic()
    became = sent(MailServer(**{where: ""}), step_s=0.2)
    assert became.again and became.why
    assert time.monotonic() - began < 5.0


def test_a_server_that_drips_is_cut_off_when_the_letter_has_lasted_long_enough() -> None:
    class Dripping(MailServer):
        async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while not reader.at_eof():
                writer.write(b"220-")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), 0.05)

    server, began = Dripping(), time.monotonic()
    assert sent(server, step_s=5.0, letter_s=0.4) == Outcome("no end within 0.4 s", again=True)
    assert time.monotonic() - began < 5.0 and server.ended == 1


def test_a_login_that_no_server_could_read_is_not_repeated() -> None:
    became = sent(MailServer(), Login(Secret("desk"), Secret("CANARY пароль")))
    assert became == Outcome("a login, or an address, of other than ASCII characters")


def test_nobody_there_is_told() -> None:
    async def story() -> Outcome:
        nobody = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = nobody.sockets[0].getsockname()[1]
        nobody.close()
        return await PostOffice(Server("127.0.0.1", port, "plain")).send(LETTER)

    became = asyncio.run(story())
    assert became.why.startswith("ConnectionRefusedError: ") and became.again


SECRETS = [PASSWORD, *(base64.b64encode(said.encode()).decode() for said in (PASSWORD, f"\0desk\0{PASSWORD}"))]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("where", ["auth", "mail", "rcpt", "letter"])
def test_a_server_that_repeats_the_password_is_not_quoted(
    secret: str, where: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    became = sent(MailServer(**{where: f"554 you said {secret}"}), letter=LETTER._replace(to=("a@example.com",)))
    assert "554" in became.why
    told_of = f"{became}{caplog.text}{capfd.readouterr()}{LOGIN}"
    assert not any(one in told_of for one in SECRETS)


@pytest.mark.parametrize(
    ("written", "line", "expected"),
    [
        ("smtp.example.com", "starttls", ("smtp.example.com", 587)),
        ("smtp.example.com", "tls", ("smtp.example.com", 465)),
        ("smtp.example.com:2525", "starttls", ("smtp.example.com", 2525)),
        ("localhost:1025", "plain", ("localhost", 1025)),
        ("::1", "plain", ("::1", 25)),
    ],
)
def test_a_server_is_read_from_what_is_written(written: str, line: Any, expected: tuple[str, int]) -> None:
    assert server_of(written, line, None)[:2] == expected


@pytest.mark.parametrize(
    ("written", "line", "error"),
    [
        ("", "tls", "expected HOST or HOST:PORT"),
        ("smtp://example.com", "tls", "expected HOST or HOST:PORT"),
        ("me@example.com", "tls", "expected HOST or HOST:PORT"),
        ("example.com:0", "tls", "expected 1 to 65535"),
        ("example.com:many", "tls", "expected 1 to 65535"),
        ("example.com", "plain", "plain is for localhost"),
    ],
)
def test_what_is_no_server_and_a_plain_line_to_another_machine_are_refused(written: str, line: Any, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        server_of(written, line, None)


@pytest.mark.parametrize("written", ["", "desk", "@example.com", "a@b\nBcc: c@d", "a@b, c@d", "Desk <a@b>"])
def test_what_is_no_address_of_a_person_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="expected an address"):
        addresses([written], "alerts.mail_to")
