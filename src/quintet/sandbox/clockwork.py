"""What time does: index and mark are formed, the premium is sampled, funding is charged at the venue's times.

Assumption: without an index from outside, the mid of the spot book of that symbol is the index (its own mid where there
is no spot). Assumption: the impact prices of the funding premium are the best bid and ask.
"""

from quintet.sandbox.candle_series import MINUTE_MS, MINUTES_KEPT
from quintet.sandbox.happenings import PositionChanged, PriceChanged
from quintet.sandbox.ledger import move
from quintet.sandbox.margin import sign_of
from quintet.sandbox.money import ONE, div_up
from quintet.sandbox.settlement import book_execution
from quintet.sandbox.state import (
    FEES,
    MARKET,
    Account,
    Execution,
    Funding,
    LogEntry,
    Market,
    Position,
    key_of,
)
from quintet.sandbox.venue import Venue

INTEREST_8H = 10_000
CLAMP = 50_000
HOUR_MS = 3_600_000
BASIS_SAMPLES = 300
INTEREST_EVERY_MS = 5 * MINUTE_MS


def reprice(venue: Venue, key: str) -> None:
    """Form index and mark anew: mark is the median of index with funding, index with the average basis, and last."""
    market = venue.state.markets[key]
    instrument = market.instrument
    before = market.index, market.mark
    spot = venue.books.get(key_of("spot", instrument.symbol))
    own = venue.books[key].mid
    index = market.index_given or (spot.mid if spot is not None else 0) or own or market.last
    market.index = index - index % instrument.tick
    if market.mark_given or not index:
        market.mark = market.mark_given
    elif instrument.is_spot:
        market.mark = market.index
    else:
        hours_ms = max(0, market.next_funding_ms - venue.now_ms)
        first = index + index * market.funding_rate * hours_ms // (8 * HOUR_MS * ONE)
        basis = sum(market.basis) // len(market.basis) if market.basis else 0
        mark = sorted((first, index + basis, market.last or own or index))[1]
        market.mark = mark - mark % instrument.tick
    if (market.index, market.mark) != before:
        venue.touched[key] = None
        venue.tell(PriceChanged(key))


def sample(venue: Venue, key: str) -> None:
    """Once a second: the basis and the premium of the mid, and the candles of mark and index."""
    market = venue.state.markets[key]
    reprice(venue, key)
    if not market.index:
        return
    mid = venue.books[key].mid or market.last or market.index
    market.basis.append(mid - market.index)
    market.premium.append(mid - (market.index if market.instrument.is_spot else market.mark))
    for samples in (market.basis, market.premium):
        if len(samples) > BASIS_SAMPLES:
            del samples[:-BASIS_SAMPLES]
    market.mark_candles.add(venue.now_ms, market.mark)
    market.index_candles.add(venue.now_ms, market.index)
    if market.instrument.is_spot:
        return
    market.premium_candles.add(venue.now_ms, _premium(venue, key, market))
    if venue.now_ms % MINUTE_MS < 1000:
        _sample_premium(venue, key, market)
    if venue.now_ms % INTEREST_EVERY_MS < 1000:
        market.interest.append((venue.now_ms, open_interest(venue, key)))
        del market.interest[:-MINUTES_KEPT]
    _charge_when_due(venue, key, market)


def open_interest(venue: Venue, key: str) -> int:
    """Lots that are open, counted once for both sides."""
    return (
        sum(
            abs(position.lots)
            for account in venue.state.accounts.values()
            for position in account.positions.get(key, {}).values()
        )
        // 2
    )


def _premium(venue: Venue, key: str, market: Market) -> int:
    """How far the impact prices are beyond the index, in parts of 1e8 of it."""
    book = venue.books[key]
    bid, ask = book.bids.best, book.asks.best
    if not (bid and ask):
        return 0
    return (max(0, bid - market.index) - max(0, market.index - ask)) * ONE // market.index


def _sample_premium(venue: Venue, key: str, market: Market) -> None:
    """The minute's premium with the next weight, and the rate as it stands now."""
    market.premium_weight += 1
    market.premium_sum += _premium(venue, key, market) * market.premium_weight
    market.funding_rate = predicted_rate(market)


def predicted_rate(market: Market) -> int:
    """The rate of the coming funding in parts of 1e8, from the premium so far or as it was set from outside."""
    if market.funding_given is not None:
        return market.funding_given
    weights = market.premium_weight * (market.premium_weight + 1) // 2
    premium = market.premium_sum // weights if weights else 0
    interest = INTEREST_8H * market.instrument.funding_minutes // 480
    rate = premium + min(max(interest - premium, -CLAMP), CLAMP)
    cap = market.instrument.funding_cap
    return min(max(rate, -cap), cap)


def _charge_when_due(venue: Venue, key: str, market: Market) -> None:
    interval = market.instrument.funding_minutes * MINUTE_MS
    if not market.next_funding_ms:
        market.next_funding_ms = venue.now_ms - venue.now_ms % interval + interval
    if venue.now_ms < market.next_funding_ms:
        return
    rate = predicted_rate(market)
    market.fundings.append(Funding(market.next_funding_ms, rate))
    market.next_funding_ms = venue.now_ms - venue.now_ms % interval + interval
    market.premium_sum = market.premium_weight = 0
    market.funding_given = None
    for account in venue.state.accounts.values():
        for position in account.positions_of(key):
            if position.lots:
                _charge(venue, account, market, position, rate)
    venue.tell(PriceChanged(key))


def _charge(venue: Venue, account: Account, market: Market, position: Position, rate: int) -> None:
    """One position pays (or is paid) value x rate; payers round up, receivers down, the house keeps the rest."""
    instrument, coin = market.instrument, market.instrument.quote
    sign, lots = sign_of(position.lots), abs(position.lots)
    value = instrument.value(market.mark, lots)
    paid = div_up(sign * value * rate, ONE)
    move(venue.state, coin, account.uid, FEES, paid)
    position.realised -= paid
    position.realised_ever -= paid
    position.updated_ms = venue.now_ms
    if account.uid == MARKET:
        return
    execution = Execution(
        exec_id=venue.new_id(),
        order_id=venue.new_id(),
        link_id="",
        uid=account.uid,
        key=position.key,
        sign=sign,
        price=market.mark,
        lots=lots,
        value=value,
        fee=paid,
        fee_coin=coin,
        rate=rate,
        is_maker=False,
        ms=venue.now_ms,
        kind="Funding",
        seq=venue.next_seq(),
        order_lots=lots,
        mark=market.mark,
        index=market.index,
    )
    book_execution(venue, execution)
    venue.tell(PositionChanged(account.uid, position.key, position.index))
    account.log.append(
        LogEntry(
            entry_id=str(venue.number()),
            uid=account.uid,
            key=position.key,
            sign=sign,
            ms=venue.now_ms,
            kind="SETTLEMENT",
            coin=coin,
            change=-paid,
            balance=account.coins.get(coin, 0),
            funding=-paid,
            rate=rate,
            lots=position.lots,
            position_lots=position.lots,
            price=market.mark,
            trade_id=execution.exec_id,
            order_id=execution.order_id,
        )
    )
