"""Client order ids: computed from desk, epoch and order number, never drawn again, and read back without a table.

`{desk}-{epoch}-{position}-{index}` in base 36: the position on the desk tape of the event that caused the command, and
the command's number within that event. 36 characters at most, all of them letters, digits and hyphens.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from quintet.core.errors import ConfigError
from quintet.core.events import QUANTITY_MAX

CHARACTERS_MAX: Final = 36
DESK_CHARACTERS_MAX: Final = 8
EPOCHS: Final = 36**12
"""An epoch is drawn once, when a desk tape is created, from this many."""

COMMANDS_OF_AN_EVENT: Final = 256
"""An order number is its event's position times this, plus the command's index."""

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_DESK: Final = re.compile(rf"[0-9a-z]{{1,{DESK_CHARACTERS_MAX}}}")
_NUMBER: Final = r"(0|[1-9a-z][0-9a-z]*)"


@dataclass(frozen=True, slots=True)
class ClientIds:
    """The ids of one desk tape. `desk`: 1 to 8 small letters and digits; `epoch`: 0 or more and below `EPOCHS`."""

    desk: str
    epoch: int
    _shape: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _DESK.fullmatch(self.desk):
            raise ConfigError(f"desk is {self.desk!r}, expected 1 to {DESK_CHARACTERS_MAX} small letters and digits")
        if not 0 <= self.epoch < EPOCHS:
            raise ConfigError(f"epoch is {self.epoch}, expected 0 or more and below {EPOCHS}")
        shape = re.compile(f"{self.desk}-{base36(self.epoch)}-{_NUMBER}-{_NUMBER}")
        object.__setattr__(self, "_shape", shape)

    def of(self, number: int) -> str:
        """The id of an order number; raises ConfigError for a number that no desk issues."""
        if not 0 <= number <= QUANTITY_MAX:
            raise ConfigError(f"order number is {number}, expected 0 to {QUANTITY_MAX}")
        position, index = divmod(number, COMMANDS_OF_AN_EVENT)
        return f"{self.desk}-{base36(self.epoch)}-{base36(position)}-{base36(index)}"

    def number(self, client_id: str) -> int | None:
        """The order number of an id of ours; None for an id that this desk tape did not issue."""
        match = self._shape.fullmatch(client_id)
        if match is None:
            return None
        position, index = (int(text, 36) for text in match.groups())
        number = position * COMMANDS_OF_AN_EVENT + index
        return number if index < COMMANDS_OF_AN_EVENT and number <= QUANTITY_MAX else None


def base36(value: int) -> str:
    """A whole number, 0 or more, in small letters and digits."""
    text = _DIGITS[value % 36]
    while value := value // 36:
        text = _DIGITS[value % 36] + text
    return text
