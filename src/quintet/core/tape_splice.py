"""Pieces of tapes: a window cut out of one, several woven into one. Rows in, rows out.

Both work on whole messages and define every instrument before its first use, so that a piece is a tape by itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from quintet.core import events as ev
from quintet.core.errors import TapeError
from quintet.core.instrument import Instrument
from quintet.core.kernel import kernel
from quintet.core.row_laws import LAWS, Definition, Rows, frozen, read_definitions
from quintet.core.tape import Tape, instrument_rows

FEED, RESPONSE, OUTPUT = 0, 1, 2
"""Order of messages with one ts_recv: what the market said, what concerns our orders, what we asked for."""

_FIRST_RESPONSE: Final = ev.TIMER
_FIRST_OUTPUT: Final = ev.PLACE


def message_starts(rows: Rows) -> Any:
    """Index of the first row of each message."""
    ends = np.flatnonzero(np.asarray(rows)["bits"] & ev.LAST) + 1
    return np.concatenate([[0], ends[:-1]]) if len(ends) else ends


def cut_rows(
    tape: Tape,
    from_ns: int | None = None,
    to_ns: int | None = None,
    from_position: int | None = None,
    to_position: int | None = None,
) -> Rows:
    """Messages with from <= ts_recv < to (ns UTC), or that begin at such positions; None leaves an end open.

    Instruments defined before the window are stated again at its start, as they then were.
    """
    rows = tape.event_rows()
    starts = message_starts(rows)
    received = np.asarray(rows)["ts_recv"][starts]
    first = max(_place(received, from_ns, 0), _place(starts, from_position, 0))
    last = min(_place(received, to_ns, len(starts)), _place(starts, to_position, len(starts)))
    bounds = np.append(starts, len(rows))
    window = np.asarray(rows)[bounds[first] : bounds[max(first, last)]]
    known = {d.number: d for d in tape.definitions if d.position < bounds[first]}
    return _after_definitions(known.values(), window)


def only_rows(tape: Tape, number: int) -> Rows:
    """The messages of one instrument and those of none; it becomes instrument 0."""
    rows = np.array(np.asarray(tape.event_rows()))
    starts = message_starts(rows)
    lengths = np.diff(np.append(starts, len(rows)))
    heads = rows[starts]
    used = np.asarray(LAWS["desk"])["instrument_used"][heads["kind"]] == 1
    bears = used | (heads["instrument"] > 0) | (heads["kind"] == ev.INSTRUMENT)
    kept = np.repeat(~bears | (heads["instrument"] == number), lengths)
    rows["instrument"][rows["kind"] != ev.TEXT] = 0
    return frozen(rows[kept])


def _place(sorted_values: Any, value: int | None, open_end: int) -> int:
    return open_end if value is None else int(np.searchsorted(sorted_values, value, side="left"))


def _after_definitions(known: Iterable[Definition], window: Any) -> Rows:
    """The definitions, stamped with the times of the window's first row (or their own), then the window."""
    stated = []
    for definition in sorted(known, key=lambda d: d.number):
        times = (int(window[0]["ts_event"]), int(window[0]["ts_recv"])) if len(window) else (definition.ts_recv,) * 2
        stated.append(np.asarray(instrument_rows(definition.number, definition.instrument, *times)))
    return frozen(np.concatenate([*stated, window]))


# ---- merging -----------------------------------------------------------------------------------------------------


def merge_rows(tapes: Sequence[Tape]) -> Rows:
    """Weave tapes into one: by ts_recv, then feed before responses before output, instrument, number of the source.

    Each source keeps its own order. Instruments are numbered anew by venue, symbol and product and defined at
    the start; a definition that changes nothing is left out. Raises TapeError when two sources hold different
    definitions of one instrument at one time, or when more than one source is a desk's (their order numbers would
    collide).
    """
    _refuse_two_desks(tapes)
    _refuse_conflicts(tapes)
    numbers = _numbers(tapes)
    parts = [_renumbered(tape, numbers) for tape in tapes]
    woven = _woven(parts)
    return _with_changes_only(woven, _earliest(tapes, numbers))


def _refuse_two_desks(tapes: Sequence[Tape]) -> None:
    desks = [tape.name for tape in tapes if not tape.census.market_only]
    if len(desks) > 1:
        raise TapeError(
            f"{desks[0]} and {desks[1]} both hold a desk's events, expected one desk: order numbers collide"
        )


def _refuse_conflicts(tapes: Sequence[Tape]) -> None:
    """Two sources that overlap in time must agree on every instrument while they do."""
    held: dict[tuple[str, str, str], list[tuple[int, int, str, Instrument]]] = {}
    for tape in tapes:
        for start, end, instrument in _validities(tape):
            others = held.setdefault(instrument.identity, [])
            for other_start, other_end, name, other in others:
                if start < other_end and other_start < end and other != instrument:
                    raise TapeError(
                        f"{tape.name} and {name} define {instrument.name} differently "
                        f"at one time: {_difference(instrument, other)}; expected one definition"
                    )
            others.append((start, end, tape.name, instrument))


