"""Replaying a desk tape: what entered the step enters it again, what left it is compared.

A desk tape holds every event of a desk in order, and after each event the commands it caused. A replay feeds the
events to the same functions and compares every command with the one recorded. It runs no simulator and no timer
source: timers, answers and fills are on the tape. `advance_body` is compiled for a system like the loop of a run (see
`core.kernel.bind`): with the system's kernel as `decide`, or with `LEAVES`, and then a wake leaves it.

Positions are counted as the run counted them: every row that is neither header nor command has one.

Depth and trades enter message by message, as they did in the run. What a desk knew of a book is made anew from them,
so the world of a replay keeps a shown book, whether the run did or not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from quintet.core import events as ev
from quintet.core.digest import command_hash, state_hash
from quintet.core.engine.facts import on_fact
from quintet.core.engine.feed import (
    hear_message,
    is_of_market,
    is_of_perpetual,
    know_message,
    know_trades,
    tell,
)
from quintet.core.engine.step import (
    ROWS_OF_CHANGE,
    ROWS_OF_FILL,
    ROWS_OF_FUNDING,
    begin,
    finish,
    on_bar,
    on_change,
    on_control,
    on_fill,
    on_funding,
    on_status,
    on_timer,
)
from quintet.core.errors import TapeError
from quintet.core.events import (
    BAR_OPEN,
    COMMAND_ORDER,
    COMMAND_UNANSWERED,
    FACT,
    FACT_KEY,
    FILL,
    FUNDING,
    HEADER,
    INSTRUMENT,
    LAST,
    LIQUIDATION,
    MAKER,
    ORDER_ACCEPTED,
    ORDER_AMENDED,
    ORDER_REDUCED,
    PLACE,
    REDUCE_ONLY,
    REFUSED,
    SELL_BIT,
    TEXT,
    TIMER,
)
from quintet.core.kernel import kernel
from quintet.core.market.bars import read_bar
from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.orders.queue_place import answer_moves_place
from quintet.core.records import record, table
from quintet.core.row_laws import KIND_NAMES
from quintet.core.state import ASSETS, DEFINITION, END, INSTRUMENTS, RESPONSE, World

DIFFERS: Final = -1
"""The replay has stopped because a command on the tape and a command of the step are not the same."""

STYLE_SHIFT: Final = 3
"""Bits 3 to 5 of PLACE: the order's style."""

STYLE_MASK: Final = 7

SAME: Final = 0
OTHER: Final = 1
NOT_ON_TAPE: Final = 2
NOT_FROM_STEP: Final = 3

PROGRESS: Final = record(
    row="i8",  # next row of the tape
    owed="i8",  # 1: a system was woken and left for; what it wants is planned when the replay goes on
    defined="i8",  # instrument definitions before this row have been applied
    n_commands="i8",  # commands that were the same
    difference="i8",
    index="i8",  # of the command that differs, in the outbox
    answer=RESPONSE,  # the fill under the cursor
)


def decide(state: Any, params: Any, view: Any) -> None:
    """Stands where a system's kernel stands; another one is put here by `bind`."""


LEAVES = True


@kernel
def same_command(command: Any, row: Any, order: Any) -> bool:
    """Do the two rows of the tape say what this command says?"""
    bits = SELL_BIT if command.side < 0 else 0
    if command.kind == PLACE:
        bits = bits | (command.style << STYLE_SHIFT) | (REDUCE_ONLY if command.reduce_only != 0 else 0)
    return (
        int(row.kind) == command.kind
        and int(row.bits) == bits
        and int(row.instrument) == command.instrument
        and int(row.price) == command.price
        and row.quantity == command.lots
        and row.ts_recv == command.ts
        and int(order.kind) == COMMAND_ORDER
        and int(order.price) == command.index
        and order.quantity == command.number
    )


@kernel
def skip_headers(rows: Any, i: int) -> int:
    """The first row from `i` on that is no header."""
    while i < rows.shape[0] and int(rows[i].kind) == HEADER:
        i += 1
    return i


