"""Private frames and answers to reports in exact integers. Pure: nothing is remembered here.

What is off the grid of its instrument is a NotExact or a DataError that names it: such a price or size is for a person
to look at, not to be rounded. A fee, which the venue counts finer than any grid, is rounded against us (ADR 0040).
"""

import hashlib
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from quintet.core.errors import ConfigError, DataError
from quintet.core.events import PRICE_MAX, QUANTITY_MAX
from quintet.core.instrument import Instrument
from quintet.core.orders import lifecycle
from quintet.core.units import SAFE_MAX, exact_units, units_down, units_up
from quintet.ports.venue_account import (
    Balance,
    Execution,
    ExecutionKind,
    KeyRights,
    OrderReport,
    OrderState,
    Page,
    PositionReport,
    Report,
    Unlisted,
)
from quintet.venues.bybit.account_wire import (
    Coin,
    ExecutionRow,
    FeeRate,
    KeyFacts,
    Listed,
    Notice,
    Order,
    PositionRow,
    ServerTime,
    Wallet,
)
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.shapes import amount, nanoseconds, one_of, shaped

E9: Final = Decimal("1e-9")
SIDES: Final = {"Buy": lifecycle.BUY, "Sell": lifecycle.SELL}
_POSITION_SIDES: Final = {"": 0, "None": 0} | SIDES

_OPEN: Final = ("Created", "New", "PartiallyFilled", "Untriggered", "Triggered", "Active", "PendingCancel")
_STATES: Final[dict[str, OrderState]] = {
    **dict.fromkeys(_OPEN, "open"),
    **dict.fromkeys(("Cancelled", "PartiallyFilledCanceled", "Deactivated"), "canceled"),
    "Filled": "filled",
    "Rejected": "rejected",
}
_REASONS: Final = {
    "EC_PostOnlyWillTakeLiquidity": lifecycle.WOULD_TAKE,
    "EC_NoImmediateQtyToFill": lifecycle.NOT_THERE,
    "EC_CancelForNoFullFill": lifecycle.NOT_WHOLE,
    "CancelBySmp": lifecycle.MEETS_OUR_OWN,
    "CancelByReduceOnly": lifecycle.NOTHING_TO_CLOSE,
}
_OURS: Final = frozenset({"CancelByUser", "EC_PerCancelRequest"})
_NO_REASON: Final = frozenset({"", "UNKNOWN", "EC_NoError"})
_KINDS: Final[dict[str, ExecutionKind]] = {
    "Trade": "trade",
    "Funding": "funding",
    "BustTrade": "liquidation",
    "AdlTrade": "deleveraging",
    "Delivery": "delivery",
    "Settle": "delivery",
    "BlockTrade": "other",
    "MovePosition": "other",
}


def reports(frame: bytes, listing: Listing) -> tuple[Report, ...]:
    """What a frame of the private stream says, in its order; nothing for answers and topics that are not read.

    `execution.fast` is not read: it names no client order for a maker's fill. Raises DataError or NotExact.
    """
    notice = shaped(frame, Notice, "frame")
    kind = notice.topic.partition(".")[0]
    if kind == "wallet":
        wallets = shaped(notice.data, list[Wallet], notice.topic)
        stamp = nanoseconds(str(notice.creation_time), "wallet creationTime")
        return tuple(report for wallet in wallets for report in _balances(wallet, stamp, listing, "wallet"))
    if kind not in _READERS or notice.topic == "execution.fast":
        return ()
    rows = shaped(notice.data, list[msgspec.Raw], notice.topic)
    return tuple(_READERS[kind](row, "", listing, notice.topic) for row in rows)


def page(kind: str, result: bytes | msgspec.Raw, category: str, listing: Listing) -> Page:
    """One page of a REST list; `kind` is `order`, `execution` or `position`, `category` what was asked for."""
    listed = shaped(result, Listed, kind)
    read = _READERS[kind]
    rows = tuple(read(row, listed.category or category, listing, kind) for row in listed.list)
    return Page(rows, listed.next_page_cursor)


def balances(result: bytes | msgspec.Raw, ts_event: int, listing: Listing) -> tuple[Report, ...]:
    """The account's assets, from `wallet-balance`, which leaves out what the account has nothing of."""
    wallets = [shaped(row, Wallet, "wallet-balance") for row in shaped(result, Listed, "wallet-balance").list]
    told = [report for one in wallets for report in _balances(one, ts_event, listing, "wallet-balance")]
    named = {report.asset for report in told if isinstance(report, Balance)}
    none = [Balance(one.number, 0, 0, 0, ts_event) for one in listing.assets.values() if one.number not in named]
    return (*told, *none)


