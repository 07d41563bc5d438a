"""What the operator of a sandbox may do that no venue offers: move time, break things, read everything."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from quintet.core.errors import ConfigError
from quintet.sandbox.bybit_v5.streams import Streams
from quintet.sandbox.commands import AnyCommand, ChangeInstrument, Deleverage, GhostTrade, SetFunding, SetPrices
from quintet.sandbox.faults import Fault, Faults, check, scenario_of
from quintet.sandbox.history import history_pieces
from quintet.sandbox.money import quanta
from quintet.sandbox.refusal import Refusal
from quintet.sandbox.retention import series_of
from quintet.sandbox.rsa_signature import public_key_of
from quintet.sandbox.service import DEFAULT_UID, Service


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key as the operator wants it; what is left out is as in a key of the default account."""

    uid: int = DEFAULT_UID
    note: str = ""
    read_only: bool = False
    permissions: dict[str, list[str]] | None = None
    ips: list[str] = []
    expires_ms: int = 0
    public_key: str = ""


class Operator:
    """The paths under /sandbox/ of one exchange."""

    def __init__(self, service: Service, faults: Faults, streams: Streams) -> None:
        self.service = service
        self.faults = faults
        self.streams = streams
        self.refused: list[str] = []
        self.flow_has_ended: Callable[[], bool] = lambda: False

    def do(self, method: str, path: str, body: bytes) -> dict[str, Any] | Iterator[bytes]:
        """One request: an object, or the pieces of a long one; raises ConfigError naming what was expected."""
        paths: dict[tuple[str, str], Callable[[bytes], dict[str, Any] | Iterator[bytes]]] = {
            ("GET", "time"): self._time,
            ("GET", "history"): self._history,
            ("GET", "sizes"): self._sizes,
            ("POST", "advance"): self._advance,
            ("POST", "key"): self._key,
            ("POST", "command"): self._command,
            ("POST", "fault"): self._fault,
            ("POST", "scenario"): self._scenario,
            ("POST", "calm"): self._calm,
        }
        found = paths.get((method, path))
        if found is None:
            known = ", ".join(f"{verb} {name}" for verb, name in paths)
            raise ConfigError(f"{method} /sandbox/{path}: expected one of {known}")
        return found(body)

    def _time(self, body: bytes) -> dict[str, Any]:
        clock = self.service.clock
        return {
            "now_ms": self.service.state.now_ms,
            "clock_ms": clock.due_ms(),
            "speed": clock.speed,
            "refused": self.refused,
            "flow_has_ended": self.flow_has_ended(),
        }

    def _advance(self, body: bytes) -> dict[str, Any]:
        """Move a clock forward: {"ms": 60000}."""
        fields = _fields(body)
        ms = fields.get("ms")
        if not isinstance(ms, int) or isinstance(ms, bool):
            raise ConfigError(f"advance: ms: expected a whole number of milliseconds, found {ms!r}")
        self.service.clock.advance(ms)
        return {"clock_ms": self.service.clock.due_ms()}

    def _key(self, body: bytes) -> dict[str, Any]:
        """One more key: {"uid": 10000001, "permissions": {...}, "ips": [...], "read_only": true, "public_key": PEM}."""
        try:
            wanted = msgspec.json.decode(body or b"{}", type=KeyRequest)
        except msgspec.DecodeError as error:
            raise ConfigError(f"key: {error}") from None
        if wanted.uid not in self.service.state.accounts:
            raise ConfigError(f"key: uid: expected an account that exists, found {wanted.uid}")
        if wanted.public_key:
            public_key_of(wanted.public_key)
        key = self.service.keys.create(wanted.uid, self.service.clock.now_ms(), wanted.note)
        key.read_only, key.ips, key.public_key = wanted.read_only, wanted.ips, wanted.public_key
        key.expires_ms = wanted.expires_ms
        key.permissions = wanted.permissions if wanted.permissions is not None else key.permissions
        key.secret = "" if key.public_key else key.secret
        self.service.keys.keep(key)
        return {"key": key.key, "secret": key.secret}

    def _command(self, body: bytes) -> dict[str, Any]:
        """Any command of the exchange, as its journal writes it: {"do": "ghosts", ...}."""
        try:
            command = msgspec.json.decode(body, type=AnyCommand)
        except msgspec.DecodeError as error:
            raise ConfigError(f"command: {error}") from None
        answer = self.service.do(command)
        if isinstance(answer, Refusal):
            return {"refused": msgspec.to_builtins(answer)}
        return {"done": msgspec.to_builtins(answer)}

    def _fault(self, body: bytes) -> dict[str, Any]:
        """One more fault, as a line of a scenario in JSON."""
        try:
            fault = msgspec.json.decode(body, type=Fault)
        except msgspec.DecodeError as error:
            raise ConfigError(f"fault: {error}") from None
        check(fault, "fault")
        self.faults.add(fault, self.faults.now_s)
        return {"added": fault.kind}

    def _scenario(self, body: bytes) -> dict[str, Any]:
        """Begin a scenario, in TOML; the one before ends."""
        scenario = scenario_of(body, "scenario")
        self.faults.load(scenario, self.faults.now_s)
        return {"faults": len(scenario.fault), "seed": scenario.seed}

    def _calm(self, body: bytes) -> dict[str, Any]:
        """No faults any more."""
        self.faults.clear()
        self.service.clock.skew_ms = 0
        return {"faults": 0}

    def _sizes(self, body: bytes) -> dict[str, Any]:
        """How much of everything there is: for those who look for what is never given back."""
        state = self.service.state
        return {
            "tasks": len(asyncio.all_tasks()),
            "sessions": len(self.streams.sessions),
            "topics": self.streams.topic_count,
            "orders": len(state.orders),
            "records": sum(len(records) for account in state.accounts.values() for _, records in series_of(account)),
            "archived": sum(sum(account.archived.values()) for account in state.accounts.values()),
        }

    def _history(self, body: bytes) -> Iterator[bytes]:
        """Everything that ever happened, piece by piece."""
        return history_pieces(self.service)

    # ---- faults of the venue ----

    def strike(self, fault: Fault) -> None:
        """What a fault of the venue does when its time has come; what the exchange refuses is kept to be read."""
        service, symbol = self.service, fault.symbol
        if fault.kind == "restart":
            for session in list(self.streams.sessions.values()):
                session.connection.abort()
        elif fault.kind == "clock_skew":
            service.clock.skew_ms = int(fault.value)
        elif fault.kind == "tick_size":
            self._do(ChangeInstrument(category=fault.category, symbol=symbol, tick=fault.value))
        elif fault.kind == "delisting":
            at_ms = service.clock.now_ms() + fault.delay_ms
            self._do(ChangeInstrument(category=fault.category, symbol=symbol, status=fault.value, delivery_ms=at_ms))
        elif fault.kind == "liquidation":
            self._do(SetPrices(symbol=symbol, index=quanta(fault.value), mark=quanta(fault.value)))
        elif fault.kind == "adl":
            self._do(Deleverage(symbol=symbol, quantity=fault.value))
        elif fault.kind == "funding_spike":
            self._do(SetFunding(symbol=symbol, rate=quanta(fault.value)))
        else:
            self._phantom_tick(fault)

    def _do(self, command: AnyCommand) -> None:
        answer = self.service.do(command)
        if isinstance(answer, Refusal):
            self.refused.append(answer.message)

    def _phantom_tick(self, fault: Fault) -> None:
        """A print that no order made: one lot, far away, and the next trade is where the market is."""
        market = self.service.state.markets.get(f"{fault.category}:{fault.symbol}")
        if market is not None:
            price = quanta(fault.value) // market.instrument.tick * market.instrument.tick
            book = self.service.venue.books[f"{fault.category}:{fault.symbol}"]
            sign = 1 if price < (book.asks.best or price + 1) else -1
            self._do(GhostTrade(category=fault.category, symbol=fault.symbol, sign=sign, price=price, lots=1))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise ConfigError(f"body: expected a JSON object, found {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"body: expected a JSON object, found {found!r}")
    return found
