"""What must be true of a portfolio that has lived through a script, whatever happened: read from exchange and tapes.

The exchange's own history is believed, and the bytes of the tapes, lived again; nothing that a desk said.
"""

from typing import Final, NamedTuple

from quintet.app import desk_folder
from quintet.app.eternal_earn import PREFIX
from quintet.app.eternal_parity import Relived, replay_portfolio
from quintet.research.told_desk import Moved, words_on
from quintet.sandbox.earn import REDEEM
from quintet.sandbox.state import Account, Execution
from quintet.systems.eternal.config import CORE, FUNDING
from tools.storm.time_lapse import CAPITAL, TimeLapse

ONE: Final = 10**8
DELTA_MAX_FRAC: Final = 0.01
NAKED_MS_MAX: Final = 5_000
"""The engine's bound of 3 s, and what it takes to hear of it."""


class Naked(NamedTuple):
    """A time in which the legs of an asset differed, ms of the exchange; `ms` leaves out what an outage took."""

    asset: str
    from_ms: int
    to_ms: int
    ms: int


def broken_laws(lapse: TimeLapse) -> list[str]:
    """One sentence for each law that is broken."""
    if lapse.ended is None:
        return [f"the portfolio ended: {lapse.broken or 'nobody knows how'}"]
    relived = replay_portfolio(lapse.folder)
    found = [*_of_books(lapse, relived), *_of_money(lapse), *_of_transfers(lapse, relived), *_of_legs(lapse)]
    found += _of_earn(lapse)
    if relived.command_hashes != dict(lapse.ended.command_hashes):
        found.append("parity: the tapes give other commands than were given")
    failed = relived.conducting.conductor.portfolio.failed
    return [*found, *(f"engine of {name}: {why}" for name, why in failed.items())]


def _of_books(lapse: TimeLapse, relived: Relived) -> list[str]:
    """Every coin and every position: in our books what the exchange has, to the quantum."""
    found = []
    for name, books in relived.books.items():
        account = lapse.service.state.accounts[lapse.uids[name]]
        if books.imbalance():
            found.append(f"{name}: the books are off by {books.imbalance()}")
        for asset in ("USDT", *lapse.script.prices):
            booked, there = books.money(asset), account.coins.get(asset, 0)
            if booked != there:
                found.append(f"{name}: {booked} quanta of {asset} in the books, {there} at the exchange")
        for n, one in enumerate(books.instruments):
            lots = sum(each.lots for each in account.positions_of(f"{one.kind}:{one.symbol}"))
            if one.kind != "spot" and books.holding(n)[0] != lots:
                found.append(f"{name}: {books.holding(n)[0]} lots of {one.name} in the books, {lots} at the exchange")
    return found


def _of_money(lapse: TimeLapse) -> list[str]:
    """What left the main account is what came into the five."""
    accounts = lapse.service.state.accounts
    main = next(one for one in accounts.values() if not one.parent and one.uid in _parents(lapse))
    given = int(CAPITAL * 2) * ONE - main.coins.get("USDT", 0)
    came = sum(each.amount for name in lapse.uids for each in _account(lapse, name).transfers
               if each.from_uid == main.uid)  # fmt: skip
    return [] if given == came == int(CAPITAL) * ONE else [f"{given} left the main account, {came} came"]


def _parents(lapse: TimeLapse) -> set[int]:
    return {_account(lapse, name).parent for name in lapse.uids}


def _account(lapse: TimeLapse, name: str) -> Account:
    return lapse.service.state.accounts[lapse.uids[name]]


def _of_transfers(lapse: TimeLapse, relived: Relived) -> list[str]:
    """Each movement once at the exchange, and nothing else moved."""
    there = {each.transfer_id: each for name in lapse.uids for each in _account(lapse, name).transfers}
    said = relived.conducting.movements
    if len({one.key for one in said}) != len(said):
        return ["a key of a movement came twice"]
    return [] if len(there) == len(said) else [f"{len(said)} movements were said, {len(there)} were made"]


def _of_earn(lapse: TimeLapse) -> list[str]:
    """What went to the Earn product, and what came back, stands once on the tape of CORE's desk, to the quantum."""
    words = words_on(desk_folder.required_past(lapse.folder / CORE).rows)
    booked = sorted(one.quanta for one in words if isinstance(one, Moved) and one.key.startswith(PREFIX))
    orders = [one for one in _account(lapse, CORE).earn_orders if one.status == "Success"]
    there = sorted(one.amount if one.kind == REDEEM else -one.amount for one in orders)
    return [] if booked == there else [f"Earn: {booked} quanta moved on the tape, {there} at the exchange"]


def _of_legs(lapse: TimeLapse) -> list[str]:
    return [
        f"{one.asset}: a leg stood alone for {one.ms} ms from {one.from_ms} on"
        for one in naked_times(lapse)
        if one.ms > NAKED_MS_MAX
    ]


def naked_times(lapse: TimeLapse) -> list[Naked]:
    """Every time in which FUNDING's legs differed by more than they may."""
    found = []
    executions = [one for one in _account(lapse, FUNDING).executions if one.kind != "Funding"]
    for asset in lapse.script.prices:
        found += _naked(lapse, asset, [one for one in executions if one.key.endswith(f":{asset}USDT")])
    return found


def _naked(lapse: TimeLapse, asset: str, executions: list[Execution]) -> list[Naked]:
    found, spot, short, since = [], 0, 0, 0
    for one in executions:
        instrument = lapse.service.state.markets[one.key].instrument
        base = one.sign * one.lots * (ONE // instrument.lots_per_unit)
        if instrument.is_spot:
            spot += base - (one.fee if one.fee_coin == asset else 0)
        else:
            short -= base
        least = max(ONE // 1_000, int(DELTA_MAX_FRAC * max(spot, short)))
        if abs(spot - short) > least and not since:
            since = one.ms
        elif abs(spot - short) <= least and since:
            found.append(Naked(asset, since, one.ms, one.ms - since - _dark(lapse, since, one.ms)))
            since = 0
    end_ms = lapse.service.state.now_ms
    return [*found, Naked(asset, since, end_ms, end_ms - since)] if since else found


def _dark(lapse: TimeLapse, from_ms: int, to_ms: int) -> int:
    """So many ms of a time nobody reached the exchange, or nobody was alive."""
    return sum(max(0, min(to_ms, end) - max(from_ms, begin)) for begin, end in (*lapse.outages, *lapse.deaths))
