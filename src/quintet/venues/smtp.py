"""Letters to people through a mail server, one text each: encrypted on the way, unless the server is this machine.

A letter never raises and never lasts longer than its bound: what became of it is a value. Neither the password nor
anything that is made of it stands in what is said of it, whatever the server answers. Source: RFC 5321, RFC 3207
(STARTTLS), RFC 8314 (TLS from the first byte), RFC 4954 (AUTH).
"""

import asyncio
import base64
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, Literal, NamedTuple

from quintet.core.errors import ConfigError
from quintet.ports.key_store import Secret

Line = Literal["starttls", "tls", "plain"]
PORTS: Final[dict[Line, int]] = {"starttls": 587, "tls": 465, "plain": 25}
THIS_MACHINE: Final = frozenset(("localhost", "127.0.0.1", "::1"))
STEP_S: Final = 10.0
"""So long one answer of the server is waited for."""

LETTER_S: Final = 30.0
"""So long a whole letter may take."""

OURSELVES: Final = "[127.0.0.1]"
"""What we are called where the server asks: a literal, as a client without a name in the DNS writes it."""

WORDS_MAX: Final = 120
_PERMANENT: Final = 500


class Login(NamedTuple):
    """Who writes, to the server."""

    user: Secret
    password: Secret


class Server(NamedTuple):
    """Where letters are handed in. `line`: how it is encrypted; `login` None: it asks for none."""

    host: str
    port: int
    line: Line = "starttls"
    login: Login | None = None


