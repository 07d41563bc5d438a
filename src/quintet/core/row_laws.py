"""What a row must satisfy before compiled code may see it.

Compiled loops check no bounds, and a negative index is legal everywhere and silent. So every row passes one
inspection, at both ends of every range: when it is appended, and again when a tape is verified. Nothing is
repaired: the first row that breaks a law is refused, with its position, field, value and what was expected.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.core import events as ev
from quintet.core.errors import ConfigError, DefinitionError, TapeError
from quintet.core.instrument import Instrument, decode
from quintet.core.kernel import kernel
from quintet.core.records import quick, record, table

Rows = np.ndarray[Any, np.dtype[Any]]
"""A one-dimensional array of ROW, viewed as recarray."""

TIME_MAX: Final = 7_258_118_400_000_000_000
"""2200-01-01 in ns UTC; a time is 0 <= t < TIME_MAX. Later times are a unit mistake, not a date."""

MESSAGE_ROWS_MAX: Final = 65_536
TEXT_BYTES: Final = 30
"""Payload bytes of one TEXT row: all that stand before `kind`."""

_NOT_KINDS: Final = frozenset(
    (
        "LAST",
        "MAKER",
        "SELL_BIT",
        "LIQUIDATION",
        "REDUCE_ONLY",
        "ORDER_ENTERED",
        "ORDER_CHANGED",
        "ORDER_GONE",
        "HEADER",
    )
)


def _kind_names() -> dict[int, str]:
    """Every kind that `core.events` declares, by number."""
    names: dict[int, str] = {}
    for name, value in vars(ev).items():
        if not isinstance(value, int) or name in _NOT_KINDS or not 0 <= value <= ev.TEXT:
            continue
        if value in names:
            raise DefinitionError(f"events: {name} and {names[value]} are both {value}; a kind has one number")
        names[value] = name
    return names


KIND_NAMES: Final[dict[int, str]] = _kind_names()

_PRICED: Final = frozenset(
    (ev.BID_LEVEL, ev.ASK_LEVEL, ev.TRADE_BUY, ev.TRADE_SELL, ev.BEST_BID, ev.BEST_ASK)
    + (ev.BAR_OPEN, ev.BAR_CLOSE)
    + (ev.LAST_PRICE, ev.MARK_PRICE, ev.INDEX_PRICE, ev.FILL)
)
_SIGNED: Final = frozenset((ev.FUNDING_RATE, ev.FACT, ev.FILL_FEE, ev.FUNDING, ev.RECONCILED))
_WITHOUT_INSTRUMENT: Final = frozenset(
    (ev.FACT, ev.FACT_KEY, ev.TIMER, ev.CLOCK_ADVANCED, ev.OPERATOR, ev.CONFIG_CHANGED, ev.MIGRATION, ev.RECONCILED)
    + (ev.TEXT,)
)
_IN_VENUE_ORDER: Final = frozenset((ev.BID_LEVEL, ev.ASK_LEVEL, ev.TRADE_BUY, ev.TRADE_SELL, ev.BOOK_CLEAR))

LAW: Final = record(
    known="i8",
    instrument_used="i8",  # 1: the index must be defined by then; 0: it must be 0 or defined
    price_min="i8",
    quantity_min="i8",
    quantity_max="i8",
    venue_ordered="i8",  # 1: ts_event never decreases among these rows of one instrument
)


def _laws(kinds: Iterable[int]) -> Rows:
    laws = table(LAW, 256)
    for kind in kinds:
        law = laws[kind]
        law.known = 1
        law.instrument_used = int(kind not in _WITHOUT_INSTRUMENT)
        law.price_min = int(kind in _PRICED)
        law.quantity_min = -ev.QUANTITY_MAX if kind in _SIGNED else 0
        law.quantity_max = ev.QUANTITY_MAX
        law.venue_ordered = int(kind in _IN_VENUE_ORDER)
    laws[ev.FEED_GAP].quantity_min = -1
    laws[ev.INSTRUMENT].quantity_max = 0
    laws[ev.VENUE_STATUS].quantity_max = 1
    return laws


LAWS: Final[dict[str, Rows]] = {
    "market": _laws(ev.MARKET_KINDS & KIND_NAMES.keys() | {ev.TEXT}),
    "desk": _laws(KIND_NAMES),
}
"""The laws by the use of a tape; one record for each kind, indexed by it."""

INSPECTION: Final = record(
    position="i8",  # of the next row
    first_recv="i8",
    last_recv="i8",
    message_rows="i8",  # rows of the open message so far, 0 = none is open
    message_event="i8",
    message_recv="i8",
    message_instrument="i8",  # -1: the message began with a kind that uses none
    message_kind="i8",
    text_open="i8",
    bar_next="i8",  # the kind that must come now, -1 = no bar is open
    bar_timeframe="i8",
    bar_open="i8",
    instruments="i8",  # defined so far
    definitions="i8",  # INSTRUMENT rows so far
    problem="i8",
    problem_row="i8",  # in the array just inspected
    found="i8",
    expected="i8",
)

SPAN: Final = record(
    last_event="i8", rows="i8", price_min="i8", price_max="i8", quantity_max="i8", message_rows_max="i8"
)

NO_ROOM: Final = -1
"""Not a broken law: the table of spans must grow before the inspection can go on."""

(
    UNKNOWN_KIND,
    UNDEFINED,
    BAD_EVENT_TIME,
    BAD_RECEIVE_TIME,
    RECEIVED_EARLIER,
    VENUE_BACKWARDS,
    LOW_PRICE,
    LOW_QUANTITY,
    HIGH_QUANTITY,
    OTHER_TIME,
    UNCLOSED,
    LONG_MESSAGE,
    TEXT_FIRST,
    TEXT_COUNT,
    TEXT_PADDING,
    AFTER_TEXT,
    BAR_ORDER,
    BAR_TIMEFRAME,
    BAR_EXTREMES,
    BAR_RANGE,
    DEFINITION_FIRST,
    DEFINITION_TEXT,
    DEFINITION_INDEX,
) = range(1, 24)

PROBLEMS: Final[dict[int, tuple[str, str]]] = {
    UNKNOWN_KIND: ("kind", "a kind this version knows; in a market tape, a market kind"),
    UNDEFINED: ("instrument", "an index defined before its use (below {expected})"),
    BAD_EVENT_TIME: ("ts_event", f"0 to {TIME_MAX - 1} (years 1970 to 2199, in ns)"),
    BAD_RECEIVE_TIME: ("ts_recv", f"0 to {TIME_MAX - 1} (years 1970 to 2199, in ns)"),
    RECEIVED_EARLIER: ("ts_recv", "at least {expected}, that of the row before: it never decreases"),
    VENUE_BACKWARDS: ("ts_event", "at least {expected}: it never decreases in one instrument's depth and trades"),
    LOW_PRICE: ("price", "at least {expected}"),
    LOW_QUANTITY: ("quantity", "at least {expected}"),
    HIGH_QUANTITY: ("quantity", "at most {expected}"),
    OTHER_TIME: ("time", "{expected}: all rows of a message bear the same two times"),
    UNCLOSED: ("bits", "LAST (bit 0) on the last row of the message before a block or the rows end"),
    LONG_MESSAGE: ("message", "at most {expected} rows in one message"),
    TEXT_FIRST: ("kind", "a row with a kind of its own before its TEXT"),
    TEXT_COUNT: ("bits", "30 used bytes in every TEXT row but the last, at most 30 there"),
    TEXT_PADDING: ("payload", "zero bytes after the used ones"),
    AFTER_TEXT: ("kind", "TEXT until the end of the message"),
    BAR_ORDER: ("kind", "{expected}: a bar is the rows OPEN, CLOSE and perhaps TURNOVER, first in their message"),
    BAR_TIMEFRAME: ("bits", f"a timeframe number 1 to {len(ev.TIMEFRAMES)}, the same on all rows of a bar"),
    BAR_EXTREMES: ("quantity", "high * 2^31 + low with 1 <= low (the bound is {expected})"),
    BAR_RANGE: ("price", "low <= open and close <= high (the bound is {expected})"),
    DEFINITION_FIRST: ("kind", "an INSTRUMENT row only as the first of its message"),
    DEFINITION_TEXT: ("bits", "TEXT rows with the definition after an INSTRUMENT row"),
    DEFINITION_INDEX: ("instrument", "at most {expected}: definitions are numbered 0, 1, 2, ... as they come"),
}

_TIMEFRAME_COUNT: Final = len(ev.TIMEFRAMES)
# Kernels see names of this module only as plain integers.
_TEXT, _HEADER, _INSTRUMENT, _LAST = ev.TEXT, ev.HEADER, ev.INSTRUMENT, ev.LAST
_OPEN, _CLOSE, _TURNOVER = ev.BAR_OPEN, ev.BAR_CLOSE, ev.BAR_TURNOVER
_HIGH_SHIFT, _LOW_MASK = ev.HIGH_SHIFT, ev.LOW_MASK


@kernel
def _refuse(state: Any, problem: int, row: int, found: int, expected: int) -> None:
    state.problem = problem
    state.problem_row = row
    state.found = found
    state.expected = expected


@kernel
def _inspect_text(state: Any, cells: Any, n: int) -> bool:
    """The laws of a TEXT row; `cells` are the rows as bytes. True when it stands."""
    last = int(cells[n, 31]) & _LAST
    used = int(cells[n, 31]) >> 1
    if state.message_rows == 0:
        _refuse(state, TEXT_FIRST, n, _TEXT, 0)
        return False
    if used > TEXT_BYTES or (last == 0 and used != TEXT_BYTES):
        _refuse(state, TEXT_COUNT, n, used, TEXT_BYTES)
        return False
    for byte in range(used, TEXT_BYTES):
        if cells[n, byte] != 0:
            _refuse(state, TEXT_PADDING, n, int(cells[n, byte]), 0)
            return False
    state.text_open = 1
    return True


@kernel
def _inspect_bar(state: Any, row: Any, n: int) -> bool:
    """The laws of a bar row, with what the bar's earlier rows left in `state`. True when it stands."""
    kind = int(row.kind)
    price = int(row.price)
    timeframe = int(row.bits) >> 1
    if kind == _OPEN:
        if timeframe < 1 or timeframe > _TIMEFRAME_COUNT:
            _refuse(state, BAR_TIMEFRAME, n, timeframe, 1)
            return False
        state.bar_timeframe = timeframe
        state.bar_open = price
    elif timeframe != state.bar_timeframe:
        _refuse(state, BAR_TIMEFRAME, n, timeframe, state.bar_timeframe)
        return False
    if kind == _CLOSE:
        high = int(row.quantity) >> _HIGH_SHIFT
        low = int(row.quantity) & _LOW_MASK
        if low < 1:
            _refuse(state, BAR_EXTREMES, n, low, 1)
            return False
        if max(price, state.bar_open) > high:
            _refuse(state, BAR_RANGE, n, max(price, state.bar_open), high)
            return False
        if min(price, state.bar_open) < low:
            _refuse(state, BAR_RANGE, n, min(price, state.bar_open), low)
            return False
    ended = kind == _TURNOVER or (kind == _CLOSE and int(row.bits) & _LAST != 0)
    state.bar_next = -1 if ended else kind + 1
    return True


