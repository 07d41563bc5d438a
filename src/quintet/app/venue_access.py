"""From a kept key to a venue that can be asked."""

from collections.abc import Sequence

from quintet.ports.key_store import Credential
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.rest import HOSTS, Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock

CATEGORIES = ("spot", "linear", "inverse")


def bybit_rest(credential: Credential, categories: Sequence[str] = CATEGORIES) -> Rest:
    """The account of a key over HTTP; must be made on the running loop, and closed."""
    key = ApiKey(credential.key.reveal(), credential.secret.reveal())
    return Rest(key, Pace(limits(categories)), VenueClock(), (credential.at,) if credential.at else HOSTS)
