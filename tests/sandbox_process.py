"""`quintet sandbox` as a real process for tests, and a signed hand on it that shares nothing with what is tested."""

import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True)
class SandboxProcess:
    """A running exchange: its address, the key of its default account."""

    rest: str
    key: str
    secret: str
    process: subprocess.Popen[str]

    def ask(self, path: str, **query: Any) -> Any:
        """The result of a signed GET."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return self._answer(httpx.get(f"{self.rest}/v5/{path}?{text}", headers=self._signed(text)))

    def tell(self, path: str, **fields: Any) -> Any:
        """The result of a signed POST."""
        body = json.dumps(fields)
        headers = self._signed(body) | {"Content-Type": "application/json"}
        return self._answer(httpx.post(f"{self.rest}/v5/{path}", content=body, headers=headers))

    def operate(self, path: str, fields: Any = None) -> Any:
        """One of the operator's paths; a text is TOML of a scenario."""
        body = fields if isinstance(fields, str) else json.dumps(fields or {})
        response = httpx.post(f"{self.rest}/sandbox/{path}", content=body)
        assert response.status_code == 200, response.text
        return response.json()

    def history(self) -> Any:
        """The exchange's own account of everything."""
        return httpx.get(f"{self.rest}/sandbox/history").json()

    def book(self, category: str, mid: int, lots: int) -> None:
        """Five levels of somebody else's orders on each side of BTCUSDT, 10 USDT apart, and a trade at `mid`."""
        levels = [(sign, (mid - sign * n * 10) * 10**8, lots) for sign in (1, -1) for n in range(1, 6)]
        names = {"category": category, "symbol": "BTCUSDT"}
        self.operate("command", {"do": "ghosts", "levels": levels, "snapshot": True, **names})
        self.operate("command", {"do": "ghost-trade", "sign": 1, "price": mid * 10**8, "lots": 1, **names})
        self.operate("command", {"do": "prices", "symbol": "BTCUSDT", "index": mid * 10**8, "mark": mid * 10**8})

    def sub_key(self, **permissions: Any) -> tuple[str, str]:
        """A key of a new sub-account with these permissions only."""
        member = self.tell("user/create-sub-member", username=f"sub{time.time_ns() % 10**10}", memberType=1)
        made = self.tell("user/create-sub-api", subuid=int(member["uid"]), readOnly=0, permissions=permissions)
        return made["apiKey"], made["secret"]

    def _signed(self, payload: str) -> dict[str, str]:
        stamp, window = str(int(time.time() * 1_000)), "5000"
        text = (stamp + self.key + window + payload).encode()
        sign = hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()
        return {
            "X-BAPI-API-KEY": self.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": sign,
        }

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        said = response.json()
        assert said["retCode"] == 0, said
        return said["result"]


@contextmanager
def sandbox_process(*words: str) -> Iterator[SandboxProcess]:
    """A sandbox without a market on a free port; ended with the block."""
    command = [str(Path(sys.executable).with_name("quintet")), "sandbox", "--port", "0", "--json", "--market", "none"]
    process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield SandboxProcess(told["rest"], told["key"], told["secret"], process)
    finally:
        process.kill()
        process.communicate()
