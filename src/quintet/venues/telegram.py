"""Lines to a person's phone over a bot of Telegram, one message each.

The bot's token is a part of the address, so no address is kept, logged or shown. Source: Telegram Bot API, Making
requests, sendMessage, and `parameters.retry_after` of an answer that asks for patience.
"""

import asyncio
from typing import Final

import httpx
import msgspec

from quintet.core.errors import ConfigError
from quintet.ports.key_store import Secret

HOST: Final = "https://api.telegram.org"
LETTERS_MAX: Final = 4_096
TIMEOUT_S: Final = 10.0
PAUSES_S: Final = (0.0, 1.0, 5.0, 15.0)
WAIT_MAX_S: Final = 60.0
_NEVER: Final = (400, 401, 403, 404)
"""Of a chat or a bot that is not there, or does not want us: no attempt will be another."""


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: int = 0


class _Answer(msgspec.Struct, frozen=True):
    ok: bool = False
    description: str = ""
    parameters: _Parameters = _Parameters()


class Telegram:
    """One chat. `missed`: messages that could not be delivered since the last one that was."""

    def __init__(self, token: Secret, chat: str, host: str = HOST) -> None:
        self.missed = 0
        self._token, self._chat, self._host = token, chat, host
        self._line = httpx.AsyncHTTPTransport()  # the client above it writes addresses into logs

    async def close(self) -> None:
        """Let go of the connection."""
        await self._line.aclose()

    async def tell(self, text: str) -> None:
        """Deliver a message; one that cannot be within some attempts is counted and named with the next.

        Raises ConfigError for a bot or a chat that will never take one.
        """
        missed = f"({self.missed} messages before this one were not delivered)\n" if self.missed else ""
        if await self._delivered((missed + text)[:LETTERS_MAX]):
            self.missed = 0
        else:
            self.missed += 1

    async def _delivered(self, text: str) -> bool:
        wait_s = 0.0
        for pause_s in PAUSES_S:
            await asyncio.sleep(max(pause_s, wait_s))
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    status, answer = await self._asked(text)
            except (httpx.HTTPError, TimeoutError):
                continue
            if answer.ok:
                return True
            if status in _NEVER:
                raise ConfigError(f"telegram: chat {self._chat}: found {status} {answer.description[:120]}")
            wait_s = min(float(answer.parameters.retry_after), WAIT_MAX_S)
        return False

    async def _asked(self, text: str) -> tuple[int, _Answer]:
        body = msgspec.json.encode({"chat_id": self._chat, "text": text})
        request = httpx.Request(
            "POST", f"{self._host}/bot{self._token.reveal()}/sendMessage", content=body,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        response = await self._line.handle_async_request(request)
        try:
            content = await response.aread()
        finally:
            await response.aclose()
        try:
            return response.status_code, msgspec.json.decode(content, type=_Answer)
        except msgspec.MsgspecError:
            return response.status_code, _Answer()
