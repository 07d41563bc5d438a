"""Reads a desk tape from its bytes, and makes of it what was said of each order. Shares no line with the desk.

The numbers of kinds and the shape of a row stand here once more, from the description of the format, so that a mistake
over there does not repeat itself here.
"""

import hashlib
import json
import struct
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

MAGIC: Final = b"\x89QTAPE"
ROW: Final = struct.Struct("<qqqiHBB")
TEXT, META = 254, 1

LEVELS: Final = frozenset((0, 1))
BOOK_CLEAR, FEED_GAP = 4, 15
ACCEPTED, REJECTED, CANCELED, EXPIRED, CANCEL_REJECTED, TRIGGERED = 40, 41, 42, 43, 44, 45
AMENDED, AMEND_REJECTED, FILL, FILL_ORDER, FILL_FEE, FILL_KEY, REDUCED, ORDER_LOTS = 46, 47, 48, 49, 50, 51, 52, 53
FUNDING, FUNDING_KEY = 54, 55
LOST, SUPPRESSED, UNANSWERED, OPERATOR, SUSPENSE = 56, 57, 58, 60, 63
PLACE, CANCEL, AMEND, COMMAND_ORDER = 64, 65, 66, 68
COMMANDS: Final = {PLACE: "create", CANCEL: "cancel", AMEND: "amend"}

OVER: Final = frozenset((REJECTED, CANCELED, EXPIRED, LOST, SUPPRESSED))
ANSWERS: Final = frozenset((ACCEPTED, CANCEL_REJECTED, TRIGGERED, AMENDED, AMEND_REJECTED, REDUCED, FILL_ORDER)) | OVER

STOP, TAKE_PROFIT = 4, 6
REDUCE_ONLY: Final = 64
"""Bit of a placement."""

ONE: Final = 10**8
"""Quanta of the exchange in one coin."""

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class TornTape(ValueError):
    """The bytes are not those of a whole tape; says where."""


class Row(NamedTuple):
    """One row as it stands in the file. `at`: its position."""

    ts_event: int
    ts_recv: int
    quantity: int
    price: int
    instrument: int
    kind: int
    bits: int
    at: int

    @property
    def ms(self) -> int:
        """Our clock, ms."""
        return self.ts_recv // 10**6

    @property
    def sign(self) -> int:
        """Of a fill or an order: 1 buys, -1 sells."""
        return -1 if self.bits & 4 else 1


class Said(NamedTuple):
    """A fill as the tape tells it; fee in quanta of asset 0 (quote) or 1 (base)."""

    row: Row
    number: int
    fee: int
    asset: int
    key: int


class Paid(NamedTuple):
    """Funding as the tape tells it; quanta of asset 0 in its row, below 0: received."""

    row: Row
    key: int


class Told(NamedTuple):
    """A command as it stands on the tape."""

    row: Row
    number: int

    @property
    def action(self) -> str:
        """create, amend or cancel."""
        return COMMANDS[self.row.kind]


@dataclass
class Life:
    """One order as the tape has it. `over`: the row that ended it; `sizes`: (price, lots) that it was asked to have.

    `lots`: what it is; `to_lots`: what it shall be, 0 when no change is under way.
    """

    number: int
    placed: Row
    sizes: list[tuple[int, int]]
    lots: int
    to_lots: int = 0
    over: Row | None = None
    why_over: int = 0
    filled: int = 0
    is_known: bool = False
    unanswered: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    changes: list[tuple[int, int]] = field(default_factory=list)
    """(position, lots that have to be counted with from there on), for every change that was asked for or told."""

    @property
    def style(self) -> int:
        """Number of its style."""
        return self.placed.bits >> 3 & 7

    @property
    def waits(self) -> bool:
        """A stop or a take-profit?"""
        return self.style in (STOP, TAKE_PROFIT)

    @property
    def only_reduces(self) -> bool:
        """Is it one that can do nothing but bring a position closer to zero?"""
        return self.waits or bool(self.placed.bits & REDUCE_ONLY)

    @property
    def lots_max(self) -> int:
        """The most that it was ever asked to be."""
        return max(lots for _, lots in self.sizes)

    @property
    def price_max(self) -> int:
        """The dearest that it was ever asked to be, ticks."""
        return max(price for price, _ in self.sizes)

    def is_now(self, row: Row, lots: int) -> None:
        """No change is under way any more."""
        self.lots, self.to_lots = lots, 0
        self.changes.append((row.at, lots))
        self.look(row)

    def look(self, row: Row) -> None:
        """Is there nothing left of it?"""
        if self.filled >= max(self.lots, self.to_lots) and self.over is None:
            self.over, self.why_over = row, FILL

    def lots_at(self, at: int) -> int:
        """Lots that have to be counted with at a position, what is filled included."""
        return next((lots for changed, lots in reversed(self.changes) if changed <= at), self.placed.quantity)

    def lives_at(self, at: int) -> bool:
        """Does the desk have to count with it after position `at`?"""
        return self.placed.at <= at and (self.over is None or self.over.at > at)


