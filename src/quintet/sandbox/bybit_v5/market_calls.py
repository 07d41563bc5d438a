"""What anybody may ask about the market."""

from typing import Any

from quintet.sandbox import clockwork
from quintet.sandbox.bybit_v5 import shapes
from quintet.sandbox.bybit_v5.call import EMPTY_CATEGORIES, Call
from quintet.sandbox.bybit_v5.candle_rows import INTERVALS, MINUTES, candles, last_day
from quintet.sandbox.bybit_v5.paging import page
from quintet.sandbox.candle_series import Candle
from quintet.sandbox.instruments import BUY, SELL
from quintet.sandbox.money import plain
from quintet.sandbox.prices import price_limits
from quintet.sandbox.refusal import Refused
from quintet.sandbox.service import Service
from quintet.sandbox.state import INSURANCE, Market, key_of

Result = dict[str, Any]
STATISTIC_PERIODS = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1440}
NOTHING: Result = {"list": [], "nextPageCursor": ""}


def time(call: Call) -> Result:
    """The venue's time: what a client is to date its signatures by."""
    now_ms = call.service.clock.signing_ms()
    return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}


def instruments(call: Call) -> Result:
    """What is listed; spot is not paged."""
    category, params = call.category(), call.params
    found = [
        market.instrument
        for market in call.service.state.markets.values()
        if market.instrument.category == category
        and params.text("symbol", market.instrument.symbol) == market.instrument.symbol
        and params.text("baseCoin", market.instrument.base) == market.instrument.base
        and params.text("status", market.instrument.status) == market.instrument.status
    ]
    if category == "spot":
        return {"category": category, "list": [shapes.instrument_row(each) for each in found], "nextPageCursor": ""}
    return {"category": category} | page(found[::-1], params, 500, 1000, shapes.instrument_row)


def orderbook(call: Call) -> Result:
    """The book as deep as asked."""
    category = call.traded_category()
    market = call.service.venue.market(category, call.params.required("symbol"))
    return book_row(call, market, call.params.limit(1 if category == "spot" else 25, 1000))


def book_row(call: Call, market: Market, depth: int) -> Result:
    """Both sides of a book."""
    service, instrument = call.service, market.instrument
    book = service.venue.books[key_of(instrument.category, instrument.symbol)]

    def side(sign: int) -> list[list[str]]:
        return [[instrument.price_text(price), instrument.lots_text(lots)] for price, lots in book.depth(sign, depth)]

    return {
        "s": instrument.symbol,
        "b": side(BUY),
        "a": side(SELL),
        "ts": service.clock.said_ms(),
        "u": service.state.seq,
        "seq": service.state.seq,
        "cts": service.state.now_ms,
    }


def tickers(call: Call) -> Result:
    """One ticker or all of a product; an instrument that never had a price has none."""
    category = call.category()
    if category in EMPTY_CATEGORIES:
        return {"category": category, "list": []}
    symbol = call.params.text("symbol")
    if symbol:
        call.service.venue.market(category, symbol)
    return {
        "category": category,
        "list": [
            ticker(call, key)
            for key, market in call.service.state.markets.items()
            if market.instrument.category == category
            and market.instrument.symbol == (symbol or market.instrument.symbol)
        ],
    }


def ticker(call: Call, key: str) -> Result:
    """One ticker."""
    market, now_ms = call.service.state.markets[key], call.service.state.now_ms
    hour = [minute for minute in market.candles.newest(60) if minute.start_ms > now_ms - 3_600_000]
    day = last_day(market.candles.newest(1440), now_ms)
    return shapes.ticker_row(call.service.venue, key, day, hour[0].open if hour else market.last)


def recent_trades(call: Call) -> Result:
    """The newest trades, newest first."""
    category = call.traded_category()
    market = call.service.venue.market(category, call.params.required("symbol"))
    limit = call.params.limit(60, 60) if category == "spot" else call.params.limit(500, 1000)
    rows = [shapes.trade_row(market.instrument, trade) for trade in reversed(market.trades[-limit:])]
    return {"category": category, "list": rows}


def klines(call: Call) -> Result:
    """Candles of trades."""
    return _candle_rows(call, "last")