def _validities(tape: Tape) -> list[tuple[int, int, Instrument]]:
    """From when until before when (ns UTC) each definition holds on this tape."""
    ends: dict[int, int] = {}
    found = []
    for definition in reversed(tape.definitions):
        end = ends.get(definition.number, tape.census.last_ns + 1)
        found.append((definition.ts_recv, end, definition.instrument))
        ends[definition.number] = definition.ts_recv
    return found[::-1]


def _difference(one: Instrument, other: Instrument) -> str:
    fields = [name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    return ", ".join(f"{name} is {getattr(one, name)} and {getattr(other, name)}" for name in fields)


Numbers = dict[tuple[str, str, str], int]
"""The number of an instrument by its identity."""


def _numbers(tapes: Sequence[Tape]) -> Numbers:
    found = {instrument.identity for tape in tapes for instrument in tape.instruments}
    return {identity: number for number, identity in enumerate(sorted(found))}


def _renumbered(tape: Tape, numbers: Numbers) -> Any:
    """The tape's event rows with the merged numbers; a 0 in a kind that uses no instrument stays 0."""
    rows = np.array(np.asarray(tape.event_rows()))
    if not tape.instruments:
        return rows
    new = np.array([numbers[instrument.identity] for instrument in tape.instruments], np.uint16)
    used = np.asarray(LAWS["desk"])["instrument_used"][rows["kind"]] == 1
    bears = (used | (rows["instrument"] > 0)) & (rows["kind"] != ev.TEXT)
    rows["instrument"][bears] = new[rows["instrument"][bears]]
    return rows


def _earliest(tapes: Sequence[Tape], numbers: Numbers) -> dict[int, Definition]:
    """The earliest definition of each instrument, by its merged number."""
    found: dict[int, Definition] = {}
    for tape in tapes:
        for definition in tape.definitions:
            number = numbers[definition.instrument.identity]
            if number not in found or definition.ts_recv < found[number].ts_recv:
                found[number] = definition._replace(number=number)
    return found


def _woven(parts: Sequence[Any]) -> Any:
    """All messages of all parts in merged order."""
    starts = [message_starts(part) for part in parts]
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    counts = np.cumsum([0, *(len(part) for part in starts)])
    rows = np.concatenate(parts)
    begins = np.concatenate([start + offset for start, offset in zip(starts, offsets, strict=False)])
    lengths = np.diff(np.append(begins, len(rows)))
    heads = rows[begins]
    used = np.asarray(LAWS["desk"])["instrument_used"][heads["kind"]] == 1
    instruments = np.where(used, heads["instrument"].astype(np.int64), -1)
    order = merge_order(heads["ts_recv"].copy(), _sides(heads["kind"]), instruments, counts)
    lengths = lengths[order]
    shift = begins[order] - (np.cumsum(lengths) - lengths)
    return rows[np.repeat(shift, lengths) + np.arange(len(rows))]


def _sides(kinds: Any) -> Any:
    sides = np.full(len(kinds), FEED, np.int64)
    sides[kinds >= _FIRST_RESPONSE] = RESPONSE
    sides[kinds >= _FIRST_OUTPUT] = OUTPUT
    return sides


@kernel
def merge_order(received: Any, sides: Any, instruments: Any, bounds: Any) -> Any:
    """Indices of messages in merged order; those of source s are bounds[s] to bounds[s + 1], in their own order."""
    sources = bounds.shape[0] - 1
    heads = bounds[:sources].copy()
    order = np.empty(received.shape[0], np.int64)
    for n in range(received.shape[0]):
        best = -1
        for source in range(sources):
            if heads[source] == bounds[source + 1]:
                continue
            if best < 0:
                best = source
                continue
            a, b = heads[source], heads[best]
            if received[a] != received[b]:
                earlier = received[a] < received[b]
            elif sides[a] != sides[b]:
                earlier = sides[a] < sides[b]
            else:
                earlier = instruments[a] < instruments[b]
            if earlier:
                best = source
        order[n] = heads[best]
        heads[best] += 1
    return order


def _with_changes_only(rows: Any, earliest: dict[int, Definition]) -> Rows:
    """The earliest definitions first; of those on the way, only the ones that change something."""
    current = {number: definition.instrument for number, definition in earliest.items()}
    bounds = np.append(message_starts(rows), len(rows))
    keep = np.ones(len(rows), bool)
    for position, _, number, instrument in read_definitions(rows, 0, "merged tapes"):
        if current[number] == instrument:
            keep[position : bounds[np.searchsorted(bounds, position, side="right")]] = False
        current[number] = instrument
    first = rows[:1].copy()
    first["ts_event"] = first["ts_recv"]
    stated = _after_definitions(earliest.values(), first)
    return frozen(np.concatenate([np.asarray(stated)[: len(stated) - len(first)], rows[keep]]))
