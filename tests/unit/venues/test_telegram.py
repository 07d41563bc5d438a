"""Messages to a chat: delivered once, late rather than never, and the bot's token in no text."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from quintet.core.errors import ConfigError
from quintet.ports.key_store import Secret
from quintet.venues.telegram import LETTERS_MAX, Telegram
from tests.fakes.virtual_time import run

TOKEN = "123:CANARYTOKEN"


class Chat:
    """A bot's end. `answers`: a status and an object each, then all is well."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = [*answers]
        self.heard: list[str] = []
        self.paths: list[str] = []
        self.at_s: list[float] = []
        self.over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            length = 0
            while (header := (await reader.readline()).decode().strip().lower()) != "":
                if header.startswith("content-length:"):
                    length = int(header.partition(":")[2])
            said = json.loads(await reader.readexactly(length))
            self.paths.append(line.decode().split()[1])
            self.at_s.append(asyncio.get_running_loop().time())
            status, answer = self.answers.pop(0) if self.answers else (200, {"ok": True, "result": {}})
            if status == 200:
                self.heard.append(said["text"])
            body = json.dumps(answer).encode()
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()
        await writer.wait_closed()
        self.over.set()


def told(chat: Chat, story: Callable[[Telegram], Awaitable[None]]) -> None:
    async def whole() -> None:
        server = await asyncio.start_server(chat.serve, "127.0.0.1", 0)
        host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        bot = Telegram(Secret(TOKEN), "42", host)
        try:
            await story(bot)
        finally:
            await bot.close()
            await chat.over.wait()
            server.close()

    run(whole())


@pytest.mark.req("E-119")
def test_a_message_is_delivered_once_and_the_token_stands_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chat = Chat()
    told(chat, lambda bot: bot.tell("FUNDING: paused"))
    assert (chat.heard, chat.paths) == (["FUNDING: paused"], [f"/bot{TOKEN}/sendMessage"])
    assert "CANARY" not in caplog.text


def test_a_bot_that_asks_for_patience_is_given_it() -> None:
    busy = (429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 30}})
    chat = Chat(busy, (502, "no object"))
    told(chat, lambda bot: bot.tell("late"))
    assert chat.heard == ["late"]
    assert chat.at_s[1] - chat.at_s[0] == pytest.approx(30.0, abs=1.0)


def test_what_could_not_be_delivered_is_named_with_the_next() -> None:
    chat = Chat(*[(500, {})] * 4)

    async def story(bot: Telegram) -> None:
        await bot.tell("lost")
        assert bot.missed == 1
        await bot.tell("heard")

    told(chat, story)
    assert chat.heard == ["(1 messages before this one were not delivered)\nheard"]


def test_a_chat_that_is_not_there_is_named_without_the_token() -> None:
    chat = Chat((400, {"ok": False, "description": "Bad Request: chat not found"}))
    with pytest.raises(ConfigError, match="chat 42: found 400 Bad Request: chat not found") as error:
        told(chat, lambda bot: bot.tell("anybody?"))
    assert "CANARY" not in str(error.value)


def test_a_page_that_is_too_long_is_cut() -> None:
    chat = Chat()
    told(chat, lambda bot: bot.tell("x" * 10_000))
    assert len(chat.heard[0]) == LETTERS_MAX