@kernel
def compare_commands(desk: Any, rows: Any, progress: Any) -> None:
    """Compare what the step put out with the next rows of the tape, and empty the outbox when they are the same."""
    for k in range(desk.n_outbox):
        i = skip_headers(rows, progress.row)
        progress.row = i
        progress.index = k
        if i + 1 >= rows.shape[0] or int(rows[i].kind) < PLACE or int(rows[i].kind) > REFUSED:
            progress.difference = NOT_ON_TAPE
            return
        if not same_command(desk.outbox[k], rows[i], rows[i + 1]):
            progress.difference = OTHER
            return
        progress.row = i + 2
        progress.n_commands += 1
    desk.n_outbox = 0
    desk.n_filled = 0
    desk.shown.n_notes = 0


@kernel
def read_fill(answer: Any, rows: Any, i: int) -> None:
    """The fill in the four rows from `i` on; which slot its order has is found by number."""
    bits = int(rows[i].bits)
    answer.ts = rows[i].ts_recv
    answer.ts_event = rows[i].ts_event
    answer.kind = FILL
    answer.slot = -1
    answer.instrument = int(rows[i].instrument)
    answer.side = -1 if bits & SELL_BIT != 0 else 1
    answer.maker = 1 if bits & MAKER != 0 else 0
    answer.liquidation = 1 if bits & LIQUIDATION != 0 else 0
    answer.price = int(rows[i].price)
    answer.lots = rows[i].quantity
    answer.number = rows[i + 1].quantity
    answer.fee = rows[i + 2].quantity
    answer.fee_asset = int(rows[i + 2].price)
    answer.execution = rows[i + 3].quantity


@kernel
def read_funding(answer: Any, rows: Any, i: int) -> None:
    """The funding in the two rows from `i` on."""
    answer.instrument = int(rows[i].instrument)
    answer.price = int(rows[i].price)
    answer.fee = rows[i].quantity
    answer.fee_asset = int(rows[i + 1].price)
    answer.execution = rows[i + 1].quantity


@kernel
def message_end(rows: Any, i: int) -> int:
    """One past the last row of the message that row `i` belongs to; its text ends with it."""
    while int(rows[i].bits) & LAST == 0 and i + 1 < rows.shape[0]:
        i += 1
    return i + 1


@kernel
def hear_feed(desk: Any, shown: Any, rows: Any, first: int, until: int) -> None:
    """A message of depth and trades: an event for a desk that listens, else it only changes what is known."""
    recv = rows[first].ts_recv
    if desk.listens != 0:
        hear_message(desk, shown, rows, first, until, until - first, recv)
        return
    desk.position += until - first
    know_message(desk, shown, rows, first, until, recv)
    know_trades(desk, rows, first, until)


@kernel
def take_in(desk: Any, shown: Any, rows: Any, progress: Any) -> int:
    """Let the event that begins at the row under the cursor enter the step; returns the wake it deserves.

    What a message of the feed tells the system is then `tell`.
    """
    i = progress.row
    kind, recv = int(rows[i].kind), rows[i].ts_recv
    if is_of_market(kind, int(rows[i].bits)) or (is_of_perpetual(kind) and desk.perpetuals != 0):
        progress.row = message_end(rows, i)
        hear_feed(desk, shown, rows, i, progress.row)
        return 0
    if kind == BAR_OPEN:
        n = int(rows[i].instrument)
        length = read_bar(desk.shown.market[n], rows, i)
        progress.row = i + length
        begin(desk, length, recv)
        return on_bar(desk, n, int(rows[i].bits) >> 1, rows[i].ts_event)
    if kind == FILL:
        progress.row = i + ROWS_OF_FILL
        answer = progress.answer
        read_fill(answer, rows, i)
        begin(desk, ROWS_OF_FILL, recv)
        wake = on_fill(desk, answer)
        if desk.keeps_places != 0:
            answer_moves_place(desk, shown, FILL, answer.number, answer.ts_event, answer.maker)
        return wake
    if kind == FUNDING:
        progress.row = i + ROWS_OF_FUNDING
        read_funding(progress.answer, rows, i)
        begin(desk, ROWS_OF_FUNDING, recv)
        return on_funding(desk, progress.answer)
    if kind == ORDER_AMENDED or kind == ORDER_REDUCED:
        progress.row = i + ROWS_OF_CHANGE
        begin(desk, ROWS_OF_CHANGE, recv)
        wake = on_change(desk, kind, rows[i].quantity, -1, int(rows[i].price), rows[i + 1].quantity, rows[i].ts_event)
        if desk.keeps_places != 0:
            answer_moves_place(desk, shown, kind, rows[i].quantity, rows[i].ts_event, 0)
        return wake
    if kind == FACT and desk.shown.facts.n != 0:
        progress.row = message_end(rows, i)
        begin(desk, progress.row - i, recv)
        return on_fact(desk, rows, i)
    if kind <= FACT_KEY or kind == TEXT:
        progress.row = i + 1
        desk.position += 1
        return 0
    progress.row = message_end(rows, i)
    begin(desk, progress.row - i, recv)
    if kind == TIMER:
        return on_timer(desk)
    if ORDER_ACCEPTED <= kind <= COMMAND_UNANSWERED:
        wake = on_status(desk, kind, rows[i].quantity, -1, rows[i].ts_event)
        if desk.keeps_places != 0:
            answer_moves_place(desk, shown, kind, rows[i].quantity, rows[i].ts_event, 0)
        return wake
    return on_control(desk, kind, rows[i].quantity, int(rows[i].price))


