"""From a kept key to a venue that can be asked."""

from collections.abc import Sequence
from typing import Final

from quintet.core.errors import ConfigError
from quintet.ports.key_store import Credential
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.rest import HOSTS, TIMEOUT_S, Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock

CATEGORIES: Final = ("spot", "linear", "inverse")


def bybit_rest(credential: Credential, categories: Sequence[str] = CATEGORIES, *, timeout_s: float = TIMEOUT_S) -> Rest:
    """The account of a key over HTTP; must be made on the running loop, and closed. Raises ConfigError."""
    require_key_of(credential, "bybit")
    key = ApiKey(credential.key.reveal(), credential.secret.reveal())
    hosts = (credential.at,) if credential.at else HOSTS
    return Rest(key, Pace(limits(categories)), VenueClock(), hosts, timeout_s=timeout_s)


def require_key_of(credential: Credential, venue: str) -> None:
    """Raise ConfigError for a key of somebody else: it would be shown to those whom it is not for."""
    if credential.venue != venue:
        raise ConfigError(f"key {credential.name}: found a key of {credential.venue}, expected one of {venue}")
