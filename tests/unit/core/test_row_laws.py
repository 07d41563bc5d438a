"""The door before compiled code: each law is broken once, and the message names position, field and value."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.errors import TapeError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.row_laws import KIND_NAMES, LAWS, TIME_MAX, Inspector, frozen
from quintet.core.tape import message_with_text, text_rows
from tests.tape_rows import a_day, bar, defined, depth, fact, joined, row, trade

PERPETUAL = msgspec.structs.replace(DEFAULT_SPOT, symbol="ETHPERP", kind="linear")


def changed(rows, index, **fields):
    rows = rows.copy()
    for name, value in fields.items():
        rows[name][index] = value
    return rows


def without_last(rows):
    return changed(rows, -1, bits=int(rows["bits"][-1]) & 254)


def with_text_byte(rows, index, byte, value):
    rows = np.asarray(rows).copy()
    rows.view(np.uint8).reshape(-1, 32)[index, byte] = value
    return rows


START = len(defined())
"""Position of the first row after the definition."""

BROKEN = {
    "an unknown kind": (row(200, 1), "kind 200: kind is 200, expected a kind this version knows"),
    "an instrument nobody defined": (trade(1, instrument=7), "instrument is 7, expected an index defined before"),
    "a timer that points to no instrument": (row(ev.TIMER, 1, instrument=3), "instrument is 3"),
    "a time before 1970": (row(ev.TRADE_BUY, 1, ts_event=-5), "ts_event is -5, expected 0 to"),
    "an event after 2199": (row(ev.TRADE_BUY, 1, ts_event=TIME_MAX), f"ts_event is {TIME_MAX}"),
    "a receipt after 2199": (row(ev.TRADE_BUY, TIME_MAX, ts_event=5), f"ts_recv is {TIME_MAX}"),
    "a receipt before the row before": (joined(trade(9), trade(8)), "ts_recv is 8, expected at least 9"),
    "a trade before a trade, by the venue's clock": (
        joined(trade(9), row(ev.ASK_LEVEL, 9, ts_event=8)),
        "ASK_LEVEL: ts_event is 8, expected at least 9",
    ),
    "a price of nothing": (trade(1, price=0), "TRADE_BUY: price is 0, expected at least 1"),
    "a price below zero": (trade(1, price=-7), "price is -7, expected at least 1"),
    "a timer with a price below zero": (row(ev.TIMER, 1, price=-1), "TIMER: price is -1, expected at least 0"),
    "a quantity below zero": (trade(1, quantity=-1), "quantity is -1, expected at least 0"),
    "a quantity of 2^62": (trade(1, quantity=2**62), f"quantity is {2**62}, expected at most {2**62 - 1}"),
    "a gap of less than unknown": (row(ev.FEED_GAP, 1, quantity=-2), "FEED_GAP: quantity is -2, expected at least -1"),
    "a venue that half trades": (row(ev.VENUE_STATUS, 1, quantity=2), "quantity is 2, expected at most 1"),
    "two event times in a message": (changed(depth(5), 1, ts_event=6), "time is 6, expected 5"),
    "two receipts in a message": (changed(depth(5), 2, ts_recv=6), "time is 6, expected 5"),
    "a message that is not closed": (without_last(depth(5)), "bits is 0, expected LAST"),
    "a text that stands alone": (text_rows(b"?"), "TEXT: kind is TEXT, expected a row with a kind of its own"),
    "a text row that says 31 bytes": (changed(fact(1), -1, bits=63), "bits is 31, expected 30 used bytes"),
    "a half-full text row in the middle": (changed(fact(1, b"x" * 31), 1, bits=20), "bits is 10, expected 30"),
    "a text with something behind it": (with_text_byte(fact(1), 1, 20, 65), "payload is 65, expected zero bytes"),
    "a row after the text": (
        joined(changed(fact(1, b"x" * 30), -1, bits=60), trade(1)),
        "TRADE_BUY: kind is TRADE_BUY, expected TEXT until the end",
    ),
    "a bar without its open": (bar(60)[1:], "BAR_CLOSE: kind is BAR_CLOSE, expected BAR_OPEN"),
    "a bar cut short": (changed(bar(60)[:1], -1, bits=3), "kind is BAR_OPEN, expected BAR_CLOSE"),
    "a bar that promises its turnover": (
        joined(changed(bar(60), -1, bits=2), trade(60)),
        "kind is TRADE_BUY, expected BAR_TURNOVER",
    ),
    "a bar without extremes": (changed(bar(60), -1, quantity=105 << 31), "quantity is 0, expected high"),
    "a bar behind another row": (joined(without_last(trade(60)), bar(60)), "kind is BAR_OPEN, expected BAR_OPEN"),
    "a bar of an unknown timeframe": (bar(60, timeframe=13), "bits is 13, expected a timeframe number 1 to 12"),
    "a bar of no timeframe": (bar(60, timeframe=0), "bits is 0, expected a timeframe number"),
    "a bar of two timeframes": (changed(bar(60), 1, bits=5), "BAR_CLOSE: bits is 2, expected a timeframe number"),
    "a high below the open": (bar(60, (100, 99, 90, 95)), "price is 100, expected low <= open"),
    "a low above the open": (bar(60, (100, 110, 101, 105)), "price is 100"),
    "a close above the high": (bar(60, (100, 110, 90, 111)), "price is 111"),
    "a close below the low": (bar(60, (100, 110, 90, 89)), "price is 89"),
    "a definition that skips a number": (defined(1, number=2), "instrument is 2, expected at most 1"),
    "a definition with a quantity": (
        message_with_text((1, 1, 5, 0, 0, ev.INSTRUMENT, 0), b"{}"),
        "quantity is 5, expected at most 0",
    ),
    "a definition without text": (row(ev.INSTRUMENT, 1, quantity=0), "bits is 1, expected TEXT rows"),
    "a definition inside a message": (
        joined(without_last(trade(1)), defined(1)),
        "kind is INSTRUMENT, expected an INSTRUMENT row only as the first",
    ),
}


@pytest.mark.bounds
@pytest.mark.jit_off
@pytest.mark.parametrize("case", BROKEN)
def test_a_row_that_breaks_a_law_is_refused_by_position_and_field(case):
    rows, message = BROKEN[case]
    inspector = Inspector("day.tape", "desk")
    inspector.take(frozen(defined()))
    with pytest.raises(TapeError) as refused:
        inspector.take(frozen(rows))
    assert message in str(refused.value)
    assert str(refused.value).startswith("day.tape: position ")


@pytest.mark.parametrize("case", BROKEN)
def test_what_was_refused_is_forgotten(case):
    # given an inspector that refused some rows
    rows, _ = BROKEN[case]
    inspector, untouched = Inspector("day.tape", "desk"), Inspector("day.tape", "desk")
    for each in (inspector, untouched):
        each.take(frozen(a_day()))
    with pytest.raises(TapeError):
        inspector.take(frozen(joined(trade(20, price=999_999), rows)))
    # when good rows follow
    for each in (inspector, untouched):
        each.take(frozen(trade(30)))
    # then it stands where one stands that never saw the bad ones
    assert inspector.census() == untouched.census()
    assert inspector.definitions == untouched.definitions


def test_the_message_names_the_position_of_the_bad_row_on_the_tape():
    inspector = Inspector("day.tape", "market")
    inspector.take(frozen(defined()))
    with pytest.raises(TapeError, match=f"position {START + 1}, TRADE_BUY: price is 0"):
        inspector.take(frozen(joined(trade(1), trade(2, price=0))))


def test_a_market_tape_holds_outside_facts_only():
    order = row(ev.ORDER_ACCEPTED, 2)
    Inspector("desk", "desk").take(frozen(joined(defined(), order)))
    with pytest.raises(TapeError, match=r"ORDER_ACCEPTED.*in a market tape, a market kind"):
        Inspector("market", "market").take(frozen(joined(defined(), order)))


def test_a_message_may_not_grow_without_end():
    rows = np.repeat(trade(1), 65_537)
    rows["bits"][:-1] = 0
    with pytest.raises(TapeError, match="message is 65537, expected at most 65536"):
        Inspector("long", "market").take(frozen(joined(defined(), rows)))


def test_the_census_counts_what_was_taken():
    inspector = Inspector("day", "desk")
    inspector.take(frozen(joined(defined(3), trade(5, price=90), depth(6), bar(60), fact(70))))
    census = inspector.census()
    assert (census.first_ns, census.last_ns) == (3, 70)
    assert census.kinds["BID_LEVEL"] == 3
    assert census.kinds["FACT"] == 1
    assert census.market_only
    (span,) = census.instruments
    assert (span.symbol, span.price_min, span.price_max, span.quantity_max) == ("ETHUSDT", 90, 110, 7)
    assert span.message_rows_max == START
    assert span.rows == 1 + 1 + 3 + 2


def test_more_instruments_than_there_was_room_for_are_taken():
    inspector = Inspector("many", "market")
    many = [defined(1, n, msgspec.structs.replace(DEFAULT_SPOT, symbol=f"S{n}")) for n in range(40)]
    inspector.take(frozen(joined(*many, trade(2, instrument=39))))
    assert [i.symbol for i in inspector.instruments()] == [f"S{n}" for n in range(40)]
    assert inspector.census().instruments[39].rows == 2


def test_tick_and_lot_may_change_in_time():
    coarser = msgspec.structs.replace(DEFAULT_SPOT, tick_size=Decimal("0.05"))
    inspector = Inspector("day", "market")
    inspector.take(frozen(joined(defined(1), trade(2), defined(3, 0, coarser))))
    assert [d.instrument.tick_size for d in inspector.definitions] == [Decimal("0.01"), Decimal("0.05")]
    assert inspector.instruments()[0].tick_size == Decimal("0.01")


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            defined(2, 0, msgspec.structs.replace(DEFAULT_SPOT, price_increment=Decimal("0.001"))),
            "price_increment is 0.001, expected 0.01 as before",
        ),
        (defined(2, 0, PERPETUAL), "symbol is ETHPERP, expected ETHUSDT as before"),
        (defined(2, 1), "INSTRUMENT 1: bybit:spot:ETHUSDT is instrument 0 already"),
        (message_with_text((2, 2, 0, 0, 0, ev.INSTRUMENT, 0), b"no json"), "INSTRUMENT: "),
        (message_with_text((2, 2, 0, 0, 0, ev.INSTRUMENT, 0), b'{"symbol":"X"}'), "missing required field"),
    ],
)
def test_a_definition_that_contradicts_is_refused(second, message):
    inspector = Inspector("day", "market")
    inspector.take(frozen(defined()))
    with pytest.raises(TapeError, match="position ") as refused:
        inspector.take(frozen(second))
    assert message in str(refused.value)
    assert len(inspector.definitions) == 1
    assert inspector.position == START


LINEAR_ETH = msgspec.structs.replace(DEFAULT_SPOT, kind="linear", fee_in_base=False)


def test_one_symbol_may_be_a_spot_pair_and_a_perpetual_of_one_venue():
    inspector = Inspector("day", "market")
    inspector.take(frozen(joined(defined(1), defined(1, 1, LINEAR_ETH), trade(2, instrument=1))))
    assert [each.name for each in inspector.instruments()] == ["bybit:spot:ETHUSDT", "bybit:linear:ETHUSDT"]


def test_every_kind_of_the_event_file_has_a_law():
    assert {"BID_LEVEL", "FACT", "TIMER", "FILL", "PLACE", "REFUSED", "TEXT"} <= set(KIND_NAMES.values())
    assert all(LAWS["desk"][kind].known == 1 for kind in KIND_NAMES)
    priced = {"LEVEL", "TRADE", "BEST", "BAR", "PRICE", "FILL"}
    wanted = {name for name in KIND_NAMES.values() if priced & set(name.split("_")) and not name.startswith("FILL_")}
    wanted.discard("BAR_TURNOVER")
    assert {KIND_NAMES[kind] for kind in KIND_NAMES if LAWS["desk"][kind].price_min == 1} == wanted
    assert not any(LAWS["market"][kind].known for kind in KIND_NAMES if kind >= ev.TIMER and kind != ev.TEXT)