@kernel
def _inspect_place(state: Any, row: Any, n: int, kind: int) -> bool:
    """May a row of this kind stand at this place of its message? True when it may."""
    if state.text_open == 1:
        _refuse(state, AFTER_TEXT, n, kind, _TEXT)
        return False
    if state.bar_next >= 0 and kind != state.bar_next:
        _refuse(state, BAR_ORDER, n, kind, state.bar_next)
        return False
    if kind >= _OPEN and kind <= _TURNOVER:
        if kind == _OPEN and state.message_rows > 0 or kind != _OPEN and state.bar_next != kind:
            _refuse(state, BAR_ORDER, n, kind, _OPEN)
            return False
        return _inspect_bar(state, row, n)
    if kind == _INSTRUMENT:
        if state.message_rows > 0:
            _refuse(state, DEFINITION_FIRST, n, kind, 0)
            return False
        if int(row.bits) & _LAST:
            _refuse(state, DEFINITION_TEXT, n, int(row.bits), 0)
            return False
    return True


@kernel
def _inspect_times(state: Any, row: Any, n: int) -> bool:
    """Range and order of both times; the same two for a whole message. True when they stand."""
    event = row.ts_event
    received = row.ts_recv
    if state.message_rows > 0:
        if event != state.message_event:
            _refuse(state, OTHER_TIME, n, event, state.message_event)
            return False
        if received != state.message_recv:
            _refuse(state, OTHER_TIME, n, received, state.message_recv)
            return False
        return True
    if event < 0 or event >= TIME_MAX:
        _refuse(state, BAD_EVENT_TIME, n, event, 0)
        return False
    if received < 0 or received >= TIME_MAX:
        _refuse(state, BAD_RECEIVE_TIME, n, received, 0)
        return False
    if received < state.last_recv:
        _refuse(state, RECEIVED_EARLIER, n, received, state.last_recv)
        return False
    if state.position == 0:
        state.first_recv = received
    state.last_recv = received
    state.message_event = event
    state.message_recv = received
    state.message_kind = int(row.kind)
    return True


