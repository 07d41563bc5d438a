"""One order that a system wants to be working."""

from typing import NamedTuple


class Want(NamedTuple):
    """One order: `side` is +1 or -1, `price` in price increments (0 at market), `tag` comes back with its fills.

    `reduce_only`: it may bring the position closer to zero, and never open or turn one. `instrument`: its number, in a
    run of several.
    """

    side: int
    lots: int
    price: int
    style: int
    tag: int = 0
    reduce_only: bool = False
    instrument: int = 0
