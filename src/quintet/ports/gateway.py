"""Where approved commands go."""

from collections.abc import Callable
from typing import Any, Protocol


class Gateway(Protocol):
    """Sends approved commands to a venue. Answers come back as messages of a feed, never from here."""

    def send(self, commands: Any) -> None:
        """Send rows of COMMAND, in order; each is on the desk tape by now, and must be on the disk before it leaves."""


class EarlyGateway(Gateway, Protocol):
    """One that makes ready what may not leave yet, so that nothing but sending is left when it may."""

    def ready(self, commands: Any) -> Callable[[], None]:
        """Encode rows of COMMAND, in order; to call what it returns sends them. Nothing leaves before."""


class Brake(Protocol):
    """Whether new risk may leave: a kill switch is one. Asked for every command, so it must answer at once."""

    def __call__(self) -> str:
        """Why nothing but cancels may leave, in words; empty when everything may."""


def no_brake() -> str:
    """Everything may leave."""
    return ""