def fee_rates(result: bytes | msgspec.Raw) -> dict[str, tuple[int, int]]:
    """Symbol to maker and taker rate in 1e-9."""
    rows = [shaped(row, FeeRate, "fee-rate") for row in shaped(result, Listed, "fee-rate").list]
    return {
        row.symbol: (
            exact_units(amount(row.maker_fee_rate, "fee-rate: makerFeeRate"), E9, "fee-rate: makerFeeRate"),
            exact_units(amount(row.taker_fee_rate, "fee-rate: takerFeeRate"), E9, "fee-rate: takerFeeRate"),
        )
        for row in rows
    }


def server_time_ns(result: bytes | msgspec.Raw) -> int:
    """The venue's clock, ns UTC."""
    text = shaped(result, ServerTime, "time").time_nano
    if not text.isascii() or not text.isdigit() or not 0 < len(text) <= 19 or int(text) >= 7 * 10**18:
        raise DataError(f"time: timeNano: found {text[:40]!r}, expected ns UTC")
    return int(text)


def key_rights(result: bytes | msgspec.Raw) -> KeyRights:
    """What a key may do, as the venue says."""
    facts = shaped(result, KeyFacts, "query-api")
    granted = sorted(f"{group}.{one}" for group, some in facts.permissions.items() for one in some or ())
    withdrawing = tuple(one for one in granted if "withdraw" in one.lower())
    # A key without an end bears the first second of 1970.
    expires = "" if facts.expired_at.startswith("1970-") else facts.expired_at
    return KeyRights(tuple(granted), withdrawing, bool(facts.read_only), tuple(facts.ips), expires)


def account_id(result: bytes | msgspec.Raw) -> str:
    """Which account a key is of."""
    return str(shaped(result, KeyFacts, "query-api").user_id)


def require_harmless(result: bytes | msgspec.Raw) -> None:
    """Raise ConfigError for a key that may withdraw, or that cannot trade; it says what, never which key."""
    rights = key_rights(result)
    if rights.withdrawing:
        raise ConfigError(
            f"api key: it may withdraw ({', '.join(rights.withdrawing)}), expected a key that can only trade; "
            "make a new one without that permission"
        )
    if rights.read_only:
        raise ConfigError("api key: it is read-only, expected one that may place and cancel orders")


# ---- rows --------------------------------------------------------------------------------------------------------


def _order(raw: msgspec.Raw, category: str, listing: Listing, where: str) -> Report:
    row = shaped(raw, Order, where)
    n = listing.index(row.category or category, row.symbol)
    if n is None:
        return Unlisted("order", row.symbol)
    one = listing.instruments[n]
    what = f"{where} {row.symbol}"
    state, reason, text = _ending(row, what)
    return OrderReport(
        instrument=n,
        client_id=row.order_link_id,
        venue_id=row.order_id,
        state=state,
        side=one_of(row.side, SIDES, f"{what} side"),
        ticks=_ticks(row.price, one, f"{what} price"),
        trigger_ticks=_ticks(row.trigger_price, one, f"{what} triggerPrice"),
        lots=_lots(row.qty, one, f"{what} qty"),
        filled_lots=_lots(row.cum_exec_qty, one, f"{what} cumExecQty"),
        reduce_only=row.reduce_only,
        created_ns=nanoseconds(row.created_time, f"{what} createdTime"),
        updated_ns=nanoseconds(row.updated_time, f"{what} updatedTime"),
        reason=reason,
        text=text,
    )


def _ending(row: Order, what: str) -> tuple[OrderState, int, str]:
    """State, reason and the venue's own words: who ended an order is told by its reason, not by its status."""
    state = one_of(row.order_status, _STATES, f"{what} orderStatus")
    words = [word for word in (row.reject_reason or "", row.cancel_type or "") if word not in _NO_REASON]
    if state in ("open", "filled"):
        return state, lifecycle.NO_REASON, ""
    reason = next((_REASONS[word] for word in words if word in _REASONS), lifecycle.NO_REASON)
    if state == "canceled" and words and not _OURS.intersection(words):
        state = "expired"
    if state == "rejected" and amount(row.trigger_price, f"{what} triggerPrice"):
        # It waited for its price, and failed when the price came: a stop on spot, for want of free coins.
        state = "expired"
    return state, reason, ", ".join(words)


def _execution(raw: msgspec.Raw, category: str, listing: Listing, where: str) -> Report:
    row = shaped(raw, ExecutionRow, where)
    n = listing.index(row.category or category, row.symbol)
    if n is None:
        return Unlisted("execution", row.symbol)
    one = listing.instruments[n]
    what = f"{where} {row.symbol} {row.exec_id[:40]}"
    if not row.exec_id:
        raise DataError(f"{what}: execId is empty, expected the name of an execution")
    side = one_of(row.side, SIDES, f"{what} side")
    kind = one_of(row.exec_type, _KINDS, f"{what} execType")
    fee_asset = row.fee_currency or _fee_asset(one, side)
    if fee_asset not in listing.assets:
        expected = ", ".join(listing.assets)
        raise DataError(f"{what} feeCurrency: found {fee_asset[:40]!r}, expected one of {expected}")
    asset = listing.assets[fee_asset]
    funding = kind == "funding"
    price = amount(row.exec_price, f"{what} execPrice")
    return Execution(
        instrument=n,
        client_id=row.order_link_id,
        venue_id=row.order_id,
        execution_id=row.exec_id,
        key=execution_key(row.exec_id),
        kind=kind,
        side=side,
        ticks=_nearest_ticks(price, one, f"{what} execPrice") if funding else one.ticks(price, f"{what} execPrice"),
        lots=_lots(row.exec_qty, one, f"{what} execQty"),
        maker=row.is_maker,
        fee=_fee(row.exec_fee, asset.quantum, f"{what} execFee"),
        fee_asset=asset.number,
        ts_event=nanoseconds(row.exec_time, f"{what} execTime"),
    )