def mark_klines(call: Call) -> Result:
    """Candles of the mark price."""
    return _candle_rows(call, "mark")


def index_klines(call: Call) -> Result:
    """Candles of the index price."""
    return _candle_rows(call, "index")


def premium_klines(call: Call) -> Result:
    """Candles of the premium index: what the impact prices are above the index, as a part of it."""
    return _candle_rows(call, "premium")


def _candle_rows(call: Call, kind: str) -> Result:
    params = call.params
    category = call.category("linear")
    if category in EMPTY_CATEGORIES:
        raise Refused(10001, "Not supported symbols")
    market = call.service.venue.market(category, params.required("symbol"))
    interval = params.one_of("interval", INTERVALS)
    limit = params.limit(200, 1000)
    first, last = params.integer("start"), params.integer("end")
    series = {"last": market.candles, "mark": market.mark_candles, "index": market.index_candles,
               "premium": market.premium_candles}[kind]  # fmt: skip
    per_candle = MINUTES.get(interval)
    newest_only = per_candle is not None and not first and not last
    minutes = series.newest((limit + 1) * per_candle) if newest_only and per_candle else series.all()
    found = candles(minutes, interval, first, last, limit)
    row = {"last": _trade_candle, "premium": _rate_candle}.get(kind, _price_candle)
    return {
        "category": category,
        "symbol": market.instrument.symbol,
        "list": [row(market, each) for each in found[::-1]],
    }


def _price_candle(market: Market, candle: Candle) -> list[str]:
    price = market.instrument.price_text
    return [str(candle.start_ms), price(candle.open), price(candle.high), price(candle.low), price(candle.close)]


def _rate_candle(market: Market, candle: Candle) -> list[str]:
    return [str(candle.start_ms), *map(plain, (candle.open, candle.high, candle.low, candle.close))]


def _trade_candle(market: Market, candle: Candle) -> list[str]:
    return [*_price_candle(market, candle), market.instrument.lots_text(candle.lots), plain(candle.value)]


def funding_history(call: Call) -> Result:
    """Rates that were charged, newest first."""
    params = call.params
    market = _contract(call)
    start, end = params.integer("startTime"), params.integer("endTime")
    if start and not end:
        raise Refused(10001, "params error: startTime needs endTime")
    limit = params.limit(200, 200)
    found = [each for each in market.fundings if each.ms >= start and (not end or each.ms <= end)]
    return {
        "category": "linear",
        "list": [
            {
                "symbol": market.instrument.symbol,
                "fundingRate": plain(each.rate),
                "fundingRateTimestamp": str(each.ms),
            }
            for each in found[::-1][:limit]
        ],
    }


def _contract(call: Call) -> Market:
    if call.category("linear") != "linear":
        raise Refused(10001, "Not supported symbols")
    return call.service.venue.market("linear", call.params.required("symbol"))