class Letter(NamedTuple):
    """One text to some people. `ident`: the same letter, sent again, is known by it; letters, digits, dots, hyphens."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    ident: str


class Outcome(NamedTuple):
    """What became of a letter. `why` is empty when everybody it was to has it; `again`: another attempt may help.

    `in_part`: some have it and others never will.
    """

    why: str = ""
    again: bool = False
    in_part: bool = False


def server_of(written: str, line: Line, login: Login | None) -> Server:
    """`HOST` or `HOST:PORT`; raises ConfigError for one that is none, and for a plain line to another machine."""
    host, colon, port = written.rpartition(":") if written.count(":") == 1 else (written, "", "")
    if not host or not written.isascii() or not written.isprintable() or set(written) & set(" /@"):
        raise ConfigError(f"mail server: found {written!r}, expected HOST or HOST:PORT, such as smtp.example.com:587")
    if colon and not (port.isdecimal() and 0 < int(port) < 65_536):
        raise ConfigError(f"mail server: found port {port!r}, expected 1 to 65535")
    if line == "plain" and host not in THIS_MACHINE:
        raise ConfigError(
            f"mail server: found a plain line to {host}, expected starttls or tls; plain is for localhost"
        )
    return Server(host, int(port) if colon else PORTS[line], line, login)


class PostOffice:
    """One server. `trust`: whose certificates are believed, None: those that this machine believes."""

    def __init__(
        self, server: Server, trust: ssl.SSLContext | None = None, step_s: float = STEP_S, letter_s: float = LETTER_S
    ) -> None:
        self._server, self._step_s, self._letter_s = server, step_s, letter_s
        self._trust = trust if trust is not None else ssl.create_default_context()

    async def send(self, letter: Letter) -> Outcome:
        """Hand a letter in; whoever is cancelled meanwhile leaves no line open."""
        cut = _Cut()
        try:
            async with asyncio.timeout(self._letter_s):
                return await asyncio.to_thread(self._handed_in, letter, cut)
        except TimeoutError:
            return Outcome(f"no end within {self._letter_s:g} s", again=True)
        finally:
            cut.now()

    def _handed_in(self, letter: Letter, cut: "_Cut") -> Outcome:
        try:
            with self._connected(cut) as line:
                refused = line.send_message(_message(letter), letter.sender, letter.to)
        except smtplib.SMTPAuthenticationError as error:  # its words may repeat what we have just said
            return _answered(error.smtp_code, "to the login", "")
        except smtplib.SMTPRecipientsRefused as error:
            return self._refused(error.recipients)
        except smtplib.SMTPResponseException as error:
            return _answered(error.smtp_code, "", self._shown(error.smtp_error))
        except smtplib.SMTPNotSupportedError as error:
            return Outcome(str(error))
        except UnicodeError:  # its words hold what could not be written
            return Outcome("a login, or an address, of other than ASCII characters")
        except (OSError, smtplib.SMTPException) as error:
            return Outcome(f"{type(error).__name__}: {self._shown(str(error))}", again=True)
        finally:
            cut.close()
        return self._refused(refused)._replace(again=False, in_part=bool(refused))

    def _refused(self, receivers: dict[str, tuple[int, bytes]]) -> Outcome:
        told = [f"{who}: {code} {self._shown(words)}".rstrip() for who, (code, words) in receivers.items()]
        return Outcome(", ".join(told), again=any(code < _PERMANENT for code, _ in receivers.values()))

    @contextlib.contextmanager
    def _connected(self, cut: "_Cut") -> Iterator[smtplib.SMTP]:
        server = self._server
        line = _Line(server, self._trust if server.line == "tls" else None, cut, self._step_s)
        try:
            if server.line == "starttls":
                line.starttls(context=self._trust)
            if server.login is not None:
                line.login(server.login.user.reveal(), server.login.password.reveal())
            yield line
            with contextlib.suppress(OSError, smtplib.SMTPException):  # the letter is handed in
                line.quit()
        finally:
            line.close()

    def _shown(self, said: str | bytes) -> str:
        """Words of the server on one line; none where they hold what nobody shall read."""
        text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
        if any(secret in text for secret in self._hidden()):
            return ""
        return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:WORDS_MAX]

    def _hidden(self) -> Iterator[str]:
        if self._server.login is not None:
            user, password = (secret.reveal() for secret in self._server.login)
            yield password
            for text in (password, f"\0{user}\0{password}"):
                yield base64.b64encode(text.encode()).decode()


def _answered(code: int, where: str, words: str) -> Outcome:
    told = " ".join(part for part in ("the server answered", str(code), where, words) if part)
    return Outcome(told, again=code < _PERMANENT)


def _message(letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = letter.sender, ", ".join(letter.to), letter.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{letter.ident}@{letter.sender.rpartition('@')[2]}>"
    message.set_content(letter.text)
    return message


class _Cut:
    """The end of a connection that another thread is waiting at, in whatever the connection is by now."""

    def __init__(self) -> None:
        self._is_over = False
        self._end: socket.socket | None = None

    def hold(self, line: socket.socket) -> None:
        """From now on it can be cut."""
        self._end = line.dup()
        if self._is_over:
            self.now()

    def now(self) -> None:
        """Whoever reads or writes there gets an error instead."""
        self._is_over = True
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of it."""
        if self._end is not None:
            self._end.close()


class _Line(smtplib.SMTP):
    """A connection that can be cut. `trust`: TLS from the first byte, None: plain words at first."""

    def __init__(self, server: Server, trust: ssl.SSLContext | None, cut: _Cut, step_s: float) -> None:
        self._first_trust, self._cut = trust, cut
        super().__init__(server.host, server.port, local_hostname=OURSELVES, timeout=step_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = socket.create_connection((host, port), timeout)
        try:
            self._cut.hold(line)
            return line if self._first_trust is None else self._first_trust.wrap_socket(line, server_hostname=host)
        except BaseException:
            line.close()
            raise


def addresses(written: Sequence[str], where: str) -> tuple[str, ...]:
    """Addresses of people; raises ConfigError for one that is none."""
    for one in written:
        name, at, domain = one.rpartition("@")
        if not (name and at and domain and one.isascii() and one.isprintable()) or set(one) & set(' ,;:<>()"\\'):
            raise ConfigError(f"{where}: found {one!r}, expected an address such as desk@example.com")
    return tuple(written)