@kernel
def _inspect_instrument(state: Any, row: Any, n: int, used: int, room: int) -> bool:
    """Is the instrument defined, or defined by this very row? `room`: how many spans there are. True when it is."""
    instrument = int(row.instrument)
    if int(row.kind) == _INSTRUMENT:
        if instrument > state.instruments:
            _refuse(state, DEFINITION_INDEX, n, instrument, state.instruments)
            return False
        if instrument >= room:
            _refuse(state, NO_ROOM, n, instrument, room)
            return False
        if instrument == state.instruments:
            state.instruments += 1
        state.definitions += 1
    if instrument >= state.instruments and (used == 1 or instrument > 0):
        _refuse(state, UNDEFINED, n, instrument, state.instruments)
        return False
    return True


@kernel
def _inspect_values(state: Any, row: Any, n: int, law: Any) -> bool:
    """Price and quantity, at both ends (a row's price cannot exceed PRICE_MAX). True when they stand."""
    if int(row.price) < law.price_min:
        _refuse(state, LOW_PRICE, n, int(row.price), law.price_min)
        return False
    if row.quantity < law.quantity_min:
        _refuse(state, LOW_QUANTITY, n, row.quantity, law.quantity_min)
        return False
    if row.quantity > law.quantity_max:
        _refuse(state, HIGH_QUANTITY, n, row.quantity, law.quantity_max)
        return False
    return True