def open_interest(call: Call) -> Result:
    """Open interest at the beginning of each period."""
    market = _contract(call)
    minutes = STATISTIC_PERIODS[call.params.one_of("intervalTime", tuple(STATISTIC_PERIODS))]
    lots = market.instrument.lots_text
    first, last = call.params.integer("startTime"), call.params.integer("endTime")
    state = call.service.state
    period_ms = minutes * 60_000
    known = [(ms - ms % 60_000, held) for ms, held in market.interest if ms // 60_000 % minutes == 0]
    running = state.now_ms - state.now_ms % period_ms
    if not known or known[-1][0] < running:  # the period that has begun shows what is open now
        key = key_of("linear", market.instrument.symbol)
        known.append((running, clockwork.open_interest(call.service.venue, key)))
    found = [(ms, held) for ms, held in known if ms >= first and (not last or ms <= last)]
    rows = page(
        found,
        call.params,
        50,
        200,
        lambda each: {"openInterest": lots(each[1]), "singleOpenInterest": lots(each[1]), "timestamp": str(each[0])},
    )
    return {"category": "linear", "symbol": market.instrument.symbol} | rows


def account_ratio(call: Call) -> Result:
    """Which part of the open accounts is long: of this exchange's own accounts, the market's left out."""
    market = _contract(call)
    call.params.one_of("period", tuple(STATISTIC_PERIODS))
    key = key_of("linear", market.instrument.symbol)
    held = [position.lots for account in call.service.state.accounts.values() if account.uid > 9
            for position in account.positions_of(key) if position.lots]  # fmt: skip
    long = sum(lots > 0 for lots in held) * 10**4 // len(held) if held else 5000
    row = {
        "symbol": market.instrument.symbol,
        "buyRatio": plain(long * 10**4),
        "sellRatio": plain((10**4 - long) * 10**4),
        "timestamp": str(call.service.state.now_ms),
    }
    return {"list": [row], "nextPageCursor": ""}


def risk_limit(call: Call) -> Result:
    """Risk tiers, of one contract or of all."""
    if call.category("linear") != "linear":
        return {"category": call.category(), **NOTHING}
    symbol = call.params.text("symbol")
    if symbol:
        call.service.venue.market("linear", symbol)
    rows = [
        row
        for market in call.service.state.markets.values()
        if market.instrument.category == "linear" and market.instrument.symbol == (symbol or market.instrument.symbol)
        for row in shapes.risk_rows(market.instrument)
    ]
    return {"category": "linear", "list": rows, "nextPageCursor": ""}


def price_limit(call: Call) -> Result:
    """The highest price one may buy at and the lowest one may sell at."""
    market = call.service.venue.market(call.traded_category(), call.params.required("symbol"))
    return price_limit_row(market) | {"ts": str(call.service.clock.said_ms())}


def price_limit_row(market: Market) -> Result:
    """Both limits of an instrument."""
    limits = price_limits(market)
    return {
        "symbol": market.instrument.symbol,
        "buyLmt": market.instrument.price_text(limits.buy_max),
        "sellLmt": market.instrument.price_text(limits.sell_min),
    }


def insurance(call: Call) -> Result:
    """What the insurance fund holds."""
    wanted = call.params.text("coin", "USDT")
    return {"updatedTime": str(call.service.state.now_ms), "list": [insurance_row(call.service, wanted)]}


def insurance_row(service: Service, coin: str) -> Result:
    """The fund of one coin; it is shared by all contracts that settle in it."""
    symbols = [each.instrument.symbol for each in service.state.markets.values()
               if each.instrument.category == "linear" and each.instrument.quote == coin]  # fmt: skip
    held = service.state.accounts[INSURANCE].coins.get(coin, 0)
    return {"coin": coin, "symbols": ",".join(symbols), "balance": plain(held), "value": plain(held)}


def deleveraging_alerts(call: Call) -> Result:
    """How near each contract is to auto-deleveraging."""
    rows = [
        {
            "coin": row["c"],
            "symbol": row["s"],
            "balance": row["b"],
            "maxBalance": row["mb"],
            "insurancePnlRatio": row["i_pr"],
            "pnlRatio": row["pr"],
            "adlTriggerThreshold": row["adl_tt"],
            "adlStopRatio": row["adl_sr"],
        }
        for row in deleveraging_rows(call.service, "USDT")
        if row["s"] == call.params.text("symbol", row["s"])
    ]
    return {"updatedTime": str(call.service.state.now_ms), "list": rows}


def deleveraging_rows(service: Service, coin: str) -> list[Result]:
    """The rows of the alert stream: the fund, and the thresholds of the venue."""
    held = plain(service.state.accounts[INSURANCE].coins.get(coin, 0))
    return [
        {"c": coin, "s": each.instrument.symbol, "b": held, "mb": "", "i_pr": "-0.3", "pr": "0", "adl_tt": "10000",
         "adl_sr": "-0.25"}
        for each in service.state.markets.values()
        if each.instrument.category == "linear" and each.instrument.quote == coin
    ]  # fmt: skip


def system_status(call: Call) -> Result:
    """Maintenance that was announced: none."""
    return {"list": []}


def announcements(call: Call) -> Result:
    """News of the venue: none."""
    return {"total": 0, "list": []}


def no_rows(call: Call) -> Result:
    """What only products have that are not listed here."""
    return {"category": call.category("linear"), "list": [], "nextPageCursor": ""}
