"""What the exchange answers when it will not: the venue's number and its sentence. A value, never an exception."""

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """A request that was refused without effect; `fields` tells what was found when that helps."""

    code: int
    message: str


class Refused(Exception):
    """Carries a Refusal from the depth of a check to the one place that answers."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)
