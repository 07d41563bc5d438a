"""What an engine says, as what a desk wants: names become numbers, styles those of the order lifecycle."""

from collections.abc import Iterable, Sequence
from typing import Final

from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import MARKET, POST_ONLY, STOP
from quintet.systems.eternal.said import MAKER, Order
from quintet.systems.eternal.said import MARKET as AT_MARKET

STYLES: Final = {MAKER: POST_ONLY, AT_MARKET: MARKET, "stop": STOP}


def wants_of(orders: Iterable[Order], names: Sequence[str]) -> list[Want]:
    """The same orders; `names`: of the instruments in their order."""
    return [
        Want(one.side, one.lots, one.price, STYLES[one.style], 0, one.reduce_only, names.index(one.instrument))
        for one in orders
    ]
