"""What a venue says about a perpetual besides its book: mark price, index price, and the rate of the next funding."""

from typing import Any

from quintet.core.events import FUNDING_RATE, INDEX_PRICE, MARK_PRICE
from quintet.core.kernel import kernel


@kernel
def hear_of_perpetual(place: Any, row: Any) -> None:
    """Keep what a MARK_PRICE, INDEX_PRICE or FUNDING_RATE row says; rows of other kinds say nothing here."""
    kind = int(row.kind)
    if kind == MARK_PRICE:
        place.mark = int(row.price)
    elif kind == INDEX_PRICE:
        place.index = int(row.price)
    elif kind == FUNDING_RATE:
        place.funding_rate_e9 = row.quantity
