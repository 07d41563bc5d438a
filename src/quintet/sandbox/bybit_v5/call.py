"""One request on its way: the exchange, who asks, what is asked."""

from typing import NamedTuple

from quintet.sandbox.bybit_v5.pacing import Rate
from quintet.sandbox.bybit_v5.params import Params
from quintet.sandbox.keys import ApiKey
from quintet.sandbox.refusal import Refused
from quintet.sandbox.service import Service
from quintet.sandbox.state import Account

CATEGORIES = ("spot", "linear", "inverse", "option")
EMPTY_CATEGORIES = ("inverse", "option")
"""Products that are listed without an instrument: asked about, they answer with nothing."""


class Call(NamedTuple):
    """`key` is None on public calls; `rate` is the bucket a batch spends a unit of for each order."""

    service: Service
    params: Params
    key: ApiKey | None = None
    rate: Rate | None = None

    @property
    def account(self) -> Account:
        """Whose call it is."""
        assert self.key is not None
        return self.service.state.accounts[self.key.uid]

    @property
    def uid(self) -> int:
        """The account's number."""
        assert self.key is not None
        return self.key.uid

    def category(self, default: str = "") -> str:
        """The product asked for."""
        found: str = self.params.one_of("category", CATEGORIES, default)
        return found

    def traded_category(self) -> str:
        """A product that can be traded here."""
        found = self.category()
        if found in EMPTY_CATEGORIES:
            raise Refused(10001, f"Not supported symbols: nothing is listed in {found}")
        return found