@kernel
def _count_in_span(state: Any, row: Any, n: int, law: Any, span: Any) -> bool:
    """Count a row of an instrument; its depth and trades keep the venue's order. True when they do."""
    span.rows += 1
    if law.venue_ordered == 1:
        if row.ts_event < span.last_event:
            _refuse(state, VENUE_BACKWARDS, n, row.ts_event, span.last_event)
            return False
        span.last_event = row.ts_event
    if law.price_min == 1:
        low = high = int(row.price)
        if int(row.kind) == _CLOSE:
            high = int(row.quantity) >> _HIGH_SHIFT
            low = int(row.quantity) & _LOW_MASK
        elif row.quantity > span.quantity_max:
            span.quantity_max = row.quantity
        if low < span.price_min or span.price_min == 0:
            span.price_min = low
        if high > span.price_max:
            span.price_max = high
    return True


@kernel
def _inspect_fact(state: Any, row: Any, n: int, law: Any, room: int) -> bool:
    """The laws of a row that is neither header nor text; `room`: how many spans there are. True when it stands."""
    kind = int(row.kind)
    if law.known == 0:
        _refuse(state, UNKNOWN_KIND, n, kind, 0)
        return False
    if not _inspect_place(state, row, n, kind) or not _inspect_times(state, row, n):
        return False
    if not _inspect_instrument(state, row, n, law.instrument_used, room):
        return False
    if not _inspect_values(state, row, n, law):
        return False
    if state.message_rows == 0:
        state.message_instrument = int(row.instrument) if law.instrument_used == 1 else -1
    return True


@kernel
def inspect_rows(rows: Rows, cells: Any, laws: Rows, inspection: Rows, spans: Rows, kind_counts: Any) -> int:
    """Inspect whole messages (headers among them are stepped over) and count them; 0, or the number of the problem.

    `cells`: the same rows as an (n, 32) array of bytes. `inspection`: one INSPECTION record, carried from call to
    call. `spans`: one SPAN per instrument; `kind_counts`: 256 counters.
    """
    state = inspection[0]
    for n in range(rows.shape[0]):
        kind = int(rows[n].kind)
        if kind == _HEADER:
            if state.message_rows > 0:
                _refuse(state, UNCLOSED, n - 1, int(rows[n - 1].bits), 1)
                return state.problem
            continue
        if kind == _TEXT:
            if not _inspect_text(state, cells, n):
                return state.problem
        else:
            # Only records are handed on: an array as an argument costs more than the laws themselves.
            law = laws[kind]
            if not _inspect_fact(state, rows[n], n, law, spans.shape[0]):
                return state.problem
            if law.instrument_used == 1 and not _count_in_span(state, rows[n], n, law, spans[int(rows[n].instrument)]):
                return state.problem
        state.message_rows += 1
        kind_counts[kind] += 1
        if state.message_rows > MESSAGE_ROWS_MAX:
            _refuse(state, LONG_MESSAGE, n, state.message_rows, MESSAGE_ROWS_MAX)
            return state.problem
        if int(rows[n].bits) & _LAST:
            if state.bar_next >= 0:
                _refuse(state, BAR_ORDER, n, kind, state.bar_next)
                return state.problem
            if state.message_instrument >= 0:
                span = spans[state.message_instrument]
                span.message_rows_max = max(span.message_rows_max, state.message_rows)
            state.message_rows = 0
            state.text_open = 0
        state.position += 1
    if state.message_rows > 0:
        _refuse(state, UNCLOSED, rows.shape[0] - 1, int(rows[rows.shape[0] - 1].bits), 1)
    return state.problem


