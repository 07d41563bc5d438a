"""The running exchange: matching engine, clock, keys and journal behind one door, and those who listen to it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from quintet.sandbox.archive import Archive
from quintet.sandbox.clock import Clock
from quintet.sandbox.commands import AnyCommand, OpenAccount, Pass
from quintet.sandbox.exchange import Answer, Exchange
from quintet.sandbox.happenings import Happening
from quintet.sandbox.keys import ApiKey, KeyRing
from quintet.sandbox.state import State
from quintet.sandbox.venue import Venue

DEFAULT_UID = 10_000_001
DEFAULT_COINS = {"USDT": "100000", "BTC": "1", "ETH": "10", "SOL": "100"}

PASS_JOURNALLED_EVERY_MS = 1_800_000
"""Time alone is journalled this often; between two commands the exchange samples the same seconds either way."""


class Journal(Protocol):
    """Where commands are written before they are done."""

    def append(self, now_ms: int, command: AnyCommand) -> None:
        """Keep a command; when it returns, the command survives the death of this process."""


class Service:
    """One exchange that runs. Every change goes through `do`, in the order of its calls."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        keys: KeyRing,
        journal: Journal | None = None,
        archive: Archive | None = None,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.keys = keys
        self.archive = archive if archive is not None else Archive()
        self.listeners: list[Callable[[list[Happening]], None]] = []
        self._journal = journal
        self._journalled_ms = 0

    @property
    def venue(self) -> Venue:
        """Books and state."""
        return self.exchange.venue

    @property
    def state(self) -> State:
        """What the exchange remembers."""
        return self.exchange.state

    def do(self, command: AnyCommand, at_ms: int | None = None) -> Answer:
        """Journal, do, tell the listeners; in this order, so that nothing is told that a restart forgets.

        `at_ms` is when it happened, for what comes from a flow; otherwise it happens now.
        """
        now_ms = max(self.clock.now_ms() if at_ms is None else at_ms, self.state.now_ms)
        if self._journal is not None and self._worth_keeping(now_ms, command):
            self._journal.append(now_ms, command)
            self._journalled_ms = now_ms
        answer = self.exchange.do(now_ms, command)
        past = self.exchange.retired()
        if past:
            self.archive.add(past)
        happened = self.exchange.drain()
        for listener in self.listeners:
            listener(happened)
        return answer

    def _worth_keeping(self, now_ms: int, command: AnyCommand) -> bool:
        return not isinstance(command, Pass) or now_ms - self._journalled_ms >= PASS_JOURNALLED_EVERY_MS

    def default_key(self, key: str = "", secret: str = "", coins: Mapping[str, str] = DEFAULT_COINS) -> ApiKey:
        """The key of the funded default account; both are made when they are new, the account with these coins."""
        if DEFAULT_UID not in self.state.accounts:
            self.do(OpenAccount(uid=DEFAULT_UID, name="main", coins=dict(coins)))
        there = [found for found in self.keys.of(DEFAULT_UID) if not key or found.key == key]
        return there[0] if there else self.keys.create(DEFAULT_UID, self.clock.now_ms(), "default", key, secret)
