"""What a desk has won or lost, from its record alone."""

import numpy as np

from quintet.core.instrument import Instrument
from quintet.core.state import CAPITAL_BOOK, DESK_BOOK, World


def net_quanta(world: World, instrument: Instrument) -> int:
    """What a desk has won or lost since its beginning, at the last price, quote quanta: fees and all."""
    record = world.desk[0]
    ledger, inst, account = np.asarray(record.ledger), record.shown.instruments[0], record.shown.account[0]
    won = ledger[DESK_BOOK] + ledger[CAPITAL_BOOK]
    last = int(record.shown.market[0].last)
    quote = int(won[int(inst.quote_asset)])
    if instrument.kind == "spot":
        return quote + int(won[int(inst.base_asset)]) * last * int(inst.quanta) // int(inst.base_quanta)
    return quote + int(account.lots) * last * int(inst.quanta) - int(account.cost)
