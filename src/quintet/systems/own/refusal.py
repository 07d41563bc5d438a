"""Why a system of somebody's own cannot be run, in the parts that every error names."""

from quintet.core.errors import ConfigError


class RefusedSystem(ConfigError):
    """What is wrong with it, where, what was found and what was expected; `hint` may be empty."""

    def __init__(self, what: str, *, where: str, found: object, expected: str, hint: str = "") -> None:
        super().__init__(f"{what}: {where}: found {found}, expected {expected}")
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.hint = hint
