"""Private frames and answers become exact reports; recorded ones too; anything else is a clear error."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.errors import ConfigError, InputError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.orders import lifecycle
from quintet.core.tape import memory_tape
from quintet.ports.venue_account import Balance, Execution, OrderReport, PositionReport, Report, Unlisted
from quintet.runtime.report_rows import fill_rows, funding_rows, order_rows
from quintet.venues.bybit import decode_account as decode
from quintet.venues.bybit.account_wire import RestAnswer
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.shapes import shaped
from tests.bybit_account import BTC_LINEAR, ETH_SPOT, IDS, LISTING, MS_NS, NOON_MS, execution_row, frame, order_row


@pytest.mark.parametrize(
    ("text", "quanta"),
    [("26.3725275", 2_637_252_750), ("0.052745055", 5_274_506), ("0.000000001", 1), ("-0.000000019", -1), ("0", 0)],
)
def test_a_fee_is_booked_up_to_the_quantum_and_a_rebate_never_above_what_was_received(text: str, quanta: int) -> None:
    assert one(frame("execution", execution_row(execFee=text))).fee == quanta


def one(body: bytes) -> Any:
    [report] = decode.reports(body, LISTING)
    return report


def result_of(answer: bytes) -> Any:
    return shaped(answer, RestAnswer, "answer").result


# ---- orders ------------------------------------------------------------------------------------------------------


def test_an_order_event_is_exact_and_says_what_it_stands_at() -> None:
    report = one(frame("order", order_row(orderStatus="PartiallyFilled", cumExecQty="0.040")))
    assert report == OrderReport(
        instrument=1, client_id=IDS.of(256), venue_id="a-b", state="open", side=1, ticks=300_005, trigger_ticks=0,
        lots=100, filled_lots=40, reduce_only=False, created_ns=NOON_MS * MS_NS, updated_ns=(NOON_MS + 3) * MS_NS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "rejected", "canceled", "state", "reason"),
    [
        ("New", "EC_NoError", "UNKNOWN", "open", lifecycle.NO_REASON),
        ("Untriggered", "EC_NoError", "UNKNOWN", "open", lifecycle.NO_REASON),
        ("Filled", "EC_NoError", "UNKNOWN", "filled", lifecycle.NO_REASON),
        ("Filled", "EC_OrigClOrdIDDoesNotExist", "CancelByUser", "filled", lifecycle.NO_REASON),
        ("Cancelled", "EC_PerCancelRequest", "CancelByUser", "canceled", lifecycle.NO_REASON),
        ("Cancelled", "", "", "canceled", lifecycle.NO_REASON),
        ("PartiallyFilledCanceled", "EC_NoError", "CancelByUser", "canceled", lifecycle.NO_REASON),
        ("Cancelled", "EC_PostOnlyWillTakeLiquidity", "UNKNOWN", "expired", lifecycle.WOULD_TAKE),
        ("Rejected", "EC_PostOnlyWillTakeLiquidity", "UNKNOWN", "rejected", lifecycle.WOULD_TAKE),
        ("Cancelled", "EC_NoImmediateQtyToFill", "UNKNOWN", "expired", lifecycle.NOT_THERE),
        ("Cancelled", "EC_CancelForNoFullFill", "UNKNOWN", "expired", lifecycle.NOT_WHOLE),
        ("Cancelled", "EC_NoError", "CancelBySmp", "expired", lifecycle.MEETS_OUR_OWN),
        ("Cancelled", "EC_NoError", "CancelByReduceOnly", "expired", lifecycle.NOTHING_TO_CLOSE),
        ("Cancelled", "EC_NoError", "CancelAllBeforeLiq", "expired", lifecycle.NO_REASON),
        ("Deactivated", "EC_NoError", "CancelByTpSlTsClear", "expired", lifecycle.NO_REASON),
    ],
)
def test_who_ended_an_order_is_told_by_its_reason(
    status: str, rejected: str, canceled: str, state: str, reason: int
) -> None:
    report = one(frame("order", order_row(orderStatus=status, rejectReason=rejected, cancelType=canceled)))
    assert (report.state, report.reason) == (state, reason)


def test_a_stop_has_a_trigger_and_a_market_order_no_price() -> None:
    report = one(frame("order.linear", order_row(price="", triggerPrice="29000.0", orderStatus="Untriggered")))
    assert (report.ticks, report.trigger_ticks) == (0, 290_000)


def test_a_stop_that_failed_when_its_price_came_was_ended_by_the_venue_not_refused() -> None:
    row = order_row(price="", triggerPrice="29000.0", orderStatus="Rejected", rejectReason="EC_Others")
    report = one(frame("order.linear", row))
    assert (report.state, report.text) == ("expired", "EC_Others")


# ---- executions --------------------------------------------------------------------------------------------------


def test_an_execution_is_exact_money() -> None:
    assert one(frame("execution", execution_row(side="Sell", execFee="-0.24000400"))) == Execution(
        instrument=1, client_id=IDS.of(256), venue_id="a-b", execution_id="e-1", key=decode.execution_key("e-1"),
        kind="trade", side=-1, ticks=300_005, lots=40, maker=True, fee=-24_000_400,
        fee_asset=LISTING.assets["USDT"].number, ts_event=(NOON_MS + 5) * MS_NS,
    )  # fmt: skip


def test_a_buyer_on_spot_pays_in_what_was_bought_where_the_venue_does_not_say() -> None:
    spot = {"category": "spot", "symbol": "ETHUSDT", "execPrice": "3000.01", "execQty": "0.01", "feeCurrency": ""}
    bought = one(frame("execution", execution_row(execFee="0.00001", **spot)))
    sold = one(frame("execution", execution_row(execFee="0.03", side="Sell", **spot)))
    assert (bought.fee, bought.fee_asset) == (1_000, LISTING.assets["ETH"].number)
    assert (sold.fee, sold.fee_asset) == (3_000_000, LISTING.assets["USDT"].number)


def test_one_frame_may_hold_several_executions_and_things_we_do_not_trade() -> None:
    found = decode.reports(
        frame("execution", execution_row(), execution_row(execId="e-2"), execution_row(symbol="XRPUSDT")), LISTING
    )
    assert [type(report) for report in found] == [Execution, Execution, Unlisted]


@given(st.lists(st.text(), unique=True, max_size=50))
def test_execution_keys_are_62_bits_and_differ(execution_ids: list[str]) -> None:
    keys = [decode.execution_key(text.encode("utf-8", "replace").decode()) for text in execution_ids]
    assert all(0 < key < 2**62 for key in keys)
    assert len(set(keys)) == len({text.encode("utf-8", "replace") for text in execution_ids})


# ---- rows --------------------------------------------------------------------------------------------------------


def test_reports_are_rows_that_a_desk_tape_takes() -> None:
    recv = (NOON_MS + 9) * MS_NS
    ended = one(frame("order", order_row(orderStatus="Cancelled", rejectReason="EC_NoImmediateQtyToFill")))
    [row] = order_rows(ended, IDS, recv)
    assert (row["kind"], row["quantity"], row["price"], row["bits"]) == (ev.ORDER_EXPIRED, 256, lifecycle.NOT_THERE, 1)

    fill = fill_rows(one(frame("execution", execution_row(side="Sell"))), IDS, recv)
    assert fill["kind"].tolist() == [ev.FILL, ev.FILL_ORDER, ev.FILL_FEE, ev.FILL_EXECUTION]
    assert fill["quantity"].tolist() == [40, 256, 24_000_400, decode.execution_key("e-1")]
    assert fill["bits"].tolist() == [ev.MAKER | ev.SELL_BIT, 0, 0, ev.LAST]
    assert set(fill["ts_recv"].tolist()) == {recv}
    tape = memory_tape(np.concatenate([np.array([row]), fill]), LISTING.instruments[:2])
    assert tape.n_positions > 5


def test_a_filled_order_has_no_row_and_an_order_of_somebody_else_none_either() -> None:
    assert len(order_rows(one(frame("order", order_row(orderStatus="Filled"))), IDS, 1)) == 0
    assert len(order_rows(one(frame("order", order_row(orderLinkId="by-hand"))), IDS, 1)) == 0


def test_a_fill_that_nobody_named_is_a_fact_all_the_same_and_funding_is_no_fill() -> None:
    taken = fill_rows(one(frame("execution", execution_row(orderLinkId="", execType="BustTrade"))), IDS, 1)
    assert taken[1]["quantity"] == 0
    assert taken[0]["bits"] & ev.LIQUIDATION
    funding = one(frame("execution", execution_row(execType="Funding", execPrice="30000.55")))
    assert len(fill_rows(funding, IDS, 1)) == 0
    rows = funding_rows(funding, 1)
    assert rows["kind"].tolist() == [ev.FUNDING, ev.FUNDING_EXECUTION]
    assert rows["quantity"].tolist() == [funding.fee, funding.key]
    assert rows["price"].tolist() == [funding.ticks, funding.fee_asset]
    assert len(funding_rows(one(frame("execution", execution_row())), 1)) == 0


# ---- recorded ----------------------------------------------------------------------------------------------------


def recorded(folder: Path, name: str) -> bytes:
    return (folder / "api" / "bybit" / f"{name}.json").read_bytes()


def found(reports: tuple[Report, ...], kind: type) -> list[Any]:
    return [report for report in reports if isinstance(report, kind)]


@pytest.mark.req("E-102")
def test_every_recorded_private_frame_is_read(shared_data: Path) -> None:
    names = sorted(path.stem for path in (shared_data / "api" / "bybit").glob("ws_account_*.json"))
    assert len(names) > 15
    for name in names:
        reports = decode.reports(recorded(shared_data, name), LISTING)
        rows = json.loads(recorded(shared_data, name))
        if "topic" not in rows:  # one row that was kept without its envelope
            reports = decode.reports(frame("position", rows), LISTING)
        assert reports or rows["topic"] == "execution.fast", name


def test_the_recorded_execution_is_the_one_that_was_seen(shared_data: Path) -> None:
    [sold] = decode.reports(recorded(shared_data, "ws_account_execution"), LISTING)
    assert isinstance(sold, Execution)
    assert (sold.side, sold.ticks, sold.lots, sold.fee) == (-1, 959_001, 500, 2_637_252_750)
    [taken] = decode.reports(recorded(shared_data, "ws_account_execution_adl"), LISTING)
    assert isinstance(taken, Execution)
    assert (taken.kind, taken.client_id) == ("deleveraging", "")


@pytest.mark.req("E-102")
def test_the_recorded_pages_are_read(shared_data: Path) -> None:
    open_orders = decode.page("order", result_of(recorded(shared_data, "http_get_orders_realtime")), "spot", LISTING)
    assert [(order.ticks, order.lots) for order in found(open_orders.reports, OrderReport)] == [
        (393_041, 1_000),
        (394_042, 1_000),
    ]
    half = decode.page(
        "order", result_of(recorded(shared_data, "http_get_order_partially_filled_rejected")), "linear", LISTING
    ).reports[0]
    assert isinstance(half, OrderReport)
    assert (half.state, half.filled_lots, half.text) == ("rejected", 5, "INSUFFICIENT_MARGIN")
    fills = decode.page("execution", result_of(recorded(shared_data, "http_get_executions")), "linear", LISTING)
    assert [fill.lots for fill in found(fills.reports, Execution)] == [100, 500]
    assert fills.cursor == "132766%3A2%2C132766%3A2"
    positions = decode.page("position", result_of(recorded(shared_data, "http_get_positions")), "linear", LISTING)
    assert [(p.lots, p.cost) for p in found(positions.reports, PositionReport)] == [
        (500, 25_000 * 10**8),
        (-5_000, -15_000 * 10**8),
    ]
    assert [other.name for other in found(positions.reports, Unlisted)] == ["SOLUSDT"]


def test_the_recorded_wallet_and_rates_are_read_and_a_coin_that_is_left_out_is_not_held(shared_data: Path) -> None:
    wallet = decode.balances(result_of(recorded(shared_data, "http_get_wallet_balance")), 1, LISTING)
    held = {balance.asset: balance for balance in found(wallet, Balance)}
    assert held[LISTING.assets["USDT"].number].quanta == 100_050_000_000
    assert held[LISTING.assets["ETH"].number].borrowed == 6_142_000
    nothing_of = LISTING.assets.keys() - {"USDT", "ETH"}
    assert nothing_of and all(held[LISTING.assets[coin].number].quanta == 0 for coin in nothing_of)
    rates = decode.fee_rates(result_of(recorded(shared_data, "http_get_fee_rate")))
    assert rates["SOLUSDT"] == (250_000, 750_000)


# ---- keys --------------------------------------------------------------------------------------------------------


def key_facts(**changed: Any) -> bytes:
    return json.dumps({"readOnly": 0, "permissions": {"Wallet": ["AccountTransfer"], "Earn": None}} | changed).encode()


def test_a_key_that_may_withdraw_is_refused_and_so_is_one_that_may_not_trade(shared_data: Path) -> None:
    decode.require_harmless(key_facts())
    with pytest.raises(ConfigError, match=r"it may withdraw \(Wallet.Withdraw\), expected a key that can only trade"):
        decode.require_harmless(key_facts(permissions={"Wallet": ["AccountTransfer", "Withdraw"]}))
    with pytest.raises(ConfigError, match="it is read-only"):
        decode.require_harmless(result_of(recorded(shared_data, "http_get_user_query_api")))


# ---- what is not what it claims to be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (frame("order", order_row(price="30000.55")), "order BTCUSDT price: expected a whole multiple of 0.1"),
        (frame("order", order_row(qty="0.0005")), "order BTCUSDT qty: expected a whole multiple of 0.001"),
        (frame("order", order_row(qty="-0.1")), "order BTCUSDT qty: found -0.1, expected 0 or more"),
        (frame("order", order_row(orderStatus="Napping")), "orderStatus: found 'Napping', expected one of Created"),
        (frame("order", order_row(side="Both")), "side: found 'Both', expected one of Buy, Sell"),
        (frame("order", order_row(price="1_0")), "price: found '1_0', expected a decimal number"),
        (frame("order", order_row(updatedTime="soon")), "updatedTime: found 'soon', expected ms UTC"),
        (frame("order", order_row(qty=0.1)), "order: Expected `str`, got `float`"),
        (frame("execution", execution_row(execFee="1e-9")), "execFee: found '1e-9', expected a decimal number"),
        (frame("execution", execution_row(execId="")), "execId is empty"),
        (frame("execution", execution_row(feeCurrency="DOGE")), "feeCurrency: found 'DOGE', expected one of USDT"),
        (frame("execution", execution_row(execType="Gift")), "execType: found 'Gift', expected one of Trade"),
        (frame("position", {"symbol": "BTCUSDT", "category": "linear", "side": "", "size": "1", "updatedTime": "1"}),
         "side '' and size 1 contradict each other"),
        (b"{", "frame: Input data was truncated"),
        (b"\xff", "frame"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(body: bytes, said: str) -> None:
    with pytest.raises(InputError) as error:
        decode.reports(body, LISTING)
    assert said in str(error.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in (
        lambda: decode.reports(body, LISTING),
        lambda: decode.page("order", body, "linear", LISTING),
        lambda: decode.balances(body, 1, LISTING),
        lambda: decode.fee_rates(body),
        lambda: decode.server_time_ns(body),
        lambda: decode.require_harmless(body),
    ):
        with contextlib.suppress(InputError):
            read()


@given(st.sampled_from(["order", "execution", "position", "wallet"]), st.data())
def test_a_frame_with_any_one_field_changed_is_read_or_refused(topic: str, data: st.DataObject) -> None:
    row: dict[str, Any] = order_row() | execution_row() | {"size": "0.1", "positionValue": "1", "liqPrice": "2"}
    row["coin"] = [{"coin": "USDT", "walletBalance": "1"}]
    field = data.draw(st.sampled_from(sorted(row)))
    numberlike = st.from_regex(r"\A-?[0-9]{0,30}(\.[0-9]{0,30})?([eE][0-9]{1,3})?\Z")
    row[field] = data.draw(json_values | numberlike)
    with contextlib.suppress(InputError):
        decode.reports(frame(topic, row), LISTING)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(InputError):
        decode.reports(b'{"topic":"order","data":' + b"[" * 100_000, LISTING)


def test_a_listing_has_each_instrument_once_and_each_asset_in_one_quantum() -> None:
    with pytest.raises(ConfigError, match="expected each once"):
        Listing((BTC_LINEAR, BTC_LINEAR))
    import msgspec

    coarse = msgspec.structs.replace(BTC_LINEAR, quote_quantum=msgspec.convert("0.0001", type=type(ETH_SPOT.lot_size)))
    with pytest.raises(ConfigError, match="quantum of USDT is 0.0001, expected 1E-8 as before"):
        Listing((DEFAULT_SPOT, coarse))
