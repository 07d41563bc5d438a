"""Positions: the list, leverage, modes, stops, margin, closed profit and loss."""

from typing import Any

from quintet.sandbox.bybit_v5 import shapes
from quintet.sandbox.bybit_v5.call import EMPTY_CATEGORIES, Call
from quintet.sandbox.bybit_v5.envelope import granted
from quintet.sandbox.bybit_v5.order_calls import stop_request
from quintet.sandbox.bybit_v5.paging import Series, history_page, page, span
from quintet.sandbox.commands import AddMargin, SetLeverage, SetStops, SwitchMode
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Position, key_of

Result = dict[str, Any]


def positions(call: Call) -> Result:
    """With a symbol also when flat (two rows in hedge mode), with a settle coin only what is held."""
    category, params = call.category(), call.params
    if category in EMPTY_CATEGORIES:
        return {"category": category, "list": [], "nextPageCursor": ""}
    if category != "linear":
        raise Refused(10001, "params error: category invalid")
    symbol, settle = params.text("symbol"), params.text("settleCoin")
    account, venue = call.account, call.service.venue
    found: list[Position] = []
    if symbol:
        venue.market("linear", symbol)
        key = f"linear:{symbol}"
        indexes = (1, 2) if account.hedge.get(key, False) else (0,)
        found = [venue.seen_position(account.uid, key, index) for index in indexes]
    elif settle or params.text("baseCoin"):
        for key in account.positions:
            instrument = venue.state.markets[key].instrument
            if params.text("settleCoin", instrument.quote) == instrument.quote:
                if params.text("baseCoin", instrument.base) == instrument.base:
                    found += [position for position in account.positions_of(key) if position.lots]
    else:
        raise Refused(10001, "params error: one of symbol, settleCoin is required")
    rows = page(found[::-1], params, 20, 200, lambda position: shapes.position_row(venue, account, position))
    return {"category": category} | rows


def set_leverage(call: Call) -> Result:
    """The same for both sides."""
    params = call.params
    buy, sell = params.required("buyLeverage"), params.required("sellLeverage")
    if buy != sell:
        raise Refused(10001, "params error: buyLeverage and sellLeverage must be equal")
    symbol = params.required("symbol")
    granted(call.service.do(SetLeverage(uid=call.uid, category=call.traded_category(), symbol=symbol, leverage=buy)))
    return {}


def switch_mode(call: Call) -> Result:
    """One-way (0) or hedge (3)."""
    params = call.params
    mode = params.one_of("mode", ("0", "3"), "")
    request = SwitchMode(
        uid=call.uid,
        category=call.traded_category(),
        hedge=mode == "3",
        symbol=params.text("symbol"),
        coin=params.text("coin"),
    )
    granted(call.service.do(request))
    return {}


def trading_stop(call: Call) -> Result:
    """Stops of a position."""
    params = call.params
    granted(
        call.service.do(
            SetStops(
                uid=call.uid,
                category=call.traded_category(),
                symbol=params.required("symbol"),
                position_index=params.integer("positionIdx"),
                stops=stop_request(params),
                trailing=params.text("trailingStop"),
                active_price=params.text("activePrice"),
                take_profit_size=params.text("tpSize"),
                stop_loss_size=params.text("slSize"),
            )
        )
    )
    return {}


def auto_add_margin(call: Call) -> Result:
    """Whether an isolated position takes margin by itself before it is liquidated; it does not here."""
    if call.params.one_of("autoAddMargin", ("0", "1"), "") == "1":
        raise Refused(10001, "params error: autoAddMargin is not offered here")
    call.service.venue.market(call.traded_category(), call.params.required("symbol"))
    return {}


def switch_isolated(call: Call) -> Result:
    """A unified account has one margin mode for all positions: /v5/account/set-margin-mode."""
    raise Refused(100028, "The API cannot be accessed by unified account users.")


def add_margin(call: Call) -> Result:
    """Margin to an isolated position; the answer is the position."""
    params = call.params
    symbol, index = params.required("symbol"), params.integer("positionIdx")
    request = AddMargin(
        uid=call.uid,
        category=call.traded_category(),
        symbol=symbol,
        position_index=index,
        amount=params.required("margin"),
    )
    granted(call.service.do(request))
    position = call.service.venue.seen_position(call.uid, f"linear:{symbol}", index)
    return shapes.position_row(call.service.venue, call.account, position) | {"category": "linear"}


def closed_pnl(call: Call) -> Result:
    """Closing fills of the days asked for."""
    category, params, state = call.category(), call.params, call.service.state
    if category in EMPTY_CATEGORIES:
        return {"category": category, "list": [], "nextPageCursor": ""}
    first, last = span(params, state.now_ms)
    key = key_of("linear", params.text("symbol")) if "symbol" in params else ""
    return {"category": category} | history_page(
        call,
        Series("closed_pnl", call.account.closed_pnl, key),
        (50, 100),
        lambda found: found.updated_ms < first,
        lambda found: found.updated_ms <= last and found.key == (key or found.key),
        lambda found: shapes.closed_pnl_row(state.markets[found.key], found),
    )
