"""What of a portfolio reaches a chat: alarms and reports, once each, and nothing else."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from quintet.app.eternal_alerts import chat_listener, listening
from quintet.app.eternal_command import Alerts
from quintet.app.eternal_lines import MAIN, Told, Watched
from quintet.app.messages import Complaint
from quintet.core.errors import ConfigError
from quintet.ports.key_store import Credential, Secret
from quintet.runtime.bus import Bus
from quintet.runtime.live_desk import ALARM, NOTICE, Said


class Bot:
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def tell(self, text: str) -> None:
        self.heard.append(text)


def key_of(name: str) -> Credential:
    return Credential(name, "telegram" if name == "bot" else "bybit", "", Secret("1:a"), Secret("1:a"))


@pytest.mark.req("E-119")
def test_a_breaker_that_fires_is_one_message_and_a_month_that_is_over_is_one_report() -> None:
    bot = Bot()

    async def story() -> None:
        async with Bus[Told](lambda text: Told(MAIN, Said(0, NOTICE, text))) as bus:
            bus.subscribe(chat_listener(cast(Any, bot), "main"))
            bus.publish(Told("FUNDING", Said(1, NOTICE, "pair entered: long 0.014 BTC, short 0.014 BTC")))
            bus.publish(Told(MAIN, Said(2, ALARM, "FUNDING pauses: 3.1 % below its high")))
            bus.publish(Told(MAIN, Said(3, NOTICE, "report of 2026-01: there"), "2026-01: 31 daily cycles\n"))

    asyncio.run(story())
    assert bot.heard == ["main portfolio: FUNDING pauses: 3.1 % below its high", "main\n2026-01: 31 daily cycles\n"]


def test_nobody_listens_where_nobody_is_named() -> None:
    async def story() -> None:
        async with listening(Alerts(), "main", Path(), key_of, Watched()) as listeners:
            assert listeners == ()
        alerts = Alerts(telegram_key="bot", telegram_chat="42")
        async with listening(alerts, "main", Path(), key_of, Watched()) as listeners:
            assert len(listeners) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("alerts", "error"),
    [
        (Alerts(telegram_key="bot"), Complaint),
        (Alerts(telegram_chat="42"), Complaint),
        (Alerts(telegram_key="mine", telegram_chat="42"), ConfigError),
        (Alerts(mail_server="localhost"), Complaint),
        (Alerts(mail_server="localhost", mail_from="a@b.c"), Complaint),
        (Alerts(mail_key="post"), Complaint),
        (Alerts(mail_server="localhost", mail_from="a@b.c", mail_to=("d",)), ConfigError),
        (Alerts(mail_server="localhost", mail_from="a@b.c", mail_to=("d@e.f",), mail_key="bot"), ConfigError),
        (Alerts(mail_server="b.c", mail_from="a@b.c", mail_to=("d@e.f",), mail_line="plain"), ConfigError),
    ],
)
def test_half_an_address_and_a_key_of_somebody_else_are_refused(alerts: Alerts, error: type[Exception]) -> None:
    async def story() -> None:
        async with listening(alerts, "main", Path(), key_of, Watched()):
            raise AssertionError("nobody may listen")

    with pytest.raises(error):
        asyncio.run(story())
