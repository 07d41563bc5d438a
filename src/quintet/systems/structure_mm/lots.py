"""The table of lots: each buy owns the price at which it is sold.

A bid and its take bear the same tag. What a fill brings is what arrives after a fee taken in base; the parts of a lot
that cannot be sold (dust) join the next lot bought.
"""

from typing import Any

from quintet.core.kernel import kernel
from quintet.systems.structure_mm.records import LOTS, TAGS_PER_EPISODE


@kernel
def next_tag(state: Any) -> int:
    """A tag that was never used before."""
    state.serial += 1
    return state.episode * TAGS_PER_EPISODE + state.serial


@kernel
def find_lot(state: Any, tag: int) -> int:
    """Place of the lot with a tag, -1 when there is none."""
    for i in range(LOTS):
        if state.lots[i].tag == tag:
            return i
    return -1


@kernel
def new_lot(state: Any, tag: int, level: int, price: int, lots: int, takes_at: int) -> int:
    """A free place filled with a bid to be; -1 when all places are taken."""
    i = find_lot(state, 0)
    if i >= 0:
        lot = state.lots[i]
        lot.tag = tag
        lot.level = level
        lot.price = price
        lot.ordered = lots
        lot.buying = lots
        lot.lots = 0
        lot.take_price = takes_at
        lot.ask = 0
        lot.ask_lots = 0
        lot.resizing = 0
        lot.kept = 1
    return i


@kernel
def give_back(lot: Any) -> None:
    """A lot with nothing wanted and nothing held leaves its place."""
    if lot.buying <= 0 and lot.lots <= 0:
        lot.tag = 0


@kernel
def call_back_bids(state: Any) -> None:
    """No bid is wanted any more."""
    for i in range(LOTS):
        lot = state.lots[i]
        if lot.tag != 0:
            lot.buying = 0
            give_back(lot)


@kernel
def call_back_takes(state: Any) -> None:
    """No take is wanted any more; the lots stay."""
    for i in range(LOTS):
        state.lots[i].ask = 0
        state.lots[i].resizing = 0


@kernel
def clear_lots(state: Any) -> None:
    """Every place is free."""
    for i in range(LOTS):
        state.lots[i].tag = 0
        state.lots[i].buying = 0
        state.lots[i].lots = 0
        state.lots[i].ask = 0


@kernel
def held_in_lots(state: Any) -> int:
    """Lots held by all places together."""
    total = 0
    for i in range(LOTS):
        if state.lots[i].tag != 0:
            total += state.lots[i].lots
    return total


@kernel
def bids_standing(state: Any) -> int:
    """How many bids are wanted."""
    n = 0
    for i in range(LOTS):
        if state.lots[i].tag != 0 and state.lots[i].buying > 0:
            n += 1
    return n


@kernel
def oldest_holding(state: Any, after: int) -> int:
    """Place of the holding lot with the smallest tag above `after`, -1 when there is none."""
    found = -1
    for i in range(LOTS):
        lot = state.lots[i]
        if lot.tag > after and lot.lots > 0 and (found < 0 or lot.tag < state.lots[found].tag):
            found = i
    return found


@kernel
def receive(state: Any, i: int, bought: int, sellable: int) -> None:
    """A bid was filled: the lot holds whatever of the `sellable` lots of the account no other lot holds."""
    lot = state.lots[i]
    lot.buying = max(lot.buying - bought, 0)
    lot.lots += max(sellable - held_in_lots(state), 0)


@kernel
def sell_oldest(state: Any, sold: int) -> None:
    """An exit sold so many lots: they are taken from the oldest lots first."""
    i = oldest_holding(state, 0)
    while sold > 0 and i >= 0:
        lot = state.lots[i]
        tag = lot.tag
        part = min(lot.lots, sold)
        lot.lots -= part
        sold -= part
        give_back(lot)
        i = oldest_holding(state, tag)


@kernel
def highest_bid(state: Any) -> int:
    """Price of the highest bid that stands, 0 when none does."""
    highest = 0
    for i in range(LOTS):
        if state.lots[i].tag != 0 and state.lots[i].buying > 0:
            highest = max(highest, state.lots[i].price)
    return highest
