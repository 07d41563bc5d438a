"""A desk whose system is somebody else: what it shall want, and capital that comes and goes, are events on its tape.

Both are CONFIG_CHANGED messages, applied where they stand by whoever lives the tape, now or again. So the tape of one
sub-account gives its commands again by itself. Between a fill and the next word the desk wants what is left: what was
filled, or is over, is wanted no more.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from quintet.core import state as s
from quintet.core.accounting.transfer import receive_coins, release_coins
from quintet.core.engine.entry import enter_and_leave
from quintet.core.engine.money_rules import MarginRules
from quintet.core.engine.world import Execution, Limits, Setup, new_world, without_memory
from quintet.core.errors import TapeError
from quintet.core.events import CONFIG_CHANGED, LAST, ORDER_CANCELED, TEXT
from quintet.core.execution.want import Want
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import STOP
from quintet.core.row_laws import Rows, text_of
from quintet.core.tape import message_with_text
from quintet.research.sub_accounts import SubAccountBooks, Woken, spot_of

WAKES: Final = s.WAKE_FILL | s.WAKE_ORDER | s.WAKE_FUNDING | s.WAKE_CONTROL
STALE_NS: Final = 60_000_000_000
"""No new risk on a market that was not heard for so long."""

ORDERS_PER_SECOND: Final = 10


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """From now on this is wanted. `number`: of the word it stands in; it never falls."""

    number: int
    wants: tuple[Want, ...]


class Moved(msgspec.Struct, frozen=True, tag="moved"):
    """Capital that came (above 0) or went, quanta of an asset. `key`: of the movement; `cost`: coins keep theirs."""

    key: str
    asset: str
    quanta: int
    cost: int = 0


Word = Wanted | Moved


def word_rows(word: Word, ts_ns: int) -> Rows:
    """The message of a word; time in ns UTC."""
    return message_with_text((ts_ns, ts_ns, 0, 0, 0, CONFIG_CHANGED, 0), msgspec.json.encode(word))


def words_on(rows: Any) -> list[Word]:
    """Every word on these rows of a desk tape, in order."""
    plain = np.asarray(rows)
    found = []
    for first in np.flatnonzero(plain["kind"] == CONFIG_CHANGED).tolist():
        end = first + 1
        while int(plain["bits"][end - 1]) & LAST == 0:
            end += 1
        found.append(_word(plain[first:end], first))
    return found


def _word(message: Any, at: int) -> Word:
    texts = message[message["kind"] == TEXT]
    try:
        found: Word = msgspec.json.decode(text_of(texts), type=Word)
    except msgspec.MsgspecError as error:
        raise TapeError(f"desk tape: row {at}: {error}, expected what a desk is told") from None
    return found


def told_world(instruments: tuple[Instrument, ...], margin: MarginRules, slippage_max_e9: int) -> s.World:
    """The world of such a desk before its first event: without capital, and without an exchange beside it."""
    return new_world(
        Setup(
            instruments=instruments,
            execution=Execution(market_bound_e9=slippage_max_e9),
            limits=(Limits(stale_ns=STALE_NS, max_orders_per_second=ORDERS_PER_SECOND),),
            margin=margin,
            wakes=WAKES,
            keeps_shown_book=True,
            levels_kept=1,
        )
    )


class ToldEntrance:
    """How messages enter: `enter(rows, world, progress)`. `heard`: told why the desk woke, as it wakes."""

    def __init__(self, account: SubAccountBooks, heard: Callable[[int], None]) -> None:
        self._account = account
        self._heard = heard
        self._inside = without_memory(account.world)
        self._run = enter_and_leave()

    def __call__(self, rows: Any, world: s.World, progress: Any) -> int:
        """Let one message enter."""
        word = _word(np.asarray(rows), 0) if int(rows[0]["kind"]) == CONFIG_CHANGED else None
        if isinstance(word, Moved):
            self._move(word)
        wakes = 0
        while woken := int(self._run(rows, self._inside, progress)):
            wakes |= woken
            self._heard(woken)
            self._spend(woken)
        if isinstance(word, Wanted):
            self._account.want(word.wants)
            progress[0].owed = 1  # planned as after a wake
            self._run(rows, self._inside, progress)
        return wakes

    def _move(self, moved: Moved) -> None:
        """Capital into the books, or out of them: neither gain nor loss."""
        desk, account = self._account.world.desk[0], self._account
        column = account.asset_number(moved.asset)
        desk.ledger[s.DESK_BOOK, column] += moved.quanta
        desk.ledger[s.CAPITAL_BOOK, column] -= moved.quanta
        desk.room_version += 1
        spot = spot_of(account.instruments, moved.asset)
        if spot is None:
            return
        held, base_quanta = desk.shown.account[spot], account.instruments[spot].base_quanta_per_lot
        if moved.quanta > 0:
            receive_coins(held, base_quanta, moved.quanta, moved.cost)
        else:
            release_coins(held, base_quanta, -moved.quanta)

    def _spend(self, why: int) -> None:
        wants = _wants(self._account.shown)
        left = what_is_left(wants, self._account.woken(), why)
        if left != wants:
            self._account.want(left)


def cost_of(account: SubAccountBooks, asset: str, quanta: int) -> int:
    """What so much of a coin has cost, rounded down; 0 for money. Moved with it."""
    spot = spot_of(account.instruments, asset)
    if spot is None:
        return 0
    _, held, cost = account.holding(spot)
    return cost * quanta // held if held else 0


def what_is_left(wants: list[Want], woken: Woken, why: int) -> list[Want]:
    """What is wanted still after a fill, or the end of an order that we did not call back."""
    ours = [n for n, want in enumerate(wants) if want.instrument == woken.instrument and want.side == woken.side]
    if why == s.WAKE_FILL:
        ours.sort(key=lambda n: wants[n].style == STOP)  # a stop is the last that a fill may be of
        return _less(wants, ours[0], woken.lots) if ours else wants
    if why == s.WAKE_ORDER and woken.kind != ORDER_CANCELED:
        over = {n for n in ours if wants[n].style != STOP or wants[n].price == woken.price}
        return [want for n, want in enumerate(wants) if n not in over]
    return wants


def _less(wants: list[Want], n: int, lots: int) -> list[Want]:
    left = wants[n]._replace(lots=wants[n].lots - lots)
    return [*wants[:n], *([left] if left.lots > 0 else []), *wants[n + 1 :]]


def _wants(shown: Any) -> list[Want]:
    return [
        Want(int(w.side), int(w.lots), int(w.price), int(w.style), int(w.tag), bool(w.reduce_only), int(w.instrument))
        for w in shown.wants[: int(shown.n)]
    ]
