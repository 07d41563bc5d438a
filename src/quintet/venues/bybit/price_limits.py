"""What the venue does with a limit price that lies beyond what it allows at the moment.

On contracts it moves the price to its limit. On spot it refuses the order (170193, 170194) unless the account asks for
the same as on contracts. An exit that must get out names the worst price that it would take, and the venue's limit is
a better one: to be refused for it is worse than both. Source: Bybit V5 documentation, Account (Set Limit Price
Behaviour).
"""

from typing import Final

from quintet.core.errors import DataError
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.rest import Rest
from quintet.venues.venue_clock import ClockUnsure

PATH: Final = "/v5/account/set-limit-px-action"


async def let_prices_be_moved(rest: Rest) -> str:
    """Ask the venue to move prices of spot orders to its limit; why it does not, empty when it does.

    To ask twice does no harm. It makes no order worse: a buy is moved down, a sell up.
    """
    try:
        await rest.repeat(PATH, {"category": "spot", "modifyEnable": True})
    except (VenueUnreachable, ClockUnsure, DataError) as error:
        return str(error)
    return ""
