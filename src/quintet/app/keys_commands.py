"""`quintet keys add | list | check | remove`: keys of venues, encrypted, never shown.

Exit codes: 0 it is well; 1 `check` found a key that is refused; 2 usage, a wrong passphrase, a store or a venue that
cannot be asked.
"""

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app.messages import CalmGroup, Complaint, did_you_mean, fail, note, progress, say, say_json

if TYPE_CHECKING:
    from quintet.ports.key_store import Credential
    from quintet.ports.venue_account import KeyRights

keys_app = typer.Typer(cls=CalmGroup, help="Keep the keys of venues.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Your name for the key.")]

TOKEN_VENUES: Final = ("glassnode", "lunarcrush", "telegram")
"""Sources of facts, and a messenger, whose key is one text, without a secret that signs."""

SMTP: Final = "smtp"
"""A mail server, whose key is a name and a password."""

VENUES: Final = ("bybit", *TOKEN_VENUES, SMTP)
PATIENCE_S: Final = 5.0
"""How long to try to learn the venue's time, without which nothing can be signed."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@keys_app.command()
def add(
    name: Name,
    venue: Annotated[str, typer.Option("--venue", metavar="NAME", help="Whose key it is.")] = "bybit",
    at: Annotated[
        str, typer.Option("--at", metavar="URL", help="REST address, for a sandbox; empty: the venue itself.")
    ] = "",
    remember: Annotated[
        bool, typer.Option("--remember", help="Let the keyring of this system open the file from now on.")
    ] = False,
) -> None:
    """Keep a key. Key and secret are asked for without an echo, or read as two lines of standard input.

    A key of glassnode, lunarcrush or telegram is one text; one of smtp is the user's name and the password.
    """
    from quintet.app import auditing
    from quintet.app.key_stores import ask_hidden, key_store
    from quintet.ports.key_store import Credential

    _require_name(name)
    _require_venue(venue)
    _require_address(at)
    _require_no_address(at, venue)
    store = key_store()
    first, second = ("user", "password") if venue == SMTP else ("api key", "api secret")
    key = ask_hidden(first)
    credential = Credential(name, venue, at, key, key if venue in TOKEN_VENUES else ask_hidden(second))
    _require_well_formed(credential)
    store.add(credential)
    if remember:
        _remember(store)
    auditing.record("keys add", name, venue=venue, at=at or "the venue itself")
    asks = "" if venue in (*TOKEN_VENUES, SMTP) else f"; quintet keys check {name} asks what it may do"
    say(f"kept  {name}, a key of {venue}{asks}")


@keys_app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys by name; neither a key nor a secret is ever shown."""
    from quintet.app.key_stores import key_store

    store = key_store()
    kept = [store.read(name) for name in store.names()]
    if as_json:
        say_json({"keys": [{"name": each.name, "venue": each.venue, "at": each.at} for each in kept]})
        return
    if not kept:
        say("no key is kept yet; the first: quintet keys add NAME")
    for each in kept:
        say(f"{each.name:<20} {each.venue}  {each.at or 'the venue itself'}")


@keys_app.command()
def check(name: Name, as_json: AsJson = False) -> None:
    """Ask the venue what a key may do. One that may withdraw, or that cannot trade, is refused."""
    import asyncio

    from quintet.app.key_stores import read_key

    credential = read_key(name)
    if credential.venue in (*TOKEN_VENUES, SMTP):
        raise Complaint(
            "a key that cannot be checked", where="NAME", found=f"a key of {credential.venue}",
            expected="one of bybit; nobody else says what a key may do",
        )  # fmt: skip
    with progress(f"asking {credential.venue}"):
        rights = asyncio.run(_rights(credential))
    problem = _problem(rights)
    if as_json:
        say_json({"ok": not problem, "name": name, "venue": credential.venue, **rights._asdict(), "problem": problem})
    else:
        say(f"may       {', '.join(rights.granted) or 'nothing'}")
        say(f"from      {', '.join(rights.addresses) or 'any address'}")
        say(f"until     {rights.expires_utc or 'it is taken back'}")
        if not problem:
            say("verdict   it may trade and cannot withdraw")
    if problem:
        note(f"error: {problem}")
        fail()


@keys_app.command()
def remove(name: Name) -> None:
    """Forget a key here; at the venue it lives on until it is deleted there."""
    from quintet.app import auditing
    from quintet.app.key_stores import key_store

    key_store().remove(name)
    auditing.record("keys remove", name)
    say(f"gone  {name}; delete it at the venue too")


async def _rights(credential: "Credential") -> "KeyRights":
    from quintet.app.venue_access import bybit_rest
    from quintet.venues.bybit.decode_account import key_rights

    rest = bybit_rest(credential)
    try:
        await rest.settle_clock(PATIENCE_S)
        return key_rights((await rest.ask("/v5/user/query-api")).result)
    finally:
        await rest.close()


def _problem(rights: "KeyRights") -> str:
    """Why a desk would refuse the key, empty when it would not."""
    if rights.withdrawing:
        found = ", ".join(rights.withdrawing)
        return f"it may withdraw ({found}), expected a key that can only trade; make a new one without that permission"
    return "it is read-only, expected one that may place and cancel orders" if rights.read_only else ""


def _remember(store: Any) -> None:
    from quintet.storage.key_file import KeyFile
    from quintet.storage.passphrase import keep_in_keyring

    if not isinstance(store, KeyFile):
        raise Complaint(
            "a passphrase to remember", where="--remember", found="a vault", expected="an encrypted file of keys"
        )
    keep_in_keyring(str(store.path.absolute()), store.passphrase())


# ---- what is refused -----------------------------------------------------------------------------------------


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Complaint(
            "a name that cannot be", where="NAME", found=f"{len(name)} characters",
            expected="small letters, digits, - and _, up to 40; it is your name for the key, not the key",
        )  # fmt: skip


def _require_venue(venue: str) -> None:
    if venue not in VENUES:
        raise Complaint(
            "unknown venue", where="--venue", found=venue, expected=f"one of {', '.join(VENUES)}",
            hint=did_you_mean(venue, VENUES),
        )  # fmt: skip


def _require_address(at: str) -> None:
    """An address may stand in lists and logs, so it must hold no password."""
    if at and (not at.startswith(("http://", "https://")) or "@" in at or "?" in at):
        raise Complaint(
            "an address that cannot be", where="--at", found="another text", expected="http://HOST:PORT, as in the "
            "first line of quintet sandbox, without user, password or query",
        )  # fmt: skip


def _require_no_address(at: str, venue: str) -> None:
    """A mail server stands in the file that uses it, with how the line to it is encrypted."""
    if at and venue == SMTP:
        raise Complaint("an address in the wrong place", where="--at", found=at, expected="mail_server in [alerts]")


def _require_well_formed(credential: "Credential") -> None:
    from quintet.venues.bybit.sign import ApiKey

    ApiKey(credential.key.reveal(), credential.secret.reveal())
