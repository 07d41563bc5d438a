"""A local stand-in for the venue's kline endpoint that misbehaves on demand. Shapes as recorded from the venue."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NOON_MS = 1_767_268_800_000
MINUTE_MS = 60_000


def candle_row(start_ms: int) -> list[str]:
    """A row as the venue sends it; the price follows from the stamp, so that every page agrees with every other."""
    n = start_ms // MINUTE_MS % 1000
    return [str(start_ms), f"3000.{n % 90:02d}", "3001.5", "2999", "3000.25", f"{n}.123", f"{n * 3000}.5"]


class KlineServer:
    """What the handler answers from. `faults` is taken one a request; `queries` is what was asked."""

    def __init__(self, starts: range, now_ms: int | None = None) -> None:
        self.starts = starts
        self.now_ms = starts[-1] + 10 * starts.step if now_ms is None else now_ms
        self.missing: set[int] = set()
        self.faults: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.page_candles = 1000
        self.url = ""

    def answer(self, query: dict[str, str], fault: str) -> dict[str, Any]:
        first, last, limit = int(query["start"]), int(query["end"]), int(query["limit"])
        if fault == "overlap":
            first, last = first - 3 * self.starts.step, last + 3 * self.starts.step
        inside = [s for s in self.starts if first <= s <= min(last, self.now_ms) and s not in self.missing]
        rows = [candle_row(start) for start in inside[-min(limit, self.page_candles) :]][::-1]
        if fault == "contradiction":
            rows += [[rows[0][0], "1", "1", "1", "1", "1", "1"]]
        symbol = "DOGEUSDT" if fault == "other symbol" else query["symbol"]
        result = {"category": query["category"], "symbol": symbol, "list": [] if fault == "empty" else rows}
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": self.now_ms}

    def refusal(self, code: int, message: str) -> dict[str, Any]:
        return {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": self.now_ms}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        served: KlineServer = self.server.served  # type: ignore[attr-defined]
        query = dict(parse_qsl(urlsplit(self.path).query))
        served.queries.append(query)
        fault = served.faults.pop(0) if served.faults else ""
        headers: dict[str, str] = {}
        status, body = 200, json.dumps(served.answer(query, fault)).encode()
        if fault.isdigit() and len(fault) == 3:
            status, body = int(fault), b"busy"
        elif fault.isdigit():
            headers["X-Bapi-Limit-Reset-Timestamp"] = str(served.now_ms + 3000)
            body = json.dumps(served.refusal(int(fault), "no")).encode()
        elif fault == "retry after":
            status, body, headers["Retry-After"] = 429, b"", "7"
        elif fault == "half json":
            body = body[: len(body) // 2]
        elif fault == "not json":
            body = b"<html>maintenance</html>"
        elif fault == "limit reached":
            headers |= {"X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": str(served.now_ms + 2000)}
        elif fault == "wrong shape":
            body = json.dumps(served.refusal(0, "OK")).encode()
        elif fault == "silence":
            time.sleep(0.6)
        elif fault == "hang up":
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (100 if fault == "truncated" else 0)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = fault in ("truncated", "silence")

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up waiting is part of the plan."""


@contextmanager
def serving(served: KlineServer) -> Iterator[KlineServer]:
    server = _QuietServer(("127.0.0.1", 0), _Handler)
    server.served = served  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
