"""Who is told of a portfolio beside the screen: each alarm, and the report of each month, once, to a chat."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from quintet.app.eternal_command import Alerts
from quintet.app.eternal_trading import Told
from quintet.app.messages import Complaint
from quintet.app.venue_access import require_key_of
from quintet.ports.key_store import Credential
from quintet.runtime.bus import Listener
from quintet.runtime.live_desk import ALARM
from quintet.venues.telegram import HOST, Telegram


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
    alerts: Alerts, desk: str, key_of: Callable[[str], Credential]
) -> AsyncIterator[tuple[Listener[Told], ...]]:
    """Those who listen; raises Complaint for half an address, ConfigError for a key of somebody else."""
    if bool(alerts.telegram_key) != bool(alerts.telegram_chat):
        raise Complaint(
            "half an address", where="alerts", found="a key without a chat" if alerts.telegram_key else "a chat alone",
            expected="telegram_key and telegram_chat, or neither",
        )  # fmt: skip
    if not alerts.telegram_key:
        yield ()
        return
    credential = key_of(alerts.telegram_key)
    require_key_of(credential, "telegram")
    bot = Telegram(credential.key, alerts.telegram_chat, credential.at or HOST)
    try:
        yield (chat_listener(bot, desk),)
    finally:
        await bot.close()