class Tape:
    """What a desk tape says."""

    def __init__(self, data: bytes) -> None:
        self.meta, self.rows = _rows_of(data)
        notes = self.meta["notes"]
        self.instrument: dict[str, Any] = json.loads(notes["instrument"])
        self.risk: dict[str, Any] = json.loads(notes["risk"])
        self.execution: dict[str, Any] = json.loads(notes["execution"])
        self.prefix = f"{notes['desk']}-{_base36(self.rows[0].quantity)}-"
        self.orders: dict[int, Life] = {}
        self.commands: list[Told] = []
        self.fills: list[Said] = []
        self.fundings: list[Paid] = []
        self.twice: list[int] = []
        """Numbers that were given to two orders."""
        for n, row in enumerate(self.rows):
            self._hear(row, self.rows[n + 1 : n + 4])

    @property
    def is_contract(self) -> bool:
        """Are positions held, long and short, and not coins?"""
        return bool(self.instrument["kind"] != "spot")

    @property
    def lot(self) -> Decimal:
        """Base coins of one lot."""
        return Decimal(self.instrument["lot_size"])

    @property
    def tick(self) -> Decimal:
        """Quote coins of one price increment."""
        return Decimal(self.instrument["price_increment"])

    def link_of(self, number: int) -> str:
        """The name under which the venue knows an order."""
        return f"{self.prefix}{_base36(number // 256)}-{_base36(number % 256)}"

    def number_of(self, link: str) -> int | None:
        """The order of a name; None for a name of somebody else."""
        if not link.startswith(self.prefix):
            return None
        position, _, index = link.removeprefix(self.prefix).partition("-")
        return int(position, 36) * 256 + int(index, 36)

    def value(self, ticks: int, lots: int) -> int:
        """Quanta of the exchange for so many lots at a price."""
        return int(self.tick * ticks * self.lot * lots * ONE)

    # ---- reading -----------------------------------------------------------------------------------------------

    def _hear(self, row: Row, following: list[Row]) -> None:
        if row.kind in COMMANDS:
            self._command(row, following[0].quantity)
        elif row.kind == FILL:
            order, fee, key = following
            self.fills.append(Said(row, order.quantity, fee.quantity, fee.price, key.quantity))
            self._fill(row, order)
        elif row.kind == FUNDING:
            self.fundings.append(Paid(row, following[0].quantity))
        elif row.kind in (AMENDED, REDUCED):
            changed = self.orders.get(row.quantity)
            if changed is not None:
                changed.sizes.append((row.price, following[0].quantity))
                changed.answers.append(row)
                changed.is_now(row, following[0].quantity)
        elif row.kind == UNANSWERED and row.quantity in self.orders:
            life = self.orders[row.quantity]
            life.unanswered += [row] if life.over is None else []
        elif row.kind in ANSWERS and row.quantity in self.orders and row.kind != FILL_ORDER:
            life = self.orders[row.quantity]
            life.answers.append(row)
            life.is_known |= row.kind in (ACCEPTED, TRIGGERED)
            if row.kind in OVER and life.over is None:
                life.over, life.why_over = row, row.kind
            elif row.kind == AMEND_REJECTED:
                life.is_now(row, life.lots)

    def _command(self, row: Row, number: int) -> None:
        self.commands.append(Told(row, number))
        if row.kind == PLACE:
            if number in self.orders:
                self.twice.append(number)
            self.orders[number] = Life(number, row, [(row.price, row.quantity)], row.quantity)
        elif row.kind == AMEND and number in self.orders:
            self.orders[number].sizes.append((row.price, row.quantity))
            self.orders[number].to_lots = row.quantity
            self.orders[number].changes.append((row.at, max(self.orders[number].lots, row.quantity)))

    def _fill(self, row: Row, order: Row) -> None:
        life = self.orders.get(order.quantity)
        if life is None:
            return
        life.filled += row.quantity
        life.answers.append(row)
        life.is_known = True
        life.look(row)


def key_of(exec_id: str) -> int:
    """The number by which an execution is booked once."""
    return int.from_bytes(hashlib.sha256(exec_id.encode()).digest()[:8], "big") >> 2 or 1


def _base36(value: int) -> str:
    text = DIGITS[value % 36]
    while value := value // 36:
        text = DIGITS[value % 36] + text
    return text


def _rows_of(data: bytes) -> tuple[dict[str, Any], list[Row]]:
    """The meta block as JSON, and the rows of every other block; raises TornTape."""
    meta, at = b"", 0
    rows: list[Row] = []
    while at < len(data):
        if data[at : at + 6] != MAGIC:
            raise TornTape(f"byte {at}: found {data[at : at + 6]!r}, expected the beginning of a block")
        first, _, count = struct.unpack_from("<qqi", data, at + 8)
        body = data[at + 64 : at + 64 + 32 * count]
        if len(body) < 32 * count:
            raise TornTape(f"byte {at}: a block of {count} rows with {len(body)} bytes of them")
        if data[at + 7] == META:
            meta = b"".join(body[n : n + (body[n + 31] >> 1)] for n in range(0, len(body), 32))
        elif first != len(rows):
            raise TornTape(f"byte {at}: a block of position {first}, expected {len(rows)}")
        else:
            rows += [Row._make((*found, first + n)) for n, found in enumerate(ROW.iter_unpack(body))]
        at += 64 + 32 * count
    return json.loads(meta), rows