def advance_body(rows: Any, world: Any, progress: Any) -> int:
    """Move along the desk tape to its end, a difference, a definition, or (where `LEAVES`) a wake; returns why."""
    desk, at = world.desk[0], progress[0]
    state, params = world.state[0], world.params[0]
    while True:
        if at.owed != 0:
            at.owed = 0
            finish(desk)
        compare_commands(desk, rows, at)
        if at.difference != SAME:
            return DIFFERS
        if desk.telling.until != 0:
            wake = tell(desk, rows)
            if wake > 0 and wake & desk.wakes != 0:
                at.owed = 1
                if LEAVES:
                    return wake
                decide(state, params, desk.shown)
            continue
        i = skip_headers(rows, at.row)
        at.row = i
        if i >= rows.shape[0]:
            return END
        kind = int(rows[i].kind)
        if PLACE <= kind <= REFUSED:
            at.difference = NOT_FROM_STEP
            return DIFFERS
        if kind == INSTRUMENT and i >= at.defined:
            return DEFINITION
        wake = take_in(desk, world.shown, rows, at)
        if wake & desk.wakes != 0:
            at.owed = 1
            if LEAVES:
                return wake
            decide(state, params, desk.shown)


# ---- the replay as others call it -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first command that is not the same. `expected` is what the tape says, `found` what the step gives."""

    position: int
    """Of the event that caused it, as the desk counts: commands have no position of their own."""
    row: int
    """Where on the tape: rows before it that are not headers."""
    expected: str
    found: str

    def __str__(self) -> str:
        return f"position {self.position} (row {self.row}): expected {self.expected}, found {self.found}"


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """How a replay ended. The hashes are those of the moment it stopped."""

    command_hash: str
    state_hash: str
    positions: int
    n_commands: int
    difference: Difference | None


Advance = Callable[[Any, World, Any], int]


def replay(
    advance: Advance,
    rows: Any,
    world: World,
    decide: Callable[[World], None] | None = None,
    define: Callable[[World, int], None] | None = None,
) -> Replayed:
    """Replay the rows of a desk tape (`Tape.event_rows()`: headers may stand among them, the meta block may not).

    `advance`: `advance_body` bound for the system. `world`: as the run's was before its first event. `decide`: called
    at each wake of a system that is plain Python. `define`: called with the index of each INSTRUMENT row; leave it out
    when the world knows its instruments. Raises TapeError for rows that compiled code may not see.
    """
    check_rows(rows)
    progress = table(PROGRESS, 1)
    at = progress[0]
    while True:
        why = advance(rows, world, progress)
        if why == END or why == DIFFERS:
            return _outcome(rows, world, at)
        if why == DEFINITION:
            at.defined = at.row + 1
            if define is not None:
                define(world, int(at.row))
        elif decide is not None:
            decide(world)