class Definition(NamedTuple):
    """An instrument as defined at one position: valid from there on."""

    position: int
    ts_recv: int
    number: int
    instrument: Instrument


class InstrumentSpan(msgspec.Struct, frozen=True):
    """What a tape holds of one instrument; prices in increments, quantities in lots, 0 when there is none."""

    symbol: str
    rows: int
    price_min: int
    price_max: int
    quantity_max: int
    message_rows_max: int


class Census(msgspec.Struct, frozen=True):
    """What a tape holds, counted by the inspection. Times are ns UTC of ts_recv, 0 when the tape is empty."""

    positions: int
    first_ns: int
    last_ns: int
    market_only: bool
    kinds: dict[str, int]
    instruments: list[InstrumentSpan]


def frozen(rows: Any) -> Rows:
    """Rows as the one type that kernels are compiled for: read-only, contiguous, recarray. Copies only if it must."""
    plain = np.ascontiguousarray(rows).view(np.ndarray)
    plain.flags.writeable = False
    return plain.view(np.recarray)


def cells_of(rows: Any) -> Any:
    """The same rows as an (n, 32) array of bytes."""
    return np.asarray(rows).view(np.uint8).reshape(-1, ev.ROW.itemsize)


def text_of(rows: Any) -> bytes:
    """The payload of a run of TEXT rows."""
    cells = cells_of(rows)
    return b"".join(cell[: cell[31] >> 1].tobytes() for cell in cells)


def _message_end(rows: Any, first: int) -> int:
    """One past the last row of the message that begins at `first`."""
    end = first
    while not int(rows[end]["bits"]) & ev.LAST:
        end += 1
    return end + 1


