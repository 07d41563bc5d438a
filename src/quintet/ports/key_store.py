"""Where a venue's keys are kept, and a secret that does not show itself."""

from typing import Final, NamedTuple, NoReturn, Protocol


class Secret:
    """A text that stands in no other text: not when it is printed, formatted, pickled, or part of an error."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """The text itself, for whoever signs with it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(not shown)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


class Credential(NamedTuple):
    """A key of a venue. `at`: the address of the venue where it is not the real one (a sandbox), else empty."""

    name: str
    venue: str
    at: str
    key: Secret
    secret: Secret


class KeyStore(Protocol):
    """Keys under names; `storage.key_file.KeyFile` and `storage.vault.Vault` are two."""

    def names(self) -> list[str]:
        """Names in order; raises ConfigError or DataError when the store cannot be opened."""

    def read(self, name: str) -> Credential:
        """One key; raises ConfigError naming the ones that exist when there is none of that name."""

    def add(self, credential: Credential) -> None:
        """Keep one more, durably; raises ConfigError when the name is taken."""

    def remove(self, name: str) -> None:
        """Forget one, durably; raises ConfigError when there is none of that name."""