def check_rows(rows: Any) -> None:
    """Raise TapeError unless every index is in range and every fill, change and funding has all of its rows.

    The laws of a tape (`core.row_laws`) hold already; these are the desk's own on top of them.
    """
    plain = np.asarray(rows)
    plain = plain[plain["kind"] != HEADER]
    kinds, places = plain["kind"], np.arange(len(plain))
    beyond = (kinds != TEXT) & (plain["instrument"] >= INSTRUMENTS)
    _refuse_where(beyond, plain, "instrument", f"below {INSTRUMENTS}")
    with_asset = (kinds == ev.FILL_FEE) | (kinds == ev.FUNDING_EXECUTION)
    no_asset = with_asset & ((plain["price"] < 0) | (plain["price"] >= ASSETS))
    _refuse_where(no_asset, plain, "price", f"the number of an asset, 0 to {ASSETS - 1}")
    for begins, follow in (
        ((FILL,), (ev.FILL_ORDER, ev.FILL_FEE, ev.FILL_EXECUTION)),
        ((ORDER_AMENDED, ORDER_REDUCED), (ev.ORDER_LOTS,)),
        ((FUNDING,), (ev.FUNDING_EXECUTION,)),
    ):
        first = np.isin(kinds, begins)
        names = [
            *(" or ".join(KIND_NAMES[kind] for kind in group) for group in (begins, *((kind,) for kind in follow)))
        ]
        expected = f"{len(follow)} more rows after {names[0]}"
        _refuse_where(first & (places + len(follow) >= len(plain)), plain, "kind", expected)
        for n, kind in enumerate(follow, start=1):
            due = np.concatenate([np.zeros(min(n, len(plain)), np.bool_), first[:-n]])
            _refuse_where(due != (kinds == kind), plain, "kind", f"{' '.join(names)}, in this order")


def _refuse_where(wrong: Any, rows: Any, field: str, expected: str) -> None:
    """Raise TapeError naming the first row that is wrong."""
    found = np.flatnonzero(wrong)
    if len(found):
        row = rows[found[0]]
        name = KIND_NAMES.get(int(row["kind"]), str(row["kind"]))
        value = name if field == "kind" else row[field]
        raise TapeError(f"desk tape: row {found[0]}, {name}: {field} is {value}, expected {expected}")


def _outcome(rows: Any, world: World, at: Any) -> Replayed:
    desk = world.desk[0]
    return Replayed(
        command_hash=command_hash(desk),
        state_hash=state_hash(world.desk, world.state),
        positions=int(desk.position),
        n_commands=int(at.n_commands),
        difference=None if at.difference == SAME else _difference(rows, desk, at),
    )


def _difference(rows: Any, desk: Any, at: Any) -> Difference:
    headers = int(np.count_nonzero(np.asarray(rows)["kind"][: int(at.row)] == HEADER))
    return Difference(
        position=int(desk.event),
        row=int(at.row) - headers,
        expected="no command" if at.difference == NOT_ON_TAPE else _recorded(rows, int(at.row)),
        found="no command" if at.difference == NOT_FROM_STEP else _given(desk.outbox[int(at.index)]),
    )


def _recorded(rows: Any, i: int) -> str:
    row = rows[i]
    number, index = (int(rows[i + 1].quantity), int(rows[i + 1].price)) if i + 1 < len(rows) else (-1, -1)
    side = "sell" if int(row.bits) & SELL_BIT else "buy"
    style = int(row.bits) >> STYLE_SHIFT & STYLE_MASK
    return _spoken(int(row.kind), side, style, row.quantity, row.price, number, index, row)


def _given(command: Any) -> str:
    side = "sell" if command.side < 0 else "buy"
    style = int(command.style)
    return _spoken(command.kind, side, style, command.lots, command.price, command.number, command.index, command)


def _spoken(kind: int, side: str, style: int, lots: int, price: int, number: int, index: int, place: Any) -> str:
    what = {PLACE: "place", ev.CANCEL: "cancel", ev.AMEND: "amend"}.get(kind, f"kind {kind}")
    named = f" {STYLE_NAMES[style]}" if kind == PLACE and style < len(STYLE_NAMES) else ""
    return f"{what}{named} {side} {lots} lots at {price} of instrument {place.instrument}, order {number} index {index}"
