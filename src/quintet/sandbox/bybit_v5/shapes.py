"""Rows as the venue writes them: every number a string, padded to tick and step; absent is "", never null.

Source: Bybit V5 documentation, state of mid-2026. REST and stream rows of one thing differ in a few fields.
"""

from typing import Any

from quintet.sandbox.clockwork import open_interest, predicted_rate
from quintet.sandbox.instruments import BUY, Instrument
from quintet.sandbox.margin import (
    AccountMargin,
    account_margin,
    bankruptcy_price,
    liquidation_price,
    position_margin,
    sign_of,
)
from quintet.sandbox.money import ONE, padded, plain
from quintet.sandbox.orders import Order
from quintet.sandbox.state import Account, ClosedPnl, Execution, LogEntry, Market, Position, Trade
from quintet.sandbox.stops import stop_of
from quintet.sandbox.venue import Venue

Row = dict[str, Any]
SIDE = {1: "Buy", -1: "Sell", 0: ""}


def _price(instrument: Instrument, price: int, absent: str = "") -> str:
    return instrument.price_text(price) if price else absent


def _ratio(part: int, whole: int, decimals: int = 4) -> str:
    return padded(part * 10**decimals // whole, decimals) if whole else "0"


def average_price(instrument: Instrument, value: int, lots: int) -> int:
    """Quanta per base coin of a value over lots."""
    return value * instrument.lots_per_unit // lots if lots else 0


# ---- orders and executions ----


def order_row(market: Market, order: Order, *, stream: bool = False) -> Row:
    """An order. `tpslMode` and `createType` are absent on spot: clients tell the products apart by that."""
    instrument = market.instrument
    plan = order.stops
    fee_coin = next(iter(order.fees), "")
    row: Row = {
        "orderId": order.order_id,
        "orderLinkId": order.link_id,
        "parentOrderLinkId": order.parent_link,
        "blockTradeId": "",
        "symbol": instrument.symbol,
        "price": _price(instrument, order.price, "0"),
        "qty": plain(order.budget) if order.budget else instrument.lots_text(order.lots),
        "side": SIDE[order.sign],
        "isLeverage": "0" if instrument.is_spot else "",
        "positionIdx": order.position_index,
        "orderStatus": order.status,
        "cancelType": order.cancel_type,
        "rejectReason": order.reject_reason,
        "avgPrice": plain(average_price(instrument, order.value, order.filled)) if order.filled else "",
        "leavesQty": instrument.lots_text(order.left),
        "leavesValue": plain(instrument.value(order.price, order.left)),
        "cumExecQty": instrument.lots_text(order.filled),
        "cumExecValue": plain(order.value),
        "cumExecFee": plain(sum(order.fees.values())),
        "closedPnl": plain(order.closed_pnl),
        "timeInForce": order.time_in_force,
        "orderType": "Market" if order.is_market else "Limit",
        "stopOrderType": order.stop_kind,
        "orderIv": "",
        "marketUnit": "quoteCoin" if order.budget else "baseCoin" if instrument.is_spot and order.is_market else "",
        "triggerPrice": _price(instrument, order.trigger_price),
        "takeProfit": _price(instrument, plan.take_profit),
        "stopLoss": _price(instrument, plan.stop_loss),
        "ocoTriggerBy": _pair_trigger(order),
        "tpLimitPrice": _price(instrument, plan.take_profit_limit),
        "slLimitPrice": _price(instrument, plan.stop_loss_limit),
        "tpTriggerBy": plan.take_profit_by if plan.take_profit else "",
        "slTriggerBy": plan.stop_loss_by if plan.stop_loss else "",
        "triggerDirection": order.trigger_direction,
        "triggerBy": order.trigger_by if order.trigger_price else "",
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": order.close_on_trigger,
        "placeType": "",
        "smpType": order.self_match,
        "smpGroup": 0,
        "smpOrderId": order.self_match_order,
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
        "extraFees": "",
        "cumFeeDetail": {coin: plain(fee) for coin, fee in order.fees.items()},
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }
    last = _price(instrument, order.last_price_on_created)
    row["lastPriceOnCreated"] = last  # strict clients want it on spot too, beside the spot's own name for it
    if instrument.is_spot:
        row["basePrice"] = last
    else:
        partial = plan.partial or order.stop_kind.startswith("Partial")
        row |= {
            "createType": order.create_type,
            "tpslMode": "Partial" if partial else "Full" if order.follows_position or not plan.is_empty else "",
        }
    if stream:
        received = instrument.quote if not instrument.is_spot or order.sign != BUY else instrument.base
        row |= {"category": instrument.category, "feeCurrency": fee_coin or received}
    return row


def _pair_trigger(order: Order) -> str:
    """Which of a pair of spot stops has fired."""
    if order.stop_kind != "OcoOrder":
        return ""
    if order.status in ("Untriggered", "Deactivated"):
        return "OcoTriggerByUnknown"
    return "OcoTriggerByTp" if order.create_type == "CreateByTakeProfit" else "OcoTriggerBySl"


def execution_row(market: Market, found: Execution, *, stream: bool = False) -> Row:
    """A fill, a funding payment or a takeover."""
    instrument = market.instrument
    row: Row = {
        "symbol": instrument.symbol,
        "orderId": found.order_id,
        "orderLinkId": found.link_id,
        "side": SIDE[found.sign],
        "orderPrice": _price(instrument, found.order_price, "0"),
        "orderQty": instrument.lots_text(found.order_lots),
        "leavesQty": instrument.lots_text(found.left),
        "orderType": found.order_type,
        "stopOrderType": found.stop_kind,
        "execFee": plain(found.fee),
        "execId": found.exec_id,
        "execPrice": _price(instrument, found.price, "0"),
        "execQty": instrument.lots_text(found.lots),
        "execType": found.kind,
        "execValue": plain(found.value),
        "execTime": str(found.ms),
        "feeCurrency": found.fee_coin,
        "isMaker": found.is_maker,
        "feeRate": plain(found.rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": _price(instrument, found.mark),
        "indexPrice": _price(instrument, found.index),
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": instrument.lots_text(found.closed_lots) if found.closed_lots else "0",
        "seq": found.seq,
        "isLeverage": "0",
        "extraFees": "",
    }
    if not instrument.is_spot:
        row["createType"] = found.create_type
    if stream:
        row |= {"category": instrument.category, "execPnl": plain(found.pnl), "marketUnit": ""}
    return row


def fast_execution_row(market: Market, found: Execution) -> Row:
    """The short row of `execution.fast`; a maker's own order name is left out."""
    instrument = market.instrument
    return {
        "category": instrument.category,
        "symbol": instrument.symbol,
        "execId": found.exec_id,
        "execPrice": _price(instrument, found.price),
        "execQty": instrument.lots_text(found.lots),
        "orderId": found.order_id,
        "isMaker": found.is_maker,
        "orderLinkId": "" if found.is_maker else found.link_id,
        "side": SIDE[found.sign],
        "execTime": str(found.ms),
        "seq": found.seq,
    }


# ---- positions and balances ----


def position_row(venue: Venue, account: Account, position: Position, *, stream: bool = False) -> Row:
    """A position, flat ones with side "" and size 0."""
    market = venue.state.markets[position.key]
    instrument = market.instrument
    margin = position_margin(account, market, position)
    leverage = account.leverage_of(position.key)
    lots = abs(position.lots)
    tier = instrument.tier_of(abs(position.cost))
    liquidation = liquidation_price(venue, account, position) if lots else 0
    bust = bankruptcy_price(account, market, position) if lots and account.isolated else 0
    stops = {kind: stop_of(venue, position, kind) for kind in ("TakeProfit", "StopLoss", "TrailingStop")}
    take, stop, trailing = stops.values()
    entry = plain(average_price(instrument, abs(position.cost), lots))
    row: Row = {
        "positionIdx": position.index,
        "riskId": tier.number,
        "riskLimitValue": plain(tier.value_max),
        "symbol": instrument.symbol,
        "side": SIDE[sign_of(position.lots)],
        "size": instrument.lots_text(lots) if lots else "0",
        "entryPrice" if stream else "avgPrice": entry,
        "positionValue": plain(abs(position.cost)),
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2 if lots else 0,
        "leverage": plain(leverage * ONE // 100),
        "breakEvenPrice": _break_even(instrument, position),
        "positionBalance": plain(margin.balance),
        "markPrice": _price(instrument, market.mark, "0"),
        "liqPrice": _price(instrument, liquidation),
        "bustPrice": _price(instrument, bust),
        "positionMM": plain(margin.maintenance),
        "positionMMByMp": plain(margin.maintenance),
        "positionIM": plain(margin.initial),
        "positionIMByMp": plain(margin.initial),
        "tpslMode": "Full",
        "takeProfit": _price(instrument, take.trigger_price) if take else "",
        "stopLoss": _price(instrument, stop.trigger_price) if stop else "",
        "trailingStop": _price(instrument, trailing.trail) if trailing else "0",
        "unrealisedPnl": plain(margin.unrealised),
        "curRealisedPnl": plain(position.realised),
        "cumRealisedPnl": plain(position.realised_ever),
        "sessionAvgPrice": "",
        "seq": position.seq,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(position.created_ms),
        "updatedTime": str(position.updated_ms),
        "openTime": position.opened_ms,
    }
    if stream:
        row["category"] = instrument.category
    return row


def _break_even(instrument: Instrument, position: Position) -> str:
    lots, sign = abs(position.lots), sign_of(position.lots)
    if not lots:
        return ""
    cost = position.cost - position.realised
    return _price(
        instrument, abs(cost) * ONE // (ONE - sign * instrument.taker_rate) * instrument.lots_per_unit // lots
    )


def usd_price(venue: Venue, coin: str) -> int:
    """What a coin is worth in USD: the stable coin one, others the index of their pair, 0 when nobody knows."""
    if coin in ("USDT", "USDC", "USD"):
        return ONE
    market = venue.state.markets.get(f"spot:{coin}USDT") or venue.state.markets.get(f"linear:{coin}USDT")
    return (market.index or market.last) if market is not None else 0


def wallet_row(venue: Venue, account: Account, coins: list[str]) -> Row:
    """The ACC object: totals in USD, and a row for each coin that was asked for or is held."""
    wanted = coins or [coin for coin, amount in account.coins.items() if amount]
    rows, equity, wallet = [], 0, 0
    margin = account_margin(venue, account, "USDT")
    for coin in wanted:
        rows.append(_coin_row(venue, account, coin, margin if coin == "USDT" else None))
    for coin, amount in account.coins.items():
        held = amount + (margin.unrealised if coin == "USDT" else 0)
        equity += held * usd_price(venue, coin) // ONE
        wallet += amount * usd_price(venue, coin) // ONE
    initial = margin.position_initial + margin.order_initial
    balance = margin.equity - margin.locked
    return {
        "accountType": "UNIFIED",
        "accountIMRate": "" if account.isolated else _ratio(initial, balance),
        "accountMMRate": "" if account.isolated else _ratio(margin.maintenance, balance),
        "accountIMRateByMp": "" if account.isolated else _ratio(initial, balance),
        "accountMMRateByMp": "" if account.isolated else _ratio(margin.maintenance, balance),
        "totalEquity": plain(equity),
        "totalWalletBalance": plain(wallet),
        "totalMarginBalance": plain(balance),
        "totalAvailableBalance": plain(max(0, margin.available)),
        "totalPerpUPL": plain(margin.unrealised),
        "totalInitialMargin": plain(initial),
        "totalMaintenanceMargin": plain(margin.maintenance),
        "totalInitialMarginByMp": plain(initial),
        "totalMaintenanceMarginByMp": plain(margin.maintenance),
        "accountLTV": "0",
        "coin": rows,
    }


def _coin_row(venue: Venue, account: Account, coin: str, margin: AccountMargin | None) -> Row:
    held = account.coins.get(coin, 0)
    unrealised = margin.unrealised if margin is not None else 0
    return {
        "coin": coin,
        "equity": plain(held + unrealised),
        "usdValue": plain((held + unrealised) * usd_price(venue, coin) // ONE),
        "walletBalance": plain(held),
        "locked": plain(account.locked.get(coin, 0)),
        "free": "",
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "totalOrderIM": plain(margin.order_initial) if margin is not None else "0",
        "totalPositionIM": plain(margin.position_initial) if margin is not None else "0",
        "totalPositionMM": plain(margin.maintenance) if margin is not None else "0",
        "unrealisedPnl": plain(unrealised),
        "cumRealisedPnl": plain(account.realised_ever.get(coin, 0)),
        "bonus": "0",
        "collateralSwitch": margin is not None,
        "marginCollateral": margin is not None,
        "availableToWithdraw": plain(margin.spendable if margin is not None else held - account.locked.get(coin, 0)),
        "availableToBorrow": "",
        "spotBorrow": "0",
    }


def log_row(market: Market | None, entry: LogEntry) -> Row:
    """A line of the transaction log."""
    instrument = market.instrument if market is not None else None
    lots_text = instrument.lots_text if instrument is not None else str
    return {
        "id": entry.entry_id,
        "symbol": instrument.symbol if instrument is not None else "",
        "category": instrument.category if instrument is not None else "",
        "side": SIDE[entry.sign] or "None",
        "transactionTime": str(entry.ms),
        "type": entry.kind,
        "transSubType": "",
        "qty": lots_text(entry.lots),
        "size": lots_text(entry.position_lots),
        "currency": entry.coin,
        "tradePrice": instrument.price_text(entry.price) if instrument is not None and entry.price else "",
        "funding": plain(entry.funding) if entry.kind == "SETTLEMENT" else "",
        "fee": plain(entry.fee),
        "cashFlow": plain(entry.cash_flow),
        "change": plain(entry.change),
        "cashBalance": plain(entry.balance),
        "feeRate": plain(entry.rate) if entry.rate else "",
        "bonusChange": "",
        "tradeId": entry.trade_id,
        "orderId": entry.order_id,
        "orderLinkId": entry.link_id,
        "extraFees": "",
    }


def closed_pnl_row(market: Market, found: ClosedPnl) -> Row:
    """A closing fill; the side is the closing order's."""
    instrument = market.instrument
    return {
        "symbol": instrument.symbol,
        "orderId": found.order_id,
        "side": SIDE[found.sign],
        "qty": instrument.lots_text(found.order_lots),
        "orderPrice": _price(instrument, found.order_price, "0"),
        "orderType": "Market" if found.is_market else "Limit",
        "execType": found.exec_kind,
        "closedSize": instrument.lots_text(found.lots),
        "cumEntryValue": plain(found.entry_value),
        "avgEntryPrice": plain(average_price(instrument, found.entry_value, found.lots)),
        "cumExitValue": plain(found.exit_value),
        "avgExitPrice": plain(average_price(instrument, found.exit_value, found.lots)),
        "closedPnl": plain(found.pnl),
        "fillCount": "1",
        "leverage": plain(found.leverage * ONE // 100),
        "openFee": plain(found.open_fee),
        "closeFee": plain(found.close_fee),
        "createdTime": str(found.created_ms),
        "updatedTime": str(found.updated_ms),
    }


# ---- market ----


def instrument_row(instrument: Instrument) -> Row:
    """An instrument's filters, with the deprecated fields that strict clients still want."""
    lots = instrument.lots_text
    common: Row = {
        "symbol": instrument.symbol,
        "symbolId": instrument.number,
        "status": instrument.status,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "riskParameters": {
            "priceLimitRatioX": plain(instrument.price_ratio_x),
            "priceLimitRatioY": plain(instrument.price_ratio_y),
        },
        "symbolType": "",
    }
    tick = instrument.price_text(instrument.tick)
    if instrument.is_spot:
        step = lots(1)
        return common | {
            "innovation": "0",
            "marginTrading": "utaOnly",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": step,
                "quotePrecision": padded(1, instrument.quote_decimals),
                "minOrderQty": lots(instrument.min_lots),
                "maxOrderQty": lots(instrument.max_limit_lots),
                "minOrderAmt": plain(instrument.min_value),
                "maxOrderAmt": "8000000",
                "maxLimitOrderQty": lots(instrument.max_limit_lots),
                "maxMarketOrderQty": lots(instrument.max_market_lots),
                "postOnlyMaxLimitOrderSize": lots(instrument.max_limit_lots),
            },
            "priceFilter": {"tickSize": tick},
        }
    return common | {
        "contractType": "LinearPerpetual",
        "settleCoin": instrument.quote,
        "launchTime": str(instrument.launch_ms),
        "deliveryTime": str(instrument.delivery_ms),
        "deliveryFeeRate": "",
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": padded(instrument.leverage_max, 2),
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": instrument.price_text(instrument.price_min),
            "maxPrice": instrument.price_text(instrument.price_max),
            "tickSize": tick,
        },
        "lotSizeFilter": {
            "maxOrderQty": lots(instrument.max_limit_lots),
            "minOrderQty": lots(instrument.min_lots),
            "qtyStep": lots(1),
            "postOnlyMaxOrderQty": lots(instrument.max_limit_lots),
            "maxMktOrderQty": lots(instrument.max_market_lots),
            "minNotionalValue": plain(instrument.min_value),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": instrument.funding_minutes,
        "copyTrading": "both",
        "upperFundingRate": plain(instrument.funding_cap),
        "lowerFundingRate": plain(-instrument.funding_cap),
        "isPreListing": False,
        "preListingInfo": None,
        "displayName": "",
    }


def trade_row(instrument: Instrument, trade: Trade) -> Row:
    """A public trade over REST; `side` is the taker's."""
    return {
        "execId": trade.trade_id,
        "symbol": instrument.symbol,
        "price": instrument.price_text(trade.price),
        "size": instrument.lots_text(trade.lots),
        "side": SIDE[trade.sign],
        "time": str(trade.ms),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(trade.seq),
    }


def trade_print(instrument: Instrument, trade: Trade) -> Row:
    """A public trade on the stream; contracts say which way the price went."""
    row: Row = {
        "T": trade.ms,
        "s": instrument.symbol,
        "S": SIDE[trade.sign],
        "v": instrument.lots_text(trade.lots),
        "p": instrument.price_text(trade.price),
        "i": trade.trade_id,
        "BT": False,
        "RPI": False,
        "seq": trade.seq,
    }
    return row if instrument.is_spot else row | {"L": trade.tick_direction}


def risk_rows(instrument: Instrument) -> list[Row]:
    """The tiers of a contract."""
    return [
        {
            "id": tier.number,
            "symbol": instrument.symbol,
            "riskLimitValue": plain(tier.value_max),
            "maintenanceMargin": plain(tier.maintenance_rate),
            "initialMargin": plain(tier.initial_rate),
            "isLowestRisk": int(tier.number == 1),
            "maxLeverage": padded(tier.leverage_max, 2),
            "mmDeduction": plain(tier.deduction) if tier.deduction else "",
        }
        for tier in instrument.tiers
    ]


def ticker_row(venue: Venue, key: str, day: tuple[int, int, int, int, int], hour_ago: int) -> Row:
    """The ticker over REST; spot rows never have open interest, contract rows always do."""
    market = venue.state.markets[key]
    instrument, book = market.instrument, venue.books[key]
    price, lots = instrument.price_text, instrument.lots_text
    before, high, low, volume, turnover = day
    bid, ask = book.bids.best, book.asks.best
    row: Row = {
        "symbol": instrument.symbol,
        "bid1Price": _price(instrument, bid),
        "bid1Size": lots(book.bids.lots_at(bid)) if bid else "",
        "ask1Price": _price(instrument, ask),
        "ask1Size": lots(book.asks.lots_at(ask)) if ask else "",
        "lastPrice": price(market.last),
        "prevPrice24h": price(before),
        "price24hPcnt": _ratio(market.last - before, before, 6),
        "highPrice24h": price(high),
        "lowPrice24h": price(low),
        "turnover24h": plain(turnover),
        "volume24h": lots(volume),
    }
    if instrument.is_spot:
        return row | {"usdIndexPrice": price(market.index)}
    interest = open_interest(venue, key)
    value = plain(instrument.value(market.mark, interest))
    return row | {
        "indexPrice": price(market.index),
        "markPrice": price(market.mark),
        "prevPrice1h": price(hour_ago),
        "openInterest": lots(interest),
        "openInterestValue": value,
        "singleOpenInterest": lots(interest),
        "singleOpenInterestValue": value,
        "fundingRate": plain(predicted_rate(market)),
        "nextFundingTime": str(market.next_funding_ms),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "basis": "",
        "deliveryFeeRate": "",
        "deliveryTime": str(instrument.delivery_ms),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
        "fundingIntervalHour": str(instrument.funding_minutes // 60),
        "fundingCap": plain(instrument.funding_cap),
        "basisRateYear": "",
    }
