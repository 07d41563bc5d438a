"""What a portfolio trades, as the venue lists it: at its birth, and whether it still is that."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec

from quintet.app.bybit_desk import Account, Address, listed_instrument, unit_changes
from quintet.app.instruments import InstrumentConfig
from quintet.app.machine import Machine
from quintet.core.errors import QuintetError
from quintet.core.instrument import Instrument, in_common_quanta

KINDS: Final = ("spot", "linear")
LISTING_EVERY_S: Final = 60.0
"""So often the venue is asked whether instruments are still what they were."""


async def listed(address: Address, assets: Sequence[str], account: Account, machine: Machine) -> tuple[Instrument, ...]:
    """Spot and perpetual of each asset, with the fees of an account, in quanta that they have in common."""
    found = []
    for kind in KINDS:
        for asset in assets:
            one = await _listed_now(address, kind, f"{asset}USDT", machine)
            maker, taker = await account.fees_of(kind, one.symbol)
            found.append(msgspec.structs.replace(one, maker_fee_e9=maker, taker_fee_e9=taker))
    return in_common_quanta(found)


async def keep_listing(
    address: Address,
    known: Sequence[Instrument],
    machine: Machine,
    changed: Callable[[str], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Look now and then, for ever: a portfolio counts in the units that it was begun with, in no others.

    `changed`: told what has changed, once; an operator who lets it go on (it `is_stopped` no more) is told again.
    """
    told: dict[tuple[str, str], str] = {}
    while True:
        await asyncio.sleep(LISTING_EVERY_S)
        for one in known:
            with suppress(QuintetError):  # a venue that does not answer is the feed's to tell
                why = unit_changes(one, await _listed_now(address, one.kind, one.symbol, machine))
                if why and (told.get((one.kind, one.symbol)) != why or not is_stopped()):
                    told[one.kind, one.symbol] = why
                    changed(f"{one.kind} {why}")


async def _listed_now(address: Address, kind: str, symbol: str, machine: Machine) -> Instrument:
    of_one = replace(address, category=kind, symbol=symbol)
    found: Instrument = await machine.in_thread(lambda: listed_instrument(of_one, InstrumentConfig(), machine.fetch))
    return found
