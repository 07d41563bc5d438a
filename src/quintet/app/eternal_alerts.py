"""Who is told of a portfolio beside the screen: a chat of alarms and monthly reports, and by mail people of reports."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from quintet.app.eternal_command import Alerts
from quintet.app.eternal_lines import Told, Watched
from quintet.app.eternal_mail import MonthlyMail
from quintet.app.messages import Complaint
from quintet.app.venue_access import require_key_of
from quintet.ports.key_store import Credential
from quintet.runtime.bus import Listener
from quintet.runtime.live_desk import ALARM
from quintet.venues.smtp import Login, PostOffice, addresses, server_of
from quintet.venues.telegram import HOST, Telegram

KeyOf = Callable[[str], Credential]


def chat_listener(bot: Telegram, desk: str) -> Listener[Told]:
    """Alarms and reports of a portfolio into one chat; what else is said stays on the screen."""

    async def hear(told: Told) -> None:
        if told.line.kind == ALARM:
            await bot.tell(f"{desk} {told.name or 'portfolio'}: {told.line.text}")
        elif told.page:
            await bot.tell(f"{desk}\n{told.page}")

    return hear


@asynccontextmanager
async def listening(
    alerts: Alerts, desk: str, folder: Path, key_of: KeyOf, watched: Watched
) -> AsyncIterator[tuple[Listener[Told], ...]]:
    """Those who listen; raises Complaint for half an address, ConfigError for a key of somebody else.

    `folder`: of the portfolio `desk`; `watched`: it, to those who have something to say of it.
    """
    mail = mail_of(alerts, desk, folder, key_of, watched)
    bot = _bot_of(alerts, key_of)
    try:
        listeners = [] if mail is None else [mail.hear]
        yield (*listeners, *([] if bot is None else [chat_listener(bot, desk)]))
    finally:
        if bot is not None:
            await bot.close()


def _bot_of(alerts: Alerts, key_of: KeyOf) -> Telegram | None:
    if bool(alerts.telegram_key) != bool(alerts.telegram_chat):
        raise Complaint(
            "half an address", where="alerts", found="a key without a chat" if alerts.telegram_key else "a chat alone",
            expected="telegram_key and telegram_chat, or neither",
        )  # fmt: skip
    if not alerts.telegram_key:
        return None
    credential = key_of(alerts.telegram_key)
    require_key_of(credential, "telegram")
    return Telegram(credential.key, alerts.telegram_chat, credential.at or HOST)


def mail_of(alerts: Alerts, desk: str, folder: Path, key_of: KeyOf, watched: Watched) -> MonthlyMail | None:
    """Who mails reports; raises as `listening` does, and ConfigError for what is no server or no address."""
    said = {"mail_server": alerts.mail_server, "mail_from": alerts.mail_from, "mail_to": alerts.mail_to}
    missing = [name for name, value in said.items() if not value]
    if missing and (len(missing) < len(said) or alerts.mail_key):
        raise Complaint(
            "half an address", where="alerts", found=f"no {', no '.join(missing)}",
            expected="mail_server, mail_from and mail_to, or none of them",
        )  # fmt: skip
    if missing:
        return None
    [sender] = addresses([alerts.mail_from], "alerts.mail_from")
    to = addresses(alerts.mail_to, "alerts.mail_to")
    server = server_of(alerts.mail_server, alerts.mail_line, None)
    if alerts.mail_key:
        credential = key_of(alerts.mail_key)
        require_key_of(credential, "smtp")
        server = server._replace(login=Login(credential.key, credential.secret))
    return MonthlyMail(PostOffice(server), sender, to, desk, folder, watched.say)