def _fee(text: str, quantum: Decimal, what: str) -> int:
    """Whole quanta, up: a fee is never booked below what was paid, a rebate never above what was received."""
    return _within(units_up(amount(text, what), quantum), what)


def _fee_asset(instrument: Instrument, side: int) -> str:
    """Where the venue does not say: on spot a buyer pays in what was bought, else in what profit is paid in."""
    if instrument.kind == "spot" and instrument.fee_in_base and side > 0:
        return instrument.base_asset
    return instrument.settle_asset


def execution_key(execution_id: str) -> int:
    """62 bits of the SHA-256 of a venue's execution id, never 0."""
    return int.from_bytes(hashlib.sha256(execution_id.encode()).digest()[:8], "big") >> 2 or 1


def _position(raw: msgspec.Raw, category: str, listing: Listing, where: str) -> Report:
    row = shaped(raw, PositionRow, where)
    n = listing.index(row.category or category, row.symbol)
    if n is None:
        return Unlisted("position", row.symbol)
    one = listing.instruments[n]
    what = f"{where} {row.symbol}"
    sign = one_of(row.side, _POSITION_SIDES, f"{what} side")
    lots = _lots(row.size, one, f"{what} size")
    if (sign == 0) != (lots == 0):
        raise DataError(f"{what}: side {row.side!r} and size {row.size[:40]} contradict each other")
    quantum = listing.assets[one.settle_asset].quantum
    cost = _whole(amount(row.position_value, f"{what} positionValue") / quantum, f"{what} positionValue")
    return PositionReport(
        instrument=n,
        leg=row.position_idx,
        lots=sign * lots,
        cost=sign * cost,
        liquidation_ticks=_nearest_ticks(amount(row.liq_price, f"{what} liqPrice"), one, f"{what} liqPrice"),
        updated_ns=nanoseconds(row.updated_time, f"{what} updatedTime"),
    )


_READERS: Final[dict[str, Callable[[msgspec.Raw, str, Listing, str], Report]]] = {
    "order": _order,
    "execution": _execution,
    "position": _position,
}


def _balances(wallet: Wallet, ts_event: int, listing: Listing, where: str) -> list[Report]:
    found: list[Report] = []
    for coin in wallet.coin:
        asset = listing.assets.get(coin.coin)
        if asset is not None:
            found.append(_balance(coin, asset.number, asset.quantum, ts_event, where))
        elif amount(coin.wallet_balance, f"{where} {coin.coin[:40]} walletBalance") != 0:
            found.append(Unlisted("wallet", coin.coin))
    return found


def _balance(coin: Coin, number: int, quantum: Decimal, ts_event: int, where: str) -> Balance:
    def down(field: str, text: str | None) -> int:
        what = f"{where} {coin.coin} {field}"
        return _within(units_down(amount(text, what), quantum), what)

    return Balance(
        asset=number,
        quanta=down("walletBalance", coin.wallet_balance),
        locked=down("locked", coin.locked),
        borrowed=down("spotBorrow", coin.spot_borrow),
        ts_event=ts_event,
    )


# ---- numbers -----------------------------------------------------------------------------------------------------


def _ticks(text: str | None, instrument: Instrument, what: str) -> int:
    """Exact ticks; 0 for an order that names no price."""
    price = amount(text, what)
    return instrument.ticks(price, what) if price else 0


def _nearest_ticks(price: Decimal, instrument: Instrument, what: str) -> int:
    """Marks and liquidation prices are finer than what can be traded; one beyond what a row holds is none."""
    ticks = _whole(price / instrument.price_increment, what)
    return ticks if 0 < ticks <= PRICE_MAX else 0


def _lots(text: str | None, instrument: Instrument, what: str) -> int:
    lots = instrument.lots(amount(text, what), what)
    if not 0 <= lots <= QUANTITY_MAX:
        raise DataError(f"{what}: found {text}, expected 0 or more")
    return lots


def _whole(value: Decimal, what: str) -> int:
    return _within(int(value.to_integral_value(ROUND_HALF_EVEN)), what)


def _within(units: int, what: str) -> int:
    if abs(units) >= SAFE_MAX:
        raise DataError(f"{what}: {units} units, expected less than 2^62")
    return units
