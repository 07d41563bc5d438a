"""Where approved commands go."""

from typing import Any, Protocol


class Gateway(Protocol):
    """Sends approved commands to a venue. Answers come back as messages of a feed, never from here."""

    def send(self, commands: Any) -> None:
        """Send rows of COMMAND, in order; each is on the desk tape and on the disk by now."""
