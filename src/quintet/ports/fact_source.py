"""A source of facts from outside: asked now and then, it says what it has, or that it has no answer."""

from collections.abc import Sequence
from typing import Protocol

from quintet.core.errors import QuintetError
from quintet.core.facts import Said


class FactUnanswered(QuintetError):
    """A source gave no answer that can be used, after all attempts. Says who and why, never with which key."""


class FactSource(Protocol):
    """One question to one source; `venues.fact_line.AskedSource` is one."""

    @property
    def facts(self) -> Sequence[str]:
        """Names of the facts that it speaks of; of each asset of a deposit, the one that `Said` names."""

    @property
    def ask_every_s(self) -> float:
        """How often it is worth asking."""

    async def ask(self, now_ns: int) -> Sequence[Said]:
        """What it says at `now_ns` (ns UTC, our clock), old news included; raises FactUnanswered."""