class Inspector:
    """Inspects rows as they come, in as many pieces as they come; knows every definition so far."""

    def __init__(self, name: str, use: str) -> None:
        """`name` begins every message; `use` is the tape's: market or desk."""
        self.name = name
        self.definitions: list[Definition] = []
        self._laws = quick(LAWS[use])
        self._inspection = table(INSPECTION, 1)
        self._inspection[0].bar_next = -1
        self._position = np.asarray(self._inspection)["position"]
        self._defined = np.asarray(self._inspection)["definitions"]
        self._kinds = np.zeros(256, np.int64)
        self._spans = table(SPAN, 0)
        self._make_room(8)

    @property
    def position(self) -> int:
        """The position of the next row."""
        return int(self._position.item())

    def take(self, rows: Rows) -> None:
        """Inspect whole messages; raises TapeError for the first broken law and then remembers none of them."""
        self._save()
        before = self.position, self._defined.item()
        problem = inspect_rows(quick(rows), cells_of(rows), self._laws, *self._arrays, self._kinds)
        if problem == NO_ROOM:
            self._restore()
            self._make_room(2 * self._spans.shape[0])
            self.take(rows)
        elif problem != 0:
            message = self._message(rows)
            self._restore()
            raise TapeError(message)
        elif self._defined.item() > before[1]:
            self._define(rows, before[0])

    def census(self) -> Census:
        """What has been taken so far."""
        state = self._inspection[0]
        symbols = self.instruments()
        spans = [
            InstrumentSpan(symbols[n].symbol, *(int(span[field]) for field in SPAN.names[1:]))  # type: ignore[index]
            for n, span in enumerate(self._spans[: state.instruments])
        ]
        counted = {KIND_NAMES[kind]: int(count) for kind, count in enumerate(self._kinds) if count}
        market = all(kind in ev.MARKET_KINDS or kind == ev.TEXT for kind in np.flatnonzero(self._kinds).tolist())
        return Census(int(state.position), int(state.first_recv), int(state.last_recv), market, counted, spans)

    def instruments(self) -> list[Instrument]:
        """The first definition of each instrument, by index."""
        first: dict[int, Instrument] = {}
        for definition in self.definitions:
            first.setdefault(definition.number, definition.instrument)
        return [first[n] for n in range(len(first))]

    def _make_room(self, instruments: int) -> None:
        larger = table(SPAN, instruments)
        larger[: self._spans.shape[0]] = self._spans
        self._spans = larger
        self._arrays = quick(self._inspection), quick(larger)
        # As bytes, because NumPy copies records field by field.
        self._counters = [array.view(np.ndarray).view(np.uint8) for array in (self._inspection, self._spans)]
        self._counters.append(self._kinds.view(np.uint8))
        self._saved = [array.copy() for array in self._counters]

    def _save(self) -> None:
        for saved, counter in zip(self._saved, self._counters, strict=True):
            np.copyto(saved, counter)

    def _restore(self) -> None:
        for saved, counter in zip(self._saved, self._counters, strict=True):
            np.copyto(counter, saved)

    def _define(self, rows: Rows, first_position: int) -> None:
        try:
            found = read_definitions(rows, first_position, self.name)
            check_definitions(self.definitions + found, self.name)
        except TapeError:
            self._restore()
            raise
        self.definitions += found

    def _message(self, rows: Rows) -> str:
        state = self._inspection[0]
        field, expected = PROBLEMS[int(state.problem)]
        kind = int(rows[int(state.problem_row)].kind)
        bound: object = int(state.expected)
        if state.problem == BAR_ORDER:
            bound = KIND_NAMES[int(state.expected)]
        # A message is found open when the row after it is looked at.
        position = self.position - int(state.problem == UNCLOSED)
        found = KIND_NAMES.get(int(state.found), int(state.found)) if field == "kind" else int(state.found)
        return (
            f"{self.name}: position {position}, {KIND_NAMES.get(kind, f'kind {kind}')}: "
            f"{field} is {found}, expected {expected.format(expected=bound)}"
        )


def read_definitions(rows: Rows, first_position: int, name: str) -> list[Definition]:
    """All INSTRUMENT messages in `rows` (headers may stand among them); raises TapeError for a bad definition."""
    kinds = np.asarray(rows)["kind"]
    found: list[Definition] = []
    for first in np.flatnonzero(kinds == ev.INSTRUMENT).tolist():
        position = first_position + first - int(np.count_nonzero(kinds[:first] == ev.HEADER))
        found.append(read_definition(rows, first, position, name))
    return found


def read_definition(rows: Rows, first: int, position: int, name: str) -> Definition:
    """The INSTRUMENT message that begins at index `first`; raises TapeError naming the position."""
    text = text_of(rows[first + 1 : _message_end(rows, first)])
    try:
        instrument = decode(text)
    except (ConfigError, msgspec.DecodeError, ValueError, ArithmeticError) as error:
        # The last two: bytes that are no UTF-8, and decimals beyond what decimals can do.
        raise TapeError(f"{name}: position {position}, INSTRUMENT: {error}") from None
    head = rows[first]
    return Definition(position, int(head["ts_recv"]), int(head["instrument"]), instrument)


def check_definitions(definitions: list[Definition], name: str) -> None:
    """Raise TapeError when a later definition changes what may never change, or two indices are one instrument."""
    current: dict[int, Instrument] = {}
    owner: dict[tuple[str, str, str], int] = {}
    for position, _, number, instrument in definitions:
        before = current.setdefault(number, instrument)
        for field in ("symbol", "venue", "kind", "base_asset", "quote_asset", "price_increment"):
            if getattr(before, field) != getattr(instrument, field):
                raise TapeError(
                    f"{name}: position {position}, INSTRUMENT {number}: {field} is {getattr(instrument, field)}, "
                    f"expected {getattr(before, field)} as before: it never changes"
                )
        if owner.setdefault(instrument.identity, number) != number:
            raise TapeError(
                f"{name}: position {position}, INSTRUMENT {number}: {instrument.name} is instrument "
                f"{owner[instrument.identity]} already, expected one number for each venue, product and symbol"
            )
        current[number] = instrument
