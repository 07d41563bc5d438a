"""The venue's own dead man's switch: it cancels our spot orders when the desk's private line is gone for a while.

On spot only. On contracts the venue would take the resting stops with the rest, and a position without its stop is
worse than a quote that stands; there the desk, or `quintet kill`, takes back what must go. Opt in once for the account
(`arm`), then keep a private stream with SPOT_TOPIC: the venue counts from the moment the last such line is gone.
"""

from typing import Final

from quintet.core.errors import ConfigError
from quintet.ports.order_entry import CancelAll
from quintet.venues.bybit.encode import encoded
from quintet.venues.bybit.errors import Verdict
from quintet.venues.bybit.limits import ADDRESS, costs
from quintet.venues.bybit.rest import Rest
from quintet.venues.pacing import Cost

SPOT_TOPIC: Final = "dcp.spot"
WINDOW_MIN_S: Final = 3
WINDOW_MAX_S: Final = 300
_PRODUCT: Final = "SPOT"


async def arm(rest: Rest, window_s: int) -> Verdict:
    """Ask the venue to cancel spot orders `window_s` seconds after the line is gone; what it said to that.

    To ask twice does no harm. Raises ConfigError for a window that the venue does not have, ClockUnsure before
    anything is sent.
    """
    if not WINDOW_MIN_S <= window_s <= WINDOW_MAX_S:
        raise ConfigError(f"disconnect window: found {window_s} s, expected {WINDOW_MIN_S} to {WINDOW_MAX_S}")
    payload = {"product": _PRODUCT, "timeWindow": window_s}
    request = encoded("disconnected-cancel-all", "spot", payload, (CancelAll(0),))
    async with rest.pace.turn([*costs(request), Cost(ADDRESS)]):
        return (await rest.tell(request)).verdict
