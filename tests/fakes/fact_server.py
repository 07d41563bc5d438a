"""A local source of facts that misbehaves on demand. Shapes as the sources document them, or as they were recorded."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DAY_S = 86_400


@dataclass
class Asked:
    """A question as it came in."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    target: str


@dataclass
class FactServer:
    """`answer`: what is served, by path and query. `faults` is taken one a request; `asked` is what was asked."""

    answer: Callable[[Asked], Any]
    faults: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (each := (await reader.readline()).decode().strip()) != "":
                    name, _, value = each.partition(":")
                    headers[name.lower()] = value.strip()
                target = line.decode().split()[1]
                parts = urlsplit(target)
                asked = Asked(parts.path, dict(parse_qsl(parts.query)), headers, target)
                self.asked.append(asked)
                if not await self._reply(asked, self.faults.pop(0) if self.faults else "", writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _reply(self, asked: Asked, fault: str, writer: asyncio.StreamWriter) -> bool:
        """False when the line is closed after it."""
        status, headers, body = 200, {}, json.dumps(self.answer(asked)).encode()
        if fault == "hang up":
            return False
        if fault == "silence":
            await asyncio.sleep(3600)
            return False
        if fault.startswith("wait "):
            status, headers, body = 429, {"Retry-After": fault.removeprefix("wait ")}, b""
        elif fault.isdigit():
            status, body = int(fault), b"no"
        elif fault == "redirect":
            status, headers, body = 302, {"Location": f"{self.url}/elsewhere"}, b""
        elif fault == "half":
            body = body[: len(body) // 2]
        elif fault == "html":
            body = b"<html>maintenance</html>"
        elif fault == "wrong types":
            body = b'{"data": 7, "list": "x", "t": [1], "retCode": "0"}'
        elif fault == "cut off":
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) + 100}\r\n\r\n".encode()
            writer.write(head + body)
            await writer.drain()
            return False
        lines = [
            f"HTTP/1.1 {status} Some Reason",
            f"Content-Length: {len(body)}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        await writer.drain()
        return True


@asynccontextmanager
async def serving(answer: Callable[[Asked], Any], *faults: str) -> AsyncIterator[FactServer]:
    """The server on a port of this machine, in this loop."""
    served = FactServer(answer, list(faults))
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()


# ---- shapes --------------------------------------------------------------------------------------------------------


def fear_greed(days: dict[int, str]) -> dict[str, Any]:
    """The documented answer of alternative.me: seconds of the day to value, newest first."""
    rows = [
        {"value": value, "value_classification": "Fear", "timestamp": str(at)}
        for at, value in sorted(days.items(), reverse=True)
    ]
    if rows:
        rows[0]["time_until_update"] = "68499"
    return {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}


def glassnode(days: dict[int, float | None]) -> list[dict[str, Any]]:
    return [{"t": at, "v": value} for at, value in sorted(days.items())]


def lunarcrush(days: dict[int, tuple[float | None, float | None]]) -> dict[str, Any]:
    rows = [
        {"time": at, "open": 1.5, "close": 2, "galaxy_score": galaxy, "sentiment": sentiment, "alt_rank": 12}
        for at, (galaxy, sentiment) in sorted(days.items())
    ]
    return {"config": {"bucket": "day"}, "data": rows}


def bybit(result: Any, at_ms: int, code: int = 0, message: str = "OK") -> dict[str, Any]:
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": at_ms}


def ticker(symbol: str, rate: str, next_ms: int) -> dict[str, Any]:
    """A perpetual's ticker, fields as recorded."""
    row = {
        "symbol": symbol, "lastPrice": "17216.00", "indexPrice": "17227.36", "markPrice": "17217.33",
        "fundingRate": rate, "nextFundingTime": str(next_ms), "openInterest": "68744.761",
    }  # fmt: skip
    return {"category": "linear", "list": [row]}


def product(coin: str, apr: str, status: str = "Available", category: str = "FlexibleSaving") -> dict[str, Any]:
    return {
        "category": category, "estimateApr": apr, "coin": coin, "minStakeAmount": "0.001", "maxStakeAmount": "100",
        "precision": "8", "productId": "430", "status": status, "bonusEvents": [],
    }  # fmt: skip


def deposit(coin: str, amount: str, at_ms: int, transaction: str, status: int = 3) -> dict[str, Any]:
    return {
        "coin": coin, "chain": "ETH", "amount": amount, "txID": transaction, "status": status, "toAddress": "0x1",
        "tag": "", "depositFee": "", "successAt": str(at_ms), "confirmations": "30", "txIndex": "4",
        "blockHash": "0x2", "batchReleaseLimit": "-1", "depositType": "0",
    }  # fmt: skip
